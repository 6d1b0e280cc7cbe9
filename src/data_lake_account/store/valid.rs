//! What a spec of generation Gen1 says, parsed into types that cannot be wrong. What only accounts of generation Gen2 have is
//! refused. Pure.

use super::desired::{Desired, WantedKey};
use super::rules::{Wanted, joined};
use crate::azure_resource::api::DefaultAction;
use crate::azure_resource::valid::{invalid, tags};
use crate::data_lake_account::api::{
    Bypass, DataLakeAccountSpec, EncryptionSpec, NetworkRulesSpec, OutputsSpec,
};
use crate::data_lake_account::valid::{self, Valid};
use crate::problem::Problem;

const MEND: &str =
    "take it out of the spec, or move to generation Gen2 (lakevault plan --to-gen2 writes that)";

/// What a Data Lake Store does not have, with why and what to do.
fn refused(field: &str, why: &str) -> Problem {
    invalid(format!("spec.{field}: {why}"))
}

fn unknown(field: &str) -> Problem {
    refused(
        field,
        &format!("a Data Lake Store (generation Gen1) has no such thing: {MEND}"),
    )
}

/// Refuses what only accounts of generation Gen2 have. What lies in an account is parsed elsewhere.
pub fn refuse(spec: &DataLakeAccountSpec) -> Result<(), Problem> {
    let fields = [
        ("sku", spec.sku.is_some()),
        ("accessTier", spec.access_tier.is_some()),
        ("minimumTlsVersion", spec.minimum_tls_version.is_some()),
        ("sharedKeyAccess", spec.shared_key_access.is_some()),
        ("blobPublicAccess", spec.blob_public_access.is_some()),
        ("sftp", spec.sftp.is_some()),
        ("nfsV3", spec.nfs_v3.is_some()),
        ("publicNetworkAccess", spec.public_network_access.is_some()),
        ("softDelete", spec.soft_delete.is_some()),
        ("lifecycleRules", spec.lifecycle_rules.is_some()),
    ];
    first(&fields)?;
    spec.outputs.as_ref().map_or(Ok(()), outputs)?;
    spec.network_rules.as_ref().map_or(Ok(()), network_rules)
}

fn first(fields: &[(&str, bool)]) -> Result<(), Problem> {
    let mut said = fields.iter().filter(|(_, said)| *said);
    said.next().map_or(Ok(()), |(field, _)| Err(unknown(field)))
}

fn outputs(spec: &OutputsSpec) -> Result<(), Problem> {
    let fields = [
        ("outputs.keys", spec.keys.is_some()),
        ("outputs.sas", !spec.sas.is_empty()),
    ];
    first(&fields)
}

fn network_rules(spec: &NetworkRulesSpec) -> Result<(), Problem> {
    if !spec.resources.is_empty() {
        return Err(unknown("networkRules.resources"));
    }
    let bypass = spec.bypass.as_deref().unwrap_or_default();
    if bypass.iter().all(|one| *one == Bypass::AzureServices) {
        return Ok(());
    }
    Err(refused(
        "networkRules.bypass",
        "a Data Lake Store (generation Gen1) can let nothing in but Azure's own addresses: write [AzureServices] or []",
    ))
}

/// What a spec wants of its account.
pub fn desired(spec: &DataLakeAccountSpec, valid: &Valid) -> Result<Desired, Problem> {
    Ok(Desired {
        location: valid.location.to_string(),
        tags: tags(&spec.resource)?,
        firewall: spec.network_rules.as_ref().map(firewall).transpose()?,
        key: spec.encryption.as_ref().map(key).transpose()?,
    })
}

fn firewall(spec: &NetworkRulesSpec) -> Result<Wanted, Problem> {
    let around = spec.bypass.as_deref().unwrap_or(&[Bypass::AzureServices]);
    let addresses = valid::addresses(spec)?;
    Ok(Wanted {
        on: spec.default_action == DefaultAction::Deny,
        azure: around.contains(&Bypass::AzureServices),
        ranges: joined(addresses.into_iter().map(Into::into)),
        subnets: valid::subnets(spec)?,
    })
}

fn key(spec: &EncryptionSpec) -> Result<WantedKey, Problem> {
    if spec.user_assigned_identity.is_some() {
        return Err(refused(
            "encryption.userAssignedIdentity",
            "a Data Lake Store (generation Gen1) unwraps the key with an identity of its own: take it out of the spec",
        ));
    }
    let key = &spec.key;
    let Some(vault) = key.vault_ref.as_ref().filter(|_| key.vault_uri.is_none()) else {
        return Err(refused(
            "encryption.key",
            "a Data Lake Store (generation Gen1) names the vault by its resource id, which a KeyVault tells: name one in vaultRef in place of vaultUri (mode: Observe will do)",
        ));
    };
    let Some(version) = &key.version else {
        return Err(refused(
            "encryption.key.version",
            "a Data Lake Store (generation Gen1) does not follow the newest version: say which (az keyvault key list-versions)",
        ));
    };
    Ok(WantedKey {
        vault: vault.name.clone(),
        name: key.name.clone(),
        version: version.clone(),
    })
}

#[cfg(test)]
#[path = "valid_tests.rs"]
mod tests;
