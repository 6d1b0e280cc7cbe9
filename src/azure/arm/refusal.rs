//! What it means when Azure Resource Manager does not do what was asked. Pure.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::Subject;
use super::error::{AzureError, between};
use super::meaning::{forbidden, known};
use crate::azure::auth::{Claims, Profile};
use crate::azure::challenge::Challenge;
use crate::azure::http::Answer;
use crate::names::TenantId;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Reads an answer that is no success.
pub fn problem(profile: &Profile, subject: &Subject, answer: &Answer, now: Timestamp) -> Problem {
    let status = answer.status.as_u16();
    let body: Value = serde_json::from_slice(answer.body.bytes()).unwrap_or_default();
    let error = AzureError::of(&body);
    let problem = match status {
        401 => unauthorized(profile, subject, &error.clone().unwrap_or_default()),
        429 if of_one_resource(error.as_ref()) => {
            of_error(profile, subject, status, error.as_ref())
        }
        429 => throttled(subject),
        _ => of_error(profile, subject, status, error.as_ref()),
    };
    let retry = match (problem.retry, answer.retry_after(now)) {
        // What only a change can mend is looked at again later than any answer asks.
        (Retry::OnChange, _) | (_, None) => problem.retry,
        (_, Some(asked)) => Retry::After(asked),
    };
    let code = problem
        .azure_code
        .clone()
        .or_else(|| error.map(|error| error.code))
        .filter(|code| !code.is_empty());
    correlated(
        Problem { retry, ..problem }.answered(status, code.as_deref()),
        answer,
    )
}

/// The error of an operation that ended as `state`.
pub(super) fn failed(profile: &Profile, subject: &Subject, state: &str, body: &Value) -> Problem {
    let error = AzureError::of(body);
    if let Some(problem) = error
        .as_ref()
        .and_then(|error| known(profile, subject, error))
    {
        return problem;
    }
    let said = error.as_ref().map_or_else(String::new, |error| {
        format!(" ({}): {}", error.code, error.said())
    });
    let message = format!(
        "what Azure had begun for {} ended as {state}{said}",
        subject.what
    );
    let problem = Problem::new(Reason::OperationFailed, Retry::Backoff, message);
    Problem {
        azure_code: error
            .map(|error| error.code)
            .filter(|code| !code.is_empty()),
        ..problem
    }
}

/// Adds by which Azure's support finds the answer.
pub(super) fn correlated(problem: Problem, answer: &Answer) -> Problem {
    let header = |name| answer.headers.get(name)?.to_str().ok();
    let id = header("x-ms-correlation-request-id").or_else(|| header("x-ms-request-id"));
    Problem {
        correlation_id: id.map(|id| id.chars().take(100).collect()),
        ..problem
    }
}

/// The claims that the next token must satisfy.
pub fn claims(answer: &Answer) -> Option<Claims> {
    (answer.status == StatusCode::UNAUTHORIZED)
        .then(|| Challenge::read(answer).claims)
        .flatten()
}

/// Whether an answer limits the calls of a subscription.
pub fn throttles(answer: &Answer) -> Option<Throttle> {
    let body: Value = serde_json::from_slice(answer.body.bytes()).unwrap_or_default();
    let error = AzureError::of(&body);
    if answer.status != StatusCode::TOO_MANY_REQUESTS || of_one_resource(error.as_ref()) {
        return None;
    }
    let by_gateway = answer.headers.get("x-ms-failure-cause");
    let by_gateway = by_gateway.is_some_and(|cause| cause == "gateway");
    let code = error.as_ref().map_or("", |error| error.code.as_str());
    // Whoever does not say that it is the provider shuts the way to all.
    let of_provider = !by_gateway && code == "ResourceRequestsThrottled";
    Some(if of_provider {
        Throttle::Provider
    } else {
        Throttle::Manager
    })
}

/// Whose limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// Resource Manager's, for the subscription.
    Manager,
    /// The resource provider's; others go on.
    Provider,
}

/// Some providers say 429 where another operation holds the one resource; that is no limit for others.
fn of_one_resource(error: Option<&AzureError>) -> bool {
    let code = error.map_or("", |error| error.code.as_str());
    matches!(
        code,
        "RetryableError" | "AnotherOperationInProgress" | "OperationInProgress"
    )
}

fn throttled(subject: &Subject) -> Problem {
    let message = format!(
        "Azure Resource Manager limits how often subscription {} is asked; {} is looked at again when it allows",
        subject.subscription, subject.what
    );
    Problem::new(Reason::Throttled, Retry::Backoff, message)
}

fn unauthorized(profile: &Profile, subject: &Subject, error: &AzureError) -> Problem {
    if error.code == "InvalidAuthenticationTokenTenant" {
        let (seen, wanted) = tenants(&error.message);
        let message = format!(
            "subscription {} belongs to tenant {}, and the tokens of {profile} are of tenant {}: use an identity of that tenant, or correct the subscription",
            subject.subscription,
            wanted.unwrap_or("that Azure does not name"),
            seen.or_else(|| profile.tenant.as_ref().map(TenantId::as_str))
                .unwrap_or("that Azure does not name"),
        );
        return Problem::new(Reason::ForeignChallenge, Retry::OnChange, message);
    }
    let audience = profile
        .cloud
        .resource_manager
        .as_ref()
        .map_or("", |manager| manager.audience.as_str());
    let (retry, mend) = match error.code.as_str() {
        "InvalidAuthenticationTokenAudience" => (
            Retry::OnChange,
            format!(
                "they are for {audience:?}, and it wants others: check resourceManager.audience in spec.cloud of the identity"
            ),
        ),
        "ExpiredAuthenticationToken" => (
            Retry::Backoff,
            "they are past their end: check the operator's clock".to_owned(),
        ),
        _ => (
            Retry::Backoff,
            "check the identity's tenantId and cloud, and the operator's clock".to_owned(),
        ),
    };
    let message = format!(
        "Azure Resource Manager does not accept tokens of {profile} for {}: {mend}",
        subject.what
    );
    Problem::new(Reason::Unauthorized, retry, message)
}

/// The tenant of the token, and the one of the subscription: the last part of what stands in quotes after "wrong issuer" and
/// after "must match the tenant".
fn tenants(message: &str) -> (Option<&str>, Option<&str>) {
    fn after<'a>(message: &'a str, words: &str) -> Option<&'a str> {
        let quoted = between(message, words, "'")?;
        quoted
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .filter(|id| uuid::Uuid::try_parse(id).is_ok())
    }
    let wanted = after(message, "the tenant '").or_else(|| after(message, "one of the tenants '"));
    (after(message, "wrong issuer '"), wanted)
}

fn of_error(
    profile: &Profile,
    subject: &Subject,
    status: u16,
    error: Option<&AzureError>,
) -> Problem {
    if let Some(problem) = error.and_then(|error| known(profile, subject, error)) {
        return problem;
    }
    let what = &subject.what;
    let said = error.map_or_else(
        || "it says no more: does a proxy stand in between?".to_owned(),
        |error| format!("Azure says ({}): {}", error.code, error.said()),
    );
    let (reason, retry, message) = match status {
        500.. | 408 => (
            Reason::AzureUnavailable,
            Retry::Backoff,
            format!(
                "Azure Resource Manager answered HTTP {status} for {what}; it is asked again. If this lasts, see https://azure.status.microsoft"
            ),
        ),
        403 => (
            Reason::Forbidden,
            Retry::Backoff,
            error.map_or_else(
                || format!("Azure refused {what} with HTTP 403; {said}"),
                |error| forbidden(profile, subject, error),
            ),
        ),
        404 => (
            Reason::AzureResourceNotFound,
            Retry::Backoff,
            format!("Azure has no {what}; {said}"),
        ),
        409 | 412 => (
            Reason::AzureBusy,
            Retry::Backoff,
            format!("{what} is being changed already; it is tried again. {said}"),
        ),
        _ => (
            Reason::RequestRefused,
            Retry::OnChange,
            format!("Azure refused {what} with HTTP {status}. {said}"),
        ),
    };
    Problem::new(reason, retry, message)
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
