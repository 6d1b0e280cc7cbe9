//! The token endpoints of Entra (v2.0 and its first form) and of ADFS: pure requests and answers.
//!
//! Sources: Microsoft identity platform, "OAuth 2.0 client credentials flow", "… Resource Owner Password Credentials", "Claims
//! challenges"; for ADFS "AD FS OpenID Connect/OAuth flows".

use std::time::Duration;

use http::{HeaderValue, Method, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::id_token;
use super::refusal::{Refused, refusal};
use super::{Claims, Credential, Granted, Profile, Token, Want};
use crate::azure::http::{Answer, Request, bytes};
use crate::azure_identity::api::TokenEndpoint;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

const TIMEOUT: Duration = Duration::from_secs(15);
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The endpoint that a profile's tokens come from. It is the audience of assertions too.
pub fn token_url(profile: &Profile) -> Result<Url, Problem> {
    endpoint(profile, "token")
}

/// An endpoint of a profile's authority: `token` or `devicecode`.
pub fn endpoint(profile: &Profile, name: &str) -> Result<Url, Problem> {
    let invalid = |message: String| Problem::new(Reason::InvalidSpec, Retry::OnChange, message);
    let authority = &profile.cloud.authority;
    let tenant = || {
        profile.tenant.as_ref().ok_or_else(|| {
            invalid(format!(
                "spec.tenantId must be set: tokens come from Entra ({authority}), not from ADFS"
            ))
        })
    };
    let text = match profile.cloud.token_endpoint {
        TokenEndpoint::V2 => format!("{authority}/{}/oauth2/v2.0/{name}", tenant()?),
        TokenEndpoint::V1 => format!("{authority}/{}/oauth2/{name}", tenant()?),
        TokenEndpoint::ADFS => format!("{authority}/oauth2/{name}"),
    };
    Url::parse(&text)
        .map_err(|error| invalid(format!("the token endpoint {text:?} is no URL: {error}")))
}

/// The request for a token.
pub fn request(
    profile: &Profile,
    credential: &Credential,
    want: &Want,
    claims: Option<&Claims>,
) -> Result<Request, Problem> {
    let client = profile.client.as_ref().ok_or_else(|| {
        Problem::new(
            Reason::InvalidSpec,
            Retry::OnChange,
            "spec.clientId must be set",
        )
    })?;
    let mut form = Serializer::new(String::new());
    form.append_pair("client_id", client.as_str());
    let user = prove(&mut form, credential)?;
    if profile.cloud.token_endpoint == TokenEndpoint::V2 {
        let scope = want.resource.scope();
        // Without the last word a user's sign-in gives no refresh token.
        let user_scope = format!("{scope} openid profile offline_access");
        form.append_pair("scope", if user { &user_scope } else { &scope });
        if let Some(claims) = asked_claims(want, claims)? {
            form.append_pair("claims", &claims);
        }
    } else {
        form.append_pair("resource", want.resource.as_str());
        if matches!(credential, Credential::Password { .. }) {
            // Without it the answer does not tell who signed in.
            form.append_pair("scope", "openid");
        }
    }
    post(profile, token_url(profile)?, Zeroizing::new(form.finish()))
}

/// A form for an endpoint of the authority.
pub fn post(profile: &Profile, url: Url, form: Zeroizing<String>) -> Result<Request, Problem> {
    Ok(Request {
        route: profile.cloud.route.clone(),
        method: Method::POST,
        url,
        headers: vec![
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            ),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ],
        body: Some(bytes(form)),
        timeout: TIMEOUT,
    })
}

/// Adds the grant. True where it is a user's.
fn prove(form: &mut Serializer<'_, String>, credential: &Credential) -> Result<bool, Problem> {
    match credential {
        Credential::Secret(secret) => {
            form.append_pair("grant_type", "client_credentials")
                .append_pair("client_secret", text(secret)?);
            Ok(false)
        }
        Credential::Assertion(assertion) => {
            form.append_pair("grant_type", "client_credentials")
                .append_pair("client_assertion_type", ASSERTION)
                .append_pair("client_assertion", text(assertion)?);
            Ok(false)
        }
        Credential::Password { username, password } => {
            form.append_pair("grant_type", "password")
                .append_pair("username", username)
                .append_pair("password", text(password)?);
            Ok(true)
        }
        Credential::RefreshToken(token) => {
            form.append_pair("grant_type", "refresh_token")
                .append_pair("refresh_token", text(token)?);
            Ok(true)
        }
    }
}

fn text(secret: &SecretValue) -> Result<&str, Problem> {
    secret.expose_str().ok_or_else(|| {
        Problem::new(
            Reason::CredentialNotFound,
            Retry::OnChange,
            "the credential is not text (UTF-8)",
        )
    })
}

/// The `claims` parameter: that we answer challenges (capability CP1), and what a challenge has asked for.
fn asked_claims(want: &Want, claims: Option<&Claims>) -> Result<Option<String>, Problem> {
    if !want.answers_challenges {
        return Ok(None);
    }
    let mut asked = match claims {
        Some(Claims(text)) => serde_json::from_str(text).map_err(|_| {
            let message = "a claims challenge was not JSON: the request is made without it";
            Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
        })?,
        None => json!({}),
    };
    if let Some(access) = asked
        .as_object_mut()
        .map(|asked| asked.entry("access_token").or_insert_with(|| json!({})))
        .and_then(Value::as_object_mut)
    {
        access.insert("xms_cc".to_owned(), json!({"values": ["CP1"]}));
    }
    Ok(Some(asked.to_string()))
}

#[derive(Deserialize)]
struct Success {
    access_token: String,
    expires_in: Seconds,
    refresh_in: Option<Seconds>,
    refresh_token: Option<String>,
    id_token: Option<String>,
}

/// A number of seconds, which v2 and ADFS write as a number and v1 as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(i64),
    Text(String),
}

impl Seconds {
    fn get(&self) -> Option<Duration> {
        let seconds = match self {
            Self::Number(number) => *number,
            Self::Text(text) => text.parse().ok()?,
        };
        u64::try_from(seconds)
            .ok()
            .filter(|&seconds| seconds > 0)
            .map(Duration::from_secs)
    }
}

/// No token lives longer; what claims to is not understood.
const LONGEST_LIFE: Duration = Duration::from_hours(7 * 24);

/// Reads an answer of the token endpoint.
pub fn read(profile: &Profile, answer: &Answer, now: Timestamp) -> Result<Granted, Problem> {
    let status = answer.status.as_u16();
    let authority = &profile.cloud.authority;
    if answer.status.is_success() {
        return granted(answer, now).ok_or_else(|| {
            let message = format!(
                "{authority} granted a token in a form that is not understood; it is asked again. Does a proxy stand in between?"
            );
            Problem::new(Reason::MalformedAnswer, Retry::Backoff, message).answered(status, None)
        });
    }
    Err(failure(profile, answer, now))
}

/// Reads an answer that is no success.
pub fn failure(profile: &Profile, answer: &Answer, now: Timestamp) -> Problem {
    let status = answer.status.as_u16();
    let authority = &profile.cloud.authority;
    let retry = || answer.retry_after(now).map_or(Retry::Backoff, Retry::After);
    if status == 429 {
        let message = format!(
            "{authority} limits token requests of this tenant; it is asked again when it allows"
        );
        return Problem::new(Reason::Throttled, retry(), message).answered(status, None);
    }
    let refused: Refused = serde_json::from_slice(answer.body.bytes()).unwrap_or_default();
    if status >= 500 || refused.error == "temporarily_unavailable" {
        let message = format!(
            "{authority} answered HTTP {status}; it is asked again. If this lasts, see https://azure.status.microsoft"
        );
        return Problem::new(Reason::AzureUnavailable, retry(), message).answered(status, None);
    }
    refusal(profile, status, &refused)
}

fn granted(answer: &Answer, now: Timestamp) -> Option<Granted> {
    let success: Success = serde_json::from_slice(answer.body.bytes()).ok()?;
    let life = success
        .expires_in
        .get()
        .filter(|life| *life <= LONGEST_LIFE)?;
    let refresh = success.refresh_in.and_then(|seconds| seconds.get());
    Some(Granted {
        token: Token::new(SecretValue::from(success.access_token), now, life, refresh)?,
        refresh_token: success.refresh_token.map(SecretValue::from),
        username: success.id_token.as_deref().and_then(id_token::username),
    })
}

#[cfg(test)]
#[path = "entra_tests.rs"]
mod tests;
