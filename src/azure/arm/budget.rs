//! How many calls Azure Resource Manager is given ("Understand how Azure Resource Manager throttles requests"). Pure: time is an
//! argument.
//!
//! Azure has a token bucket for each subscription, principal and kind of call. Here is its image, corrected by what answers tell.
//! Nobody waits here: who may not go is told when, and a token is kept under its name for when it comes back. So many who are
//! refused together come back one after the other, as fast as the bucket fills.
//!
//! Most work is made of several calls, and begins anew when one of them is refused. Were tokens given one by one, many who wait
//! would spend them all on their first calls, and none would come to its end. So who asks says how many calls its work still takes,
//! and gets them together.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;

use super::SubscriptionId;
use crate::azure::http::Answer;
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
/// Budgets of subscriptions that are not asked any more are forgotten when there are so many.
const MOST: usize = 4096;

/// The kinds of calls that Azure counts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// GET and HEAD.
    Reads,
    /// PUT, PATCH and POST.
    Writes,
    /// DELETE.
    Deletes,
}

impl Kind {
    /// The kind of a method.
    pub fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Reads,
            Method::DELETE => Self::Deletes,
            _ => Self::Writes,
        }
    }

    /// The word in headers and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
        }
    }

    /// What the bucket holds, and what flows in in a second.
    const fn limits(self) -> (f64, f64) {
        match self {
            Self::Reads => (250.0, 25.0),
            Self::Writes | Self::Deletes => (200.0, 10.0),
        }
    }

    /// How many calls of this kind an answer says are left: the least of what it tells.
    pub fn remaining(self, answer: &Answer) -> Option<u32> {
        ["", "global-"]
            .iter()
            .filter_map(|whole| {
                let name = format!(
                    "x-ms-ratelimit-remaining-subscription-{whole}{}",
                    self.as_str()
                );
                answer.headers.get(name)?.to_str().ok()?.trim().parse().ok()
            })
            .min()
    }
}

/// Numbers of calls by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// GET and HEAD.
    pub reads: u32,
    /// PUT, PATCH and POST.
    pub writes: u32,
    /// DELETE.
    pub deletes: u32,
}

impl Calls {
    fn of(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::Reads => &mut self.reads,
            Kind::Writes => &mut self.writes,
            Kind::Deletes => &mut self.deletes,
        }
    }
}

/// The calls of one piece of work: how many it takes, as far as is known, and how many it has made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    takes: Calls,
    made: Calls,
}

impl Work {
    /// One that is begun.
    pub fn new(takes: Calls) -> Self {
        Self {
            takes,
            made: Calls::default(),
        }
    }

    /// How many calls of a kind are left with the next one. There is that one at least.
    pub fn left(mut self, kind: Kind) -> u32 {
        let (takes, made) = (*self.takes.of(kind), *self.made.of(kind));
        takes.saturating_sub(made).max(1)
    }

    /// A call was made, or was refused: then the work takes it besides all that it has made when it begins anew.
    pub fn came_to(&mut self, kind: Kind, made: bool) {
        let count = self.made.of(kind);
        if made {
            *count = count.saturating_add(1);
        } else {
            let takes = count.saturating_add(1);
            let known = self.takes.of(kind);
            *known = takes.max(*known);
        }
    }

    /// How many calls it takes.
    pub fn takes(self) -> Calls {
        self.takes
    }
}

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

/// The calls of one kind that one principal may make in one subscription.
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
    pub fn new(kind: Kind) -> Self {
        let (size, rate) = kind.limits();
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
        self.refill(now);
        self.waiting.retain(|waiting| waiting.kept_until >= now);
        self.turns.retain(|turn| turn.until >= now);
        let closed = self.closed.filter(|until| *until > now);
        let turn = self.turns.iter().position(|turn| turn.who == who);
        let turn = turn.map(|turn| self.turns.remove(turn).left);
        if let Some(left) = turn.filter(|_| closed.is_none() && self.level + ROUNDING >= 1.0) {
            self.take(now, who, left);
            return Ok(());
        }
        let place = self.waiting.iter().position(|waiting| waiting.who == who);
        let before = self
            .waiting
            .get(..place.unwrap_or(self.waiting.len()))
            .unwrap_or_default();
        let ahead = before.iter().map(|waiting| waiting.calls).sum::<f64>()
            + self.turns.iter().map(|turn| turn.left).sum::<f64>();
        let calls = f64::from(calls.clamp(1, MOST_TOGETHER));
        // A bucket that is full serves whoever comes: those ahead who are late have theirs in it as far as it holds them.
        let needed = (ahead + calls).min(self.size);
        if closed.is_none() && self.level + ROUNDING >= needed {
            if let Some(place) = place {
                self.waiting.remove(place);
            }
            self.take(now, who, calls);
            return Ok(());
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

    /// Takes the first of so many tokens, and keeps the others.
    fn take(&mut self, now: Timestamp, who: &str, calls: f64) {
        self.level -= 1.0;
        let left = calls - 1.0;
        if left >= 1.0 {
            self.turns.push(Turn {
                who: who.to_owned(),
                left,
                until: after(now, TURN),
            });
        }
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
    fn is_idle(&mut self, now: Timestamp) -> bool {
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

/// All budgets, by subscription, principal and kind.
#[derive(Debug, Clone)]
pub struct Budgets<P> {
    all: HashMap<(SubscriptionId, P, Kind), Budget>,
}

impl<P> Default for Budgets<P> {
    fn default() -> Self {
        Self {
            all: HashMap::new(),
        }
    }
}

impl<P: Hash + Eq + Clone> Budgets<P> {
    /// The budget of one principal.
    pub fn of(
        &mut self,
        now: Timestamp,
        subscription: &SubscriptionId,
        principal: &P,
        kind: Kind,
    ) -> &mut Budget {
        if self.all.len() >= MOST {
            self.all.retain(|_, budget| !budget.is_idle(now));
        }
        self.all
            .entry((subscription.clone(), principal.clone(), kind))
            .or_insert_with(|| Budget::new(kind))
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
