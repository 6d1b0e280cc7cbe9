//! Admin calls about the machine: the managed identities assigned to it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::json;

use super::{
    Answer, Body, Refused,
    changes::{note_principals, same_or_absent},
    done,
};
use crate::{app::App, world::managed_identity::ManagedIdentitySpec};

pub(super) async fn managed_identities(State(app): State<Arc<App>>) -> Json<serde_json::Value> {
    let world = app.world.read();
    let identities: Vec<_> = world
        .managed_identities
        .values()
        .map(|identity| json!(**identity))
        .collect();
    Json(json!({"managedIdentities": identities}))
}

pub(super) async fn put_managed_identity(
    State(app): State<Arc<App>>,
    Path(client): Path<String>,
    Body(mut spec): Body<ManagedIdentitySpec>,
) -> Answer {
    same_or_absent(&mut spec.client_id, client)?;
    let mut world = app.world.write();
    world.put_managed_identity(spec)?;
    note_principals(&mut world);
    Ok(done())
}

pub(super) async fn delete_managed_identity(
    State(app): State<Arc<App>>,
    Path(client): Path<String>,
) -> Answer {
    let removed = app
        .world
        .write()
        .managed_identities
        .remove(&client.to_ascii_lowercase());
    removed
        .map(|_| done())
        .ok_or_else(|| Refused::absent(format!("there is no managed identity {client}")))
}
