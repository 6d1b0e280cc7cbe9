//! KeyVaults and the subscriptions that their vaults are in.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use kube::api::PostParams;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use lakevault::key_vault::api::KeyVault;
use serde_json::{Value, json};
use testbed::simulator::JournalEntry;

use super::load::{Load, NAMESPACE, PRINCIPAL, TENANT};
use super::watch::until_none_waits;
use super::{CREATES, Stage};
use crate::report::float;
use crate::settings::Settings;

/// How long Resource Manager takes to answer.
pub const MANAGER_LATENCY: Duration = Duration::from_millis(50);
/// How long a vault is being made, in which its state is `RegisteringDns`, and a storage account.
pub const CREATION: Duration = Duration::from_secs(3);
/// The least interval of the kind.
pub const LEAST: u64 = 60;
pub const GROUP: &str = "bench";
/// Far longer than it takes.
pub const LIMIT: Duration = Duration::from_mins(15);

/// What the KeyVaults of a scenario want.
#[derive(Clone, Copy, Debug)]
pub struct Estate {
    pub vaults: usize,
    /// They are spread over so many.
    pub subscriptions: usize,
    pub interval: Duration,
}

/// Calls of Resource Manager in a span of time.
#[derive(Debug, Default)]
pub struct Calls(pub Vec<(Timestamp, JournalEntry)>);

impl Estate {
    /// Vaults of one subscription.
    pub fn new(settings: &Settings, vaults: usize) -> Self {
        Self {
            vaults: settings.scaled(vaults),
            subscriptions: 1,
            interval: settings.interval(LEAST).max(Duration::from_secs(LEAST)),
        }
    }

    /// A stage without syncs, whose simulator has the subscriptions.
    pub async fn stage(&self, settings: &Settings) -> Result<Stage> {
        let load = Load {
            vaults: 0,
            ..Load::new(0, 0, self.interval)
        };
        let stage = Stage::new(settings, load).await?;
        stage.simulator.admin().seed(&self.seed()).await?;
        Ok(stage)
    }

    fn seed(&self) -> Value {
        let roles = ["Contributor", "Key Vault Secrets User"];
        let roles = roles.map(|role| json!({"principalId": PRINCIPAL, "role": role}));
        let all = (0..self.subscriptions).map(|number| {
            json!({
                "id": subscription(number), "tenantId": TENANT, "roleAssignments": roles,
                "resourceGroups": [{"name": GROUP, "location": "westeurope"}]
            })
        });
        json!({
            "settings": {
                "resourceManagerLatencyMs": MANAGER_LATENCY.as_millis(), "vaultCreationMs": CREATION.as_millis()
            },
            "subscriptions": all.collect::<Vec<_>>()
        })
    }

    /// The object as its users write it.
    fn object(&self, number: usize) -> Value {
        json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "KeyVault", "metadata": {"name": name(number)},
            "spec": {
                "identityRef": {"name": "main"}, "subscriptionId": subscription(number % self.subscriptions),
                "resourceGroup": {"name": GROUP}, "location": "westeurope", "tags": {"team": "bench"},
                "refreshInterval": format!("{}s", self.interval.as_secs())
            }
        })
    }

    /// The path of a vault at Resource Manager.
    pub fn path(&self, number: usize) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.KeyVault/vaults/{}",
            subscription(number % self.subscriptions),
            name(number)
        )
    }

    pub fn words(&self) -> String {
        let subscriptions = match self.subscriptions {
            1 => "one subscription".to_owned(),
            many => format!("{many} subscriptions"),
        };
        format!(
            "{} vaults of {subscriptions}, interval {} s",
            self.vaults,
            self.interval.as_secs()
        )
    }
}

pub fn subscription(number: usize) -> String {
    format!("44444444-4444-4444-4444-{number:012}")
}

/// The KeyVault, and its vault.
pub fn name(number: usize) -> String {
    format!("kv-estate-{number:05}")
}

impl Stage {
    fn key_vaults(&self) -> Api<KeyVault> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Creates all as fast as a user can, and waits until each is Ready and as declared.
    pub async fn settle_vaults(&self, estate: &Estate) -> Result<()> {
        let api = self.key_vaults();
        let creates = stream::iter(0..estate.vaults)
            .map(|number| {
                let api = api.clone();
                async move {
                    let object = serde_json::from_value(estate.object(number))?;
                    api.create(&PostParams::default(), &object).await?;
                    anyhow::Ok(())
                }
            })
            .buffer_unordered(CREATES)
            .try_for_each(async |()| Ok(()));
        tokio::try_join!(creates, self.all_vaults_ready(estate)).map(drop)
    }

    async fn all_vaults_ready(&self, estate: &Estate) -> Result<()> {
        let waiting = (0..estate.vaults).map(name).collect();
        let objects = watcher(self.key_vaults(), watcher::Config::default()).applied_objects();
        let ready = objects.try_filter_map(async |object: KeyVault| {
            Ok(is_ready(&object).then(|| object.name_any()))
        });
        tokio::time::timeout(LIMIT, Box::pin(until_none_waits(waiting, ready)))
            .await
            .with_context(|| format!("not all vaults became Ready within {LIMIT:?}"))?
    }

    /// The calls of Resource Manager in the journal.
    pub async fn manager_calls(&self) -> Result<Calls> {
        let mut calls = self.calls().await?;
        calls.retain(|(_, entry)| entry.vault.as_deref() == Some("management"));
        Ok(Calls(calls))
    }
}

fn is_ready(object: &KeyVault) -> bool {
    let Some(status) = &object.status else {
        return false;
    };
    let says = |type_: &str| {
        let mut conditions = status.resource.conditions.iter();
        conditions.any(|one| one.type_ == type_ && one.status == "True")
    };
    status.resource.observed_generation == object.metadata.generation
        && says("Ready")
        && says("Synced")
}

impl Calls {
    /// Numbers by the journal's word, those that were throttled apart.
    pub fn by_kind(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for (_, entry) in &self.0 {
            let word = match entry.status {
                429 => format!("{}, answered 429", entry.operation),
                _ => entry.operation.clone(),
            };
            *kinds.entry(word).or_default() += 1;
        }
        kinds
    }

    /// Those of reads: GET and HEAD, as the limits count them.
    pub fn reads(&self) -> usize {
        let reads = |entry: &JournalEntry| matches!(entry.method.as_str(), "GET" | "HEAD");
        self.0.iter().filter(|(_, entry)| reads(entry)).count()
    }

    pub fn answered(&self, status: u16) -> usize {
        let fits = |entry: &JournalEntry| entry.status == status;
        self.0.iter().filter(|(_, entry)| fits(entry)).count()
    }

    /// Times of the answered looks at each vault, as seconds before `end`, the earliest first.
    pub fn looks(&self, end: Timestamp) -> BTreeMap<&str, Vec<f64>> {
        let mut looks: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (time, entry) in &self.0 {
            if entry.operation == "GetVault" && entry.status == 200 {
                let before = end.duration_since(*time).as_secs_f64();
                looks.entry(entry.path.as_str()).or_default().push(before);
            }
        }
        looks
    }
}

/// The least time in which Azure's limits let so many reads and writes of one subscription through: what the buckets hold goes
/// at once, the rest as they fill.
pub fn throttle_floor(reads: usize, writes: usize) -> f64 {
    let of = |calls: usize, holds: f64, rate: f64| (float(calls) - holds).max(0.0) / rate;
    of(reads, 250.0, 25.0).max(of(writes, 200.0, 10.0))
}
