//! Changes of owners, access lists and properties.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Tree,
    acl::How,
    acl_text::Entry,
    caller::{Caller, Rights},
    conditions::Conditions,
    lease,
    node::{Access, ContentHeaders, Node},
    permissions::{Mode, Perm},
    refusal::Refusal,
};
use crate::world::moment::Moment;

/// What of a path's access is to change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) mode: Option<Mode>,
    pub(crate) list: Option<(How, Vec<Entry>)>,
    /// The access list keeps no more than a mode says.
    pub(crate) bare: bool,
    /// The default list goes.
    pub(crate) no_default: bool,
}

impl Change {
    /// Whether nothing is to change.
    pub(crate) fn is_empty(&self) -> bool {
        let listed = self.list.is_some() || self.bare || self.no_default;
        self.owner.is_none() && self.group.is_none() && self.mode.is_none() && !listed
    }

    /// Whether a caller may make it on what has this access.
    fn check(&self, caller: &Caller, access: &Access) -> Result<(), Refusal> {
        let owns = caller.by_lists.any(Rights::PERMISSIONS) && caller.owns(access);
        let gives_away = self
            .owner
            .as_ref()
            .is_some_and(|owner| *owner != access.owner);
        let regroups = self.group.as_ref().filter(|group| **group != access.group);
        let listed = self.mode.is_some() || self.list.is_some() || self.bare || self.no_default;
        let allowed = (!gives_away || caller.granted.any(Rights::OWNERSHIP))
            && regroups.is_none_or(|group| {
                caller.granted.any(Rights::OWNERSHIP) || owns && caller.groups.contains(&**group)
            })
            && (!listed || owns || caller.granted.any(Rights::PERMISSIONS))
            && (owns || caller.granted.any(Rights::OWNERSHIP | Rights::PERMISSIONS));
        if allowed {
            Ok(())
        } else {
            Err(Refusal::AuthorizationPermissionMismatch)
        }
    }

    fn applied(&self, access: &Access, directory: bool) -> Result<Access, Refusal> {
        let mut access = match &self.list {
            // What is for directories alone is a mistake on a file.
            Some((_, entries)) if !directory && entries.iter().any(|entry| entry.default) => {
                return Err(Refusal::InvalidAcl);
            }
            Some((how, entries)) => access.changed(*how, entries, directory)?,
            None => access.clone(),
        };
        if self.bare {
            access.lists.access = access.lists.access.bare();
        }
        if self.no_default {
            access.lists.default = None;
        }
        if let Some(mode) = self.mode {
            access = access.with_mode(mode);
        }
        if let Some(owner) = &self.owner {
            access.owner = Arc::clone(owner);
        }
        if let Some(group) = &self.group {
            access.group = Arc::clone(group);
        }
        Ok(access)
    }
}

impl Tree {
    /// Changes who may do what with a path. Its version stays.
    pub(crate) fn change_access(
        &mut self,
        caller: &Caller,
        key: &str,
        change: &Change,
        conditions: &Conditions,
    ) -> Result<&Node, Refusal> {
        let rights = Rights::OWNERSHIP | Rights::PERMISSIONS;
        self.check(caller, rights, key, Perm::NONE)?;
        let node = self.get_mut(key)?;
        change.check(caller, &node.access)?;
        conditions.check(node)?;
        let access = change.applied(&node.access, node.is_directory())?;
        if access != *node.access {
            node.access = Arc::new(access);
        }
        Ok(node)
    }

    /// Changes a path's properties, all of them, and the headers that are given.
    pub(crate) fn change_properties(
        &mut self,
        caller: &Caller,
        key: &str,
        properties: Option<BTreeMap<String, String>>,
        headers: Option<ContentHeaders>,
        (conditions, lease): (&Conditions, Option<&str>),
        now: Moment,
    ) -> Result<&Node, Refusal> {
        self.check(caller, Rights::WRITE, key, Perm::WRITE)?;
        let node = self.get(key)?;
        conditions.check(node)?;
        lease::check_write(node.lease(), lease, now)?;
        let version = self.next_version(now);
        let node = self.get_mut(key)?;
        if let Some(properties) = properties {
            node.more_mut().properties = properties;
        }
        if let (Some(headers), Some(body)) = (headers, node.body_mut()) {
            body.headers = headers;
        }
        node.version = version;
        node.modified = now;
        Ok(node)
    }

    /// Puts properties in the place of those that are there, as a part of another change.
    pub(crate) fn replace_properties(&mut self, key: &str, properties: BTreeMap<String, String>) {
        if let Some(node) = self.nodes.get_mut(key) {
            node.more_mut().properties = properties;
        }
    }

    /// Acts on the lease of a path; gives the seconds that a broken one still lasts.
    pub(crate) fn change_lease(
        &mut self,
        caller: &Caller,
        key: &str,
        action: lease::Action,
        conditions: &Conditions,
        now: Moment,
    ) -> Result<(&Node, u32), Refusal> {
        self.check(caller, Rights::WRITE, key, Perm::WRITE)?;
        let node = self.get_mut(key)?;
        conditions.check(node)?;
        let (lease, left) = lease::act(node.lease().cloned(), action, now)?;
        node.more_mut().lease = lease;
        Ok((node, left))
    }
}
