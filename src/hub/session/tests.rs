use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::azure::key_vault::{Listed, Page};
use crate::hub::want::{Answer, Caller, Glance};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

pub(super) const LIMITS: Limits = Limits {
    concurrency: 4,
    burst: 100,
    rate: 10,
};
pub(super) const MINUTE: Duration = Duration::from_mins(1);

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(super) fn ticket(name: &str) -> Ticket {
    Ticket::new(Caller {
        uid: name.to_owned(),
        namespace: "team".to_owned(),
        name: name.to_owned(),
    })
}

pub(super) fn object(name: &str) -> Arc<Object> {
    Arc::new(Object {
        kind: Kind::Secret,
        name: name.parse().unwrap(),
        version: None,
    })
}

pub(super) fn held(version: u32, updated: i64) -> Held {
    Held {
        version: format!("v{version}").parse().unwrap(),
        updated: Some(at(updated)),
    }
}

pub(super) fn want(objects: &[(&str, Option<Held>)]) -> Want {
    let mut objects: Vec<_> = objects
        .iter()
        .map(|(name, held)| (object(name), held.clone()))
        .collect();
    objects.sort_by(|(one, _), (two, _)| one.cmp(two));
    Want {
        objects,
        every: Some(MINUTE),
        ..Want::default()
    }
}

/// An object that was updated at this second and read long after.
pub(super) fn read(version: u32, updated: i64) -> Answer {
    read_at(version, updated, updated + 100)
}

pub(super) fn read_at(version: u32, updated: i64, answered: i64) -> Answer {
    Answer::Got(Ok(Facts {
        version: format!("v{version}").parse().unwrap(),
        updated: Some(at(updated)),
        answered: Some(at(answered)),
    }))
}

pub(super) fn fails(reason: Reason, retry: Retry) -> Answer {
    Answer::Got(Err(Problem::new(reason, retry, "why")))
}

pub(super) fn item(name: &str, updated: i64) -> Listed {
    Listed {
        name: name.parse().unwrap(),
        enabled: true,
        updated: Some(at(updated)),
        not_before: None,
        expires: None,
        tags: BTreeMap::new(),
        content_type: None,
        managed: false,
    }
}

pub(super) fn page(items: &[Listed], more: bool) -> Answer {
    Answer::Listed(Ok(Page {
        items: items.to_vec(),
        next: more
            .then(|| crate::azure::key_vault::Next::at("https://kv.vault.azure.net/secrets?x")),
    }))
}

/// The calls that were begun, as words: `db` for a read, `list` for a page.
pub(super) fn calls(session: &mut Session) -> Vec<(CallId, String)> {
    let commands = session.commands().into_iter();
    commands
        .filter_map(|command| match command {
            Command::Start(id, Call::Get(object)) => Some((id, object.name.to_string())),
            Command::Start(id, Call::List(..)) => Some((id, "list".to_owned())),
            Command::Abandon(_) | Command::Give(..) | Command::Wake(_) | Command::Discard(_) => {
                None
            }
        })
        .collect()
}

pub(super) fn words(session: &mut Session) -> Vec<String> {
    calls(session).into_iter().map(|(_, word)| word).collect()
}

/// Answers a call, and tells who was given a value and who was woken.
pub(super) fn answer(
    session: &mut Session,
    id: CallId,
    answer: Answer,
    now: i64,
) -> (Vec<String>, Vec<String>) {
    session.answered(id, answer, at(now));
    let (mut given, mut woken) = (Vec::new(), Vec::new());
    let mut rest = Vec::new();
    for command in session.commands() {
        match command {
            Command::Give(_, tickets) => given.extend(tickets.iter().map(|t| t.name.clone())),
            Command::Wake(ticket) => woken.push(ticket.name.clone()),
            other @ (Command::Start(..) | Command::Abandon(_) | Command::Discard(_)) => {
                rest.push(other);
            }
        }
    }
    session.commands = rest;
    (given, woken)
}

/// A session with one caller that holds `db` at version 1, and when it is looked at first.
pub(super) fn following(names: &[&str]) -> (Session, Ticket, Timestamp) {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    let held: Vec<_> = names.iter().map(|name| (*name, Some(held(1, 0)))).collect();
    let glance = session.visit(&app, want(&held), at(0));
    assert!(!glance.pending && words(&mut session).is_empty());
    let first = session.next_turn(at(0)).unwrap();
    (session, app, first)
}

impl Session {
    /// Looks, and takes what is there.
    pub(super) fn visit(&mut self, ticket: &Ticket, want: Want, now: Timestamp) -> Glance {
        let glance = self.see(ticket, want, now);
        assert_eq!(self.fetch(ticket), !glance.pending);
        glance
    }
}

#[test]
fn a_value_that_is_needed_is_read_once_for_all_who_wait_and_given_to_each() {
    let mut session = Session::new(LIMITS, 7);
    let (one, two) = (ticket("one"), ticket("two"));
    assert!(session.visit(&one, want(&[("db", None)]), at(0)).pending);
    assert!(session.visit(&two, want(&[("db", None)]), at(0)).pending);
    let calls = calls(&mut session);
    let [(id, _)] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    let (given, woken) = answer(&mut session, *id, read(1, 0), 1);
    assert_eq!(
        (given, woken),
        (
            vec!["one".into(), "two".into()],
            vec!["one".into(), "two".into()]
        )
    );
    assert!(!session.visit(&one, want(&[("db", None)]), at(1)).pending);
    assert!(words(&mut session).is_empty());
}

#[test]
fn calls_that_are_refused_together_halve_the_rate_once() {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    let wanted: Vec<_> = ["a", "b", "c", "d"].map(|name| (name, None)).into();
    session.see(&app, want(&wanted), at(0));
    let calls = calls(&mut session);
    assert_eq!(calls.len(), LIMITS.concurrency);
    for (id, _) in calls {
        session.answered(id, fails(Reason::Throttled, Retry::Backoff), at(0));
    }
    let next = session.bucket.take(at(0), true);
    assert_eq!(next, Err(at(0) + SignedDuration::from_millis(200)));
}

#[test]
fn a_pinned_version_is_read_once() {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    let pinned = Arc::new(Object {
        version: Some("v1".parse().unwrap()),
        ..object("db").as_ref().clone()
    });
    let wants = |held| Want {
        objects: vec![(Arc::clone(&pinned), held)],
        every: Some(MINUTE),
        ..Want::default()
    };
    session.visit(&app, wants(None), at(0));
    let id = calls(&mut session)[0].0;
    session.answered(id, read(1, 0), at(1));
    session.visit(&app, wants(Some(held(1, 0))), at(2));
    assert_eq!(session.next_turn(at(2)), None);
}

#[test]
fn a_throttled_vault_is_left_alone_and_those_who_wait_are_told() {
    let mut session = Session::new(LIMITS, 7);
    let (one, two) = (ticket("one"), ticket("two"));
    session.visit(&one, want(&[("a", None)]), at(0));
    let id = calls(&mut session)[0].0;
    let told = answer(
        &mut session,
        id,
        fails(Reason::Throttled, Retry::After(MINUTE)),
        0,
    );
    assert_eq!(told.1, ["one"]);
    let glance = session.visit(&two, want(&[("b", None)]), at(1));
    assert_eq!(
        (glance.pending, glance.problems[0].1.reason),
        (false, Reason::Throttled)
    );
    assert!(words(&mut session).is_empty());
    session.turn(at(59));
    assert!(
        words(&mut session).is_empty(),
        "it was asked before its time"
    );
    let next = session.next_turn(at(59)).unwrap();
    assert!(next >= at(60) && next <= at(70), "{next}");
    session.turn(at(70));
    assert_eq!(words(&mut session).len(), 1, "one goes first");
}

#[test]
fn routine_looks_at_a_vault_that_is_left_alone_are_put_off_without_a_word() {
    let (mut session, _, _) = following(&["a"]);
    let other = ticket("other");
    session.visit(&other, want(&[("z", None)]), at(0));
    let id = calls(&mut session)[0].0;
    session.answered(id, fails(Reason::Throttled, Retry::After(MINUTE)), at(1));
    session.commands();
    session.turn(at(30));
    assert!(session.commands().is_empty());
    session.turn(at(75));
    assert!(!words(&mut session).is_empty());
}

#[test]
fn a_failure_is_told_once_and_its_end_too() {
    let (mut session, app, first) = following(&["a"]);
    session.turn(first);
    let list = calls(&mut session)[0].0;
    session.answered(list, page(&[item("a", 9)], false), at(11));
    let id = calls(&mut session)[0].0;
    let forbidden = || fails(Reason::Forbidden, Retry::Backoff);
    assert_eq!(answer(&mut session, id, forbidden(), 12).1, ["app"]);
    let wants = || want(&[("a", Some(held(1, 0)))]);
    assert!(!session.visit(&app, wants(), at(12)).pending);
    let next = session.next_turn(at(12)).unwrap();
    session.turn(next);
    let id = calls(&mut session)[0].0;
    assert_eq!(
        answer(&mut session, id, forbidden(), 15).1,
        Vec::<String>::new()
    );
    session.pardon(at(16));
    let id = calls(&mut session)[0].0;
    assert_eq!(answer(&mut session, id, read(1, 0), 17).1, ["app"]);
    assert!(session.visit(&app, wants(), at(18)).problems.is_empty());
}

#[test]
fn a_forced_look_asks_anew_and_answers_when_it_has() {
    let (mut session, app, first) = following(&["a"]);
    session.turn(first);
    let list = calls(&mut session)[0].0;
    session.answered(list, page(&[item("a", 0)], false), at(11));
    let forced = || Want {
        fresh: Some(at(20)),
        ..want(&[("a", Some(held(1, 0)))])
    };
    assert!(session.visit(&app, forced(), at(20)).pending);
    let id = calls(&mut session)[0].0;
    assert_eq!(
        answer(&mut session, id, page(&[item("a", 0)], false), 21),
        (vec![], vec!["app".into()])
    );
    assert!(!session.visit(&app, forced(), at(21)).pending);
}

#[test]
fn a_look_from_before_does_not_do_for_a_forced_one() {
    let mut session = Session::new(LIMITS, 7);
    let (app, other) = (ticket("app"), ticket("other"));
    let once = |fresh| Want {
        every: None,
        fresh,
        ..want(&[("a", Some(held(1, 0)))])
    };
    session.visit(&app, once(None), at(0));
    session.visit(&other, want(&[("a", None)]), at(1));
    let early = calls(&mut session)[0].0;
    assert!(session.visit(&app, once(Some(at(2))), at(2)).pending);
    let told = answer(&mut session, early, read(2, 1), 3);
    assert_eq!(told, (vec!["other".into()], vec!["other".into()]));
    let late = calls(&mut session)[0].0;
    let told = answer(&mut session, late, read(3, 1), 4);
    assert!(told.0.contains(&"app".to_owned()) && told.1.contains(&"app".to_owned()));
}

#[test]
fn who_wanted_one_look_is_not_told_what_others_see() {
    let mut session = Session::new(LIMITS, 7);
    let (once, other) = (ticket("once"), ticket("other"));
    let wants = || Want {
        every: None,
        ..want(&[("a", Some(held(1, 0)))])
    };
    session.visit(&once, wants(), at(0));
    session.visit(&other, want(&[("a", None)]), at(1));
    let id = calls(&mut session)[0].0;
    assert_eq!(answer(&mut session, id, read(2, 1), 2).1, ["other"]);
    assert!(!session.visit(&once, wants(), at(3)).pending);
}

#[test]
fn values_that_only_make_sense_together_are_given_together() {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    let wants = Want {
        together: true,
        ..want(&[("a", Some(held(1, 0))), ("b", None)])
    };
    session.visit(&app, wants, at(0));
    let calls_now = calls(&mut session);
    assert_eq!(calls_now[0].1, "b");
    let told = answer(&mut session, calls_now[0].0, read(1, 0), 1);
    assert_eq!(
        told,
        (vec!["app".into()], vec![]),
        "it was woken with half of it"
    );
    session.turn(at(1));
    let calls_now = calls(&mut session);
    assert_eq!(calls_now[0].1, "a");
    let told = answer(&mut session, calls_now[0].0, read(1, 0), 2);
    assert_eq!(told, (vec!["app".into()], vec!["app".into()]));
}

#[test]
fn values_that_nobody_fetches_are_dropped() {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    session.visit(&app, want(&[("db", None)]), at(0));
    let id = calls(&mut session)[0].0;
    session.answered(id, read(1, 0), at(1));
    session.commands();
    session.turn(at(31));
    assert_eq!(session.commands(), [Command::Discard(Ticket::clone(&app))]);
    assert!(
        session.visit(&app, want(&[("db", None)]), at(40)).pending,
        "it is read anew"
    );
}

#[test]
fn who_wants_nothing_any_more_costs_nothing() {
    let (mut session, app, _) = following(&["a"]);
    session.forget(&app, at(1));
    assert!(session.is_idle() && session.known.is_empty());
    assert_eq!(session.next_turn(at(1)), None);
}
