//! The reads that a round needs: of Resource Manager, and of the vault's own data plane.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::ctx::Ctx;
use super::desired::Desired;
use super::plan::{Group, Look, Plane, Polled, SecretSeen, Seen};
use super::valid::Valid;
use crate::azure::arm::budget::{Kind as CallKind, Work};
use crate::azure::arm::client::{Place, Who, spared};
use crate::azure::arm::roles::{self, Assignment};
use crate::azure::arm::{
    self, ApiVersions, Call, GroupId, Namespace, Poll, Reply, Scope, groups, providers, vaults,
};
use crate::azure::http::{Answer, Request};
use crate::azure::key_vault::write::To;
use crate::azure::key_vault::{self, Kind, Object};
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::valid::Usable;
use crate::azure_resource::owner::{Claim, Owner};
use crate::hub::reader::Reader;
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// The resource provider of vaults.
pub const PROVIDER: &str = "Microsoft.KeyVault";
/// Pages of a list that are read at most.
const MOST_PAGES: usize = 40;

/// The way to Azure for one object.
pub struct Eyes<'a> {
    /// What is shared by all.
    pub ctx: &'a Ctx,
    /// The spec.
    pub valid: &'a Valid,
    /// What it wants of the vault.
    pub desired: &'a Desired,
    /// The identity.
    pub identity: &'a Usable,
    /// Whose the vault is to be.
    pub owner: &'a Owner,
    /// The versions that its cloud speaks.
    pub versions: &'static ApiVersions,
    /// The calls of Resource Manager in this round.
    pub work: &'a Mutex<Work>,
}

impl Eyes<'_> {
    /// One call of Resource Manager.
    pub async fn call(&self, call: &Call) -> Result<Reply, Problem> {
        self.call_in(None, call).await
    }

    /// One call, in the place that was taken for it.
    pub async fn call_in(&self, place: Option<Place>, call: &Call) -> Result<Reply, Problem> {
        let kind = CallKind::of(&call.method);
        let (paid, who) = (place.is_some(), self.who(kind));
        let reply = self.ctx.arm.call_in(place, self.identity, who, call).await;
        if !paid {
            self.came_to(kind, &reply);
        }
        reply
    }

    /// Takes a place for a call.
    pub async fn reserve(&self, call: &Call) -> Result<Place, Problem> {
        let kind = CallKind::of(&call.method);
        let place = self.ctx.arm.reserve(self.identity, self.who(kind), call);
        let place = place.await;
        self.came_to(kind, &place);
        place
    }

    fn who(&self, kind: CallKind) -> Who<'_> {
        Who {
            uid: &self.valid.uid,
            calls: self.work().left(kind),
        }
    }

    fn came_to<T>(&self, kind: CallKind, outcome: &Result<T, Problem>) {
        let refused = outcome.as_ref().is_err_and(spared);
        self.work().came_to(kind, !refused);
    }

    /// The calls of this round.
    pub fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what is asked for, and adds it to what was seen.
    pub async fn look(
        &self,
        look: &Look,
        operation: Option<&Poll>,
        seen: &mut Seen,
    ) -> Result<(), Problem> {
        let (versions, id) = (self.versions, &self.valid.id);
        match look {
            Look::Operation => seen.operation = self.poll(operation).await?,
            Look::Vault => {
                let reply = self.call(&vaults::get(versions, id)).await;
                let found = arm::absent(reply, vaults::ABSENT)?;
                seen.vault = Some(found.as_ref().map(vaults::read).transpose()?);
            }
            Look::Deleted => {
                let call = vaults::deleted(versions, id, &self.valid.location);
                let found = arm::absent(self.call(&call).await, vaults::NOT_DELETED)?;
                seen.deleted = Some(found.as_ref().map(vaults::read_deleted).transpose()?);
            }
            Look::DeletedElsewhere => {
                let call = vaults::all_deleted(versions, &self.valid.subscription);
                let read = |reply: &Reply| vaults::find_deleted(reply, id.name());
                let found = self.pages(call, read).await?;
                seen.deleted_elsewhere = Some(found.into_iter().flatten().next());
            }
            Look::Group => {
                let found = self.call(&groups::get(versions, &self.group())).await;
                let found = arm::absent(found, &["ResourceGroupNotFound"])?;
                let group = found.as_ref().map(groups::read).transpose()?;
                seen.group = Some(group.map(|group| Group {
                    deleting: group.deleting,
                }));
            }
            Look::Name => {
                let reply = self.call(&vaults::check_name(versions, id)).await?;
                seen.name = Some(vaults::read_name(&reply)?);
            }
            Look::Provider => {
                let call = providers::get(versions, &self.valid.subscription, &provider()?);
                seen.provider = Some(providers::read(&self.call(&call).await?)?);
            }
            Look::RoleDefinition(name) => {
                let call = roles::find(versions, &self.scope(), name);
                let found = roles::found(&self.call(&call).await?, name);
                seen.definitions.insert(name.clone(), found);
            }
            Look::RoleAssignments => {
                let call = roles::list(versions, &self.scope());
                let all: Vec<Vec<Assignment>> = self.pages(call, roles::read_page).await?;
                seen.assignments = Some(all.into_iter().flatten().collect());
            }
            Look::DataPlane => seen.plane = Some(self.plane(seen).await?),
            Look::Secret(name) => {
                let secret = self.secret(name, seen).await?;
                seen.secrets.insert(name.clone(), secret);
            }
        }
        Ok(())
    }

    /// All pages of a list.
    async fn pages<T>(
        &self,
        first: Call,
        read: impl Fn(&Reply) -> Result<T, Problem>,
    ) -> Result<Vec<T>, Problem> {
        let (mut all, mut next) = (Vec::new(), Some(first));
        while let Some(call) = next.take().filter(|_| all.len() < MOST_PAGES) {
            let reply = self.call(&call).await?;
            all.push(read(&reply)?);
            next = arm::next(&self.identity.profile, &call, &reply)?;
        }
        Ok(all)
    }

    /// The group of the vault.
    pub fn group(&self) -> GroupId {
        GroupId::new(self.valid.subscription.clone(), self.valid.group.clone())
    }

    /// The vault as a scope of roles.
    pub fn scope(&self) -> Scope {
        Scope::Resource(self.valid.id.clone())
    }

    async fn poll(&self, operation: Option<&Poll>) -> Result<Option<Polled>, Problem> {
        let Some(poll) = operation else {
            return Ok(Some(Polled::Ended));
        };
        let subject = vaults::get(self.versions, &self.valid.id).subject();
        let arm = &self.ctx.arm;
        let who = self.who(CallKind::Reads);
        let stands = arm.poll(self.identity, who, &subject, poll).await;
        self.came_to(CallKind::Reads, &stands);
        Ok(Some(match stands? {
            arm::Polled::Running { retry_after } => Polled::Running(retry_after),
            arm::Polled::Succeeded(_) | arm::Polled::Lost => Polled::Ended,
            arm::Polled::Failed(problem) => Polled::Failed(problem),
        }))
    }

    /// The vault's data plane, by what Resource Manager says of it.
    pub fn uri(&self, seen: &Seen) -> Result<VaultUri, Problem> {
        let told = seen
            .vault
            .iter()
            .flatten()
            .find_map(|vault| vault.uri.clone());
        let told = told.unwrap_or_default();
        let uri: VaultUri = told.parse().map_err(|error| {
            let message = format!(
                "Resource Manager does not tell where the objects of vault {:?} are: {error}",
                self.valid.azure_name.as_str()
            );
            Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
        })?;
        grant::vault_in_cloud(self.identity, &uri)?;
        Ok(uri)
    }

    /// One call of the vault's data plane, where the identity is lent for it.
    pub async fn ask<T>(
        &self,
        uri: &VaultUri,
        operation: &'static str,
        request: impl Fn(&SecretValue) -> Result<Request, Problem>,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let namespace = &self.valid.namespace;
        let labels = self.ctx.identities.namespace_labels(namespace);
        let borrower = Borrower {
            namespace,
            labels: &labels,
        };
        grant::allows_vault(&self.identity.valid, borrower, uri)?;
        let identities = Arc::clone(&self.ctx.identities);
        let http = self.ctx.http.clone();
        let reader = Reader::new(identities, http, self.identity.clone(), uri.clone());
        reader.ask(operation, request, read).await
    }

    async fn plane(&self, seen: &Seen) -> Result<Plane, Problem> {
        let uri = self.uri(seen)?;
        let profile = &self.identity.profile;
        let request =
            |token: &SecretValue| key_vault::list(profile, &uri, Kind::Secret, None, token);
        let read = |answer: &Answer| {
            key_vault::read_page(profile, &uri, Kind::Secret, answer, Timestamp::now())
        };
        let Err(problem) = self.ask(&uri, "ListSecrets", request, read).await else {
            return Ok(Plane::Answers);
        };
        if problem.reason == Reason::HostNotFound {
            let message = format!(
                "the name of {uri} is not in DNS yet, which takes up to some minutes after a vault is created"
            );
            return Ok(Plane::NoAddress(Problem { message, ..problem }));
        }
        if matches!(
            problem.reason,
            Reason::Forbidden | Reason::IdentityNotAllowed
        ) {
            return Ok(Plane::NoRole(problem));
        }
        // What is wrong with a token says nothing of the vault.
        if problem.http_status.is_none() && !is_of_network(problem.reason) {
            return Err(problem);
        }
        Ok(Plane::ShutOut(problem))
    }

    async fn secret(&self, name: &str, seen: &Seen) -> Result<SecretSeen, Problem> {
        let uri = self.uri(seen)?;
        let object = secret(name)?;
        let to = To {
            profile: &self.identity.profile,
            vault: &uri,
            object: &object,
        };
        let stored = self.ask(
            &uri,
            "GetSecret",
            |token| to.look(token),
            |answer| to.read(answer, Timestamp::now()),
        );
        if let Some(stored) = stored.await? {
            let claim = self.owner.claim(&stored.tags);
            return Ok(SecretSeen::Present {
                version: stored.version.to_string(),
                created: stored.created,
                ours: matches!(claim, Claim::Ours | Claim::Predecessor),
            });
        }
        if !to.keeps_deleted() {
            return Ok(SecretSeen::Absent);
        }
        let deleted = self.ask(
            &uri,
            "GetDeletedSecret",
            |token| to.look_deleted(token),
            |answer| to.read_deleted(answer, Timestamp::now()),
        );
        Ok(match deleted.await? {
            Some(_) => SecretSeen::Deleted,
            None => SecretSeen::Absent,
        })
    }
}

fn is_of_network(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ConnectionFailed | Reason::TimedOut | Reason::CertificateNotTrusted
    )
}

/// The provider's namespace.
pub fn provider() -> Result<Namespace, Problem> {
    let parsed = PROVIDER.parse();
    parsed.map_err(|error| Problem::new(Reason::InvalidSpec, Retry::OnChange, format!("{error}")))
}

/// A secret of the vault.
pub fn secret(name: &str) -> Result<Object, Problem> {
    let name = name.parse().map_err(|error| {
        let message = format!("spec.secrets: {error}");
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    })?;
    Ok(Object {
        kind: Kind::Secret,
        name,
        version: None,
    })
}
