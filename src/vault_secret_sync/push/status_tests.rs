use super::*;
use crate::retry::Retry;
use crate::vault_secret_sync::push::api::PushEntry;
use crate::vault_secret_sync::push::valid::parse;

fn pushes(policy: &str, names: &[&str]) -> Vec<Push> {
    let entries = names.iter().map(|name| {
        serde_json::json!({"from": {"secret": "local", "key": "k"}, "to": {"secret": name}, "deletionPolicy": policy})
    });
    let entries: Vec<PushEntry> =
        serde_json::from_value(entries.collect::<Vec<_>>().into()).unwrap();
    parse(&entries).unwrap()
}

fn vault() -> VaultUri {
    "https://kv.vault.azure.net".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn from(version: &str) -> PushedFrom {
    PushedFrom {
        secret: "local".to_owned(),
        uid: "s".to_owned(),
        resource_version: version.to_owned(),
        generation: 1,
    }
}

/// The records after one look with these outcomes, in the order of the jobs.
fn looked(pushes: &[Push], records: &[PushStatus], outcomes: &[Outcome]) -> Vec<PushStatus> {
    let jobs = jobs(Some(&vault()), pushes, records);
    assert_eq!(jobs.len(), outcomes.len(), "{jobs:?}");
    let pairs = jobs.iter().zip(outcomes);
    pairs
        .filter_map(|(job, outcome)| record(job, outcome, 1, at(5)))
        .collect()
}

fn wrote(version: &str) -> Outcome {
    Outcome::Wrote(PushStep::Set, version.to_owned(), from("7"))
}

fn failed() -> Outcome {
    Outcome::Failed(Problem::new(Reason::Forbidden, Retry::Backoff, "why"))
}

fn said(records: &[PushStatus]) -> (String, String) {
    let conditions = conditions(&[], records, Some(1), at(5));
    let pushed = conditions::find(&conditions, PUSHED).unwrap();
    (pushed.status.clone(), pushed.reason.clone())
}

fn pair(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

#[test]
fn the_intent_is_recorded_before_and_cleared_after() {
    let db = pushes("Retain", &["db"]);
    let before = looked(&db, &[], &[Outcome::Needs(PushStep::Set)]);
    let operation = before[0].operation.as_ref().unwrap();
    assert_eq!((operation.step, operation.generation), (PushStep::Set, 1));
    assert_eq!(said(&before), pair("Unknown", "Pending"));
    let failed = looked(&db, &before, &[failed()]);
    assert!(failed[0].operation.is_some(), "the vault may have done it");
    let done = looked(&db, &failed, &[wrote("1")]);
    assert_eq!(done[0].operation, None);
    assert_eq!(done[0].version.as_deref(), Some("1"));
    assert_eq!(done[0].source, Some(from("7")));
    assert_eq!(said(&done), pair("True", "UpToDate"));
}

#[test]
fn a_look_that_finds_nothing_to_do_changes_nothing() {
    let db = pushes("Retain", &["db"]);
    let first = looked(&db, &[], &[wrote("1")]);
    let second = looked(&db, &first, &[Outcome::Same("1".to_owned(), None)]);
    assert_eq!(first, second);
}

#[test]
fn one_failure_is_told_and_the_others_go_on() {
    let both = pushes("Retain", &["a", "b"]);
    let records = looked(&both, &[], &[failed(), wrote("1")]);
    assert_eq!(said(&records), pair("False", "Forbidden"));
    assert_eq!(records[1].version.as_deref(), Some("1"));
}

#[test]
fn what_is_not_pushed_any_more_goes_only_where_it_shall() {
    for (policy, left) in [("Retain", 0), ("Delete", 1)] {
        let records = looked(&pushes(policy, &["DB"]), &[], &[wrote("1")]);
        let jobs = jobs(Some(&vault()), &[], &records);
        assert_eq!(jobs.len(), left, "{policy}");
    }
    let records = looked(&pushes("Delete", &["db"]), &[], &[wrote("1")]);
    let gone = looked(&[], &records, &[Outcome::Gone]);
    assert_eq!(gone, []);
    assert_eq!(conditions(&[], &gone, Some(1), at(5)), []);
}

#[test]
fn an_object_that_may_have_been_made_is_deleted_too() {
    let db = pushes("Delete", &["db"]);
    let intended = looked(&db, &[], &[Outcome::Needs(PushStep::Set)]);
    assert_eq!(jobs(Some(&vault()), &[], &intended).len(), 1);
    let refused = looked(&db, &[], &[failed()]);
    assert_eq!(jobs(Some(&vault()), &[], &refused).len(), 0);
}

#[test]
fn another_vault_is_another_object() {
    let db = pushes("Delete", &["db"]);
    let records = looked(&db, &[], &[wrote("1")]);
    let elsewhere = "https://other.vault.azure.net".parse().unwrap();
    let jobs = jobs(Some(&elsewhere), &db, &records);
    let shown: Vec<_> = jobs
        .iter()
        .map(|job| (job.vault.origin(), job.push.is_some(), job.record.is_some()))
        .collect();
    let expected = [
        ("https://other.vault.azure.net", true, false),
        ("https://kv.vault.azure.net", false, true),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_deletion_waits_for_a_vault_but_neither_for_ever_nor_for_an_identity_that_is_gone() {
    let db = pushes("Delete", &["db"]);
    let records = looked(&db, &[], &[wrote("1")]);
    let away = looked(&db, &records, &[failed()]);
    assert_eq!(waits_until(at(1000), &away), Some(at(1120)));
    let gone = Problem::new(Reason::IdentityNotFound, Retry::OnChange, "why");
    let gone = looked(&db, &records, &[Outcome::Failed(gone)]);
    assert_eq!(waits_until(at(1000), &gone), None);
}

#[test]
fn while_the_vault_is_waited_for_nothing_is_said_to_be_wrong_or_right() {
    let wrong = conditions(
        &[],
        &looked(&pushes("Delete", &["a"]), &[], &[failed()]),
        Some(1),
        at(5),
    );
    let problem = Problem::new(Reason::WaitingForVault, Retry::OnChange, "why");
    let waits = waiting(&wrong, &problem, Some(2), at(6));
    let pushed = conditions::find(&waits, PUSHED).unwrap();
    let said = (pushed.status.as_str(), pushed.reason.as_str());
    assert_eq!(said, ("Unknown", "WaitingForVault"));
    let told = conditions::find(&waits, "Reconciling").unwrap();
    assert_eq!(told.reason, "WaitingForVault");
    assert_eq!(waits.len(), 2);
}

#[test]
fn a_push_that_is_taken_out_of_the_spec_stalls_nothing_any_more() {
    let wrong = Condition {
        reason: "PushNotAllowed".to_owned(),
        ..conditions::find(
            &conditions(
                &[],
                &looked(&pushes("Delete", &["a"]), &[], &[failed()]),
                Some(1),
                at(5),
            ),
            PUSHED,
        )
        .unwrap()
        .clone()
    };
    let stalled = conditions::set(&[wrong], Vec::new(), Some(1), at(6));
    assert!(conditions::is_true(&stalled, "Stalled"));
    assert_eq!(conditions(&stalled, &[], Some(2), at(7)), []);
}
