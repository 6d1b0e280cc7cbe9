use super::*;
use crate::azure::arm::Form;
use crate::key_vault::plan::fixtures::{at, sees, trouble};
use crate::problem::Reason;

fn noted() -> Record {
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
    came_to(&noted(), &Outcome::Accepted(poll()))
}

#[test]
fn a_note_says_what_is_done_for_which_spec_by_whom_and_until_when_it_may_take_effect() {
    let note = noted().operation.unwrap();
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
        ..noted()
    };
    assert_eq!(came_to(&noted(), &Outcome::Done), none);
    assert_eq!(came_to(&noted(), &Outcome::Refused), none);
    assert_eq!(came_to(&noted(), &Outcome::Unknown), noted());
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
fn a_note_of_unknown_outcome_goes_with_a_look_after_its_deadline() {
    let kept = |seen: &Seen, now| over(&noted(), seen, at(now)).operation.is_some();
    assert!(kept(&sees(None), 69));
    assert!(!kept(&sees(None), 70));
    assert!(kept(&Seen::default(), 1000), "nothing was seen since");
    // What Azure has taken on has no deadline.
    assert_eq!(over(&under_way(), &sees(None), at(1000)), under_way());
}
