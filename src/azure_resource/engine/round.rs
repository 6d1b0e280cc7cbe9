//! One round about one object: asks the plan what is next, and carries that out, until nothing is left or something stands in the
//! way.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use kube::ResourceExt;

use super::{Ctx, Eyes, Kind};
use crate::azure::arm::ApiVersions;
use crate::azure::arm::budget::Work;
use crate::azure_identity::valid::Usable;
use crate::azure_resource::api::{DriftPolicy, Mode};
use crate::azure_resource::note::{self, Polled};
use crate::azure_resource::owner::Owner;
use crate::azure_resource::planner::{Ending, Inputs, Keeps, Leaving, Next, Report, Sees, Write};
use crate::azure_resource::sight::Sight;
use crate::azure_resource::{DETACH, FINALIZER};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Reads and writes of one round, at most. A spec has a bounded number of things, each of which takes a few.
const MOST: usize = 1000;

/// A round.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own"
)]
pub struct Round<'a, K: Kind> {
    /// What is shared by all.
    pub ctx: &'a Ctx<K>,
    /// The spec.
    pub valid: &'a K::Valid,
    /// Syncs that name the resource, where the object is being deleted.
    pub leaving: Option<&'a [String]>,
    /// Whether roles and data plane are looked at, too.
    pub deep: bool,
    /// Whether it comes before its time: what is looked at by and by is not looked at now.
    pub early: bool,
    /// What is kept.
    pub record: K::Record,
    /// Whether nothing is written whatever the spec says: for plans.
    pub dry: bool,
    /// The object, as it was last read or written.
    pub object: Arc<K>,
    /// Whether the provider was found not to be registered.
    pub unregistered: bool,
    /// How many calls it takes.
    pub work: &'a Mutex<Work>,
}

/// What a round came to.
pub struct Came<K: Kind> {
    /// What the spec wants; none where that could not be said.
    pub wanted: Option<Wanted<K>>,
    /// What was seen.
    pub seen: K::Seen,
    /// What is kept.
    pub record: K::Record,
    /// What would be done.
    pub planned: Vec<String>,
    /// Whether the resource would be made.
    pub creates: bool,
    /// What was repaired: done although this spec was written as a whole before.
    pub repaired: Vec<String>,
    /// What stands in the way.
    pub problem: Option<Problem>,
    /// The object.
    pub object: Arc<K>,
    /// Whether the object was let go.
    pub gone: bool,
    now: Timestamp,
    valid: K::Valid,
}

/// What a spec wants, and for whom.
pub struct Wanted<K: Kind> {
    /// What.
    pub desired: K::Desired,
    /// For whom.
    pub owner: Owner,
}

impl<K: Kind> Came<K> {
    /// For the status.
    pub fn report(&self, leaving: bool, sync_at: Option<String>) -> Report<'_, K> {
        let inputs = self.wanted.as_ref().map(|wanted| Inputs {
            valid: &self.valid,
            desired: &wanted.desired,
            owner: &wanted.owner,
            record: &self.record,
            leaving: leaving.then_some(Leaving { syncs: &[] }),
            deep: true,
            now: self.now,
        });
        Report {
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

impl<K: Kind> Round<'_, K> {
    /// Runs it.
    pub async fn run(mut self, identity: &Usable) -> Result<Came<K>, Problem> {
        let wanted = match self.wanted(identity) {
            Ok(wanted) => wanted,
            Err(problem) => return Ok(self.came(None, K::Seen::default(), Some(problem))),
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
        let mut seen = K::Seen::default();
        *seen.unregistered() = self.unregistered;
        let mut sight = Sight::new(seen, Timestamp::now());
        for _ in 0..MOST {
            // The time of the round's beginning: no look is taken for later than a deadline that passes meanwhile.
            let inputs = self.inputs(&wanted, sight.began);
            let problem = match K::next(&inputs, &sight.seen) {
                Next::Rest => {
                    let problem = K::after(&mut self, &eyes, &mut sight).await?;
                    return Ok(self.end(wanted, sight, problem));
                }
                Next::Wait(problem) => Some(problem),
                Next::Poll => self.poll(&eyes, &mut sight).await.err(),
                Next::Look(look) => Self::look(&eyes, &look, &mut sight).await.err(),
                Next::Do(step) if step.lets_go() && self.dry => {
                    return Ok(self.end(wanted, sight, None));
                }
                Next::Do(step) if self.is_dry() => {
                    sight.assume(&inputs, &step);
                    None
                }
                Next::Do(step) if step.lets_go() => return self.forget().await,
                Next::Do(step) => self.act(&eyes, &wanted, &step, &mut sight).await?,
            };
            if problem.is_some() {
                return Ok(self.end(wanted, sight, problem));
            }
        }
        let message = "there was more to do than one round may; it goes on".to_owned();
        let problem = Problem::new(Reason::OperationUnderWay, Retry::Backoff, message);
        Ok(self.end(wanted, sight, Some(problem)))
    }

    async fn look(eyes: &Eyes<'_, K>, look: &K::Look, sight: &mut Sight<K>) -> Result<(), Problem> {
        if sight.imagines(look) {
            return Ok(());
        }
        K::look(eyes, look, sight.really()).await?;
        sight.looked(look);
        Ok(())
    }

    /// Asks how the operation under way stands; one that nobody tells of has ended.
    async fn poll(&mut self, eyes: &Eyes<'_, K>, sight: &mut Sight<K>) -> Result<(), Problem> {
        let noted = self.record.note().cloned();
        let stands = match noted.as_ref().and_then(|noted| noted.poll.as_ref()) {
            Some(poll) => eyes.poll(poll).await?,
            None => Polled::Ended,
        };
        self.record.set_note(note::polled(noted, &stands));
        *sight.seen.operation() = Some(stands);
        Ok(())
    }

    fn wanted(&self, identity: &Usable) -> Result<Wanted<K>, Problem> {
        let valid = self.valid;
        Ok(Wanted {
            desired: self.object.desired(valid, identity)?,
            owner: Owner {
                cluster: self.ctx.identities.cluster(),
                namespace: valid.namespace.clone(),
                name: valid.name.clone(),
                uid: valid.uid.clone(),
            },
        })
    }

    pub(super) fn inputs<'a>(&'a self, wanted: &'a Wanted<K>, now: Timestamp) -> Inputs<'a, K> {
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
    pub fn is_dry(&self) -> bool {
        let valid = self.valid;
        let applied = self.record.applied() == Some(valid.generation);
        let reports = valid.drift_policy == DriftPolicy::Report && applied;
        self.dry || self.leaving.is_none() && (valid.mode == Mode::Observe || reports)
    }

    /// Lets the object go: the finalizer is the last that is taken away.
    pub async fn forget(mut self) -> Result<Came<K>, Problem> {
        let others = self
            .object
            .finalizers()
            .iter()
            .filter(|one| *one != FINALIZER);
        let others: Vec<String> = others.cloned().collect();
        if others.len() != self.object.finalizers().len() {
            self.object = self.ctx.set_finalizers(&self.object, &others).await?;
        }
        let mut came = self.came(None, K::Seen::default(), None);
        came.gone = true;
        Ok(came)
    }

    /// Without an identity nothing is looked at.
    pub fn without_identity(self, problem: Problem) -> Came<K> {
        let problem = if self.leaving.is_some() {
            let message = format!(
                "{}. To let this object go without a word to Azure: kubectl annotate {} {} -n {} {DETACH}=true",
                problem.message,
                K::kind(&()).to_lowercase(),
                self.valid.name,
                self.valid.namespace,
            );
            Problem { message, ..problem }
        } else {
            problem
        };
        self.came(None, K::Seen::default(), Some(problem))
    }

    fn end(mut self, wanted: Wanted<K>, sight: Sight<K>, problem: Option<Problem>) -> Came<K> {
        let Sight {
            seen,
            real,
            planned,
            creates,
            did,
            began,
        } = sight;
        let seen = real.unwrap_or(seen);
        let inputs = self.inputs(&wanted, began);
        let repaired = self.record.applied() == Some(self.valid.generation);
        let ending = Ending {
            problem: problem.is_some(),
            dry: self.is_dry(),
        };
        let recorded = K::recorded(&inputs, &seen, ending);
        self.record = recorded;
        Came {
            planned,
            creates,
            repaired: did.into_iter().filter(|_| repaired).collect(),
            ..self.came(Some(wanted), seen, problem)
        }
    }

    fn came(self, wanted: Option<Wanted<K>>, seen: K::Seen, problem: Option<Problem>) -> Came<K> {
        Came {
            wanted,
            seen,
            record: self.record,
            planned: Vec::new(),
            creates: false,
            repaired: Vec::new(),
            problem,
            object: self.object,
            gone: false,
            now: Timestamp::now(),
            valid: self.valid.clone(),
        }
    }
}
