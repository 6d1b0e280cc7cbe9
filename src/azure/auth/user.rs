//! Tokens of a person, for the command line: by name and password, and by a refresh token. Requests are built and answers
//! read by pure functions (Microsoft identity platform, "Resource owner password credentials", "Refresh the access token").
//! Sign-in by device code is in [`super::device`].

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::{Resource, Token};
use crate::azure::http::{Answer, Request, Route};
use crate::names::ClientId;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

const TIMEOUT: Duration = Duration::from_secs(15);
const REFRESH_AT: f64 = 0.8;

/// How an authority wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Entra's v2 endpoints: `scope=<resource>/.default`.
    V2,
    /// Entra's v1 endpoints, as Azure Stack Hub uses them: `resource=<resource>`.
    V1,
    /// Active Directory Federation Services, of an Azure Stack Hub without Entra.
    Adfs,
}

/// Where a person signs in, and to which application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Which form is spoken.
    pub form: Form,
    /// What stands before `/oauth2`: `<authority>/<tenant>`, for ADFS `https://<host>/adfs`.
    pub base: String,
    /// The application: a public client, which has no secret.
    pub client: ClientId,
    /// How requests travel.
    pub route: Route,
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as client {}", self.base, self.client)
    }
}

/// What a person was given.
#[derive(Debug, Clone)]
pub struct Granted {
    /// A token for the resource that was asked for.
    pub token: Token,
    /// Gives further tokens, also for other resources. A newer one takes its place.
    pub refresh: Option<SecretValue>,
    /// Who signed in, as the id token says; shown to people, nothing is decided by it.
    pub username: Option<String>,
}

impl SignIn {
    /// The URL of an endpoint: `token` or `devicecode`.
    pub(super) fn url(&self, endpoint: &str) -> Result<Url, Problem> {
        let folder = match self.form {
            Form::V2 => "oauth2/v2.0",
            Form::V1 | Form::Adfs => "oauth2",
        };
        let text = format!("{}/{folder}/{endpoint}", self.base.trim_end_matches('/'));
        Url::parse(&text).map_err(|error| {
            let message = format!("the sign-in endpoint {text:?} is no URL: {error}");
            Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
        })
    }

    /// What names the resource in a form: a scope with the right to a refresh token, or the resource itself.
    pub(super) fn ask_for(&self, resource: &Resource) -> (&'static str, String) {
        match self.form {
            Form::V2 => (
                "scope",
                format!("{} openid profile offline_access", resource.scope()),
            ),
            Form::V1 | Form::Adfs => ("resource", resource.as_str().to_owned()),
        }
    }

    /// A form sent to an endpoint, with the client id in it.
    pub(super) fn post(&self, url: Url, pairs: &[(&str, &str)]) -> Request {
        let mut form = Serializer::new(String::new());
        form.append_pair("client_id", self.client.as_str());
        form.extend_pairs(pairs);
        Request {
            route: self.route.clone(),
            method: Method::POST,
            url,
            headers: vec![
                (
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/x-www-form-urlencoded"),
                ),
                (header::ACCEPT, HeaderValue::from_static("application/json")),
            ],
            body: Some(Zeroizing::new(form.finish())),
            timeout: TIMEOUT,
        }
    }
}

/// The request for a token by name and password.
pub fn password(
    sign_in: &SignIn,
    username: &str,
    password: &SecretValue,
    resource: &Resource,
) -> Result<Request, Problem> {
    let password = text("the password", password)?;
    let (name, value) = sign_in.ask_for(resource);
    let mut pairs = vec![
        ("grant_type", "password"),
        ("username", username),
        ("password", password),
        (name, &value),
    ];
    // Without it, the older forms say nothing of who signed in.
    if sign_in.form != Form::V2 {
        pairs.push(("scope", "openid"));
    }
    Ok(sign_in.post(sign_in.url("token")?, &pairs))
}

/// The request for a token of `resource` by a refresh token.
pub fn refresh(
    sign_in: &SignIn,
    refresh: &SecretValue,
    resource: &Resource,
) -> Result<Request, Problem> {
    let refresh = text("the refresh token", refresh)?;
    let (name, value) = sign_in.ask_for(resource);
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        (name, &value),
    ];
    Ok(sign_in.post(sign_in.url("token")?, &pairs))
}

fn text<'a>(what: &str, secret: &'a SecretValue) -> Result<&'a str, Problem> {
    secret.expose_str().ok_or_else(|| {
        Problem::new(
            Reason::CredentialNotFound,
            Retry::OnChange,
            format!("{what} is not text (UTF-8)"),
        )
    })
}

/// Reads the answer to [`password()`] or [`refresh`].
pub fn read(sign_in: &SignIn, answer: &Answer, now: Timestamp) -> Result<Granted, Problem> {
    if answer.status.is_success() {
        return granted(answer, now).ok_or_else(|| malformed(sign_in, answer));
    }
    Err(refusal(sign_in, answer, &Refused::of(answer), now))
}

/// A grant in a form that is not understood.
pub(super) fn malformed(sign_in: &SignIn, answer: &Answer) -> Problem {
    let message = format!(
        "{} answered in a form that is not understood: does a proxy stand in between?",
        sign_in.base
    );
    Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
        .answered(answer.status.as_u16(), None)
}

#[derive(Deserialize)]
struct Grant {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    id_token: Option<String>,
    expires_in: Seconds,
}

/// A number of seconds, which v2 and ADFS write as a number and v1 as a string.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Seconds {
    Number(i64),
    Text(String),
}

impl Seconds {
    /// The number, where it is one of a length of time.
    pub(super) fn get(&self) -> Option<i64> {
        let number = match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        };
        number.filter(|&seconds| seconds > 0 && seconds <= 7 * 86_400)
    }
}

/// Reads a grant of the token endpoint.
pub(super) fn granted(answer: &Answer, now: Timestamp) -> Option<Granted> {
    let grant: Grant = serde_json::from_slice(answer.body.bytes()).ok()?;
    let refresh = grant
        .refresh_token
        .map(SecretValue::from)
        .filter(|token| !token.is_empty());
    let value = SecretValue::from(grant.access_token);
    let id_token = grant.id_token.map(Zeroizing::new);
    let life = SignedDuration::from_secs(grant.expires_in.get()?);
    (!value.is_empty()).then_some(())?;
    Some(Granted {
        token: Token {
            value,
            issued_at: now,
            expires_at: now.checked_add(life).ok()?,
            refresh_at: now.checked_add(life.mul_f64(REFRESH_AT)).ok()?,
        },
        refresh,
        username: id_token.as_deref().and_then(|token| signed_in(token)),
    })
}

/// The name in an id token, unverified: it came from the authority over TLS, and is only shown.
fn signed_in(id_token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        preferred_username: Option<String>,
        upn: Option<String>,
        unique_name: Option<String>,
    }
    let payload = id_token.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&json).ok()?;
    let name = claims
        .preferred_username
        .or(claims.upn)
        .or(claims.unique_name)?;
    // It goes to a terminal.
    Some(name.chars().filter(|c| !c.is_control()).take(256).collect())
}

/// The body of a refusal (RFC 6749 §5.2, with Entra's codes).
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Refused {
    /// The word.
    pub(super) error: String,
    error_description: String,
    error_codes: Vec<u32>,
}

impl Refused {
    /// Reads it; an answer of another form says nothing.
    pub(super) fn of(answer: &Answer) -> Self {
        serde_json::from_slice(answer.body.bytes()).unwrap_or_default()
    }

    /// Entra's code: from `error_codes`, else from the text (`AADSTS7000215: …`).
    fn code(&self) -> Option<u32> {
        self.error_codes.first().copied().or_else(|| {
            let digits = self.error_description.strip_prefix("AADSTS")?;
            let digits = digits.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        })
    }

    /// The description without the ids and the time of this one answer, on one line.
    fn said(&self) -> String {
        let description = &self.error_description;
        let end = description.find("Trace ID:").unwrap_or(description.len());
        let kept = description.get(..end).unwrap_or(description);
        let words: Vec<&str> = kept.split_whitespace().collect();
        let line: String = words.join(" ").chars().take(600).collect();
        if line.is_empty() {
            self.error.chars().take(100).collect()
        } else {
            line
        }
    }
}

/// Says what a refusal means to the person at the terminal. Codes: Microsoft's "Entra authentication error codes".
pub(super) fn refusal(
    sign_in: &SignIn,
    answer: &Answer,
    refused: &Refused,
    now: Timestamp,
) -> Problem {
    let (status, base) = (answer.status.as_u16(), &sign_in.base);
    let later = answer.retry_after(now).map_or(Retry::Backoff, Retry::After);
    if status == 429 {
        let message = format!("{base} limits token requests: try again later");
        return Problem::new(Reason::Throttled, later, message).answered(status, None);
    }
    if status >= 500 || refused.error == "temporarily_unavailable" {
        let message = format!("{base} answered HTTP {status}: try again later");
        return Problem::new(Reason::AzureUnavailable, later, message).answered(status, None);
    }
    let code = refused.code();
    let (reason, mend) = meaning(sign_in, code.unwrap_or_default(), &refused.error);
    let message = format!("{base} refused: {} Mend: {mend}", refused.said());
    let code = code.map(|code| format!("AADSTS{code}"));
    Problem::new(reason, Retry::OnChange, message).answered(status, code.as_deref())
}

fn meaning(sign_in: &SignIn, code: u32, error: &str) -> (Reason, String) {
    let again = "sign in again: lakevault login";
    match code {
        50_034 | 50_126 => (
            Reason::InvalidUserPassword,
            "check --username, the password and --tenant".to_owned(),
        ),
        50_055 => (
            Reason::InvalidUserPassword,
            "the password has expired: change it at https://mysignins.microsoft.com".to_owned(),
        ),
        50_072 | 50_074 | 50_076 | 50_079 | 50_158 => (
            Reason::MultiFactorRequired,
            "a second factor needs a browser: sign in by device code (lakevault login without --username)".to_owned(),
        ),
        90_002 | 900_023 => (Reason::TenantNotFound, "check --tenant and --cloud".to_owned()),
        700_016 => (
            Reason::ApplicationNotFound,
            format!("check --client-id ({}) and --tenant", sign_in.client),
        ),
        65_001 => (
            Reason::ApplicationNotFound,
            format!(
                "an administrator must consent to client {} for this resource, or choose another with --client-id",
                sign_in.client
            ),
        ),
        70_011 | 500_011 => (
            Reason::ResourceNotFound,
            "check --resource: the tenant knows no such application".to_owned(),
        ),
        7_000_218 => (
            Reason::AuthenticationFailed,
            format!(
                "client {} is not a public client: az ad app update --id {} --is-fallback-public-client true",
                sign_in.client, sign_in.client
            ),
        ),
        50_173 | 70_008 | 70_043 | 700_081 | 700_082 | 700_084 => {
            (Reason::AuthenticationFailed, again.to_owned())
        }
        _ if error == "invalid_resource" => {
            (Reason::ResourceNotFound, "check --resource".to_owned())
        }
        _ if error == "invalid_grant" => (Reason::AuthenticationFailed, again.to_owned()),
        _ => (
            Reason::AuthenticationFailed,
            "see the code in Microsoft's list of Entra error codes".to_owned(),
        ),
    }
}

#[cfg(test)]
#[path = "user_tests.rs"]
mod tests;
