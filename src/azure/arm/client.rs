//! Calls of Azure Resource Manager, carried out: one at a time, with a token, within the budget. It neither waits nor tries again
//! by itself: whoever called decides that with fresh eyes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::budget::{Budgets, Calls, Deed, Kind, Purse};
use super::refusal::Throttle;
use super::{Call, Poll, Polled, Reply, Subject, SubscriptionId, manager, operation, refusal};
use crate::azure::auth::{Token, Want};
use crate::azure::http::{Answer, Http, Request};
use crate::azure_identity::identities::Identities;
use crate::azure_identity::valid::{IdentityKey, Usable};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Calls of one identity in one subscription that are under way together.
const UNDER_WAY: usize = 16;
/// When somebody who found that many under way comes back.
const SOON: Duration = Duration::from_secs(1);
/// Operations are followed beside what their provider counts.
const FOLLOWS: &str = "Microsoft.Resources/operations/read";
/// Lanes of subscriptions that are not asked any more are forgotten when there are so many.
const MOST_LANES: usize = 4096;

/// The client. Cloning shares it.
#[derive(Clone)]
pub struct Arm(Arc<Inner>);

type Lanes = HashMap<(SubscriptionId, IdentityKey), Arc<Semaphore>>;

struct Inner {
    identities: Arc<Identities>,
    http: Http,
    budgets: Mutex<Budgets<IdentityKey>>,
    lanes: Mutex<Lanes>,
}

/// For whom a call is made.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// The uid of the object: a place in the budget is kept under it.
    pub uid: &'a str,
    /// How many calls of the same kind its work still takes, with this one.
    pub calls: u32,
    /// How many calls of other kinds must have room before this one is made.
    pub besides: Calls,
}

/// Work of one call.
impl<'a> From<&'a str> for Who<'a> {
    fn from(uid: &'a str) -> Self {
        Self {
            uid,
            calls: 1,
            besides: Calls::default(),
        }
    }
}

/// A place for a call that is made soon: a token of the budget, and a place among the calls under way.
#[derive(Debug)]
pub struct Place(OwnedSemaphorePermit);

/// What one exchange needs to know besides its request.
struct Errand<'a> {
    identity: &'a Usable,
    who: Who<'a>,
    operation: &'static str,
    subscription: &'a SubscriptionId,
    what: &'a str,
    kind: Kind,
    action: &'a str,
}

/// Whether a problem is our own restraint, and no answer of Azure: nothing was asked, and nothing has changed.
pub fn spared(problem: &Problem) -> bool {
    problem.reason == Reason::Throttled && problem.http_status.is_none()
}

impl Arm {
    /// A client with the tokens of `identities`.
    pub fn new(identities: Arc<Identities>, http: Http) -> Self {
        Self(Arc::new(Inner {
            identities,
            http,
            budgets: Mutex::default(),
            lanes: Mutex::default(),
        }))
    }

    /// Makes a call.
    pub async fn call<'a>(
        &self,
        identity: &Usable,
        who: impl Into<Who<'a>>,
        call: &Call,
    ) -> Result<Reply, Problem> {
        self.call_in(None, identity, who, call).await
    }

    /// Takes a place for a call before it is made: so what must be noted ahead of it is not noted in vain.
    pub async fn reserve<'a>(
        &self,
        identity: &Usable,
        who: impl Into<Who<'a>>,
        call: &Call,
    ) -> Result<Place, Problem> {
        let errand = Errand::of(identity, who.into(), call);
        self.0.identities.token(identity, &want(&errand)?).await?;
        let lane = self.lane(&errand)?;
        self.pay(&errand)?;
        Ok(Place(lane))
    }

    /// Makes a call, in the place that was taken for it.
    pub async fn call_in<'a>(
        &self,
        place: Option<Place>,
        identity: &Usable,
        who: impl Into<Who<'a>>,
        call: &Call,
    ) -> Result<Reply, Problem> {
        let profile = &identity.profile;
        let errand = Errand::of(identity, who.into(), call);
        let request = |token: &Token| super::request(profile, call, &token.value);
        let read = |answer: &Answer| super::read(profile, call, answer, Timestamp::now());
        self.ask(&errand, place, request, read).await
    }

    /// Asks how an operation stands. An error means that this is not known; the operation may go on.
    pub async fn poll<'a>(
        &self,
        identity: &Usable,
        who: impl Into<Who<'a>>,
        subject: &Subject,
        poll: &Poll,
    ) -> Result<Polled, Problem> {
        let profile = &identity.profile;
        let errand = Errand {
            identity,
            who: who.into(),
            operation: "PollOperation",
            subscription: &subject.subscription,
            what: &subject.what,
            kind: Kind::Reads,
            action: FOLLOWS,
        };
        let request = |token: &Token| operation::request(profile, poll, &token.value);
        let read =
            |answer: &Answer| operation::read(profile, subject, poll, answer, Timestamp::now());
        self.ask(&errand, None, request, read).await
    }

    /// One exchange; two where a token was refused, which may have been revoked or have outlived its key.
    async fn ask<T>(
        &self,
        errand: &Errand<'_>,
        place: Option<Place>,
        request: impl Fn(&Token) -> Result<Request, Problem>,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let identity = errand.identity;
        let identities = &self.0.identities;
        let want = want(errand)?;
        let token = identities.token(identity, &want).await?;
        let _lane = if let Some(Place(lane)) = place {
            self.is_open(errand)?;
            lane
        } else {
            let lane = self.lane(errand)?;
            self.pay(errand)?;
            lane
        };
        let answer = self.exchange(errand, request(&token)?).await?;
        let outcome = read(&answer);
        let refused = |problem: &Problem| problem.reason == Reason::Unauthorized;
        if !outcome.as_ref().is_err_and(refused) {
            return outcome;
        }
        identities.refused(identity, &want, &token.value, refusal::claims(&answer));
        let renewed = identities.token(identity, &want).await?;
        if renewed.value == token.value {
            return outcome;
        }
        self.pay(errand)?;
        read(&self.exchange(errand, request(&renewed)?).await?)
    }

    /// Takes a token of each budget, where each has room for all that the work takes.
    fn pay(&self, errand: &Errand<'_>) -> Result<(), Problem> {
        let (key, now) = (&errand.identity.valid.key, Timestamp::now());
        let (uid, subscription) = (errand.who.uid, errand.subscription);
        let mut budgets = self.budgets();
        let mut kept = Vec::new();
        for (purse, calls) in errand.takes() {
            let budget = budgets.of(now, subscription, key, purse.clone());
            match budget.keep(now, uid, calls) {
                Ok(true) => kept.push(purse),
                Ok(false) => {}
                Err(wait) => {
                    for purse in kept {
                        budgets.of(now, subscription, key, purse).release(uid);
                    }
                    return Err(self.spare(errand, wait));
                }
            }
        }
        for purse in errand.purses() {
            let budget = budgets.of(now, subscription, key, purse);
            let paid = budget.ask_for(now, uid, 1);
            paid.map_err(|wait| self.spare(errand, wait))?;
        }
        Ok(())
    }

    /// Azure may have asked for a pause since a place was taken.
    fn is_open(&self, errand: &Errand<'_>) -> Result<(), Problem> {
        let (key, now) = (&errand.identity.valid.key, Timestamp::now());
        let mut budgets = self.budgets();
        let closed = errand.purses().into_iter().filter_map(|purse| {
            let budget = budgets.of(now, errand.subscription, key, purse);
            budget.closed_until(now)
        });
        let Some(until) = closed.max() else {
            return Ok(());
        };
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        Err(self.spare(errand, wait))
    }

    fn spare(&self, errand: &Errand<'_>, wait: Duration) -> Problem {
        self.0.http.metrics().azure_spared(errand.operation);
        over_budget(errand, wait)
    }

    /// Sends one request, and tells the budget what came of it.
    async fn exchange(&self, errand: &Errand<'_>, request: Request) -> Result<Answer, Problem> {
        let key = &errand.identity.valid.key;
        let endpoint = &manager(&errand.identity.profile)?.endpoint;
        let sent = self.0.http.send(errand.operation, endpoint, request).await;
        let answer = sent.inspect_err(|problem| {
            // The roots of a private cloud may have been replaced: the next call uses what is there then.
            if problem.reason == Reason::CertificateNotTrusted {
                self.0.identities.distrusted(errand.identity);
            }
        })?;
        let now = Timestamp::now();
        let refuses = refusal::throttles(&answer);
        let mut budgets = self.budgets();
        for purse in errand.purses() {
            let is_manager = matches!(purse, Purse::Manager(_));
            let budget = budgets.of(now, errand.subscription, key, purse);
            match refuses {
                Some(by) if (by == Throttle::Manager) == is_manager => {
                    budget.throttled(now, answer.retry_after(now));
                }
                Some(_) => {}
                None if is_manager => budget.answered(now, errand.kind.remaining(&answer)),
                None => budget.answered(now, None),
            }
        }
        Ok(answer)
    }

    /// A place among the calls under way. Nobody queues for one: a Resource Manager that hangs would hold whoever does.
    fn lane(&self, errand: &Errand<'_>) -> Result<OwnedSemaphorePermit, Problem> {
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= MOST_LANES {
            lanes.retain(|_, lane| lane.available_permits() < UNDER_WAY);
        }
        let key = (
            errand.subscription.clone(),
            errand.identity.valid.key.clone(),
        );
        let lane = lanes
            .entry(key)
            .or_insert_with(|| Arc::new(Semaphore::new(UNDER_WAY)));
        Arc::clone(lane).try_acquire_owned().map_err(|_| {
            let message = format!(
                "{UNDER_WAY} calls for subscription {} are under way; {} takes its turn after them",
                errand.subscription, errand.what
            );
            self.0.http.metrics().azure_spared(errand.operation);
            Problem::new(Reason::Throttled, Retry::After(SOON), message)
        })
    }

    fn budgets(&self) -> MutexGuard<'_, Budgets<IdentityKey>> {
        self.0
            .budgets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Errand<'a> {
    /// The buckets that it takes a token from.
    fn purses(&self) -> [Purse; 2] {
        [Purse::Manager(self.kind), Purse::of_provider(self.action)]
    }

    /// What must have room before it is made, and for how many calls. Providers count single calls; the one of what the work is
    /// about, which it begins with, is asked for one write where there will be any.
    fn takes(&self) -> Vec<(Purse, u32)> {
        let Who { calls, besides, .. } = self.who;
        let [manager, provider] = self.purses();
        let mut takes = vec![(manager, calls), (provider.clone(), 1)];
        for kind in [Kind::Reads, Kind::Writes, Kind::Deletes] {
            let calls = besides.count(kind);
            if calls > 0 {
                takes.push((Purse::Manager(kind), calls));
            }
        }
        if let (Purse::Provider(name, Deed::Read), true) = (provider, besides.changes()) {
            takes.push((Purse::Provider(name, Deed::Write), 1));
        }
        takes
    }

    fn of(identity: &'a Usable, who: Who<'a>, call: &'a Call) -> Self {
        Self {
            identity,
            who,
            operation: call.operation,
            subscription: &call.subscription,
            what: &call.what,
            kind: Kind::of(&call.method),
            action: call.action,
        }
    }
}

fn want(errand: &Errand<'_>) -> Result<Want, Problem> {
    let manager = manager(&errand.identity.profile)?;
    Ok(Want::ours(manager.audience.clone()))
}

fn over_budget(errand: &Errand<'_>, wait: Duration) -> Problem {
    let message = format!(
        "the {} that Azure allows in subscription {} are used up for the moment, and the operator spares it; {} takes its turn",
        errand.kind.as_str(),
        errand.subscription,
        errand.what
    );
    Problem::new(Reason::Throttled, Retry::After(wait), message)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
