use super::*;
use crate::vault_secret_sync::fixtures::{sync_with_tokens, token_version};
use crate::vault_secret_sync::target::{Record, Share};
use crate::vault_secret_sync::valid::parse;

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
    let version = |token: bool| {
        if token {
            token_version(ISSUED, ISSUED + HOUR)
        } else {
            "v1".to_owned()
        }
    };
    let keys = valid.entries.iter().map(|entry| {
        let recorded = entry.recorded(&version(entry.token().is_some()));
        (entry.key.to_string(), recorded)
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

/// How many secrets, and which tokens: of the identity, of the server.
type Asked = (usize, Vec<Issued>);

fn asked(valid: &Valid, secret: Option<&SecretMeta>, scope: Scope, now: i64) -> Asked {
    let wanted = wanted(valid, secret, &[], scope, at(now));
    (wanted.secrets.len(), wanted.tokens.into_values().collect())
}

#[test]
fn all_is_asked_for_where_there_is_nothing() {
    for scope in [Scope::Lacking, Scope::Secrets, Scope::All, Scope::Anew] {
        let asked = asked(&valid(), None, scope, ISSUED);
        assert_eq!(asked, (2, vec![WHENEVER, WHENEVER]), "{scope:?}");
    }
}

#[test]
fn tokens_that_live_are_asked_for_only_when_something_changed() {
    let valid = valid();
    let secret = written(&valid);
    let asked = |scope| asked(&valid, Some(&secret), scope, ISSUED + 60);
    assert_eq!(asked(Scope::Lacking), (0, vec![]));
    assert_eq!(asked(Scope::Secrets), (2, vec![]));
    assert_eq!(asked(Scope::All), (2, vec![WHENEVER, WHENEVER]));
    assert_eq!(asked(Scope::Anew), (2, vec![newer(), newer()]));
}

#[test]
fn a_token_whose_time_has_come_must_be_followed_by_a_newer_one() {
    let valid = valid();
    let secret = written(&valid);
    for scope in [Scope::Lacking, Scope::Secrets, Scope::All, Scope::Anew] {
        let (_, tokens) = asked(&valid, Some(&secret), scope, ISSUED + HOUR * 4 / 5);
        assert_eq!(tokens, [newer(), newer()], "{scope:?}");
    }
}

#[test]
fn a_damaged_token_is_asked_for_and_the_other_one_is_not() {
    let valid = valid();
    let secret = damaged(written(&valid), "TOKEN");
    let wanted = wanted(&valid, Some(&secret), &[], Scope::Lacking, at(ISSUED + 60));
    let tokens: Vec<_> = wanted.tokens.into_iter().collect();
    let token = valid.entries[2].token().unwrap().clone();
    assert_eq!(tokens, [(token, WHENEVER)]);
    assert!(wanted.secrets.is_empty());
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
        asked(&edited, Some(&secret), Scope::Secrets, ISSUED + 60).1
    };
    assert!(with(|_| ()).is_empty());
    let resource = with(|spec| spec["data"][2]["accessToken"]["resource"] = "api://y".into());
    assert_eq!(resource, [WHENEVER]);
    let user = with(|spec| spec["data"][3]["accessToken"]["mlServer"]["username"] = "bob".into());
    assert_eq!(user, [WHENEVER]);
    let identity = with(|spec| spec["identityRef"]["name"] = "other".into());
    assert_eq!(identity, [WHENEVER], "another identity's token was kept");
}
