use super::*;
use crate::k8s::conditions::Says;
use crate::retry::Retry;
use crate::vault_secret_sync::fixtures::{
    key_of, recorded, sync, sync_with, sync_with_tokens, token_version,
};
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
        .items
        .iter()
        .map(|item| (key_of(item), recorded(item, &version(item))));
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
fn version(item: &Item) -> String {
    if item.token().is_some() {
        token_version(0, 3600)
    } else {
        "v1".to_owned()
    }
}

fn asked(inputs: &Inputs<'_>, memory: &Memory) -> Due {
    let memory = memory.clone().notice(inputs, at(100));
    due(inputs, &memory, &VaultSecretSyncStatus::default(), at(200))
}

/// After a reconcile at second 1 that had so many failures.
fn acted(inputs: &Inputs<'_>, failures: u32) -> Memory {
    let memory = Memory::default().notice(inputs, at(1));
    memory.acted(inputs, Some(at(3600)), failures, Rejected::default())
}

/// What a reconcile is about where nothing has changed.
fn usual(retry: i64) -> Due {
    Due {
        scope: Scope::Lacking,
        fresh: None,
        retry: Some(at(retry)),
        again: false,
    }
}

#[test]
fn a_sync_rests_until_its_time_comes_or_something_concerns_it() {
    let valid = parse(&sync()).unwrap();
    let secret = intact(&valid);
    let same = inputs(&valid, Some(&secret));
    let (well, failing) = (acted(&same, 0), acted(&same, 1));
    assert_eq!(well.rests(&same, at(3599)), Some(Some(at(3600))));
    assert_eq!(well.rests(&same, at(3600)), None);
    let touched = SecretMeta {
        version: "99".to_owned(),
        ..secret.clone()
    };
    assert!(well.rests(&inputs(&valid, Some(&touched)), at(2)).is_some());
    assert_eq!(well.rests(&inputs(&valid, None), at(2)), None);
    let mut edited = valid.clone();
    edited.generation += 1;
    assert_eq!(well.rests(&inputs(&edited, Some(&secret)), at(2)), None);
    // A repaired credential wakes those that failed.
    let repaired = Inputs {
        revision: 1,
        ..inputs(&valid, Some(&secret))
    };
    assert!(well.rests(&repaired, at(2)).is_some());
    assert_eq!(failing.rests(&repaired, at(2)), None);
    assert_eq!(Memory::default().rests(&same, at(2)), None);
}

#[test]
fn where_nothing_changed_nothing_is_doubted() {
    let valid = parse(&sync()).unwrap();
    let secret = intact(&valid);
    let inputs = inputs(&valid, Some(&secret));
    assert_eq!(asked(&inputs, &acted(&inputs, 0)), usual(-1));
}

#[test]
fn failures_count_from_when_a_change_was_first_seen() {
    let valid = parse(&sync()).unwrap();
    let secret = intact(&valid);
    let before = inputs(&valid, Some(&secret));
    let memory = acted(&before, 0);
    let edited = |change: fn(&mut Valid)| {
        let mut edited = valid.clone();
        change(&mut edited);
        asked(&inputs(&edited, Some(&secret)), &memory)
    };
    let doubted = Due {
        scope: Scope::All,
        fresh: Some(at(100)),
        again: true,
        ..usual(98)
    };
    assert_eq!(edited(|valid| valid.generation += 1), doubted);
    let forced = edited(|valid| valid.sync_at = Some("now".to_owned()));
    let anew = Due {
        scope: Scope::Anew,
        ..doubted
    };
    assert_eq!(forced, anew);
    let denied = Inputs {
        identity: Err("IdentityNotAllowed"),
        ..inputs(&valid, Some(&secret))
    };
    assert_eq!(asked(&denied, &memory), doubted);
    // A grant by the labels of a namespace comes and goes without a change of the identity.
    let lends_less = Inputs {
        lends: &[true, false],
        ..inputs(&valid, Some(&secret))
    };
    assert_eq!(asked(&lends_less, &memory), doubted);
    let rival = [Rival {
        name: "b".to_owned(),
        created: None,
        ownership: crate::vault_secret_sync::api::Ownership::Own,
        keys: [].into(),
    }];
    let rivalled = Inputs {
        rivals: &rival,
        ..inputs(&valid, Some(&secret))
    };
    assert_eq!(asked(&rivalled, &memory), doubted);
}

#[test]
fn a_change_that_is_waited_upon_is_seen_once() {
    let valid = parse(&sync()).unwrap();
    let inputs = inputs(&valid, None);
    let first = Memory::default().notice(&inputs, at(10));
    let later = first.waiting(None, Arc::default()).notice(&inputs, at(20));
    let due = due(&inputs, &later, &VaultSecretSyncStatus::default(), at(20));
    assert_eq!(due.retry, Some(at(8)));
}

#[test]
fn after_a_failure_all_tokens_are_looked_at_when_its_time_has_come() {
    let valid = parse(&sync()).unwrap();
    let secret = intact(&valid);
    let inputs = inputs(&valid, Some(&secret));
    let scope = |now| {
        let status = VaultSecretSyncStatus::default();
        due(&inputs, &acted(&inputs, 1), &status, at(now)).scope
    };
    assert_eq!((scope(3599), scope(3600)), (Scope::Lacking, Scope::All));
}

#[test]
fn a_repaired_credential_makes_earlier_failures_count_no_more() {
    let valid = parse(&sync()).unwrap();
    let secret = intact(&valid);
    let repaired = Inputs {
        revision: 1,
        ..inputs(&valid, Some(&secret))
    };
    let due = asked(&repaired, &acted(&inputs(&valid, Some(&secret)), 0));
    assert_eq!((due.retry, due.again), (Some(at(98)), true));
}

#[test]
fn what_could_not_be_used_is_tried_again_when_its_time_has_come() {
    let valid = parse(&sync()).unwrap();
    let inputs = inputs(&valid, None);
    let at_second = |now| {
        let memory = acted(&inputs, 1);
        due(&inputs, &memory, &VaultSecretSyncStatus::default(), at(now)).again
    };
    assert!(!at_second(3599) && at_second(3600));
}

#[test]
fn after_a_restart_tokens_that_live_are_left_alone_unless_something_is_new_or_failed() {
    let valid = parse(&sync_with_tokens()).unwrap();
    let secret = intact(&valid);
    let started = |status: &VaultSecretSyncStatus| {
        let inputs = inputs(&valid, Some(&secret));
        due(&inputs, &Memory::default(), status, at(1)).scope
    };
    let says = Says {
        type_: "Synced",
        status: Some(true),
        reason: "UpToDate",
        message: String::new(),
    };
    let synced = VaultSecretSyncStatus {
        observed_generation: Some(1),
        conditions: conditions::set(&[], vec![says], Some(1), at(0)),
        ..VaultSecretSyncStatus::default()
    };
    assert_eq!(started(&synced), Scope::Lacking);
    let failed = VaultSecretSyncStatus {
        conditions: Vec::new(),
        ..synced.clone()
    };
    assert_eq!(started(&failed), Scope::All);
    let edited = VaultSecretSyncStatus {
        observed_generation: Some(0),
        ..synced
    };
    assert_eq!(started(&edited), Scope::All);
}

#[test]
fn after_a_restart_trouble_is_looked_at_before_it_is_said_to_be_over() {
    let valid = parse(&sync()).unwrap();
    let secret = intact(&valid);
    let inputs = inputs(&valid, Some(&secret));
    let status = |synced: Option<bool>| VaultSecretSyncStatus {
        observed_generation: Some(1),
        conditions: conditions::set(&[], vec![synced_says(synced)], Some(1), at(0)),
        ..VaultSecretSyncStatus::default()
    };
    let started = Memory::default().notice(&inputs, at(5));
    let fresh = |memory: &Memory, synced| due(&inputs, memory, &status(synced), at(7)).fresh;
    // From when the start was seen, so that the answer to that look is enough.
    assert_eq!(fresh(&started, Some(false)), Some(at(5)));
    assert_eq!(fresh(&started, None), Some(at(5)));
    assert_eq!(fresh(&started, Some(true)), None);
    assert_eq!(fresh(&acted(&inputs, 1), Some(false)), None);
    let new = VaultSecretSyncStatus::default();
    assert_eq!(due(&inputs, &started, &new, at(7)).fresh, None);
}

fn synced_says(status: Option<bool>) -> Says {
    Says {
        type_: "Synced",
        status,
        reason: "ObjectNotFound",
        message: String::new(),
    }
}

/// Two tokens of an hour and two secrets, to be looked at once.
fn once_with_tokens() -> Valid {
    let mut sync = sync_with_tokens();
    sync.spec.refresh_interval = Some(kube::core::Duration::from(Duration::ZERO));
    parse(&sync).unwrap()
}

fn key(place: usize, item: &Item, problem: Option<Problem>) -> KeyPlan {
    KeyPlan {
        key: key_of(item),
        item: place,
        object: String::new(),
        version: Some(version(item)),
        held: None,
        times: None,
        note: None,
        problem,
    }
}

fn next(valid: &Valid, problem: Option<&Problem>, now: i64) -> Option<Timestamp> {
    let keys: Vec<KeyPlan> = valid
        .items
        .iter()
        .enumerate()
        .map(|(place, item)| {
            let problem = problem.filter(|_| item.token().is_some());
            key(place, item, problem.cloned())
        })
        .collect();
    let looked = Looked {
        items: &valid.items,
        keys: &keys,
        inputs: &[],
        told: &[],
        problem: None,
        failures: 1,
        heartbeat: Some(Duration::from_hours(1)),
        before: None,
    };
    next_reconcile(valid, &looked, at(now))
}

#[test]
fn the_next_reconcile_comes_when_a_token_is_renewed_or_sooner() {
    let once = once_with_tokens();
    let renewal = next(&once, None, 0).unwrap();
    assert!(renewal > at(1800) && renewal <= at(2880), "{renewal}");
    let often = parse(&sync_with_tokens()).unwrap();
    assert_eq!(next(&often, None, 0).unwrap(), renewal);
    let heartbeat = next(&parse(&sync()).unwrap(), None, 0).unwrap();
    assert!(heartbeat > at(3200) && heartbeat < at(4000), "{heartbeat}");
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

#[test]
fn what_is_near_is_waited_for_and_what_is_far_has_an_alarm() {
    let minute = Duration::from_mins(1);
    assert_eq!(later(Some(at(60)), at(0)), (Some(minute), None));
    assert_eq!(later(Some(at(0)), at(60)), (Some(Duration::ZERO), None));
    assert_eq!(later(Some(at(3600)), at(0)), (None, Some(at(3600))));
    assert_eq!(later(None, at(0)), (None, None));
}
