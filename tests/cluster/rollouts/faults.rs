//! Workloads that are missing, fail or must not be touched; kills between two writes, and lost ones.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::api::{Patch, PatchParams};
use lakevault::vault_secret_sync::rollout::api::WorkloadKind::{Deployment, StatefulSet};
use lakevault::vault_secret_sync::rollout::api::{RolloutStatus, WorkloadState};
use serde_json::{Value, json};
use testbed::metrics;

use super::stage::{make, workloads};
use crate::kit::{Kit, World, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        what_is_missing_is_told_and_not_restarted_when_it_comes,
        one_that_fails_does_not_keep_the_other,
        what_a_webhook_refuses_is_told,
        kills_lost_writes_and_missing_rights_restart_once
    ]
}

async fn what_is_missing_is_told_and_not_restarted_when_it_comes(kit: Kit) -> Result<()> {
    let entries = json!([
        {"kind": "Deployment", "name": "api"}, {"kind": "StatefulSet", "matchLabels": {"reads": "secret"}}
    ]);
    kit.rolling("app", entries).await?;
    kit.rotate("app").await?;
    let message = kit
        .says("app", "RolledOut", "False", "WorkloadNotFound")
        .await?;
    teaches(
        &message,
        &["Deployment api", "StatefulSet reads=secret", "spec.rollout"],
    )?;
    make(&kit, Deployment, "api", json!({})).await?;
    make(&kit, StatefulSet, "db", json!({})).await?;
    let labels = json!({"metadata": {"labels": {"reads": "secret"}}});
    kit.change(StatefulSet, "db", labels).await?;
    kit.look("app").await?;
    kit.says("app", "RolledOut", "True", "RolledOut").await?;
    ensure!(kit.patches(Deployment)? + kit.patches(StatefulSet)? == 0);
    let events = kit.events("app").await?;
    ensure!(
        events == ["WorkloadNotFound Warning", "RolledOut Normal"],
        "{events:?}"
    );
    Ok(())
}

async fn one_that_fails_does_not_keep_the_other(kit: Kit) -> Result<()> {
    make(&kit, Deployment, "api", json!({})).await?;
    make(&kit, StatefulSet, "db", json!({})).await?;
    let both =
        json!([{"kind": "Deployment", "name": "api"}, {"kind": "StatefulSet", "name": "db"}]);
    kit.rolling("app", both).await?;
    kit.rotate("app").await?;
    kit.pods_are_new(StatefulSet, "db").await?;
    let exceeded = json!({
        "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
        "message": "ReplicaSet \"api-7\" has timed out progressing."
    });
    kit.controller_says(Deployment, "api", json!({"conditions": [exceeded]}))
        .await?;
    let message = kit
        .says("app", "RolledOut", "False", "RolloutFailed")
        .await?;
    teaches(
        &message,
        &["Deployment api", "api-7", "timed out progressing"],
    )?;
    kit.status_when("app", "the other one is done", |status| {
        let rows = status.rollout.iter().flat_map(|rollout| &rollout.workloads);
        rows.filter(|row| row.state == WorkloadState::RolledOut)
            .any(|row| row.name == "db")
    })
    .await?;
    kit.is_synced("app").await?;
    // Its owner mends it.
    kit.pods_mended(Deployment, "api").await?;
    kit.look("app").await?;
    kit.says("app", "RolledOut", "True", "RolledOut").await?;
    ensure!(kit.patches(Deployment)? == 1 && kit.patches(StatefulSet)? == 1);
    Ok(())
}

/// A policy of the API server stands for the webhook: it refuses in the same way.
async fn what_a_webhook_refuses_is_told(kit: Kit) -> Result<()> {
    make(&kit, Deployment, "api", json!({})).await?;
    kit.rolling("app", json!([{"kind": "Deployment", "name": "api"}]))
        .await?;
    let name = kit.namespace.clone();
    let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]});
    let frozen = json!({"expression": "false", "message": "this namespace is frozen"});
    kit.apply(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]}, "validations": [frozen]}
    }))
    .await?;
    let selector =
        json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}});
    kit.apply(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": selector}
    }))
    .await?;
    kit.is_frozen(Deployment, "api", true).await?;
    kit.rotate("app").await?;
    let message = kit
        .says("app", "RolledOut", "False", "WorkloadRefused")
        .await?;
    teaches(&message, &["Deployment api", "this namespace is frozen"])?;
    let kubectl = kit.world.control_plane.kubectl();
    for kind in [
        "validatingadmissionpolicybinding",
        "validatingadmissionpolicy",
    ] {
        kubectl.run(["delete", kind, &name]).await?;
    }
    kit.is_frozen(Deployment, "api", false).await?;
    kit.look("app").await?;
    kit.pods_are_new(Deployment, "api").await?;
    kit.look("app").await?;
    kit.says("app", "RolledOut", "True", "RolledOut")
        .await
        .map(drop)
}

async fn kills_lost_writes_and_missing_rights_restart_once(_: Kit) -> Result<()> {
    let world = Arc::new(World::with("rollouts", &[]).await?);
    let mut kit = Kit::new(world, "rollouts").await?;
    make(&kit, Deployment, "api", json!({})).await?;
    kit.rolling("app", json!([{"kind": "Deployment", "name": "api"}]))
        .await?;
    let before = rollout(&kit).await?;
    kit.rotate("app").await?;
    kit.pods_are_new(Deployment, "api").await?;
    kit.says("app", "RolledOut", "True", "RolledOut").await?;
    let after = rollout(&kit).await?;

    // The status was lost: what was patched is known by its annotation.
    kill(&mut kit).await?;
    set(&kit, &before).await?;
    start(&mut kit).await?;
    restarted_to(&kit, &after.digest).await?;
    ensure!(
        kit.patches(Deployment)? == 1,
        "a lost status restarts again"
    );

    // The Secret was written, and nothing after it.
    kill(&mut kit).await?;
    set(&kit, &before).await?;
    let annotation = json!({"rollout.lakevault.dev/app": null});
    let undone = json!({"spec": {"template": {"metadata": {"annotations": annotation}}}});
    kit.change(Deployment, "api", undone).await?;
    start(&mut kit).await?;
    restarted_to(&kit, &after.digest).await?;
    ensure!(kit.patches(Deployment)? == 2, "a change was lost by a kill");

    a_plain_restart_asks_for_no_workload(&mut kit).await?;
    missing_rights_are_told_and_mended(&kit).await
}

fn world(kit: &mut Kit) -> Result<&mut World> {
    Arc::get_mut(&mut kit.world).context("the world is shared")
}

async fn kill(kit: &mut Kit) -> Result<()> {
    world(kit)?.operator.kill9().await.map(drop)
}

async fn start(kit: &mut Kit) -> Result<()> {
    world(kit)?.operator.restart().await
}

async fn rollout(kit: &Kit) -> Result<RolloutStatus> {
    let status = kit.syncs().get("app").await?.status.unwrap_or_default();
    status.rollout.context("no status.rollout")
}

/// The status as it was before a write that was lost.
async fn set(kit: &Kit, rollout: &RolloutStatus) -> Result<()> {
    let mut value = serde_json::to_value(rollout)?;
    for gone in ["started", "workloads"] {
        if value[gone].is_null() {
            value[gone] = Value::Null;
        }
    }
    let patch = Patch::Merge(json!({"status": {"rollout": value}}));
    let params = PatchParams::default();
    kit.syncs().patch_status("app", &params, &patch).await?;
    Ok(())
}

async fn restarted_to(kit: &Kit, digest: &str) -> Result<()> {
    kit.status_when("app", "the change was acted upon", |status| {
        status
            .rollout
            .as_ref()
            .is_some_and(|rollout| rollout.digest == digest && !rollout.workloads.is_empty())
    })
    .await?;
    ensure!(kit.annotation(Deployment, "api").await?.as_deref() == Some(digest));
    Ok(())
}

async fn a_plain_restart_asks_for_no_workload(kit: &mut Kit) -> Result<()> {
    kit.pods_mended(Deployment, "api").await?;
    kit.look("app").await?;
    kit.says("app", "RolledOut", "True", "RolledOut").await?;
    let calls = kit.calls(Deployment)?.len();
    let operator = &mut world(kit)?.operator;
    operator.terminate(Duration::from_secs(10)).await?;
    start(kit).await?;
    kit.look("app").await?;
    ensure!(
        kit.calls(Deployment)?.len() == calls,
        "a restart asked for workloads"
    );
    Ok(())
}

async fn missing_rights_are_told_and_mended(kit: &Kit) -> Result<()> {
    let kubectl = kit.world.control_plane.kubectl();
    let role = kubectl
        .run(["get", "clusterrole", "lakevault", "-o", "json"])
        .await?;
    let mut less: Value = serde_json::from_str(&role)?;
    let rules = less["rules"].as_array_mut().context("no rules")?;
    for rule in rules
        .iter_mut()
        .filter(|rule| rule["apiGroups"] == json!(["apps"]))
    {
        rule["verbs"] = json!(["get", "list"]);
    }
    let patch = json!({"rules": less["rules"]}).to_string();
    let line = ["patch", "clusterrole", "lakevault", "--type", "merge", "-p"];
    kubectl
        .run(line.into_iter().chain([patch.as_str()]))
        .await?;
    let before = kit.patches(Deployment)?;
    kit.rotate("app").await?;
    let message = kit
        .says("app", "RolledOut", "False", "KubernetesForbidden")
        .await?;
    let words = [
        "may not patch",
        "Deployment",
        "get, list and patch",
        "deploy/rbac.yaml",
    ];
    teaches(&message, &words)?;
    kit.is_synced("app").await?;
    // It is tried again by itself once it may.
    let root = testbed::binaries::repository();
    kubectl.apply_dir(&root.join("deploy/rbac.yaml")).await?;
    kit.pods_are_new(Deployment, "api").await?;
    kit.says("app", "RolledOut", "True", "RolledOut").await?;
    ensure!(kit.patches(Deployment)? == before + 1);
    let text = kit.world.operator.metrics().await?;
    let count =
        |result: &str| metrics::sum(&text, "lakevault_rollouts_total", &[("result", result)]);
    ensure!(
        count("forbidden") >= 1.0 && count("restarted") >= 1.0 && count("completed") >= 1.0,
        "{text}"
    );
    let object = workloads(kit, Deployment).get("api").await?;
    ensure!(object.metadata.generation.is_some());
    Ok(())
}
