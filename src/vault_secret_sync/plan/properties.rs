use proptest::prelude::*;

use super::*;
use crate::vault_secret_sync::fixtures::{outcomes, sync_with_tokens, token_version};
use crate::vault_secret_sync::target::SecretMeta;
use crate::vault_secret_sync::valid::parse;
use crate::vault_secret_sync::wants::wanted::{self, Extent, Issued, Scope};

#[derive(Debug, Clone)]
enum Answer {
    Value(u8),
    Empty,
    Fails,
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        (0u8..4).prop_map(Answer::Value),
        Just(Answer::Empty),
        Just(Answer::Fails)
    ]
}

fn scopes() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::Lacking), Just(Scope::All), Just(Scope::Anew)]
}

fn outcome(answer: &Answer) -> Outcome {
    match answer {
        Answer::Value(version) => bundle("value", &format!("v{version}")),
        Answer::Empty => bundle("", "v9"),
        Answer::Fails => failed(Reason::Forbidden),
    }
}

/// A token that was had at this second, or none.
fn token(answer: &Answer, now: i64) -> Outcome {
    match answer {
        Answer::Value(_) => bundle("token", &token_version(now, now + 3600)),
        Answer::Empty | Answer::Fails => failed(Reason::LoginRefused),
    }
}

/// What the API server makes of a write: the fields of our manager are exactly those that were applied.
fn execute(valid: &Valid, write: &Write) -> SecretMeta {
    let sources: Vec<(&str, &str)> = write
        .record
        .keys
        .iter()
        .map(|(k, s)| (k.as_str(), s.as_str()))
        .collect();
    let applied: BTreeSet<&String> = write.fresh.keys().chain(&write.keep).collect();
    assert_eq!(
        applied,
        write.record.keys.keys().collect::<BTreeSet<_>>(),
        "record and data differ"
    );
    written(valid, &sources)
}

proptest! {
    /// Whatever is answered, and whatever a look asks for: a key once filled stays filled, a second plan on the same
    /// answers does nothing, and a look right after one that went well asks for nothing.
    #[test]
    fn keys_never_vanish_and_plans_settle(
        rounds in proptest::collection::vec((answers(), answers(), answers(), answers(), scopes(), 0i64..3000), 1..8),
    ) {
        let valid = parse(&sync_with_tokens()).unwrap();
        let mut secret: Option<SecretMeta> = None;
        let mut rejected = Rejected::default();
        let mut now = 0;
        for (db, api, entra, ml, scope, pause) in rounds {
            now += pause;
            let scene = scene_of(&valid, secret.as_ref(), &[]);
            let mut objects = BTreeMap::new();
            for (object, held) in wanted::objects(&scene, &rejected, Extent::Lacking) {
                let outcome = outcome(if object.object.name.as_str() == "api-key" { &api } else { &db });
                // What is as it was is not told.
                let same = outcome.as_ref().is_ok_and(|bundle| held.is_some_and(|held| held.version == bundle.version));
                if !same {
                    objects.insert(ObjectId::Object(object), outcome);
                }
            }
            let first = valid.items[2].token().unwrap();
            for (id, issued) in wanted::tokens(&scene, (scope, Extent::Lacking), &rejected, at(now)) {
                let outcome = token(if id == *first { &entra } else { &ml }, now);
                prop_assert!(issued <= Issued::After(at(now)));
                objects.insert(ObjectId::Token(id), outcome);
            }
            let before = secret.clone();
            let planned = plan(
                &Observed { scene: scene_of(&valid, secret.as_ref(), &[]), objects: &objects, rejected: &rejected, removal: None },
                at(now),
            );
            rejected = rejected.after(&valid.items, &objects, outcomes(&planned));
            let well = planned.keys.iter().all(|key| key.problem.is_none());
            if let Some(write) = planned.write {
                secret = Some(execute(&valid, &write));
            }
            let filled = |secret: &Option<SecretMeta>| -> BTreeSet<String> {
                secret.iter().flat_map(|s| s.share("app").unwrap().intact.clone()).collect()
            };
            prop_assert!(filled(&secret).is_superset(&filled(&before)), "a key vanished");
            let again = plan(
                &Observed { scene: scene_of(&valid, secret.as_ref(), &[]), objects: &objects, rejected: &rejected, removal: None },
                at(now),
            );
            prop_assert!(again.write.is_none(), "the plan does not settle");
            if well {
                let scene = scene_of(&valid, secret.as_ref(), &[]);
                let tokens = wanted::tokens(&scene, (Scope::Lacking, Extent::Lacking), &rejected, at(now));
                prop_assert!(tokens.is_empty(), "a token that lives is asked for");
                let needed = wanted::objects(&scene, &rejected, Extent::Lacking);
                prop_assert!(needed.values().all(Option::is_some), "a value that is held is asked for");
            }
        }
    }
}

/// Two values that are taken apart and share members, and two secrets.
fn open_sync() -> Valid {
    let expand = |name: &str| serde_json::json!({"expand": {"secret": {"name": name}}});
    let sync = crate::vault_secret_sync::fixtures::sync_with(|spec| {
        spec["data"][1]["optional"] = true.into();
        spec["dataFrom"] = serde_json::json!([expand("config-a"), expand("config-b")]);
    });
    parse(&sync).unwrap()
}

/// What the vault has of an object: members of a value, something that is no such value, nothing, or trouble.
#[expect(clippy::unwrap_in_result, reason = "it makes what a vault answers")]
fn members(answer: u8) -> Outcome {
    match answer {
        0..4 => {
            let members: BTreeMap<String, &str> =
                (0..answer).map(|n| (format!("m{n}"), "x")).collect();
            let text = serde_json::to_string(&members).unwrap();
            bundle(&text, &format!("v{answer}"))
        }
        4 => bundle("[]", "v4"),
        5 => failed(Reason::ObjectNotFound),
        _ => failed(Reason::Forbidden),
    }
}

proptest! {
    /// Whatever values are: a plan settles, a key of the spec stays, and what was given is not asked for again, be it that
    /// nothing could be made of it. Else the vault would be read for ever.
    #[test]
    fn nothing_that_was_given_is_asked_for_again(
        rounds in proptest::collection::vec((0u8..7, 0u8..7, 0u8..7, 0u8..7), 1..8),
    ) {
        let valid = open_sync();
        let mut secret: Option<SecretMeta> = None;
        let mut rejected = Rejected::default();
        for (now, (db, api, a, b)) in (0i64..).zip(rounds) {
            let scene = scene_of(&valid, secret.as_ref(), &[]);
            let answer = |object: &crate::vault_secret_sync::items::item::Located| {
                members(match object.object.name.as_str() {
                    "db-password" => db,
                    "api-key" => api,
                    "config-a" => a,
                    _ => b,
                })
            };
            let wanted = wanted::objects(&scene, &rejected, Extent::Lacking);
            let differs = wanted.iter().any(|(object, held)| {
                answer(object).is_ok_and(|it| held.as_ref().is_none_or(|held| held.version != it.version))
            });
            // As one is needed, all are given; what fails is told in any case.
            let objects: BTreeMap<ObjectId, Outcome> = wanted
                .keys()
                .map(|object| (ObjectId::Object(object.clone()), answer(object)))
                .filter(|(_, outcome)| differs || outcome.is_err())
                .collect();
            let observe = |rejected: &Rejected, secret: Option<&SecretMeta>| {
                let scene = scene_of(&valid, secret, &[]);
                let observed = Observed { scene, objects: &objects, rejected, removal: None };
                plan(&observed, at(now))
            };
            let planned = observe(&rejected, secret.as_ref());
            let before = secret.clone();
            rejected = rejected.after(&valid.items, &objects, outcomes(&planned));
            if let Some(write) = planned.write {
                secret = Some(execute(&valid, &write));
            }
            prop_assert!(observe(&rejected, secret.as_ref()).write.is_none(), "the plan does not settle");
            let has = |secret: &Option<SecretMeta>| {
                let share = secret.as_ref().and_then(|secret| secret.share("app"));
                share.is_some_and(|share| share.record.keys.contains_key("DB_PASSWORD"))
            };
            prop_assert!(has(&secret) || !has(&before), "a key vanished");
            let scene = scene_of(&valid, secret.as_ref(), &[]);
            for (object, held) in wanted::objects(&scene, &rejected, Extent::Lacking) {
                if let Ok(bundle) = answer(&object) {
                    let version = held.as_ref().map(|held| &held.version);
                    prop_assert_eq!(version, Some(&bundle.version), "{} is read for ever", object);
                }
            }
        }
    }
}
