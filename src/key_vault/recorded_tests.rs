use super::*;
use crate::azure_resource::api::RoleAssignmentStatus;
use crate::azure_resource::note::begun;
use crate::key_vault::recorded::kept;

#[test]
fn what_is_kept_comes_back_from_a_status() {
    let mut record = Round::applied(json!({
        "tags": { "team": "pay" }, "authorization": "AccessPolicies",
        "accessPolicies": [{ "objectId": ALICE, "secrets": ["get"] }],
    }))
    .case
    .record;
    record.operation = Some(begun("CreateVault", 1, "epoch", at(0)));
    record.roles = vec![RoleAssignmentStatus {
        id: "/x".to_owned(),
        principal_id: ALICE.to_owned(),
        role: "Reader".to_owned(),
    }];
    record.to_purge = Some(at(3));
    assert_eq!(record.set.policies, named(&[ALICE]));
    let mut status = KeyVaultStatus::default();
    keep(&mut status, &record);
    assert_eq!(kept(&status), record);
}

#[test]
fn a_spec_counts_as_written_when_nothing_is_left_to_write() {
    let premium = json!({ "sku": "Premium", "softDeleteRetentionDays": 7 });
    let mut stuck = Case::new(json!({ "sku": "Premium" })).vault();
    stuck.retention = Some(90);
    let standard = Case::new(json!({})).vault();
    let rows = [
        (stuck.clone(), false, false, Some(1)),
        (stuck.clone(), true, false, None),
        (stuck, false, true, None),
        (standard, false, false, None),
    ];
    for (vault, problem, dry, expected) in rows {
        let mut round = Round::new(premium.clone());
        round.seen = sees(Some(vault));
        round.problem = problem.then(|| fault(Reason::Throttled));
        assert_eq!(round.recorded(dry).applied, expected, "{problem} {dry}");
    }
}

#[test]
fn names_of_what_was_set_go_only_with_what_was_set() {
    let mut round = Round::new(json!({ "tags": { "new": "x" } }));
    round.case.record.set.tags = named(&["old"]);
    let mut vault = round.case.vault();
    assert_eq!(round.recorded(false).set.tags, named(&["new"]));
    vault.tags.insert("old".to_owned(), "y".to_owned());
    round.seen = sees(Some(vault.clone()));
    assert_eq!(round.recorded(false).set.tags, named(&["new", "old"]));
    // What is not there was never set.
    vault.tags.insert("new".to_owned(), "theirs".to_owned());
    round.seen = sees(Some(vault));
    assert_eq!(round.recorded(false).set.tags, named(&["old"]));
    assert_eq!(
        round.recorded(true).set.tags,
        named(&["old"]),
        "nothing was written"
    );
}

#[test]
fn policies_count_as_set_once_they_are_there() {
    let mut round = Round::new(json!({
        "authorization": "AccessPolicies",
        "accessPolicies": [{ "objectId": ALICE, "secrets": ["get"] }, { "objectId": BOB, "secrets": ["get"] }],
    }));
    let mut vault = round.case.vault();
    vault.policies = policies(&[(ALICE, &["get"]), (BOB, &["list"])]);
    round.seen = sees(Some(vault));
    assert_eq!(round.recorded(false).set.policies, named(&[ALICE]));
}

#[test]
fn nothing_is_recorded_of_a_vault_that_was_not_taken() {
    for owner in [BEFORE, None, FOREIGN] {
        let mut round = Round::new(json!({ "tags": { "a": "b" } }));
        round.seen = sees(Some(owned(round.case.vault(), owner)));
        assert_eq!(round.recorded(false), Record::default(), "{owner:?}");
        // Observing takes nothing, but it knows what it observes.
        let mut observes = Round::new(json!({ "mode": "Observe" }));
        observes.seen = round.seen;
        let record = observes.recorded(true);
        assert_eq!((record.azure_id.is_some(), record.applied), (true, None));
    }
}

#[test]
fn a_failed_operation_is_recorded_as_over() {
    let mut round = Round::new(json!({})).fails(Reason::OperationFailed);
    round.case = round.case.begins("CreateVault");
    round.seen = Seen {
        operation: Some(Polled::Failed(fault(Reason::OperationFailed))),
        ..Seen::default()
    };
    assert_eq!(round.recorded(false).operation, None);
}
