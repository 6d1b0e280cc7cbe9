//! Files and directories with access lists as POSIX has them, worked out in another way than the product does.

use std::collections::BTreeMap;

use super::super::access::{Change, Told};
use super::super::{Content, fixtures};
use crate::azure::lake::access::{Change as Rights, Sweep};
use crate::azure::lake::acl::{Key, Kind, Scope};
use crate::azure::lake::paths::Thing;
use crate::azure::lake::permissions::Rights as Bits;
use crate::azure::lake::{Acl, Owner, Permissions};

pub(super) type Entries = BTreeMap<Key, Bits>;

pub(super) fn entries(text: &str) -> Entries {
    let acl = fixtures::acl(text);
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

pub(super) fn key(scope: Scope, kind: Kind) -> Key {
    let id = None;
    Key { scope, kind, id }
}

/// The mask is what named ones and the owning group have together, where there is one or somebody is named.
pub(super) fn mask(list: &mut Entries, scope: Scope) {
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
pub(super) fn complete(list: &mut Entries) {
    if list.keys().any(|key| key.scope == Scope::Default) {
        for kind in [Kind::User, Kind::Group, Kind::Other] {
            let bits = list[&key(Scope::Access, kind)];
            list.entry(key(Scope::Default, kind)).or_insert(bits);
        }
    }
}

/// What Azure keeps of a list that replaces another.
pub(super) fn set(wanted: &Acl) -> Entries {
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

    pub(super) fn told(&self, list: bool) -> Told {
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

    pub(super) fn change(&mut self, change: &Change) {
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

    pub(super) fn sweep(&mut self, sweep: &Sweep) {
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
