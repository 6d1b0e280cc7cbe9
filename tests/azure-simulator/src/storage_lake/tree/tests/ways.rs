//! Who gets where, and what becomes of paths.

use super::*;

#[test]
fn the_way_needs_execute_on_every_directory() {
    let mut tree = tree(&["a/b/c"]);
    let ann = person("ann", &[]);
    let look = |tree: &Tree, path: &str| tree.look(&ann, &key(path), Rights::READ).map(|_| ());
    assert_eq!(look(&tree, "a/b/c"), Err(DENIED));
    for path in ["", "a", "a/b"] {
        assert_eq!(look(&tree, "a/b/c"), Err(DENIED), "{path}");
        change(
            &mut tree,
            &Caller::superuser(),
            path,
            How::Modify,
            "user:ann:--x",
        )
        .unwrap();
    }
    assert_eq!(look(&tree, "a/b/c"), Ok(()));
    assert_eq!(look(&tree, "a/b/x"), Err(Refusal::PathNotFound));
    let none = Conditions::default();
    assert_eq!(tree.read(&ann, &key("a/b/c"), &none).err(), Some(DENIED));
    assert_eq!(
        tree.list(&ann, &key("a/b"), false, None, 9).err(),
        Some(DENIED)
    );
    change(
        &mut tree,
        &Caller::superuser(),
        "a/b",
        How::Modify,
        "user:ann:r-x",
    )
    .unwrap();
    assert_eq!(
        tree.list(&ann, &key("a/b"), false, None, 9)
            .unwrap()
            .entries
            .len(),
        1
    );
    assert_eq!(make(&mut tree, &ann, "a/b/d"), Err(DENIED));
    assert_eq!(delete(&mut tree, &ann, "a/b/c", false), Err(DENIED));
}

#[test]
fn what_was_granted_goes_ahead_of_the_lists() {
    let mut tree = tree(&["a/f"]);
    let mut reader = person("ann", &[]);
    reader.granted = Rights::READ | Rights::LIST;
    assert!(
        tree.read(&reader, &key("a/f"), &Conditions::default())
            .is_ok()
    );
    assert_eq!(make(&mut tree, &reader, "a/g"), Err(DENIED));
    reader.by_lists = Rights::NONE;
    set(&mut tree, "", "user::rwx,group::rwx,other::rwx");
    assert_eq!(make(&mut tree, &reader, "g"), Err(DENIED));
}

#[test]
fn a_sticky_directory_gives_to_owners_alone() {
    let mut tree = tree(&["tmp/"]);
    let change = Change {
        mode: Mode::of_octal("1777"),
        ..Change::default()
    };
    let open = Change {
        mode: Mode::of_octal("0777"),
        ..Change::default()
    };
    let none = Conditions::default();
    tree.change_access(&Caller::superuser(), "", &open, &none)
        .unwrap();
    tree.change_access(&Caller::superuser(), "tmp", &change, &none)
        .unwrap();
    let (ann, bob) = (person("ann", &[]), person("bob", &[]));
    make(&mut tree, &ann, "tmp/hers").unwrap();
    assert_eq!(delete(&mut tree, &bob, "tmp/hers", false), Err(DENIED));
    let moved = tree.check_source(&bob, &key("tmp/hers"), &none, None, NOW);
    assert_eq!(moved, Err(DENIED));
    assert_eq!(delete(&mut tree, &ann, "tmp/hers", false), Ok(false));
}

#[test]
fn only_owners_change_lists_and_only_superusers_owners() {
    let mut tree = tree(&["a/"]);
    set(&mut tree, "", "user::rwx,group::r-x,other::--x");
    let (ann, bob) = (person("ann", &["g"]), person("bob", &[]));
    let give = Change {
        owner: Some("ann".into()),
        ..Change::default()
    };
    let none = Conditions::default();
    assert_eq!(
        tree.change_access(&ann, "a", &give, &none).err(),
        Some(DENIED)
    );
    tree.change_access(&Caller::superuser(), "a", &give, &none)
        .unwrap();
    let list = "user::rwx,group::r-x,other::---";
    assert_eq!(change(&mut tree, &bob, "a", How::Set, list), Err(DENIED));
    assert_eq!(change(&mut tree, &ann, "a", How::Set, list), Ok(()));
    let regroup = |group: &str| Change {
        group: Some(group.into()),
        ..Change::default()
    };
    assert_eq!(
        tree.change_access(&ann, "a", &regroup("x"), &none).err(),
        Some(DENIED)
    );
    assert!(tree.change_access(&ann, "a", &regroup("g"), &none).is_ok());
    let away = Change {
        owner: Some("bob".into()),
        ..Change::default()
    };
    assert_eq!(
        tree.change_access(&ann, "a", &away, &none).err(),
        Some(DENIED)
    );
}

#[test]
fn a_full_directory_goes_only_with_all_it_holds() {
    let mut tree = tree(&["a/b/c", "a!", "ab/"]);
    let all = Caller::superuser();
    assert_eq!(
        delete(&mut tree, &all, "a", false),
        Err(Refusal::DirectoryNotEmpty)
    );
    assert_eq!(
        delete(&mut tree, &all, "", true),
        Err(Refusal::InvalidInput)
    );
    let slowly = Deletion {
        recursive: true,
        most: Some(2),
        ..Deletion::default()
    };
    assert_eq!(tree.delete(&all, "a", &slowly, NOW), Ok(true));
    assert_eq!(tree.delete(&all, "a", &slowly, NOW), Ok(false));
    assert_eq!(tree.len(), 3);
    assert_eq!(
        delete(&mut tree, &all, "a", true),
        Err(Refusal::PathNotFound)
    );
}

#[test]
fn a_rename_takes_all_along_and_keeps_versions() {
    let mut tree = tree(&["a/b/c", "to/x", "f"]);
    let all = Caller::superuser();
    let none = Conditions::default();
    let version = tree.get(&key("a/b/c")).unwrap().version;
    let onto = |tree: &Tree, path: &str, directory| {
        tree.check_destination(&all, &key(path), directory, (&none, None), NOW)
    };
    assert_eq!(onto(&tree, "to", true), Err(Refusal::DirectoryNotEmpty));
    assert_eq!(onto(&tree, "f", true), Err(Refusal::PathConflict));
    assert_eq!(
        onto(&tree, "no/x", true),
        Err(Refusal::RenameDestinationParentPathNotFound)
    );
    assert_eq!(onto(&tree, "f/x", true), Err(Refusal::PathConflict));
    assert_eq!(onto(&tree, "to/a", true), Ok(()));
    let gone = tree.check_source(&all, &key("x"), &none, None, NOW);
    assert_eq!(gone, Err(Refusal::SourcePathNotFound));
    let taken = tree.take("a");
    tree.put(&key("to/a"), taken);
    assert_eq!(tree.get(&key("to/a/b/c")).unwrap().version, version);
    assert!(tree.get("a").is_err());
}

#[test]
fn a_new_file_takes_the_place_of_a_file_but_not_of_a_directory() {
    let mut tree = tree(&["a/", "f"]);
    let all = Caller::superuser();
    let before = tree.get("f").unwrap().version;
    make(&mut tree, &all, "f").unwrap();
    assert!(tree.get("f").unwrap().version > before);
    assert_eq!(make(&mut tree, &all, "a"), Err(Refusal::PathConflict));
    assert_eq!(make(&mut tree, &all, "f/"), Err(Refusal::PathConflict));
    assert_eq!(make(&mut tree, &all, "f/x"), Err(Refusal::PathConflict));
    let only_new = Wish {
        directory: true,
        conditions: Conditions {
            if_none_match: Some("*".into()),
            ..Conditions::default()
        },
        ..Wish::default()
    };
    let made = tree.create(&all, "a", &only_new, NOW).map(|_| ());
    assert_eq!(made, Err(Refusal::PathAlreadyExists { directory: true }));
}

#[test]
fn what_is_appended_counts_when_it_is_flushed_without_gaps() {
    let mut tree = tree(&["f"]);
    let all = Caller::superuser();
    let mut append = |position, text: &'static str| {
        tree.append(&all, "f", position, text.as_bytes().into(), None, NOW)
            .map(|_| ())
    };
    append(0, "abc").unwrap();
    append(5, "f").unwrap();
    append(3, "de").unwrap();
    let flush = |tree: &mut Tree, position, retain| {
        let flush = crate::storage_lake::tree::Flush {
            position,
            retain,
            ..crate::storage_lake::tree::Flush::default()
        };
        tree.flush(&all, "f", &flush, NOW)
            .map(crate::storage_lake::tree::node::Node::length)
    };
    assert_eq!(
        flush(&mut tree, 4, false),
        Err(Refusal::InvalidFlushPosition)
    );
    assert_eq!(
        flush(&mut tree, 7, false),
        Err(Refusal::InvalidFlushPosition)
    );
    assert_eq!(flush(&mut tree, 5, true), Ok(5));
    assert_eq!(flush(&mut tree, 6, false), Ok(6));
    assert_eq!(&*tree.get("f").unwrap().body().unwrap().data, b"abcdef");
}

#[test]
fn lists_come_in_pages_in_the_order_of_a_walk() {
    let tree = tree(&["a/b/c", "a/d", "a!", "b/"]);
    let all = Caller::superuser();
    let names = |directory: &str, recursive, most| {
        let mut names = Vec::new();
        let mut from: Option<String> = None;
        loop {
            let page = tree
                .list(&all, &key(directory), recursive, from.as_deref(), most)
                .unwrap();
            names.extend(page.entries.iter().map(|(key, _)| path::text(key)));
            match page.next {
                Some(next) => from = Some(next.to_owned()),
                None => return names,
            }
        }
    };
    for most in [1, 2, 100] {
        assert_eq!(
            names("", true, most),
            ["a", "a/b", "a/b/c", "a/d", "a!", "b"]
        );
        assert_eq!(names("", false, most), ["a", "a!", "b"]);
        assert_eq!(names("a", false, most), ["a/b", "a/d"]);
    }
    // A key that lies outside, as of a token for another directory.
    let outside = tree.list(&all, &key("a"), true, Some("z"), 9).unwrap();
    assert!(outside.entries.is_empty());
    assert_eq!(
        tree.list(&all, &key("a/d"), true, None, 9).err(),
        Some(Refusal::PathConflict)
    );
}

#[test]
fn a_grown_tree_has_its_count() {
    let mut tree = tree(&["x/"]);
    for (count, fan_out, depth) in [(1000, 10, 2), (5, 2, 2), (7, 3, 1), (4, 1, 0)] {
        let before = tree.len();
        let name = format!("x/{count}/");
        make(&mut tree, &Caller::superuser(), &name).unwrap();
        let shape = Shape::new(count, Some(fan_out), Some(depth));
        tree.grow(&key(&name), shape, NOW).unwrap();
        assert_eq!(tree.len(), before + 1 + count, "{count}");
    }
    let wanted = Perm::READ;
    assert!(
        tree.get(&key("x/1000/d0/d0/f0"))
            .unwrap()
            .access
            .lists
            .access
            .owner
            .holds(wanted)
    );
}
