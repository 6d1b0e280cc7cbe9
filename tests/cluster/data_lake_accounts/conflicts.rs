//! Others at the same paths: changes in between, leases, names that differ by case, and what was deleted.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::{Fault, until};

use super::lakes::{Lake, acl, condition, is};
use crate::kit::{Kit, SOON, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_file_that_somebody_changed_in_between_is_looked_at_again,
        a_file_under_a_lease_is_told_and_written_when_it_is_free,
        names_that_differ_by_case_are_two,
        ids_that_nobody_has_are_kept_and_written_once,
        a_parent_that_somebody_deleted_is_made_again,
        a_filesystem_that_can_come_back_is_told_and_not_made_anew,
    ]
}

async fn source(lake: &Lake, text: &str) -> Result<()> {
    let (kit, data) = (&lake.kit, json!({"jobs.json": text}));
    kit.apply(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": {"name": "jobs", "namespace": kit.namespace}
    }))
    .await
}

/// A lake with a file of a ConfigMap.
async fn with_file(kit: Kit) -> Result<Lake> {
    let lake = Lake::new(kit).await?;
    source(&lake, "[1]").await?;
    lake.ready(|spec| {
        let from = json!({"configMap": {"name": "jobs", "key": "jobs.json"}});
        spec["filesystems"] =
            json!([{"name": "raw", "files": [{"path": "jobs.json", "from": from}]}]);
    })
    .await?;
    Ok(lake)
}

async fn a_file_that_somebody_changed_in_between_is_looked_at_again(kit: Kit) -> Result<()> {
    let lake = with_file(kit).await?;
    let looked =
        lake.calls("GetPathStatus").await?.len() + lake.calls("GetPathProperties").await?.len();
    let lost = Fault::code(412, "ConditionNotMet");
    lake.fault("CreateFile", lost, Some(1)).await?;
    source(&lake, "[2]").await?;
    lake.ask().await?;
    until(SOON, "it has the new content", async || {
        let text = lake.content("raw", "jobs.json").await.map_err(seen)?;
        (text == "[2]").then_some(()).ok_or(text)
    })
    .await?;
    lake.is_ready().await?;
    let again =
        lake.calls("GetPathStatus").await?.len() + lake.calls("GetPathProperties").await?.len();
    ensure!(again >= looked + 2, "{looked} looks, then {again}");
    Ok(())
}

async fn a_file_under_a_lease_is_told_and_written_when_it_is_free(kit: Kit) -> Result<()> {
    let lake = with_file(kit).await?;
    let other = lake.other().await?;
    let id = uuid::Uuid::new_v4().to_string();
    let acquire = [
        ("x-ms-lease-action", "acquire"),
        ("x-ms-lease-duration", "-1"),
        ("x-ms-proposed-lease-id", &id),
    ];
    other.send(Method::POST, "raw/jobs.json", &acquire).await?;
    source(&lake, "[2]").await?;
    lake.ask().await?;
    let message = lake.says("Synced", "False", "LeaseHeld").await?;
    teaches(&message, &["jobs.json", "lease break"])?;
    ensure!(lake.content("raw", "jobs.json").await? == "[1]");
    let release = [("x-ms-lease-action", "release"), ("x-ms-lease-id", &id)];
    other.send(Method::POST, "raw/jobs.json", &release).await?;
    lake.ask().await?;
    lake.is_ready().await?;
    ensure!(lake.content("raw", "jobs.json").await? == "[2]");
    Ok(())
}

async fn names_that_differ_by_case_are_two(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(|spec| spec["filesystems"] = json!([{"name": "raw"}]))
        .await?;
    lake.put("raw", "INBOX", json!({"content": "theirs"}))
        .await?;
    lake.ready(|spec| {
        spec["filesystems"] = json!([{"name": "raw", "directories": [
            {"path": "Inbox", "permissions": "0700"}, {"path": "inbox", "permissions": "0750"},
        ]}]);
    })
    .await?;
    for (path, permissions) in [("Inbox", "rwx------"), ("inbox", "rwxr-x---")] {
        let stands = lake.stands("raw", path).await?;
        ensure!(stands["permissions"] == permissions, "{path}: {stands}");
    }
    ensure!(lake.content("raw", "INBOX").await? == "theirs");
    Ok(())
}

async fn ids_that_nobody_has_are_kept_and_written_once(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let [owner, reader] = [(); 2].map(|()| uuid::Uuid::new_v4().to_string());
    let reads = format!("user:{reader}:r-x");
    lake.ready(|spec| {
        spec["filesystems"] = json!([{"name": "raw", "directories": [
            {"path": "inbox", "owner": owner, "acl": acl(&[&reads])},
        ]}]);
    })
    .await?;
    let stands = lake.stands("raw", "inbox").await?;
    ensure!(stands["owner"] == owner.as_str(), "{stands}");
    let writes = lake.writes().await?;
    lake.look().await?;
    ensure!(
        lake.writes().await? == writes,
        "it is written again and again"
    );
    Ok(())
}

async fn a_parent_that_somebody_deleted_is_made_again(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(|spec| {
        spec["filesystems"] = json!([{"name": "raw", "directories": [
            {"path": "a", "permissions": "0750"}, {"path": "a/b/c", "permissions": "0700"},
        ]}]);
    })
    .await?;
    let other = lake.other().await?;
    other
        .send(Method::DELETE, "raw/a?recursive=true", &[])
        .await?;
    lake.look().await?;
    lake.is_ready().await?;
    for (path, permissions) in [("a", "rwxr-x---"), ("a/b/c", "rwx------")] {
        let stands = lake.stands("raw", path).await?;
        ensure!(stands["permissions"] == permissions, "{path}: {stands}");
    }
    Ok(())
}

async fn a_filesystem_that_can_come_back_is_told_and_not_made_anew(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let spec = |spec: &mut Value| {
        spec["softDelete"] = json!({"containerDays": 7});
        spec["filesystems"] = json!([{"name": "raw", "directories": [{"path": "a"}]}]);
    };
    lake.ready(spec).await?;
    lake.put("raw", "a/theirs", json!({"content": "theirs"}))
        .await?;
    let other = lake.other().await?;
    other
        .send(Method::DELETE, "raw?resource=filesystem", &[])
        .await?;
    // It is being deleted first, for a moment.
    until(2 * SOON, "it is told", async || {
        let status = lake.look().await.map_err(seen)?;
        let told = is(&status, "Synced", "False", "SoftDeleted");
        told.then_some(())
            .ok_or_else(|| format!("{:?}", condition(&status, "Synced")))
    })
    .await?;
    let message = lake.says("Synced", "False", "SoftDeleted").await?;
    let mends = [
        "filesystems[raw]",
        "az storage container restore",
        "az storage fs create",
    ];
    teaches(&message, &mends)?;
    lake.look().await?;
    let made = lake.calls("CreateFilesystem").await?.len();
    ensure!(made == 1, "it was made {made} times");
    ensure!(lake.filesystems().await?.is_empty());
    // Somebody does without what was in it.
    let path = format!("/filesystems/{}/raw", lake.name);
    lake.admin(Method::PUT, &path, None).await?;
    lake.ask().await?;
    lake.is_ready().await?;
    ensure!(lake.stands("raw", "a").await?["directory"] == true);
    Ok(())
}
