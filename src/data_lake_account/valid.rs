//! A spec parsed into types that cannot be wrong. Pure.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::time::Duration;

use kube::ResourceExt;

use super::account::{CustomerKey, Lifecycle, LifecycleRule, Network, ResourceRule};
use super::api::{
    Bypass, DataLakeAccount, DataLakeAccountSpec, DeletionPolicy, EncryptionSpec, Generation,
    KeyRef, LifecycleRuleSpec, NetworkRulesSpec, SoftDeleteSpec,
};
use super::desired::{Desired, SoftDeletion, Vault, WantedKey};
use super::lake::{self, Lake};
use super::outputs::wanted::Wanted;
use crate::azure::arm::{ApiVersions, ResourceId};
use crate::azure::lake::AccountName;
use crate::azure_resource::valid::{Common, field, invalid, tags};
use crate::azure_resource::values::{Cidr, Word};
use crate::names::VaultUri;
use crate::problem::Problem;

/// The shortest time after which keys are made anew.
const SHORTEST_ROTATION: Duration = Duration::from_hours(1);
/// The longest time for which something that is deleted can be restored, in days.
const LONGEST_RETENTION: u16 = 365;

/// A spec. What it shares with every kind it is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    /// What every kind has.
    pub common: Common,
    /// The account's name.
    pub azure_name: AccountName,
    /// What becomes of the account with the object.
    pub deletion_policy: DeletionPolicy,
    /// Whether what holds data may be deleted.
    pub force: bool,
    /// What lies in it.
    pub lake: Lake,
    /// What is written to Kubernetes.
    pub outputs: Wanted,
}

impl Deref for Valid {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

/// Reads an object.
pub fn parse(object: &DataLakeAccount) -> Result<Valid, Problem> {
    let (spec, name) = (&object.spec, object.name_any());
    if spec.generation == Generation::Gen1 {
        return Err(invalid(
            "spec.generation: Gen1 is not served by this version of the operator. Azure retired Data Lake Store on 29 February 2024: create this object anew with generation: Gen2",
        ));
    }
    let azure_name = spec.azure_name.as_deref().unwrap_or(&name);
    let azure_name: AccountName = azure_name.parse().map_err(field("azureName"))?;
    let place = ("Microsoft.Storage", "storageAccounts", azure_name.as_str());
    let outputs = Wanted::parse(spec.outputs.as_ref())?;
    rotation(&outputs)?;
    Ok(Valid {
        common: Common::parse(object, &spec.resource, place)?,
        deletion_policy: spec.deletion_policy,
        force: spec.force,
        lake: lake::valid::parse(spec)?,
        outputs,
        azure_name,
    })
}

fn rotation(outputs: &Wanted) -> Result<(), Problem> {
    let after = outputs.rotate_after;
    if after.is_some_and(|after| after < SHORTEST_ROTATION) {
        return Err(invalid(
            "spec.outputs.keys.rotateAfter: it must be at least 1h",
        ));
    }
    Ok(())
}

/// What a spec wants of its account, in the cloud that speaks these versions.
pub fn desired(
    spec: &DataLakeAccountSpec,
    valid: &Valid,
    versions: &ApiVersions,
) -> Result<Desired, Problem> {
    if !versions.has_lakes {
        return Err(invalid(
            "storage accounts of this cloud (Azure Stack Hub) have no hierarchical namespace, so there are no data lakes in it: name an identity of another cloud in spec.identityRef",
        ));
    }
    let nfs_v3 = spec.nfs_v3.unwrap_or(false);
    if nfs_v3 && spec.network_rules.is_none() {
        return Err(invalid(
            "spec.nfsV3: true needs networkRules with a subnet: NFS has no other guard",
        ));
    }
    let needs_keys = valid.outputs.needs_key();
    if needs_keys && spec.shared_key_access == Some(false) {
        return Err(invalid(
            "spec.sharedKeyAccess: false shuts out whoever uses what spec.outputs asks for (keys, or a sas of kind Service). Set it to true, or ask for a sas of kind UserDelegation",
        ));
    }
    Ok(Desired {
        location: valid.location.to_string(),
        tags: tags(&spec.resource)?,
        sku: spec.sku.map(Word::of),
        access_tier: spec.access_tier.map(Word::of),
        minimum_tls: spec.minimum_tls_version.map(Word::of),
        shared_keys: spec
            .shared_key_access
            .or_else(|| needs_keys.then_some(true)),
        blob_public_access: spec.blob_public_access,
        sftp: spec.sftp,
        nfs_v3: spec.nfs_v3,
        network: spec.network_rules.as_ref().map(network).transpose()?,
        public_access: spec.public_network_access.map(Word::of),
        key: spec.encryption.as_ref().map(key).transpose()?,
        soft_delete: spec
            .soft_delete
            .as_ref()
            .map_or_else(|| Ok(SoftDeletion::default()), soft_delete)?,
        lifecycle: spec.lifecycle_rules.as_deref().map(lifecycle).transpose()?,
    })
}

fn network(spec: &NetworkRulesSpec) -> Result<Network, Problem> {
    let addresses = spec.ip_rules.iter().map(|text| {
        Cidr::parse(text).ok_or_else(|| {
            invalid(format!(
                "spec.networkRules.ipRules: {text:?} is no IPv4 address or range such as 203.0.113.0/24"
            ))
        })
    });
    let addresses: Vec<Cidr> = addresses.collect::<Result<_, _>>()?;
    let subnets = spec.subnets.iter().map(|id| {
        let id: ResourceId = id.parse().map_err(field("networkRules.subnets[]"))?;
        Ok(id.to_string().to_ascii_lowercase())
    });
    let resources = spec.resources.iter().map(|rule| ResourceRule {
        tenant: rule.tenant_id.to_ascii_lowercase(),
        id: rule.resource_id.to_ascii_lowercase(),
    });
    let around = spec.bypass.as_deref();
    let around: BTreeSet<Bypass> = around
        .unwrap_or(&[Bypass::AzureServices])
        .iter()
        .copied()
        .collect();
    Ok(Network {
        default: spec.default_action,
        bypass: around,
        addresses: addresses.into_iter().flat_map(Cidr::apart).collect(),
        subnets: subnets.collect::<Result<_, Problem>>()?,
        resources: resources.collect(),
    })
}

fn key(spec: &EncryptionSpec) -> Result<WantedKey, Problem> {
    let KeyRef {
        vault_ref,
        vault_uri,
        name,
        version,
    } = &spec.key;
    let vault = match (vault_ref, vault_uri) {
        (Some(vault), None) => Vault::Named(vault.name.clone()),
        (None, Some(uri)) => {
            let uri: VaultUri = uri.parse().map_err(field("encryption.key.vaultUri"))?;
            Vault::At(uri.to_string())
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid(
                "spec.encryption.key: exactly one of vaultRef and vaultUri must be set",
            ));
        }
    };
    let identity: ResourceId = spec
        .user_assigned_identity
        .parse()
        .map_err(field("encryption.userAssignedIdentity"))?;
    let identity = identity.to_string();
    Ok(WantedKey {
        vault,
        key: CustomerKey::new("", name, version.as_deref(), Some(&identity)),
    })
}

fn soft_delete(spec: &SoftDeleteSpec) -> Result<SoftDeletion, Problem> {
    let days = |name: &str, days: Option<u16>| match days {
        Some(days) if days > LONGEST_RETENTION => Err(invalid(format!(
            "spec.softDelete.{name}: {days} is more than {LONGEST_RETENTION} days"
        ))),
        days => Ok(days.map(|days| Some(days).filter(|days| *days > 0))),
    };
    Ok(SoftDeletion {
        blob_days: days("blobDays", spec.blob_days)?,
        container_days: days("containerDays", spec.container_days)?,
    })
}

fn lifecycle(specs: &[LifecycleRuleSpec]) -> Result<Lifecycle, Problem> {
    let mut rules = Lifecycle::new();
    for spec in specs {
        let rule = LifecycleRule {
            disabled: spec.disabled,
            prefixes: spec.prefixes.iter().cloned().collect(),
            cool: spec.tier_to_cool_after_days,
            cold: spec.tier_to_cold_after_days,
            archive: spec.tier_to_archive_after_days,
            delete: spec.delete_after_days,
            delete_snapshots: spec.delete_snapshots_after_days,
            beyond: BTreeSet::new(),
        };
        let silent = LifecycleRule {
            disabled: rule.disabled,
            prefixes: rule.prefixes.clone(),
            ..LifecycleRule::default()
        };
        if rule == silent {
            return Err(invalid(format!(
                "spec.lifecycleRules[{}]: it does not say what is done: set tierToCoolAfterDays, tierToColdAfterDays, tierToArchiveAfterDays, deleteAfterDays or deleteSnapshotsAfterDays",
                spec.name
            )));
        }
        if rules.insert(spec.name.clone(), rule).is_some() {
            return Err(invalid(format!(
                "spec.lifecycleRules: {:?} stands twice",
                spec.name
            )));
        }
    }
    Ok(rules)
}

#[cfg(test)]
#[path = "valid_tests.rs"]
mod tests;
