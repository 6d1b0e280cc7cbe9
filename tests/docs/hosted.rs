//! The workflow of the hosted CI runs `.ci/run`, may do little, and takes nothing whose content may change under it.

use regex::Regex;
use serde_json::Value;

use super::{read, root};

fn workflow() -> Value {
    let text = read(&root().join(".github/workflows/ci.yaml"));
    serde_saphyr::from_str(&text).unwrap()
}

/// The only job, and its steps.
fn steps(workflow: &Value) -> Vec<Value> {
    let jobs = workflow["jobs"].as_object().unwrap();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    let job = jobs.values().next().unwrap();
    assert!(job["timeout-minutes"].is_number(), "{job}");
    job["steps"].as_array().unwrap().clone()
}

#[test]
fn the_hosted_workflow_runs_what_everybody_runs_and_nothing_else() {
    let workflow = workflow();
    let steps = steps(&workflow);
    let run: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["run"].as_str())
        .collect();
    assert_eq!(run, [".ci/run"]);
    let script = read(&root().join(".ci/run"));
    assert!(
        script.contains("${LAKEVAULT_REQUIRE_SHARED-1}"),
        "a clone without recordings beside it could not say so"
    );
}

#[test]
fn the_hosted_workflow_may_read_and_no_more() {
    let workflow = workflow();
    assert_eq!(
        workflow["permissions"],
        serde_json::json!({"contents": "read"})
    );
    for step in steps(&workflow) {
        let is_checkout = step["uses"]
            .as_str()
            .is_some_and(|uses| uses.starts_with("actions/checkout@"));
        if is_checkout {
            assert_eq!(step["with"]["persist-credentials"], false, "{step}");
        }
    }
}

#[test]
fn actions_are_taken_by_the_hash_of_their_commit() {
    let pinned = Regex::new(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$").unwrap();
    for step in steps(&workflow()) {
        if let Some(uses) = step["uses"].as_str() {
            assert!(pinned.is_match(uses), "{uses}");
        }
    }
}
