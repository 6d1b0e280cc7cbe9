//! With nothing going wrong any more the world comes to rest, and then it is as it should be.
//!
//! Without faults a run of the reconcile is a function of the world. So that it heals is a property of every single state, and
//! needs no search of its own.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::azure::ends;
use crate::product::Says;
use crate::steps::Steps;
use crate::world::{Act, Azure, Going, Object, Sight, Tag, World};

/// Rounds until the world must be at rest.
const ROUNDS: usize = 40;
/// Acts of one round.
const ACTS: usize = 60;

/// What of a world matters between two rounds.
type Between = (Option<Object>, Azure, u8, [bool; 3], Option<u8>);

#[derive(Default)]
pub(crate) struct Healing {
    known: RefCell<HashMap<Between, Result<(), String>>>,
}

/// What is to be done about what others may have left in a world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) adopt: &'static str,
    pub(crate) deletion: &'static str,
    pub(crate) on_soft_deleted: &'static str,
    /// Whether what holds data is deleted, too.
    pub(crate) forces: bool,
}

impl Healing {
    /// Whether a world heals, whatever becomes of requests that nobody waits for.
    pub(crate) fn check(&self, steps: &Steps<'_>, goal: Goal, world: &World) -> Result<(), String> {
        // A round that is under way leads, where nothing goes wrong, to a world without one that is looked at, too.
        if world.run.is_some() || world.parked.is_some() {
            return Ok(());
        }
        for executed in [true, false] {
            let mut calm = world.clone();
            calm.older.clear();
            calm.wrote = None;
            settle_wire(steps, &mut calm, executed)?;
            let flags = [calm.wiped, calm.undone, calm.data];
            let between = (calm.object, calm.azure, calm.uids, flags, calm.ended);
            let known = self.known.borrow().get(&between).cloned();
            let healed = known.unwrap_or_else(|| heal(steps, goal, calm));
            self.known.borrow_mut().insert(between, healed.clone());
            let told =
                |broken| format!("{broken} (requests still on their way: carried out {executed})");
            healed.map_err(told)?;
        }
        Ok(())
    }
}

fn settle_wire(steps: &Steps<'_>, world: &mut World, executed: bool) -> Result<(), String> {
    while let Some(at) = world.wire.iter().position(|request| !request.awaited) {
        if executed {
            steps.execute(world, at)?;
        } else {
            world.wire.remove(at);
        }
    }
    Ok(())
}

/// The reconcile that is under way comes to its end.
fn finish(steps: &Steps<'_>, world: &mut World) -> Result<(), String> {
    for _ in 0..ACTS {
        let Some(run) = world.run else {
            return Ok(());
        };
        if !run.sent {
            steps.step(world)?;
        } else if let Some(at) = world
            .wire
            .iter()
            .position(|request| request.answer.is_none())
        {
            steps.execute(world, at)?;
        } else {
            steps.answer(world);
        }
    }
    Err(format!("a round does not end: {world:?}"))
}

fn heal(steps: &Steps<'_>, goal: Goal, mut world: World) -> Result<(), String> {
    let mut trace = Vec::new();
    for _ in 0..ROUNDS {
        let before = (world.object, world.azure);
        if world.object.is_some() {
            world = steps.act(&world, Act::Begin(0))?;
            finish(steps, &mut world)?;
        }
        ends(&mut world);
        world = steps.act(&world, Act::Minute)?;
        if before == (world.object, world.azure) {
            let reached = is_goal(steps, goal, &world);
            return reached.map_err(|why| format!("{why}\nrounds: {trace:#?}"));
        }
        trace.push((world.object, world.azure));
    }
    Err(format!("it does not come to rest\nrounds: {trace:#?}"))
}

/// What the plan says of a world at rest.
fn plan(steps: &Steps<'_>, object: &Object, world: &World) -> Says {
    let azure = world.azure;
    let live = matches!(azure, Azure::Live { .. });
    let sight = Sight {
        operation: None,
        resource: Some(if live { azure } else { Azure::Absent }),
        deleted: Some(if live { Azure::Absent } else { azure }),
        holds: Some(world.data),
        updated: false,
    };
    steps.product.next(object, object.kept, sight)
}

fn is_goal(steps: &Steps<'_>, goal: Goal, world: &World) -> Result<(), String> {
    let bad = |why: &str| {
        Err(format!(
            "at rest, but {why}: {:?} {:?}",
            world.object, world.azure
        ))
    };
    let Some(object) = world.object else {
        return gone(goal, world);
    };
    if object.deleting {
        let kept = world.data && steps.asked.deletes && !steps.asked.forces;
        if kept && plan(steps, &object, world) == Says::Wait("FilesystemNotEmpty") {
            return Ok(());
        }
        return bad("the object is still there");
    }
    let always = goal.adopt == "Always";
    let follows = goal.adopt != "Never";
    let blocked = |tag: Tag, written: bool| match tag {
        Tag::Foreign => true,
        Tag::Bare => !always && !written,
        Tag::Ours(uid) if uid == object.uid => false,
        Tag::Ours(_) => !follows,
    };
    let expected = match world.azure {
        Azure::Absent => return bad("there is no resource"),
        Azure::Live { tag, .. } if blocked(tag, object.kept.applied > 0) => {
            Says::Wait("ResourceNotOurs")
        }
        Azure::Live { tag, sku, busy } => {
            if tag != Tag::Ours(object.uid) || sku != object.sku() || busy != Going::No {
                return bad("the resource is not as declared");
            }
            Says::Rest
        }
        Azure::Soft {
            tag: Tag::Foreign, ..
        } => Says::Wait("ResourceNotOurs"),
        Azure::Soft { tag, .. } => match goal.on_soft_deleted {
            "Fail" => Says::Wait("SoftDeleted"),
            "Recover" if blocked(tag, false) => Says::Wait("ResourceNotOurs"),
            "Purge" if tag != Tag::Ours(object.uid) && !always => Says::Wait("ResourceNotOurs"),
            _ => return bad("there is no resource"),
        },
    };
    let says = plan(steps, &object, world);
    if says != expected {
        return bad(&format!("the plan says {says:?} instead of {expected:?}"));
    }
    if object.kept.note.is_some() {
        return bad("a write is still noted");
    }
    Ok(())
}

/// What an object leaves behind.
fn gone(goal: Goal, world: &World) -> Result<(), String> {
    if world.wiped || world.undone {
        return Ok(());
    }
    let left = match (world.azure, goal.deletion) {
        (
            Azure::Live {
                tag: Tag::Ours(_), ..
            },
            _,
        ) => "a resource bears the tag of an object that is gone",
        (
            Azure::Soft {
                tag: Tag::Ours(_), ..
            },
            "DeleteAndPurge",
        ) => "a vault was not purged",
        _ => return Ok(()),
    };
    Err(format!("at rest, but {left}: {:?}", world.azure))
}
