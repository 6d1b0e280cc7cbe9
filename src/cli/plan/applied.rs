//! Objects of a file as they would be once they were applied. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Resource;

use crate::azure_identity::api::IdentityRef;
use crate::data_lake_account::api::DataLakeAccount;
use crate::key_vault::api::KeyVault;
use crate::vault_secret_sync::api::VaultSecretSync;

/// The uid of an object that the cluster does not have yet.
pub(super) const UNBORN: &str = "<uid when created>";

/// A kind that is planned for.
pub(super) trait Kind: Resource<DynamicType = ()> {
    /// Whether two say the same.
    fn says_the_same(&self, other: &Self) -> bool;
    /// Takes over what the operator knows of an object.
    fn know(&mut self, of: Option<Self>)
    where
        Self: Sized;
    /// The identity that it names.
    fn identity(&mut self) -> &mut Option<IdentityRef>;
}

impl Kind for KeyVault {
    fn says_the_same(&self, other: &Self) -> bool {
        self.spec == other.spec
    }

    fn know(&mut self, of: Option<Self>) {
        self.status = of.and_then(|of| of.status);
    }

    fn identity(&mut self) -> &mut Option<IdentityRef> {
        &mut self.spec.resource.identity_ref
    }
}

impl Kind for DataLakeAccount {
    fn says_the_same(&self, other: &Self) -> bool {
        self.spec == other.spec
    }

    fn know(&mut self, of: Option<Self>) {
        self.status = of.and_then(|of| of.status);
    }

    fn identity(&mut self) -> &mut Option<IdentityRef> {
        &mut self.spec.resource.identity_ref
    }
}

impl Kind for VaultSecretSync {
    fn says_the_same(&self, other: &Self) -> bool {
        self.spec == other.spec
    }

    fn know(&mut self, of: Option<Self>) {
        self.status = of.and_then(|of| of.status);
    }

    fn identity(&mut self) -> &mut Option<IdentityRef> {
        &mut self.spec.identity_ref
    }
}

/// An object of a file with what the cluster knows of it: who it is, and what the operator has recorded.
pub(super) fn applied<K: Kind>(mut file: K, live: Option<K>, now: Timestamp) -> K {
    let Some(mut live) = live else {
        let meta = file.meta_mut();
        meta.uid = Some(UNBORN.to_owned());
        meta.generation = Some(1);
        meta.creation_timestamp = Some(Time(now));
        file.know(None);
        return file;
    };
    let same = file.says_the_same(&live);
    let said = std::mem::take(file.meta_mut());
    let mut meta = std::mem::take(live.meta_mut());
    if !same {
        meta.generation = meta.generation.map(|generation| generation + 1);
    }
    let annotations = said.annotations.into_iter().flatten();
    meta.annotations.get_or_insert_default().extend(annotations);
    let labels = said.labels.into_iter().flatten();
    meta.labels.get_or_insert_default().extend(labels);
    *file.meta_mut() = meta;
    file.know(Some(live));
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::ResourceExt;

    fn object(location: &str, change: &serde_json::Value) -> KeyVault {
        let mut whole = serde_json::json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "KeyVault",
            "metadata": {"name": "kv", "namespace": "team"},
            "spec": {
                "subscriptionId": "44444444-4444-4444-4444-444444444444",
                "resourceGroup": {"name": "rg"}, "location": location
            }
        });
        for (field, value) in change.as_object().unwrap() {
            whole[field] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    fn live() -> KeyVault {
        object(
            "westeurope",
            &serde_json::json!({
                "metadata": {
                    "name": "kv", "namespace": "team", "uid": "u", "generation": 4,
                    "annotations": {"lakevault.dev/detach": "true", "a": "old"}
                },
                "status": {"azureId": "/x", "appliedGeneration": 4}
            }),
        )
    }

    #[test]
    fn what_the_cluster_does_not_have_has_no_uid_and_no_record() {
        let status = serde_json::json!({"status": {"azureId": "/made-up"}});
        let new = applied(object("westeurope", &status), None, Timestamp::UNIX_EPOCH);
        assert_eq!(new.uid().as_deref(), Some(UNBORN));
        assert_eq!(new.status, None, "a file knows nothing of Azure");
    }

    #[test]
    fn what_the_cluster_has_brings_its_uid_and_its_record() {
        let file = serde_json::json!({"metadata": {"name": "kv", "namespace": "team", "annotations": {"a": "new"}}});
        let same = applied(
            object("westeurope", &file),
            Some(live()),
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(same.uid().as_deref(), Some("u"));
        assert_eq!(same.metadata.generation, Some(4), "nothing was edited");
        assert_eq!(same.status, live().status);
        assert_eq!(same.annotations()["a"], "new");
        assert_eq!(same.annotations()["lakevault.dev/detach"], "true");
        let nothing = serde_json::json!({});
        let edited = applied(
            object("northeurope", &nothing),
            Some(live()),
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(edited.metadata.generation, Some(5));
        assert_eq!(edited.spec.resource.location, "northeurope");
    }
}
