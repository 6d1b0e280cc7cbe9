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
use lakevault::azure_resource::planner::{Ending, Inputs, Keeps, Leaving, Next, Planner, Write};
use lakevault::azure_resource::values::Tags;
use lakevault::problem::{Problem, Reason};
use lakevault::retry::{Retry, after};
use serde_json::Value;

use crate::world::{Azure, Going, Kept, Kind, Note, Object, Sight, Stands, Tag};

/// What the plan says, in the model's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    LookOperation,
    LookResource,
    LookDeleted,
    LookContents,
    Do(Kind),
    Forget,
    Wait(&'static str),
    Rest,
}

/// A kind of resource, in the model's words.
pub(crate) trait Subject: Planner {
    /// The name of its object.
    const NAME: &'static str;
    /// Whether what is deleted is kept for a while.
    const SOFTLY: bool;

    /// An object of this uid and generation, with these fields of its spec.
    fn object(fields: &Value, generation: u8) -> Self;
    fn desired_of(object: &Self, valid: &Self::Valid) -> Self::Desired;
    fn id(valid: &Self::Valid) -> String;
    /// The write of this kind, where it has one.
    fn step(kind: Kind) -> Option<Self::Step>;
    fn kind_of(step: &Self::Step) -> Option<Kind>;
    fn looks(look: &Self::Look) -> Option<Says>;
    /// What was seen, in the product's types. Groups and names are always to be had.
    fn seen(inputs: &Inputs<'_, Self>, sight: Sight) -> Self::Seen;
    fn record(azure_id: Option<String>, applied: Option<i64>) -> Self::Record;
}

/// What the rest of the model asks of a product.
pub(crate) trait Decides {
    /// What is next, in a round that knows this object and has seen this.
    fn next(&self, object: &Object, kept: Kept, sight: Sight) -> Says;
    /// What is kept at the end of a round.
    fn recorded(&self, object: &Object, so_far: Kept, sight: Sight, problem: bool) -> Kept;
    /// What is kept with the note of a write that is about to be sent.
    fn noted(&self, object: &Object, so_far: Kept, what: Kind) -> Kept;
    /// What is kept after a write was answered, or was not.
    fn came_to(&self, object: &Object, so_far: Kept, outcome: &Outcome) -> Kept;
    /// What is kept after a look at the operation under way.
    fn polled(&self, object: &Object, so_far: Kept, stands: Stands) -> Kept;
    /// Whether a write is noted, in the product's own words.
    fn is_noted(&self, kind: Kind) -> bool;
    fn destroys(&self, kind: Kind) -> bool;
    /// What goes ahead of a write, in the product's own order.
    fn comes(&self, kind: Kind, gone: Gone) -> Ahead;
    /// Whether a request may be sent that was noted so long ago.
    fn may_be_sent(&self, object: &Object, so_far: Kept) -> bool;
    /// Whether what is deleted is kept for a while.
    fn softly(&self) -> bool;
}

/// What a spec comes to, parsed once.
struct Spec<S: Subject> {
    valid: S::Valid,
    desired: S::Desired,
    owner: Owner,
}

type Asked = (u8, u8, bool, Kept, Sight);

/// The product, for one way to write a spec.
pub(crate) struct Product<S: Subject> {
    spec: Value,
    specs: RefCell<HashMap<(u8, u8), Spec<S>>>,
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

fn owner<S: Subject>(uid: u8) -> Owner {
    Owner {
        cluster: Some("cluster".to_owned()),
        namespace: "team".to_owned(),
        name: S::NAME.to_owned(),
        uid: format!("uid-{uid}"),
    }
}

/// The tags of a resource.
pub(crate) fn tags<S: Subject>(tag: Tag) -> Tags {
    let owner = match tag {
        Tag::Bare => None,
        Tag::Ours(uid) => Some(owner::<S>(uid).to_string()),
        Tag::Foreign => Some("cluster/others/another/uid-9".to_owned()),
    };
    owner
        .into_iter()
        .map(|owner| (OWNER_TAG.to_owned(), owner))
        .collect()
}

/// Groups are there.
pub(crate) fn ground() -> Ground {
    Ground {
        group: Some(Some(Group { deleting: false })),
        ..Ground::default()
    }
}

fn word<S: Subject>(kind: Kind) -> Option<&'static str> {
    S::step(kind)?.noted()
}

/// Notes that are open were made a moment ago.
fn record<S: Subject>(spec: &Spec<S>, kept: Kept) -> S::Record {
    let id = kept.id.then(|| S::id(&spec.valid));
    let applied = (kept.applied > 0).then_some(i64::from(kept.applied));
    let mut record = S::record(id, applied);
    record.set_note(kept.note.map(|note| {
        let begins = time(if note.open { 990 } else { 100 });
        let word = word::<S>(note.kind).unwrap_or_default();
        let mut noted = begun(word, i64::from(note.generation), "epoch", begins);
        noted.poll = note.poll.then(poll);
        if note.repeats {
            noted.since.0 = time(900);
        }
        noted
    }));
    record
}

fn kept<S: Subject>(record: &S::Record) -> Kept {
    let small = |generation: i64| u8::try_from(generation).unwrap();
    let kinds = [Kind::Create, Kind::Recover, Kind::Purge, Kind::Delete];
    Kept {
        id: record.azure_id().is_some(),
        applied: record.applied().map(small).unwrap_or_default(),
        note: record.note().map(|noted| Note {
            kind: kinds
                .into_iter()
                .find(|kind| word::<S>(*kind) == Some(noted.step.as_str()))
                .unwrap(),
            generation: small(noted.generation),
            open: now() < noted.deadline.0,
            poll: noted.poll.is_some(),
            repeats: note::is_repeated(noted),
        }),
    }
}

fn poll() -> Poll {
    Poll {
        form: Form::Location,
        url: "https://management.example.net/operation".to_owned(),
    }
}

impl<S: Subject> Product<S> {
    pub(crate) fn new(spec: Value) -> Self {
        Self {
            spec,
            specs: RefCell::default(),
            said: RefCell::default(),
            kept: RefCell::default(),
        }
    }

    fn parsed(&self, uid: u8, generation: u8) -> Spec<S> {
        let mut object = S::object(&self.spec, generation);
        let meta = object.meta_mut();
        meta.namespace = Some("team".to_owned());
        meta.uid = Some(format!("uid-{uid}"));
        meta.generation = Some(i64::from(generation));
        let valid = object.parse().unwrap();
        let desired = S::desired_of(&object, &valid);
        Spec {
            valid,
            desired,
            owner: owner::<S>(uid),
        }
    }

    /// Asks with everything that a decision follows from.
    fn ask<T>(&self, object: &Object, kept: Kept, ask: impl FnOnce(&Inputs<'_, S>) -> T) -> T {
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
}

impl<S: Subject> Decides for Product<S> {
    fn next(&self, object: &Object, kept: Kept, sight: Sight) -> Says {
        let asked = (object.uid, object.generation, object.deleting, kept, sight);
        if let Some(said) = self.said.borrow().get(&asked) {
            return *said;
        }
        let said = self.ask(object, kept, |inputs| {
            match S::next(inputs, &S::seen(inputs, sight)) {
                Next::Poll => Says::LookOperation,
                Next::Look(look) => {
                    S::looks(&look).unwrap_or_else(|| panic!("{look:?} is no part of this model"))
                }
                Next::Do(step) if step.lets_go() => Says::Forget,
                Next::Do(step) => Says::Do(S::kind_of(&step).unwrap()),
                Next::Wait(problem) => Says::Wait(problem.reason.as_str()),
                Next::Rest => Says::Rest,
            }
        });
        self.said.borrow_mut().insert(asked, said);
        said
    }

    fn recorded(&self, object: &Object, so_far: Kept, sight: Sight, problem: bool) -> Kept {
        let asked = (
            object.uid,
            object.generation,
            object.deleting,
            so_far,
            sight,
        );
        let mut known = self.kept.borrow_mut();
        *known.entry((asked, problem)).or_insert_with(|| {
            self.ask(object, so_far, |inputs| {
                let ending = Ending {
                    problem,
                    dry: false,
                };
                kept::<S>(&S::recorded(inputs, &S::seen(inputs, sight), ending))
            })
        })
    }

    fn noted(&self, object: &Object, so_far: Kept, what: Kind) -> Kept {
        self.ask(object, so_far, |inputs| {
            let word = word::<S>(what).unwrap_or_default();
            let begun = begun(word, inputs.valid.generation, "epoch", now());
            let mut record = inputs.record.clone();
            record.notes(begun);
            kept::<S>(&record)
        })
    }

    fn came_to(&self, object: &Object, so_far: Kept, outcome: &Outcome) -> Kept {
        self.ask(object, so_far, |inputs| {
            let noted = inputs.record.note().cloned();
            kept::<S>(&with(inputs, note::came_to(noted, outcome)))
        })
    }

    fn polled(&self, object: &Object, so_far: Kept, stands: Stands) -> Kept {
        self.ask(object, so_far, |inputs| {
            let noted = inputs.record.note().cloned();
            kept::<S>(&with(inputs, note::polled(noted, &polled(stands))))
        })
    }

    fn is_noted(&self, kind: Kind) -> bool {
        word::<S>(kind).is_some()
    }

    fn destroys(&self, kind: Kind) -> bool {
        S::step(kind).is_some_and(|step| step.destroys())
    }

    fn comes(&self, kind: Kind, gone: Gone) -> Ahead {
        ahead(&S::step(kind).unwrap(), gone)
    }

    fn may_be_sent(&self, object: &Object, so_far: Kept) -> bool {
        self.ask(object, so_far, |inputs| {
            let noted = inputs.record.note();
            noted.is_none_or(|noted| note::may_be_sent(noted, now()))
        })
    }

    fn softly(&self) -> bool {
        S::SOFTLY
    }
}

/// What is kept, with another note.
fn with<S: Subject>(inputs: &Inputs<'_, S>, operation: Option<Noted>) -> S::Record {
    let mut record = inputs.record.clone();
    record.set_note(operation);
    record
}

pub(crate) fn accepted() -> Outcome {
    Outcome::Accepted(poll())
}

/// How an operation stands, in the product's types.
pub(crate) fn polled(stands: Stands) -> Polled {
    match stands {
        Stands::Running => Polled::Running(None),
        Stands::Ended => Polled::Ended,
        Stands::Failed => {
            let failed = Problem::new(Reason::OperationFailed, Retry::Backoff, "it failed");
            Polled::Failed(failed)
        }
    }
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
