//! The tree by its rules: who may do what, what is inherited, what a change leaves.

mod lists;
mod ways;

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
