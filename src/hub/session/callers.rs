//! What callers want, and what they are told and given. Pure.

use std::sync::Arc;

use jiff::Timestamp;

use super::known::Known;
use super::run::List;
use super::{Session, Sub};
use crate::azure::key_vault::{Kind, Object};
use crate::hub::want::{Command, Glance, Ticket, Want};
use crate::problem::Problem;

impl Session {
    /// Says what a caller wants from now on, and what it may know already. Values wait until it fetches them.
    pub fn see(&mut self, ticket: &Ticket, mut want: Want, now: Timestamp) -> Glance {
        let old = self.subs.remove(ticket);
        let news = old
            .as_ref()
            .is_none_or(|old| old.dirty || !old.want.asks_the_same(&want));
        if let Some(old) = &old {
            self.leave(ticket, &old.want);
        }
        for (object, _) in &mut want.objects {
            // One name of an object is kept, whoever wants it.
            if let Some((known, _)) = self.known.get_key_value(object) {
                *object = Arc::clone(known);
            }
            let registered = &mut self.registered;
            self.known
                .entry(Arc::clone(object))
                .or_insert_with(|| {
                    *registered = now;
                    Box::new(Known::new(now))
                })
                .add(ticket, want.every);
        }
        want.objects.shrink_to_fit();
        for kind in &want.lists {
            self.lists.entry(*kind).or_default().add(ticket, want.every);
        }
        let objects: Vec<Arc<Object>> = want.objects.iter().map(|(o, _)| Arc::clone(o)).collect();
        let kinds = want.lists.clone();
        let (left, mut given, mut given_at) =
            old.map_or_else(Default::default, |old| (old.want, old.given, old.given_at));
        // Values of which some are not wanted any more are not kept for the sake of the others; what came before a look is forced
        // does not do for it.
        let unwanted = given.iter().any(|(object, _)| want.of(object).is_none());
        let early = given_at.is_some_and(|at| want.fresh > Some(at));
        if unwanted || early {
            given.clear();
            if let Some(at) = given_at.take() {
                self.given.remove(&(at, Ticket::clone(ticket)));
            }
            self.commands.push(Command::Discard(Ticket::clone(ticket)));
        }
        let incomplete = want.together && !given.is_empty();
        let sub = Sub {
            want,
            given,
            given_at,
            dirty: news,
            woken: false,
        };
        self.subs.insert(Ticket::clone(ticket), Box::new(sub));
        self.fetching.remove(ticket);
        for object in &objects {
            self.refresh(object, ticket);
            self.place(object, now);
        }
        for kind in kinds {
            self.refresh_list(kind, ticket);
        }
        if incomplete {
            // The want says again what is held of the others.
            self.need_the_others(ticket, now);
        }
        self.tidy(&left, now);
        self.turn(now);
        Glance {
            news,
            ..self.glance(ticket)
        }
    }

    /// A caller that waits for nothing fetches its values, and has seen what is new. Until it says otherwise, it holds them.
    /// False where it does wait: then nothing has happened.
    pub fn fetch(&mut self, ticket: &Ticket) -> bool {
        if self.pending(ticket) {
            return false;
        }
        let Some(sub) = self.subs.get_mut(ticket) else {
            return true;
        };
        // What has come since it looked, it will be told of.
        sub.dirty &= sub.woken;
        self.fetched(ticket);
        true
    }

    pub(super) fn fetched(&mut self, ticket: &Ticket) {
        let Some(sub) = self.subs.get_mut(ticket) else {
            return;
        };
        self.fetching.remove(ticket);
        if let Some(at) = sub.given_at.take() {
            self.given.remove(&(at, Ticket::clone(ticket)));
        }
        for (object, held) in std::mem::take(&mut sub.given) {
            let wanted = sub
                .want
                .objects
                .iter_mut()
                .find(|(wanted, _)| *wanted == object);
            if let Some((_, place)) = wanted {
                *place = Some(held);
            }
        }
    }

    /// A caller wants nothing any more.
    pub fn forget(&mut self, ticket: &Ticket, now: Timestamp) {
        if let Some(old) = self.subs.remove(ticket) {
            self.leave(ticket, &old.want);
            self.fetching.remove(ticket);
            if let Some(at) = old.given_at {
                self.given.remove(&(at, Ticket::clone(ticket)));
            }
            self.tidy(&old.want, now);
            self.commands.push(Command::Discard(Ticket::clone(ticket)));
            self.turn(now);
        }
    }

    pub(super) fn leave(&mut self, ticket: &Ticket, want: &Want) {
        for (object, _) in &want.objects {
            if let Some(known) = self.known.get_mut(object) {
                known.remove(ticket, want.every);
            }
        }
        for kind in &want.lists {
            if let Some(list) = self.lists.get_mut(kind) {
                list.remove(ticket, want.every);
            }
        }
    }

    /// Sets down whether a caller waits for an object.
    pub(super) fn refresh(&mut self, object: &Arc<Object>, ticket: &Ticket) {
        let waits = match (self.subs.get(ticket), self.known.get(object)) {
            (Some(sub), Some(known)) => sub.waits(object, known),
            _ => false,
        };
        if let Some(known) = self.known.get_mut(object) {
            if waits {
                known.waiting.insert(Ticket::clone(ticket));
            } else {
                known.waiting.remove(ticket);
            }
        }
    }

    /// Sets down whether a caller waits for a list.
    pub(super) fn refresh_list(&mut self, kind: Kind, ticket: &Ticket) {
        let sub = self.subs.get(ticket);
        let Some(list) = self.lists.get_mut(&kind) else {
            return;
        };
        if sub.is_some_and(|sub| list.waits(&sub.want)) {
            list.waiting.insert(Ticket::clone(ticket));
        } else {
            list.waiting.remove(ticket);
        }
    }

    pub(super) fn pending(&self, ticket: &Ticket) -> bool {
        let Some(sub) = self.subs.get(ticket) else {
            return false;
        };
        let waits = |object| {
            self.known
                .get(object)
                .is_some_and(|known| known.waiting.contains(ticket))
        };
        let lists_wait = |kind| {
            self.lists
                .get(kind)
                .is_some_and(|list: &List| list.waiting.contains(ticket))
        };
        sub.want.objects.iter().any(|(object, _)| waits(object))
            || sub.want.lists.iter().any(lists_wait)
    }

    pub(super) fn glance(&self, ticket: &Ticket) -> Glance {
        let Some(sub) = self.subs.get(ticket) else {
            return Glance::default();
        };
        let known = |object| self.known.get(object);
        let objects = || {
            sub.want
                .objects
                .iter()
                .filter_map(|(object, _)| Some((object, known(object)?)))
        };
        let lists = || {
            sub.want
                .lists
                .iter()
                .filter_map(|kind| Some((*kind, self.lists.get(kind)?)))
        };
        let tried = objects()
            .map(|(_, known)| known.tried)
            .chain(lists().map(|(_, list)| list.tried()));
        Glance {
            pending: self.pending(ticket),
            news: false,
            problems: objects()
                .filter(|(object, _)| !sub.given.iter().any(|(given, _)| given == *object))
                .filter_map(|(object, known)| {
                    Some((Arc::clone(object), Problem::clone(known.problem.as_ref()?)))
                })
                .collect(),
            lists: lists()
                .filter_map(|(kind, list)| Some((kind, list.told()?)))
                .collect(),
            given: sub.given.len(),
            looked: tried.min().flatten(),
            next: objects().filter_map(|(_, known)| known.due).min(),
        }
    }

    /// Wakes a caller that has something new and waits for nothing more.
    pub(super) fn wake(&mut self, ticket: &Ticket) {
        let pending = self.pending(ticket);
        if let Some(sub) = self.subs.get_mut(ticket)
            && sub.dirty
            && !sub.woken
            && !pending
        {
            sub.woken = true;
            if !sub.given.is_empty() {
                self.fetching.insert(Ticket::clone(ticket));
            }
            self.commands.push(Command::Wake(Ticket::clone(ticket)));
        }
    }
}
