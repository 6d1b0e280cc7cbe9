//! A spec parsed into types that cannot be wrong. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::ResourceExt;

use super::api::{
    AccessPolicySpec, Characters, DeletionPolicy, KeyVault, KeyVaultSpec, NetworkRulesSpec,
    OnSoftDeleted, SeedSpec,
};
use super::desired::{Capabilities, Desired};
use super::plan::Role;
use super::vault::{
    Authority, Cidr, Network, Onoff, Permissions, Policies, Principal, SkuName, Tags,
};
use crate::azure::arm::roles;
use crate::azure::arm::{GroupId, GroupName, Location, ResourceId, SubscriptionId};
use crate::azure_identity::api::IdentityRef;
use crate::azure_resource::api::{Adopt, DriftPolicy, Mode, PrincipalType, RoleAssignmentSpec};
use crate::azure_resource::{DETACH, FORCE_DELETE};
use crate::names::{NameError, ObjectName};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::SYNC_AT;

/// How often a vault is looked at, where the spec does not say it.
pub const INTERVAL: Duration = Duration::from_mins(15);
/// The default length of a secret that is made up.
const LENGTH: u16 = 32;

/// A spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    /// Uid of the object.
    pub uid: String,
    /// Its generation.
    pub generation: i64,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The identity that it names.
    pub identity: Option<IdentityRef>,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub group: GroupName,
    /// Whether that is created.
    pub create_group: bool,
    /// The vault's name.
    pub azure_name: AzureName,
    /// The vault's id.
    pub id: ResourceId,
    /// The region.
    pub location: Location,
    /// Whether Azure is written.
    pub mode: Mode,
    /// Which vaults are taken over.
    pub adopt: Adopt,
    /// What is done about drift.
    pub drift_policy: DriftPolicy,
    /// What becomes of the vault with the object.
    pub deletion_policy: DeletionPolicy,
    /// What is done with a deleted vault of this name.
    pub on_soft_deleted: OnSoftDeleted,
    /// How often the vault is looked at.
    pub interval: Duration,
    /// Roles.
    pub roles: Vec<Role>,
    /// Secrets that are made up.
    pub seeds: Vec<Seed>,
    /// The value of the annotation that asks for a look now.
    pub sync_at: Option<String>,
    /// Whether the object may go without a word to Azure.
    pub detach: bool,
    /// Whether the vault may be deleted although it is named.
    pub force_delete: bool,
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

fn invalid(message: impl Into<String>) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

fn field(name: &str) -> impl Fn(NameError) -> Problem + '_ {
    move |error| invalid(format!("spec.{name}: {error}"))
}

/// Reads an object.
pub fn parse(object: &KeyVault) -> Result<Valid, Problem> {
    let (spec, resource) = (&object.spec, &object.spec.resource);
    let name = object.name_any();
    let subscription: SubscriptionId = resource
        .subscription_id
        .parse()
        .map_err(field("subscriptionId"))?;
    let group: GroupName = resource
        .resource_group
        .name
        .parse()
        .map_err(field("resourceGroup.name"))?;
    let azure_name = azure_name(spec.azure_name.as_deref().unwrap_or(&name))?;
    let id = GroupId::new(subscription.clone(), group.clone())
        .resource("Microsoft.KeyVault", "vaults", azure_name.as_str())
        .map_err(field("azureName"))?;
    let marked = |annotation: &str| {
        let value = object.annotations().get(annotation);
        value.is_some_and(|value| value == "true")
    };
    Ok(Valid {
        uid: object.uid().unwrap_or_default(),
        generation: object.metadata.generation.unwrap_or_default(),
        namespace: object.namespace().unwrap_or_default(),
        name,
        identity: resource.identity_ref.clone(),
        create_group: resource.resource_group.create,
        location: resource.location.parse().map_err(field("location"))?,
        mode: resource.mode,
        adopt: resource.adopt,
        drift_policy: resource.drift_policy,
        deletion_policy: spec.deletion_policy,
        on_soft_deleted: spec.on_soft_deleted,
        interval: interval(spec)?,
        roles: role_assignments(&resource.role_assignments)?,
        seeds: spec.secrets.iter().map(seed).collect::<Result<_, _>>()?,
        sync_at: object.annotations().get(SYNC_AT).cloned(),
        detach: marked(DETACH),
        force_delete: marked(FORCE_DELETE),
        subscription,
        group,
        azure_name,
        id,
    })
}

fn azure_name(text: &str) -> Result<AzureName, Problem> {
    AzureName::parse(text).ok_or_else(|| {
        invalid(format!(
            "spec.azureName: {text:?} is no name of a vault: 3 to 24 letters, digits and single hyphens, beginning with a letter and not ending in a hyphen"
        ))
    })
}

fn interval(spec: &KeyVaultSpec) -> Result<Duration, Problem> {
    let Some(said) = spec.resource.refresh_interval else {
        return Ok(INTERVAL);
    };
    let said: Duration = said.into();
    if said < Duration::from_mins(1) {
        return Err(invalid("spec.refreshInterval: it must be at least 1m"));
    }
    Ok(said)
}

fn role_assignments(specs: &[RoleAssignmentSpec]) -> Result<Vec<Role>, Problem> {
    let each = specs.iter().enumerate().map(|(at, spec)| {
        let path = |part: &str| format!("roleAssignments[{at}].{part}");
        let principal = spec.principal_id.to_ascii_lowercase();
        Ok(Role {
            principal: principal.parse().map_err(field(&path("principalId")))?,
            principal_type: match spec.principal_type {
                PrincipalType::ServicePrincipal => roles::PrincipalType::ServicePrincipal,
                PrincipalType::Group => roles::PrincipalType::Group,
                PrincipalType::User => roles::PrincipalType::User,
            },
            definition: match roles::Role::parse(&spec.role).map_err(field(&path("role")))? {
                roles::Role::Id(id) => Some(id),
                roles::Role::Named(_) => None,
            },
            role: spec.role.clone(),
        })
    });
    each.collect()
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
        invalid("spec.tenantId must be set: the identity does not say its tenant, and a vault needs one")
    })?;
    supported(spec, cloud)?;
    Ok(Desired {
        location: valid.location.to_string(),
        tags: tags(spec)?,
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
    use super::api::Authorization;
    let rbac = spec.authorization == Some(Authorization::RBAC);
    let asked = [
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

fn tags(spec: &KeyVaultSpec) -> Result<Tags, Problem> {
    let tags = &spec.resource.tags;
    let mut names = BTreeSet::new();
    for (name, value) in tags {
        if !names.insert(name.to_ascii_lowercase()) {
            return Err(invalid(format!(
                "spec.tags: {name:?} stands twice: names of tags have no case"
            )));
        }
        if value.chars().count() > 256 {
            return Err(invalid(format!(
                "spec.tags: the value of {name:?} has more than 256 characters"
            )));
        }
    }
    Ok(tags.clone())
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
