//! Access lists with POSIX meaning: what they say, and how a change changes them.

use super::{
    acl_text::{Entry, Who},
    permissions::{Mode, Perm},
    refusal::Refusal,
};

/// Entries of a list, of each scope.
const MAX_ENTRIES: usize = 32;

/// A whole list: the three entries that are always there, and what may join them. Named entries are sorted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Acl {
    pub(crate) owner: Perm,
    pub(crate) users: Vec<(Box<str>, Perm)>,
    pub(crate) group: Perm,
    pub(crate) groups: Vec<(Box<str>, Perm)>,
    pub(crate) mask: Option<Perm>,
    pub(crate) other: Perm,
}

/// How a change is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The list takes the place of the one before.
    Set,
    /// The entries join those that are there, or take their place.
    Modify,
    /// The entries go.
    Remove,
}

impl Acl {
    pub(crate) fn of_mode(mode: Mode) -> Self {
        Self {
            owner: mode.owner,
            users: Vec::new(),
            group: mode.group,
            groups: Vec::new(),
            mask: None,
            other: mode.other,
        }
    }

    /// Whether there is more than a mode could say.
    pub(crate) fn is_extended(&self) -> bool {
        self.mask.is_some() || !self.users.is_empty() || !self.groups.is_empty()
    }

    /// What a mode shows as the group's: the most that any but owner and others have.
    pub(crate) fn group_class(&self) -> Perm {
        self.mask.unwrap_or(self.group)
    }

    /// What is left of an entry that the mask bounds.
    pub(crate) fn masked(&self, perm: Perm) -> Perm {
        self.mask.map_or(perm, |mask| perm & mask)
    }

    /// Takes a mode in: with a mask, its middle digit is the mask's.
    pub(crate) fn set_mode(&mut self, mode: Mode) {
        self.owner = mode.owner;
        self.other = mode.other;
        match &mut self.mask {
            Some(mask) => *mask = mode.group,
            None => self.group = mode.group,
        }
    }

    /// Leaves no more than a mode allows.
    pub(crate) fn bound(&mut self, mode: Mode) {
        self.owner = self.owner & mode.owner;
        self.other = self.other & mode.other;
        match &mut self.mask {
            Some(mask) => *mask = *mask & mode.group,
            None => self.group = self.group & mode.group,
        }
    }

    /// Its three entries that are always there, alone.
    pub(super) fn bare(&self) -> Self {
        Self {
            owner: self.owner,
            users: Vec::new(),
            group: self.group,
            groups: Vec::new(),
            mask: None,
            other: self.other,
        }
    }

    fn count(&self) -> usize {
        3 + self.users.len() + self.groups.len() + usize::from(self.mask.is_some())
    }

    /// The mask is what the entries that it bounds have together, where one is needed or was.
    fn remask(&mut self) {
        if self.is_extended() {
            let named = self.users.iter().chain(&self.groups);
            let all = named.fold(self.group, |all, (_, perm)| all | *perm);
            self.mask = Some(all);
        }
    }

    fn put(&mut self, who: &Who, perm: Perm) {
        match who {
            Who::Owner => self.owner = perm,
            Who::User(name) => put_named(&mut self.users, name, perm),
            Who::Group => self.group = perm,
            Who::NamedGroup(name) => put_named(&mut self.groups, name, perm),
            Who::Mask => self.mask = Some(perm),
            Who::Other => self.other = perm,
        }
    }

    /// The text of its entries, each with `scope` before it; `name` shows ids.
    fn write(&self, text: &mut String, scope: &str, name: &dyn Fn(&str) -> String) {
        let mut entry = |kind: &str, who: &str, perm: Perm| {
            let comma = if text.is_empty() { "" } else { "," };
            text.extend([comma, scope, kind, ":", who, ":", &perm.to_string()]);
        };
        entry("user", "", self.owner);
        for (id, perm) in &self.users {
            entry("user", &name(id), *perm);
        }
        entry("group", "", self.group);
        for (id, perm) in &self.groups {
            entry("group", &name(id), *perm);
        }
        if let Some(mask) = self.mask {
            entry("mask", "", mask);
        }
        entry("other", "", self.other);
    }
}

fn put_named(list: &mut Vec<(Box<str>, Perm)>, name: &str, perm: Perm) {
    match list.binary_search_by(|(id, _)| (**id).cmp(name)) {
        Ok(at) => list[at].1 = perm,
        Err(at) => list.insert(at, (name.into(), perm)),
    }
}

/// Both lists of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lists {
    pub(crate) access: Acl,
    /// What is handed down; of directories alone.
    pub(crate) default: Option<Acl>,
}

impl Lists {
    /// As `user::rwx,…,default:user::rwx,…`.
    pub(crate) fn text(&self, name: &dyn Fn(&str) -> String) -> String {
        let mut text = String::new();
        self.access.write(&mut text, "", name);
        if let Some(default) = &self.default {
            default.write(&mut text, "default:", name);
        }
        text
    }

    /// The lists as a change leaves them.
    pub(crate) fn changed(
        &self,
        how: How,
        entries: &[Entry],
        directory: bool,
    ) -> Result<Self, Refusal> {
        if entries
            .iter()
            .any(|entry| entry.perm.is_none() != (how == How::Remove))
        {
            return Err(Refusal::InvalidAcl);
        }
        let of = |default: bool| entries.iter().filter(move |entry| entry.default == default);
        let access = match how {
            How::Set => whole(of(false), None)?,
            How::Modify => modified(self.access.clone(), of(false)),
            How::Remove => removed_access(self.access.clone(), of(false))?,
        };
        let default = match (directory, how) {
            (false, _) => None,
            (true, How::Set) => {
                let given = of(true).next().is_some();
                given.then(|| whole(of(true), Some(&access))).transpose()?
            }
            (true, How::Modify) => {
                if of(true).next().is_none() {
                    self.default.clone()
                } else {
                    let base = self.default.clone().unwrap_or_else(|| access.bare());
                    Some(modified(base, of(true)))
                }
            }
            (true, How::Remove) => removed_default(self.default.as_ref(), of(true), &access),
        };
        let lists = Self { access, default };
        let fits = |acl: &Acl| acl.count() <= MAX_ENTRIES;
        if fits(&lists.access) && lists.default.as_ref().is_none_or(fits) {
            Ok(lists)
        } else {
            Err(Refusal::InvalidAcl)
        }
    }
}

/// A list by its entries alone. Those of the three that are missing are `instead`'s, if there is one.
fn whole<'a>(
    entries: impl Iterator<Item = &'a Entry> + Clone,
    instead: Option<&Acl>,
) -> Result<Acl, Refusal> {
    let has = |who: &Who| entries.clone().any(|entry| entry.who == *who);
    let mut acl = match instead {
        Some(instead) => instead.bare(),
        None if [Who::Owner, Who::Group, Who::Other].iter().all(has) => Acl {
            owner: Perm::NONE,
            users: Vec::new(),
            group: Perm::NONE,
            groups: Vec::new(),
            mask: None,
            other: Perm::NONE,
        },
        None => return Err(Refusal::AclBaseMissing),
    };
    let masked = has(&Who::Mask);
    for entry in entries {
        acl.put(&entry.who, entry.perm.unwrap_or_default());
    }
    if !masked {
        acl.remask();
    }
    Ok(acl)
}

fn modified<'a>(mut acl: Acl, entries: impl Iterator<Item = &'a Entry>) -> Acl {
    let (mut touched, mut masked) = (false, false);
    for entry in entries {
        touched = true;
        masked |= entry.who == Who::Mask;
        acl.put(&entry.who, entry.perm.unwrap_or_default());
    }
    if touched && !masked {
        acl.remask();
    }
    acl
}

/// Takes what is named out of a list; whether anything was named, and which of the three were.
fn take_out<'a>(acl: &mut Acl, entries: impl Iterator<Item = &'a Entry>) -> (bool, Vec<&'a Who>) {
    let mut touched = false;
    let mut base = Vec::new();
    for entry in entries {
        touched = true;
        match &entry.who {
            Who::User(name) => acl.users.retain(|(id, _)| id != name),
            Who::NamedGroup(name) => acl.groups.retain(|(id, _)| id != name),
            Who::Mask => acl.mask = None,
            who @ (Who::Owner | Who::Group | Who::Other) => base.push(who),
        }
    }
    (touched, base)
}

fn removed_access<'a>(
    mut acl: Acl,
    entries: impl Iterator<Item = &'a Entry>,
) -> Result<Acl, Refusal> {
    let (touched, base) = take_out(&mut acl, entries);
    if !base.is_empty() {
        return Err(Refusal::InvalidAcl);
    }
    if touched {
        acl.remask();
    }
    Ok(acl)
}

/// A default list goes with the last of its entries; one that is left without some of the three gets those of the access
/// list, as POSIX has it.
fn removed_default<'a>(
    default: Option<&Acl>,
    entries: impl Iterator<Item = &'a Entry>,
    access: &Acl,
) -> Option<Acl> {
    let mut acl = default?.clone();
    let (touched, base) = take_out(&mut acl, entries);
    if base.len() == 3 && acl.users.is_empty() && acl.groups.is_empty() {
        return None;
    }
    for who in base {
        match who {
            Who::Owner => acl.owner = access.owner,
            Who::Group => acl.group = access.group,
            Who::Other | Who::User(_) | Who::NamedGroup(_) | Who::Mask => {
                acl.other = access.other;
            }
        }
    }
    if touched {
        acl.remask();
    }
    Some(acl)
}
