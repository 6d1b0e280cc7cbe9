//! Lists of a kind: when one pays, and one that is under way. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::intervals::Intervals;
use crate::azure::key_vault::{Listed, Next, Object};
use crate::hub::want::{Listing, Ticket, Want};
use crate::problem::Problem;

/// A vault that does not let its objects be listed, and one that has more pages than objects are wanted, is tried again
/// after this.
const LOOKS_AGAIN: Duration = Duration::from_hours(1);

/// A list under way.
#[derive(Debug)]
pub(super) struct Run {
    /// Where it goes on; none before its first page.
    pub(super) next: Option<Next>,
    /// Pages that have come.
    pub(super) pages: usize,
    /// When its first page was asked for.
    pub(super) started: Timestamp,
    /// Objects that somebody wants to know about, and that are not on a page yet.
    pub(super) left: BTreeSet<Arc<Object>>,
    /// Objects that were on a page.
    pub(super) seen: BTreeSet<Arc<Object>>,
    /// Everything that was on a page, where the whole is wanted.
    pub(super) items: Option<Listing>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// When a page that failed is asked for again.
    pub(super) resume_at: Option<Timestamp>,
}

/// What is known of the lists of one kind.
#[derive(Debug, Default)]
pub(super) struct List {
    /// Who wants the whole.
    pub(super) callers: BTreeSet<Ticket>,
    /// Who waits for it.
    pub(super) waiting: BTreeSet<Ticket>,
    intervals: Intervals,
    /// The vault has at least so many pages.
    pages: usize,
    /// Until when that is believed.
    pages_until: Option<Timestamp>,
    /// Until when it is not listed, since it may not be.
    forbidden_until: Option<Timestamp>,
    /// The last one that was complete.
    complete: Option<Arc<Listing>>,
    pub(super) problem: Option<Problem>,
    pub(super) failures: u32,
    pub(super) retry_at: Option<Timestamp>,
    tried: Option<Timestamp>,
    pub(super) run: Option<Run>,
}

impl List {
    pub(super) fn add(&mut self, ticket: &Ticket, every: Option<Duration>) {
        self.callers.insert(Ticket::clone(ticket));
        self.intervals.add(every);
    }

    pub(super) fn remove(&mut self, ticket: &Ticket, every: Option<Duration>) {
        self.callers.remove(ticket);
        self.waiting.remove(ticket);
        self.intervals.remove(every);
    }

    /// Forgets the whole where nobody wants it: what is not kept up to date is not shown to the next one who comes.
    pub(super) fn tidy(&mut self) {
        if self.callers.is_empty() {
            (self.complete, self.problem) = (None, None);
        }
    }

    pub(super) fn every(&self) -> Option<Duration> {
        self.intervals.shortest()
    }

    pub(super) fn tried(&self) -> Option<Timestamp> {
        self.tried
    }

    /// Whether a caller waits for the whole list.
    pub(super) fn waits(&self, want: &Want) -> bool {
        match (&self.problem, &self.complete) {
            (Some(_), _) => self.tried < want.since(true),
            (None, Some(_)) => self.tried < want.since(false),
            (None, None) => true,
        }
    }

    /// What those who want the whole are told.
    pub(super) fn told(&self) -> Option<Result<Arc<Listing>, Problem>> {
        match (&self.problem, &self.complete) {
            (Some(problem), _) => Some(Err(problem.clone())),
            (None, Some(complete)) => Some(Ok(Arc::clone(complete))),
            (None, None) => None,
        }
    }

    /// Whether to list rather than to read `wanted` objects one by one: a list has no more calls than that, as far as is
    /// known, and costs no value.
    pub(super) fn pays(&self, wanted: usize, now: Timestamp) -> bool {
        let believed = self.pages_until.is_some_and(|until| until > now);
        let pages = if believed { self.pages } else { 1 };
        self.forbidden_until.is_none_or(|until| until <= now) && wanted >= pages
    }

    /// Whether a run has cost as much as reading what is left would have, and nobody wants the whole.
    pub(super) fn is_too_long(&self, wanted: usize) -> bool {
        self.callers.is_empty()
            && self
                .run
                .as_ref()
                .is_some_and(|run| run.next.is_some() && run.pages >= wanted)
    }

    /// Remembers how many pages there are at least.
    pub(super) fn has_pages(&mut self, pages: usize, now: Timestamp) {
        self.pages = pages;
        self.pages_until = Some(crate::retry::after(now, LOOKS_AGAIN));
    }

    /// It may not be listed.
    pub(super) fn forbid(&mut self, now: Timestamp) {
        self.forbidden_until = Some(crate::retry::after(now, LOOKS_AGAIN));
    }

    /// Rights may have changed.
    pub(super) fn pardon(&mut self) {
        self.forbidden_until = None;
        self.retry_at = self.retry_at.map(|_| Timestamp::UNIX_EPOCH);
    }

    /// It is complete. True where it differs from the one before.
    pub(super) fn completed(&mut self, items: Option<Listing>, started: Timestamp) -> bool {
        self.tried = Some(started);
        (self.failures, self.retry_at) = (0, None);
        let had_problem = self.problem.take().is_some();
        let Some(items) = items else {
            return had_problem;
        };
        let same = self
            .complete
            .as_ref()
            .is_some_and(|before| same_objects(before, &items));
        if !same {
            self.complete = Some(Arc::new(items));
        }
        !same || had_problem
    }

    /// It could not be had. True where that is news.
    pub(super) fn failed(
        &mut self,
        problem: &Problem,
        retry_at: Timestamp,
        tried: Timestamp,
    ) -> bool {
        let news = self
            .problem
            .as_ref()
            .is_none_or(|known| known.reason != problem.reason || known.message != problem.message);
        self.problem = Some(problem.clone());
        self.failures += 1;
        (self.retry_at, self.tried) = (Some(retry_at), Some(tried));
        news
    }

    /// When those who want the whole need it next.
    pub(super) fn due(&self, period: impl Fn(Duration) -> Duration) -> Option<Timestamp> {
        if self.callers.is_empty() || self.run.is_some() {
            return None;
        }
        if !self.waiting.is_empty() {
            return Some(Timestamp::UNIX_EPOCH);
        }
        if self.problem.is_some() {
            return self.retry_at;
        }
        let every = self.every()?;
        Some(crate::retry::after(self.tried?, period(every)))
    }
}

/// Whether two lists tell the same of what is picked by: names, tags, state. Times change with each new version, and whoever
/// follows an object learns of those by itself.
fn same_objects(before: &Listing, after: &Listing) -> bool {
    let facts = |listed: &Listed| {
        (
            listed.enabled,
            listed.tags.clone(),
            listed.content_type.clone(),
            listed.managed,
        )
    };
    before.len() == after.len()
        && before
            .iter()
            .zip(after)
            .all(|((name, one), (other, two))| name == other && facts(one) == facts(two))
}
