//! Reads the objects that are looked at, with the caller's own rights.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::{Api, Client, ResourceExt};
use serde::de::DeserializeOwned;

use super::Failure;
use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity, IdentityKind};
use crate::azure_identity::valid::{Identity, IdentityKey};
use crate::data_lake_account::api::DataLakeAccount;
use crate::key_vault::api::KeyVault;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::vault_secret_sync::vault_refs::{self, Told};

/// How long a read may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// An identity of either kind.
pub(super) enum AnyIdentity {
    /// Of a namespace.
    Own(AzureIdentity),
    /// Lent.
    Lent(ClusterAzureIdentity),
}

/// The identity of this name, if there is one.
pub(super) async fn identity(
    client: &Client,
    key: &IdentityKey,
) -> Result<Option<AnyIdentity>, Failure> {
    let what = key.to_string();
    match (key.kind, &key.namespace) {
        (IdentityKind::AzureIdentity, namespace) => {
            let namespace = namespace.as_deref().unwrap_or_default();
            let api = Api::namespaced(client.clone(), namespace);
            let found = get(&api, &key.name, &what).await?;
            Ok(found.map(AnyIdentity::Own))
        }
        (IdentityKind::ClusterAzureIdentity, _) => {
            let found = get(&Api::all(client.clone()), &key.name, &what).await?;
            Ok(found.map(AnyIdentity::Lent))
        }
    }
}

/// The sync of this name, if there is one.
pub(super) async fn sync(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<VaultSecretSync>, Failure> {
    let api = Api::namespaced(client.clone(), namespace);
    get(&api, name, &format!("VaultSecretSync {namespace}/{name}")).await
}

/// The KeyVault of this name, if there is one.
pub(super) async fn key_vault(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<KeyVault>, Failure> {
    let api = Api::namespaced(client.clone(), namespace);
    get(&api, name, &format!("KeyVault {namespace}/{name}")).await
}

/// What the KeyVaults that a sync names tell of their vaults, by name; those that are not there tell nothing.
pub(super) async fn told(
    client: &Client,
    sync: &VaultSecretSync,
) -> Result<BTreeMap<String, Told>, Failure> {
    let namespace = sync.namespace().unwrap_or_default();
    let names: BTreeSet<&str> = vault_refs::names(&sync.spec).collect();
    let mut told = BTreeMap::new();
    for name in names {
        let found = key_vault(client, &namespace, name).await?;
        told.extend(found.map(|found| (name.to_owned(), Told::of(&found))));
    }
    Ok(told)
}

/// A namespace, for its labels. None where there is none or the caller may not read it.
pub(super) async fn namespace(client: &Client, name: &str) -> Option<PartialObjectMeta<Namespace>> {
    let api: Api<Namespace> = Api::all(client.clone());
    let found = tokio::time::timeout(TIMEOUT, api.get_metadata_opt(name)).await;
    found.ok()?.ok()?
}

/// All identities of a namespace.
pub(super) async fn identities(
    client: &Client,
    namespace: &str,
) -> Result<Vec<IdentityKey>, Failure> {
    let api: Api<AzureIdentity> = Api::namespaced(client.clone(), namespace);
    let found = list(&api, "AzureIdentities").await?;
    Ok(found.iter().map(Identity::key).collect())
}

/// All identities that are lent.
pub(super) async fn cluster_identities(client: &Client) -> Result<Vec<IdentityKey>, Failure> {
    let api: Api<ClusterAzureIdentity> = Api::all(client.clone());
    let found = list(&api, "ClusterAzureIdentities").await?;
    Ok(found.iter().map(Identity::key).collect())
}

/// The names of all syncs of a namespace.
pub(super) async fn syncs(client: &Client, namespace: &str) -> Result<Vec<String>, Failure> {
    let found = whole_syncs(client, namespace).await?;
    Ok(found.iter().map(ResourceExt::name_any).collect())
}

/// All syncs of a namespace.
pub(super) async fn whole_syncs(
    client: &Client,
    namespace: &str,
) -> Result<Vec<VaultSecretSync>, Failure> {
    let api = Api::namespaced(client.clone(), namespace);
    list(&api, "VaultSecretSyncs").await
}

/// The names of all KeyVaults of a namespace.
pub(super) async fn key_vaults(client: &Client, namespace: &str) -> Result<Vec<String>, Failure> {
    let api: Api<KeyVault> = Api::namespaced(client.clone(), namespace);
    let found = list(&api, "KeyVaults").await?;
    Ok(found.iter().map(ResourceExt::name_any).collect())
}

/// The DataLakeAccount of this name, if there is one.
pub(super) async fn account(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<DataLakeAccount>, Failure> {
    let api = Api::namespaced(client.clone(), namespace);
    get(&api, name, &format!("DataLakeAccount {namespace}/{name}")).await
}

/// The names of all DataLakeAccounts of a namespace.
pub(super) async fn accounts(client: &Client, namespace: &str) -> Result<Vec<String>, Failure> {
    let api: Api<DataLakeAccount> = Api::namespaced(client.clone(), namespace);
    let found = list(&api, "DataLakeAccounts").await?;
    Ok(found.iter().map(ResourceExt::name_any).collect())
}

async fn get<K: Clone + Debug + DeserializeOwned>(
    api: &Api<K>,
    name: &str,
    what: &str,
) -> Result<Option<K>, Failure> {
    match tokio::time::timeout(TIMEOUT, api.get_opt(name)).await {
        Ok(found) => found.map_err(|error| unread(what, &error)),
        Err(_) => Err(late(what)),
    }
}

async fn list<K: Clone + Debug + DeserializeOwned>(
    api: &Api<K>,
    what: &str,
) -> Result<Vec<K>, Failure> {
    match tokio::time::timeout(TIMEOUT, api.list(&ListParams::default())).await {
        Ok(found) => Ok(found.map_err(|error| unread(what, &error))?.items),
        Err(_) => Err(late(what)),
    }
}

fn late(what: &str) -> Failure {
    Failure::failed(format!(
        "failed to read {what}: the API server did not answer in time"
    ))
}

fn unread(what: &str, error: &kube::Error) -> Failure {
    let why = if let kube::Error::Api(status) = error {
        if status.code == 404 {
            "the cluster does not know this kind. Mend: kubectl apply -f crds/".to_owned()
        } else {
            status.message.clone()
        }
    } else if matches!(error, kube::Error::SerdeError(_)) {
        // Its text may quote the object.
        "it is not in the form of this version of lakevault".to_owned()
    } else {
        error.to_string()
    };
    Failure::failed(format!("failed to read {what}: {why}"))
}
