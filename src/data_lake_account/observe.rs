//! The reads that a round needs: of Resource Manager, of KeyVaults, and of the account's own data plane.

use super::api::DataLakeAccount;
use super::lake::Contents;
use super::plan::{Look, Seen};
use crate::azure::arm::{self, storage, storage_services};
use crate::azure::lake::{self, FilesystemName, Lake, LakeUri};
use crate::azure_resource::engine;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::vault_refs::address;

/// Pages of filesystems that are read at most.
const MOST_PAGES: usize = 40;
/// What Azure itself writes, and nobody else: it is no reason to keep an account.
pub const OF_AZURE: &[&str] = &["$logs", "$blobchangefeed"];

/// The way to Azure for one account.
pub type Eyes<'a> = engine::Eyes<'a, DataLakeAccount>;

impl Eyes<'_> {
    /// Reads what is asked for, and adds it to what was seen.
    pub(super) async fn read(&self, look: &Look, seen: &mut Seen) -> Result<(), Problem> {
        let (versions, id) = (self.versions, &self.valid.id);
        match look {
            Look::Account => {
                let reply = self.call(&storage::get(versions, id)).await;
                let found = arm::absent(reply, storage::ABSENT)?;
                seen.account = Some(found.as_ref().map(storage::read).transpose()?);
            }
            Look::Ground(look) => self.look_beneath(look, &mut seen.ground).await?,
            Look::Name => {
                let reply = self.call(&storage::check_name(versions, id)).await?;
                seen.name = Some(storage::read_name(&reply)?);
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
            Look::Filesystems => seen.filesystems = Some(self.filesystems(seen).await),
            Look::Contents(name) => {
                let lake = self.lake(seen)?;
                let contents = self.contents(&lake, name).await;
                seen.contents.insert(name.clone(), contents);
            }
        }
        Ok(())
    }

    /// Where the `KeyVault` of this name says that its vault is.
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
        let found = address(&parsed, told.as_ref()).map_err(waits)?;
        Ok(found.origin().to_owned())
    }

    /// The account's data plane, by what Resource Manager says of it.
    pub(super) fn lake(&self, seen: &Seen) -> Result<Lake, Problem> {
        let account = seen.account.as_ref().and_then(Option::as_ref);
        let told = account.and_then(|account| account.endpoints.get("dfs"));
        let parsed = told.map_or("", String::as_str).parse::<LakeUri>();
        let uri = parsed.map_err(|error| {
            let message = format!(
                "Resource Manager does not tell where the data lake of storage account {:?} is: {error}",
                self.valid.azure_name.as_str()
            );
            Problem::new(Reason::MalformedAnswer, Retry::Backoff, message)
        })?;
        lake::in_cloud(&self.identity.profile, &uri)?;
        Ok(Lake {
            uri,
            id: self.valid.id.to_string(),
        })
    }

    /// Names of the account's filesystems, without those that Azure itself writes.
    async fn filesystems(&self, seen: &Seen) -> Result<Vec<FilesystemName>, Problem> {
        let lake = self.lake(seen)?;
        let (mut all, mut from) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let call = lake::account::list(&lake, from.as_deref());
            let answer = self.ctx.own.lakes.call(self.identity, &call).await?;
            let page = lake::account::read(&call, &answer)?;
            for name in page.names {
                if OF_AZURE.contains(&name.as_str()) {
                    continue;
                }
                all.push(name.parse().map_err(|_| strange(&name))?);
            }
            from = page.continuation;
            if from.is_none() {
                return Ok(all);
            }
        }
        Ok(all)
    }

    /// Whether a filesystem holds anything.
    pub(super) async fn contents(
        &self,
        lake: &Lake,
        name: &FilesystemName,
    ) -> Result<Contents, Problem> {
        let call = lake::list::list(lake.at(name, None), false, None);
        let answer = self.ctx.own.lakes.call(self.identity, &call).await;
        let Some(answer) = lake::absent(answer)? else {
            return Ok(Contents::Gone);
        };
        let page = lake::list::read(&call, &answer)?;
        // A page may be empty though there is another one.
        let nothing = page.paths.is_empty() && page.continuation.is_none();
        Ok(if nothing {
            Contents::Nothing
        } else {
            Contents::Something
        })
    }
}

/// One that no spec can name, such as `$web`: nobody says that it is empty.
fn strange(name: &str) -> Problem {
    let message = format!(
        "the account has a container {name:?}, whose contents are not looked into: delete that first, or set force: true to delete the account with all that is in it"
    );
    Problem::new(Reason::FilesystemNotEmpty, Retry::OnChange, message)
}
