use serde_json::json;

use super::*;

fn object(spec: &Value, status: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "apps/v1", "kind": "Any", "metadata": {"name": "api", "generation": 2, "labels": {"app": "x"}},
        "spec": spec, "status": status
    }))
    .unwrap()
}

fn progress(kind: WorkloadKind, spec: &Value, status: &Value) -> Progress {
    read(kind, "a", &object(spec, status)).progress
}

const DONE: Progress = Progress::Done(None);
const MOVING: Progress = Progress::Moving(None);

#[test]
fn a_deployment_is_done_when_all_pods_are_new_and_serve() {
    let status = |observed: i64, replicas: i64, updated: i64, available: i64| {
        let status = json!({
            "observedGeneration": observed, "replicas": replicas,
            "updatedReplicas": updated, "availableReplicas": available
        });
        progress(WorkloadKind::Deployment, &json!({"replicas": 2}), &status)
    };
    assert_eq!(status(2, 2, 2, 2), DONE);
    assert_eq!(
        status(1, 2, 2, 2),
        MOVING,
        "what was seen before the patch does not count"
    );
    assert_eq!(status(2, 2, 1, 1), MOVING);
    assert_eq!(status(2, 3, 2, 2), MOVING, "an old pod is there");
    assert_eq!(status(2, 2, 2, 1), MOVING, "a new pod does not serve");
    let none = progress(
        WorkloadKind::Deployment,
        &json!({"replicas": 2}),
        &json!({}),
    );
    assert_eq!(none, MOVING, "no controller has seen it");
}

#[test]
fn a_deployment_that_gave_up_says_why_in_its_own_words() {
    let status = |observed: i64| {
        json!({"observedGeneration": observed, "conditions": [
            {"type": "Available", "reason": "MinimumReplicasUnavailable", "message": "not this"},
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
             "message": "ReplicaSet \"api-1\" has timed out progressing."}
        ]})
    };
    let kind = WorkloadKind::Deployment;
    let Progress::Failed(why) = progress(kind, &json!({}), &status(2)) else {
        panic!("not failed")
    };
    assert!(why.contains("timed out progressing"), "{why}");
    let before = progress(kind, &json!({}), &status(1));
    assert_eq!(before, MOVING, "that was an earlier rollout");
}

#[test]
fn a_stateful_set_is_done_with_its_partition_or_by_hand() {
    let status = |updated: i64, ready: i64, current: &str| {
        json!({
            "observedGeneration": 2, "updatedReplicas": updated, "readyReplicas": ready,
            "currentRevision": current, "updateRevision": "b"
        })
    };
    let kind = WorkloadKind::StatefulSet;
    let rolling = json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate"}});
    assert_eq!(progress(kind, &rolling, &status(3, 3, "b")), DONE);
    assert_eq!(progress(kind, &rolling, &status(3, 3, "a")), MOVING);
    assert_eq!(progress(kind, &rolling, &status(3, 2, "b")), MOVING);
    assert_eq!(progress(kind, &rolling, &status(2, 3, "a")), MOVING);
    let partition = json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
    assert_eq!(progress(kind, &partition, &status(0, 3, "a")), MOVING);
    let Progress::Done(Some(note)) = progress(kind, &partition, &status(1, 3, "a")) else {
        panic!("the partition is not told")
    };
    assert!(note.contains("partition 2"), "{note}");
    let by_hand = json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}});
    assert_eq!(
        progress(kind, &by_hand, &status(1, 3, "a")),
        Progress::ByHand
    );
    assert_eq!(progress(kind, &by_hand, &status(3, 3, "a")), DONE);
}

#[test]
fn a_daemon_set_counts_nodes() {
    let status = |updated: i64, available: i64| {
        json!({
            "observedGeneration": 2, "desiredNumberScheduled": 3,
            "updatedNumberScheduled": updated, "numberAvailable": available
        })
    };
    let kind = WorkloadKind::DaemonSet;
    assert_eq!(progress(kind, &json!({}), &status(3, 3)), DONE);
    assert_eq!(progress(kind, &json!({}), &status(2, 3)), MOVING);
    assert_eq!(progress(kind, &json!({}), &status(3, 2)), MOVING);
    let by_hand = json!({"updateStrategy": {"type": "OnDelete"}});
    assert_eq!(progress(kind, &by_hand, &status(2, 3)), Progress::ByHand);
    assert_eq!(progress(kind, &by_hand, &status(3, 3)), DONE);
}

#[test]
fn an_argo_rollout_is_read_by_its_phase() {
    let status = |observed: &str, phase: &str| {
        let status =
            json!({"observedGeneration": observed, "phase": phase, "message": "RolloutAborted: x"});
        progress(WorkloadKind::Rollout, &json!({}), &status)
    };
    assert_eq!(status("2", "Healthy"), DONE);
    assert_eq!(status("1", "Healthy"), MOVING);
    assert_eq!(status("2", "Progressing"), MOVING);
    assert_eq!(
        status("2", "Degraded"),
        Progress::Failed("RolloutAborted: x".to_owned())
    );
    assert!(matches!(status("2", "Paused"), Progress::Moving(Some(_))));
}

#[test]
fn paused_is_what_its_owner_paused_or_what_waits_at_a_step() {
    let paused = |kind: WorkloadKind, spec: Value, status: Value| {
        read(kind, "a", &object(&spec, &status)).paused
    };
    let stopped = json!({"paused": true});
    assert!(paused(WorkloadKind::Deployment, stopped.clone(), json!({})));
    assert!(paused(WorkloadKind::Rollout, stopped, json!({})));
    let waits = json!({"controllerPause": true});
    assert!(paused(WorkloadKind::Rollout, json!({}), waits));
    assert!(!paused(WorkloadKind::Deployment, json!({}), json!({})));
}

#[test]
fn our_annotation_and_a_template_of_another_object_are_seen() {
    let spec =
        json!({"template": {"metadata": {"annotations": {"rollout.lakevault.dev/app": "1-a"}}}});
    let ours = read(
        WorkloadKind::Deployment,
        "rollout.lakevault.dev/app",
        &object(&spec, &json!({})),
    );
    assert_eq!(ours.digest.as_deref(), Some("1-a"));
    assert_eq!(ours.labels["app"], "x");
    let spec =
        json!({"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}});
    let referring = read(WorkloadKind::Rollout, "a", &object(&spec, &json!({})));
    assert_eq!(referring.template_of.as_deref(), Some("Deployment api"));
}

#[test]
fn patience_follows_the_workloads_own_deadline() {
    let patience =
        |kind: WorkloadKind, spec: Value| read(kind, "a", &object(&spec, &json!({}))).patience;
    let minutes = |minutes| Some(Duration::from_mins(minutes));
    assert_eq!(patience(WorkloadKind::StatefulSet, json!({})), minutes(10));
    let kind = WorkloadKind::Deployment;
    assert_eq!(patience(kind, json!({})), minutes(11));
    let hour = json!({"progressDeadlineSeconds": 3600});
    assert_eq!(patience(kind, hour), minutes(61));
    let never = json!({"progressDeadlineSeconds": i32::MAX});
    assert_eq!(patience(kind, never), None);
}
