//! The simulator as a whole: its parts, its start and its end.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::RwLock;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    Endpoints, Options, admin,
    entra::{federation::Issuers, sessions::Sessions, signing::Signer},
    managed_identity::{self, Machine},
    mint, ml_server,
    names::Names,
    resource_manager::Throttle,
    storage_lake::{delegation::Delegation, lake::Lake},
    wire::{
        call::Target,
        faults::Faults,
        holds::Holds,
        hosts::{HostsFile, replace_file},
        journal::Journal,
        recordings::Recordings,
        server::Listener,
        tls::{self, Authority},
    },
    world::{
        World, moment::Moment, settings::Settings, spec::Seed, stack::StackHost,
        storage_account::StorageService,
    },
};

/// How long open connections may take to end.
const STOP_TIME: Duration = Duration::from_secs(2);

/// What all parts share. No lock is held over an `await`.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) names: Names,
    pub(crate) world: RwLock<World>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) journal: Journal,
    pub(crate) signer: Signer,
    pub(crate) issuers: Issuers,
    pub(crate) sessions: Sessions,
    pub(crate) recordings: Recordings,
    pub(crate) machine: Machine,
    pub(crate) ml_sessions: ml_server::Sessions,
    pub(crate) delegation: Delegation,
    /// The CA's certificate; absent where TLS is.
    pub(crate) ca_file: PathBuf,
    hosts: HostsFile,
    /// Told when a name may have come, gone, or got another certificate.
    pub(crate) names_changed: watch::Sender<()>,
    /// When something comes due by itself.
    wake_at: watch::Sender<Option<Moment>>,
    pub(crate) throttle: Throttle,
    pub(crate) holds: Holds,
    pub(crate) stop: CancellationToken,
    pub(crate) connections: TaskTracker,
    last_connection: AtomicU64,
}

impl App {
    /// The simulator's clock.
    pub(crate) fn now(&self) -> Moment {
        Moment::now(self.world.read().skew_seconds)
    }

    pub(crate) fn settings(&self) -> Settings {
        self.world.read().settings
    }

    pub(crate) fn next_connection(&self) -> u64 {
        self.last_connection.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The service behind a host name: one of the simulator's own cloud, of a stack, or a server.
    pub(crate) fn target(&self, host: &str) -> Target {
        let own = self.names.target(host);
        if own != Target::Unknown {
            return own;
        }
        let world = self.world.read();
        match world.stack_host(host, &self.names.suffix) {
            Some((stack, StackHost::Management)) => Target::StackManagement(stack.region.clone()),
            Some((stack, StackHost::Adfs)) => Target::Adfs(stack.tenant_id.to_ascii_lowercase()),
            Some((_, StackHost::Vault(vault))) => Target::Vault(vault),
            None if world.ml_servers.contains_key(host) => Target::MlServer(host.to_owned()),
            None => Target::Unknown,
        }
    }

    /// Whether clients of this host are to lose their open connections, so that what a fault or a deletion did to the
    /// name shows at once.
    pub(crate) fn is_cut_off(&self, host: &str) -> bool {
        let gone = match self.target(host) {
            Target::Vault(vault) => {
                let now = self.now();
                let world = self.world.read();
                !world
                    .vault(&vault)
                    .is_some_and(|vault| vault.record.resolves(now))
            }
            Target::Storage(account, _) => {
                let now = self.now();
                let world = self.world.read();
                let account = world.storage_account(&account);
                !account.is_some_and(|account| account.resolves(now))
            }
            Target::LakeStore(store) => {
                let now = self.now();
                let world = self.world.read();
                !world
                    .lake_store(&store)
                    .is_some_and(|store| store.resolves(now))
            }
            Target::Login
            | Target::Management
            | Target::StackManagement(_)
            | Target::Adfs(_)
            | Target::MlServer(_)
            | Target::Machine(_)
            | Target::Unknown => false,
        };
        gone || self.faults.dns_failure(host)
            || self.faults.untrusted_certificate(host)
            || self.faults.refused_connection(host)
    }

    /// The files of an account that is there.
    pub(crate) fn lake(&self, account: &str) -> Arc<RwLock<Lake>> {
        let made = self.world.read().lake(account);
        made.unwrap_or_else(|| self.world.write().lake_made(account))
    }

    /// To be called after each change of vaults or faults.
    pub(crate) fn names_may_have_changed(&self) -> Result<(), String> {
        let refused = |host: &str| self.faults.refused_connection(host);
        let written = self.hosts.write(|| self.names_now(), refused);
        self.names_changed.send_replace(());
        written.map_err(|error| format!("cannot write {}: {error}", self.hosts.path().display()))
    }

    /// The names that have an address.
    fn names_now(&self) -> Vec<String> {
        let now = self.now();
        let world = self.world.read();
        let vaults = world.vaults.values();
        let vaults = vaults.filter(|vault| vault.record.resolves(now));
        let vaults = vaults.map(|vault| world.host_of_vault(&vault.spec, &self.names));
        let stacks = world.stacks.values();
        let stacks = stacks.flat_map(|stack| stack.fixed_hosts(&self.names.suffix));
        let names = self.names.logins().into_iter();
        let services = StorageService::SERVED;
        let accounts = world.storage_accounts.values();
        let accounts = accounts.filter(|account| account.resolves(now));
        let accounts =
            accounts.flat_map(|account| services.map(|service| account.host(service, &self.names)));
        let stores = world.lake_stores.values();
        let stores = stores.filter(|store| store.resolves(now));
        let stores = stores.map(|store| store.host(&self.names));
        names
            .chain([self.names.management()])
            .chain(accounts)
            .chain(stores)
            .chain(stacks)
            .chain(world.ml_servers.keys().cloned())
            .chain(vaults)
            .filter(|name| !self.faults.dns_failure(name))
            .collect()
    }

    /// Does what has come due by itself, and tells when the next is.
    pub(crate) fn settle(&self) -> Option<Moment> {
        let now = self.now();
        let mut world = self.world.write();
        world.settle(now);
        world.next_due
    }

    /// Does what has come due, and has what comes later done in its time.
    pub(crate) fn settle_in_time(&self) {
        let due = self.settle();
        self.tell_of_names();
        self.wake_at.send_if_modified(|wake| {
            let changed = *wake != due;
            *wake = due;
            changed
        });
    }

    /// As [`Self::names_may_have_changed`], where nobody waits for the answer.
    pub(crate) fn tell_of_names(&self) {
        if let Err(error) = self.names_may_have_changed() {
            tracing::warn!(%error, "the hosts file is behind");
        }
    }

    /// Does what comes due by itself, until the app stops.
    async fn wake_by_itself(self: Arc<Self>) {
        let mut wake = self.wake_at.subscribe();
        loop {
            let due = *wake.borrow_and_update();
            let sleep = async {
                match due {
                    // A clock that is moved tells of it; the bound is against one that runs away.
                    Some(due) => {
                        let millis = due.0.saturating_sub(self.now().0).clamp(0, 60_000);
                        tokio::time::sleep(Duration::from_millis(millis.unsigned_abs() + 1)).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                changed = wake.changed() => if changed.is_err() { return },
                () = sleep => self.settle_in_time(),
            }
        }
    }

    /// Merges a seed document into the world: all of it, or nothing when there is a mistake.
    pub(crate) fn seed(&self, mut seed: Seed) -> Result<(), String> {
        for issuer in &seed.issuers {
            self.issuers.put(issuer)?;
        }
        let skew = seed.clock.map(|clock| clock.skew_seconds);
        let now = skew.map_or_else(|| self.now(), Moment::now);
        mint::vaults(&mut seed.vaults, now)?;
        {
            let mut current = self.world.write();
            let mut world = current.clone();
            world.merge(seed, new_version_id, new_account_key, Moment::now)?;
            *current = world;
        }
        self.settle_in_time();
        self.names_may_have_changed()
    }
}

/// 32 hex digits, as Key Vault's versions have.
pub(crate) fn new_version_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A key of a storage account: 64 random bytes, base64.
pub(crate) fn new_account_key() -> String {
    STANDARD.encode(rand::random::<[u8; 64]>())
}

/// A running simulator.
#[derive(Debug)]
pub struct Simulator {
    app: Arc<App>,
    endpoints: Endpoints,
}

impl Simulator {
    /// Starts listening, seeds, and writes `endpoints.json`.
    pub async fn start(options: Options) -> Result<Self> {
        let dir = options.dir.as_path();
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let dir = std::path::absolute(dir)?;
        let seed = options.seed.as_deref().map(read_seed).transpose()?;
        let shared = Listener::bind(options.listen, None).await?;
        let mut own = Vec::new();
        for host in &options.listen_host {
            own.push((
                host.host.clone(),
                Listener::bind(host.address, Some(&host.host)).await?,
            ));
        }
        let admin = tokio::net::TcpListener::bind(options.admin)
            .await
            .with_context(|| format!("cannot listen on {}", options.admin))?;

        let (machine, machine_doors, machine_endpoints) =
            managed_identity::open(&options, &dir).await?;
        let own_addresses = own
            .iter()
            .map(|(host, listener)| Ok((host.clone(), listener.address()?)))
            .collect::<Result<HashMap<_, _>>>()?;
        let faults = Arc::new(Faults::default());
        let tls = (!options.plain_http)
            .then(|| {
                tls::server_config(
                    Authority::kept_in(&dir)?,
                    Arc::clone(&faults),
                    options.http1_only,
                )
            })
            .transpose()?
            .map(TlsAcceptor::from);
        let address = shared.address()?;
        let app = Arc::new(App {
            names: Names {
                scheme: if options.plain_http { "http" } else { "https" },
                suffix: options.suffix.to_ascii_lowercase(),
                set: options.names,
            },
            world: RwLock::default(),
            faults,
            journal: Journal::default(),
            signer: Signer::kept_in(&dir)?,
            issuers: Issuers::new()?,
            sessions: Sessions::default(),
            recordings: Recordings::default(),
            machine,
            ml_sessions: ml_server::Sessions::default(),
            delegation: Delegation::new(),
            ca_file: Authority::file(&dir),
            hosts: HostsFile::new(&dir, address, own_addresses)?,
            names_changed: watch::Sender::new(()),
            wake_at: watch::Sender::new(None),
            throttle: Throttle::default(),
            holds: Holds::default(),
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
            last_connection: AtomicU64::new(0),
        });
        app.seed(seed.unwrap_or_default())
            .map_err(anyhow::Error::msg)
            .context("the seed is refused")?;

        let addresses = (address, admin.local_addr()?);
        let endpoints = Endpoints::of(
            &app.names,
            &dir,
            addresses,
            machine_endpoints,
            app.hosts.path(),
        );
        for listener in own
            .into_iter()
            .map(|(_, listener)| listener)
            .chain([shared])
        {
            app.connections
                .spawn(listener.serve(Arc::clone(&app), tls.clone()));
        }
        app.connections.spawn(Arc::clone(&app).wake_by_itself());
        for (listener, tls) in machine_doors {
            app.connections.spawn(listener.serve(Arc::clone(&app), tls));
        }
        app.connections.spawn(admin::serve(Arc::clone(&app), admin));
        replace_file(
            &dir.join("endpoints.json"),
            &serde_json::to_vec(&endpoints)?,
        )?;
        Ok(Self { app, endpoints })
    }

    /// Where it is.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Ends all connections and listeners, within seconds.
    pub async fn stop(self) {
        self.app.stop.cancel();
        self.app.connections.close();
        if tokio::time::timeout(STOP_TIME, self.app.connections.wait())
            .await
            .is_err()
        {
            tracing::warn!("some connections did not end in time");
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.app.stop.cancel();
    }
}

fn read_seed(path: &Path) -> Result<Seed> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    // JSON is read as YAML, of which it is a part. A snippet in an error would show the secrets around the mistake.
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(&text, options)
        .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}
