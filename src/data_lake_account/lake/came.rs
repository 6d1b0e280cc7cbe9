//! What a step has come to, or would come to. Pure.

use jiff::Timestamp;

use super::access::{Told, unseen};
use super::place::Place;
use super::record::Record;
use super::seen::{Contents, FilesystemSeen, Here, PathSeen, Seen, Stands};
use super::step::Step;
use super::told;
use super::valid::Lake;
use crate::azure::lake::access::Swept;
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{FilesystemName, LakePath, Properties};
use crate::problem::Problem;

/// A tree is begun anew so often in a round.
const ANEW: u32 = 3;

/// What came of a step.
#[derive(Debug, Clone)]
pub enum Came {
    /// It is done; of a tree: all of it.
    Done,
    /// A batch of a tree is done.
    Swept(Swept),
    /// Azure does not know any more where a tree was: it begins anew.
    Lost(Problem),
    /// What was seen does not hold any more, or nobody knows whether it was done: there is something already (409), it was changed
    /// since (412), no answer came, or one that does not tell (a 403 may be of a proxy that has let the request through). It is
    /// looked at again.
    Unsure(Problem),
    /// It was refused.
    Refused(Problem),
}

/// Adds what came of a step to what was seen, and to what is kept.
pub fn came(
    lake: &Lake,
    step: &Step,
    came: Came,
    seen: &mut Seen,
    (record, now): (&mut Record, Timestamp),
) {
    if let Step::Tree { place, sweep, from } = step {
        let one = seen.at(&place.filesystem);
        let tree = one.trees.entry(place.path.clone()).or_default();
        match came {
            Came::Done => record.swept((place, sweep), from.is_none(), &Swept::default(), now),
            Came::Swept(swept) => record.swept((place, sweep), from.is_none(), &swept, now),
            Came::Lost(problem) => {
                record.lost(place);
                tree.anew += 1;
                if tree.anew >= ANEW {
                    tree.problem = Some(told::forgetful(place, &problem));
                }
                return;
            }
            Came::Unsure(problem) | Came::Refused(problem) => {
                tree.problem = Some(problem);
                return;
            }
        }
        return effect(step, seen);
    }
    let path = step.place().map(|place| &place.path);
    match came {
        Came::Done | Came::Swept(_) => {
            effect(step, seen);
            record.did(lake, step);
        }
        Came::Unsure(problem) | Came::Lost(problem) => seen.again(step.filesystem(), path, problem),
        Came::Refused(problem) => refused(step, problem, seen),
    }
}

fn refused(step: &Step, problem: Problem, seen: &mut Seen) {
    let one = seen.at(step.filesystem());
    match step {
        Step::CreateFilesystem { .. } | Step::SetProperties { .. } => {
            one.stands = Some(Err(problem));
        }
        Step::DeleteFilesystem { .. } => one.contents = Some(Err(problem)),
        Step::CreateDirectory { place, .. }
        | Step::WriteFile { place, .. }
        | Step::SetAccess { place, .. }
        | Step::Tree { place, .. } => {
            let place = place.clone();
            seen.failed_path(&place, problem);
        }
    }
}

/// Takes a step for done, for plans of steps that are not. How things really stand is kept for [`super::differences`].
pub fn assume(lake: &Lake, step: &Step, seen: &mut Seen) {
    let one = seen.at(step.filesystem());
    match step {
        Step::CreateFilesystem { .. } | Step::SetProperties { .. } => {
            if let (None, Some(Ok(stands))) = (&one.stood, &one.stands) {
                one.stood = Some(stands.clone());
            }
        }
        Step::DeleteFilesystem { .. } => {}
        Step::Tree { place, .. } => {
            let tree = one.trees.entry(place.path.clone()).or_default();
            tree.assumed = true;
            return;
        }
        Step::CreateDirectory { place, .. }
        | Step::WriteFile { place, .. }
        | Step::SetAccess { place, .. } => {
            let stands = match one.paths.get(&place.path) {
                Some(Ok(seen)) => seen.clone(),
                Some(Err(_)) | None => PathSeen::Absent,
            };
            one.before.entry(place.path.clone()).or_insert(stands);
        }
    }
    effect(step, seen);
    if let Some(place) = step.place() {
        imagine(lake, place, seen);
    }
    if let Step::CreateFilesystem { name, .. } = step {
        imagine_root(lake, name, seen);
    }
}

/// A filesystem that is only taken for made has a root that nobody can look at.
fn imagine_root(lake: &Lake, name: &FilesystemName, seen: &mut Seen) {
    let root = Place::new(name, &LakePath::root());
    put(seen.at(name), &root, new(Thing::Directory));
    imagine(lake, &root, seen);
}

/// What additions and removals come to on something that is only taken for made, nobody can look at: they are not told one by one.
fn imagine(lake: &Lake, place: &Place, seen: &mut Seen) {
    let filesystem = lake.filesystems.get(&place.filesystem);
    let node = filesystem.and_then(|filesystem| filesystem.nodes.get(&place.path));
    let known = node.is_none_or(|node| unseen(&node.access).is_some());
    let paths = &mut seen.at(&place.filesystem).paths;
    if let Some(Ok(PathSeen::Here(here))) = paths.get_mut(&place.path)
        && here.made
        && !known
    {
        here.settled = true;
    }
}

/// Adds to what was seen what a step has changed.
fn effect(step: &Step, seen: &mut Seen) {
    let one = seen.at(step.filesystem());
    match step {
        Step::CreateFilesystem {
            properties, scope, ..
        } => {
            one.made = true;
            one.paths.clear();
            one.stands = Some(Ok(Stands::Here {
                properties: properties.clone(),
                scope: scope.clone(),
                etag: None,
            }));
        }
        Step::SetProperties { properties, .. } => one.has(properties),
        Step::DeleteFilesystem { .. } => one.contents = Some(Ok(Contents::Gone)),
        Step::CreateDirectory { place, with } => {
            let here = Here {
                settled: with.is_some(),
                ..new(Thing::Directory)
            };
            put(one, place, here);
        }
        Step::WriteFile {
            place,
            content,
            over,
            with,
        } => {
            let here = Here {
                holds: Some(content.held()),
                made: over.is_none(),
                settled: with.is_some(),
                ..new(Thing::File)
            };
            put(one, place, here);
        }
        Step::SetAccess { place, .. } => one.settle(&place.path),
        Step::Tree { place, .. } => {
            let tree = one.trees.entry(place.path.clone()).or_default();
            tree.ran = true;
            one.forget_beneath(&place.path);
        }
    }
}

/// Something that this round has made.
fn new(thing: Thing) -> Here {
    Here {
        thing: Some(thing),
        made: true,
        ..Here::default()
    }
}

fn put(one: &mut FilesystemSeen, place: &Place, here: Here) {
    one.paths
        .insert(place.path.clone(), Ok(PathSeen::Here(here)));
}

impl FilesystemSeen {
    /// It has these properties now.
    fn has(&mut self, all: &Properties) {
        if let Some(Ok(Stands::Here { properties, .. })) = &mut self.stands {
            properties.clone_from(all);
        }
    }

    /// The access of a path is as the spec wants it.
    fn settle(&mut self, path: &LakePath) {
        let old = match self.paths.remove(path) {
            Some(Ok(PathSeen::Here(here))) => here,
            // The root of a filesystem that this round has made was not looked at.
            Some(Ok(PathSeen::Absent) | Err(_)) | None => new(Thing::Directory),
        };
        let here = Here {
            told: Told::default(),
            settled: true,
            ..old
        };
        self.paths.insert(path.clone(), Ok(PathSeen::Here(here)));
    }

    /// What was seen beneath a path may be otherwise now.
    fn forget_beneath(&mut self, path: &LakePath) {
        self.paths.retain(|one, _| one == path || !one.is_in(path));
    }
}
