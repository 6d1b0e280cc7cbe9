//! Access lists: what is inherited, what a change leaves.

use super::*;

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
