//! Three processes, a lease, one object that they write, and what is on its way.

use std::collections::BTreeSet;
use std::time::Duration;

use lakevault::lease::decide::{Candidate, Hold, Moment, Next, Record, Timing};

/// The product's times, small: a tick is a second.
const SMALL: Timing = Timing {
    renew: Duration::from_secs(1),
    lost: Duration::from_secs(3),
    least: Duration::from_secs(1),
    take_over: Duration::from_secs(5),
    look: Duration::from_secs(1),
    call: Duration::from_secs(1),
};
const PROCESSES: usize = 3;
/// How far the clocks on the walls are apart.
const SET: [u64; PROCESSES] = [10, 16, 4];

/// A rule that is left out, to see that the search notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Who was told that it leads may write until it is told otherwise.
    NoClockAtTheFence,
    /// Who waits compares its own clock with the time that the holder has written.
    ForeignClock,
    /// The lease is given back first, and then nothing is written any more.
    ReleaseBeforeTheFall,
    /// What has passed once is sent again without being asked.
    RetryAboveTheFence,
    /// A renewal counts from its answer.
    CountsFromTheAnswer,
    /// The lease is written whatever it is.
    WritesOnNoVersion,
    /// Others begin before the holder has stopped.
    WaitsTooShortly,
    /// Objects are written whatever they are.
    EffectsOnNoVersion,
    /// Nobody takes a lease that somebody has.
    NeverTakesOver,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rules(Option<Fault>);

impl Rules {
    pub fn without(fault: Fault) -> Self {
        Self(Some(fault))
    }

    fn lack(self, fault: Fault) -> bool {
        self.0 == Some(fault)
    }

    fn timing(self) -> Timing {
        let take_over = match self.0 {
            Some(Fault::WaitsTooShortly) => 2,
            Some(Fault::NeverTakesOver) => 10_000,
            _ => return SMALL,
        };
        Timing {
            take_over: Duration::from_secs(take_over),
            ..SMALL
        }
    }
}

/// How a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// Done and answered.
    Well,
    /// Done; the answer is still on its way.
    SlowAnswer,
    /// Done; the answer is lost.
    LostAnswer,
    /// Given up; it comes to the API server later.
    Late,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// A process does what is next about the lease.
    Step(usize, How),
    /// It gets the answer that was slow.
    Answer(usize),
    /// It sends a write that comes late.
    WriteLate(usize),
    /// It lets something pass that it will send again.
    Admit(usize),
    /// What is on its way comes to the API server.
    Arrive(usize),
    Stop(usize),
    GoOn(usize),
    Kill(usize),
    /// It is told to end.
    End(usize),
    Tick,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Lease {
    holder: Option<String>,
    epoch: u64,
    version: u64,
    /// By the holder's clock on the wall.
    renewed: u64,
}

/// A write of the lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Put {
    holder: Option<String>,
    epoch: u64,
    /// None where it is to be made.
    on: Option<u64>,
    renewed: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Wire {
    Lease(Put),
    /// A write of the object, by the leader of an epoch, on a version.
    Object(u64, u64),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Reply {
    Wrote(Record),
    Refused,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Process {
    /// How many there were before it in its place.
    life: u8,
    candidate: Candidate,
    stopped: bool,
    /// What the fence was told.
    raised: Option<(Hold, u64)>,
    fallen: bool,
    /// An answer on its way: what was asked, when, and what is answered.
    answer: Option<(Put, Moment, Reply)>,
    /// Something passed, and is sent again and again.
    admitted: bool,
}

impl Process {
    fn new(place: usize, life: u8) -> Self {
        Self {
            life,
            candidate: Candidate::new(format!("{place}.{life}")),
            stopped: false,
            raised: None,
            fallen: false,
            answer: None,
            admitted: false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    rules: Rules,
    /// Whether those who have something to do at once do it one after the other, and not in any order.
    in_turn: bool,
    tick: u8,
    faults: u8,
    lease: Option<Lease>,
    /// The next resourceVersion.
    version: u64,
    processes: [Process; PROCESSES],
    wire: Vec<Wire>,
    /// Version of the object, and the epoch of whoever wrote it last.
    object: (u64, u64),
}

impl World {
    pub fn new(rules: Rules, faults: u8) -> Self {
        Self {
            rules,
            in_turn: false,
            tick: 0,
            faults,
            lease: None,
            version: 1,
            processes: [0, 1, 2].map(|place| Process::new(place, 0)),
            wire: Vec::new(),
            object: (0, 0),
        }
    }

    /// One of them leads, and the others have seen that.
    pub fn led(rules: Rules, faults: u8) -> Self {
        let (mut world, mut met) = (Self::new(rules, faults), BTreeSet::new());
        for place in 0..PROCESSES {
            while !world.is_idle(place) {
                world.step(place, How::Well, &mut met);
            }
        }
        world
    }

    /// The same, where nobody is faster than another unless something goes wrong.
    pub fn in_turn(self) -> Self {
        Self {
            in_turn: true,
            ..self
        }
    }

    fn now(&self) -> Moment {
        let passed = Duration::from_secs(u64::from(self.tick));
        Moment {
            steady: passed,
            wall: passed,
        }
    }

    fn next(&self, place: usize) -> Next {
        let process = &self.processes[place];
        let next = process.candidate.decide(self.now(), &self.rules.timing());
        if self.rules.lack(Fault::ForeignClock)
            && matches!(next, Next::StandBy(_))
            && let Some(lease) = &self.lease
        {
            let wall = u64::from(self.tick) + SET[place];
            if wall.saturating_sub(lease.renewed) >= SMALL.take_over.as_secs() {
                let (version, epoch) = (Some(lease.version.to_string()), lease.epoch + 1);
                return Next::Acquire { version, epoch };
            }
        }
        next
    }

    fn is_idle(&self, place: usize) -> bool {
        matches!(self.next(place), Next::StandBy(_) | Next::Rest(_))
    }

    /// Whether the fence lets something of a process pass now.
    fn may_send(&self, place: usize) -> bool {
        let process = &self.processes[place];
        if process.stopped {
            return false;
        }
        if process.admitted {
            return true;
        }
        let Some((hold, _)) = process.raised else {
            return false;
        };
        let in_time = hold.may_begin(self.now(), &SMALL);
        !process.fallen && (in_time || self.rules.lack(Fault::NoClockAtTheFence))
    }

    /// What can happen next.
    pub fn acts(&self, ticks: u8) -> Vec<Act> {
        let mut acts = Vec::new();
        // Two reads come to the same in either order, so one order is enough.
        let (mut idle, mut reads) = (true, false);
        for (place, process) in self.processes.iter().enumerate() {
            if process.stopped {
                acts.push(Act::GoOn(place));
                continue;
            }
            if process.answer.is_some() {
                acts.push(Act::Answer(place));
            } else if !self.is_idle(place) {
                let next = self.next(place);
                let looks = next == Next::Look;
                let waits = if self.in_turn { !idle } else { looks && reads };
                idle = false;
                reads |= looks;
                if waits {
                    continue;
                }
                acts.push(Act::Step(place, How::Well));
                let writes = matches!(
                    next,
                    Next::Acquire { .. } | Next::Renew { .. } | Next::Release { .. }
                );
                if writes && self.faults > 0 {
                    let ways = [How::SlowAnswer, How::LostAnswer, How::Late];
                    acts.extend(ways.map(|how| Act::Step(place, how)));
                }
            }
            if self.faults > 0 {
                acts.push(Act::Stop(place));
                // The death of who has never asked for the lease changes nothing.
                if process.raised.is_some() || process.answer.is_some() {
                    acts.push(Act::Kill(place));
                }
                if process.raised.is_some() && !process.candidate.is_leaving() {
                    acts.push(Act::End(place));
                }
                if self.may_send(place) {
                    acts.push(Act::WriteLate(place));
                    if self.rules.lack(Fault::RetryAboveTheFence) && !process.admitted {
                        acts.push(Act::Admit(place));
                    }
                }
            }
        }
        acts.extend((0..self.wire.len()).map(Act::Arrive));
        if idle && self.tick < ticks {
            acts.push(Act::Tick);
        }
        acts
    }

    /// It happens. Gives back what is wrong with it.
    pub fn act(&mut self, act: Act, met: &mut BTreeSet<&'static str>) -> Option<&'static str> {
        match act {
            Act::Step(place, how) => self.step(place, how, met),
            Act::Answer(place) => {
                if let Some((put, sent, reply)) = self.processes[place].answer.take() {
                    self.answered(place, &put, sent, reply);
                }
            }
            Act::WriteLate(place) => {
                self.faults -= 1;
                let epoch = self.processes[place].raised.map(|(_, epoch)| epoch)?;
                self.wire.push(Wire::Object(self.object.0, epoch));
            }
            Act::Admit(place) => {
                self.faults -= 1;
                self.processes[place].admitted = true;
            }
            Act::Arrive(one) => return self.arrive(one, met),
            Act::Stop(place) => {
                self.faults -= 1;
                self.processes[place].stopped = true;
            }
            Act::GoOn(place) => {
                self.processes[place].stopped = false;
                let led = self.processes[place].raised.is_some();
                let others = (0..PROCESSES).filter(|other| *other != place);
                if led && others.into_iter().any(|other| self.may_send(other)) {
                    met.insert("a leader that stood still went on when another one led");
                }
            }
            Act::Kill(place) => {
                self.faults -= 1;
                self.begin_anew(place);
            }
            Act::End(place) => {
                self.faults -= 1;
                let late = self.rules.lack(Fault::ReleaseBeforeTheFall);
                let process = &mut self.processes[place];
                process.candidate.leave();
                process.fallen = !late;
            }
            Act::Tick => self.tick += 1,
        }
        None
    }

    /// What is wrong with the world as it is.
    pub fn wrong(&self) -> Option<&'static str> {
        let may = (0..PROCESSES).filter(|place| self.may_send(*place));
        (may.count() > 1).then_some("two may send")
    }

    fn begin_anew(&mut self, place: usize) {
        let life = self.processes[place].life + 1;
        self.processes[place] = Process::new(place, life);
    }

    fn step(&mut self, place: usize, how: How, met: &mut BTreeSet<&'static str>) {
        let me = self.processes[place].candidate.me().to_owned();
        let renewed = u64::from(self.tick) + SET[place];
        let put = |holder: Option<String>, epoch, on: Option<String>| Put {
            holder,
            epoch,
            on: on.map(|version| version.parse().unwrap()),
            renewed,
        };
        let put = match self.next(place) {
            Next::Look => {
                let (now, found) = (self.now(), self.record());
                self.processes[place].candidate.looked(now, found);
                return;
            }
            Next::Acquire { version, epoch } => {
                let holder = self.lease.as_ref().and_then(|lease| lease.holder.clone());
                match holder {
                    None if epoch > 1 => met.insert("a lease was given back and taken at once"),
                    Some(holder) if holder != me => {
                        met.insert("a lease was taken whose holder had died")
                    }
                    _ => false,
                };
                put(Some(me), epoch, version)
            }
            Next::Renew { version, epoch } => put(Some(me), epoch, Some(version)),
            Next::Release { version, epoch } => put(None, epoch, Some(version)),
            Next::Lost(_) | Next::Over => return self.begin_anew(place),
            Next::StandBy(_) | Next::Rest(_) => return,
        };
        let sent = self.now();
        if how != How::Well {
            self.faults -= 1;
        }
        match how {
            How::Late => {
                self.wire.push(Wire::Lease(put));
                self.processes[place].candidate.failed(sent);
            }
            How::Well => {
                let reply = self.put(&put);
                self.answered(place, &put, sent, reply);
            }
            How::SlowAnswer => {
                let reply = self.put(&put);
                self.processes[place].answer = Some((put, sent, reply));
            }
            How::LostAnswer => {
                if self.processes[place].raised.is_none() {
                    met.insert("the answer to a take-over was lost");
                }
                self.put(&put);
                self.processes[place].candidate.failed(sent);
            }
        }
    }

    fn record(&self) -> Option<Record> {
        let lease = self.lease.as_ref()?;
        Some(Record {
            holder: lease.holder.clone(),
            epoch: lease.epoch,
            version: lease.version.to_string(),
        })
    }

    /// The API server does a write of the lease.
    fn put(&mut self, put: &Put) -> Reply {
        let there = self.lease.as_ref().map(|lease| lease.version);
        if there != put.on && !self.rules.lack(Fault::WritesOnNoVersion) {
            return Reply::Refused;
        }
        self.lease = Some(Lease {
            holder: put.holder.clone(),
            epoch: put.epoch,
            version: self.version,
            renewed: put.renewed,
        });
        self.version += 1;
        self.record().map_or(Reply::Refused, Reply::Wrote)
    }

    /// A process has the answer to its write.
    fn answered(&mut self, place: usize, put: &Put, sent: Moment, reply: Reply) {
        let now = self.now();
        let sent = if self.rules.lack(Fault::CountsFromTheAnswer) {
            now
        } else {
            sent
        };
        let process = &mut self.processes[place];
        let Reply::Wrote(record) = reply else {
            process.candidate.refused();
            return;
        };
        if put.holder.is_none() {
            return self.begin_anew(place);
        }
        process.candidate.wrote(sent, now, record);
        let first = process.raised.is_none();
        process.raised = Some((Hold { sent }, put.epoch));
        // Whoever begins to lead writes what it finds, if it may.
        if first && self.may_send(place) {
            self.object = (self.object.0 + 1, put.epoch);
        }
    }

    fn arrive(&mut self, one: usize, met: &mut BTreeSet<&'static str>) -> Option<&'static str> {
        match self.wire.remove(one) {
            Wire::Lease(put) => {
                if self.put(&put) == Reply::Refused {
                    met.insert("a late renewal was refused");
                }
            }
            Wire::Object(version, epoch) => {
                let newer = self.object.1 > epoch;
                if version != self.object.0 && !self.rules.lack(Fault::EffectsOnNoVersion) {
                    met.insert("a late write was refused");
                } else if newer {
                    return Some("a late write was accepted");
                } else {
                    self.object = (self.object.0 + 1, epoch);
                }
            }
        }
        None
    }

    /// Whether it is so late, and nobody has anything to do at once.
    pub fn is_at(&self, tick: u8) -> bool {
        let rests = |place: usize| self.processes[place].stopped || self.is_idle(place);
        self.tick == tick && (0..PROCESSES).all(rests)
    }

    /// Whether somebody leads in the end, when nothing goes wrong any more, and who was stopped goes on.
    pub fn heals(&self) -> bool {
        let mut world = self.clone();
        let mut met = BTreeSet::new();
        world.faults = 0;
        // Who was stopped may never go on; then the others do without.
        let mut without = world.clone();
        for process in &mut world.processes {
            process.stopped = false;
        }
        world.settles(&mut met) && {
            let all = without.processes.iter().all(|process| process.stopped);
            all || without.settles(&mut met)
        }
    }

    fn settles(&mut self, met: &mut BTreeSet<&'static str>) -> bool {
        let end = self.tick + 16;
        for _ in 0..1000 {
            let acts = self.acts(end);
            let due = acts.iter().find(|act| !matches!(act, Act::GoOn(_)));
            let Some(act) = due.copied() else {
                break;
            };
            if self.act(act, met).is_some() {
                return false;
            }
        }
        (0..PROCESSES).filter(|place| self.may_send(*place)).count() == 1
    }
}
