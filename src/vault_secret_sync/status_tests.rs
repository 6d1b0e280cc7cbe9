use super::*;
use crate::retry::Retry;
use crate::vault_secret_sync::fixtures::sync;
use crate::vault_secret_sync::valid::parse;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn key(name: &str, version: Option<&str>, reason: Option<Reason>) -> KeyPlan {
    KeyPlan {
        key: name.to_owned(),
        item: 0,
        object: "o".to_owned(),
        version: version.map(str::to_owned),
        held: None,
        times: None,
        note: None,
        problem: reason.map(|reason| Problem::new(reason, Retry::Backoff, format!("why {reason}"))),
    }
}

fn looked(
    old: &VaultSecretSyncStatus,
    keys: &[KeyPlan],
    problem: Option<&Problem>,
    now: i64,
) -> VaultSecretSyncStatus {
    let valid = parse(&sync()).unwrap();
    let look = Look {
        keys: Some(keys),
        told: &[],
        problem,
        wrote: false,
        looked: Some(at(now)),
        next: Some(at(now + 300)),
    };
    status(old, Some(1), Some(&valid), &look, at(now))
}

fn says(status: &VaultSecretSyncStatus, type_: &str) -> (String, String) {
    let condition = conditions::find(&status.conditions, type_).unwrap();
    (condition.status.clone(), condition.reason.clone())
}

fn pair(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

#[test]
fn all_is_well_when_every_key_is_up_to_date() {
    let good = looked(
        &VaultSecretSyncStatus::default(),
        &[key("A", Some("1"), None), key("B", Some("2"), None)],
        None,
        0,
    );
    assert_eq!(says(&good, "Ready"), pair("True", "AllKeysPresent"));
    assert_eq!(says(&good, "Synced"), pair("True", "UpToDate"));
    assert_eq!(says(&good, "Degraded"), pair("False", "Healthy"));
    assert_eq!(good.summary.as_deref(), Some("2/2"));
    assert_eq!(good.target.unwrap().name, "app");
}

#[test]
fn a_secret_that_is_whole_stays_ready_while_its_vault_is_in_trouble() {
    let keys = [
        key("A", Some("1"), Some(Reason::TimedOut)),
        key("B", Some("2"), None),
    ];
    let bad = looked(&VaultSecretSyncStatus::default(), &keys, None, 0);
    assert_eq!(says(&bad, "Ready"), pair("True", "AllKeysPresent"));
    assert_eq!(says(&bad, "Synced"), pair("False", "TimedOut"));
    assert_eq!(says(&bad, "Degraded"), pair("True", "TimedOut"));
    assert_eq!(bad.keys[0].error.as_ref().unwrap().reason, "TimedOut");
}

#[test]
fn a_missing_key_is_named() {
    let keys = [
        key("A", Some("1"), None),
        key("B", None, Some(Reason::ObjectNotFound)),
    ];
    let bad = looked(&VaultSecretSyncStatus::default(), &keys, None, 0);
    assert_eq!(says(&bad, "Ready"), pair("False", "ObjectNotFound"));
    assert!(
        conditions::find(&bad.conditions, "Ready")
            .unwrap()
            .message
            .contains("no value for B")
    );
    assert_eq!(bad.summary.as_deref(), Some("1/2"));
}

#[test]
fn waiting_is_not_an_error() {
    let waits = Problem::new(Reason::TargetNotFound, Retry::Backoff, "not yet");
    let waiting = looked(
        &VaultSecretSyncStatus::default(),
        &[key("A", None, None)],
        Some(&waits),
        0,
    );
    assert_eq!(says(&waiting, "Synced"), pair("Unknown", "TargetNotFound"));
    assert_eq!(says(&waiting, "Degraded"), pair("False", "Healthy"));
    assert_eq!(says(&waiting, "Ready"), pair("False", "TargetNotFound"));
}

#[test]
fn times_alone_are_not_written() {
    let keys = [key("A", Some("1"), None)];
    let first = looked(&VaultSecretSyncStatus::default(), &keys, None, 0);
    assert!(differs(&VaultSecretSyncStatus::default(), &first, None));
    let second = looked(&first, &keys, None, 300);
    assert_ne!(first, second);
    assert!(!differs(&first, &second, None));
    let changed = looked(&first, &[key("A", Some("2"), None)], None, 300);
    assert!(differs(&first, &changed, None));
    // But for a heartbeat, which says now and then that looks happen.
    let hour = Some(Duration::from_hours(1));
    assert!(!differs(&first, &second, hour));
    assert!(differs(&first, &looked(&first, &keys, None, 3300), hour));
}

#[test]
fn a_spec_that_cannot_be_parsed_leaves_the_keys_alone() {
    let first = looked(
        &VaultSecretSyncStatus::default(),
        &[key("A", Some("1"), None)],
        None,
        0,
    );
    let invalid = Problem::new(Reason::InvalidSpec, Retry::OnChange, "spec.x");
    let look = Look {
        looked: None,
        keys: None,
        told: &[],
        problem: Some(&invalid),
        wrote: false,
        next: None,
    };
    let second = status(&first, Some(2), None, &look, at(1));
    assert_eq!(
        (second.keys, second.target, second.summary),
        (first.keys, first.target, first.summary)
    );
    assert_eq!(second.observed_generation, Some(2));
}

#[test]
fn a_secret_that_moves_is_the_old_one_until_the_new_one_is_whole() {
    let whole = [key("A", Some("1"), None), key("B", Some("2"), None)];
    let first = looked(&VaultSecretSyncStatus::default(), &whole, None, 0);
    let moved = parse(&crate::vault_secret_sync::fixtures::sync_with(|spec| {
        spec["target"] = serde_json::json!({"name": "moved"});
    }))
    .unwrap();
    let named = |old: &VaultSecretSyncStatus, keys: &[KeyPlan]| {
        let look = Look {
            looked: None,
            keys: Some(keys),
            told: &[],
            problem: None,
            wrote: true,
            next: None,
        };
        status(old, Some(2), Some(&moved), &look, at(1))
            .target
            .unwrap()
            .name
    };
    let part = [
        key("A", Some("1"), None),
        key("B", None, Some(Reason::ObjectDisabled)),
    ];
    assert_eq!(named(&first, &part), "app");
    assert_eq!(named(&first, &whole), "moved");
    assert_eq!(
        named(&VaultSecretSyncStatus::default(), &part),
        "moved",
        "a first Secret is named as soon as it is there"
    );
}

#[test]
fn a_suspended_sync_says_so_and_changes_nothing_else() {
    let first = looked(
        &VaultSecretSyncStatus::default(),
        &[key("A", Some("1"), None)],
        None,
        0,
    );
    let rests = suspended(&first, Some(2), at(1));
    assert_eq!(says(&rests, "Synced"), pair("Unknown", "Suspended"));
    assert_eq!(says(&rests, "Ready"), pair("True", "AllKeysPresent"));
    assert_eq!(rests.keys, first.keys);
}

#[test]
fn what_waits_hides_nothing_that_has_failed() {
    let keys = [
        key("A", Some("1"), Some(Reason::WaitingForVault)),
        key("B", Some("2"), Some(Reason::Forbidden)),
    ];
    let bad = looked(&VaultSecretSyncStatus::default(), &keys, None, 0);
    assert_eq!(says(&bad, "Synced"), pair("False", "Forbidden"));
    let synced = conditions::find(&bad.conditions, "Synced").unwrap();
    assert_eq!(synced.message, "B: why Forbidden; also A (WaitingForVault)");
    let waiting = looked(&bad, &keys[..1], None, 1);
    assert_eq!(says(&waiting, "Synced"), pair("Unknown", "WaitingForVault"));
    assert_eq!(says(&waiting, "Degraded"), pair("False", "Healthy"));
    assert_eq!(waiting.keys[0].note.as_deref(), Some("why WaitingForVault"));
}

#[test]
fn a_key_vault_that_is_on_its_way_out_is_told_although_all_is_well() {
    let mut valid = parse(&sync()).unwrap();
    valid.referred.leaving.insert("kv-payments".to_owned());
    let look = Look {
        keys: Some(&[key("A", Some("1"), None)]),
        told: &[],
        problem: None,
        wrote: false,
        looked: None,
        next: None,
    };
    let status = status(
        &VaultSecretSyncStatus::default(),
        Some(1),
        Some(&valid),
        &look,
        at(0),
    );
    assert_eq!(says(&status, "Synced"), pair("True", "UpToDate"));
    let synced = conditions::find(&status.conditions, "Synced").unwrap();
    assert!(
        synced.message.contains("KeyVault kv-payments"),
        "{synced:?}"
    );
}
