//! What a sync wants of a session, and what it is told. Pure data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::azure::key_vault::{Facts, Kind, Listed, Next, Object, Page};
use crate::names::ObjectVersion;
use crate::problem::Problem;

/// Who wants something: one sync, as it was made.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// Its uid.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A caller, cheap to clone.
pub type Ticket = Arc<Caller>;

/// The state of an object that a caller's Secret holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The version.
    pub version: ObjectVersion,
    /// When that version was updated, in whole seconds. None where the value was read so soon after that another update in
    /// the same second cannot be told from it.
    pub updated: Option<Timestamp>,
}

/// Everything that a caller wants of one vault. It stands until the caller wants something else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Want {
    /// Objects in order, each with what is held of it. Where nothing is held, the value is read.
    pub objects: Vec<(Arc<Object>, Option<Held>)>,
    /// Kinds of which the whole list is wanted.
    pub lists: Vec<Kind>,
    /// How old a look may become. None: what is held is not looked at again.
    pub every: Option<Duration>,
    /// Whether all values are needed as soon as one is.
    pub together: bool,
    /// Looks from before this time do not count.
    pub fresh: Option<Timestamp>,
    /// Failures from before this time do not count.
    pub retry: Option<Timestamp>,
}

impl Want {
    /// What is held of an object; none where it is not wanted.
    #[expect(
        clippy::option_option,
        reason = "not wanted, wanted and not held, held are three things"
    )]
    pub(super) fn of(&self, object: &Object) -> Option<Option<&Held>> {
        let at = self
            .objects
            .binary_search_by(|(wanted, _)| wanted.as_ref().cmp(object))
            .ok()?;
        self.objects.get(at).map(|(_, held)| held.as_ref())
    }

    /// Whether what is held is followed: where it is looked at again, now or at all.
    pub(super) fn follows(&self) -> bool {
        self.every.is_some() || self.fresh.is_some()
    }

    /// Whether two wants ask for the same, be it that one doubts older answers.
    pub(super) fn asks_the_same(&self, other: &Self) -> bool {
        (&self.objects, &self.lists, self.together)
            == (&other.objects, &other.lists, other.together)
    }

    /// The time from which on a look counts; failures are looked at again more readily.
    pub(super) fn since(&self, failed: bool) -> Option<Timestamp> {
        self.fresh.max(self.retry.filter(|_| failed))
    }
}

/// The objects of a kind by name, as the last complete list told.
pub type Listing = BTreeMap<String, Listed>;

/// What a caller is told.
#[derive(Debug, Default)]
pub struct Glance {
    /// Whether something is still under way. The caller is woken when it is not.
    pub pending: bool,
    /// Whether anything may be otherwise than when the caller last looked.
    pub news: bool,
    /// How many values wait to be fetched.
    pub given: usize,
    /// Objects that could not be had.
    pub problems: Vec<(Arc<Object>, Problem)>,
    /// The lists that were wanted.
    pub lists: Vec<(Kind, Result<Arc<Listing>, Problem>)>,
    /// When the object that was looked at longest ago was looked at; none where one never was.
    pub looked: Option<Timestamp>,
    /// When the first of them is looked at next.
    pub next: Option<Timestamp>,
}

/// Names a call of one session.
pub type CallId = u64;

/// A call to the vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// One object with its value.
    Get(Arc<Object>),
    /// One page of a list.
    List(Kind, Option<Next>),
}

/// What came of a call.
#[derive(Debug)]
pub enum Answer {
    /// Of [`Call::Get`].
    Got(Result<Facts, Problem>),
    /// Of [`Call::List`].
    Listed(Result<Page, Problem>),
}

/// What is to be done outside.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Make a call, and say what came of it, in the end whatever happens.
    Start(CallId, Call),
    /// Nobody is interested in what comes of this call any more.
    Abandon(CallId),
    /// The value of this object, which has just come, is for these.
    Give(Arc<Object>, Vec<Ticket>),
    /// The caller should look: nothing is pending, and there is something new.
    Wake(Ticket),
    /// Values that the caller has not fetched are to be dropped.
    Discard(Ticket),
}
