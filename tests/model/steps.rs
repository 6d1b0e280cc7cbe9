//! What each act does to the world, and the rules that none may break. The reconcile is the shell's, step by step: it looks, asks
//! the plan, and writes. What goes ahead of a write, and in which order, the product itself says.

use lakevault::azure_resource::note::Outcome;
use lakevault::azure_resource::order::Gone;

use crate::around::{fails, minute, switch};
use crate::azure::ends;
use crate::product::{Decides, Says, accepted, stands};
use crate::world::{Act, Answer, Azure, Kind, Note, Object, Run, Sight, Stands, World};

/// What a spec asks for, besides what the plan reads of it.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is asked for or not, apart from the others"
)]
pub(crate) struct Asked {
    pub(crate) deletes: bool,
    pub(crate) purges_at_deletion: bool,
    pub(crate) purges_to_create: bool,
    pub(crate) adopts_any: bool,
    /// What holds data is deleted, too.
    pub(crate) forces: bool,
}

/// Hard states that must be met for the rest to prove anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Met {
    Ready,
    Recovered,
    Purged,
    Deleted,
    Released,
    CrashAfterAcceptance,
    LateAfterCrash,
    LateAfterLoss,
    StaleDestructionRefused,
    StaleNoteRefused,
    StaleFinalizerRefused,
    WaitedForOutcome,
    Repeated,
    OperationResumed,
    OperationFailed,
    Renewed,
    Adopted,
    ForeignLeftAlone,
    WipedInTheMiddle,
    KeptForItsData,
    WhileTheOtherWorked,
    NotSentSoLate,
}

pub(crate) type Ruled = Result<(), String>;

pub(crate) fn rule(holds: bool, broken: &str) -> Ruled {
    if holds {
        Ok(())
    } else {
        Err(format!("rule broken: {broken}"))
    }
}

/// A rule that a reconcile leaves out, to show that this is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Writes are not noted.
    Unnoted,
    /// A note does not remember the one before it.
    Forgetful,
    /// No finalizer is set.
    Unheld,
    /// A request is sent however long ago it was noted.
    Belated,
    /// Nobody looks for data.
    Blind,
}

/// Acts on worlds.
pub(crate) struct Steps<'a> {
    pub(crate) product: &'a dyn Decides,
    pub(crate) asked: Asked,
    pub(crate) meet: &'a dyn Fn(Met),
    pub(crate) flaw: Option<Flaw>,
}

impl Steps<'_> {
    /// Carries an act out.
    pub(crate) fn act(&self, world: &World, act: Act) -> Result<World, String> {
        let mut new = world.clone();
        match act {
            // What happens between the two is met with an older version of the object.
            Act::Begin(lag) => {
                begin(&mut new, lag);
                self.step(&mut new)?;
            }
            Act::Step => self.step(&mut new)?,
            Act::Execute(at) => self.execute(&mut new, at)?,
            Act::Answer => self.answer(&mut new),
            Act::LoseAnswer => self.lose(&mut new),
            Act::Crash => self.crash(&mut new),
            Act::Minute => minute(&mut new),
            Act::Ends => ends(&mut new),
            Act::Fails => fails(&mut new),
            Act::Edit | Act::Delete | Act::Recreate | Act::Wipe => self.user(&mut new, act),
            Act::Foreign(azure) => {
                new.left.foreign -= 1;
                let goes = new.object.is_none_or(|object| object.deleting);
                let recovered = matches!(new.azure, Azure::Soft { .. });
                new.undone |= goes && recovered && matches!(azure, Azure::Live { .. });
                new.azure = azure;
                new.wrote = None;
                new.data &= matches!(azure, Azure::Live { .. });
            }
            Act::Data => {
                new.left.foreign -= 1;
                new.data = true;
            }
            Act::Switch => switch(&mut new),
        }
        Ok(new)
    }

    /// The next thing that the reconcile does.
    pub(crate) fn step(&self, world: &mut World) -> Ruled {
        let Some(mut run) = world.run.take() else {
            return Ok(());
        };
        if run.step.is_some() {
            return self.prepare(world, run);
        }
        let kept = run.object.kept;
        match self.product.next(&run.object, kept, run.sight) {
            Says::LookOperation => {
                let stands = stands(world.azure);
                run.sight.operation = Some(stands);
                run.object.kept = self.product.polled(&run.object, kept, stands);
                if stands == Stands::Ended {
                    (self.meet)(Met::OperationResumed);
                }
            }
            Says::LookResource => {
                run.sight.resource = Some(match world.azure {
                    Azure::Live { .. } => world.azure,
                    Azure::Absent | Azure::Soft { .. } => Azure::Absent,
                });
            }
            Says::LookDeleted => {
                run.sight.deleted = Some(match world.azure {
                    Azure::Soft { .. } => world.azure,
                    Azure::Absent | Azure::Live { .. } => Azure::Absent,
                });
            }
            Says::LookContents => {
                run.sight.holds = Some(world.data && self.flaw != Some(Flaw::Blind));
            }
            Says::Do(kind) => {
                // The budget is no part of this world.
                let gone = Gone {
                    reserved: true,
                    ..Gone::default()
                };
                run.step = Some((kind, gone));
                return self.prepare(world, run);
            }
            Says::Forget => return self.forget(world, &run),
            Says::Wait(reason) => {
                self.waits(reason);
                self.end(world, &run, Some(reason));
                return Ok(());
            }
            Says::Rest => {
                (self.meet)(Met::Ready);
                self.end(world, &run, None);
                return Ok(());
            }
        }
        world.run = Some(run);
        Ok(())
    }

    fn waits(&self, reason: &str) {
        match reason {
            "OperationUnderWay" => (self.meet)(Met::WaitedForOutcome),
            "OperationFailed" => (self.meet)(Met::OperationFailed),
            "ResourceNotOurs" => (self.meet)(Met::ForeignLeftAlone),
            "FilesystemNotEmpty" => (self.meet)(Met::KeptForItsData),
            _ => {}
        }
    }

    /// The answer to the request that is waited for.
    pub(crate) fn answer(&self, world: &mut World) {
        let at = world.wire.iter().position(|request| request.awaited);
        let Some((at, mut run)) = at.zip(world.run.take()) else {
            return;
        };
        let Some(answer) = world.wire[at].answer else {
            world.run = Some(run);
            return;
        };
        let kind = world.wire.remove(at).kind;
        let outcome = match answer {
            Answer::Done(_) => Outcome::Done,
            Answer::Accepted => accepted(),
            Answer::Refused => Outcome::Refused,
        };
        if self.product.is_noted(kind) {
            run.object.kept = self.product.came_to(&run.object, run.object.kept, &outcome);
        }
        run.sent = false;
        match answer {
            Answer::Refused => {
                world.wrote = None;
                return self.end(world, &run, Some("Refused"));
            }
            Answer::Accepted if kind == Kind::Create => run.sight.resource = None,
            Answer::Accepted => run.sight.deleted = None,
            Answer::Done(resource) => match kind {
                Kind::Purge => run.sight.deleted = None,
                Kind::Delete => (run.sight.resource, run.sight.deleted) = (None, None),
                Kind::Create | Kind::Recover | Kind::Update | Kind::Release => {
                    run.sight.updated |= kind == Kind::Update;
                    run.sight.resource = Some(resource);
                }
            },
        }
        run.sight.operation = None;
        world.run = Some(run);
    }

    fn lose(&self, world: &mut World) {
        world.left.faults -= 1;
        world.wrote = None;
        let Some(mut run) = world.run.take() else {
            return;
        };
        self.unawait(world, Met::LateAfterLoss);
        let unknown = &Outcome::Unknown;
        run.object.kept = self.product.came_to(&run.object, run.object.kept, unknown);
        self.end(world, &run, Some("Lost"));
    }

    fn crash(&self, world: &mut World) {
        world.left.faults -= 1;
        world.wrote = None;
        world.run = None;
        self.unawait(world, Met::CrashAfterAcceptance);
        // Who starts anew lists all objects as they are.
        world.older.clear();
    }

    /// Nobody waits any more; what was done already needs no place on the wire.
    fn unawait(&self, world: &mut World, met: Met) {
        world.wire.retain_mut(|request| {
            let done = request.awaited && request.answer.is_some();
            if done {
                (self.meet)(met);
            }
            request.awaited = false;
            !done
        });
    }

    /// The status is written where it differs, and only over the version that it was decided on.
    pub(crate) fn end(&self, world: &mut World, run: &Run, says: Option<&'static str>) {
        let kept = self
            .product
            .recorded(&run.object, run.object.kept, run.sight, says.is_some());
        let mut object = Object {
            kept,
            says,
            ..run.object
        };
        if run.slept {
            lapse(&mut object);
        }
        let same = world.object == Some(object);
        if run.stale || same {
            return;
        }
        write(world, object);
    }

    /// The finalizer goes, and with it the object.
    fn forget(&self, world: &mut World, run: &Run) -> Ruled {
        if run.stale || !run.object.finalizer {
            return Ok(());
        }
        let open = world
            .wire
            .iter()
            .any(|request| request.uid == run.object.uid && self.product.is_noted(request.kind));
        rule(
            !open || world.wiped,
            "the finalizer goes last, after every write that may still take effect",
        )?;
        world.object = None;
        world.older.clear();
        outdate(world);
        Ok(())
    }
}

/// The request of its note can have no effect any more.
pub(crate) fn lapse(object: &mut Object) {
    if let Some(note) = &mut object.kept.note {
        (note.open, note.repeats) = (false, false);
    }
}

/// What the other operator knows of the object is not what it is.
pub(crate) fn outdate(world: &mut World) {
    if let Some(parked) = &mut world.parked {
        parked.stale = true;
    }
}

fn begin(world: &mut World, lag: usize) {
    let old = world.older.iter().rev().nth(lag.wrapping_sub(1)).copied();
    let object = if lag == 0 { world.object } else { old };
    let Some(object) = object else {
        return;
    };
    // A reconcile of an object that was deleted without our finalizer ends at once.
    if object.deleting && !object.finalizer {
        return;
    }
    if lag > 0 {
        world.wrote = None;
    }
    world.run = Some(Run {
        object,
        stale: lag > 0,
        sight: Sight::default(),
        step: None,
        sent: false,
        data: world.data,
        slept: false,
    });
}

/// What we write ourselves we know; no older version is taken for it any more. Another operator may be one behind.
pub(crate) fn write(world: &mut World, object: Object) {
    let before = world.object.replace(object);
    world.older.clear();
    if world.left.switches > 0 || world.parked.is_some() {
        world.older.extend(before);
    }
    outdate(world);
}

pub(crate) fn is_open(note: Option<Note>) -> bool {
    note.is_some_and(|note| note.open)
}
