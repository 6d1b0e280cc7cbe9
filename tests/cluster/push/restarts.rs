//! An operator that dies makes no version too many, and one whose API server is too busy forgets none. It is one of its own.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use testbed::{Fault, FaultRule, Proxy, until};

use super::Desk;
use crate::kit::{Kit, SOON, World, operator_kubeconfig};
use crate::leaks::holds_no_value;
use crate::scene::requests;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        deaths_make_at_most_one_version_each_and_restarts_none,
        what_was_pushed_is_recorded_though_the_record_is_refused_at_first
    ]
}

async fn what_was_pushed_is_recorded_though_the_record_is_refused_at_first(_: Kit) -> Result<()> {
    let world = World::with("push-refused", &[]).await?;
    let proxy = Proxy::start(&operator_kubeconfig(&world.control_plane)?).await?;
    let kubeconfig = proxy.kubeconfig(world.scratch.path())?;
    let mut desk = Desk::set(Kit::new(Arc::new(world), "push").await?).await?;
    let world = Arc::get_mut(&mut desk.kit.world).context("the world is shared")?;
    world.operator.options_mut().kubeconfig = kubeconfig;
    world.operator.restart().await?;
    // Nobody comes by for another reason.
    let mut sync = desk.app(&json!({}));
    sync["spec"]["refreshInterval"] = json!("1h");
    let mut slow = FaultRule::new(&host(&desk), Fault::LatencyMs(3000)).on_path("^/secrets/db");
    slow.methods = vec!["PUT".to_owned()];
    let fault = desk.kit.admin().add_fault(&slow).await?;
    desk.kit.apply(sync).await?;
    desk.kit
        .status_when("app", "the intent is recorded", |status| {
            status.push.iter().any(|push| push.operation.is_some())
        })
        .await?;
    desk.kit.is_synced("app").await?;
    proxy.refuse(1, |method, path| {
        method == "PUT" && path.ends_with("/app/status")
    });
    desk.kit.admin().remove_fault(&fault).await?;
    desk.is_pushed().await?;
    ensure!(proxy.to_be_refused() == 0, "nothing was refused");
    ensure!(desk.count("SetSecret").await? == 1, "more than one version");
    Ok(())
}

fn host(desk: &Desk) -> String {
    let suffix = &desk.kit.endpoints().key_vault_suffix;
    format!("{}.{suffix}", desk.kit.vault)
}

async fn deaths_make_at_most_one_version_each_and_restarts_none(_: Kit) -> Result<()> {
    let world = Arc::new(World::with("push", &[]).await?);
    let mut desk = Desk::set(Kit::new(world, "push").await?).await?;
    desk.apply(&json!({})).await?;
    desk.is_pushed().await?;
    // Killed while a version is being made: nobody knows whether it was.
    let mut slow = FaultRule::new(&host(&desk), Fault::LatencyMs(3000)).on_path("^/secrets/db");
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
