use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-11-22T12:00:00Z";
const BEFORE: &str = "2026-11-22T11:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": BEFORE})
}

fn standing(metadata: &Value, status: &Value) -> Standing {
    let mut all =
        json!({"name": "x", "namespace": "team", "generation": 2, "creationTimestamp": BEFORE});
    let fields = metadata.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(fields);
    let metadata: ObjectMeta = serde_json::from_value(all).unwrap();
    let told: Told = serde_json::from_value(status.clone()).unwrap();
    Standing::of("KeyVault", &metadata, &Wanted::default(), &told, now())
}

fn with(conditions: &[Value]) -> Standing {
    standing(
        &json!({}),
        &json!({"observedGeneration": 2, "conditions": conditions}),
    )
}

/// A condition alone, and how the object stands by it.
fn state(type_: &str, status: &str, reason: &str) -> State {
    with(&[condition(type_, status, reason, "m")]).state
}

#[test]
fn what_is_well_has_nothing_to_tell() {
    let well = with(&[
        condition("Ready", "True", "AllKeysPresent", "m"),
        condition("Synced", "True", "UpToDate", "m"),
        condition("Degraded", "False", "Healthy", "m"),
        condition("Expiring", "False", "NothingExpires", "m"),
        condition("Drifted", "False", "InSync", "m"),
    ]);
    assert_eq!((well.state, well.reason.as_str()), (State::Ok, "UpToDate"));
    assert!(well.findings.is_empty());
    assert_eq!(
        (well.ready.as_deref(), well.synced.as_deref()),
        (Some("True"), Some("True"))
    );
}

#[test]
fn each_condition_is_told_by_what_it_means() {
    for (type_, status, reason, expected) in [
        ("Synced", "False", "Forbidden", State::Problem),
        ("Ready", "False", "InvalidClientSecret", State::Problem),
        ("Pushed", "False", "PushNotAllowed", State::Problem),
        ("RolledOut", "False", "RolloutFailed", State::Problem),
        (
            "DataPlaneReachable",
            "False",
            "HostNotFound",
            State::Problem,
        ),
        ("Deleting", "True", "StillNamed", State::Problem),
        ("Synced", "False", "OnlyPlanned", State::Warning),
        ("Drifted", "True", "Differs", State::Warning),
        ("Expiring", "True", "ExpiresSoon", State::Warning),
        ("Discouraged", "True", "PasswordGrant", State::Warning),
        ("Retired", "True", "DataLakeStoreRetired", State::Warning),
        ("RolledOut", "Unknown", "RolloutByHand", State::Warning),
        ("Synced", "Unknown", "WaitingForVault", State::Waiting),
        ("Ready", "False", "Provisioning", State::Waiting),
        ("RolledOut", "Unknown", "RollingOut", State::Waiting),
        ("Deleting", "True", "Deleting", State::Waiting),
        ("Synced", "Unknown", "Suspended", State::Suspended),
        ("SomebodyElses", "False", "Forbidden", State::Ok),
    ] {
        assert_eq!(
            state(type_, status, reason),
            expected,
            "{type_} {status} {reason}"
        );
    }
}

#[test]
fn one_cause_is_told_once_and_the_worst_comes_first() {
    let told = with(&[
        condition("Expiring", "True", "ExpiresSoon", "soon"),
        condition(
            "Ready",
            "False",
            "Forbidden",
            "Secret x has no value for K: no role",
        ),
        condition("Synced", "False", "Forbidden", "K: no role"),
        condition(
            "Degraded",
            "True",
            "Forbidden",
            "what was synced before is kept; see condition Synced",
        ),
    ]);
    let reasons: Vec<(State, &str)> = told
        .findings
        .iter()
        .map(|finding| (finding.state, finding.reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (State::Problem, "Forbidden"),
            (State::Warning, "ExpiresSoon")
        ]
    );
    assert_eq!(
        (told.state, told.reason.as_str()),
        (State::Problem, "Forbidden")
    );
}

#[test]
fn the_mend_is_told_apart() {
    let told = with(&[condition(
        "Synced",
        "False",
        "Forbidden",
        "no role. Mend: az role assignment create",
    )]);
    let finding = &told.findings[0];
    assert_eq!(
        (finding.message.as_str(), finding.mend.as_deref()),
        ("no role.", Some("az role assignment create"))
    );
    assert_eq!(finding.since, Some(BEFORE.parse().unwrap()));
}

#[test]
fn a_spec_that_nobody_looks_at_is_a_problem_after_a_while() {
    let late = standing(&json!({}), &json!({"observedGeneration": 1}));
    assert_eq!(
        (late.state, late.reason.as_str()),
        (State::Problem, "NotSeen")
    );
    let never = standing(&json!({}), &json!({}));
    assert!(never.findings[0].message.contains("never"));

    // Somebody has just changed it; the operator's own writes of the status do not count.
    let fields = |at: &str, subresource: &str| json!({"managedFields": [{"manager": "x", "time": at, "subresource": subresource}]});
    let just = standing(&fields(NOW, ""), &json!({"observedGeneration": 1}));
    assert_eq!(
        (just.state, just.reason.as_str()),
        (State::Waiting, "Pending")
    );
    let status = standing(&fields(NOW, "status"), &json!({"observedGeneration": 1}));
    assert_eq!(status.state, State::Problem);
}

#[test]
fn what_is_being_deleted_waits() {
    let leaving = json!({"deletionTimestamp": BEFORE});
    let told = standing(&leaving, &json!({"observedGeneration": 1}));
    assert_eq!(
        (told.state, told.reason.as_str()),
        (State::Waiting, "Deleting")
    );
    let held = json!({"conditions": [condition("Deleting", "True", "ScopeLocked", "a lock")]});
    let told = standing(&leaving, &held);
    assert_eq!(
        (told.state, told.reason.as_str()),
        (State::Problem, "ScopeLocked")
    );
}
