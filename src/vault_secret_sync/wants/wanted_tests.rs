use super::*;
use crate::vault_secret_sync::fixtures::{key_of, recorded, sync_with_tokens, token_version};
use crate::vault_secret_sync::plan::made::Waiting;
use crate::vault_secret_sync::target::{Record, SecretMeta, Share};
use crate::vault_secret_sync::valid::{Valid, parse};
use crate::vault_secret_sync::wants::rejected::Outcomes;

const ISSUED: i64 = 1_000;
const HOUR: i64 = 3_600;
const WHENEVER: Issued = Issued::Whenever;

fn newer() -> Issued {
    Issued::After(at(ISSUED))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn valid() -> Valid {
    parse(&sync_with_tokens()).unwrap()
}

/// The Secret as our own apply leaves it, with tokens of an hour that were issued at [`ISSUED`].
fn written(valid: &Valid) -> SecretMeta {
    let keys = valid.items.iter().map(|item| {
        let version = token_version(ISSUED, ISSUED + HOUR);
        let version = if item.token().is_some() {
            &version
        } else {
            "v1"
        };
        (key_of(item), recorded(item, version))
    });
    let record = Record {
        keys: keys.collect(),
        ..Record::default()
    };
    let share = Share {
        intact: record.keys.keys().cloned().collect(),
        record,
    };
    let mut secret = SecretMeta::default();
    secret.facts.shares.insert(valid.name.clone(), share);
    secret
}

fn damaged(mut secret: SecretMeta, key: &str) -> SecretMeta {
    let share = secret.facts.shares.get_mut("app").unwrap();
    share.intact.remove(key);
    secret
}

fn scene<'a>(valid: &'a Valid, secret: Option<&'a SecretMeta>) -> Scene<'a> {
    Scene::of(valid, secret, None, &[])
}

/// Which tokens: of the identity, of the server.
fn asked(valid: &Valid, secret: Option<&SecretMeta>, scope: Scope, now: i64) -> Vec<Issued> {
    let tokens = tokens(
        &scene(valid, secret),
        (scope, Extent::Lacking),
        &Rejected::default(),
        at(now),
    );
    tokens.into_values().collect()
}

/// Which version is held of each object.
fn held_of(valid: &Valid, secret: Option<&SecretMeta>, rejected: &Rejected) -> Vec<Option<String>> {
    let objects = objects(&scene(valid, secret), rejected, Extent::Lacking);
    let held = objects.into_values();
    held.map(|held| held.map(|held| held.version.to_string()))
        .collect()
}

#[test]
fn all_is_asked_for_where_there_is_nothing() {
    for scope in [Scope::Lacking, Scope::All, Scope::Anew] {
        let asked = asked(&valid(), None, scope, ISSUED);
        assert_eq!(asked, [WHENEVER, WHENEVER], "{scope:?}");
    }
    let held = held_of(&valid(), None, &Rejected::default());
    assert_eq!(held, [None, None]);
}

#[test]
fn what_is_held_is_told_and_the_objects_of_damaged_keys_are_needed() {
    let valid = valid();
    let v1 = || Some("v1".to_owned());
    let none = Rejected::default();
    let whole = written(&valid);
    assert_eq!(held_of(&valid, Some(&whole), &none), [v1(), v1()]);
    // API_KEY comes first: objects are in the order of their names.
    let damaged = damaged(whole, "API_KEY");
    assert_eq!(held_of(&valid, Some(&damaged), &none), [None, v1()]);
}

#[test]
fn a_value_that_is_taken_in_another_way_now_is_needed() {
    let secret = written(&valid());
    let edited = |change: fn(&mut serde_json::Value)| {
        let sync = crate::vault_secret_sync::fixtures::sync_with(|spec| {
            *spec = serde_json::to_value(&sync_with_tokens().spec).unwrap();
            change(&mut spec["data"][0]["secret"]);
        });
        let valid = parse(&sync).unwrap();
        held_of(&valid, Some(&secret), &Rejected::default())[1].clone()
    };
    assert_eq!(edited(|_| ()).as_deref(), Some("v1"));
    assert_eq!(edited(|secret| secret["property"] = "a".into()), None);
    assert_eq!(edited(|secret| secret["decode"] = "Base64".into()), None);
    assert_eq!(edited(|secret| secret["version"] = "v2".into()), None);
}

#[test]
fn what_could_not_be_used_is_not_needed_again() {
    let valid = valid();
    let bundle = crate::azure::key_vault::Bundle {
        version: "v9".parse().unwrap(),
        value: crate::secret::SecretValue::from(String::new()),
        content_type: None,
        updated: None,
        not_before: None,
        expires: None,
        answered: None,
    };
    let item = &valid.items[0];
    let given = [(item.needs().remove(0), Ok(std::sync::Arc::new(bundle)))].into();
    let empty = crate::problem::Problem::new(
        crate::problem::Reason::EmptyValue,
        crate::retry::Retry::OnChange,
        "it is empty",
    );
    let key = |problem| crate::vault_secret_sync::plan::KeyPlan {
        key: key_of(item),
        item: 0,
        object: String::new(),
        version: None,
        held: None,
        times: None,
        note: None,
        problem,
    };
    let none = Rejected::default();
    let after = |before: &Rejected, given, problem| {
        let outcomes = Outcomes {
            keys: &[key(problem)],
            inputs: &[],
            told: &[],
            problem: None,
            waiting: &Waiting::default(),
        };
        before.after(&valid.items, given, outcomes)
    };
    let rejected = after(&none, &given, Some(empty.clone()));
    assert_eq!(rejected.problem(item), Some(&empty));
    assert_eq!(held_of(&valid, None, &rejected)[1].as_deref(), Some("v9"));
    // It stays so while nothing new is given, and ends with a value that can be used.
    let nothing = [].into();
    assert_eq!(after(&rejected, &nothing, Some(empty)), rejected);
    assert_eq!(after(&rejected, &given, None), none);
}

#[test]
fn tokens_that_live_are_asked_for_only_when_something_changed() {
    let valid = valid();
    let secret = written(&valid);
    let asked = |scope| asked(&valid, Some(&secret), scope, ISSUED + 60);
    assert_eq!(asked(Scope::Lacking), []);
    assert_eq!(asked(Scope::All), [WHENEVER, WHENEVER]);
    assert_eq!(asked(Scope::Anew), [newer(), newer()]);
}

#[test]
fn a_token_whose_time_has_come_must_be_followed_by_a_newer_one() {
    let valid = valid();
    let secret = written(&valid);
    for scope in [Scope::Lacking, Scope::All, Scope::Anew] {
        let tokens = asked(&valid, Some(&secret), scope, ISSUED + HOUR * 4 / 5);
        assert_eq!(tokens, [newer(), newer()], "{scope:?}");
    }
}

#[test]
fn a_damaged_token_is_asked_for_and_the_other_one_is_not() {
    let valid = valid();
    let secret = damaged(written(&valid), "TOKEN");
    let tokens: Vec<_> = tokens(
        &scene(&valid, Some(&secret)),
        (Scope::Lacking, Extent::Lacking),
        &Rejected::default(),
        at(ISSUED + 60),
    )
    .into_iter()
    .collect();
    let token = valid.items[2].token().unwrap().clone();
    assert_eq!(tokens, [(token, WHENEVER)]);
}

#[test]
fn a_record_of_another_token_is_none_of_this_one() {
    let valid = valid();
    let secret = written(&valid);
    let with = |change: fn(&mut serde_json::Value)| {
        let sync = crate::vault_secret_sync::fixtures::sync_with(|spec| {
            *spec = serde_json::to_value(&sync_with_tokens().spec).unwrap();
            change(spec);
        });
        let edited = parse(&sync).unwrap();
        asked(&edited, Some(&secret), Scope::Lacking, ISSUED + 60)
    };
    assert!(with(|_| ()).is_empty());
    let resource = with(|spec| spec["data"][2]["accessToken"]["resource"] = "api://y".into());
    assert_eq!(resource, [WHENEVER]);
    let user = with(|spec| spec["data"][3]["accessToken"]["mlServer"]["username"] = "bob".into());
    assert_eq!(user, [WHENEVER]);
    let identity = with(|spec| spec["identityRef"]["name"] = "other".into());
    assert_eq!(identity, [WHENEVER], "another identity's token was kept");
}
