//! One round about one vault: asks the plan what is next, and carries that out, until nothing is left or something stands in
//! the way.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use tracing::info;

use super::api::KeyVault;
use super::ctx::Ctx;
use super::desired::{Capabilities, Desired};
use super::observe::Eyes;
use super::plan::{Inputs, Leaving, Look, Next, Plane, Polled, Record, Seen, Step, assume, next};
use super::status::{self, keep, recorded};
use super::valid::{Valid, desired};
use crate::azure::arm::ApiVersions;
use crate::azure::arm::client::spared;
use crate::azure_identity::valid::Usable;
use crate::azure_resource::FINALIZER;
use crate::azure_resource::api::{DriftPolicy, Mode, OperationStatus};
use crate::azure_resource::owner::Owner;
use crate::names::TenantId;
use crate::problem::{Problem, Reason};
use crate::retry::{Retry, after};

/// Reads and writes of one round, at most. A spec has a bounded number of things, each of which takes a few.
const MOST: usize = 1000;
/// Until then a write that was sent has taken effect or never will: longer than the client waits for an answer.
const DEADLINE: Duration = Duration::from_mins(1);

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
    /// The object, as it was last read or written.
    pub object: Arc<KeyVault>,
    /// Whether the provider was found not to be registered.
    pub unregistered: bool,
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
            Err(problem) => return Ok(self.came(None, Seen::default(), Vec::new(), Some(problem))),
        };
        let eyes = Eyes {
            ctx: self.ctx,
            valid: self.valid,
            desired: &wanted.desired,
            identity,
            owner: &wanted.owner,
            versions: ApiVersions::of(&identity.profile.cloud),
        };
        let mut seen = Seen {
            unregistered: self.unregistered,
            ..Seen::default()
        };
        let mut planned = Vec::new();
        // What was really seen, as soon as `seen` holds what is only assumed.
        let mut real: Option<Seen> = None;
        for _ in 0..MOST {
            let inputs = self.inputs(&wanted, Timestamp::now());
            match next(&inputs, &seen) {
                Next::Rest => {
                    return Ok(self.end(wanted, real.unwrap_or(seen), planned, None));
                }
                Next::Wait(problem) => {
                    if let Some(Polled::Failed(_)) = seen.operation {
                        self.record.operation = None;
                    }
                    return Ok(self.end(wanted, real.unwrap_or(seen), planned, Some(problem)));
                }
                Next::Look(look) if real.as_ref().is_some_and(is_absent) => {
                    imagine(&look, &mut seen);
                }
                Next::Look(look) => {
                    let poll = self.record.operation.as_ref();
                    let poll = poll.and_then(|operation| operation.poll.clone());
                    let into = real.as_mut().unwrap_or(&mut seen);
                    if let Err(problem) = eyes.look(&look, poll.as_ref(), into).await {
                        return Ok(self.end(wanted, real.unwrap_or(seen), planned, Some(problem)));
                    }
                    if let Some(real) = &real {
                        copy(&look, real, &mut seen);
                    }
                    if seen.operation == Some(Polled::Ended) {
                        self.record.operation = None;
                    }
                }
                Next::Do(step) if self.is_dry() => {
                    real.get_or_insert_with(|| seen.clone());
                    assume(&inputs, &step, &mut seen);
                    planned.push(step.to_string());
                }
                Next::Do(Step::Forget) => return self.forget().await,
                Next::Do(step) => {
                    self.prepare(&step).await?;
                    let inputs = self.inputs(&wanted, Timestamp::now());
                    let wrote = eyes.write(&inputs, &step, &mut seen).await;
                    if let Some(problem) = self.wrote(&step, wrote, &mut seen) {
                        return Ok(self.end(wanted, seen, planned, Some(problem)));
                    }
                }
            }
        }
        let message = "there was more to do than one round may; it goes on".to_owned();
        let problem = Problem::new(Reason::OperationUnderWay, Retry::Backoff, message);
        Ok(self.end(wanted, seen, planned, Some(problem)))
    }

    fn wanted(&self, identity: &Usable) -> Result<Wanted, Problem> {
        let versions = ApiVersions::of(&identity.profile.cloud);
        let cloud = Capabilities {
            rbac: versions.has_rbac,
            soft_delete: versions.has_soft_delete,
            network: versions.has_network_rules,
        };
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
        self.leaving.is_none() && (valid.mode == Mode::Observe || reports)
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
        let now = Timestamp::now();
        self.record.operation = Some(OperationStatus {
            step: word.to_owned(),
            generation: self.valid.generation,
            epoch: self.ctx.epoch.clone(),
            since: Time(now),
            deadline: Time(after(now, DEADLINE)),
            poll: None,
        });
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
        seen: &mut Seen,
    ) -> Option<Problem> {
        let noted = step.noted().is_some();
        match outcome {
            Ok(poll) => {
                info!(vault = %self.valid.name, namespace = %self.valid.namespace, %step, "Wrote");
                if let Some(operation) = self.record.operation.as_mut().filter(|_| noted) {
                    operation.poll.clone_from(&poll);
                    if poll.is_none() {
                        self.record.operation = None;
                    }
                }
                // What goes on is asked for at once, for whoever is quick.
                seen.operation = None;
                None
            }
            Err(problem) => {
                if noted && was_refused(&problem) {
                    self.record.operation = None;
                }
                let unregistered = problem.reason == Reason::ProviderNotRegistered;
                if unregistered && !seen.unregistered {
                    seen.unregistered = true;
                    return None;
                }
                Some(problem)
            }
        }
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
        let mut came = self.came(None, Seen::default(), Vec::new(), None);
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
        self.came(None, Seen::default(), Vec::new(), Some(problem))
    }

    fn end(
        mut self,
        wanted: Wanted,
        seen: Seen,
        planned: Vec<String>,
        problem: Option<Problem>,
    ) -> Came {
        let inputs = self.inputs(&wanted, Timestamp::now());
        let dry = self.is_dry();
        self.record = recorded(&inputs, &seen, (problem.is_some(), dry));
        self.came(Some(wanted), seen, planned, problem)
    }

    fn came(
        self,
        wanted: Option<Wanted>,
        seen: Seen,
        planned: Vec<String>,
        problem: Option<Problem>,
    ) -> Came {
        Came {
            wanted,
            seen,
            record: self.record,
            planned,
            problem,
            object: self.object,
            gone: false,
            now: Timestamp::now(),
            valid: self.valid.clone(),
        }
    }
}

/// Whether Azure, or our own budget, said no: then nothing was done. Without an answer, or after a 5xx, nobody knows.
fn was_refused(problem: &Problem) -> bool {
    let unknown = matches!(
        problem.reason,
        Reason::ConnectionFailed | Reason::TimedOut | Reason::MalformedAnswer
    );
    spared(problem)
        || match problem.http_status {
            Some(status) => (400..500).contains(&status) && status != 408,
            None => !unknown,
        }
}

/// Whether there really is no vault.
fn is_absent(real: &Seen) -> bool {
    matches!(real.vault, Some(None))
}

/// Adds what a look has really shown to what is assumed.
fn copy(look: &Look, real: &Seen, seen: &mut Seen) {
    match look {
        Look::DataPlane => seen.plane.clone_from(&real.plane),
        Look::RoleAssignments => seen.assignments.clone_from(&real.assignments),
        Look::Secret(_) => seen.secrets.clone_from(&real.secrets),
        Look::RoleDefinition(_) => seen.definitions.clone_from(&real.definitions),
        Look::Operation
        | Look::Vault
        | Look::Deleted
        | Look::DeletedElsewhere
        | Look::Group
        | Look::Name
        | Look::Provider => {}
    }
}

/// What a look would show, if what is planned were done.
fn imagine(look: &Look, seen: &mut Seen) {
    use super::plan::SecretSeen;
    match look {
        Look::DataPlane => seen.plane = Some(Plane::Answers),
        Look::RoleAssignments => seen.assignments = Some(Vec::new()),
        Look::Secret(name) => {
            seen.secrets.insert(name.clone(), SecretSeen::Absent);
        }
        Look::Name => seen.name = Some(Ok(())),
        Look::Deleted => seen.deleted = Some(None),
        Look::DeletedElsewhere => seen.deleted_elsewhere = Some(None),
        Look::Operation => seen.operation = Some(Polled::Ended),
        Look::Group => seen.group = Some(Some(super::plan::Group { deleting: false })),
        Look::Provider => {
            seen.provider = Some(crate::azure::arm::providers::Registration::Registered);
        }
        Look::RoleDefinition(name) => {
            seen.definitions
                .insert(name.clone(), Some(uuid::Uuid::nil()));
        }
        Look::Vault => seen.vault = Some(None),
    }
}
