//! What an answer changes, and for whom. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Session;
use super::known::{Busy, Current};
use super::run::Run;
use crate::azure::key_vault::{Facts, Kind, Listed, Object, Page};
use crate::hub::gate::{self, Door};
use crate::hub::want::{Answer, Call, CallId, Command, Held, Ticket};
use crate::problem::{Problem, Reason};
use crate::retry::{self, Retry, after};

/// A page that failed is asked for again once before the list as a whole has failed.
const PAGE_FAILURES: u32 = 2;

impl Session {
    /// Takes over what came of a call.
    pub fn answered(&mut self, id: CallId, answer: Answer, now: Timestamp) {
        let Some((call, started)) = self.calls.remove(&id) else {
            return;
        };
        let problem = match &answer {
            Answer::Got(outcome) => outcome.as_ref().err(),
            Answer::Listed(outcome) => outcome.as_ref().err(),
        };
        let shut = self.gate.is_shut(now);
        self.gate.saw(problem, now);
        match problem {
            None => self.bucket.speed_up(),
            Some(problem) => {
                let unsaid = problem.reason == Reason::Throttled && problem.retry == Retry::Backoff;
                // Calls that were under way together are refused together, and that once.
                if unsaid && !shut {
                    self.bucket.slow_down();
                }
            }
        }
        match (call, answer) {
            (Call::Get(object), Answer::Got(Ok(facts))) => self.got(&object, &facts, started, now),
            (Call::Get(object), Answer::Got(Err(problem))) => {
                self.failed(&object, &problem, started, now);
            }
            (Call::List(kind, _), Answer::Listed(Ok(page))) => self.page(kind, page, started, now),
            (Call::List(kind, _), Answer::Listed(Err(problem))) => {
                self.page_failed(kind, &problem, started, now);
            }
            // An answer of the other sort is a mistake of the caller's; nobody is left waiting for it.
            (Call::Get(object), Answer::Listed(_)) => self.release(&object, now),
            (Call::List(kind, _), Answer::Got(_)) => self.next_page(kind),
        }
        self.turn(now);
    }

    fn release(&mut self, object: &Arc<Object>, now: Timestamp) {
        if let Some(known) = self.known.get_mut(object) {
            known.busy = None;
        }
        self.place(object, now);
    }

    /// An object was read: its value goes to those who wait for it, or hold something else.
    fn got(&mut self, object: &Arc<Object>, facts: &Facts, started: Timestamp, now: Timestamp) {
        let Some(known) = self.known.get_mut(object) else {
            return;
        };
        (known.busy, known.tried) = (None, Some(started));
        known.read = Some(started);
        (known.failures, known.retry_at) = (0, None);
        let recovered = known.problem.take().is_some();
        let current = Current::read(facts);
        let callers: Vec<Ticket> = known.callers.iter().cloned().collect();
        let mut given = Vec::new();
        for ticket in &callers {
            let Some(sub) = self.subs.get_mut(ticket) else {
                continue;
            };
            let has_it = sub.given.iter().any(|(had, _)| had == object);
            // Who wants a look from now on is not served with one from before.
            let late = sub.want.fresh > Some(started);
            let lacks = !late
                && match sub.want.of(object) {
                    None => false,
                    Some(None) => true,
                    Some(Some(held)) => sub.want.follows() && current.differs(held),
                };
            if lacks && !has_it {
                sub.given.push((Arc::clone(object), Held::of(facts)));
                if sub.given_at.is_none() {
                    sub.given_at = Some(now);
                    self.given.insert((now, Ticket::clone(ticket)));
                }
                given.push(Ticket::clone(ticket));
            }
            let asked = known.waiting.contains(ticket);
            sub.dirty |= lacks || recovered || asked;
        }
        known.current = Some(current);
        if !given.is_empty() {
            self.commands
                .push(Command::Give(Arc::clone(object), given.clone()));
        }
        for ticket in &given {
            self.need_the_others(ticket, now);
        }
        self.settle(object, &callers, now);
    }

    /// A caller whose values only make sense together needs all of them as soon as it is given one.
    pub(super) fn need_the_others(&mut self, ticket: &Ticket, now: Timestamp) {
        let Some(sub) = self.subs.get_mut(ticket).filter(|sub| sub.want.together) else {
            return;
        };
        let mut others = Vec::new();
        for (object, held) in &mut sub.want.objects {
            if held.is_some() && !sub.given.iter().any(|(given, _)| given == object) {
                *held = None;
                others.push(Arc::clone(object));
            }
        }
        for object in &others {
            self.refresh(object, ticket);
            self.place(object, now);
        }
    }

    /// After the state of an object has changed: who waits still, when it is looked at next, and who is told.
    fn settle(&mut self, object: &Arc<Object>, callers: &[Ticket], now: Timestamp) {
        for ticket in callers {
            self.refresh(object, ticket);
        }
        let unwanted = self
            .known
            .get(object)
            .is_some_and(|known| known.callers.is_empty() && known.busy.is_none());
        if unwanted {
            self.drop_known(object);
        } else {
            self.place(object, now);
        }
        for ticket in callers {
            self.wake(ticket);
        }
    }

    /// An object could not be had.
    pub(super) fn failed(
        &mut self,
        object: &Arc<Object>,
        problem: &Problem,
        tried: Timestamp,
        now: Timestamp,
    ) {
        let Some(known) = self.known.get_mut(object) else {
            return;
        };
        known.busy = None;
        known.tried = known.tried.max(Some(tried));
        known.failures += 1;
        let seed = retry::seed(object.name.as_str(), "retry") ^ self.seed;
        let pause = retry::delay(problem.retry, known.failures, seed);
        let every = known.every();
        // What the vault says of its object may change at any time: it is looked at as often as if it were well.
        let pause = every
            .filter(|_| gate::kind(problem.reason) == gate::Kind::Answered)
            .map_or(pause, |every| pause.min(every.max(retry::FIRST)));
        known.retry_at = Some(after(now, pause));
        let news = known.problem.as_ref().is_none_or(|before| {
            before.reason != problem.reason || before.message != problem.message
        });
        known.problem = Some(Box::new(problem.clone()));
        let callers: Vec<Ticket> = known.callers.iter().cloned().collect();
        for ticket in &callers {
            let waited = known.waiting.contains(ticket);
            if let Some(sub) = self.subs.get_mut(ticket) {
                sub.dirty |= news || waited;
            }
        }
        self.settle(object, &callers, now);
    }

    /// A page of a list came.
    fn page(&mut self, kind: Kind, page: Page, started: Timestamp, now: Timestamp) {
        let Some(run) = self.lists.get_mut(&kind).and_then(|list| list.run.as_mut()) else {
            return;
        };
        run.pages += 1;
        run.failures = 0;
        run.next.clone_from(&page.next);
        for item in page.items {
            self.listed(kind, item, started, now);
        }
        let Some(list) = self.lists.get_mut(&kind) else {
            return;
        };
        let wanted = list
            .run
            .as_ref()
            .map_or(0, |run| run.left.len() + run.seen.len());
        if page.next.is_none() {
            self.complete(kind, now);
        } else if list.is_too_long(wanted) {
            // One more page at least: from now on these are read one by one.
            let pages = list.run.take().map(|run| (run.pages + 1, run.left));
            if let Some((pages, left)) = pages {
                list.has_pages(pages, now);
                self.read_instead(&left);
            }
        } else {
            self.next_page(kind);
        }
    }

    fn read_instead(&mut self, objects: &BTreeSet<Arc<Object>>) {
        for object in objects {
            let listed = self
                .known
                .get(object)
                .is_some_and(|known| known.busy == Some(Busy::Listed));
            if listed {
                self.queue(object);
            }
        }
    }

    /// A list tells of an object.
    fn listed(&mut self, kind: Kind, item: Listed, started: Timestamp, now: Timestamp) {
        let name = item.name.as_str().to_ascii_lowercase();
        let object = name.parse().map(|name| {
            Arc::new(Object {
                kind,
                name,
                version: None,
            })
        });
        if let Ok(object) = object
            && let Some((object, known)) = self
                .known
                .get_key_value(&object)
                .map(|(object, _)| Arc::clone(object))
                .and_then(|object| Some((Arc::clone(&object), self.known.get_mut(&object)?)))
        {
            let held = known.callers.iter().filter_map(|ticket| {
                let want = &self.subs.get(ticket)?.want;
                let held = want.of(&object)?;
                (held.is_none() || want.follows()).then(|| held.cloned())
            });
            let held: Vec<Option<Held>> = held.collect();
            let reads = known.listed(&item, held.into_iter());
            if known.busy != Some(Busy::Asked) && known.busy != Some(Busy::Queued) {
                known.tried = known.tried.max(Some(started));
                known.busy = None;
                if reads {
                    let callers: Vec<Ticket> = known.callers.iter().cloned().collect();
                    for ticket in &callers {
                        self.refresh(&object, ticket);
                    }
                    self.queue(&object);
                } else {
                    self.told_by_list(&object, now);
                }
            }
            if let Some(run) = self.lists.get_mut(&kind).and_then(|list| list.run.as_mut()) {
                run.left.remove(&object);
                run.seen.insert(object);
            }
        }
        if let Some(run) = self.lists.get_mut(&kind).and_then(|list| list.run.as_mut())
            && let Some(items) = &mut run.items
        {
            items.insert(name, item);
        }
    }

    /// The list said all there is to say about an object.
    fn told_by_list(&mut self, object: &Arc<Object>, now: Timestamp) {
        let Some(known) = self.known.get_mut(object) else {
            return;
        };
        if known.problem.is_some() {
            // It confirmed what was wrong.
            let pause = known.every().unwrap_or(retry::CEILING);
            known.retry_at = Some(after(now, pause));
        }
        let callers: Vec<Ticket> = known.callers.iter().cloned().collect();
        for ticket in &callers {
            let waited = known.waiting.contains(ticket);
            if let Some(sub) = self.subs.get_mut(ticket) {
                sub.dirty |= waited;
            }
        }
        self.settle(object, &callers, now);
    }

    /// The last page of a list came: what was on none of them is not in the vault.
    fn complete(&mut self, kind: Kind, now: Timestamp) {
        let Some(list) = self.lists.get_mut(&kind) else {
            return;
        };
        let Some(run) = list.run.take() else {
            return;
        };
        let Run {
            pages,
            started,
            left,
            seen,
            items,
            ..
        } = run;
        list.has_pages(pages.max(1), now);
        let waited = list.waiting.clone();
        let news = list.completed(items, started);
        self.tell_lists(kind, &waited, news);
        let absent: Vec<Arc<Object>> = self
            .known
            .iter()
            .filter(|(object, known)| {
                object.kind == kind
                    && object.version.is_none()
                    && !seen.contains(*object)
                    && known.first <= started
                    && !matches!(known.busy, Some(Busy::Queued | Busy::Asked))
            })
            .map(|(object, _)| Arc::clone(object))
            .collect();
        for object in absent {
            self.absent(&object, started, now);
        }
        for object in left {
            if self
                .known
                .get(&object)
                .is_some_and(|known| known.busy == Some(Busy::Listed))
            {
                self.release(&object, now);
            }
        }
    }

    /// An object is on no page. What is not known to be gone is asked for, so that it is the vault that says so.
    fn absent(&mut self, object: &Arc<Object>, started: Timestamp, now: Timestamp) {
        let Some(known) = self.known.get_mut(object) else {
            return;
        };
        let known_gone = known
            .problem
            .as_ref()
            .is_some_and(|problem| problem.reason == Reason::ObjectNotFound);
        if known_gone {
            known.busy = None;
            known.tried = known.tried.max(Some(started));
            self.told_by_list(object, now);
        } else {
            self.queue(object);
        }
    }

    /// Tells those who want the whole list, and those who waited for it.
    fn tell_lists(&mut self, kind: Kind, waited: &BTreeSet<Ticket>, news: bool) {
        let Some(list) = self.lists.get(&kind) else {
            return;
        };
        let callers: Vec<Ticket> = list.callers.iter().cloned().collect();
        for ticket in &callers {
            if let Some(sub) = self.subs.get_mut(ticket) {
                sub.dirty |= news || waited.contains(ticket);
            }
            self.refresh_list(kind, ticket);
            self.wake(ticket);
        }
    }

    /// Whether somebody waits for an object that a list under way will tell of.
    fn is_run_waited_for(&self, kind: Kind) -> bool {
        let run = self.lists.get(&kind).and_then(|list| list.run.as_ref());
        let known = |object| self.known.get(object);
        run.is_some_and(|run| {
            let mut left = run.left.iter().filter_map(known);
            left.any(|known| !known.waiting.is_empty())
        })
    }

    /// A page of a list could not be had.
    pub(super) fn page_failed(
        &mut self,
        kind: Kind,
        problem: &Problem,
        tried: Timestamp,
        now: Timestamp,
    ) {
        let seed = self.seed;
        let door = self.gate.door(now);
        let waited_for = self.is_list_waited_for(kind) || self.is_run_waited_for(kind);
        let Some(list) = self.lists.get_mut(&kind) else {
            return;
        };
        let Some(run) = &mut list.run else {
            return;
        };
        run.failures += 1;
        let refused = matches!(
            problem.reason,
            Reason::Forbidden | Reason::RequestRefused | Reason::MalformedAnswer
        );
        let passes = gate::kind(problem.reason) != gate::Kind::Answered;
        if passes && !waited_for && run.failures < PAGE_FAILURES {
            let pause = retry::delay(problem.retry, run.failures, seed);
            let resume_at = after(now, pause);
            run.resume_at = Some(match door {
                Door::Shut(until, _) => resume_at.max(until),
                Door::Open | Door::Probed(_) => resume_at,
            });
            return;
        }
        let left = list.run.take().map(|run| run.left).unwrap_or_default();
        let failures = list.failures + 1;
        let pause: Duration = retry::delay(problem.retry, failures, seed);
        let waited = list.waiting.clone();
        let news = list.failed(problem, after(now, pause), tried);
        if refused {
            list.forbid(now);
        }
        self.tell_lists(kind, &waited, news);
        // What goes wrong with lists may be wrong with them alone. Where the vault as a whole is in trouble, reads show it.
        let of_lists = matches!(
            problem.reason,
            Reason::AzureUnavailable | Reason::ConnectionFailed | Reason::TimedOut
        );
        if refused || of_lists && matches!(door, Door::Open) {
            self.read_instead(&left);
        } else {
            for object in left {
                self.failed(&object, problem, tried, now);
            }
        }
    }
}
