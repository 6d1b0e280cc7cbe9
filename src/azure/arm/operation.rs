//! Long-running operations in the three forms that Azure has ("Track asynchronous Azure operations"). Pure.
//!
//! What is under way is a value that can be kept in a status: whoever starts anew goes on polling, and never repeats the write.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::error::AzureError;
use super::{Call, Subject, bare, body, malformed, manager, refusal};
use crate::azure::auth::Profile;
use crate::azure::http::{Answer, Request};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// How an operation is asked how it stands.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// By a URL that tells its status.
    AsyncOperation,
    /// By a URL that answers 202 until it is done.
    Location,
    /// By the resource's own provisioningState.
    Resource,
}

/// An operation that is under way.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    /// How it is asked.
    pub form: Form,
    /// Where. It lies on the cloud's own Resource Manager.
    pub url: String,
}

/// How an operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// It is under way.
    Running {
        /// When Azure wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It is done; with what Azure answered, which may be null.
    Succeeded(Value),
    /// It failed.
    Failed(Problem),
    /// Azure does not know it any more: the resource tells what came of it.
    Lost,
}

/// The URL that a service named, if it lies on the cloud's own Resource Manager: a token goes nowhere else.
pub(super) fn own(profile: &Profile, text: &str) -> Result<Url, Problem> {
    let endpoint = &manager(profile)?.endpoint;
    let base = Url::parse(endpoint).ok();
    let url = base.as_ref().and_then(|base| base.join(text.trim()).ok());
    let own = |url: &Url| {
        base.as_ref()
            .is_some_and(|base| base.origin() == url.origin() && url.scheme() == base.scheme())
            && url.username().is_empty()
            && url.password().is_none()
    };
    url.filter(own).ok_or_else(|| {
        // The host alone: what follows it differs from try to try.
        let host = Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
        let message = format!(
            "{endpoint} names {:?} as where its operations are followed, and the identity's token goes to {endpoint} alone: check resourceManager in spec.cloud of the identity",
            host.unwrap_or_default()
        );
        Problem::new(Reason::ForeignChallenge, Retry::Backoff, message)
    })
}

/// The operation that an answer began, in Azure's order: its own status before a location before the resource's state.
pub(super) fn begun(
    profile: &Profile,
    call: &Call,
    answer: &Answer,
    body: &Value,
) -> Result<Option<Poll>, Problem> {
    if matches!(call.method, Method::GET | Method::HEAD) {
        return Ok(None);
    }
    let header = |name| answer.headers.get(name)?.to_str().ok();
    let poll = |form, text: &str| {
        own(profile, text).map(|url| {
            Some(Poll {
                form,
                url: url.into(),
            })
        })
    };
    if let Some(text) = header("azure-asyncoperation") {
        return poll(Form::AsyncOperation, text);
    }
    let accepted = answer.status.as_u16() == 202;
    // With 201 it only names what was made.
    if let Some(text) = header("location").filter(|_| accepted) {
        return poll(Form::Location, text);
    }
    let running = state(body).is_some_and(|state| End::of(state).is_none());
    if matches!(call.method, Method::PUT | Method::PATCH) && (accepted || running) {
        return poll(Form::Resource, super::url(profile, call)?.as_str());
    }
    Ok(None)
}

/// The request that asks how an operation stands.
pub fn request(profile: &Profile, poll: &Poll, token: &SecretValue) -> Result<Request, Problem> {
    bare(profile, Method::GET, own(profile, &poll.url)?, token)
}

/// Reads the answer to [`request`]. An error means that it is not known how the operation stands: it may go on.
pub fn read(
    profile: &Profile,
    subject: &Subject,
    poll: &Poll,
    answer: &Answer,
    now: Timestamp,
) -> Result<Polled, Problem> {
    match answer.status.as_u16() {
        200..=299 => succeeded(profile, subject, poll, answer, now),
        404 | 410 => Ok(Polled::Lost),
        // These are about the question, not about what is asked for.
        401 | 403 | 408 | 429 | 500.. => Err(refusal::problem(profile, subject, answer, now)),
        // How the resource stands could not be told; an operation's own URL answers with the operation's error.
        _ if poll.form == Form::Resource => Err(refusal::problem(profile, subject, answer, now)),
        _ => Ok(Polled::Failed(refusal::problem(
            profile, subject, answer, now,
        ))),
    }
}

fn succeeded(
    profile: &Profile,
    subject: &Subject,
    poll: &Poll,
    answer: &Answer,
    now: Timestamp,
) -> Result<Polled, Problem> {
    let body = body(subject, answer)?;
    let status = answer.status.as_u16();
    let told = match poll.form {
        Form::AsyncOperation => text(&body, "status").or_else(|| state(&body)),
        Form::Location | Form::Resource => state(&body).or_else(|| failure(&body)),
    };
    let end = match (told, poll.form) {
        (Some(told), _) => End::of(told),
        (None, Form::AsyncOperation | Form::Location) if status == 202 => None,
        (None, Form::AsyncOperation) if status != 204 => {
            return Err(malformed(&subject.what, answer));
        }
        (None, _) => Some(End::Succeeded),
    };
    Ok(match end {
        None => Polled::Running {
            retry_after: answer.retry_after(now),
        },
        Some(End::Succeeded) => Polled::Succeeded(body),
        Some(End::Failed) => {
            let problem = refusal::failed(profile, subject, told.unwrap_or_default(), &body);
            Polled::Failed(refusal::correlated(problem, answer))
        }
    })
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Succeeded,
    Failed,
}

impl End {
    /// Three words end an operation, and whatever else is said, it goes on.
    fn of(state: &str) -> Option<Self> {
        match state.to_ascii_lowercase().as_str() {
            "succeeded" => Some(Self::Succeeded),
            "failed" | "canceled" | "cancelled" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// The state in a resource's body.
pub fn state(body: &Value) -> Option<&str> {
    text(body.get("properties")?, "provisioningState")
}

/// A status that tells of a failure, where a resource was expected.
fn failure(body: &Value) -> Option<&str> {
    let status = text(body, "status")?;
    (End::of(status) == Some(End::Failed) && AzureError::of(body).is_some()).then_some(status)
}

fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
#[path = "operation_tests.rs"]
mod tests;
