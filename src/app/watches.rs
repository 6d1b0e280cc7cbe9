//! What is watched, and who is told.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::store::Writer;
use kube::runtime::{reflector, watcher};
use tokio::task::JoinSet;

use super::Operator;
use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity};
use crate::azure_identity::valid::Identity;
use crate::azure_resource::engine::Kind;
use crate::data_lake_account;
use crate::data_lake_account::api::DataLakeAccount;
use crate::events::Events;
use crate::k8s::crds;
use crate::k8s::packed::Packed;
use crate::k8s::watch;
use crate::key_vault;
use crate::key_vault::api::KeyVault;
use crate::vault_secret_sync;
use crate::vault_secret_sync::api::VaultSecretSync;

/// Secrets of these types are never a target or a credential; leaving them out keeps the watch small in large clusters.
const NEVER_OURS: &str = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token,type!=bootstrap.kubernetes.io/token";
/// Group and version of our kinds.
const GROUP_VERSION: &str = "lakevault.dev/v1alpha1";
/// Every namespace has one of each, of the cluster's own making.
const NEVER_OURS_OF_MAPS: &str =
    "metadata.name!=kube-root-ca.crt,metadata.name!=openshift-service-ca.crt";
const SECRETS: &str = "watch of Secrets (metadata)";
const NAMESPACES: &str = "watch of Namespaces (metadata)";
const SYNCS: &str = "watch of VaultSecretSyncs";
const IDENTITIES: &str = "watch of AzureIdentities";
const CLUSTER_IDENTITIES: &str = "watch of ClusterAzureIdentities";
const KEY_VAULTS: &str = "watch of KeyVaults";
const ACCOUNTS: &str = "watch of DataLakeAccounts";
const CONFIG_MAPS: &str = "watch of ConfigMaps (metadata)";

/// What is in no namespace; left alone where only some namespaces are served.
pub(super) const CLUSTER_WATCHES: [&str; 2] = [NAMESPACES, CLUSTER_IDENTITIES];
pub(super) const WATCHES: [&str; 6] = [
    SECRETS,
    SYNCS,
    IDENTITIES,
    KEY_VAULTS,
    ACCOUNTS,
    CONFIG_MAPS,
];

/// Where what is watched is kept.
pub(super) struct Writers {
    pub(super) syncs: Writer<Packed<VaultSecretSync>>,
    pub(super) identities: Writer<AzureIdentity>,
    pub(super) cluster_identities: Writer<ClusterAzureIdentity>,
    pub(super) key_vaults: Writer<KeyVault>,
    pub(super) accounts: Writer<DataLakeAccount>,
    pub(super) namespaces: Writer<PartialObjectMeta<Namespace>>,
}

impl Operator {
    /// Waits until the API server knows our kinds. Gives back false where the process is told to stop before.
    pub(super) async fn kinds_are_known(&self) -> bool {
        let plurals = [
            AzureIdentity::PLURAL,
            ClusterAzureIdentity::PLURAL,
            data_lake_account::PLURAL,
            key_vault::PLURAL,
            vault_secret_sync::PLURAL,
        ];
        let (client, readiness) = (&self.client, &self.readiness);
        crds::wait_for(client, GROUP_VERSION, &plurals, readiness, &self.stop).await
    }

    /// Watches everything.
    pub(super) fn watch(&self, events: &Arc<Events>, writers: Writers) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        self.watch_syncs(&mut tasks, events, writers.syncs);
        self.watch_identities(&mut tasks, events, writers.identities);
        self.watch_key_vaults(&mut tasks, events, writers.key_vaults);
        self.watch_accounts(&mut tasks, events, writers.accounts);
        if self.scope.is_cluster() {
            self.watch_cluster_identities(&mut tasks, events, writers.cluster_identities);
            self.watch_namespaces(&mut tasks, events, writers.namespaces);
        }
        self.watch_secrets(&mut tasks, events);
        self.watch_config_maps(&mut tasks, events);
        tasks
    }

    fn watch_syncs(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        mut writer: Writer<Packed<VaultSecretSync>>,
    ) {
        let (events, store) = (Arc::clone(events), writer.as_reader());
        let stream = self
            .scope
            .watch::<VaultSecretSync>(&self.client, &watcher::Config::default());
        self.follow(tasks, SYNCS, stream, move |event| {
            let event = event.modify(slim);
            writer.apply_watcher_event(&Packed::event(&event));
            events.sync(&event, &store);
        });
    }

    fn watch_identities(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        writer: Writer<AzureIdentity>,
    ) {
        let stream = self.scope.watch(&self.client, &watcher::Config::default());
        self.follow_identities((tasks, IDENTITIES), stream, events, writer);
    }

    fn watch_cluster_identities(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        writer: Writer<ClusterAzureIdentity>,
    ) {
        let all = Api::<ClusterAzureIdentity>::all(self.client.clone());
        let stream = watch::watch(all, watcher::Config::default());
        self.follow_identities((tasks, CLUSTER_IDENTITIES), stream, events, writer);
    }

    fn follow_identities<I: Identity + Send + Sync + 'static>(
        &self,
        (tasks, what): (&mut JoinSet<()>, &'static str),
        stream: impl futures::Stream<Item = watcher::Result<watcher::Event<I>>> + Send + 'static,
        events: &Arc<Events>,
        mut writer: Writer<I>,
    ) {
        let (events, store) = (Arc::clone(events), writer.as_reader());
        self.follow(tasks, what, stream, move |event| {
            let event = event.modify(slim);
            writer.apply_watcher_event(&event);
            events.identity(&event, &store);
        });
    }

    fn watch_key_vaults(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        writer: Writer<KeyVault>,
    ) {
        let events = Arc::clone(events);
        self.watch_resources(
            tasks,
            (KEY_VAULTS, writer),
            Events::tells_news,
            move |event, news| events.key_vault(event, news),
        );
    }

    fn watch_accounts(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        writer: Writer<DataLakeAccount>,
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
        (what, mut writer): (&'static str, Writer<K>),
        before: impl Fn(&watcher::Event<K>, &reflector::Store<K>) -> N + Send + 'static,
        then: impl Fn(&watcher::Event<K>, N) + Send + 'static,
    ) {
        let store = writer.as_reader();
        let stream = self
            .scope
            .watch::<K>(&self.client, &watcher::Config::default());
        self.follow(tasks, what, stream, move |event| {
            let event = event.modify(slim);
            let made = before(&event, &store);
            writer.apply_watcher_event(&event);
            then(&event, made);
        });
    }

    fn watch_namespaces(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        mut writer: Writer<PartialObjectMeta<Namespace>>,
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

    fn watch_secrets(&self, tasks: &mut JoinSet<()>, events: &Arc<Events>) {
        let events = Arc::clone(events);
        let config = watcher::Config::default().fields(NEVER_OURS);
        let stream = self
            .scope
            .watch::<PartialObjectMeta<Secret>>(&self.client, &config);
        self.follow(tasks, SECRETS, stream, move |event| {
            events.secret(&event);
        });
    }

    /// ConfigMaps that files of accounts are made of, and those that are outputs. Nothing tells the former apart from others but the
    /// names in specs, so all are watched, and none is kept.
    fn watch_config_maps(&self, tasks: &mut JoinSet<()>, events: &Arc<Events>) {
        let events = Arc::clone(events);
        let config = watcher::Config::default().fields(NEVER_OURS_OF_MAPS);
        let stream = self
            .scope
            .watch::<PartialObjectMeta<ConfigMap>>(&self.client, &config);
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
