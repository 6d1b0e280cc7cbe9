//! All syncs of a namespace with their Secrets, looked at together: a hundred of them are waited for at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kube::api::ListParams;
use lakevault::vault_secret_sync::api::VaultSecretSyncStatus;
use testbed::{poll, until};
use tokio::sync::Mutex;

use super::stage::Cell;
use crate::kit::{Kit, condition};

/// For a hundred syncs together.
const ALL: Duration = Duration::from_secs(90);
/// How old a look may be that serves those who wait.
const MOMENT: Duration = Duration::from_millis(200);

/// The values of a Secret.
pub type Data = BTreeMap<String, Vec<u8>>;

/// A sync as it is.
#[derive(Default)]
pub struct Now {
    pub status: VaultSecretSyncStatus,
    pub data: Data,
}

impl Now {
    /// Whether a condition says this.
    pub fn says(&self, type_: &str, status: &str, reason: &str) -> poll::Look<()> {
        match condition(&self.status, type_) {
            Some(it) if it.status == status && it.reason == reason => Ok(()),
            other => Err(format!("{type_} is not {status} for {reason}: {other:?}")),
        }
    }

    /// Whether nothing is wrong.
    pub fn is_well(&self) -> poll::Look<()> {
        self.says("Synced", "True", "UpToDate")?;
        self.says("Degraded", "False", "Healthy")
    }

    /// Whether something is wrong, for this reason.
    pub fn fails(&self, reason: &str) -> poll::Look<()> {
        self.says("Synced", "False", reason)?;
        self.says("Degraded", "True", reason)
    }
}

/// All of them by name.
pub type All = Arc<BTreeMap<String, Now>>;

/// Looks at them for all who wait.
pub struct Watch {
    kit: Kit,
    last: Mutex<Option<(Instant, All)>>,
}

impl Watch {
    pub fn of(kit: Kit) -> Self {
        let last = Mutex::default();
        Self { kit, last }
    }

    /// How they are, or were a moment ago.
    async fn now(&self) -> Result<All> {
        let mut last = self.last.lock().await;
        if let Some((at, all)) = last.as_ref()
            && at.elapsed() < MOMENT
        {
            return Ok(Arc::clone(all));
        }
        let all = Arc::new(self.look().await?);
        *last = Some((Instant::now(), Arc::clone(&all)));
        Ok(all)
    }

    async fn look(&self) -> Result<BTreeMap<String, Now>> {
        let (params, mut all) = (ListParams::default(), BTreeMap::<_, Now>::new());
        for sync in self.kit.syncs().list(&params).await?.items {
            let name = sync.metadata.name.context("no name")?;
            let status = sync.status.unwrap_or_default();
            if status.observed_generation == sync.metadata.generation {
                all.entry(name).or_default().status = status;
            }
        }
        for secret in self.kit.secrets().list(&params).await?.items {
            let name = secret.metadata.name.context("no name")?;
            let data = secret.data.unwrap_or_default().into_iter();
            all.entry(name).or_default().data = data.map(|(key, value)| (key, value.0)).collect();
        }
        Ok(all)
    }

    /// Waits until each of these fits at one and the same moment. Gives back how all are then.
    pub async fn until<'a>(
        &self,
        what: &str,
        cells: impl Iterator<Item = &'a Cell> + Clone,
        fits: impl Fn(&Cell, &Now) -> poll::Look<()>,
    ) -> Result<All> {
        until(ALL, what, async || {
            let now = self.now().await.map_err(poll::seen)?;
            let nothing = Now::default();
            let wrong = cells.clone().filter_map(|cell| {
                let now = now.get(&cell.name).unwrap_or(&nothing);
                let error = fits(cell, now).err()?;
                Some(format!("{}: {error}", cell.name))
            });
            let wrong: Vec<String> = wrong.collect();
            if wrong.is_empty() {
                Ok(now)
            } else {
                Err(format!("{} do not fit:\n{}", wrong.len(), wrong.join("\n")))
            }
        })
        .await
    }
}
