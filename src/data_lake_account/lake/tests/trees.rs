//! Access lists of whole trees.

use super::*;

/// A tree, one in it, and a directory with a list of its own in both.
fn nested() -> Case {
    let mut case = Case::there(raw(json!({ "directories": [
        { "path": "a", "acl": entries(PLAIN), "recursive": true },
        { "path": "a/b", "acl": entries("user:$A:r-x"), "aclMode": "Modify", "recursive": true },
        { "path": "a/b/c", "acl": entries(CLOSED) },
        { "path": "z" },
    ] })));
    case.saw("z", directory(PLAIN));
    case
}

fn batch(continuation: Option<&str>) -> Came {
    Came::Swept(Swept {
        directories: 1,
        continuation: continuation.map(str::to_owned),
        ..Swept::default()
    })
}

fn only(case: &Case) -> Step {
    let plan = case.plan();
    assert_eq!((plan.looks.len(), plan.steps.len()), (0, 1), "{plan:?}");
    plan.steps[0].clone()
}

fn from(step: &Step) -> Option<&str> {
    let Step::Tree { from, .. } = step else {
        panic!("{step:?} is about no tree");
    };
    from.as_deref()
}

#[test]
fn what_lies_in_a_tree_waits_for_it_and_an_inner_tree_for_the_outer() {
    let mut case = nested();
    assert_eq!(case.plan().looks.len(), 1, "only the tree's own directory");
    case.saw("a", directory(PLAIN));
    let outer = only(&case);
    assert_eq!((outer.place(), from(&outer)), (Some(&at("a")), None));
    case.came(&outer, batch(Some("one")));
    assert_eq!(from(&only(&case)), Some("one"));
    case.came(&only(&case), batch(None));
    assert_eq!(case.plan().looks.len(), 1);
    case.saw(
        "a/b",
        directory("user::rwx,user:$A:r-x,group::r-x,mask::r-x,other::---"),
    );
    let inner = only(&case);
    assert_eq!(inner.place(), Some(&at("a/b")));
    case.came(&inner, batch(None));
    case.saw(
        "a/b/c",
        directory("user::rwx,user:$A:r-x,group::r-x,mask::r-x,other::---"),
    );
    assert_eq!(case.does(), [format!("set acl {CLOSED} of raw/a/b/c")]);
    assert!(case.outcome().whole);
    let counts: Vec<i64> = case
        .record
        .trees
        .values()
        .map(|tree| tree.directories)
        .collect();
    assert_eq!(counts, [2, 1]);
}

#[test]
fn a_tree_goes_on_where_it_was_after_a_restart_and_is_done_once() {
    let mut case = nested();
    case.saw("a", directory(PLAIN));
    case.came(&only(&case), batch(Some("one")));
    case.seen = Case::there(case.lake.clone()).seen;
    case.saw("a", directory(PLAIN));
    case.saw("z", directory(PLAIN));
    assert_eq!(from(&only(&case)), Some("one"));
    case.came(&only(&case), batch(None));
    case.seen = Case::there(case.lake.clone()).seen;
    case.saw("a", directory(PLAIN));
    assert!(case.plan().steps.is_empty());
}

#[test]
fn another_list_begins_anew() {
    let mut case = nested();
    case.saw("a", directory(PLAIN));
    case.came(&only(&case), batch(Some("one")));
    case.lake = raw(json!({ "directories": [
        { "path": "a", "acl": entries(CLOSED), "recursive": true },
    ] }));
    case.saw("a", directory(CLOSED));
    assert_eq!(from(&only(&case)), None);
    case.came(&only(&case), batch(None));
    assert_eq!(case.record.trees[&at("a")].directories, 1);
}

#[test]
fn a_tree_follows_itself() {
    let mut case = nested();
    case.saw("a", directory(PLAIN));
    let first = only(&case);
    let Came::Swept(swept) = batch(Some("one")) else {
        panic!("a batch");
    };
    let then = first.then(&swept).unwrap();
    case.came(&first, Came::Swept(swept));
    assert_eq!(then, only(&case));
    assert_eq!(then.then(&Swept::default()), None);
}

#[test]
fn a_lost_place_begins_anew_a_few_times() {
    let mut case = nested();
    case.saw("a", directory(PLAIN));
    for turn in 1..=3 {
        assert_eq!(from(&only(&case)), None, "turn {turn}");
        case.came(&only(&case), batch(Some("one")));
        case.came(&only(&case), Came::Lost(trouble(Reason::RequestRefused)));
    }
    assert!(case.plan().steps.is_empty());
    let outcome = case.outcome();
    assert!(outcome.problem.unwrap().message.contains("begun anew"));
    assert_eq!(case.record.trees[&at("a")].continuation, None);
}

#[test]
fn a_tree_in_trouble_holds_nobody_up() {
    let mut case = nested();
    case.saw("a", directory(PLAIN));
    case.came(&only(&case), Came::Refused(trouble(Reason::Throttled)));
    case.saw(
        "a/b",
        directory("user::rwx,user:$A:r-x,group::r-x,mask::r-x,other::---"),
    );
    case.came(&only(&case), batch(None));
    case.saw("a/b/c", directory(PLAIN));
    assert_eq!(case.does(), [format!("set acl {CLOSED} of raw/a/b/c")]);
    let problem = case.outcome().problem.unwrap();
    assert_eq!(problem.reason, Reason::Throttled);
    assert!(problem.message.contains("directories[a]: "), "{problem}");
}

#[test]
fn paths_that_failed_are_told_and_tried_again_later() {
    let mut case = nested();
    case.lake = raw(
        json!({ "directories": [{ "path": "a", "acl": entries(PLAIN), "recursive": true }, { "path": "a/b" }] }),
    );
    case.saw("a", directory(PLAIN));
    let failed = Failed {
        name: "a/x".to_owned(),
        kind: "FILE".to_owned(),
        error_message: "This request is not authorized".to_owned(),
    };
    case.came(
        &only(&case),
        Came::Swept(Swept {
            failures: 1,
            failed_entries: vec![failed],
            ..Swept::default()
        }),
    );
    // What lies in it goes on.
    assert_eq!(case.plan().looks.len(), 1);
    case.saw("a/b", directory(PLAIN));
    assert_eq!(case.plan(), Batch::default());
    let outcome = case.outcome();
    let problem = outcome.problem.unwrap();
    assert_eq!(
        (problem.reason, outcome.whole),
        (Reason::TreeIncomplete, false)
    );
    assert!(
        problem
            .message
            .contains("\"a/x\": This request is not authorized"),
        "{problem}"
    );
    let pause = case.record.retry_at().unwrap().duration_since(case.now);
    assert_eq!(problem.retry, Retry::After(pause.unsigned_abs()));
    case.now = case.record.retry_at().unwrap();
    assert_eq!(from(&only(&case)), None);
    case.came(&only(&case), batch(None));
    // Lists beneath may be others now.
    assert_eq!(case.plan().looks.len(), 1);
    case.saw("a/b", directory(PLAIN));
    assert!(case.outcome().whole);
}

#[test]
fn a_plan_of_a_tree_that_is_not_carried_out_ends() {
    let mut case = nested();
    case.saw("a", directory(PLAIN));
    let step = only(&case);
    assert_eq!(
        told_ids(&step),
        format!("change access lists of raw/a and everything beneath: Set {PLAIN}")
    );
    assume(&case.lake, &step, &mut case.seen);
    case.saw(
        "a/b",
        directory("user::rwx,user:$A:r-x,group::r-x,mask::r-x,other::---"),
    );
    let step = only(&case);
    assume(&case.lake, &step, &mut case.seen);
    case.saw("a/b/c", directory(CLOSED));
    assert_eq!(case.plan(), Batch::default());
    assert!(case.record.trees.is_empty());
}
