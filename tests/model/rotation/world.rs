//! The account's two keys, the Secret and the ConfigMap that tell of it, and two operators that keep them.

use super::ghost::{Answer, Reply};

/// One of the two keys, as it was made for so many times after the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Value {
    pub(super) key: u8,
    pub(super) times: u8,
}

/// What the status keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Kept {
    pub(super) in_use: Option<u8>,
    pub(super) created: Option<u32>,
    pub(super) since: Option<u32>,
    pub(super) renewing: Option<Renewing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Renewing {
    pub(super) key: u8,
    pub(super) was: Option<u32>,
    pub(super) until: u32,
}

/// A round: all that it knows is what it began with and the answers that it has had.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) kept: Kept,
    /// When the keys were made, as the account told at its beginning.
    pub(super) made: [u32; 2],
    pub(super) began: u32,
    pub(super) answers: Vec<Answer>,
    /// Whether somebody has written since it read: the status, the Secret, the ConfigMap.
    pub(super) stale: [bool; 3],
}

pub(super) const STATUS: usize = 0;
pub(super) const SECRET: usize = 1;
pub(super) const MAP: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Written {
    pub(super) value: Value,
    pub(super) intact: bool,
}

/// A request for another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) key: u8,
    /// Who waits for its answer.
    pub(super) by: Option<u8>,
}

/// What may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Left {
    pub(super) faults: u8,
    /// Somebody deletes or damages what was written.
    pub(super) damage: u8,
    pub(super) minutes: u8,
    pub(super) hours: u8,
    pub(super) switches: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) now: u32,
    /// How often each key was made anew, and when last.
    pub(super) keys: [(u8, u32); 2],
    /// When the value that each key has now stood in the Secret for the last time, where it does not.
    pub(super) stood: [Option<u32>; 2],
    pub(super) secret: Option<Written>,
    /// Whether the ConfigMap is as it was written; none where there is none.
    pub(super) map: Option<bool>,
    pub(super) status: Kept,
    /// The status before, which a cache may still have.
    pub(super) older: Option<Kept>,
    pub(super) wire: Vec<Request>,
    pub(super) runs: [Option<Run>; 2],
    pub(super) active: u8,
    pub(super) left: Left,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A round begins; with the status before, where it is `stale`.
    Begin {
        stale: bool,
    },
    /// It does the next thing.
    Step,
    /// Azure makes a key anew.
    Execute(usize),
    /// The answer to what Azure is asked is lost.
    LoseAnswer,
    /// Azure refuses.
    Refuse,
    /// The operator dies.
    Dies,
    /// It stands still, and the other one goes on.
    Switch,
    /// More time goes by than a request may take.
    Minute,
    /// An interval goes by.
    Hour,
    /// Somebody deletes the Secret.
    DeleteSecret,
    /// Somebody takes a field of the Secret, or of the ConfigMap.
    DamageSecret,
    DamageMap,
}

pub(super) fn begin(world: &mut World, stale: bool) {
    let kept = world.older.filter(|_| stale).unwrap_or(world.status);
    world.runs[usize::from(world.active)] = Some(Run {
        kept,
        made: world.keys.map(|key| key.1),
        began: world.now,
        answers: Vec::new(),
        stale: [stale, false, false],
    });
}

pub(super) fn answer(world: &mut World, who: usize, reply: Reply) {
    let at = world.now;
    if let Some(run) = &mut world.runs[who] {
        run.answers.push(Answer { at, reply });
    }
}

pub(super) fn fresh(world: &mut World, who: usize, what: usize) {
    if let Some(run) = &mut world.runs[who] {
        run.stale[what] = false;
    }
}

/// What others know of it is not what it is.
pub(super) fn outdate(world: &mut World, what: usize, by: Option<usize>) {
    for (who, run) in world.runs.iter_mut().enumerate() {
        if let Some(run) = run
            && Some(who) != by
        {
            run.stale[what] = true;
        }
    }
}

pub(super) fn write_status(world: &mut World, kept: Kept, by: usize) {
    world.older = Some(std::mem::replace(&mut world.status, kept));
    outdate(world, STATUS, Some(by));
    fresh(world, by, STATUS);
}

pub(super) fn note_what_stood(world: &mut World) {
    if let Some(secret) = world.secret {
        let key = usize::from(secret.value.key);
        if world.keys[key].0 == secret.value.times {
            world.stood[key] = Some(world.now);
        }
    }
}

/// Requests take no longer than a minute; whoever waits for one hears nothing.
pub(super) fn pass(world: &mut World, seconds: u32) {
    world.now += seconds;
    for request in std::mem::take(&mut world.wire) {
        if let Some(by) = request.by {
            answer(world, usize::from(by), Reply::Lost);
        }
    }
}
