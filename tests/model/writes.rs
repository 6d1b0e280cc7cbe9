//! What goes ahead of a write, and the rules for what may be sent.

use lakevault::azure_resource::order::Ahead;

use crate::steps::{Flaw, Met, Ruled, Steps, lapse, outdate, rule, write};
use crate::world::{Azure, Kind, Object, Request, Run, Tag, World};

impl Steps<'_> {
    /// The finalizer, a live look, the note, the request: one of them.
    pub(crate) fn prepare(&self, world: &mut World, mut run: Run) -> Ruled {
        let Some((kind, mut gone)) = run.step else {
            return Ok(());
        };
        gone.held = run.object.finalizer || self.flaw == Some(Flaw::Unheld);
        gone.noted |= self.flaw == Some(Flaw::Unnoted);
        match self.product.comes(kind, gone) {
            Ahead::Reserve => gone.reserved = true,
            Ahead::Hold => {
                if run.stale {
                    (self.meet)(Met::StaleFinalizerRefused);
                    return Ok(());
                }
                run.object.finalizer = true;
                if let Some(object) = &mut world.object {
                    object.finalizer = true;
                }
                world.older.clear();
                outdate(world);
                gone.held = true;
            }
            Ahead::Confirm => {
                let live = world.object.is_some_and(|live| {
                    live.uid == run.object.uid
                        && live.generation == run.object.generation
                        && live.deleting == run.object.deleting
                });
                if !live {
                    (self.meet)(Met::StaleDestructionRefused);
                    return Ok(());
                }
                gone.confirmed = true;
            }
            Ahead::Note => {
                if run.stale {
                    (self.meet)(Met::StaleNoteRefused);
                    return Ok(());
                }
                self.note(world, &mut run, kind);
                gone.noted = true;
            }
            Ahead::Send if self.is_too_late(&run, kind) => {
                (self.meet)(Met::NotSentSoLate);
                self.end(world, &run, Some("NotSent"));
                return Ok(());
            }
            Ahead::Send => {
                self.send(world, &mut run, kind)?;
                world.run = Some(run);
                return Ok(());
            }
        }
        run.step = Some((kind, gone));
        world.run = Some(run);
        Ok(())
    }

    /// Whoever stood still between the note and the request leaves it, as the product says.
    fn is_too_late(&self, run: &Run, kind: Kind) -> bool {
        let noted = self.product.is_noted(kind) && self.flaw != Some(Flaw::Unnoted);
        let flawed = self.flaw == Some(Flaw::Belated);
        let mut object = run.object;
        if run.slept {
            lapse(&mut object);
        }
        noted && !flawed && !self.product.may_be_sent(&object, object.kept)
    }

    fn note(&self, world: &mut World, run: &mut Run, kind: Kind) {
        run.object.kept = self.product.noted(&run.object, run.object.kept, kind);
        run.slept = false;
        if self.flaw == Some(Flaw::Forgetful) {
            forget_repeats(&mut run.object);
        }
        if run.object.kept.note.is_some_and(|note| note.repeats) {
            (self.meet)(Met::Repeated);
        }
        write(world, run.object);
    }

    fn send(&self, world: &mut World, run: &mut Run, kind: Kind) -> Ruled {
        self.may_send(world, run, kind)?;
        run.step = None;
        run.sent = true;
        let tag = match run.sight.deleted {
            Some(Azure::Soft { tag, .. }) => tag,
            Some(Azure::Absent | Azure::Live { .. }) | None => Tag::Bare,
        };
        world.wire.push(Request {
            kind,
            uid: run.object.uid,
            sku: run.object.sku(),
            tag,
            awaited: true,
            parked: false,
            data: run.data,
            answer: None,
        });
        // What was decided before somebody else's change is done once more after it.
        world.wrote = (!run.stale).then_some(kind);
        Ok(())
    }

    /// The rules for what may be sent.
    fn may_send(&self, world: &World, run: &Run, kind: Kind) -> Ruled {
        let (uid, sight) = (run.object.uid, run.sight);
        let truth = world.object.filter(|truth| truth.uid == uid);
        let tag_of = |azure: Option<Azure>| match azure {
            Some(Azure::Live { tag, .. } | Azure::Soft { tag, .. }) => Some(tag),
            Some(Azure::Absent) | None => None,
        };
        let (live, soft) = (tag_of(sight.resource), tag_of(sight.deleted));
        rule(
            live != Some(Tag::Foreign) && soft != Some(Tag::Foreign),
            "what is somebody else's is left alone",
        )?;
        rule(
            truth.is_none_or(|truth| truth.finalizer),
            "the finalizer comes before every write",
        )?;
        let noted = truth.is_some_and(|truth| {
            let note = truth.kept.note;
            note.is_some_and(|note| note.kind == kind && note.generation == run.object.generation)
        });
        rule(
            !self.product.is_noted(kind) || noted || world.wiped,
            "a write is noted before it is sent",
        )?;
        let leaves = truth.is_some_and(|truth| truth.deleting);
        let asked = match kind {
            Kind::Delete => leaves && self.asked.deletes && live == Some(Tag::Ours(uid)),
            Kind::Purge if run.object.deleting => {
                leaves && self.asked.purges_at_deletion && soft == Some(Tag::Ours(uid))
            }
            Kind::Purge => {
                let any = self.asked.adopts_any && soft.is_some();
                let ours = any || soft == Some(Tag::Ours(uid));
                truth.is_some() && self.asked.purges_to_create && ours
            }
            Kind::Create | Kind::Recover | Kind::Update | Kind::Release => true,
        };
        rule(asked, "nothing is destroyed that nobody asked to be")?;
        rule(
            world.wrote != Some(kind),
            "a write is repeated only where something has happened since",
        )
    }
}

fn forget_repeats(object: &mut Object) {
    if let Some(note) = &mut object.kept.note {
        note.repeats = false;
    }
}
