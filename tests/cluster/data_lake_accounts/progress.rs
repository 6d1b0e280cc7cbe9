//! What an account's own endpoint is asked, and how far trees in it are: of both generations.

use std::time::Duration;

use anyhow::Result;
use lakevault::data_lake_account::api::{DataLakeAccount, DataLakeAccountStatus};
use testbed::poll::seen;
use testbed::simulator::JournalEntry;
use testbed::until;

use super::lakes::is;
use crate::estate::Estate;
use crate::kit::SOON;

/// An account of either generation.
type Account = Estate<DataLakeAccount>;

/// Requests to the account's own endpoint, oldest first, by the journal's word; all of them where it is empty.
pub async fn requests(account: &Account, host: &str, operation: &str) -> Result<Vec<JournalEntry>> {
    let mut all = account.kit.admin().journal_of(&account.name).await?;
    all.retain(|entry| {
        let named = operation.is_empty() || entry.operation == operation;
        named && entry.host == host
    });
    Ok(all)
}

/// Waits until it is noted how far a tree is: while the round goes on, so the status is still about the spec before.
pub async fn in_the_middle(account: &Account, patience: Duration) -> Result<DataLakeAccountStatus> {
    let is_there =
        |status: &DataLakeAccountStatus| status.trees.iter().any(|one| one.continuation.is_some());
    when(
        account,
        patience,
        "it is in the middle of the tree",
        is_there,
    )
    .await
}

/// Waits until a large tree is done.
pub async fn ended(account: &Account) -> Result<DataLakeAccountStatus> {
    let is_there = |status: &DataLakeAccountStatus| {
        let done = status.trees.iter().all(|one| one.done.is_some());
        done && is(status, "Synced", "True", "AsDeclared")
    };
    when(account, 6 * SOON, "the tree is done", is_there).await
}

async fn when(
    account: &Account,
    patience: Duration,
    what: &str,
    is_there: impl Fn(&DataLakeAccountStatus) -> bool,
) -> Result<DataLakeAccountStatus> {
    let api = account.api();
    until(patience, what, async || {
        let object = api.get(&account.name).await.map_err(seen)?;
        let status = object.status.unwrap_or_default();
        if is_there(&status) {
            Ok(status)
        } else {
            Err(serde_json::to_string(&status).unwrap_or_default())
        }
    })
    .await
}

/// The number of calls when those that were under way at a death are done.
pub async fn settled(account: &Account, host: &str, operation: &str) -> Result<usize> {
    let mut last = usize::MAX;
    let patience = Duration::from_secs(10);
    until(patience, "nothing is under way", async || {
        let all = requests(account, host, operation).await.map_err(seen)?;
        let before = std::mem::replace(&mut last, all.len());
        if before == last {
            Ok(last)
        } else {
            Err(format!("{last} calls"))
        }
    })
    .await
}
