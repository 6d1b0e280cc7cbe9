//! What is watched, and who is told.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::{reflector, watcher};
use tokio::task::JoinSet;

use super::Operator;
use crate::azure_identity::valid::Identity;
use crate::azure_resource::engine::Kind;
use crate::data_lake_account::api::DataLakeAccount;
use crate::events::Events;
use crate::k8s::packed::Packed;
use crate::k8s::watch;
use crate::key_vault::api::KeyVault;
use crate::vault_secret_sync::api::VaultSecretSync;

/// Secrets of these types are never a target or a credential; leaving them out keeps the watch small in large clusters.
const NEVER_OURS: &str = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token,type!=bootstrap.kubernetes.io/token";
/// Every namespace has one of each, of the cluster's own making.
const NEVER_OURS_OF_MAPS: &str =
    "metadata.name!=kube-root-ca.crt,metadata.name!=openshift-service-ca.crt";
const SECRETS: &str = "watch of Secrets (metadata)";
const NAMESPACES: &str = "watch of Namespaces (metadata)";
const SYNCS: &str = "watch of VaultSecretSyncs";
pub(super) const IDENTITIES: &str = "watch of AzureIdentities";
pub(super) const CLUSTER_IDENTITIES: &str = "watch of ClusterAzureIdentities";
const KEY_VAULTS: &str = "watch of KeyVaults";
const ACCOUNTS: &str = "watch of DataLakeAccounts";
const CONFIG_MAPS: &str = "watch of ConfigMaps (metadata)";

pub(super) const WATCHES: [&str; 8] = [
    SECRETS,
    NAMESPACES,
    SYNCS,
    IDENTITIES,
    CLUSTER_IDENTITIES,
    KEY_VAULTS,
    ACCOUNTS,
    CONFIG_MAPS,
];

impl Operator {
    pub(super) fn watch_syncs(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        mut writer: reflector::store::Writer<Packed<VaultSecretSync>>,
    ) {
        let (events, store) = (Arc::clone(events), writer.as_reader());
        let stream = watch::watch(
            Api::<VaultSecretSync>::all(self.client.clone()),
            watcher::Config::default(),
        );
        self.follow(tasks, SYNCS, stream, move |event| {
            let event = event.modify(slim);
            writer.apply_watcher_event(&Packed::event(&event));
            events.sync(&event, &store);
        });
    }

    pub(super) fn watch_identities<I>(
        &self,
        tasks: &mut JoinSet<()>,
        what: &'static str,
        events: &Arc<Events>,
        mut writer: reflector::store::Writer<I>,
    ) where
        I: Identity + serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
    {
        let (events, store) = (Arc::clone(events), writer.as_reader());
        let stream = watch::watch(
            Api::<I>::all(self.client.clone()),
            watcher::Config::default(),
        );
        self.follow(tasks, what, stream, move |event| {
            let event = event.modify(slim);
            writer.apply_watcher_event(&event);
            events.identity(&event, &store);
        });
    }

    pub(super) fn watch_key_vaults(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        writer: reflector::store::Writer<KeyVault>,
    ) {
        let events = Arc::clone(events);
        self.watch_resources(
            tasks,
            (KEY_VAULTS, writer),
            Events::tells_news,
            move |event, news| events.key_vault(event, news),
        );
    }

    pub(super) fn watch_accounts(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        writer: reflector::store::Writer<DataLakeAccount>,
    ) {
        let events = Arc::clone(events);
        self.watch_resources(
            tasks,
            (ACCOUNTS, writer),
            |_, _| (),
            move |event, ()| events.account(event),
        );
    }

    /// Watches a kind of resource. What `before` makes of an event and of what the cache had until then goes to `then`, after the
    /// cache has it.
    fn watch_resources<K: Kind, N>(
        &self,
        tasks: &mut JoinSet<()>,
        (what, mut writer): (&'static str, reflector::store::Writer<K>),
        before: impl Fn(&watcher::Event<K>, &reflector::Store<K>) -> N + Send + 'static,
        then: impl Fn(&watcher::Event<K>, N) + Send + 'static,
    ) {
        let store = writer.as_reader();
        let stream = watch::watch(
            Api::<K>::all(self.client.clone()),
            watcher::Config::default(),
        );
        self.follow(tasks, what, stream, move |event| {
            let event = event.modify(slim);
            let made = before(&event, &store);
            writer.apply_watcher_event(&event);
            then(&event, made);
        });
    }

    pub(super) fn watch_namespaces(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        mut writer: reflector::store::Writer<PartialObjectMeta<Namespace>>,
    ) {
        let (events, store) = (Arc::clone(events), writer.as_reader());
        let api = Api::<PartialObjectMeta<Namespace>>::all(self.client.clone());
        self.follow(
            tasks,
            NAMESPACES,
            watch::watch(api, watcher::Config::default()),
            move |event| {
                let event = event.modify(slim);
                let relabelled = Events::relabelled(&event, &store);
                writer.apply_watcher_event(&event);
                events.namespace(&event, relabelled);
            },
        );
    }

    pub(super) fn watch_secrets(&self, tasks: &mut JoinSet<()>, events: &Arc<Events>) {
        let events = Arc::clone(events);
        let api = Api::<PartialObjectMeta<Secret>>::all(self.client.clone());
        let config = watcher::Config::default().fields(NEVER_OURS);
        self.follow(tasks, SECRETS, watch::watch(api, config), move |event| {
            events.secret(&event);
        });
    }

    /// ConfigMaps that files of accounts are made of, and those that are outputs. Nothing tells the former apart from others but the
    /// names in specs, so all are watched, and none is kept.
    pub(super) fn watch_config_maps(&self, tasks: &mut JoinSet<()>, events: &Arc<Events>) {
        let events = Arc::clone(events);
        let api = Api::<PartialObjectMeta<ConfigMap>>::all(self.client.clone());
        let config = watcher::Config::default().fields(NEVER_OURS_OF_MAPS);
        let stream = watch::watch(api, config);
        self.follow(tasks, CONFIG_MAPS, stream, move |event| {
            events.config_map(&event);
        });
    }

    fn follow<K: Send + 'static>(
        &self,
        tasks: &mut JoinSet<()>,
        what: &'static str,
        stream: impl futures::Stream<Item = watcher::Result<watcher::Event<K>>> + Send + 'static,
        on_event: impl FnMut(watcher::Event<K>) + Send + 'static,
    ) {
        tasks.spawn(watch::follow(
            what,
            stream,
            Arc::clone(&self.readiness),
            self.stop.clone(),
            on_event,
        ));
    }
}

/// Drops from a cached object what nobody reads.
fn slim<K: kube::Resource>(object: &mut K) {
    let meta = object.meta_mut();
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}
