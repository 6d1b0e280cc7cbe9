//! The login host: token endpoints, discovery, keys.

pub(crate) mod adfs;
pub(crate) mod assertion;
mod client;
pub(crate) mod device;
mod discovery;
pub(crate) mod errors;
pub(crate) mod federation;
mod form;
mod realm;
mod resource;
pub(crate) mod sessions;
pub(crate) mod signing;
mod subject_name;
mod token;
mod user;
mod user_errors;

#[cfg(test)]
mod tests;

use http::{HeaderName, Method, StatusCode};
use uuid::Uuid;

use self::errors::Denial;
use crate::{
    app::App,
    wire::{call::Call, exchange::Outcome, fault_spec::Effect, reply::Reply},
};

/// Generation of an endpoint, or the federation service of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
    Adfs,
}

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page<'a> {
    Token { tenant: &'a str, version: Version },
    DeviceCode { tenant: &'a str, version: Version },
    UserRealm { username: &'a str },
    OpenIdConfiguration { tenant: &'a str, version: Version },
    Keys { tenant: &'a str },
    InstanceDiscovery,
    None,
}

impl<'a> Page<'a> {
    fn at(path: &'a str) -> Self {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        match segments.as_slice() {
            ["common", "discovery", "instance"] => Self::InstanceDiscovery,
            ["common", realm, username] if realm.eq_ignore_ascii_case("userrealm") => {
                Self::UserRealm { username }
            }
            [tenant, "oauth2", "v2.0", "devicecode"] => Self::DeviceCode {
                tenant,
                version: Version::V2,
            },
            [tenant, "oauth2", "devicecode"] => Self::DeviceCode {
                tenant,
                version: Version::V1,
            },
            [tenant, "oauth2", "v2.0", "token"] => Self::Token {
                tenant,
                version: Version::V2,
            },
            [tenant, "oauth2", "token"] => Self::Token {
                tenant,
                version: Version::V1,
            },
            [tenant, "v2.0", ".well-known", "openid-configuration"] => Self::OpenIdConfiguration {
                tenant,
                version: Version::V2,
            },
            [tenant, ".well-known", "openid-configuration"] => Self::OpenIdConfiguration {
                tenant,
                version: Version::V1,
            },
            [tenant, "discovery", "keys"] | [tenant, "discovery", "v2.0", "keys"] => {
                Self::Keys { tenant }
            }
            _ => Self::None,
        }
    }
}

/// The journal's word for a request.
pub(crate) fn operation(_: &Method, path: &str) -> &'static str {
    match Page::at(path) {
        Page::Token { .. } => "GetToken",
        Page::DeviceCode { .. } => "DeviceCode",
        Page::UserRealm { .. } => "GetUserRealm",
        Page::OpenIdConfiguration { .. } => "GetOpenIdConfiguration",
        Page::Keys { .. } => "GetSigningKeys",
        Page::InstanceDiscovery => "GetInstanceDiscovery",
        Page::None => "Unknown",
    }
}

/// Answers a request to the login host.
pub(crate) async fn answer(app: &App, call: &Call, effect: Option<&Effect>) -> Outcome {
    let outcome = match effect {
        Some(Effect::ExpiredToken) => Err(Denial::assertion_out_of_time(app.now(), None)),
        _ => page(app, call).await,
    };
    let mut outcome = outcome.unwrap_or_else(|denial| {
        tracing::debug!(code = denial.code, path = %call.route.path, "refused");
        denial
            .reply(app.now(), call.header("client-request-id"))
            .into()
    });
    add_headers(&mut outcome.reply, call);
    outcome
}

async fn page(app: &App, call: &Call) -> Result<Outcome, Denial> {
    match Page::at(&call.route.path) {
        Page::Token { .. } | Page::DeviceCode { .. } if call.method != Method::POST => {
            Err(Denial::only_post(&call.method))
        }
        Page::DeviceCode { tenant, version } => device::start(app, call, tenant, version),
        Page::UserRealm { username } => {
            let username = form::decoded(username).unwrap_or_default();
            let document = realm::document(&app.world.read(), &username);
            Ok(Reply::json(StatusCode::OK, &document).into())
        }
        Page::Token { tenant, version } => token::answer(app, call, tenant, version).await,
        Page::OpenIdConfiguration { tenant, version } => {
            let id = tenant_id(app, tenant)?;
            let document =
                discovery::openid_configuration(version, &call.route.base, &id, &app.names);
            Ok(Reply::json(StatusCode::OK, &document).into())
        }
        Page::Keys { tenant } => {
            tenant_id(app, tenant)?;
            Ok(Reply::json(StatusCode::OK, &app.signer.key_set()).into())
        }
        Page::InstanceDiscovery => {
            let endpoint = call.query("authorization_endpoint").unwrap_or_default();
            let document = discovery::instance(endpoint, &call.route.base, &app.names)?;
            Ok(Reply::json(StatusCode::OK, &document).into())
        }
        Page::None => Err(Denial::no_such_page(&call.route.path)),
    }
}

/// A tenant's id by id or name; the words for all tenants stand for themselves.
fn tenant_id(app: &App, tenant: &str) -> Result<String, Denial> {
    if form::is_any_tenant(tenant) {
        return Ok(tenant.to_owned());
    }
    let world = app.world.read();
    world
        .tenant(tenant)
        .map(|tenant| tenant.id.clone())
        .ok_or_else(|| Denial::unknown_tenant(tenant, true))
}

/// The headers that the login host sends with everything.
fn add_headers(reply: &mut Reply, call: &Call) {
    reply.insert_static("cache-control", "no-store, no-cache");
    reply.insert_static("pragma", "no-cache");
    reply.insert_static("expires", "-1");
    reply.insert_static(
        "strict-transport-security",
        "max-age=31536000; includeSubDomains",
    );
    reply.insert_static("x-content-type-options", "nosniff");
    reply.insert_static("p3p", "CP=\"DSP CUR OTPi IND OTRi ONL FIN\"");
    reply.insert_static("x-ms-ests-server", "2.1.23228.4 - SIM ProdSlices");
    reply.insert_static("x-ms-clitelem", "1,0,0,,");
    let request_id = HeaderName::from_static("x-ms-request-id");
    if !reply.headers.contains_key(&request_id)
        && let Ok(value) = Uuid::new_v4().to_string().parse()
    {
        reply.headers.insert(request_id, value);
    }
    if call
        .header("return-client-request-id")
        .is_some_and(|asked| asked.eq_ignore_ascii_case("true"))
        && let Some(id) = call.headers.get("client-request-id")
    {
        reply
            .headers
            .insert(HeaderName::from_static("client-request-id"), id.clone());
    }
}
