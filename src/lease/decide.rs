//! What a candidate for the lease does next, and for how long one that has it may write. Pure: time is an argument.
//!
//! No time that another machine has written is looked at. Who holds the lease counts from the moment at which it *sent* its last
//! good renewal; who waits for it counts from the moment at which it first *saw* the lease as it is. So the holder has stopped
//! before anybody else may begin, however the clocks of the machines stand. A lease that has changed since it was seen refuses
//! the write of whoever has not seen that, by its resourceVersion.

use std::time::Duration;

use jiff::Timestamp;

/// A moment by the clocks of one process: how much time each shows since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// The clock that nobody sets. It may stand still while the machine sleeps.
    pub steady: Duration,
    /// The clock on the wall. It may be set.
    pub wall: Duration,
}

impl Moment {
    /// How long ago `earlier` was, at most: for whoever must stop in time.
    pub fn at_most_since(self, earlier: Self) -> Duration {
        let wall = self.wall.saturating_sub(earlier.wall);
        self.at_least_since(earlier).max(wall)
    }

    /// How long ago `earlier` was, at least: for whoever must wait long enough.
    pub fn at_least_since(self, earlier: Self) -> Duration {
        self.steady.saturating_sub(earlier.steady)
    }
}

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The holder renews so long after it sent the last good renewal.
    pub renew: Duration,
    /// It has lost the lease so long after that. Nothing is sent any more from then on, and what is under way is cut off.
    pub lost: Duration,
    /// With less than this left nothing is begun.
    pub least: Duration,
    /// Others take a lease that they have seen unchanged for so long.
    pub take_over: Duration,
    /// How often they look; also the pause after a call that failed.
    pub look: Duration,
    /// For how long a call about the lease may go on.
    pub call: Duration,
}

/// Who dies just after a renewal is followed when another one has seen that renewal (`look`) and has waited (`take_over`): within
/// 15 s, with half a second for the calls themselves.
pub const TIMING: Timing = Timing {
    renew: Duration::from_secs(2),
    lost: Duration::from_secs(10),
    least: Duration::from_secs(1),
    take_over: Duration::from_secs(14),
    look: Duration::from_millis(500),
    call: Duration::from_secs(2),
};

/// The lease as the API server has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// Who holds it; none where it was released.
    pub holder: Option<String>,
    /// How often it has changed hands.
    pub epoch: u64,
    /// Its resourceVersion.
    pub version: String,
}

/// A time in which one process writes, and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The word for it in notes. No other time has it.
    pub epoch: String,
    /// When it began, where another process may have written before.
    pub began: Option<Timestamp>,
}

/// What the last good renewal allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hold {
    /// When it was sent.
    pub sent: Moment,
}

impl Hold {
    /// For how long what is under way may go on; none when it is cut off.
    pub fn left(self, now: Moment, timing: &Timing) -> Option<Duration> {
        let left = timing.lost.checked_sub(now.at_most_since(self.sent))?;
        (!left.is_zero()).then_some(left)
    }

    /// Whether something may be begun: with enough left for it to be told over.
    pub fn may_begin(self, now: Moment, timing: &Timing) -> bool {
        self.left(now, timing)
            .is_some_and(|left| left >= timing.least)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Seen {
    Nothing,
    Absent,
    There(Record),
}

/// Somebody who would lead, or does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    me: String,
    seen: Seen,
    /// Since when it has been seen like this.
    since: Moment,
    /// When it was looked at last.
    looked: Moment,
    /// Whether there was a lease at any time.
    met: bool,
    /// What was seen is known to be old.
    stale: bool,
    /// When a call failed, where nothing has succeeded since.
    failed: Option<Moment>,
    held: Option<Hold>,
    leaving: bool,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Read the lease.
    Look,
    /// Take it: make it where there is none, else write it on this version.
    Acquire {
        /// What it was when it was seen.
        version: Option<String>,
        /// How often it will have changed hands.
        epoch: u64,
    },
    /// Renew it.
    Renew {
        /// What it was when it was seen.
        version: String,
        /// Stays as it is.
        epoch: u64,
    },
    /// Give it back.
    Release {
        /// What it was when it was seen.
        version: String,
        /// Stays as it is.
        epoch: u64,
    },
    /// Another one leads: nothing until then.
    StandBy(Duration),
    /// It is ours: nothing until then.
    Rest(Duration),
    /// It was ours and is not any more. This is the end: who has lost it does not stand again.
    Lost(Loss),
    /// It is nobody's concern any more.
    Over,
}

/// How a lease is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// No renewal succeeded in time.
    NotRenewed,
    /// Somebody else has it, or it was deleted.
    Deposed,
}

impl Candidate {
    /// One that has seen nothing yet. No other has ever had this name.
    pub fn new(me: String) -> Self {
        Self {
            me,
            seen: Seen::Nothing,
            since: Moment::default(),
            looked: Moment::default(),
            met: false,
            stale: false,
            failed: None,
            held: None,
            leaving: false,
        }
    }

    /// Its name.
    pub fn me(&self) -> &str {
        &self.me
    }

    /// What the last good renewal allows; none where it does not lead.
    pub fn held(&self) -> Option<Hold> {
        self.held
    }

    /// It is not to lead any more.
    pub fn leave(&mut self) {
        self.leaving = true;
    }

    /// Whether it is not to lead any more.
    pub fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// The lease was read, and the answer is here now. The moment of the answer counts, not that of the question: who waits from
    /// then on waits longer than the holder holds.
    pub fn looked(&mut self, now: Moment, found: Option<Record>) {
        self.met |= found.is_some();
        let seen = found.map_or(Seen::Absent, Seen::There);
        if seen != self.seen {
            self.since = now;
            self.seen = seen;
        }
        (self.looked, self.stale, self.failed) = (now, false, None);
    }

    /// It was taken or renewed by a request that was sent then.
    pub fn wrote(&mut self, sent: Moment, now: Moment, record: Record) {
        self.held = Some(Hold { sent });
        (self.seen, self.since, self.met) = (Seen::There(record), now, true);
        (self.looked, self.stale, self.failed) = (now, false, None);
    }

    /// It was given back.
    pub fn released(&mut self) {
        self.held = None;
    }

    /// A write was refused: the lease is not what it was when it was seen.
    pub fn refused(&mut self) {
        (self.stale, self.failed) = (true, None);
    }

    /// A call failed, and nobody knows whether it was done.
    pub fn failed(&mut self, now: Moment) {
        self.failed = Some(now);
    }

    /// What to do now.
    pub fn decide(&self, now: Moment, timing: &Timing) -> Next {
        match self.held {
            Some(hold) => self.keep(hold, now, timing),
            None if self.leaving => Next::Over,
            None => self.stand(now, timing),
        }
    }

    fn keep(&self, hold: Hold, now: Moment, timing: &Timing) -> Next {
        let record = match &self.seen {
            Seen::There(record) if record.holder.as_ref() == Some(&self.me) => record,
            Seen::There(_) | Seen::Absent | Seen::Nothing => return Next::Lost(Loss::Deposed),
        };
        let Some(left) = hold.left(now, timing) else {
            return Next::Lost(Loss::NotRenewed);
        };
        let pause = self.pause(now, timing);
        if !pause.is_zero() {
            return Next::Rest(pause.min(left));
        }
        let (version, epoch) = (record.version.clone(), record.epoch);
        let due = timing.renew.saturating_sub(now.at_most_since(hold.sent));
        if self.stale {
            Next::Look
        } else if self.leaving {
            Next::Release { version, epoch }
        } else if due.is_zero() {
            Next::Renew { version, epoch }
        } else {
            Next::Rest(due.min(left))
        }
    }

    fn stand(&self, now: Moment, timing: &Timing) -> Next {
        let pause = self.pause(now, timing);
        if !pause.is_zero() {
            return Next::StandBy(pause);
        }
        let waited = now.at_least_since(self.since);
        let wait = timing.take_over.saturating_sub(waited);
        let acquire = match &self.seen {
            _ if self.stale => return Next::Look,
            Seen::Nothing => return Next::Look,
            // Whoever had the lease that is gone may not know yet. Who never saw one makes the first.
            Seen::Absent => (!self.met || wait.is_zero()).then_some((None, 1)),
            Seen::There(record) => {
                let version = Some(record.version.clone());
                match record.holder.as_deref() {
                    // We took it, and the answer was lost.
                    Some(holder) if holder == self.me => Some((version, record.epoch)),
                    Some(_) if !wait.is_zero() => None,
                    _ => Some((version, record.epoch.saturating_add(1))),
                }
            }
        };
        if let Some((version, epoch)) = acquire {
            return Next::Acquire { version, epoch };
        }
        let look = timing.look.saturating_sub(now.at_most_since(self.looked));
        if look.is_zero() {
            Next::Look
        } else {
            Next::StandBy(look.min(wait))
        }
    }

    /// What is left of the pause after a failure.
    fn pause(&self, now: Moment, timing: &Timing) -> Duration {
        self.failed.map_or(Duration::ZERO, |failed| {
            timing.look.saturating_sub(now.at_most_since(failed))
        })
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
