//! What a session knows of one object. Names, versions and times; never a value.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::intervals::Intervals;
use crate::azure::key_vault::{Facts, Listed};
use crate::few::Few;
use crate::hub::want::{Held, Ticket};
use crate::names::ObjectVersion;
use crate::problem::{Problem, Reason};

/// The vault tells times in whole seconds. A value that was read when the second of its last update, and one more for clocks
/// that differ among the vault's machines, had passed will not change again under the same time.
const SETTLES: SignedDuration = SignedDuration::from_secs(2);

/// The newest version as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Current {
    /// Which version; a list does not tell it.
    pub(super) version: Option<ObjectVersion>,
    /// When it was updated.
    pub(super) updated: Option<Timestamp>,
    /// Whether a change under the same time can be ruled out.
    pub(super) settled: bool,
}

impl Current {
    pub(super) fn read(facts: &Facts) -> Self {
        Self {
            version: Some(facts.version.clone()),
            updated: facts.updated,
            settled: settled(facts),
        }
    }

    /// Whether somebody who holds this holds something else than what there is. A list alone tells by the time. What is held
    /// without a time is so until that has settled: attributes may have changed meanwhile, and lists will do from then on.
    pub(super) fn differs(&self, held: &Held) -> bool {
        match &self.version {
            Some(version) => {
                let settles = held.updated.is_none() && self.settled && self.updated.is_some();
                let changed = held.updated.is_some() && held.updated != self.updated;
                *version != held.version || settles || changed
            }
            None => held.updated.is_none() || held.updated != self.updated,
        }
    }
}

/// Whether the second of the update was over when the value was read.
pub fn settled(facts: &Facts) -> bool {
    match (facts.updated, facts.answered) {
        (Some(updated), Some(answered)) => answered.duration_since(updated) >= SETTLES,
        _ => false,
    }
}

/// Why an object is not asked for again just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    /// It waits in a lane.
    Queued,
    /// It is being read.
    Asked,
    /// A list that will tell of it is under way.
    Listed,
}

#[derive(Debug)]
pub(super) struct Known {
    /// Who wants it.
    pub(super) callers: Few<Ticket>,
    /// Who waits for it.
    pub(super) waiting: Few<Ticket>,
    /// How old a look may become, for each caller who says so.
    intervals: Intervals,
    pub(super) current: Option<Current>,
    pub(super) problem: Option<Box<Problem>>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// When a failure is tried again.
    pub(super) retry_at: Option<Timestamp>,
    /// When the last request that told of it, or failed to, was sent.
    pub(super) tried: Option<Timestamp>,
    /// When its value was last asked for with success.
    pub(super) read: Option<Timestamp>,
    /// When it was first wanted.
    pub(super) first: Timestamp,
    /// Its place in the schedule.
    pub(super) due: Option<Timestamp>,
    pub(super) busy: Option<Busy>,
}

impl Known {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            callers: Few::default(),
            waiting: Few::default(),
            intervals: Intervals::default(),
            current: None,
            problem: None,
            failures: 0,
            retry_at: None,
            tried: None,
            read: None,
            first: now,
            due: None,
            busy: None,
        }
    }

    pub(super) fn add(&mut self, ticket: &Ticket, every: Option<Duration>) {
        self.callers.insert(Ticket::clone(ticket));
        self.intervals.add(every);
    }

    pub(super) fn remove(&mut self, ticket: &Ticket, every: Option<Duration>) {
        self.callers.remove(ticket);
        self.waiting.remove(ticket);
        self.intervals.remove(every);
    }

    /// How old a look may become for the most demanding of its callers.
    pub(super) fn every(&self) -> Option<Duration> {
        self.intervals.shortest()
    }

    /// Whether only reading it tells how it is: a list would not.
    pub(super) fn must_be_read(&self) -> bool {
        let unsettled = || {
            self.current
                .as_ref()
                .is_some_and(|current| !current.settled)
        };
        let list_would_do = self
            .problem
            .as_ref()
            .is_some_and(|problem| listable(problem.reason));
        self.problem.is_some() && !list_would_do || self.problem.is_none() && unsettled()
    }

    /// Takes over what a list said. True where the object must be read to know more.
    pub(super) fn listed(
        &mut self,
        item: &Listed,
        held: impl Iterator<Item = Option<Held>>,
    ) -> bool {
        let same = self
            .current
            .as_ref()
            .is_some_and(|current| current.updated == item.updated && item.updated.is_some());
        let known_disabled = self
            .problem
            .as_ref()
            .is_some_and(|problem| problem.reason == Reason::ObjectDisabled);
        if !item.enabled {
            return !known_disabled;
        }
        if self.problem.is_some() {
            return true;
        }
        if same {
            return self
                .current
                .as_ref()
                .is_some_and(|current| !current.settled);
        }
        // The time in a caller's record is one that had settled.
        let mut current = Current {
            version: None,
            updated: item.updated,
            settled: true,
        };
        let differs = held
            .into_iter()
            .any(|held| held.is_none_or(|held| current.differs(&held)));
        current.settled = !differs;
        self.current = Some(current);
        differs
    }
}

/// What a list can confirm by itself: that the object is not there, or cannot be read.
pub(super) fn listable(reason: Reason) -> bool {
    matches!(reason, Reason::ObjectNotFound | Reason::ObjectDisabled)
}
