use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::azure::key_vault::Bundle;
use crate::cli::plan::planned::Verdict;
use crate::hub::Outcome as Given;
use crate::secret::SecretValue;
use crate::vault_secret_sync::fixtures::{key_of, recorded, sync_with};
use crate::vault_secret_sync::plan::{Observed, plan};
use crate::vault_secret_sync::target::{Facts, SecretMeta};
use crate::vault_secret_sync::valid::parse;
use crate::vault_secret_sync::wants::rejected::Rejected;

fn valid() -> Valid {
    parse(&sync_with(|spec| {
        spec["rollout"] = json!([{"kind": "Deployment", "name": "web"}]);
    }))
    .unwrap()
}

#[expect(
    clippy::unnecessary_wraps,
    clippy::unwrap_in_result,
    reason = "it makes what a vault answers"
)]
fn bundle(version: &str) -> Given {
    Ok(Arc::new(Bundle {
        version: version.parse().unwrap(),
        value: SecretValue::from("v".to_owned()),
        content_type: None,
        updated: None,
        not_before: None,
        expires: None,
        answered: None,
    }))
}

/// A Secret that holds the first version of everything, apart from what `change` does to the share.
fn held_first(valid: &Valid, change: impl FnOnce(&mut Share)) -> SecretMeta {
    let keys = valid.items.iter();
    let keys = keys.map(|item| (key_of(item), recorded(item, "v1")));
    let record = Record {
        keys: keys.collect(),
        ..Record::default()
    };
    let mut share = Share {
        intact: record.keys.keys().cloned().collect(),
        record,
    };
    change(&mut share);
    SecretMeta {
        uid: "s".to_owned(),
        version: "7".to_owned(),
        facts: Facts {
            shares: BTreeMap::from([(valid.name.clone(), share)]),
            ..Facts::default()
        },
    }
}

/// What is told where these versions are given.
fn told(valid: &Valid, secret: Option<&SecretMeta>, versions: [Option<&str>; 2]) -> Planned {
    let given = valid.items.iter().zip(versions);
    let given =
        given.filter_map(|(item, version)| Some((item.needs().remove(0), bundle(version?))));
    let (objects, rejected) = (given.collect(), Rejected::default());
    let scene = Scene::of(valid, secret, None, &[]);
    let observed = Observed {
        scene,
        objects: &objects,
        rejected: &rejected,
        removal: None,
    };
    let mut planned = Planned::default();
    tell(
        &mut planned,
        &scene,
        &plan(&observed, Timestamp::UNIX_EPOCH),
    );
    planned
}

fn fates(planned: &Planned) -> Vec<(&str, Action)> {
    let keys = planned.keys.iter();
    keys.map(|key| (key.name.as_str(), key.action)).collect()
}

#[test]
fn a_new_secret_restarts_nobody() {
    let planned = told(&valid(), None, [Some("v1"), Some("v1")]);
    let expected = [("DB_PASSWORD", Action::Add), ("API_KEY", Action::Add)];
    assert_eq!(fates(&planned), expected);
    assert_eq!(planned.steps, ["create Secret app with 2 key(s)"]);
}

#[test]
fn a_new_version_is_a_change_and_restarts_who_reads_it() {
    let valid = valid();
    let secret = held_first(&valid, |_| ());
    let planned = told(&valid, Some(&secret), [Some("v2"), None]);
    let expected = [("DB_PASSWORD", Action::Change), ("API_KEY", Action::Keep)];
    assert_eq!(fates(&planned), expected);
    let steps = ["update 1 key(s) of Secret app", "restart Deployment web"];
    assert_eq!(planned.steps, steps);
    let versions = [&planned.keys[0].held, &planned.keys[0].version];
    assert_eq!(versions.map(|one| one.as_deref().unwrap()), ["v1", "v2"]);
}

#[test]
fn what_somebody_changed_is_set_back_and_what_nobody_gives_goes() {
    let valid = valid();
    let secret = held_first(&valid, |share| {
        share.intact.remove("DB_PASSWORD");
        let gone = ("OLD".to_owned(), "old/v1".to_owned());
        share.record.keys.extend([gone]);
    });
    let planned = told(&valid, Some(&secret), [Some("v1"), None]);
    let expected = [
        ("DB_PASSWORD", Action::Repair),
        ("API_KEY", Action::Keep),
        ("OLD", Action::Remove),
    ];
    assert_eq!(fates(&planned), expected);
}

#[test]
fn where_nothing_is_given_nothing_is_done_to_values() {
    let valid = valid();
    let secret = held_first(&valid, |_| ());
    let planned = told(&valid, Some(&secret), [None, None]);
    let stays = |(_, action): &(&str, Action)| *action == Action::Keep;
    assert!(fates(&planned).iter().all(stays), "{planned:?}");
}

#[test]
fn a_secret_of_somebody_else_is_in_the_way() {
    let valid = valid();
    let foreign = SecretMeta::default();
    let planned = told(&valid, Some(&foreign), [Some("v1"), Some("v1")]);
    assert_eq!(planned.verdict(), Verdict::Blocked);
    assert_eq!(planned.obstacles[0].reason, "TargetNotOurs");
    assert!(planned.steps.is_empty(), "{planned:?}");
}

#[test]
fn what_is_pushed_is_told() {
    let sync = sync_with(|spec| {
        let from = json!({"secret": "db", "key": "password"});
        spec["push"] = json!([{"from": from, "to": {"secret": "db"}}]);
    });
    let valid = parse(&sync).unwrap();
    let vault = valid.vault.as_ref();
    let jobs = crate::vault_secret_sync::push::status::jobs(vault, &valid.pushes, &[]);
    let mut planned = Planned::default();
    tell_push(&mut planned, &jobs[0], &Outcome::Needs(PushStep::Set));
    let expected = "set secret/db in https://kv.vault.azure.net from Secret db";
    assert_eq!(planned.steps, [expected]);
    let mut same = Planned::default();
    tell_push(&mut same, &jobs[0], &Outcome::Same("v1".to_owned(), None));
    assert_eq!(same, Planned::default());
}
