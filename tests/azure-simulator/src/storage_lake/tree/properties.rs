//! What holds of all trees.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    Change, Tree, Wish,
    acl::{How, Lists},
    acl_text::{self, Entry},
    caller::Caller,
    conditions::Conditions,
    node::SUPERUSER,
    path,
    permissions::{Mode, Perm},
    recursive::Order,
};
use crate::world::moment::Moment;

const NOW: Moment = Moment(0);

fn perm() -> impl Strategy<Value = String> {
    (0_u32..8).prop_map(|digit| Perm::of_digit(digit).to_string())
}

fn list() -> impl Strategy<Value = String> {
    let base =
        (perm(), perm(), perm()).prop_map(|(u, g, o)| format!("user::{u},group::{g},other::{o}"));
    (base, extras()).prop_map(|(base, extras)| {
        extras
            .into_iter()
            .fold(base, |all, one| format!("{all},{one}"))
    })
}

/// Entries with names, of which none is there twice.
fn extras() -> impl Strategy<Value = Vec<String>> {
    let name = select(vec![
        "user:u1",
        "user:u2",
        "group:g1",
        "group:g2",
        "mask:",
        "default:user:u1",
        "default:group:g1",
    ]);
    vec((name, perm()), 0..4).prop_map(|pairs| {
        let mut seen = Vec::new();
        let mut entries = Vec::new();
        for (name, perm) in pairs {
            if !seen.contains(&name) {
                seen.push(name);
                entries.push(format!("{name}:{perm}"));
            }
        }
        entries
    })
}

fn entries(text: &str) -> Vec<Entry> {
    acl_text::parse(text, &|name| Some(name.to_owned())).unwrap()
}

/// Short paths over few names, so that they meet.
fn paths() -> impl Strategy<Value = Vec<String>> {
    let part = select(vec!["a", "a!", "b", "c"]);
    let one = vec(part, 1..4).prop_map(|parts| parts.join("/"));
    vec((one, any::<bool>()), 1..12).prop_map(|paths| {
        paths
            .into_iter()
            .map(|(path, directory)| if directory { format!("{path}/") } else { path })
            .collect()
    })
}

fn tree(paths: &[String]) -> Tree {
    let mut tree = Tree::new(SUPERUSER, NOW);
    for path in paths {
        let wish = Wish {
            directory: path.ends_with('/'),
            ..Wish::default()
        };
        // What lies in the way of another stays.
        let _made = tree.create(&Caller::superuser(), &path::key(path).unwrap(), &wish, NOW);
    }
    tree
}

fn all(tree: &Tree) -> Vec<(String, bool, Lists)> {
    let page = tree
        .list(&Caller::superuser(), "", true, None, usize::MAX)
        .unwrap();
    page.entries
        .iter()
        .map(|(key, node)| {
            (
                path::text(key),
                node.is_directory(),
                node.access.lists.clone(),
            )
        })
        .collect()
}

fn how() -> impl Strategy<Value = (How, String)> {
    prop_oneof![
        list().prop_map(|list| (How::Set, list)),
        extras()
            .prop_filter("nothing to modify", |extras| !extras.is_empty())
            .prop_map(|extras| (How::Modify, extras.join(","))),
        select(vec![
            "user:u1",
            "user:u2,group:g1",
            "mask",
            "default:user:u1"
        ])
        .prop_map(|list| (How::Remove, list.to_owned())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Batches of any size leave what one batch does, and what a change of each path by itself does.
    #[test]
    fn batches_are_as_one_and_as_single_changes(
        paths in paths(),
        first in list(),
        (how, list) in how(),
        most in 1_usize..5,
    ) {
        let superuser = Caller::superuser();
        let run = |tree: &mut Tree, how, text: &str, most| {
            let entries = entries(text);
            let order = Order { how, entries: &entries, most, force: false, fails: &|_| None };
            let mut from: Option<Box<str>> = None;
            let mut count = 0;
            loop {
                let batch = tree.change_lists(&superuser, "", from.as_deref(), &order).unwrap();
                prop_assert!(batch.failures.is_empty());
                let done = batch.directories + batch.files;
                prop_assert!(done <= most as u64 && done > 0);
                count += done;
                match batch.next {
                    Some(next) => from = Some(next),
                    None => break Ok(count),
                }
            }
        };
        let mut whole = tree(&paths);
        run(&mut whole, How::Set, &first, usize::MAX)?;
        let (mut batched, mut single) = (whole.clone(), whole.clone());
        run(&mut whole, how, &list, usize::MAX)?;
        let count = run(&mut batched, how, &list, most)?;
        prop_assert_eq!(count, batched.len() as u64);
        prop_assert_eq!(all(&whole), all(&batched));
        for (path, directory, _) in all(&single) {
            let own = entries(&list).into_iter().filter(|entry| directory || !entry.default);
            let change = Change { list: Some((how, own.collect())), ..Change::default() };
            let key = path::key(&path).unwrap();
            single.change_access(&superuser, &key, &change, &Conditions::default()).unwrap();
        }
        prop_assert_eq!(all(&whole), all(&single));
    }

    /// A list that is set reads the same when its text is set again.
    #[test]
    fn a_text_means_the_list_that_it_is_of(list in list(), directory: bool) {
        let start = Lists {
            access: super::acl::Acl::of_mode(Mode::of_octal("0750").unwrap()),
            default: None,
        };
        let set = start.changed(How::Set, &entries(&list), directory).unwrap();
        let text = set.text(&|id| id.to_owned());
        let again = start.changed(How::Set, &entries(&text), directory).unwrap();
        prop_assert_eq!(set, again);
    }

    /// Where nobody names a mask, it allows what the entries that it bounds have together, and so bounds none.
    #[test]
    fn a_computed_mask_takes_nothing_away(list in list()) {
        prop_assume!(!list.contains("mask"));
        let start = Lists {
            access: super::acl::Acl::of_mode(Mode::of_octal("0750").unwrap()),
            default: None,
        };
        let set = start.changed(How::Set, &entries(&list), true).unwrap();
        for acl in std::iter::once(&set.access).chain(&set.default) {
            for (_, perm) in acl.users.iter().chain(&acl.groups) {
                prop_assert_eq!(acl.masked(*perm), *perm);
            }
            prop_assert_eq!(acl.masked(acl.group), acl.group);
            prop_assert_eq!(acl.mask.is_some(), !acl.users.is_empty() || !acl.groups.is_empty());
        }
    }

    /// Pages of any size list what one page does, and no directory comes after what it holds.
    #[test]
    fn pages_are_as_one(paths in paths(), most in 1_usize..5) {
        let tree = tree(&paths);
        let superuser = Caller::superuser();
        let whole: Vec<_> = all(&tree).into_iter().map(|(path, ..)| path).collect();
        let mut paged = Vec::new();
        let mut from: Option<String> = None;
        loop {
            let page = tree.list(&superuser, "", true, from.as_deref(), most).unwrap();
            paged.extend(page.entries.iter().map(|(key, _)| path::text(key)));
            match page.next {
                Some(next) => from = Some(next.to_owned()),
                None => break,
            }
        }
        prop_assert_eq!(&whole, &paged);
        for (at, path) in whole.iter().enumerate() {
            let inside = format!("{path}/");
            prop_assert!(!whole[..at].iter().any(|earlier| earlier.starts_with(&inside)));
        }
    }

    /// What is moved there and back is where it was.
    #[test]
    fn a_move_and_back_changes_nothing(paths in paths()) {
        let mut tree = tree(&paths);
        let before = all(&tree);
        if tree.get("a").is_ok() {
            let taken = tree.take("a");
            tree.put("zz", taken);
            prop_assert!(tree.get("a").is_err());
            let taken = tree.take("zz");
            tree.put("a", taken);
        }
        prop_assert_eq!(before, all(&tree));
    }
}
