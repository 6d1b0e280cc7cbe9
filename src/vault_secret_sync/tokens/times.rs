//! The version of a token: its times, and nothing made of its value. Pure.
//!
//! It is recorded on the Secret like the version of a vault's secret, so a restarted operator knows which tokens still live
//! and asks for none of them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::azure::auth::Token;
use crate::azure::key_vault::Bundle;
use crate::names::ObjectVersion;
use crate::problem::{Problem, Reason};
use crate::retry::{self, Retry};

/// To the millisecond: two tokens that were had within one second are two, and the second may have ended the first.
const ISSUED_AT: &str = "%Y%m%dT%H%M%S%3fZ";
const EXPIRES_AT: &str = "%Y%m%dT%H%M%SZ";
const ISSUED: &str = "issued";
const EXPIRES: &str = "expires";
/// Part of a token's life after which it is renewed, at the latest.
const RENEW_AT: f64 = 0.8;

/// The times of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When it was had, to the millisecond.
    pub issued: Timestamp,
    /// When it ends, to the second.
    pub expires: Timestamp,
}

impl Times {
    /// Reads a version such as `issued20261121T131024123Zexpires20261121T141024Z`. None where it is not one of a token.
    pub fn read(version: &str) -> Option<Self> {
        let (issued, expires) = version.strip_prefix(ISSUED)?.split_once(EXPIRES)?;
        let read = |format: &str, text: &str| {
            let time = DateTime::strptime(format, text).ok()?;
            Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
        };
        Some(Self {
            issued: read(ISSUED_AT, issued)?,
            expires: read(EXPIRES_AT, expires)?,
        })
    }

    /// When the token is renewed: at 80 % of its life, or up to a fifth of that time earlier, by `seed`: tokens that were had
    /// together are not renewed together.
    pub fn renewal(&self, seed: u64) -> Timestamp {
        let life = std::time::Duration::try_from(self.expires.duration_since(self.issued));
        let latest = life.unwrap_or_default().mul_f64(RENEW_AT / 1.1);
        let after = SignedDuration::try_from(retry::jitter(latest, seed));
        let renewal = self.issued.checked_add(after.unwrap_or_default());
        renewal.unwrap_or(self.issued)
    }
}

/// The seed of a sync's renewals.
pub fn seed(uid: &str) -> u64 {
    retry::seed(uid, "token")
}

/// When the token of this version is renewed by the sync of this uid. None where it is not the version of a token.
pub fn renewal(version: &str, uid: &str) -> Option<Timestamp> {
    Some(Times::read(version)?.renewal(seed(uid)))
}

/// Whether a token was had later than one whose record says `issued`. Records are of whole milliseconds.
pub fn is_newer(token: &Token, issued: Timestamp) -> bool {
    token.issued_at.as_millisecond() > issued.as_millisecond()
}

/// A token in the form of a vault's secret.
pub fn bundle(token: &Token) -> Result<Bundle, Problem> {
    let version = version(token).ok_or_else(|| {
        let message = "a token was granted with times that are not understood".to_owned();
        Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
    })?;
    Ok(Bundle {
        version,
        value: token.value.clone(),
        content_type: None,
        updated: Some(token.issued_at),
        answered: None,
        not_before: None,
        expires: Some(token.expires_at),
    })
}

fn version(token: &Token) -> Option<ObjectVersion> {
    let issued = token.issued_at.strftime(ISSUED_AT);
    let expires = token.expires_at.strftime(EXPIRES_AT);
    let version = format!("{ISSUED}{issued}{EXPIRES}{expires}");
    // What cannot be read back would be asked for again and again.
    Times::read(&version)?;
    version.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretValue;

    fn token(issued: &str, expires: &str) -> Token {
        let issued_at = issued.parse().unwrap();
        Token {
            value: SecretValue::from("value".to_owned()),
            issued_at,
            expires_at: expires.parse().unwrap(),
            refresh_at: issued_at,
        }
    }

    #[test]
    fn a_version_is_the_times_and_is_read_back() {
        let token = token("2026-11-21T13:10:24.9876Z", "2026-11-21T14:10:24Z");
        let bundle = bundle(&token).unwrap();
        let version = bundle.version.as_str();
        assert_eq!(version, "issued20261121T131024987Zexpires20261121T141024Z");
        let times = Times::read(version).unwrap();
        assert_eq!(times.expires, token.expires_at);
        assert!(!is_newer(&token, times.issued), "newer than itself");
        let before = times.issued - SignedDuration::from_millis(1);
        assert!(is_newer(&token, before));
    }

    #[test]
    fn what_is_no_tokens_version_has_no_times() {
        for version in [
            "",
            "4387e9f3d6e14c459867679a90fd0f79",
            "issued20261121T131024000Z",
            "issued20261121T131024Zexpires20261121T141024Z",
            "issued20261121T131024000ZexpiresX",
            "issued20261321T131024000Zexpires20261121T141024Z",
        ] {
            assert_eq!(Times::read(version), None, "{version:?}");
        }
    }

    #[test]
    fn renewal_comes_in_the_last_third_before_four_fifths_and_is_the_same_each_time() {
        let version = "issued20261121T130000000Zexpires20261121T140000Z";
        let start: Timestamp = "2026-11-21T13:00:00Z".parse().unwrap();
        for n in 0..500 {
            let uid = format!("uid-{n}");
            let at = renewal(version, &uid).unwrap();
            assert_eq!(renewal(version, &uid), Some(at));
            let part = at.duration_since(start).as_secs_f64() / 3600.0;
            assert!((0.65..=0.8).contains(&part), "{part}");
        }
    }

    #[test]
    fn a_token_that_ends_before_it_begins_is_renewed_at_once() {
        let times = Times {
            issued: "2026-11-21T13:00:00Z".parse().unwrap(),
            expires: "2026-11-21T12:00:00Z".parse().unwrap(),
        };
        assert_eq!(times.renewal(7), times.issued);
    }
}
