use jiff::Timestamp;

use super::*;
use crate::k8s::conditions::set;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn says(type_: &'static str, status: Option<bool>, reason: &'static str) -> Says {
    Says {
        type_,
        status,
        reason,
        message: format!("why {reason}"),
    }
}

/// Conditions after looks at a spec: its generation, and what each look said of `Synced` and `Ready`.
fn after(looks: &[(i64, Option<bool>, &'static str, bool)]) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (generation, synced, reason, ready) in looks {
        let both = vec![
            says("Ready", Some(*ready), reason),
            says("Synced", *synced, reason),
        ];
        conditions = set(&conditions, both, Some(*generation), NOW);
    }
    conditions
}

/// What is told of the pace: its condition and reason.
fn told(conditions: &[Condition]) -> Option<(&str, &str)> {
    let ours = [RECONCILING, STALLED];
    let mut ours = ours.iter().filter_map(|type_| find(conditions, type_));
    let first = ours.next().map(|one| {
        assert_eq!(one.status, "True");
        (one.type_.as_str(), one.reason.as_str())
    });
    assert_eq!(ours.next(), None, "never both");
    first
}

const GOOD: (i64, Option<bool>, &str, bool) = (1, Some(true), "UpToDate", true);

#[test]
fn what_is_as_declared_has_neither() {
    assert_eq!(told(&after(&[GOOD])), None);
}

#[test]
fn what_may_pass_is_under_way_until_the_spec_was_carried_out_once() {
    let throttled = (1, Some(false), "Throttled", false);
    assert_eq!(
        told(&after(&[throttled])),
        Some(("Reconciling", "Throttled"))
    );
    let again = after(&[throttled, throttled, throttled]);
    assert_eq!(told(&again), Some(("Reconciling", "Throttled")));
    assert_eq!(told(&after(&[throttled, GOOD])), None);
    assert_eq!(told(&after(&[throttled, GOOD, throttled])), None);
}

#[test]
fn a_changed_spec_is_under_way_although_the_object_can_be_used() {
    let changed = (2, Some(false), "OperationUnderWay", true);
    let seen = after(&[GOOD, changed]);
    assert_eq!(told(&seen), Some(("Reconciling", "OperationUnderWay")));
    let busy = after(&[GOOD, changed, (2, Some(false), "AzureBusy", true)]);
    assert_eq!(told(&busy), Some(("Reconciling", "AzureBusy")));
    assert_eq!(
        told(&after(&[
            GOOD,
            changed,
            (2, Some(true), "AsDeclared", true)
        ])),
        None
    );
}

#[test]
fn what_waits_for_others_is_under_way_and_has_not_failed() {
    for reason in ["IdentityNotFound", "CredentialNotFound", "Forbidden"] {
        let seen = after(&[(1, Some(false), reason, false)]);
        assert_eq!(told(&seen), Some(("Reconciling", reason)));
    }
    let waits = after(&[(1, None, "WaitingForVault", false)]);
    assert_eq!(told(&waits), Some(("Reconciling", "WaitingForVault")));
}

#[test]
fn what_somebody_must_mend_stalls_at_any_time_and_says_why() {
    let invalid = (1, Some(false), "InvalidSpec", false);
    assert_eq!(told(&after(&[invalid])), Some(("Stalled", "InvalidSpec")));
    let expired = (1, Some(false), "ClientSecretExpired", true);
    let seen = after(&[GOOD, expired]);
    assert_eq!(told(&seen), Some(("Stalled", "ClientSecretExpired")));
    let why = find(&seen, STALLED).unwrap();
    assert_eq!(why.message, "why ClientSecretExpired");
    assert_eq!(told(&after(&[GOOD, expired, GOOD])), None);
    let mended = after(&[invalid, (2, Some(false), "Throttled", false)]);
    assert_eq!(told(&mended), Some(("Reconciling", "Throttled")));
}

#[test]
fn what_rests_as_its_spec_says_has_neither() {
    let pending = (1, Some(false), "Throttled", false);
    for reason in RESTS {
        assert_eq!(told(&after(&[pending, (2, None, reason, false)])), None);
    }
}

#[test]
fn a_push_counts_as_the_rest_does() {
    let synced = after(&[GOOD]);
    let pushed = |old: &[Condition], status, reason| {
        set(old, vec![says("Pushed", status, reason)], Some(1), NOW)
    };
    let pending = pushed(&synced, None, "Pending");
    assert_eq!(told(&pending), Some(("Reconciling", "Pending")));
    let refused = pushed(&pending, Some(false), "PushNotAllowed");
    assert_eq!(told(&refused), Some(("Stalled", "PushNotAllowed")));
    assert_eq!(told(&pushed(&refused, Some(true), "UpToDate")), None);
}

#[test]
fn a_look_that_says_the_same_changes_nothing() {
    let throttled = (1, Some(false), "Throttled", false);
    let once = after(&[throttled]);
    let mut again = after(&[throttled, throttled]);
    again.sort_by_key(|one| one.type_.clone());
    let mut sorted = once.clone();
    sorted.sort_by_key(|one| one.type_.clone());
    assert_eq!(again, sorted);
    assert_eq!(again.len(), 3);
}

#[test]
fn no_reason_that_waits_stalls() {
    let waits = crate::vault_secret_sync::status::waits;
    assert!(STALLS.iter().all(|reason| !waits(*reason)));
    let once = |one: &Reason| STALLS.iter().filter(|other| *other == one).count() == 1;
    assert!(STALLS.iter().all(once));
}
