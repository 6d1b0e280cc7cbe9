//! A Key Vault as a KeyVault.

use clap::Args;

use super::{Open, Type, Which};
use crate::azure::arm::vaults;
use crate::azure_resource::import::Manifest;
use crate::cli::Failure;
use crate::key_vault::desired::Capabilities;
use crate::key_vault::import::manifest;

const VAULT: Type = Type {
    provider: "Microsoft.KeyVault",
    plural: "vaults",
    noun: "vault",
    az: "az keyvault",
};

/// Which vault, and as what.
#[derive(Debug, Args)]
#[command(after_help = "\
The YAML says all that the vault has: kind, authorization, access policies, network rules, tags, retention, purge protection,
and the roles that were given on the vault itself. Applied as it is, it changes nothing in Azure: in mode Observe the vault is read
and compared, and no tag is written. With --mode Manage the vault is taken over: lakevault plan shows that its owner tag is set, and
nothing else. Either way it stays when the object is deleted.

Exit codes: 0 done, 1 the vault could not be read, 2 wrong usage.

Examples:
  lakevault import keyvault kv-payments --subscription 44444444-4444-4444-4444-444444444444 \\
    --resource-group rg-payments --identity reader -n team > kv-payments.yaml
  lakevault plan -f kv-payments.yaml")]
pub(super) struct VaultArgs {
    #[command(flatten)]
    which: Which,
}

impl VaultArgs {
    pub(super) async fn read(&self) -> Result<Manifest, Failure> {
        let open = self.which.open(&VAULT).await?;
        let Open {
            id,
            about,
            reader,
            progress,
        } = &open;
        progress.now(&format!("Reading vault {}", id.name()));
        let call = vaults::get(reader.versions, id);
        let reply = reader.found(&call, vaults::ABSENT, || format!("vault {id}"));
        let vault = vaults::read(&reply.await?)?;
        let given = reader.roles(id).await?;
        let cloud = Capabilities::of(reader.versions);
        Ok(manifest(id, &vault, &given, about, cloud))
    }
}
