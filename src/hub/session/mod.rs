//! The core of a session: which call is made when, and who is told. Pure: calls, answers and the clock are outside.
//!
//! Callers say what they want ([`Session::see`]) and are woken when there is something new for them; none of them ever
//! waits inside. Every answer that was asked for comes back ([`Session::answered`]), be it as a failure. Whenever something
//! has happened, and at [`Session::next_turn`], [`Session::turn`] decides what goes out.

mod answers;
mod callers;
mod intervals;
mod known;
mod run;
mod stats;
mod turn;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use self::known::{Busy, Known};
use self::run::List;
use super::bucket::Bucket;
use super::gate::Gate;
use super::want::{Call, CallId, Command, Held, Ticket, Want};
use crate::azure::key_vault::{Facts, Kind, Object};
use crate::retry;

pub use known::settled;
pub use stats::Stats;

/// Sessions look up to so much of an interval early, each at a place of its own.
const EARLY: f64 = 0.05;

/// How much of a vault a session may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls under way at once.
    pub concurrency: usize,
    /// Calls in a burst.
    pub burst: u32,
    /// Calls a second after that.
    pub rate: u32,
}

/// One caller.
#[derive(Debug)]
struct Sub {
    want: Want,
    /// Values that it has been given and not fetched, as what it would hold with them.
    given: Vec<(Arc<Object>, Held)>,
    given_at: Option<Timestamp>,
    /// Something is new since it last looked.
    dirty: bool,
    /// It has been told to look.
    woken: bool,
}

impl Sub {
    /// Whether the caller waits for an object.
    fn waits(&self, object: &Object, known: &Known) -> bool {
        let Some(held) = self.want.of(object) else {
            return false;
        };
        if self.given.iter().any(|(given, _)| given.as_ref() == object) {
            return false;
        }
        if known.problem.is_some() {
            return known.tried < self.want.since(true);
        }
        let pinned = object.version.is_some();
        match held {
            None => true,
            Some(_) if pinned => false,
            Some(held) => {
                known.tried < self.want.since(false)
                    || self.want.follows()
                        && known
                            .current
                            .as_ref()
                            .is_some_and(|current| current.differs(held))
            }
        }
    }
}

#[derive(Debug)]
enum Job {
    Get(Arc<Object>),
    Page(Kind),
}

/// The core of a session.
#[derive(Debug)]
pub struct Session {
    limits: Limits,
    seed: u64,
    gate: Gate,
    bucket: Bucket,
    /// Each in a place of its own: there are many, and trees have room for more than they hold.
    known: BTreeMap<Arc<Object>, Box<Known>>,
    subs: BTreeMap<Ticket, Box<Sub>>,
    lists: BTreeMap<Kind, List>,
    schedule: BTreeSet<(Timestamp, Arc<Object>)>,
    /// Callers with values that they have not fetched, by when they were given the first.
    given: BTreeSet<(Timestamp, Ticket)>,
    /// Those of them that have been told to fetch them.
    fetching: BTreeSet<Ticket>,
    /// What somebody waits for, and what nobody does.
    lanes: [VecDeque<Job>; 2],
    /// How often in a row the first lane went ahead of the second.
    ahead: u32,
    calls: BTreeMap<CallId, (Call, Timestamp)>,
    next_call: CallId,
    /// When an object was last wanted for the first time.
    registered: Timestamp,
    /// When the bucket has the next call, where something waits for it.
    refilled: Option<Timestamp>,
    commands: Vec<Command>,
}

impl Session {
    /// A session that nobody uses yet. `seed` spreads its times; the same session always has the same.
    pub fn new(limits: Limits, seed: u64) -> Self {
        Self {
            bucket: Bucket::new(limits.burst, limits.rate),
            limits,
            seed,
            gate: Gate::default(),
            known: BTreeMap::new(),
            subs: BTreeMap::new(),
            lists: BTreeMap::new(),
            schedule: BTreeSet::new(),
            given: BTreeSet::new(),
            fetching: BTreeSet::new(),
            lanes: Default::default(),
            ahead: 0,
            calls: BTreeMap::new(),
            next_call: 0,
            registered: Timestamp::UNIX_EPOCH,
            refilled: None,
            commands: Vec::new(),
        }
    }

    /// What is to be done outside, in order.
    pub fn commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// Whether nobody wants anything.
    pub fn is_idle(&self) -> bool {
        self.subs.is_empty() && self.calls.is_empty()
    }

    /// The credential has changed: what failed is tried again, and so is what is under way with the old one.
    pub fn pardon(&mut self, now: Timestamp) {
        self.gate.pardon();
        let calls = std::mem::take(&mut self.calls);
        self.commands
            .extend(calls.keys().map(|id| Command::Abandon(*id)));
        for known in self.known.values_mut() {
            if known.busy == Some(Busy::Asked) {
                known.busy = None;
            }
            if known.problem.is_some() {
                known.retry_at = Some(now);
            }
        }
        let objects: Vec<Arc<Object>> = self.known.keys().cloned().collect();
        for object in objects {
            self.place(&object, now);
        }
        for list in self.lists.values_mut() {
            list.pardon();
        }
        for (call, _) in calls.into_values() {
            match call {
                Call::List(kind, _) => self.next_page(kind),
                Call::Get(object) => self.read_again(&object),
            }
        }
        self.turn(now);
    }

    /// Something that was being read is still to be read, be it that nobody waits for it.
    fn read_again(&mut self, object: &Arc<Object>) {
        let idle = self
            .known
            .get(object)
            .is_some_and(|known| known.busy.is_none() && !known.callers.is_empty());
        if idle {
            self.queue(object);
        }
    }

    /// Takes an object out of the schedule.
    fn unplace(&mut self, object: &Arc<Object>) {
        let due = self
            .known
            .get_mut(object)
            .and_then(|known| known.due.take());
        if let Some(due) = due {
            self.schedule.remove(&(due, Arc::clone(object)));
        }
    }

    /// Forgets what nobody wants any more, unless a call for it is under way.
    fn tidy(&mut self, want: &Want, now: Timestamp) {
        for kind in &want.lists {
            if let Some(list) = self.lists.get_mut(kind) {
                list.tidy();
            }
        }
        for (object, _) in &want.objects {
            let unwanted = self
                .known
                .get(object)
                .is_some_and(|known| known.callers.is_empty() && known.busy.is_none());
            if unwanted {
                self.drop_known(object);
            } else {
                self.place(object, now);
            }
        }
    }

    fn drop_known(&mut self, object: &Arc<Object>) {
        self.unplace(object);
        self.known.remove(object);
    }

    /// Whether somebody needs the value of an object, and not just a look at it.
    fn needs_value(&self, object: &Object, known: &Known) -> bool {
        known.waiting.iter().any(|ticket| {
            let sub = self.subs.get(ticket);
            let held = sub.and_then(|sub| sub.want.of(object));
            held.is_some_and(|held| match (held, &known.current) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(held), Some(current)) => current.differs(held),
            })
        })
    }

    /// The time between two looks: a little less than was asked for, and always the same for a session.
    fn period(&self, every: Duration) -> Duration {
        every.mul_f64(1.0 - EARLY * retry::fraction(self.seed))
    }
}

impl Held {
    /// What is held of an object that was just read.
    pub fn of(facts: &Facts) -> Self {
        Self {
            version: facts.version.clone(),
            updated: facts.updated.filter(|_| settled(facts)),
        }
    }
}

#[cfg(test)]
mod fetch_tests;
#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
