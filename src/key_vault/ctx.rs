//! What reconciling vaults needs, and what is remembered between two reconciles of one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Api;

use super::PLURAL;
use super::api::KeyVault;
use super::due::Memory;
use crate::azure::arm::client::Arm;
use crate::azure::http::Http;
use crate::azure_identity::identities::Identities;
use crate::k8s::api::Kube;
use crate::k8s::overlay::{Overlay, Seen};
use crate::problem::Problem;
use crate::telemetry::metrics::Metrics;
use crate::vault_secret_sync::links::Links;

/// What reconciling vaults needs.
pub struct Ctx {
    /// The identities.
    pub identities: Arc<Identities>,
    /// Azure Resource Manager.
    pub arm: Arm,
    /// The client of data planes.
    pub http: Http,
    /// The door to the API server.
    pub kube: Kube,
    /// Which syncs name which vault.
    pub links: Arc<Links>,
    /// Metrics.
    pub metrics: Metrics,
    /// Vaults as our own writes returned them.
    pub written: Overlay<Arc<KeyVault>>,
    /// What is remembered, by uid.
    pub memories: Mutex<BTreeMap<String, Memory>>,
    /// What tells this process from those before it and beside it.
    pub epoch: String,
}

fn identified<T>(object: &KeyVault, with: impl FnOnce(Seen<'_>) -> T) -> T {
    let meta = &object.metadata;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (namespace, name) = (text(&meta.namespace), text(&meta.name));
    let (uid, version) = (text(&meta.uid), text(&meta.resource_version));
    with(Seen {
        namespace: &namespace,
        name: &name,
        uid: &uid,
        version: &version,
    })
}

impl Ctx {
    fn memories(&self) -> MutexGuard<'_, BTreeMap<String, Memory>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered of an object.
    pub fn recall(&self, uid: &str) -> Memory {
        self.memories().get(uid).cloned().unwrap_or_default()
    }

    /// Remembers something of an object until its next reconcile.
    pub fn remember(&self, uid: &str, memory: Memory) {
        self.memories().insert(uid.to_owned(), memory);
    }

    /// An object is gone: nothing of it is kept.
    pub fn gone(&self, namespace: &str, name: &str, uid: &str) {
        self.memories().remove(uid);
        self.written.forget(namespace, name);
    }

    /// The object as the cache has it, or as our own write returned it where that is newer.
    pub fn newest(&self, object: Arc<KeyVault>) -> Arc<KeyVault> {
        identified(&object, |seen| self.written.newer(seen)).unwrap_or(object)
    }

    fn wrote(&self, mut object: KeyVault) -> Arc<KeyVault> {
        object.metadata.managed_fields = None;
        let object = Arc::new(object);
        identified(&object, |seen| self.written.put(seen, Arc::clone(&object)));
        object
    }

    /// The API that objects of a namespace are written through.
    fn api(&self, object: &KeyVault) -> Api<KeyVault> {
        let namespace = object.metadata.namespace.as_deref();
        Api::namespaced(self.kube.client(), namespace.unwrap_or_default())
    }

    /// Writes an object's status. It fails where the object has changed since it was read.
    pub async fn write_status(&self, object: &KeyVault) -> Result<Arc<KeyVault>, Problem> {
        let api = self.api(object);
        let written = self.kube.replace_status(&api, PLURAL, object).await?;
        Ok(self.wrote(written))
    }

    /// Sets an object's finalizers. It fails where the object has changed since it was read.
    pub async fn set_finalizers(
        &self,
        object: &KeyVault,
        finalizers: &[String],
    ) -> Result<Arc<KeyVault>, Problem> {
        let meta = &object.metadata;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (namespace, name) = (text(&meta.namespace), text(&meta.name));
        let version = text(&meta.resource_version);
        let patched = self
            .kube
            .set_finalizers(PLURAL, &namespace, &name, &version, finalizers)
            .await?;
        Ok(self.wrote(patched))
    }

    /// The object as the API server has it now.
    pub async fn live(&self, object: &KeyVault) -> Result<Option<KeyVault>, Problem> {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        self.kube.get(&self.api(object), PLURAL, name).await
    }
}
