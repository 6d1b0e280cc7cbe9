//! Beginnings and ends: the operator is started too early, killed, restarted and asked to end, and the API server restarts.
//!
//! These have a control plane and an operator of their own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{ListParams, PostParams};
use lakevault::vault_secret_sync::api::VaultSecretSync;
use serde_json::json;
use testbed::poll::{expect, seen};
use testbed::{
    ControlPlane, ControlPlaneOptions, Fault, FaultRule, Operator, OperatorOptions, Scratch,
    binaries, metrics, until,
};

use crate::kit::{Kit, SOON, World, condition, operator_kubeconfig};
use crate::leaks::holds_no_value;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        missing_definitions_are_named_and_waited_for,
        kills_restarts_and_an_end_lose_nothing
    ]
}

async fn missing_definitions_are_named_and_waited_for(_: Kit) -> Result<()> {
    let scratch = Scratch::new("definitions")?;
    let root = binaries::repository();
    let folder = scratch.path().join("control-plane");
    let control_plane = ControlPlane::start(&folder, ControlPlaneOptions::default()).await?;
    let kubectl = control_plane.kubectl();
    kubectl
        .run(["create", "namespace", "lakevault-system"])
        .await?;
    kubectl.apply_dir(&root.join("deploy/rbac.yaml")).await?;
    let kubeconfig = operator_kubeconfig(&control_plane)?;
    let mut options = OperatorOptions::new(&kubeconfig, &scratch.path().join("operator"));
    options.ready_within = None;
    let operator = Operator::start(options).await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let is = async |status: u16, with: &[&str], without: &[&str]| {
        until(SOON, &format!("/readyz is {status}"), async || {
            let answer = http.get(operator.url("/readyz")).send().await;
            let answer = answer.map_err(seen)?;
            let (code, text) = (answer.status(), answer.text().await.map_err(seen)?);
            let told = with.iter().all(|word| text.contains(word))
                && !without.iter().any(|word| text.contains(word));
            if code == status && told {
                Ok(())
            } else {
                Err(format!("{code} {text}"))
            }
        })
        .await
    };
    let all = [
        "CustomResourceDefinition vaultsecretsyncs.lakevault.dev",
        "CustomResourceDefinition azureidentities.lakevault.dev",
        "CustomResourceDefinition clusterazureidentities.lakevault.dev",
        "CustomResourceDefinition datalakeaccounts.lakevault.dev",
        "CustomResourceDefinition keyvaults.lakevault.dev",
    ];
    is(503, &all, &[]).await?;
    until(SOON, "the log names them", async || {
        let log = std::fs::read_to_string(operator.log()).map_err(seen)?;
        let told =
            all.iter().all(|name| log.contains(name)) && log.contains("kubectl apply -f crds/");
        if told { Ok(()) } else { Err(log) }
    })
    .await?;
    for plural in [
        "azureidentities",
        "clusterazureidentities",
        "datalakeaccounts",
        "keyvaults",
    ] {
        kubectl
            .apply_dir(&root.join(format!("crds/{plural}.yaml")))
            .await?;
    }
    is(503, &all[..1], &all[1..]).await?;
    let health = http.get(operator.url("/healthz")).send().await?;
    ensure!(health.status() == 200, "waiting is no illness: {health:?}");
    kubectl.apply_dir(&root.join("crds")).await?;
    is(200, &["ok"], &[]).await?;
    let status = operator.terminate(Duration::from_secs(10)).await?;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// Syncs of the burst. Each has two keys from secrets of its own.
const BURST: usize = 200;

async fn kills_restarts_and_an_end_lose_nothing(_: Kit) -> Result<()> {
    let world = Arc::new(World::start().await?);
    let mut kit = Kit::new(world, "burst").await?;
    let planted = burst(&kit).await?;
    // What was planted before this is not written again just because its time has settled.
    kit.plant("last", "last").await?;
    kit.apply(kit.sync("last", &[("K", "last")], |_| ()))
        .await?;
    kit.settled("last", "last").await?;
    kit.remove("last").await?;
    kit.is_gone(kit.secrets(), "last").await?;
    let before = written(&kit)?;
    let in_flight = kill_in_the_middle(&mut kit).await?;
    all_are_right(&kit, &planted).await?;
    let writes = written(&kit)? - before;
    ensure!(
        writes <= BURST + in_flight,
        "{writes} writes for {BURST} Secrets, of which {in_flight} may have been written unseen"
    );
    a_restart_writes_nothing(&mut kit, &planted).await?;
    an_api_server_that_restarts_is_met_again(&mut kit).await?;
    an_end_does_not_wait_for_a_vault(&kit).await?;
    let log = std::fs::read_to_string(kit.world.operator.log())?;
    ensure!(!log.contains("panicked"), "a panic is in the log");
    holds_no_value("the log", &log)
}

/// The world, which nobody else has.
fn world(kit: &mut Kit) -> Result<&mut World> {
    Arc::get_mut(&mut kit.world).context("the world is shared")
}

/// Plants the secrets of all syncs. Gives back the value of each.
async fn burst(kit: &Kit) -> Result<BTreeMap<String, String>> {
    kit.make_identity().await?;
    let names = (0..BURST).map(|n| format!("s{n}"));
    stream::iter(names)
        .map(async |name| {
            let (value, _) = kit.plant(&name, "burst").await?;
            Ok((name, value))
        })
        .buffer_unordered(16)
        .try_collect()
        .await
}

/// Makes all syncs at once and kills the operator when some of their Secrets are there, then starts it again. Gives back how
/// many writes may have been made that it did not see.
async fn kill_in_the_middle(kit: &mut Kit) -> Result<usize> {
    // Slow enough that a burst has a middle.
    kit.admin()
        .settings(&json!({"vaultLatencyMs": 100}))
        .await?;
    let make = async |n: usize| -> Result<()> {
        let name = format!("s{n}");
        let sync = kit.sync(&name, &[("A", &name), ("B", &name)], |_| ());
        let sync: VaultSecretSync = serde_json::from_value(sync)?;
        kit.syncs().create(&PostParams::default(), &sync).await?;
        Ok(())
    };
    let all = stream::iter((0..BURST).map(make))
        .buffer_unordered(16)
        .try_collect::<()>();
    let kill = async {
        until(SOON, "some Secrets are there", async || {
            let there = written(kit).map_err(seen)?;
            if there >= BURST / 10 {
                Ok(())
            } else {
                Err(format!("{there}"))
            }
        })
        .await?;
        let before = written(kit)?;
        kit.world.operator.kill9().await?;
        Ok::<_, anyhow::Error>(before)
    };
    let (created, before) = futures::join!(all, kill);
    created?;
    let before = before?;
    ensure!(before < BURST, "the kill came too late to show anything");
    kit.admin().settings(&json!({"vaultLatencyMs": 0})).await?;
    // What it had asked for may still be carried out.
    let after = until(SOON, "the API server has ended its work", async || {
        let first = written(kit).map_err(seen)?;
        kit.secrets()
            .list(&ListParams::default())
            .await
            .map_err(seen)?;
        let second = written(kit).map_err(seen)?;
        expect(&second, &first).map(|()| second)
    })
    .await?;
    world(kit)?.operator.restart().await?;
    Ok(after - before)
}

/// Successful writes of Secrets by the operator so far.
fn written(kit: &Kit) -> Result<usize> {
    let entries = kit.audited("secrets")?;
    let wrote = entries
        .iter()
        .filter(|entry| entry.verb == "patch" && entry.code < 300);
    Ok(wrote.count())
}

async fn mirrored(kit: &Kit) -> Result<Vec<Secret>> {
    let mut secrets = kit.secrets().list(&ListParams::default()).await?.items;
    secrets.retain(|secret| secret.name_any() != "sp");
    Ok(secrets)
}

/// Every sync is synced, every Secret holds exactly its values, and there is no other Secret.
async fn all_are_right(kit: &Kit, values: &BTreeMap<String, String>) -> Result<()> {
    until(2 * SOON, "all syncs are synced", async || {
        let syncs = kit
            .syncs()
            .list(&ListParams::default())
            .await
            .map_err(seen)?;
        let synced = syncs.iter().filter(|sync| {
            let status = sync.status.as_ref();
            let synced = status.and_then(|status| condition(status, "Synced"));
            synced.is_some_and(|synced| synced.status == "True")
        });
        expect(&synced.count(), &BURST)
    })
    .await?;
    let secrets = mirrored(kit).await?;
    ensure!(secrets.len() == BURST, "{} Secrets", secrets.len());
    for secret in secrets {
        let value = values
            .get(&secret.name_any())
            .context("a Secret of nobody")?;
        let data = secret.data.clone().unwrap_or_default();
        let right = data.len() == 2 && data.values().all(|held| held.0 == value.as_bytes());
        ensure!(right, "Secret {} is wrong", secret.name_any());
    }
    Ok(())
}

async fn a_restart_writes_nothing(kit: &mut Kit, values: &BTreeMap<String, String>) -> Result<()> {
    let versions = async |kit: &Kit| -> Result<BTreeMap<String, Option<String>>> {
        let secrets = mirrored(kit).await?;
        Ok(secrets
            .iter()
            .map(|secret| (secret.name_any(), secret.resource_version()))
            .collect())
    };
    let (before, asked) = (versions(kit).await?, kit.audited("secrets")?.len());
    let status = world(kit)?
        .operator
        .terminate(Duration::from_secs(10))
        .await?;
    ensure!(status.success(), "it ended with {status}");
    world(kit)?.operator.restart().await?;
    until(SOON, "every sync was looked at", async || {
        let text = kit.world.operator.metrics().await.map_err(seen)?;
        let labels = [("kind", "vaultsecretsyncs"), ("outcome", "unchanged")];
        let looks = metrics::sum(&text, "lakevault_reconciles_total", &labels);
        // A float that counts is exact.
        if looks >= 200.0 {
            Ok(())
        } else {
            Err(format!("{looks}"))
        }
    })
    .await?;
    ensure!(versions(kit).await? == before, "a restart wrote Secrets");
    let reads = kit
        .audited("secrets")?
        .into_iter()
        .skip(asked)
        .filter(|entry| entry.verb == "get" && entry.name != "sp")
        .count();
    ensure!(reads == 0, "a restart read {reads} Secrets");
    all_are_right(kit, values).await
}

async fn an_api_server_that_restarts_is_met_again(kit: &mut Kit) -> Result<()> {
    let pid = kit.world.operator.process().pid();
    world(kit)?.control_plane.restart_api_server().await?;
    let (rotated, _) = kit.plant("s0", "rotated").await?;
    until(SOON, "the API server takes an edit", async || {
        kit.sync_now("s0").await.map(|_| ()).map_err(seen)
    })
    .await?;
    kit.holds("s0", &[("A", &rotated), ("B", &rotated)]).await?;
    let (value, _) = kit.plant("late", "first").await?;
    kit.apply(kit.sync("late", &[("K", "late")], |_| ()))
        .await?;
    kit.holds("late", &[("K", &value)]).await?;
    kit.damage("late", json!({"stringData": {"K": "damaged"}}))
        .await?;
    kit.holds("late", &[("K", &value)]).await?;
    let process = kit.world.operator.process();
    ensure!(
        process.pid() == pid && process.is_alive(),
        "the operator did not outlive it"
    );
    Ok(())
}

async fn an_end_does_not_wait_for_a_vault(kit: &Kit) -> Result<()> {
    let host = format!("{}.{}", kit.vault, kit.endpoints().key_vault_suffix);
    let hangs = FaultRule::new(&host, Fault::Hang(true));
    kit.admin().add_fault(&hangs).await?;
    for n in 0..10 {
        kit.sync_now(&format!("s{n}")).await?;
    }
    // It has come to the others when it has served this one, which came later and has another vault.
    kit.marker().await?;
    let operator = &kit.world.operator;
    let status = operator.terminate(Duration::from_secs(9)).await?;
    ensure!(status.code() == Some(0), "it ended with {status}");
    let log = std::fs::read_to_string(operator.log())?;
    ensure!(log.contains("Lakevault has stopped"), "it did not say so");
    Ok(())
}
