//! The filesystems of a storage account, which its blob endpoint calls containers.

use std::collections::BTreeMap;

use super::{
    stumble::Stumble,
    tree::{
        Tree,
        conditions::Conditions,
        lease::{self, Lease},
        node,
        refusal::Refusal,
    },
};
use crate::world::moment::Moment;

/// Where everything is encrypted that says nothing else.
const ACCOUNT_SCOPE: &str = "$account-encryption-key";

/// What a client says of a filesystem that it makes.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewFilesystem {
    /// Lower-case object id, or `$superuser`.
    pub(crate) owner: String,
    /// Name and base64 value.
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) encryption_scope: Option<String>,
    pub(crate) deny_scope_override: bool,
    /// `container` or `blob`.
    pub(crate) public_access: Option<String>,
}

/// A filesystem.
#[derive(Clone, Debug)]
pub(crate) struct Filesystem {
    pub(crate) tree: Tree,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) encryption_scope: String,
    pub(crate) deny_scope_override: bool,
    pub(crate) public_access: Option<String>,
    pub(crate) version: u64,
    pub(crate) modified: Moment,
    pub(crate) lease: Option<Lease>,
    /// Continuations of an earlier count are over.
    pub(crate) generation: u64,
}

impl Filesystem {
    pub(crate) fn etag(&self) -> String {
        node::etag(self.version)
    }

    pub(crate) fn check(&self, conditions: &Conditions) -> Result<(), Refusal> {
        conditions
            .check_version(&self.etag(), self.modified.seconds())
            .map_err(|_| Refusal::ConditionNotMet)
    }
}

/// A filesystem that was deleted and can come back.
#[derive(Clone, Debug)]
pub(crate) struct Deleted {
    pub(crate) name: String,
    pub(crate) filesystem: Filesystem,
    pub(crate) since: Moment,
    pub(crate) retention_days: u16,
}

/// All that an account holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lake {
    filesystems: BTreeMap<String, Filesystem>,
    /// By version.
    deleted: BTreeMap<String, Deleted>,
    /// Names that are being deleted, with when that ends.
    going: BTreeMap<String, Moment>,
    /// By filesystem.
    stumbles: BTreeMap<String, Vec<Stumble>>,
    last_version: u64,
}

impl Lake {
    fn next_version(&mut self, now: Moment) -> u64 {
        self.last_version = node::ticks(now).max(self.last_version + 1);
        self.last_version
    }

    /// Makes a filesystem.
    pub(crate) fn create(
        &mut self,
        name: &str,
        new: NewFilesystem,
        now: Moment,
    ) -> Result<&mut Filesystem, Refusal> {
        check_name(name)?;
        if self.filesystems.contains_key(name) {
            return Err(Refusal::FilesystemAlreadyExists);
        }
        if self.going.get(name).is_some_and(|until| now < *until) {
            return Err(Refusal::FilesystemBeingDeleted);
        }
        self.going.remove(name);
        let version = self.next_version(now);
        let filesystem = Filesystem {
            tree: Tree::new(&new.owner, now),
            properties: new.properties,
            encryption_scope: new
                .encryption_scope
                .unwrap_or_else(|| ACCOUNT_SCOPE.to_owned()),
            deny_scope_override: new.deny_scope_override,
            public_access: new.public_access,
            version,
            modified: now,
            lease: None,
            generation: 0,
        };
        Ok(self
            .filesystems
            .entry(name.to_owned())
            .or_insert(filesystem))
    }

    /// A filesystem that is there.
    pub(crate) fn get(&self, name: &str, now: Moment) -> Result<&Filesystem, Refusal> {
        self.filesystems
            .get(name)
            .ok_or_else(|| self.absent(name, now))
    }

    pub(crate) fn get_mut(&mut self, name: &str, now: Moment) -> Result<&mut Filesystem, Refusal> {
        let absent = self.absent(name, now);
        self.filesystems.get_mut(name).ok_or(absent)
    }

    fn absent(&self, name: &str, now: Moment) -> Refusal {
        if check_name(name).is_err() {
            return Refusal::InvalidResourceName;
        }
        match self.going.get(name) {
            Some(until) if now < *until => Refusal::FilesystemBeingDeleted,
            _ => Refusal::FilesystemNotFound,
        }
    }

    /// All that are there, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Filesystem)> {
        self.filesystems
            .iter()
            .map(|(name, one)| (name.as_str(), one))
    }

    /// Those that can come back, with their versions.
    pub(crate) fn all_deleted(&self, now: Moment) -> impl Iterator<Item = (&str, &Deleted)> {
        self.deleted
            .iter()
            .filter(move |(_, one)| now < one.since.plus_millis(days(one.retention_days)))
            .map(|(version, one)| (version.as_str(), one))
    }

    /// Changes the properties of a filesystem, all of them.
    pub(crate) fn set_properties(
        &mut self,
        name: &str,
        properties: BTreeMap<String, String>,
        conditions: &Conditions,
        now: Moment,
    ) -> Result<&Filesystem, Refusal> {
        self.get(name, now)?.check(conditions)?;
        let version = self.next_version(now);
        let filesystem = self.get_mut(name, now)?;
        filesystem.properties = properties;
        filesystem.version = version;
        filesystem.modified = now;
        Ok(filesystem)
    }

    /// Deletes a filesystem. Its name is not free until then; with a retention it can come back.
    pub(crate) fn delete(
        &mut self,
        name: &str,
        conditions: &Conditions,
        lease: Option<&str>,
        how: Farewell,
        now: Moment,
    ) -> Result<(), Refusal> {
        let filesystem = self.get(name, now)?;
        filesystem.check(conditions)?;
        lease::check_write(filesystem.lease.as_ref(), lease, now)?;
        let version = self.next_version(now);
        if let Some(filesystem) = self.filesystems.remove(name) {
            self.going
                .insert(name.to_owned(), now.plus_millis(i64::from(how.takes_ms)));
            if let Some(retention_days) = how.retention_days {
                let deleted = Deleted {
                    name: name.to_owned(),
                    filesystem,
                    since: now,
                    retention_days,
                };
                self.deleted.insert(format!("{version:016X}"), deleted);
            }
        }
        Ok(())
    }

    /// Brings a deleted filesystem back under a name that is free.
    pub(crate) fn restore(
        &mut self,
        deleted_name: &str,
        version: &str,
        name: &str,
        now: Moment,
    ) -> Result<(), Refusal> {
        if self.filesystems.contains_key(name) {
            return Err(Refusal::FilesystemAlreadyExists);
        }
        if self.going.get(name).is_some_and(|until| now < *until) {
            return Err(Refusal::FilesystemBeingDeleted);
        }
        let found = self
            .all_deleted(now)
            .any(|(one, deleted)| one == version && deleted.name == deleted_name);
        let deleted = found.then(|| self.deleted.remove(version)).flatten();
        let deleted = deleted.ok_or(Refusal::FilesystemNotFound)?;
        self.filesystems.insert(name.to_owned(), deleted.filesystem);
        Ok(())
    }

    /// Both filesystems of a rename, when they are two.
    pub(crate) fn pair_mut(
        &mut self,
        from: &str,
        to: &str,
    ) -> Option<(&mut Filesystem, &mut Filesystem)> {
        let mut found = self
            .filesystems
            .iter_mut()
            .filter(|(name, _)| *name == from || *name == to);
        let (first, second) = (found.next()?, found.next()?);
        Some(if first.0 == from {
            (first.1, second.1)
        } else {
            (second.1, first.1)
        })
    }

    /// Makes paths fail from now on; none: none do.
    pub(crate) fn set_stumbles(&mut self, filesystem: &str, stumbles: Vec<Stumble>) {
        self.stumbles.insert(filesystem.to_owned(), stumbles);
    }

    /// Those of a filesystem, taken out, so that they can be counted down.
    pub(crate) fn take_stumbles(&mut self, filesystem: &str) -> Vec<Stumble> {
        self.stumbles.remove(filesystem).unwrap_or_default()
    }
}

/// How a filesystem goes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Farewell {
    /// How long its name is not free.
    pub(crate) takes_ms: u32,
    /// For how long it can come back.
    pub(crate) retention_days: Option<u16>,
}

fn days(days: u16) -> i64 {
    i64::from(days) * 24 * 60 * 60 * 1000
}

/// 3 to 63 lower-case letters, digits and single hyphens, or one of the service's own that start with `$`.
fn check_name(name: &str) -> Result<(), Refusal> {
    let plain = name.strip_prefix('$').unwrap_or(name);
    let fits = (3..=63).contains(&name.len())
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !plain.contains("--")
        && !plain.starts_with('-')
        && !plain.ends_with('-');
    if fits {
        Ok(())
    } else {
        Err(Refusal::InvalidResourceName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(names: &[&str]) -> Lake {
        let mut lake = Lake::default();
        for name in names {
            lake.create(name, NewFilesystem::default(), Moment(0))
                .unwrap();
        }
        lake
    }

    #[test]
    fn a_name_is_not_free_until_the_deletion_ends() {
        let mut lake = with(&["data"]);
        let how = Farewell {
            takes_ms: 100,
            retention_days: None,
        };
        lake.delete("data", &Conditions::default(), None, how, Moment(0))
            .unwrap();
        let create = |lake: &mut Lake, now| {
            lake.create("data", NewFilesystem::default(), Moment(now))
                .map(|_| ())
        };
        assert_eq!(create(&mut lake, 99), Err(Refusal::FilesystemBeingDeleted));
        assert_eq!(
            lake.get("data", Moment(99)).err(),
            Some(Refusal::FilesystemBeingDeleted)
        );
        assert_eq!(
            lake.get("data", Moment(100)).err(),
            Some(Refusal::FilesystemNotFound)
        );
        assert_eq!(create(&mut lake, 100), Ok(()));
        assert_eq!(
            create(&mut lake, 101),
            Err(Refusal::FilesystemAlreadyExists)
        );
    }

    #[test]
    fn what_was_deleted_comes_back_within_the_retention() {
        let mut lake = with(&["data"]);
        let how = Farewell {
            takes_ms: 0,
            retention_days: Some(1),
        };
        lake.delete("data", &Conditions::default(), None, how, Moment(0))
            .unwrap();
        let (version, _) = lake.all_deleted(Moment(1)).next().unwrap();
        let version = version.to_owned();
        let mut expired = lake.clone();
        assert_eq!(
            expired.restore("data", &version, "data", Moment(days(1))),
            Err(Refusal::FilesystemNotFound)
        );
        lake.restore("data", &version, "other", Moment(1)).unwrap();
        assert!(lake.get("other", Moment(1)).is_ok());
        assert_eq!(lake.all_deleted(Moment(1)).count(), 0);
    }

    #[test]
    fn odd_names_are_refused() {
        for name in ["ab", "Data", "a--b", "-ab", "ab-", "a_b", &"a".repeat(64)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        for name in ["abc", "$logs", "a-b-c", "000"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
    }
}
