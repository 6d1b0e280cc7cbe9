//! Whether keys whose objects are gone are removed: not the last ones, and not most of them at first sight. Pure.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::plan::Removal;
use crate::vault_secret_sync::plan::rows::{Put, Row};
use crate::vault_secret_sync::target::Share;
use crate::vault_secret_sync::valid::{DEFAULT_INTERVAL, Valid};

/// Makes rows that are to be removed stay, where it is too early for that. What waits for a second look, and what is told.
pub fn brake(
    valid: &Valid,
    share: &Share,
    rows: &mut [Row],
    before: Option<&Removal>,
    now: Timestamp,
) -> (Option<Removal>, Option<Problem>) {
    let goes = |row: &&Row| matches!(row.put, Put::Remove(_));
    let keys: BTreeSet<String> = rows
        .iter()
        .filter(goes)
        .map(|row| row.plan.key.clone())
        .collect();
    let stays = |row: &Row| matches!(row.put, Put::Fresh(..) | Put::Keep(_));
    let last = !rows.iter().any(stays);
    if keys.is_empty() || !last && keys.len() * 2 <= share.record.keys.len() {
        return (None, None);
    }
    let wait = valid.interval.unwrap_or(DEFAULT_INTERVAL);
    // Somebody who looks a moment too early has looked all the same.
    let enough = SignedDuration::try_from(wait.mul_f64(0.9)).unwrap_or_default();
    let seen = before.filter(|before| keys.is_subset(&before.keys));
    let since = seen.map_or(now, |before| before.since);
    if !last && seen.is_some() && now.duration_since(since) >= enough {
        return (None, None);
    }
    for row in rows.iter_mut() {
        if let Put::Remove(line) = &row.put {
            row.put = Put::Keep(line.clone());
            row.plan.version.clone_from(&row.plan.held);
            row.shown = true;
        }
    }
    let (count, all) = (keys.len(), share.record.keys.len());
    let (message, retry) = if last {
        let message = format!(
            "the objects of all {count} keys are gone; a Secret is never emptied, so they stay: delete the VaultSecretSync if it is not needed any more"
        );
        (message, Retry::OnChange)
    } else {
        let message = format!(
            "the objects of {count} of {all} keys are gone; more than half is removed only when a second look, one interval later, says the same"
        );
        (message, Retry::After(wait))
    };
    let problem = Problem::new(Reason::RemovalHeld, retry, message);
    (Some(Removal { keys, since }), Some(problem))
}
