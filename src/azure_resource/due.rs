//! Whether a resource is to be looked at, and when next. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::api::ResourceStatus;
use super::note::Became;
use super::valid::Common;
use crate::azure::arm::budget::Calls;
use crate::azure::arm::client::spared;
use crate::k8s::conditions::find;
use crate::problem::Problem;
use crate::retry::{self, Retry, after};

/// Role assignments and the data plane are looked at at every so manieth interval.
const DEEP: u32 = 12;
/// What our own budget holds up for no longer than this is not told.
const PASSING: Duration = Duration::from_secs(10);

/// Everything that a look depends on, apart from Azure and the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// The generation of the spec.
    pub generation: i64,
    /// Whether the object is being deleted.
    pub leaving: bool,
    /// Annotations that say something.
    pub sync_at: Option<String>,
    /// The same.
    pub marks: [bool; 2],
    /// Uid, generation and revision of the identity's credential, or why there is none.
    pub identity: Result<(String, i64, u64), String>,
    /// Syncs that name a resource that is being deleted.
    pub syncs: Vec<String>,
}

/// What is remembered between two reconciles, in memory alone.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// What the last look depended on.
    pub seen: Option<Inputs>,
    /// When the next look is due.
    pub next: Option<Timestamp>,
    /// When roles and data plane are due.
    pub deep: Option<Timestamp>,
    /// Looks in a row that failed.
    pub failures: u32,
    /// Whether a write was refused because the provider is not registered.
    pub unregistered: bool,
    /// What became of a note, until the status tells.
    pub became: Option<Became>,
    /// How many calls a look takes for which the budget had not enough.
    pub takes: Calls,
    /// How often a look was asked for when this was recalled, and how often when the last look began.
    pub asks: Asks,
}

/// How often a look was asked for because of what others have changed: a count, so that what is asked for while a look goes on
/// is not lost with what that look remembers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asks {
    /// So often.
    pub asked: u64,
    /// So often when the last look began that was made to its end.
    pub answered: u64,
}

/// How many calls a look takes: as many as the last one lacked, and `least` of them.
pub fn takes(memory: &Memory, least: Calls) -> Calls {
    let known = memory.takes;
    Calls {
        reads: known.reads.max(least.reads),
        writes: known.writes.max(least.writes),
        deletes: known.deletes.max(least.deletes),
    }
}

/// Whether what a look came to is worth no word: our own budget spares Azure for a moment, and the next look follows at once.
pub fn is_passing(problem: &Problem) -> bool {
    spared(problem) && matches!(problem.retry, Retry::After(pause) if pause <= PASSING)
}

/// What a look is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing is due before then.
    Not(Timestamp),
    /// A look.
    Look {
        /// Whether roles and data plane belong to it.
        deep: bool,
        /// Whether it comes before its time, because somebody has changed something that belongs to the resource. What is looked at
        /// by and by waits for its own time.
        early: bool,
    },
}

/// Decides whether anything is due. `whole` are the conditions that are `True` where all was done for a spec.
pub fn due(
    inputs: &Inputs,
    memory: &Memory,
    (status, whole): (&ResourceStatus, &[&str]),
    now: Timestamp,
) -> Due {
    let changed = memory.seen.as_ref() != Some(inputs);
    let next = memory.next.unwrap_or(now);
    let early = !changed && now < next;
    if early && memory.asks.asked == memory.asks.answered {
        return Due::Not(next);
    }
    // After a restart nothing is remembered; what the status says was so a moment ago.
    let restarted = memory.seen.is_none();
    let whole = is_whole(inputs, status, whole);
    let deep = match memory.deep {
        Some(deep) => now >= deep || changed,
        None => !(restarted && whole),
    };
    Due::Look { deep, early }
}

/// Whether the status says that everything was done for this spec.
fn is_whole(inputs: &Inputs, status: &ResourceStatus, whole: &[&str]) -> bool {
    let is_true =
        |type_: &&str| find(&status.conditions, type_).is_some_and(|one| one.status == "True");
    let asked = status.handled_sync_at != inputs.sync_at;
    status.applied_generation == Some(inputs.generation) && whole.iter().all(is_true) && !asked
}

/// What a look came to, as far as the next one depends on it.
#[derive(Debug, Clone, Copy, Default)]
pub struct CameTo<'a> {
    /// What stands in the way.
    pub problem: Option<&'a Problem>,
    /// Whether roles and data plane were looked at.
    pub deep: bool,
    /// Whether it came before its time.
    pub early: bool,
    /// When a look is due before its time.
    pub rotation: Option<Timestamp>,
    /// When the request of a note can have no effect any more: a look after that takes the note away.
    pub lapses: Option<Timestamp>,
}

/// What is remembered after a look.
pub fn remember(
    valid: &Common,
    inputs: Inputs,
    memory: &Memory,
    came_to: CameTo<'_>,
    now: Timestamp,
) -> Memory {
    let CameTo {
        problem,
        deep,
        early,
        rotation,
        lapses,
    } = came_to;
    let failures = match problem {
        Some(_) => memory.failures.saturating_add(1),
        None => 0,
    };
    let interval = retry::jitter(valid.interval, retry::seed(&valid.uid, "interval"));
    let pause = match problem {
        None => interval,
        Some(problem) => {
            let slow = retry::delay(problem.retry, failures, retry::seed(&valid.uid, "retry"));
            match problem.retry {
                // Azure's own wish, unless it is out of all reason.
                Retry::After(_) => slow.min(interval.max(retry::RESYNC)),
                // What only a change can mend may be mended in Azure, too, which nobody tells us of.
                Retry::OnChange | Retry::Backoff => slow.min(interval.max(retry::CEILING)),
            }
        }
    };
    let next = after(now, pause);
    // One that is due already was tried just now: it waits like everything else.
    let rotation = rotation.filter(|due| *due > now);
    let lapses = lapses.filter(|lapses| *lapses > now);
    // Who changes something again and again puts nothing off.
    let kept = memory.next.filter(|next| early && *next > now);
    let next = rotation
        .into_iter()
        .chain(lapses)
        .chain(kept)
        .fold(next, Timestamp::min);
    let whole = after(now, spread(valid, interval));
    let deep_next = match (problem, deep) {
        (None, true) => whole,
        // What was not looked at as a whole is due with the next look.
        (Some(_), _) => now,
        (None, false) => memory.deep.unwrap_or(whole),
    };
    let deep_next = rotation.into_iter().fold(deep_next, Timestamp::min);
    Memory {
        seen: Some(inputs),
        next: Some(next),
        deep: Some(deep_next),
        failures,
        unregistered: memory.unregistered,
        became: None,
        takes: memory.takes,
        asks: Asks {
            answered: memory.asks.asked,
            ..memory.asks
        },
    }
}

fn spread(valid: &Common, interval: Duration) -> Duration {
    retry::jitter(interval * DEEP, retry::seed(&valid.uid, "deep"))
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;
