//! The keys that others are given: one that is valid stands in the Secret at all times, whoever dies, whatever is lost or comes late,
//! and though two operators are at it. The product's own code carries the rounds out ([`ghost`]).

mod ghost;
mod tests;
mod world;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use lakevault::data_lake_account::outputs::wanted::Wanted;
use serde_json::Value as Json;

use self::ghost::{Asks, Reply, Wants, ask, may_be_sent};
use self::world::{
    Act, Kept, Left, MAP, Request, Run, SECRET, STATUS, Value, World, Written, answer, begin,
    fresh, note_what_stood, outdate, pass, write_status,
};
use crate::search::Model;
use crate::steps::{Ruled, rule};

/// After which a key is made anew.
const INTERVAL: u32 = 3600;
const MINUTE: u32 = 61;
const BEGIN: u32 = 24 * INTERVAL;

/// What is left out, to show that it is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// What is about to be made anew is not noted.
    Unnoted,
    /// A request is sent however long ago it was noted.
    Belated,
    /// The Secret is written over whatever stands there.
    Unguarded,
    /// The status is written over whatever stands there.
    Careless,
}

/// Hard states that must be met for the rest to prove anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Met {
    Renewed,
    LateAfterDeath,
    ConflictOfSecret,
    ConflictOfNote,
    Repaired,
    Rotated,
    NotSentSoLate,
}

struct Rotation {
    wants: Wants,
    left: Left,
    asked: RefCell<HashMap<Run, Asks>>,
    healed: RefCell<HashMap<World, Ruled>>,
    met: RefCell<BTreeSet<Met>>,
}

impl Rotation {
    fn new(outputs: Json, tells_times: bool, left: Left) -> Self {
        let spec = serde_json::from_value(outputs).unwrap();
        Self {
            wants: Wants {
                wanted: Wanted::parse(Some(&spec)).unwrap(),
                tells_times,
                flaw: None,
            },
            left,
            asked: RefCell::default(),
            healed: RefCell::default(),
            met: RefCell::default(),
        }
    }

    fn flawed(self, flaw: Flaw) -> Self {
        let wants = Wants {
            flaw: Some(flaw),
            ..self.wants
        };
        Self { wants, ..self }
    }

    fn meet(&self, met: Met) {
        self.met.borrow_mut().insert(met);
    }

    fn asks(&self, run: &Run) -> Asks {
        // What is stale is nothing that a round knows.
        let key = Run {
            stale: [false; 3],
            ..run.clone()
        };
        if let Some(asks) = self.asked.borrow().get(&key) {
            return *asks;
        }
        let asks = ask(&self.wants, run);
        self.asked.borrow_mut().insert(key, asks);
        asks
    }

    /// The next thing that a round does.
    fn step(&self, world: &mut World) -> Ruled {
        let me = usize::from(world.active);
        let Some(run) = world.runs[me].clone() else {
            return Ok(());
        };
        let flaw = self.wants.flaw;
        let reply = match self.asks(&run) {
            Asks::Targets => {
                fresh(world, me, SECRET);
                fresh(world, me, MAP);
                let secret = world.secret.map(|secret| secret.intact);
                Reply::Targets {
                    map: world.map,
                    secret,
                }
            }
            Asks::Keys => Reply::Keys(world.keys),
            Asks::Held => Reply::Held(world.secret.map(|secret| secret.value)),
            Asks::WriteMap { whole } => {
                rule(whole, "a ConfigMap is written as a whole")?;
                if run.stale[MAP] {
                    Reply::Conflict
                } else {
                    if world.map == Some(false) {
                        self.meet(Met::Repaired);
                    }
                    world.map = Some(true);
                    outdate(world, MAP, Some(me));
                    Reply::Done
                }
            }
            Asks::WriteSecret(with) => {
                let with = with.ok_or("rule broken: a Secret is never blank")?;
                if run.stale[SECRET] && flaw != Some(Flaw::Unguarded) {
                    self.meet(Met::ConflictOfSecret);
                    Reply::Conflict
                } else {
                    self.write_secret(world, with);
                    outdate(world, SECRET, Some(me));
                    Reply::Done
                }
            }
            Asks::Note(kept) => {
                if run.stale[STATUS] && flaw != Some(Flaw::Careless) {
                    self.meet(Met::ConflictOfNote);
                    Reply::Conflict
                } else {
                    write_status(world, kept, me);
                    Reply::Done
                }
            }
            Asks::Send { noted, .. }
                if flaw != Some(Flaw::Belated) && !may_be_sent(noted, world.now) =>
            {
                self.meet(Met::NotSentSoLate);
                Reply::Lost
            }
            Asks::Send { key, .. } => {
                let waits = world.wire.iter().any(|one| one.by == Some(world.active));
                if !waits {
                    let by = Some(world.active);
                    world.wire.push(Request { key, by });
                }
                return Ok(());
            }
            Asks::End(kept) => {
                let kept = kept.filter(|kept| *kept != world.status);
                if let Some(kept) = kept.filter(|_| !run.stale[STATUS]) {
                    write_status(world, kept, me);
                }
                world.runs[me] = None;
                return Ok(());
            }
        };
        answer(world, me, reply);
        Ok(())
    }

    fn write_secret(&self, world: &mut World, value: Value) {
        note_what_stood(world);
        if world
            .secret
            .is_some_and(|secret| secret.value.key != value.key)
        {
            self.meet(Met::Rotated);
        }
        world.secret = Some(Written {
            value,
            intact: true,
        });
        world.stood[usize::from(value.key)] = None;
    }

    /// Azure makes a key anew.
    fn execute(&self, world: &mut World, at: usize) -> Ruled {
        let request = world.wire.remove(at);
        let which = usize::from(request.key);
        if let Some(stood) = world.stood[which] {
            // The status keeps whole seconds.
            rule(
                world.now - stood + 1 >= INTERVAL,
                "whoever took a key from the Secret can use it for an interval",
            )?;
        }
        world.keys[which] = (world.keys[which].0 + 1, world.now);
        world.stood[which] = None;
        self.meet(match request.by {
            Some(_) => Met::Renewed,
            None => Met::LateAfterDeath,
        });
        if let Some(by) = request.by {
            let keys = Reply::Keys(world.keys);
            answer(world, usize::from(by), keys);
        }
        Ok(())
    }

    /// The Secret is one that works.
    fn valid(world: &World) -> Ruled {
        let Some(secret) = world.secret else {
            return Ok(());
        };
        let times = world.keys[usize::from(secret.value.key)].0;
        rule(
            times == secret.value.times,
            "the Secret has a valid key at all times",
        )
    }

    /// With nothing going wrong any more the outputs come to be as they should.
    fn heals(&self, mut world: World) -> Ruled {
        let wanted = &self.wants.wanted;
        for _ in 0..3 {
            self.round(&mut world)?;
            // Which of both it has, the status may come to say only when the next one is due: both are valid.
            let told = world.secret.is_some_and(|secret| secret.intact);
            let map = wanted.config_map.is_none() || world.map == Some(true);
            if told && map && world.status.renewing.is_none() {
                return Ok(());
            }
            pass(&mut world, MINUTE);
        }
        Err("rule broken: outputs come back, and nothing stays noted".to_owned())
    }

    /// A round in which nothing goes wrong.
    fn round(&self, world: &mut World) -> Ruled {
        begin(world, false);
        for _ in 0..40 {
            Self::valid(world)?;
            if world.runs[usize::from(world.active)].is_none() {
                return Ok(());
            }
            match world
                .wire
                .iter()
                .position(|one| one.by == Some(world.active))
            {
                Some(at) => self.execute(world, at)?,
                None => self.step(world)?,
            }
        }
        Err("a round does not end".to_owned())
    }
}

impl Model for Rotation {
    type State = World;
    type Action = Act;

    fn first(&self) -> World {
        World {
            now: BEGIN,
            keys: [(0, 0); 2],
            stood: [None; 2],
            secret: None,
            map: None,
            status: Kept::default(),
            older: None,
            wire: Vec::new(),
            runs: [None, None],
            active: 0,
            left: self.left,
        }
    }

    fn actions(&self, world: &World) -> Vec<Act> {
        let mut acts = Vec::new();
        let left = world.left;
        let mine = world.wire.iter().any(|one| one.by == Some(world.active));
        match &world.runs[usize::from(world.active)] {
            None => {
                acts.push(Act::Begin { stale: false });
                acts.extend(world.older.map(|_| Act::Begin { stale: true }));
            }
            Some(_) if mine => {
                if left.faults > 0 {
                    acts.extend([Act::LoseAnswer, Act::Refuse, Act::Dies]);
                }
            }
            Some(_) => {
                acts.push(Act::Step);
                acts.extend((left.faults > 0).then_some(Act::Dies));
            }
        }
        acts.extend((0..world.wire.len()).map(Act::Execute));
        acts.extend((left.switches > 0).then_some(Act::Switch));
        // Whoever stands still in the middle of a round is the other one.
        if world.runs[usize::from(world.active)].is_none() {
            acts.extend((left.minutes > 0).then_some(Act::Minute));
            acts.extend((left.hours > 0).then_some(Act::Hour));
        }
        if left.damage > 0 {
            if world.secret.is_some() {
                acts.extend([Act::DeleteSecret, Act::DamageSecret]);
            }
            acts.extend(world.map.map(|_| Act::DamageMap));
        }
        acts
    }

    fn next(&self, world: &World, act: Act) -> Result<World, String> {
        let mut new = world.clone();
        let me = usize::from(new.active);
        match act {
            Act::Begin { stale } => begin(&mut new, stale),
            Act::Step => self.step(&mut new)?,
            Act::Execute(at) => self.execute(&mut new, at)?,
            Act::LoseAnswer | Act::Refuse => {
                new.left.faults -= 1;
                let at = new.wire.iter().position(|one| one.by == Some(new.active));
                let at = at.ok_or("nobody waits")?;
                let reply = if act == Act::Refuse {
                    new.wire.remove(at);
                    Reply::Refused
                } else {
                    new.wire[at].by = None;
                    Reply::Lost
                };
                answer(&mut new, me, reply);
            }
            Act::Dies => {
                new.left.faults -= 1;
                new.runs[me] = None;
                for request in &mut new.wire {
                    request.by = request.by.filter(|by| usize::from(*by) != me);
                }
            }
            Act::Switch => {
                new.left.switches -= 1;
                new.active = 1 - new.active;
            }
            Act::Minute => {
                new.left.minutes -= 1;
                pass(&mut new, MINUTE);
            }
            Act::Hour => {
                new.left.hours -= 1;
                // A cache may be behind, and not for an interval: see decision 16.
                new.older = None;
                pass(&mut new, INTERVAL);
            }
            Act::DeleteSecret => {
                new.left.damage -= 1;
                note_what_stood(&mut new);
                new.secret = None;
                outdate(&mut new, SECRET, None);
            }
            Act::DamageSecret => {
                new.left.damage -= 1;
                if let Some(secret) = &mut new.secret {
                    secret.intact = false;
                }
                outdate(&mut new, SECRET, None);
            }
            Act::DamageMap => {
                new.left.damage -= 1;
                new.map = Some(false);
                outdate(&mut new, MAP, None);
            }
        }
        Ok(new)
    }

    fn check(&self, world: &World) -> Result<(), String> {
        Self::valid(world)?;
        if world.runs.iter().any(Option::is_some) || !world.wire.is_empty() {
            return Ok(());
        }
        let mut calm = world.clone();
        calm.left = self.left;
        calm.active = 0;
        calm.older = None;
        let known = self.healed.borrow().get(&calm).cloned();
        known.unwrap_or_else(|| {
            let healed = self.heals(calm.clone());
            self.healed.borrow_mut().insert(calm, healed.clone());
            healed
        })
    }
}
