//! Who has to do with whom: which syncs write into a Secret, use an identity, live in a namespace; which identities read a
//! Secret as their credential. Kept from watch events, so that an event wakes just those whom it concerns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube::ResourceExt;

use crate::azure_identity::identities::key_of;
use crate::azure_identity::valid::{Identity, IdentityKey};
use crate::few::Few;
use crate::vault_secret_sync::api::{Ownership, VaultSecretSync};
use crate::vault_secret_sync::plan::claims::Rival;
use crate::vault_secret_sync::valid::parse;
use crate::vault_secret_sync::vault_refs;

/// Namespace and name.
pub type Named = (String, String);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    /// The Secret that it writes; none where it only pushes.
    target: Option<String>,
    identity: IdentityKey,
    created: Option<Timestamp>,
    ownership: Ownership,
    keys: Few<String>,
    /// Secrets of its namespace with passwords that it logs in with.
    passwords: Few<String>,
    /// KeyVaults of its namespace that it names.
    key_vaults: Few<String>,
}

#[derive(Debug, Default)]
struct Inner {
    syncs: BTreeMap<Named, Link>,
    targets: BTreeMap<Named, Few<String>>,
    users: BTreeMap<IdentityKey, BTreeSet<Named>>,
    identities: BTreeMap<IdentityKey, (Uses, Option<Named>)>,
    credentials: BTreeMap<Named, Few<IdentityKey>>,
    /// Secrets with passwords: the syncs that log in with them, and how often they changed.
    passwords: BTreeMap<Named, (Few<String>, u64)>,
    /// KeyVaults: the syncs that name them.
    key_vaults: BTreeMap<Named, Few<String>>,
}

/// The state of an identity that its users depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Uses {
    uid: String,
    generation: i64,
    deleting: bool,
}

/// The links.
#[derive(Debug, Default)]
pub struct Links(Mutex<Inner>);

impl Links {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sync was seen. Gives back those whose claims this may change: the other syncs of its Secrets, old and new.
    pub fn sync_seen(&self, sync: &VaultSecretSync) -> Vec<Named> {
        let named = (sync.namespace().unwrap_or_default(), sync.name_any());
        if sync.metadata.deletion_timestamp.is_some() {
            return self.sync_gone(&named);
        }
        let asked = sync.spec.target.clone().unwrap_or_default();
        let link = Link {
            target: sync
                .spec
                .reads()
                .then(|| asked.name.unwrap_or_else(|| named.1.clone())),
            identity: key_of(&named.0, sync.spec.identity_ref.as_ref()),
            created: sync.metadata.creation_timestamp.as_ref().map(|time| time.0),
            ownership: asked.ownership,
            // What cannot be parsed claims nothing but what it holds.
            keys: parse(sync)
                .map(|valid| valid.keys().into_iter().collect())
                .unwrap_or_default(),
            passwords: passwords(sync).collect(),
            key_vaults: vault_refs::names(&sync.spec).map(str::to_owned).collect(),
        };
        if self.lock().syncs.get(&named) == Some(&link) {
            return Vec::new();
        }
        let mut concerned = self.sync_gone(&named);
        let mut inner = self.lock();
        if let Some(target) = link.target.clone() {
            let target = (named.0.clone(), target);
            let syncs = inner.targets.entry(target.clone()).or_default();
            syncs.insert(named.1.clone());
            concerned.extend(others(&inner, &target, &named.1));
        }
        inner
            .users
            .entry(link.identity.clone())
            .or_default()
            .insert(named.clone());
        for secret in &link.passwords {
            let secret = (named.0.clone(), secret.clone());
            let (syncs, _) = inner.passwords.entry(secret).or_default();
            syncs.insert(named.1.clone());
        }
        for key_vault in &link.key_vaults {
            let key_vault = (named.0.clone(), key_vault.clone());
            let syncs = inner.key_vaults.entry(key_vault).or_default();
            syncs.insert(named.1.clone());
        }
        inner.syncs.insert(named, link);
        concerned
    }

    /// A sync went. Gives back the other syncs of its Secret.
    pub fn sync_gone(&self, named: &Named) -> Vec<Named> {
        let mut inner = self.lock();
        let Some(link) = inner.syncs.remove(named) else {
            return Vec::new();
        };
        let target = link.target.map(|target| (named.0.clone(), target));
        if let Some(target) = &target {
            remove(&mut inner.targets, target, &named.1);
        }
        if let Some(users) = inner.users.get_mut(&link.identity) {
            users.remove(named);
            if users.is_empty() {
                inner.users.remove(&link.identity);
            }
        }
        for secret in link.passwords {
            let secret = (named.0.clone(), secret);
            if let Some((syncs, _)) = inner.passwords.get_mut(&secret) {
                syncs.remove(&named.1);
                if syncs.is_empty() {
                    inner.passwords.remove(&secret);
                }
            }
        }
        for key_vault in link.key_vaults {
            let key_vault = (named.0.clone(), key_vault);
            remove(&mut inner.key_vaults, &key_vault, &named.1);
        }
        let others = target.map(|target| others(&inner, &target, &named.1));
        others.unwrap_or_default()
    }

    /// Forgets syncs that a new list does not hold any more. Gives back the other syncs of their Secrets.
    pub fn retain_syncs(&self, there: impl Fn(&Named) -> bool) -> Vec<Named> {
        let gone: Vec<Named> = self
            .lock()
            .syncs
            .keys()
            .filter(|named| !there(named))
            .cloned()
            .collect();
        gone.iter()
            .flat_map(|named| self.sync_gone(named))
            .collect()
    }

    /// The syncs that write into a Secret.
    pub fn of_secret(&self, secret: &Named) -> Vec<Named> {
        let inner = self.lock();
        let names = inner.targets.get(secret).into_iter().flatten();
        names.map(|name| (secret.0.clone(), name.clone())).collect()
    }

    /// A Secret came, changed or went. Gives back the syncs that log in with a password in it.
    pub fn password_seen(&self, secret: &Named) -> Vec<Named> {
        let mut inner = self.lock();
        let Some((syncs, changes)) = inner.passwords.get_mut(secret) else {
            return Vec::new();
        };
        *changes += 1;
        let named = |name: &String| (secret.0.clone(), name.clone());
        syncs.iter().map(named).collect()
    }

    /// The syncs of a namespace that name a KeyVault of it, in the order of names. One that is being deleted is not among them.
    pub fn syncs_naming(&self, namespace: &str, key_vault: &str) -> Vec<String> {
        let key_vault = (namespace.to_owned(), key_vault.to_owned());
        let inner = self.lock();
        let names = inner.key_vaults.get(&key_vault).into_iter().flatten();
        names.cloned().collect()
    }

    /// The KeyVaults that a sync names.
    pub fn named_by(&self, sync: &Named) -> Vec<Named> {
        let inner = self.lock();
        let link = inner.syncs.get(sync).into_iter();
        let names = link.flat_map(|link| &link.key_vaults);
        names.map(|name| (sync.0.clone(), name.clone())).collect()
    }

    /// How often the Secrets with a sync's passwords changed. What failed with one password may work with the next.
    pub fn password_revision(&self, namespace: &str, sync: &str) -> u64 {
        let inner = self.lock();
        let named = (namespace.to_owned(), sync.to_owned());
        let secrets = inner.syncs.get(&named).into_iter();
        secrets
            .flat_map(|link| &link.passwords)
            .filter_map(|secret| inner.passwords.get(&(namespace.to_owned(), secret.clone())))
            .map(|(_, changes)| changes)
            .sum()
    }

    /// The syncs that use an identity.
    pub fn of_identity(&self, identity: &IdentityKey) -> Vec<Named> {
        self.lock()
            .users
            .get(identity)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// The syncs of a namespace.
    pub fn of_namespace(&self, namespace: &str) -> Vec<Named> {
        let from = (namespace.to_owned(), String::new());
        let inner = self.lock();
        inner
            .syncs
            .range(from..)
            .map(|(named, _)| named)
            .take_while(|named| named.0 == namespace)
            .cloned()
            .collect()
    }

    /// The other syncs that write into the Secret of one.
    pub fn rivals(&self, namespace: &str, target: &str, sync: &str) -> Vec<Rival> {
        let inner = self.lock();
        let named = others(&inner, &(namespace.to_owned(), target.to_owned()), sync);
        let rival = |named: Named| {
            let link = inner.syncs.get(&named)?;
            Some(Rival {
                name: named.1,
                created: link.created,
                ownership: link.ownership,
                keys: link.keys.iter().cloned().collect(),
            })
        };
        named.into_iter().filter_map(rival).collect()
    }

    /// All syncs.
    pub fn all_syncs(&self) -> Vec<Named> {
        self.lock().syncs.keys().cloned().collect()
    }

    /// All identities.
    pub fn all_identities(&self) -> Vec<IdentityKey> {
        self.lock().identities.keys().cloned().collect()
    }

    /// How many syncs there are.
    pub fn syncs(&self) -> usize {
        self.lock().syncs.len()
    }

    /// An identity was seen. True where something changed that its users depend on.
    pub fn identity_seen<I: Identity>(&self, identity: &I, operator_namespace: &str) -> bool {
        let (key, meta) = (identity.key(), identity.meta());
        let uses = Uses {
            uid: meta.uid.clone().unwrap_or_default(),
            generation: meta.generation.unwrap_or_default(),
            deleting: meta.deletion_timestamp.is_some(),
        };
        let namespace = key
            .namespace
            .as_deref()
            .unwrap_or(operator_namespace)
            .to_owned();
        let credential = identity
            .credential_secret()
            .map(|name| (namespace, name.to_owned()));
        let mut inner = self.lock();
        let before = inner
            .identities
            .insert(key.clone(), (uses.clone(), credential.clone()));
        if before.as_ref().is_some_and(|(before, _)| *before == uses) {
            return false;
        }
        if let Some((_, Some(old))) = before {
            remove(&mut inner.credentials, &old, &key);
        }
        if let Some(secret) = credential {
            inner.credentials.entry(secret).or_default().insert(key);
        }
        true
    }

    /// An identity went.
    pub fn identity_gone(&self, key: &IdentityKey) {
        let mut inner = self.lock();
        if let Some((_, Some(secret))) = inner.identities.remove(key) {
            remove(&mut inner.credentials, &secret, key);
        }
    }

    /// The identities whose credential is in a Secret.
    pub fn of_credential(&self, secret: &Named) -> Vec<IdentityKey> {
        self.lock()
            .credentials
            .get(secret)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

fn passwords(sync: &VaultSecretSync) -> impl Iterator<Item = String> {
    let tokens = sync
        .spec
        .data
        .iter()
        .filter_map(|entry| entry.access_token.as_ref());
    tokens
        .filter_map(|token| token.ml_server.as_ref())
        .map(|server| server.password_from.name.clone())
}

fn others(inner: &Inner, target: &Named, sync: &str) -> Vec<Named> {
    let names = inner
        .targets
        .get(target)
        .into_iter()
        .flatten()
        .filter(|name| *name != sync);
    names.map(|name| (target.0.clone(), name.clone())).collect()
}

fn remove<K: Ord, V: Ord>(index: &mut BTreeMap<K, Few<V>>, key: &K, value: &V) {
    if let Some(values) = index.get_mut(key) {
        values.remove(value);
        if values.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault_secret_sync::fixtures::{sync_with, sync_with_tokens};

    fn named(name: &str, target: &str) -> VaultSecretSync {
        let mut sync = sync_with(|spec| spec["target"] = serde_json::json!({"name": target}));
        sync.metadata.name = Some(name.to_owned());
        sync
    }

    fn team(name: &str) -> Named {
        ("team".to_owned(), name.to_owned())
    }

    #[test]
    fn rivals_know_of_each_other_until_one_moves_or_goes() {
        let links = Links::default();
        assert_eq!(links.sync_seen(&named("a", "t")), []);
        assert_eq!(links.sync_seen(&named("b", "t")), [team("a")]);
        assert_eq!(
            links.sync_seen(&named("b", "t")),
            [],
            "an event without a change woke others"
        );
        assert_eq!(links.rivals("team", "t", "a")[0].name, "b");
        assert_eq!(links.sync_seen(&named("b", "elsewhere")), [team("a")]);
        assert!(links.rivals("team", "t", "a").is_empty());
        assert_eq!(links.of_secret(&team("elsewhere")), [team("b")]);
        links.sync_seen(&named("b", "t"));
        assert_eq!(
            links.retain_syncs(|(_, name)| name != "b"),
            [team("a")],
            "who went while nobody watched held others up"
        );
        assert!(links.of_secret(&team("elsewhere")).is_empty());
        assert_eq!(links.of_namespace("team"), [team("a")]);
        assert!(links.of_namespace("tea").is_empty());
    }

    #[test]
    fn a_password_concerns_those_who_log_in_with_it_while_they_do() {
        let links = Links::default();
        let ada = team("ada");
        links.sync_seen(&named("a", "t"));
        let mut with_login = sync_with_tokens();
        with_login.metadata.name = Some("b".to_owned());
        links.sync_seen(&with_login);
        assert_eq!(links.password_seen(&ada), [team("b")]);
        assert_eq!(links.password_seen(&team("other")), []);
        assert_eq!(links.password_revision("team", "b"), 1);
        assert_eq!(links.password_revision("team", "a"), 0);
        links.sync_seen(&named("b", "t"));
        assert_eq!(links.password_seen(&ada), []);
    }

    #[test]
    fn a_key_vault_is_named_while_a_sync_says_so() {
        let links = Links::default();
        let mut both = sync_with(|spec| {
            spec["vaultRef"] = serde_json::json!({"name": "kv"});
            spec["data"][1]["vaultRef"] = serde_json::json!({"name": "shared"});
            spec.as_object_mut().unwrap().remove("vaultUri");
        });
        both.metadata.name = Some("b".to_owned());
        links.sync_seen(&both);
        both.metadata.name = Some("a".to_owned());
        links.sync_seen(&both);
        assert_eq!(links.syncs_naming("team", "kv"), ["a", "b"]);
        assert_eq!(links.named_by(&team("a")), [team("kv"), team("shared")]);
        assert!(links.syncs_naming("tea", "kv").is_empty());
        assert!(!links.of_secret(&team("a")).is_empty());
        links.sync_gone(&team("b"));
        links.sync_seen(&named("a", "a"));
        assert!(links.syncs_naming("team", "kv").is_empty());
        assert!(links.named_by(&team("a")).is_empty());
    }

    #[test]
    fn a_sync_that_is_being_deleted_claims_nothing() {
        let links = Links::default();
        links.sync_seen(&named("a", "t"));
        links.sync_seen(&named("b", "t"));
        let mut leaving = named("a", "t");
        leaving.metadata.deletion_timestamp = Some(
            k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH),
        );
        assert_eq!(links.sync_seen(&leaving), [team("b")]);
        assert!(links.rivals("team", "t", "b").is_empty());
    }
}
