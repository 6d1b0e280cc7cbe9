//! A spec parsed into types that cannot be wrong. Pure.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::time::Duration;

use kube::ResourceExt;

use super::api::{
    AccessPolicySpec, Characters, DeletionPolicy, KeyVault, KeyVaultSpec, NetworkRulesSpec,
    OnSoftDeleted, SeedSpec,
};
use super::desired::{Capabilities, Desired};
use super::vault::{Authority, Cidr, Network, Onoff, Permissions, Policies, Principal, SkuName};
use crate::azure::arm::ResourceId;
use crate::azure_resource::valid::{Common, field, invalid, tags};
use crate::names::ObjectName;
use crate::problem::Problem;

/// The default length of a secret that is made up.
const LENGTH: u16 = 32;

/// A spec. What it shares with every kind it is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    /// What every kind has.
    pub common: Common,
    /// The vault's name.
    pub azure_name: AzureName,
    /// What becomes of the vault with the object.
    pub deletion_policy: DeletionPolicy,
    /// What is done with a deleted vault of this name.
    pub on_soft_deleted: OnSoftDeleted,
    /// Secrets that are made up.
    pub seeds: Vec<Seed>,
}

impl Deref for Valid {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

/// A vault's name in Azure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureName(String);

impl AzureName {
    /// Reads a name: 3 to 24 letters, digits and single hyphens, beginning with a letter (Azure, "Naming rules").
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (3..=24).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !text.ends_with('-')
            && !text.contains("--");
        fits.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A secret that is made up where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// Its name.
    pub name: ObjectName,
    /// How many characters it has.
    pub length: u16,
    /// Of which characters it is made.
    pub characters: Characters,
    /// What it is, for its readers.
    pub content_type: Option<String>,
    /// After what time it is made up anew.
    pub rotate_after: Option<Duration>,
}

/// Reads an object.
pub fn parse(object: &KeyVault) -> Result<Valid, Problem> {
    let (spec, name) = (&object.spec, object.name_any());
    let azure_name = azure_name(spec.azure_name.as_deref().unwrap_or(&name))?;
    let place = ("Microsoft.KeyVault", "vaults", azure_name.as_str());
    Ok(Valid {
        common: Common::parse(object, &spec.resource, place)?,
        deletion_policy: spec.deletion_policy,
        on_soft_deleted: spec.on_soft_deleted,
        seeds: spec.secrets.iter().map(seed).collect::<Result<_, _>>()?,
        azure_name,
    })
}

fn azure_name(text: &str) -> Result<AzureName, Problem> {
    AzureName::parse(text).ok_or_else(|| {
        invalid(format!(
            "spec.azureName: {text:?} is no name of a vault: 3 to 24 letters, digits and single hyphens, beginning with a letter and not ending in a hyphen"
        ))
    })
}

fn seed(spec: &SeedSpec) -> Result<Seed, Problem> {
    Ok(Seed {
        name: spec.name.parse().map_err(field("secrets[].name"))?,
        length: spec.length.unwrap_or(LENGTH),
        characters: spec.characters,
        content_type: spec.content_type.clone(),
        rotate_after: spec.rotate_after.map(Into::into),
    })
}

/// What a spec wants of its vault, in a cloud that can do `cloud`. The tenant is the identity's where the spec names none.
pub fn desired(
    spec: &KeyVaultSpec,
    valid: &Valid,
    tenant: Option<&str>,
    cloud: Capabilities,
) -> Result<Desired, Problem> {
    let tenant = spec.tenant_id.as_deref().or(tenant).ok_or_else(|| {
        invalid("spec.tenantId must be set: the identity has no tenant (ADFS has none), and a vault needs one. It is that of the subscription: az account show --query tenantId")
    })?;
    supported(spec, cloud)?;
    Ok(Desired {
        location: valid.location.to_string(),
        tags: tags(&spec.resource)?,
        tenant: tenant.to_ascii_lowercase(),
        sku: spec.sku.map(SkuName),
        authorization: spec.authorization.map(Authority),
        policies: policies(&spec.access_policies)?,
        policy_mode: spec.access_policy_mode,
        retention: spec.soft_delete_retention_days,
        purge_protection: spec.purge_protection,
        network: spec.network_rules.as_ref().map(network).transpose()?,
        public_access: spec.public_network_access.map(Onoff),
        for_deployment: spec.enabled_for_deployment,
        for_disk_encryption: spec.enabled_for_disk_encryption,
        for_template_deployment: spec.enabled_for_template_deployment,
        cloud,
    })
}

/// What the cloud cannot do is refused, and not left out in silence.
fn supported(spec: &KeyVaultSpec, cloud: Capabilities) -> Result<(), Problem> {
    use super::api::{Authorization, Sku};
    let rbac = spec.authorization == Some(Authorization::RBAC);
    let asked = [
        (
            spec.sku == Some(Sku::Premium) && !cloud.premium,
            "sku: Premium",
        ),
        (rbac && !cloud.rbac, "authorization: RBAC"),
        (
            spec.soft_delete_retention_days.is_some() && !cloud.soft_delete,
            "softDeleteRetentionDays",
        ),
        (
            spec.purge_protection == Some(true) && !cloud.soft_delete,
            "purgeProtection",
        ),
        (
            spec.network_rules.is_some() && !cloud.network,
            "networkRules",
        ),
        (
            spec.public_network_access.is_some() && !cloud.network,
            "publicNetworkAccess",
        ),
    ];
    let missing: Vec<&str> = asked
        .iter()
        .filter_map(|(missing, field)| missing.then_some(*field))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(invalid(format!(
        "vaults of this cloud (Azure Stack Hub, API version 2016-10-01) do not know what this spec asks for: remove {}",
        missing.join(", ")
    )))
}

fn policies(specs: &[AccessPolicySpec]) -> Result<Policies, Problem> {
    let mut policies = Policies::new();
    for spec in specs {
        let words = |words: &[String]| words.iter().map(|word| word.to_ascii_lowercase()).collect();
        let who = Principal {
            object: spec.object_id.to_ascii_lowercase(),
            application: spec.application_id.as_deref().map(str::to_ascii_lowercase),
        };
        let permissions = Permissions {
            secrets: words(&spec.secrets),
            keys: words(&spec.keys),
            certificates: words(&spec.certificates),
            storage: BTreeSet::new(),
        };
        if permissions == Permissions::default() {
            return Err(invalid(format!(
                "spec.accessPolicies: {who} is given no permission: name some in secrets, keys or certificates, or remove the entry"
            )));
        }
        if policies.insert(who.clone(), permissions).is_some() {
            return Err(invalid(format!("spec.accessPolicies: {who} stands twice")));
        }
    }
    Ok(policies)
}

fn network(spec: &NetworkRulesSpec) -> Result<Network, Problem> {
    let addresses = spec.ip_rules.iter().map(|text| {
        Cidr::parse(text).ok_or_else(|| {
            invalid(format!(
                "spec.networkRules.ipRules: {text:?} is no IPv4 address or range such as 203.0.113.0/24"
            ))
        })
    });
    let subnets = spec.subnets.iter().map(|subnet| {
        let id: ResourceId = subnet
            .id
            .parse()
            .map_err(field("networkRules.subnets[].id"))?;
        Ok((
            id.to_string().to_ascii_lowercase(),
            subnet.ignore_missing_endpoint,
        ))
    });
    Ok(Network {
        default: spec.default_action,
        bypass: spec.bypass,
        addresses: addresses.collect::<Result<_, _>>()?,
        subnets: subnets.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
#[path = "valid_tests.rs"]
mod tests;
