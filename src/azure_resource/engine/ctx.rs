//! What reconciling a kind needs, and what is remembered between two reconciles of one object.

use std::sync::Arc;

use kube::{Api, Resource};

use super::Kind;
use super::memories::Memories;
use crate::azure::arm::client::Arm;
use crate::azure::http::Http;
use crate::azure_identity::identities::Identities;
use crate::azure_resource::due::Memory;
use crate::k8s::api::Kube;
use crate::k8s::overlay::{Overlay, Seen};
use crate::lease::decide::Term;
use crate::problem::Problem;
use crate::telemetry::metrics::Metrics;

/// What reconciling takes for every kind.
#[derive(Clone)]
pub struct Shared {
    /// The identities.
    pub identities: Arc<Identities>,
    /// Azure Resource Manager: one client for all kinds, since their calls come out of one budget.
    pub arm: Arm,
    /// The client of data planes.
    pub http: Http,
    /// The door to the API server.
    pub kube: Kube,
    /// Metrics.
    pub metrics: Metrics,
    /// What tells this process from those before it and beside it.
    pub epoch: String,
}

/// What reconciling a kind needs.
pub struct Ctx<K: Kind> {
    /// The identities.
    pub identities: Arc<Identities>,
    /// Azure Resource Manager.
    pub arm: Arm,
    /// The client of data planes.
    pub http: Http,
    /// The door to the API server.
    pub kube: Kube,
    /// What the kind needs besides.
    pub own: K::Own,
    /// Metrics.
    pub metrics: Metrics,
    /// Objects as our own writes returned them.
    pub written: Overlay<Arc<K>>,
    /// What is remembered, by uid.
    pub memories: Memories,
    /// What tells this process from those before it, where no lease does.
    epoch: String,
}

fn identified<T>(object: &impl Resource, with: impl FnOnce(Seen<'_>) -> T) -> T {
    let meta = object.meta();
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

impl<K: Kind> Ctx<K> {
    /// One that remembers nothing yet.
    pub fn new(shared: Shared, own: K::Own) -> Self {
        Self {
            identities: shared.identities,
            arm: shared.arm,
            http: shared.http,
            kube: shared.kube,
            metrics: shared.metrics,
            epoch: shared.epoch,
            own,
            written: Overlay::default(),
            memories: Memories::default(),
        }
    }

    /// The time in which this process writes.
    pub fn term(&self) -> Term {
        self.kube.fence().term().unwrap_or_else(|| Term {
            epoch: self.epoch.clone(),
            began: None,
        })
    }

    /// What is remembered of an object.
    pub fn recall(&self, uid: &str) -> Memory {
        self.memories.recall(uid)
    }

    /// Remembers something of an object until its next reconcile.
    pub fn remember(&self, uid: &str, memory: Memory) {
        self.memories.remember(uid, memory);
    }

    /// An object is gone: nothing of it is kept.
    pub fn gone(&self, namespace: &str, name: &str, uid: &str) {
        self.memories.forget(uid);
        self.written.forget(namespace, name, uid);
    }

    /// The object as the cache has it, or as our own write returned it where that is newer.
    pub fn newest(&self, object: Arc<K>) -> Arc<K> {
        identified(object.as_ref(), |seen| self.written.newer(seen)).unwrap_or(object)
    }

    fn wrote(&self, mut object: K) -> Arc<K> {
        object.meta_mut().managed_fields = None;
        let object = Arc::new(object);
        identified(object.as_ref(), |seen| {
            self.written.put(seen, Arc::clone(&object));
        });
        object
    }

    /// The API that objects of a namespace are written through.
    fn api(&self, object: &K) -> Api<K> {
        let namespace = object.meta().namespace.as_deref();
        Api::namespaced(self.kube.client(), namespace.unwrap_or_default())
    }

    /// Writes an object's status. It fails where the object has changed since it was read.
    pub async fn write_status(&self, object: &K) -> Result<Arc<K>, Problem> {
        let api = self.api(object);
        let written = self.kube.replace_status(&api, K::PLURAL, object).await?;
        Ok(self.wrote(written))
    }

    /// Sets an object's finalizers. It fails where the object has changed since it was read.
    pub async fn set_finalizers(
        &self,
        object: &K,
        finalizers: &[String],
    ) -> Result<Arc<K>, Problem> {
        let meta = object.meta();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (namespace, name) = (text(&meta.namespace), text(&meta.name));
        let version = text(&meta.resource_version);
        let patched = self
            .kube
            .set_finalizers(K::PLURAL, &namespace, &name, &version, finalizers)
            .await?;
        Ok(self.wrote(patched))
    }

    /// The object as the API server has it now.
    pub async fn live(&self, object: &K) -> Result<Option<K>, Problem> {
        let name = object.meta().name.as_deref().unwrap_or_default();
        self.kube.get(&self.api(object), K::PLURAL, name).await
    }
}
