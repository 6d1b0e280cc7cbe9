//! Random specs and random lakes against the rules that must always hold.

mod azure;
mod lists;
mod specs;
mod world;

use proptest::prelude::*;
use serde_json::{Value, json};

use self::specs::{Put, apply, fields, filesystem, one, put};
use self::world::{World, blocked};
use super::fixtures::name;
use super::*;
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{FilesystemName, LakePath};
use crate::problem::Reason;

/// A world in which somebody was there before.
fn world(spec: &Value, there: bool, put: &Put, backwards: bool) -> World {
    let mut world = World::new(spec, backwards);
    if there {
        world
            .azure
            .make(&name())
            .properties
            .insert("others".to_owned(), "x".to_owned());
        apply(&mut world.azure, &name(), put);
    }
    world
}

/// The same in a Data Lake Store, which is one filesystem that is always there.
fn in_store(spec: &Value, put: &Put, backwards: bool) -> World {
    let mut one = spec["filesystems"][0].clone();
    one["name"] = json!("root");
    one["properties"] = json!({});
    let mut spec = fields(&[one]);
    spec["generation"] = json!("Gen1");
    let mut world = World::new(&spec, backwards);
    apply(&mut world.azure, &"root".parse().unwrap(), put);
    world.azure.make(&"root".parse().unwrap());
    world.azure.store = true;
    world
}

/// A world of either generation.
fn either(
    store: bool,
    spec: &Value,
    (there, put): (bool, &Put),
    backwards: bool,
) -> (World, FilesystemName) {
    if store {
        let store = in_store(spec, put, backwards);
        return (store, "root".parse().unwrap());
    }
    (world(spec, there, put, backwards), name())
}

fn nothing() -> Vec<String> {
    Vec::new()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_lake_comes_to_its_spec_and_rests_and_others_keep_what_is_theirs(
        spec in one(true), there in any::<bool>(), put in put(true), backwards in any::<bool>(), forgets in 0u32..2,
        store in prop::bool::weighted(0.2),
    ) {
        let (mut world, _) = either(store, &spec, (there, &put), backwards);
        world.azure.forgets = forgets;
        let before = world.azure.clone();
        let end = world.ends();
        let conflict = world.nodes().any(|(name, path, node)| blocked(&before, name, path, node));
        prop_assert_eq!(end.whole, !conflict, "{:?}", end);
        prop_assert!(!conflict || end.problem.is_some_and(|problem| problem.reason == Reason::PathConflict));
        prop_assert_eq!(world.wrong(&before), nothing());
        prop_assert_eq!(world.wrong_in_trees(&before), nothing());
        prop_assert_eq!(world.touched(&before), nothing());
        let wrote = world.azure.wrote.clone();
        prop_assert_eq!(world.ends().whole, !conflict);
        prop_assert_eq!(&world.azure.wrote, &wrote, "a perpetual difference");
        // That something above is a file is known by trying alone.
        prop_assert!(conflict || world.dry().0.is_empty(), "a perpetual difference");
    }

    #[test]
    fn who_dies_in_between_leaves_nothing_that_the_next_does_not_mend(
        spec in one(true), there in any::<bool>(), put in put(false), at in prop::collection::vec(0usize..30, 1..3),
        store in prop::bool::weighted(0.3),
    ) {
        let (mut straight, _) = either(store, &spec, (there, &put), false);
        let mut world = straight.clone();
        let before = world.azure.clone();
        straight.ends();
        let mut deaths = 0;
        for at in at {
            if world.round(Some(at)).is_none() {
                deaths += 1;
            }
        }
        prop_assert!(world.ends().whole);
        prop_assert_eq!(world.wrong(&before), nothing());
        prop_assert_eq!(world.wrong_in_trees(&before), nothing());
        prop_assert_eq!(world.touched(&before), nothing());
        // What was written and not noted is seen, or written once more.
        let (most, wrote) = (straight.azure.wrote.len() + deaths, &world.azure.wrote);
        prop_assert!(wrote.len() <= most, "{:?} for {:?}", wrote, straight.azure.wrote);
        let wrote = wrote.len();
        prop_assert!(world.ends().whole);
        prop_assert_eq!(world.azure.wrote.len(), wrote);
    }

    #[test]
    fn no_more_is_written_than_differs(
        spec in one(false), there in any::<bool>(), put in put(false), store in prop::bool::weighted(0.3),
    ) {
        // A store is always there.
        let there = there || store;
        let (mut world, _) = either(store, &spec, (there, &put), false);
        let before = world.azure.clone();
        let (planned, differ) = world.dry();
        prop_assert_eq!(&world.azure, &before, "a dry round writes");
        // The rights of a new path may take a second call.
        let new = world.nodes().filter(|(name, path, node)| {
            let here = before.filesystems.get(*name);
            let is_new = here.is_none_or(|here| !here.items.contains_key(*path));
            is_new && !node.access.is_silent()
        }).count();
        let fresh = if there { 0 } else { world.nodes().count() };
        world.ends();
        let wrote = world.azure.wrote.len();
        prop_assert!(wrote <= differ + new + fresh, "{:?} for {:?}", world.azure.wrote, planned);
        prop_assert_eq!(wrote == 0, differ == 0 && planned.is_empty());
        prop_assert!(planned.iter().all(|step| world.azure.wrote.contains(step)), "{:?} was not done: {:?}", planned, world.azure.wrote);
    }

    #[test]
    fn whatever_others_do_is_mended_when_all_have_had_their_turn(
        spec in one(false), put in put(false), then in specs::put(false), gone in prop::collection::vec(0usize..20, 0..3), of in 1u32..5,
        all in prop::bool::weighted(0.1), store in prop::bool::weighted(0.3),
    ) {
        let (mut world, name) = either(store, &spec, (true, &put), false);
        let before = world.azure.clone();
        world.ends();
        apply(&mut world.azure, &name, &then);
        for at in gone {
            let items = &mut world.azure.make(&name).items;
            let one = items.keys().nth(at % items.len()).cloned().unwrap();
            if !one.is_root() {
                items.retain(|path, _| !path.is_in(&one));
            }
        }
        if all && !store {
            world.azure.filesystems.clear();
        }
        for turn in 0..of {
            world.case.turn = Some(Turn { turn, of });
            let end = world.ends();
            prop_assert_eq!(end.problem, None);
        }
        prop_assert_eq!(world.wrong(&before), nothing());
        let wrote = world.azure.wrote.len();
        world.case.turn = None;
        prop_assert!(world.ends().whole);
        prop_assert_eq!(world.azure.wrote.len(), wrote);
    }

    #[test]
    fn what_failed_in_trees_is_done_in_the_end(
        spec in one(true), put in put(false), at in 0usize..12, tries in 1u32..4, store in prop::bool::weighted(0.3),
    ) {
        let (mut world, name) = either(store, &spec, (true, &put), false);
        let paths: Vec<LakePath> = world.azure.make(&name).items.keys().cloned().collect();
        world.azure.stubborn.insert(paths[at % paths.len()].clone(), tries);
        let before = world.azure.clone();
        let mut ends = world.ends();
        for _ in 0..tries {
            let Some(then) = world.case.record.retry_at() else {
                break;
            };
            let problem = ends.problem.as_ref();
            prop_assert!(problem.is_some_and(|problem| problem.reason == Reason::TreeIncomplete), "{:?}", ends);
            world.case.now = then;
            ends = world.ends();
        }
        prop_assert!(ends.whole, "{:?}", ends);
        prop_assert_eq!(world.wrong(&before), nothing());
        prop_assert_eq!(world.wrong_in_trees(&before), nothing());
    }

    #[test]
    fn nothing_is_deleted_unasked(
        first in filesystem("raw", false), second_ in filesystem("out", false), stays in any::<[bool; 2]>(), there in any::<[bool; 2]>(),
        policies in any::<[bool; 2]>(), force in any::<bool>(), later in any::<[bool; 2]>(), dies in prop::option::of(0usize..10),
        observes in any::<bool>(),
    ) {
        let names: [FilesystemName; 2] = ["raw", "out"].map(|name| name.parse().unwrap());
        let mut both = [first, second_];
        for (one, deletes) in both.iter_mut().zip(policies) {
            one["deletionPolicy"] = json!(if deletes { "Delete" } else { "Retain" });
        }
        let mut world = World::new(&fields(&both), false);
        for (name, there) in names.iter().zip(there) {
            if there {
                world.azure.make(name);
            }
        }
        world.round(dies);
        world.ends();
        for (name, later) in names.iter().zip(later) {
            if later {
                world.azure.put(name, &"others".parse().unwrap(), Thing::File);
            }
        }
        let kept: Vec<Value> = both.iter().zip(stays).filter(|(_, stays)| *stays).map(|(one, _)| one.clone()).collect();
        let mut spec = fields(&kept);
        spec["force"] = json!(force);
        world.edit(&spec);
        world.case.mode = if observes { Mode::Observe } else { Mode::Manage };
        let holds: Vec<bool> = names.iter().map(|name| world.azure.filesystems[name].items.len() > 1).collect();
        if observes {
            prop_assert!(!world.dry().0.iter().any(|step| step.contains("delete")));
        }
        world.ends();
        for (at, name) in names.iter().enumerate() {
            let may_go = !stays[at] && !there[at] && policies[at] && (force || !holds[at]) && !observes;
            let is_there = world.azure.filesystems.contains_key(name);
            prop_assert!(is_there || may_go, "{name} is gone");
            // Who died may have forgotten that it was made here; then it stays.
            prop_assert!(!is_there || !may_go || dies.is_some(), "{name} is not gone");
        }
    }
}
