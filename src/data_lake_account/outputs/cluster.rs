//! Outputs in Kubernetes: read, written, deleted. A write fails rather than overwrite what it was not planned on.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use kube::core::{NamespaceResourceScope, PartialObjectMeta};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroize;

use super::seen::{Kind, Labelled, Target, Targets};
use super::wanted::Wanted;
use super::{OUTPUTS_OF, Owner, field_manager};
use crate::data_lake_account::api::DataLakeAccount;
use crate::k8s::api::Kube;
use crate::k8s::applied::Named;
use crate::names::ResourceName;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::vault_secret_sync::MANAGED;
use crate::vault_secret_sync::steps::Outgoing;
use crate::vault_secret_sync::target::written_by_one;

const CONFIG_MAPS: &str = "configmaps";
const SECRETS: &str = "secrets";

/// The outputs of one account in Kubernetes.
pub struct Cluster<'a> {
    /// The door to the API server.
    pub kube: &'a Kube,
    /// Whose they are.
    pub owner: &'a Owner,
}

impl Cluster<'_> {
    /// What is there.
    pub async fn targets(&self, wanted: &Wanted) -> Result<Targets, Problem> {
        let (kube, namespace) = (self.kube, self.owner.namespace.as_str());
        let mut targets = Targets::default();
        if let Some(name) = &wanted.config_map {
            let found = kube.config_map(namespace, name.as_str()).await?;
            targets.config_map = found.map(|map| Target {
                data: map.data.unwrap_or_default(),
                ..Target::read(&map.metadata, self.owner)
            });
        }
        for name in wanted.secrets.keys() {
            let found = kube.secret_metadata(namespace, name.as_str()).await?;
            if let Some(secret) = found {
                let target = Target::read(&secret.metadata, self.owner);
                targets.secrets.insert(name.clone(), target);
            }
        }
        let label = (OUTPUTS_OF, self.owner.name.as_str());
        let maps = kube.labelled::<ConfigMap>((CONFIG_MAPS, namespace), label);
        let maps = maps.await?;
        let secrets = kube.labelled::<Secret>((SECRETS, namespace), label).await?;
        let maps = maps.iter().map(|map| (Kind::ConfigMap, &map.metadata));
        let secrets = secrets.iter().map(|one| (Kind::Secret, &one.metadata));
        targets.labelled = maps
            .chain(secrets)
            .map(|(kind, meta)| Labelled {
                kind,
                name: meta.name.clone().unwrap_or_default(),
                target: Target::read(meta, self.owner),
            })
            .collect();
        Ok(targets)
    }

    /// The account's key that a Secret has.
    pub async fn held(&self, secret: &ResourceName) -> Result<Option<SecretValue>, Problem> {
        let namespace = &self.owner.namespace;
        let live = self.kube.secret(namespace, secret.as_str()).await?;
        let mut data = live.and_then(|live| live.data).unwrap_or_default();
        let held = data.remove("accountKey");
        for value in data.values_mut() {
            value.0.zeroize();
        }
        Ok(held.map(|held| SecretValue::new(held.0)))
    }

    /// Writes the ConfigMap.
    pub async fn write_config_map(
        &self,
        name: &ResourceName,
        data: BTreeMap<String, String>,
        seen: Option<&Target>,
    ) -> Result<Target, Problem> {
        let map = ConfigMap {
            metadata: self.metadata(name, seen),
            data: Some(data.clone()),
            ..ConfigMap::default()
        };
        let named = self.named(CONFIG_MAPS, name);
        let written = self.apply::<ConfigMap, _>(named, seen, &map).await?;
        Ok(Target { data, ..written })
    }

    /// Writes a Secret.
    pub async fn write_secret(
        &self,
        name: &ResourceName,
        data: BTreeMap<String, SecretValue>,
        seen: Option<&Target>,
    ) -> Result<Target, Problem> {
        let values = data.iter();
        let values = values.map(|(key, value)| (key.clone(), ByteString(value.expose().to_vec())));
        let secret = Outgoing(Secret {
            metadata: self.metadata(name, seen),
            data: Some(values.collect()),
            ..Secret::default()
        });
        let named = self.named(SECRETS, name);
        self.apply::<Secret, _>(named, seen, &secret.0).await
    }

    /// Deletes an object, by its uid.
    pub async fn delete(&self, kind: Kind, name: &str, uid: &str) -> Result<(), Problem> {
        let namespace = self.owner.namespace.as_str();
        let named = |resource| Named {
            resource,
            namespace,
            name,
        };
        match kind {
            Kind::ConfigMap => self.kube.delete::<ConfigMap>(named(CONFIG_MAPS), uid).await,
            Kind::Secret => self.kube.delete::<Secret>(named(SECRETS), uid).await,
        }
    }

    fn named<'n>(&'n self, resource: &'static str, name: &'n ResourceName) -> Named<'n> {
        Named {
            resource,
            namespace: &self.owner.namespace,
            name: name.as_str(),
        }
    }

    fn metadata(&self, name: &ResourceName, seen: Option<&Target>) -> ObjectMeta {
        let labels = [
            (MANAGED.to_owned(), "true".to_owned()),
            (OUTPUTS_OF.to_owned(), self.owner.name.clone()),
        ];
        ObjectMeta {
            name: Some(name.as_str().to_owned()),
            namespace: Some(self.owner.namespace.clone()),
            resource_version: seen.map(|target| target.version.clone()),
            labels: Some(labels.into()),
            owner_references: Some(vec![OwnerReference {
                api_version: DataLakeAccount::api_version(&()).into_owned(),
                kind: DataLakeAccount::kind(&()).into_owned(),
                name: self.owner.name.clone(),
                uid: self.owner.uid.clone(),
                controller: Some(true),
                block_owner_deletion: None,
            }]),
            ..ObjectMeta::default()
        }
    }

    async fn apply<K, P>(
        &self,
        named: Named<'_>,
        seen: Option<&Target>,
        object: &P,
    ) -> Result<Target, Problem>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync,
        P: Serialize + Debug + Sync,
    {
        let manager = field_manager(&self.owner.name);
        // One that appeared in between is somebody else's: without force its fields are not taken.
        let force = seen.is_some();
        let applied = self.kube.apply::<K, P>(named, &manager, force, object);
        let written: PartialObjectMeta<K> = applied.await?;
        if force || written_by_one(&written.metadata, &manager) {
            return Ok(Target::read(&written.metadata, self.owner));
        }
        // No field of it stood against ours: what was put into it is taken back.
        let kind = K::kind(&());
        let nothing = serde_json::json!({
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {
                "name": named.name,
                "namespace": named.namespace,
                "uid": written.metadata.uid,
                "resourceVersion": written.metadata.resource_version,
                "labels": {},
                "annotations": {},
            },
            "data": {},
        });
        let withdrawn = self.kube.apply::<K, _>(named, &manager, true, &nothing);
        withdrawn.await?;
        let message = format!("{kind} {} has just been made by somebody else", named.name);
        Err(Problem::new(Reason::Conflict, Retry::Backoff, message))
    }
}
