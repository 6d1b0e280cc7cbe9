//! The data plane of a vault: `https://<vault>.vault.<suffix>`.

mod authenticate;
mod backups;
mod bundles;
mod certificate_bundles;
mod certificates;
mod claims;
mod context;
pub(crate) mod errors;
mod keys;
mod operations;
mod paging;
mod requests;
mod secrets;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};
use uuid::Uuid;

use self::{context::Context, operations::Operation};
use crate::{
    app::App,
    stack::{self, VaultFace},
    wire::{call::Call, exchange::Outcome, fault_spec::Effect, journal::Principal, reply::Reply},
    world::{
        access::{self, Action},
        moment::Moment,
        networks::Access,
        refusal::Refusal,
        scope,
        spec::{Authorization, VaultSpec},
    },
};

/// Versions of the data plane's API, oldest first.
const API_VERSIONS: [&str; 10] = [
    "2016-10-01",
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "2025-07-01",
    "2026-04-01",
];

/// The journal's word for a request.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    Operation::of(method, path).map_or("Unknown", Operation::word)
}

/// Answers a request to a vault.
pub(crate) async fn answer(
    app: &App,
    call: &Call,
    vault: &str,
    effect: Option<&Effect>,
) -> Outcome {
    let Some(spec) = at_its_host(app, vault, &call.route.host) else {
        return unknown_vault(vault).into();
    };
    let now = app.now();
    let mut outcome = match effect {
        Some(Effect::ForeignChallenge(to)) => {
            let message = "AKV10000: Request is missing a Bearer or PoP token.";
            authenticate::challenge_to(&to.authorization, &to.resource, message, None).into()
        }
        Some(Effect::ExpiredToken) if call.headers.contains_key(http::header::AUTHORIZATION) => {
            authenticate::expired(&VaultFace::of(app, call, &spec)).into()
        }
        _ => authenticated(app, call, vault, &spec, effect, now).await,
    };
    add_headers(&mut outcome.reply, call, &spec);
    outcome
}

/// The vault, unless the host is of another cloud than the vault.
fn at_its_host(app: &App, vault: &str, host: &str) -> Option<Arc<VaultSpec>> {
    let now = app.now();
    let world = app.world.read();
    let vault = world.vault(vault)?;
    if !vault.record.resolves(now) {
        return None;
    }
    let spec = &vault.spec;
    (world.host_of_vault(spec, &app.names) == host).then(|| Arc::clone(spec))
}

/// In Azure this host would not resolve; whoever gets here did not ask the hosts file.
fn unknown_vault(vault: &str) -> Reply {
    let message = format!("There is no vault {vault}; in Azure its name would not resolve.");
    errors::reply(http::StatusCode::NOT_FOUND, "VaultNotFound", &message, None)
}

async fn authenticated(
    app: &App,
    call: &Call,
    vault: &str,
    spec: &VaultSpec,
    effect: Option<&Effect>,
    now: Moment,
) -> Outcome {
    let verified = match authenticate::authenticate(app, call, spec, now) {
        Ok(verified) => verified,
        Err(reply) => return (*reply).into(),
    };
    if let Some(Effect::ClaimsChallenge(wanted)) = effect
        && !claims::are_met(verified.claims_request.as_ref(), &wanted.claims)
    {
        return authenticate::insufficient_claims(&VaultFace::of(app, call, spec), &wanted.claims)
            .into();
    }
    let principal = Arc::clone(&verified.principal);
    let reply = allowed(app, call, vault, spec, &principal, effect, now).await;
    Outcome {
        reply,
        principal: Some(principal),
    }
}

async fn allowed(
    app: &App,
    call: &Call,
    vault: &str,
    spec: &VaultSpec,
    principal: &Principal,
    effect: Option<&Effect>,
    now: Moment,
) -> Reply {
    let refused_version = match &spec.stack {
        Some(region) => stack::refused_api_version(call, region),
        None => refused_api_version(call),
    };
    if let Some(reply) = refused_version {
        return reply;
    }
    let Some(operation) = Operation::of(&call.method, &call.route.path) else {
        let message = format!(
            "The method {} is not allowed on this resource.",
            call.method
        );
        return errors::reply(
            http::StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            &message,
            None,
        );
    };
    let (action, name) = (operation.action(), operation.name());
    if let Some(Effect::Forbidden(code)) = effect {
        return forced(code, spec, principal, operation, call);
    }
    if let Some(reply) = kept_out(app, call, spec, principal) {
        return reply;
    }
    let assignment = match spec.authorization {
        Authorization::AccessPolicies
            if access::by_policy(&spec.access_policies, &principal.object_id, action) =>
        {
            None
        }
        Authorization::AccessPolicies => return errors::by_policy(spec, principal, action),
        Authorization::Rbac => match by_role(app, spec, principal, action, name, now) {
            Some(assignment) => Some(assignment),
            None => return errors::by_rbac(spec, principal, action, name),
        },
    };
    if let Some(word) = operation.of_soft_deletion()
        && spec.stack.is_some()
    {
        return errors::refused(operation.kind, &Refusal::NotEnabled(word));
    }
    let context = Context {
        app,
        call,
        vault,
        now,
    };
    let reply = operation
        .run(&context)
        .await
        .unwrap_or_else(|refusal| errors::refused(operation.kind, &refusal));
    match assignment {
        Some(id) => reply.with(
            HeaderName::from_static("x-ms-keyvault-rbac-assignment-id"),
            &id.replace('-', ""),
        ),
        None => reply,
    }
}

/// The name of the role assignment by which the caller may do it.
fn by_role(
    app: &App,
    spec: &VaultSpec,
    principal: &Principal,
    action: Action,
    name: Option<&str>,
    now: Moment,
) -> Option<String> {
    let mut key = scope::key(&spec.id());
    if let Some(name) = name {
        let object = format!("/{}/{}", action.kind.plural(), name.to_ascii_lowercase());
        key.push_str(&object);
    }
    let data_action = action.data_action();
    let world = app.world.read();
    let deciding = world
        .assignments
        .deciding(&key, &principal.object_id, now, |role| {
            role.allows_data(&data_action)
        });
    deciding.map(|assignment| assignment.name.clone())
}

/// The 403 of a vault that does not let the caller's address in.
fn kept_out(app: &App, call: &Call, spec: &VaultSpec, principal: &Principal) -> Option<Reply> {
    if spec.public_network_access == Access::Disabled {
        return Some(errors::by_connection(spec, principal));
    }
    let firewall = spec.firewall.as_ref()?;
    let believed = app.world.read().manager.client_address;
    let address = believed.unwrap_or(call.peer);
    (!firewall.lets_in(address)).then(|| errors::by_firewall(spec, principal, address))
}

/// The 403 that a fault asks for.
fn forced(
    code: &str,
    spec: &VaultSpec,
    principal: &Principal,
    operation: Operation<'_>,
    call: &Call,
) -> Reply {
    match code {
        "ForbiddenByRbac" => errors::by_rbac(spec, principal, operation.action(), operation.name()),
        "AccessDenied" => errors::by_policy(spec, principal, operation.action()),
        "ForbiddenByFirewall" => errors::by_firewall(spec, principal, call.peer),
        "ForbiddenByConnection" => errors::by_connection(spec, principal),
        other => errors::forbidden_as(other, spec, principal),
    }
}

/// The answer to an unknown or missing api-version. The real text is not known; the guideline's is used.
fn refused_api_version(call: &Call) -> Option<Reply> {
    let message = match call.query("api-version") {
        Some(given) if API_VERSIONS.contains(&given) => return None,
        Some(given) if !given.is_empty() => {
            let known = API_VERSIONS.join(", ");
            format!("The specified version ({given}) is not recognized. Use one of {known}.")
        }
        _ => "The api-version query parameter (?api-version=) is required for all requests."
            .to_owned(),
    };
    Some(errors::bad_parameter(&message))
}

/// The headers that a vault sends with everything, as recorded.
fn add_headers(reply: &mut Reply, call: &Call, spec: &VaultSpec) {
    reply.insert_static("cache-control", "no-cache");
    reply.insert_static("pragma", "no-cache");
    reply.insert_static("expires", "-1");
    reply.insert_static(
        "strict-transport-security",
        "max-age=31536000;includeSubDomains",
    );
    reply.insert_static("x-content-type-options", "nosniff");
    reply.insert_static("x-powered-by", "ASP.NET");
    reply.insert_static("x-ms-keyvault-service-version", "1.9.2524.1");
    let mut insert = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            reply.headers.insert(HeaderName::from_static(name), value);
        }
    };
    insert("x-ms-keyvault-region", &spec.location);
    insert(
        "x-ms-keyvault-network-info",
        &format!(
            "conn_type=Ipv4;addr={};act_addr_fam=InterNetwork;",
            call.peer
        ),
    );
    insert("x-ms-request-id", &Uuid::new_v4().to_string());
    if let Some(id) = call.headers.get("x-ms-client-request-id") {
        reply.headers.insert(
            HeaderName::from_static("x-ms-client-request-id"),
            id.clone(),
        );
    }
}
