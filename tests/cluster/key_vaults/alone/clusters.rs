//! Two clusters want one vault.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use testbed::Operator;

use super::super::estate::{Estate, is};
use super::Alone;
use crate::kit::{Kit, teaches};

/// The operator of this world is led to the Azure of the shared one, where another operator has made the vault.
pub async fn clusters(alone: &mut Alone, shared: Kit) -> Result<()> {
    let first = Estate::new(shared).await?;
    first
        .ready(|spec| spec["deletionPolicy"] = json!("DeleteAndPurge"))
        .await?;
    let owner = first.owner().await?;
    alone.kill().await?;
    let options = alone.options("elsewhere")?;
    let elsewhere = options.with_azure(first.kit.endpoints());
    alone.second = Some(Operator::start(elsewhere).await?);
    // In the other cluster all has the same names.
    let kubectl = alone.kit.world.control_plane.kubectl();
    let namespace = &first.kit.namespace;
    kubectl.run(["create", "namespace", namespace]).await?;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sp", "namespace": namespace},
        "stringData": {"secret": first.kit.client_secret}
    });
    let adopting = |spec: &mut serde_json::Value| {
        spec["deletionPolicy"] = json!("DeleteAndPurge");
        spec["adopt"] = json!("Always");
    };
    for object in [secret, first.identity("manager"), first.vault(adopting)] {
        kubectl.apply_yaml(&object.to_string()).await?;
    }
    let mut there = first.kit.clone();
    there.world = Arc::clone(&alone.kit.world);
    let second = first.of_kit(&there);
    let message = second.says("Synced", "False", "ResourceNotOurs").await?;
    let cluster = owner.split('/').next().context("no cluster")?;
    ensure!(uuid::Uuid::try_parse(cluster).is_ok(), "{owner}");
    teaches(&message, &[&owner, "left alone"])?;
    second.delete().await?;
    second.is_gone().await?;
    ensure!(first.owner().await? == owner);
    let status = first.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    ensure!(first.writes().await? == ["CreateOrUpdateVault"]);
    Ok(())
}
