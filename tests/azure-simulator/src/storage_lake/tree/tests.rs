//! The tree by its rules: who may do what, what is inherited, what a change leaves.

use super::{
    Change, Tree, Wish,
    acl::How,
    acl_text::{self, Entry},
    caller::{Caller, Rights, tests::person},
    conditions::Conditions,
    grow::Shape,
    moving::Deletion,
    node::SUPERUSER,
    path,
    permissions::{Mode, Perm},
    recursive::{Batch, Order},
    refusal::Refusal,
};
use crate::world::moment::Moment;

const NOW: Moment = Moment(1_700_000_000_000);
const DENIED: Refusal = Refusal::AuthorizationPermissionMismatch;

fn entries(text: &str) -> Vec<Entry> {
    acl_text::parse(text, &|name| Some(name.to_owned())).unwrap()
}

fn key(text: &str) -> Box<str> {
    path::key(text).unwrap()
}

/// With directories (that end in a slash) and files.
fn tree(paths: &[&str]) -> Tree {
    let mut tree = Tree::new(SUPERUSER, NOW);
    for path in paths {
        make(&mut tree, &Caller::superuser(), path).unwrap();
    }
    tree
}

fn make(tree: &mut Tree, caller: &Caller, path: &str) -> Result<(), Refusal> {
    let wish = Wish {
        directory: path.ends_with('/'),
        ..Wish::default()
    };
    tree.create(caller, &key(path), &wish, NOW).map(|_| ())
}

fn set(tree: &mut Tree, path: &str, list: &str) {
    change(tree, &Caller::superuser(), path, How::Set, list).unwrap();
}

fn change(
    tree: &mut Tree,
    caller: &Caller,
    path: &str,
    how: How,
    list: &str,
) -> Result<(), Refusal> {
    let change = Change {
        list: Some((how, entries(list))),
        ..Change::default()
    };
    tree.change_access(caller, &key(path), &change, &Conditions::default())
        .map(|_| ())
}

fn list_of(tree: &Tree, path: &str) -> String {
    let access = &tree.get(&key(path)).unwrap().access;
    access.lists.text(&|id| id.to_owned())
}

fn permissions(tree: &Tree, path: &str) -> String {
    tree.get(&key(path)).unwrap().access.permissions()
}

fn delete(tree: &mut Tree, caller: &Caller, path: &str, recursive: bool) -> Result<bool, Refusal> {
    let deletion = Deletion {
        recursive,
        ..Deletion::default()
    };
    tree.delete(caller, &key(path), &deletion, NOW)
}

fn recursive(tree: &mut Tree, caller: &Caller, root: &str, how: How, list: &str) -> Batch {
    let entries = entries(list);
    let order = Order {
        how,
        entries: &entries,
        most: usize::MAX,
        force: true,
        fails: &|_| None,
    };
    tree.change_lists(caller, &key(root), None, &order).unwrap()
}

#[test]
fn what_is_made_has_the_umasks_rest() {
    let tree = tree(&["a/b/", "a/f"]);
    assert_eq!(permissions(&tree, "a"), "rwxr-x---");
    assert_eq!(permissions(&tree, "a/b"), "rwxr-x---");
    assert_eq!(permissions(&tree, "a/f"), "rw-r-----");
    let mut tree = tree;
    let wish = Wish {
        directory: true,
        permissions: Mode::of_octal("1777"),
        umask: Mode::of_octal("0002"),
        ..Wish::default()
    };
    tree.create(&Caller::superuser(), "c", &wish, NOW).unwrap();
    assert_eq!(permissions(&tree, "c"), "rwxrwxr-t");
}

#[test]
fn a_default_list_is_handed_down_and_the_umask_not_asked() {
    let mut tree = tree(&["a/"]);
    set(
        &mut tree,
        "a",
        "user::rwx,group::r-x,other::---,default:user::rwx,default:user:u:rwx,default:group::r-x,default:other::r--",
    );
    make(&mut tree, &Caller::superuser(), "a/b/c/").unwrap();
    make(&mut tree, &Caller::superuser(), "a/f").unwrap();
    let inherited = "user::rwx,user:u:rwx,group::r-x,mask::rwx,other::r--";
    assert_eq!(list_of(&tree, "a/f"), inherited);
    let both = format!(
        "{inherited},{}",
        inherited
            .split(',')
            .map(|entry| format!("default:{entry}"))
            .collect::<Vec<_>>()
            .join(",")
    );
    assert_eq!(list_of(&tree, "a/b/c"), both);
    assert_eq!(permissions(&tree, "a/f"), "rwxrwxr--+");
    // Permissions that are asked for bound what is handed down.
    let wish = Wish {
        permissions: Mode::of_octal("0640"),
        ..Wish::default()
    };
    tree.create(&Caller::superuser(), &key("a/g"), &wish, NOW)
        .unwrap();
    assert_eq!(
        list_of(&tree, "a/g"),
        "user::rw-,user:u:rwx,group::r-x,mask::r--,other::---"
    );
}

#[test]
fn a_maker_owns_and_the_group_comes_from_above() {
    let mut tree = tree(&["a/"]);
    set(&mut tree, "", "user::rwx,group::r-x,other::--x");
    set(
        &mut tree,
        "a",
        "user::rwx,user:ann:rwx,group::r-x,other::---",
    );
    make(&mut tree, &person("ann", &[]), "a/b/").unwrap();
    let access = &tree.get(&key("a/b")).unwrap().access;
    assert_eq!((&*access.owner, &*access.group), ("ann", SUPERUSER));
}

#[test]
fn a_set_needs_the_three_entries_and_makes_a_mask() {
    let mut tree = tree(&["a/", "f"]);
    let all = Caller::superuser();
    let refused = |tree: &mut Tree, path, list| change(tree, &all, path, How::Set, list);
    assert_eq!(
        refused(&mut tree, "a", "user::rwx,group::rwx"),
        Err(Refusal::AclBaseMissing)
    );
    assert_eq!(
        refused(&mut tree, "a", "user::rwx,group::r--,other"),
        Err(Refusal::InvalidAcl)
    );
    let on_file = "user::rwx,group::r--,other::---,default:user::rwx";
    assert_eq!(refused(&mut tree, "f", on_file), Err(Refusal::InvalidAcl));
    set(
        &mut tree,
        "a",
        "other::---,group:g:-wx,group::r--,user::rwx",
    );
    assert_eq!(
        list_of(&tree, "a"),
        "user::rwx,group::r--,group:g:-wx,mask::rwx,other::---"
    );
    set(&mut tree, "a", "user::rwx,group::r--,other::---");
    assert_eq!(permissions(&tree, "a"), "rwxr-----");
    let many: Vec<String> = (0..30).map(|n| format!("user:{n}:r--")).collect();
    let many = format!("user::rwx,group::r--,other::---,{}", many.join(","));
    assert_eq!(refused(&mut tree, "a", &many), Err(Refusal::InvalidAcl));
}

#[test]
fn a_default_list_is_completed_from_the_access_list() {
    let mut tree = tree(&["a/"]);
    set(
        &mut tree,
        "a",
        "user::rwx,group::r-x,other::--x,default:user:u:r--",
    );
    assert!(list_of(&tree, "a").ends_with(
        "default:user::rwx,default:user:u:r--,default:group::r-x,default:mask::r-x,default:other::--x"
    ));
    // A list that says nothing of defaults takes them away.
    set(&mut tree, "a", "user::rwx,group::r-x,other::--x");
    assert_eq!(permissions(&tree, "a"), "rwxr-x--x");
}

#[test]
fn entries_are_modified_and_removed() {
    let mut tree = tree(&["a/"]);
    let all = Caller::superuser();
    let mut then =
        |how, list: &str| change(&mut tree, &all, "a", how, list).map(|()| list_of(&tree, "a"));
    let set = then(How::Set, "user::rwx,user:u:rwx,group::r--,other::---").unwrap();
    assert_eq!(set, "user::rwx,user:u:rwx,group::r--,mask::rwx,other::---");
    let modified = then(How::Modify, "user:u:r--,group:g:--x").unwrap();
    assert_eq!(
        modified,
        "user::rwx,user:u:r--,group::r--,group:g:--x,mask::r-x,other::---"
    );
    let masked = then(How::Modify, "mask::r--").unwrap();
    assert!(masked.contains("mask::r--"));
    let removed = then(How::Remove, "user:u,group:g").unwrap();
    assert_eq!(removed, "user::rwx,group::r--,mask::r--,other::---");
    assert_eq!(
        then(How::Remove, "mask").unwrap(),
        "user::rwx,group::r--,other::---"
    );
    assert_eq!(then(How::Remove, "other"), Err(Refusal::InvalidAcl));
    assert_eq!(then(How::Remove, "user:u:rwx"), Err(Refusal::InvalidAcl));
    assert_eq!(then(How::Modify, "user:u"), Err(Refusal::InvalidAcl));
    let default = then(How::Modify, "default:user:u:rw-").unwrap();
    assert!(default.contains("default:user::rwx") && default.contains("default:mask::rw-"));
    let gone = then(
        How::Remove,
        "default:user,default:user:u,default:group,default:other",
    )
    .unwrap();
    assert!(!gone.contains("default"));
}

#[test]
fn a_mode_with_a_mask_is_about_the_mask() {
    let mut tree = tree(&["a/"]);
    set(&mut tree, "a", "user::rwx,user:u:rwx,group::r-x,other::---");
    let mode = Change {
        mode: Mode::of_octal("1740"),
        ..Change::default()
    };
    tree.change_access(&Caller::superuser(), "a", &mode, &Conditions::default())
        .unwrap();
    assert_eq!(
        list_of(&tree, "a"),
        "user::rwx,user:u:rwx,group::r-x,mask::r--,other::---"
    );
    assert_eq!(permissions(&tree, "a"), "rwxr----T+");
}

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
        let flush = super::Flush {
            position,
            retain,
            ..super::Flush::default()
        };
        tree.flush(&all, "f", &flush, NOW)
            .map(super::node::Node::length)
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
fn a_recursive_change_counts_and_leaves_defaults_to_directories() {
    let mut tree = tree(&["a/b/c", "a/d", "a!"]);
    let all = Caller::superuser();
    let list =
        "user::rwx,group::r-x,other::---,default:user::rwx,default:group::r-x,default:other::---";
    let batch = recursive(&mut tree, &all, "a", How::Set, list);
    assert_eq!((batch.directories, batch.files, batch.next), (2, 2, None));
    assert!(list_of(&tree, "a/b").contains("default:"));
    assert_eq!(list_of(&tree, "a/b/c"), "user::rwx,group::r-x,other::---");
    assert_eq!(list_of(&tree, "a!"), "user::rw-,group::r--,other::---");
}

#[test]
fn a_caller_by_lists_changes_what_is_its_own_and_sees_no_further() {
    let mut tree = tree(&["a/"]);
    set(&mut tree, "", "user::rwx,group::r-x,other::rwx");
    set(&mut tree, "a", "user::rwx,group::r-x,other::rwx");
    let ann = person("ann", &[]);
    for path in ["a/hers/f", "a/hers/sub/g"] {
        make(&mut tree, &ann, path).unwrap();
    }
    make(&mut tree, &Caller::superuser(), "a/hers/theirs/secret").unwrap();
    let batch = recursive(&mut tree, &ann, "a/hers", How::Modify, "user:bob:r-x");
    assert_eq!((batch.directories, batch.files), (2, 2));
    let failed: Vec<_> = batch
        .failures
        .iter()
        .map(|one| path::text(&one.key))
        .collect();
    // What is in a directory that it must not look into is not told of.
    assert_eq!(failed, ["a/hers/theirs"]);
}

#[test]
fn a_failure_ends_a_batch_unless_it_is_forced() {
    let mut tree = tree(&["a/b", "a/c", "a/d"]);
    let entries = entries("user:u:r--");
    let fails = |key: &str| (path::text(key) == "a/c").then_some(DENIED);
    let run = |tree: &mut Tree, force| {
        let order = Order {
            how: How::Modify,
            entries: &entries,
            most: 9,
            force,
            fails: &fails,
        };
        tree.change_lists(&Caller::superuser(), "a", None, &order)
            .unwrap()
    };
    let stopped = run(&mut tree, false);
    assert_eq!(
        (stopped.directories, stopped.files, stopped.failures.len()),
        (1, 1, 1)
    );
    assert_eq!(stopped.next, None);
    assert!(!list_of(&tree, "a/d").contains("user:u"));
    let forced = run(&mut tree, true);
    assert_eq!(
        (forced.directories, forced.files, forced.failures.len()),
        (1, 2, 1)
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
