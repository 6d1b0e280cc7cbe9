//! Values between being given and being fetched.

use super::tests::{LIMITS, answer, at, calls, held, read, ticket, want, words};
use super::*;

#[test]
fn values_wait_for_those_of_another_vault() {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    session.see(&app, want(&[("db", None)]), at(0));
    let (id, _) = calls(&mut session).remove(0);
    answer(&mut session, id, read(1, 0), 1);
    for second in 2..4 {
        let glance = session.see(&app, want(&[("db", None)]), at(second));
        assert!(!glance.pending && glance.news && glance.given == 1);
    }
    assert!(words(&mut session).is_empty(), "it was read again");
    assert!(session.fetch(&app));
    let glance = session.see(&app, want(&[("db", Some(held(1, 0)))]), at(5));
    assert!(!glance.pending && glance.given == 0);
}

#[test]
fn a_caller_that_looks_meanwhile_needs_the_others_all_the_same() {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    let wants = || Want {
        together: true,
        ..want(&[("a", Some(held(1, 0))), ("b", None)])
    };
    session.see(&app, wants(), at(0));
    let (id, name) = calls(&mut session).remove(0);
    assert_eq!(name, "b");
    answer(&mut session, id, read(1, 0), 1);
    let glance = session.see(&app, wants(), at(2));
    assert!(
        glance.pending,
        "it was given a part of what belongs together"
    );
}

#[test]
fn those_who_come_one_after_another_share_reads() {
    let mut session = Session::new(LIMITS, 7);
    session.see(&ticket("first"), want(&[("db", None)]), at(0));
    let (id, _) = calls(&mut session).remove(0);
    answer(&mut session, id, read(1, -100), 0);
    let late: Vec<String> = (0..20).map(|n| format!("late{n:02}")).collect();
    for name in &late {
        session.see(&ticket(name), want(&[("db", None)]), at(0));
    }
    assert!(words(&mut session).is_empty(), "it was read for each");
    let next = session.next_turn(at(0)).unwrap();
    assert!(next <= at(1), "they wait until {next}");
    session.turn(next);
    let reads = calls(&mut session);
    assert_eq!(reads.len(), 1);
    assert_eq!(answer(&mut session, reads[0].0, read(1, -100), 1).0, late);
}

#[test]
fn a_value_that_was_not_fetched_does_not_do_for_a_forced_look() {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    session.see(&app, want(&[("db", None)]), at(0));
    let (id, _) = calls(&mut session).remove(0);
    answer(&mut session, id, read(1, -100), 1);
    let forced = Want {
        fresh: Some(at(5)),
        ..want(&[("db", None)])
    };
    assert!(session.see(&app, forced.clone(), at(5)).pending);
    assert!(!session.fetch(&app), "it got what was read before");
    let (id, _) = calls(&mut session).remove(0);
    let told = answer(&mut session, id, read(2, 4), 6);
    assert_eq!(told, (vec!["app".into()], vec!["app".into()]));
    assert!(!session.see(&app, forced, at(6)).pending);
}
