//! What happens to pushed objects when their entry or their sync goes.

use anyhow::{Result, ensure};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::{Fault, FaultRule, until};

use super::Desk;
use crate::kit::{Kit, SOON, condition};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        what_is_to_go_goes_with_its_sync,
        what_is_to_go_goes_with_its_entry,
        what_is_to_stay_stays,
        a_deletion_waits_for_a_vault_that_comes_back,
        a_deletion_without_an_identity_lets_go,
    ]
}

const FINALIZER: &str = "lakevault.dev/pushed-objects";

pub(super) async fn is_deleted(desk: &Desk) -> Result<()> {
    until(SOON, "it is softly deleted", async || {
        let path = format!("/vaults/{}", desk.kit.vault);
        let get = reqwest::Method::GET;
        let seen = desk.kit.admin().call::<Value>(get, &path, None).await;
        let seen = seen.map_err(|error| format!("{error:#}"))?;
        let named = seen["deletedSecrets"]
            .as_array()
            .is_some_and(|names| names.iter().any(|name| name == "db"));
        if named { Ok(()) } else { Err(seen.to_string()) }
    })
    .await
}

async fn finalizers(desk: &Desk) -> Result<Vec<String>> {
    let sync = desk.kit.syncs().get("app").await?;
    Ok(sync.metadata.finalizers.unwrap_or_default())
}

async fn what_is_to_go_goes_with_its_sync(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.apply(&json!({"deletionPolicy": "Delete"})).await?;
    desk.is_pushed().await?;
    ensure!(finalizers(&desk).await? == [FINALIZER], "no finalizer");
    desk.kit.remove("app").await?;
    is_deleted(&desk).await?;
    ensure!(desk.count("DeleteSecret").await? == 1, "not deleted once");
    ensure!(desk.count("PurgeDeletedSecret").await? == 0, "purged");
    // Made anew, the sync brings its own object back.
    desk.source("second").await?;
    desk.apply(&json!({})).await?;
    desk.holds("db", &desk.value("second")).await?;
    desk.is_pushed().await?;
    Ok(())
}

async fn what_is_to_go_goes_with_its_entry(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.apply(&json!({"deletionPolicy": "Delete"})).await?;
    desk.is_pushed().await?;
    desk.apply(&json!({"to": {"secret": "elsewhere"}})).await?;
    desk.holds("elsewhere", &desk.value("first")).await?;
    is_deleted(&desk).await?;
    desk.kit
        .status_when("app", "only one is pushed", |status| status.push.len() == 1)
        .await?;
    until(SOON, "the finalizer goes", async || {
        match finalizers(&desk).await {
            Ok(none) if none.is_empty() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

async fn what_is_to_stay_stays(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.apply(&json!({})).await?;
    desk.is_pushed().await?;
    ensure!(
        finalizers(&desk).await?.is_empty(),
        "a finalizer for nothing"
    );
    desk.kit
        .edit("app", json!({"spec": {"push": null}}))
        .await?;
    desk.kit
        .status_when("app", "nothing is pushed", |status| {
            status.push.is_empty() && crate::kit::condition(status, "Pushed").is_none()
        })
        .await?;
    desk.kit.remove("app").await?;
    desk.holds("db", &desk.value("first")).await?;
    Ok(())
}

async fn a_deletion_waits_for_a_vault_that_comes_back(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.apply(&json!({"deletionPolicy": "Delete"})).await?;
    desk.is_pushed().await?;
    let host = format!(
        "{}.{}",
        desk.kit.vault,
        desk.kit.endpoints().key_vault_suffix
    );
    let rule = FaultRule::new(&host, Fault::status(503)).on_path("^/secrets/db");
    let fault = desk.kit.admin().add_fault(&rule).await?;
    desk.kit
        .syncs()
        .delete("app", &DeleteParams::default())
        .await?;
    until(SOON, "the vault's trouble is told", async || {
        let sync = desk.kit.syncs().get("app").await.map_err(seen)?;
        let status = sync.status.unwrap_or_default();
        let pushed = condition(&status, "Pushed");
        if pushed.is_some_and(|pushed| pushed.reason == "AzureUnavailable") {
            Ok(())
        } else {
            Err(format!("{pushed:?}"))
        }
    })
    .await?;
    desk.kit.admin().remove_fault(&fault).await?;
    desk.kit.is_gone(desk.kit.syncs(), "app").await?;
    is_deleted(&desk).await
}

/// An identity that is gone will not come back for this.
async fn a_deletion_without_an_identity_lets_go(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    desk.apply(&json!({"deletionPolicy": "Delete"})).await?;
    desk.is_pushed().await?;
    let kubectl = desk.kit.world.control_plane.kubectl();
    let namespace = desk.kit.namespace.as_str();
    kubectl
        .run(["-n", namespace, "delete", "azureidentity/main"])
        .await?;
    desk.kit.remove("app").await?;
    let events: Api<Event> = Api::namespaced(desk.kit.client(), namespace);
    until(SOON, "it is told", async || {
        let events = events.list(&ListParams::default()).await.map_err(seen)?;
        let told = events.iter().any(|event| {
            event.reason.as_deref() == Some("PushedObjectsLeft")
                && event
                    .note
                    .as_ref()
                    .is_some_and(|note| note.contains("secret/db in https://"))
        });
        if told {
            Ok(())
        } else {
            Err("no Event".to_owned())
        }
    })
    .await?;
    desk.holds("db", &desk.value("first")).await?;
    Ok(())
}
