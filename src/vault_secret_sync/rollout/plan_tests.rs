use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use super::super::{valid, workload};
use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn record(keys: &[(&str, &str)]) -> Record {
    let keys = keys.iter();
    Record {
        keys: keys
            .map(|(key, source)| ((*key).to_owned(), (*source).to_owned()))
            .collect(),
        ..Record::default()
    }
}

fn keys(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn targets(entries: serde_json::Value) -> Vec<Target> {
    let entries: Vec<super::super::api::RolloutTarget> = serde_json::from_value(entries).unwrap();
    valid::parse(&entries).unwrap()
}

fn deployment(digest: Option<&str>, paused: bool) -> Workload {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "labels": {"app": "x"}},
        "spec": {"paused": paused, "template": {"metadata": {"annotations": {"a": digest}}}}
    });
    workload::read(
        WorkloadKind::Deployment,
        "a",
        &serde_json::from_value(object).unwrap(),
    )
}

fn row(name: &str, state: WorkloadState) -> WorkloadStatus {
    WorkloadStatus {
        kind: WorkloadKind::Deployment,
        name: name.to_owned(),
        state,
        message: None,
        restarted: Some(Time(at(100))),
    }
}

fn begin(from: &str, to: &str) -> Goal {
    Goal {
        digest: to.to_owned(),
        from: Some(from.to_owned()),
    }
}

fn decided(goal: &Goal, workload: &Workload, standing: Standing) -> Decision {
    decide(goal, workload, standing, None, Duration::ZERO, at(100))
}

#[test]
fn the_first_record_is_what_workloads_have_started_with() {
    let first = record(&[("A", "a/1@5")]);
    let settled = settle(None, None, Some(&first), &keys(&["A"])).unwrap();
    assert!(settled.workloads.is_empty() && settled.awaited.is_empty());
    assert_eq!(news(&settled, &first), News::None);
    assert_eq!(news(&settled, &record(&[("A", "a/1@6")])), News::None);
    assert!(matches!(
        news(&settled, &record(&[("A", "a/2@6")])),
        News::Changed(_)
    ));
}

#[test]
fn a_change_beside_a_lost_first_status_is_a_change() {
    let (before, after) = (record(&[("A", "a/1")]), record(&[("A", "a/2")]));
    let settled = settle(None, Some(&before), Some(&after), &keys(&["A"])).unwrap();
    assert!(matches!(news(&settled, &after), News::Changed(_)));
}

#[test]
fn keys_that_arrive_late_restart_nothing_but_a_change_beside_them_does() {
    let part = record(&[("A", "a/1")]);
    let settled = settle(None, None, Some(&part), &keys(&["A", "B", "C"])).unwrap();
    assert_eq!(settled.awaited, ["B", "C"]);
    let more = record(&[("A", "a/1"), ("B", "b/1")]);
    let News::Arrived(arrived) = news(&settled, &more) else {
        panic!("an arrival is taken for a change")
    };
    assert_eq!(arrived.awaited, ["C"]);
    assert_eq!(
        settle(Some(&settled), Some(&part), Some(&more), &[]),
        Some(arrived)
    );
    let both = record(&[("A", "a/2"), ("B", "b/1")]);
    assert!(matches!(news(&settled, &both), News::Changed(_)));
}

#[test]
fn a_key_that_is_added_or_goes_is_a_change() {
    let whole = record(&[("A", "a/1"), ("B", "b/1")]);
    let settled = settle(None, None, Some(&whole), &keys(&["A", "B"])).unwrap();
    let less = record(&[("A", "a/1")]);
    assert!(matches!(news(&settled, &less), News::Changed(_)));
    let more = record(&[("A", "a/1"), ("B", "b/1"), ("C", "c/1")]);
    assert!(matches!(news(&settled, &more), News::Changed(_)));
}

#[test]
fn a_secret_that_is_not_there_changes_nothing() {
    let settled = settle(None, None, Some(&record(&[("A", "a/1")])), &[]);
    assert_eq!(settle(settled.as_ref(), None, None, &[]), settled);
    assert_eq!(news(settled.as_ref().unwrap(), &record(&[])), News::None);
    assert_eq!(settle(None, None, None, &[]), None);
}

#[test]
fn a_digest_of_another_form_is_begun_anew() {
    let old = RolloutStatus {
        digest: "0-other".to_owned(),
        ..RolloutStatus::default()
    };
    let (before, after) = (record(&[("A", "a/1")]), record(&[("A", "a/1")]));
    let settled = settle(Some(&old), Some(&before), Some(&after), &[]).unwrap();
    assert_eq!(news(&settled, &after), News::None);
}

#[test]
fn a_workload_is_patched_where_its_digest_differs_from_what_it_started_with() {
    let goal = begin("old", "new");
    for digest in [None, Some("old"), Some("older")] {
        let workload = deployment(digest, false);
        assert_eq!(decided(&goal, &workload, Standing::Met), Decision::Patch);
    }
    let done = deployment(Some("new"), false);
    assert_eq!(
        decided(&goal, &done, Standing::Met),
        Decision::Judge,
        "patched before a kill"
    );
    let same = begin("new", "new");
    let never = deployment(None, false);
    assert_eq!(decided(&same, &never, Standing::Met), Decision::Current);
}

#[test]
fn what_was_restarted_is_not_fought_over() {
    let goal = Goal {
        digest: "new".to_owned(),
        from: None,
    };
    let undone = deployment(Some("old"), false);
    assert_eq!(
        decided(&goal, &undone, Standing::Restarted),
        Decision::Judge
    );
}

#[test]
fn what_came_later_has_started_with_the_new_secret() {
    let goal = Goal {
        digest: "new".to_owned(),
        from: None,
    };
    for digest in [None, Some("old")] {
        let created = deployment(digest, false);
        assert_eq!(
            decided(&goal, &created, Standing::Awaited),
            Decision::Current
        );
    }
}

#[test]
fn paused_ones_and_gaps_are_for_later() {
    let goal = begin("old", "new");
    let paused = deployment(None, true);
    assert_eq!(decided(&goal, &paused, Standing::Met), Decision::Paused);
    let gap = Duration::from_mins(1);
    let decide_at = |now: i64| {
        let workload = deployment(Some("old"), false);
        decide(&goal, &workload, Standing::Met, Some(at(100)), gap, at(now))
    };
    assert_eq!(decide_at(159), Decision::Deferred(at(160)));
    assert_eq!(decide_at(160), Decision::Patch);
}

#[test]
fn a_rollout_that_goes_on_looks_at_what_is_unfinished_and_still_meant() {
    let entries = json!([
        {"kind": "Deployment", "name": "a"}, {"kind": "Deployment", "name": "b"},
        {"kind": "Deployment", "matchLabels": {"app": "x"}}
    ]);
    let targets = targets(entries);
    let listed = [
        row("a", WorkloadState::RolledOut),
        row("b", WorkloadState::Paused),
        row("by-label", WorkloadState::RollingOut),
        row("app=x", WorkloadState::Forbidden),
        row("app=gone", WorkloadState::Forbidden),
    ];
    let goal = Goal {
        digest: "new".to_owned(),
        from: None,
    };
    let (tasks, kept) = tasks(&goal, &targets, &listed);
    let looked: Vec<(String, Standing)> = tasks
        .iter()
        .map(|task| (task.which.text(), task.standing))
        .collect();
    let expected = [
        ("b", Standing::Owed),
        ("by-label", Standing::Restarted),
        ("app=x", Standing::Owed),
    ];
    assert_eq!(
        looked,
        expected.map(|(name, standing)| (name.to_owned(), standing))
    );
    assert_eq!(kept, [row("a", WorkloadState::RolledOut)]);
}

#[test]
fn the_longest_gap_counts_and_what_is_not_meant_has_none() {
    let entries = json!([
        {"kind": "Deployment", "name": "api", "minGap": "1m"},
        {"kind": "Deployment", "matchLabels": {"app": "x"}, "minGap": "5m"}
    ]);
    let workload = deployment(None, false);
    assert_eq!(
        gap(&targets(entries), &workload),
        Some(Duration::from_mins(5))
    );
    let other = json!([{"kind": "StatefulSet", "name": "api"}]);
    assert_eq!(gap(&targets(other), &workload), None);
}
