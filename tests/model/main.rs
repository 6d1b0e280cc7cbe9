//! Everything that can happen to one vault, in a world that is as small as it can be: crashes between any two steps, answers that
//! are lost, requests that are carried out late, a cache that lags behind, an object that is made anew under its name, a status that
//! is wiped, and somebody else who changes Azure. The decisions are the product's own. See docs/adr/0016-azure-resources.md.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends where something is not as it must be, and says how much it has seen"
)]

mod around;
mod azure;
mod faults;
mod healing;
mod product;
mod search;
mod steps;
mod world;
mod writes;

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::json;

use crate::healing::{Goal, Healing};
use crate::product::Product;
use crate::search::{Model, explore};
use crate::steps::{Asked, Flaw, Met, Steps, is_open};
use crate::world::{Act, Azure, Going, Kept, Left, Object, Tag, World};

/// More states than any model here has.
const MOST: usize = 3_000_000;

struct Vaults {
    product: Product,
    goal: Goal,
    left: Left,
    healing: Healing,
    met: RefCell<BTreeSet<Met>>,
    flaw: Option<Flaw>,
}

impl Vaults {
    fn new(goal: Goal, left: Left) -> Self {
        let spec = json!({
            "adopt": goal.adopt,
            "deletionPolicy": goal.deletion,
            "onSoftDeleted": goal.on_soft_deleted,
        });
        Self {
            product: Product::new(spec),
            goal,
            left,
            healing: Healing::default(),
            met: RefCell::default(),
            flaw: None,
        }
    }

    fn with<T>(&self, meet: &dyn Fn(Met), ask: impl FnOnce(&Steps<'_>) -> T) -> T {
        let asked = Asked {
            deletes: self.goal.deletion != "Retain",
            purges_at_deletion: self.goal.deletion == "DeleteAndPurge",
            purges_to_create: self.goal.on_soft_deleted == "Purge",
            adopts_any: self.goal.adopt == "Always",
        };
        ask(&Steps {
            product: &self.product,
            asked,
            meet,
            flaw: self.flaw,
        })
    }
}

/// What somebody else may do in Azure.
fn foreign(azure: Azure) -> Vec<Act> {
    let changes = match azure {
        Azure::Live {
            sku,
            tag,
            busy: Going::No,
        } => vec![
            Azure::Live {
                sku,
                tag: Tag::Foreign,
                busy: Going::No,
            },
            Azure::Live {
                sku,
                tag: Tag::Bare,
                busy: Going::No,
            },
            Azure::Live {
                sku: 1 - sku,
                tag,
                busy: Going::No,
            },
            Azure::Soft {
                sku,
                tag,
                going: Going::No,
            },
        ],
        Azure::Soft {
            sku,
            tag,
            going: Going::No,
        } => vec![
            Azure::Absent,
            Azure::Live {
                sku,
                tag,
                busy: Going::No,
            },
        ],
        Azure::Absent => vec![
            Azure::Live {
                sku: 0,
                tag: Tag::Foreign,
                busy: Going::No,
            },
            Azure::Live {
                sku: 0,
                tag: Tag::Bare,
                busy: Going::No,
            },
        ],
        Azure::Live { .. } | Azure::Soft { .. } => Vec::new(),
    };
    let other = changes.into_iter().filter(|changed| *changed != azure);
    other.map(Act::Foreign).collect()
}

impl Model for Vaults {
    type State = World;
    type Action = Act;

    fn first(&self) -> World {
        World {
            object: Some(Object::new(1)),
            older: Vec::new(),
            uids: 1,
            azure: Azure::Absent,
            wire: Vec::new(),
            run: None,
            left: self.left,
            wiped: false,
            undone: false,
            wrote: None,
        }
    }

    fn actions(&self, world: &World) -> Vec<Act> {
        let mut acts = Vec::new();
        let faults = world.left.faults > 0;
        match &world.run {
            None => {
                acts.extend(world.object.map(|_| Act::Begin(0)));
                acts.extend((1..=world.older.len()).map(Act::Begin));
                let noted = world.object.is_some_and(|object| is_open(object.kept.note));
                if noted || !world.wire.is_empty() {
                    acts.push(Act::Minute);
                }
            }
            Some(run) if !run.sent => acts.push(Act::Step),
            Some(_) => {
                let answered =
                    |request: &world::Request| request.awaited && request.answer.is_some();
                acts.extend(world.wire.iter().any(answered).then_some(Act::Answer));
                acts.extend(faults.then_some(Act::LoseAnswer));
            }
        }
        acts.extend((faults && world.run.is_some()).then_some(Act::Crash));
        let open = world.wire.iter().enumerate();
        let open = open.filter(|(_, request)| request.answer.is_none());
        acts.extend(open.map(|(at, _)| Act::Execute(at)));
        let busy = matches!(
            world.azure,
            Azure::Soft {
                going: Going::Yes,
                ..
            } | Azure::Live {
                busy: Going::Yes,
                ..
            }
        );
        acts.extend(busy.then_some(Act::Ends));
        acts.extend((busy && faults).then_some(Act::Fails));
        if world.left.edits > 0 {
            match world.object {
                Some(object) if !object.deleting => acts.extend([Act::Edit, Act::Delete]),
                None if world.uids < 2 => acts.push(Act::Recreate),
                Some(_) | None => {}
            }
        }
        if faults
            && world
                .object
                .is_some_and(|object| object.kept != Kept::default())
        {
            acts.push(Act::Wipe);
        }
        if world.left.foreign > 0 {
            acts.extend(foreign(world.azure));
        }
        acts
    }

    fn next(&self, world: &World, act: Act) -> Result<World, String> {
        let meet = |met| {
            self.met.borrow_mut().insert(met);
        };
        self.with(&meet, |steps| steps.act(world, act))
    }

    fn check(&self, world: &World) -> Result<(), String> {
        self.with(&|_| {}, |steps| self.healing.check(steps, self.goal, world))
    }
}

/// What may go wrong and be asked for, in three measures, since all of it at once takes minutes.
const MEASURES: [Left; 3] = [
    Left {
        faults: 2,
        edits: 2,
        foreign: 0,
    },
    Left {
        faults: 2,
        edits: 1,
        foreign: 1,
    },
    Left {
        faults: 1,
        edits: 2,
        foreign: 1,
    },
];

/// Explores, and looks whether what makes it worth while was met.
fn explored(goal: Goal, hard: &[Met]) {
    let mut met = BTreeSet::new();
    for left in MEASURES {
        let model = Vaults::new(goal, left);
        let found =
            explore(&model, MOST).unwrap_or_else(|trace| panic!("{goal:?} {left:?}: {trace}"));
        let (states, transitions) = (found.states, found.transitions);
        eprintln!("{goal:?} {left:?}: {states} states, {transitions} transitions");
        met.extend(model.met.into_inner());
    }
    let missed: Vec<&Met> = ALWAYS.iter().chain(hard).collect();
    let missed: Vec<_> = missed.iter().filter(|one| !met.contains(one)).collect();
    assert!(missed.is_empty(), "never met: {missed:?}");
}

/// Hard states that every model reaches.
const ALWAYS: &[Met] = &[
    Met::Ready,
    Met::CrashAfterAcceptance,
    Met::LateAfterCrash,
    Met::LateAfterLoss,
    Met::StaleNoteRefused,
    Met::StaleFinalizerRefused,
    Met::WaitedForOutcome,
    Met::Repeated,
    Met::ForeignLeftAlone,
    Met::WipedInTheMiddle,
    Met::Renewed,
];

const STAYS: Goal = Goal {
    adopt: "IfTagged",
    deletion: "Retain",
    on_soft_deleted: "Recover",
};

#[test]
fn a_vault_that_is_to_stay_heals() {
    explored(STAYS, &[Met::Recovered, Met::Released, Met::Adopted]);
}

#[test]
fn a_vault_that_is_to_be_purged_heals() {
    let goal = Goal {
        adopt: "IfTagged",
        deletion: "DeleteAndPurge",
        on_soft_deleted: "Purge",
    };
    let hard = [
        Met::Deleted,
        Met::Purged,
        Met::StaleDestructionRefused,
        Met::OperationResumed,
        Met::OperationFailed,
    ];
    explored(goal, &hard);
}

#[test]
fn a_vault_that_may_be_anybodys_heals() {
    let goal = Goal {
        adopt: "Always",
        deletion: "Delete",
        on_soft_deleted: "Recover",
    };
    explored(goal, &[Met::Recovered, Met::Deleted, Met::Adopted]);
}

#[test]
fn a_vault_that_is_never_taken_over_heals() {
    let goal = Goal {
        adopt: "Never",
        deletion: "Delete",
        on_soft_deleted: "Fail",
    };
    explored(goal, &[Met::Deleted]);
}

/// A model that finds nothing proves nothing: what it is to find is put in, and it finds it.
#[test]
fn a_rule_that_is_left_out_is_noticed() {
    let rows = [
        (Flaw::Unnoted, "a write is noted before it is sent", 0),
        (Flaw::Forgetful, "the finalizer goes last", 10),
        (Flaw::Unheld, "the finalizer comes before every write", 0),
    ];
    for (flaw, broken, least) in rows {
        let model = Vaults {
            flaw: Some(flaw),
            ..Vaults::new(STAYS, MEASURES[0])
        };
        let trace = explore(&model, MOST).err().unwrap_or_default();
        let first = trace.lines().next().unwrap_or_default();
        let told = !first.is_empty() && first.contains(broken);
        assert!(told, "{flaw:?}: {first:?}");
        let acts = trace.lines().filter(|line| line.contains(". ")).count();
        assert!(acts >= least, "{flaw:?} is told by {acts} acts: {trace}");
        eprintln!("{flaw:?}: {first}, {acts} acts");
    }
}
