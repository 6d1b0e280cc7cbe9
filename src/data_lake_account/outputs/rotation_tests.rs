//! Whatever crashes, is lost or comes late: the Secret has a valid key at all times, and so has every signature; and whoever took
//! a key from the Secret can use it for an interval after another one stands there.

use std::time::Duration;

use futures::executor::block_on;
use proptest::prelude::*;

use super::carry::{Given, carry_out};
use super::fixtures::{account, owner};
use super::record::Record;
use super::rotation_world::{Fake, Fault, INTERVAL};
use crate::data_lake_account::api::AccountKey;
use crate::problem::Reason;

/// What happens between two rounds.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// Time passes.
    Passes(i64),
    /// Somebody deletes the Secret.
    Deletes,
    /// Somebody takes a field of the Secret.
    Damages,
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let one = prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::Lost),
        1 => Just(Fault::AnswerLost),
        1 => Just(Fault::Late),
        1 => Just(Fault::DiesBefore),
        1 => Just(Fault::DiesAfter),
    ];
    prop::collection::vec(one, 0..120)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let passes = prop_oneof![Just(1), Just(30), Just(61), Just(1200), Just(3700)];
    let one = prop_oneof![
        8 => passes.prop_map(Event::Passes),
        1 => Just(Event::Deletes),
        1 => Just(Event::Damages),
    ];
    prop::collection::vec(one, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_valid_key_is_in_use_whatever_goes_wrong(faults in faults(), events in events(), tells in any::<bool>()) {
        let mut world = Fake::new(faults, tells);
        for event in events {
            // A round that fails is one of the things that happen.
            drop(world.round());
            world.check();
            world.note_what_stands();
            match event {
                Event::Passes(seconds) => world.passes(seconds),
                Event::Deletes => drop(world.secrets.remove("lake-keys")),
                Event::Damages => {
                    if let Some(secret) = world.secrets.get_mut("lake-keys") {
                        secret.intact = false;
                        secret.version += 1;
                    }
                }
            }
        }
        // Once nothing goes wrong any more, keys are made anew in turn.
        world.faults.clear();
        let before = world.azure.clone();
        for _ in 0..12 {
            world.passes(1200);
            let came = world.round().unwrap();
            prop_assert!(came.problem.is_none(), "{came:?}");
        }
        for (name, (times, _)) in &world.azure {
            prop_assert!(*times > before[name].0, "{name} was not made anew");
        }
        prop_assert!(world.secrets.contains_key("lake-keys"));
    }
}

#[test]
fn keys_change_places_once_an_interval() {
    let mut world = Fake::new(Vec::new(), true);
    let mut seen = Vec::new();
    for _ in 0..8 {
        world.round().unwrap();
        seen.push(world.status.in_use());
        world.passes(1900);
    }
    let (one, two) = (Some(AccountKey::Key1), Some(AccountKey::Key2));
    assert_eq!(seen, [one, one, two, two, one, one, two, two]);
}

#[test]
fn keys_are_read_only_where_that_is_needed() {
    let mut world = Fake::new(Vec::new(), true);
    world.round().unwrap();
    world.passes(60);
    // Any call after the look at what is there would fail.
    world.faults = vec![Fault::DiesBefore, Fault::None, Fault::None];
    world.round().unwrap();
    assert_eq!(world.faults, [Fault::DiesBefore]);
}

#[test]
fn a_key_that_others_made_anew_is_written_at_the_next_look() {
    let mut world = Fake::new(Vec::new(), true);
    world.round().unwrap();
    world.secrets.clear();
    world.round().unwrap();
    world.passes(60);
    world.azure.insert("key1", (7, world.now));
    world.meddled = true;
    let came = world.round().unwrap();
    world.meddled = false;
    world.check();
    assert_eq!(
        came.did,
        ["write Secret lake-keys", "write Secret lake-sas"]
    );
    assert!(
        came.again
            .is_some_and(|again| again <= world.now + INTERVAL)
    );
}

#[test]
fn nothing_is_written_where_keys_give_no_access() {
    let mut world = Fake::new(Vec::new(), true);
    let (wanted, owner, mut record) = (world.wanted.clone(), owner(), Record::default());
    let account = super::Account {
        shared_keys: false,
        ..account()
    };
    let given = Given {
        account: &account,
        wanted: &wanted,
        owner: &owner,
        dry: false,
    };
    let came = block_on(carry_out(&mut world, &given, &mut record)).unwrap();
    assert_eq!(came.problem.unwrap().reason, Reason::InvalidSpec);
    assert!(world.secrets.is_empty() && record.keys.is_none());
    assert_eq!(wanted.rotate_after, Some(Duration::from_hours(1)));
}
