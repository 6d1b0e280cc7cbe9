//! What each part of a round runs on, and the user who creates the syncs.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client};
use lakevault::azure_identity::api::AzureIdentity;
use lakevault::vault_secret_sync::api::VaultSecretSync;
use serde_json::{Value, json};
use testbed::{ControlPlane, ControlPlaneOptions, Scratch, Simulator, binaries, operator};

use super::{CREATES, OBJECTS, SYNCS, TOKEN_LATENCY, VAULT_LATENCY};

pub const NAMESPACE: &str = "bench";
pub const VAULT: &str = "kv-bench";
pub const TENANT: &str = "11111111-1111-1111-1111-111111111111";
pub const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
/// Of the simulator only.
pub const CLIENT_SECRET: &str = "bench-client-secret";
/// The Secret that holds it.
pub const CREDENTIAL: &str = "sp";
const PRINCIPAL: &str = "33333333-3333-3333-3333-333333333333";

/// A fresh control plane and a fresh simulator with all objects in its vault.
pub struct Stage {
    pub control_plane: ControlPlane,
    pub simulator: Simulator,
    pub client: Client,
    /// Last: the folder goes when the processes have ended.
    pub scratch: Scratch,
}

impl Stage {
    pub async fn new() -> Result<Self> {
        let scratch = Scratch::new("bench")?;
        let root = binaries::repository();
        let options = ControlPlaneOptions {
            crds: vec![root.join("crds")],
            ..ControlPlaneOptions::default()
        };
        let control_plane = ControlPlane::start(scratch.path(), options).await?;
        let kubectl = control_plane.kubectl();
        for namespace in [operator::NAMESPACE, NAMESPACE] {
            kubectl.run(["create", "namespace", namespace]).await?;
        }
        kubectl.apply_dir(&root.join("deploy/rbac.yaml")).await?;
        let simulator = Simulator::start(scratch.path(), seed()).await?;
        let client = control_plane.client().await?;
        Ok(Self {
            control_plane,
            simulator,
            client,
            scratch,
        })
    }

    /// The Secret with the client secret, which is there before anything is timed.
    pub async fn create_credential(&self) -> Result<()> {
        let secret =
            json!({"metadata": {"name": CREDENTIAL}, "stringData": {"secret": CLIENT_SECRET}});
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        secrets
            .create(&PostParams::default(), &serde_json::from_value(secret)?)
            .await?;
        Ok(())
    }

    pub async fn create_identity(&self) -> Result<()> {
        let endpoints = self.simulator.endpoints();
        let identity = json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "AzureIdentity", "metadata": {"name": "main"},
            "spec": {
                "tenantId": TENANT, "clientId": CLIENT, "clientSecret": {"name": CREDENTIAL, "key": "secret"},
                "cloud": {"custom": {
                    "authorityHost": endpoints.authority_host,
                    "keyVault": {"dnsSuffix": endpoints.key_vault_suffix, "audience": endpoints.key_vault_audience}
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

    pub fn syncs(&self) -> Api<VaultSecretSync> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Creates all syncs as fast as a user with [`CREATES`] requests at once can, and gives each back with its number.
    pub fn create_syncs(
        &self,
    ) -> impl Stream<Item = Result<(usize, VaultSecretSync)>> + Send + use<> {
        let api = self.syncs();
        let vault = self.simulator.endpoints().vault_url(VAULT);
        stream::iter(0..SYNCS)
            .map(move |number| {
                let (api, vault) = (api.clone(), vault.clone());
                async move {
                    let sync = serde_json::from_value(sync(number, &vault))?;
                    let created = api.create(&PostParams::default(), &sync).await?;
                    Ok((number, created))
                }
            })
            .buffer_unordered(CREATES)
    }

    /// Creates all syncs and waits until the API server has answered for each.
    pub async fn create_all_syncs(&self) -> Result<()> {
        self.create_syncs().try_for_each(async |_| Ok(())).await
    }

    /// Ends all processes; dropping them would block the runtime.
    pub async fn stop(self) -> Result<()> {
        self.simulator.terminate(Duration::from_secs(10)).await?;
        self.control_plane.stop().await
    }
}

pub fn name(number: usize) -> String {
    format!("sync-{number:04}")
}

/// The vault's object for a key.
pub fn object(number: usize, key: usize) -> String {
    format!("object-{number:04}-{key}")
}

pub fn key(key: usize) -> String {
    format!("KEY_{key}")
}

/// As long as a usual password or connection string.
pub fn value(number: usize, key: usize) -> String {
    format!("value-{number:04}-{key}-{}", "x".repeat(48))
}

fn sync(number: usize, vault: &str) -> Value {
    let data: Vec<Value> = (0..OBJECTS)
        .map(|at| json!({"key": key(at), "secret": {"name": object(number, at)}}))
        .collect();
    json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "metadata": {"name": name(number)},
        "spec": {"vaultUri": vault, "identityRef": {"name": "main"}, "data": data}
    })
}

fn seed() -> Value {
    let objects = (0..SYNCS).flat_map(|number| (0..OBJECTS).map(move |at| (number, at)));
    let secrets: Vec<Value> = objects
        .map(|(number, at)| json!({"name": object(number, at), "value": value(number, at)}))
        .collect();
    json!({
        "settings": {
            "vaultLatencyMs": VAULT_LATENCY.as_millis(), "tokenLatencyMs": TOKEN_LATENCY.as_millis()
        },
        "tenants": [{"id": TENANT, "name": "contoso.onmicrosoft.com", "applications": [{
            "clientId": CLIENT, "objectId": PRINCIPAL, "name": "bench", "secrets": [{"value": CLIENT_SECRET}]
        }]}],
        "vaults": [{
            "name": VAULT, "tenantId": TENANT,
            "roleAssignments": [{"principalId": PRINCIPAL, "role": "Key Vault Secrets User"}], "secrets": secrets
        }]
    })
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
