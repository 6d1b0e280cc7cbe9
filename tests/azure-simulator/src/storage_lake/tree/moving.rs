//! Renaming and deletion.

use super::{
    Tree,
    caller::{Caller, Rights},
    conditions::Conditions,
    lease,
    node::Node,
    path,
    permissions::Perm,
    refusal::Refusal,
};
use crate::world::moment::Moment;

/// What a deletion is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deletion {
    pub(crate) recursive: bool,
    pub(crate) conditions: Conditions,
    pub(crate) lease: Option<String>,
    /// The most paths that go at once; none: all.
    pub(crate) most: Option<usize>,
}

/// A path that is taken out, with all that it holds.
#[derive(Debug)]
pub(crate) struct Taken {
    from: Box<str>,
    nodes: Vec<(Box<str>, Node)>,
}

impl Tree {
    /// Whether a caller may take something out of its directory: it must be able to write there, and where that is sticky
    /// own one of the two.
    fn check_taking(&self, caller: &Caller, rights: Rights, key: &str) -> Result<(), Refusal> {
        let Some(parent) = path::parent(key) else {
            return Err(Refusal::InvalidInput);
        };
        if caller.granted.any(rights) {
            return Ok(());
        }
        self.check(caller, rights, parent, Perm::WRITE | Perm::EXECUTE)?;
        let parent = self.get(parent)?;
        let node = self.get(key)?;
        let free =
            !parent.access.sticky || caller.owns(&parent.access) || caller.owns(&node.access);
        if free {
            Ok(())
        } else {
            Err(Refusal::AuthorizationPermissionMismatch)
        }
    }

    /// Deletes a path; whether there is more of it to go.
    pub(crate) fn delete(
        &mut self,
        caller: &Caller,
        key: &str,
        deletion: &Deletion,
        now: Moment,
    ) -> Result<bool, Refusal> {
        self.check_taking(caller, Rights::DELETE, key)?;
        let node = self.get(key)?;
        deletion.conditions.check(node)?;
        lease::check_write(node.lease(), deletion.lease.as_deref(), now)?;
        if node.is_directory() && !self.is_empty_directory(key) {
            if !deletion.recursive {
                return Err(Refusal::DirectoryNotEmpty);
            }
            if !caller.granted.any(Rights::DELETE) {
                self.check_emptying(caller, key)?;
            }
        }
        let mut keys: Vec<Box<str>> = self.below(key, None).map(|(key, _)| key.into()).collect();
        keys.insert(0, key.into());
        // From the end, so that a directory goes after what it holds.
        let most = deletion.most.unwrap_or(usize::MAX);
        let more = keys.len() > most;
        for key in keys.iter().rev().take(most) {
            self.nodes.remove(key);
        }
        Ok(more)
    }

    /// Whether a caller may take out all that a directory holds.
    fn check_emptying(&self, caller: &Caller, key: &str) -> Result<(), Refusal> {
        let all = Perm::READ | Perm::WRITE | Perm::EXECUTE;
        let directories = self
            .below(key, None)
            .filter(|(_, node)| node.is_directory());
        let own = std::iter::once((key, self.get(key)?));
        for (_, node) in own.chain(directories) {
            if !caller.may(&node.access, all) {
                return Err(Refusal::AuthorizationPermissionMismatch);
            }
        }
        Ok(())
    }

    /// Whether something may be renamed from here; whether it is a directory.
    pub(crate) fn check_source(
        &self,
        caller: &Caller,
        key: &str,
        conditions: &Conditions,
        lease: Option<&str>,
        now: Moment,
    ) -> Result<bool, Refusal> {
        let node = self.nodes.get(key).ok_or(Refusal::SourcePathNotFound)?;
        self.check_taking(caller, Rights::MOVE | Rights::DELETE, key)?;
        conditions
            .check(node)
            .map_err(|_| Refusal::SourceConditionNotMet)?;
        lease::check_write(node.lease(), lease, now)?;
        Ok(node.is_directory())
    }

    /// Whether something may be renamed to here.
    pub(crate) fn check_destination(
        &self,
        caller: &Caller,
        key: &str,
        directory: bool,
        (conditions, lease): (&Conditions, Option<&str>),
        now: Moment,
    ) -> Result<(), Refusal> {
        let parent = path::parent(key).ok_or(Refusal::InvalidInput)?;
        let holder = self
            .nodes
            .get(parent)
            .ok_or(Refusal::RenameDestinationParentPathNotFound)?;
        if !holder.is_directory() {
            return Err(Refusal::PathConflict);
        }
        let writable = Perm::WRITE | Perm::EXECUTE;
        self.check(caller, Rights::MOVE | Rights::WRITE, parent, writable)?;
        let Some(present) = self.nodes.get(key) else {
            return if conditions.only_present() {
                Err(Refusal::ConditionNotMet)
            } else {
                Ok(())
            };
        };
        if conditions.only_new() {
            return Err(Refusal::RenameDestinationExists);
        }
        conditions.check(present)?;
        lease::check_write(present.lease(), lease, now)?;
        self.check_taking(caller, Rights::MOVE | Rights::DELETE, key)?;
        match (present.is_directory(), directory) {
            (true, true) if !self.is_empty_directory(key) => Err(Refusal::DirectoryNotEmpty),
            (true, true) | (false, false) => Ok(()),
            _ => Err(Refusal::PathConflict),
        }
    }

    /// Takes something out, with all that it holds.
    pub(crate) fn take(&mut self, key: &str) -> Taken {
        let mut keys: Vec<Box<str>> = self.below(key, None).map(|(key, _)| key.into()).collect();
        keys.insert(0, key.into());
        let nodes = keys
            .into_iter()
            .filter_map(|key| self.nodes.remove_entry(&key))
            .collect();
        Taken {
            from: key.into(),
            nodes,
        }
    }

    /// Puts in what was taken out, under another key.
    pub(crate) fn put(&mut self, key: &str, taken: Taken) {
        for (old, node) in taken.nodes {
            self.last_version = self.last_version.max(node.version);
            self.nodes.insert(path::moved(&old, &taken.from, key), node);
        }
    }
}
