//! A sync that pushes and reads nothing.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Desk;
use super::ends::is_deleted;
use crate::hands::{owners, untouched};
use crate::kit::{Kit, condition};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        it_is_ready_when_all_is_pushed_and_writes_no_secret,
        what_keeps_it_from_pushing_is_told_as_of_any_sync,
        what_it_pushed_goes_with_it,
        data_makes_a_secret_that_goes_with_the_data,
        a_secret_that_is_to_stay_stays_when_the_data_goes,
        merged_keys_leave_with_the_data,
        it_claims_no_secret_of_its_name,
    ]
}

/// Sync `app` without data, with changes of its entry.
fn alone(desk: &Desk, change: &Value) -> Value {
    let mut sync = desk.app(change);
    sync["spec"].as_object_mut().unwrap().remove("data");
    sync
}

/// The same with data and a target.
fn reading(desk: &Desk, target: &Value) -> Value {
    let mut sync = desk.app(&json!({}));
    sync["spec"]["target"] = target.clone();
    sync
}

async fn is_alone(desk: &Desk) -> Result<()> {
    desk.kit.says("app", "Ready", "True", "AllPushed").await?;
    desk.kit.is_synced("app").await?;
    let status = desk
        .kit
        .syncs()
        .get("app")
        .await?
        .status
        .unwrap_or_default();
    ensure!(
        status.target.is_none() && status.keys.is_empty(),
        "{status:?}"
    );
    ensure!(status.summary.as_deref() == Some("1/1"), "{status:?}");
    Ok(())
}

async fn it_is_ready_when_all_is_pushed_and_writes_no_secret(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    // Somebody else's Secret has the name that the sync's would have.
    let theirs = desk
        .kit
        .make_secret("app", json!({"a": "b"}), json!({}))
        .await?;
    desk.kit.apply(alone(&desk, &json!({}))).await?;
    desk.holds("db", &desk.value("first")).await?;
    is_alone(&desk).await?;
    let table = desk.kit.world.control_plane.kubectl();
    let line = [
        "-n",
        &desk.kit.namespace,
        "get",
        "vss",
        "app",
        "--no-headers",
    ];
    let row = table.run(line).await?;
    // Name, vault and Secret, of which there is none, come first. A cell without a value is empty.
    let words: Vec<&str> = row.split_whitespace().skip(2).take(4).collect();
    ensure!(words == ["1/1", "True", "True", "UpToDate"], "{row}");
    desk.source("second").await?;
    desk.holds("db", &desk.value("second")).await?;
    is_alone(&desk).await?;
    desk.kit.marker().await?;
    untouched(&theirs, &desk.kit.secret("app").await?)
}

async fn what_keeps_it_from_pushing_is_told_as_of_any_sync(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.roles(&["Key Vault Secrets User"]).await?;
    desk.kit.apply(alone(&desk, &json!({}))).await?;
    for type_ in ["Ready", "Synced"] {
        desk.kit.says("app", type_, "False", "Forbidden").await?;
    }
    desk.kit
        .says("app", "Degraded", "True", "Forbidden")
        .await?;
    desk.roles(&["Key Vault Secrets Officer"]).await?;
    desk.kit.sync_now("app").await?;
    is_alone(&desk).await?;
    desk.kit
        .says("app", "Degraded", "False", "Healthy")
        .await
        .map(drop)
}

async fn what_it_pushed_goes_with_it(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.kit
        .apply(alone(&desk, &json!({"deletionPolicy": "Delete"})))
        .await?;
    is_alone(&desk).await?;
    desk.kit.remove("app").await?;
    is_deleted(&desk).await
}

async fn data_makes_a_secret_that_goes_with_the_data(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.kit.apply(alone(&desk, &json!({}))).await?;
    is_alone(&desk).await?;
    desk.kit.apply(reading(&desk, &json!({}))).await?;
    desk.kit
        .says("app", "Ready", "True", "AllKeysPresent")
        .await?;
    ensure!(
        owners(&desk.kit.secret("app").await?).len() == 1,
        "no owner"
    );
    desk.kit
        .edit("app", json!({"spec": {"data": null}}))
        .await?;
    is_alone(&desk).await?;
    desk.kit.is_gone(desk.kit.secrets(), "app").await
}

async fn a_secret_that_is_to_stay_stays_when_the_data_goes(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    let retain = reading(&desk, &json!({"deletionPolicy": "Retain"}));
    desk.kit.apply(retain.clone()).await?;
    desk.is_pushed().await?;
    desk.kit.is_synced("app").await?;
    desk.kit.settled("app", "app").await?;
    let before = desk.kit.secret("app").await?;
    desk.kit
        .edit("app", json!({"spec": {"data": null}}))
        .await?;
    is_alone(&desk).await?;
    desk.kit.marker().await?;
    untouched(&before, &desk.kit.secret("app").await?)?;
    // The sync finds it again.
    desk.kit.apply(retain).await?;
    desk.kit
        .says("app", "Ready", "True", "AllKeysPresent")
        .await
        .map(drop)
}

async fn merged_keys_leave_with_the_data(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    let consent = json!({"lakevault.dev/allow-sync": "app"});
    desk.kit
        .make_secret("theirs", json!({"a": "b"}), consent)
        .await?;
    desk.kit
        .apply(reading(
            &desk,
            &json!({"name": "theirs", "ownership": "Merge"}),
        ))
        .await?;
    desk.kit.is_synced("app").await?;
    desk.kit
        .edit("app", json!({"spec": {"data": null}}))
        .await?;
    is_alone(&desk).await?;
    desk.kit.holds("theirs", &[("a", "b")]).await?;
    let sync = desk.kit.syncs().get("app").await?;
    ensure!(sync.metadata.finalizers.is_none(), "{:?}", sync.metadata);
    Ok(())
}

async fn it_claims_no_secret_of_its_name(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.kit.apply(alone(&desk, &json!({}))).await?;
    is_alone(&desk).await?;
    let reader = desk.kit.sync("reader", &[("R", "read")], |spec| {
        spec["target"] = json!({"name": "app"});
    });
    desk.kit.apply(reader).await?;
    desk.kit.is_synced("reader").await?;
    let status = desk
        .kit
        .syncs()
        .get("app")
        .await?
        .status
        .unwrap_or_default();
    ensure!(
        condition(&status, "Ready").is_some_and(|ready| ready.status == "True"),
        "{status:?}"
    );
    Ok(())
}
