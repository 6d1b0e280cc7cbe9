use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn with(states: &[(&str, WorkloadState)]) -> RolloutStatus {
    let rows = states
        .iter()
        .map(|(name, state)| row(WorkloadKind::Deployment, name, *state, None, None));
    RolloutStatus {
        digest: "1-a".to_owned(),
        workloads: rows.collect(),
        ..RolloutStatus::default()
    }
}

fn word(states: &[(&str, WorkloadState)]) -> (Option<bool>, &'static str) {
    let says = says(&with(states));
    (says.status, says.reason)
}

#[test]
fn the_first_sync_has_rolled_out_nothing() {
    assert_eq!(word(&[]), (Some(true), "NothingToRollOut"));
}

#[test]
fn what_needs_somebody_is_told_first_and_the_others_beside_it() {
    use WorkloadState::{Failed, Paused, RolledOut, RollingOut};
    assert_eq!(word(&[("a", RolledOut)]), (Some(true), "RolledOut"));
    assert_eq!(
        word(&[("a", RolledOut), ("b", RollingOut)]),
        (None, "RollingOut")
    );
    assert_eq!(
        word(&[("a", RollingOut), ("b", Paused)]),
        (None, "RolloutPaused")
    );
    let states = [("a", RolledOut), ("b", RollingOut), ("c", Failed)];
    assert_eq!(word(&states), (Some(false), "RolloutFailed"));
    let message = says(&with(&states)).message;
    assert!(
        message.starts_with("Deployment c:") && message.contains("Deployment b:"),
        "{message}"
    );
    assert!(!message.contains("Deployment a"), "{message}");
}

#[test]
fn a_message_has_an_end() {
    let names: Vec<String> = (0..100)
        .map(|n| format!("{n}-{}", "x".repeat(200)))
        .collect();
    let states: Vec<(&str, WorkloadState)> = names
        .iter()
        .map(|name| (name.as_str(), WorkloadState::RollingOut))
        .collect();
    assert_eq!(
        says(&with(&states)).message.chars().count(),
        LONGEST_MESSAGE
    );
}

#[test]
fn without_rollouts_nothing_is_said_of_them() {
    let old = told(
        VaultSecretSyncStatus::default(),
        Some(with(&[])),
        Some(1),
        at(0),
    );
    assert!(conditions::is_true(&old.conditions, CONDITION));
    let new = told(old, None, Some(2), at(1));
    assert_eq!(new, VaultSecretSyncStatus::default());
}

#[test]
fn what_stands_still_for_longer_than_its_patience_has_stalled() {
    let object = serde_json::json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "generation": 1}, "spec": {}
    });
    let object = serde_json::from_value(object).unwrap();
    let workload = super::super::workload::read(WorkloadKind::StatefulSet, "a", &object);
    let (state, _) = judged("team", &workload, at(0), at(599));
    assert_eq!(state, WorkloadState::RollingOut);
    let (state, message) = judged("team", &workload, at(0), at(600));
    assert_eq!(state, WorkloadState::Stalled);
    let message = message.unwrap();
    assert!(
        message.contains("10 minutes")
            && message.contains("kubectl -n team describe statefulset db"),
        "{message}"
    );
}

#[test]
fn a_missing_right_is_told_with_what_grants_it() {
    let problem = Problem::new(
        Reason::KubernetesForbidden,
        crate::retry::Retry::Backoff,
        "the operator may not patch Deployment team/api: said",
    );
    let (state, message) = troubled(WorkloadKind::Deployment, &problem);
    assert_eq!(state, WorkloadState::Forbidden);
    for word in ["may not patch", "deployments in apps", "deploy/rbac.yaml"] {
        assert!(message.contains(word), "{message}");
    }
}
