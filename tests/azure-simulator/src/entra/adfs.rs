//! The federation service of an Azure Stack: `https://adfs.<region>.<fqdn>/adfs`. Grants are those of the login host,
//! with `resource=`; documents and errors are its own.
//!
//! Shapes: <https://learn.microsoft.com/windows-server/identity/ad-fs/overview/ad-fs-openid-connect-oauth-concepts>.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Version, device, errors::Denial, token};
use crate::{
    app::App,
    wire::{call::Call, exchange::Outcome, reply::Reply},
    world::stack::{IdentityProvider, StackSpec},
};

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Token,
    DeviceCode,
    OpenIdConfiguration,
    Keys,
    None,
}

impl Page {
    fn at(path: &str) -> Self {
        let path = path.trim_matches('/').to_ascii_lowercase();
        match path.as_str() {
            // The second form is what azure-identity's own client makes of any authority.
            "adfs/oauth2/token" | "adfs/oauth2/v2.0/token" => Self::Token,
            "adfs/oauth2/devicecode" | "adfs/oauth2/v2.0/devicecode" => Self::DeviceCode,
            "adfs/.well-known/openid-configuration" => Self::OpenIdConfiguration,
            "adfs/discovery/keys" => Self::Keys,
            _ => Self::None,
        }
    }
}

/// The journal's word for a request.
pub(crate) fn operation(path: &str) -> &'static str {
    match Page::at(path) {
        Page::Token => "GetToken",
        Page::DeviceCode => "DeviceCode",
        Page::OpenIdConfiguration => "GetOpenIdConfiguration",
        Page::Keys => "GetSigningKeys",
        Page::None => "Unknown",
    }
}

/// Answers a request to the ADFS host of the stack whose directory is the tenant of this id.
pub(crate) async fn handle(app: &App, call: &Call, tenant: &str) -> Outcome {
    let outcome = match Page::at(&call.route.path) {
        Page::Token | Page::DeviceCode if call.method != Method::POST => {
            Err(Denial::only_post(&call.method))
        }
        Page::Token => token::answer(app, call, tenant, Version::Adfs).await,
        Page::DeviceCode => device::start(app, call, tenant, Version::Adfs),
        Page::OpenIdConfiguration => {
            let document = openid_configuration(app, &call.route.base, tenant);
            Ok(Reply::json(StatusCode::OK, &document).into())
        }
        Page::Keys => Ok(Reply::json(StatusCode::OK, &app.signer.key_set()).into()),
        Page::None => {
            let text = format!(
                "There is no page {} at the federation service.",
                call.route.path
            );
            Ok(Reply::text(StatusCode::NOT_FOUND, text).into())
        }
    };
    let mut outcome = outcome.unwrap_or_else(|denial| {
        tracing::debug!(code = denial.code, path = %call.route.path, "refused");
        refusal(&denial).into()
    });
    let reply = &mut outcome.reply;
    reply.insert_static("cache-control", "no-store");
    reply.insert_static("pragma", "no-cache");
    reply.insert_static("server", "Microsoft-HTTPAPI/2.0");
    outcome
}

/// The error in ADFS's words: RFC 6749's codes and an MSIS number, and nothing else.
fn refusal(denial: &Denial) -> Reply {
    let (error, text) = match denial.code {
        7_000_215
        | 7_000_222
        | 7_000_216
        | 7_000_218
        | 700_016
        | 700_021
        | 700_023
        | 700_024
        | 700_025
        | 700_027
        | 1_000_502
        | 50_013
        | 70_021
        | 700_211..=700_213 => (
            "invalid_client",
            "MSIS9622: Client authentication failed. Please verify the credential provided for client authentication \
             is valid.",
        ),
        500_011 => (
            "invalid_resource",
            "MSIS9605: The client is not allowed to access the requested resource.",
        ),
        70_011 | 28_000 => (
            "invalid_scope",
            "MSIS9611: The authorization server does not support the requested 'scope' or 'resource'.",
        ),
        50_034 | 50_126 => (
            "invalid_grant",
            "MSIS9659: Invalid 'username' or 'password'.",
        ),
        70_008 | 700_082 | 50_173 | 70_000 => (
            "invalid_grant",
            "MSIS9615: The refresh token received in 'refresh_token' parameter is invalid or has expired.",
        ),
        _ => return other_refusal(denial),
    };
    Reply::json(
        StatusCode::BAD_REQUEST,
        &json!({"error": error, "error_description": text}),
    )
}

/// Errors without a number of their own here keep their OAuth word and text.
fn other_refusal(denial: &Denial) -> Reply {
    Reply::json(
        StatusCode::BAD_REQUEST,
        &json!({"error": denial.error(), "error_description": denial.text()}),
    )
}

fn stack_of(app: &App, tenant: &str) -> Option<StackSpec> {
    let world = app.world.read();
    let mut stacks = world.stacks.values();
    stacks
        .find(|stack| {
            stack.identity_provider == IdentityProvider::Adfs
                && stack.tenant_id.eq_ignore_ascii_case(tenant)
        })
        .cloned()
}

/// Issuer of the id tokens of a tenant's stack.
pub(crate) fn issuer(app: &App, tenant: &str) -> String {
    stack_of(app, tenant).map_or_else(String::new, |stack| {
        format!("https://{}/adfs", stack.adfs_host(&app.names.suffix))
    })
}

/// Issuer of the access tokens, which is what a vault of the stack looks for.
pub(crate) fn token_issuer(app: &App, tenant: &str) -> String {
    stack_of(app, tenant).map_or_else(String::new, |stack| {
        stack.adfs_token_issuer(&app.names.suffix)
    })
}

fn openid_configuration(app: &App, base: &str, tenant: &str) -> Value {
    let root = format!("{base}/adfs");
    json!({
        "issuer": issuer(app, tenant),
        "authorization_endpoint": format!("{root}/oauth2/authorize/"),
        "token_endpoint": format!("{root}/oauth2/token/"),
        "jwks_uri": format!("{root}/discovery/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "client_credentials", "password",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "subject_types_supported": ["pairwise"],
        "scopes_supported": ["openid", "profile", "email", "user_impersonation"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "access_token_issuer": token_issuer(app, tenant),
        "claims_supported": ["aud", "iss", "iat", "exp", "auth_time", "nonce", "at_hash", "sub", "upn", "unique_name"],
        "end_session_endpoint": format!("{root}/oauth2/logout"),
        "device_authorization_endpoint": format!("{root}/oauth2/devicecode"),
        "as_access_token_token_binding_supported": true,
        "microsoft_multi_refresh_token": true,
        "capabilities": ["kdf_ver2"],
    })
}
