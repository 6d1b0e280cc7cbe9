//! What is explored, and what must be met and noticed.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::world::{Left, pass};
use super::{Flaw, INTERVAL, Met, Rotation};
use crate::MOST;
use crate::search::{Model, explore};

/// Explores, and looks whether what makes it worth while was met.
fn explored(models: impl IntoIterator<Item = Rotation>, hard: &[Met]) {
    let mut met = BTreeSet::new();
    for model in models {
        let left = model.left;
        let found = explore(&model, MOST).unwrap_or_else(|trace| panic!("{left:?}: {trace}"));
        let (states, transitions) = (found.states, found.transitions);
        eprintln!("keys {left:?}: {states} states, {transitions} transitions");
        met.extend(model.met.into_inner());
    }
    let missed: Vec<_> = hard.iter().filter(|one| !met.contains(one)).collect();
    assert!(missed.is_empty(), "never met: {missed:?}");
}

fn rotated() -> Json {
    json!({"keys": {"secret": "lake-keys", "rotateAfter": "1h"}})
}

/// One operator, much trouble.
const ALONE: Left = Left {
    faults: 1,
    damage: 1,
    minutes: 1,
    hours: 2,
    switches: 0,
};

/// Two operators.
const TWO: Left = Left {
    faults: 1,
    damage: 0,
    minutes: 0,
    hours: 2,
    switches: 2,
};

#[test]
fn a_valid_key_is_in_use_whatever_goes_wrong() {
    let models = [true, false].map(|tells| Rotation::new(rotated(), tells, ALONE));
    explored(models, &[Met::Renewed, Met::LateAfterDeath, Met::Rotated]);
}

#[test]
fn a_valid_key_is_in_use_though_two_operators_make_them() {
    let models = [Rotation::new(rotated(), true, TWO)];
    let hard = [
        Met::Renewed,
        Met::LateAfterDeath,
        Met::ConflictOfSecret,
        Met::ConflictOfNote,
        Met::Rotated,
        Met::NotSentSoLate,
    ];
    explored(models, &hard);
}

#[test]
fn both_keys_are_made_anew_in_turn() {
    let model = Rotation::new(rotated(), true, ALONE);
    let mut world = model.first();
    for hours in 1..=6_u8 {
        model.round(&mut world).unwrap();
        pass(&mut world, INTERVAL);
        model.round(&mut world).unwrap();
        let times = world.keys.map(|key| key.0);
        assert_eq!(times, [hours / 2, hours.div_ceil(2)]);
    }
}

#[test]
fn outputs_are_never_blank_and_come_back() {
    let outputs = json!({"configMap": "lake", "keys": {"secret": "lake-keys"}});
    let left = Left {
        faults: 1,
        damage: 2,
        minutes: 0,
        hours: 0,
        switches: 2,
    };
    let models = [Rotation::new(outputs, true, left)];
    explored(models, &[Met::Repaired, Met::ConflictOfSecret]);
}

/// A model that finds nothing proves nothing: what it is to find is put in, and it finds it.
#[test]
fn a_rule_that_is_left_out_is_noticed() {
    let rows = [
        (Flaw::Unnoted, ALONE),
        (Flaw::Belated, TWO),
        (Flaw::Unguarded, TWO),
        (Flaw::Careless, TWO),
    ];
    for (flaw, left) in rows {
        let model = Rotation::new(rotated(), true, left).flawed(flaw);
        let trace = explore(&model, MOST).err().unwrap_or_default();
        let first = trace.lines().next().unwrap_or_default();
        let acts = trace.lines().filter(|line| line.contains(". ")).count();
        assert!(
            first.contains("rule broken"),
            "{flaw:?} goes unnoticed: {first:?}"
        );
        eprintln!("keys, {flaw:?}: {first}, {acts} acts");
    }
}
