use std::sync::Arc;

use super::*;
use crate::azure::key_vault::{Bundle, Kind, Object};
use crate::secret::SecretValue;
use crate::vault_secret_sync::api::Ownership;
use crate::vault_secret_sync::fixtures::{sync, sync_with};
use crate::vault_secret_sync::items::item::Located;
use crate::vault_secret_sync::plan::claims::Rival;
use crate::vault_secret_sync::target::{Controller, Facts, SecretMeta, owner};
use crate::vault_secret_sync::valid::parse;
use crate::vault_secret_sync::wants::wanted::{Extent, objects};

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn valid() -> Valid {
    parse(&sync()).unwrap()
}

#[expect(
    clippy::unnecessary_wraps,
    clippy::unwrap_in_result,
    reason = "it makes what a vault answers"
)]
pub(super) fn bundle(value: &str, version: &str) -> Outcome {
    Ok(Arc::new(Bundle {
        version: version.parse().unwrap(),
        value: SecretValue::from(value.to_owned()),
        content_type: None,
        updated: Some(at(1)),
        not_before: None,
        expires: None,
        answered: None,
    }))
}

pub(super) fn failed(reason: Reason) -> Outcome {
    Err(Problem::new(reason, Retry::Backoff, "x"))
}

pub(super) fn id(name: &str) -> ObjectId {
    ObjectId::Object(Located {
        vault: None,
        object: Object {
            kind: Kind::Secret,
            name: name.parse().unwrap(),
            version: None,
        },
    })
}

fn both(db: Outcome, api: Outcome) -> BTreeMap<ObjectId, Outcome> {
    BTreeMap::from([(id("db-password"), db), (id("api-key"), api)])
}

pub(super) fn scene_of<'a>(
    valid: &'a Valid,
    secret: Option<&'a SecretMeta>,
    rivals: &'a [Rival],
) -> Scene<'a> {
    Scene::of(valid, secret, None, rivals)
}

/// The secrets of the vault whose values are asked for.
fn needed(valid: &Valid, secret: Option<&SecretMeta>, rivals: &[Rival]) -> Vec<ObjectId> {
    let scene = scene_of(valid, secret, rivals);
    let objects = objects(&scene, &Rejected::default(), Extent::Lacking).into_iter();
    objects
        .filter(|(_, held)| held.is_none())
        .map(|(object, _)| ObjectId::Object(object))
        .collect()
}

/// The Secret as our own apply with these sources leaves it.
pub(super) fn written(valid: &Valid, sources: &[(&str, &str)]) -> SecretMeta {
    let keys: BTreeMap<String, String> = sources
        .iter()
        .map(|(k, s)| ((*k).to_owned(), (*s).to_owned()))
        .collect();
    let record = Record {
        type_: type_of(valid),
        labels: valid.target.labels.keys().cloned().collect(),
        annotations: valid.target.annotations.keys().cloned().collect(),
        keys,
        ..Record::default()
    };
    let share = Share {
        intact: record.keys.keys().cloned().collect(),
        record,
    };
    SecretMeta {
        uid: "s".to_owned(),
        version: "7".to_owned(),
        facts: Facts {
            managed: true,
            controller: owner(valid).map(|owner| Controller {
                uid: owner.uid,
                named: format!("VaultSecretSync {}", owner.name),
            }),
            labels: valid.target.labels.clone(),
            annotations: valid.target.annotations.clone(),
            shares: BTreeMap::from([(valid.name.clone(), share)]),
            ..Facts::default()
        },
    }
}

const V1: &[(&str, &str)] = &[("API_KEY", "api-key/v1"), ("DB_PASSWORD", "db-password/v1")];

fn planned(
    valid: &Valid,
    secret: Option<&SecretMeta>,
    objects: &BTreeMap<ObjectId, Outcome>,
    rivals: &[Rival],
) -> Plan {
    let observed = Observed {
        scene: scene_of(valid, secret, rivals),
        objects,
        rejected: &Rejected::default(),
        removal: None,
    };
    plan(&observed, at(100))
}

pub(super) fn versions(plan: &Plan) -> Vec<(&str, Option<&str>)> {
    plan.keys
        .iter()
        .map(|key| (key.key.as_str(), key.version.as_deref()))
        .collect()
}

pub(super) fn reasons(plan: &Plan) -> Vec<Option<Reason>> {
    plan.keys
        .iter()
        .map(|key| key.problem.as_ref().map(|problem| problem.reason))
        .collect()
}

#[test]
fn a_new_secret_gets_all_values_owner_and_record() {
    let objects = both(bundle("a", "v1"), bundle("b", "v1"));
    let plan = planned(&valid(), None, &objects, &[]);
    let write = plan.write.as_ref().unwrap();
    assert_eq!(write.fresh["DB_PASSWORD"].expose(), b"a");
    assert_eq!(
        (write.on_version.as_deref(), write.type_.as_deref()),
        (None, Some("Opaque"))
    );
    assert_eq!(write.owner.as_ref().unwrap().uid, "uid-app");
    assert!(write.annotations["sync.lakevault.dev/app"].contains("db-password/v1"));
    assert!(!plan.repairs);
}

#[test]
fn nothing_is_written_where_nothing_differs() {
    let valid = valid();
    let plan = planned(
        &valid,
        Some(&written(&valid, V1)),
        &both(bundle("a", "v1"), bundle("b", "v1")),
        &[],
    );
    assert!(plan.write.is_none() && plan.blocked.is_none());
    assert_eq!(
        versions(&plan),
        [("DB_PASSWORD", Some("v1")), ("API_KEY", Some("v1"))]
    );
}

#[test]
fn a_new_version_is_written_on_the_version_that_was_seen() {
    let valid = valid();
    let plan = planned(
        &valid,
        Some(&written(&valid, V1)),
        &both(bundle("a", "v2"), bundle("b", "v1")),
        &[],
    );
    let write = plan.write.unwrap();
    assert_eq!(write.on_version.as_deref(), Some("7"));
    assert_eq!(
        write.fresh.keys().collect::<Vec<_>>(),
        ["API_KEY", "DB_PASSWORD"]
    );
}

#[test]
fn a_key_that_fails_keeps_its_last_good_value_while_others_go_on() {
    let valid = valid();
    for reason in [
        Reason::Forbidden,
        Reason::ObjectNotFound,
        Reason::ObjectDisabled,
        Reason::TimedOut,
        Reason::MalformedAnswer,
    ] {
        let objects = both(failed(reason), bundle("b", "v2"));
        let plan = planned(&valid, Some(&written(&valid, V1)), &objects, &[]);
        let write = plan.write.as_ref().unwrap();
        assert_eq!(write.keep, BTreeSet::from(["DB_PASSWORD".to_owned()]));
        assert_eq!(write.fresh.keys().collect::<Vec<_>>(), ["API_KEY"]);
        assert_eq!(
            write.record.keys["DB_PASSWORD"], "db-password/v1",
            "the record forgot a key that stays"
        );
        assert_eq!(
            versions(&plan),
            [("DB_PASSWORD", Some("v1")), ("API_KEY", Some("v2"))]
        );
        assert_eq!(reasons(&plan), [Some(reason), None]);
    }
}

#[test]
fn an_empty_value_never_replaces_a_good_one() {
    let valid = valid();
    let plan = planned(
        &valid,
        Some(&written(&valid, V1)),
        &both(bundle("", "v2"), bundle("b", "v1")),
        &[],
    );
    assert!(plan.write.is_none());
    assert_eq!(reasons(&plan), [Some(Reason::EmptyValue), None]);
    assert_eq!(versions(&plan)[0], ("DB_PASSWORD", Some("v1")));
}

#[test]
fn a_secret_is_not_made_without_a_single_value() {
    let plan = planned(
        &valid(),
        None,
        &both(failed(Reason::TimedOut), failed(Reason::TimedOut)),
        &[],
    );
    assert!(plan.write.is_none() && plan.blocked.is_none());
}

#[test]
fn a_value_before_its_time_is_waited_for() {
    let early = Bundle {
        not_before: Some(at(160)),
        ..Arc::into_inner(bundle("a", "v1").unwrap()).unwrap()
    };
    let plan = planned(
        &valid(),
        None,
        &both(Ok(Arc::new(early)), bundle("b", "v1")),
        &[],
    );
    let problem = plan.keys[0].problem.as_ref().unwrap();
    assert_eq!(
        (problem.reason, problem.retry),
        (
            Reason::NotYetValid,
            Retry::After(std::time::Duration::from_mins(1))
        )
    );
    assert_eq!(plan.write.unwrap().fresh.len(), 1);
}

#[test]
fn damage_is_repaired_with_nothing_but_the_damaged_keys_objects() {
    let valid = valid();
    let mut secret = written(&valid, V1);
    secret
        .facts
        .shares
        .get_mut("app")
        .unwrap()
        .intact
        .remove("DB_PASSWORD");
    assert_eq!(needed(&valid, Some(&secret), &[]), [id("db-password")]);
    let objects = BTreeMap::from([(id("db-password"), bundle("a", "v1"))]);
    let plan = planned(&valid, Some(&secret), &objects, &[]);
    let write = plan.write.as_ref().unwrap();
    assert!(plan.repairs);
    assert_eq!(
        (write.fresh.len(), &write.keep),
        (1, &BTreeSet::from(["API_KEY".to_owned()]))
    );
}

#[test]
fn a_damaged_key_whose_vault_is_away_is_left_as_it_is() {
    let valid = valid();
    let mut secret = written(&valid, V1);
    secret
        .facts
        .shares
        .get_mut("app")
        .unwrap()
        .intact
        .remove("DB_PASSWORD");
    let plan = planned(
        &valid,
        Some(&secret),
        &both(failed(Reason::TimedOut), bundle("b", "v1")),
        &[],
    );
    let write = plan.write.as_ref().unwrap();
    assert!(!write.keep.contains("DB_PASSWORD") && !write.record.keys.contains_key("DB_PASSWORD"));
    assert_eq!(versions(&plan)[0], ("DB_PASSWORD", None));
}

type Damage = fn(&mut SecretMeta);

#[test]
fn a_lost_label_owner_or_dropped_key_is_a_difference() {
    let valid = parse(&sync_with(|spec| {
        spec["template"] = serde_json::json!({"labels": {"app": "x"}});
    }))
    .unwrap();
    let good = both(bundle("a", "v1"), bundle("b", "v1"));
    let whole = written(&valid, V1);
    assert!(planned(&valid, Some(&whole), &good, &[]).write.is_none());
    let damages: [Damage; 4] = [
        |secret| secret.facts.managed = false,
        |secret| secret.facts.controller = None,
        |secret| drop(secret.facts.labels.insert("app".to_owned(), "y".to_owned())),
        |secret| {
            let share = secret.facts.shares.get_mut("app").unwrap();
            share
                .record
                .keys
                .insert("OLD".to_owned(), "old/v1".to_owned());
            share.intact.insert("OLD".to_owned());
        },
    ];
    for damage in damages {
        let mut secret = whole.clone();
        damage(&mut secret);
        let plan = planned(&valid, Some(&secret), &good, &[]);
        assert!(!plan.write.unwrap().record.keys.contains_key("OLD"));
    }
}

#[test]
fn a_foreign_secret_is_not_written() {
    let foreign = SecretMeta::default();
    let plan = planned(
        &valid(),
        Some(&foreign),
        &both(bundle("a", "v1"), bundle("b", "v1")),
        &[],
    );
    assert!(plan.write.is_none());
    assert_eq!(plan.blocked.as_ref().unwrap().reason, Reason::TargetNotOurs);
    assert_eq!(
        versions(&plan),
        [("DB_PASSWORD", None), ("API_KEY", None)],
        "a key claims a version that was not written"
    );
}

#[test]
fn merging_waits_for_its_secret() {
    let merge = parse(&sync_with(|spec| {
        spec["target"] = serde_json::json!({"ownership": "Merge"});
    }))
    .unwrap();
    let objects = both(bundle("a", "v1"), bundle("b", "v1"));
    assert_eq!(
        planned(&merge, None, &objects, &[]).blocked.unwrap().reason,
        Reason::TargetNotFound
    );
    let mut theirs = SecretMeta {
        version: "3".to_owned(),
        ..SecretMeta::default()
    };
    theirs.facts.allows.insert("app".to_owned());
    let write = planned(&merge, Some(&theirs), &objects, &[]).write.unwrap();
    assert_eq!((write.owner, write.type_), (None, None));
}

#[test]
fn a_changed_type_is_told_and_the_secret_kept() {
    let valid = valid();
    let secret = written(&valid, V1);
    let changed = parse(&sync_with(|spec| {
        spec["template"] = serde_json::json!({"type": "kubernetes.io/basic-auth"});
    }))
    .unwrap();
    let plan = planned(
        &changed,
        Some(&secret),
        &both(bundle("a", "v1"), bundle("b", "v1")),
        &[],
    );
    assert_eq!(plan.blocked.unwrap().reason, Reason::TargetTypeImmutable);
    assert!(plan.write.is_none());
}

#[test]
fn too_much_is_not_written_and_the_old_values_stay() {
    let valid = valid();
    let large = "x".repeat(LARGEST_SECRET);
    let plan = planned(
        &valid,
        Some(&written(&valid, V1)),
        &both(bundle(&large, "v2"), bundle("b", "v1")),
        &[],
    );
    assert_eq!(plan.blocked.as_ref().unwrap().reason, Reason::TooLarge);
    assert_eq!(
        versions(&plan),
        [("DB_PASSWORD", Some("v1")), ("API_KEY", Some("v1"))]
    );
}

#[path = "claims_tests.rs"]
mod claims;

#[path = "properties.rs"]
mod properties;

#[path = "items_tests.rs"]
mod items;
#[path = "time_tests.rs"]
mod time;

#[path = "ownership_properties.rs"]
mod ownership;
