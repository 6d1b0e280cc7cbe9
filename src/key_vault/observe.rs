//! The reads that a round needs: of Resource Manager, and of the vault's own data plane.

use std::sync::Arc;

use jiff::Timestamp;

use super::api::KeyVault;
use super::plan::{Look, Plane, SecretSeen, Seen};
use crate::azure::arm::{self, Reply, vaults};
use crate::azure::http::{Answer, Request};
use crate::azure::key_vault::write::To;
use crate::azure::key_vault::{self, Kind, Object};
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_resource::engine;
use crate::azure_resource::owner::Claim;
use crate::hub::reader::Reader;
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// The way to Azure for one vault.
pub type Eyes<'a> = engine::Eyes<'a, KeyVault>;

impl Eyes<'_> {
    /// Reads what is asked for, and adds it to what was seen.
    pub async fn read(&self, look: &Look, seen: &mut Seen) -> Result<(), Problem> {
        let (versions, id) = (self.versions, &self.valid.id);
        match look {
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
            Look::Ground(look) => self.look_beneath(look, &mut seen.ground).await?,
            Look::Name => {
                let reply = self.call(&vaults::check_name(versions, id)).await?;
                seen.name = Some(vaults::read_name(&reply)?);
            }
            Look::DataPlane => seen.plane = Some(self.plane(seen).await?),
            Look::Secret(name) => {
                let secret = self.secret(name, seen).await?;
                seen.secrets.insert(name.clone(), secret);
            }
        }
        Ok(())
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
