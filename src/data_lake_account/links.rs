//! Which accounts have to do with which ConfigMaps, Secrets and KeyVaults: files are made of them, outputs are written to them, keys
//! lie in them. Kept from watch events, so that an event wakes just those whom it concerns, and they look at no more than that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt;

use super::api::{DataLakeAccount, FileSource};
use super::lake::valid::Kind as Node;
use super::lake::{Lake, Place};
use super::outputs::seen::Kind;
use crate::few::Few;

/// Namespace and name of an account.
pub type Named = (String, String);
/// A ConfigMap or Secret of an account's namespace.
type Local = (Kind, String);
/// A ConfigMap or Secret: kind, namespace and name.
type Thing = (Kind, String, String);

/// Sources of files that have changed since they were last looked at, each with the number of its change.
pub type Touched = BTreeMap<Local, u64>;

/// What an account has to do with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Link {
    sources: Few<Local>,
    outputs: Few<Local>,
    key_vault: Option<String>,
}

/// A ConfigMap or Secret that accounts have to do with.
#[derive(Debug, Default)]
struct Known {
    /// Accounts of its namespace.
    accounts: Few<String>,
    /// Its resourceVersion; none where it is not there, or not known.
    version: Option<String>,
    /// Whether the list that is under way has it.
    listed: bool,
}

#[derive(Debug, Default)]
struct Inner {
    accounts: BTreeMap<Named, Link>,
    things: BTreeMap<Thing, Known>,
    key_vaults: BTreeMap<Named, Few<String>>,
    touched: BTreeMap<Named, Touched>,
    changes: u64,
}

/// The links.
#[derive(Debug, Default)]
pub struct Links(Mutex<Inner>);

impl Links {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An account was seen. What its files are made of may have changed while nobody watched for it.
    pub fn seen(&self, account: &DataLakeAccount) {
        let named = (account.namespace().unwrap_or_default(), account.name_any());
        let link = link(account);
        let mut inner = self.lock();
        if inner.accounts.get(&named) == Some(&link) {
            return;
        }
        inner.gone(&named);
        for local in link.sources.iter().chain(link.outputs.iter()) {
            let known = inner.things.entry(thing(local, &named.0)).or_default();
            known.accounts.insert(named.1.clone());
        }
        if let Some(key_vault) = &link.key_vault {
            let key_vault = (named.0.clone(), key_vault.clone());
            let accounts = inner.key_vaults.entry(key_vault).or_default();
            accounts.insert(named.1.clone());
        }
        for local in &link.sources {
            inner.touch(&named, local);
        }
        inner.accounts.insert(named, link);
    }

    /// An account went.
    pub fn gone(&self, named: &Named) {
        self.lock().gone(named);
    }

    /// Only these accounts are there.
    pub fn retain(&self, is_there: impl Fn(&Named) -> bool) {
        let mut inner = self.lock();
        let lost: Vec<Named> = inner.accounts.keys().cloned().collect();
        for named in lost.iter().filter(|named| !is_there(named)) {
            inner.gone(named);
        }
    }

    /// A list of ConfigMaps or Secrets begins.
    pub fn lists(&self, kind: Kind) {
        for (thing, known) in &mut self.lock().things {
            known.listed &= thing.0 != kind;
        }
    }

    /// A ConfigMap or Secret is there in this version, or not at all. Gives back the accounts for which that is news.
    pub fn told(
        &self,
        (kind, namespace, name): (Kind, &str, &str),
        version: Option<&str>,
    ) -> Vec<String> {
        let thing = (kind, namespace.to_owned(), name.to_owned());
        let mut inner = self.lock();
        let Some(known) = inner.things.get_mut(&thing) else {
            return Vec::new();
        };
        known.listed = version.is_some();
        if version.is_some() && known.version.as_deref() == version {
            return Vec::new();
        }
        known.version = version.map(str::to_owned);
        inner.news(&thing)
    }

    /// A list is complete. Gives back the accounts that have to do with what went while nobody watched, with their namespaces.
    pub fn listed(&self, kind: Kind) -> Vec<Named> {
        let mut inner = self.lock();
        let lost = inner
            .things
            .iter_mut()
            .filter(|(thing, known)| thing.0 == kind && !known.listed && known.version.is_some());
        let lost: Vec<Thing> = lost
            .map(|(thing, known)| {
                known.version = None;
                thing.clone()
            })
            .collect();
        let each = lost.iter().flat_map(|thing| {
            let accounts = inner.news(thing);
            accounts.into_iter().map(|name| (thing.1.clone(), name))
        });
        each.collect()
    }

    /// Accounts whose key lies in the vault of a `KeyVault`.
    pub fn naming(&self, namespace: &str, key_vault: &str) -> Vec<String> {
        let named = (namespace.to_owned(), key_vault.to_owned());
        let inner = self.lock();
        let accounts = inner.key_vaults.get(&named);
        accounts.into_iter().flat_map(Few::iter).cloned().collect()
    }

    /// Accounts whose key lies in the vault of any `KeyVault`, with their namespaces.
    pub fn naming_any(&self) -> Vec<Named> {
        let inner = self.lock();
        let all = inner.key_vaults.iter();
        let each = all.flat_map(|((namespace, _), accounts)| {
            accounts
                .iter()
                .map(|name| (namespace.clone(), name.clone()))
        });
        each.collect()
    }

    /// What the files of an account are made of that was not looked at since it changed.
    pub fn touched(&self, named: &Named) -> Touched {
        self.lock().touched.get(named).cloned().unwrap_or_default()
    }

    /// That was looked at. What has changed again meanwhile is still to be looked at.
    pub fn done(&self, named: &Named, looked: &Touched) {
        let mut inner = self.lock();
        if let Some(touched) = inner.touched.get_mut(named) {
            touched.retain(|local, change| looked.get(local) != Some(change));
            if touched.is_empty() {
                inner.touched.remove(named);
            }
        }
    }
}

impl Inner {
    fn touch(&mut self, named: &Named, local: &Local) {
        self.changes += 1;
        let touched = self.touched.entry(named.clone()).or_default();
        touched.insert(local.clone(), self.changes);
    }

    /// Marks what files are made of, and gives back all whom it concerns.
    fn news(&mut self, (kind, namespace, name): &Thing) -> Vec<String> {
        let thing = (*kind, namespace.clone(), name.clone());
        let local = (*kind, name.clone());
        let known = self.things.get(&thing);
        let accounts: Vec<String> = known
            .into_iter()
            .flat_map(|known| known.accounts.iter().cloned())
            .collect();
        for account in &accounts {
            let named = (namespace.clone(), account.clone());
            let link = self.accounts.get(&named);
            if link.is_some_and(|link| link.sources.contains(&local)) {
                self.touch(&named, &local);
            }
        }
        accounts
    }

    fn gone(&mut self, named: &Named) {
        self.touched.remove(named);
        let Some(link) = self.accounts.remove(named) else {
            return;
        };
        for local in link.sources.iter().chain(link.outputs.iter()) {
            let thing = thing(local, &named.0);
            if let Some(known) = self.things.get_mut(&thing) {
                known.accounts.remove(&named.1);
                if known.accounts.is_empty() {
                    self.things.remove(&thing);
                }
            }
        }
        if let Some(key_vault) = link.key_vault {
            let key_vault = (named.0.clone(), key_vault);
            if let Some(accounts) = self.key_vaults.get_mut(&key_vault) {
                accounts.remove(&named.1);
                if accounts.is_empty() {
                    self.key_vaults.remove(&key_vault);
                }
            }
        }
    }
}

fn thing((kind, name): &Local, namespace: &str) -> Thing {
    (*kind, namespace.to_owned(), name.clone())
}

fn link(account: &DataLakeAccount) -> Link {
    let spec = &account.spec;
    let mut link = Link {
        key_vault: account.vault_ref().map(str::to_owned),
        ..Link::default()
    };
    let files = spec.filesystems.iter().flat_map(|one| &one.files);
    for local in files.filter_map(|file| local(&file.from)) {
        link.sources.insert(local);
    }
    let outputs = spec.outputs.as_ref();
    if let Some(name) = outputs.and_then(|outputs| outputs.config_map.clone()) {
        link.outputs.insert((Kind::ConfigMap, name));
    }
    let keys = outputs.and_then(|outputs| outputs.keys.as_ref());
    let keys = keys.map(|keys| &keys.secret);
    let sas = outputs.into_iter().flat_map(|outputs| &outputs.sas);
    for name in sas.map(|sas| &sas.secret).chain(keys) {
        link.outputs.insert((Kind::Secret, name.clone()));
    }
    link
}

/// What a file is made of.
fn local(from: &FileSource) -> Option<Local> {
    match (&from.config_map, &from.secret) {
        (_, Some(secret)) => Some((Kind::Secret, secret.name.clone())),
        (Some(map), None) => Some((Kind::ConfigMap, map.name.clone())),
        (None, None) => None,
    }
}

/// The files that are made of what was touched.
pub fn files_of(lake: &Lake, touched: &Touched) -> BTreeSet<Place> {
    let mut found = BTreeSet::new();
    for (filesystem, wanted) in &lake.filesystems {
        for (path, node) in &wanted.nodes {
            if let Node::File(from) = &node.kind
                && local(from).is_some_and(|local| touched.contains_key(&local))
            {
                found.insert(Place::new(filesystem, path));
            }
        }
    }
    found
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
