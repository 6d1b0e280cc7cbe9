//! The composition root: the only place that builds clients, stores, watches and controllers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher;
use kube::{Api, Client, Config};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::azure::auth::environment::Environment;
use crate::azure::http::{Http, HttpOptions};
use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity};
use crate::azure_identity::ask::Doors;
use crate::azure_identity::identities::{Identities, Stores};
use crate::azure_identity::reconcile as identity_reconcile;
use crate::azure_identity::valid::Identity;
use crate::events::Events;
use crate::figures;
use crate::hub::session::Limits;
use crate::hub::want::Ticket;
use crate::hub::{Hub, Wake};
use crate::k8s::api::Kube;
use crate::k8s::controller::{self, Names, Queue};
use crate::k8s::overlay::Overlay;
use crate::k8s::packed::Packed;
use crate::k8s::ready::Readiness;
use crate::k8s::{crds, watch};
use crate::key_vault::{self, api::KeyVault};
use crate::telemetry::http::serve;
use crate::telemetry::logs::LogFormat;
use crate::telemetry::metrics::Metrics;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::vault_secret_sync::ctx::Ctx as SyncCtx;
use crate::vault_secret_sync::errands::Errands;
use crate::vault_secret_sync::push::Pushes;
use crate::vault_secret_sync::tokens::logins::Logins;
use crate::vault_secret_sync::{self as sync, reconcile as sync_reconcile};

/// Group and version of our kinds.
const GROUP_VERSION: &str = "lakevault.dev/v1alpha1";
/// Identities that are worked on at once.
const IDENTITY_CONCURRENCY: u16 = 16;
/// Secrets of these types are never a target or a credential; leaving them out keeps the watch small in large clusters.
const NEVER_OURS: &str = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token,type!=bootstrap.kubernetes.io/token";

const SECRETS: &str = "watch of Secrets (metadata)";
const NAMESPACES: &str = "watch of Namespaces (metadata)";
const SYNCS: &str = "watch of VaultSecretSyncs";
const IDENTITIES: &str = "watch of AzureIdentities";
const CLUSTER_IDENTITIES: &str = "watch of ClusterAzureIdentities";
const KEY_VAULTS: &str = "watch of KeyVaults";
const WATCHES: [&str; 6] = [
    SECRETS,
    NAMESPACES,
    SYNCS,
    IDENTITIES,
    CLUSTER_IDENTITIES,
    KEY_VAULTS,
];

/// How the operator runs.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, env = "LAKEVAULT_HTTP_ADDRESS", default_value = "0.0.0.0:8080")]
    pub http_address: SocketAddr,

    /// The operator's own namespace: credentials of `ClusterAzureIdentities` live there. Default: that of the pod.
    #[arg(long, env = "LAKEVAULT_NAMESPACE")]
    pub namespace: Option<String>,

    /// Format of the log.
    #[arg(long, env = "LAKEVAULT_LOG_FORMAT", value_enum, default_value = "json")]
    pub log_format: LogFormat,

    /// Level of the log, or a filter such as info,lakevault=debug.
    #[arg(long, env = "LAKEVAULT_LOG_LEVEL", default_value = "info")]
    pub log_level: String,

    /// A PEM file with root certificates to trust besides the system's.
    #[arg(long, env = "LAKEVAULT_CA_FILE")]
    pub ca_file: Option<PathBuf>,

    /// A file like /etc/hosts for Azure's names, where an address may carry a port. Names in it are not looked up elsewhere.
    #[arg(long, env = "LAKEVAULT_HOSTS_FILE")]
    pub hosts_file: Option<PathBuf>,

    /// Requests that are under way at once between one identity and one vault.
    #[arg(long, env = "LAKEVAULT_VAULT_CONCURRENCY", default_value_t = 32)]
    pub vault_concurrency: usize,

    /// Requests that one identity may send one vault in a burst. Azure lets a vault have 4,000 in 10 seconds from everybody.
    #[arg(long, env = "LAKEVAULT_VAULT_BURST", default_value_t = 3000)]
    pub vault_burst: u32,

    /// Requests a second that one identity may send one vault after a burst.
    #[arg(long, env = "LAKEVAULT_VAULT_RATE", default_value_t = 100)]
    pub vault_rate: u32,

    /// How often a status is written because its times alone have changed, at most. 0s: never.
    #[arg(long, env = "LAKEVAULT_STATUS_HEARTBEAT", default_value = "1h")]
    pub status_heartbeat: kube::core::Duration,

    /// Syncs that are worked on at once.
    #[arg(long, env = "LAKEVAULT_CONCURRENCY", default_value_t = 64)]
    pub concurrency: u16,
}

impl RunArgs {
    /// How Azure is reached.
    pub fn http(&self) -> HttpOptions {
        HttpOptions {
            ca_file: self.ca_file.clone(),
            hosts_file: self.hosts_file.clone(),
        }
    }
}

/// Runs the operator until SIGTERM or SIGINT.
pub async fn run(args: RunArgs) -> Result<(), String> {
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        return Err("another TLS provider is installed already".to_owned());
    }
    let stop = CancellationToken::new();
    stop_on_signals(&stop)?;
    let metrics = Metrics::default();
    let readiness = Arc::new(Readiness::default());
    for what in WATCHES {
        readiness.wait_for(what);
    }
    let http = Http::new(&args.http(), metrics.clone())?;
    let server = tokio::spawn(serve(
        args.http_address,
        metrics.clone(),
        Arc::clone(&readiness),
        stop.clone(),
    ));
    let (client, namespace) = connect(args.namespace.clone()).await?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        namespace, "Lakevault starts"
    );
    let operator = Operator {
        client,
        namespace,
        http,
        metrics,
        readiness,
        stop: stop.clone(),
    };
    tokio::select! {
        () = operator.run(&args) => {}
        // The server ends on its own only where its address cannot be had.
        ended = server => ended.map_err(|error| error.to_string())??,
    }
    info!("Lakevault has stopped");
    Ok(())
}

fn stop_on_signals(stop: &CancellationToken) -> Result<(), String> {
    let named = |error: std::io::Error| format!("failed to listen for signals: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(named)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(named)?;
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => info!("SIGTERM"),
            _ = interrupt.recv() => info!("SIGINT"),
        }
        stop.cancel();
    });
    Ok(())
}

/// A client without hidden retries, and the operator's own namespace.
async fn connect(namespace: Option<String>) -> Result<(Client, String), String> {
    let mut config = Config::infer()
        .await
        .map_err(|error| format!("failed to find a cluster: {error}"))?;
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(5));
    let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config)
        .map_err(|error| format!("failed to build the Kubernetes client: {error}"))?;
    Ok((client, namespace))
}

impl RunArgs {
    /// What a session with a vault may take.
    fn limits(&self) -> Limits {
        Limits {
            concurrency: self.vault_concurrency,
            burst: self.vault_burst,
            rate: self.vault_rate,
        }
    }
}

struct Operator {
    client: Client,
    namespace: String,
    http: Http,
    metrics: Metrics,
    readiness: Arc<Readiness>,
    stop: CancellationToken,
}

/// What the loops read their names from.
struct Inbox {
    syncs: Names<Packed<VaultSecretSync>>,
    identities: Names<AzureIdentity>,
    cluster_identities: Names<ClusterAzureIdentity>,
}

impl Operator {
    async fn run(self, args: &RunArgs) {
        let plurals = [
            AzureIdentity::PLURAL,
            ClusterAzureIdentity::PLURAL,
            key_vault::PLURAL,
            sync::PLURAL,
        ];
        if !crds::wait_for(
            &self.client,
            GROUP_VERSION,
            &plurals,
            &self.readiness,
            &self.stop,
        )
        .await
        {
            return;
        }
        let instance = std::env::var("HOSTNAME").unwrap_or_else(|_| "lakevault".to_owned());
        let kube = Kube::new(self.client.clone(), instance, self.metrics.clone());
        let (syncs, sync_writer) = reflector::store::<Packed<VaultSecretSync>>();
        let (identities, identity_writer) = reflector::store::<AzureIdentity>();
        let (cluster_identities, cluster_identity_writer) =
            reflector::store::<ClusterAzureIdentity>();
        let (key_vaults, key_vault_writer) = reflector::store::<KeyVault>();
        let (namespaces, namespace_writer) = reflector::store::<PartialObjectMeta<Namespace>>();
        let stores = Stores {
            identities: identities.clone(),
            cluster_identities: cluster_identities.clone(),
            namespaces,
        };
        let doors = Doors {
            kube: kube.clone(),
            http: self.http.clone(),
            environment: Arc::new(Environment::new(std::env::vars())),
            throttles: Arc::default(),
        };
        let lent = Arc::new(Identities::new(stores, doors, self.namespace.clone()));
        let (sync_queue, sync_names) = Queue::new();
        let sync_ctx = self.sync_ctx(args, &kube, &lent, (&sync_queue, key_vaults));
        let count = figures::counter(&sync_ctx, syncs.clone());
        self.metrics.figures().set(count);
        let (identity_queue, identity_names) = Queue::new();
        let (cluster_identity_queue, cluster_identity_names) = Queue::new();
        let (key_vault_queue, _) = Queue::new();
        let events = Arc::new(Events {
            ctx: Arc::clone(&sync_ctx),
            syncs: sync_queue,
            identities: identity_queue,
            cluster_identities: cluster_identity_queue,
            key_vaults: key_vault_queue,
            listed: Mutex::default(),
        });
        let mut watches = JoinSet::new();
        self.watch_syncs(&mut watches, &events, sync_writer);
        self.watch_identities::<AzureIdentity>(&mut watches, IDENTITIES, &events, identity_writer);
        self.watch_identities::<ClusterAzureIdentity>(
            &mut watches,
            CLUSTER_IDENTITIES,
            &events,
            cluster_identity_writer,
        );
        self.watch_key_vaults(&mut watches, &events, key_vault_writer);
        self.watch_namespaces(&mut watches, &events, namespace_writer);
        self.watch_secrets(&mut watches, &events);
        // Before everything has been listed once, what is absent from a cache may exist.
        tokio::select! {
            () = self.readiness.all_done() => info!("Ready"),
            () = self.stop.cancelled() => return,
        }
        let identity_ctx = Arc::new(identity_reconcile::Ctx {
            identities: lent,
            kube,
            metrics: self.metrics.clone(),
            failures: Mutex::default(),
        });
        let inbox = Inbox {
            syncs: sync_names,
            identities: identity_names,
            cluster_identities: cluster_identity_names,
        };
        self.control(
            args,
            inbox,
            sync_ctx,
            identity_ctx,
            (syncs, identities, cluster_identities),
        )
        .await;
    }

    /// What reconciling syncs needs.
    fn sync_ctx(
        &self,
        args: &RunArgs,
        kube: &Kube,
        identities: &Arc<Identities>,
        (queue, key_vaults): (&Queue<Packed<VaultSecretSync>>, Store<KeyVault>),
    ) -> Arc<SyncCtx> {
        let wake: Wake = {
            let queue = queue.clone();
            Arc::new(move |caller: &Ticket| {
                queue.answer(ObjectRef::new(&caller.name).within(&caller.namespace));
            })
        };
        let http = || self.http.clone();
        Arc::new(SyncCtx {
            pushes: Pushes::new(
                Arc::clone(identities),
                kube.clone(),
                http(),
                Arc::clone(&wake),
            ),
            hub: Hub::new(
                Arc::clone(identities),
                http(),
                args.limits(),
                Arc::clone(&wake),
            ),
            heartbeat: Some(args.status_heartbeat.into())
                .filter(|pause: &Duration| !pause.is_zero()),
            errands: Errands::new(Arc::clone(&wake)),
            wake,
            logins: Logins::new(http()),
            identities: Arc::clone(identities),
            links: Arc::default(),
            key_vaults,
            secrets: Arc::default(),
            written: Overlay::default(),
            memories: Mutex::default(),
            stumbles: Mutex::default(),
            paces: Mutex::default(),
            metrics: self.metrics.clone(),
            kube: kube.clone(),
        })
    }

    async fn control(
        &self,
        args: &RunArgs,
        inbox: Inbox,
        sync_ctx: Arc<SyncCtx>,
        identity_ctx: Arc<identity_reconcile::Ctx>,
        (syncs, identities, cluster_identities): (
            Store<Packed<VaultSecretSync>>,
            Store<AzureIdentity>,
            Store<ClusterAzureIdentity>,
        ),
    ) {
        let stop = || self.stop.clone();
        let late = syncs.clone();
        tokio::join!(
            Arc::clone(&sync_ctx).wake_late(late, stop()),
            controller::run(
                syncs,
                inbox.syncs,
                args.concurrency,
                sync_ctx,
                sync_reconcile::reconcile,
                stop()
            ),
            controller::run(
                identities,
                inbox.identities,
                IDENTITY_CONCURRENCY,
                Arc::clone(&identity_ctx),
                identity_reconcile::reconcile,
                stop()
            ),
            controller::run(
                cluster_identities,
                inbox.cluster_identities,
                IDENTITY_CONCURRENCY,
                identity_ctx,
                identity_reconcile::reconcile,
                stop()
            ),
        );
    }

    fn watch_syncs(
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

    fn watch_identities<I>(
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

    fn watch_key_vaults(
        &self,
        tasks: &mut JoinSet<()>,
        events: &Arc<Events>,
        mut writer: reflector::store::Writer<KeyVault>,
    ) {
        let (events, store) = (Arc::clone(events), writer.as_reader());
        let stream = watch::watch(
            Api::<KeyVault>::all(self.client.clone()),
            watcher::Config::default(),
        );
        self.follow(tasks, KEY_VAULTS, stream, move |event| {
            let event = event.modify(slim);
            let news = Events::tells_news(&event, &store);
            writer.apply_watcher_event(&event);
            events.key_vault(&event, news, &store);
        });
    }

    fn watch_namespaces(
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

    fn watch_secrets(&self, tasks: &mut JoinSet<()>, events: &Arc<Events>) {
        let events = Arc::clone(events);
        let api = Api::<PartialObjectMeta<Secret>>::all(self.client.clone());
        let config = watcher::Config::default().fields(NEVER_OURS);
        self.follow(tasks, SECRETS, watch::watch(api, config), move |event| {
            events.secret(&event);
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
