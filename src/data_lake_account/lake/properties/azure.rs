//! As much of Azure as keeps filesystems: paths with access lists, as POSIX has them. It works lists out in its own way.

use std::collections::BTreeMap;

use super::super::access::{Change, Told};
use super::super::fixtures::OPERATOR;
use super::super::*;
use crate::azure::lake::access::{Change as Rights, Failed, Sweep, Swept};
use crate::azure::lake::acl::{Key, Kind, Scope};
use crate::azure::lake::paths::Thing;
use crate::azure::lake::permissions::Rights as Bits;
use crate::azure::lake::{Acl, FilesystemName, LakePath, Owner, Permissions, Properties};
use crate::problem::Reason;
use crate::retry::Retry;

/// Paths of a tree in one answer.
const BATCH: usize = 2;

type Entries = BTreeMap<Key, Bits>;

/// A file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) thing: Thing,
    pub(super) owner: Owner,
    pub(super) group: Owner,
    pub(super) sticky: bool,
    pub(super) list: Entries,
    pub(super) holds: Option<Content>,
    pub(super) version: u64,
}

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

pub(super) fn entries(text: &str) -> Entries {
    let acl = super::super::fixtures::acl(text);
    acl.entries()
        .map(|(key, bits)| (key.clone(), bits))
        .collect()
}

pub(super) fn acl_of(list: &Entries) -> Acl {
    let mut acl = Acl::default();
    for (key, bits) in list {
        acl.add(key.clone(), *bits).unwrap();
    }
    acl
}

fn key(scope: Scope, kind: Kind) -> Key {
    let id = None;
    Key { scope, kind, id }
}

/// The mask is what named ones and the owning group have together, where there is one or somebody is named.
fn mask(list: &mut Entries, scope: Scope) {
    let limited = |key: &Key| key.scope == scope && (key.kind == Kind::Group || key.id.is_some());
    let named = list
        .keys()
        .any(|key| key.scope == scope && key.id.is_some());
    let at = key(scope, Kind::Mask);
    if named || list.contains_key(&at) {
        let all = list.iter().filter(|(key, _)| limited(key));
        let all = all.fold(Bits::NONE, |all, (_, bits)| all.with(*bits));
        list.insert(at, all);
    }
}

/// Default entries have those of owner, group and others, too.
fn complete(list: &mut Entries) {
    if list.keys().any(|key| key.scope == Scope::Default) {
        for kind in [Kind::User, Kind::Group, Kind::Other] {
            let bits = list[&key(Scope::Access, kind)];
            list.entry(key(Scope::Default, kind)).or_insert(bits);
        }
    }
}

fn set(wanted: &Acl) -> Entries {
    let given: Entries = wanted
        .entries()
        .map(|(key, bits)| (key.clone(), bits))
        .collect();
    let mut list = given.clone();
    for kind in [Kind::User, Kind::Group, Kind::Other] {
        assert!(
            list.contains_key(&key(Scope::Access, kind)),
            "Azure refuses {wanted}"
        );
    }
    complete(&mut list);
    for scope in [Scope::Access, Scope::Default] {
        if !given.contains_key(&key(scope, Kind::Mask)) {
            mask(&mut list, scope);
        }
        assert!(list.keys().filter(|key| key.scope == scope).count() <= 32);
    }
    list
}

impl Item {
    pub(super) fn new(thing: Thing, list: &str) -> Self {
        Self {
            thing,
            owner: "$superuser".parse().unwrap(),
            group: "$superuser".parse().unwrap(),
            sticky: false,
            list: entries(list),
            holds: None,
            version: 0,
        }
    }

    fn told(&self, list: bool) -> Told {
        let acl = acl_of(&self.list);
        Told {
            owner: Some(self.owner.clone()),
            group: Some(self.group.clone()),
            permissions: Some(acl.permissions(self.sticky)),
            acl: list.then_some(acl),
        }
    }

    pub(super) fn permissions(&self) -> Permissions {
        acl_of(&self.list).permissions(self.sticky)
    }

    fn change(&mut self, change: &Change) {
        if let Some(owner) = &change.owner {
            self.owner = owner.clone();
        }
        if let Some(group) = &change.group {
            self.group = group.clone();
        }
        match &change.rights {
            Rights::None => {}
            Rights::Permissions(wanted) => {
                let masked = self.list.contains_key(&key(Scope::Access, Kind::Mask));
                let group = if masked { Kind::Mask } else { Kind::Group };
                self.list
                    .insert(key(Scope::Access, Kind::User), wanted.user);
                self.list.insert(key(Scope::Access, group), wanted.group);
                self.list
                    .insert(key(Scope::Access, Kind::Other), wanted.other);
                self.sticky = wanted.sticky;
            }
            Rights::Acl(acl) => {
                assert!(self.thing == Thing::Directory || !acl.has_defaults());
                self.list = set(acl);
            }
        }
    }

    fn sweep(&mut self, sweep: &Sweep) {
        let is_file = self.thing == Thing::File;
        match sweep {
            Sweep::Set(acl) if is_file => self.list = set(&acl.access()),
            Sweep::Set(acl) => self.list = set(acl),
            Sweep::Modify(acl) => {
                let given = if is_file { acl.access() } else { acl.clone() };
                for scope in [Scope::Access, Scope::Default] {
                    let here = given.entries().filter(|(key, _)| key.scope == scope);
                    let here: Entries = here.map(|(key, bits)| (key.clone(), bits)).collect();
                    let keeps_mask = here.is_empty() || here.contains_key(&key(scope, Kind::Mask));
                    self.list.extend(here);
                    complete(&mut self.list);
                    if !keeps_mask {
                        mask(&mut self.list, scope);
                    }
                }
            }
            Sweep::Remove(removal) => {
                for scope in [Scope::Access, Scope::Default] {
                    let before = self.list.len();
                    let goes =
                        |key: &Key| key.scope == scope && removal.keys().any(|one| one == key);
                    self.list.retain(|key, _| !goes(key));
                    let rest = self
                        .list
                        .keys()
                        .any(|one| one.scope == scope && one.kind != Kind::Mask);
                    if !rest {
                        self.list.retain(|key, _| key.scope != scope);
                    }
                    complete(&mut self.list);
                    if self.list.len() != before {
                        mask(&mut self.list, scope);
                    }
                }
            }
        }
    }
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
                Some(here) => seen.saw_path(place, here.tell(&place.path, *needs)),
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
