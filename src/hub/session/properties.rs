//! Random callers, answers and times against the rules that must always hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::tests::{at, held, item, object, ticket};
use super::*;
use crate::azure::key_vault::{Next, Page};
use crate::hub::want::Answer;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

const LIMITS: Limits = Limits {
    concurrency: 3,
    burst: 20,
    rate: 5,
};
const EVERY: Duration = Duration::from_mins(1);
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const PAGE: usize = 2;

/// What happens, in the order of time.
#[derive(Debug, Clone)]
enum Op {
    /// A caller says what it wants: of each object nothing, its value, or what it holds.
    See {
        caller: usize,
        objects: Vec<u8>,
        lists: bool,
        forced: bool,
    },
    Forget(usize),
    /// Somebody gives an object a new version.
    Change(usize),
    /// The oldest call under way is answered, well or not.
    Answer(Reply),
    /// Time goes by, in milliseconds.
    Pass(i64),
    Pardon,
}

#[derive(Debug, Clone, Copy)]
enum Reply {
    Well,
    Throttled(Option<u64>),
    Hangs,
    Forbidden,
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..4usize, prop::collection::vec(0..3u8, NAMES.len()), any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(caller, objects, lists, forced)| Op::See { caller, objects, lists, forced }),
        1 => (0..4usize).prop_map(Op::Forget),
        2 => (0..NAMES.len()).prop_map(Op::Change),
        8 => prop_oneof![
            8 => Just(Reply::Well),
            1 => Just(Reply::Throttled(None)),
            1 => (1..30u64).prop_map(|seconds| Reply::Throttled(Some(seconds))),
            1 => Just(Reply::Hangs),
            1 => Just(Reply::Forbidden),
        ].prop_map(Op::Answer),
        6 => (1..20_000i64).prop_map(Op::Pass),
        1 => Just(Op::Pardon),
    ]
}

/// A vault, its callers and the session between them.
struct World {
    session: Session,
    now: Timestamp,
    /// Version and time of the last update of each object.
    vault: BTreeMap<&'static str, (u32, i64)>,
    /// What each caller holds.
    holds: BTreeMap<usize, BTreeMap<&'static str, Held>>,
    /// What each caller waits for.
    waiting: BTreeSet<usize>,
    wants: BTreeMap<usize, Want>,
    /// Values in the inbox of each caller.
    given: BTreeMap<usize, BTreeMap<String, Held>>,
    /// Calls under way, oldest first.
    open: Vec<(CallId, Call)>,
    /// When calls were begun.
    begun: Vec<Timestamp>,
    /// Until when nothing may be begun, as the vault said.
    silent: Option<Timestamp>,
    log: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            session: Session::new(LIMITS, seed),
            now: at(0),
            vault: NAMES.iter().map(|name| (*name, (1, -100))).collect(),
            holds: BTreeMap::new(),
            waiting: BTreeSet::new(),
            wants: BTreeMap::new(),
            given: BTreeMap::new(),
            open: Vec::new(),
            begun: Vec::new(),
            silent: None,
            log: Vec::new(),
        }
    }

    fn second(&self) -> i64 {
        self.now.as_second() - at(0).as_second()
    }

    /// Carries out what the session decided, and checks what must hold at once.
    fn commands(&mut self, brought: Option<&(&str, Held)>) {
        for command in self.session.commands() {
            self.log.push(format!("{} {command:?}", self.now));
            match command {
                Command::Start(id, call) => {
                    assert!(
                        self.silent.is_none_or(|until| until <= self.now),
                        "asked before {:?}",
                        self.silent
                    );
                    if let Call::Get(object) = &call {
                        let twice = |(_, open): &(CallId, Call)| matches!(open, Call::Get(o) if o == object);
                        assert!(
                            !self.open.iter().any(twice),
                            "{object} is asked for twice at once"
                        );
                    }
                    self.open.push((id, call));
                    self.begun.push(self.now);
                    assert!(
                        self.open.len() <= LIMITS.concurrency,
                        "too many calls at once"
                    );
                }
                Command::Abandon(id) => self.open.retain(|(open, _)| *open != id),
                Command::Give(object, tickets) => {
                    let (name, held) = brought.expect("a value without a read");
                    assert_eq!(*name, object.name.as_str());
                    for ticket in tickets {
                        let caller: usize = ticket.name.parse().unwrap();
                        let inbox = self.given.entry(caller).or_default();
                        let before = inbox.insert(object.name.to_string(), held.clone());
                        assert_eq!(before, None, "given twice");
                    }
                }
                Command::Wake(ticket) => {
                    let caller: usize = ticket.name.parse().unwrap();
                    assert!(self.wants.contains_key(&caller), "woken without a want");
                    self.fetch(caller);
                }
                Command::Discard(ticket) => {
                    let caller: usize = ticket.name.parse().unwrap();
                    self.given.remove(&caller);
                }
            }
        }
        self.within_the_bucket();
    }

    /// In no window more calls than the bucket holds and what flows in meanwhile.
    fn within_the_bucket(&self) {
        let Some(last) = self.begun.last() else {
            return;
        };
        for (at, first) in self.begun.iter().enumerate() {
            let calls = self.begun.len() - at;
            let seconds = last.duration_since(*first).as_secs_f64();
            let most = f64::from(LIMITS.burst) + f64::from(LIMITS.rate) * seconds;
            let calls = f64::from(u32::try_from(calls).unwrap());
            assert!(calls <= most + 1e-6, "{calls} calls in {seconds} s");
        }
    }

    /// A woken caller looks again with the same want, and takes what it is given.
    fn fetch(&mut self, caller: usize) {
        let want = self.wants.get(&caller).cloned().unwrap();
        self.see(caller, &want);
    }

    fn see(&mut self, caller: usize, want: &Want) {
        let glance = self
            .session
            .visit(&ticket(&caller.to_string()), want.clone(), self.now);
        self.log
            .push(format!("{} see {caller} {want:?} -> {glance:?}", self.now));
        self.wants.insert(caller, want.clone());
        if glance.pending {
            self.waiting.insert(caller);
        } else {
            self.waiting.remove(&caller);
            let given = self.given.remove(&caller).unwrap_or_default();
            let failed: BTreeSet<&str> = glance
                .problems
                .iter()
                .map(|(object, _)| object.name.as_str())
                .collect();
            let holds = self.holds.entry(caller).or_default();
            for (name, held) in given {
                let name = NAMES.iter().find(|known| **known == name).unwrap();
                holds.insert(name, held);
            }
            let want = self.wants.get_mut(&caller).unwrap();
            for (object, place) in &mut want.objects {
                if let Some(held) = holds.get(object.name.as_str()) {
                    *place = Some(held.clone());
                }
                assert!(
                    place.is_some() || failed.contains(object.name.as_str()),
                    "{caller} was told that nothing is pending, and has nothing of {object}"
                );
            }
        }
        self.commands(None);
    }

    fn answer(&mut self, reply: Reply) {
        if self.open.is_empty() {
            return;
        }
        let (id, call) = self.open.remove(0);
        let problem = match reply {
            Reply::Well => None,
            Reply::Throttled(seconds) => {
                let retry =
                    seconds.map_or(Retry::Backoff, |s| Retry::After(Duration::from_secs(s)));
                if let Some(seconds) = seconds {
                    let until = retry::after(self.now, Duration::from_secs(seconds));
                    self.silent = self.silent.max(Some(until));
                }
                Some(Problem::new(Reason::Throttled, retry, "throttled"))
            }
            Reply::Hangs => Some(Problem::new(Reason::TimedOut, Retry::Backoff, "hangs")),
            Reply::Forbidden => Some(Problem::new(Reason::Forbidden, Retry::Backoff, "forbidden")),
        };
        let (answer, brought) = match (&call, problem) {
            (Call::Get(_), Some(problem)) => (Answer::Got(Err(problem)), None),
            (Call::List(..), Some(problem)) => (Answer::Listed(Err(problem)), None),
            (Call::Get(object), None) => {
                let name = NAMES
                    .iter()
                    .find(|name| **name == object.name.as_str())
                    .unwrap();
                let (version, updated) = self.vault[name];
                let facts = Facts {
                    version: held(version, updated).version,
                    updated: Some(at(updated)),
                    answered: Some(at(self.second())),
                };
                let held = Held::of(&facts);
                (Answer::Got(Ok(facts)), Some((*name, held)))
            }
            (Call::List(_, next), None) => {
                // A link tells where the next page begins.
                let from: usize = next.as_ref().map_or(0, Next::number);
                let items: Vec<_> = self.vault.iter().skip(from).take(PAGE).collect();
                let more = from + PAGE < self.vault.len();
                let page = Page {
                    items: items
                        .iter()
                        .map(|(name, (_, updated))| item(name, *updated))
                        .collect(),
                    next: more.then(|| Next::at(&format!("https://kv.test/{}", from + PAGE))),
                };
                (Answer::Listed(Ok(page)), None)
            }
        };
        self.session.answered(id, answer, self.now);
        self.commands(brought.as_ref());
    }

    fn act(&mut self, op: &Op) {
        match op {
            Op::See {
                caller,
                objects,
                lists,
                forced,
            } => {
                let holds = self.holds.entry(*caller).or_default();
                let objects = NAMES
                    .iter()
                    .zip(objects)
                    .filter(|(_, wanted)| **wanted > 0)
                    .map(|(name, wanted)| {
                        (
                            object(name),
                            holds.get(name).filter(|_| *wanted == 2).cloned(),
                        )
                    })
                    .collect();
                let want = Want {
                    objects,
                    lists: if *lists {
                        vec![Kind::Secret]
                    } else {
                        Vec::new()
                    },
                    every: Some(EVERY),
                    fresh: forced.then_some(self.now),
                    retry: Some(self.now),
                    ..Want::default()
                };
                self.see(*caller, &want);
            }
            Op::Forget(caller) => {
                self.session.forget(&ticket(&caller.to_string()), self.now);
                self.wants.remove(caller);
                self.waiting.remove(caller);
                self.commands(None);
            }
            Op::Change(at) => {
                let second = self.second();
                let (version, updated) = self.vault.get_mut(NAMES[*at]).unwrap();
                *version += 1;
                *updated = second;
            }
            Op::Answer(reply) => self.answer(*reply),
            Op::Pass(milliseconds) => self.pass(Duration::from_millis(milliseconds.unsigned_abs())),
            Op::Pardon => {
                self.session.pardon(self.now);
                self.commands(None);
            }
        }
    }

    /// Lets time go by, turning the session whenever it wants to be.
    fn pass(&mut self, pause: Duration) {
        let end = retry::after(self.now, pause);
        for _ in 0..10_000 {
            match self.session.next_turn(self.now) {
                Some(next) if next <= end => {
                    self.now = self.now.max(next);
                    self.session.turn(self.now);
                    self.commands(None);
                }
                _ => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!(
            "the session wants to be turned again and again at {}",
            self.now
        );
    }

    /// With a vault that answers, everybody has what there is in the end.
    fn settle(&mut self) {
        for _ in 0..400 {
            while !self.open.is_empty() {
                self.answer(Reply::Well);
            }
            self.pass(Duration::from_secs(2));
        }
        while !self.open.is_empty() {
            self.answer(Reply::Well);
        }
        assert_eq!(
            self.waiting,
            BTreeSet::new(),
            "they wait for ever: {:#?}",
            self.log.iter().rev().take(40).rev().collect::<Vec<_>>()
        );
        for (caller, want) in &self.wants {
            for (object, held) in &want.objects {
                let (version, _) = self.vault[object.name.as_str()];
                let held = held.as_ref().map(|held| held.version.to_string());
                assert_eq!(
                    held,
                    Some(format!("v{version}")),
                    "{caller} does not follow {object}: {:#?}",
                    self.log.iter().rev().take(40).rev().collect::<Vec<_>>()
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// One call for an object at a time, calls within the bucket and never before the time that the vault gave, values to
    /// those who wait and to nobody else, whoever waits is woken in the end and has the newest of all.
    #[test]
    fn a_session_keeps_its_rules(seed in any::<u64>(), ops in prop::collection::vec(ops(), 1..60)) {
        let mut world = World::new(seed);
        for op in &ops {
            world.act(op);
        }
        world.settle();
    }

    /// A session decides by its own events alone: what happens at another vault, or with another identity, changes nothing.
    #[test]
    fn sessions_do_not_interfere(
        seeds in any::<(u64, u64)>(),
        ops in prop::collection::vec((any::<bool>(), ops()), 1..60),
    ) {
        let (mut one, mut other) = (World::new(seeds.0), World::new(seeds.1));
        let mut alone = World::new(seeds.0);
        for (mine, op) in &ops {
            // Time is the same for all.
            let passes = matches!(op, Op::Pass(_));
            if *mine || passes {
                one.act(op);
                alone.act(op);
            }
            if !*mine || passes {
                other.act(op);
            }
        }
        prop_assert_eq!(one.log, alone.log);
    }
}
