//! What goes out now, and when to look again. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::known::Busy;
use super::run::Run;
use super::{Job, Session};
use crate::azure::key_vault::{Kind, Object};
use crate::hub::gate::Door;
use crate::hub::want::{Call, Command, Ticket};
use crate::problem::Problem;
use crate::retry::{self, after};

/// The first look after a start is spread over so much of the interval, and no longer than this.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// The first look waits for those who still come, for so much of the interval and no longer than this: a few of them who came
/// after a list would be read one by one, since that is cheaper than another list.
const GATHER: f64 = 0.5;
const GATHERED_WITHIN: Duration = Duration::from_secs(30);
/// Looks that would come within this part of their interval come along with one that is due.
const TOGETHER: f64 = 0.1;
/// So many calls that somebody waits for go ahead of one that nobody does.
const AHEAD: u32 = 4;
/// A value is read at most so often: in a burst of syncs that want the same, those who came since the last read share the next.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// Values that were not fetched within this are dropped.
const FETCHED_WITHIN: Duration = Duration::from_secs(30);
/// A look that was put off for so many intervals is told as a failure.
const OVERDUE: u32 = 3;

/// The lanes.
const URGENT: usize = 0;
const ROUTINE: usize = 1;

impl Session {
    /// Decides what goes out now. Asked after everything that happened, and at [`Self::next_turn`].
    pub fn turn(&mut self, now: Timestamp) {
        self.drop_unfetched(now);
        self.resume(now);
        self.list_what_is_due(now);
        let due = self.take_due(now);
        for (kind, batch) in due {
            self.look(kind, batch, now);
        }
        self.pump(now);
    }

    /// When [`Self::turn`] is needed next, if nothing happens before.
    pub fn next_turn(&self, now: Timestamp) -> Option<Timestamp> {
        let due = self.schedule.first().map(|(due, _)| *due);
        let lists = self.lists.keys().map(|kind| self.list_due(*kind));
        let runs = self
            .lists
            .values()
            .filter_map(|list| list.run.as_ref()?.resume_at);
        let queued = self.lanes.iter().any(|lane| !lane.is_empty());
        let door = match self.gate.door(now) {
            Door::Shut(until, _) | Door::Probed(until) if queued => Some(until),
            Door::Open | Door::Shut(..) | Door::Probed(_) => None,
        };
        let unfetched = self.given.first().map(|(at, _)| *at);
        due.into_iter()
            .chain(lists.flatten())
            .chain(runs)
            .chain(door)
            .chain(self.refilled)
            .chain(unfetched.map(|at| after(at, FETCHED_WITHIN)))
            .min()
    }

    /// Gives an object its place in the schedule.
    pub(super) fn place(&mut self, object: &Arc<Object>, now: Timestamp) {
        let due = self.due(object, now);
        let Some(known) = self.known.get_mut(object) else {
            return;
        };
        if known.due == due {
            return;
        }
        if let Some(old) = known.due {
            self.schedule.remove(&(old, Arc::clone(object)));
        }
        known.due = due;
        if let Some(due) = due {
            self.schedule.insert((due, Arc::clone(object)));
        }
    }

    fn due(&self, object: &Arc<Object>, now: Timestamp) -> Option<Timestamp> {
        let known = self.known.get(object)?;
        if known.busy.is_some() || known.callers.is_empty() {
            return None;
        }
        if !known.waiting.is_empty() {
            // Those who come one after another for the same value share a read.
            let again = known.read.map(|read| after(read, READ_AGAIN));
            return again.max(Some(now));
        }
        if known.problem.is_some() {
            return known.retry_at;
        }
        if object.version.is_some() {
            return None;
        }
        let every = known.every()?;
        let next = if let Some(tried) = known.tried {
            after(tried, self.period(every))
        } else {
            // Not before those who come after a start have said what they want, so that they are looked at together.
            let spread = every.mul_f64(TOGETHER).min(FIRST_LOOK);
            let gathering = every.mul_f64(GATHER).min(GATHERED_WITHIN);
            let latest = after(known.first, gathering);
            let quiet = self.registered.clamp(known.first, latest);
            after(
                quiet,
                spread.mul_f64(0.5 + 0.5 * retry::fraction(self.seed)),
            )
        };
        // A look that is put off while the vault is left alone comes when it is asked again, spread a little.
        match self.gate.door(now) {
            Door::Shut(until, _) if next < until => {
                let seed = retry::seed(object.name.as_str(), "later") ^ self.seed;
                Some(after(
                    until,
                    FIRST_LOOK.mul_f64(0.1 * retry::fraction(seed)),
                ))
            }
            Door::Open | Door::Shut(..) | Door::Probed(_) => Some(next),
        }
    }

    /// Takes out of the schedule what is due. What must be read goes into a lane, what a list can tell of is given back.
    fn take_due(&mut self, now: Timestamp) -> BTreeMap<Kind, BTreeSet<Arc<Object>>> {
        let mut looks: BTreeMap<Kind, BTreeSet<Arc<Object>>> = BTreeMap::new();
        while let Some((due, object)) = self.schedule.first().cloned() {
            if due > now {
                break;
            }
            self.schedule.remove(&(due, Arc::clone(&object)));
            if let Some(known) = self.known.get_mut(&object) {
                known.due = None;
            }
            if self.puts_off(&object, now) || self.is_too_early(&object, now) {
                continue;
            }
            let reads = self.known.get(&object).is_some_and(|known| {
                object.version.is_some() || known.must_be_read() || self.needs_value(&object, known)
            });
            if reads {
                self.queue(&object);
            } else {
                looks.entry(object.kind).or_default().insert(object);
            }
        }
        looks
    }

    /// After a start, others may have come since this was given its place.
    fn is_too_early(&mut self, object: &Arc<Object>, now: Timestamp) -> bool {
        let early = self.due(object, now).is_some_and(|due| due > now);
        if early {
            self.place(object, now);
        }
        early
    }

    /// While a vault is left alone, what nobody waits for is put off; where that lasts, it is told.
    fn puts_off(&mut self, object: &Arc<Object>, now: Timestamp) -> bool {
        let Door::Shut(_, problem) = self.gate.door(now) else {
            return false;
        };
        let Some(known) = self.known.get(object) else {
            return true;
        };
        if !known.waiting.is_empty() {
            return false;
        }
        let patience = known
            .every()
            .unwrap_or(retry::RESYNC)
            .saturating_mul(OVERDUE);
        let overdue = known.tried.unwrap_or(known.first);
        if known.problem.is_some() || after(overdue, patience) <= now {
            self.failed(object, &problem, now, now);
        } else {
            self.place(object, now);
        }
        true
    }

    /// Puts an object into its lane.
    pub(super) fn queue(&mut self, object: &Arc<Object>) {
        self.unplace(object);
        let Some(known) = self.known.get_mut(object) else {
            return;
        };
        known.busy = Some(Busy::Queued);
        let lane = if known.waiting.is_empty() {
            ROUTINE
        } else {
            URGENT
        };
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.push_back(Job::Get(Arc::clone(object)));
        }
    }

    /// Looks at objects that are due, by a list or one by one, and at those that would soon be due along with them.
    fn look(&mut self, kind: Kind, mut batch: BTreeSet<Arc<Object>>, now: Timestamp) {
        let longest = batch
            .iter()
            .filter_map(|object| self.known.get(object)?.every())
            .min();
        let ahead = longest.map_or(now, |every| after(now, every.mul_f64(TOGETHER)));
        let soon: Vec<(Timestamp, Arc<Object>)> = self
            .schedule
            .iter()
            .take_while(|(due, _)| *due <= ahead)
            .filter(|(_, object)| object.kind == kind && object.version.is_none())
            .filter(|(_, object)| {
                self.known
                    .get(object)
                    .is_some_and(|known| !known.must_be_read())
            })
            .cloned()
            .collect();
        let list = self.lists.entry(kind).or_default();
        if list.run.is_none() && !list.pays(batch.len() + soon.len(), now) {
            for object in &batch {
                self.queue(object);
            }
            return;
        }
        for (due, object) in soon {
            self.schedule.remove(&(due, Arc::clone(&object)));
            batch.insert(object);
        }
        for object in &batch {
            if let Some(known) = self.known.get_mut(object) {
                (known.busy, known.due) = (Some(Busy::Listed), None);
            }
        }
        self.run(kind, batch, now);
    }

    /// Begins a list, or lets the one under way tell of these as well.
    fn run(&mut self, kind: Kind, batch: BTreeSet<Arc<Object>>, now: Timestamp) {
        let waited_for = |object| {
            self.known
                .get(object)
                .is_some_and(|known| !known.waiting.is_empty())
        };
        let urgent = self.is_list_waited_for(kind) || batch.iter().any(waited_for);
        let list = self.lists.entry(kind).or_default();
        if let Some(run) = &mut list.run {
            // What is on a page that has come already is let go at the end of the list, and due again then.
            run.left.extend(batch);
            return;
        }
        list.run = Some(Run {
            next: None,
            pages: 0,
            started: now,
            left: batch,
            seen: BTreeSet::new(),
            items: (!list.callers.is_empty()).then(BTreeMap::new),
            failures: 0,
            resume_at: None,
        });
        self.queue_page(kind, urgent);
    }

    fn queue_page(&mut self, kind: Kind, urgent: bool) {
        let lane = if urgent { URGENT } else { ROUTINE };
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.push_back(Job::Page(kind));
        }
    }

    /// Asks for the next page of a list under way.
    pub(super) fn next_page(&mut self, kind: Kind) {
        let urgent = self.is_list_waited_for(kind);
        self.queue_page(kind, urgent);
    }

    pub(super) fn is_list_waited_for(&self, kind: Kind) -> bool {
        self.lists
            .get(&kind)
            .is_some_and(|list| !list.waiting.is_empty())
    }

    fn list_due(&self, kind: Kind) -> Option<Timestamp> {
        self.lists.get(&kind)?.due(|every| self.period(every))
    }

    /// Begins the lists that are wanted as a whole.
    fn list_what_is_due(&mut self, now: Timestamp) {
        let kinds: Vec<Kind> = self.lists.keys().copied().collect();
        for kind in kinds {
            if self.list_due(kind).is_some_and(|due| due <= now) {
                self.run(kind, BTreeSet::new(), now);
            }
        }
    }

    /// Goes on with lists whose page had failed.
    fn resume(&mut self, now: Timestamp) {
        let mut pages = Vec::new();
        for (kind, list) in &mut self.lists {
            if let Some(run) = &mut list.run
                && run.resume_at.is_some_and(|at| at <= now)
            {
                run.resume_at = None;
                pages.push(*kind);
            }
        }
        for kind in pages {
            self.next_page(kind);
        }
    }

    fn drop_unfetched(&mut self, now: Timestamp) {
        while let Some((at, ticket)) = self.given.first().cloned() {
            if after(at, FETCHED_WITHIN) > now {
                break;
            }
            self.commands.push(Command::Discard(Ticket::clone(&ticket)));
            // It counts as fetched: whoever comes later says what it holds, and is given it anew.
            self.fetched(&ticket);
        }
    }

    /// Starts calls as far as the limits allow.
    fn pump(&mut self, now: Timestamp) {
        self.refilled = None;
        loop {
            match self.gate.door(now) {
                Door::Open => {}
                Door::Probed(_) => return,
                Door::Shut(_, problem) => return self.turn_away(&problem, now),
            }
            if self.calls.len() >= self.limits.concurrency.max(1) {
                return;
            }
            let Some(lane) = self.next_lane() else {
                return;
            };
            if let Err(time) = self.bucket.take(now, lane == URGENT) {
                self.refilled = Some(time);
                return;
            }
            self.ahead = if lane == URGENT { self.ahead + 1 } else { 0 };
            let job = self
                .lanes
                .get_mut(lane)
                .and_then(std::collections::VecDeque::pop_front);
            if let Some(job) = job {
                self.start(&job, now);
            }
        }
    }

    /// The lane whose turn it is: what somebody waits for goes ahead, but not for ever.
    fn next_lane(&mut self) -> Option<usize> {
        self.skip_unwanted();
        // As many callers with values to be fetched as calls under way keep both sides busy. With more of them, at many vaults at
        // once, the last would come when its values have been dropped.
        let full = self.fetching.len() >= self.limits.concurrency.max(1);
        let ready = |lane: usize| {
            let first = self.lanes.get(lane).and_then(|lane| lane.front());
            first.is_some_and(|job| !full || matches!(job, Job::Page(_)))
        };
        match (ready(URGENT), ready(ROUTINE)) {
            (true, true) if self.ahead >= AHEAD => Some(ROUTINE),
            (true, _) => Some(URGENT),
            (false, true) => Some(ROUTINE),
            (false, false) => None,
        }
    }

    /// Drops from the heads of the lanes what nobody wants any more.
    fn skip_unwanted(&mut self) {
        for at in [URGENT, ROUTINE] {
            while let Some(Job::Get(object)) = self.lanes.get(at).and_then(|lane| lane.front()) {
                let object = Arc::clone(object);
                if self
                    .known
                    .get(&object)
                    .is_some_and(|known| !known.callers.is_empty())
                {
                    break;
                }
                self.drop_known(&object);
                if let Some(lane) = self.lanes.get_mut(at) {
                    lane.pop_front();
                }
            }
        }
    }

    fn start(&mut self, job: &Job, now: Timestamp) {
        let call = match job {
            Job::Get(object) => {
                if let Some(known) = self.known.get_mut(object) {
                    known.busy = Some(Busy::Asked);
                }
                Call::Get(Arc::clone(object))
            }
            Job::Page(kind) => {
                let run = self.lists.get(kind).and_then(|list| list.run.as_ref());
                Call::List(*kind, run.and_then(|run| run.next.clone()))
            }
        };
        self.gate.passed(now);
        let id = self.next_call;
        self.next_call += 1;
        self.calls.insert(id, (call.clone(), now));
        self.commands.push(Command::Start(id, call));
    }

    /// Nobody waits for a vault that is left alone: those who would are told why, what nobody waits for is put off.
    fn turn_away(&mut self, problem: &Problem, now: Timestamp) {
        for lane in std::mem::take(&mut self.lanes) {
            for job in lane {
                match job {
                    Job::Get(object) => {
                        let waited_for = self.known.get_mut(&object).is_some_and(|known| {
                            known.busy = None;
                            !known.waiting.is_empty() || known.problem.is_some()
                        });
                        if waited_for {
                            self.failed(&object, problem, now, now);
                        } else {
                            self.place(&object, now);
                        }
                    }
                    Job::Page(kind) => self.page_failed(kind, problem, now, now),
                }
            }
        }
    }
}
