//! One look at the objects of a sync, as a task of its own, with the changes that it may make.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tracing::info;

use super::api::{PushStep, PushedFrom};
use super::content::{Data, Material, material};
use super::plan::{self, Decision, Facts, Owner, Scene, Seen};
use super::status::{Job, Outcome};
use super::valid::{Push, name_of};
use super::{ALLOW_PUSH, Office};
use crate::azure::http::{Answer, Request};
use crate::azure::key_vault::write::{Stored, To};
use crate::azure::key_vault::{Kind, Object};
use crate::azure_identity::api::IdentityRef;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::valid::Usable;
use crate::hub::gate::{self, Gate};
use crate::hub::reader::Reader;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::vault_secret_sync::target::names;

/// Requests under way at once between one identity and one vault. Azure lets a vault make 300 versions in 10 s.
pub(super) const AT_ONCE: usize = 8;
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

/// The way to one vault for one identity.
pub(super) struct Door {
    reader: Reader,
    gate: Mutex<Gate>,
    permits: Semaphore,
}

impl Door {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            reader,
            gate: Mutex::default(),
            permits: Semaphore::new(AT_ONCE),
        }
    }

    fn gate<T>(&self, act: impl FnOnce(&mut Gate) -> T) -> T {
        act(&mut self.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A request, where the vault may be asked at all.
    async fn ask<T>(
        &self,
        operation: &'static str,
        request: impl Fn(&SecretValue) -> Result<Request, Problem>,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let _permit = self.permits.acquire().await;
        let now = Timestamp::now();
        if let gate::Door::Shut(_, problem) = self.gate(|gate| gate.door(now)) {
            return Err(problem);
        }
        self.gate(|gate| gate.passed(now));
        let outcome = self.reader.ask(operation, request, read).await;
        self.gate(|gate| gate.saw(outcome.as_ref().err(), Timestamp::now()));
        outcome
    }
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
struct Errand<'a> {
    office: &'a Office,
    party: &'a Party,
    job: &'a Job,
    door: Arc<Door>,
    to: To<'a>,
}

/// The Secret, and what is made of it.
type Source = (PushedFrom, Material);

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

    /// Whether the Secret is as it was when the recorded version was made of it, for this spec.
    fn knows_source(&self, push: &Push) -> bool {
        let record = self.job.record.as_ref();
        let Some(from) = record.and_then(|record| record.source.as_ref()) else {
            return false;
        };
        let named = (self.party.owner.namespace.clone(), push.secret.to_string());
        from.generation == self.party.generation
            && from.secret == named.1
            && self.office.seen_version(&named).as_ref() == Some(&from.resource_version)
    }

    /// The Secret with its value, where it consents.
    async fn source(&self, push: &Push) -> Result<Source, Problem> {
        let Owner {
            namespace,
            name,
            uid,
            ..
        } = &self.party.owner;
        let secret = push.secret.as_str();
        let read = self.office.kube.secret(namespace, secret).await?;
        let read = read.ok_or_else(|| {
            Problem::new(
                Reason::PushSourceNotFound,
                Retry::OnChange,
                format!(
                    "there is no Secret {namespace}/{secret}, which is to be pushed to {}. What the vault has stays",
                    push.object
                ),
            )
        })?;
        let data = Data::new(read.data.unwrap_or_default());
        let meta = read.metadata;
        let owned = meta
            .owner_references
            .iter()
            .flatten()
            .any(|owner| owner.controller == Some(true) && owner.uid == *uid);
        let allow = meta
            .annotations
            .as_ref()
            .and_then(|annotations| annotations.get(ALLOW_PUSH));
        if !owned && !names(allow).contains(name) {
            return Err(Problem::new(
                Reason::PushNotAllowed,
                Retry::OnChange,
                format!(
                    "Secret {namespace}/{secret} does not consent to be pushed by VaultSecretSync {name}. Mend: kubectl -n {namespace} annotate secret {secret} {ALLOW_PUSH}={name} (several names are separated by commas)"
                ),
            ));
        }
        let from = PushedFrom {
            secret: secret.to_owned(),
            uid: meta.uid.unwrap_or_default(),
            resource_version: meta.resource_version.unwrap_or_default(),
            generation: self.party.generation,
        };
        let named = (namespace.clone(), secret.to_owned());
        self.office.learn(&named, &from.resource_version);
        Ok((from, material(push, namespace, &data)?))
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
