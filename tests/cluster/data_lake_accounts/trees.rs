//! Access lists of whole trees.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use kube::api::{Patch, PatchParams};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::{Fault, Operator, OperatorOptions, until};

use super::lakes::{BOB, EVE, Lake, acl, is, tree};
use super::progress::{ended, in_the_middle, settled};
use crate::kit::{Kit, SOON, World, operator_kubeconfig, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_tree_takes_a_call_for_each_batch,
        paths_that_fail_are_listed_and_tried_again,
        a_place_that_azure_forgot_is_begun_anew,
        an_operator_that_dies_in_the_middle_goes_on_there,
    ]
}

const CALL: &str = "SetAccessControlRecursive";
/// So many paths Azure changes in a call.
const BATCH: usize = 2000;

/// The directory, with a list for all that is in it.
fn sales(id: &str) -> impl Fn(&mut Value) {
    let reads = format!("user:{id}:r-x");
    move |spec| {
        spec["filesystems"] = json!([{"name": "raw", "directories": [
            {"path": "sales", "acl": acl(&[&reads]), "recursive": true},
        ]}]);
    }
}

/// An account with a tree of so many paths, `sales` among them.
async fn grown(kit: Kit, paths: usize) -> Result<Lake> {
    let lake = Lake::new(kit).await?;
    lake.ready(|spec| spec["filesystems"] = json!([{"name": "raw"}]))
        .await?;
    let path = format!("/filesystems/{}/raw/tree", lake.name);
    let body = json!({"path": "sales", "count": paths - 1});
    lake.admin(Method::POST, &path, Some(body)).await?;
    Ok(lake)
}

async fn a_tree_takes_a_call_for_each_batch(kit: Kit) -> Result<()> {
    const PATHS: usize = 10_000;
    let lake = grown(kit, PATHS).await?;
    let status = lake.ready(sales(BOB)).await?;
    let calls = lake.calls(CALL).await?.len();
    ensure!(calls == PATHS / BATCH, "{calls} calls for {PATHS} paths");
    let done = tree(&status)?;
    let changed = usize::try_from(done.directories + done.files)?;
    ensure!(changed == PATHS && done.failures == 0, "{done:?}");
    ensure!(
        done.done.is_some() && done.continuation.is_none(),
        "{done:?}"
    );
    let reads = format!("user:{BOB}:r-x");
    let list = ["user::rwx", "group::r-x", "other::---", "mask::r-x", &reads];
    lake.has_acl("raw", "sales/d9/d9/d9", &list).await?;
    lake.has_acl("raw", "sales/d0/d0/d0/f0", &list).await?;
    // It is done once: what others make there since is theirs.
    lake.look().await?;
    ensure!(lake.calls(CALL).await?.len() == calls, "it was done again");
    // Another list is another job.
    lake.ready(sales(EVE)).await?;
    ensure!(lake.calls(CALL).await?.len() == 2 * calls);
    Ok(())
}

async fn paths_that_fail_are_listed_and_tried_again(kit: Kit) -> Result<()> {
    let lake = grown(kit, 2000).await?;
    let failures = async |all: Value| {
        let path = format!("/filesystems/{}/raw/failures", lake.name);
        lake.admin(Method::PUT, &path, Some(all)).await
    };
    failures(json!([{"path": "sales/d1/**"}])).await?;
    lake.apply(sales(BOB)).await?;
    let message = lake.says("Synced", "False", "TreeIncomplete").await?;
    teaches(&message, &["raw/sales", "sales/d1", "status.trees"])?;
    let status = lake.look().await?;
    let seen = tree(&status)?;
    ensure!(seen.failures > 20 && seen.failed.len() == 20, "{seen:?}");
    ensure!(
        seen.failed.iter().all(|one| one.path.contains("sales/d1")),
        "{seen:?}"
    );
    // Everything else has the list.
    let reads = format!("user:{BOB}:r-x");
    let list = ["user::rwx", "group::r-x", "other::---", "mask::r-x", &reads];
    lake.has_acl("raw", "sales/d2/d3", &list).await?;
    let calls = lake.calls(CALL).await?.len();
    lake.look().await?;
    ensure!(lake.calls(CALL).await?.len() == calls, "there was no pause");
    // The pause is over, played by moving it into the past.
    failures(json!([])).await?;
    let mut past = serde_json::to_value(&status.trees)?;
    let long_ago = json!("2020-01-01T00:00:00Z");
    past[0]["since"].clone_from(&long_ago);
    past[0]["done"] = long_ago;
    let patch = Patch::Merge(json!({"status": {"trees": past}}));
    let (api, params) = (lake.api(), PatchParams::default());
    api.patch_status(&lake.name, &params, &patch).await?;
    lake.ask().await?;
    let status = lake.is_ready().await?;
    let seen = tree(&status)?;
    ensure!(seen.failures == 0 && seen.failed.is_empty(), "{seen:?}");
    lake.has_acl("raw", "sales/d1/d1", &list).await
}

/// A request that a fault holds.
#[derive(Deserialize, Debug)]
struct Held {
    id: u64,
    host: String,
}

/// Waits until a request to the account is held.
pub async fn held(lake: &Lake) -> Result<u64> {
    let host = lake.host();
    until(SOON, "a batch is held", async || {
        let admin = lake.kit.admin();
        let all: Result<Vec<Held>> = admin.call(Method::GET, "/holds", None).await;
        let all = all.map_err(seen)?;
        let ours = all.iter().find(|one| one.host == host);
        ours.map(|one| one.id).ok_or_else(|| format!("{all:?}"))
    })
    .await
}

async fn a_place_that_azure_forgot_is_begun_anew(kit: Kit) -> Result<()> {
    const PATHS: usize = 6000;
    let lake = grown(kit, PATHS).await?;
    lake.fault(CALL, Fault::HoldAfter(true), Some(1)).await?;
    lake.apply(sales(BOB)).await?;
    let id = held(&lake).await?;
    let path = format!("/filesystems/{}/raw/continuations", lake.name);
    lake.admin(Method::DELETE, &path, None).await?;
    crate::estate::release(&lake.kit, id, "goOn").await?;
    let status = lake.is_ready().await?;
    let done = tree(&status)?;
    let changed = usize::try_from(done.directories + done.files)?;
    ensure!(changed == PATHS, "{done:?}");
    let calls = lake.calls(CALL).await?;
    let refused = calls.iter().filter(|one| one.status >= 400).count();
    ensure!(
        refused == 1 && calls.len() == 1 + 1 + PATHS / BATCH,
        "{refused} refused of {}",
        calls.len()
    );
    Ok(())
}

/// How far a tree is gets noted after fifty batches.
const NOTED: usize = 50;
const LARGE: usize = 160_000;

async fn an_operator_that_dies_in_the_middle_goes_on_there(_: Kit) -> Result<()> {
    let world = Arc::new(World::with("lakes-alone", &[]).await?);
    let kit = Kit::new(Arc::clone(&world), "trees").await?;
    let lake = grown(kit, LARGE).await?;
    // Slow enough to die in the middle.
    lake.fault(CALL, Fault::LatencyMs(100), None).await?;
    lake.apply(sales(BOB)).await?;
    let noted = in_the_middle(&lake, SOON).await?;
    world.operator.kill9().await?;
    let noted = tree(&noted)?;
    let so_far = usize::try_from(noted.directories + noted.files)?;
    ensure!(so_far == NOTED * BATCH, "{noted:?}");
    let before = settled(&lake, &lake.host(), CALL).await?;
    ensure!(before < LARGE / BATCH, "it was quicker: {before} batches");
    let folder = world.scratch.path().join("second");
    let kubeconfig = operator_kubeconfig(&world.control_plane)?;
    let options = OperatorOptions::new(&kubeconfig, &folder).with_azure(lake.kit.endpoints());
    let second = Operator::start(options).await?;
    let status = ended(&lake).await?;
    let done = tree(&status)?;
    let changed = usize::try_from(done.directories + done.files)?;
    ensure!(changed == LARGE && done.since == noted.since, "{done:?}");
    ensure!(is(&status, "Synced", "True", "AsDeclared"));
    // Nothing that was noted is done again.
    let after = lake.calls(CALL).await?.len() - before;
    ensure!(
        after == LARGE / BATCH - NOTED,
        "{after} batches were left of {}, of which {NOTED} were noted",
        LARGE / BATCH
    );
    let log = std::fs::read_to_string(second.log()).context("log")?;
    ensure!(!log.contains("panicked"), "a panic is in the log");
    Ok(())
}
