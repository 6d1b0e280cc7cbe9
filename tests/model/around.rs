//! What happens around a reconcile: time, Azure's failures, the user, another operator.

use crate::steps::{Met, Steps, lapse};
use crate::world::{Act, Azure, Going, Kept, Object, World};

/// Versions that a cache may lag behind.
const LAG: usize = 2;

pub(crate) fn minute(world: &mut World) {
    // A round decides by the time of its beginning.
    if let Some(parked) = &mut world.parked {
        parked.slept = true;
    }
    let run = world.run.as_mut().map(|run| &mut run.object);
    let objects = world.object.iter_mut().chain(&mut world.older).chain(run);
    objects.for_each(lapse);
    world.wire.clear();
}

pub(crate) fn fails(world: &mut World) {
    world.left.faults -= 1;
    world.wrote = None;
    let failed = Going::Failed;
    world.azure = match world.azure {
        Azure::Live { sku, tag, .. } => Azure::Live {
            sku,
            tag,
            busy: failed,
        },
        Azure::Soft { sku, tag, .. } => Azure::Soft {
            sku,
            tag,
            going: failed,
        },
        Azure::Absent => Azure::Absent,
    };
}

/// The operator stands still in the midst of what it does, and the other one goes on where it stood.
pub(crate) fn switch(world: &mut World) {
    world.left.switches -= 1;
    world.wrote = None;
    std::mem::swap(&mut world.run, &mut world.parked);
    for request in &mut world.wire {
        std::mem::swap(&mut request.awaited, &mut request.parked);
    }
}

impl Steps<'_> {
    pub(crate) fn user(&self, world: &mut World, act: Act) {
        world.wrote = None;
        let before = world.object;
        match (act, &mut world.object) {
            (Act::Edit, Some(object)) => object.generation += 1,
            (Act::Delete, Some(object)) if object.finalizer => object.deleting = true,
            (Act::Delete, object) => *object = None,
            (Act::Recreate, object) => {
                world.uids += 1;
                *object = Some(Object::new(world.uids));
            }
            (_, Some(object)) => {
                if object.kept.note.is_some_and(|note| note.open) {
                    (self.meet)(Met::WipedInTheMiddle);
                }
                object.kept = Kept::default();
                object.says = Some("New");
                world.wiped = true;
            }
            (_, None) => {}
        }
        if act == Act::Wipe {
            world.left.faults -= 1;
        } else {
            world.left.edits -= 1;
        }
        world.older.extend(before);
        if world.older.len() > LAG {
            world.older.remove(0);
        }
        for run in world.run.iter_mut().chain(&mut world.parked) {
            run.stale = true;
        }
    }
}
