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
#[path = "slots_tests.rs"]
mod tests;
