//! What the answers of managed identity endpoints mean. Pure.
//!
//! Statuses and texts: Microsoft's "How to use managed identities … to acquire an access token", sections "Error
//! handling" and "Retry guidance", and what Azure's SDKs look for.

use std::time::Duration;

use http::header;
use jiff::Timestamp;
use serde::Deserialize;

use super::expiry::{self, Time};
use super::{Source, Which};
use crate::azure::auth::Token;
use crate::azure::http::Answer;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// An endpoint that answers 410 is being upgraded and is back by then.
const UPGRADE: Duration = Duration::from_secs(70);
/// Of a text that an endpoint wrote, as much as a person reads.
const LONGEST_TEXT: usize = 300;

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<Time>,
    expires_on: Option<Time>,
    refresh_in: Option<Time>,
    client_id: Option<String>,
    object_id: Option<String>,
    msi_res_id: Option<String>,
    mi_res_id: Option<String>,
}

/// Reads an answer. `now` is this machine's clock; the endpoint's own is taken where it tells it.
pub fn read(
    source: &Source,
    which: &Which,
    answer: &Answer,
    now: Timestamp,
) -> Result<Token, Problem> {
    if !answer.status.is_success() {
        return Err(refused(source, which, answer, now));
    }
    let status = answer.status.as_u16();
    if matches!(source, Source::Imds { .. })
        && serde_json::from_slice::<serde::de::IgnoredAny>(answer.body.bytes()).is_err()
    {
        return Err(unavailable(source, "what answers there is no JSON").answered(status, None));
    }
    let granted: Option<Granted> = serde_json::from_slice(answer.body.bytes()).ok();
    if let Some(granted) = &granted {
        confirmed(source, which, granted)?;
    }
    granted
        .and_then(|granted| token(granted, answer, now))
        .ok_or_else(|| {
            let message = format!(
                "{} gave a token in a form that is not understood; it is asked again. Does something else answer in its place?",
                source.what()
            );
            Problem::new(Reason::MalformedAnswer, Retry::Backoff, message).answered(status, None)
        })
}

fn token(granted: Granted, answer: &Answer, now: Timestamp) -> Option<Token> {
    let clock = date(answer).unwrap_or(now);
    let life = expiry::life(
        granted.expires_in.as_ref(),
        granted.expires_on.as_ref(),
        clock,
    )?;
    let refresh = expiry::refresh(granted.refresh_in.as_ref(), life);
    let after = |seconds| {
        now.checked_add(jiff::SignedDuration::from_secs(seconds))
            .ok()
    };
    Some(Token {
        value: Some(granted.access_token)
            .filter(|token| !token.is_empty())
            .map(SecretValue::from)?,
        issued_at: now,
        expires_at: after(life)?,
        refresh_at: after(refresh)?,
    })
}

/// The endpoint's clock (RFC 9110 §6.6.1).
fn date(answer: &Answer) -> Option<Timestamp> {
    let text = answer.headers.get(header::DATE)?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}

/// Whether the token is of the identity that was asked for, as far as the endpoint says. Old agents of Azure Arc do not
/// know the parameter and give a token of the machine itself, so that their silence is not taken for consent.
fn confirmed(source: &Source, which: &Which, granted: &Granted) -> Result<(), Problem> {
    let said = |name: &Option<String>| name.clone().filter(|id| !id.is_empty());
    let (asked, given) = match which {
        Which::System => return Ok(()),
        Which::ClientId(id) => (id.as_str(), said(&granted.client_id)),
        Which::ObjectId(id) => (id.as_str(), said(&granted.object_id)),
        Which::ResourceId(id) => (
            id.as_str(),
            said(&granted.msi_res_id).or_else(|| said(&granted.mi_res_id)),
        ),
    };
    let seen = match given {
        Some(id) if id.eq_ignore_ascii_case(asked) => return Ok(()),
        Some(id) => format!("gave a token of {}", shortened(&id)),
        None if matches!(source, Source::Arc { .. }) => {
            "did not say that its token is of it, as agents do that know user-assigned identities: update the agent"
                .to_owned()
        }
        None => return Ok(()),
    };
    let message = format!(
        "{} was asked for {which} and {seen}; the token was not used",
        source.what()
    );
    Err(Problem::new(
        Reason::ManagedIdentityNotAssigned,
        Retry::Backoff,
        message,
    ))
}

/// What an endpoint says of an error, whatever the form: `{"error":"…","error_description":"…"}` (metadata service),
/// `{"statusCode":400,"message":"…"}` (App Service), `{"error":{"code":"…","message":"…"}}` (Service Fabric, Cloud Shell).
#[derive(Default)]
struct Said {
    code: Option<String>,
    text: String,
}

fn said(answer: &Answer) -> Said {
    let bytes = answer.body.bytes();
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(bytes) else {
        let text = String::from_utf8_lossy(bytes);
        // A page for browsers tells a person nothing here.
        let text = Some(text).filter(|text| !text.trim_start().starts_with('<'));
        return Said {
            code: None,
            text: stable(text.as_deref().unwrap_or_default()),
        };
    };
    let error = body.get("error").unwrap_or(&serde_json::Value::Null);
    let of = |value: &serde_json::Value, names: &[&str]| {
        names
            .iter()
            .find_map(|name| Some(value.get(name)?.as_str()?.to_owned()))
    };
    let code = error
        .as_str()
        .map(str::to_owned)
        .or_else(|| of(error, &["code"]))
        .or_else(|| of(&body, &["code", "ErrorCode"]));
    let texts = ["error_description", "message", "Message"];
    let text = of(&body, &texts).or_else(|| of(error, &texts));
    Said {
        code: code.map(|code| shortened(&code)),
        text: stable(&text.unwrap_or_default()),
    }
}

/// A text without what differs from try to try, which Entra's messages have at their end.
fn stable(text: &str) -> String {
    let end = [
        "Trace ID:",
        "Correlation ID:",
        "CorrelationId",
        "Timestamp:",
    ]
    .iter()
    .filter_map(|mark| text.find(mark))
    .min();
    shortened(text.get(..end.unwrap_or(text.len())).unwrap_or(text))
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(LONGEST_TEXT).collect()
}

fn refused(source: &Source, which: &Which, answer: &Answer, now: Timestamp) -> Problem {
    let (status, said) = (answer.status.as_u16(), said(answer));
    let code = aadsts(&said.text).or_else(|| said.code.clone());
    let problem = by_text(source, which, &said)
        .filter(|_| (400..500).contains(&status) && status != 429 && status != 410)
        .unwrap_or_else(|| by_status(source, which, answer, &said, now));
    problem.answered(status, code.as_deref())
}

/// Refusals that the text tells apart; their status is 400 mostly.
fn by_text(source: &Source, which: &Which, said: &Said) -> Option<Problem> {
    let what = source.what();
    let text = format!("{} {}", said.code.as_deref().unwrap_or_default(), said.text).to_lowercase();
    let has = |marks: &[&str]| marks.iter().any(|mark| text.contains(mark));
    if has(&["multiple user assigned"]) {
        let message = format!(
            "{what} has several user-assigned identities and gives a token only of one that is named: set spec.managedIdentity.clientId (az identity list --query \"[].{{name:name,clientId:clientId}}\")"
        );
        return Some(Problem::new(Reason::InvalidSpec, Retry::OnChange, message));
    }
    if has(&["invalid_resource", "aadsts500011", "aadsts70011"]) {
        let message = format!(
            "Entra knows no resource of this name in the tenant of the machine: {} Check the audience (spec.cloud, accessToken.resource)",
            said.text
        );
        return Some(Problem::new(
            Reason::ResourceNotFound,
            Retry::OnChange,
            message,
        ));
    }
    let absent = [
        "identity not found",
        "identitynotfound",
        "no managed identity",
        "managed identity found",
        "managed identity was not found",
        "unable to load the proper managed identity",
        "unable to load requested managed identity",
    ];
    has(&absent).then(|| not_assigned(source, which))
}

/// Nothing in the cluster tells when somebody assigns it, so it is asked again now and then.
fn not_assigned(source: &Source, which: &Which) -> Problem {
    let user = match which {
        Which::System => "",
        Which::ClientId(_) | Which::ObjectId(_) | Which::ResourceId(_) => {
            " --identities <resource id>"
        }
    };
    let mend = match source {
        Source::Imds { .. } => format!(
            "az vm identity assign --resource-group <group> --name <machine>{user}; for the nodes of a scale set or of AKS: az vmss identity assign --resource-group <node group> --name <scale set>{user}"
        ),
        Source::AppService { .. } | Source::AppService2017 { .. } => {
            format!("az webapp identity assign --resource-group <group> --name <app>{user}")
        }
        Source::MachineLearning { .. } => {
            "az ml compute update --resource-group <group> --workspace-name <workspace> --name <compute> --identity-type UserAssigned --user-assigned-identities <resource id>".to_owned()
        }
        Source::CloudShell { .. } => "open Cloud Shell again".to_owned(),
        Source::Arc { .. } => {
            "azcmagent show on the machine, azcmagent connect if it is not connected".to_owned()
        }
        Source::ServiceFabric { .. } => {
            "assign it to the application in its deployment, and name it in ApplicationManifest.xml".to_owned()
        }
    };
    let message = format!(
        "{} has not {which}: assign it ({mend}). A new assignment takes some minutes to work",
        source.what()
    );
    Problem::new(Reason::ManagedIdentityNotAssigned, Retry::Backoff, message)
}

/// What the status alone tells. The pauses are the scheduler's: doubling ones are longer than those of Azure's book (2 to
/// 30 s) from the fourth try on, which is what an endpoint limited to a few requests a second wants of many callers.
fn by_status(
    source: &Source,
    which: &Which,
    answer: &Answer,
    said: &Said,
    now: Timestamp,
) -> Problem {
    let (what, status) = (source.what(), answer.status.as_u16());
    let asked = answer.retry_after(now);
    let waited = asked.map_or(Retry::Backoff, Retry::After);
    let is_metadata_service = matches!(source, Source::Imds { .. });
    match status {
        429 => {
            let message = format!("{what} limits token requests; it is asked again when it allows");
            Problem::new(Reason::Throttled, waited, message)
        }
        410 => {
            let message = format!("{what} is being upgraded (HTTP 410); it is asked again in 70 s");
            let pause = asked.unwrap_or_default().max(UPGRADE);
            Problem::new(Reason::AzureUnavailable, Retry::After(pause), message)
        }
        500.. => {
            let message = format!(
                "{what} answered HTTP {status}{}; it is asked again",
                in_words(said)
            );
            Problem::new(Reason::AzureUnavailable, waited, message)
        }
        404 => unavailable(
            source,
            "it answered HTTP 404, as an endpoint does that is being updated, or that is of another cloud",
        ),
        // Docker Desktop answers in the place of the metadata service.
        403 if is_metadata_service && said.text.to_lowercase().contains("unreachable") => {
            unavailable(source, "a proxy answered that it is unreachable (HTTP 403)")
        }
        ..400 => unavailable(
            source,
            "it sent the request elsewhere, where no request follows",
        ),
        _ => {
            let message = format!(
                "{what} refused a token of {which}: HTTP {status}{}. Check that the identity is assigned and the endpoint is the right one",
                in_words(said)
            );
            Problem::new(Reason::AuthenticationFailed, Retry::Backoff, message)
        }
    }
}

fn in_words(said: &Said) -> String {
    let words: Vec<&str> = [said.code.as_deref().unwrap_or_default(), &said.text]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    match words.as_slice() {
        [] => String::new(),
        words => format!(" ({})", words.join(": ")),
    }
}

/// Entra's code in a text that an endpoint passed on.
fn aadsts(text: &str) -> Option<String> {
    let rest = text.get(text.find("AADSTS")?..)?;
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(rest.len());
    rest.get(..end).map(str::to_owned)
}

/// No managed identity is to be had here.
fn unavailable(source: &Source, seen: &str) -> Problem {
    let mend = match source {
        Source::Imds { .. } => {
            "does this node run in Azure? Then let the pod reach 169.254.169.254, port 80 (network policy, hostNetwork: true). Elsewhere take workloadIdentity or clientSecret"
        }
        Source::AppService { .. } | Source::Arc { .. } | Source::ServiceFabric { .. } => {
            "check IDENTITY_ENDPOINT"
        }
        Source::AppService2017 { .. }
        | Source::MachineLearning { .. }
        | Source::CloudShell { .. } => "check MSI_ENDPOINT",
    };
    let message = format!("{} gives no token: {seen}; {mend}", source.what());
    Problem::new(Reason::ManagedIdentityUnavailable, Retry::Backoff, message)
}

/// The request did not get through. Where no variable says that there is an endpoint, there is none.
pub(super) fn lost(source: &Source, problem: Problem) -> Problem {
    let nobody = [
        Reason::ConnectionFailed,
        Reason::TimedOut,
        Reason::HostNotFound,
    ];
    if matches!(source, Source::Imds { .. }) && nobody.contains(&problem.reason) {
        return unavailable(source, "nobody answers there");
    }
    if matches!(source, Source::ServiceFabric { .. })
        && problem.reason == Reason::CertificateNotTrusted
    {
        let message = format!(
            "{} showed another certificate than the one of IDENTITY_SERVER_THUMBPRINT, and was not asked; restart the service, whose environment then has the new one",
            source.what()
        );
        return Problem::new(problem.reason, problem.retry, message);
    }
    problem
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
