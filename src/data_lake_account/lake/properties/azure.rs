//! As much of Azure as keeps filesystems, and what lies in them.

use std::collections::BTreeMap;

use super::super::access::Change;
use super::super::fixtures::OPERATOR;
use super::super::*;
use super::lists::{Entries, Item};
use crate::azure::lake::access::{Failed, Sweep, Swept};
use crate::azure::lake::acl::{Key, Scope};
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{FilesystemName, LakePath, Properties};
use crate::problem::Reason;
use crate::retry::Retry;

/// Paths of a tree in one answer.
const BATCH: usize = 2;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filesystem {
    pub(super) properties: BTreeMap<String, String>,
    pub(super) items: BTreeMap<LakePath, Item>,
    version: u64,
}

/// The service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Azure {
    pub(super) filesystems: BTreeMap<FilesystemName, Filesystem>,
    /// Writes that were carried out, in words.
    pub(super) wrote: Vec<String>,
    /// Paths whose lists nobody can change with a tree, for so many tries.
    pub(super) stubborn: BTreeMap<LakePath, u32>,
    /// Whether it is a Data Lake Store.
    pub(super) store: bool,
    /// How many continuations are forgotten.
    pub(super) forgets: u32,
}

fn problem(reason: Reason) -> Problem {
    Problem::new(reason, Retry::Backoff, "Azure says so")
}

impl Azure {
    pub(super) fn make(&mut self, name: &FilesystemName) -> &mut Filesystem {
        self.filesystems.entry(name.clone()).or_insert_with(|| {
            let root = Item::new(Thing::Directory, "user::rwx,group::r-x,other::---");
            Filesystem {
                items: [(LakePath::root(), root)].into(),
                ..Filesystem::default()
            }
        })
    }

    /// Makes a path, and what is above it, as somebody would.
    pub(super) fn put(
        &mut self,
        name: &FilesystemName,
        path: &LakePath,
        thing: Thing,
    ) -> Option<&mut Item> {
        self.make(name).make(path, thing, None)
    }

    /// Answers a look.
    pub(super) fn look(&self, look: &Look, seen: &mut Seen) {
        match look {
            Look::Filesystem(name) => {
                let stands = match self.filesystems.get(name) {
                    None => Stands::Absent { deleted: false },
                    Some(here) => Stands::Here {
                        properties: Properties::new(here.properties.clone()).unwrap(),
                        scope: None,
                        etag: Some(here.version.to_string()),
                    },
                };
                seen.saw_filesystem(name, stands);
            }
            Look::Contents(name) => {
                let contents = match self.filesystems.get(name) {
                    None => Contents::Gone,
                    Some(here) if here.items.len() == 1 => Contents::Nothing,
                    Some(_) => Contents::Something,
                };
                seen.saw_contents(name, contents);
            }
            Look::Path(place, needs) => match self.filesystems.get(&place.filesystem) {
                None => seen.saw_filesystem(&place.filesystem, Stands::Absent { deleted: false }),
                Some(here) => {
                    let mut told = here.tell(&place.path, *needs);
                    if let (PathSeen::Here(here), true) = (&mut told, self.store && !needs.list)
                        && let Some(permissions) = &mut here.told.permissions
                    {
                        permissions.sticky = false;
                    }
                    seen.saw_path(place, told);
                }
            },
        }
    }

    /// Carries out a step.
    pub(super) fn take(&mut self, step: &Step) -> Came {
        let came = self.try_take(step);
        if matches!(came, Came::Done | Came::Swept(_)) {
            self.wrote.push(step.to_string());
        }
        came
    }

    fn try_take(&mut self, step: &Step) -> Came {
        let name = step.filesystem();
        if self.store {
            let made_with = matches!(step, Step::CreateDirectory { with: Some(_), .. });
            let whole = step.place().is_none();
            assert!(!made_with && !whole, "a Data Lake Store cannot {step}");
        }
        match step {
            Step::CreateFilesystem { properties, .. } => {
                if self.filesystems.contains_key(name) {
                    return Came::Unsure(problem(Reason::PathConflict));
                }
                self.make(name).properties.clone_from(properties.all());
                Came::Done
            }
            Step::DeleteFilesystem { .. } => {
                self.filesystems.remove(name);
                Came::Done
            }
            Step::Tree { place, sweep, from } => self.sweep(place, sweep, from.as_deref()),
            Step::SetProperties { .. }
            | Step::CreateDirectory { .. }
            | Step::WriteFile { .. }
            | Step::SetAccess { .. } => match self.filesystems.get_mut(name) {
                Some(here) => here.take(step),
                None => Came::Unsure(problem(Reason::AzureResourceNotFound)),
            },
        }
    }

    fn sweep(&mut self, place: &Place, sweep: &Sweep, from: Option<&str>) -> Came {
        if from.is_some() && self.forgets > 0 {
            self.forgets -= 1;
            return Came::Lost(problem(Reason::RequestRefused));
        }
        let Some(here) = self.filesystems.get_mut(&place.filesystem) else {
            return Came::Refused(problem(Reason::AzureResourceNotFound));
        };
        let from: Option<LakePath> = from.map(|from| from.parse().unwrap());
        let in_it = here.items.iter_mut().filter(|(path, _)| {
            path.is_in(&place.path) && from.as_ref().is_none_or(|from| *path >= from)
        });
        let mut swept = Swept::default();
        for (count, (path, item)) in in_it.enumerate() {
            if count == BATCH {
                swept.continuation = Some(path.to_string());
                break;
            }
            if let Some(tries) = self.stubborn.get_mut(path).filter(|tries| **tries > 0) {
                *tries -= 1;
                swept.failures += 1;
                swept.failed_entries.push(Failed {
                    name: path.to_string(),
                    kind: "FILE".to_owned(),
                    error_message: "no".to_owned(),
                });
                continue;
            }
            item.sweep(sweep);
            match item.thing {
                Thing::Directory => swept.directories += 1,
                Thing::File => swept.files += 1,
            }
        }
        Came::Swept(swept)
    }
}

impl Filesystem {
    fn tell(&self, path: &LakePath, needs: Needs) -> PathSeen {
        let Some(item) = self.items.get(path) else {
            return PathSeen::Absent;
        };
        let holds = item.holds.clone().unwrap_or(Content {
            length: 0,
            md5: String::new(),
        });
        PathSeen::Here(Here {
            thing: needs.thing.then_some(item.thing),
            holds: needs.thing.then(|| Holds {
                length: holds.length,
                md5: item.holds.is_some().then_some(holds.md5),
                etag: Some(item.version.to_string()),
            }),
            told: item.told(needs.list),
            ..Here::default()
        })
    }

    /// Makes something, with default entries of what it lies in; nothing where there is something already.
    fn make(&mut self, path: &LakePath, thing: Thing, with: Option<&Change>) -> Option<&mut Item> {
        if self.items.contains_key(path) {
            return None;
        }
        let parent = path.parent()?;
        if !self.items.contains_key(&parent) {
            self.make(&parent, Thing::Directory, None)?;
        }
        let above = self.items.get(&parent)?.clone();
        if above.thing == Thing::File {
            return None;
        }
        let mut item = Item::new(thing, "user::rwx,group::r-x,other::---");
        item.owner = OPERATOR.parse().unwrap();
        item.group = above.group;
        let defaults: Entries = above
            .list
            .into_iter()
            .filter(|(key, _)| key.scope == Scope::Default)
            .collect();
        if !defaults.is_empty() {
            let handed = defaults.iter().map(|(key, bits)| {
                let scope = Scope::Access;
                (
                    Key {
                        scope,
                        ..key.clone()
                    },
                    *bits,
                )
            });
            item.list = handed.collect();
            if thing == Thing::Directory {
                item.list.extend(defaults);
            }
        }
        if let Some(with) = with {
            item.change(with);
        }
        Some(self.items.entry(path.clone()).or_insert(item))
    }

    fn take(&mut self, step: &Step) -> Came {
        let conflict = || Came::Unsure(problem(Reason::PathConflict));
        match step {
            Step::SetProperties {
                properties, etag, ..
            } => {
                if etag
                    .as_ref()
                    .is_some_and(|etag| *etag != self.version.to_string())
                {
                    return Came::Unsure(problem(Reason::AzureBusy));
                }
                self.version += 1;
                self.properties.clone_from(properties.all());
                Came::Done
            }
            Step::CreateDirectory { place, with } => {
                match self.make(&place.path, Thing::Directory, with.as_ref()) {
                    Some(_) => Came::Done,
                    None => conflict(),
                }
            }
            Step::WriteFile {
                place,
                content,
                over,
                with,
            } => {
                let mut version = 0;
                if let Some(etag) = over {
                    let there = self.items.get(&place.path);
                    let same = there.filter(|item| {
                        item.thing == Thing::File && item.version.to_string() == *etag
                    });
                    let Some(same) = same else {
                        return conflict();
                    };
                    version = same.version + 1;
                    self.items.remove(&place.path);
                }
                match self.make(&place.path, Thing::File, with.as_ref()) {
                    Some(item) => {
                        item.holds = Some(content.clone());
                        item.version = version;
                        Came::Done
                    }
                    None => conflict(),
                }
            }
            Step::SetAccess { place, change } => match self.items.get_mut(&place.path) {
                Some(item) => {
                    item.change(change);
                    Came::Done
                }
                None => Came::Unsure(problem(Reason::AzureResourceNotFound)),
            },
            Step::CreateFilesystem { .. } | Step::DeleteFilesystem { .. } | Step::Tree { .. } => {
                panic!("{step} is not of one filesystem")
            }
        }
    }
}
