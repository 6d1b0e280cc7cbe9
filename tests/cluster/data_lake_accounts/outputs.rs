//! What is written to Kubernetes for those who use an account.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use lakevault::data_lake_account::api::AccountKey;
use reqwest::Method;
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::{Fault, until};

use super::lakes::Lake;
use crate::kit::{Kit, SOON};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        connection_facts_are_written_and_repaired,
        what_is_damaged_while_a_look_goes_on_is_repaired_after_it,
        the_key_in_use_is_written_and_follows_the_account,
        signatures_open_what_they_are_for_and_nothing_else,
    ]
}

/// Waits until the ConfigMap says which account it is of.
async fn facts(lake: &Lake, maps: &Api<ConfigMap>) -> Result<ConfigMap> {
    until(SOON, "the ConfigMap is as it should be", async || {
        let map = maps.get("lake-connection").await.map_err(seen)?;
        let data = map.data.clone().unwrap_or_default();
        let whole = data.get("accountName") == Some(&lake.name) && data.len() > 1;
        whole.then_some(map).ok_or_else(|| format!("{data:?}"))
    })
    .await
}

async fn connection_facts_are_written_and_repaired(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let spec = |spec: &mut Value| {
        spec["filesystems"] = json!([{"name": "raw"}, {"name": "clean"}]);
        spec["outputs"] = json!({"configMap": "lake-connection"});
    };
    lake.ready(spec).await?;
    let maps: Api<ConfigMap> = Api::namespaced(lake.kit.client(), &lake.kit.namespace);
    let map = facts(&lake, &maps).await?;
    let data = map.data.unwrap_or_default();
    let dfs = data.get("dfsEndpoint").context("dfsEndpoint")?;
    ensure!(dfs.contains(&lake.host()), "{data:?}");
    let names: Vec<&str> = data["filesystems"].split(',').collect();
    ensure!(
        names.len() == 2 && names.contains(&"raw") && names.contains(&"clean"),
        "{data:?}"
    );
    let owner = map.metadata.owner_references.unwrap_or_default();
    ensure!(
        owner.iter().any(|one| one.kind == "DataLakeAccount"),
        "{owner:?}"
    );
    // Nobody asks for a look: it is watched.
    let wrong = Patch::Merge(json!({"data": {"accountName": "another"}}));
    let params = PatchParams::default();
    maps.patch("lake-connection", &params, &wrong).await?;
    facts(&lake, &maps).await?;
    let gone = DeleteParams::default();
    maps.delete("lake-connection", &gone).await?;
    facts(&lake, &maps).await?;
    // It goes with the spec that asks for it.
    lake.ready(|one| {
        spec(one);
        one["outputs"] = json!({});
    })
    .await?;
    lake.kit.is_gone(maps, "lake-connection").await
}

/// Somebody deletes an output after a look has seen it, and before that look is over.
async fn what_is_damaged_while_a_look_goes_on_is_repaired_after_it(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let maps: Api<ConfigMap> = Api::namespaced(lake.kit.client(), &lake.kit.namespace);
    let uid = async |name: &str| {
        let found = maps.get(name).await.map_err(seen)?;
        found.metadata.uid.ok_or_else(|| "no uid".to_owned())
    };
    let beside = lake.estate.beside("two").await?;
    beside
        .ready(|spec| spec["outputs"] = json!({"configMap": "beside"}))
        .await?;
    lake.estate
        .fault("ListStorageAccountKeys", Fault::HoldBefore(true), Some(1))
        .await?;
    lake.apply(|spec| {
        spec["outputs"] = json!({"configMap": "lake-connection", "keys": {"secret": "keys"}});
    })
    .await?;
    // The ConfigMap is written, and the look waits for keys.
    let held = lake.held(1).await?;
    facts(&lake, &maps).await?;
    // Events of ConfigMaps come in their order: when the second is back, the operator has heard of the first.
    let gone = DeleteParams::default();
    maps.delete("lake-connection", &gone).await?;
    let before = uid("beside").await.map_err(anyhow::Error::msg)?;
    maps.delete("beside", &gone).await?;
    until(SOON, "the other ConfigMap is back", async || {
        let now = uid("beside").await?;
        (now != before).then_some(()).ok_or(now)
    })
    .await?;
    for id in held {
        lake.release(id, "goOn").await?;
    }
    facts(&lake, &maps).await.map(drop)
}

/// Values of both keys, and when they were made, as the simulator has them.
pub async fn keys(lake: &Lake) -> Result<Vec<Value>> {
    let path = format!("/storageaccounts/{}/keys", lake.name);
    let all = lake.admin(Method::GET, &path, None).await?;
    Ok(all["keys"].as_array().context("keys")?.clone())
}

async fn the_key_in_use_is_written_and_follows_the_account(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let status = lake
        .ready(|spec| spec["outputs"] = json!({"keys": {"secret": "lake-keys"}}))
        .await?;
    let used = status.keys.context("no key is told")?.in_use;
    let (at, name) = match used {
        AccountKey::Key1 => (0, "key1"),
        AccountKey::Key2 => (1, "key2"),
    };
    let key = keys(&lake).await?[at]["value"]
        .as_str()
        .context("value")?
        .to_owned();
    let data = lake.kit.data("lake-keys").await?;
    ensure!(data["accountKey"] == key && data["accountName"] == lake.name);
    ensure!(data["connectionString"].contains(&key));
    let told = serde_json::to_string(&lake.object().await?)?;
    ensure!(!told.contains(&key), "the object tells the key");
    // Somebody makes it anew, perhaps within the second in which it was made.
    let path = format!("/storageaccounts/{}/keys/{name}", lake.name);
    lake.admin(Method::PUT, &path, Some(json!({}))).await?;
    lake.look().await?;
    // A write that meets another one is made anew a moment later.
    until(SOON, "the Secret has a key that is valid", async || {
        let held = lake.kit.data("lake-keys").await.map_err(seen)?;
        let all = keys(&lake).await.map_err(seen)?;
        let valid = all.iter().any(|one| one["value"] == held["accountKey"]);
        valid
            .then_some(())
            .ok_or_else(|| "one that is over".to_owned())
    })
    .await
}

async fn signatures_open_what_they_are_for_and_nothing_else(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(|spec| {
        spec["sharedKeyAccess"] = json!(true);
        spec["filesystems"] =
            json!([{"name": "raw", "directories": [{"path": "sales"}, {"path": "other"}]}]);
        spec["outputs"] = json!({"sas": [
            {"secret": "reader", "filesystem": "raw", "directory": "sales"},
            {"secret": "reader", "key": "all", "kind": "Service", "filesystem": "raw"},
        ]});
    })
    .await?;
    for path in ["sales/file", "other/file"] {
        lake.put("raw", path, json!({"content": path})).await?;
    }
    let data = lake.kit.data("reader").await?;
    let other = lake.other().await?;
    for (signature, path, opens) in [
        ("sas", "sales/file", true),
        ("sas", "other/file", false),
        ("all", "sales/file", true),
        ("all", "other/file", true),
    ] {
        let signature = data.get(signature).context("no signature")?;
        let answer = other.read_signed(&format!("raw/{path}"), signature).await?;
        let (status, text) = (answer.status(), answer.text().await?);
        let read = status.is_success() && text == path;
        ensure!(read == opens, "{path}: {status} {text}");
        ensure!(opens || status == 403, "{path}: {status} {text}");
    }
    Ok(())
}
