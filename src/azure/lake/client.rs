//! Calls of data lakes, carried out: with a token, a bounded number under way, and none while an account asks to be left alone. It
//! does not try again by itself: whoever called decides that with fresh eyes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::delegation::{self, DelegationKey};
use super::{Call, Lake, LakeUri, storage};
use crate::azure::arm::refusal::claims;
use crate::azure::auth::{Token, Want};
use crate::azure::http::{Answer, Http, Request};
use crate::azure::webhdfs;
use crate::azure_identity::identities::Identities;
use crate::azure_identity::valid::{IdentityKey, Usable};
use crate::hub::gate::{Door, Gate};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Calls of one identity to one account that are under way together.
pub const UNDER_WAY: usize = 8;
/// Whoever finds that many under way waits so long for a place. A call does not take longer, unless it is one over a tree.
const QUEUE: Duration = Duration::from_secs(30);
/// When somebody who got no place comes back.
const SOON: Duration = Duration::from_secs(1);
/// Accounts that are not asked any more are forgotten when there are so many.
const MOST: usize = 4096;

/// The client. Cloning shares it.
#[derive(Clone)]
pub struct Lakes(Arc<Inner>);

type Lanes = HashMap<(LakeUri, IdentityKey), Arc<Semaphore>>;

struct Inner {
    identities: Arc<Identities>,
    http: Http,
    under_way: usize,
    gates: Mutex<HashMap<LakeUri, Gate>>,
    lanes: Mutex<Lanes>,
}

/// What one exchange needs to know besides its request.
pub(in crate::azure) struct Errand<'a> {
    /// Who asks.
    pub(in crate::azure) identity: &'a Usable,
    /// Its name in metrics.
    pub(in crate::azure) operation: &'static str,
    /// Which account is asked.
    pub(in crate::azure) account: &'a LakeUri,
    /// The token that it takes.
    pub(in crate::azure) want: Want,
}

/// Whether a problem is our own restraint, and no answer of Azure: nothing was asked, and nothing has changed.
pub fn spared(problem: &Problem) -> bool {
    problem.reason == Reason::Throttled && problem.http_status.is_none()
}

impl Lakes {
    /// A client with the tokens of `identities`.
    pub fn new(identities: Arc<Identities>, http: Http) -> Self {
        Self::with_bound(identities, http, UNDER_WAY)
    }

    /// The same, with so many calls under way together, of one identity to one account.
    pub fn with_bound(identities: Arc<Identities>, http: Http, under_way: usize) -> Self {
        Self(Arc::new(Inner {
            identities,
            http,
            under_way: under_way.max(1),
            gates: Mutex::default(),
            lanes: Mutex::default(),
        }))
    }

    /// Makes a call.
    pub async fn call(&self, identity: &Usable, call: &Call) -> Result<Answer, Problem> {
        let profile = &identity.profile;
        super::in_cloud(profile, &call.place.lake.uri)?;
        let errand = Errand {
            identity,
            operation: call.operation,
            account: &call.place.lake.uri,
            want: Want::ours(storage(profile)?.audience.clone()),
        };
        let request = |token: &Token| super::request(profile, call, &token.value);
        let read = |answer: Answer| super::read(profile, call, answer, Timestamp::now());
        self.ask(&errand, request, read).await
    }

    /// Makes a call of the first generation. Where it is told to write or read elsewhere, it does that.
    pub async fn call_store(
        &self,
        identity: &Usable,
        call: &webhdfs::Call,
    ) -> Result<Answer, Problem> {
        let answer = self.once(identity, call).await?;
        match webhdfs::elsewhere(call, &answer)? {
            Some(next) => self.once(identity, &next).await,
            None => Ok(answer),
        }
    }

    async fn once(&self, identity: &Usable, call: &webhdfs::Call) -> Result<Answer, Problem> {
        let profile = &identity.profile;
        webhdfs::in_cloud(profile, &call.lake.uri)?;
        let errand = Errand {
            identity,
            operation: call.operation,
            account: &call.lake.uri,
            want: Want::ours(webhdfs::store(profile)?.audience.clone()),
        };
        let request = |token: &Token| webhdfs::request(profile, call, &token.value);
        let read = |answer: Answer| webhdfs::read(profile, call, answer, Timestamp::now());
        let answer = self.ask(&errand, request, read).await;
        answer.map_err(|problem| webhdfs::unreachable(call, problem))
    }

    /// Asks for a key that the identity signs with in the place of an account; times are as Azure writes them.
    pub async fn delegation_key(
        &self,
        identity: &Usable,
        lake: &Lake,
        span: (&str, &str),
    ) -> Result<DelegationKey, Problem> {
        let profile = &identity.profile;
        super::in_cloud(profile, &lake.uri)?;
        let errand = Errand {
            identity,
            operation: delegation::OPERATION,
            account: &lake.uri,
            want: Want::ours(storage(profile)?.audience.clone()),
        };
        let request = |token: &Token| delegation::request(profile, lake, span, &token.value);
        let read = |answer: Answer| delegation::check(profile, lake, answer, Timestamp::now());
        delegation::read(lake, &self.ask(&errand, request, read).await?)
    }

    /// One exchange; two where a token was refused, which may have been revoked or have outlived its key.
    pub(in crate::azure) async fn ask(
        &self,
        errand: &Errand<'_>,
        request: impl Fn(&Token) -> Result<Request, Problem>,
        read: impl Fn(Answer) -> Result<Answer, Problem>,
    ) -> Result<Answer, Problem> {
        let Errand { identity, want, .. } = errand;
        let identities = &self.0.identities;
        let token = identities.token(identity, want).await?;
        let _lane = self.lane(errand).await?;
        let (outcome, demanded) = self.exchange(errand, request(&token)?, &read).await?;
        let refused = |problem: &Problem| problem.reason == Reason::Unauthorized;
        if !outcome.as_ref().is_err_and(refused) {
            return outcome;
        }
        identities.refused(identity, want, &token.value, demanded);
        let renewed = identities.token(identity, want).await?;
        if renewed.value == token.value {
            return outcome;
        }
        self.exchange(errand, request(&renewed)?, &read).await?.0
    }

    /// Sends one request where the account may be asked, and tells its gate what came of it. An error means that nothing was sent.
    async fn exchange(
        &self,
        errand: &Errand<'_>,
        request: Request,
        read: impl Fn(Answer) -> Result<Answer, Problem>,
    ) -> Result<(Result<Answer, Problem>, Option<crate::azure::auth::Claims>), Problem> {
        self.pass(errand)?;
        let origin = errand.account.origin();
        let sent = self.0.http.send(errand.operation, origin, request).await;
        let demanded = sent.as_ref().ok().and_then(claims);
        let outcome = sent.and_then(&read);
        // The roots of a private cloud may have been replaced: the next call uses what is there then.
        let distrusts = |problem: &Problem| problem.reason == Reason::CertificateNotTrusted;
        if outcome.as_ref().is_err_and(distrusts) {
            self.0.identities.distrusted(errand.identity);
        }
        self.gate(errand.account, |gate| {
            gate.saw(outcome.as_ref().err(), Timestamp::now());
        });
        Ok((outcome, demanded))
    }

    /// Whether the account may be asked now.
    fn pass(&self, errand: &Errand<'_>) -> Result<(), Problem> {
        let now = Timestamp::now();
        let closed = self.gate(errand.account, |gate| match gate.door(now) {
            Door::Open => {
                gate.passed(now);
                None
            }
            // What is known of it is no answer to this call.
            Door::Shut(_, problem) => Some(Problem {
                http_status: None,
                azure_code: None,
                correlation_id: None,
                ..problem
            }),
            Door::Probed(_) => {
                let message = format!(
                    "{} is asked by one call first after a pause; others take their turn",
                    errand.account
                );
                Some(Problem::new(Reason::Throttled, Retry::After(SOON), message))
            }
        });
        closed.map_or(Ok(()), |problem| {
            self.0.http.metrics().azure_spared(errand.operation);
            Err(problem)
        })
    }

    fn gate<T>(&self, account: &LakeUri, with: impl FnOnce(&mut Gate) -> T) -> T {
        let mut gates = self.0.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= MOST && !gates.contains_key(account) {
            let now = Timestamp::now();
            gates.retain(|_, gate| gate.door(now) != Door::Open);
        }
        with(gates.entry(account.clone()).or_default())
    }

    /// A place among the calls under way.
    async fn lane(&self, errand: &Errand<'_>) -> Result<OwnedSemaphorePermit, Problem> {
        let key = (errand.account.clone(), errand.identity.valid.key.clone());
        let lane = {
            let mut lanes = self.lanes();
            if lanes.len() >= MOST {
                lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
            }
            let made = || Arc::new(Semaphore::new(self.0.under_way));
            Arc::clone(lanes.entry(key).or_insert_with(made))
        };
        let place = tokio::time::timeout(QUEUE, lane.acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or_else(|| {
            let message = format!(
                "{} calls to {} are under way and do not end; others take their turn after them",
                self.0.under_way, errand.account
            );
            self.0.http.metrics().azure_spared(errand.operation);
            Problem::new(Reason::Throttled, Retry::After(SOON), message)
        })
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
