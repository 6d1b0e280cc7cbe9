//! What the operator tells beside conditions: an identity's own status, and Events on edges only.

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use testbed::until;

use crate::kit::{Kit, SOON, teaches};
use crate::lane::{Lane, unknown_to_entra};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        status_of_an_identity,
        events_of_a_sync,
        events_of_an_identity,
    ]
}

async fn status_of_an_identity(kit: Kit) -> Result<()> {
    let lane = Lane::set(kit).await?;
    lane.identity_says("True", "TokenAcquired").await?;
    let identity = lane.identities().get("main").await?;
    let status = identity.status.context("no status")?;
    ensure!(status.observed_generation == identity.metadata.generation);
    ensure!(status.credential.as_deref() == Some("clientSecret"));
    let left = status
        .token_expires_at
        .context("no tokenExpiresAt")?
        .0
        .duration_since(Timestamp::now());
    ensure!(
        left > SignedDuration::from_hours(23) && left <= SignedDuration::from_hours(24),
        "{left}"
    );
    let kubectl = lane.kit.world.control_plane.kubectl();
    let shown = kubectl
        .run(["get", "azid", "main", "-n", &lane.kit.namespace])
        .await?;
    teaches(
        &shown,
        &["clientSecret", "TokenAcquired", "True", &lane.kit.client_id],
    )
}

/// Type, reason and number of the Events about an object, once there is one of reason `last`.
async fn events(
    kit: &Kit,
    kind: &str,
    name: &str,
    last: &str,
) -> Result<Vec<(String, String, i32)>> {
    let events: Api<Event> = Api::namespaced(kit.client(), &kit.namespace);
    until(
        SOON,
        &format!("an Event {last} about {kind} {name}"),
        async || {
            let listed = events.list(&ListParams::default()).await;
            let mut found: Vec<_> = listed
                .map_err(|error| error.to_string())?
                .items
                .into_iter()
                .filter(|event| {
                    let about = event.regarding.as_ref();
                    about.is_some_and(|about| {
                        about.kind.as_deref() == Some(kind) && about.name.as_deref() == Some(name)
                    })
                })
                .collect();
            found.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
            let told: Vec<_> = found
                .into_iter()
                .map(|event| {
                    let times = event.series.map_or(1, |series| series.count);
                    let text = |text: Option<String>| text.unwrap_or_default();
                    (text(event.type_), text(event.reason), times)
                })
                .collect();
            if told.iter().any(|(_, reason, _)| reason == last) {
                Ok(told)
            } else {
                Err(format!("{told:?}"))
            }
        },
    )
    .await
}

fn once(type_: &str, reason: &str) -> (String, String, i32) {
    (type_.to_owned(), reason.to_owned(), 1)
}

async fn events_of_a_sync(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let vault = kit.vault.clone();
    let roles = |roles: Value| json!({"roleAssignments": roles});
    let role = json!({"principalId": kit.object_id, "role": "Key Vault Secrets User"});
    kit.admin().patch_vault(&vault, &roles(json!([]))).await?;
    for _ in 0..3 {
        kit.look("app").await?;
        kit.says("app", "Synced", "False", "Forbidden").await?;
    }
    kit.admin()
        .patch_vault(&vault, &roles(json!([role])))
        .await?;
    for _ in 0..2 {
        kit.look("app").await?;
        kit.is_synced("app").await?;
    }
    let told = events(&kit, "VaultSecretSync", "app", "UpToDate").await?;
    let wanted = [once("Warning", "Forbidden"), once("Normal", "UpToDate")];
    ensure!(told == wanted, "{told:?}");
    Ok(())
}

async fn events_of_an_identity(kit: Kit) -> Result<()> {
    let lane = Lane::set(kit).await?;
    lane.identity_says("True", "TokenAcquired").await?;
    let good = lane.kit.client_secret.clone();
    for wrong in ["a", "b"] {
        let wrong = format!("{}-{wrong}", unknown_to_entra());
        lane.kit.make_credential("sp", &wrong).await?;
        lane.identity_says("False", "InvalidClientSecret").await?;
    }
    lane.kit.make_credential("sp", &good).await?;
    let told = events(&lane.kit, "AzureIdentity", "main", "TokenAcquired").await?;
    let wanted = [
        once("Warning", "InvalidClientSecret"),
        once("Normal", "TokenAcquired"),
    ];
    ensure!(told == wanted, "{told:?}");
    Ok(())
}
