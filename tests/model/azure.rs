//! What Azure does: with requests, and by itself.

use crate::steps::{Met, Ruled, Steps, rule};
use crate::world::{Answer, Azure, Going, Kind, Request, Tag, World};

impl Steps<'_> {
    /// What Azure does with a request.
    pub(crate) fn execute(&self, world: &mut World, at: usize) -> Ruled {
        let Request {
            kind, uid, awaited, ..
        } = world.wire[at];
        let before = world.azure;
        let (after, answer) = self.outcome(world, world.wire[at])?;
        if kind == Kind::Delete && before != after {
            (world.data, world.ended) = (false, Some(uid));
        }
        let lost = before != after && self.product.destroys(kind);
        let belongs = world.object.is_some_and(|truth| truth.uid == uid);
        rule(
            !lost || belongs || world.wiped,
            "nothing is destroyed for an object that is gone",
        )?;
        world.azure = after;
        self.meet_outcome(before, after, kind);
        // A tag that one operator takes off, one that is behind may put back. It costs nobody anything.
        let meets = world.parked.is_some() || world.object.is_none();
        world.undone |= meets && before != after && !self.product.is_noted(kind);
        if awaited {
            world.wire[at].answer = Some(answer);
        } else if world.wire[at].parked {
            (self.meet)(Met::WhileTheOtherWorked);
            world.wire[at].answer = Some(answer);
            if before != after {
                world.wrote = None;
            }
        } else {
            world.wire.remove(at);
            if before != after {
                (self.meet)(Met::LateAfterCrash);
                world.wrote = None;
                world.undone |= !self.product.is_noted(kind);
            }
        }
        Ok(())
    }

    /// What it comes to, and how it is answered.
    fn outcome(&self, world: &World, request: Request) -> Result<(Azure, Answer), String> {
        let Request {
            kind,
            uid,
            sku,
            tag,
            data,
            ..
        } = request;
        let before = world.azure;
        let ours = Azure::Live {
            sku,
            tag: Tag::Ours(uid),
            busy: Going::No,
        };
        Ok(match (kind, before) {
            (
                _,
                Azure::Live {
                    busy: Going::Yes, ..
                },
            ) => (before, Answer::Refused),
            (Kind::Create, Azure::Absent) => {
                let made = Azure::Live {
                    sku,
                    tag: Tag::Ours(uid),
                    busy: Going::Yes,
                };
                rule(
                    world.ended != Some(uid) || world.wiped,
                    "what was deleted for an object is not made anew by it",
                )?;
                let answer = if self.product.softly() {
                    Answer::Done(made)
                } else {
                    Answer::Accepted
                };
                (made, answer)
            }
            (Kind::Create | Kind::Update, Azure::Live { .. }) => (ours, Answer::Done(ours)),
            (Kind::Recover, Azure::Soft { sku, going, .. }) if going != Going::Yes => {
                let made = Azure::Live {
                    sku,
                    tag,
                    busy: Going::Yes,
                };
                (made, Answer::Done(made))
            }
            (Kind::Purge, Azure::Soft { sku, tag, going }) if going != Going::Yes => {
                let going = Going::Yes;
                (Azure::Soft { sku, tag, going }, Answer::Accepted)
            }
            (Kind::Purge, Azure::Absent | Azure::Live { .. })
            | (Kind::Delete, Azure::Absent | Azure::Soft { .. }) => {
                (before, Answer::Done(Azure::Absent))
            }
            (Kind::Delete, Azure::Live { sku, tag, .. }) => {
                rule(!data || self.asked.forces, "what holds data is not deleted")?;
                let going = Going::No;
                let left = if self.product.softly() {
                    Azure::Soft { sku, tag, going }
                } else {
                    Azure::Absent
                };
                (left, Answer::Done(Azure::Absent))
            }
            (Kind::Release, Azure::Live { sku, .. }) => {
                let bare = Azure::Live {
                    sku,
                    tag: Tag::Bare,
                    busy: Going::No,
                };
                (bare, Answer::Done(bare))
            }
            (
                Kind::Create | Kind::Recover | Kind::Purge | Kind::Update | Kind::Release,
                Azure::Absent | Azure::Live { .. } | Azure::Soft { .. },
            ) => (before, Answer::Refused),
        })
    }

    fn meet_outcome(&self, before: Azure, after: Azure, kind: Kind) {
        if before == after {
            return;
        }
        let adopts = |azure| {
            matches!(
                azure,
                Azure::Live {
                    tag: Tag::Ours(1),
                    ..
                }
            )
        };
        match kind {
            Kind::Recover => (self.meet)(Met::Recovered),
            Kind::Purge => (self.meet)(Met::Purged),
            Kind::Delete => (self.meet)(Met::Deleted),
            Kind::Release => (self.meet)(Met::Released),
            Kind::Update if is_failed(before) => (self.meet)(Met::Renewed),
            Kind::Update if adopts(before) && !adopts(after) => (self.meet)(Met::Adopted),
            Kind::Create | Kind::Update => {}
        }
    }
}

fn is_failed(azure: Azure) -> bool {
    matches!(
        azure,
        Azure::Live {
            busy: Going::Failed,
            ..
        }
    )
}

pub(crate) fn ends(world: &mut World) {
    world.azure = match world.azure {
        Azure::Live {
            sku,
            tag,
            busy: Going::Yes,
        } => Azure::Live {
            sku,
            tag,
            busy: Going::No,
        },
        Azure::Soft {
            going: Going::Yes, ..
        } => Azure::Absent,
        other @ (Azure::Absent | Azure::Live { .. } | Azure::Soft { .. }) => other,
    };
}
