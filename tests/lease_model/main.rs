//! Everything that can happen to a lease and three who stand for it, explored: processes that stand still at any point and go on,
//! that die, that are told to end; calls that come late, and answers that are lost.
//!
//! The decisions are the product's own (`lease::decide`), with times that are small and in the same order. What its shell does with
//! them is written once more, in `world.rs`. Breadth first, so that a counterexample is a shortest one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]
#![allow(unreachable_pub, missing_docs, reason = "a test binary has no callers")]

mod search;
mod world;

use search::{Found, explore};
use world::{Fault, Rules, World};

/// Two things go wrong on one path, and it is long enough for a lease to be lost, taken, and fought for by whoever comes back.
fn two_faults(rules: Rules) -> Found {
    explore(World::led(rules, 2).in_turn(), 10)
}

/// Never two that may both send; nothing of an earlier leader is accepted after the next one's first; whatever has happened, when
/// nothing more goes wrong, one leads in the end.
#[test]
fn nobody_writes_beside_the_leader_and_somebody_leads_in_the_end() {
    let found = two_faults(Rules::default());
    assert_eq!(found.broken, None);
    assert!(found.states > 50_000, "only {} states", found.states);
    // A search that does not come to these shows nothing.
    for hard in [
        "a leader that stood still went on when another one led",
        "a late write was refused",
        "a lease was given back and taken at once",
        "a lease was taken whose holder had died",
        "a late renewal was refused",
        "the answer to a take-over was lost",
    ] {
        assert!(
            found.met.contains(hard),
            "{hard:?} is not among {:?}",
            found.met
        );
    }
}

/// The same with one thing that goes wrong, and all in any order: who is at the same moment as others may be before or after them.
#[test]
fn the_order_does_not_matter() {
    for (world, ticks) in [
        (World::led(Rules::default(), 1), 9),
        (World::new(Rules::default(), 1), 4),
    ] {
        let found = explore(world, ticks);
        assert_eq!(found.broken, None);
        assert!(found.states > 10_000, "only {} states", found.states);
    }
}

/// Each rule that is left out is noticed.
#[test]
fn what_holds_it_is_needed() {
    let cases = [
        (Fault::NoClockAtTheFence, "two may send"),
        (Fault::ForeignClock, "two may send"),
        (Fault::ReleaseBeforeTheFall, "two may send"),
        (Fault::RetryAboveTheFence, "two may send"),
        (Fault::CountsFromTheAnswer, "two may send"),
        (Fault::WritesOnNoVersion, "two may send"),
        (Fault::WaitsTooShortly, "two may send"),
        (Fault::EffectsOnNoVersion, "a late write was accepted"),
        (Fault::NeverTakesOver, "nobody leads in the end"),
    ];
    for (fault, wanted) in cases {
        let found = two_faults(Rules::without(fault));
        let broken = found.broken.unwrap_or_default();
        assert!(broken.starts_with(wanted), "{fault:?}: {broken:?}");
    }
}
