//! What reconciling syncs needs, and what is remembered between two reconciles of one sync.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Resource, ResourceExt};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::azure_identity::identities::Identities;
use crate::hub::want::{Caller, Ticket};
use crate::hub::{Hub, Outcome, Wake};
use crate::k8s::api::Kube;
use crate::k8s::overlay::{Overlay, Seen};
use crate::k8s::packed::Packed;
use crate::key_vault::api::KeyVault;
use crate::telemetry::metrics::Metrics;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::vault_secret_sync::due::Memory;
use crate::vault_secret_sync::errands::Errands;
use crate::vault_secret_sync::items::item::TokenOf;
use crate::vault_secret_sync::links::Links;
use crate::vault_secret_sync::observe::Secrets;
use crate::vault_secret_sync::push::Pushes;
use crate::vault_secret_sync::rollout::pace::Pace;
use crate::vault_secret_sync::tokens::logins::Logins;
use crate::vault_secret_sync::vault_refs::Told;

/// How often alarms are looked at.
const TICK: Duration = Duration::from_mins(1);

/// The syncs that there are.
pub type Cached = Store<Packed<VaultSecretSync>>;

/// The KeyVaults that there are.
pub type KeyVaults = Store<KeyVault>;

/// What reconciling syncs needs.
pub struct Ctx {
    /// The door to the API server.
    pub kube: Kube,
    /// The door to vaults.
    pub hub: Hub,
    /// How often a status is written because its times alone have changed, at most.
    pub heartbeat: Option<Duration>,
    /// Tells a sync to look.
    pub wake: Wake,
    /// Tokens that are being asked for.
    pub errands: Errands<BTreeMap<TokenOf, Outcome>>,
    /// Logins at Machine Learning Servers.
    pub logins: Logins,
    /// Values that are written to vaults.
    pub pushes: Pushes,
    /// The identities.
    pub identities: Arc<Identities>,
    /// Who has to do with whom.
    pub links: Arc<Links>,
    /// KeyVaults, which syncs may name.
    pub key_vaults: KeyVaults,
    /// Metadata of Secrets.
    pub secrets: Arc<Secrets>,
    /// Syncs as our own writes returned them.
    pub written: Overlay<Arc<VaultSecretSync>>,
    /// What is remembered of each sync, by uid.
    pub memories: Mutex<BTreeMap<String, Box<Memory>>>,
    /// Steps in a row that failed in Kubernetes, by uid.
    pub stumbles: Mutex<BTreeMap<String, u32>>,
    /// When unfinished rollouts are looked at again, by uid.
    pub paces: Mutex<BTreeMap<String, Pace>>,
    /// Metrics.
    pub metrics: Metrics,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Namespace, name, uid and resourceVersion of a sync.
fn identified<T>(sync: &VaultSecretSync, with: impl FnOnce(Seen<'_>) -> T) -> T {
    let meta = &sync.metadata;
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
    /// The sync as the cache has it, or as our own write returned it where that is newer.
    pub fn newest(&self, sync: Arc<VaultSecretSync>) -> Arc<VaultSecretSync> {
        identified(&sync, |seen| self.written.newer(seen)).unwrap_or(sync)
    }

    /// Takes over what a write of ours returned.
    pub fn wrote(&self, mut sync: VaultSecretSync) -> Arc<VaultSecretSync> {
        sync.metadata.managed_fields = None;
        let sync = Arc::new(sync);
        identified(&sync, |seen| self.written.put(seen, Arc::clone(&sync)));
        sync
    }

    /// The cache has a sync. What we wrote is dropped as soon as it has caught up, and not when the sync has its next turn:
    /// after a burst that may be thousands later.
    pub fn cached(&self, sync: &VaultSecretSync) {
        drop(identified(sync, |seen| self.written.newer(seen)));
    }

    /// What a KeyVault tells those who name it, if it is there.
    pub fn told(&self, namespace: &str, key_vault: &str) -> Option<Told> {
        let named = ObjectRef::new(key_vault).within(namespace);
        self.key_vaults.get(&named).map(|found| Told::of(&found))
    }

    /// What is remembered of a sync.
    pub fn recall(&self, uid: &str) -> Memory {
        let memories = lock(&self.memories);
        memories
            .get(uid)
            .map(|memory| Memory::clone(memory))
            .unwrap_or_default()
    }

    /// Remembers something of a sync until its next reconcile.
    pub fn note(&self, uid: &str, memory: Memory) {
        lock(&self.memories).insert(uid.to_owned(), Box::new(memory));
    }

    /// Notes when to come back to a sync, where that is later than the queue is to know.
    pub fn set_alarm(&self, uid: &str, alarm: Option<Timestamp>) {
        let mut memories = lock(&self.memories);
        if alarm.is_some() {
            memories.entry(uid.to_owned()).or_default().alarm = alarm;
        } else if let Some(memory) = memories.get_mut(uid) {
            memory.alarm = None;
        }
    }

    /// Wakes syncs whose alarm has gone off, until `stop`.
    pub async fn wake_late(self: Arc<Self>, syncs: Cached, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = stop.cancelled() => return,
            }
            let now = Timestamp::now();
            for sync in syncs.state() {
                let uid = sync.meta().uid.as_deref().unwrap_or_default();
                let alarm = lock(&self.memories)
                    .get(uid)
                    .and_then(|memory| memory.alarm);
                if alarm.is_some_and(|alarm| alarm <= now) {
                    (self.wake)(&Ticket::new(Caller {
                        uid: uid.to_owned(),
                        namespace: sync.namespace().unwrap_or_default(),
                        name: sync.name_any(),
                    }));
                }
            }
        }
    }

    /// Remembers a reconcile that came to its end.
    pub fn remember(&self, uid: &str, memory: Memory) {
        self.note(uid, memory);
        lock(&self.stumbles).remove(uid);
    }

    /// What is remembered of a sync's rollouts.
    pub fn pace(&self, uid: &str) -> Pace {
        lock(&self.paces).get(uid).cloned().unwrap_or_default()
    }

    /// Remembers when unfinished rollouts are looked at again.
    pub fn set_pace(&self, uid: &str, pace: Pace) {
        if pace.next.is_some() {
            lock(&self.paces).insert(uid.to_owned(), pace);
        } else {
            lock(&self.paces).remove(uid);
        }
    }

    /// Counts a failure in Kubernetes; how many it makes in a row.
    pub fn stumbled(&self, uid: &str) -> u32 {
        let mut stumbles = lock(&self.stumbles);
        let count = stumbles.entry(uid.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// Forgets what was remembered, and wants nothing of any vault: the next reconcile begins anew.
    pub fn forget(&self, sync: &VaultSecretSync) {
        let uid = sync.metadata.uid.as_deref().unwrap_or_default();
        let ticket = Ticket::new(Caller {
            uid: uid.to_owned(),
            namespace: sync.namespace().unwrap_or_default(),
            name: sync.name_any(),
        });
        self.hub.forget(&ticket);
        self.errands.forget(&ticket);
        lock(&self.memories).remove(uid);
        lock(&self.stumbles).remove(uid);
        lock(&self.paces).remove(uid);
    }

    /// Ends the logins of a sync that goes.
    pub fn log_out(&self, sync: &VaultSecretSync) {
        let uid = sync.metadata.uid.as_deref().unwrap_or_default();
        self.logins.keep(uid, std::iter::empty());
    }

    /// A sync is gone for good: nothing of it is kept.
    pub fn gone(&self, sync: &VaultSecretSync) {
        self.forget(sync);
        self.log_out(sync);
        self.pushes
            .forget(sync.metadata.uid.as_deref().unwrap_or_default());
        self.written.forget(
            &sync.namespace().unwrap_or_default(),
            &sync.name_any(),
            &sync.uid().unwrap_or_default(),
        );
    }
}
