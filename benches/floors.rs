//! What cannot be avoided, done by programs that do nothing else.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta, Time};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Resource, ResourceExt};
use lakevault::vault_secret_sync::api::{
    DeletionPolicy, KeyStatus, Ownership, TargetStatus, VaultSecretSync, VaultSecretSyncStatus,
};
use lakevault::vault_secret_sync::{MANAGED, RECORD, field_manager};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::stage::Stage;
use crate::stage::load::{
    CLIENT, CLIENT_SECRET, Load, NAMESPACE, TENANT, key, name, object, value, vault,
};

/// Requests to each vault at once: the operator's default.
pub const VAULT_CONCURRENCY: usize = 32;
/// Syncs worked on at once: the operator's default.
pub const CONCURRENCY: usize = 64;
/// Writes to the API server at once; the operator's own bound too.
const WRITES: usize = 32;

/// Applies the Secrets and nothing else: [`WRITES`] at once. Gives back seconds.
pub async fn writes(load: Load) -> Result<f64> {
    let stage = Stage::bare(load).await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), NAMESPACE);
    let began = Instant::now();
    stream::iter(0..load.syncs)
        .map(|number| {
            let values = (0..load.objects).map(|at| (key(at), value(load.index(number, at))));
            let secret = secret(&load, number, values.collect(), None);
            let secrets = secrets.clone();
            async move { apply(&secrets, &secret).await }
        })
        .buffer_unordered(WRITES)
        .try_for_each(async |()| Ok(()))
        .await?;
    let seconds = began.elapsed().as_secs_f64();
    stage.stop().await?;
    Ok(seconds)
}

/// Makes the calls that the operator cannot do without, under the same creates: a token, the vault's objects with the same
/// bound, one apply and one status write for each sync. Gives back seconds.
pub async fn necessary_calls(load: Load) -> Result<f64> {
    let stage = Stage::bare(load).await?;
    let program = Arc::new(Program {
        load,
        azure: Azure::new(&stage)?,
        token: tokio::sync::OnceCell::new(),
        secrets: Api::namespaced(stage.client.clone(), NAMESPACE),
        syncs: Api::namespaced(stage.client.clone(), NAMESPACE),
        at_once: Semaphore::new(CONCURRENCY),
        writes_at_once: Semaphore::new(WRITES),
    });
    let began = Instant::now();
    stage.create_identity().await?;
    let mut tasks = JoinSet::new();
    let mut created = Box::pin(stage.create_syncs());
    while let Some((number, sync)) = created.try_next().await? {
        let program = Arc::clone(&program);
        tasks.spawn(async move { program.serve(number, sync.try_parse()?).await });
    }
    drop(created);
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let seconds = began.elapsed().as_secs_f64();
    stage.stop().await?;
    Ok(seconds)
}

struct Program {
    load: Load,
    azure: Azure,
    token: tokio::sync::OnceCell<String>,
    secrets: Api<Secret>,
    syncs: Api<VaultSecretSync>,
    at_once: Semaphore,
    /// Each request to the API server is a connection of its own; the operator has the same bound.
    writes_at_once: Semaphore,
}

impl Program {
    async fn serve(&self, number: usize, sync: VaultSecretSync) -> Result<()> {
        let _permit = self.at_once.acquire().await?;
        let vault = number % self.load.vaults;
        let reads = (0..self.load.objects).map(async |at| {
            let token = self.token.get_or_try_init(|| self.azure.token()).await?;
            let name = object(self.load.index(number, at));
            let value = self.azure.secret(vault, &name, token).await?;
            Ok::<_, anyhow::Error>((key(at), value))
        });
        let values = try_join_all(reads).await?;
        let values = values.into_iter().collect();
        let secret = secret(&self.load, number, values, Some(&sync));
        let writing = self.writes_at_once.acquire().await?;
        apply(&self.secrets, &secret).await?;
        drop(writing);
        let name = sync.name_any();
        let status = status(&self.load, number, &sync);
        let updated = VaultSecretSync {
            status: Some(status),
            ..sync
        };
        let _writing = self.writes_at_once.acquire().await?;
        self.syncs
            .replace_status(&name, &PostParams::default(), &updated)
            .await?;
        Ok(())
    }
}

/// The vaults and their authority, by the HTTP client that the operator uses too.
struct Azure {
    http: reqwest::Client,
    token_url: String,
    scope: String,
    vaults: Vec<Vault>,
}

struct Vault {
    url: String,
    at_once: Semaphore,
}

impl Azure {
    fn new(stage: &Stage) -> Result<Self> {
        let endpoints = stage.simulator.endpoints();
        let address = SocketAddr::from(([127, 0, 0, 1], endpoints.port));
        let pem = std::fs::read(&endpoints.ca_file)?;
        let host = |url: &str| url.trim_start_matches("https://").to_owned();
        let mut client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?)
            .resolve(&host(&endpoints.authority_host), address);
        let mut vaults = Vec::new();
        for number in 0..stage.load.vaults {
            let url = endpoints.vault_url(&vault(number));
            client = client.resolve(&host(&url), address);
            vaults.push(Vault {
                url,
                at_once: Semaphore::new(VAULT_CONCURRENCY),
            });
        }
        Ok(Self {
            http: client.build()?,
            token_url: format!("{}/{TENANT}/oauth2/v2.0/token", endpoints.authority_host),
            scope: format!("{}/.default", endpoints.key_vault_audience),
            vaults,
        })
    }

    async fn token(&self) -> Result<String> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("client_secret", CLIENT_SECRET),
            ("scope", &self.scope),
        ];
        let answer = self.http.post(&self.token_url).form(&form).send().await?;
        text(&answer.error_for_status()?.json().await?, "access_token")
    }

    async fn secret(&self, vault: usize, name: &str, token: &str) -> Result<String> {
        let vault = self.vaults.get(vault).context("no such vault")?;
        let _permit = vault.at_once.acquire().await?;
        let url = format!("{}/secrets/{name}?api-version=7.4", vault.url);
        let answer = self.http.get(url).bearer_auth(token).send().await?;
        text(&answer.error_for_status()?.json().await?, "value")
    }
}

fn text(body: &Value, field: &str) -> Result<String> {
    let text = body.get(field).and_then(Value::as_str);
    Ok(text
        .with_context(|| format!("no {field} in the answer"))?
        .to_owned())
}

async fn apply(secrets: &Api<Secret>, secret: &Secret) -> Result<()> {
    let name = secret.name_any();
    let params = PatchParams::apply(&field_manager(&name));
    secrets
        .patch_metadata(&name, &params, &Patch::Apply(secret))
        .await?;
    Ok(())
}

/// The Secret as the operator writes it, with its label and its record of versions.
fn secret(
    load: &Load,
    number: usize,
    values: BTreeMap<String, String>,
    owner: Option<&VaultSecretSync>,
) -> Secret {
    let name = name(number);
    let version = |object: &str| format!("{object}/{}", "0".repeat(32));
    let versions: BTreeMap<String, String> = load
        .names(number)
        .enumerate()
        .map(|(at, object)| (key(at), version(&object)))
        .collect();
    let record = serde_json::json!({ "keys": versions }).to_string();
    Secret {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(NAMESPACE.to_owned()),
            labels: Some([(MANAGED.to_owned(), "true".to_owned())].into()),
            annotations: Some([(format!("{RECORD}{name}"), record)].into()),
            owner_references: owner.and_then(|sync| Some(vec![sync.controller_owner_ref(&())?])),
            ..ObjectMeta::default()
        },
        data: Some(
            values
                .into_iter()
                .map(|(key, value)| (key, ByteString(value.into_bytes())))
                .collect(),
        ),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

/// A status as large as the operator's.
fn status(load: &Load, number: usize, sync: &VaultSecretSync) -> VaultSecretSyncStatus {
    let now = Time(Timestamp::now());
    let condition = |type_: &str, status: &str, reason: &str, message: &str| Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_time: now.clone(),
        observed_generation: sync.metadata.generation,
    };
    let keys = load
        .names(number)
        .enumerate()
        .map(|(at, object)| KeyStatus {
            key: key(at),
            object,
            version: Some("0".repeat(32)),
            updated: Some(now.clone()),
            expires: None,
            error: None,
            note: None,
        });
    VaultSecretSyncStatus {
        observed_generation: sync.metadata.generation,
        conditions: vec![
            condition(
                "Ready",
                "True",
                "AllKeysPresent",
                "Secret sync-0000 holds a value for each of 3 keys",
            ),
            condition(
                "Synced",
                "True",
                "UpToDate",
                "the Secret equals the vault, as of the last look",
            ),
            condition("Degraded", "False", "AsExpected", "nothing is wrong"),
        ],
        summary: Some(format!("{0}/{0}", load.objects)),
        target: Some(TargetStatus {
            name: name(number),
            ownership: Ownership::Own,
            deletion_policy: DeletionPolicy::Delete,
        }),
        keys: keys.collect(),
        last_checked: Some(now.clone()),
        last_changed: Some(now.clone()),
        next_check: Some(now),
        ..VaultSecretSyncStatus::default()
    }
}
