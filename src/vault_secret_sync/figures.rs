//! How syncs stand, counted from their statuses. Pure.

use jiff::Timestamp;

use crate::telemetry::figures::Syncs;
use crate::vault_secret_sync::api::VaultSecretSyncStatus;

/// Keys whose objects expire within these days are counted.
const DAYS: [u32; 4] = [1, 7, 30, 90];
const DAY: f64 = 86_400.0;

/// Counts.
pub fn count(statuses: impl Iterator<Item = VaultSecretSyncStatus>, now: Timestamp) -> Syncs {
    let mut syncs = Syncs {
        expiring: DAYS.iter().map(|days| (*days, 0)).collect(),
        ..Syncs::default()
    };
    for status in statuses {
        for condition in status.conditions {
            let words = (condition.type_, condition.status, condition.reason);
            *syncs.conditions.entry(words).or_default() += 1;
        }
        // The end of a token is no event: it is renewed.
        let of_vault = status
            .keys
            .iter()
            .filter(|key| !key.version.as_deref().is_some_and(is_token));
        for expires in of_vault.filter_map(|key| key.expires.as_ref()) {
            let seconds = expires.0.duration_since(now).as_secs_f64();
            syncs.first_expiry = Some(
                syncs
                    .first_expiry
                    .map_or(seconds, |first| first.min(seconds)),
            );
            for (days, count) in &mut syncs.expiring {
                *count += u64::from(seconds <= f64::from(*days) * DAY);
            }
        }
    }
    syncs
}

fn is_token(version: &str) -> bool {
    crate::vault_secret_sync::tokens::times::Times::read(version).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_and_ends_are_counted_and_tokens_are_not() {
        let status: VaultSecretSyncStatus = serde_json::from_value(serde_json::json!({
            "conditions": [{"type": "Ready", "status": "True", "reason": "AllKeysPresent", "message": "",
                "lastTransitionTime": "2026-11-21T00:00:00Z"}],
            "keys": [
                {"key": "A", "object": "a", "version": "v1", "expires": "2026-11-25T00:00:00Z"},
                {"key": "B", "object": "b", "version": "v1", "expires": "2026-12-15T00:00:00Z"},
                {"key": "T", "object": "t", "version": "issued20261121T000000000Zexpires20261121T010000Z",
                    "expires": "2026-11-21T01:00:00Z"}
            ]
        }))
        .unwrap();
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        let syncs = count([status.clone(), status].into_iter(), now);
        let words = (
            "Ready".to_owned(),
            "True".to_owned(),
            "AllKeysPresent".to_owned(),
        );
        assert_eq!(syncs.conditions, [(words, 2)].into());
        assert_eq!(syncs.first_expiry, Some(4.0 * DAY));
        assert_eq!(syncs.expiring, [(1, 0), (7, 2), (30, 4), (90, 4)].into());
    }
}
