//! One look at the objects of a sync, as a task of its own, with the changes that it may make.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tracing::info;

use super::Office;
use super::api::PushStep;
use super::door::Door;
use super::plan::{self, Decision, Facts, Scene, Seen};
use super::source::Source;
use super::status::{Job, Outcome};
use super::valid::{Push, name_of};
use crate::azure::key_vault::write::{Stored, To};
use crate::azure::key_vault::{Kind, Object};
use crate::azure_identity::api::IdentityRef;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::valid::Usable;
use crate::azure_resource::owner::Owner;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Whatever happens with one object, it has ended by then: look, source, change, each with another token.
const DEADLINE: Duration = Duration::from_secs(90);

/// Everything about the sync that a round needs.
#[derive(Debug, Clone)]
pub(super) struct Party {
    /// Who pushes.
    pub owner: Owner,
    /// The identity that it names.
    pub identity: Option<IdentityRef>,
    /// The generation of its spec.
    pub generation: i64,
}

/// Looks at each object, and makes the change that its job permits.
pub(super) async fn run(office: &Office, party: &Party, jobs: &[Job]) -> Vec<Outcome> {
    let namespace = &party.owner.namespace;
    let resolved = office
        .identities
        .resolve(namespace, party.identity.as_ref())
        .await;
    let identity = match resolved {
        Ok(identity) => identity,
        Err(problem) => return vec![Outcome::Failed(problem); jobs.len()],
    };
    let each = jobs.iter().map(async |job| {
        let work = one(office, party, &identity, job);
        let outcome = tokio::time::timeout(DEADLINE, work).await;
        outcome
            .unwrap_or_else(|_| Err(late(job)))
            .unwrap_or_else(Outcome::Failed)
    });
    join_all(each).await
}

fn late(job: &Job) -> Problem {
    let message = format!(
        "{} in {} was not dealt with in time; it is tried again",
        job.object, job.vault
    );
    Problem::new(Reason::TimedOut, Retry::Backoff, message)
}

/// What is not lent is refused before any call.
fn lent(office: &Office, party: &Party, identity: &Usable, job: &Job) -> Result<(), Problem> {
    let namespace = &party.owner.namespace;
    let labels = office.identities.namespace_labels(namespace);
    let borrower = Borrower {
        namespace,
        labels: &labels,
    };
    grant::allows_vault(&identity.valid, borrower, &job.vault)?;
    grant::vault_in_cloud(identity, &job.vault)?;
    grant::allows_push(&identity.valid, borrower, &job.vault, &job.object)
}

async fn one(
    office: &Office,
    party: &Party,
    identity: &Usable,
    job: &Job,
) -> Result<Outcome, Problem> {
    lent(office, party, identity, job)?;
    let errand = Errand {
        office,
        party,
        job,
        door: office.door(identity, &job.vault),
        to: To {
            profile: &identity.profile,
            vault: &job.vault,
            object: &job.object,
        },
    };
    match &job.push {
        Some(push) => errand.push(push).await,
        None => errand.withdraw().await,
    }
}

/// One object, and the way to it.
pub(super) struct Errand<'a> {
    pub(super) office: &'a Office,
    pub(super) party: &'a Party,
    pub(super) job: &'a Job,
    door: Arc<Door>,
    to: To<'a>,
}

impl Errand<'_> {
    async fn push(&self, push: &Push) -> Result<Outcome, Problem> {
        let mut source = None;
        if !self.knows_source(push) {
            source = Some(self.source(push).await?);
        }
        let stored = self.look().await?;
        let recorded = self
            .job
            .record
            .as_ref()
            .and_then(|record| record.version.as_deref());
        let as_left = |stored: &Stored| Some(stored.version.as_str()) == recorded;
        if source.is_none() && !stored.as_ref().is_some_and(as_left) {
            source = Some(self.source(push).await?);
        }
        let same = |stored: &Stored| {
            let made = source.as_ref();
            made.is_none_or(|(_, material)| material.is(&stored.content))
        };
        let seen = match &stored {
            Some(stored) => Seen::Present(facts(stored, same(stored))),
            None => self.look_deleted().await?,
        };
        drop(stored);
        match plan::wanted(push, self.scene(&seen)) {
            Decision::Refuse(problem) => Err(problem),
            Decision::Rest => Ok(match seen {
                Seen::Present(facts) => Outcome::Same(facts.version, source.map(|(from, _)| from)),
                Seen::Absent | Seen::Deleted(_) => Outcome::Gone,
            }),
            Decision::Do(step) if self.job.permit != Some(step) => Ok(Outcome::Needs(step)),
            Decision::Do(step) => self.carry_out(push, step, &seen, source).await,
        }
    }

    async fn carry_out(
        &self,
        push: &Push,
        step: PushStep,
        seen: &Seen,
        source: Option<Source>,
    ) -> Result<Outcome, Problem> {
        let party = self.party;
        let (from, material) = match source {
            Some(source) => source,
            None => self.source(push).await?,
        };
        let outcome = match (step, seen) {
            (PushStep::Recover, _) => {
                self.recover().await?;
                Outcome::Recovers
            }
            (PushStep::Update, Seen::Present(facts)) => {
                let version = self.update(push, facts).await?;
                Outcome::Wrote(step, version, from)
            }
            (PushStep::Set | PushStep::Update | PushStep::Delete, _) => {
                let shape = plan::shape(push, &party.owner, Timestamp::now());
                let version = self
                    .door
                    .ask(
                        operation(self.job.object.kind, PushStep::Set),
                        |token| self.to.put(&material.content, &shape, token),
                        |answer| self.to.read_written(answer, Timestamp::now()),
                    )
                    .await?;
                Outcome::Wrote(step, version.to_string(), from)
            }
        };
        info!(sync = %party.owner.name, namespace = %party.owner.namespace, object = %name_of(&self.job.object), vault = %self.job.vault, ?step, "Pushed");
        Ok(outcome)
    }

    async fn update(&self, push: &Push, facts: &Facts) -> Result<String, Problem> {
        let object = Object {
            version: facts.version.parse().ok(),
            ..self.job.object.clone()
        };
        let to = To {
            object: &object,
            ..self.to
        };
        let made = facts.created.unwrap_or_else(Timestamp::now);
        let shape = plan::shape(push, &self.party.owner, made);
        let version = self.door.ask(
            operation(object.kind, PushStep::Update),
            |token| to.update(&shape, token),
            |answer| to.read_written(answer, Timestamp::now()),
        );
        Ok(version.await?.to_string())
    }

    async fn recover(&self) -> Result<(), Problem> {
        self.door
            .ask(
                operation(self.job.object.kind, PushStep::Recover),
                |token| self.to.recover(token),
                |answer| self.to.read_recovered(answer, Timestamp::now()),
            )
            .await
    }

    /// Deletes what is not pushed any more, where it still is this sync's.
    async fn withdraw(&self) -> Result<Outcome, Problem> {
        let seen = match self.look().await? {
            Some(stored) => Seen::Present(facts(&stored, false)),
            None => Seen::Absent,
        };
        match plan::unwanted(self.scene(&seen)) {
            Decision::Refuse(problem) => Err(problem),
            Decision::Rest => Ok(Outcome::Gone),
            Decision::Do(step) if self.job.permit != Some(step) => Ok(Outcome::Needs(step)),
            Decision::Do(step) => {
                self.door
                    .ask(
                        operation(self.job.object.kind, step),
                        |token| self.to.delete(token),
                        |answer| self.to.read_gone(answer, Timestamp::now()),
                    )
                    .await?;
                let owner = &self.party.owner;
                info!(sync = %owner.name, namespace = %owner.namespace, object = %name_of(&self.job.object), vault = %self.job.vault, "Deleted from the vault");
                Ok(Outcome::Gone)
            }
        }
    }

    fn scene<'a>(&'a self, seen: &'a Seen) -> Scene<'a> {
        Scene {
            vault: &self.job.vault,
            owner: &self.party.owner,
            record: self.job.record.as_ref(),
            seen,
            now: Timestamp::now(),
        }
    }

    async fn look(&self) -> Result<Option<Stored>, Problem> {
        let operation = match self.job.object.kind {
            Kind::Secret | Kind::Key => "GetSecret",
            Kind::Certificate => "GetCertificate",
        };
        self.door
            .ask(
                operation,
                |token| self.to.look(token),
                |answer| self.to.read(answer, Timestamp::now()),
            )
            .await
    }

    async fn look_deleted(&self) -> Result<Seen, Problem> {
        if !self.to.keeps_deleted() {
            return Ok(Seen::Absent);
        }
        let operation = match self.job.object.kind {
            Kind::Secret | Kind::Key => "GetDeletedSecret",
            Kind::Certificate => "GetDeletedCertificate",
        };
        let tags = self.door.ask(
            operation,
            |token| self.to.look_deleted(token),
            |answer| self.to.read_deleted(answer, Timestamp::now()),
        );
        Ok(tags.await?.map_or(Seen::Absent, Seen::Deleted))
    }
}

fn facts(stored: &Stored, same: bool) -> Facts {
    Facts {
        version: stored.version.to_string(),
        tags: stored.tags.clone(),
        content_type: stored.content_type.clone(),
        expires: stored.expires,
        created: stored.created,
        managed: stored.managed,
        same,
    }
}

/// The names of operations, in metrics.
fn operation(kind: Kind, step: PushStep) -> &'static str {
    match (kind, step) {
        (Kind::Secret | Kind::Key, PushStep::Set) => "SetSecret",
        (Kind::Secret | Kind::Key, PushStep::Update) => "UpdateSecret",
        (Kind::Secret | Kind::Key, PushStep::Recover) => "RecoverDeletedSecret",
        (Kind::Secret | Kind::Key, PushStep::Delete) => "DeleteSecret",
        (Kind::Certificate, PushStep::Set) => "ImportCertificate",
        (Kind::Certificate, PushStep::Update) => "UpdateCertificate",
        (Kind::Certificate, PushStep::Recover) => "RecoverDeletedCertificate",
        (Kind::Certificate, PushStep::Delete) => "DeleteCertificate",
    }
}
