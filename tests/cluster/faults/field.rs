//! Many resources at once: each is a row of a table, in a subscription of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::ListParams;
use kube::core::object::HasStatus;
use kube::{Resource, ResourceExt};
use testbed::poll::seen;
use testbed::simulator::JournalEntry;
use testbed::until;

use super::Life;
use crate::estate::{Estate, Told, asked, changes, condition};

/// The client's own patience of 30 s belongs to it, and pauses of backoff.
const LIMIT: Duration = Duration::from_mins(2);
/// Requests of the test under way together.
const TOGETHER: usize = 8;

/// A resource whose life is disturbed, or not.
pub struct Row<L: Life> {
    pub estate: Estate<L::Kind>,
    pub state: L,
    /// What disturbs it.
    pub what: &'static str,
    /// How often a note had to lapse before it went on.
    pub lapsed: usize,
    settled: bool,
}

impl<L: Life> Row<L> {
    pub fn name(&self) -> String {
        format!("{:?} × {}", self.state, self.what)
    }

    /// Whether the object is as it shall be in the end. A note of a write whose outcome is not known is let lapse.
    async fn settle(&mut self, object: Option<&L::Kind>) -> Result<Result<(), String>> {
        let leaves = self.state.leaves() && has_begun(object);
        let Some(object) = object else {
            return Ok(if leaves {
                Ok(())
            } else {
                Err("gone".to_owned())
            });
        };
        self.state.holds(&self.estate).await?;
        let status = object.status().cloned().unwrap_or_default();
        let resource = status.resource();
        if resource.observed_generation != object.meta().generation {
            return Ok(Err("not looked at".to_owned()));
        }
        let synced = condition(&status, "Synced");
        let is_synced = synced.is_some_and(|synced| synced.status == "True");
        let waits = synced.is_some_and(|synced| synced.reason == "OperationUnderWay");
        let open = resource.operation.as_ref();
        let open = open.filter(|open| open.poll.is_none());
        let has_not_lapsed = open.is_some_and(|open| open.deadline.0 > jiff::Timestamp::now());
        if has_not_lapsed && (waits || is_synced && !leaves) {
            self.lapsed += 1;
            self.estate.lapse(object).await?;
        }
        if !leaves && is_clean(&status) && self.state.is_done(&status) {
            return Ok(Ok(()));
        }
        Ok(Err(serde_json::to_string(&status)?))
    }

    /// What is there of it, without what no two rows share.
    pub async fn end(&self) -> Result<String> {
        let text = self.state.end(&self.estate).await?;
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

/// Whether an object is being deleted, or was.
fn has_begun<K: Resource>(object: Option<&K>) -> bool {
    object.is_none_or(|object| object.meta().deletion_timestamp.is_some())
}

/// Nothing is open, and nothing differs.
fn is_clean(status: &impl Told) -> bool {
    let is_true = |type_| condition(status, type_).is_some_and(|one| one.status == "True");
    let resource = status.resource();
    is_true("Synced")
        && is_true("Ready")
        && resource.operation.is_none()
        && resource.drift.is_empty()
        && resource.plan.is_empty()
}

/// The rows.
pub struct Field<L: Life> {
    pub rows: Vec<Row<L>>,
    /// How many requests each row had when its trouble began.
    before: BTreeMap<String, usize>,
}

impl<L: Life> Field<L> {
    /// Makes a subscription for each row, and what is to be there before.
    pub async fn of(
        estate: &Estate<L::Kind>,
        wanted: impl IntoIterator<Item = (L, &'static str)>,
    ) -> Result<Self> {
        let made = wanted.into_iter().enumerate();
        let rows = stream::iter(made)
            .map(async |(n, (state, what))| {
                let estate = estate.beside(&format!("r{n}")).await?;
                state.prepare(&estate).await?;
                if state.has_resource() {
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
            .settle("all are there", |row| row.state.has_resource())
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
    pub async fn begin(&self, fits: impl Fn(&Row<L>) -> bool) -> Result<()> {
        stream::iter(self.rows.iter().filter(|row| fits(row)))
            .map(async |row| row.state.begin(&row.estate).await)
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await
    }

    /// Waits until all that fit are as they shall be.
    pub async fn settle(&mut self, what: &str, fits: impl Fn(&Row<L>) -> bool) -> Result<()> {
        let Some(first) = self.rows.first() else {
            return Ok(());
        };
        let api = first.estate.api();
        until(LIMIT, what, async || {
            let all = api.list(&ListParams::default()).await.map_err(seen)?;
            let all: BTreeMap<String, &L::Kind> =
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
    pub async fn undisturbed(&self, state: L) -> Result<String> {
        let fits = |row: &&Row<L>| row.state == state && row.what == UNDISTURBED;
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
