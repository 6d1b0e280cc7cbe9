//! What is kept of a lake from round to round, in the status. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::filesystems::merged;
use super::place::Place;
use super::seen::{Contents, Seen, Stands};
use super::step::Step;
use super::trees::{self, retry_at};
use super::valid::{Filesystem, Lake};
use crate::azure::lake::access::{Failed, Sweep, Swept};
use crate::azure::lake::{FilesystemName, LakePath, Properties};
use crate::data_lake_account::api::{
    DataLakeAccountStatus, DeletionPolicy, FailedEntryStatus, FilesystemStatus, TreeStatus,
};

/// Paths of a tree that failed are listed up to here; Azure's words about each up to there.
const LISTED: usize = 20;
const LONGEST: usize = 256;

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Filesystems that this object has made, or has given properties.
    pub filesystems: BTreeMap<FilesystemName, Made>,
    /// Trees of the spec.
    pub trees: BTreeMap<Place, TreeStatus>,
}

/// A filesystem that this object has made, or has given properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Whether it was there before this object. Then it is never deleted.
    pub found: bool,
    /// What becomes of it when it goes from the spec.
    pub policy: DeletionPolicy,
    /// Names of the properties that were set.
    pub properties: BTreeSet<String>,
}

impl Record {
    /// Reads it back.
    pub fn kept(status: &DataLakeAccountStatus) -> Self {
        let filesystems = status.filesystems.iter().filter_map(|one| {
            let made = Made {
                found: one.found,
                policy: one.deletion_policy,
                properties: one.properties.iter().cloned().collect(),
            };
            Some((one.name.parse().ok()?, made))
        });
        let trees = status.trees.iter().filter_map(|one| {
            let place = Place {
                filesystem: one.filesystem.parse().ok()?,
                path: one.path.parse().ok()?,
            };
            Some((place, one.clone()))
        });
        Self {
            filesystems: filesystems.collect(),
            trees: trees.collect(),
        }
    }

    /// Writes it down.
    pub fn keep(&self, status: &mut DataLakeAccountStatus) {
        let filesystems = self
            .filesystems
            .iter()
            .map(|(name, made)| FilesystemStatus {
                name: name.to_string(),
                found: made.found,
                deletion_policy: made.policy,
                properties: made.properties.iter().cloned().collect(),
            });
        status.filesystems = filesystems.collect();
        status.trees = self.trees.values().cloned().collect();
    }

    /// A filesystem was made, changed or deleted.
    pub(super) fn did(&mut self, lake: &Lake, step: &Step) {
        match step {
            Step::CreateFilesystem {
                name, properties, ..
            } => {
                let wanted = lake.filesystems.get(name);
                let made = Made {
                    found: false,
                    policy: wanted.map_or(DeletionPolicy::Retain, |wanted| wanted.policy),
                    properties: properties.all().keys().cloned().collect(),
                };
                self.filesystems.insert(name.clone(), made);
            }
            Step::DeleteFilesystem { name } => {
                self.filesystems.remove(name);
            }
            Step::SetProperties { .. }
            | Step::CreateDirectory { .. }
            | Step::WriteFile { .. }
            | Step::SetAccess { .. }
            | Step::Tree { .. } => {}
        }
    }

    /// A step is about to be carried out. A tree that is begun undoes what is kept of the one before it and of those that lie in it:
    /// gives back whether something is kept otherwise now, which is noted before the first batch. Else whoever goes back to the
    /// list before, or comes after a crash, would take that for done.
    pub fn begins(&mut self, step: &Step, now: Timestamp) -> bool {
        let Step::Tree {
            place,
            sweep,
            from: None,
        } = step
        else {
            return false;
        };
        let text = trees::text(sweep);
        let undone = |(one, kept): (&Place, &TreeStatus)| {
            one.is_in(place) && (one != place || kept.acl != text)
        };
        if !self.trees.iter().any(undone) {
            return false;
        }
        let again = self.trees.remove(place).filter(|kept| kept.acl == text);
        self.trees.retain(|one, _| !one.is_in(place));
        let tree = started(place, text, again.map_or(now, |again| again.since.0));
        self.trees.insert(place.clone(), tree);
        true
    }

    /// A batch of a tree is done; `begins` where it was the first.
    pub(super) fn swept(
        &mut self,
        (place, sweep): (&Place, &Sweep),
        begins: bool,
        swept: &Swept,
        now: Timestamp,
    ) {
        let text = trees::text(sweep);
        // It goes over trees that lie in it, whatever came of them before.
        self.trees
            .retain(|one, _| one == place || !one.is_in(place));
        let kept = self.trees.remove(place).filter(|kept| kept.acl == text);
        let mut tree = match kept {
            Some(kept) if !begins => kept,
            // What is gone through again has taken as long as all tries together.
            again => started(place, text, again.map_or(now, |again| again.since.0)),
        };
        tree.directories = more(tree.directories, swept.directories);
        tree.files = more(tree.files, swept.files);
        tree.failures = more(tree.failures, swept.failures);
        let room = LISTED.saturating_sub(tree.failed.len());
        let failed = swept.failed_entries.iter().take(room).map(failed);
        tree.failed.extend(failed);
        tree.continuation.clone_from(&swept.continuation);
        tree.done = swept.continuation.is_none().then_some(Time(now));
        self.trees.insert(place.clone(), tree);
    }

    /// Azure does not know any more where a tree was.
    pub(super) fn lost(&mut self, place: &Place) {
        if let Some(tree) = self.trees.get_mut(place) {
            tree.continuation = None;
        }
    }

    /// At the end of a round that writes: what the spec has dropped is let go, and names of properties count that are there.
    pub fn settle(&mut self, lake: &Lake, seen: &Seen) {
        let wanted = |place: &Place| {
            let filesystem = lake.filesystems.get(&place.filesystem)?;
            trees::sweep(&filesystem.nodes.get(&place.path)?.access)
        };
        self.trees.retain(|place, _| wanted(place).is_some());
        self.filesystems.retain(|name, made| {
            let goes = !made.found && made.policy == DeletionPolicy::Delete;
            let contents = seen.of(name).and_then(|seen| seen.contents.as_ref());
            lake.filesystems.contains_key(name) || goes && contents != Some(&Ok(Contents::Gone))
        });
        for (name, wanted) in &lake.filesystems {
            self.settle_filesystem(name, wanted, seen);
        }
    }

    /// What is wanted counts as set once it is there; what was set before counts until nothing is left to be written. So what others
    /// have set, and this object was not able to replace, is never taken away as if it were its own.
    fn settle_filesystem(&mut self, name: &FilesystemName, wanted: &Filesystem, seen: &Seen) {
        let stands = seen.of(name).and_then(|seen| seen.stands.as_ref());
        let old = self.filesystems.get(name);
        let properties = match stands {
            Some(Ok(Stands::Here { properties, .. })) => set(wanted, old, properties),
            Some(_) | None => old.map(|old| old.properties.clone()).unwrap_or_default(),
        };
        match self.filesystems.get_mut(name) {
            Some(made) if made.found && properties.is_empty() => {
                self.filesystems.remove(name);
            }
            Some(made) => {
                made.properties = properties;
                made.policy = wanted.policy;
            }
            None if properties.is_empty() => {}
            None => {
                let made = Made {
                    found: true,
                    policy: wanted.policy,
                    properties,
                };
                self.filesystems.insert(name.clone(), made);
            }
        }
    }

    /// When something that failed is tried again for the first time.
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.trees.values().filter_map(retry_at).min()
    }
}

fn set(wanted: &Filesystem, old: Option<&Made>, there: &Properties) -> BTreeSet<String> {
    let clean = merged(wanted, old, there).is_ok_and(|target| target == *there);
    let has = |name: &str, value: &str| {
        let mut all = there.all().iter();
        all.any(|(one, has)| one.eq_ignore_ascii_case(name) && has == value)
    };
    let ours = wanted.properties.all().iter();
    let ours = ours.filter(|(name, value)| has(name, value));
    let before = old.filter(|_| !clean);
    let before = before.into_iter().flat_map(|old| old.properties.clone());
    ours.map(|(name, _)| name.clone()).chain(before).collect()
}

fn started(place: &Place, acl: String, since: Timestamp) -> TreeStatus {
    let path = &place.path;
    TreeStatus {
        filesystem: place.filesystem.to_string(),
        path: path_text(path),
        acl,
        continuation: None,
        since: Time(since),
        done: None,
        directories: 0,
        files: 0,
        failures: 0,
        failed: Vec::new(),
    }
}

fn path_text(path: &LakePath) -> String {
    if path.is_root() {
        String::new()
    } else {
        path.to_string()
    }
}

fn more(so_far: i64, more: u64) -> i64 {
    so_far.saturating_add_unsigned(more)
}

fn failed(failed: &Failed) -> FailedEntryStatus {
    FailedEntryStatus {
        path: failed.name.clone(),
        message: failed.error_message.chars().take(LONGEST).collect(),
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
