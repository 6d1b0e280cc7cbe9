//! Who may do what with a path: what a spec comes to, and what is to be written where that is not so. Pure.
//!
//! Lists are compared by what they mean, and are written in the form in which Azure stores them, so that a second look finds
//! nothing to do. Additions and removals are worked out from the list that is there, and the outcome is set: Azure has no call that
//! changes entries of one path alone, and none that does it on a condition. Whoever else changes the same list in that moment may
//! lose; the next look mends what the spec says.

use crate::azure::lake::access::Change as Rights;
use crate::azure::lake::acl::{Acl, AclError, Key, Kind, Scope};
use crate::azure::lake::{Owner, Permissions, Removal};
use crate::azure_resource::difference::Difference;

use super::valid::{Access, What};

/// What a look has told of access. A look at a path tells no list, and perhaps nothing at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The owner.
    pub owner: Option<Owner>,
    /// The owning group.
    pub group: Option<Owner>,
    /// The three classes and the sticky bit; the group's are the mask, where the list has one.
    pub permissions: Option<Permissions>,
    /// The list.
    pub acl: Option<Acl>,
}

/// What is written, where it is said: one call of `setAccessControl`, or what comes with the creation of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The owner.
    pub owner: Option<Owner>,
    /// The owning group.
    pub group: Option<Owner>,
    /// Permissions or list.
    pub rights: Rights,
}

/// How a path stands to what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is so.
    Fits,
    /// This is to be written.
    Differs(Change),
    /// More must be known.
    Unknown,
}

impl Change {
    fn is_empty(&self) -> bool {
        self.owner.is_none() && self.group.is_none() && self.rights == Rights::None
    }
}

/// Whether the list must be known to tell.
pub fn needs_list(access: &Access) -> bool {
    matches!(
        access.what,
        What::Set(_) | What::Modify(_) | What::Remove(_)
    )
}

/// Compares. An error is that of a list that would be too long.
pub fn compare(access: &Access, told: &Told) -> Result<Verdict, AclError> {
    let owner = access.owner.as_ref();
    let group = access.group.as_ref();
    let unknown = owner.is_some() && told.owner.is_none()
        || group.is_some() && told.group.is_none()
        || needs_list(access) && told.acl.is_none()
        || matches!(access.what, What::Permissions(_)) && told.permissions.is_none();
    if unknown {
        return Ok(Verdict::Unknown);
    }
    let change = Change {
        owner: owner
            .filter(|owner| Some(*owner) != told.owner.as_ref())
            .cloned(),
        group: group
            .filter(|group| Some(*group) != told.group.as_ref())
            .cloned(),
        rights: rights(&access.what, told)?,
    };
    Ok(if change.is_empty() {
        Verdict::Fits
    } else {
        Verdict::Differs(change)
    })
}

fn rights(what: &What, told: &Told) -> Result<Rights, AclError> {
    if let What::Permissions(wanted) = what {
        let same = told.permissions == Some(*wanted);
        return Ok(if same {
            Rights::None
        } else {
            Rights::Permissions(*wanted)
        });
    }
    let Some(acl) = &told.acl else {
        return Ok(Rights::None);
    };
    let wanted = list(what, acl);
    if wanted.means_same(acl) {
        return Ok(Rights::None);
    }
    wanted.complete()?;
    Ok(Rights::Acl(wanted))
}

/// What is said comes to this list, where that one is.
fn list(what: &What, acl: &Acl) -> Acl {
    match what {
        What::Leave => acl.clone(),
        What::Permissions(permissions) => acl.after(*permissions),
        What::Set(wanted) => wanted.clone(),
        What::Modify(changes) => acl.modified_by(changes),
        What::Remove(gone) => without(acl, gone),
    }
}

/// A list without some of its entries. The mask is made anew where one goes that it limits, or the mask itself; default entries that
/// every default list has come back from the others, unless all of them go.
fn without(acl: &Acl, gone: &Removal) -> Acl {
    let mut left: Vec<_> = acl.entries().collect();
    for scope in [Scope::Access, Scope::Default] {
        let goes = |key: &Key| key.scope == scope && gone.keys().any(|one| one == key);
        let masked = |key: &Key| key.id.is_some() || key.kind == Kind::Mask;
        let remask = left.iter().any(|(key, _)| goes(key) && masked(key));
        left.retain(|(key, _)| !goes(key));
        let is_mask = |key: &Key| key.scope == scope && key.kind == Kind::Mask;
        let others = left
            .iter()
            .any(|(key, _)| key.scope == scope && !is_mask(key));
        if remask || !others {
            left.retain(|(key, _)| !is_mask(key));
        }
    }
    let mut after = Acl::default();
    for (key, rights) in left {
        // They come from a list, so none stands twice.
        let twice = after.add(key.clone(), rights);
        debug_assert!(twice.is_ok(), "{key} stands twice");
    }
    after.as_stored()
}

/// What a new path is made with. It has its access from the first moment on, so nobody meets it with what it would inherit. None
/// where that depends on what it inherits; then it is set after a look.
pub fn at_creation(access: &Access) -> Option<Change> {
    let rights = match &access.what {
        What::Leave => Rights::None,
        What::Set(acl) => Rights::Acl(acl.clone()),
        What::Permissions(_) | What::Modify(_) | What::Remove(_) => return None,
    };
    Some(Change {
        owner: access.owner.clone(),
        group: access.group.clone(),
        rights,
    })
    .filter(|change| !change.is_empty())
}

/// What is set without a look, where nothing is known that could be so already; none where a look is needed, or nothing is said.
pub fn unseen(access: &Access) -> Option<Change> {
    let rights = match &access.what {
        What::Leave => Rights::None,
        What::Permissions(permissions) => Rights::Permissions(*permissions),
        What::Set(acl) => Rights::Acl(acl.clone()),
        What::Modify(_) | What::Remove(_) => return None,
    };
    Some(Change {
        owner: access.owner.clone(),
        group: access.group.clone(),
        rights,
    })
    .filter(|change| !change.is_empty())
}

/// What a file is made anew with, so that it has afterwards what is said, and for the rest what it had. None where more must be
/// known.
pub fn kept(access: &Access, told: &Told) -> Result<Option<Change>, AclError> {
    let (Some(owner), Some(group), Some(acl)) = (&told.owner, &told.group, &told.acl) else {
        return Ok(None);
    };
    let acl = list(&access.what, acl);
    acl.complete()?;
    Ok(Some(Change {
        owner: Some(access.owner.as_ref().unwrap_or(owner).clone()),
        group: Some(access.group.as_ref().unwrap_or(group).clone()),
        rights: Rights::Acl(acl),
    }))
}

/// Where a path differs, as a status tells it.
pub fn differences(field: &str, access: &Access, told: &Told) -> Vec<Difference> {
    let Ok(Verdict::Differs(change)) = compare(access, told) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let text = |text: Option<String>| text.unwrap_or_default();
    let mut add = |name: &str, desired: String, observed: Option<String>| {
        let path = format!("{field}.{name}");
        found.push(Difference::new(path, desired, text(observed)));
    };
    if let Some(owner) = &change.owner {
        let observed = told.owner.as_ref().map(Owner::to_string);
        add("owner", owner.to_string(), observed);
    }
    if let Some(group) = &change.group {
        let observed = told.group.as_ref().map(Owner::to_string);
        add("group", group.to_string(), observed);
    }
    match &change.rights {
        Rights::None => {}
        Rights::Permissions(permissions) => {
            let observed = told.permissions.map(|told| told.to_string());
            add("permissions", permissions.to_string(), observed);
        }
        Rights::Acl(acl) => {
            let observed = told.acl.as_ref().map(Acl::to_string);
            add("acl", acl.to_string(), observed);
        }
    }
    found
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
