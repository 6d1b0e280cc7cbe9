use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::azure::lake::list::Listed;

/// A tree: what is in it, by path with its slashes.
type Tree = BTreeMap<String, Thing>;

fn listed(name: &str, thing: Thing) -> Listed {
    Listed {
        name: name.to_owned(),
        thing,
        etag: None,
        length: 0,
        owner: None,
        group: None,
        permissions: None,
        has_entries: false,
    }
}

/// A page of a directory, of so many names.
fn page(tree: &Tree, directory: &LakePath, behind: Option<&str>, most: usize) -> Page {
    let parent = text(directory);
    let names = tree.iter().filter_map(|(path, thing)| {
        let name = path.strip_prefix(&parent)?;
        (!name.is_empty() && !name.contains('/')).then_some((name, *thing))
    });
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|(name, _)| *name);
    let behind = names
        .into_iter()
        .filter(|(name, _)| behind.is_none_or(|behind| *name > behind));
    let mut paths: Vec<Listed> = behind.map(|(name, thing)| listed(name, thing)).collect();
    let more = paths.len() > most;
    paths.truncate(most);
    let last = paths.last().map(|last| last.name.clone());
    Page {
        continuation: last.filter(|_| more),
        paths,
    }
}

/// What a way names, with breaks after so many names, and how often something was listed.
fn way(tree: &Tree, top: &LakePath, (most, breaks): (usize, usize)) -> (Vec<String>, usize) {
    let (mut all, mut lists) = (Vec::new(), 0);
    let mut walk = Walk::new(top, None).unwrap();
    for _ in 0..10_000 {
        match walk.next() {
            Next::End => return (all, lists),
            Next::List(path, behind) => {
                lists += 1;
                walk.listed(page(tree, &path, behind.as_deref(), most));
            }
            Next::Change(item) => {
                all.push(item.path.map_or_else(|text| text, |path| path.to_string()));
                if all.len() % breaks == 0 {
                    let place = walk.place().unwrap();
                    walk = Walk::new(top, Some(&place)).unwrap();
                }
            }
        }
    }
    panic!("it does not end: {all:?}");
}

/// All of a tree, each directory before what is in it.
fn whole(tree: &Tree, top: &LakePath) -> Vec<String> {
    let parent = text(top);
    let mut all: Vec<Vec<&str>> = tree
        .keys()
        .filter_map(|path| path.strip_prefix(&parent))
        .map(|path| path.split('/').collect())
        .collect();
    all.sort();
    let below = all.iter().map(|parts| {
        let path = format!("{parent}{}", parts.join("/"));
        path.trim_start_matches('/').to_owned()
    });
    std::iter::once(top.to_string()).chain(below).collect()
}

fn tree() -> impl Strategy<Value = Tree> {
    let name = "[a-c]{1,2}|[ä!.]b";
    let path = prop::collection::vec(name, 1..4);
    prop::collection::vec(path, 0..30).prop_map(|paths| {
        let mut tree = Tree::new();
        for parts in paths {
            for depth in 1..parts.len() {
                tree.insert(format!("/{}", parts[..depth].join("/")), Thing::Directory);
            }
            let path = format!("/{}", parts.join("/"));
            tree.entry(path).or_insert(Thing::File);
        }
        tree
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn each_path_comes_once_and_in_order_whatever_breaks_it(
        tree in tree(), most in 1usize..5, breaks in 1usize..9, deep in any::<bool>(),
    ) {
        let inner = tree.iter().find(|(_, thing)| **thing == Thing::Directory);
        let top = inner.filter(|_| deep).map_or("", |(path, _)| path.as_str());
        let top: LakePath = top.parse().unwrap();
        let (all, _) = way(&tree, &top, (most, breaks));
        prop_assert_eq!(all, whole(&tree, &top));
    }
}

fn path(text: &str) -> LakePath {
    text.parse().unwrap()
}

#[test]
fn a_directory_is_listed_once_where_nothing_breaks_it() {
    let tree = ["/a", "/a/b", "/a/b/c", "/d"].map(|path| (path.to_owned(), Thing::Directory));
    let (all, lists) = way(&tree.into(), &path(""), (9, 99));
    assert_eq!(all, ["/", "a", "a/b", "a/b/c", "d"]);
    assert_eq!(lists, 5);
}

#[test]
fn places_are_paths_that_people_can_read() {
    let mut walk = Walk::new(&path("a"), None).unwrap();
    assert_eq!(walk.place(), None);
    walk.next();
    assert_eq!(walk.place().as_deref(), Some("/a/"));
    walk.next();
    let paths = vec![listed("f", Thing::File)];
    let continuation = None;
    walk.listed(Page {
        paths,
        continuation,
    });
    walk.next();
    assert_eq!(walk.place().as_deref(), Some("/a/f"));
    assert_eq!(walk.next(), Next::End);
    assert_eq!(walk.place(), None);
}

#[test]
fn what_is_no_place_in_the_tree_is_none() {
    let top = path("a");
    for bad in ["", "a/", "/b/", "/", "/a", "/a//x", "x"] {
        assert!(Walk::new(&top, Some(bad)).is_none(), "{bad}");
    }
    for good in ["/a/", "/a/b", "/a/b/", "/a/strange."] {
        assert!(Walk::new(&top, Some(good)).is_some(), "{good}");
    }
    assert!(Walk::new(&path(""), Some("/")).is_some());
    assert!(Walk::new(&path(""), Some("/f")).is_some());
}

#[test]
fn a_name_that_nobody_can_ask_for_is_told_and_passed_by() {
    let tree = ["/a", "/a/dot.", "/a/z"].map(|path| (path.to_owned(), Thing::File));
    let (all, _) = way(&tree.into(), &path("a"), (9, 1));
    assert_eq!(all, ["a", "a/dot.", "a/z"]);
}

#[test]
fn a_store_that_does_not_go_on_is_not_asked_for_ever() {
    let mut walk = Walk::new(&path("a"), None).unwrap();
    let same = || Page {
        paths: vec![listed("f", Thing::File)],
        continuation: Some("f".to_owned()),
    };
    let mut changes = 0;
    for _ in 0..10 {
        match walk.next() {
            Next::List(..) => walk.listed(same()),
            Next::Change(_) => changes += 1,
            Next::End => break,
        }
    }
    assert_eq!((changes, walk.next()), (2, Next::End));
}

#[test]
fn no_more_than_a_few_pages_are_held() {
    let top = path("");
    let mut walk = Walk::new(&top, None).unwrap();
    let name = |at: usize| format!("d{at:05}");
    let wide = || Page {
        paths: (0..3000)
            .map(|at| listed(&name(at), Thing::Directory))
            .collect(),
        continuation: None,
    };
    let mut changed = 0;
    // Deeper and deeper, and then out again.
    for _ in 0..12 {
        while !matches!(walk.next(), Next::List(..)) {
            changed += 1;
        }
        walk.listed(wide());
        let held: usize = walk.levels.iter().map(|level| level.left.len()).sum();
        assert!(held <= HELD + 3000, "{held}");
    }
    assert_eq!(changed, 12);
    let dropped = walk.levels.first().unwrap();
    assert!(dropped.left.is_empty() && dropped.more);
    assert_eq!(dropped.last.as_deref(), Some("d00000"));
}
