//! Many vaults at once: each is a row of a table, in a subscription of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use kube::ResourceExt;
use kube::api::ListParams;
use lakevault::key_vault::api::{KeyVault, KeyVaultStatus};
use testbed::poll::seen;
use testbed::simulator::JournalEntry;
use testbed::until;

use super::super::estate::{Estate, asked, changes, condition};
use super::states::State;

/// The client's own patience of 30 s belongs to it, and pauses of backoff.
const LIMIT: Duration = Duration::from_mins(2);
/// Requests of the test under way together.
const TOGETHER: usize = 8;

/// A vault whose life is disturbed, or not.
pub struct Row {
    pub estate: Estate,
    pub state: State,
    /// What disturbs it.
    pub what: &'static str,
    /// How often a note had to lapse before it went on.
    pub lapsed: usize,
    settled: bool,
}

impl Row {
    pub fn name(&self) -> String {
        format!("{:?} × {}", self.state, self.what)
    }

    /// Whether the object is as it shall be in the end. A note of a write whose outcome is not known is let lapse.
    async fn settle(&mut self, object: Option<&KeyVault>) -> Result<Result<(), String>> {
        let leaves = self.state.leaves() && self.has_begun(object);
        let Some(object) = object else {
            return Ok(if leaves {
                Ok(())
            } else {
                Err("gone".to_owned())
            });
        };
        let status = object.status.clone().unwrap_or_default();
        if status.resource.observed_generation != object.metadata.generation {
            return Ok(Err("not looked at".to_owned()));
        }
        let synced = condition(&status, "Synced");
        let is_synced = synced.is_some_and(|synced| synced.status == "True");
        let waits = synced.is_some_and(|synced| synced.reason == "OperationUnderWay");
        let open = status.resource.operation.as_ref();
        let open = open.filter(|open| open.poll.is_none());
        let has_not_lapsed = open.is_some_and(|open| open.deadline.0 > jiff::Timestamp::now());
        if has_not_lapsed && (waits || is_synced && !leaves) {
            self.lapsed += 1;
            self.estate.lapse(object).await?;
        }
        if !leaves && is_clean(&status) {
            return Ok(Ok(()));
        }
        Ok(Err(serde_json::to_string(&status)?))
    }

    fn has_begun(&self, object: Option<&KeyVault>) -> bool {
        object.is_none_or(|object| object.metadata.deletion_timestamp.is_some())
    }

    /// What is there of the vault, without what no two rows share.
    pub async fn end(&self) -> Result<String> {
        let vault = self.estate.in_azure().await?;
        let is_soft_deleted = self.estate.is_soft_deleted().await?;
        let text = format!("{vault:?}, soft-deleted: {is_soft_deleted}");
        let owner = self.estate.owner().await.unwrap_or_default();
        let text = if owner.is_empty() {
            text
        } else {
            text.replace(&owner, "<owner>")
        };
        let text = text.replace(&self.estate.name, "<name>");
        Ok(text.replace(&self.estate.subscription, "<subscription>"))
    }
}

/// Nothing is open, and nothing differs.
fn is_clean(status: &KeyVaultStatus) -> bool {
    let is_true = |type_| condition(status, type_).is_some_and(|one| one.status == "True");
    let resource = &status.resource;
    is_true("Synced")
        && is_true("Ready")
        && resource.operation.is_none()
        && resource.drift.is_empty()
        && resource.plan.is_empty()
}

/// The rows.
pub struct Field {
    pub rows: Vec<Row>,
    /// How many requests each row had when its trouble began.
    before: BTreeMap<String, usize>,
}

impl Field {
    /// Makes a subscription for each row, and what is to be there before.
    pub async fn of(
        estate: &Estate,
        wanted: impl IntoIterator<Item = (State, &'static str)>,
    ) -> Result<Self> {
        let made = wanted.into_iter().enumerate();
        let rows = stream::iter(made)
            .map(async |(n, (state, what))| {
                let estate = estate.beside(&format!("r{n}")).await?;
                state.prepare(&estate).await?;
                if state.has_vault() {
                    estate.apply(|spec| state.first(spec)).await?;
                }
                anyhow::Ok(Row {
                    estate,
                    state,
                    what,
                    lapsed: 0,
                    settled: false,
                })
            })
            .buffered(TOGETHER)
            .try_collect()
            .await?;
        let mut field = Self {
            rows,
            before: BTreeMap::new(),
        };
        field
            .settle("all are there", |row| row.state.has_vault())
            .await?;
        for row in &mut field.rows {
            row.settled = false;
            ensure!(row.lapsed == 0, "{}: disturbed from the start", row.name());
        }
        for (name, entries) in field.journal().await? {
            field.before.insert(name, entries.len());
        }
        Ok(field)
    }

    /// Begins all that fit at once.
    pub async fn begin(&self, fits: impl Fn(&Row) -> bool) -> Result<()> {
        stream::iter(self.rows.iter().filter(|row| fits(row)))
            .map(async |row| row.state.begin(&row.estate).await)
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await
    }

    /// Waits until all that fit are as they shall be.
    pub async fn settle(&mut self, what: &str, fits: impl Fn(&Row) -> bool) -> Result<()> {
        let Some(first) = self.rows.first() else {
            return Ok(());
        };
        let api = first.estate.kit.key_vaults();
        until(LIMIT, what, async || {
            let all = api.list(&ListParams::default()).await.map_err(seen)?;
            let all: BTreeMap<String, &KeyVault> =
                all.iter().map(|one| (one.name_any(), one)).collect();
            let mut waits = Vec::new();
            for row in &mut self.rows {
                if row.settled || !fits(row) {
                    continue;
                }
                let object = all.get(&row.estate.name).copied();
                match row.settle(object).await.map_err(seen)? {
                    Ok(()) => row.settled = true,
                    Err(why) => waits.push(format!("{}: {why}", row.name())),
                }
            }
            if waits.is_empty() {
                Ok(())
            } else {
                Err(waits.join("\n"))
            }
        })
        .await
    }

    /// To be settled once more.
    pub fn unsettle(&mut self) {
        for row in &mut self.rows {
            row.settled = false;
        }
    }

    /// All requests of each row, by its name.
    async fn journal(&self) -> Result<BTreeMap<String, Vec<JournalEntry>>> {
        let Some(first) = self.rows.first() else {
            return Ok(BTreeMap::new());
        };
        let mut all: BTreeMap<String, Vec<JournalEntry>> = BTreeMap::new();
        for entry in asked(&first.estate.kit).await? {
            let subscription = entry.path.split('/').nth(2).unwrap_or_default();
            let row = self
                .rows
                .iter()
                .find(|row| row.estate.subscription == subscription);
            if let Some(row) = row {
                all.entry(row.estate.name.clone()).or_default().push(entry);
            }
        }
        Ok(all)
    }

    /// What each row asked for since its trouble began, in the order of rows.
    pub async fn ledgers(&self) -> Result<Vec<Ledger>> {
        let mut all = self.journal().await?;
        let ledgers = self.rows.iter().map(|row| {
            let mut entries = all.remove(&row.estate.name).unwrap_or_default();
            let before = self.before.get(&row.estate.name).copied().unwrap_or(0);
            entries.drain(..before.min(entries.len()));
            Ledger(entries)
        });
        Ok(ledgers.collect())
    }

    /// What an undisturbed life of a state leaves behind.
    pub async fn undisturbed(&self, state: State) -> Result<String> {
        let fits = |row: &&Row| row.state == state && row.what == UNDISTURBED;
        let row = self
            .rows
            .iter()
            .find(fits)
            .context("nobody is undisturbed")?;
        row.end().await
    }
}

/// What disturbs nobody.
pub const UNDISTURBED: &str = "nothing";

/// Requests of one subscription, oldest first.
pub struct Ledger(pub Vec<JournalEntry>);

impl Ledger {
    /// Those that change something.
    pub fn writes(&self) -> Vec<&str> {
        let writes = self.0.iter().filter(|entry| changes(entry));
        writes.map(|entry| entry.operation.as_str()).collect()
    }

    pub fn count(&self, operation: &str) -> usize {
        let all = self.0.iter();
        all.filter(|entry| entry.operation == operation).count()
    }

    /// Between two writes of a kind there is a read that shows that the second is called for.
    pub fn repeats_after_reads(&self, write: &str, read: (&str, u16)) -> Result<()> {
        let mut shown = true;
        for entry in &self.0 {
            if entry.operation == write {
                ensure!(
                    shown,
                    "{write} was repeated, and no {read:?} since: {:?}",
                    self.told()
                );
                shown = false;
            }
            shown |= (entry.operation.as_str(), entry.status) == read;
        }
        Ok(())
    }

    /// For messages.
    pub fn told(&self) -> Vec<String> {
        let told = |entry: &JournalEntry| format!("{} {}", entry.operation, entry.status);
        self.0.iter().map(told).collect()
    }
}
