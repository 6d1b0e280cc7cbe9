//! Counts, when metrics are asked for, what the hub is doing and how syncs stand.

use std::sync::Arc;

use jiff::Timestamp;
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

/// Counts for as long as there is something to count.
pub fn counter(ctx: &Arc<Ctx>, syncs: Store<Packed<VaultSecretSync>>) -> Count {
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
        }
    })
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
