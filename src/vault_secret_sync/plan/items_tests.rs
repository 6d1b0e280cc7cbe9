use super::*;
use crate::vault_secret_sync::fixtures::sync_with;
use crate::vault_secret_sync::target::SecretMeta;
use crate::vault_secret_sync::valid::parse;
use crate::vault_secret_sync::wants::wanted::objects;

/// Three keys that are objects of the vault.
fn removing(change: impl FnOnce(&mut serde_json::Value)) -> Valid {
    let sync = sync_with(|spec| {
        spec["onMissing"] = "Remove".into();
        let data = spec["data"].as_array_mut().unwrap();
        data.push(serde_json::json!({"key": "THIRD", "secret": {"name": "third"}}));
        change(spec);
    });
    parse(&sync).unwrap()
}

const THREE: &[(&str, &str)] = &[
    ("API_KEY", "api-key/v1"),
    ("DB_PASSWORD", "db-password/v1"),
    ("THIRD", "third/v1"),
];

fn expanding() -> Valid {
    let sync = sync_with(|spec| {
        spec["dataFrom"] = serde_json::json!([{"expand": {"secret": {"name": "config"}}}]);
    });
    parse(&sync).unwrap()
}

fn given(of: &[(&str, Outcome)]) -> BTreeMap<ObjectId, Outcome> {
    of.iter().map(|(name, it)| (id(name), it.clone())).collect()
}

fn planned(
    valid: &Valid,
    secret: Option<&SecretMeta>,
    objects: &BTreeMap<ObjectId, Outcome>,
    removal: Option<&Removal>,
    now: i64,
) -> Plan {
    let observed = Observed {
        scene: scene_of(valid, secret, &[]),
        objects,
        rejected: &Rejected::default(),
        removal,
    };
    plan(&observed, at(now))
}

/// The Secret as this write leaves it.
fn after(valid: &Valid, plan: &Plan) -> SecretMeta {
    let record = &plan.write.as_ref().unwrap().record.keys;
    let lines: Vec<(&str, &str)> = record
        .iter()
        .map(|(k, l)| (k.as_str(), l.as_str()))
        .collect();
    written(valid, &lines)
}

fn needed(valid: &Valid, secret: &SecretMeta) -> Vec<ObjectId> {
    let wanted = objects(
        &scene_of(valid, Some(secret), &[]),
        &Rejected::default(),
        Extent::Lacking,
    );
    let needed = wanted.into_iter().filter(|(_, held)| held.is_none());
    needed.map(|(object, _)| ObjectId::Object(object)).collect()
}

fn gone() -> Outcome {
    failed(Reason::ObjectNotFound)
}

#[test]
fn a_value_that_is_taken_apart_gives_its_keys_and_is_held_then() {
    let valid = expanding();
    let config = bundle(r#"{"a": "1", "b": 2}"#, "v1");
    let all = [
        ("db-password", bundle("x", "v1")),
        ("api-key", bundle("y", "v1")),
        ("config", config),
    ];
    let plan = planned(&valid, None, &given(&all), None, 0);
    let write = plan.write.as_ref().unwrap();
    assert_eq!(write.fresh["b"].expose(), b"2");
    assert_eq!(plan.keys.len(), 4);
    let mut secret = after(&valid, &plan);
    assert!(needed(&valid, &secret).is_empty());
    let same = planned(&valid, Some(&secret), &given(&[]), None, 0);
    assert!(same.write.is_none() && same.keys.len() == 4, "{same:?}");
    // A member that is gone takes its key along.
    let less = bundle(r#"{"a": "1"}"#, "v2");
    let less = planned(&valid, Some(&secret), &given(&[("config", less)]), None, 0);
    assert!(!less.write.unwrap().record.keys.contains_key("b"));
    // A value that cannot be taken apart does not.
    let bad = planned(
        &valid,
        Some(&secret),
        &given(&[("config", bundle("[1]", "v2"))]),
        None,
        0,
    );
    assert!(bad.write.is_none());
    assert_eq!(
        reasons(&bad),
        [
            None,
            None,
            Some(Reason::NotExpandable),
            Some(Reason::NotExpandable)
        ]
    );
    secret
        .facts
        .shares
        .get_mut("app")
        .unwrap()
        .intact
        .remove("a");
    assert_eq!(
        needed(&valid, &secret),
        [id("config")],
        "damage is not repaired"
    );
}

#[test]
fn a_key_of_data_goes_before_one_that_is_taken_out_and_comes_back_with_it() {
    let valid = expanding();
    let config = bundle(r#"{"API_KEY": "1", "b": "2"}"#, "v1");
    let all = [
        ("db-password", bundle("x", "v1")),
        ("api-key", bundle("y", "v1")),
        ("config", config),
    ];
    let plan = planned(&valid, None, &given(&all), None, 0);
    assert_eq!(plan.write.as_ref().unwrap().fresh["API_KEY"].expose(), b"y");
    let [told] = plan.told.as_slice() else {
        panic!("{:?}", plan.told)
    };
    assert_eq!(
        (told.at.as_str(), told.problem.reason),
        ("spec.dataFrom[0]", Reason::KeyCollision)
    );
    let mut without = valid.clone();
    without.items.remove(1);
    let secret = after(&valid, &plan);
    assert_eq!(
        needed(&without, &secret),
        [id("config")],
        "the key would be lost"
    );
}

#[test]
fn an_object_that_may_be_absent_is_no_problem() {
    let sync = sync_with(|spec| spec["data"][1]["optional"] = true.into());
    let valid = parse(&sync).unwrap();
    let objects = given(&[("db-password", bundle("x", "v1")), ("api-key", gone())]);
    let plan = planned(&valid, None, &objects, None, 0);
    assert_eq!(versions(&plan), [("DB_PASSWORD", Some("v1"))]);
    assert_eq!(reasons(&plan), [None]);
    let other = given(&[
        ("db-password", bundle("x", "v1")),
        ("api-key", failed(Reason::Forbidden)),
    ]);
    let plan = planned(&valid, None, &other, None, 0);
    assert_eq!(
        reasons(&plan),
        [None, Some(Reason::Forbidden)],
        "another problem is one"
    );
}

#[test]
fn a_key_goes_with_its_object_only_where_the_spec_says_so() {
    let secret = written(&removing(|_| ()), THREE);
    let objects = given(&[("third", gone())]);
    let plan = planned(&removing(|_| ()), Some(&secret), &objects, None, 0);
    let write = plan.write.as_ref().unwrap();
    assert!(!write.record.keys.contains_key("THIRD") && write.keep.len() == 2);
    let retain = removing(|spec| drop(spec.as_object_mut().unwrap().remove("onMissing")));
    assert!(
        planned(&retain, Some(&secret), &objects, None, 0)
            .write
            .is_none()
    );
    let trouble = given(&[("third", failed(Reason::Forbidden))]);
    let plan = planned(&removing(|_| ()), Some(&secret), &trouble, None, 0);
    assert!(
        plan.write.is_none(),
        "an answer other than that it is gone removed a key"
    );
}

#[test]
fn most_of_the_keys_go_at_the_second_look_only_and_the_last_one_never() {
    let valid = removing(|_| ());
    let secret = written(&valid, THREE);
    let two = given(&[("third", gone()), ("api-key", gone())]);
    let first = planned(&valid, Some(&secret), &two, None, 0);
    assert!(first.write.is_none());
    assert_eq!(first.told[0].problem.reason, Reason::RemovalHeld);
    let removal = first.removal.unwrap();
    let soon = planned(&valid, Some(&secret), &two, Some(&removal), 10);
    assert!(soon.write.is_none() && soon.removal.as_ref() == Some(&removal));
    let second = planned(&valid, Some(&secret), &two, Some(&removal), 300);
    assert_eq!(second.write.unwrap().record.keys.len(), 1);
    let all = given(&[
        ("third", gone()),
        ("api-key", gone()),
        ("db-password", gone()),
    ]);
    let before = planned(&valid, Some(&secret), &all, None, 0)
        .removal
        .unwrap();
    let never = planned(&valid, Some(&secret), &all, Some(&before), 3000);
    assert!(never.write.is_none());
    assert_eq!(never.told[0].problem.reason, Reason::RemovalHeld);
}

#[test]
fn a_key_that_is_kept_because_nobody_knows_whose_it_is_may_come_by_somebody_else() {
    let valid = expanding();
    let lines = [
        ("API_KEY", "api-key/v1"),
        ("DB_PASSWORD", "db-password/v1"),
        ("a", "kv2.vault.azure.net!x/v1"),
    ];
    let secret = written(&valid, &lines);
    let past = crate::vault_secret_sync::items::found::Past {
        kept: BTreeSet::from(["a".to_owned()]),
        ..Default::default()
    };
    let observed = Observed {
        scene: Scene {
            past: &past,
            ..scene_of(&valid, Some(&secret), &[])
        },
        objects: &given(&[("config", bundle(r#"{"a": "1"}"#, "v1"))]),
        rejected: &Rejected::default(),
        removal: None,
    };
    let plan = plan(&observed, at(0));
    let write = plan.write.unwrap();
    assert_eq!(write.fresh["a"].expose(), b"1");
    assert!(!write.keep.contains("a"), "{write:?}");
    let rows = plan.keys.iter().filter(|row| row.key == "a");
    assert_eq!(rows.count(), 1);
}

#[test]
fn what_came_of_another_vault_does_not_pass_for_what_this_one_has() {
    let at_vault = |uri: &str| {
        let sync = sync_with(|spec| spec["vaultUri"] = uri.into());
        parse(&sync).unwrap()
    };
    let all = [
        ("db-password", bundle("x", "v1")),
        ("api-key", bundle("y", "v1")),
    ];
    let here = at_vault("https://kv.vault.azure.net");
    let plan = planned(&here, None, &given(&all), None, 0);
    let mut secret = after(&here, &plan);
    assert!(
        needed(&here, &secret).is_empty(),
        "an older record is doubted"
    );
    let share = secret.facts.shares.get_mut("app").unwrap();
    share.record = plan.write.unwrap().record;
    assert!(needed(&here, &secret).is_empty());
    let there = at_vault("https://kv2.vault.azure.net");
    assert_eq!(needed(&there, &secret), [id("api-key"), id("db-password")]);
    // The same versions are written once more, and then they are this vault's.
    let moved = planned(&there, Some(&secret), &given(&all), None, 0);
    let share = secret.facts.shares.get_mut("app").unwrap();
    share.record = moved.write.unwrap().record;
    assert!(needed(&there, &secret).is_empty());
    let same = planned(&there, Some(&secret), &given(&[]), None, 0);
    assert!(same.write.is_none(), "{same:?}");
}
