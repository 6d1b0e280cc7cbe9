//! A Data Lake storage account as a DataLakeAccount.

use clap::Args;

use super::{Open, Type, Which, lake};
use crate::azure::arm::{self, storage, storage_services};
use crate::azure_resource::import::Manifest;
use crate::cli::{Failure, terminal};
use crate::data_lake_account::import::{Live, manifest};

const ACCOUNT: Type = Type {
    provider: "Microsoft.Storage",
    plural: "storageAccounts",
    noun: "storage account",
    az: "az storage account",
};

/// Which account, and as what.
#[derive(Debug, Args)]
#[command(after_help = "\
The YAML says all that the account has: kind of disks, tier, TLS, keys on or off, network rules, soft deletion, lifecycle rules, a
customer's key by its name, tags, the roles that were given on the account itself, and its filesystems: properties, owner and access
list of the root, and of directories as deep as --depth says, 1000 of them at most. It has neither keys nor what files hold. Applied as
it is, it changes nothing in Azure: in mode Observe the account is read and compared, and no tag is written. With --mode Manage the
account is taken over: lakevault plan shows that its owner tag is set, and nothing else. Either way it stays when the object is deleted.

The identity needs the role Reader on the account, and Storage Blob Data Owner for access lists.

Exit codes: 0 done, 1 the account could not be read, 2 wrong usage.

Examples:
  lakevault import datalakeaccount lakepayments --subscription 44444444-4444-4444-4444-444444444444 \\
    --resource-group rg-payments --identity reader -n team > lakepayments.yaml
  lakevault plan -f lakepayments.yaml")]
pub(super) struct AccountArgs {
    #[command(flatten)]
    which: Which,

    /// How deep directories are imported: 0 for none, 1 for those of the root, 2 for those in them, too.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(..=63))]
    depth: u8,
}

impl AccountArgs {
    pub(super) async fn read(&self) -> Result<Manifest, Failure> {
        let open = self.which.open(&ACCOUNT).await?;
        let Open {
            id,
            about,
            reader,
            progress,
        } = &open;
        progress.now(&format!("Reading storage account {}", id.name()));
        let versions = reader.versions;
        let call = storage::get(versions, id);
        let reply = reader.found(&call, storage::ABSENT, || format!("storage account {id}"));
        let account = storage::read(&reply.await?)?;
        if !account.hierarchical {
            return Err(Failure::failed(format!(
                "storage account {id} has no hierarchical namespace, so it is no data lake, and a DataLakeAccount would refuse it (HierarchyMissing)"
            )));
        }
        let service = reader.call(&storage_services::get(versions, id)).await?;
        let service = storage_services::read(&service)?;
        let call = storage_services::get_lifecycle(versions, id);
        let policy = reader.call(&call).await;
        let policy = arm::absent(policy, storage_services::NO_POLICY)?;
        let policy = policy.as_ref().map(storage_services::read_lifecycle);
        let lifecycle = policy.transpose()?.unwrap_or_default();
        let given = reader.roles(id).await?;
        let found = lake::read(&open, &account, self.depth).await?;
        let live = Live {
            id,
            account: &account,
            soft_delete: service.soft_delete,
            lifecycle: &lifecycle,
            given: &given,
            filesystems: &found.filesystems,
        };
        let manifest = manifest(&live, about, found.notes.clone());
        drop(open);
        for note in &found.notes {
            terminal::tell(&format!("lakevault: {note}"))?;
        }
        Ok(manifest)
    }
}
