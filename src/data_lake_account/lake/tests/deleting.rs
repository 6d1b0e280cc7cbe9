//! Filesystems that went from the spec.

use super::*;

fn dropped(found: bool, policy: DeletionPolicy) -> Case {
    let mut case = Case::new(valid::parse(&spec(json!({}))).unwrap());
    let made = Made {
        found,
        policy,
        properties: [].into(),
    };
    case.record.filesystems.insert(name(), made);
    case
}

#[test]
fn an_empty_one_is_deleted_that_was_made_here_and_is_to_go() {
    let mut case = dropped(false, DeletionPolicy::Delete);
    assert_eq!(case.plan().looks, [Look::Contents(name())]);
    case.seen.saw_contents(&name(), Contents::Nothing);
    assert_eq!(case.does(), ["delete filesystem raw"]);
    assert_eq!(case.plan(), Batch::default());
    assert!(case.record.filesystems.is_empty() && case.outcome().whole);
}

#[test]
fn one_that_holds_data_is_deleted_with_force_alone() {
    let mut case = dropped(false, DeletionPolicy::Delete);
    case.seen.saw_contents(&name(), Contents::Something);
    assert_eq!(case.plan(), Batch::default());
    let problem = case.outcome().problem.unwrap();
    assert_eq!(problem.reason, Reason::FilesystemNotEmpty);
    case.lake.force = true;
    assert_eq!(case.does(), ["delete filesystem raw"]);
}

#[test]
fn nothing_else_is_deleted_or_even_looked_at() {
    let observes = |mut case: Case| {
        case.mode = Mode::Observe;
        case
    };
    for mut case in [
        dropped(true, DeletionPolicy::Delete),
        dropped(false, DeletionPolicy::Retain),
        observes(dropped(false, DeletionPolicy::Delete)),
    ] {
        case.lake.force = true;
        case.seen.saw_contents(&name(), Contents::Nothing);
        assert_eq!(case.plan(), Batch::default(), "{case:?}");
        case.seen = Seen::default();
        assert_eq!(case.plan(), Batch::default(), "{case:?}");
    }
}

#[test]
fn one_that_is_back_in_the_spec_stays() {
    let mut case = dropped(false, DeletionPolicy::Delete);
    case.lake = raw(json!({ "deletionPolicy": "Delete" }));
    case.seen.saw_filesystem(&name(), here());
    assert_eq!(case.plan(), Batch::default());
}
