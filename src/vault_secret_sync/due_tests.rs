use super::*;
use crate::k8s::conditions::Says;
use crate::retry::Retry;
use crate::vault_secret_sync::fixtures::{sync, sync_with, sync_with_tokens, token_version};
use crate::vault_secret_sync::target::{Record, Share};
use crate::vault_secret_sync::valid::parse;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn inputs<'a>(valid: &'a Valid, secret: Option<&'a SecretMeta>) -> Inputs<'a> {
    Inputs {
        valid,
        identity: Ok(("uid", 1)),
        lends: &[true, true],
        revision: 0,
        secret,
        rivals: &[],
    }
}

fn intact(valid: &Valid) -> SecretMeta {
    let keys = valid
        .entries
        .iter()
        .map(|entry| (entry.key.to_string(), entry.recorded(&version(entry))));
    let record = Record {
        keys: keys.collect(),
        ..Record::default()
    };
    let share = Share {
        intact: record.keys.keys().cloned().collect(),
        record,
    };
    let mut secret = SecretMeta {
        uid: "s".to_owned(),
        ..SecretMeta::default()
    };
    secret.facts.shares.insert(valid.name.clone(), share);
    secret
}

/// Tokens of an hour, since time 0.
fn version(entry: &Entry) -> String {
    if entry.token().is_some() {
        token_version(0, 3600)
    } else {
        "v1".to_owned()
    }
}

fn asked(inputs: &Inputs<'_>, memory: &Memory, now: i64) -> Due {
    due(
        inputs,
        Some(memory),
        &VaultSecretSyncStatus::default(),
        at(now),
    )
}

#[test]
fn nothing_is_due_until_the_time_comes() {
    let valid = parse(&sync()).unwrap();
    let secret = intact(&valid);
    let memory = Memory::new(&inputs(&valid, Some(&secret)), Some(at(300)), 0);
    assert_eq!(
        asked(&inputs(&valid, Some(&secret)), &memory, 299),
        Due::At(at(300))
    );
    assert_eq!(
        asked(&inputs(&valid, Some(&secret)), &memory, 300),
        Due::Look(Scope::Secrets)
    );
}

#[test]
fn each_input_that_changes_is_acted_upon_at_once() {
    let valid = parse(&sync()).unwrap();
    let secret = intact(&valid);
    let memory = Memory::new(&inputs(&valid, Some(&secret)), Some(at(300)), 0);
    let mut edited = valid.clone();
    edited.generation += 1;
    assert_eq!(
        asked(&inputs(&edited, Some(&secret)), &memory, 1),
        Due::Look(Scope::All)
    );
    let mut forced = valid.clone();
    forced.sync_at = Some("now".to_owned());
    assert_eq!(
        asked(&inputs(&forced, Some(&secret)), &memory, 1),
        Due::Look(Scope::Anew)
    );
    let denied = Inputs {
        identity: Err("IdentityNotAllowed"),
        ..inputs(&valid, Some(&secret))
    };
    assert_eq!(asked(&denied, &memory, 1), Due::Look(Scope::All));
    // A grant by the labels of a namespace comes and goes without a change of the identity.
    let lends_less = Inputs {
        lends: &[true, false],
        ..inputs(&valid, Some(&secret))
    };
    assert_eq!(asked(&lends_less, &memory, 1), Due::Look(Scope::All));
    let mut damaged = secret.clone();
    damaged
        .facts
        .shares
        .get_mut("app")
        .unwrap()
        .intact
        .remove("API_KEY");
    assert_eq!(
        asked(&inputs(&valid, Some(&damaged)), &memory, 1),
        Due::Look(Scope::Lacking)
    );
    assert_eq!(
        asked(&inputs(&valid, None), &memory, 1),
        Due::Look(Scope::Lacking)
    );
    let failing = Memory {
        failures: 1,
        ..memory
    };
    assert_eq!(
        asked(&inputs(&valid, None), &failing, 1),
        Due::Look(Scope::All)
    );
    let rival = [Rival {
        name: "b".to_owned(),
        created: None,
        ownership: super::super::api::Ownership::Own,
        keys: [].into(),
    }];
    let rivalled = Inputs {
        rivals: &rival,
        ..inputs(&valid, Some(&secret))
    };
    assert_eq!(asked(&rivalled, &memory, 1), Due::Look(Scope::All));
}

#[test]
fn a_new_resource_version_alone_is_nothing() {
    let valid = parse(&sync()).unwrap();
    let secret = intact(&valid);
    let memory = Memory::new(&inputs(&valid, Some(&secret)), Some(at(300)), 0);
    let touched = SecretMeta {
        version: "99".to_owned(),
        ..secret
    };
    assert_eq!(
        asked(&inputs(&valid, Some(&touched)), &memory, 1),
        Due::At(at(300))
    );
}

#[test]
fn a_repaired_credential_wakes_only_those_that_failed() {
    let valid = parse(&sync()).unwrap();
    let secret = intact(&valid);
    let before = inputs(&valid, Some(&secret));
    let repaired = Inputs {
        revision: 1,
        ..inputs(&valid, Some(&secret))
    };
    assert_eq!(
        asked(&repaired, &Memory::new(&before, Some(at(300)), 1), 1),
        Due::Look(Scope::All)
    );
    assert_eq!(
        asked(&repaired, &Memory::new(&before, Some(at(300)), 0), 1),
        Due::At(at(300))
    );
}

#[test]
fn a_restart_looks_once_at_everything_but_what_wanted_one_look_and_had_it() {
    let once = parse(&sync_with(|spec| spec["refreshInterval"] = "0s".into())).unwrap();
    let secret = intact(&once);
    let synced = Says {
        type_: "Synced",
        status: Some(true),
        reason: "UpToDate",
        message: String::new(),
    };
    let status = VaultSecretSyncStatus {
        observed_generation: Some(1),
        conditions: conditions::set(&[], vec![synced], Some(1), at(0)),
        ..VaultSecretSyncStatus::default()
    };
    assert_eq!(
        due(&inputs(&once, Some(&secret)), None, &status, at(1)),
        Due::OnChange
    );
    assert_eq!(
        due(&inputs(&once, None), None, &status, at(1)),
        Due::Look(Scope::Secrets)
    );
    let often = parse(&sync()).unwrap();
    let started =
        |status: &VaultSecretSyncStatus| due(&inputs(&often, Some(&secret)), None, status, at(1));
    assert_eq!(started(&status), Due::Look(Scope::Secrets));
    let failed = VaultSecretSyncStatus {
        conditions: Vec::new(),
        ..status.clone()
    };
    assert_eq!(started(&failed), Due::Look(Scope::All));
    let edited = VaultSecretSyncStatus {
        observed_generation: Some(0),
        ..status
    };
    assert_eq!(started(&edited), Due::Look(Scope::All));
}

/// Two tokens of an hour and two secrets, to be looked at once.
fn once_with_tokens() -> Valid {
    let mut sync = sync_with_tokens();
    sync.spec.refresh_interval = Some(kube::core::Duration::from(Duration::ZERO));
    parse(&sync).unwrap()
}

fn synced() -> VaultSecretSyncStatus {
    let says = Says {
        type_: "Synced",
        status: Some(true),
        reason: "UpToDate",
        message: String::new(),
    };
    VaultSecretSyncStatus {
        observed_generation: Some(1),
        conditions: conditions::set(&[], vec![says], Some(1), at(0)),
        ..VaultSecretSyncStatus::default()
    }
}

#[test]
fn after_a_restart_a_token_that_lives_is_waited_for_and_no_vault_is_asked() {
    let once = once_with_tokens();
    let secret = intact(&once);
    let started = |now| due(&inputs(&once, Some(&secret)), None, &synced(), at(now));
    let Due::At(renewal) = started(1) else {
        panic!("{:?}", started(1));
    };
    assert!(renewal > at(1800) && renewal <= at(2880), "{renewal}");
    assert_eq!(started(2880), Due::Look(Scope::Lacking));
}

#[test]
fn a_renewal_of_a_sync_that_looks_once_asks_for_tokens_alone() {
    let once = once_with_tokens();
    let secret = intact(&once);
    let memory = |failures| Memory::new(&inputs(&once, Some(&secret)), Some(at(2000)), failures);
    let due = |memory| asked(&inputs(&once, Some(&secret)), &memory, 2000);
    assert_eq!(due(memory(0)), Due::Look(Scope::Lacking));
    assert_eq!(due(memory(1)), Due::Look(Scope::All));
}

fn key(entry: &Entry, problem: Option<Problem>) -> KeyPlan {
    KeyPlan {
        key: entry.key.to_string(),
        object: String::new(),
        version: Some(version(entry)),
        held: None,
        times: None,
        problem,
    }
}

fn next(valid: &Valid, problem: Option<&Problem>, now: i64) -> Option<Timestamp> {
    let keys: Vec<KeyPlan> = valid
        .entries
        .iter()
        .map(|entry| key(entry, problem.filter(|_| entry.token().is_some()).cloned()))
        .collect();
    let looked = Looked {
        keys: &keys,
        problem: None,
        failures: 1,
        before: None,
    };
    next_look(valid, &looked, at(now))
}

#[test]
fn the_next_look_comes_when_a_token_is_renewed_or_sooner() {
    let once = once_with_tokens();
    let renewal = next(&once, None, 0).unwrap();
    assert!(renewal > at(1800) && renewal <= at(2880), "{renewal}");
    let often = parse(&sync_with_tokens()).unwrap();
    let interval = next(&often, None, 0).unwrap();
    assert!(interval <= at(330), "{interval}");
    let soon = next(&often, None, renewal.as_second() - 100).unwrap();
    assert_eq!(soon, renewal, "the interval put a renewal off");
    assert_eq!(next(&parse(&once_without_tokens()).unwrap(), None, 0), None);
}

fn once_without_tokens() -> crate::vault_secret_sync::api::VaultSecretSync {
    sync_with(|spec| spec["refreshInterval"] = "0s".into())
}

#[test]
fn what_cannot_be_renewed_is_tried_again_as_its_problem_says() {
    let once = once_with_tokens();
    let slowly = Retry::After(Duration::from_hours(1));
    let refused = Problem::new(Reason::LoginRefused, slowly, "no");
    let again = next(&once, Some(&refused), 3000).unwrap();
    assert!(again >= at(6600), "{again}");
}

#[test]
fn a_token_with_times_in_the_past_makes_no_loop() {
    let again = next(&once_with_tokens(), None, 4000).unwrap();
    assert_eq!(again, at(4002));
}
