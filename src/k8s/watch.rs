//! Watches: a stream of events followed until the end, with trouble told once and recovery told once.

use std::fmt::Debug;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::{Backoff, ResetTimerBackoff};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::ready::Readiness;
use crate::retry;

/// The first pause after a failure, doubled for each one that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The ceiling. kube's own policy goes on up to a minute with its jitter: so long would drift stay unseen after the API server
/// is back. A handful of watches each five seconds is no burden to it.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Only so long without a failure makes the next one a first one. A new list begins with an event of success, before anything
/// was asked, so success alone says nothing.
const CALM: Duration = Duration::from_secs(30);

/// Pauses between the tries of a watch.
#[derive(Debug)]
struct Pauses {
    seed: u64,
    failures: u32,
}

impl Pauses {
    /// Several operators must not come back in one moment, so each has a seed of its own.
    fn new() -> Self {
        Self {
            seed: RandomState::new().build_hasher().finish(),
            failures: 0,
        }
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        let seed = self.seed.wrapping_add(u64::from(self.failures));
        Some(retry::jitter(doubled.min(LONGEST_PAUSE), seed))
    }
}

impl Backoff for Pauses {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A watch with a pause after each failure. Lists are quorum reads and a broken watch resumes where it was (the defaults),
/// so what is seen never goes back in time.
pub fn watch<K>(
    api: Api<K>,
    config: watcher::Config,
) -> impl Stream<Item = watcher::Result<Event<K>>> + Send + 'static
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    watcher::watcher(api, config).backoff(ResetTimerBackoff::new(Pauses::new(), CALM))
}

/// Hands every event to `on_event` until `stop`. The first complete list marks `what` as ready.
pub async fn follow<K>(
    what: &'static str,
    stream: impl Stream<Item = watcher::Result<Event<K>>>,
    readiness: Arc<Readiness>,
    stop: CancellationToken,
    mut on_event: impl FnMut(Event<K>),
) {
    let mut stream = std::pin::pin!(stream.take_until(stop.cancelled_owned()));
    let mut failing = false;
    while let Some(item) = stream.next().await {
        match item {
            Ok(event) => {
                if std::mem::take(&mut failing) {
                    info!(watch = what, "Watch works again");
                }
                let listed = matches!(event, Event::InitDone);
                on_event(event);
                if listed {
                    readiness.done(what);
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    warn!(watch = what, %error, "Watch failed; it is tried again");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_server_that_is_back_is_found_within_seconds_however_long_it_was_away() {
        let mut pauses = Pauses::new();
        let first: Vec<Duration> = pauses.by_ref().take(100).collect();
        assert!(first[0] < Duration::from_millis(300), "{first:?}");
        assert!(
            first[5..].iter().all(|pause| {
                (Duration::from_millis(4500)..=Duration::from_millis(5500)).contains(pause)
            }),
            "{first:?}"
        );
        pauses.reset();
        assert!(pauses.next().unwrap() < Duration::from_millis(300));
    }
}
