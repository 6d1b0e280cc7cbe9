//! Admin calls that look.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Refused, changes::shown_settings, done};
use crate::{
    app::App,
    wire::{
        faults::Listed,
        journal::{Counters, Page},
    },
    world::{
        moment::Moment,
        object::Versioned,
        shelf::Shelf,
        spec::ClockSpec,
        tenant::{Application, Tenant, User},
    },
};

pub(super) async fn settings(State(app): State<Arc<App>>) -> Json<serde_json::Value> {
    Json(shown_settings(&app.world.read()))
}

/// The CA's certificate, for who cannot look into the simulator's folder.
pub(super) async fn authority(State(app): State<Arc<App>>) -> Answer<String> {
    let read = tokio::fs::read_to_string(&app.ca_file).await;
    read.map_err(|error| Refused::absent(format!("no certificate of a CA: {error}")))
}

pub(super) async fn clock(State(app): State<Arc<App>>) -> Json<ClockSpec> {
    Json(ClockSpec {
        skew_seconds: app.world.read().skew_seconds,
    })
}

/// Tenants with their applications; no credentials.
pub(super) async fn tenants(State(app): State<Arc<App>>) -> Json<serde_json::Value> {
    let world = app.world.read();
    let application = |application: &Arc<Application>| json!({"clientId": application.client_id, "objectId": application.object_id, "name": application.name});
    let user = |user: &Arc<User>| json!({"username": user.username, "objectId": user.object_id, "mfa": user.mfa});
    let tenant = |tenant: &Tenant| {
        let applications: Vec<_> = tenant.applications.values().map(application).collect();
        let users: Vec<_> = tenant.users.values().map(user).collect();
        json!({"id": tenant.id, "name": tenant.name, "applications": applications, "users": users})
    };
    Json(json!({"tenants": world.tenants.values().map(tenant).collect::<Vec<_>>()}))
}

pub(super) async fn vaults(State(app): State<Arc<App>>) -> Json<serde_json::Value> {
    Json(json!({"vaults": app.world.read().vaults.keys().collect::<Vec<_>>()}))
}

/// A vault's properties, and the names of its live and deleted objects.
pub(super) async fn vault(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    let now = app.now();
    let world = app.world.read();
    let vault = world
        .vault(&name.to_ascii_lowercase())
        .ok_or_else(|| Refused::absent(format!("there is no vault {name}")))?;
    let (secrets, deleted_secrets) = names(&vault.secrets, now);
    let (certificates, deleted_certificates) = names(&vault.certificates, now);
    let (keys, deleted_keys) = names(&vault.keys, now);
    Ok(Json(json!({
        "vault": world.whole_spec(vault),
        "secrets": secrets,
        "deletedSecrets": deleted_secrets,
        "certificates": certificates,
        "deletedCertificates": deleted_certificates,
        "keys": keys,
        "deletedKeys": deleted_keys,
    })))
}

fn names<V: Versioned>(shelf: &Shelf<V>, now: Moment) -> (Vec<&str>, Vec<&str>) {
    let live = shelf.live_after(None, now);
    let deleted = shelf.deleted_after(None, now);
    (
        live.map(|(_, object)| object.name.as_str()).collect(),
        deleted.map(|(_, object, _)| object.name.as_str()).collect(),
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct JournalQuery {
    since: u64,
    vault: Option<String>,
    operation: Option<String>,
}

pub(super) async fn journal(
    State(app): State<Arc<App>>,
    Query(query): Query<JournalQuery>,
) -> Json<Page> {
    Json(app.journal.since(
        query.since,
        query.vault.as_deref(),
        query.operation.as_deref(),
    ))
}

pub(super) async fn clear_journal(State(app): State<Arc<App>>) -> Json<serde_json::Value> {
    app.journal.clear();
    done()
}

pub(super) async fn counters(State(app): State<Arc<App>>) -> Json<Counters> {
    Json(app.journal.counters())
}

pub(super) async fn clear_counters(State(app): State<Arc<App>>) -> Json<serde_json::Value> {
    app.journal.clear_counters();
    done()
}

pub(super) async fn faults(State(app): State<Arc<App>>) -> Json<Vec<Listed>> {
    Json(app.faults.list())
}
