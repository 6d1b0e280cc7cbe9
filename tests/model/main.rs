//! Everything that can happen to one resource, in a world that is as small as it can be: crashes between any two steps, answers that
//! are lost, requests that are carried out late, a cache that lags behind, an object that is made anew under its name, a status that
//! is wiped, somebody else who changes Azure, and a second operator that does the same. The decisions are the product's own. See
//! docs/adr/0016-azure-resources.md.
//!
//! Of an account the keys that others are given ([`rotation`]) and the trees of its lake ([`trees`]) have worlds of their own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends where something is not as it must be, and says how much it has seen"
)]

mod accounts;
mod around;
mod azure;
mod faults;
mod healing;
mod product;
mod rotation;
mod search;
mod steps;
mod trees;
mod vaults;
mod world;
mod writes;

use std::cell::RefCell;
use std::collections::BTreeSet;

use lakevault::data_lake_account::api::DataLakeAccount;
use lakevault::key_vault::api::KeyVault;
use serde_json::{Value, json};

use crate::healing::{Goal, Healing};
use crate::product::{Decides, Product, Subject};
use crate::search::{Model, explore};
use crate::steps::{Asked, Flaw, Met, Steps, is_open};
use crate::world::{Act, Azure, Going, Kept, Left, Object, Tag, World};

/// More states than any model here has.
const MOST: usize = 1_000_000;

struct Resources {
    product: Box<dyn Decides>,
    goal: Goal,
    left: Left,
    healing: Healing,
    met: RefCell<BTreeSet<Met>>,
    flaw: Option<Flaw>,
}

impl Resources {
    fn vaults(goal: Goal, left: Left) -> Self {
        let spec = json!({
            "adopt": goal.adopt,
            "deletionPolicy": goal.deletion,
            "onSoftDeleted": goal.on_soft_deleted,
        });
        Self::new::<KeyVault>(spec, goal, left)
    }

    fn accounts(goal: Goal, left: Left) -> Self {
        let spec = json!({
            "adopt": goal.adopt,
            "deletionPolicy": goal.deletion,
            "force": goal.forces,
        });
        Self::new::<DataLakeAccount>(spec, goal, left)
    }

    fn new<S: Subject>(spec: Value, goal: Goal, left: Left) -> Self {
        Self {
            product: Box::new(Product::<S>::new(spec)),
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
            forces: self.goal.forces,
        };
        ask(&Steps {
            product: self.product.as_ref(),
            asked,
            meet,
            flaw: self.flaw,
        })
    }
}

/// What somebody else may do in Azure; `softly` where what is deleted is kept for a while.
fn foreign(azure: Azure, softly: bool) -> Vec<Act> {
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
            if softly {
                Azure::Soft {
                    sku,
                    tag,
                    going: Going::No,
                }
            } else {
                Azure::Absent
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

impl Model for Resources {
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
            parked: None,
            left: self.left,
            data: false,
            ended: None,
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
                let waited_for = world.parked.is_some_and(|run| run.sent);
                if !waited_for && (noted || !world.wire.is_empty()) {
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
            acts.extend(foreign(world.azure, self.product.softly()));
            let live = matches!(world.azure, Azure::Live { .. });
            let fills = !self.product.softly() && live && !world.data;
            acts.extend(fills.then_some(Act::Data));
        }
        acts.extend((world.left.switches > 0).then_some(Act::Switch));
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
        switches: 0,
    },
    Left {
        faults: 2,
        edits: 1,
        foreign: 1,
        switches: 0,
    },
    Left {
        faults: 1,
        edits: 2,
        foreign: 1,
        switches: 0,
    },
];

/// What rounds do is the same for every kind, so a smaller measure will do for the second.
const SMALLER: [Left; 3] = [
    Left {
        faults: 2,
        edits: 1,
        foreign: 0,
        switches: 0,
    },
    Left {
        faults: 1,
        edits: 1,
        foreign: 1,
        switches: 0,
    },
    Left {
        faults: 1,
        edits: 2,
        foreign: 0,
        switches: 0,
    },
];

/// The same with two operators.
const TWO: [Left; 2] = [
    Left {
        faults: 0,
        edits: 1,
        foreign: 0,
        switches: 3,
    },
    Left {
        faults: 1,
        edits: 0,
        foreign: 0,
        switches: 2,
    },
];

/// Explores, and looks whether what makes it worth while was met.
fn explored(models: impl Iterator<Item = Resources>, hard: &[&[Met]]) {
    let mut met = BTreeSet::new();
    for model in models {
        let (goal, left) = (model.goal, model.left);
        let found =
            explore(&model, MOST).unwrap_or_else(|trace| panic!("{goal:?} {left:?}: {trace}"));
        let (states, transitions) = (found.states, found.transitions);
        eprintln!("{goal:?} {left:?}: {states} states, {transitions} transitions");
        met.extend(model.met.into_inner());
    }
    let missed: Vec<&Met> = hard.iter().copied().flatten().collect();
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
    forces: false,
};

fn vaults(goal: Goal, hard: &[Met]) {
    let models = MEASURES.map(|left| Resources::vaults(goal, left));
    explored(models.into_iter(), &[ALWAYS, hard]);
}

fn accounts(goal: Goal, hard: &[Met]) {
    let models = SMALLER.map(|left| Resources::accounts(goal, left));
    explored(models.into_iter(), &[ALWAYS, hard]);
}

#[test]
fn a_vault_that_is_to_stay_heals() {
    vaults(STAYS, &[Met::Recovered, Met::Released, Met::Adopted]);
}

#[test]
fn a_vault_that_is_to_be_purged_heals() {
    let goal = Goal {
        adopt: "IfTagged",
        deletion: "DeleteAndPurge",
        on_soft_deleted: "Purge",
        forces: false,
    };
    let hard = [
        Met::Deleted,
        Met::Purged,
        Met::StaleDestructionRefused,
        Met::OperationResumed,
        Met::OperationFailed,
    ];
    vaults(goal, &hard);
}

#[test]
fn a_vault_that_may_be_anybodys_heals() {
    let goal = Goal {
        adopt: "Always",
        deletion: "Delete",
        on_soft_deleted: "Recover",
        forces: false,
    };
    vaults(goal, &[Met::Recovered, Met::Deleted, Met::Adopted]);
}

#[test]
fn a_vault_that_is_never_taken_over_heals() {
    let goal = Goal {
        adopt: "Never",
        deletion: "Delete",
        on_soft_deleted: "Fail",
        forces: false,
    };
    vaults(goal, &[Met::Deleted]);
}

/// One that goes with its object.
const GOES: Goal = Goal {
    deletion: "Delete",
    ..STAYS
};

#[test]
fn an_account_that_is_to_stay_heals() {
    accounts(STAYS, &[Met::Released, Met::OperationResumed]);
}

#[test]
fn an_account_that_is_to_go_heals_and_keeps_data() {
    accounts(GOES, &[Met::Deleted, Met::KeptForItsData]);
}

#[test]
fn an_account_that_goes_with_its_data_heals() {
    let goal = Goal {
        forces: true,
        adopt: "Always",
        ..GOES
    };
    accounts(goal, &[Met::Deleted]);
}

#[test]
fn two_operators_make_and_delete_no_more_than_one() {
    let hard = [
        Met::Ready,
        Met::Deleted,
        Met::Released,
        Met::WhileTheOtherWorked,
        Met::NotSentSoLate,
        Met::StaleNoteRefused,
        Met::Repeated,
    ];
    let goals = [STAYS, GOES];
    let models = goals.into_iter().flat_map(|goal| {
        let lefts = TWO.into_iter();
        lefts.map(move |left| Resources::accounts(goal, left))
    });
    explored(models, &[&hard]);
}

/// A model that finds nothing proves nothing: what it is to find is put in, and it finds it.
#[test]
fn a_rule_that_is_left_out_is_noticed() {
    type Make = fn(Goal, Left) -> Resources;
    let (vaults, accounts): (Make, Make) = (Resources::vaults, Resources::accounts);
    let noted = "a write is noted before it is sent";
    let held = "the finalizer comes before every write";
    let rows = [
        (Flaw::Unnoted, vaults, STAYS, MEASURES[0], noted, 0),
        (
            Flaw::Forgetful,
            vaults,
            STAYS,
            MEASURES[0],
            "the finalizer goes last",
            10,
        ),
        (Flaw::Unheld, vaults, STAYS, MEASURES[0], held, 0),
        (Flaw::Unnoted, accounts, STAYS, MEASURES[0], noted, 0),
        (Flaw::Unheld, accounts, STAYS, MEASURES[0], held, 0),
        (
            Flaw::Blind,
            accounts,
            GOES,
            SMALLER[1],
            "what holds data is not deleted",
            5,
        ),
        (Flaw::Belated, accounts, GOES, TWO[0], noted, 10),
    ];
    for (flaw, make, goal, left, broken, least) in rows {
        let model = Resources {
            flaw: Some(flaw),
            ..make(goal, left)
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
