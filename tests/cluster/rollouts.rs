//! Workloads are restarted when what a Secret holds has changed. No controller of workloads runs here: what one would say of
//! its pods, the tests write into the status by hand.

mod faults;
mod stage;

use anyhow::{Context, Result, ensure};
use lakevault::vault_secret_sync::rollout::api::WorkloadKind::{
    self, DaemonSet, Deployment, Rollout, StatefulSet,
};
use serde_json::{Value, json};
use testbed::binaries;

use self::stage::{deployed, workloads};
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub use self::stage::{install_argo, make};

pub fn cases() -> Vec<Case> {
    let mut all = cases![
        a_first_sync_restarts_nothing_and_a_rotation_each_workload_once,
        attributes_repairs_and_looks_restart_nothing,
        a_key_that_comes_late_restarts_nothing_and_a_new_one_does,
        a_paused_one_is_restarted_when_it_is_resumed,
        labels_choose_and_a_partition_is_told,
        a_gap_is_kept_and_the_change_is_not_lost,
        argo_rollouts_are_restarted_and_read_by_their_phase,
        what_the_page_on_rollouts_shows_works
    ];
    all.extend(faults::cases());
    all
}

async fn a_first_sync_restarts_nothing_and_a_rotation_each_workload_once(kit: Kit) -> Result<()> {
    make(&kit, Deployment, "api", json!({})).await?;
    make(&kit, DaemonSet, "agent", json!({})).await?;
    let rollout =
        json!([{"kind": "Deployment", "name": "api"}, {"kind": "DaemonSet", "name": "agent"}]);
    kit.rolling("app", rollout).await?;
    kit.says("app", "RolledOut", "True", "NothingToRollOut")
        .await?;
    ensure!(
        kit.calls(Deployment)?.is_empty(),
        "a first sync asked for workloads"
    );
    kit.rotate("app").await?;
    let message = kit
        .says("app", "RolledOut", "Unknown", "RollingOut")
        .await?;
    teaches(&message, &["Deployment api", "DaemonSet agent"])?;
    kit.pods_are_new(Deployment, "api").await?;
    kit.pods_are_new(DaemonSet, "agent").await?;
    let message = kit.says("app", "RolledOut", "True", "RolledOut").await?;
    teaches(&message, &["Deployment api", "DaemonSet agent"])?;
    let first = kit.annotation(Deployment, "api").await?;
    // Once more, from there.
    kit.rotate("app").await?;
    kit.says("app", "RolledOut", "Unknown", "RollingOut")
        .await?;
    ensure!(kit.annotation(Deployment, "api").await? != first);
    for kind in [Deployment, DaemonSet] {
        ensure!(kit.patches(kind)? == 2, "{kind}: {:?}", kit.calls(kind)?);
    }
    Ok(())
}

async fn attributes_repairs_and_looks_restart_nothing(kit: Kit) -> Result<()> {
    make(&kit, Deployment, "api", json!({})).await?;
    kit.rolling("app", json!([{"kind": "Deployment", "name": "api"}]))
        .await?;
    let value = kit.rotate("app").await?;
    kit.pods_are_new(Deployment, "api").await?;
    kit.says("app", "RolledOut", "True", "RolledOut").await?;
    let calls = kit.calls(Deployment)?.len();
    let tags = json!({"tags": {"owner": "somebody"}});
    kit.admin().patch_secret(&kit.vault, "s", &tags).await?;
    kit.look("app").await?;
    kit.damage("app", json!({"stringData": {"K": "damaged"}}))
        .await?;
    kit.holds("app", &[("K", &value)]).await?;
    kit.look("app").await?;
    // The Secret is made anew, with what it held.
    let gone = kube::api::DeleteParams::default();
    kit.secrets().delete("app", &gone).await?;
    kit.holds_again("app", &value).await?;
    kit.look("app").await?;
    let after = kit.calls(Deployment)?;
    ensure!(
        after.len() == calls,
        "steady state costs calls: {:?}",
        after.get(calls..)
    );
    kit.says("app", "RolledOut", "True", "RolledOut")
        .await
        .map(drop)
}

async fn a_key_that_comes_late_restarts_nothing_and_a_new_one_does(kit: Kit) -> Result<()> {
    make(&kit, Deployment, "api", json!({})).await?;
    kit.make_identity().await?;
    kit.plant("s", "first").await?;
    let sync = kit.sync("app", &[("K", "s"), ("L", "late")], |spec| {
        spec["rollout"] = json!([{"kind": "Deployment", "name": "api"}]);
    });
    kit.apply(sync).await?;
    kit.says("app", "Ready", "False", "ObjectNotFound").await?;
    kit.plant("late", "first").await?;
    kit.look("app").await?;
    kit.says("app", "Ready", "True", "AllKeysPresent").await?;
    kit.says("app", "RolledOut", "True", "NothingToRollOut")
        .await?;
    let entry = json!({"key": "M", "secret": {"name": "s"}});
    let mut data: Vec<Value> = serde_json::from_value(json!([
        {"key": "K", "secret": {"name": "s"}}, {"key": "L", "secret": {"name": "late"}}
    ]))?;
    data.push(entry);
    kit.edit("app", json!({"spec": {"data": data}})).await?;
    kit.says("app", "RolledOut", "Unknown", "RollingOut")
        .await?;
    ensure!(kit.patches(Deployment)? == 1);
    Ok(())
}

async fn a_paused_one_is_restarted_when_it_is_resumed(kit: Kit) -> Result<()> {
    make(&kit, Deployment, "api", json!({"paused": true})).await?;
    kit.rolling("app", json!([{"kind": "Deployment", "name": "api"}]))
        .await?;
    kit.rotate("app").await?;
    let message = kit
        .says("app", "RolledOut", "Unknown", "RolloutPaused")
        .await?;
    teaches(
        &message,
        &["Deployment api", "rollout resume deployment/api"],
    )?;
    ensure!(kit.patches(Deployment)? == 0, "a paused one was changed");
    kit.change(Deployment, "api", json!({"spec": {"paused": false}}))
        .await?;
    kit.pods_are_new(Deployment, "api").await?;
    kit.says("app", "RolledOut", "True", "RolledOut").await?;
    ensure!(kit.patches(Deployment)? == 1);
    Ok(())
}

async fn labels_choose_and_a_partition_is_told(kit: Kit) -> Result<()> {
    let partition =
        json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}});
    make(&kit, StatefulSet, "db", partition).await?;
    make(
        &kit,
        StatefulSet,
        "by-hand",
        json!({"updateStrategy": {"type": "OnDelete"}}),
    )
    .await?;
    make(&kit, StatefulSet, "other", json!({})).await?;
    for name in ["db", "by-hand"] {
        let labels = json!({"metadata": {"labels": {"reads": "secret"}}});
        kit.change(StatefulSet, name, labels).await?;
    }
    kit.rolling(
        "app",
        json!([{"kind": "StatefulSet", "matchLabels": {"reads": "secret"}}]),
    )
    .await?;
    kit.rotate("app").await?;
    let message = kit
        .says("app", "RolledOut", "Unknown", "RolloutByHand")
        .await?;
    teaches(&message, &["StatefulSet by-hand", "OnDelete", "delete pod"])?;
    kit.pods_are_new(StatefulSet, "db").await?;
    kit.pods_are_new(StatefulSet, "by-hand").await?;
    kit.look("app").await?;
    let message = kit.says("app", "RolledOut", "True", "RolledOut").await?;
    teaches(&message, &["StatefulSet db", "partition 1"])?;
    let other = workloads(&kit, StatefulSet).get("other").await?;
    ensure!(other.metadata.generation == Some(1), "not meant: {other:?}");
    Ok(())
}

async fn a_gap_is_kept_and_the_change_is_not_lost(kit: Kit) -> Result<()> {
    make(&kit, Deployment, "api", json!({})).await?;
    let entry = json!([{"kind": "Deployment", "name": "api", "minGap": "1h"}]);
    kit.rolling("app", entry).await?;
    kit.rotate("app").await?;
    kit.pods_are_new(Deployment, "api").await?;
    kit.says("app", "RolledOut", "True", "RolledOut").await?;
    for _ in 0..2 {
        kit.rotate("app").await?;
        kit.says("app", "RolledOut", "Unknown", "RolloutDeferred")
            .await?;
    }
    ensure!(kit.patches(Deployment)? == 1, "the gap was not kept");
    let shorter = json!([{"kind": "Deployment", "name": "api", "minGap": "1s"}]);
    kit.edit("app", json!({"spec": {"rollout": shorter}}))
        .await?;
    kit.look("app").await?;
    kit.pods_are_new(Deployment, "api").await?;
    kit.says("app", "RolledOut", "True", "RolledOut").await?;
    ensure!(kit.patches(Deployment)? == 2, "two changes, one restart");
    Ok(())
}

async fn argo_rollouts_are_restarted_and_read_by_their_phase(kit: Kit) -> Result<()> {
    install_argo(&kit).await?;
    make(&kit, Rollout, "web", json!({})).await?;
    let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"});
    make(
        &kit,
        Rollout,
        "referring",
        json!({"workloadRef": reference, "template": null}),
    )
    .await?;
    let both =
        json!([{"kind": "Rollout", "name": "web"}, {"kind": "Rollout", "name": "referring"}]);
    kit.rolling("app", both).await?;
    kit.rotate("app").await?;
    let message = kit
        .says("app", "RolledOut", "False", "WorkloadRefused")
        .await?;
    teaches(
        &message,
        &["Rollout referring", "Deployment api", "workloadRef"],
    )?;
    kit.edit(
        "app",
        json!({"spec": {"rollout": [{"kind": "Rollout", "name": "web"}]}}),
    )
    .await?;
    kit.look("app").await?;
    kit.says("app", "RolledOut", "Unknown", "RollingOut")
        .await?;
    let degraded = json!({"phase": "Degraded", "message": "ProgressDeadlineExceeded: of web"});
    kit.controller_says(Rollout, "web", degraded).await?;
    kit.look("app").await?;
    let message = kit
        .says("app", "RolledOut", "False", "RolloutFailed")
        .await?;
    teaches(
        &message,
        &["Rollout web", "ProgressDeadlineExceeded: of web"],
    )?;
    kit.pods_are_new(Rollout, "web").await?;
    kit.look("app").await?;
    kit.says("app", "RolledOut", "True", "RolledOut").await?;
    ensure!(kit.patches(Rollout)? == 1, "{:?}", kit.calls(Rollout)?);
    Ok(())
}

/// The first example of the page, with this test's namespace and vault.
fn example(kit: &Kit) -> Result<Value> {
    let page = std::fs::read_to_string(binaries::repository().join("docs/rollouts.md"))?;
    let (_, rest) = page.split_once("```yaml\n").context("no example")?;
    let (text, _) = rest.split_once("\n```").context("no end")?;
    let mut sync: Value = serde_saphyr::from_str(text)?;
    sync["metadata"]["namespace"] = kit.namespace.as_str().into();
    sync["spec"]["vaultUri"] = kit.endpoints().vault_url(&kit.vault).into();
    sync["spec"]["identityRef"]["name"] = "main".into();
    Ok(sync)
}

async fn what_the_page_on_rollouts_shows_works(kit: Kit) -> Result<()> {
    make(&kit, Deployment, "api", json!({})).await?;
    make(&kit, StatefulSet, "db", json!({})).await?;
    let labels = json!({"metadata": {"labels": {"app": "payments"}}});
    kit.change(StatefulSet, "db", labels).await?;
    kit.make_identity().await?;
    kit.plant("db-password", "first").await?;
    kit.apply(example(&kit)?).await?;
    kit.says("payments", "RolledOut", "True", "NothingToRollOut")
        .await?;
    kit.plant("db-password", "second").await?;
    kit.look("payments").await?;
    let each: [(WorkloadKind, &str); 2] = [(Deployment, "api"), (StatefulSet, "db")];
    for (kind, name) in each {
        kit.pods_are_new(kind, name).await?;
        let annotations = deployed(&workloads(&kit, kind).get(name).await?);
        ensure!(
            annotations.get("rollout.lakevault.dev/payments").is_some(),
            "{kind} {name}: {annotations}"
        );
    }
    kit.says("payments", "RolledOut", "True", "RolledOut")
        .await
        .map(drop)
}
