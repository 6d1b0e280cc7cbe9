//! Faults of a lake's writes: a tree, and directories and files.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::{Fault, until};

use super::super::lakes::{BOB, Lake, acl, is, tree};
use crate::estate::Estate;
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        faults_of_a_tree_cost_one_batch,
        faults_of_directories_and_files_cost_nobody_anything,
    ]
}

/// A request that hangs takes the client's own patience of 30 s, twice where two do.
const LIMIT: Duration = Duration::from_mins(4);
const TREE: &str = "SetAccessControlRecursive";
const PATHS: usize = 6000;
const BATCH: usize = 2000;

type Trouble = (&'static str, fn() -> Fault);

const TROUBLES: [Trouble; 6] = [
    ("nothing", || Fault::LatencyMs(1)),
    ("503", || Fault::code(503, "ServerBusy")),
    ("429", || Fault::throttled(Some(1))),
    ("a hang", || Fault::Hang(true)),
    ("a cut connection", || Fault::Cut(true)),
    ("a lost answer", || Fault::LoseAnswer(true)),
];

/// An account for each trouble, in which something of somebody else's lies.
async fn lakes(kit: Kit) -> Result<Vec<(Lake, Trouble)>> {
    let estate = Estate::new(kit).await?;
    let all = stream::iter(TROUBLES.into_iter().enumerate());
    all.map(async |(n, trouble)| {
        let lake = Lake {
            estate: estate.beside(&format!("f{n}")).await?,
        };
        lake.ready(|spec| spec["filesystems"] = json!([{"name": "raw"}]))
            .await?;
        lake.put("raw", "theirs/file", json!({"content": "theirs"}))
            .await?;
        anyhow::Ok((lake, trouble))
    })
    .buffered(TROUBLES.len())
    .try_collect()
    .await
}

/// Waits until all is as declared, and what is somebody else's is as it was.
async fn ends(lake: &Lake, name: &str) -> Result<()> {
    let api = lake.api();
    until(LIMIT, &format!("{name} is over"), async || {
        let object = api.get(&lake.name).await.map_err(seen)?;
        let status = object.status.unwrap_or_default();
        let current = status.resource.observed_generation == object.metadata.generation;
        if current && is(&status, "Synced", "True", "AsDeclared") {
            Ok(())
        } else {
            Err(serde_json::to_string(&status).unwrap_or_default())
        }
    })
    .await?;
    ensure!(lake.content("raw", "theirs/file").await? == "theirs");
    Ok(())
}

fn sales(spec: &mut Value) {
    let reads = format!("user:{BOB}:r-x");
    spec["filesystems"] = json!([{"name": "raw", "directories": [
        {"path": "sales", "acl": acl(&[&reads]), "recursive": true},
    ]}]);
}

async fn faults_of_a_tree_cost_one_batch(kit: Kit) -> Result<()> {
    let lakes = lakes(kit).await?;
    stream::iter(&lakes)
        .map(async |(lake, (name, fault))| one_tree(lake, name, fault()).await.context(*name))
        .buffer_unordered(lakes.len())
        .try_collect()
        .await
}

async fn one_tree(lake: &Lake, name: &str, fault: Fault) -> Result<()> {
    let path = format!("/filesystems/{}/raw/tree", lake.name);
    let body = json!({"path": "sales", "count": PATHS - 1});
    lake.admin(reqwest::Method::POST, &path, Some(body)).await?;
    lake.fault(TREE, fault, Some(1)).await?;
    lake.apply(sales).await?;
    ends(lake, name).await?;
    let status = lake.object().await?.status.context("status")?;
    let done = tree(&status)?;
    let changed = usize::try_from(done.directories + done.files)?;
    ensure!(changed == PATHS && done.failures == 0, "{done:?}");
    let calls = lake.calls(TREE).await?.len();
    let again = usize::from(name != "nothing");
    ensure!(calls == PATHS / BATCH + again, "{calls} calls");
    let reads = format!("user:{BOB}:r-x");
    let list = ["user::rwx", "group::r-x", "other::---", "mask::r-x", &reads];
    lake.has_acl("raw", "sales/d9/d9", &list).await
}

async fn faults_of_directories_and_files_cost_nobody_anything(kit: Kit) -> Result<()> {
    let data = json!({"jobs.json": "[1]"});
    kit.apply(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": {"name": "jobs", "namespace": kit.namespace}
    }))
    .await?;
    let lakes = lakes(kit).await?;
    stream::iter(&lakes)
        .map(async |(lake, (name, fault))| one_set(lake, name, *fault).await.context(*name))
        .buffer_unordered(lakes.len())
        .try_collect()
        .await
}

async fn one_set(lake: &Lake, name: &str, fault: fn() -> Fault) -> Result<()> {
    for operation in ["CreateDirectory", "FlushData"] {
        lake.fault(operation, fault(), Some(1)).await?;
    }
    let reads = format!("user:{BOB}:r-x");
    lake.apply(|spec| {
        spec["filesystems"] = json!([{
            "name": "raw",
            "directories": [{"path": "inbox", "acl": acl(&[&reads])}],
            "files": [{"path": "config/jobs.json", "from": {"configMap": {"name": "jobs", "key": "jobs.json"}}}],
        }]);
    })
    .await?;
    ends(lake, name).await?;
    ensure!(lake.content("raw", "config/jobs.json").await? == "[1]");
    let list = ["user::rwx", "group::r-x", "other::---", "mask::r-x", &reads];
    lake.has_acl("raw", "inbox", &list).await?;
    let made = lake.calls("CreateDirectory").await?;
    let made = made
        .iter()
        .filter(|call| call.status == 201 || call.lost_status == Some(201));
    let made = made.count();
    ensure!(made == 1, "the directory was made {made} times");
    Ok(())
}
