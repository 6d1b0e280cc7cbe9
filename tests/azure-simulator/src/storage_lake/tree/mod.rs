//! A hierarchical namespace: directories and files with owners and access lists, as POSIX has them and Azure's Data Lake
//! keeps them. Changes are functions of the tree, who asks, and the time.

pub(crate) mod acl;
pub(crate) mod acl_text;
pub(crate) mod caller;
mod change;
pub(crate) mod conditions;
mod content;
mod create;
pub(crate) mod grow;
pub(crate) mod lease;
mod list;
pub(crate) mod moving;
pub(crate) mod node;
pub(crate) mod path;
pub(crate) mod permissions;
pub(crate) mod recursive;
pub(crate) mod refusal;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

pub(crate) use change::Change;
pub(crate) use content::Flush;
pub(crate) use create::Wish;

use self::{
    caller::{Caller, Rights},
    node::{Access, Kind, Node},
    permissions::Perm,
    refusal::Refusal,
};
use crate::world::moment::Moment;

/// All paths of a filesystem, by the keys of [`path`].
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: BTreeMap<Box<str>, Node>,
    last_version: u64,
}

impl Tree {
    /// One with nothing but a root.
    pub(crate) fn new(owner: &str, now: Moment) -> Self {
        let mut tree = Self {
            nodes: BTreeMap::new(),
            last_version: 0,
        };
        let access = Arc::new(Access::of_root(owner));
        tree.insert("", access, Kind::Directory, now);
        tree
    }

    /// How many paths there are, the root among them.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What is at a key, for whoever may look everywhere.
    pub(crate) fn get(&self, key: &str) -> Result<&Node, Refusal> {
        self.nodes.get(key).ok_or(Refusal::PathNotFound)
    }

    fn get_mut(&mut self, key: &str) -> Result<&mut Node, Refusal> {
        self.nodes.get_mut(key).ok_or(Refusal::PathNotFound)
    }

    /// What is at a key, for a caller who has one of the rights or reaches the directory that it is in.
    pub(crate) fn look(
        &self,
        caller: &Caller,
        key: &str,
        rights: Rights,
    ) -> Result<&Node, Refusal> {
        self.check(caller, rights, key, Perm::NONE)?;
        self.get(key)
    }

    /// Whether a caller may do something: by what it was granted, or by the lists on the way and what it needs at the end.
    fn check(
        &self,
        caller: &Caller,
        rights: Rights,
        key: &str,
        wanted: Perm,
    ) -> Result<(), Refusal> {
        if caller.granted.any(rights) {
            return Ok(());
        }
        if !caller.by_lists.any(rights) {
            return Err(Refusal::AuthorizationPermissionMismatch);
        }
        self.reach(caller, key, wanted)
    }

    /// Whether the lists let a caller through to a path, and allow it that there. Where a directory is missing the way
    /// ends, and that is told by others.
    fn reach(&self, caller: &Caller, key: &str, wanted: Perm) -> Result<(), Refusal> {
        let step = |at: &str, wanted: Perm| match self.nodes.get(at) {
            Some(node) if !caller.may(&node.access, wanted) => {
                Err(Refusal::AuthorizationPermissionMismatch)
            }
            _ => Ok(()),
        };
        for above in path::ancestors(key) {
            step(above, Perm::EXECUTE)?;
        }
        step(key, wanted)
    }

    /// A version that no other has, of about that time.
    fn next_version(&mut self, now: Moment) -> u64 {
        self.last_version = node::ticks(now).max(self.last_version + 1);
        self.last_version
    }

    /// Puts something new in, in the place of what is there.
    fn insert(&mut self, key: &str, access: Arc<Access>, kind: Kind, now: Moment) -> &mut Node {
        let version = self.next_version(now);
        let node = Node {
            access,
            kind,
            version,
            created: version,
            modified: now,
            more: None,
        };
        match self.nodes.entry(key.into()) {
            std::collections::btree_map::Entry::Occupied(mut present) => {
                present.insert(node);
                present.into_mut()
            }
            std::collections::btree_map::Entry::Vacant(free) => free.insert(node),
        }
    }

    /// All that a directory holds, however deep, from a key on if that is further.
    fn below<'a>(
        &'a self,
        directory: &str,
        from: Option<&str>,
    ) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        let (start, end) = path::contents(directory);
        let start = bounded(from.unwrap_or_default(), &start, end.as_deref());
        let start = Bound::Included(start);
        let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.nodes
            .range::<str, _>((start, end))
            .map(|(key, node)| (&**key, node))
    }

    fn is_empty_directory(&self, key: &str) -> bool {
        self.below(key, None).next().is_none()
    }
}

/// A key within bounds. One that lies outside is no mistake: what it was of may be gone.
fn bounded<'a>(key: &'a str, first: &'a str, end: Option<&'a str>) -> &'a str {
    let key = key.max(first);
    end.map_or(key, |end| key.min(end))
}
