//! All objects of a kind, and who of them has something to look at.

use std::sync::Arc;

use kube::ResourceExt;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;

use super::{Ctx, Kind};
use crate::azure_identity::api::IdentityRef;
use crate::k8s::controller::{Names, Queue};

/// All objects of a kind.
pub struct Resources<K: Kind> {
    /// What is remembered of them.
    pub ctx: Arc<Ctx<K>>,
    /// The objects, as they were last seen.
    pub store: Store<K>,
    /// Those to work on.
    pub queue: Queue<K>,
}

impl<K: Kind> Resources<K> {
    /// Them, and the names of those to work on.
    pub fn new(ctx: Ctx<K>, store: Store<K>) -> (Self, Names<K>) {
        let (queue, names) = Queue::new();
        let ctx = Arc::new(ctx);
        (Self { ctx, store, queue }, names)
    }

    /// One has something to look at.
    pub fn wake(&self, namespace: &str, name: &str) {
        self.queue.push(ObjectRef::new(name).within(namespace));
    }

    /// What one has made, or was made of, was changed by somebody: it is looked at whatever is remembered of it.
    pub fn look(&self, namespace: &str, name: &str) {
        let found = self.store.get(&ObjectRef::new(name).within(namespace));
        let Some(uid) = found.and_then(|object| object.uid()) else {
            return;
        };
        self.ctx.memories.ask(&uid);
        self.wake(namespace, name);
    }

    /// Those have for which an identity, or the labels of a namespace, decide.
    pub fn wake_of(&self, concerned: impl Fn(&str, Option<&IdentityRef>) -> bool) {
        for object in self.store.state() {
            let namespace = object.namespace().unwrap_or_default();
            if concerned(&namespace, object.said().identity_ref.as_ref()) {
                self.wake(&namespace, &object.name_any());
            }
        }
    }

    /// All have.
    pub fn wake_all(&self) {
        self.wake_of(|_, _| true);
    }

    /// One came, changed or went.
    pub fn tell(&self, event: &Event<K>) {
        match event {
            Event::Apply(object) | Event::InitApply(object) => {
                let namespace = object.namespace().unwrap_or_default();
                self.wake(&namespace, &object.name_any());
            }
            Event::Delete(object) => {
                let namespace = object.namespace().unwrap_or_default();
                let uid = object.uid().unwrap_or_default();
                self.ctx.gone(&namespace, &object.name_any(), &uid);
            }
            Event::Init | Event::InitDone => {}
        }
    }
}
