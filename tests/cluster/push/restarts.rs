//! An operator that dies makes no version too many. It is one of its own.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use testbed::{Fault, FaultRule, until};

use super::Desk;
use crate::kit::{Kit, SOON, World};
use crate::leaks::holds_no_value;
use crate::scene::requests;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![deaths_make_at_most_one_version_each_and_restarts_none]
}

async fn deaths_make_at_most_one_version_each_and_restarts_none(_: Kit) -> Result<()> {
    let world = Arc::new(World::with("push", &[]).await?);
    let mut desk = Desk::set(Kit::new(world, "push").await?).await?;
    desk.apply(&json!({})).await?;
    desk.is_pushed().await?;
    // Killed while a version is being made: nobody knows whether it was.
    let host = format!(
        "{}.{}",
        desk.kit.vault,
        desk.kit.endpoints().key_vault_suffix
    );
    let mut slow = FaultRule::new(&host, Fault::LatencyMs(3000)).on_path("^/secrets/db");
    slow.methods = vec!["PUT".to_owned()];
    let fault = desk.kit.admin().add_fault(&slow).await?;
    desk.source("second").await?;
    desk.kit
        .status_when("app", "the intent is recorded", |status| {
            status.push[0].operation.is_some()
        })
        .await?;
    desk.kit.world.operator.kill9().await?;
    desk.kit.admin().remove_fault(&fault).await?;
    restart(&mut desk).await?;
    desk.holds("db", &desk.value("second")).await?;
    desk.kit
        .status_when("app", "nothing is open", |status| {
            status.push[0].operation.is_none() && status.push[0].error.is_none()
        })
        .await?;
    let versions = desk.count("SetSecret").await?;
    ensure!(
        (2..=3).contains(&versions),
        "{versions} versions for 2 values and 1 death"
    );
    // A restart looks, and writes nothing.
    let looks = requests(&desk.kit, &desk.kit.vault, "GetSecret")
        .await?
        .len();
    restart(&mut desk).await?;
    until(SOON, "the vault was looked at", async || {
        let all = requests(&desk.kit, &desk.kit.vault, "GetSecret").await;
        let all = all.map_err(|error| format!("{error:#}"))?;
        let of_push = all
            .iter()
            .skip(looks)
            .any(|entry| entry.path.contains("/secrets/db"));
        if of_push {
            Ok(())
        } else {
            Err(format!("{} looks", all.len()))
        }
    })
    .await?;
    desk.is_pushed().await?;
    ensure!(
        desk.count("SetSecret").await? == versions,
        "a restart made a version"
    );
    ensure!(
        desk.count("UpdateSecret").await? == 0,
        "a restart made an update"
    );
    let log = std::fs::read_to_string(desk.kit.world.operator.log())?;
    ensure!(!log.contains("panicked"), "a panic is in the log");
    holds_no_value("the log", &log)
}

async fn restart(desk: &mut Desk) -> Result<()> {
    let world = Arc::get_mut(&mut desk.kit.world).context("the world is shared")?;
    world.operator.restart().await
}
