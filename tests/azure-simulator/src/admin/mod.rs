//! The admin API: plain HTTP with JSON on a port of its own. Errors are `{"error": "…"}`.

mod azure;
mod changes;
mod files;
mod identity;
mod lakes;
mod machine;
mod objects;
mod watching;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::net::TcpListener;

use crate::app::App;

/// What a caller may still take when the simulator ends.
const FAREWELL_TIME: Duration = Duration::from_secs(1);
/// Seeds with thousands of secrets are large.
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

/// A refused admin call.
#[derive(Debug)]
struct Refused(StatusCode, String);

impl Refused {
    fn bad(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    fn absent(message: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, message.into())
    }
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self::bad(message)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

type Answer<T = Json<serde_json::Value>> = Result<T, Refused>;

/// A JSON body, whatever content type it claims, whose refusal has the API's error shape.
#[derive(Debug)]
struct Body<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Refused::bad(error.body_text()))?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Refused::bad(error.to_string()))
    }
}

/// Serves the admin API until the app stops.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener) {
    let stop = app.stop.clone();
    let ended =
        axum::serve(listener, router(app)).with_graceful_shutdown(stop.clone().cancelled_owned());
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(FAREWELL_TIME).await;
    };
    tokio::select! {
        result = ended => if let Err(error) = result {
            tracing::error!(%error, "the admin API ended");
        },
        () = late => {}
    }
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(async || Json(json!({"ok": true}))))
        .route("/ca.pem", get(watching::authority))
        .route("/seed", post(changes::seed))
        .route("/settings", get(watching::settings).post(changes::settings))
        .route("/clock", get(watching::clock).post(changes::clock))
        .route("/issuers", post(changes::issuers))
        .route("/tenants", get(watching::tenants))
        .route(
            "/tenants/{tenant}",
            put(changes::put_tenant).delete(changes::delete_tenant),
        )
        .route(
            "/tenants/{tenant}/applications/{client}",
            put(changes::put_application).delete(changes::delete_application),
        )
        .route(
            "/tenants/{tenant}/users/{username}",
            put(identity::put_user).delete(identity::delete_user),
        )
        .route("/devicecode", post(identity::decide))
        .route(
            "/recordings",
            get(identity::recordings).delete(identity::clear_recordings),
        )
        .route("/managedidentities", get(machine::managed_identities))
        .route(
            "/managedidentities/{client}",
            put(machine::put_managed_identity).delete(machine::delete_managed_identity),
        )
        .route("/subscriptions", get(azure::subscriptions))
        .route("/subscriptions/{id}", put(azure::put_subscription))
        .merge(of_accounts())
        .merge(of_files())
        .route("/deletedvaults", get(azure::deleted_vaults))
        .route(
            "/deletedvaults/{name}",
            axum::routing::delete(azure::purge_vault),
        )
        .route("/deletedvaults/{name}/recover", post(azure::recover_vault))
        .route("/holds", get(azure::holds))
        .route("/holds/release", post(azure::release))
        .route("/vaults", get(watching::vaults))
        .route(
            "/vaults/{vault}",
            get(watching::vault)
                .put(changes::put_vault)
                .patch(changes::patch_vault)
                .delete(changes::delete_vault),
        )
        .route(
            "/vaults/{vault}/secrets/{name}",
            put(objects::put_secret)
                .patch(objects::patch_secret)
                .delete(objects::delete_secret),
        )
        .route(
            "/vaults/{vault}/certificates/{name}",
            put(objects::put_certificate)
                .patch(objects::patch_certificate)
                .delete(objects::delete_certificate),
        )
        .route(
            "/vaults/{vault}/keys/{name}",
            put(objects::put_key)
                .patch(objects::patch_key)
                .delete(objects::delete_key),
        )
        .route(
            "/journal",
            get(watching::journal).delete(watching::clear_journal),
        )
        .route(
            "/counters",
            get(watching::counters).delete(watching::clear_counters),
        )
        .route(
            "/faults",
            get(watching::faults)
                .post(changes::add_fault)
                .delete(changes::clear_faults),
        )
        .route("/faults/{id}", axum::routing::delete(changes::delete_fault))
        .fallback(async || Refused::absent("no such admin path"))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(app)
}

/// Storage accounts and Data Lake Stores.
fn of_accounts() -> Router<Arc<App>> {
    Router::new()
        .route("/storageaccounts", get(lakes::accounts))
        .route(
            "/storageaccounts/{name}",
            get(lakes::account)
                .put(lakes::put_account)
                .patch(lakes::patch_account)
                .delete(lakes::delete_account),
        )
        .route("/storageaccounts/{name}/keys", get(lakes::keys))
        .route("/storageaccounts/{name}/keys/{key}", put(lakes::put_key))
        .route("/datalakestores", get(lakes::stores))
        .route(
            "/datalakestores/{name}",
            get(lakes::store)
                .put(lakes::put_store)
                .patch(lakes::patch_store)
                .delete(lakes::delete_store),
        )
}

/// What is about files, and who is in which group.
fn of_files() -> Router<Arc<App>> {
    let of_lake = "/filesystems/{account}/{filesystem}";
    Router::new()
        .route("/groups", get(files::groups))
        .route(
            "/groups/{id}",
            put(files::put_group).delete(files::delete_group),
        )
        .route("/filesystems/{account}", get(files::filesystems))
        .route(
            of_lake,
            put(files::put_filesystem).delete(files::delete_filesystem),
        )
        .route(
            &format!("{of_lake}/path"),
            get(files::path_of_lake)
                .put(files::put_path_of_lake)
                .delete(files::delete_path_of_lake),
        )
        .route(&format!("{of_lake}/tree"), post(files::grow_lake))
        .route(&format!("{of_lake}/failures"), put(files::put_failures))
        .route(
            &format!("{of_lake}/continuations"),
            axum::routing::delete(files::expire_continuations),
        )
        .route(
            "/storefiles/{store}/path",
            get(files::path_of_store)
                .put(files::put_path_of_store)
                .delete(files::delete_path_of_store),
        )
        .route("/storefiles/{store}/tree", post(files::grow_store))
}

/// Makes keys and certificates away from the threads that serve.
async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, Refused> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Refused::bad(error.to_string()))??)
}

/// The empty answer of a change.
fn done() -> Json<serde_json::Value> {
    Json(json!({}))
}
