//! `DataLakeAccount`s, and what lies in their accounts.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use lakevault::data_lake_account::api::DataLakeAccount;
use serde_json::{Value, json};
use testbed::Endpoints;
use testbed::simulator::JournalEntry;

use super::bare::Bare;
use super::estate::{CREATION, GROUP, LEAST, LIMIT, MANAGER_LATENCY, subscription};
use super::load::{Load, NAMESPACE, PRINCIPAL, TENANT};
use super::watch::until_none_waits;
use super::{CREATES, Stage};
use crate::settings::Settings;

/// How long a lake takes to answer.
pub const LAKE_LATENCY: Duration = Duration::from_millis(30);
/// When Azure asks to be asked again how the making of an account stands, as recorded.
pub const ASK_AGAIN: Duration = Duration::from_secs(17);
/// The resource of tokens for lakes, in every cloud.
const AUDIENCE: &str = "https://storage.azure.com";
/// Directories in a directory.
const EACH: usize = 100;

/// What follows `<account>.dfs.` in an account's host.
pub fn suffix(endpoints: &Endpoints) -> String {
    let own = endpoints.key_vault_suffix.split_once('.');
    let own = own.map_or(endpoints.key_vault_suffix.as_str(), |(_, own)| own);
    format!("storage.{own}")
}

/// The interval of a scenario, at least the kind's own least.
pub fn interval(settings: &Settings) -> Duration {
    settings.interval(LEAST).max(Duration::from_secs(LEAST))
}

/// The DataLakeAccount, and its account.
pub fn name(number: usize) -> String {
    format!("lakebench{number:05}")
}

/// An access list as projects have it, with an entry for this reader.
pub fn list(reader: usize) -> Vec<String> {
    let reader = format!("user:55555555-5555-5555-5555-{reader:012}:r-x");
    let mut list: Vec<String> = ["user::rwx", "group::r-x", "other::---"]
        .map(str::to_owned)
        .into();
    list.push(reader);
    let defaults: Vec<String> = list.iter().map(|one| format!("default:{one}")).collect();
    list.extend(defaults);
    list
}

/// The path of a directory: the first of each hundred has the others in it.
pub fn directory(number: usize) -> String {
    let top = format!("team{}", number / EACH);
    match number % EACH {
        0 => top,
        rest => format!("{top}/set{rest}"),
    }
}

/// Whether a directory lies in another one.
pub fn is_beneath(number: usize) -> bool {
    !number.is_multiple_of(EACH)
}

/// A filesystem with so many directories, as the spec has it.
pub fn filesystem(name: &str, directories: usize) -> Value {
    let all = (0..directories).map(|number| json!({"path": directory(number), "acl": list(1)}));
    json!({"name": name, "directories": all.collect::<Vec<_>>()})
}

/// The object as its users write it.
pub fn object(number: usize, interval: Duration, filesystems: &[Value]) -> Value {
    json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "DataLakeAccount", "metadata": {"name": name(number)},
        "spec": {
            "identityRef": {"name": "main"}, "subscriptionId": subscription(0),
            "resourceGroup": {"name": GROUP}, "location": "westeurope", "tags": {"team": "bench"},
            "refreshInterval": format!("{}s", interval.as_secs()), "filesystems": filesystems
        }
    })
}

impl Stage {
    /// A stage without syncs, whose simulator has one subscription for lakes. With `creation` an account takes its time to be made.
    pub async fn of_lakes(settings: &Settings, creation: bool) -> Result<Self> {
        let load = Load {
            vaults: 0,
            ..Load::new(0, 0, interval(settings))
        };
        let stage = Self::new(settings, load).await?;
        let roles = ["Contributor", "Storage Blob Data Owner"];
        let roles = roles.map(|role| json!({"principalId": PRINCIPAL, "role": role}));
        let creation = if creation { CREATION } else { Duration::ZERO };
        let seed = json!({
            "settings": {
                "resourceManagerLatencyMs": MANAGER_LATENCY.as_millis(), "storageLatencyMs": LAKE_LATENCY.as_millis(),
                "storageCreationMs": creation.as_millis(),
                "lro": {"storagePut": {"form": "location", "retryAfter": ASK_AGAIN.as_secs()}}
            },
            "subscriptions": [{
                "id": subscription(0), "tenantId": TENANT, "roleAssignments": roles,
                "resourceGroups": [{"name": GROUP, "location": "westeurope"}]
            }]
        });
        stage.simulator.admin().seed(&seed).await?;
        stage.create_identity().await?;
        Ok(stage)
    }

    fn accounts(&self) -> Api<DataLakeAccount> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Creates all objects as fast as a user can, and waits until each is as declared.
    pub async fn settle_accounts(&self, objects: &[Value]) -> Result<()> {
        let api = self.accounts();
        let creates = stream::iter(objects.iter().cloned())
            .map(|object| {
                let api = api.clone();
                async move {
                    let object = serde_json::from_value(object)?;
                    api.create(&PostParams::default(), &object).await?;
                    anyhow::Ok(())
                }
            })
            .buffer_unordered(CREATES)
            .try_for_each(async |()| Ok(()));
        let names = (0..objects.len()).map(name).collect();
        tokio::try_join!(creates, self.accounts_done(names, None)).map(drop)
    }

    /// Gives the first account other filesystems, and waits until all of it is as declared.
    pub async fn redeclare(&self, filesystems: &[Value]) -> Result<()> {
        let patch = json!({"spec": {"filesystems": filesystems}});
        let name = name(0);
        let patched = self
            .accounts()
            .patch(&name, &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
        let generation = patched.metadata.generation;
        self.accounts_done([name].into(), generation).await
    }

    async fn accounts_done(
        &self,
        waiting: BTreeSet<String>,
        generation: Option<i64>,
    ) -> Result<()> {
        let objects = watcher(self.accounts(), watcher::Config::default()).applied_objects();
        let done = objects.try_filter_map(async |object: DataLakeAccount| {
            let new = object.metadata.generation >= generation;
            Ok((new && is_done(&object)).then(|| object.name_any()))
        });
        tokio::time::timeout(LIMIT, Box::pin(until_none_waits(waiting, done)))
            .await
            .with_context(|| format!("not all accounts became as declared within {LIMIT:?}"))?
    }

    /// The first account's lake, for a bare program.
    pub async fn bare_lake(&self) -> Result<Bare> {
        let suffix = suffix(self.simulator.endpoints());
        let url = format!("https://{}.dfs.{suffix}", name(0));
        Bare::new(self, &url, AUDIENCE).await
    }

    /// The calls of lakes in the journal.
    pub async fn lake_calls(&self) -> Result<Vec<JournalEntry>> {
        let calls = self.calls().await?.into_iter().map(|(_, entry)| entry);
        let of_lakes = |entry: &JournalEntry| {
            let account = entry.vault.as_deref().unwrap_or_default();
            account.starts_with("lakebench")
        };
        Ok(calls.filter(of_lakes).collect())
    }
}

fn is_done(object: &DataLakeAccount) -> bool {
    let Some(status) = &object.status else {
        return false;
    };
    let generation = object.metadata.generation;
    let says = |type_: &str| {
        let mut conditions = status.resource.conditions.iter();
        conditions.any(|one| one.type_ == type_ && one.status == "True")
    };
    let lake = object.spec.filesystems.is_empty() || status.lake_applied_generation == generation;
    status.resource.observed_generation == generation && lake && says("Ready") && says("Synced")
}
