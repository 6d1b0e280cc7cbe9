use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-11-22T12:00:00Z";

fn deployment(wanted: i32, ready: i32, arguments: &[&str]) -> Deployment {
    let spec: Value = json!({
        "replicas": wanted,
        "selector": {},
        "template": {"spec": {"containers": [{"name": "lakevault", "args": arguments}]}},
    });
    let all = json!({
        "metadata": {"name": "lakevault", "labels": {"app.kubernetes.io/version": "0.1.0"}},
        "spec": spec,
        "status": {"readyReplicas": ready},
    });
    serde_json::from_value(all).unwrap()
}

fn lease(holder: &str, renewed: &str) -> Look<Lease> {
    let spec = json!({"holderIdentity": holder, "renewTime": renewed});
    Look::Found(serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap())
}

fn fresh() -> Look<Lease> {
    lease("lakevault-7d9f_abc", "2026-11-22T11:59:58.000000Z")
}

fn of(deployment: &Look<Deployment>, lease: Option<&Look<Lease>>) -> Operator {
    Operator::of("lakevault-system", deployment, lease, NOW.parse().unwrap())
}

fn reasons(operator: &Operator) -> Vec<&str> {
    operator
        .findings
        .iter()
        .map(|finding| finding.reason.as_str())
        .collect()
}

#[test]
fn one_that_leads_is_well() {
    let operator = of(&Look::Found(deployment(2, 2, &[])), Some(&fresh()));
    assert_eq!(operator.state, State::Ok);
    assert_eq!(operator.leader.as_deref(), Some("lakevault-7d9f"));
    assert_eq!(operator.version.as_deref(), Some("0.1.0"));
}

#[test]
fn nobody_leads_where_the_lease_is_stale_or_absent() {
    let running = Look::Found(deployment(2, 2, &[]));
    let stale = lease("lakevault-7d9f_abc", "2026-11-22T11:59:00.000000Z");
    for lease in [stale, Look::Absent] {
        let operator = of(&running, Some(&lease));
        assert_eq!(operator.state, State::Problem);
        assert_eq!(reasons(&operator), ["NobodyLeads"]);
    }
    let handed = of(&running, Some(&lease("", "2026-11-22T11:59:58.000000Z")));
    assert_eq!(handed.state, State::Waiting);
}

#[test]
fn replicas_are_counted() {
    for (wanted, ready, state, reason) in [
        (0, 0, State::Problem, "ScaledToZero"),
        (2, 0, State::Problem, "NotReady"),
        (2, 1, State::Warning, "NotAllReady"),
    ] {
        let operator = of(&Look::Found(deployment(wanted, ready, &[])), None);
        assert_eq!((operator.state, reasons(&operator)), (state, vec![reason]));
    }
}

#[test]
fn one_that_runs_elsewhere_is_known_by_its_lease_and_one_that_is_unknown_is_no_problem() {
    let elsewhere = of(&Look::Absent, Some(&fresh()));
    assert_eq!((elsewhere.state, elsewhere.deployment), (State::Ok, None));
    let unknown = of(&Look::Absent, Some(&Look::Absent));
    assert_eq!(reasons(&unknown), ["OperatorNotFound"]);
    assert_eq!(unknown.state, State::Warning);
    let hidden = of(&Look::Unread("forbidden".to_owned()), None);
    assert_eq!(reasons(&hidden), ["NotReadable"]);
}

#[test]
fn the_lease_is_named_by_the_arguments() {
    let named = |arguments: &[&str]| lease_name(&deployment(1, 1, arguments));
    assert_eq!(named(&["run"]), None);
    assert_eq!(
        named(&["run", "--leader-elect"]).as_deref(),
        Some("lakevault")
    );
    let other = named(&["run", "--leader-elect", "--lease-name=other"]);
    assert_eq!(other.as_deref(), Some("other"));
}
