//! How many calls Azure Resource Manager is given ("Understand how Azure Resource Manager throttles requests"). Pure: time is an
//! argument.
//!
//! Azure has a token bucket for each subscription, principal and kind of call. Here is its image, corrected by what answers tell.
//! Nobody waits here: who may not go is told when, and a token is kept under its name for when it comes back. So many who are
//! refused together come back one after the other, as fast as the bucket fills. [`Budget`] is one of them; a provider has its own
//! beside, see [`Purse`].
//!
//! Most work is made of several calls, and begins anew when one of them is refused. Were tokens given one by one, many who wait
//! would spend them all on their first calls, and none would come to its end. So who asks says how many calls its work still takes,
//! and gets them together.

mod bucket;

use std::collections::HashMap;
use std::hash::Hash;

use http::Method;
use jiff::Timestamp;

pub use self::bucket::Budget;
use super::SubscriptionId;
use crate::azure::http::Answer;

/// More than anybody asks for.
const UNLIMITED: f64 = 1e9;
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
    /// Those of a kind.
    pub fn count(self, kind: Kind) -> u32 {
        match kind {
            Kind::Reads => self.reads,
            Kind::Writes => self.writes,
            Kind::Deletes => self.deletes,
        }
    }

    /// Whether there are some that change something.
    pub fn changes(self) -> bool {
        self.writes > 0 || self.deletes > 0
    }

    fn of(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::Reads => &mut self.reads,
            Kind::Writes => &mut self.writes,
            Kind::Deletes => &mut self.deletes,
        }
    }
}

/// A bucket that a call takes a token from. Each call has one of Resource Manager's and one of its provider's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Purse {
    /// Resource Manager's own, for each principal.
    Manager(Kind),
    /// Of a resource provider, by its name in lower case.
    Provider(String, Deed),
}

/// What providers count apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deed {
    /// What reads, whatever its method is.
    Read,
    /// What changes something.
    Write,
}

impl Purse {
    /// The provider's for an action such as `Microsoft.Storage/storageAccounts/write`.
    pub fn of_provider(action: &str) -> Self {
        let provider = action.split('/').next().unwrap_or_default();
        let deed = if action.ends_with("/read") {
            Deed::Read
        } else {
            Deed::Write
        };
        Self::Provider(provider.to_ascii_lowercase(), deed)
    }

    /// What the bucket holds, and what flows in in a second. Of storage accounts: "Scalability and performance targets for the
    /// Azure Storage resource provider", 800 reads in five minutes and 10 writes a second. What others let through they do not say,
    /// until they refuse.
    fn limits(&self) -> (f64, f64) {
        match self {
            Self::Manager(kind) => kind.limits(),
            Self::Provider(provider, deed) if provider == "microsoft.storage" => match deed {
                Deed::Read => (800.0, 800.0 / 300.0),
                Deed::Write => (10.0, 10.0),
            },
            Self::Provider(..) => (UNLIMITED, UNLIMITED),
        }
    }
}

/// The calls of one piece of work: how many it takes, as far as is known, and how many it has made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    takes: Calls,
    made: Calls,
    together: bool,
}

impl Work {
    /// One that is begun.
    pub fn new(takes: Calls) -> Self {
        Self {
            takes,
            ..Self::default()
        }
    }

    /// One that is not begun before there is room for all of its calls, of whatever kind: were only the reads let through, they would
    /// be made once more when there is room for the write.
    #[must_use]
    pub fn together(self) -> Self {
        Self {
            together: true,
            ..self
        }
    }

    /// How many calls of another kind must have room before the next one of this kind.
    pub fn besides(self, kind: Kind) -> Calls {
        let mut besides = Calls::default();
        for other in [Kind::Reads, Kind::Writes, Kind::Deletes] {
            if self.together && other != kind {
                *besides.of(other) = self
                    .takes
                    .count(other)
                    .saturating_sub(self.made.count(other));
            }
        }
        besides
    }

    /// How many calls of a kind are left with the next one. There is that one at least.
    pub fn left(self, kind: Kind) -> u32 {
        let (takes, made) = (self.takes.count(kind), self.made.count(kind));
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

/// All budgets, by subscription, principal and purse.
#[derive(Debug, Clone)]
pub struct Budgets<P> {
    all: HashMap<(SubscriptionId, P, Purse), Budget>,
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
        purse: Purse,
    ) -> &mut Budget {
        if self.all.len() >= MOST {
            self.all.retain(|_, budget| !budget.is_idle(now));
        }
        self.all
            .entry((subscription.clone(), principal.clone(), purse))
            .or_insert_with_key(|(_, _, purse)| Budget::new(purse))
    }
}
