use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::vault_secret_sync::push::api::{PushEntry, PushOperation, PushedFrom};
use crate::vault_secret_sync::push::status::{Job, Outcome, record};
use crate::vault_secret_sync::push::valid::parse;

fn owner() -> Owner {
    Owner {
        cluster: Some("cluster".to_owned()),
        namespace: "team".to_owned(),
        name: "app".to_owned(),
        uid: "uid-app".to_owned(),
    }
}

fn push(change: &serde_json::Value) -> Push {
    let mut entry =
        serde_json::json!({"from": {"secret": "local", "key": "k"}, "to": {"secret": "db"}});
    for (name, value) in change.as_object().unwrap() {
        entry[name] = value.clone();
    }
    let entries: Vec<PushEntry> = serde_json::from_value(serde_json::json!([entry])).unwrap();
    parse(&entries).unwrap().remove(0)
}

fn kept() -> Push {
    push(&serde_json::json!({}))
}

fn replaced() -> Push {
    push(&serde_json::json!({"ifExists": "Replace"}))
}

fn vault() -> VaultUri {
    "https://kv.vault.azure.net".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn tagged(owner: &str) -> Tags {
    Tags::from([(OWNER_TAG.to_owned(), owner.to_owned())])
}

fn ours() -> Tags {
    tagged(&owner().to_string())
}

fn facts(version: &str, tags: Tags, same: bool) -> Facts {
    Facts {
        version: version.to_owned(),
        tags,
        content_type: None,
        expires: None,
        created: Some(at(1000)),
        managed: false,
        same,
    }
}

fn recorded(version: Option<&str>, step: Option<PushStep>) -> PushStatus {
    PushStatus {
        vault: vault().origin().to_owned(),
        object: "secret/db".to_owned(),
        version: version.map(str::to_owned),
        source: None,
        last_pushed: None,
        deletion_policy: super::super::api::PushDeletionPolicy::Delete,
        operation: step.map(|step| PushOperation {
            step,
            generation: 1,
            since: Time(at(990)),
        }),
        error: None,
    }
}

fn decide(push: Option<&Push>, seen: &Seen, record: Option<&PushStatus>) -> Decision {
    let (vault, owner) = (vault(), owner());
    let scene = Scene {
        vault: &vault,
        owner: &owner,
        record,
        seen,
        now: at(1000),
    };
    match push {
        Some(push) => wanted(push, scene),
        None => unwanted(scene),
    }
}

fn refused(decision: &Decision) -> Reason {
    match decision {
        Decision::Refuse(problem) => problem.reason,
        Decision::Rest | Decision::Do(_) => panic!("{decision:?}"),
    }
}

#[test]
fn what_is_the_same_is_left_alone() {
    let same = Seen::Present(facts("1", ours(), true));
    assert_eq!(decide(Some(&kept()), &same, None), Decision::Rest);
    let other = Seen::Present(facts("1", ours(), false));
    assert_eq!(
        decide(Some(&kept()), &other, None),
        Decision::Do(PushStep::Set)
    );
    assert_eq!(
        decide(Some(&kept()), &Seen::Absent, None),
        Decision::Do(PushStep::Set)
    );
}

#[test]
fn attributes_are_changed_without_a_new_version() {
    let shaped = |to: serde_json::Value| push(&serde_json::json!({ "to": to }));
    let update = Decision::Do(PushStep::Update);
    let mut seen = facts("1", ours(), true);
    for to in [
        serde_json::json!({"secret": "db", "contentType": "text/plain"}),
        serde_json::json!({"secret": "db", "tags": {"a": "b"}}),
        serde_json::json!({"secret": "db", "expires": "1970-01-01T01:00:00Z"}),
        serde_json::json!({"secret": "db", "expiresAfter": "1h"}),
    ] {
        let wanted = shaped(to);
        assert_eq!(
            decide(Some(&wanted), &Seen::Present(seen.clone()), None),
            update
        );
        let shape = shape(&wanted, &owner(), at(1000));
        let done = Facts {
            tags: shape.tags,
            content_type: shape.content_type,
            expires: shape.expires,
            ..seen.clone()
        };
        assert_eq!(
            decide(Some(&wanted), &Seen::Present(done), None),
            Decision::Rest
        );
    }
    // What the spec does not name is not touched.
    (seen.content_type, seen.expires) = (Some("x".to_owned()), Some(at(5)));
    assert_eq!(
        decide(Some(&kept()), &Seen::Present(seen), None),
        Decision::Rest
    );
}

#[test]
fn the_clocks_of_vault_and_operator_may_differ() {
    let lasting = push(&serde_json::json!({"to": {"secret": "db", "expiresAfter": "1h"}}));
    let seen = |expires| {
        let mut facts = facts("1", ours(), true);
        facts.expires = Some(at(expires));
        decide(Some(&lasting), &Seen::Present(facts), None)
    };
    assert_eq!(seen(1000 + 3600 + 30), Decision::Rest);
    assert_eq!(seen(1000 + 7200), Decision::Do(PushStep::Update));
}

#[test]
fn what_another_owns_is_never_touched() {
    for tag in [
        "cluster/team/other/uid-other",
        "elsewhere/team/app/uid-other",
        "nonsense",
    ] {
        for same in [true, false] {
            let seen = Seen::Present(facts("1", tagged(tag), same));
            for push in [kept(), replaced()] {
                let decision = decide(Some(&push), &seen, Some(&recorded(Some("1"), None)));
                assert_eq!(refused(&decision), Reason::PushTargetNotOurs, "{tag}");
            }
            assert_eq!(decide(None, &seen, None), Decision::Rest);
        }
        let deleted = Seen::Deleted(tagged(tag));
        assert_eq!(
            refused(&decide(Some(&replaced()), &deleted, None)),
            Reason::PushTargetNotOurs
        );
    }
}

#[test]
fn a_sync_made_anew_takes_over_by_name_and_deletes_by_uid() {
    let before = Seen::Present(facts("1", tagged("cluster/team/app/uid-before"), true));
    assert_eq!(
        decide(Some(&kept()), &before, None),
        Decision::Do(PushStep::Update)
    );
    assert_eq!(
        decide(None, &before, None),
        Decision::Rest,
        "deleted by name"
    );
    let ours = Seen::Present(facts("1", ours(), false));
    assert_eq!(decide(None, &ours, None), Decision::Do(PushStep::Delete));
}

#[test]
fn what_has_no_owner_follows_if_exists() {
    for same in [true, false] {
        let seen = Seen::Present(facts("1", Tags::new(), same));
        let kept = decide(Some(&kept()), &seen, None);
        assert_eq!(
            refused(&kept),
            Reason::PushTargetExists,
            "the content decided"
        );
        let step = if same {
            PushStep::Update
        } else {
            PushStep::Set
        };
        assert_eq!(decide(Some(&replaced()), &seen, None), Decision::Do(step));
    }
    let deleted = Seen::Deleted(Tags::new());
    assert_eq!(
        refused(&decide(Some(&kept()), &deleted, None)),
        Reason::PushTargetExists
    );
    assert_eq!(
        decide(Some(&replaced()), &deleted, None),
        Decision::Do(PushStep::Recover)
    );
}

#[test]
fn a_version_that_somebody_else_made_is_told_or_replaced() {
    let record = recorded(Some("1"), None);
    for tags in [ours(), Tags::new()] {
        let seen = Seen::Present(facts("2", tags, false));
        let kept = decide(Some(&kept()), &seen, Some(&record));
        assert_eq!(refused(&kept), Reason::PushTargetChanged);
        let replaced = decide(Some(&replaced()), &seen, Some(&record));
        assert_eq!(replaced, Decision::Do(PushStep::Set));
    }
    // A write of ours that was not recorded is not somebody else's.
    let open = recorded(Some("1"), Some(PushStep::Set));
    let seen = Seen::Present(facts("2", ours(), false));
    assert_eq!(
        decide(Some(&kept()), &seen, Some(&open)),
        Decision::Do(PushStep::Set)
    );
}

#[test]
fn a_recovery_is_waited_for_but_not_for_ever() {
    let mut record = recorded(None, Some(PushStep::Recover));
    let waits = decide(Some(&kept()), &Seen::Absent, Some(&record));
    assert_eq!(refused(&waits), Reason::PushTargetBusy);
    record.operation.as_mut().unwrap().since = Time(at(0));
    let given_up = decide(Some(&kept()), &Seen::Absent, Some(&record));
    assert_eq!(given_up, Decision::Do(PushStep::Set));
}

#[test]
fn the_secret_of_a_certificate_is_not_set() {
    let mut seen = facts("1", Tags::new(), false);
    seen.managed = true;
    let decision = decide(Some(&replaced()), &Seen::Present(seen), None);
    assert_eq!(refused(&decision), Reason::PushTargetNotOurs);
}

/// What may happen in one round of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// All goes well.
    Well,
    /// The operator dies before the intent is written, or after, or after the effect.
    DiesBefore,
    DiesBetween,
    DiesAfter,
    /// The vault did it, and the answer was lost.
    Lost,
    /// The Secret gets another value.
    Rotates,
}

/// A vault, a Secret and a status; what an operator remembers besides is nothing.
#[derive(Default)]
struct Model {
    versions: Vec<u32>,
    source: u32,
    record: Option<PushStatus>,
}

impl Model {
    fn seen(&self) -> Seen {
        self.versions.last().map_or(Seen::Absent, |value| {
            let version = self.versions.len().to_string();
            Seen::Present(facts(&version, ours(), *value == self.source))
        })
    }

    fn notes(&mut self, push: &Push, outcome: &Outcome) {
        let job = Job {
            vault: vault(),
            object: push.object.clone(),
            push: Some(push.clone()),
            record: self.record.clone(),
            permit: None,
        };
        self.record = record(&job, outcome, 1, at(1000));
    }

    fn takes(&mut self, push: &Push, turn: Turn) {
        let from = PushedFrom {
            secret: "local".to_owned(),
            uid: "s".to_owned(),
            resource_version: self.source.to_string(),
            generation: 1,
        };
        if turn == Turn::Rotates {
            self.source += 1;
            return;
        }
        let decision = decide(Some(push), &self.seen(), self.record.as_ref());
        let Decision::Do(PushStep::Set) = decision else {
            assert_eq!(decision, Decision::Rest);
            let version = self.versions.len().to_string();
            self.notes(push, &Outcome::Same(version, Some(from)));
            return;
        };
        if turn == Turn::DiesBefore {
            return;
        }
        self.notes(push, &Outcome::Needs(PushStep::Set));
        if turn == Turn::DiesBetween {
            return;
        }
        // The second look, and the effect.
        let again = decide(Some(push), &self.seen(), self.record.as_ref());
        assert_eq!(again, Decision::Do(PushStep::Set));
        self.versions.push(self.source);
        let version = self.versions.len().to_string();
        match turn {
            Turn::Well => self.notes(push, &Outcome::Wrote(PushStep::Set, version, from)),
            Turn::Lost => {
                let problem = Problem::new(Reason::TimedOut, Retry::Backoff, "lost");
                self.notes(push, &Outcome::Failed(problem));
            }
            Turn::DiesAfter | Turn::DiesBefore | Turn::DiesBetween | Turn::Rotates => {}
        }
    }
}

#[test]
fn each_difference_makes_one_version_whenever_the_operator_dies() {
    let turns = [
        Turn::Well,
        Turn::DiesBefore,
        Turn::DiesBetween,
        Turn::DiesAfter,
        Turn::Lost,
        Turn::Rotates,
    ];
    for push in [kept(), replaced()] {
        for number in 0..6usize.pow(4) {
            let story: Vec<Turn> = (0..4)
                .map(|at| turns[number / 6usize.pow(at) % 6])
                .collect();
            let mut model = Model::default();
            for turn in &story {
                model.takes(&push, *turn);
            }
            model.takes(&push, Turn::Well);
            model.takes(&push, Turn::Well);
            let differences = 1 + story.iter().filter(|turn| **turn == Turn::Rotates).count();
            assert!(
                model.versions.len() <= differences,
                "{story:?}: {:?}",
                model.versions
            );
            assert_eq!(model.versions.last(), Some(&model.source), "{story:?}");
            let record = model.record.unwrap();
            assert_eq!(record.version, Some(model.versions.len().to_string()));
            assert_eq!((record.operation, record.error), (None, None), "{story:?}");
        }
    }
}
