use super::tests::{
    LIMITS, MINUTE, answer, at, calls, fails, following, held, item, page, read, read_at, ticket,
    want, words,
};
use super::*;
use crate::azure::key_vault::Listed;
use crate::hub::want::Answer;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

#[test]
fn what_is_held_is_looked_at_by_a_list_and_nobody_is_told_where_it_is_the_same() {
    let (mut session, _, first) = following(&["a", "b"]);
    session.turn(first);
    let calls = calls(&mut session);
    assert_eq!(calls[0].1, "list");
    let told = answer(
        &mut session,
        calls[0].0,
        page(&[item("a", 0), item("b", 0), item("c", 5)], false),
        5,
    );
    assert_eq!(told, (vec![], vec![]));
    assert!(words(&mut session).is_empty());
    let next = session.next_turn(at(5)).unwrap();
    assert!(next > at(50) && next <= at(75), "{next}");
}

#[test]
fn what_a_list_shows_as_changed_is_read_and_given_to_those_who_hold_something_else() {
    let (mut session, app, first) = following(&["a", "b"]);
    session.turn(first);
    let list = calls(&mut session)[0].0;
    session.answered(list, page(&[item("a", 0), item("b", 9)], false), at(20));
    let calls = calls(&mut session);
    assert_eq!(calls[0].1, "b");
    let told = answer(&mut session, calls[0].0, read(2, 9), 21);
    assert_eq!(told, (vec!["app".into()], vec!["app".into()]));
    let glance = session.visit(
        &app,
        want(&[("a", Some(held(1, 0))), ("b", Some(held(1, 0)))]),
        at(22),
    );
    assert!(!glance.pending && glance.problems.is_empty());
}

#[test]
fn a_vault_with_more_pages_than_objects_are_wanted_is_read_object_by_object() {
    let (mut session, _, first) = following(&["a"]);
    session.turn(first);
    let list = calls(&mut session)[0].0;
    // One page has told nothing of it, and there are more.
    session.answered(list, page(&[item("x", 0)], true), at(11));
    let reads = calls(&mut session);
    assert_eq!(reads[0].1, "a");
    session.answered(reads[0].0, read(1, 0), at(12));
    let next = session.next_turn(at(12)).unwrap();
    session.turn(next);
    assert_eq!(
        words(&mut session),
        ["a"],
        "the list was tried again at once"
    );
}

#[test]
fn who_may_not_list_reads() {
    let (mut session, _, first) = following(&["a", "b"]);
    session.turn(first);
    let list = calls(&mut session)[0].0;
    let forbidden = Problem::new(Reason::Forbidden, Retry::Backoff, "no list");
    let told = answer(&mut session, list, Answer::Listed(Err(forbidden)), 11);
    assert_eq!(
        told,
        (vec![], vec![]),
        "a list that is forbidden is no problem of an object"
    );
    assert_eq!(words(&mut session), ["a", "b"]);
}

#[test]
fn what_is_on_no_page_is_asked_for_once_and_then_known_to_be_gone() {
    let (mut session, app, first) = following(&["a", "b"]);
    session.turn(first);
    let list = calls(&mut session)[0].0;
    session.answered(list, page(&[item("a", 0)], false), at(11));
    let calls_now = calls(&mut session);
    assert_eq!(calls_now[0].1, "b");
    let told = answer(
        &mut session,
        calls_now[0].0,
        fails(Reason::ObjectNotFound, Retry::Backoff),
        12,
    );
    assert_eq!(told, (vec![], vec!["app".into()]));
    let wants = || want(&[("a", Some(held(1, 0))), ("b", Some(held(1, 0)))]);
    let glance = session.visit(&app, wants(), at(12));
    assert_eq!(glance.problems[0].1.reason, Reason::ObjectNotFound);
    // From now on lists say so, without a call for it and without a word to anybody.
    for _ in 0..5 {
        let next = session.next_turn(at(12)).unwrap();
        session.turn(next);
        for (id, word) in calls(&mut session) {
            assert_eq!(word, "list");
            let second = next.as_second() - at(0).as_second();
            let told = answer(&mut session, id, page(&[item("a", 0)], false), second);
            assert_eq!(told, (vec![], vec![]));
        }
    }
}

#[test]
fn a_whole_list_is_kept_up_to_date_for_those_who_pick_from_it() {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    let wants = || Want {
        lists: vec![Kind::Secret],
        every: Some(MINUTE),
        ..Want::default()
    };
    assert!(session.visit(&app, wants(), at(0)).pending);
    let id = calls(&mut session)[0].0;
    session.answered(id, page(&[item("a", 0)], true), at(1));
    let id = calls(&mut session)[0].0;
    assert_eq!(
        answer(&mut session, id, page(&[item("B", 0)], false), 2).1,
        ["app"]
    );
    let glance = session.visit(&app, wants(), at(2));
    let names: Vec<String> = glance.lists[0]
        .1
        .as_ref()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["a", "b"]);
    // The same again is no news; another tag is.
    let mut round = |items: &[Listed], now: i64| {
        let next = session.next_turn(at(now)).unwrap();
        session.turn(next);
        let id = calls(&mut session)[0].0;
        let second = next.as_second() - at(0).as_second();
        answer(&mut session, id, page(items, false), second).1
    };
    assert!(round(&[item("a", 5), item("B", 0)], 2).is_empty());
    let mut tagged = item("a", 5);
    tagged.tags.insert("team".to_owned(), "pay".to_owned());
    assert_eq!(round(&[tagged, item("B", 0)], 70), ["app"]);
}

#[test]
fn a_change_in_the_second_of_the_read_is_not_missed() {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    session.visit(&app, want(&[("db", None)]), at(0));
    let id = calls(&mut session)[0].0;
    // Read in the second of its update: another update may follow under the same time.
    session.answered(id, read_at(1, 10, 10), at(10));
    session.commands();
    let unsettled = Held {
        updated: None,
        ..held(1, 10)
    };
    assert!(
        !session
            .visit(&app, want(&[("db", Some(unsettled.clone()))]), at(10))
            .pending
    );
    let next = session.next_turn(at(10)).unwrap();
    session.turn(next);
    let reads = calls(&mut session);
    assert_eq!(reads[0].1, "db", "a list cannot tell, so it is read");
    let told = answer(&mut session, reads[0].0, read_at(2, 10, 70), 70);
    assert_eq!(told, (vec!["app".into()], vec!["app".into()]));
    // Read again later it has settled, and a list will do.
    session.visit(&app, want(&[("db", Some(held(2, 10)))]), at(71));
    let next = session.next_turn(at(71)).unwrap();
    session.turn(next);
    assert_eq!(words(&mut session), ["list"]);
}

#[test]
fn what_is_held_without_a_time_is_given_once_more_with_it() {
    let mut session = Session::new(LIMITS, 7);
    let app = ticket("app");
    session.visit(&app, want(&[("db", None)]), at(0));
    let id = calls(&mut session)[0].0;
    session.answered(id, read_at(1, 10, 10), at(10));
    let unsettled = Held {
        updated: None,
        ..held(1, 10)
    };
    session.visit(&app, want(&[("db", Some(unsettled.clone()))]), at(10));
    session.commands();
    let next = session.next_turn(at(10)).unwrap();
    session.turn(next);
    let id = calls(&mut session)[0].0;
    // Attributes may have changed under the same version and time.
    let told = answer(&mut session, id, read_at(1, 10, 70), 70);
    assert_eq!(told, (vec!["app".into()], vec!["app".into()]));
}

#[test]
fn a_forced_look_that_fails_is_told_at_once() {
    let (mut session, app, first) = following(&["a"]);
    session.turn(first);
    let list = calls(&mut session)[0].0;
    session.answered(list, page(&[item("a", 0)], false), at(11));
    let forced = Want {
        fresh: Some(at(20)),
        ..want(&[("a", Some(held(1, 0)))])
    };
    session.visit(&app, forced, at(20));
    let list = calls(&mut session)[0].0;
    let refused = Problem::new(Reason::TenantNotFound, Retry::OnChange, "no tenant");
    let told = answer(&mut session, list, Answer::Listed(Err(refused)), 21);
    assert_eq!(told.1, ["app"]);
}

#[test]
fn those_who_come_one_after_another_at_a_start_are_looked_at_by_one_list() {
    let mut session = Session::new(LIMITS, 7);
    let names: Vec<String> = (0..20).map(|number| format!("o{number:02}")).collect();
    let mut asked = Vec::new();
    for (second, name) in (0..).zip(&names) {
        let now = at(second);
        session.turn(now);
        session.see(&ticket(name), want(&[(name, Some(held(1, -100)))]), now);
        asked.extend(words(&mut session));
    }
    assert_eq!(
        asked,
        Vec::<String>::new(),
        "some were looked at before all had come"
    );
    let mut now = at(20);
    while asked.is_empty() && now < at(40) {
        now = session.next_turn(now).unwrap().max(now);
        session.turn(now);
        asked.extend(words(&mut session));
    }
    assert_eq!(asked, ["list"]);
}

#[test]
fn where_lists_fail_and_reads_work_nobody_is_told_of_trouble() {
    let (mut session, _, first) = following(&["a"]);
    session.turn(first);
    let mut now = first;
    // A page that failed is asked for once more before the list has failed.
    for _ in 0..2 {
        let list = calls(&mut session);
        assert_eq!(list[0].1, "list");
        let failure = Problem::new(Reason::AzureUnavailable, Retry::Backoff, "502");
        let second = now.as_second() - at(0).as_second();
        let told = answer(
            &mut session,
            list[0].0,
            Answer::Listed(Err(failure)),
            second,
        );
        assert_eq!(told.1, Vec::<String>::new(), "trouble is told");
        now = session.next_turn(now).map_or(now, |next| next.max(now));
        session.turn(now);
    }
    let reads = calls(&mut session);
    assert_eq!(reads[0].1, "a");
    let second = now.as_second() - at(0).as_second() + 1;
    let told = answer(&mut session, reads[0].0, read(1, 0), second);
    assert_eq!(told, (vec![], vec![]));
}
