//! What it means when a Data Lake Store does not do what was asked (`WebHDFS`, "Error Responses"). Pure.

use jiff::Timestamp;
use serde::Deserialize;

use super::Call;
use crate::azure::arm::error::{LONGEST_MESSAGE, settled};
use crate::azure::auth::Profile;
use crate::azure::http::Answer;
use crate::azure::lake::refusal::unauthorized;
use crate::names::ClientId;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// When Azure closed the service.
const RETIRED: &str = "Azure retired Data Lake Store on 29 February 2024, and only private and sovereign clouds may still have it";
/// What is to be done about it.
const MEND: &str = "Mend: lakevault plan --to-gen2 writes the object anew for generation Gen2";

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "RemoteException")]
    error: RemoteException,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RemoteException {
    exception: String,
    message: String,
}

/// Reads an answer that is no success.
pub(super) fn problem(profile: &Profile, call: &Call, answer: &Answer, now: Timestamp) -> Problem {
    let status = answer.status.as_u16();
    let error = serde_json::from_slice(answer.body.bytes());
    let error = error.map_or_else(|_| RemoteException::default(), |told: Envelope| told.error);
    let said = told(&error.message);
    let problem = if status == 401 {
        unauthorized(profile, &call.lake.uri, answer, &said)
    } else {
        refused(profile, call, status, (&error.exception, &said))
    };
    let retry = match (problem.retry, answer.retry_after(now)) {
        (Retry::OnChange, _) | (_, None) => problem.retry,
        (_, Some(asked)) => Retry::After(asked),
    };
    let id = answer.headers.get("x-ms-request-id");
    let id = id.and_then(|id| id.to_str().ok());
    let code = Some(error.exception.as_str()).filter(|code| !code.is_empty());
    Problem {
        retry,
        correlation_id: id.map(|id| id.chars().take(100).collect()),
        ..problem
    }
    .answered(status, code)
}

/// No answer came at all. Of a service that was closed, that is most often the reason.
pub(super) fn unreachable(call: &Call, problem: Problem) -> Problem {
    let gone = matches!(
        problem.reason,
        Reason::HostNotFound | Reason::ConnectionFailed
    );
    if !gone || problem.http_status.is_some() {
        return problem;
    }
    let account = call.lake.uri.account();
    Problem {
        message: format!(
            "{}. It is Data Lake Store {:?}: {RETIRED}. {MEND}",
            problem.message,
            account.as_str()
        ),
        ..problem
    }
}

/// A message without what differs from try to try: request and time stand in brackets at its end.
fn told(message: &str) -> String {
    let text = message.split_once(" [").map_or(message, |(text, _)| text);
    settled(text).chars().take(LONGEST_MESSAGE).collect()
}

fn refused(profile: &Profile, call: &Call, status: u16, (code, said): (&str, &str)) -> Problem {
    let what = call.what();
    let named = if code.is_empty() {
        "it says no more: does a proxy stand in between?".to_owned()
    } else {
        format!("It says ({code}): {said}")
    };
    let soon = |reason, message| Problem::new(reason, Retry::Backoff, message);
    match (status, code) {
        (429, _) | (_, "ThrottledException") => soon(
            Reason::Throttled,
            format!(
                "the Data Lake Store limits its callers; {what} is looked at again when it allows"
            ),
        ),
        // Nobody there speaks the service's language.
        (410, _) | (404, "") => soon(
            Reason::AzureResourceNotFound,
            format!(
                "Data Lake Store {:?} answers no more (HTTP {status}). {RETIRED}. {MEND}. {named}",
                call.lake.uri.account().as_str()
            ),
        ),
        (500.. | 408, _) => soon(
            Reason::AzureUnavailable,
            format!(
                "the Data Lake Store answered HTTP {status} for {what}; it is asked again. {named}"
            ),
        ),
        (_, "FileNotFoundException") => {
            soon(Reason::AzureResourceNotFound, format!("there is no {what}"))
        }
        (
            _,
            "FileAlreadyExistsException"
            | "ParentNotDirectoryException"
            | "PathIsNotEmptyDirectoryException",
        ) => soon(
            Reason::PathConflict,
            format!(
                "something else stands at {what}, above it or in it; it is left as it is. {named}"
            ),
        ),
        (_, "BadOffsetException") => soon(
            Reason::AzureBusy,
            format!(
                "somebody else has written to {what} since it was looked at; it is looked at again"
            ),
        ),
        (403, _) if said.to_ascii_lowercase().contains("firewall") => soon(
            Reason::ForbiddenByNetwork,
            format!(
                "the firewall of the Data Lake Store shuts the operator out. Mend: az dls account firewall create --account {} --firewall-rule-name operator --start-ip-address <address> --end-ip-address <address>. {named}",
                call.lake.uri.account()
            ),
        ),
        (403, _) => soon(Reason::Forbidden, forbidden(profile, call, &named)),
        (404, _) => soon(
            Reason::AzureResourceNotFound,
            format!("there is no {what}. {named}"),
        ),
        (409 | 412, _) => soon(
            Reason::AzureBusy,
            format!("{what} is being changed already; it is tried again. {named}"),
        ),
        _ => Problem::new(
            Reason::RequestRefused,
            Retry::OnChange,
            format!(
                "the Data Lake Store refused {} of {what} with HTTP {status}. {named}",
                call.operation
            ),
        ),
    }
}

/// Owners of the account are the superusers of the first generation.
fn forbidden(profile: &Profile, call: &Call, named: &str) -> String {
    let client = profile.client.as_ref();
    let client = client.map_or("<client id>", ClientId::as_str);
    format!(
        "{profile} may not {} on {}. Mend: az role assignment create --assignee {client} --role Owner --scope {}, or give it an entry in the access control list (az dls fs access set-entry). {named}",
        call.operation,
        call.what(),
        call.lake.id
    )
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
