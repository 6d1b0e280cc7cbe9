//! Where the files of storage accounts and Data Lake Stores are, and who is in which group.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use parking_lot::RwLock;
use serde::Deserialize;

use super::{World, moment::Moment};
use crate::storage_lake::{
    lake::Lake,
    tree::{Tree, node::SUPERUSER},
};

/// The files of all accounts, by lower-case name. A copy of the world shares them: they can be large, and each account has
/// a lock of its own, so that a long change to one does not hold up the others. Who holds one does not ask for the world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    lakes: BTreeMap<String, Arc<RwLock<Lake>>>,
    stores: BTreeMap<String, Arc<RwLock<Tree>>>,
}

/// A group of the directory, as a seed or the admin API gives it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct GroupSpec {
    /// Object id.
    pub(crate) id: String,
    /// Object ids of users, applications or groups.
    pub(crate) members: Vec<String>,
}

impl World {
    /// The files of an account, if there were any yet.
    pub(crate) fn lake(&self, account: &str) -> Option<Arc<RwLock<Lake>>> {
        self.files.lakes.get(&account.to_ascii_lowercase()).cloned()
    }

    /// The files of an account.
    pub(crate) fn lake_made(&mut self, account: &str) -> Arc<RwLock<Lake>> {
        let made = self.files.lakes.entry(account.to_ascii_lowercase());
        Arc::clone(made.or_default())
    }

    /// The files of a Data Lake Store, if there were any yet.
    pub(crate) fn store(&self, name: &str) -> Option<Arc<RwLock<Tree>>> {
        self.files.stores.get(&name.to_ascii_lowercase()).cloned()
    }

    /// The files of a Data Lake Store.
    pub(crate) fn store_made(&mut self, name: &str, now: Moment) -> Arc<RwLock<Tree>> {
        let made = self.files.stores.entry(name.to_ascii_lowercase());
        Arc::clone(made.or_insert_with(|| Arc::new(RwLock::new(Tree::new(SUPERUSER, now)))))
    }

    /// Takes away what an account that is gone has held.
    pub(super) fn forget_files(&mut self, account: &str) {
        self.files.lakes.remove(account);
    }

    /// Takes away what a Data Lake Store that is gone has held.
    pub(super) fn forget_store_files(&mut self, store: &str) {
        self.files.stores.remove(store);
    }

    /// Makes a group, or changes who is in it.
    pub(crate) fn put_group(&mut self, group: &GroupSpec) -> Result<(), String> {
        if group.id.is_empty() {
            return Err("a group needs an id".to_owned());
        }
        let members = group.members.iter().map(|id| id.to_ascii_lowercase());
        self.groups
            .insert(group.id.to_ascii_lowercase(), members.collect());
        Ok(())
    }

    /// Ids of the groups that somebody is in, of groups in groups, too.
    pub(crate) fn groups_of(&self, id: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut asked = vec![id.to_ascii_lowercase()];
        while let Some(id) = asked.pop() {
            for (group, members) in &self.groups {
                if members.contains(&id) && found.insert(group.clone()) {
                    asked.push(group.clone());
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_groups() {
        let mut world = World::default();
        let group = |id: &str, members: &[&str]| GroupSpec {
            id: id.to_owned(),
            members: members.iter().map(|&id| id.to_owned()).collect(),
        };
        world.put_group(&group("A", &["Ann", "B"])).unwrap();
        world.put_group(&group("B", &["bob", "a"])).unwrap();
        let of = |id: &str| world.groups_of(id).into_iter().collect::<Vec<_>>();
        assert_eq!(of("ANN"), ["a", "b"]);
        assert_eq!(of("bob"), ["a", "b"]);
        assert!(of("eve").is_empty());
        assert!(world.put_group(&group("", &[])).is_err());
    }
}
