//! One round about one vault: asks the plan what is next, and carries that out, until nothing is left or something stands in
//! the way.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use kube::ResourceExt;
use tracing::info;

use super::api::KeyVault;
use super::ctx::Ctx;
use super::desired::{Capabilities, Desired};
use super::observe::Eyes;
use super::plan::record::{self, Became, Outcome};
use super::plan::{Inputs, Leaving, Look, Next, Record, Seen, Step, next};
use super::recorded::{keep, recorded};
use super::sight::{Sight, copy, imagine, is_absent, is_untouched};
use super::status;
use super::valid::{Valid, desired};
use crate::azure::arm::budget::Work;
use crate::azure::arm::client::{Place, spared};
use crate::azure::arm::{ApiVersions, Call};
use crate::azure_identity::valid::Usable;
use crate::azure_resource::FINALIZER;
use crate::azure_resource::api::{DriftPolicy, Mode};
use crate::azure_resource::owner::Owner;
use crate::names::TenantId;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Reads and writes of one round, at most. A spec has a bounded number of things, each of which takes a few.
const MOST: usize = 1000;

/// A round.
pub struct Round<'a> {
    /// What is shared by all.
    pub ctx: &'a Ctx,
    /// The spec.
    pub valid: &'a Valid,
    /// Syncs that name the vault, where the object is being deleted.
    pub leaving: Option<&'a [String]>,
    /// Whether roles, data plane and secrets are looked at, too.
    pub deep: bool,
    /// What is kept.
    pub record: Record,
    /// Whether nothing is written whatever the spec says: for plans.
    pub dry: bool,
    /// The object, as it was last read or written.
    pub object: Arc<KeyVault>,
    /// Whether the provider was found not to be registered.
    pub unregistered: bool,
    /// How many calls it takes.
    pub work: &'a Mutex<Work>,
}

/// What a round came to.
pub struct Came {
    /// What the spec wants; none where that could not be said.
    pub wanted: Option<Wanted>,
    /// What was seen.
    pub seen: Seen,
    /// What is kept.
    pub record: Record,
    /// What would be done.
    pub planned: Vec<String>,
    /// What was repaired: done although this spec was written as a whole before.
    pub repaired: Vec<String>,
    /// What stands in the way.
    pub problem: Option<Problem>,
    /// The object.
    pub object: Arc<KeyVault>,
    /// Whether the object was let go.
    pub gone: bool,
    now: Timestamp,
    valid: Valid,
}

/// What a spec wants, and for whom.
pub struct Wanted {
    /// What.
    pub desired: Desired,
    /// For whom.
    pub owner: Owner,
}

impl Came {
    /// For the status.
    pub fn look(&self, leaving: bool, sync_at: Option<String>) -> status::Look<'_> {
        let inputs = self.wanted.as_ref().map(|wanted| Inputs {
            valid: &self.valid,
            desired: &wanted.desired,
            owner: &wanted.owner,
            record: &self.record,
            leaving: leaving.then_some(Leaving { syncs: &[] }),
            deep: true,
            now: self.now,
        });
        status::Look {
            inputs,
            seen: &self.seen,
            record: &self.record,
            planned: &self.planned,
            problem: self.problem.as_ref(),
            leaving,
            sync_at,
        }
    }
}

impl Round<'_> {
    /// Runs it.
    pub async fn run(mut self, identity: &Usable) -> Result<Came, Problem> {
        let wanted = match self.wanted(identity) {
            Ok(wanted) => wanted,
            Err(problem) => return Ok(self.came(None, Seen::default(), Some(problem))),
        };
        let eyes = Eyes {
            ctx: self.ctx,
            valid: self.valid,
            desired: &wanted.desired,
            identity,
            owner: &wanted.owner,
            versions: ApiVersions::of(&identity.profile.cloud),
            work: self.work,
        };
        let seen = Seen {
            unregistered: self.unregistered,
            ..Seen::default()
        };
        let mut sight = Sight::new(seen, Timestamp::now());
        for _ in 0..MOST {
            // The time of the round's beginning: no look is taken for later than a deadline that passes meanwhile.
            let inputs = self.inputs(&wanted, sight.began);
            match next(&inputs, &sight.seen) {
                Next::Rest => return Ok(self.end(wanted, sight, None)),
                Next::Wait(problem) => return Ok(self.end(wanted, sight, Some(problem))),
                Next::Look(look) => {
                    if let Err(problem) = self.look(&eyes, &look, &mut sight).await {
                        return Ok(self.end(wanted, sight, Some(problem)));
                    }
                }
                Next::Do(Step::Forget) if self.dry => return Ok(self.end(wanted, sight, None)),
                Next::Do(step) if self.is_dry() => sight.assume(&inputs, &step),
                Next::Do(Step::Forget) => return self.forget().await,
                Next::Do(step) => {
                    // Before the note: one that is made in vain costs two writes of the status.
                    let noted = match reserve(&eyes, &inputs, &step, &sight.seen).await {
                        Ok(noted) => noted,
                        Err(problem) => return Ok(self.end(wanted, sight, Some(problem))),
                    };
                    self.prepare(&step).await?;
                    let inputs = self.inputs(&wanted, Timestamp::now());
                    let seen = &mut sight.seen;
                    let wrote = match noted {
                        Some(noted) => eyes.write_noted(&step, noted, seen).await,
                        None => eyes.write(&inputs, &step, seen).await,
                    };
                    if let Some(problem) = self.wrote(&step, wrote, &mut sight) {
                        return Ok(self.end(wanted, sight, Some(problem)));
                    }
                }
            }
        }
        let message = "there was more to do than one round may; it goes on".to_owned();
        let problem = Problem::new(Reason::OperationUnderWay, Retry::Backoff, message);
        Ok(self.end(wanted, sight, Some(problem)))
    }

    async fn look(
        &mut self,
        eyes: &Eyes<'_>,
        look: &Look,
        sight: &mut Sight,
    ) -> Result<(), Problem> {
        let real = sight.real.as_ref().filter(|real| is_absent(real));
        if real.is_some_and(|real| !is_untouched(look, real)) {
            imagine(look, &mut sight.seen);
            return Ok(());
        }
        let poll = self.record.operation.as_ref();
        let poll = poll.and_then(|operation| operation.poll.clone());
        let into = sight.real.as_mut().unwrap_or(&mut sight.seen);
        eyes.look(look, poll.as_ref(), into).await?;
        if let Some(real) = &sight.real {
            copy(look, real, &mut sight.seen);
        }
        let stands = sight.seen.operation.as_ref();
        if let Some(stands) = stands.filter(|_| *look == Look::Operation) {
            self.record = record::polled(&self.record, stands);
        }
        Ok(())
    }

    fn wanted(&self, identity: &Usable) -> Result<Wanted, Problem> {
        let versions = ApiVersions::of(&identity.profile.cloud);
        let cloud = Capabilities::of(versions);
        let tenant = identity.profile.tenant.as_ref().map(TenantId::as_str);
        let valid = self.valid;
        Ok(Wanted {
            desired: desired(&self.object.spec, valid, tenant, cloud)?,
            owner: Owner {
                cluster: self.ctx.identities.cluster(),
                namespace: valid.namespace.clone(),
                name: valid.name.clone(),
                uid: valid.uid.clone(),
            },
        })
    }

    fn inputs<'a>(&'a self, wanted: &'a Wanted, now: Timestamp) -> Inputs<'a> {
        Inputs {
            valid: self.valid,
            desired: &wanted.desired,
            owner: &wanted.owner,
            record: &self.record,
            leaving: self.leaving.map(|syncs| Leaving { syncs }),
            deep: self.deep,
            now,
        }
    }

    /// Whether nothing is written, but only said: in mode Observe, and about drift where it is only reported.
    fn is_dry(&self) -> bool {
        let valid = self.valid;
        let applied = self.record.applied == Some(valid.generation);
        let reports = valid.drift_policy == DriftPolicy::Report && applied;
        self.dry || self.leaving.is_none() && (valid.mode == Mode::Observe || reports)
    }

    /// What goes ahead of a write: the finalizer; for what destroys, a look at our own object as it is now; and the note of it.
    async fn prepare(&mut self, step: &Step) -> Result<(), Problem> {
        if !self.object.finalizers().iter().any(|one| one == FINALIZER) {
            let mut finalizers = self.object.finalizers().to_vec();
            finalizers.push(FINALIZER.to_owned());
            self.object = self.ctx.set_finalizers(&self.object, &finalizers).await?;
        }
        if step.destroys() {
            self.is_still_so().await?;
        }
        let Some(word) = step.noted() else {
            return Ok(());
        };
        let (generation, epoch) = (self.valid.generation, &self.ctx.epoch);
        let noted = record::begun(word, generation, epoch, Timestamp::now());
        self.record = record::noted(&self.record, noted);
        let mut updated = self.object.as_ref().clone();
        let mut status = updated.status.take().unwrap_or_default();
        keep(&mut status, &self.record);
        updated.status = Some(status);
        self.object = self.ctx.write_status(&updated).await?;
        Ok(())
    }

    /// Before something is destroyed the object is read from the API server itself: a cache may be behind.
    async fn is_still_so(&mut self) -> Result<(), Problem> {
        let live = self.ctx.live(&self.object).await?;
        let known = &self.object.metadata;
        let same = live.as_ref().is_some_and(|live| {
            live.metadata.uid == known.uid
                && live.metadata.generation == known.generation
                && live.metadata.deletion_timestamp.is_some() == self.leaving.is_some()
        });
        if same {
            return Ok(());
        }
        let message = format!(
            "KeyVault {} is not what it was when its vault was to be destroyed",
            self.valid.name
        );
        Err(Problem::new(Reason::Conflict, Retry::Backoff, message))
    }

    /// What came of a write; a problem ends the round.
    fn wrote(
        &mut self,
        step: &Step,
        outcome: Result<Option<crate::azure::arm::Poll>, Problem>,
        sight: &mut Sight,
    ) -> Option<Problem> {
        let came_to = match &outcome {
            Ok(None) => Outcome::Done,
            Ok(Some(poll)) => Outcome::Accepted(poll.clone()),
            Err(problem) if was_not_sent(problem) => Outcome::Refused,
            Err(problem) => Outcome::of(problem),
        };
        if step.noted().is_some() {
            self.record = record::came_to(&self.record, &came_to);
            self.remember();
        }
        let Err(problem) = outcome else {
            info!(vault = %self.valid.name, namespace = %self.valid.namespace, %step, "Wrote");
            sight.did.push(step.to_string());
            // What goes on is asked for at once, for whoever is quick.
            sight.seen.operation = None;
            return None;
        };
        if problem.reason == Reason::ProviderNotRegistered && !sight.seen.unregistered {
            sight.seen.unregistered = true;
            return None;
        }
        Some(problem)
    }

    /// The next write of the status may meet somebody else's: what the answer has told is not forgotten with it.
    fn remember(&self) {
        let status = self.object.status.as_ref();
        let note = status.and_then(|status| status.resource.operation.clone());
        let became = note.map(|note| Became {
            note,
            operation: self.record.operation.clone(),
        });
        let mut memory = self.ctx.recall(&self.valid.uid);
        memory.became = became;
        self.ctx.remember(&self.valid.uid, memory);
    }

    /// Lets the object go: the finalizer is the last that is taken away.
    pub async fn forget(mut self) -> Result<Came, Problem> {
        let others = self
            .object
            .finalizers()
            .iter()
            .filter(|one| *one != FINALIZER);
        let others: Vec<String> = others.cloned().collect();
        if others.len() != self.object.finalizers().len() {
            self.object = self.ctx.set_finalizers(&self.object, &others).await?;
        }
        let mut came = self.came(None, Seen::default(), None);
        came.gone = true;
        Ok(came)
    }

    /// Without an identity nothing is looked at.
    pub fn without_identity(self, problem: Problem) -> Came {
        let problem = if self.leaving.is_some() {
            let message = format!(
                "{}. To let this object go without a word to Azure: kubectl annotate keyvault {} -n {} {}=true",
                problem.message,
                self.valid.name,
                self.valid.namespace,
                crate::azure_resource::DETACH
            );
            Problem { message, ..problem }
        } else {
            problem
        };
        self.came(None, Seen::default(), Some(problem))
    }

    fn end(mut self, wanted: Wanted, sight: Sight, problem: Option<Problem>) -> Came {
        let Sight {
            seen,
            real,
            planned,
            did,
            began,
        } = sight;
        let seen = real.unwrap_or(seen);
        let inputs = self.inputs(&wanted, began);
        let repaired = self.record.applied == Some(self.valid.generation);
        let recorded = recorded(&inputs, &seen, (problem.is_some(), self.is_dry()));
        self.record = recorded;
        Came {
            planned,
            repaired: did.into_iter().filter(|_| repaired).collect(),
            ..self.came(Some(wanted), seen, problem)
        }
    }

    fn came(self, wanted: Option<Wanted>, seen: Seen, problem: Option<Problem>) -> Came {
        Came {
            wanted,
            seen,
            record: self.record,
            planned: Vec::new(),
            repaired: Vec::new(),
            problem,
            object: self.object,
            gone: false,
            now: Timestamp::now(),
            valid: self.valid.clone(),
        }
    }
}

/// The call of a step that is noted before it is made, with a place for it.
async fn reserve(
    eyes: &Eyes<'_>,
    inputs: &Inputs<'_>,
    step: &Step,
    seen: &Seen,
) -> Result<Option<(Place, Call)>, Problem> {
    match eyes.noted(inputs, step, seen) {
        Some(call) => Ok(Some((eyes.reserve(&call).await?, call))),
        None => Ok(None),
    }
}

/// Whether a write never left us: our own budget spared it, or there was no token for it.
fn was_not_sent(problem: &Problem) -> bool {
    let broken = matches!(
        problem.reason,
        Reason::ConnectionFailed | Reason::TimedOut | Reason::MalformedAnswer
    );
    spared(problem) || problem.http_status.is_none() && !broken
}
