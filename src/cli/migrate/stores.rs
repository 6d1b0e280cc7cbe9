//! `SecretStore` and `ClusterSecretStore` of the External Secrets Operator, as identities. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fields::Fields;
use super::input::{Document, Input};
use super::made::{Credential, KeyOf, Made, Reference, Who};

/// Where the External Secrets Operator's kinds are.
pub(super) const GROUP: &str = "external-secrets.io";
/// Of a cluster's identity, Secrets and ServiceAccounts lie in the operator's namespace.
const OPERATOR: &str = "the operator's namespace";

/// A store that is read.
#[derive(Debug, Clone)]
pub(super) struct Store {
    /// The vault.
    pub(super) vault: String,
    /// The identity that is made of it.
    pub(super) identity: Reference,
    key: Key,
    namespace: Option<String>,
    name: String,
    who: Who,
    notes: Vec<String>,
    /// Namespaces that its conditions name.
    named: BTreeSet<String>,
}

/// Kind, namespace (none for the cluster's) and name.
type Key = (String, Option<String>, String);

/// All stores of Azure's.
#[derive(Debug, Clone, Default)]
pub(super) struct Stores {
    all: BTreeMap<Key, Store>,
    /// Who uses them.
    users: BTreeMap<Key, BTreeSet<String>>,
    /// Those of other providers.
    foreign: BTreeSet<Key>,
}

impl Stores {
    /// Reads all stores.
    pub(super) fn read(input: &Input) -> Self {
        let mut stores = Self::default();
        for kind in ["SecretStore", "ClusterSecretStore"] {
            for document in input.of(GROUP, kind) {
                let namespace = (kind == "SecretStore").then(|| document.namespace.clone());
                let key = (kind.to_owned(), namespace, document.name.clone());
                match store(input, document, key.clone()) {
                    Some(store) => {
                        stores.all.insert(key, store);
                    }
                    None => {
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
        mut reference: Fields,
    ) -> Result<Store, String> {
        let kind = reference
            .text("kind")
            .unwrap_or_else(|| "SecretStore".to_owned());
        let name = reference.text("name").unwrap_or_default();
        let own = (kind == "SecretStore").then(|| namespace.to_owned());
        let key = (kind, own, name);
        if let Some(store) = self.all.get(&key) {
            let users = self.users.entry(key).or_default();
            users.insert(namespace.to_owned());
            return Ok(store.clone());
        }
        let (kind, _, name) = &key;
        Err(if self.foreign.contains(&key) {
            format!("{kind} {name} is not of Azure Key Vault")
        } else {
            format!(
                "{kind} {name} is not in these files: add it, for it says which vault and which identity"
            )
        })
    }

    /// The identities.
    pub(super) fn made(&self) -> Vec<Made> {
        let made = self.all.values().map(|store| {
            let mut notes = store.notes.clone();
            let mut who = store.named.clone();
            who.extend(self.users.get(&store.key).into_iter().flatten().cloned());
            let who: Vec<String> = who.into_iter().collect();
            let vaults: Vec<String> = vault_name(&store.vault).into_iter().collect();
            let named = (store.namespace.as_deref(), store.name.as_str());
            let (reference, object) = store.who.identity(named, (&vaults, &who), &mut notes);
            if reference.kind == "ClusterAzureIdentity" {
                notes.push("spec.allow lends it to the namespaces and the vault that these files name: add others that use it".to_owned());
            }
            Made {
                object,
                notes,
                steps: Vec::new(),
            }
        });
        made.collect()
    }
}

/// The name of a vault.
fn vault_name(uri: &str) -> Option<String> {
    let host = uri.strip_prefix("https://")?;
    host.split('.').next().map(str::to_owned)
}

fn store(input: &Input, document: &Document, key: Key) -> Option<Store> {
    let mut spec = Fields::of("spec", document.part("spec"));
    let mut provider = spec.inner("provider");
    if !provider.has("azurekv") {
        return None;
    }
    let mut azure = provider.inner("azurekv");
    let mut notes = Vec::new();
    let vault = azure.text("vaultUrl").unwrap_or_default();
    let who = who(input, (&key, document), &mut azure, &mut notes);
    // How it is asked is the operator's own business here.
    azure.forget(&["useAzureSDK"]);
    azure.end(&mut notes);
    provider.end(&mut notes);
    let named = conditions(&mut spec, &mut notes);
    spec.forget(&["controller", "refreshInterval", "retrySettings"]);
    spec.end(&mut notes);
    let namespace = key.1.clone();
    let (identity, _) = who.identity(
        (namespace.as_deref(), &document.name),
        (&[], &[]),
        &mut Vec::new(),
    );
    Some(Store {
        vault: vault.trim_end_matches('/').to_owned(),
        identity,
        key,
        namespace,
        name: document.name.clone(),
        who,
        notes,
        named,
    })
}

fn who(
    input: &Input,
    (key, document): (&Key, &Document),
    azure: &mut Fields,
    notes: &mut Vec<String>,
) -> Who {
    let namespace = key.1.as_deref();
    let mut secrets = azure.inner("authSecretRef");
    let mut account = azure.inner("serviceAccountRef");
    let mut tenant = azure.text("tenantId");
    let kind = azure
        .text("authType")
        .unwrap_or_else(|| "ServicePrincipal".to_owned());
    let cloud = cloud(azure, notes);
    let mut client = None;
    let credential = match kind.as_str() {
        "ManagedIdentity" => Credential::Managed(azure.text("identityId")),
        "WorkloadIdentity" => {
            let name = account.text("name");
            let place = account.text("namespace");
            if let Some(name) = &name {
                let place = namespace
                    .or(place.as_deref())
                    .unwrap_or(&document.namespace);
                let mut annotations = input.annotations(place, name);
                client = annotations.remove("azure.workload.identity/client-id");
                tenant = tenant.or_else(|| annotations.remove("azure.workload.identity/tenant-id"));
                if namespace.is_none() {
                    notes.push(format!("ServiceAccount {name} of namespace {place} must be made in {OPERATOR}, and the federated credential name it there"));
                }
            }
            Credential::Workload(name)
        }
        _ => {
            let (found, at) = principal(input, namespace, &mut secrets, notes);
            client = found;
            at
        }
    };
    for (name, id) in [("clientId", &mut client), ("tenantId", &mut tenant)] {
        let place = namespace.map(str::to_owned);
        if let Some((place, KeyOf { secret, key })) = key_of(&mut secrets, name, place.as_deref()) {
            if id.is_none() {
                *id = input.id_in(&place, &secret, &key);
            }
            if id.is_none() {
                notes.push(format!("spec.{name} stands in a Secret: kubectl -n {place} get secret {secret} -o jsonpath='{{.data.{key}}}' | base64 -d"));
            }
        }
    }
    account.end(notes);
    secrets.end(notes);
    Who {
        tenant,
        client,
        cloud,
        credential,
    }
}

/// A client with a secret or a certificate.
fn principal(
    input: &Input,
    namespace: Option<&str>,
    secrets: &mut Fields,
    notes: &mut Vec<String>,
) -> (Option<String>, Credential) {
    let mut client = None;
    if let Some((place, KeyOf { secret, key })) = peek(secrets, "clientId", namespace) {
        client = input.id_in(&place, &secret, &key);
    }
    let secret = key_of(secrets, "clientSecret", namespace);
    let certificate = key_of(secrets, "clientCertificate", namespace);
    for (place, at) in secret.iter().chain(&certificate) {
        if namespace.is_none() {
            notes.push(format!(
                "Secret {} of namespace {place} must be copied into {OPERATOR}",
                at.secret
            ));
        }
    }
    let credential = match (secret, certificate) {
        (_, Some((_, at))) => Credential::Certificate(at),
        (Some((_, at)), None) => Credential::Secret(at),
        (None, None) => {
            notes.push("the files name no client secret and no certificate: say where it is in spec.clientSecret".to_owned());
            Credential::Secret(KeyOf {
                secret: "unknown".to_owned(),
                key: "clientSecret".to_owned(),
            })
        }
    };
    (client, credential)
}

/// A key of a Secret, and the Secret's namespace.
fn key_of(secrets: &mut Fields, name: &str, namespace: Option<&str>) -> Option<(String, KeyOf)> {
    if !secrets.has(name) {
        return None;
    }
    let mut at = secrets.inner(name);
    let (secret, key) = (at.text("name")?, at.text("key").unwrap_or_default());
    let place = at.text("namespace");
    let place = namespace.map(str::to_owned).or(place).unwrap_or_default();
    Some((place, KeyOf { secret, key }))
}

/// The same, and the field stays for whoever comes later.
fn peek(secrets: &Fields, name: &str, namespace: Option<&str>) -> Option<(String, KeyOf)> {
    key_of(&mut secrets.clone(), name, namespace)
}

fn cloud(azure: &mut Fields, notes: &mut Vec<String>) -> Option<Value> {
    let kind = azure.text("environmentType").unwrap_or_default();
    let mut custom = azure.inner("customCloudConfig");
    let manager = custom.text("resourceManagerEndpoint");
    // A Stack's Resource Manager tells the rest.
    custom.forget(&[
        "activeDirectoryEndpoint",
        "keyVaultEndpoint",
        "keyVaultDNSSuffix",
    ]);
    custom.end(notes);
    match (kind.as_str(), manager) {
        ("" | "PublicCloud", _) => None,
        ("USGovernmentCloud", _) => Some(json!({"name": "USGovernment"})),
        ("ChinaCloud", _) => Some(json!({"name": "China"})),
        ("AzureStackCloud", Some(endpoint)) => Some(json!({"resourceManagerEndpoint": endpoint})),
        ("AzureStackCloud", None) => {
            notes.push("spec.cloud.resourceManagerEndpoint is not told: an Azure Stack Hub is found by its Resource Manager".to_owned());
            None
        }
        (other, _) => {
            notes.push(format!(
                "{}: {other} is a cloud that is no more",
                azure.at("environmentType")
            ));
            None
        }
    }
}

/// The namespaces that a store of the cluster is for.
fn conditions(spec: &mut Fields, notes: &mut Vec<String>) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for mut condition in spec.list("conditions") {
        named.extend(condition.texts("namespaces"));
        condition.end(notes);
    }
    named
}
