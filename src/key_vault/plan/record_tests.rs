use super::*;
use crate::azure::arm::Form;
use crate::key_vault::plan::fixtures::{at, sees, trouble};
use crate::problem::Reason;

fn first() -> Record {
    Record {
        azure_id: Some("/id".to_owned()),
        operation: Some(begun("CreateVault", 3, "epoch", at(10))),
        ..Record::default()
    }
}

fn poll() -> Poll {
    Poll {
        form: Form::Location,
        url: "https://management.example.net/x".to_owned(),
    }
}

fn under_way() -> Record {
    came_to(&first(), &Outcome::Accepted(poll()))
}

#[test]
fn a_note_says_what_is_done_for_which_spec_by_whom_and_until_when_it_may_take_effect() {
    let note = first().operation.unwrap();
    assert_eq!(
        (note.step.as_str(), note.generation, note.epoch.as_str()),
        ("CreateVault", 3, "epoch")
    );
    assert_eq!((note.since.0, note.deadline.0), (at(10), at(70)));
    assert_eq!(note.poll, None);
}

#[test]
fn an_answer_ends_a_note_or_tells_where_to_ask() {
    let none = Record {
        operation: None,
        ..first()
    };
    assert_eq!(came_to(&first(), &Outcome::Done), none);
    assert_eq!(came_to(&first(), &Outcome::Refused), none);
    assert_eq!(came_to(&first(), &Outcome::Unknown), first());
    assert_eq!(under_way().operation.unwrap().poll, Some(poll()));
    // A write that was not noted leaves nothing to ask about.
    assert_eq!(came_to(&none, &Outcome::Accepted(poll())), none);
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
    assert_eq!(polled(&under_way(), &Polled::Running(None)), under_way());
    assert_eq!(polled(&under_way(), &Polled::Ended).operation, None);
    let failed = Polled::Failed(trouble(Reason::OperationFailed));
    assert_eq!(polled(&under_way(), &failed), under_way());
}

#[test]
fn a_failed_operation_is_forgotten_at_the_end_of_the_round_that_tells_of_it() {
    let seen = Seen {
        operation: Some(Polled::Failed(trouble(Reason::OperationFailed))),
        ..Seen::default()
    };
    assert_eq!(over(&under_way(), &seen, at(11)).operation, None);
    assert_eq!(
        over(&under_way(), &Seen::default(), at(11)),
        under_way(),
        "nobody has asked"
    );
}

#[test]
fn what_became_of_a_note_is_known_until_the_status_tells() {
    let became = |operation| Became {
        note: first().operation.unwrap(),
        operation,
    };
    assert_eq!(recalled(first(), None), first());
    let done = became(None);
    assert_eq!(recalled(first(), Some(&done)).operation, None);
    let taken_on = became(under_way().operation);
    assert_eq!(recalled(first(), Some(&taken_on)), under_way());
    // Another note is another write.
    assert_eq!(recalled(under_way(), Some(&done)), under_way());
    assert_eq!(recalled(Record::default(), Some(&done)), Record::default());
}

#[test]
fn a_note_of_unknown_outcome_goes_with_a_look_after_its_deadline() {
    let kept = |seen: &Seen, now| over(&first(), seen, at(now)).operation.is_some();
    assert!(kept(&sees(None), 69));
    assert!(!kept(&sees(None), 70));
    assert!(kept(&Seen::default(), 1000), "nothing was seen since");
    // What Azure has taken on has no deadline.
    assert_eq!(over(&under_way(), &sees(None), at(1000)), under_way());
}

#[test]
fn a_write_that_is_repeated_stays_noted_until_the_first_one_can_do_nothing_any_more() {
    let again = |now| super::noted(&first(), begun("CreateVault", 3, "epoch", at(now)));
    let repeated = again(30).operation.unwrap();
    assert_eq!((repeated.since.0, repeated.deadline.0), (at(10), at(90)));
    for outcome in [Outcome::Done, Outcome::Refused, Outcome::Unknown] {
        assert_eq!(came_to(&again(30), &outcome), again(30), "{outcome:?}");
    }
    let accepted = came_to(&again(30), &Outcome::Accepted(poll()));
    assert_eq!(polled(&accepted, &Polled::Ended), again(30));
    assert_eq!(over(&again(30), &sees(None), at(90)).operation, None);
    // The first one is over, or was another kind of write.
    assert_eq!(came_to(&again(70), &Outcome::Done).operation, None);
    let other = begun("DeleteVault", 3, "epoch", at(30));
    let other = super::noted(&first(), other);
    assert_eq!(came_to(&other, &Outcome::Done).operation, None);
}
