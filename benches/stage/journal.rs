//! When the vaults were called, by the simulator's journal.

use anyhow::{Context, Result};
use jiff::Timestamp;
use testbed::simulator::JournalEntry;

use super::Stage;
use crate::report::float;

impl Stage {
    /// From now on the journal is empty.
    pub async fn clear_journal(&self) -> Result<()> {
        self.simulator.admin().clear_journal().await
    }

    /// The calls of vaults in the journal, in order, with their times.
    pub async fn vault_calls(&self) -> Result<Vec<(Timestamp, JournalEntry)>> {
        let mut calls = self.calls().await?;
        calls.retain(|(_, entry)| {
            let vault = entry.vault.as_deref().unwrap_or_default();
            vault.starts_with("kv-")
        });
        Ok(calls)
    }

    /// All calls in the journal, in order, with their times.
    pub async fn calls(&self) -> Result<Vec<(Timestamp, JournalEntry)>> {
        let journal = self.simulator.admin().journal(0).await?;
        let timed = |entry: JournalEntry| {
            let time = entry.time.parse().context("no time in the journal")?;
            Ok((time, entry))
        };
        journal.entries.into_iter().map(timed).collect()
    }
}

/// Calls by the interval, where they come in runs with a pause between: counted from the beginning of one run to that of
/// another, since a time that is cut off anywhere may have a run more or less. None where there are no two runs.
pub fn by_runs(times: &[Timestamp], interval: f64) -> Option<f64> {
    let pause = interval / 4.0;
    let seconds = |from: usize, to: usize| {
        Some(
            times
                .get(to)?
                .duration_since(*times.get(from)?)
                .as_secs_f64(),
        )
    };
    let mut starts =
        (1..times.len()).filter(|at| seconds(at - 1, *at).is_some_and(|gap| gap > pause));
    let first = starts.next()?;
    let last = starts.next_back()?;
    Some(float(last - first) * interval / seconds(first, last)?)
}
