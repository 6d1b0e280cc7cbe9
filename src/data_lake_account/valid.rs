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
use super::desired::{Desired as OfStorage, SoftDeletion, Vault, WantedKey};
use super::generation::{Desired, Words, words};
use super::lake::{self, Lake};
use super::outputs::wanted::Wanted;
use super::store;
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
    /// Which service keeps it. (What is called generation here is that of the object.)
    pub service: Generation,
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
        store::valid::refuse(spec)?;
    }
    let azure_name = spec.azure_name.as_deref().unwrap_or(&name);
    let azure_name: AccountName = azure_name.parse().map_err(field("azureName"))?;
    let Words { provider, kind, .. } = words(spec.generation);
    let place = (provider, kind, azure_name.as_str());
    let outputs = Wanted::parse(spec.outputs.as_ref())?;
    rotation(&outputs)?;
    Ok(Valid {
        common: Common::parse(object, &spec.resource, place)?,
        service: spec.generation,
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
    Ok(match valid.service {
        Generation::Gen2 => Desired::Gen2(Box::new(of_storage(spec, valid, versions)?)),
        Generation::Gen1 => Desired::Gen1(Box::new(store::valid::desired(spec, valid)?)),
    })
}

fn of_storage(
    spec: &DataLakeAccountSpec,
    valid: &Valid,
    versions: &ApiVersions,
) -> Result<OfStorage, Problem> {
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
    Ok(OfStorage {
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

/// Addresses and ranges that are let in.
pub(super) fn addresses(spec: &NetworkRulesSpec) -> Result<Vec<Cidr>, Problem> {
    let addresses = spec.ip_rules.iter().map(|text| {
        Cidr::parse(text).ok_or_else(|| {
            invalid(format!(
                "spec.networkRules.ipRules: {text:?} is no IPv4 address or range such as 203.0.113.0/24"
            ))
        })
    });
    addresses.collect()
}

/// Subnets that are let in, in lower case.
pub(super) fn subnets(spec: &NetworkRulesSpec) -> Result<BTreeSet<String>, Problem> {
    let subnets = spec.subnets.iter().map(|id| {
        let id: ResourceId = id.parse().map_err(field("networkRules.subnets[]"))?;
        Ok(id.to_string().to_ascii_lowercase())
    });
    subnets.collect()
}

fn network(spec: &NetworkRulesSpec) -> Result<Network, Problem> {
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
        addresses: addresses(spec)?.into_iter().flat_map(Cidr::apart).collect(),
        subnets: subnets(spec)?,
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
    let identity = spec.user_assigned_identity.as_deref().ok_or_else(|| {
        invalid("spec.encryption.userAssignedIdentity: it must be set: the account unwraps the key with it")
    })?;
    let identity: ResourceId = identity
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
