//! What ends soon. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::k8s::conditions::Says;
use crate::vault_secret_sync::api::KeyStatus;
use crate::vault_secret_sync::status::cut;
use crate::vault_secret_sync::tokens::times;

/// The condition that tells of ends ahead of time.
pub const CONDITION: &str = "Expiring";

/// What lives shorter than three times the warning is told of in the last third of its life.
const LIVES: u32 = 3;

/// What ends, and since when that is told of.
#[derive(Debug, Clone, Copy)]
struct End<'a> {
    key: &'a KeyStatus,
    at: Timestamp,
    told: Timestamp,
}

/// The keys with an end, the first first.
fn ends(keys: &[KeyStatus], warning: Duration) -> Vec<End<'_>> {
    let mut ends: Vec<End<'_>> = keys.iter().filter_map(|key| end(key, warning)).collect();
    ends.sort_by_key(|end| end.at);
    ends
}

/// The end of a token is no event: it is renewed.
fn end(key: &KeyStatus, warning: Duration) -> Option<End<'_>> {
    let at = key.expires.as_ref()?.0;
    if times::Times::read(key.version.as_deref()?).is_some() {
        return None;
    }
    let life = key
        .updated
        .as_ref()
        .map(|updated| at.duration_since(updated.0));
    let life = life.and_then(|life| Duration::try_from(life).ok());
    let ahead = life.map_or(warning, |life| warning.min(life / LIVES));
    let ahead = SignedDuration::try_from(ahead).unwrap_or_default();
    let told = at.checked_sub(ahead).unwrap_or(Timestamp::MIN);
    Some(End { key, at, told })
}

/// The condition. None where nothing ends, and nothing is to be told of it.
pub fn says(keys: &[KeyStatus], warning: Option<Duration>, now: Timestamp) -> Option<Says> {
    let ends = ends(keys, warning?);
    let first = ends.first()?;
    let mut soon = ends.iter().filter(|end| end.told <= now).peekable();
    if soon.peek().is_none() {
        return Some(Says {
            type_: CONDITION,
            status: Some(false),
            reason: "NothingExpires",
            message: format!("the first end is that of {}: {}", first.key.key, first.at),
        });
    }
    let reason = if first.at <= now {
        "Expired"
    } else {
        "ExpiresSoon"
    };
    let listed: Vec<String> = soon
        .map(|end| {
            let KeyStatus { key, object, .. } = end.key;
            let verb = if end.at <= now { "expired" } else { "expires" };
            format!("{key} ({object}) {verb} on {}", end.at)
        })
        .collect();
    let message = format!(
        "{}: set a new version in the vault, and it is taken at the next look",
        listed.join(", ")
    );
    Some(Says {
        type_: CONDITION,
        status: Some(true),
        reason,
        message: cut(&message),
    })
}

/// When there is next something else to tell, just by time going by.
pub fn next(keys: &[KeyStatus], warning: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    let ends = ends(keys, warning?);
    let times = ends.iter().flat_map(|end| [end.told, end.at]);
    times.filter(|time| *time > now).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault_secret_sync::fixtures::token_version;

    const DAY: i64 = 86_400;
    const WARNING: Option<Duration> = Some(Duration::from_hours(30 * 24));

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * DAY).unwrap()
    }

    fn key(name: &str, version: &str, updated: i64, expires: i64) -> KeyStatus {
        serde_json::from_value(serde_json::json!({
            "key": name, "object": name.to_lowercase(), "version": version,
            "updated": at(updated).to_string(), "expires": at(expires).to_string()
        }))
        .unwrap()
    }

    fn told(keys: &[KeyStatus], day: i64) -> (Option<bool>, &'static str) {
        let says = says(keys, WARNING, at(day)).unwrap();
        (says.status, says.reason)
    }

    #[test]
    fn an_end_is_told_thirty_days_ahead_and_when_it_came() {
        let keys = [key("A", "v1", 0, 365), key("B", "v1", 0, 700)];
        assert_eq!(told(&keys, 100), (Some(false), "NothingExpires"));
        assert_eq!(next(&keys, WARNING, at(100)), Some(at(335)));
        assert_eq!(told(&keys, 335), (Some(true), "ExpiresSoon"));
        assert_eq!(next(&keys, WARNING, at(335)), Some(at(365)));
        assert_eq!(told(&keys, 365), (Some(true), "Expired"));
        let message = says(&keys, WARNING, at(365)).unwrap().message;
        assert!(
            message.starts_with("A (a) expired on 1971-01-01T00:00:00Z"),
            "{message}"
        );
        assert!(!message.contains("B (b)"), "{message}");
    }

    #[test]
    fn what_lives_short_is_told_of_in_its_last_third() {
        let keys = [key("A", "v1", 0, 9)];
        assert_eq!(told(&keys, 5), (Some(false), "NothingExpires"));
        assert_eq!(told(&keys, 6), (Some(true), "ExpiresSoon"));
    }

    #[test]
    fn tokens_and_keys_without_a_value_have_no_end_and_zero_tells_of_none() {
        let token = key("T", &token_version(0, 3600), 0, 1);
        let mut absent = key("A", "v1", 0, 9);
        absent.version = None;
        assert_eq!(says(&[token, absent], WARNING, at(8)), None);
        assert_eq!(says(&[key("A", "v1", 0, 9)], None, at(8)), None);
    }
}
