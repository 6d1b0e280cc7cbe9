//! Sign-in by device code (RFC 8628; Microsoft identity platform, "Device authorization grant"; its v1 form; AD FS,
//! \[MS-OAPX\] §3.2.5.3): a person opens a page elsewhere and types a code, while the program asks whether that was done.
//! Requests are built and answers read by pure functions.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::Resource;
use super::user::{Form, Granted, Refused, Seconds, SignIn, granted, malformed, refusal};
use crate::azure::http::{Answer, Request};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// RFC 8628 §3.2: the interval where the authority names none.
const INTERVAL: Duration = Duration::from_secs(5);
/// RFC 8628 §3.5: what `slow_down` adds to the interval, for good.
pub const SLOW_DOWN: Duration = Duration::from_secs(5);
/// An interval beyond this would outlast the code.
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);

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
pub fn request(sign_in: &SignIn, resource: &Resource) -> Result<Request, Problem> {
    let mut url = sign_in.url("devicecode")?;
    if sign_in.form == Form::V1 {
        url.set_query(Some("api-version=1.0"));
    }
    let (name, value) = sign_in.ask_for(resource);
    Ok(sign_in.post(url, &[(name, &value)]))
}

#[derive(Deserialize)]
struct Offered {
    user_code: String,
    device_code: String,
    // v1 calls it a URL.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    expires_in: Seconds,
    #[serde(default)]
    interval: Option<Seconds>,
}

/// Reads the answer to [`request`].
pub fn read(sign_in: &SignIn, answer: &Answer, now: Timestamp) -> Result<Pending, Problem> {
    if !answer.status.is_success() {
        return Err(refusal(sign_in, answer, &Refused::of(answer), now));
    }
    pending(answer, now).ok_or_else(|| malformed(sign_in, answer))
}

fn pending(answer: &Answer, now: Timestamp) -> Option<Pending> {
    let offered: Offered = serde_json::from_slice(answer.body.bytes()).ok()?;
    let device_code = SecretValue::from(offered.device_code);
    let life = Duration::from_secs(u64::try_from(offered.expires_in.get()?).ok()?);
    let interval = offered
        .interval
        .and_then(|interval| u64::try_from(interval.get()?).ok())
        .map_or(INTERVAL, Duration::from_secs);
    // Both are shown in a terminal, and the page is opened by people: only a plain https URL will do.
    let page = url::Url::parse(&offered.verification_uri).ok()?;
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
pub fn poll(sign_in: &SignIn, pending: &Pending, resource: &Resource) -> Result<Request, Problem> {
    let code = pending.device_code.expose_str().ok_or_else(|| {
        Problem::new(
            Reason::MalformedAnswer,
            Retry::OnChange,
            "the device code is not text (UTF-8)",
        )
    })?;
    let url = sign_in.url("token")?;
    Ok(match sign_in.form {
        Form::V2 | Form::Adfs => {
            let pairs = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", code),
            ];
            sign_in.post(url, &pairs)
        }
        Form::V1 => {
            let pairs = [
                ("grant_type", "device_code"),
                ("code", code),
                ("resource", resource.as_str()),
            ];
            sign_in.post(url, &pairs)
        }
    })
}

/// Reads the answer to [`poll`].
pub fn read_poll(sign_in: &SignIn, answer: &Answer, now: Timestamp) -> Result<Poll, Problem> {
    if answer.status.is_success() {
        return granted(answer, now)
            .map(|granted| Poll::Granted(Box::new(granted)))
            .ok_or_else(|| malformed(sign_in, answer));
    }
    let refused = Refused::of(answer);
    // Entra's words, then those of v1 and of RFC 8628 where they differ.
    match refused.error.as_str() {
        "authorization_pending" => Ok(Poll::Waiting),
        "slow_down" => Ok(Poll::SlowDown),
        "authorization_declined" | "access_denied" => Ok(Poll::Declined),
        "expired_token" | "code_expired" => Ok(Poll::Expired),
        "bad_verification_code" => {
            let message = format!(
                "{} does not know the code that it gave: sign in again: lakevault login",
                sign_in.base
            );
            let problem = Problem::new(Reason::AuthenticationFailed, Retry::OnChange, message);
            Err(problem.answered(answer.status.as_u16(), None))
        }
        _ => Err(refusal(sign_in, answer, &refused, now)),
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
