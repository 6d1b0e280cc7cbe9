//! Who asks the tree, and what is decided by access lists.

use std::{
    collections::BTreeSet,
    ops::{BitAnd, BitOr},
    sync::Arc,
};

use super::{
    node::{Access, SUPERUSER},
    permissions::Perm,
};

/// What a role, a key or a signature can allow without an access list being asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights(u16);

impl Rights {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const READ: Self = Self(1);
    pub(crate) const LIST: Self = Self(2);
    pub(crate) const ADD: Self = Self(4);
    pub(crate) const CREATE: Self = Self(8);
    pub(crate) const WRITE: Self = Self(16);
    pub(crate) const DELETE: Self = Self(32);
    pub(crate) const MOVE: Self = Self(64);
    /// To see a path's properties.
    pub(crate) const EXECUTE: Self = Self(128);
    /// To give it to another owner.
    pub(crate) const OWNERSHIP: Self = Self(256);
    /// To change its access list.
    pub(crate) const PERMISSIONS: Self = Self(512);
    pub(crate) const ALL: Self = Self(1023);

    /// Whether it has one of these.
    pub(crate) fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }
}

impl BitAnd for Rights {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Rights {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Lower-case object id, or `$superuser`: what it makes belongs to it.
    pub(crate) id: Arc<str>,
    /// Ids of the groups that it is in, in lower case.
    pub(crate) groups: BTreeSet<String>,
    /// What it may do wherever it is.
    pub(crate) granted: Rights,
    /// For what else the access lists are asked.
    pub(crate) by_lists: Rights,
}

impl Caller {
    /// Who may do everything.
    pub(crate) fn superuser() -> Self {
        Self {
            id: SUPERUSER.into(),
            groups: BTreeSet::new(),
            granted: Rights::ALL,
            by_lists: Rights::NONE,
        }
    }

    pub(crate) fn owns(&self, access: &Access) -> bool {
        *access.owner == *self.id
    }

    /// Whether the list of a path allows it that. The entry that fits best decides: the owner's, a named user's, those of
    /// groups of which one must allow it all, or that for others.
    pub(crate) fn may(&self, access: &Access, wanted: Perm) -> bool {
        let acl = &access.lists.access;
        if self.owns(access) {
            return acl.owner.holds(wanted);
        }
        if let Some((_, perm)) = acl.users.iter().find(|(id, _)| **id == *self.id) {
            return acl.masked(*perm).holds(wanted);
        }
        let owning = self.groups.contains(&*access.group).then_some(acl.group);
        let named = acl
            .groups
            .iter()
            .filter(|(id, _)| self.groups.contains(&**id))
            .map(|(_, perm)| *perm);
        let mut member = false;
        for perm in owning.into_iter().chain(named) {
            member = true;
            if acl.masked(perm).holds(wanted) {
                return true;
            }
        }
        !member && acl.other.holds(wanted)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::storage_lake::tree::{acl::How, acl_text};

    /// Somebody about whom the access lists decide.
    pub(crate) fn person(id: &str, groups: &[&str]) -> Caller {
        Caller {
            id: id.into(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            granted: Rights::NONE,
            by_lists: Rights::ALL,
        }
    }

    fn access(list: &str) -> Access {
        let entries = acl_text::parse(list, &|name| Some(name.to_owned())).unwrap();
        let mut access = Access::of_root("owner");
        access.group = "owners".into();
        access.changed(How::Set, &entries, true).unwrap()
    }

    #[test]
    fn the_entry_that_fits_best_decides() {
        let list = "user::--x,user:ann:rwx,group::r--,group:g:-w-,mask::rw-,other::rwx";
        let may = |id: &str, groups: &[&str], wanted: &str| {
            person(id, groups).may(&access(list), Perm::of_text(wanted).unwrap())
        };
        // The owner's entry decides though others have more, and the mask does not bound it.
        assert!(may("owner", &["owners"], "--x") && !may("owner", &["owners"], "r--"));
        // A named user's does, within the mask.
        assert!(may("ann", &[], "rw-") && !may("ann", &[], "--x"));
        // Of groups one must allow all of it: they do not add up.
        assert!(may("bob", &["owners"], "r--") && may("bob", &["g"], "-w-"));
        assert!(!may("bob", &["owners", "g"], "rw-"));
        // Who is in a group is none of the others, whom the mask does not bound.
        assert!(!may("bob", &["owners"], "--x") && may("bob", &["x"], "rwx"));
    }
}
