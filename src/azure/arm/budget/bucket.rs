//! One bucket of tokens. Pure: time is an argument.

use std::time::Duration;

use jiff::Timestamp;

use super::Purse;
use crate::retry::after;

/// A token is kept so long for who does not come in time, and a tenth of the wait longer, by which pauses are spread.
const KEPT: Duration = Duration::from_mins(1);
/// Further calls of a piece of work that has begun have their tokens until there was none for so long.
const TURN: Duration = Duration::from_secs(10);
/// Nobody's work has more tokens kept for it than this.
const MOST_TOGETHER: u32 = 50;
/// The first pause after a 429 that does not say for how long, and the longest.
const UNSAID: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Azure that throttles without saying for how long is asked at half the rate, down to this share of it.
const SLOWEST: f64 = 1.0 / 64.0;
/// Each call that it answers brings back so much of the rate.
const RECOVERY: f64 = 1.0 / 50.0;
/// Rounding of times must cost nobody a token.
const ROUNDING: f64 = 1e-6;

/// Somebody who was told to come back.
#[derive(Debug, Clone)]
struct Waiting {
    who: String,
    /// Tokens that are kept.
    calls: f64,
    kept_until: Timestamp,
}

/// Somebody whose work has begun.
#[derive(Debug, Clone)]
struct Turn {
    who: String,
    /// Tokens that are kept for its further calls.
    left: f64,
    until: Timestamp,
}

/// The calls that one principal may make out of one purse in one subscription.
#[derive(Debug, Clone)]
pub struct Budget {
    size: f64,
    rate: f64,
    share: f64,
    /// Tokens there are, also those that are kept for somebody.
    level: f64,
    at: Option<Timestamp>,
    /// In the order in which they asked.
    waiting: Vec<Waiting>,
    turns: Vec<Turn>,
    closed: Option<Timestamp>,
    /// Refusals in a row that did not say for how long.
    unsaid: u32,
}

impl Budget {
    /// A full one.
    pub fn new(purse: &Purse) -> Self {
        let (size, rate) = purse.limits();
        Self {
            size,
            rate,
            share: 1.0,
            level: size,
            at: None,
            waiting: Vec::new(),
            turns: Vec::new(),
            closed: None,
            unsaid: 0,
        }
    }

    /// Takes a token for a call that is work by itself. See [`Self::ask_for`].
    #[cfg(test)]
    fn ask(&mut self, now: Timestamp, who: &str) -> Result<(), Duration> {
        self.ask_for(now, who, 1)
    }

    /// Takes a token where there is one for each of so many calls, and keeps the others for a while; or says how long to wait for
    /// them. They are kept under the name of `who`.
    pub fn ask_for(&mut self, now: Timestamp, who: &str, calls: u32) -> Result<(), Duration> {
        self.keep(now, who, calls)?;
        self.take(now, who);
        Ok(())
    }

    /// Keeps a token for each of so many calls, where there are so many, or says how long to wait for them. Who has some kept
    /// already has these. True where they were not kept before.
    pub fn keep(&mut self, now: Timestamp, who: &str, calls: u32) -> Result<bool, Duration> {
        self.refill(now);
        self.waiting.retain(|waiting| waiting.kept_until >= now);
        self.turns.retain(|turn| turn.until >= now);
        let closed = self.closed.filter(|until| *until > now);
        let turn = self.turns.iter().position(|turn| turn.who == who);
        if turn.is_some() && closed.is_none() && self.level + ROUNDING >= 1.0 {
            return Ok(false);
        }
        if let Some(turn) = turn {
            self.turns.remove(turn);
        }
        let place = self.waiting.iter().position(|waiting| waiting.who == who);
        let before = self
            .waiting
            .get(..place.unwrap_or(self.waiting.len()))
            .unwrap_or_default();
        let ahead = before.iter().map(|waiting| waiting.calls).sum::<f64>()
            + self.turns.iter().map(|turn| turn.left).sum::<f64>();
        let calls = f64::from(calls.clamp(1, MOST_TOGETHER)).min(self.size);
        // A bucket that is full serves whoever comes: those ahead who are late have theirs in it as far as it holds them.
        let needed = (ahead + calls).min(self.size);
        if closed.is_none() && self.level + ROUNDING >= needed {
            if let Some(place) = place {
                self.waiting.remove(place);
            }
            self.turns.push(Turn {
                who: who.to_owned(),
                left: calls,
                until: after(now, TURN),
            });
            return Ok(true);
        }
        let lacking = (ahead + calls - self.level).max(0.0) / (self.rate * self.share);
        let due = after(closed.unwrap_or(now), seconds(lacking));
        let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        let wait = wait.max(Duration::from_millis(1));
        let waiting = Waiting {
            who: who.to_owned(),
            calls,
            kept_until: after(now, wait + wait / 10 + KEPT),
        };
        match place.and_then(|place| self.waiting.get_mut(place)) {
            Some(place) => *place = waiting,
            None => self.waiting.push(waiting),
        }
        Err(wait)
    }

    /// Takes one of the tokens that are kept for somebody.
    fn take(&mut self, now: Timestamp, who: &str) {
        self.level -= 1.0;
        if let Some(turn) = self.turns.iter_mut().find(|turn| turn.who == who) {
            turn.left -= 1.0;
            turn.until = after(now, TURN);
        }
        self.turns.retain(|turn| turn.left >= 1.0);
    }

    /// Keeps nothing for somebody any more: another bucket has no room.
    pub fn release(&mut self, who: &str) {
        self.turns.retain(|turn| turn.who != who);
    }

    /// A call was answered, and the answer told how many are left. Others spend from the same bucket, so there may be fewer
    /// than were thought, and never more.
    pub fn answered(&mut self, now: Timestamp, remaining: Option<u32>) {
        self.refill(now);
        if let Some(remaining) = remaining {
            self.level = self.level.min(f64::from(remaining));
        }
        self.share = (self.share + RECOVERY).min(1.0);
        if self.closed.is_none_or(|until| until <= now) {
            self.unsaid = 0;
        }
    }

    /// Azure answered 429. Calls that were under way together and refused together are one refusal.
    pub fn throttled(&mut self, now: Timestamp, retry_after: Option<Duration>) {
        self.refill(now);
        let shut = self.closed.is_some_and(|until| until > now);
        let pause = retry_after.unwrap_or_else(|| {
            if !shut {
                self.unsaid += 1;
                self.share = (self.share / 2.0).max(SLOWEST);
            }
            let doubled = UNSAID.saturating_mul(1 << self.unsaid.saturating_sub(1).min(8));
            doubled.min(LONGEST_PAUSE)
        });
        let until = after(now, pause);
        if self.closed.is_none_or(|already| already < until) {
            self.closed = Some(until);
            // Then one may go, and the bucket fills from there.
            self.level = 1.0;
            self.at = Some(until);
        }
    }

    /// Until when nobody may go.
    pub fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.closed.filter(|until| *until > now)
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_idle(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        self.waiting.retain(|waiting| waiting.kept_until >= now);
        self.turns.retain(|turn| turn.until >= now);
        self.waiting.is_empty()
            && self.turns.is_empty()
            && self.closed_until(now).is_none()
            && self.share >= 1.0
            && self.level >= self.size
    }

    fn refill(&mut self, now: Timestamp) {
        if let Some(at) = self.at {
            let seconds = now.duration_since(at).as_secs_f64().max(0.0);
            self.level = (self.level + seconds * self.rate * self.share).min(self.size);
        }
        // A clock that was set back gives nothing twice; a bucket that is closed fills from its opening on.
        self.at = self.at.max(Some(now));
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, 86_400.0))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
