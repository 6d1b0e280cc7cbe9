//! The status of a sync that pushes and reads nothing. Pure.
//!
//! It writes no Secret, so that all that it has to say is what it says of its pushes: whoever waits for it to be ready waits for
//! these.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::PUSHED;
use super::valid::name_of;
use crate::k8s::conditions::{self, Says, find};
use crate::k8s::kstatus::{RECONCILING, STALLED};
use crate::problem::Reason;
use crate::vault_secret_sync::api::VaultSecretSyncStatus;
use crate::vault_secret_sync::valid::Valid;

/// The conditions that remain.
const KEPT: [&str; 6] = ["Ready", "Synced", "Degraded", PUSHED, RECONCILING, STALLED];

/// The status. What is said of pushes stands in `old` already.
pub fn status(
    old: &VaultSecretSyncStatus,
    generation: Option<i64>,
    valid: &Valid,
    now: Timestamp,
) -> VaultSecretSyncStatus {
    let names = || valid.pushes.iter().map(|push| name_of(&push.object));
    let is_there = |name: &String| {
        let mut records = old.push.iter();
        records.any(|record| record.object.eq_ignore_ascii_case(name) && record.version.is_some())
    };
    let (all, there) = (valid.pushes.len(), names().filter(is_there).count());
    // What was said of another spec says nothing of this one.
    let pushed = find(&old.conditions, PUSHED);
    let pushed = pushed.filter(|pushed| pushed.observed_generation == generation);
    let mut kept = old.conditions.clone();
    kept.retain(|condition| KEPT.contains(&condition.type_.as_str()));
    let says = says(pushed, all, there);
    VaultSecretSyncStatus {
        observed_generation: generation,
        conditions: conditions::set(&kept, says.into(), generation, now),
        summary: Some(format!("{there}/{all}")),
        push: old.push.clone(),
        handled_sync_at: valid.sync_at.clone(),
        last_changed: old
            .push
            .iter()
            .filter_map(|record| record.last_pushed.clone())
            .max(),
        ..VaultSecretSyncStatus::default()
    }
}

fn says(pushed: Option<&Condition>, all: usize, there: usize) -> [Says; 3] {
    let status = pushed.and_then(|pushed| match pushed.status.as_str() {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    });
    let known = |pushed: &Condition| {
        let mut reasons = Reason::ALL.iter().map(|reason| reason.as_str());
        reasons.find(|reason| *reason == pushed.reason)
    };
    let reason = match status {
        Some(true) => "UpToDate",
        _ => pushed.and_then(known).unwrap_or("Pending"),
    };
    let message = pushed.map_or_else(
        || "the vault has not been looked at yet for this spec".to_owned(),
        |pushed| pushed.message.clone(),
    );
    let ready = if there == all {
        Says {
            type_: "Ready",
            status: Some(true),
            reason: "AllPushed",
            message: format!(
                "the vault has an object for each of {all} entries of spec.push; nothing is read, so no Secret is written"
            ),
        }
    } else {
        Says {
            type_: "Ready",
            status: Some(false),
            reason,
            message: message.clone(),
        }
    };
    let failed = status == Some(false);
    let degraded = Says {
        type_: "Degraded",
        status: Some(failed),
        reason: if failed { reason } else { "Healthy" },
        message: if failed {
            message.clone()
        } else {
            "nothing is wrong".to_owned()
        },
    };
    let synced = Says {
        type_: "Synced",
        status,
        reason,
        message,
    };
    [ready, synced, degraded]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::vault_secret_sync::fixtures::sync_with;
    use crate::vault_secret_sync::valid::parse;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn valid() -> Valid {
        parse(&sync_with(|spec| {
            spec.as_object_mut().unwrap().remove("data");
            let entry =
                |name: &str| json!({"from": {"secret": "s", "key": "k"}, "to": {"secret": name}});
            spec["push"] = json!([entry("a"), entry("b")]);
        }))
        .unwrap()
    }

    /// The conditions and the summary, where these objects have a version and `Pushed` says this of a generation.
    fn seen(
        there: &[&str],
        pushed: Option<(&str, &str, i64)>,
    ) -> (Vec<(String, String, String)>, String) {
        let records: Vec<_> = there
            .iter()
            .map(|name| json!({"vault": "https://kv.vault.azure.net", "object": format!("secret/{name}"), "version": "1"}))
            .collect();
        let condition = |type_: &str, status: &str, reason: &str, generation: i64| json!({"type": type_, "status": status, "reason": reason, "message": "m", "observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let mut said = vec![
            condition("RolledOut", "True", "Done", 1),
            condition("Expiring", "True", "Soon", 1),
        ];
        said.extend(
            pushed.map(|(status, reason, generation)| {
                condition("Pushed", status, reason, generation)
            }),
        );
        let old = json!({"push": records, "conditions": said, "keys": [{"key": "K", "object": "k"}], "target": {"name": "s", "ownership": "Own", "deletionPolicy": "Delete"}});
        let old: VaultSecretSyncStatus = serde_json::from_value(old).unwrap();
        let new = status(&old, Some(2), &valid(), NOW);
        assert!(new.keys.is_empty() && new.target.is_none() && new.push == old.push);
        let conditions = new.conditions.into_iter();
        let conditions = conditions.map(|one| (one.type_, one.status, one.reason));
        (
            conditions.filter(|one| one.0 != "Pushed").collect(),
            new.summary.unwrap(),
        )
    }

    fn row(type_: &str, status: &str, reason: &str) -> (String, String, String) {
        (type_.to_owned(), status.to_owned(), reason.to_owned())
    }

    #[test]
    fn it_is_ready_when_the_vault_has_all_and_synced_as_pushed_says() {
        let ready = seen(&["a", "b"], Some(("True", "UpToDate", 2)));
        let all = vec![
            row("Ready", "True", "AllPushed"),
            row("Synced", "True", "UpToDate"),
            row("Degraded", "False", "Healthy"),
        ];
        assert_eq!(ready, (all, "2/2".to_owned()));
        let failed = seen(&["a", "b"], Some(("False", "Forbidden", 2)));
        let all = vec![
            row("Ready", "True", "AllPushed"),
            row("Synced", "False", "Forbidden"),
            row("Degraded", "True", "Forbidden"),
            row("Reconciling", "True", "Forbidden"),
        ];
        assert_eq!(failed, (all, "2/2".to_owned()));
    }

    #[test]
    fn it_is_under_way_until_all_was_pushed_once() {
        let first = status(&VaultSecretSyncStatus::default(), Some(2), &valid(), NOW);
        let second = status(&first, Some(2), &valid(), NOW);
        assert!(find(&second.conditions, RECONCILING).is_some());
    }

    #[test]
    fn what_was_said_of_an_earlier_spec_does_not_count() {
        let stale = seen(&["a"], Some(("True", "UpToDate", 1)));
        let all = vec![
            row("Ready", "False", "Pending"),
            row("Synced", "Unknown", "Pending"),
            row("Degraded", "False", "Healthy"),
            row("Reconciling", "True", "Pending"),
        ];
        assert_eq!(stale, (all.clone(), "1/2".to_owned()));
        assert_eq!(seen(&[], None), (all, "0/2".to_owned()));
    }
}
