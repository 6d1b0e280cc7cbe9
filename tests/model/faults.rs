//! Each thing that is done about a resource, with each fault at each of its steps: it ends as it would have without, and costs at most
//! one more write.

use lakevault::data_lake_account::api::DataLakeAccount;
use lakevault::key_vault::api::KeyVault;
use serde_json::json;

use crate::azure::ends;
use crate::product::{Decides, Product};
use crate::steps::{Asked, Steps, is_open};
use crate::world::{Act, Answer, Azure, Going, Kept, Left, Object, Tag, World};

/// Acts until everything must be at rest.
const BOUND: usize = 400;

/// What goes wrong at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The operator dies.
    Crash,
    /// The status is wiped.
    Wipe,
    /// A 429, or another definite refusal: the request is not carried out.
    Refused,
    /// A 503, a reset, a timeout: it is not carried out, and nobody knows.
    Swallowed,
    /// It is carried out, and the answer is lost.
    Unanswered,
    /// It is carried out after the next round has begun.
    Late,
    /// The operator dies, and the request of the dead is carried out after the next round has begun.
    LateAfterCrash,
}

const FAULTS: [Fault; 7] = [
    Fault::Crash,
    Fault::Wipe,
    Fault::Refused,
    Fault::Swallowed,
    Fault::Unanswered,
    Fault::Late,
    Fault::LateAfterCrash,
];

/// How a world ends, and what that took.
#[derive(Debug, PartialEq, Eq)]
struct End {
    object: Option<Object>,
    azure: Azure,
}

struct Ran {
    end: End,
    writes: usize,
    acts: usize,
    /// Whether the fault could happen where it was to.
    faulted: bool,
}

fn world(object: Object, azure: Azure) -> World {
    World {
        object: Some(object),
        older: Vec::new(),
        uids: 1,
        azure,
        wire: Vec::new(),
        run: None,
        parked: None,
        left: Left {
            faults: 9,
            edits: 9,
            foreign: 9,
            switches: 0,
        },
        data: false,
        ended: None,
        wiped: false,
        undone: false,
        wrote: None,
    }
}

/// What happens next where nothing goes wrong; none between two rounds.
fn usual(world: &World) -> Option<Act> {
    let run = world.run.as_ref()?;
    if !run.sent {
        return Some(Act::Step);
    }
    let open = |request: &crate::world::Request| request.awaited && request.answer.is_none();
    Some(
        world
            .wire
            .iter()
            .position(open)
            .map_or(Act::Answer, Act::Execute),
    )
}

/// Does it, if it can be done in this world: faults of requests need one that is waited for.
fn fail(steps: &Steps<'_>, world: &World, fault: Fault) -> Option<World> {
    let at = world
        .wire
        .iter()
        .position(|request| request.awaited && request.answer.is_none());
    let act = |world: &World, act| steps.act(world, act).unwrap();
    match fault {
        Fault::Crash => world.run.map(|_| act(world, Act::Crash)),
        Fault::Wipe => world.object.map(|_| act(world, Act::Wipe)),
        Fault::Refused => at.map(|at| {
            let mut refused = world.clone();
            refused.wire[at].answer = Some(Answer::Refused);
            refused
        }),
        Fault::Swallowed => at.map(|at| {
            let mut lost = act(world, Act::LoseAnswer);
            lost.wire.remove(at);
            lost
        }),
        Fault::Unanswered => at.map(|at| act(&act(world, Act::Execute(at)), Act::LoseAnswer)),
        Fault::Late => at.map(|_| act(world, Act::LoseAnswer)),
        Fault::LateAfterCrash => at.map(|_| act(world, Act::Crash)),
    }
}

fn run(steps: &Steps<'_>, first: &World, inject: Option<(usize, Fault)>) -> Ran {
    let (mut world, mut writes, mut faulted) = (first.clone(), 0, false);
    let mut before = None;
    for acts in 0..BOUND {
        if let Some((at, fault)) = inject.filter(|(at, _)| *at == acts)
            && let Some(failed) = fail(steps, &world, fault)
        {
            faulted = true;
            world = failed;
            before = None;
            assert_eq!(at, acts);
            continue;
        }
        let sent = world.wire.len();
        if let Some(act) = usual(&world) {
            world = steps
                .act(&world, act)
                .unwrap_or_else(|broken| panic!("{inject:?}: {broken}"));
            writes += usize::from(world.wire.len() > sent);
            continue;
        }
        ends(&mut world);
        let now = (world.object, world.azure);
        let open = world.object.is_some_and(|object| is_open(object.kept.note));
        if before == Some(now) && open {
            // Who waits for an outcome that nobody tells waits until nothing can come any more.
            world = steps.act(&world, Act::Minute).unwrap();
        } else if before == Some(now) || world.object.is_none() {
            let (object, azure) = now;
            let end = End { object, azure };
            return Ran {
                end,
                writes,
                acts,
                faulted,
            };
        }
        before = Some(now);
        world = steps.act(&world, Act::Begin(0)).unwrap();
        if let Some(late) = world.wire.iter().position(|request| !request.awaited) {
            world = steps.act(&world, Act::Execute(late)).unwrap();
        }
    }
    panic!("it does not come to rest with {inject:?}: {world:?}");
}

#[test]
fn each_step_bears_each_fault() {
    let written = |deleting| Object {
        finalizer: true,
        deleting,
        kept: Kept {
            id: true,
            applied: 1,
            note: None,
        },
        says: None,
        ..Object::new(1)
    };
    let tag = Tag::Ours(1);
    let live = |sku| Azure::Live {
        sku,
        tag,
        busy: Going::No,
    };
    let soft = Azure::Soft {
        sku: 1,
        tag,
        going: Going::No,
    };
    let both = [
        ("create", "Retain", Object::new(1), Azure::Absent),
        ("update", "Retain", written(false), live(0)),
        ("release", "Retain", written(true), live(1)),
        ("delete", "Delete", written(true), live(1)),
    ];
    let vaults = [
        ("recover", "Retain", written(false), soft),
        ("delete and purge", "DeleteAndPurge", written(true), live(1)),
        ("purge", "DeleteAndPurge", written(true), soft),
    ];
    let vault = |deletion: &str| -> Box<dyn Decides> {
        let spec = json!({ "deletionPolicy": deletion, "onSoftDeleted": "Recover" });
        Box::new(Product::<KeyVault>::new(spec))
    };
    let account = |deletion: &str| -> Box<dyn Decides> {
        let spec = json!({ "deletionPolicy": deletion });
        Box::new(Product::<DataLakeAccount>::new(spec))
    };
    let of_vaults = both.iter().chain(&vaults).map(|row| (vault(row.1), row));
    let of_accounts = both.iter().map(|row| (account(row.1), row));
    let mut met = 0;
    for (product, &(what, deletion, object, azure)) in of_vaults.chain(of_accounts) {
        let steps = Steps {
            product: product.as_ref(),
            asked: Asked {
                deletes: deletion != "Retain",
                purges_at_deletion: deletion == "DeleteAndPurge",
                purges_to_create: false,
                adopts_any: false,
                forces: false,
            },
            meet: &|_| {},
            flaw: None,
        };
        let first = world(object, azure);
        let calm = run(&steps, &first, None);
        assert!(calm.writes > 0, "{what} writes nothing");
        for at in 0..calm.acts {
            for fault in FAULTS {
                let ran = run(&steps, &first, Some((at, fault)));
                met += usize::from(ran.faulted);
                assert_eq!(ran.end, calm.end, "{what}, {fault:?} at {at}");
                assert!(
                    ran.writes <= calm.writes + 1,
                    "{what}, {fault:?} at {at}: {} writes",
                    ran.writes
                );
            }
        }
    }
    assert!(met > 100, "only {met} faults happened");
}
