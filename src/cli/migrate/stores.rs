//! `SecretStore` and `ClusterSecretStore` of the External Secrets Operator, as identities. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fields::Fields;
use super::identities::{Identities, Namespaces, Who};
use super::input::{Document, Input};
use super::made::{Reference, Remark};
use super::notes::Note;
use super::store_auth;
use crate::names::VaultUri;

/// Where the External Secrets Operator's kinds are.
pub(super) const GROUP: &str = "external-secrets.io";

/// The vault and the identity that are used by way of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    /// The vault.
    pub(super) vault: String,
    /// The identity that is made of it.
    pub(super) identity: Reference,
}

/// A store that is read.
#[derive(Debug, Clone)]
struct Store {
    document: Document,
    vault: String,
    who: Who,
    /// Whether its credentials lie in the namespace of whoever uses it.
    follows_users: bool,
    notes: Vec<Note>,
    conditions: Option<Vec<Namespaces>>,
    used: bool,
}

/// Kind, namespace (none for the cluster's) and name.
type Key = (String, Option<String>, String);

/// All stores of Azure's.
#[derive(Debug, Clone, Default)]
pub(super) struct Stores {
    all: BTreeMap<Key, Store>,
    /// Those of other providers.
    foreign: BTreeSet<Key>,
    /// What is told of them.
    left: Vec<Remark>,
}

impl Stores {
    /// Reads all stores.
    pub(super) fn read(input: &Input) -> Self {
        let mut stores = Self::default();
        for kind in ["SecretStore", "ClusterSecretStore"] {
            for document in input.of(GROUP, kind) {
                let namespace = (kind == "SecretStore").then(|| document.namespace.clone());
                let key = (kind.to_owned(), namespace, document.name.clone());
                match store(input, document, key.1.as_deref()) {
                    Ok(store) => {
                        stores.all.insert(key, store);
                    }
                    Err(notes) => {
                        stores.left.extend(Remark::all(document, notes));
                        stores.foreign.insert(key);
                    }
                }
            }
        }
        stores
    }

    /// The store that an object of a namespace names. The error says what is wrong with it.
    pub(super) fn named(
        &mut self,
        namespace: &str,
        reference: &mut Fields,
        identities: &mut Identities,
    ) -> Result<Use, String> {
        let kind = reference.text("kind");
        let kind = kind.unwrap_or_else(|| "SecretStore".to_owned());
        let name = reference.text("name").unwrap_or_default();
        let own = (kind == "SecretStore").then(|| namespace.to_owned());
        let key = (kind, own, name);
        if let Some(store) = self.all.get_mut(&key) {
            return Ok(store.used_in(namespace, identities));
        }
        let (kind, _, name) = &key;
        Err(if name.is_empty() {
            "it names no store by its name: name one".to_owned()
        } else if self.foreign.contains(&key) {
            format!(
                "{kind} {name} is not of Azure Key Vault, and stays with the External Secrets Operator"
            )
        } else {
            format!(
                "{kind} {name} is not in these files: add it, for it says which vault and which identity"
            )
        })
    }

    /// Identities of stores that nothing uses, and what is told of those that are none.
    pub(super) fn finish(&mut self, identities: &mut Identities) -> Vec<Remark> {
        let unused = self.all.values_mut().filter(|store| !store.used);
        for store in unused {
            if store.follows_users {
                let what = "it uses credentials of whoever uses it, and no object of these files does: it makes no identity";
                let note = Note::on("spec.provider.azurekv", what);
                self.left.extend(Remark::all(&store.document, vec![note]));
                continue;
            }
            let namespace =
                (store.document.kind == "SecretStore").then(|| store.document.namespace.clone());
            store.identity(namespace.as_deref(), None, identities);
        }
        std::mem::take(&mut self.left)
    }
}

impl Store {
    fn used_in(&mut self, namespace: &str, identities: &mut Identities) -> Use {
        let is_own = self.document.kind == "SecretStore" || self.follows_users;
        let identity = self.identity(is_own.then_some(namespace), Some(namespace), identities);
        self.used = true;
        Use {
            vault: self.vault.clone(),
            identity,
        }
    }

    /// The identity in a namespace, or that of the cluster, lent to whom the store is for.
    fn identity(
        &self,
        own: Option<&str>,
        user: Option<&str>,
        identities: &mut Identities,
    ) -> Reference {
        let named = (own, self.document.name.as_str());
        let identity = identities.of(&self.who, named, &self.document, &self.notes);
        let vault = vault_name(&self.vault);
        let mut lend = |to: Namespaces| identities.lend(&identity, (&vault, to), &[]);
        match &self.conditions {
            Some(conditions) => conditions.iter().cloned().for_each(&mut lend),
            None => user
                .into_iter()
                .for_each(|user| lend(Namespaces::Named(user.to_owned()))),
        }
        identity
    }
}

impl Use {
    /// Lends the identity for pushing an object.
    pub(super) fn lend_push(&self, namespace: &str, object: &str, identities: &mut Identities) {
        let to = Namespaces::Named(namespace.to_owned());
        let vault = vault_name(&self.vault);
        identities.lend(&self.identity, (&vault, to), &[object.to_owned()]);
    }
}

/// The name of a vault.
pub(super) fn vault_name(uri: &str) -> String {
    let parsed: Option<VaultUri> = uri.parse().ok();
    parsed.map_or_else(String::new, |uri| uri.vault_name().to_owned())
}

/// Reads one. The error is what is told of one that is not of Azure.
fn store(input: &Input, document: &Document, namespace: Option<&str>) -> Result<Store, Vec<Note>> {
    let mut notes = Vec::new();
    let mut spec = document.spec(&mut notes);
    let mut provider = spec.inner("provider");
    if !provider.has("azurekv") {
        let what = "it is not of Azure Key Vault, and stays with the External Secrets Operator";
        return Err(vec![Note::on("spec", what)]);
    }
    let mut azure = provider.inner("azurekv");
    let vault = azure.text("vaultUrl").unwrap_or_default();
    let vault = vault.trim_end_matches('/').to_owned();
    if vault.parse::<VaultUri>().is_err() {
        let what = "this is no vault: write https://, the vault's name, and its cloud's suffix";
        return Err(vec![azure.note("vaultUrl", what)]);
    }
    let auth = store_auth::read(input, (document, namespace), &mut azure, &mut notes);
    // How the vault is asked is the operator's own matter here.
    azure.forget(&["useAzureSDK"]);
    azure.end(&mut notes);
    provider.end(&mut notes);
    let conditions = conditions(&mut spec, &mut notes);
    // Which operator serves it, how often it is checked and how calls are repeated.
    spec.forget(&["controller", "refreshInterval"]);
    let mut retry = spec.inner("retrySettings");
    retry.forget(&["maxRetries", "retryInterval"]);
    retry.end(&mut notes);
    spec.end(&mut notes);
    Ok(Store {
        document: document.clone(),
        vault,
        who: auth.who,
        follows_users: auth.follows_users,
        notes,
        conditions,
        used: false,
    })
}

/// The namespaces that a store of the cluster is for, where it says.
fn conditions(spec: &mut Fields, notes: &mut Vec<Note>) -> Option<Vec<Namespaces>> {
    let conditions = spec.list("conditions");
    if conditions.is_empty() {
        return None;
    }
    let mut all = Vec::new();
    let mut is_open = false;
    for mut condition in conditions {
        all.extend(
            condition
                .texts("namespaces")
                .into_iter()
                .map(Namespaces::Named),
        );
        let mut selector = condition.inner("namespaceSelector");
        let labels = selector.pairs("matchLabels");
        if selector.has("matchExpressions") {
            let what = "only labels with their values select namespaces here: give them a label, and write it in spec.allow[].namespaces.matchLabels";
            notes.push(selector.whole(what));
            selector.forget(&["matchExpressions"]);
        } else if !labels.is_empty() {
            all.push(Namespaces::Labelled(labels));
        }
        if condition.has("namespaceRegexes") {
            let what = "names have no patterns here: it is lent to the namespaces of these files that use it; name the others in spec.allow[].namespaces.names, or select them by a label";
            notes.push(condition.note("namespaceRegexes", what));
            condition.forget(&["namespaceRegexes"]);
            is_open = true;
        }
        selector.end(notes);
        condition.end(notes);
    }
    (!is_open || !all.is_empty()).then_some(all)
}

/// A cloud by the name that its environment has: none for the public one, which needs no word. The error is a name that is not known.
pub(super) fn cloud_of(environment: &str) -> Result<Option<Value>, String> {
    let name = environment.to_ascii_lowercase();
    match name.trim_start_matches("azure") {
        "" | "public" | "publiccloud" | "cloud" => Ok(None),
        "usgovernment" | "usgovernmentcloud" => Ok(Some(json!({"name": "USGovernment"}))),
        "china" | "chinacloud" => Ok(Some(json!({"name": "China"}))),
        _ => Err(name),
    }
}
