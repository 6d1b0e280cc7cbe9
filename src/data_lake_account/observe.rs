//! The reads that a round needs: of Resource Manager, of KeyVaults, and of the account's own data plane.

use super::api::{DataLakeAccount, Generation};
use super::calls;
use super::generation::{Account, words};
use super::plan::{Look, Seen};
use super::plane::Plane;
use crate::azure::arm::{self, storage_services};
use crate::azure::lake::{self, Lake, LakeUri};
use crate::azure::webhdfs;
use crate::azure_resource::engine;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::vault_refs::{address, resource_id};

/// The way to Azure for one account.
pub type Eyes<'a> = engine::Eyes<'a, DataLakeAccount>;

impl Eyes<'_> {
    /// Reads what is asked for, and adds it to what was seen.
    pub(super) async fn read(&self, look: &Look, seen: &mut Seen) -> Result<(), Problem> {
        let (versions, id) = (self.versions, &self.valid.id);
        match look {
            Look::Account => {
                let reply = self.call(&calls::get(versions, self.valid)).await;
                let found = arm::absent(reply, calls::ABSENT)?;
                let read = |reply| calls::read(self.valid, reply);
                seen.account = Some(found.as_ref().map(read).transpose()?);
            }
            Look::Ground(look) => self.look_beneath(look, &mut seen.ground).await?,
            Look::Name => {
                let reply = self.call(&calls::check_name(versions, self.valid)).await?;
                seen.name = Some(calls::read_name(&reply)?);
            }
            Look::KeyVault(name) => seen.vault = Some(self.vault(name)),
            Look::BlobService => {
                let reply = self.call(&storage_services::get(versions, id)).await?;
                let service = storage_services::read(&reply)?;
                seen.soft_delete = Some(service.soft_delete);
                seen.blob_service = Some(service);
            }
            Look::Lifecycle => {
                let reply = self
                    .call(&storage_services::get_lifecycle(versions, id))
                    .await;
                let found = arm::absent(reply, storage_services::NO_POLICY)?;
                let rules = found.as_ref().map(storage_services::read_lifecycle);
                seen.lifecycle = Some(rules.transpose()?.unwrap_or_default());
            }
            Look::Filesystems => {
                let found = match self.lake(seen) {
                    Ok(lake) => Plane::new(self, lake).filesystems().await,
                    Err(problem) => Err(problem),
                };
                seen.filesystems = Some(found);
            }
            Look::Contents(name) => {
                let lake = self.lake(seen)?;
                let contents = Plane::new(self, lake).contents(name).await;
                seen.contents.insert(name.clone(), contents);
            }
        }
        Ok(())
    }

    /// What the `KeyVault` of this name tells of its vault: where it is, or which it is.
    fn vault(&self, name: &str) -> Result<String, Problem> {
        let told = (self.ctx.own.vaults)(&self.valid.namespace, name);
        let waits = |why: String| {
            let message = format!("spec.encryption.key: {why}");
            // Whatever the KeyVault tells anew is looked at at once.
            Problem::new(Reason::WaitingForVault, Retry::OnChange, message)
        };
        let parsed = name.parse().map_err(|error| {
            let message = format!("spec.encryption.key.vaultRef.name: {error}");
            Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
        })?;
        let found = match self.valid.service {
            Generation::Gen2 => {
                address(&parsed, told.as_ref()).map(|found| found.origin().to_owned())
            }
            Generation::Gen1 => resource_id(&parsed, told.as_ref()).map(|id| id.to_string()),
        };
        found.map_err(waits)
    }

    /// The account's data plane, by what Resource Manager says of it.
    pub(super) fn lake(&self, seen: &Seen) -> Result<Lake, Problem> {
        let account = seen.account.as_ref().and_then(Option::as_ref);
        let told = account.and_then(Account::lake).unwrap_or_default();
        let uri = told.parse::<LakeUri>().map_err(|error| {
            let message = format!(
                "Resource Manager does not tell where the data lake of {} {:?} is: {error}",
                words(self.valid.service).noun,
                self.valid.azure_name.as_str()
            );
            Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
        })?;
        match self.valid.service {
            Generation::Gen2 => lake::in_cloud(&self.identity.profile, &uri)?,
            Generation::Gen1 => webhdfs::in_cloud(&self.identity.profile, &uri)?,
        }
        Ok(Lake {
            uri,
            id: self.valid.id.to_string(),
        })
    }
}
