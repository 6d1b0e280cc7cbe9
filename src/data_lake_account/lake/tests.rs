//! Single situations.

use serde_json::json;

use super::fixtures::*;
use super::*;
use crate::azure::lake::access::{Failed, Swept};
use crate::data_lake_account::api::DeletionPolicy;
use crate::problem::Reason;
use crate::retry::Retry;

mod deleting;
mod files;
mod looks;
mod trees;

const PLAIN: &str = "user::rwx,group::r-x,other::---";
const CLOSED: &str = "user::rwx,group::---,other::---";

fn trouble(reason: Reason) -> Problem {
    Problem::new(reason, Retry::Backoff, "so it is")
}

#[test]
fn what_is_new_is_made_without_looks_from_the_top_down() {
    let mut case = Case::new(raw(json!({
        "properties": { "team": "a" },
        "root": { "acl": entries(PLAIN) },
        "directories": [
            { "path": "a/b", "acl": entries(PLAIN) },
            { "path": "a", "acl": entries(CLOSED) },
            { "path": "c/d" },
        ],
    })));
    case.seen
        .saw_filesystem(&name(), Stands::Absent { deleted: false });
    assert_eq!(case.does(), ["create filesystem raw"]);
    assert_eq!(case.does(), [format!("set acl {PLAIN} of raw/")]);
    assert_eq!(
        case.does(),
        [
            format!("create directory raw/a with acl {CLOSED}"),
            "create directory raw/c/d".to_owned(),
        ]
    );
    assert_eq!(
        case.does(),
        [format!("create directory raw/a/b with acl {PLAIN}")]
    );
    assert_eq!(case.plan(), Batch::default());
    assert!(case.outcome().whole);
    let made = &case.record.filesystems[&name()];
    assert!(!made.found && made.properties.contains("team"));
}

#[test]
fn rights_that_depend_on_what_is_inherited_are_set_after_the_creation() {
    let mut case = Case::there(raw(json!({ "directories": [
        { "path": "added", "acl": entries("user:$A:r-x"), "aclMode": "Modify" },
        { "path": "plain", "permissions": "1770" },
    ] })));
    for path in ["added", "plain"] {
        case.saw(path, PathSeen::Absent);
    }
    assert_eq!(
        case.does(),
        ["create directory raw/added", "create directory raw/plain"]
    );
    let batch = case.plan();
    // Permissions are set whatever there is; for additions the list must be known.
    assert_eq!(
        batch.steps.iter().map(told_ids).collect::<Vec<_>>(),
        ["set permissions rwxrwx--T of raw/plain"]
    );
    let list = Needs {
        thing: false,
        list: true,
    };
    assert_eq!(batch.looks, [Look::Path(at("added"), list)]);
    case.came(&batch.steps[0], Came::Done);
    case.saw("added", directory(PLAIN));
    assert_eq!(
        case.does(),
        ["set acl user::rwx,user:$A:r-x,group::r-x,mask::r-x,other::--- of raw/added"]
    );
    assert!(case.outcome().whole);
}

#[test]
fn trouble_with_a_path_costs_what_is_to_be_made_in_it_and_nothing_else() {
    let mut case = Case::there(raw(json!({ "directories": [
        { "path": "a", "permissions": "0750" }, { "path": "a/new" }, { "path": "a/old", "permissions": "0700" },
        { "path": "b" },
    ] })));
    case.saw("a", directory(CLOSED));
    case.saw("a/new", PathSeen::Absent);
    case.saw("a/old", directory(PLAIN));
    case.saw("b", PathSeen::Absent);
    let batch = case.plan();
    let told: Vec<String> = batch.steps.iter().map(told_ids).collect();
    assert_eq!(
        told,
        [
            "set permissions rwxr-x--- of raw/a",
            "set permissions rwx------ of raw/a/old",
            "create directory raw/b",
        ]
    );
    case.came(&batch.steps[0], Came::Refused(trouble(Reason::Forbidden)));
    for step in &batch.steps[1..] {
        case.came(step, Came::Done);
    }
    assert_eq!(case.plan(), Batch::default());
    let outcome = case.outcome();
    assert_eq!((outcome.troubled, outcome.whole), (1, false));
    let problem = outcome.problem.unwrap();
    assert_eq!(problem.reason, Reason::Forbidden);
    assert_eq!(
        problem.message,
        "spec.filesystems[raw].directories[a]: so it is"
    );
}

#[test]
fn the_first_of_several_troubles_is_told_with_their_number() {
    let mut case = Case::there(raw(
        json!({ "directories": [{ "path": "a" }, { "path": "b" }, { "path": "c" }] }),
    ));
    let fails = [
        ("a", Reason::Forbidden, Retry::OnChange),
        (
            "b",
            Reason::Throttled,
            Retry::After(std::time::Duration::from_secs(9)),
        ),
        ("c", Reason::Forbidden, Retry::OnChange),
    ];
    for (path, reason, retry) in fails {
        let look = Look::Path(at(path), Needs::default());
        case.seen
            .failed_look(&look, Problem::new(reason, retry, "no"));
    }
    let outcome = case.outcome();
    let problem = outcome.problem.unwrap();
    assert_eq!(
        problem.message,
        "spec.filesystems[raw].directories[a]: no (and 2 more)"
    );
    assert_eq!(
        (problem.reason, problem.retry),
        (Reason::Forbidden, fails[1].2)
    );
}

#[test]
fn a_file_where_a_directory_is_wanted_is_left_and_told() {
    let mut case = Case::there(raw(json!({ "directories": [
        { "path": "a", "acl": entries(CLOSED) },
    ] })));
    case.saw("a", file(&content("x"), "user::rw-,group::r--,other::---"));
    assert_eq!(case.plan(), Batch::default());
    let problem = case.outcome().problem.unwrap();
    assert_eq!(problem.reason, Reason::PathConflict);
    let found = differences(&case.inputs(), &case.seen);
    assert!(found[0].stuck.is_some() && found.len() == 1, "{found:?}");
}

#[test]
fn what_was_not_as_it_was_seen_is_looked_at_again_a_few_times() {
    let mut case = Case::there(raw(json!({ "directories": [{ "path": "a" }] })));
    case.saw("a", PathSeen::Absent);
    for turn in 1..=3 {
        let batch = case.plan();
        assert_eq!(batch.steps.len(), 1, "turn {turn}");
        case.came(&batch.steps[0], Came::Unsure(trouble(Reason::PathConflict)));
        if turn < 3 {
            assert_eq!(case.plan().looks.len(), 1, "turn {turn}");
            case.saw("a", PathSeen::Absent);
        }
    }
    assert_eq!(case.plan(), Batch::default());
    assert_eq!(case.outcome().problem.unwrap().reason, Reason::PathConflict);
}

#[test]
fn a_filesystem_that_is_being_deleted_is_waited_for() {
    let mut case = Case::new(raw(json!({ "directories": [{ "path": "a" }] })));
    case.seen.saw_filesystem(&name(), Stands::BeingDeleted);
    assert_eq!(case.plan(), Batch::default());
    let problem = case.outcome().problem.unwrap();
    assert_eq!(problem.reason, Reason::AzureBusy);
    assert!(matches!(problem.retry, Retry::After(_)));
}

#[test]
fn no_filesystem_is_made_in_place_of_one_that_can_come_back() {
    let mut case = Case::new(raw(json!({ "directories": [{ "path": "a" }] })));
    case.seen
        .saw_filesystem(&name(), Stands::Absent { deleted: true });
    assert_eq!(case.plan(), Batch::default());
    let problem = case.outcome().problem.unwrap();
    assert_eq!(problem.reason, Reason::SoftDeleted);
    for mend in [
        "az storage container restore --name raw",
        "az storage fs create -n raw",
    ] {
        assert!(problem.message.contains(mend), "{problem}");
    }
}

#[test]
fn a_filesystem_that_vanishes_in_between_is_made_with_all_that_is_in_it() {
    let mut case = Case::new(raw(
        json!({ "directories": [{ "path": "a" }, { "path": "b" }] }),
    ));
    case.turn = Some(Turn { turn: 0, of: 1 });
    case.seen.saw_filesystem(&name(), here());
    case.saw("a", directory(PLAIN));
    // The look at b was answered with FilesystemNotFound.
    case.seen
        .saw_filesystem(&name(), Stands::Absent { deleted: false });
    assert_eq!(case.does(), ["create filesystem raw"]);
    assert_eq!(
        case.does(),
        ["create directory raw/a", "create directory raw/b"]
    );
}

#[test]
fn properties_of_others_stay_and_those_of_earlier_specs_go() {
    let mut case = Case::new(raw(json!({ "properties": { "team": "b", "new": "x" } })));
    let all = [("Team", "a"), ("old", "x"), ("others", "y")];
    let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
    case.seen.saw_filesystem(
        &name(),
        Stands::Here {
            properties: crate::azure::lake::Properties::new(all.into()).unwrap(),
            scope: None,
            etag: Some("\"3\"".to_owned()),
        },
    );
    let made = Made {
        found: true,
        policy: DeletionPolicy::Retain,
        properties: ["team", "old"].map(str::to_owned).into(),
    };
    case.record.filesystems.insert(name(), made);
    let batch = case.plan();
    let [
        Step::SetProperties {
            properties, etag, ..
        },
    ] = batch.steps.as_slice()
    else {
        panic!("{batch:?}");
    };
    let told: Vec<String> = properties
        .all()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(told, ["Team=b", "new=x", "others=y"]);
    assert_eq!(etag.as_deref(), Some("\"3\""));
    assert_eq!(differences(&case.inputs(), &case.seen).len(), 3);
    case.does();
    assert_eq!(case.plan(), Batch::default());
    case.record.settle(&case.lake, &case.seen);
    assert_eq!(
        case.record.filesystems[&name()].properties,
        ["team", "new"].map(str::to_owned).into()
    );
}

#[test]
fn an_encryption_scope_cannot_be_changed() {
    let mut case = Case::there(raw(json!({ "defaultEncryptionScope": "tenant" })));
    assert_eq!(case.plan(), Batch::default());
    let found = differences(&case.inputs(), &case.seen);
    assert_eq!(found[0].path, "filesystems[raw].defaultEncryptionScope");
    assert_eq!(found[0].observed, "$account-encryption-key");
    assert!(found[0].stuck.is_some());
    case.seen
        .saw_filesystem(&name(), Stands::Absent { deleted: false });
    assert!(
        matches!(&case.plan().steps[0], Step::CreateFilesystem { scope: Some(scope), .. } if scope == "tenant")
    );
}

#[test]
fn a_data_lake_store_is_one_filesystem_and_sets_access_after_the_creation() {
    let spec = spec(json!({ "generation": "Gen1", "filesystems": [{
        "name": "root", "directories": [{ "path": "a", "acl": entries(PLAIN) }],
    }] }));
    let mut case = Case::new(valid::parse(&spec).unwrap());
    let place = Place::new(&"root".parse().unwrap(), &"a".parse().unwrap());
    assert!(matches!(case.plan().looks.as_slice(), [Look::Path(..)]));
    case.seen.saw_path(&place, PathSeen::Absent);
    assert_eq!(case.does(), ["create directory root/a"]);
    assert_eq!(case.does(), [format!("set acl {PLAIN} of root/a")]);
    assert!(case.outcome().whole);
}
