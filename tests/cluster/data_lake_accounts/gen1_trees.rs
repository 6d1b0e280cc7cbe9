//! Access lists of whole trees of a Data Lake Store, which are gone through path by path.

use std::sync::Arc;

use anyhow::{Result, ensure};
use kube::api::{Patch, PatchParams};
use lakevault::data_lake_account::api::DataLakeAccountStatus;
use serde_json::{Value, json};
use testbed::{Fault, Operator, OperatorOptions};

use super::lakes::{BOB, acl, tree};
use super::progress::{ended, in_the_middle, settled};
use super::stores::Store;
use crate::kit::{Kit, SOON, World, operator_kubeconfig, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_store_is_walked_where_a_list_goes_to_all_beneath,
        paths_of_a_store_that_fail_are_listed_and_tried_again,
        an_operator_that_dies_in_the_middle_of_a_store_goes_on_there,
    ]
}

const CALL: &str = "WebHdfsSetAcl";

/// The directory, with a list for all that is in it.
fn sales(id: &str) -> Value {
    let reads = format!("user:{id}:r-x");
    json!({"directories": [
        {"path": "sales", "acl": acl(&[&reads, &format!("default:{reads}")]), "recursive": true},
    ]})
}

/// The list of [`sales`] as a file has it.
async fn file_is_of(store: &Store, path: &str, id: &str) -> Result<()> {
    let reads = format!("user:{id}:r-x");
    let list = ["user::rwx", "group::r-x", "other::---", "mask::r-x", &reads];
    store.has_acl(path, &list).await
}

/// A store with a tree of so many paths, `sales` among them.
async fn grown(kit: Kit, paths: usize) -> Result<Store> {
    let store = Store::new(kit).await?;
    store.ready(json!({})).await?;
    store.grow("sales", paths - 1).await?;
    Ok(store)
}

fn changed(status: &DataLakeAccountStatus) -> Result<usize> {
    let done = tree(status)?;
    Ok(usize::try_from(done.directories + done.files)?)
}

async fn a_store_is_walked_where_a_list_goes_to_all_beneath(kit: Kit) -> Result<()> {
    const PATHS: usize = 1500;
    const DIRECTORIES: usize = 1111;
    let store = grown(kit, PATHS).await?;
    let status = store.ready(sales(BOB)).await?;
    // One for each path, and one before for the directory itself, so that what is made meanwhile inherits it.
    let calls = store.calls(CALL).await?.len();
    ensure!(calls == PATHS + 1, "{calls} calls for {PATHS} paths");
    let lists = store.calls("WebHdfsListStatus").await?.len();
    ensure!(
        lists < DIRECTORIES + 20,
        "{lists} lists of {DIRECTORIES} directories"
    );
    let done = tree(&status)?;
    ensure!(changed(&status)? == PATHS && done.failures == 0, "{done:?}");
    ensure!(
        usize::try_from(done.directories)? == DIRECTORIES,
        "{done:?}"
    );
    ensure!(
        done.done.is_some() && done.continuation.is_none(),
        "{done:?}"
    );
    file_is_of(&store, "sales/d0/d0/d0/f0", BOB).await?;
    let deep = store.stands("sales/d9/d9/d9").await?;
    let deep = deep["acl"].as_str().unwrap_or_default();
    ensure!(deep.contains(&format!("default:user:{BOB}:r-x")), "{deep}");
    // It is done once: what others make there since is theirs.
    store.look().await?;
    ensure!(store.calls(CALL).await?.len() == calls, "it was done again");
    Ok(())
}

async fn paths_of_a_store_that_fail_are_listed_and_tried_again(kit: Kit) -> Result<()> {
    let store = grown(kit, 300).await?;
    let refusal = Fault::Forbidden("somebody else's".to_owned());
    let path = "/webhdfs/v1/sales/d1(/|$)";
    let fault = store.fault(CALL, Some(path), (refusal, None)).await?;
    store.apply(sales(BOB)).await?;
    let message = store.says("Synced", "False", "TreeIncomplete").await?;
    teaches(&message, &["root/sales", "sales/d1", "status.trees"])?;
    let status = store.look().await?;
    let seen = tree(&status)?;
    ensure!(seen.failures > 20 && seen.failed.len() == 20, "{seen:?}");
    ensure!(
        seen.failed.iter().all(|one| one.path.contains("sales/d1")),
        "{seen:?}"
    );
    let failures = usize::try_from(seen.failures)?;
    ensure!(changed(&status)? + failures == 300, "{seen:?}");
    let calls = store.calls(CALL).await?.len();
    store.look().await?;
    ensure!(
        store.calls(CALL).await?.len() == calls,
        "there was no pause"
    );
    // The pause is over, played by moving it into the past.
    store.kit.admin().remove_fault(&fault).await?;
    let mut past = serde_json::to_value(&status.trees)?;
    let long_ago = json!("2020-01-01T00:00:00Z");
    past[0]["since"].clone_from(&long_ago);
    past[0]["done"] = long_ago;
    let patch = Patch::Merge(json!({"status": {"trees": past}}));
    let (api, params) = (store.api(), PatchParams::default());
    api.patch_status(&store.name, &params, &patch).await?;
    store.ask().await?;
    let status = store.is_ready().await?;
    let seen = tree(&status)?;
    ensure!(seen.failures == 0 && seen.failed.is_empty(), "{seen:?}");
    Ok(())
}

async fn an_operator_that_dies_in_the_middle_of_a_store_goes_on_there(_: Kit) -> Result<()> {
    const LARGE: usize = 2500;
    let world = Arc::new(World::with("stores-alone", &[]).await?);
    let kit = Kit::new(Arc::clone(&world), "stores").await?;
    let store = grown(kit, LARGE).await?;
    // Slow enough to die in the middle.
    let slow = (Fault::LatencyMs(100), None);
    let fault = store.fault(CALL, None, slow).await?;
    store.apply(sales(BOB)).await?;
    let noted = in_the_middle(&store, 4 * SOON).await?;
    world.operator.kill9().await?;
    let so_far = changed(&noted)?;
    let noted = tree(&noted)?;
    let place = noted.continuation.as_deref().unwrap_or_default();
    ensure!(place.starts_with("/sales/d"), "{noted:?}");
    let before = settled(&store, &store.host(), CALL).await?;
    ensure!(so_far > 0 && before < LARGE, "{before} calls: {noted:?}");
    store.kit.admin().remove_fault(&fault).await?;
    let folder = world.scratch.path().join("second");
    let kubeconfig = operator_kubeconfig(&world.control_plane)?;
    let options = OperatorOptions::new(&kubeconfig, &folder).with_azure(store.kit.endpoints());
    let second = Operator::start(options).await?;
    let status = ended(&store).await?;
    let done = tree(&status)?;
    ensure!(
        changed(&status)? == LARGE && done.since == noted.since,
        "{done:?}"
    );
    // Nothing that was noted is done again.
    let after = store.calls(CALL).await?.len() - before;
    ensure!(
        after == LARGE - so_far,
        "{after} paths were left of {LARGE}, of which {so_far} were noted"
    );
    file_is_of(&store, "sales/d9/d9/d9/f0", BOB).await?;
    let log = std::fs::read_to_string(second.log())?;
    ensure!(!log.contains("panicked"), "a panic is in the log");
    Ok(())
}
