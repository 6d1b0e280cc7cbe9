//! Filesystems that go from a spec, or from Azure.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::lakes::Lake;
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_filesystem_that_goes_stays_unless_it_is_ours_and_empty_or_forced,
        a_filesystem_that_was_there_before_is_never_deleted,
        a_filesystem_that_is_being_deleted_is_waited_for,
    ]
}

async fn a_filesystem_that_goes_stays_unless_it_is_ours_and_empty_or_forced(
    kit: Kit,
) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(|spec| {
        spec["filesystems"] = json!([
            {"name": "kept"}, {"name": "stays"},
            {"name": "empty", "deletionPolicy": "Delete"},
            {"name": "full", "deletionPolicy": "Delete"},
        ]);
    })
    .await?;
    lake.put("full", "a/file", json!({"content": "data"}))
        .await?;
    lake.apply(|spec| spec["filesystems"] = json!([{"name": "stays"}]))
        .await?;
    let message = lake.says("Synced", "False", "FilesystemNotEmpty").await?;
    teaches(&message, &["full", "force: true", "Retain"])?;
    let left = lake.filesystems().await?;
    ensure!(left == ["full", "kept", "stays"], "{left:?}");
    ensure!(lake.content("full", "a/file").await? == "data");
    lake.ready(|spec| {
        spec["filesystems"] = json!([{"name": "stays"}]);
        spec["force"] = json!(true);
    })
    .await?;
    let left = lake.filesystems().await?;
    ensure!(left == ["kept", "stays"], "{left:?}");
    Ok(())
}

async fn a_filesystem_that_was_there_before_is_never_deleted(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(|_| ()).await?;
    let path = format!("/filesystems/{}/theirs", lake.name);
    lake.admin(Method::PUT, &path, None).await?;
    let with = |filesystems: Value| {
        move |spec: &mut Value| {
            spec["force"] = json!(true);
            spec["filesystems"] = filesystems;
        }
    };
    let theirs = json!([{"name": "theirs", "deletionPolicy": "Delete", "properties": {"a": "b"}}]);
    let status = lake.ready(with(theirs)).await?;
    let one = status.filesystems.first().context("no filesystem")?;
    ensure!(one.found, "{one:?}");
    lake.ready(with(json!([]))).await?;
    ensure!(lake.filesystems().await? == ["theirs"]);
    Ok(())
}

async fn a_filesystem_that_is_being_deleted_is_waited_for(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.ready(|_| ()).await?;
    let busy = testbed::Fault::code(409, "FilesystemBeingDeleted");
    let fault = lake.fault("GetFilesystem", busy, None).await?;
    lake.apply(|spec| {
        spec["filesystems"] = json!([{"name": "raw", "directories": [{"path": "a"}]}]);
    })
    .await?;
    let message = lake.says("Synced", "False", "AzureBusy").await?;
    teaches(&message, &["raw", "being deleted"])?;
    ensure!(lake.writes().await?.is_empty());
    lake.kit.admin().remove_fault(&fault).await?;
    lake.ask().await?;
    lake.is_ready().await?;
    ensure!(lake.stands("raw", "a").await?["directory"] == true);
    Ok(())
}
