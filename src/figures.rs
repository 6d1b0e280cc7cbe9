//! Counts, when metrics are asked for, what the hub is doing and how syncs stand.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use kube::runtime::reflector::Store;
use serde::Deserialize;

use crate::hub::session::Stats;
use crate::k8s::packed::Packed;
use crate::telemetry::figures::{Count, Figures, Vault};
use crate::vault_secret_sync::api::{VaultSecretSync, VaultSecretSyncStatus};
use crate::vault_secret_sync::ctx::Ctx;
use crate::vault_secret_sync::figures;

/// What is counted of a sync.
#[derive(Deserialize)]
struct Part {
    status: Option<VaultSecretSyncStatus>,
}

/// Tells the conditions of all objects of a kind for a resource of Azure.
pub type Conditions = Box<dyn Fn() -> Vec<Condition> + Send + Sync>;

/// Those of the objects in a cache.
pub fn conditions<K>(objects: Store<K>, of: fn(&K) -> &[Condition]) -> Conditions
where
    K: Resource<DynamicType: Hash + Eq + Clone + Default> + Clone + Send + Sync + 'static,
{
    Box::new(move || {
        let all = objects.state();
        all.iter().flat_map(|object| of(object).to_vec()).collect()
    })
}

/// Counts for as long as there is something to count.
pub fn counter(
    ctx: &Arc<Ctx>,
    syncs: Store<Packed<VaultSecretSync>>,
    resources: Vec<(&'static str, Conditions)>,
) -> Count {
    let ctx = Arc::downgrade(ctx);
    Box::new(move || {
        let now = Timestamp::now();
        let all = syncs.state();
        let parts = all.iter().filter_map(|sync| sync.read::<Part>().ok());
        let statuses = parts.filter_map(|part| part.status);
        let stats = ctx.upgrade().map(|ctx| ctx.hub.stats()).unwrap_or_default();
        let vaults = stats.into_iter();
        Figures {
            vaults: vaults
                .map(|(vault, stats)| (vault, of(stats, now)))
                .collect(),
            syncs: figures::count(statuses, now),
            resources: tally(&resources),
        }
    })
}

fn tally(resources: &[(&'static str, Conditions)]) -> BTreeMap<[String; 4], u64> {
    let mut tally = BTreeMap::new();
    for (kind, conditions) in resources {
        for one in conditions() {
            let words = [(*kind).to_owned(), one.type_, one.status, one.reason];
            *tally.entry(words).or_default() += 1;
        }
    }
    tally
}

fn of(stats: Stats, now: Timestamp) -> Vault {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let age = stats
        .oldest
        .map(|oldest| now.duration_since(oldest).as_secs_f64());
    Vault {
        urgent: count(stats.urgent),
        routine: count(stats.routine),
        under_way: count(stats.under_way),
        objects: count(stats.objects),
        staleness: age.unwrap_or_default().max(0.0),
        throttled: stats.throttled,
    }
}
