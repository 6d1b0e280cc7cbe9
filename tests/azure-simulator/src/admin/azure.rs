//! Admin calls about what the resource manager keeps: subscriptions, deleted vaults, and requests that are held.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Body, Refused, changes::same_or_absent, done};
use crate::{
    app::App,
    wire::holds::{Held, Release},
    world::{life::Actor, subscription::SubscriptionSpec},
};

type Here = State<Arc<App>>;

/// Subscriptions with their groups, providers, and all role assignments in them.
pub(super) async fn subscriptions(State(app): Here) -> Json<Value> {
    let world = app.world.read();
    let shown = world.subscriptions.values().map(|subscription| {
        let groups: Vec<Value> = subscription
            .groups
            .values()
            .map(|group| {
                json!({"name": group.name, "location": group.location, "tags": group.tags,
                       "deleting": group.going.is_some()})
            })
            .collect();
        let providers: Value = subscription
            .providers
            .values()
            .map(|one| (one.namespace.clone(), json!(one.state())))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let key = crate::world::scope::key(&format!("/subscriptions/{}", subscription.id));
        let assignments: Vec<Value> = world
            .assignments
            .on(&key)
            .chain(world.assignments.below(&key))
            .map(|one| {
                json!({"name": one.name, "scope": one.scope, "role": one.role.name,
                       "principalId": one.principal_id})
            })
            .collect();
        json!({
            "id": subscription.id, "tenantId": subscription.tenant_id, "stack": subscription.stack,
            "state": subscription.state, "resourceGroups": groups, "providers": providers,
            "locks": subscription.locks, "policies": subscription.policies, "roleAssignments": assignments,
        })
    });
    Json(json!({"subscriptions": shown.collect::<Vec<_>>()}))
}

pub(super) async fn put_subscription(
    State(app): Here,
    Path(id): Path<String>,
    Body(mut spec): Body<SubscriptionSpec>,
) -> Answer {
    same_or_absent(&mut spec.id, id)?;
    let now = app.now();
    app.world.write().put_subscription(&spec, now)?;
    Ok(done())
}

pub(super) async fn deleted_vaults(State(app): Here) -> Json<Value> {
    let world = app.world.read();
    Json(json!({"deletedVaults": world.deleted_vaults.keys().collect::<Vec<_>>()}))
}

/// Purges a deleted vault, protected or not.
pub(super) async fn purge_vault(State(app): Here, Path(name): Path<String>) -> Answer {
    let key = name.to_ascii_lowercase();
    let purged = app.world.write().deleted_vaults.remove(&key);
    purged.map(|_| done()).ok_or_else(|| no_deleted(&name))
}

pub(super) async fn recover_vault(State(app): Here, Path(name): Path<String>) -> Answer {
    let now = app.now();
    {
        let mut world = app.world.write();
        if !world
            .deleted_vaults
            .contains_key(&name.to_ascii_lowercase())
        {
            return Err(no_deleted(&name));
        }
        world.recover_vault(&name, Actor::default(), now, now);
    }
    app.names_may_have_changed()?;
    Ok(done())
}

fn no_deleted(name: &str) -> Refused {
    Refused::absent(format!("there is no deleted vault {name}"))
}

pub(super) async fn holds(State(app): Here) -> Json<Vec<Held>> {
    Json(app.holds.list())
}

/// Which requests are let go, and how.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct LetGo {
    /// Absent: all.
    id: Option<u64>,
    how: Release,
}

pub(super) async fn release(State(app): Here, Body(which): Body<LetGo>) -> Answer {
    let fits = |held: &Held| which.id.is_none_or(|id| id == held.id);
    let released = app.holds.release(fits, which.how);
    if let (Some(id), 0) = (which.id, released) {
        return Err(Refused::absent(format!("no request {id} is held")));
    }
    Ok(Json(json!({"released": released})))
}
