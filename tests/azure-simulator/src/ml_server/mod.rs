//! Machine Learning Server: its own sign-in, and Entra's tokens
//! (<https://learn.microsoft.com/machine-learning-server/operationalize/how-to-manage-access-tokens>).

mod sessions;

use std::sync::Arc;

use http::{Method, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

pub(crate) use self::sessions::Sessions;
use self::sessions::{Pair, Tokens};
use crate::{
    app::App,
    entra::signing,
    wire::{call::Call, exchange::Outcome, journal::Principal, reply::Reply},
    world::{ml_server::MlServerSpec, spec::SecretText},
};

const WRONG_CREDENTIALS: &str = "Unauthorized (invalid credentials)";
const WRONG_REFRESH_TOKEN: &str = "Unauthorized (invalid or expired refresh token)";

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Login,
    Refresh,
    Revoke,
    Services,
    None,
}

impl Page {
    fn at(method: &Method, path: &str) -> Self {
        match (method.as_str(), path.trim_end_matches('/')) {
            // The second path is what old documents call it; the SDK calls the first.
            ("POST", "/login" | "/user/login") => Self::Login,
            ("POST", "/login/refreshToken") => Self::Refresh,
            ("DELETE", "/login/refreshToken") => Self::Revoke,
            ("GET", "/services") => Self::Services,
            _ => Self::None,
        }
    }
}

/// The journal's word for a request.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    match Page::at(method, path) {
        Page::Login => "Login",
        Page::Refresh => "RefreshLogin",
        Page::Revoke => "Logout",
        Page::Services => "ListServices",
        Page::None => "Unknown",
    }
}

#[derive(Deserialize)]
struct LoginBody {
    username: String,
    password: SecretText,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefreshBody {
    refresh_token: SecretText,
}

/// Answers a request to the server of that host.
pub(crate) fn answer(app: &App, call: &Call, host: &str) -> Outcome {
    let Some(server) = app.world.read().ml_servers.get(host).cloned() else {
        return not_found().into();
    };
    match Page::at(&call.method, &call.route.path) {
        Page::Login | Page::Refresh | Page::Revoke if server.users.is_empty() => not_found().into(),
        Page::Login => login(app, call, &server, host),
        Page::Refresh => refresh(app, call, &server, host),
        Page::Revoke => revoke(app, call, host).into(),
        Page::Services => services(app, call, &server, host),
        Page::None => not_found().into(),
    }
}

fn login(app: &App, call: &Call, server: &MlServerSpec, host: &str) -> Outcome {
    let Ok(body) = serde_json::from_slice::<LoginBody>(&call.body) else {
        return bad_request("username and password are needed").into();
    };
    if !server.knows(&body.username, &body.password.0) {
        return unauthorized(WRONG_CREDENTIALS).into();
    }
    let now = app.now().seconds();
    give(app, server, &Pair::first(host, &body.username, now))
}

fn refresh(app: &App, call: &Call, server: &MlServerSpec, host: &str) -> Outcome {
    let Ok(body) = serde_json::from_slice::<RefreshBody>(&call.body) else {
        return bad_request("refreshToken is needed").into();
    };
    let now = app.now().seconds();
    match app
        .ml_sessions
        .take(host, &body.refresh_token.0)
        .filter(|pair| pair.can_be_renewed(now) && server.has_user(&pair.username))
    {
        Some(old) => give(app, server, &old.renewed(now)),
        None => unauthorized(WRONG_REFRESH_TOKEN).into(),
    }
}

fn revoke(app: &App, call: &Call, host: &str) -> Reply {
    let token = call.query("refreshToken").unwrap_or_default();
    match app.ml_sessions.take(host, token) {
        Some(_) => Reply::empty(StatusCode::OK),
        None => unauthorized(WRONG_REFRESH_TOKEN),
    }
}

/// Makes the tokens of a pair, and keeps it.
fn give(app: &App, server: &MlServerSpec, pair: &Pair) -> Outcome {
    let expires_on = pair.issued + server.token_lifetime_seconds;
    let claims = json!({
        "iss": format!("https://{}", pair.host),
        "aud": format!("https://{}", pair.host),
        "unique_name": pair.username,
        "jti": uuid::Uuid::new_v4().to_string(),
        "nbf": pair.issued,
        "exp": expires_on,
    });
    let access = match app.signer.sign(&claims) {
        Ok(token) => token,
        Err(error) => {
            let text = format!("the simulator failed: {error}");
            return Reply::text(StatusCode::INTERNAL_SERVER_ERROR, text).into();
        }
    };
    let tokens = Tokens::new(access, expires_on);
    let body = json!({
        "token_type": "Bearer",
        "access_token": tokens.access,
        "expires_in": server.token_lifetime_seconds,
        "expires_on": expires_on,
        "refresh_token": tokens.refresh,
    });
    app.ml_sessions.keep(pair.clone(), tokens);
    Outcome {
        reply: Reply::json(StatusCode::OK, &body),
        principal: Some(principal(&pair.username)),
    }
}

/// A protected call: no web services are published here.
fn services(app: &App, call: &Call, server: &MlServerSpec, host: &str) -> Outcome {
    let token = call
        .header(header::AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(caller) = token.and_then(|token| caller(app, server, host, token)) else {
        return unauthorized(WRONG_CREDENTIALS).into();
    };
    Outcome {
        reply: Reply::json(StatusCode::OK, &json!([])),
        principal: Some(caller),
    }
}

/// Whose token it is: the server's own, or one of Entra's for the server's application.
fn caller(app: &App, server: &MlServerSpec, host: &str, token: &str) -> Option<Arc<Principal>> {
    let now = app.now().seconds();
    if let Some(username) = app.ml_sessions.user_of(host, token, now) {
        return Some(principal(&username));
    }
    let verified = app.signer.verify(token)?;
    let (audience, tenant) = (server.audience.as_ref()?, server.tenant_id.as_ref()?);
    let bare = |name: &str| {
        name.trim_start_matches("api://")
            .trim_end_matches('/')
            .to_ascii_lowercase()
    };
    let is_valid = bare(&verified.audience) == bare(audience)
        && verified.issuer == signing::issuer(&tenant.to_ascii_lowercase())
        && (verified.not_before..verified.expires).contains(&now);
    is_valid.then(|| Arc::clone(&verified.principal))
}

/// The server's users are of no tenant.
fn principal(username: &str) -> Arc<Principal> {
    Arc::new(Principal {
        tenant_id: String::new(),
        client_id: String::new(),
        object_id: username.to_owned(),
    })
}

fn unauthorized(text: &'static str) -> Reply {
    Reply::text(StatusCode::UNAUTHORIZED, text).with(header::WWW_AUTHENTICATE, "Bearer")
}

fn bad_request(text: &'static str) -> Reply {
    Reply::text(StatusCode::BAD_REQUEST, text)
}

fn not_found() -> Reply {
    Reply::text(StatusCode::NOT_FOUND, "Not Found")
}

/// A fault with a status.
pub(crate) fn fault(status: u16, body: Option<&str>) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let usual = match status {
        StatusCode::UNAUTHORIZED => WRONG_CREDENTIALS,
        other => other.canonical_reason().unwrap_or("Error"),
    };
    Reply::text(status, body.unwrap_or(usual).to_owned())
}
