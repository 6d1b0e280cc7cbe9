use super::*;
use crate::azure::arm::Form;
use crate::azure_resource::fixtures::{at, trouble};

fn first() -> Note {
    begun("CreateVault", 3, "epoch", at(10))
}

fn poll() -> Poll {
    Poll {
        form: Form::Location,
        url: "https://management.example.net/x".to_owned(),
    }
}

fn under_way() -> Option<Note> {
    came_to(Some(first()), &Outcome::Accepted(poll()))
}

#[test]
fn a_note_says_what_is_done_for_which_spec_by_whom_and_until_when_it_may_take_effect() {
    let note = first();
    assert_eq!(
        (note.step.as_str(), note.generation, note.epoch.as_str()),
        ("CreateVault", 3, "epoch")
    );
    assert_eq!((note.since.0, note.deadline.0), (at(10), at(70)));
    assert_eq!(note.poll, None);
}

#[test]
fn a_request_is_not_sent_so_late_that_it_could_take_effect_after_its_deadline() {
    let note = first();
    for (now, expected) in [(10, true), (40, true), (41, false), (200, false)] {
        assert_eq!(may_be_sent(&note, at(now)), expected, "{now}");
    }
}

#[test]
fn an_answer_ends_a_note_or_tells_where_to_ask() {
    assert_eq!(came_to(Some(first()), &Outcome::Done), None);
    assert_eq!(came_to(Some(first()), &Outcome::Refused), None);
    assert_eq!(came_to(Some(first()), &Outcome::Unknown), Some(first()));
    assert_eq!(under_way().unwrap().poll, Some(poll()));
    // A write that was not noted leaves nothing to ask about.
    assert_eq!(came_to(None, &Outcome::Accepted(poll())), None);
}

#[test]
fn only_a_definite_no_is_taken_for_one() {
    let rows = [
        (None, Outcome::Unknown),
        (Some(400), Outcome::Refused),
        (Some(403), Outcome::Refused),
        (Some(404), Outcome::Refused),
        (Some(408), Outcome::Unknown),
        (Some(409), Outcome::Refused),
        (Some(429), Outcome::Refused),
        (Some(499), Outcome::Unknown),
        (Some(500), Outcome::Unknown),
        (Some(503), Outcome::Unknown),
        (Some(200), Outcome::Unknown),
    ];
    for (status, outcome) in rows {
        let problem = Problem {
            http_status: status,
            ..trouble(Reason::AzureUnavailable)
        };
        assert_eq!(Outcome::of(&problem), outcome, "{status:?}");
    }
}

#[test]
fn an_operation_that_has_ended_is_forgotten_at_once_and_one_that_runs_is_not() {
    assert_eq!(polled(under_way(), &Polled::Running(None)), under_way());
    assert_eq!(polled(under_way(), &Polled::Ended), None);
    let failed = Polled::Failed(trouble(Reason::OperationFailed));
    assert_eq!(polled(under_way(), &failed), under_way());
}

#[test]
fn a_failed_operation_is_forgotten_at_the_end_of_the_round_that_tells_of_it() {
    let failed = Polled::Failed(trouble(Reason::OperationFailed));
    let over = |stands| over(under_way().as_ref(), stands, false, at(11));
    assert_eq!(over(Some(&failed)), None);
    assert_eq!(over(None), under_way(), "nobody has asked");
}

#[test]
fn what_became_of_a_note_is_known_until_the_status_tells() {
    let became = |operation| Became {
        note: first(),
        operation,
    };
    assert_eq!(recalled(Some(first()), None), Some(first()));
    let done = became(None);
    assert_eq!(recalled(Some(first()), Some(&done)), None);
    let taken_on = became(under_way());
    assert_eq!(recalled(Some(first()), Some(&taken_on)), under_way());
    // Another note is another write.
    assert_eq!(recalled(under_way(), Some(&done)), under_way());
    assert_eq!(recalled(None, Some(&done)), None);
}

#[test]
fn a_note_of_unknown_outcome_goes_with_a_look_after_its_deadline() {
    let kept = |looked, now| over(Some(&first()), None, looked, at(now)).is_some();
    assert!(kept(true, 69));
    assert!(!kept(true, 70));
    assert!(kept(false, 1000), "nothing was seen since");
    // What Azure has taken on has no deadline.
    let under_way = under_way();
    let late = over(under_way.as_ref(), None, true, at(1000));
    assert_eq!(late, under_way);
}

#[test]
fn a_write_that_is_repeated_stays_noted_until_the_first_one_can_do_nothing_any_more() {
    let again = |now| noted(Some(&first()), begun("CreateVault", 3, "epoch", at(now)));
    let repeated = again(30);
    assert_eq!((repeated.since.0, repeated.deadline.0), (at(10), at(90)));
    for outcome in [Outcome::Done, Outcome::Refused, Outcome::Unknown] {
        let left = came_to(Some(again(30)), &outcome);
        assert_eq!(left, Some(again(30)), "{outcome:?}");
    }
    let accepted = came_to(Some(again(30)), &Outcome::Accepted(poll()));
    assert_eq!(polled(accepted, &Polled::Ended), Some(again(30)));
    assert_eq!(over(Some(&again(30)), None, true, at(90)), None);
    // The first one is over, or was another kind of write.
    assert_eq!(came_to(Some(again(70)), &Outcome::Done), None);
    let other = begun("DeleteVault", 3, "epoch", at(30));
    let other = noted(Some(&first()), other);
    assert_eq!(came_to(Some(other), &Outcome::Done), None);
}

#[test]
fn a_note_of_another_term_counts_from_the_beginning_of_ours() {
    let term = |began: Option<u64>| Term {
        epoch: "8 of me".to_owned(),
        began: began.map(at),
    };
    let theirs = || Some(begun("PurgeVault", 3, "7 of them", at(500)));
    // Their clock went ahead of ours, or behind: ours counts.
    for began in [0, 5000] {
        let note = inherited(theirs(), &term(Some(began))).unwrap();
        assert_eq!(note.deadline.0, after(at(began), WINDOW));
        assert_eq!((note.epoch.as_str(), note.since.0), ("7 of them", at(500)));
    }
    let ours = || Some(begun("PurgeVault", 3, "8 of me", at(500)));
    assert_eq!(inherited(ours(), &term(Some(100))), ours());
    assert_eq!(
        inherited(theirs(), &term(None)),
        theirs(),
        "nobody else writes"
    );
}

#[test]
fn an_operation_that_azure_tells_of_is_not_waited_for() {
    let theirs = Note {
        poll: Some(poll()),
        ..begun("CreateVault", 3, "7 of them", at(0))
    };
    let term = Term {
        epoch: "8 of me".to_owned(),
        began: Some(at(100)),
    };
    let note = inherited(Some(theirs.clone()), &term);
    assert_eq!(note, Some(theirs));
}
