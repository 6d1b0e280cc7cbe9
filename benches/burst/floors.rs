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

use super::stage::{
    CLIENT, CLIENT_SECRET, NAMESPACE, Stage, TENANT, VAULT, key, name, object, value,
};
use super::{CONCURRENCY, OBJECTS, SYNCS, VAULT_CONCURRENCY, WRITES};

/// Applies the Secrets and nothing else: [`WRITES`] at once. Gives back seconds.
pub async fn writes() -> Result<f64> {
    let stage = Stage::new().await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), NAMESPACE);
    let began = Instant::now();
    stream::iter(0..SYNCS)
        .map(|number| {
            let values = (0..OBJECTS).map(|at| (key(at), value(number, at)));
            let secret = secret(number, values.collect(), None);
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
pub async fn necessary_calls() -> Result<f64> {
    let stage = Stage::new().await?;
    stage.create_credential().await?;
    let program = Arc::new(Program {
        vault: Vault::new(&stage)?,
        token: tokio::sync::OnceCell::new(),
        secrets: Api::namespaced(stage.client.clone(), NAMESPACE),
        syncs: stage.syncs(),
        at_once: Semaphore::new(CONCURRENCY),
        writes_at_once: Semaphore::new(WRITES),
    });
    let began = Instant::now();
    stage.create_identity().await?;
    let mut tasks = JoinSet::new();
    let mut created = std::pin::pin!(stage.create_syncs());
    while let Some((number, sync)) = created.try_next().await? {
        let program = Arc::clone(&program);
        tasks.spawn(async move { program.serve(number, sync).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let seconds = began.elapsed().as_secs_f64();
    stage.stop().await?;
    Ok(seconds)
}

struct Program {
    vault: Vault,
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
        let reads = (0..OBJECTS).map(async |at| {
            let _permit = self.vault.at_once.acquire().await?;
            let token = self.token.get_or_try_init(|| self.vault.token()).await?;
            let value = self.vault.secret(&object(number, at), token).await?;
            Ok::<_, anyhow::Error>((key(at), value))
        });
        let values = try_join_all(reads).await?;
        let secret = secret(number, values.into_iter().collect(), Some(&sync));
        let writing = self.writes_at_once.acquire().await?;
        apply(&self.secrets, &secret).await?;
        drop(writing);
        let name = sync.name_any();
        let status = status(number, &sync);
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

/// The vault and its authority, by the HTTP client that the operator uses too.
struct Vault {
    http: reqwest::Client,
    token_url: String,
    scope: String,
    url: String,
    at_once: Semaphore,
}

impl Vault {
    fn new(stage: &Stage) -> Result<Self> {
        let endpoints = stage.simulator.endpoints();
        let address = SocketAddr::from(([127, 0, 0, 1], endpoints.port));
        let pem = std::fs::read(&endpoints.ca_file)?;
        let host = |url: &str| url.trim_start_matches("https://").to_owned();
        let url = endpoints.vault_url(VAULT);
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?)
            .resolve(&host(&url), address)
            .resolve(&host(&endpoints.authority_host), address)
            .build()?;
        Ok(Self {
            http,
            token_url: format!("{}/{TENANT}/oauth2/v2.0/token", endpoints.authority_host),
            scope: format!("{}/.default", endpoints.key_vault_audience),
            url,
            at_once: Semaphore::new(VAULT_CONCURRENCY),
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

    async fn secret(&self, name: &str, token: &str) -> Result<String> {
        let url = format!("{}/secrets/{name}?api-version=7.4", self.url);
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
    number: usize,
    values: BTreeMap<String, String>,
    owner: Option<&VaultSecretSync>,
) -> Secret {
    let name = name(number);
    let versions: BTreeMap<String, String> = (0..OBJECTS)
        .map(|at| {
            (
                key(at),
                format!("{}/{}", object(number, at), "0".repeat(32)),
            )
        })
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
fn status(number: usize, sync: &VaultSecretSync) -> VaultSecretSyncStatus {
    let now = Time(Timestamp::now());
    let condition = |type_: &str, status: &str, reason: &str, message: &str| Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_time: now.clone(),
        observed_generation: sync.metadata.generation,
    };
    let keys = (0..OBJECTS).map(|at| KeyStatus {
        key: key(at),
        object: object(number, at),
        version: Some("0".repeat(32)),
        updated: Some(now.clone()),
        expires: None,
        error: None,
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
        summary: Some(format!("{OBJECTS}/{OBJECTS}")),
        target: Some(TargetStatus {
            name: name(number),
            ownership: Ownership::Own,
            deletion_policy: DeletionPolicy::Delete,
        }),
        keys: keys.collect(),
        push: Vec::new(),
        handled_sync_at: None,
        last_checked: Some(now.clone()),
        last_changed: Some(now.clone()),
        next_check: Some(now),
    }
}
