//! Azure Resource Manager: requests built and answers read by pure functions ("Azure REST API reference", "Track asynchronous
//! Azure operations"); [`client`] carries them out.

pub mod budget;
pub mod client;
pub mod data_lake_store;
pub mod error;
mod fields;
pub mod groups;
pub mod ids;
mod meaning;
pub mod operation;
pub mod providers;
pub mod refusal;
pub mod roles;
pub mod storage;
mod storage_answers;
pub mod storage_services;
mod vault_answers;
pub mod vaults;
pub mod versions;

use std::time::Duration;

use http::{HeaderValue, Method, header};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::auth::Profile;
use super::cloud::ResourceManager;
use super::http::{Answer, Request, bytes};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

pub use self::ids::{GroupId, GroupName, Location, Namespace, ResourceId, Scope, SubscriptionId};
pub use self::operation::{Form, Poll, Polled};
pub use self::versions::ApiVersions;

const TIMEOUT: Duration = Duration::from_secs(30);
/// Azure takes no larger body, and answers with none.
const LARGEST_BODY: usize = 1 << 20;

/// A call that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name in metrics, such as `GetVault`.
    pub operation: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path, made of parsed ids only.
    pub path: String,
    /// Parameters besides the version.
    pub query: Vec<(&'static str, String)>,
    /// Version of the interface.
    pub api_version: &'static str,
    /// Whose limits it counts against.
    pub subscription: SubscriptionId,
    /// The thing that it is about, in messages: `vault "kv-a"`.
    pub what: String,
    /// Body.
    pub body: Option<Value>,
    /// The action that a role must permit for it, such as `Microsoft.KeyVault/vaults/write`.
    pub action: &'static str,
}

/// What a call is about, without its body: enough to poll what it began, also after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name in metrics.
    pub operation: &'static str,
    /// Whose limits it counts against.
    pub subscription: SubscriptionId,
    /// The thing that it is about, in messages.
    pub what: String,
    /// The action that a role must permit for it.
    pub action: &'static str,
    /// The scope of that action, as far as it is known: the path of the call.
    pub scope: String,
}

impl Call {
    /// What it is about.
    pub fn subject(&self) -> Subject {
        Subject {
            operation: self.operation,
            subscription: self.subscription.clone(),
            what: self.what.clone(),
            action: self.action,
            scope: self.path.clone(),
        }
    }
}

/// A successful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Body: an object, or null where it was empty.
    pub body: Value,
    /// The long-running operation that it began.
    pub operation: Option<Poll>,
    /// When Azure wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// The Resource Manager of the identity's cloud.
pub fn manager(profile: &Profile) -> Result<&ResourceManager, Problem> {
    profile.cloud.resource_manager.as_ref().ok_or_else(|| {
        let message = "the identity's cloud does not say where its Resource Manager is: set spec.cloud.custom.resourceManager.endpoint of the identity (such as https://management.example.net)";
        Problem::new(Reason::ResourceManagerUnknown, Retry::OnChange, message)
    })
}

/// The URL of a call.
fn url(profile: &Profile, call: &Call) -> Result<Url, Problem> {
    let endpoint = &manager(profile)?.endpoint;
    let mut text = format!("{endpoint}{}?api-version={}", call.path, call.api_version);
    for (name, value) in &call.query {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        for part in ["&", name, "="] {
            text.push_str(part);
        }
        text.extend(value);
    }
    // Ids were parsed, so this holds. It is looked at all the same: what follows carries a token.
    let fits = |url: &Url| url.path() == call.path && url.as_str().starts_with(endpoint.as_str());
    Url::parse(&text).ok().filter(fits).ok_or_else(|| {
        let message = format!(
            "no request can be made for {}: the path {:?} is no URL",
            call.what, call.path
        );
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    })
}

/// The request of a call.
pub fn request(profile: &Profile, call: &Call, token: &SecretValue) -> Result<Request, Problem> {
    let url = url(profile, call)?;
    let mut request = bare(profile, call.method.clone(), url, token)?;
    if let Some(body) = &call.body {
        let text = body.to_string();
        if text.len() > LARGEST_BODY {
            let message = format!(
                "{} is described by {} bytes, and Azure takes {LARGEST_BODY} at most: shorten its spec",
                call.what,
                text.len()
            );
            return Err(Problem::new(Reason::InvalidSpec, Retry::OnChange, message));
        }
        let json = HeaderValue::from_static("application/json");
        request.headers.push((header::CONTENT_TYPE, json));
        request.body = Some(bytes(Zeroizing::new(text)));
    }
    // Azure wants the length said where a POST has no body.
    if request.body.is_none() && request.method == Method::POST {
        request.body = Some(Zeroizing::default());
    }
    Ok(request)
}

/// A request with a token and nothing else.
fn bare(
    profile: &Profile,
    method: Method,
    url: Url,
    token: &SecretValue,
) -> Result<Request, Problem> {
    let bearer = Zeroizing::new([b"Bearer ", token.expose()].concat());
    let mut authorization = HeaderValue::from_bytes(&bearer).map_err(|_| {
        let message = format!("the token of {profile} is no header value");
        Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
    })?;
    authorization.set_sensitive(true);
    Ok(Request {
        route: profile.cloud.route.clone(),
        method,
        url,
        headers: vec![
            (header::AUTHORIZATION, authorization),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ],
        body: None,
        timeout: TIMEOUT,
    })
}

/// Reads the answer to [`request`]. What is not there is a problem with Azure's code; see [`absent`].
pub fn read(
    profile: &Profile,
    call: &Call,
    answer: &Answer,
    now: Timestamp,
) -> Result<Reply, Problem> {
    let subject = call.subject();
    if !answer.status.is_success() {
        return Err(refusal::problem(profile, &subject, answer, now));
    }
    let body = body(&subject, answer)?;
    Ok(Reply {
        status: answer.status.as_u16(),
        operation: operation::begun(profile, call, answer, &body)?,
        body,
        retry_after: answer.retry_after(now),
    })
}

/// The body of a successful answer: an object, or null where it was empty.
fn body(subject: &Subject, answer: &Answer) -> Result<Value, Problem> {
    let bytes = answer.body.bytes().trim_ascii();
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| malformed(&subject.what, answer))
}

/// An answer that says nothing that is understood.
fn malformed(what: &str, answer: &Answer) -> Problem {
    let message = format!(
        "Azure Resource Manager answered for {what} in a form that is not understood; it is asked again. Does a proxy stand in between?"
    );
    refusal::correlated(
        Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
            .answered(answer.status.as_u16(), None),
        answer,
    )
}

/// A reply that lacks what its kind must have.
pub fn incomplete(what: &str, lacks: &str) -> Problem {
    let message = format!(
        "Azure Resource Manager answered for {what} without {lacks}; it is asked again. Does a proxy stand in between?"
    );
    Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
}

/// Takes a 404 with one of these codes for an answer: it is not there. Everything else that went wrong stays a problem, so
/// that a wrong group, a hidden subscription or a proxy's own page is never taken for a resource that is gone.
pub fn absent(result: Result<Reply, Problem>, codes: &[&str]) -> Result<Option<Reply>, Problem> {
    match result {
        Ok(reply) => Ok(Some(reply)),
        Err(problem) if is_absent(&problem, codes) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Whether a problem is a 404 with one of these codes.
pub fn is_absent(problem: &Problem, codes: &[&str]) -> bool {
    let code = problem.azure_code.as_deref();
    problem.http_status == Some(404)
        && code.is_some_and(|code| codes.iter().any(|known| known.eq_ignore_ascii_case(code)))
}

/// The call for the next page of a list; none where this is the last one. The link must lead to the same list of the same
/// Resource Manager: a token goes nowhere else.
pub fn next(profile: &Profile, call: &Call, reply: &Reply) -> Result<Option<Call>, Problem> {
    /// What links to next pages carry.
    const KNOWN: [&str; 6] = [
        "$filter",
        "$skip",
        "$skiptoken",
        "$top",
        "skiptoken",
        "continuationToken",
    ];
    let Some(link) = reply.body.get("nextLink").and_then(Value::as_str) else {
        return Ok(None);
    };
    if link.is_empty() {
        return Ok(None);
    }
    let refused = || {
        incomplete(
            &call.what,
            "a link to its next page that stays with the same list",
        )
    };
    let url = operation::own(profile, link).map_err(|_| refused())?;
    if !url.path().eq_ignore_ascii_case(&call.path) {
        return Err(refused());
    }
    let mut query = Vec::new();
    for (name, value) in url.query_pairs() {
        if name.eq_ignore_ascii_case("api-version") {
            continue;
        }
        let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(&name));
        query.push((*known.ok_or_else(refused)?, value.into_owned()));
    }
    // A link to the page that was just read would be followed for ever.
    if query == call.query {
        return Err(refused());
    }
    Ok(Some(Call {
        query,
        ..call.clone()
    }))
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod mod_tests;
#[cfg(test)]
mod recordings_tests;
