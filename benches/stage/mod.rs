//! What each scenario runs on: a fresh control plane, a fresh simulator, an operator, and the user who creates syncs.

pub mod bare;
pub mod count;
pub mod estate;
pub mod journal;
pub mod lakes;
pub mod load;
mod subject;
mod watch;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DynamicObject, ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use lakevault::azure_identity::api::AzureIdentity;
use lakevault::vault_secret_sync::api::VaultSecretSync;
use serde_json::json;
use testbed::{ControlPlane, ControlPlaneOptions, Scratch, Simulator, binaries, operator};

use self::load::{CLIENT, CLIENT_SECRET, CREDENTIAL, Load, NAMESPACE, TENANT, key, name, value};
pub use self::subject::Subject;
use crate::settings::{Other, Settings};

/// Syncs that the user creates at once.
pub const CREATES: usize = 16;

/// Everything but the operator.
pub struct Stage {
    pub load: Load,
    pub control_plane: ControlPlane,
    pub simulator: Simulator,
    pub client: Client,
    /// The operator that is measured, where it is another one.
    other: Option<Other>,
    /// The kind of its syncs.
    kind: ApiResource,
    template: String,
    /// Last: the folder goes when the processes have ended.
    pub scratch: Scratch,
}

impl Stage {
    /// A stage for the operator that is to be measured.
    pub async fn new(settings: &Settings, load: Load) -> Result<Self> {
        let mut stage = Self::empty(load, &subject::audit_groups(settings, &load)?).await?;
        if let Some(other) = settings.other() {
            subject::furnish(&mut stage, other).await?;
        }
        stage.create_credential().await?;
        Ok(stage)
    }

    /// A stage for programs that are no operators.
    pub async fn bare(load: Load) -> Result<Self> {
        let stage = Self::empty(load, &[]).await?;
        stage.create_credential().await?;
        Ok(stage)
    }

    async fn empty(load: Load, audit_groups: &[String]) -> Result<Self> {
        let scratch = Scratch::new("bench")?;
        let root = binaries::repository();
        let options = ControlPlaneOptions {
            crds: vec![root.join("crds")],
            audit_groups: audit_groups.to_vec(),
            ..ControlPlaneOptions::default()
        };
        let control_plane = ControlPlane::start(scratch.path(), options).await?;
        let kubectl = control_plane.kubectl();
        for namespace in [operator::NAMESPACE, NAMESPACE] {
            kubectl.run(["create", "namespace", namespace]).await?;
        }
        kubectl.apply_dir(&root.join("deploy/rbac.yaml")).await?;
        let simulator = Simulator::start(scratch.path(), load.seed()).await?;
        let client = control_plane.client().await?;
        Ok(Self {
            load,
            control_plane,
            simulator,
            client,
            other: None,
            kind: ApiResource::erase::<VaultSecretSync>(&()),
            template: String::new(),
            scratch,
        })
    }

    /// The Secret with the client secret, which is there before anything is timed.
    async fn create_credential(&self) -> Result<()> {
        let secret =
            json!({"metadata": {"name": CREDENTIAL}, "stringData": {"secret": CLIENT_SECRET}});
        self.secrets()
            .create(&PostParams::default(), &serde_json::from_value(secret)?)
            .await?;
        Ok(())
    }

    /// Another operator's identity is among its manifests.
    pub async fn create_identity(&self) -> Result<()> {
        if self.other.is_some() {
            return Ok(());
        }
        let endpoints = self.simulator.endpoints();
        let identity = json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "AzureIdentity", "metadata": {"name": "main"},
            "spec": {
                "tenantId": TENANT, "clientId": CLIENT, "clientSecret": {"name": CREDENTIAL, "key": "secret"},
                "cloud": {"custom": {
                    "authorityHost": endpoints.authority_host,
                    "keyVault": {"dnsSuffix": endpoints.key_vault_suffix, "audience": endpoints.key_vault_audience},
                    "resourceManager": {"endpoint": endpoints.resource_manager},
                    "storage": {"suffix": lakes::suffix(endpoints)}
                }}
            }
        });
        let identities: Api<AzureIdentity> = Api::namespaced(self.client.clone(), NAMESPACE);
        identities
            .create(&PostParams::default(), &serde_json::from_value(identity)?)
            .await
            .context("cannot create the identity")?;
        Ok(())
    }

    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    fn syncs(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), NAMESPACE, &self.kind)
    }

    /// The manifest of a sync.
    fn sync(&self, number: usize) -> Result<DynamicObject> {
        let vault = self.load.vault(number);
        let url = self.simulator.endpoints().vault_url(&vault);
        Ok(if self.other.is_some() {
            serde_saphyr::from_str(&self.load.filled(number, &url, &self.template))
                .context("the sync template is no manifest")?
        } else {
            serde_json::from_value(self.load.sync(number, &url))?
        })
    }

    /// Creates one sync.
    pub async fn create_sync(&self, number: usize) -> Result<()> {
        let sync = self.sync(number)?;
        self.syncs().create(&PostParams::default(), &sync).await?;
        Ok(())
    }

    /// Creates all syncs as fast as a user with [`CREATES`] requests at once can, and gives each back with its number.
    pub fn create_syncs(&self) -> impl Stream<Item = Result<(usize, DynamicObject)>> + Send + '_ {
        let api = self.syncs();
        stream::iter(0..self.load.syncs)
            .map(move |number| {
                let api = api.clone();
                async move {
                    let sync = self.sync(number)?;
                    let created = api.create(&PostParams::default(), &sync).await?;
                    Ok((number, created))
                }
            })
            .buffer_unordered(CREATES)
    }

    /// Creates the identity and all syncs, and waits until the API server has answered for each.
    pub async fn create_all(&self) -> Result<()> {
        self.create_identity().await?;
        self.create_syncs().try_for_each(async |_| Ok(())).await
    }

    /// Creates all and waits until the operator has made all Ready. The values are right then.
    pub async fn settle(&self, subject: &Subject) -> Result<()> {
        let ready = subject.doing(self.all_ready());
        tokio::try_join!(self.create_all(), ready)?;
        self.verify().await
    }

    /// A fast answer that is wrong is worth nothing: each Secret holds each value.
    pub async fn verify(&self) -> Result<()> {
        let listed = self.secrets().list(&ListParams::default()).await?;
        let found: std::collections::BTreeMap<String, Secret> = listed
            .into_iter()
            .map(|secret| (secret.name_any(), secret))
            .collect();
        for number in 0..self.load.syncs {
            let data = found
                .get(&name(number))
                .and_then(|secret| secret.data.as_ref());
            let right = |at| {
                let held = data.and_then(|data| data.get(&key(at)));
                held.is_some_and(|held| held.0 == value(self.load.index(number, at)).into_bytes())
            };
            ensure!(
                (0..self.load.objects).all(right),
                "Secret {} does not hold what the vault has",
                name(number)
            );
        }
        Ok(())
    }

    /// Ends all processes; dropping them would block the runtime.
    pub async fn stop(self) -> Result<()> {
        self.simulator.terminate(Duration::from_secs(10)).await?;
        self.control_plane.stop().await
    }
}

/// What all this runs on, in words.
pub fn machine() -> String {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "Machine: {cpus} CPUs ({}), {} of memory.",
        field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
        field("/proc/meminfo", "MemTotal").unwrap_or_else(|| "unknown".to_owned()),
    )
}
