//! The pairs of access and refresh token that servers gave out. A pair lives until it is renewed, revoked or too old.

use std::collections::VecDeque;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::Mutex;

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// A refresh token that was not used for so long is dead.
const REFRESH_SECONDS: i64 = 14 * DAY_SECONDS;
/// After this the user must sign in again.
const LONGEST_SECONDS: i64 = 90 * DAY_SECONDS;
/// Pairs kept.
const CAPACITY: usize = 10_000;

/// Whose pair it is, and since when. Times are in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(super) host: String,
    pub(super) username: String,
    /// When the user gave the password.
    signed_in: i64,
    pub(super) issued: i64,
}

impl Pair {
    pub(super) fn first(host: &str, username: &str, now: i64) -> Self {
        Self {
            host: host.to_owned(),
            username: username.to_owned(),
            signed_in: now,
            issued: now,
        }
    }

    pub(super) fn renewed(self, now: i64) -> Self {
        Self {
            issued: now,
            ..self
        }
    }

    pub(super) fn can_be_renewed(&self, now: i64) -> bool {
        now < self.issued + REFRESH_SECONDS && now < self.signed_in + LONGEST_SECONDS
    }
}

/// The tokens of a pair.
pub(crate) struct Tokens {
    pub(super) access: String,
    access_expires: i64,
    pub(super) refresh: String,
}

impl Tokens {
    /// With a new refresh token.
    pub(super) fn new(access: String, access_expires: i64) -> Self {
        Self {
            access,
            access_expires,
            refresh: STANDARD.encode(rand::random::<[u8; 64]>()),
        }
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tokens(<redacted>)")
    }
}

/// The pairs that live.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<VecDeque<(Pair, Tokens)>>);

impl Sessions {
    pub(super) fn keep(&self, pair: Pair, tokens: Tokens) {
        let mut pairs = self.0.lock();
        if pairs.len() == CAPACITY {
            pairs.pop_front();
        }
        pairs.push_back((pair, tokens));
    }

    /// Ends the pair of a refresh token.
    pub(super) fn take(&self, host: &str, refresh_token: &str) -> Option<Pair> {
        let mut pairs = self.0.lock();
        let index = pairs
            .iter()
            .position(|(pair, tokens)| pair.host == host && tokens.refresh == refresh_token)?;
        pairs.remove(index).map(|(pair, _)| pair)
    }

    /// The user of an access token that is still good.
    pub(super) fn user_of(&self, host: &str, access_token: &str, now: i64) -> Option<String> {
        self.0
            .lock()
            .iter()
            .find(|(pair, tokens)| {
                pair.host == host && tokens.access == access_token && now < tokens.access_expires
            })
            .map(|(pair, _)| pair.username.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_can_be_renewed_for_two_weeks_and_for_ninety_days_in_all() {
        let first = Pair::first("h", "u", 0);
        assert!(first.can_be_renewed(REFRESH_SECONDS - 1));
        assert!(!first.can_be_renewed(REFRESH_SECONDS));
        let late = first.renewed(LONGEST_SECONDS - DAY_SECONDS);
        assert!(late.can_be_renewed(LONGEST_SECONDS - 1));
        assert!(!late.can_be_renewed(LONGEST_SECONDS));
    }

    #[test]
    fn a_pair_is_of_its_host_and_ends_with_its_refresh_token() {
        let sessions = Sessions::default();
        let tokens = Tokens::new("access".into(), 10);
        let refresh = tokens.refresh.clone();
        sessions.keep(Pair::first("h", "u", 0), tokens);
        assert_eq!(sessions.user_of("h", "access", 9), Some("u".into()));
        assert_eq!(sessions.user_of("h", "access", 10), None);
        assert_eq!(sessions.user_of("other", "access", 9), None);
        assert_eq!(sessions.take("other", &refresh), None);
        assert!(sessions.take("h", &refresh).is_some());
        assert_eq!(sessions.take("h", &refresh), None);
        assert_eq!(sessions.user_of("h", "access", 9), None);
    }

    #[test]
    fn the_oldest_pair_goes_when_it_is_full() {
        let sessions = Sessions::default();
        for number in 0..=CAPACITY {
            let tokens = Tokens::new(number.to_string(), 10);
            sessions.keep(Pair::first("h", "u", 0), tokens);
        }
        assert_eq!(sessions.user_of("h", "0", 0), None);
        assert!(sessions.user_of("h", "1", 0).is_some());
    }
}
