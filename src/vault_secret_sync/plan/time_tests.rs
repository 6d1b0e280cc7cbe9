//! What time and immutability keep from the Secret.

use std::sync::Arc;

use super::*;
use crate::azure::key_vault::Bundle;
use crate::vault_secret_sync::fixtures::{outcomes, sync_with};
use crate::vault_secret_sync::target::SecretMeta;
use crate::vault_secret_sync::valid::parse;
use crate::vault_secret_sync::wants::wanted::objects;

/// 1970-01-01 was a Thursday.
const NOON: i64 = 12 * 3_600;
const OPEN: i64 = 2 * 3_600 + 60;

const V1: &[(&str, &str)] = &[("API_KEY", "api-key/v1"), ("DB_PASSWORD", "db-password/v1")];

fn valid_with(change: impl FnOnce(&mut serde_json::Value)) -> Valid {
    parse(&sync_with(change)).unwrap()
}

fn windowed() -> Valid {
    valid_with(|spec| {
        spec["windows"] = serde_json::json!([{"schedule": "0 2 * * *", "duration": "1h"}]);
        spec["onMissing"] = "Remove".into();
    })
}

fn planned(
    valid: &Valid,
    secret: Option<&SecretMeta>,
    objects: &[(&str, Outcome)],
    now: i64,
) -> Plan {
    let objects = given(objects);
    let observed = Observed {
        scene: scene_of(valid, secret, &[]),
        objects: &objects,
        rejected: &Rejected::default(),
        removal: None,
    };
    plan(&observed, at(now))
}

fn given(objects: &[(&str, Outcome)]) -> BTreeMap<ObjectId, Outcome> {
    let objects = objects.iter();
    objects
        .map(|(name, outcome)| (id(name), outcome.clone()))
        .collect()
}

#[expect(
    clippy::unnecessary_wraps,
    clippy::unwrap_in_result,
    reason = "it makes what a vault answers"
)]
fn between(value: &str, version: &str, start: Option<i64>, end: Option<i64>) -> Outcome {
    let bundle = bundle(value, version).unwrap();
    Ok(Arc::new(Bundle {
        not_before: start.map(at),
        expires: end.map(at),
        ..Arc::into_inner(bundle).unwrap()
    }))
}

#[test]
fn a_change_waits_until_a_window_opens() {
    let valid = windowed();
    let secret = written(&valid, V1);
    let new = [("db-password", bundle("b", "v2"))];
    let closed = planned(&valid, Some(&secret), &new, NOON);
    assert!(closed.write.is_none() && closed.blocked.is_none());
    assert_eq!(reasons(&closed), [Some(Reason::WaitingForWindow), None]);
    assert_eq!(versions(&closed)[0].1, Some("v1"));
    // It is not asked for again meanwhile.
    let rejected = Rejected::default().after(&valid.items, &given(&new), outcomes(&closed));
    let scene = scene_of(&valid, Some(&secret), &[]);
    let wanted = objects(&scene, &rejected, Extent::Lacking);
    assert!(wanted.values().any(|held| {
        held.as_ref()
            .is_some_and(|held| held.version.as_str() == "v2")
    }));
    let open = planned(&valid, Some(&secret), &new, OPEN);
    assert_eq!(open.write.unwrap().fresh["DB_PASSWORD"].expose(), b"b");
}

#[test]
fn what_lacks_or_was_spoilt_does_not_wait() {
    let valid = windowed();
    let all = [
        ("db-password", bundle("a", "v1")),
        ("api-key", bundle("k", "v1")),
    ];
    assert!(planned(&valid, None, &all, NOON).write.is_some());
    let mut secret = written(&valid, V1);
    let share = secret.facts.shares.get_mut("app").unwrap();
    share.intact.remove("DB_PASSWORD");
    let new = [("db-password", bundle("b", "v2"))];
    assert!(planned(&valid, Some(&secret), &new, NOON).repairs);
}

#[test]
fn what_the_spec_asks_for_does_not_wait() {
    let valid = valid_with(|spec| {
        spec["windows"] = serde_json::json!([{"schedule": "0 2 * * *", "duration": "1h"}]);
        spec["data"][0]["secret"]["decode"] = "Base64".into();
    });
    let secret = written(&valid, V1);
    let same = [("db-password", bundle("YQ==", "v1"))];
    assert!(planned(&valid, Some(&secret), &same, NOON).write.is_some());
}

#[test]
fn a_key_that_goes_waits_as_well() {
    let valid = windowed();
    let secret = written(&valid, V1);
    let gone = [("db-password", failed(Reason::ObjectNotFound))];
    let closed = planned(&valid, Some(&secret), &gone, NOON);
    assert!(closed.write.is_none() && closed.removal.is_none());
    assert_eq!(reasons(&closed), [Some(Reason::WaitingForWindow), None]);
    let open = planned(&valid, Some(&secret), &gone, OPEN).write.unwrap();
    assert!(!open.record.keys.contains_key("DB_PASSWORD"));
}

#[test]
fn what_has_expired_is_not_taken_unless_that_is_asked_for() {
    let strict = valid_with(|_| ());
    let ended = [
        ("db-password", between("a", "v2", None, Some(50))),
        ("api-key", bundle("k", "v1")),
    ];
    let plan = planned(&strict, None, &ended, 100);
    assert_eq!(reasons(&plan), [Some(Reason::Expired), None]);
    assert_eq!(plan.write.unwrap().fresh.len(), 1);
    let ignore = valid_with(|spec| spec["validity"] = "Ignore".into());
    assert_eq!(reasons(&planned(&ignore, None, &ended, 100)), [None, None]);
    let early = [
        ("db-password", between("a", "v2", Some(500), None)),
        ("api-key", bundle("k", "v1")),
    ];
    assert_eq!(reasons(&planned(&ignore, None, &early, 100)), [None, None]);
}

#[test]
fn what_has_expired_in_the_secret_is_repaired() {
    let valid = valid_with(|_| ());
    let mut secret = written(&valid, V1);
    let share = secret.facts.shares.get_mut("app").unwrap();
    share.intact.remove("DB_PASSWORD");
    let same = [("db-password", between("a", "v1", None, Some(50)))];
    assert!(planned(&valid, Some(&secret), &same, 100).repairs);
    let other = [("db-password", between("a", "v2", None, Some(50)))];
    let plan = planned(&valid, Some(&secret), &other, 100);
    assert_eq!(reasons(&plan)[0], Some(Reason::Expired));
}

fn immutable_with(target: &serde_json::Value) -> (Valid, SecretMeta) {
    let valid = valid_with(|spec| spec["target"] = target.clone());
    let mut secret = written(&valid, V1);
    let share = secret.facts.shares.get_mut("app").unwrap();
    share.record.immutable = true;
    (valid, secret)
}

#[test]
fn an_immutable_secret_is_made_anew_only_by_consent() {
    let new = [("db-password", bundle("b", "v2"))];
    let (valid, secret) = immutable_with(&serde_json::json!({"immutable": true}));
    let kept = planned(&valid, Some(&secret), &new, 100);
    assert_eq!(
        kept.blocked.as_ref().unwrap().reason,
        Reason::TargetImmutable
    );
    assert!(kept.write.is_none());
    assert_eq!(versions(&kept)[0].1, Some("v1"));
    let (valid, secret) = immutable_with(&serde_json::json!({"immutable": true, "recreate": true}));
    let write = planned(&valid, Some(&secret), &new, 100).write.unwrap();
    assert_eq!(write.anew.as_deref(), Some("s"));
    assert!(write.immutable && write.record.immutable);
    // What is not read anew comes from the Secret, before it goes.
    assert_eq!(write.keep, BTreeSet::from(["API_KEY".to_owned()]));
}

#[test]
fn an_immutable_secret_that_equals_the_vault_is_left_alone() {
    let same = [("db-password", bundle("a", "v1"))];
    let (valid, secret) = immutable_with(&serde_json::json!({"immutable": true}));
    let plan = planned(&valid, Some(&secret), &same, 100);
    assert!(plan.write.is_none() && plan.blocked.is_none());
    let (valid, secret) = immutable_with(&serde_json::json!({}));
    let plan = planned(&valid, Some(&secret), &same, 100);
    assert_eq!(plan.blocked.unwrap().reason, Reason::TargetImmutable);
}

#[test]
fn another_type_needs_consent_too() {
    let template = serde_json::json!({"type": "example.com/x"});
    let of = |target: serde_json::Value| {
        let valid = valid_with(|spec| {
            spec["template"] = template.clone();
            spec["target"] = target;
        });
        let mut secret = written(&valid, V1);
        let share = secret.facts.shares.get_mut("app").unwrap();
        share.record.type_ = Some("Opaque".to_owned());
        planned(&valid, Some(&secret), &[], 100)
    };
    let blocked = of(serde_json::json!({})).blocked.unwrap();
    assert_eq!(blocked.reason, Reason::TargetTypeImmutable);
    let write = of(serde_json::json!({"recreate": true})).write.unwrap();
    assert_eq!(
        (write.anew.as_deref(), write.type_.as_deref()),
        (Some("s"), Some("example.com/x"))
    );
}
