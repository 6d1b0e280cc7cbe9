//! Slots: one thing per key for the whole process (a token, a discovered cloud), renewed ahead of time, one request in flight.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jiff::Timestamp;

use crate::problem::Problem;
use crate::retry::{self, Retry};

/// What ends sooner than this is not given out: the call that it is for must still arrive in its life.
const LAST_USE: Duration = Duration::from_secs(30);
/// A failure is shared with everybody who asks within this time, unless its class says longer. Whoever asks again later
/// has been through a backoff of its own.
const SHARED_FAILURE: Duration = Duration::from_secs(2);

/// What lives for a time and is renewed before its end.
pub trait Lease: Send + Sync + 'static {
    /// When it ends.
    fn expires_at(&self) -> Timestamp;
    /// From when on it should be renewed while it is still used.
    fn refresh_at(&self) -> Timestamp;
}

type Flight<V> = Shared<BoxFuture<'static, Result<Arc<V>, Problem>>>;

struct State<V> {
    held: Option<Arc<V>>,
    flight: Option<Flight<V>>,
    failed: Option<(Timestamp, Problem)>,
}

impl<V> Default for State<V> {
    fn default() -> Self {
        Self {
            held: None,
            flight: None,
            failed: None,
        }
    }
}

/// What one asker finds in a slot.
enum Found<V> {
    Held(Arc<V>),
    Failure(Problem),
    Flight(Flight<V>),
}

type Slot<V> = Arc<Mutex<State<V>>>;

/// The slots, by a key that holds everything that decides what is in them. What changed has another key.
pub struct Slots<K, V> {
    slots: Mutex<HashMap<K, Slot<V>>>,
}

impl<K: Eq + Hash + Clone, V: Lease> Default for Slots<K, V> {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash + Clone, V: Lease> Slots<K, V> {
    /// What is in the slot of `key`, asked for by `ask` where there is nothing. Everybody who comes while a request is under
    /// way gets its outcome; the request lives on when an asker goes away. Past its refresh time it is renewed in the
    /// background.
    pub async fn get<F>(
        &self,
        key: &K,
        now: Timestamp,
        ask: impl FnOnce() -> F,
    ) -> Result<Arc<V>, Problem>
    where
        F: Future<Output = Result<V, Problem>> + Send + 'static,
    {
        self.get_that(key, now, |_| true, ask).await
    }

    /// As [`Self::get`], where only what `fits` will do. What does not is not given out and asked for anew, but stays in the
    /// slot for others until its successor is there.
    pub async fn get_that<F>(
        &self,
        key: &K,
        now: Timestamp,
        fits: impl FnOnce(&V) -> bool,
        ask: impl FnOnce() -> F,
    ) -> Result<Arc<V>, Problem>
    where
        F: Future<Output = Result<V, Problem>> + Send + 'static,
    {
        // Looked at in a statement of its own: the lock is not held while anybody waits.
        let found = look(&self.slot(key), now, fits, ask);
        match found {
            Found::Held(held) => Ok(held),
            Found::Failure(problem) => Err(problem),
            Found::Flight(flight) => flight.await,
        }
    }

    fn slot(&self, key: &K) -> Slot<V> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        Arc::clone(slots.entry(key.clone()).or_default())
    }

    /// Drops what is in the slot of `key` where it fits, so that it is asked for anew.
    pub fn drop_if(&self, key: &K, fits: impl FnOnce(&V) -> bool) {
        let slot = lock(&self.slots).get(key).cloned();
        if let Some(slot) = slot {
            let mut state = lock(&slot);
            if state.held.as_deref().is_some_and(fits) {
                state.held = None;
            }
        }
    }

    /// What is in the slot of `key`, be it past its end.
    pub fn held(&self, key: &K) -> Option<Arc<V>> {
        let slot = lock(&self.slots).get(key).cloned()?;
        lock(&slot).held.clone()
    }

    /// Forgets a failure that is still shared, so that the next one who comes asks.
    pub fn pardon(&self, key: &K) {
        let slot = lock(&self.slots).get(key).cloned();
        if let Some(slot) = slot {
            lock(&slot).failed = None;
        }
    }

    /// Takes out every slot whose key fits, with what is in it.
    pub fn take(&self, fits: impl Fn(&K) -> bool) -> Vec<(K, Option<Arc<V>>)> {
        let taken: Vec<(K, Slot<V>)> = lock(&self.slots).extract_if(|key, _| fits(key)).collect();
        taken
            .into_iter()
            .map(|(key, slot)| (key, lock(&slot).held.take()))
            .collect()
    }

    /// Drops every slot whose key does not fit. Requests under way end in slots that nobody sees any more.
    pub fn retain(&self, fits: impl Fn(&K) -> bool) {
        lock(&self.slots).retain(|key, _| fits(key));
    }

    /// How many slots there are.
    pub fn len(&self) -> usize {
        lock(&self.slots).len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn look<V: Lease, F>(
    slot: &Slot<V>,
    now: Timestamp,
    fits: impl FnOnce(&V) -> bool,
    ask: impl FnOnce() -> F,
) -> Found<V>
where
    F: Future<Output = Result<V, Problem>> + Send + 'static,
{
    let mut state = lock(slot);
    let usable = state
        .held
        .clone()
        .filter(|held| held.expires_at().duration_since(now) > jiff_duration(LAST_USE))
        .filter(|held| fits(held));
    let failed = state
        .failed
        .as_ref()
        .filter(|(until, _)| *until > now)
        .map(|(_, problem)| problem.clone());
    match (usable, failed) {
        (Some(held), failed) => {
            if now >= held.refresh_at() && failed.is_none() && state.flight.is_none() {
                drop(start(slot, &mut state, now, ask()));
            }
            Found::Held(held)
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
fn start<V: Lease>(
    slot: &Slot<V>,
    state: &mut State<V>,
    now: Timestamp,
    request: impl Future<Output = Result<V, Problem>> + Send + 'static,
) -> Flight<V> {
    let landing = Arc::clone(slot);
    let flight = async move {
        let outcome = request.await.map(Arc::new);
        let mut state = lock(&landing);
        state.flight = None;
        match &outcome {
            Ok(held) => {
                state.held = Some(Arc::clone(held));
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
    use crate::azure::auth::Token;
    use crate::problem::Reason;
    use crate::secret::SecretValue;

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
        let (slots, asked) = (Slots::<u8, Token>::default(), Arc::new(AtomicU32::new(0)));
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
        let slots = Slots::<u8, Token>::default();
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
        let slots = Slots::<u8, Token>::default();
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
    async fn who_needs_a_newer_one_waits_for_it_while_others_have_the_old_one() {
        let slots = Slots::<u8, Token>::default();
        let first = || async { Ok(hour("old")) };
        slots.get(&1, at(T0), first).await.unwrap();
        let is_new = |token: &Token| token.value != SecretValue::from("old".to_owned());
        let (open, mut gate) = tokio::sync::watch::channel(false);
        let renewal = slots.get_that(&1, at(T0), is_new, move || async move {
            gate.wait_for(|open| *open).await.unwrap();
            Ok(hour("new"))
        });
        let meanwhile = async {
            let held = slots.get(&1, at(T0), first).await.unwrap();
            open.send(true).unwrap();
            held
        };
        let (renewed, held) = futures::join!(renewal, meanwhile);
        assert_eq!(
            (shown(&renewed.unwrap()), shown(&held)),
            ("new", "old"),
            "who asked, and who did not mind"
        );
        let never = || async { Ok(hour("asked twice")) };
        assert_eq!(
            shown(&slots.get_that(&1, at(T0), is_new, never).await.unwrap()),
            "new"
        );
    }

    #[tokio::test]
    async fn a_failed_renewal_leaves_what_was_there() {
        let slots = Slots::<u8, Token>::default();
        let first = || async { Ok(hour("old")) };
        slots.get(&1, at(T0), first).await.unwrap();
        let long = Retry::After(Duration::from_mins(10));
        let refused =
            move || async move { Err(Problem::new(Reason::LoginRefused, long, "wrong password")) };
        let renewal = slots.get_that(&1, at(T0), |_| false, refused).await;
        assert_eq!(renewal.unwrap_err().reason, Reason::LoginRefused);
        assert_eq!(
            shown(&slots.get(&1, at(T0), first).await.unwrap()),
            "old",
            "the token that lives was lost"
        );
        let later = at("2026-11-20T07:05:00Z");
        let renewed = || async { Ok(hour("new")) };
        let again = slots.get_that(&1, later, |_| false, renewed).await;
        assert!(again.is_err(), "it was tried before its time");
        slots.pardon(&1);
        let again = slots.get_that(&1, later, |_| false, renewed).await;
        assert_eq!(shown(&again.unwrap()), "new");
        let taken = slots.take(|key| *key == 1);
        assert_eq!(shown(taken[0].1.as_ref().unwrap()), "new");
        assert!(slots.is_empty());
    }

    #[tokio::test]
    async fn what_was_refused_is_dropped_once() {
        let slots = Slots::<u8, Token>::default();
        let held = |first: &Arc<Token>| {
            let first = Arc::clone(first);
            move |token: &Token| token.value == first.value
        };
        let first = slots
            .get(&1, at(T0), || async { Ok(hour("a")) })
            .await
            .unwrap();
        slots.drop_if(&1, held(&first));
        let second = slots
            .get(&1, at(T0), || async { Ok(hour("b")) })
            .await
            .unwrap();
        assert_eq!(shown(&second), "b");
        slots.drop_if(&1, held(&first));
        let third = slots
            .get(&1, at(T0), || async { Ok(hour("c")) })
            .await
            .unwrap();
        assert_eq!(
            shown(&third),
            "b",
            "a second refusal of the first cost the second"
        );
    }

    #[tokio::test]
    async fn slots_are_apart_and_can_be_dropped() {
        let slots = Slots::<u8, Token>::default();
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
        let slots = Slots::<u8, Token>::default();
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
