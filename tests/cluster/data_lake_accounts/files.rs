//! Small files of ConfigMaps and Secrets.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::until;

use super::lakes::Lake;
use crate::kit::{Kit, PLANTED, SOON, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_file_is_written_and_changed_only_where_it_differs,
        a_secret_becomes_a_file_only_where_it_consents,
        a_source_that_is_missing_holds_nothing_else,
        a_source_that_changes_is_written_at_once_and_nothing_else_is_looked_at,
    ]
}

async fn config_map(lake: &Lake, text: &str) -> Result<()> {
    let (kit, data) = (&lake.kit, json!({"jobs.json": text}));
    kit.apply(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": {"name": "jobs", "namespace": kit.namespace}
    }))
    .await
}

fn jobs() -> Value {
    json!({
        "path": "config/jobs.json", "permissions": "rw-r-----",
        "from": {"configMap": {"name": "jobs", "key": "jobs.json"}},
    })
}

fn with(files: Value) -> impl FnOnce(&mut Value) {
    move |spec| spec["filesystems"] = json!([{"name": "raw", "files": files}])
}

async fn a_file_is_written_and_changed_only_where_it_differs(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    config_map(&lake, "{\"jobs\": 1}").await?;
    lake.ready(with(json!([jobs()]))).await?;
    let content = async || lake.content("raw", "config/jobs.json").await;
    ensure!(content().await? == "{\"jobs\": 1}");
    let stands = lake.stands("raw", "config/jobs.json").await?;
    ensure!(stands["permissions"] == "rw-r-----", "{stands}");
    let writes = lake.writes().await?;
    lake.look().await?;
    ensure!(lake.writes().await? == writes, "the same was written again");
    // The source changes; who may read it does not.
    config_map(&lake, "{\"jobs\": 2}").await?;
    lake.look().await?;
    ensure!(content().await? == "{\"jobs\": 2}");
    let stands = lake.stands("raw", "config/jobs.json").await?;
    ensure!(stands["permissions"] == "rw-r-----", "{stands}");
    // Somebody writes another text of the same length.
    lake.put(
        "raw",
        "config/jobs.json",
        json!({"content": "{\"jobs\": 3}"}),
    )
    .await?;
    lake.look().await?;
    ensure!(content().await? == "{\"jobs\": 2}");
    // What goes from the spec stays.
    lake.ready(with(json!([]))).await?;
    ensure!(content().await? == "{\"jobs\": 2}");
    Ok(())
}

async fn a_secret_becomes_a_file_only_where_it_consents(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let value = format!("{PLANTED}file-{}", lake.name);
    let secret = async |annotations: Value| {
        let data = json!({"token": value});
        lake.kit.make_secret("token", data, annotations).await
    };
    secret(json!({"lakevault.dev/allow-file": "another"})).await?;
    let file = json!([{"path": "token", "from": {"secret": {"name": "token", "key": "token"}}}]);
    lake.apply(with(file.clone())).await?;
    let message = lake.says("Synced", "False", "FileNotAllowed").await?;
    teaches(
        &message,
        &["token", "lakevault.dev/allow-file", &lake.name, "kubectl"],
    )?;
    ensure!(lake.calls("CreateFile").await?.is_empty());
    let both = format!("another, {}", lake.name);
    secret(json!({"lakevault.dev/allow-file": both})).await?;
    lake.ask().await?;
    let status = lake.is_ready().await?;
    ensure!(lake.content("raw", "token").await? == value);
    let told = serde_json::to_string(&status)?;
    ensure!(!told.contains(&value), "the status tells the value");
    Ok(())
}

async fn a_source_that_is_missing_holds_nothing_else(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.apply(|spec| {
        spec["filesystems"] = json!([{
            "name": "raw", "files": [jobs()], "directories": [{"path": "beside"}],
        }]);
    })
    .await?;
    let message = lake.says("Synced", "False", "FileSourceNotFound").await?;
    teaches(&message, &["jobs", "files[config/jobs.json]"])?;
    ensure!(lake.stands("raw", "beside").await?["directory"] == true);
    // Nobody asks for a look: it is watched.
    config_map(&lake, "[]").await?;
    lake.is_ready().await?;
    ensure!(lake.content("raw", "config/jobs.json").await? == "[]");
    Ok(())
}

async fn a_source_that_changes_is_written_at_once_and_nothing_else_is_looked_at(
    kit: Kit,
) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let value = |word: &str| format!("{PLANTED}file-{}-{word}", lake.name);
    let secret = async |word: &str| {
        let allow = json!({"lakevault.dev/allow-file": lake.name});
        let data = json!({"token": value(word)});
        lake.kit.make_secret("token", data, allow).await
    };
    config_map(&lake, "one").await?;
    secret("one").await?;
    let token = json!({"path": "token", "from": {"secret": {"name": "token", "key": "token"}}});
    lake.ready(|spec| {
        let directories = json!([{"path": "a"}, {"path": "b", "permissions": "0750"}]);
        with(json!([jobs(), token]))(spec);
        spec["filesystems"][0]["directories"] = directories;
    })
    .await?;
    lake.look().await?;
    for (path, new) in [
        ("config/jobs.json", "two".to_owned()),
        ("token", value("two")),
    ] {
        let (before, arm) = (
            lake.calls("").await?.len(),
            lake.estate.calls("").await?.len(),
        );
        if path == "token" {
            secret("two").await?;
        } else {
            config_map(&lake, &new).await?;
        }
        until(SOON, "the file has the new content", async || {
            let holds = lake.content("raw", path).await.map_err(seen)?;
            (holds == new).then_some(()).ok_or_else(|| path.to_owned())
        })
        .await?;
        let calls = lake.calls("").await?.split_off(before);
        let others: Vec<_> = calls
            .iter()
            .filter(|call| !call.path.ends_with(path))
            .collect();
        ensure!(others.is_empty(), "{others:?}");
        // One or two looks; emptied, appended, flushed.
        ensure!((4..=5).contains(&calls.len()), "{path}: {calls:?}");
        let arm = lake.estate.calls("").await?.split_off(arm);
        let words: Vec<&str> = arm.iter().map(|call| call.operation.as_str()).collect();
        ensure!(words == ["GetStorageAccount"], "{words:?}");
    }
    let told = serde_json::to_string(&lake.object().await?)?;
    ensure!(!told.contains(&value("two")), "the object tells the value");
    Ok(())
}
