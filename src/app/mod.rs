//! The composition root: the only place that builds clients, stores, watches and controllers.

mod args;
mod lead;
mod reach;
mod watches;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{self, ObjectRef, Store};
use tokio_util::sync::CancellationToken;
use tracing::info;

pub use self::args::RunArgs;
use self::lead::Leadership;
use self::reach::{Reach, stop_on_signals};
use self::watches::{CLUSTER_WATCHES, WATCHES, Writers};

use crate::azure::arm::client::Arm;
use crate::azure::auth::environment::Environment;
use crate::azure::http::Http;
use crate::azure::lake::client::Lakes;
use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity};
use crate::azure_identity::ask::Doors;
use crate::azure_identity::identities::{Identities, Stores};
use crate::azure_identity::reconcile as identity_reconcile;
use crate::azure_resource::engine::{self, Kind, Resources, Shared};
use crate::data_lake_account::api::DataLakeAccount;
use crate::data_lake_account::kind::{Ctx as AccountCtx, Own};
use crate::data_lake_account::links::Links as AccountLinks;
use crate::events::Events;
use crate::figures;
use crate::hub::want::Ticket;
use crate::hub::{Hub, Wake};
use crate::k8s::api::Kube;
use crate::k8s::controller::{self, Names, Queue};
use crate::k8s::overlay::Overlay;
use crate::k8s::packed::Packed;
use crate::k8s::ready::Readiness;
use crate::k8s::scope::Scope;
use crate::key_vault::api::KeyVault;
use crate::key_vault::kind::Ctx as KeyVaultCtx;
use crate::lease::fence::Fence;
use crate::telemetry::http::serve;
use crate::telemetry::metrics::Metrics;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::vault_secret_sync::ctx::Ctx as SyncCtx;
use crate::vault_secret_sync::errands::Errands;
use crate::vault_secret_sync::push::Pushes;
use crate::vault_secret_sync::reconcile as sync_reconcile;
use crate::vault_secret_sync::tokens::logins::Logins;
use crate::vault_secret_sync::vault_refs::Told;

/// Identities that are worked on at once.
const IDENTITY_CONCURRENCY: u16 = 16;
/// Resources of one kind that are worked on at once. What bounds them is the client of Resource Manager, for each subscription by
/// itself: so one that does not answer keeps none of the others waiting.
const RESOURCE_CONCURRENCY: u16 = 512;

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
    let scope = args.scope();
    let wide = scope.is_cluster().then_some(CLUSTER_WATCHES);
    for what in WATCHES.into_iter().chain(wide.into_iter().flatten()) {
        readiness.wait_for(what);
    }
    let fence = args.fence();
    let http = Http::new(&args.http(), metrics.clone())?.behind(fence.clone());
    let server = serve(args.http_address, metrics.clone(), Arc::clone(&readiness));
    let server = tokio::spawn(server);
    let reach = Reach::find(&args, &fence).await?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        namespace = reach.namespace,
        "Lakevault starts"
    );
    let leadership = reach.leadership(&fence, &metrics);
    let operator = Operator {
        client: reach.client,
        namespace: reach.namespace,
        instance: reach.instance,
        fence,
        http,
        metrics,
        readiness,
        scope,
        stop: stop.clone(),
    };
    tokio::select! {
        ended = operator.run(&args, leadership) => ended?,
        // The server ends on its own only where its address cannot be had.
        ended = server => ended.map_err(|error| error.to_string())??,
    }
    info!("Lakevault has stopped");
    Ok(())
}

struct Operator {
    client: Client,
    namespace: String,
    /// The name of this process in Events.
    instance: String,
    fence: Fence,
    http: Http,
    metrics: Metrics,
    readiness: Arc<Readiness>,
    scope: Scope,
    stop: CancellationToken,
}

/// What the loops read their names from.
struct Inbox {
    syncs: Names<Packed<VaultSecretSync>>,
    identities: Names<AzureIdentity>,
    cluster_identities: Names<ClusterAzureIdentity>,
}

impl Inbox {
    /// Waits until this process leads, and lets names go by until then. None where it is told to stop before.
    async fn stand_by(
        &mut self,
        (key_vaults, accounts): (&mut Names<KeyVault>, &mut Names<DataLakeAccount>),
        leadership: Leadership,
        stop: &CancellationToken,
    ) -> Option<Leadership> {
        let idle = async {
            tokio::join!(
                controller::idle(&mut self.syncs),
                controller::idle(&mut self.identities),
                controller::idle(&mut self.cluster_identities),
                controller::idle(key_vaults),
                controller::idle(accounts),
            );
            future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            term = leadership.begin(stop) => term,
            () = idle => None,
        }
    }
}

impl Operator {
    async fn run(self, args: &RunArgs, leadership: Leadership) -> Result<(), String> {
        if !self.kinds_are_known().await {
            return Ok(());
        }
        let kube = Kube::new(
            self.client.clone(),
            self.instance.clone(),
            self.metrics.clone(),
        );
        let kube = kube.behind(self.fence.clone());
        let (syncs, sync_writer) = reflector::store::<Packed<VaultSecretSync>>();
        let (identities, identity_writer) = reflector::store::<AzureIdentity>();
        let (cluster_identities, cluster_identity_writer) =
            reflector::store::<ClusterAzureIdentity>();
        let (key_vaults, key_vault_writer) = reflector::store::<KeyVault>();
        let (accounts, account_writer) = reflector::store::<DataLakeAccount>();
        let (namespaces, namespace_writer) = reflector::store::<PartialObjectMeta<Namespace>>();
        let stores = Stores {
            identities: identities.clone(),
            cluster_identities: cluster_identities.clone(),
            namespaces,
        };
        let lent = self.lent(&kube, stores);
        let (sync_queue, sync_names) = Queue::new();
        let sync_ctx = self.sync_ctx(args, &kube, &lent, (&sync_queue, key_vaults.clone()));
        let shared = self.shared(&kube, &lent);
        let account_ctx = self.account_ctx(shared.clone(), key_vaults.clone());
        let key_vault_ctx = KeyVaultCtx::new(shared, Arc::clone(&sync_ctx.links));
        let resources = (key_vaults.clone(), accounts.clone());
        self.count(&sync_ctx, syncs.clone(), resources);
        let (accounts, mut account_names) = Resources::new(account_ctx, accounts);
        let (key_vaults, mut key_vault_names) = Resources::new(key_vault_ctx, key_vaults);
        let (identity_queue, identity_names) = Queue::new();
        let (cluster_identity_queue, cluster_identity_names) = Queue::new();
        let events = Arc::new(Events {
            ctx: Arc::clone(&sync_ctx),
            syncs: sync_queue,
            identities: identity_queue,
            cluster_identities: cluster_identity_queue,
            key_vaults,
            accounts,
            listed: Mutex::default(),
        });
        // They end with this.
        let _watches = self.watch(
            &events,
            Writers {
                syncs: sync_writer,
                identities: identity_writer,
                cluster_identities: cluster_identity_writer,
                key_vaults: key_vault_writer,
                accounts: account_writer,
                namespaces: namespace_writer,
            },
        );
        // Before everything has been listed once, what is absent from a cache may exist.
        tokio::select! {
            () = self.readiness.all_done() => info!("Ready"),
            () = self.stop.cancelled() => return Ok(()),
        }
        let identity_ctx = Arc::new(identity_reconcile::Ctx {
            identities: lent,
            kube,
            metrics: self.metrics.clone(),
            failures: Mutex::default(),
        });
        let mut inbox = Inbox {
            syncs: sync_names,
            identities: identity_names,
            cluster_identities: cluster_identity_names,
        };
        let aside = (&mut key_vault_names, &mut account_names);
        let Some(term) = inbox.stand_by(aside, leadership, &self.stop).await else {
            return Ok(());
        };
        events.everybody();
        let vaults = self.keep(&events.key_vaults, key_vault_names);
        let accounts = self.keep(&events.accounts, account_names);
        let others = self.control(
            args,
            (inbox.syncs, inbox.identities, inbox.cluster_identities),
            sync_ctx,
            identity_ctx,
            (syncs, identities, cluster_identities),
        );
        let work = async {
            tokio::join!(vaults, accounts, others);
        };
        Box::pin(term.lead(work, &self.stop)).await
    }

    /// The identities that are served.
    fn lent(&self, kube: &Kube, stores: Stores) -> Arc<Identities> {
        let doors = Doors {
            kube: kube.clone(),
            http: self.http.clone(),
            environment: Arc::new(Environment::new(std::env::vars())),
            throttles: Arc::default(),
        };
        let identities = Identities::new(stores, doors, self.namespace.clone());
        Arc::new(if self.scope.is_cluster() {
            identities
        } else {
            identities.without_cluster()
        })
    }

    /// Keeps all resources of a kind as declared.
    async fn keep<K: Kind>(&self, all: &Resources<K>, names: Names<K>) {
        controller::run(
            all.store.clone(),
            names,
            RESOURCE_CONCURRENCY,
            Arc::clone(&all.ctx),
            engine::reconcile::<K>,
            self.stop.clone(),
        )
        .await;
    }

    /// What is counted when metrics are asked for.
    fn count(
        &self,
        ctx: &Arc<SyncCtx>,
        syncs: Store<Packed<VaultSecretSync>>,
        (key_vaults, accounts): (Store<KeyVault>, Store<DataLakeAccount>),
    ) {
        let of_vaults = figures::conditions(key_vaults, KeyVault::conditions);
        let of_accounts = figures::conditions(accounts, DataLakeAccount::conditions);
        let resources = vec![("KeyVault", of_vaults), ("DataLakeAccount", of_accounts)];
        let count = figures::counter(ctx, syncs, resources);
        self.metrics.figures().set(count);
    }

    /// What reconciling resources of Azure needs, whatever their kind.
    fn shared(&self, kube: &Kube, identities: &Arc<Identities>) -> Shared {
        Shared {
            arm: Arm::new(Arc::clone(identities), self.http.clone()),
            identities: Arc::clone(identities),
            http: self.http.clone(),
            kube: kube.clone(),
            metrics: self.metrics.clone(),
            epoch: uuid::Uuid::new_v4().to_string(),
        }
    }

    /// What reconciling accounts needs.
    fn account_ctx(&self, shared: Shared, key_vaults: Store<KeyVault>) -> AccountCtx {
        let identities = Arc::clone(&shared.identities);
        let own = Own {
            lakes: Lakes::new(identities, self.http.clone()),
            vaults: Box::new(move |namespace, name| {
                let found = key_vaults.get(&ObjectRef::new(name).within(namespace))?;
                Some(Told::of(&found))
            }),
            links: AccountLinks::default(),
        };
        AccountCtx::new(shared, own)
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
        (sync_names, identity_names, cluster_identity_names): (
            Names<Packed<VaultSecretSync>>,
            Names<AzureIdentity>,
            Names<ClusterAzureIdentity>,
        ),
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
                sync_names,
                args.concurrency,
                sync_ctx,
                sync_reconcile::reconcile,
                stop()
            ),
            controller::run(
                identities,
                identity_names,
                IDENTITY_CONCURRENCY,
                Arc::clone(&identity_ctx),
                identity_reconcile::reconcile,
                stop()
            ),
            controller::run(
                cluster_identities,
                cluster_identity_names,
                IDENTITY_CONCURRENCY,
                identity_ctx,
                identity_reconcile::reconcile,
                stop()
            ),
        );
    }
}
