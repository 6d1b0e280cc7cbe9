use serde_json::json;

use super::super::fixtures::{Case, acl, at, entries, name, raw, second};
use super::*;

fn swept(directories: u64, failures: u64, continuation: Option<&str>) -> Swept {
    let failed = (0..failures).map(|at| Failed {
        name: format!("a/{at}"),
        kind: "FILE".to_owned(),
        error_message: "x".repeat(1000),
    });
    Swept {
        directories,
        files: 1,
        failures,
        failed_entries: failed.collect(),
        continuation: continuation.map(str::to_owned),
    }
}

fn sweep() -> Sweep {
    Sweep::Set(acl("user::rwx,group::r-x,other::---"))
}

#[test]
fn a_tree_adds_up_and_ends() {
    let (mut record, sweep, place) = (Record::default(), sweep(), at("a"));
    let tree = (&place, &sweep);
    record.swept(tree, true, &swept(2, 15, Some("x")), second(0));
    record.swept(tree, false, &swept(3, 15, None), second(60));
    let kept = &record.trees[&place];
    assert_eq!((kept.directories, kept.files, kept.failures), (5, 2, 30));
    assert_eq!(
        (kept.since.0, kept.done.as_ref().map(|at| at.0)),
        (second(0), Some(second(60)))
    );
    assert_eq!(kept.continuation, None);
    assert_eq!(kept.failed.len(), 20);
    assert!(kept.failed.iter().all(|one| one.message.len() == 256));
}

#[test]
fn pauses_between_tries_double() {
    let (mut record, sweep, place) = (Record::default(), sweep(), at("a"));
    let mut pauses = Vec::new();
    let mut now = second(0);
    for _ in 0..10 {
        record.swept((&place, &sweep), true, &swept(1, 1, None), now);
        let at = record.retry_at().unwrap();
        pauses.push(at.duration_since(now).as_mins());
        now = at;
    }
    assert_eq!(pauses, [5, 5, 10, 20, 40, 80, 160, 320, 360, 360]);
    record.swept((&place, &sweep), true, &swept(1, 0, None), now);
    assert_eq!(record.retry_at(), None);
    assert_eq!(record.trees[&place].failures, 0, "counts begin anew");
}

#[test]
fn what_a_tree_undoes_is_not_kept_while_it_is_gone_through() {
    let (mut record, place, inner) = (Record::default(), at("a"), at("a/b"));
    let other = Sweep::Set(acl("user::rwx,group::---,other::---"));
    record.swept((&place, &other), true, &swept(1, 0, None), second(0));
    record.swept((&inner, &other), true, &swept(1, 0, None), second(0));
    let step = |from: Option<&str>| Step::Tree {
        place: place.clone(),
        sweep: sweep(),
        from: from.map(str::to_owned),
    };
    assert!(!record.begins(&step(Some("x")), second(9)), "it goes on");
    assert!(record.begins(&step(None), second(9)));
    let kept = &record.trees[&place];
    assert_eq!(
        (kept.since.0, &kept.done, kept.directories),
        (second(9), &None, 0)
    );
    assert_eq!(record.trees.len(), 1, "what lies in it is undone, too");
    assert!(!record.begins(&step(None), second(9)), "it is noted once");
}

#[test]
fn another_list_is_another_job() {
    let (mut record, place) = (Record::default(), at("a"));
    record.swept((&place, &sweep()), true, &swept(5, 0, Some("x")), second(0));
    let other = Sweep::Modify(acl("user:$A:r--"));
    record.swept((&place, &other), true, &swept(1, 0, None), second(9));
    let kept = &record.trees[&place];
    assert_eq!((kept.directories, kept.since.0), (1, second(9)));
    assert!(kept.acl.starts_with("Modify user:"), "{}", kept.acl);
}

#[test]
fn a_tree_takes_away_what_was_done_in_it() {
    let mut record = Record::default();
    for path in ["a", "a/b", "ab"] {
        record.swept((&at(path), &sweep()), true, &swept(1, 0, None), second(0));
    }
    record.swept(
        (&at("a"), &sweep()),
        true,
        &swept(1, 0, Some("x")),
        second(9),
    );
    let kept: Vec<String> = record.trees.keys().map(ToString::to_string).collect();
    assert_eq!(kept, ["raw/a", "raw/ab"]);
}

#[test]
fn what_is_kept_comes_back_from_a_status() {
    let mut record = Record::default();
    record.swept(
        (&at(""), &sweep()),
        true,
        &swept(1, 1, Some("x")),
        second(0),
    );
    for (name, found) in [("raw", false), ("out", true)] {
        let made = Made {
            found,
            policy: DeletionPolicy::Delete,
            properties: ["team".to_owned()].into(),
        };
        record.filesystems.insert(name.parse().unwrap(), made);
    }
    let mut status = DataLakeAccountStatus::default();
    record.keep(&mut status);
    assert_eq!(status.trees[0].path, "", "a root is told as nothing");
    let text = serde_json::to_string(&status).unwrap();
    let status: DataLakeAccountStatus = serde_json::from_str(&text).unwrap();
    assert_eq!(Record::kept(&status), record);
}

#[test]
fn what_went_from_the_spec_is_let_go() {
    let with = raw(
        json!({ "root": { "acl": entries("user:$A:r--"), "aclMode": "Modify", "recursive": true } }),
    );
    let without = raw(json!({ "root": { "acl": entries("user:$A:r--"), "aclMode": "Modify" } }));
    let mut record = Record::default();
    let sweep = Sweep::Modify(acl("user:$A:r--"));
    record.swept((&at(""), &sweep), true, &swept(1, 0, None), second(0));
    record.settle(&with, &Seen::default());
    assert_eq!(record.trees.len(), 1);
    record.settle(&without, &Seen::default());
    assert_eq!(record.trees.len(), 0);
}

#[test]
fn properties_count_as_set_when_they_are_there_and_until_they_are_gone() {
    let lake = |properties: &[&str]| {
        let all: serde_json::Map<String, serde_json::Value> = properties
            .iter()
            .map(|name| ((*name).to_owned(), json!("x")))
            .collect();
        raw(json!({ "properties": all }))
    };
    let has = |names: &[&str]| {
        let mut seen = Seen::default();
        let all = names
            .iter()
            .map(|name| ((*name).to_owned(), "x".to_owned()));
        let stands = Stands::Here {
            properties: Properties::new(all.collect()).unwrap(),
            scope: None,
            etag: None,
        };
        seen.saw_filesystem(&name(), stands);
        seen
    };
    let mut record = Record::default();
    let kept = |record: &Record| {
        let made = record.filesystems.get(&name());
        made.map(|made| {
            made.properties
                .iter()
                .cloned()
                .collect::<Vec<_>>()
                .join(",")
        })
    };
    record.settle(&lake(&["a", "b"]), &has(&["a", "others"]));
    assert_eq!(kept(&record).as_deref(), Some("a"), "b was not written");
    record.settle(&lake(&["b"]), &has(&["a", "others"]));
    assert_eq!(kept(&record).as_deref(), Some("a"), "a is still there");
    record.settle(&lake(&["b"]), &has(&["B", "others"]));
    assert_eq!(kept(&record).as_deref(), Some("b"));
    record.settle(&lake(&[]), &has(&["others"]));
    assert_eq!(
        kept(&record),
        None,
        "a filesystem that was found and has nothing of ours"
    );
}

#[test]
fn a_filesystem_that_is_to_go_is_kept_in_mind_until_it_is_gone() {
    let mut case = Case::new(raw(json!({})));
    let made = |policy| Made {
        found: false,
        policy,
        properties: BTreeSet::new(),
    };
    let (goes, stays): (FilesystemName, FilesystemName) =
        ("goes".parse().unwrap(), "stays".parse().unwrap());
    case.record
        .filesystems
        .insert(goes.clone(), made(DeletionPolicy::Delete));
    case.record
        .filesystems
        .insert(stays.clone(), made(DeletionPolicy::Retain));
    case.record.settle(&case.lake, &case.seen);
    assert_eq!(case.record.filesystems.keys().collect::<Vec<_>>(), [&goes]);
    case.seen.saw_contents(&goes, Contents::Gone);
    case.record.settle(&case.lake, &case.seen);
    assert!(case.record.filesystems.is_empty());
}
