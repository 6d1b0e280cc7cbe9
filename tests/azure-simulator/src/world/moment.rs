//! Time as the world sees it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

/// A point in time, in milliseconds since 1970. Every change of the world is given one: the world reads no clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    /// The machine's clock, moved by `skew_seconds`.
    pub(crate) fn now(skew_seconds: i64) -> Self {
        Self(Timestamp::now().as_millisecond() + skew_seconds * 1000)
    }

    /// Whole seconds since 1970, as tokens and Key Vault write times.
    pub(crate) fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub(crate) fn plus_millis(self, millis: i64) -> Self {
        Self(self.0 + millis)
    }

    /// For error texts and the journal.
    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Seconds since 1970 in a seed: written as a number or in RFC 3339.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Epoch(pub(crate) i64);

impl fmt::Debug for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Seconds(i64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Seconds(seconds) => Ok(Self(seconds)),
            Either::Text(text) => text
                .parse::<Timestamp>()
                .map(|at| Self(at.as_second()))
                .map_err(|_| {
                    serde::de::Error::custom(format!(
                        "expected RFC 3339 or epoch seconds, not {text:?}"
                    ))
                }),
        }
    }
}
