//! Access control lists of files and directories, compared by what they mean ("Access control lists (ACLs) in Azure Data Lake
//! Storage"). Pure.
//!
//! A list is kept as a map, so order and spelling of ids make no difference. What Azure adds by itself (the mask, and the three
//! default entries that every directory with default entries has) is added by [`Acl::as_stored`]: who writes a list in that form
//! reads the same back, and a second look finds nothing to do.

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

use super::permissions::{Permissions, Rights};

/// Entries that a list may have, of each scope.
pub const MOST: usize = 32;

/// For what an entry counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// For the file or directory itself.
    Access,
    /// For what is made in the directory later.
    Default,
}

/// For whom an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The owner, or a user.
    User,
    /// The owning group, or a group.
    Group,
    /// What named users and all groups are permitted at most.
    Mask,
    /// Everybody else.
    Other,
}

impl Kind {
    /// All of them, in Azure's order.
    pub const ALL: [Self; 4] = [Self::User, Self::Group, Self::Mask, Self::Other];

    fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Mask => "mask",
            Self::Other => "other",
        }
    }
}

/// An entry without its rights. Sorts as Azure writes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// For what it counts.
    pub scope: Scope,
    /// For whom.
    pub kind: Kind,
    /// Object id or name of a user, or object id of a group, in lower case; none for owner, owning group, mask and others.
    pub id: Option<String>,
}

impl Key {
    fn plain(scope: Scope, kind: Kind) -> Self {
        Self {
            scope,
            kind,
            id: None,
        }
    }
}

/// Without its last colon, as entries are named that are to go.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scope == Scope::Default {
            f.write_str("default:")?;
        }
        f.write_str(self.kind.word())?;
        match &self.id {
            Some(id) => write!(f, ":{id}"),
            None => Ok(()),
        }
    }
}

/// An access control list, whole or in part.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl(BTreeMap<Key, Rights>);

/// What is wrong with a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AclError {
    /// An entry is not in the form.
    #[error(
        "the entry {0:?} is not [default:]user|group|mask|other:[id]:rwx, with - for what is not permitted"
    )]
    Form(String),
    /// An id is none.
    #[error(
        "the entry {0:?} names nobody: an id is an object id (a GUID) or, for a user, a user principal name (ada@contoso.com)"
    )]
    Id(String),
    /// Mask and others are nobody in particular.
    #[error(
        "the entry {0:?} has an id, and there is one mask and one entry for others: leave it out"
    )]
    IdOfAll(String),
    /// An entry stands twice.
    #[error("the entry {0:?} stands twice, perhaps with ids in other letters: leave one out")]
    Twice(String),
    /// One of the three that each list has is not there.
    #[error(
        "the entry {0}::… is not there: a list must say what owner (user::), owning group (group::) and others (other::) may do"
    )]
    Incomplete(&'static str),
    /// There are too many.
    #[error(
        "there are {seen} entries {what}, with those that Azure adds, and it keeps {MOST} at most: give groups rights in place of users"
    )]
    TooMany {
        /// Of which scope.
        what: &'static str,
        /// How many there are.
        seen: usize,
    },
}

impl Acl {
    /// Reads what somebody wrote: `user::rwx,user:<id>:r-x,group::r-x,other::---,default:user::rwx`. It may be a part of a list.
    pub fn parse(text: &str) -> Result<Self, AclError> {
        let mut acl = Self::default();
        for entry in text.split(',').map(str::trim) {
            let (key, rights) = parse_entry(entry)?;
            acl.add(key, rights)
                .map_err(|_| AclError::Twice(shown(entry)))?;
        }
        acl.count()?;
        Ok(acl)
    }

    /// Reads what Azure tells, where entries may be for anybody.
    pub fn told(text: &str) -> Option<Self> {
        let mut acl = Self::default();
        for entry in text.split(',').filter(|entry| !entry.is_empty()) {
            let (rest, rights) = entry.rsplit_once(':')?;
            let key = key(rest).ok()?;
            acl.add(key, rights.parse().ok()?).ok()?;
        }
        Some(acl)
    }

    /// The list of three entries that permissions come to.
    pub fn of(permissions: Permissions) -> Self {
        let three = [
            (Kind::User, permissions.user),
            (Kind::Group, permissions.group),
            (Kind::Other, permissions.other),
        ];
        Self(
            three
                .map(|(kind, rights)| (Key::plain(Scope::Access, kind), rights))
                .into(),
        )
    }

    /// Adds an entry; an error where there is one for the same.
    pub fn add(&mut self, key: Key, rights: Rights) -> Result<(), Key> {
        if self.0.contains_key(&key) {
            return Err(key);
        }
        self.0.insert(key, rights);
        Ok(())
    }

    /// Its entries, in Azure's order.
    pub fn entries(&self) -> impl Iterator<Item = (&Key, Rights)> {
        self.0.iter().map(|(key, rights)| (key, *rights))
    }

    /// The rights of an entry.
    pub fn rights(&self, key: &Key) -> Option<Rights> {
        self.0.get(key).copied()
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has default entries, which a directory alone may have.
    pub fn has_defaults(&self) -> bool {
        self.has(Scope::Default)
    }

    /// Its entries for the file or directory itself: what a file can have of it.
    #[must_use]
    pub fn access(&self) -> Self {
        let access = self.0.iter().filter(|(key, _)| key.scope == Scope::Access);
        Self(access.map(|(key, rights)| (key.clone(), *rights)).collect())
    }

    /// Whether it may replace another list as a whole, as Azure wants it.
    pub fn complete(&self) -> Result<(), AclError> {
        for kind in [Kind::User, Kind::Group, Kind::Other] {
            if self.plain(Scope::Access, kind).is_none() {
                return Err(AclError::Incomplete(kind.word()));
            }
        }
        self.as_stored().count()
    }

    /// What Azure keeps where this is written: with the default entries that follow from the others, and with a mask where
    /// somebody is named and none is given.
    #[must_use]
    pub fn as_stored(&self) -> Self {
        let mut stored = self.clone();
        if self.has_defaults() {
            for kind in [Kind::User, Kind::Group, Kind::Other] {
                if let Some(rights) = self.plain(Scope::Access, kind) {
                    let key = Key::plain(Scope::Default, kind);
                    stored.0.entry(key).or_insert(rights);
                }
            }
        }
        for scope in [Scope::Access, Scope::Default] {
            let named = self
                .0
                .keys()
                .any(|key| key.scope == scope && key.id.is_some());
            if named && stored.plain(scope, Kind::Mask).is_none() {
                let mask = stored.needed(scope);
                stored.0.insert(Key::plain(scope, Kind::Mask), mask);
            }
        }
        stored
    }

    /// Whether both let everybody do the same, as they are stored.
    pub fn means_same(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }

    /// The form in which lists that mean the same are equal: a mask that only says what the group may do is none.
    fn meaning(&self) -> Self {
        let mut meaning = self.as_stored();
        for scope in [Scope::Access, Scope::Default] {
            if meaning.has(scope) {
                let mask = meaning.needed(scope);
                meaning
                    .0
                    .entry(Key::plain(scope, Kind::Mask))
                    .or_insert(mask);
            }
        }
        meaning
    }

    /// The permissions that are shown for it: the group's are the mask, where there is one.
    pub fn permissions(&self, sticky: bool) -> Permissions {
        let rights = |kind| self.plain(Scope::Access, kind);
        Permissions {
            user: rights(Kind::User).unwrap_or_default(),
            group: rights(Kind::Mask)
                .or_else(|| rights(Kind::Group))
                .unwrap_or_default(),
            other: rights(Kind::Other).unwrap_or_default(),
            sticky,
        }
    }

    /// What becomes of it where permissions are set: the mask takes what is said of the group, where there is one.
    #[must_use]
    pub fn after(&self, permissions: Permissions) -> Self {
        let mut after = self.clone();
        let mask = Key::plain(Scope::Access, Kind::Mask);
        let group = if self.0.contains_key(&mask) {
            Kind::Mask
        } else {
            Kind::Group
        };
        let said = [
            (Kind::User, permissions.user),
            (group, permissions.group),
            (Kind::Other, permissions.other),
        ];
        after
            .0
            .extend(said.map(|(kind, rights)| (Key::plain(Scope::Access, kind), rights)));
        after
    }

    /// What becomes of it where the entries of another are set in place of its own for the same, and the masks anew.
    #[must_use]
    pub fn modified_by(&self, changes: &Self) -> Self {
        let mut after = self.clone();
        for scope in [Scope::Access, Scope::Default] {
            if changes.has(scope) {
                after.0.remove(&Key::plain(scope, Kind::Mask));
            }
        }
        after.0.extend(changes.0.clone());
        after.as_stored()
    }

    /// Whether somebody is named by a user principal name, which Azure tells by object id unless it is asked otherwise.
    pub fn has_names(&self) -> bool {
        self.0
            .keys()
            .any(|key| key.id.as_deref().is_some_and(|id| id.contains('@')))
    }

    /// The same with ids in place of names, as far as they are known.
    #[must_use]
    pub fn with_ids(&self, ids: &BTreeMap<String, String>) -> Self {
        let each = self.0.iter().map(|(key, rights)| {
            let id = key.id.as_ref().map(|id| ids.get(id).unwrap_or(id).clone());
            (Key { id, ..key.clone() }, *rights)
        });
        Self(each.collect())
    }

    /// The union of what those may do whom a mask limits.
    fn needed(&self, scope: Scope) -> Rights {
        let limited = self.0.iter().filter(|(key, _)| {
            key.scope == scope
                && match key.kind {
                    Kind::User => key.id.is_some(),
                    Kind::Group => true,
                    Kind::Mask | Kind::Other => false,
                }
        });
        limited.fold(Rights::NONE, |all, (_, rights)| all.with(*rights))
    }

    fn plain(&self, scope: Scope, kind: Kind) -> Option<Rights> {
        self.rights(&Key::plain(scope, kind))
    }

    fn has(&self, scope: Scope) -> bool {
        self.0.keys().any(|key| key.scope == scope)
    }

    fn count(&self) -> Result<(), AclError> {
        for (scope, what) in [
            (Scope::Access, "for access"),
            (Scope::Default, "by default"),
        ] {
            let seen = self.0.keys().filter(|key| key.scope == scope).count();
            if seen > MOST {
                return Err(AclError::TooMany { what, seen });
            }
        }
        Ok(())
    }
}

/// In Azure's order, as requests carry it.
impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, rights)) in self.0.iter().enumerate() {
            let between = if at == 0 { "" } else { "," };
            let colon = if key.id.is_some() { "" } else { ":" };
            write!(f, "{between}{key}{colon}:{rights}")?;
        }
        Ok(())
    }
}

/// The ids of users, from two answers about the same list: by object id, and by name where there is one. Entries that do not fit
/// together tell nothing.
pub fn ids_of_names(by_id: &str, by_name: &str) -> BTreeMap<String, String> {
    let (ids, names) = (by_id.split(','), by_name.split(','));
    let pairs = ids.zip(names).filter_map(|(by_id, by_name)| {
        let (id, rights) = by_id.rsplit_once(':')?;
        let (name, same_rights) = by_name.rsplit_once(':')?;
        let (id, name) = (key(id).ok()?, key(name).ok()?);
        let fits = rights == same_rights && id.scope == name.scope && id.kind == name.kind;
        let name = name.id.filter(|name| fits && name.contains('@'))?;
        Some((name, id.id?))
    });
    pairs.collect()
}

/// An entry as somebody wrote it.
pub(super) fn parse_entry(entry: &str) -> Result<(Key, Rights), AclError> {
    let form = || AclError::Form(shown(entry));
    let (rest, rights) = entry.rsplit_once(':').ok_or_else(form)?;
    let rights = rights.parse().map_err(|()| form())?;
    Ok((named(entry, rest)?, rights))
}

/// The key in an entry, where somebody real must be named.
pub(super) fn named(entry: &str, text: &str) -> Result<Key, AclError> {
    let key = key(text).map_err(|()| AclError::Form(shown(entry)))?;
    match (key.kind, key.id.as_deref()) {
        (Kind::Mask | Kind::Other, Some(_)) => Err(AclError::IdOfAll(shown(entry))),
        (Kind::User, Some(id)) if !is_guid(id) && !is_name(id) => Err(AclError::Id(shown(entry))),
        (Kind::Group, Some(id)) if !is_guid(id) => Err(AclError::Id(shown(entry))),
        (Kind::User | Kind::Group, _) | (Kind::Mask | Kind::Other, None) => Ok(key),
    }
}

/// `[default:]kind:[id]`, also without the last colon.
fn key(text: &str) -> Result<Key, ()> {
    let (scope, rest) = match text.strip_prefix("default:") {
        Some(rest) => (Scope::Default, rest),
        None => (Scope::Access, text),
    };
    let (word, id) = rest.split_once(':').unwrap_or((rest, ""));
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word);
    let fits = !id.contains([':', ',']) && !id.chars().any(char::is_whitespace);
    Ok(Key {
        scope,
        kind: kind.filter(|_| fits).ok_or(())?,
        id: Some(id.to_lowercase()).filter(|id| !id.is_empty()),
    })
}

/// Whether this is an object id.
pub(super) fn is_guid(id: &str) -> bool {
    // Other spellings of a GUID have other lengths.
    id.len() == 36 && Uuid::try_parse(id).is_ok()
}

/// Whether this can be a user principal name.
pub(super) fn is_name(id: &str) -> bool {
    let parts = id.split_once('@');
    id.len() <= 113
        && id
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b":,\"\\".contains(&b))
        && parts.is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'))
}

fn shown(entry: &str) -> String {
    entry.chars().take(100).collect()
}

#[cfg(test)]
#[path = "acl_properties.rs"]
mod properties;
#[cfg(test)]
#[path = "acl_tests.rs"]
mod tests;
