//! The product's own functions, asked about states of the model. What they said once they say again, so it is remembered.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use lakevault::azure::arm::{Form, Poll};
use lakevault::azure_resource::ground::{Ground, Group};
use lakevault::azure_resource::note::{self, Note as Noted, Outcome, Polled, begun};
use lakevault::azure_resource::order::{Ahead, Gone, ahead};
use lakevault::azure_resource::owner::{OWNER_TAG, Owner};
use lakevault::azure_resource::planner::{Ending, Keeps, Write};
use lakevault::key_vault::api::{KeyVault, KeyVaultSpec, Sku};
use lakevault::key_vault::desired::{Capabilities, Desired};
use lakevault::key_vault::plan::{Inputs, Leaving, Look, Next, Record, Seen, Step, created, next};
use lakevault::key_vault::recorded::recorded;
use lakevault::key_vault::valid::{Valid, desired, parse};
use lakevault::key_vault::vault::{Deleted, SkuName, Tags, Vault};
use lakevault::problem::{Problem, Reason};
use lakevault::retry::{Retry, after};
use serde_json::{Value, json};

use crate::world::{Azure, Going, Kept, Kind, Note, Object, Sight, Stands, Tag};

/// What the plan says, in the model's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    LookOperation,
    LookVault,
    LookDeleted,
    Do(Kind),
    Forget,
    Wait(&'static str),
    Rest,
}

/// What a spec comes to, parsed once.
struct Spec {
    valid: Valid,
    desired: Desired,
    owner: Owner,
}

type Asked = (u8, u8, bool, Kept, Sight);

/// The product, for one way to write a spec.
pub(crate) struct Product {
    spec: Value,
    specs: RefCell<HashMap<(u8, u8), Spec>>,
    said: RefCell<HashMap<Asked, Says>>,
    kept: RefCell<HashMap<(Asked, bool), Kept>>,
}

fn time(seconds: u64) -> Timestamp {
    after(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds))
}

/// The time of every decision.
fn now() -> Timestamp {
    time(1000)
}

fn owner(uid: u8) -> Owner {
    Owner {
        cluster: Some("cluster".to_owned()),
        namespace: "team".to_owned(),
        name: "kv-a".to_owned(),
        uid: format!("uid-{uid}"),
    }
}

fn tags(tag: Tag) -> Tags {
    let owner = match tag {
        Tag::Bare => None,
        Tag::Ours(uid) => Some(owner(uid).to_string()),
        Tag::Foreign => Some("cluster/others/kv-b/uid-9".to_owned()),
    };
    owner
        .into_iter()
        .map(|owner| (OWNER_TAG.to_owned(), owner))
        .collect()
}

fn word(kind: Kind) -> &'static str {
    step(kind).noted().unwrap_or_default()
}

/// Whether a write is noted, in the product's own words.
pub(crate) fn is_noted(kind: Kind) -> bool {
    step(kind).noted().is_some()
}

pub(crate) fn destroys(kind: Kind) -> bool {
    step(kind).destroys()
}

/// What goes ahead of a write, in the product's own order.
pub(crate) fn comes(kind: Kind, gone: Gone) -> Ahead {
    ahead(&step(kind), gone)
}

fn step(kind: Kind) -> Step {
    match kind {
        Kind::Create => Step::Create,
        Kind::Recover => Step::Recover,
        Kind::Purge => Step::Purge,
        Kind::Update => Step::Update(Vec::new()),
        Kind::Delete => Step::Delete,
        Kind::Release => Step::Release,
    }
}

fn kind(step: &Step) -> Option<Kind> {
    Some(match step {
        Step::Create => Kind::Create,
        Step::Recover => Kind::Recover,
        Step::Purge => Kind::Purge,
        Step::Update(_) => Kind::Update,
        Step::Delete => Kind::Delete,
        Step::Release => Kind::Release,
        Step::Ground(_)
        | Step::AddPolicies(_)
        | Step::ReplacePolicies(_)
        | Step::DropPolicies(_)
        | Step::MakeSecret(_)
        | Step::Forget => return None,
    })
}

/// Notes that are open were made a moment ago.
fn record(spec: &Spec, kept: Kept) -> Record {
    let poll = Poll {
        form: Form::Location,
        url: "https://management.example.net/operation".to_owned(),
    };
    Record {
        azure_id: kept.id.then(|| spec.valid.id.to_string()),
        applied: (kept.applied > 0).then_some(i64::from(kept.applied)),
        operation: kept.note.map(|note| {
            let begins = time(if note.open { 990 } else { 100 });
            let mut noted = begun(word(note.kind), i64::from(note.generation), "epoch", begins);
            noted.poll = note.poll.then_some(poll);
            if note.repeats {
                noted.since.0 = time(900);
            }
            noted
        }),
        ..Record::default()
    }
}

fn kept(record: &Record) -> Kept {
    let small = |generation: i64| u8::try_from(generation).unwrap();
    let kinds = [Kind::Create, Kind::Recover, Kind::Purge, Kind::Delete];
    Kept {
        id: record.azure_id.is_some(),
        applied: record.applied.map(small).unwrap_or_default(),
        note: record.operation.as_ref().map(|noted| Note {
            kind: kinds
                .into_iter()
                .find(|kind| word(*kind) == noted.step)
                .unwrap(),
            generation: small(noted.generation),
            open: now() < noted.deadline.0,
            poll: noted.poll.is_some(),
            repeats: note::is_repeated(noted),
        }),
    }
}

impl Product {
    pub(crate) fn new(spec: Value) -> Self {
        Self {
            spec,
            specs: RefCell::default(),
            said: RefCell::default(),
            kept: RefCell::default(),
        }
    }

    fn parsed(&self, uid: u8, generation: u8) -> Spec {
        let mut spec = json!({
            "subscriptionId": "44444444-4444-4444-4444-444444444444",
            "resourceGroup": { "name": "rg" },
            "location": "westeurope",
            "tenantId": "11111111-1111-1111-1111-111111111111",
            "sku": if generation % 2 == 1 { "Premium" } else { "Standard" },
        });
        for (name, value) in self.spec.as_object().unwrap() {
            spec[name] = value.clone();
        }
        let spec: KeyVaultSpec = serde_json::from_value(spec).unwrap();
        let mut object = KeyVault::new("kv-a", spec);
        object.metadata.namespace = Some("team".to_owned());
        object.metadata.uid = Some(format!("uid-{uid}"));
        object.metadata.generation = Some(i64::from(generation));
        let valid = parse(&object).unwrap();
        let desired = desired(&object.spec, &valid, None, Capabilities::ALL).unwrap();
        Spec {
            valid,
            desired,
            owner: owner(uid),
        }
    }

    /// Asks with everything that a decision follows from.
    fn ask<T>(&self, object: &Object, kept: Kept, ask: impl FnOnce(&Inputs<'_>) -> T) -> T {
        let mut specs = self.specs.borrow_mut();
        let spec = specs
            .entry((object.uid, object.generation))
            .or_insert_with(|| self.parsed(object.uid, object.generation));
        let record = record(spec, kept);
        ask(&Inputs {
            valid: &spec.valid,
            desired: &spec.desired,
            owner: &spec.owner,
            record: &record,
            leaving: object.deleting.then_some(Leaving { syncs: &[] }),
            deep: false,
            now: now(),
        })
    }

    /// What is next, in a round that knows this object and has seen this.
    pub(crate) fn next(&self, object: &Object, kept: Kept, sight: Sight) -> Says {
        let asked = (object.uid, object.generation, object.deleting, kept, sight);
        if let Some(said) = self.said.borrow().get(&asked) {
            return *said;
        }
        let said = self.ask(object, kept, |inputs| {
            match next(inputs, &seen(inputs, sight)) {
                Next::Poll => Says::LookOperation,
                Next::Look(Look::Vault) => Says::LookVault,
                Next::Look(Look::Deleted) => Says::LookDeleted,
                Next::Do(Step::Forget) => Says::Forget,
                Next::Do(step) => Says::Do(kind(&step).unwrap()),
                Next::Wait(problem) => Says::Wait(problem.reason.as_str()),
                Next::Rest => Says::Rest,
                Next::Look(other) => panic!("{other:?} is no part of this model"),
            }
        });
        self.said.borrow_mut().insert(asked, said);
        said
    }

    /// What is kept at the end of a round.
    pub(crate) fn recorded(
        &self,
        object: &Object,
        kept_so_far: Kept,
        sight: Sight,
        problem: bool,
    ) -> Kept {
        let asked = (
            object.uid,
            object.generation,
            object.deleting,
            kept_so_far,
            sight,
        );
        let mut known = self.kept.borrow_mut();
        *known.entry((asked, problem)).or_insert_with(|| {
            self.ask(object, kept_so_far, |inputs| {
                let ending = Ending {
                    problem,
                    dry: false,
                };
                kept(&recorded(inputs, &seen(inputs, sight), ending))
            })
        })
    }

    /// What is kept with the note of a write that is about to be sent.
    pub(crate) fn noted(&self, object: &Object, so_far: Kept, what: Kind) -> Kept {
        self.ask(object, so_far, |inputs| {
            let begun = begun(word(what), inputs.valid.generation, "epoch", now());
            let mut record = inputs.record.clone();
            record.notes(begun);
            kept(&record)
        })
    }

    /// What is kept after a write was answered, or was not.
    pub(crate) fn came_to(&self, object: &Object, so_far: Kept, outcome: &Outcome) -> Kept {
        self.ask(object, so_far, |inputs| {
            let noted = inputs.record.operation.clone();
            kept(&with(inputs, note::came_to(noted, outcome)))
        })
    }

    /// What is kept after a look at the operation under way.
    pub(crate) fn polled(&self, object: &Object, so_far: Kept, stands: Stands) -> Kept {
        self.ask(object, so_far, |inputs| {
            let noted = inputs.record.operation.clone();
            kept(&with(inputs, note::polled(noted, &polled(stands))))
        })
    }
}

/// What is kept, with another note.
fn with(inputs: &Inputs<'_>, operation: Option<Noted>) -> Record {
    Record {
        operation,
        ..inputs.record.clone()
    }
}

pub(crate) fn accepted() -> Outcome {
    Outcome::Accepted(Poll {
        form: Form::Location,
        url: "https://management.example.net/operation".to_owned(),
    })
}

fn polled(stands: Stands) -> Polled {
    match stands {
        Stands::Running => Polled::Running(None),
        Stands::Ended => Polled::Ended,
        Stands::Failed => {
            let failed = Problem::new(Reason::OperationFailed, Retry::Backoff, "it failed");
            Polled::Failed(failed)
        }
    }
}

/// What was seen, in the product's types. Groups and names are always to be had.
fn seen(inputs: &Inputs<'_>, sight: Sight) -> Seen {
    Seen {
        operation: sight.operation.map(polled),
        vault: sight.vault.map(|azure| vault(inputs, azure)),
        deleted: sight.deleted.map(|azure| deleted(inputs, azure)),
        ground: Ground {
            group: Some(Some(Group { deleting: false })),
            ..Ground::default()
        },
        name: Some(Ok(())),
        updated: sight.updated,
        ..Seen::default()
    }
}

fn vault(inputs: &Inputs<'_>, azure: Azure) -> Option<Vault> {
    let Azure::Live { sku, tag, busy } = azure else {
        return None;
    };
    let mut vault = created(inputs);
    vault.tags = tags(tag);
    vault.settings.sku = SkuName(if sku == 1 {
        Sku::Premium
    } else {
        Sku::Standard
    });
    let state = match busy {
        Going::No => "Succeeded",
        Going::Yes => "RegisteringDns",
        Going::Failed => "Failed",
    };
    vault.state = Some(state.to_owned());
    Some(vault)
}

fn deleted(inputs: &Inputs<'_>, azure: Azure) -> Option<Deleted> {
    let Azure::Soft { tag, .. } = azure else {
        return None;
    };
    let vault = created(inputs);
    Some(Deleted {
        id: vault.id,
        location: vault.location,
        tags: tags(tag),
        purge_protection: false,
        scheduled_purge: None,
    })
}

/// How Azure tells that an operation stands: by what it is at.
pub(crate) fn stands(azure: Azure) -> Stands {
    match azure {
        Azure::Soft {
            going: Going::Yes, ..
        }
        | Azure::Live {
            busy: Going::Yes, ..
        } => Stands::Running,
        Azure::Soft {
            going: Going::Failed,
            ..
        } => Stands::Failed,
        Azure::Absent | Azure::Soft { .. } | Azure::Live { .. } => Stands::Ended,
    }
}
