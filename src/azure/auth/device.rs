//! Sign-in by device code (RFC 8628; Microsoft identity platform, "Device authorization grant"; its v1 form; AD FS,
//! \[MS-OAPX\] §3.2.5.3): a person opens a page elsewhere and types a code, while the program asks whether that was done.
//! Requests are built and answers read by pure functions.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::refusal::Refused;
use super::{Granted, Profile, Resource, entra};
use crate::azure::http::{Answer, Request};
use crate::azure_identity::api::TokenEndpoint;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// RFC 8628 §3.4.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 8628 §3.2: the interval where the authority names none.
const INTERVAL: Duration = Duration::from_secs(5);
/// RFC 8628 §3.5: what `slow_down` adds to the interval, for good.
pub const SLOW_DOWN: Duration = Duration::from_secs(5);
/// An interval beyond this would outlast the code.
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);

/// A number of seconds, which v2 and ADFS write as a number and v1 as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

impl Seconds {
    /// A day is more than any code lives.
    fn get(&self) -> Option<Duration> {
        let seconds = match self {
            Self::Number(number) => *number,
            Self::Text(text) => text.parse().ok()?,
        };
        (1..=86_400)
            .contains(&seconds)
            .then(|| Duration::from_secs(seconds))
    }
}

/// A sign-in that waits for its person.
#[derive(Debug, Clone)]
pub struct Pending {
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// What the program asks with. Whoever has it gets the person's tokens.
    device_code: SecretValue,
    /// When the code is worth nothing any more.
    pub expires_at: Timestamp,
    /// The pause between two questions.
    pub interval: Duration,
}

/// What a question for the outcome was answered with.
#[derive(Debug)]
pub enum Poll {
    /// The person has signed in.
    Granted(Box<Granted>),
    /// Not yet.
    Waiting,
    /// Not yet, and the questions come too often.
    SlowDown,
    /// The person said no.
    Declined,
    /// The code's time is over.
    Expired,
}

/// The request for a code.
pub fn request(profile: &Profile, resource: &Resource) -> Result<Request, Problem> {
    let mut url = entra::endpoint(profile, "devicecode")?;
    let mut form = form(profile)?;
    match profile.cloud.token_endpoint {
        TokenEndpoint::V2 => {
            // Without the last word there is no refresh token.
            let scope = format!("{} openid profile offline_access", resource.scope());
            form.append_pair("scope", &scope);
        }
        TokenEndpoint::V1 => {
            url.set_query(Some("api-version=1.0"));
            form.append_pair("resource", resource.as_str());
        }
        TokenEndpoint::ADFS => {
            form.append_pair("resource", resource.as_str());
        }
    }
    entra::post(profile, url, Zeroizing::new(form.finish()))
}

fn form(profile: &Profile) -> Result<Serializer<'static, String>, Problem> {
    let client = profile.client.as_ref().ok_or_else(|| {
        let message = "a sign-in needs the client id of an application";
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    })?;
    let mut form = Serializer::new(String::new());
    form.append_pair("client_id", client.as_str());
    Ok(form)
}

#[derive(Deserialize)]
struct Offered {
    user_code: String,
    device_code: String,
    verification_uri: Option<String>,
    /// The name of v1. ADFS says both.
    verification_url: Option<String>,
    expires_in: Seconds,
    #[serde(default)]
    interval: Option<Seconds>,
}

/// Reads the answer to [`request`].
pub fn read(profile: &Profile, answer: &Answer, now: Timestamp) -> Result<Pending, Problem> {
    if !answer.status.is_success() {
        return Err(entra::failure(profile, answer, now));
    }
    pending(answer, now).ok_or_else(|| {
        let message = format!(
            "{} gave a code in a form that is not understood: does a proxy stand in between?",
            profile.cloud.authority
        );
        Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
            .answered(answer.status.as_u16(), None)
    })
}

fn pending(answer: &Answer, now: Timestamp) -> Option<Pending> {
    let offered: Offered = serde_json::from_slice(answer.body.bytes()).ok()?;
    let device_code = SecretValue::from(offered.device_code);
    let life = offered.expires_in.get()?;
    let interval = offered
        .interval
        .and_then(|interval| interval.get())
        .unwrap_or(INTERVAL);
    // Both are shown in a terminal, and the page is opened by people: only a plain https URL will do.
    let page = offered.verification_uri.or(offered.verification_url)?;
    let page = url::Url::parse(&page).ok()?;
    let plain = !offered.user_code.is_empty()
        && offered.user_code.len() <= 64
        && offered.user_code.chars().all(|c| c.is_ascii_graphic());
    (plain && page.scheme() == "https" && !device_code.is_empty()).then_some(())?;
    Some(Pending {
        user_code: offered.user_code,
        verification_uri: page.into(),
        device_code,
        expires_at: now.checked_add(life).ok()?,
        interval: interval.min(LONGEST_INTERVAL),
    })
}

/// The question whether the person has signed in.
pub fn poll(profile: &Profile, pending: &Pending, resource: &Resource) -> Result<Request, Problem> {
    let code = pending.device_code.expose_str().ok_or_else(|| {
        Problem::new(
            Reason::MalformedAnswer,
            Retry::OnChange,
            "the device code is not text (UTF-8)",
        )
    })?;
    let mut form = form(profile)?;
    match profile.cloud.token_endpoint {
        TokenEndpoint::V2 | TokenEndpoint::ADFS => form
            .append_pair("grant_type", GRANT)
            .append_pair("device_code", code),
        TokenEndpoint::V1 => form
            .append_pair("grant_type", "device_code")
            .append_pair("code", code)
            .append_pair("resource", resource.as_str()),
    };
    let url = entra::token_url(profile)?;
    entra::post(profile, url, Zeroizing::new(form.finish()))
}

/// Reads the answer to [`poll`].
pub fn read_poll(profile: &Profile, answer: &Answer, now: Timestamp) -> Result<Poll, Problem> {
    if answer.status.is_success() {
        let granted = entra::read(profile, answer, now)?;
        return Ok(Poll::Granted(Box::new(granted)));
    }
    let refused: Refused = serde_json::from_slice(answer.body.bytes()).unwrap_or_default();
    // Entra's words, then those of v1 and of RFC 8628 where they differ.
    match refused.error.as_str() {
        "authorization_pending" => Ok(Poll::Waiting),
        "slow_down" => Ok(Poll::SlowDown),
        "authorization_declined" | "access_denied" => Ok(Poll::Declined),
        "expired_token" | "code_expired" => Ok(Poll::Expired),
        "bad_verification_code" => {
            let message = format!(
                "{} does not know the code that it gave. Mend: lakevault login",
                profile.cloud.authority
            );
            let problem = Problem::new(Reason::AuthenticationFailed, Retry::OnChange, message);
            Err(problem.answered(answer.status.as_u16(), None))
        }
        _ => Err(entra::failure(profile, answer, now)),
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
