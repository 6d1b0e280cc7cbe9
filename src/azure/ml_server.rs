//! Machine Learning Server: its own login with name and password, the token that this gives, its renewal and its end.
//! Requests are built and answers read by pure functions (Microsoft, "Managing access tokens" of Machine Learning Server:
//! `POST /login`, `POST /login/refreshToken`, `DELETE /login/refreshToken`).

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, Method, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::auth::Token;
use super::http::{Answer, Request, Route, bytes};
use super::slots::Lease;
use crate::problem::{Problem, Reason};
use crate::retry::{self, Retry};
use crate::secret::SecretValue;

const TIMEOUT: Duration = Duration::from_secs(15);
/// A server that grants more than this is not understood: an administrator can set hours, not months.
const LONGEST_LIFE: i64 = 90 * 86_400;

/// Where a server is: an https origin, with a port and a path before `/login` where a proxy adds one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Server(String);

impl Server {
    /// Parses a URL as a user writes it, such as `https://mls.example.net:12800` or `https://example.net/mls/`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let plain = |url: &Url| {
            url.scheme() == "https"
                && url.host_str().is_some_and(|host| !host.is_empty())
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        };
        let Some(url) = Url::parse(text).ok().filter(plain) else {
            let message = format!(
                "{:?} is not the URL of a Machine Learning Server: write https://<host>, with a port and a path where it has them, such as https://mls.example.net:12800",
                shown(text)
            );
            return Err(Problem::new(Reason::InvalidSpec, Retry::OnChange, message));
        };
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The URL without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn at(&self, path: &str) -> Result<Url, Problem> {
        Url::parse(&format!("{}{path}", self.0)).map_err(|error| {
            let message = format!("{self}{path} is no URL: {error}");
            Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a message may quote of a text that is no URL: whatever stands before an `@` may be a password.
fn shown(text: &str) -> String {
    let quoted = text.rsplit_once('@').map_or(text, |(_, after)| after);
    quoted.chars().take(200).collect()
}

/// A login that lasts: the token to be shown to the server, and what renews it.
#[derive(Debug, Clone)]
pub struct Session {
    /// The bearer token.
    pub token: Token,
    /// Renews the token once; the renewal gives the next one. Microsoft: valid for 14 days, 90 days in all.
    pub refresh: Option<SecretValue>,
}

impl Lease for Session {
    fn expires_at(&self) -> Timestamp {
        self.token.expires_at
    }

    /// Never in the background: a renewal ends the token before it, which somebody may still be using.
    fn refresh_at(&self) -> Timestamp {
        self.expires_at()
    }
}

#[derive(Serialize)]
struct Login<'a> {
    username: &'a str,
    password: &'a str,
}

#[derive(Serialize)]
struct Refresh<'a> {
    #[serde(rename = "refreshToken")]
    refresh_token: &'a str,
}

/// The request that logs a user in. Operation `Login`.
pub fn login(server: &Server, username: &str, password: &SecretValue) -> Result<Request, Problem> {
    let password = text(server, "the password", password)?;
    post(server, "/login", &Login { username, password })
}

/// The request that renews a token. Operation `RefreshLogin`.
pub fn refresh(server: &Server, refresh: &SecretValue) -> Result<Request, Problem> {
    let refresh_token = text(server, "the refresh token", refresh)?;
    post(server, "/login/refreshToken", &Refresh { refresh_token })
}

/// The request that ends a login: its refresh token is worth nothing afterwards. Operation `Logout`.
pub fn logout(server: &Server, refresh: &SecretValue) -> Result<Request, Problem> {
    let mut url = server.at("/login/refreshToken")?;
    let refresh = text(server, "the refresh token", refresh)?;
    url.query_pairs_mut().append_pair("refreshToken", refresh);
    Ok(request(Method::DELETE, url, None))
}

fn post(server: &Server, path: &str, body: &impl Serialize) -> Result<Request, Problem> {
    let body = serde_json::to_string(body).map_err(|_| {
        let message = format!("{server}: the login cannot be written as JSON");
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    })?;
    Ok(request(
        Method::POST,
        server.at(path)?,
        Some(Zeroizing::new(body)),
    ))
}

fn request(method: Method, url: Url, body: Option<Zeroizing<String>>) -> Request {
    let json = HeaderValue::from_static("application/json");
    let mut headers = vec![(header::ACCEPT, json.clone())];
    if body.is_some() {
        headers.push((header::CONTENT_TYPE, json));
    }
    Request {
        route: Route::Default,
        method,
        url,
        headers,
        body: body.map(bytes),
        timeout: TIMEOUT,
    }
}

fn text<'a>(server: &Server, what: &str, secret: &'a SecretValue) -> Result<&'a str, Problem> {
    secret.expose_str().ok_or_else(|| {
        let message = format!("{what} for {server} is not text (UTF-8): write it anew");
        Problem::new(Reason::CredentialNotFound, Retry::OnChange, message)
    })
}

/// Reads the answer to [`login`]. `username` is told in a refusal.
pub fn read_login(
    server: &Server,
    username: &str,
    answer: &Answer,
    now: Timestamp,
) -> Result<Session, Problem> {
    let status = answer.status.as_u16();
    if !matches!(status, 400 | 401 | 403) {
        return read(server, answer, now);
    }
    let message = format!(
        "{server} refused the login of {username:?} (HTTP {status}): check the user's name and password, and that the server uses logins of its own; one that uses Entra has none, and takes an accessToken.resource instead"
    );
    // A wrong password that is repeated locks the user out: whoever shares this failure shares the pause as well.
    let slowly = Retry::After(retry::RESYNC);
    Err(Problem::new(Reason::LoginRefused, slowly, message).answered(status, None))
}

/// Reads the answer to [`refresh`]. None: the server takes this refresh token no longer, and the user must log in anew.
pub fn read_refresh(
    server: &Server,
    answer: &Answer,
    now: Timestamp,
) -> Result<Option<Session>, Problem> {
    if matches!(answer.status.as_u16(), 400 | 401 | 403) {
        return Ok(None);
    }
    read(server, answer, now).map(Some)
}

/// Reads the answer to [`logout`]. A login that has ended before is ended as well.
pub fn read_logout(server: &Server, answer: &Answer, now: Timestamp) -> Result<(), Problem> {
    match answer.status.as_u16() {
        200..=299 | 400 | 401 | 403 | 404 => Ok(()),
        status => Err(failed(server, status, answer, now)),
    }
}

fn read(server: &Server, answer: &Answer, now: Timestamp) -> Result<Session, Problem> {
    let status = answer.status.as_u16();
    if !answer.status.is_success() {
        return Err(failed(server, status, answer, now));
    }
    granted(answer, now).ok_or_else(|| {
        let message = format!(
            "{server} granted a token in a form that is not understood: is it a Machine Learning Server, or does a proxy stand in between?"
        );
        Problem::new(Reason::MalformedAnswer, Retry::Backoff, message).answered(status, None)
    })
}

fn failed(server: &Server, status: u16, answer: &Answer, now: Timestamp) -> Problem {
    let retry = answer.retry_after(now).map_or(Retry::Backoff, Retry::After);
    let (reason, retry, message) = match status {
        429 => (
            Reason::Throttled,
            retry,
            format!("{server} limits its callers; it is asked again when it allows"),
        ),
        408 | 500.. => (
            Reason::AzureUnavailable,
            retry,
            format!("{server} answered HTTP {status}; it is asked again. Is the server healthy?"),
        ),
        404 => (
            Reason::RequestRefused,
            Retry::Backoff,
            format!(
                "{server} has no /login (HTTP 404): check the URL, its port (12800 by default) and its path"
            ),
        ),
        _ => (
            Reason::RequestRefused,
            Retry::Backoff,
            format!(
                "{server} answered HTTP {status}: check that the URL is that of a Machine Learning Server"
            ),
        ),
    };
    Problem::new(reason, retry, message).answered(status, None)
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<Number>,
    #[serde(default)]
    expires_on: Option<Number>,
}

/// A number, which some versions write as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(i64),
    Text(String),
}

impl Number {
    fn get(&self) -> Option<i64> {
        match self {
            Self::Plain(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

fn granted(answer: &Answer, now: Timestamp) -> Option<Session> {
    let granted: Granted = serde_json::from_slice(answer.body.bytes()).ok()?;
    // The refresh token becomes a secret first: whatever is refused below, it is wiped.
    let refresh = granted
        .refresh_token
        .map(SecretValue::from)
        .filter(|token| !token.is_empty());
    let value = SecretValue::from(granted.access_token);
    // A life counts from now, whatever the server's clock says; the end alone needs both clocks to agree.
    let ends = || Some(granted.expires_on.as_ref()?.get()? - now.as_second());
    let life = granted
        .expires_in
        .as_ref()
        .and_then(Number::get)
        .or_else(ends)
        .filter(|life| (1..=LONGEST_LIFE).contains(life))?;
    let life = Duration::from_secs(u64::try_from(life).ok()?);
    (!value.is_empty()).then_some(())?;
    Some(Session {
        // The server names no time for the renewal.
        token: Token::new(value, now, life, None)?,
        refresh,
    })
}

#[cfg(test)]
#[path = "ml_server_tests.rs"]
mod tests;
