//! An object and the lake that it is about, and what must hold of both.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::fixtures::{Case, content, spec};
use super::super::valid::{Kind, Node, What, parse};
use super::super::*;
use super::azure::Azure;
use super::lists::{Item, acl_of};
use crate::azure::lake::acl::Scope;
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{FilesystemName, LakePath, Removal};

/// Batches until everything must be done.
const BOUND: usize = 200;

/// An object, and the lake that it is about.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) case: Case,
    pub(super) azure: Azure,
    /// Whether batches are carried out from behind.
    backwards: bool,
}

impl World {
    pub(super) fn new(spec: &Value, backwards: bool) -> Self {
        let mut world = Self {
            case: Case::new(lake(spec)),
            azure: Azure::default(),
            backwards,
        };
        world.edit(spec);
        world
    }

    pub(super) fn edit(&mut self, spec: &Value) {
        self.case.lake = lake(spec);
        self.case.contents.clear();
        for (name, filesystem) in &self.case.lake.filesystems {
            for (path, node) in &filesystem.nodes {
                if let Kind::File(_) = node.kind {
                    let content = content(&format!("what {path} holds"));
                    self.case
                        .contents
                        .insert(Place::new(name, path), Ok(content));
                }
            }
        }
    }

    /// A round to its end, or until the process dies: after so many writes, of which it knows nothing.
    pub(super) fn round(&mut self, dies_after: Option<usize>) -> Option<Outcome> {
        self.case.seen = Seen::default();
        let mut writes = 0;
        for _ in 0..BOUND {
            let mut batch = self.case.plan();
            if batch.is_empty() {
                let outcome = self.case.outcome();
                self.case.record.settle(&self.case.lake, &self.case.seen);
                return Some(outcome);
            }
            if self.backwards {
                batch.steps.reverse();
                batch.looks.reverse();
            }
            for look in &batch.looks {
                self.azure.look(look, &mut self.case.seen);
            }
            for step in &batch.steps {
                let came = self.azure.take(step);
                if dies_after == Some(writes) {
                    return None;
                }
                writes += 1;
                self.case.came(step, came);
            }
        }
        panic!("a round does not end: {self:?}");
    }

    pub(super) fn ends(&mut self) -> Outcome {
        self.round(None).unwrap()
    }

    /// A round that writes nothing; what it would do, and where the lake differs.
    pub(super) fn dry(&mut self) -> (Vec<String>, usize) {
        self.case.seen = Seen::default();
        let mut planned = Vec::new();
        for _ in 0..BOUND {
            let batch = self.case.plan();
            if batch.is_empty() {
                let found = differences(&self.case.inputs(), &self.case.seen);
                return (planned, found.len());
            }
            for look in &batch.looks {
                self.azure.look(look, &mut self.case.seen);
            }
            for step in &batch.steps {
                planned.push(step.to_string());
                assume(&self.case.lake, step, &mut self.case.seen);
            }
        }
        panic!("a dry round does not end: {self:?}");
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (&FilesystemName, &LakePath, &Node)> {
        let all = self.case.lake.filesystems.iter();
        all.flat_map(|(name, one)| one.nodes.iter().map(move |(path, node)| (name, path, node)))
    }

    /// What a path has that the spec does not want.
    pub(super) fn wrong(&self, before: &Azure) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, path, node) in self.nodes() {
            let here = &self.azure.filesystems[name];
            if blocked(before, name, path, node) {
                continue;
            }
            let Some(item) = here.items.get(path) else {
                wrong.push(format!("{path} is not there"));
                continue;
            };
            let owner = node
                .access
                .owner
                .as_ref()
                .is_some_and(|one| *one != item.owner);
            let group = node
                .access
                .group
                .as_ref()
                .is_some_and(|one| *one != item.group);
            let fits = match &node.access.what {
                What::Leave => true,
                What::Permissions(wanted) => *wanted == item.permissions(),
                what @ (What::Set(_) | What::Modify(_) | What::Remove(_)) => has(item, what),
            };
            let place = Place::new(name, path);
            let content = self
                .case
                .contents
                .get(&place)
                .and_then(|content| content.as_ref().ok());
            if owner
                || group
                || !fits
                || content.is_some_and(|content| item.holds.as_ref() != Some(content))
            {
                wrong.push(format!("{path}: {:?} is {item:?}", node.access));
            }
        }
        for (name, filesystem) in &self.case.lake.filesystems {
            let here = &self.azure.filesystems[name].properties;
            let wanted = filesystem.properties.all().iter();
            wrong.extend(
                wanted
                    .filter(|(one, value)| here.get(*one) != Some(*value))
                    .map(|(one, _)| one.clone()),
            );
        }
        wrong
    }

    /// What lies in trees, was there before, and has not what the innermost of them wants.
    pub(super) fn wrong_in_trees(&self, before: &Azure) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, there) in &before.filesystems {
            for path in there.items.keys() {
                let over = self
                    .nodes()
                    .filter(|(filesystem, _, node)| *filesystem == name && node.access.recursive);
                let over = over.filter(|(_, tree, node)| {
                    path.is_in(tree) && !blocked(before, name, tree, node)
                });
                let Some((_, _, tree)) = over.last() else {
                    continue;
                };
                let own = self
                    .nodes()
                    .find(|(filesystem, one, _)| *filesystem == name && *one == path);
                if own.is_some_and(|(_, _, node)| node.access.what != What::Leave) {
                    continue;
                }
                let item = &self.azure.filesystems[name].items[path];
                if !has(item, &tree.access.what) {
                    wrong.push(format!("{path}: {:?} is {item:?}", tree.access.what));
                }
            }
        }
        wrong
    }

    /// What was there, is not the spec's, and is not what it was.
    pub(super) fn touched(&self, before: &Azure) -> Vec<String> {
        let mut touched = Vec::new();
        let said: BTreeSet<Place> = self
            .nodes()
            .map(|(name, path, _)| Place::new(name, path))
            .collect();
        for (name, there) in &before.filesystems {
            let Some(here) = self.azure.filesystems.get(name) else {
                touched.push(format!("{name} is gone"));
                continue;
            };
            for (path, item) in &there.items {
                let mut trees = self
                    .nodes()
                    .filter(|(_, tree, node)| node.access.recursive && path.is_in(tree));
                let ours = said.contains(&Place::new(name, path)) || trees.next().is_some();
                match here.items.get(path) {
                    None => touched.push(format!("{path} is gone")),
                    Some(now) if !ours && now != item => {
                        touched.push(format!("{path}: {item:?} is {now:?}"));
                    }
                    Some(_) => {}
                }
            }
            for path in here
                .items
                .keys()
                .filter(|path| !there.items.contains_key(*path))
            {
                if !said.iter().any(|place| place.path.is_in(path)) {
                    touched.push(format!("{path} is new"));
                }
            }
            let others = there
                .properties
                .iter()
                .filter(|(one, _)| one.as_str() == "others");
            touched.extend(
                others
                    .filter(|(one, value)| here.properties.get(*one) != Some(*value))
                    .map(|(one, _)| one.clone()),
            );
        }
        touched
    }
}

fn lake(fields: &Value) -> Lake {
    parse(&spec(fields.clone())).unwrap()
}

/// Whether something stands at a path, or above it, that is no directory or no file as it would have to be.
pub(super) fn blocked(before: &Azure, name: &FilesystemName, path: &LakePath, node: &Node) -> bool {
    let Some(here) = before.filesystems.get(name) else {
        return false;
    };
    let wanted = match node.kind {
        Kind::Directory => Thing::Directory,
        Kind::File(_) => Thing::File,
    };
    let above = here
        .items
        .iter()
        .any(|(one, item)| item.thing == Thing::File && one != path && path.is_in(one));
    above
        || here
            .items
            .get(path)
            .is_some_and(|item| item.thing != wanted)
}

fn has(item: &Item, what: &What) -> bool {
    let acl = acl_of(&item.list);
    let is_file = item.thing == Thing::File;
    let absent = |removal: &Removal| {
        // What every list has is never quite gone.
        let mut gone = removal.keys().filter(|key| key.id.is_some());
        gone.all(|key| acl.rights(key).is_none())
    };
    match what {
        What::Leave | What::Permissions(_) => true,
        What::Set(wanted) if is_file => acl.means_same(&wanted.access()),
        What::Set(wanted) => acl.means_same(wanted),
        What::Modify(wanted) => {
            let mut all = wanted
                .entries()
                .filter(|(key, _)| !is_file || key.scope == Scope::Access);
            all.all(|(key, rights)| acl.rights(key) == Some(rights))
        }
        What::Remove(removal) => absent(removal),
    }
}
