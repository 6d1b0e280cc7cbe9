//! Token slots: one token per key for the whole process, renewed ahead of time, one request in flight.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jiff::Timestamp;

use super::Token;
use crate::problem::Problem;
use crate::retry::{self, Retry};
use crate::secret::SecretValue;

/// A token that ends sooner than this is not given out: the call that it is for must still arrive in its life.
const LAST_USE: Duration = Duration::from_secs(30);
/// A failure is shared with everybody who asks within this time, unless its class says longer. Whoever asks again later
/// has been through a backoff of its own.
const SHARED_FAILURE: Duration = Duration::from_secs(2);

/// A refused token that is younger than this stays: see [`Slots::invalidate`].
const TOO_YOUNG: Duration = Duration::from_secs(5);

type Flight = Shared<BoxFuture<'static, Result<Token, Problem>>>;

#[derive(Default)]
struct State {
    token: Option<Token>,
    flight: Option<Flight>,
    failed: Option<(Timestamp, Problem)>,
}

/// What one asker finds in a slot.
enum Found {
    Token(Token),
    Failure(Problem),
    Flight(Flight),
}

/// The slots, by a key that holds everything that decides a token. A changed credential has another key.
pub struct Slots<K> {
    slots: Mutex<BTreeMap<K, Arc<Mutex<State>>>>,
}

impl<K: Ord + Clone> Default for Slots<K> {
    fn default() -> Self {
        Self {
            slots: Mutex::new(BTreeMap::new()),
        }
    }
}

impl<K: Ord + Clone> Slots<K> {
    /// The token of `key`, asked for by `ask` where there is none. Everybody who comes while a request is under way gets its
    /// outcome; the request lives on when an asker goes away. Past its refresh time a token is renewed in the background.
    pub async fn get<F>(
        &self,
        key: &K,
        now: Timestamp,
        ask: impl FnOnce() -> F,
    ) -> Result<Token, Problem>
    where
        F: Future<Output = Result<Token, Problem>> + Send + 'static,
    {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(key.clone()).or_default())
        };
        match look(&slot, now, ask) {
            Found::Token(token) => Ok(token),
            Found::Failure(problem) => Err(problem),
            Found::Flight(flight) => flight.await,
        }
    }

    /// Drops `token` where it is still the one in the slot: the service has refused it. One that is younger than
    /// a few seconds stays: a new one would be refused as well, and each refusal would cost a token.
    pub fn invalidate(&self, key: &K, token: &SecretValue, now: Timestamp) {
        let slot = self
            .slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned();
        if let Some(slot) = slot {
            let mut state = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let old = |held: &Token| now.duration_since(held.issued_at) >= jiff_duration(TOO_YOUNG);
            if state
                .token
                .as_ref()
                .is_some_and(|held| held.value == *token && old(held))
            {
                state.token = None;
            }
        }
    }

    /// Drops every slot whose key does not fit. Requests under way end in slots that nobody sees any more.
    pub fn retain(&self, fits: impl Fn(&K) -> bool) {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|key, _| fits(key));
    }

    /// How many slots there are.
    pub fn len(&self) -> usize {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn look<F>(slot: &Arc<Mutex<State>>, now: Timestamp, ask: impl FnOnce() -> F) -> Found
where
    F: Future<Output = Result<Token, Problem>> + Send + 'static,
{
    let mut state = slot.lock().unwrap_or_else(PoisonError::into_inner);
    let usable = state
        .token
        .clone()
        .filter(|token| token.expires_at.duration_since(now) > jiff_duration(LAST_USE));
    let failed = state
        .failed
        .clone()
        .filter(|(until, _)| *until > now)
        .map(|(_, problem)| problem);
    match (usable, failed) {
        (Some(token), failed) => {
            if now >= token.refresh_at && failed.is_none() && state.flight.is_none() {
                drop(start(slot, &mut state, now, ask()));
            }
            Found::Token(token)
        }
        (None, Some(problem)) => Found::Failure(problem),
        (None, None) => {
            let flight = match &state.flight {
                Some(flight) => flight.clone(),
                None => start(slot, &mut state, now, ask()),
            };
            Found::Flight(flight)
        }
    }
}

/// Starts the one request of a slot as a task of its own, so that it neither waits for an asker nor ends with one.
fn start(
    slot: &Arc<Mutex<State>>,
    state: &mut State,
    now: Timestamp,
    request: impl Future<Output = Result<Token, Problem>> + Send + 'static,
) -> Flight {
    let landing = Arc::clone(slot);
    let flight = async move {
        let outcome = request.await;
        let mut state = landing.lock().unwrap_or_else(PoisonError::into_inner);
        state.flight = None;
        match &outcome {
            Ok(token) => {
                state.token = Some(token.clone());
                state.failed = None;
            }
            Err(problem) => state.failed = Some((shared_until(problem, now), problem.clone())),
        }
        outcome
    }
    .boxed()
    .shared();
    state.flight = Some(flight.clone());
    tokio::spawn(flight.clone().map(|_| ()));
    flight
}

fn shared_until(problem: &Problem, now: Timestamp) -> Timestamp {
    let pause = match problem.retry {
        Retry::After(asked) => asked.max(SHARED_FAILURE),
        Retry::Backoff | Retry::OnChange => SHARED_FAILURE,
    };
    now.checked_add(pause.min(retry::RESYNC)).unwrap_or(now)
}

fn jiff_duration(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::problem::Reason;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn token(value: &str, refresh: &str, end: &str) -> Token {
        Token {
            value: SecretValue::from(value.to_owned()),
            issued_at: at(T0),
            refresh_at: at(refresh),
            expires_at: at(end),
        }
    }

    const T0: &str = "2026-11-20T07:00:00Z";

    fn hour(value: &str) -> Token {
        token(value, "2026-11-20T07:48:00Z", "2026-11-20T08:00:00Z")
    }

    fn shown(token: &Token) -> &str {
        token.value.expose_str().unwrap()
    }

    #[tokio::test]
    async fn fifty_callers_share_one_request_and_its_failure() {
        let (slots, asked) = (Slots::<u8>::default(), Arc::new(AtomicU32::new(0)));
        let (open, gate) = tokio::sync::watch::channel(false);
        let callers = (0..50).map(|_| {
            let (asked, mut gate) = (Arc::clone(&asked), gate.clone());
            slots.get(&1, at(T0), move || async move {
                asked.fetch_add(1, Ordering::Relaxed);
                gate.wait_for(|open| *open).await.unwrap();
                Err(Problem::new(
                    Reason::InvalidClientSecret,
                    Retry::OnChange,
                    "no",
                ))
            })
        });
        let all = futures::future::join_all(callers);
        let opener = async {
            tokio::task::yield_now().await;
            open.send(true).unwrap();
        };
        let (outcomes, ()) = futures::join!(all, opener);
        assert!(outcomes.iter().all(|o| {
            o.as_ref()
                .is_err_and(|p| p.reason == Reason::InvalidClientSecret)
        }));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn an_old_token_is_used_while_its_renewal_fails() {
        let slots = Slots::<u8>::default();
        slots
            .get(&1, at(T0), || async { Ok(hour("old")) })
            .await
            .unwrap();
        let late = at("2026-11-20T07:50:00Z");
        let refused = || async {
            Err(Problem::new(
                Reason::AzureUnavailable,
                Retry::Backoff,
                "down",
            ))
        };
        for _ in 0..3 {
            assert_eq!(shown(&slots.get(&1, late, refused).await.unwrap()), "old");
            tokio::task::yield_now().await;
        }
        let last = at("2026-11-20T07:59:50Z");
        assert!(
            slots.get(&1, last, refused).await.is_err(),
            "a token in its last seconds was given out"
        );
    }

    #[tokio::test]
    async fn a_renewal_runs_in_the_background_and_replaces_the_token() {
        let slots = Slots::<u8>::default();
        slots
            .get(&1, at(T0), || async { Ok(hour("old")) })
            .await
            .unwrap();
        let late = at("2026-11-20T07:50:00Z");
        let renewed = || async { Ok(token("new", "2026-11-20T08:38:00Z", "2026-11-20T08:50:00Z")) };
        assert_eq!(shown(&slots.get(&1, late, renewed).await.unwrap()), "old");
        tokio::task::yield_now().await;
        assert_eq!(shown(&slots.get(&1, late, renewed).await.unwrap()), "new");
    }

    #[tokio::test]
    async fn a_refused_token_is_dropped_once() {
        let slots = Slots::<u8>::default();
        let first = slots
            .get(&1, at(T0), || async { Ok(hour("a")) })
            .await
            .unwrap();
        let later = at("2026-11-20T07:01:00Z");
        slots.invalidate(&1, &first.value, at(T0));
        assert_eq!(
            shown(
                &slots
                    .get(&1, later, || async { Ok(hour("b")) })
                    .await
                    .unwrap()
            ),
            "a",
            "a fresh one was dropped"
        );
        slots.invalidate(&1, &first.value, later);
        assert_eq!(
            shown(
                &slots
                    .get(&1, later, || async { Ok(hour("b")) })
                    .await
                    .unwrap()
            ),
            "b"
        );
        slots.invalidate(&1, &first.value, later);
        assert_eq!(
            shown(
                &slots
                    .get(&1, later, || async { Ok(hour("c")) })
                    .await
                    .unwrap()
            ),
            "b"
        );
    }

    #[tokio::test]
    async fn slots_are_apart_and_can_be_dropped() {
        let slots = Slots::<u8>::default();
        slots
            .get(&1, at(T0), || async { Ok(hour("one")) })
            .await
            .unwrap();
        assert_eq!(
            shown(
                &slots
                    .get(&2, at(T0), || async { Ok(hour("two")) })
                    .await
                    .unwrap()
            ),
            "two"
        );
        slots.retain(|&key| key != 1);
        assert_eq!(slots.len(), 1);
        assert_eq!(
            shown(
                &slots
                    .get(&1, at(T0), || async { Ok(hour("again")) })
                    .await
                    .unwrap()
            ),
            "again"
        );
    }

    #[tokio::test]
    async fn a_request_outlives_the_asker_that_began_it() {
        let slots = Slots::<u8>::default();
        let (open, mut gate) = tokio::sync::watch::channel(false);
        let asker = slots.get(&1, at(T0), move || async move {
            gate.wait_for(|open| *open).await.unwrap();
            Ok(hour("kept"))
        });
        assert!(asker.now_or_never().is_none());
        open.send(true).unwrap();
        let never = || async {
            Err(Problem::new(
                Reason::AuthenticationFailed,
                Retry::Backoff,
                "asked twice",
            ))
        };
        assert_eq!(shown(&slots.get(&1, at(T0), never).await.unwrap()), "kept");
    }
}
