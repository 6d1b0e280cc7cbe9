//! What all endpoints share: the choice of the identity, and its token.

use std::sync::Arc;

use serde_json::{Map, json};

use crate::{
    app::App,
    entra::signing::{Grant, Proof},
    wire::{call::Call, journal::Principal},
    world::managed_identity::{ManagedIdentitySpec, NoIdentity, Wanted},
};

/// Why an endpoint gives no token.
#[derive(Debug)]
pub(super) enum Refusal {
    Identity(NoIdentity),
    /// No such audience in the identity's tenant.
    Resource {
        tenant: String,
    },
    /// The simulator failed.
    Broken(String),
}

/// A token that was given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) token: String,
    pub(super) identity: Arc<ManagedIdentitySpec>,
    pub(super) principal: Arc<Principal>,
    /// Seconds since 1970.
    pub(super) now: i64,
    pub(super) lifetime_seconds: i64,
}

impl Given {
    pub(super) fn expires_on(&self) -> i64 {
        self.now + self.lifetime_seconds
    }
}

/// Signs a token of the wanted identity.
pub(super) fn give(app: &App, wanted: Wanted<'_>, resource: &str) -> Result<Given, Refusal> {
    let identity = app
        .world
        .read()
        .managed_identity(wanted)
        .map_err(Refusal::Identity)?;
    if !is_known(app, &identity.tenant_id, resource) {
        return Err(Refusal::Resource {
            tenant: identity.tenant_id.clone(),
        });
    }
    let principal = Arc::new(Principal {
        tenant_id: identity.tenant_id.to_ascii_lowercase(),
        client_id: identity.client_id.clone(),
        object_id: identity.object_id.clone(),
    });
    let lifetime_seconds = app.settings().managed_identity_lifetime_seconds;
    let grant = Grant {
        audience: resource,
        principal: &principal,
        proof: Proof::Assertion,
        lifetime_seconds,
        more: Map::from_iter([("xms_mirid".to_owned(), json!(identity.resource_id))]),
    };
    let now = app.now();
    let token = app
        .signer
        .issue(&grant, now)
        .map_err(|error| Refusal::Broken(error.to_string()))?;
    Ok(Given {
        token,
        identity,
        principal,
        now: now.seconds(),
        lifetime_seconds,
    })
}

/// Whether the tenant has that resource: the simulator's own services, and the tenant's applications.
fn is_known(app: &App, tenant: &str, resource: &str) -> bool {
    let bare = resource.trim_end_matches('/');
    let application = bare
        .strip_prefix("api://")
        .unwrap_or(bare)
        .to_ascii_lowercase();
    app.names.is_resource(bare)
        || app
            .world
            .read()
            .tenant(tenant)
            .is_some_and(|tenant| tenant.applications.contains_key(&application))
}

/// The identity that the query names by one of the given parameters; `Err` when two of them do.
pub(super) fn wanted<'a>(
    call: &'a Call,
    client: &[&str],
    object: &[&str],
    resource: &[&str],
    none: Wanted<'a>,
) -> Result<Wanted<'a>, ()> {
    let first = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| call.query(name))
            .filter(|value| !value.is_empty())
    };
    match (first(client), first(object), first(resource)) {
        (None, None, None) => Ok(none),
        (Some(id), None, None) => Ok(Wanted::Client(id)),
        (None, Some(id), None) => Ok(Wanted::Object(id)),
        (None, None, Some(id)) => Ok(Wanted::Resource(id)),
        _ => Err(()),
    }
}
