//! Seeing when syncs become Ready.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::runtime::{WatchStreamExt, watcher};

use super::Stage;
use super::load::{key, name};

/// Far longer than it takes.
const LIMIT: Duration = Duration::from_mins(15);

impl Stage {
    /// Waits until all syncs are Ready.
    pub async fn all_ready(&self) -> Result<()> {
        let waiting = (0..self.load.syncs).map(name).collect();
        self.ready(waiting, watcher::Config::default()).await
    }

    /// Waits until one sync is Ready, without looking at the others.
    pub async fn one_ready(&self, number: usize) -> Result<()> {
        let only = format!("metadata.name={}", name(number));
        let config = watcher::Config::default().fields(&only);
        self.ready([name(number)].into(), config).await
    }

    async fn ready(&self, waiting: BTreeSet<String>, config: watcher::Config) -> Result<()> {
        let count = waiting.len();
        let seen = async {
            if self.other.is_some() {
                // What other operators say of themselves differs; the Secret is what their users wait for.
                let secrets = watcher(self.secrets(), config).applied_objects();
                let full = secrets.try_filter_map(async |secret: Secret| {
                    let data = secret.data.as_ref();
                    let has = |at| data.is_some_and(|data| data.contains_key(&key(at)));
                    let full = (0..self.load.objects).all(has);
                    Ok(full.then(|| secret.name_any()))
                });
                until_none_waits(waiting, full).await
            } else {
                let syncs = watcher(self.syncs(), config).applied_objects();
                let ready = syncs.try_filter_map(async |sync: DynamicObject| {
                    Ok(is_ready(&sync).then(|| sync.name_any()))
                });
                until_none_waits(waiting, ready).await
            }
        };
        tokio::time::timeout(LIMIT, Box::pin(seen))
            .await
            .with_context(|| format!("not all of {count} syncs became Ready within {LIMIT:?}"))?
    }
}

pub async fn until_none_waits(
    mut waiting: BTreeSet<String>,
    done: impl Stream<Item = Result<String, watcher::Error>>,
) -> Result<()> {
    let mut done = pin!(done);
    while let Some(name) = done.next().await {
        waiting.remove(&name?);
        if waiting.is_empty() {
            return Ok(());
        }
    }
    bail!("the watch ended")
}

fn is_ready(sync: &DynamicObject) -> bool {
    let status = sync.data.get("status");
    let generation = status.and_then(|status| status.get("observedGeneration")?.as_i64());
    let conditions = status.and_then(|status| status.get("conditions")?.as_array());
    generation == sync.metadata.generation
        && conditions.is_some_and(|conditions| {
            conditions
                .iter()
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        })
}
