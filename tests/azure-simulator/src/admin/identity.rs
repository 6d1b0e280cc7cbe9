//! Admin calls about users, device codes and recorded token requests.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Answer, Body, Refused,
    changes::{note_principals, same_or_absent},
    done,
};
use crate::{
    app::App,
    entra::device::{self, Action},
    wire::recordings::Recorded,
    world::spec::UserSpec,
};

type Here = State<Arc<App>>;

pub(super) async fn put_user(
    State(app): Here,
    Path((tenant, username)): Path<(String, String)>,
    Body(mut spec): Body<UserSpec>,
) -> Answer {
    same_or_absent(&mut spec.username, username)?;
    let mut world = app.world.write();
    world.put_user(&tenant, spec)?;
    note_principals(&mut world);
    Ok(done())
}

pub(super) async fn delete_user(
    State(app): Here,
    Path((tenant, username)): Path<(String, String)>,
) -> Answer {
    let mut world = app.world.write();
    let removed = world
        .tenants
        .get_mut(&tenant.to_ascii_lowercase())
        .and_then(|tenant| tenant.users.remove(&username.to_ascii_lowercase()));
    removed
        .map(|_| done())
        .ok_or_else(|| Refused::absent(format!("there is no user {username}")))
}

/// What the person at the device page does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Decision {
    user_code: String,
    /// Needed to approve.
    #[serde(default)]
    username: String,
    action: Action,
}

pub(super) async fn decide(State(app): Here, Body(decision): Body<Decision>) -> Answer {
    if app
        .sessions
        .device_by_user_code(&decision.user_code)
        .is_none()
    {
        return Err(Refused::absent(format!(
            "there is no user code {}",
            decision.user_code
        )));
    }
    device::decide(
        &app,
        &decision.user_code,
        &decision.username,
        decision.action,
    )
    .map_err(|message| Refused(StatusCode::CONFLICT, message))?;
    Ok(done())
}

pub(super) async fn recordings(State(app): Here) -> Json<Vec<Recorded>> {
    Json(app.recordings.list())
}

pub(super) async fn clear_recordings(State(app): Here) -> Json<Value> {
    app.recordings.clear();
    done()
}
