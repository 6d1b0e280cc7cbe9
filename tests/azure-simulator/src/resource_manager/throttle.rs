//! Limits of the resource manager and its providers: a token bucket for each subscription, principal (or region) and kind
//! of request.

use std::collections::HashMap;

use http::Method;
use parking_lot::Mutex;

use crate::world::{
    failure::Failure,
    manager_settings::{Bucket, Limits},
    moment::Moment,
};

/// Kind of a request, as the limits count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Reads,
    Writes,
    Deletes,
    /// Of the provider of storage accounts, over all principals.
    StorageReads,
    StorageLists,
    StorageWrites,
    StorageHourlyWrites,
}

impl Kind {
    pub(super) fn of(method: &Method) -> Self {
        match method.as_str() {
            "GET" | "HEAD" => Self::Reads,
            "DELETE" => Self::Deletes,
            _ => Self::Writes,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
            Self::StorageReads
            | Self::StorageLists
            | Self::StorageWrites
            | Self::StorageHourlyWrites => "resource-requests",
        }
    }

    fn bucket(self, limits: &Limits) -> Bucket {
        match self {
            Self::Reads => limits.reads,
            Self::Writes => limits.writes,
            Self::Deletes => limits.deletes,
            Self::StorageReads => limits.storage.reads,
            Self::StorageLists => limits.storage.lists,
            Self::StorageWrites => limits.storage.writes,
            Self::StorageHourlyWrites => limits.storage.hourly_writes,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Level {
    tokens: f64,
    at: Moment,
}

/// All buckets. They fill by the simulator's clock.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<(String, String, Kind), Level>>);

impl Throttle {
    /// Takes a token; `principal` is who asks, or for limits of a provider the region. Gives how many are left, or in how many seconds there will be one.
    pub(super) fn take(
        &self,
        subscription: &str,
        principal: &str,
        kind: Kind,
        limits: &Limits,
        now: Moment,
    ) -> Result<u64, u64> {
        let bucket = kind.bucket(limits);
        let size = f64::from(bucket.size);
        let key = (
            subscription.to_ascii_lowercase(),
            principal.to_ascii_lowercase(),
            kind,
        );
        let mut levels = self.0.lock();
        let level = levels.entry(key).or_insert(Level {
            tokens: size,
            at: now,
        });
        let passed = now.0.saturating_sub(level.at.0).max(0);
        let seconds = f64::from(u32::try_from(passed).unwrap_or(u32::MAX)) / 1000.0;
        level.tokens = (level.tokens + seconds * bucket.refill_per_second).min(size);
        level.at = now;
        if level.tokens < 1.0 {
            let wait = (1.0 - level.tokens) / bucket.refill_per_second.max(0.001);
            return Err(whole(wait.ceil()).max(1));
        }
        level.tokens -= 1.0;
        Ok(whole(level.tokens))
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and small"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

/// The 429 of an empty bucket.
pub(super) fn refused(subscription: &str, method: &Method, path: &str, wait: u64) -> Failure {
    let mut failure = Failure::gateway(
        429,
        "SubscriptionRequestsThrottled",
        format!(
            "Number of requests for subscription '{subscription}' and operation '{method}{}' exceeded the backend storage \
             limit. Please try again after '{wait}' seconds.",
            path.to_ascii_uppercase()
        ),
    );
    failure.retry_after = Some(wait);
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again_for_each_principal() {
        let throttle = Throttle::default();
        let limits = Limits {
            reads: Bucket {
                size: 2,
                refill_per_second: 0.5,
            },
            ..Limits::default()
        };
        let take = |principal: &str, millis| {
            throttle.take("s", principal, Kind::Reads, &limits, Moment(millis))
        };
        assert_eq!(take("p", 0), Ok(1));
        assert_eq!(take("P", 0), Ok(0));
        assert_eq!(take("p", 0), Err(2));
        assert_eq!(take("q", 0), Ok(1));
        assert_eq!(take("p", 1000), Err(1));
        assert_eq!(take("p", 2000), Ok(0));
    }
}
