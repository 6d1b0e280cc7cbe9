//! Requests that a fault holds until the admin API lets them go.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// Where a request is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Stage {
    /// Nothing is done yet.
    Before,
    /// It is done; the answer is held.
    After,
}

/// How a request is let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Release {
    /// It goes on.
    #[default]
    GoOn,
    /// It ends there: the connection is cut, and what was not done is not done.
    Cut,
}

/// A request that is held, as the admin API lists it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Held {
    pub(crate) id: u64,
    /// Id of the fault.
    pub(crate) fault: u64,
    pub(crate) stage: Stage,
    pub(crate) host: String,
    pub(crate) operation: &'static str,
    pub(crate) method: String,
    pub(crate) path: String,
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    held: BTreeMap<u64, (Held, oneshot::Sender<Release>)>,
}

/// All requests that are held.
#[derive(Debug, Default)]
pub(crate) struct Holds(Mutex<State>);

impl Holds {
    /// Holds a request (its id is given here) until it is let go, or forgotten.
    pub(crate) fn hold(&self, mut held: Held) -> oneshot::Receiver<Release> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.0.lock();
        state.last_id += 1;
        held.id = state.last_id;
        state.held.insert(held.id, (held, sender));
        receiver
    }

    /// Oldest first.
    pub(crate) fn list(&self) -> Vec<Held> {
        let state = self.0.lock();
        state.held.values().map(|(held, _)| held.clone()).collect()
    }

    /// Lets those go that fit; gives their number.
    pub(crate) fn release(&self, fits: impl Fn(&Held) -> bool, how: Release) -> usize {
        let mut state = self.0.lock();
        let (gone, kept) = std::mem::take(&mut state.held)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, (held, _))| fits(held));
        state.held = kept;
        let count = gone.len();
        for (_, (_, sender)) in gone {
            if sender.send(how).is_err() {
                tracing::debug!("whoever waited is gone");
            }
        }
        count
    }
}
