use std::time::Duration;

use serde_json::json;

use super::says;
use crate::azure::arm::{Form, Poll};
use crate::azure_resource::note::{Outcome, Polled, came_to};
use crate::key_vault::plan::fixtures::*;
use crate::key_vault::plan::*;
use crate::key_vault::vault::Vault;
use crate::problem::Reason;

/// What a write of unknown outcome lets happen before and after it can take no effect any more.
#[test]
fn a_write_of_unknown_outcome_holds_up_every_other() {
    let differs = |case: &Case| Vault {
        settings: Case::new(json!({ "sku": "Premium" })).vault().settings,
        ..case.vault()
    };
    let kept = Case::new(json!({ "sku": "Standard", "onSoftDeleted": "Recover" }));
    let leaves = Case::leaving(json!({ "deletionPolicy": "Delete" }));
    let wait = "wait OperationUnderWay";
    let rows: Vec<(&Case, &str, Seen, &str)> = vec![
        (&kept, "CreateVault", sees(Some(differs(&kept))), wait),
        (&kept, "DeleteVault", free(), wait),
        (&kept, "PurgeVault", free(), wait),
        (&kept, "CreateVault", soft(kept.deleted()), wait),
        (&kept, "RecoverVault", free(), wait),
        (&kept, "CreateVault", sees(Some(kept.vault())), "rest"),
        (&leaves, "CreateVault", sees(None), wait),
        (&leaves, "CreateVault", sees(Some(leaves.vault())), wait),
        // What destroys is never repeated while it may still come.
        (&leaves, "DeleteVault", sees(Some(leaves.vault())), wait),
        (&leaves, "DeleteVault", sees(None), wait),
    ];
    for (case, step, seen, expected) in rows {
        let mut case = case.clone().begins(step);
        assert_eq!(says(&case, &seen), expected, "{step} {seen:?}");
        case.now = at(60);
        assert_ne!(says(&case, &seen), wait, "{step} {seen:?} later");
    }
}

#[test]
fn a_creation_or_recovery_of_unknown_outcome_is_repeated_for_the_same_spec_alone() {
    let spec = json!({ "onSoftDeleted": "Recover" });
    let rows = [
        ("CreateVault", free(), "create the vault"),
        (
            "RecoverVault",
            soft(Case::new(spec.clone()).deleted()),
            "recover the deleted vault",
        ),
    ];
    for (step, seen, expected) in rows {
        let mut case = Case::new(spec.clone()).begins(step);
        assert_eq!(says(&case, &seen), expected);
        case.valid.common.generation = 2;
        assert_eq!(says(&case, &seen), "wait OperationUnderWay");
    }
}

#[test]
fn an_operation_is_asked_about_before_anything_else() {
    let mut case = Case::new(json!({})).begins("CreateVault");
    let poll = Poll {
        form: Form::Location,
        url: "https://management.example.net/x".to_owned(),
    };
    let noted = case.record.operation.take();
    case.record.operation = came_to(noted, &Outcome::Accepted(poll));
    assert_eq!(says(&case, &free()), "poll");
    let asked = |polled: Polled| Seen {
        operation: Some(polled),
        ..free()
    };
    let told = case.next(&asked(Polled::Running(Some(Duration::from_secs(17)))));
    let Next::Wait(problem) = told else {
        panic!("{told:?}");
    };
    assert_eq!(
        problem.retry,
        crate::retry::Retry::After(Duration::from_secs(17))
    );
    let failed = asked(Polled::Failed(trouble(Reason::OperationFailed)));
    assert_eq!(says(&case, &failed), "wait OperationFailed");
    // The vault tells what came of it, however long ago that was begun.
    assert_eq!(says(&case, &asked(Polled::Ended)), "create the vault");
}

#[test]
fn a_vault_that_azure_has_not_finished_is_written_once_more_in_a_round() {
    let case = Case::deep(json!({}));
    for state in ["Failed", "canceled"] {
        let vault = Vault {
            state: Some(state.to_owned()),
            ..case.vault()
        };
        let mut seen = sees(Some(vault));
        assert_eq!(says(&case, &seen), "update provisioningState");
        seen.updated = true;
        let Next::Wait(problem) = case.next(&seen) else {
            panic!("it is written for ever");
        };
        assert_eq!(problem.reason, Reason::OperationFailed);
        assert!(problem.message.contains(state), "{problem:?}");
    }
    // A plan of it comes to an end.
    let observes = Case::new(json!({ "mode": "Observe" }));
    let mut seen = sees(Some(Vault {
        state: Some("Failed".to_owned()),
        ..observes.vault()
    }));
    let Next::Do(step) = observes.next(&seen) else {
        panic!("nothing is planned");
    };
    assume(&observes.inputs(), &step, &mut seen);
    assert_eq!(observes.next(&seen), Next::Rest);
}
