//! What it means when a data lake does not do what was asked ("Common REST API error codes", "Azure Data Lake Storage error
//! codes"). Pure.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::{Call, FilesystemName, LakeUri};
use crate::azure::arm::error::{AzureError, LONGEST_MESSAGE, settled};
use crate::azure::auth::Profile;
use crate::azure::challenge::Challenge;
use crate::azure::http::Answer;
use crate::names::ClientId;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// A filesystem's name is not free for so long after its deletion ("Filesystem - Delete").
const DELETING: Duration = Duration::from_secs(30);
const ROLE: &str = "Storage Blob Data Owner";

/// Reads an answer that is no success.
pub(super) fn problem(profile: &Profile, call: &Call, answer: &Answer, now: Timestamp) -> Problem {
    let status = answer.status.as_u16();
    let (code, said) = told(answer);
    let problem = if status == 401 {
        unauthorized(profile, &call.place.lake.uri, answer, &said)
    } else {
        known(profile, call, &code, &said).unwrap_or_else(|| of_status(call, status, &code, &said))
    };
    let retry = match (problem.retry, answer.retry_after(now)) {
        (Retry::OnChange, _) | (_, None) => problem.retry,
        (_, Some(asked)) => Retry::After(asked),
    };
    let id = super::said(answer, "x-ms-request-id");
    Problem {
        retry,
        correlation_id: id.map(|id| id.chars().take(100).collect()),
        ..problem
    }
    .answered(status, Some(code.as_str()).filter(|code| !code.is_empty()))
}

/// Azure's code, of which an answer to HEAD has no more than the header, and what it says.
fn told(answer: &Answer) -> (String, String) {
    let body: Value = serde_json::from_slice(answer.body.bytes()).unwrap_or_default();
    let error = AzureError::of(&body).unwrap_or_default();
    let code = super::said(answer, "x-ms-error-code").map_or(error.code, str::to_owned);
    let line = settled(&error.message);
    (code, line.chars().take(LONGEST_MESSAGE).collect())
}

/// Whether a problem says that there is something already where something was to be made.
pub fn exists(problem: &Problem) -> bool {
    const EXISTS: [&str; 4] = [
        "PathAlreadyExists",
        "FilesystemAlreadyExists",
        "ContainerAlreadyExists",
        // The first generation's.
        "FileAlreadyExistsException",
    ];
    let code = problem.azure_code.as_deref();
    matches!(problem.http_status, Some(409 | 403))
        && code.is_some_and(|code| EXISTS.contains(&code))
}

/// Whether a problem says that something is not as it was seen any more.
pub fn changed_since(problem: &Problem) -> bool {
    problem.http_status == Some(412)
}

/// Whether a call that was to go on with something cannot: it must be begun anew.
pub fn lost(call: &Call, problem: &Problem) -> bool {
    call.goes_on() && matches!(problem.http_status, Some(400 | 410 | 412))
}

fn known(profile: &Profile, call: &Call, code: &str, said: &str) -> Option<Problem> {
    let (place, account) = (&call.place, call.place.lake.uri.account());
    let with = |reason, retry, message| Some(Problem::new(reason, retry, message));
    let soon = |reason, message| with(reason, Retry::Backoff, message);
    let slow = |reason, message| with(reason, Retry::OnChange, message);
    match code {
        "AuthorizationPermissionMismatch" | "InsufficientAccountPermissions" => {
            soon(Reason::Forbidden, forbidden(profile, call))
        }
        "AuthorizationFailure" | "AuthorizationSourceIPMismatch" | "PublicAccessNotPermitted" => {
            soon(
                Reason::ForbiddenByNetwork,
                format!(
                    "the network settings of storage account {account:?} shut the operator out. Mend: az storage account network-rule add --account-name {account} --ip-address <address of the operator>, or reach the account by a private endpoint. A new account, and a new rule, need a minute"
                ),
            )
        }
        "AccountIsDisabled" => slow(
            Reason::AccountDisabled,
            format!(
                "storage account {account:?} is disabled, most often because its subscription is: its owner can enable it (Azure portal, Subscriptions). Nothing in it is touched"
            ),
        ),
        "KeyBasedAuthenticationNotPermitted" => slow(
            Reason::RequestRefused,
            format!(
                "storage account {account:?} takes no account keys, and a request came with one: does a proxy stand in between?"
            ),
        ),
        "FilesystemBeingDeleted" | "ContainerBeingDeleted" | "PathIsBeingDeleted" => with(
            Reason::AzureBusy,
            Retry::After(DELETING),
            format!(
                "{place} is just being deleted; it is made anew when its name is free, which takes half a minute or more"
            ),
        ),
        "AccountBeingCreated" | "OperationInProgress" => soon(
            Reason::AzureBusy,
            format!("{place} is being changed already; it is tried again"),
        ),
        "PathNotFound" | "FilesystemNotFound" | "ContainerNotFound" | "ResourceNotFound" => soon(
            Reason::AzureResourceNotFound,
            format!("there is no {place}"),
        ),
        "PathAlreadyExists"
        | "FilesystemAlreadyExists"
        | "ContainerAlreadyExists"
        | "PathConflict"
        | "ResourceTypeMismatch"
        | "InvalidSourceOrDestinationResourceType"
        | "OperationNotSupportedOnDirectory"
        | "DirectoryNotEmpty" => soon(Reason::PathConflict, conflict(call, code)),
        "ConditionNotMet" | "TargetConditionNotMet" => soon(
            Reason::AzureBusy,
            format!(
                "somebody else has changed {place} since it was looked at; it is looked at again"
            ),
        ),
        _ if code.starts_with("Lease") => soon(
            Reason::LeaseHeld,
            format!(
                "somebody holds a lease on {place}, so it is not written; it is tried again. Where its holder is gone: az storage blob lease break --account-name {account} --container-name {} --blob-name <path>",
                place.filesystem.as_ref().map_or("", FilesystemName::as_str)
            ),
        ),
        "ServerBusy"
        | "OperationTimedOut"
        | "TooManyRequests"
        | "IngressIsOverAccountLimit"
        | "EgressIsOverAccountLimit" => soon(
            Reason::Throttled,
            format!(
                "storage account {account:?} limits its callers; it is asked again when it allows"
            ),
        ),
        // Its content was broken on the way.
        "Md5Mismatch" => soon(
            Reason::ConnectionFailed,
            format!("what was written to {place} did not arrive as it was sent; it is sent again"),
        ),
        "EndpointUnsupportedAccountFeatures" => slow(Reason::HierarchyMissing, flat(call, said)),
        _ if code.contains("HierarchicalNamespace") => {
            slow(Reason::HierarchyMissing, flat(call, said))
        }
        _ => None,
    }
}

fn forbidden(profile: &Profile, call: &Call) -> String {
    let client = profile.client.as_ref();
    let client = client.map_or("<client id>", ClientId::as_str);
    let lake = &call.place.lake;
    format!(
        "{profile} may not {} in {}. Roles to manage the account do not permit it. Mend: az role assignment create --assignee {client} --role \"{ROLE}\" --scope {}. It takes up to ten minutes until a new assignment counts",
        call.operation, call.place, lake.id
    )
}

fn flat(call: &Call, said: &str) -> String {
    let account = call.place.lake.uri.account();
    format!(
        "storage account {account:?} has no hierarchical namespace, so there are no directories in it: use another account, or migrate it (az storage account hns-migration start --type upgrade --name {account}). Azure says: {said}"
    )
}

fn conflict(call: &Call, code: &str) -> String {
    let place = &call.place;
    match code {
        "DirectoryNotEmpty" => {
            format!(
                "{place} is not empty, and it is deleted with what is in it only where that is said"
            )
        }
        "PathAlreadyExists" | "FilesystemAlreadyExists" | "ContainerAlreadyExists" => {
            format!("there is a {place} already; it is left as it is")
        }
        _ => format!(
            "{place}: a file stands where a directory is wanted, or the other way round, at this path or above it. Move it away (az storage fs file move), or declare another path"
        ),
    }
}

/// What a status means whose code says nothing.
fn of_status(call: &Call, status: u16, code: &str, said: &str) -> Problem {
    let place = &call.place;
    let named = if code.is_empty() {
        "it says no more: does a proxy stand in between?".to_owned()
    } else {
        format!("Azure says ({code}): {said}")
    };
    let (reason, retry, message) = match status {
        429 => (
            Reason::Throttled,
            Retry::Backoff,
            format!("the data lake limits its callers; {place} is looked at again when it allows"),
        ),
        500.. | 408 => (
            Reason::AzureUnavailable,
            Retry::Backoff,
            format!(
                "the data lake answered HTTP {status} for {place}; it is asked again. If this lasts, see https://azure.status.microsoft"
            ),
        ),
        403 => (
            Reason::Forbidden,
            Retry::Backoff,
            format!(
                "the data lake refused {} of {place} with HTTP 403. {named}",
                call.operation
            ),
        ),
        404 => (
            Reason::AzureResourceNotFound,
            Retry::Backoff,
            format!("there is no {place}. {named}"),
        ),
        409 | 412 => (
            Reason::AzureBusy,
            Retry::Backoff,
            format!("{place} is being changed already; it is tried again. {named}"),
        ),
        400 | 410 if call.goes_on() => (
            Reason::RequestRefused,
            Retry::Backoff,
            format!(
                "Azure does not know any more how far it was with {place}; it is begun anew. {named}"
            ),
        ),
        _ => (
            Reason::RequestRefused,
            Retry::OnChange,
            format!(
                "the data lake refused {} of {place} with HTTP {status}. {named}",
                call.operation
            ),
        ),
    };
    Problem::new(reason, retry, message)
}

/// What a refusal of a token means, for either generation.
pub(in crate::azure) fn unauthorized(
    profile: &Profile,
    uri: &LakeUri,
    answer: &Answer,
    said: &str,
) -> Problem {
    let account = uri.account();
    let challenge = Challenge::read(answer);
    let authority = challenge.authorization.as_deref().map(Url::parse);
    if let Some(Ok(authority)) = authority
        && !(profile.cloud.knows_authority(&authority) && profile.can_be_of(&authority))
    {
        let message = format!(
            "storage account {account:?} wants tokens of {authority}, but the identity's come from {} ({profile}): check the identity's tenantId and cloud, and the subscription",
            profile.cloud.authority
        );
        return Problem::new(Reason::ForeignChallenge, Retry::Backoff, message);
    }
    let more = if said.is_empty() {
        String::new()
    } else {
        format!(". Azure says: {said}")
    };
    let message = format!(
        "storage account {account:?} does not accept tokens of {profile}: check the identity's tenantId and cloud, and the operator's clock{more}"
    );
    Problem::new(Reason::Unauthorized, Retry::Backoff, message)
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
