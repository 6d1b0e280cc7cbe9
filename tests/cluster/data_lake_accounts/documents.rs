//! The page on DataLakeAccounts: its YAML is applied as it stands there, with a subscription, principals and names of the test's own.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::binaries;

use super::lakes::{BOB, EVE, Lake};
use crate::key_vaults::documents::block_of;
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        all_fields_of_the_page_at_once,
        the_page_has_every_field,
        the_pages_access_lists,
        the_pages_key_is_accepted,
    ]
}

const PAGE: &str = "docs/datalakeaccount.md";

/// The page's object under a heading.
fn block(heading: &str) -> Result<Value> {
    let mut all = block_of(PAGE, heading)?;
    ensure!(all.len() == 1, "{heading} has {} objects", all.len());
    Ok(all.remove(0))
}

/// The page's object as the test's own.
fn own(lake: &Lake, mut object: Value) -> Value {
    let spec = &mut object["spec"];
    spec["subscriptionId"] = json!(lake.subscription);
    spec["identityRef"] = json!({"name": "manager"});
    if !spec["azureName"].is_null() {
        spec["azureName"] = json!(lake.name);
    }
    object["metadata"]["namespace"] = json!(lake.kit.namespace);
    object["metadata"]["name"] = json!(lake.name);
    object
}

async fn all_fields_of_the_page_at_once(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let jobs = json!({"jobs.json": "[]"});
    lake.kit
        .apply(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": jobs,
            "metadata": {"name": "jobs", "namespace": lake.kit.namespace}
        }))
        .await?;
    let object = own(&lake, block("## All fields")?);
    lake.kit.apply(object).await?;
    let status = lake.is_ready().await?;
    ensure!(status.resource.role_assignments.len() == 1);
    let made = lake.in_azure().await?.context("no account")?;
    ensure!(
        made["isHnsEnabled"] == true && made["tags"]["team"] == "payments",
        "{made}"
    );
    let rules = made["networkAcls"]["ipRules"].as_array();
    ensure!(rules.is_some_and(|rules| rules.len() == 2), "{made}");
    ensure!(
        made["blobService"]["deleteRetention"]["days"] == 7,
        "{made}"
    );
    ensure!(made["managementPolicy"].is_object(), "{made}");
    let sales = lake.stands("raw", "sales/2026").await?;
    let acl = sales["acl"].as_str().context("acl")?;
    ensure!(acl.contains(&format!("user:{BOB}:r-x")), "{acl}");
    let inbox = lake.stands("raw", "inbox").await?;
    ensure!(inbox["permissions"] == "rwxrwx--T", "{inbox}");
    ensure!(lake.content("raw", "config/jobs.json").await? == "[]");
    // The same once more is nothing to do.
    let (writes, arm) = (lake.writes().await?, lake.estate.writes().await?);
    lake.look().await?;
    ensure!(lake.writes().await? == writes, "the lake was written again");
    ensure!(
        lake.estate.writes().await? == arm,
        "the account was written again"
    );
    Ok(())
}

/// Paths of all fields, as a schema has them.
fn fields(schema: &Value, path: &str, all: &mut Vec<String>) {
    for (name, one) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        all.push(path.clone());
        fields(one, &path, all);
        fields(&one["items"], &path, all);
    }
}

/// Paths of all fields, as an object has them.
fn used(value: &Value, path: &str, all: &mut Vec<String>) {
    for one in value.as_array().into_iter().flatten() {
        used(one, path, all);
    }
    for (name, one) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        all.push(path.clone());
        used(one, &path, all);
    }
}

async fn the_page_has_every_field(_: Kit) -> Result<()> {
    let folder = binaries::repository();
    let crd = std::fs::read_to_string(folder.join("crds/datalakeaccounts.yaml"))?;
    let crd: Value = serde_saphyr::from_str(&crd)?;
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut wanted = Vec::new();
    fields(schema, "", &mut wanted);
    let mut there = Vec::new();
    for heading in ["## All fields", "## Access lists", "## A key of one's own"] {
        used(&block(heading)?["spec"], "", &mut there);
    }
    // What a path, a directory and a root have in common need not stand at each; the rest is told in words.
    let page = std::fs::read_to_string(folder.join(PAGE))?;
    let told = |path: &String| {
        let name = path.rsplit('.').next().unwrap_or_default();
        page.contains(name)
    };
    let top = |path: &String| path.matches('.').count() == 1;
    let words = [".nfsV3"];
    let missing: Vec<_> = wanted
        .iter()
        .filter(|path| !there.contains(path))
        .filter(|path| top(path) && !words.contains(&path.as_str()) || !told(path))
        .collect();
    ensure!(missing.is_empty(), "the page leaves out {missing:?}");
    Ok(())
}

async fn the_pages_access_lists(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(|spec| spec["filesystems"] = json!([{"name": "shared"}]))
        .await?;
    let theirs = format!("user::rwx,user:{EVE}:rwx,group::r-x,mask::rwx,other::---");
    for path in ["reports", "reports/old", "reports/new"] {
        lake.put("shared", path, json!({"acl": theirs})).await?;
    }
    lake.kit
        .apply(own(&lake, block("## Access lists")?))
        .await?;
    lake.is_ready().await?;
    let acl = async |path: &str| -> Result<String> {
        let stands = lake.stands("shared", path).await?;
        Ok(stands["acl"].as_str().unwrap_or_default().to_owned())
    };
    let (top, new, old) = (
        acl("reports").await?,
        acl("reports/new").await?,
        acl("reports/old").await?,
    );
    for list in [&top, &new] {
        ensure!(list.contains(BOB) && list.contains(EVE), "{list}");
    }
    ensure!(old.contains(BOB) && !old.contains(EVE), "{old}");
    Ok(())
}

async fn the_pages_key_is_accepted(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let object = own(&lake, block("## A key of one's own")?);
    let vault = object["spec"]["encryption"]["key"]["vaultRef"]["name"].clone();
    lake.kit.apply(object).await?;
    // There is no such KeyVault yet, so nothing is made.
    let message = lake.says("Synced", "False", "WaitingForVault").await?;
    let vault = vault.as_str().context("vaultRef")?;
    ensure!(message.contains(vault), "{message}");
    let all = lake
        .admin(Method::GET, "/storageaccounts", None)
        .await?
        .to_string();
    ensure!(!all.contains(&lake.name), "it was made with another key");
    Ok(())
}
