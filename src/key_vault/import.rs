//! A vault that is there as a KeyVault that wants nothing of it. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::api::{AccessPolicySpec, Authorization, KeyVaultSpec, NetworkRulesSpec, SubnetSpec};
use super::desired::Capabilities;
use super::vault::{Authority, Network, Permissions, Policies, Vault};
use crate::azure::arm::ResourceId;
use crate::azure::arm::roles::{self, Assignment};
use crate::azure_identity::api::IdentityRef;
use crate::azure_resource::api::{
    Adopt, Mode, PrincipalType, ResourceGroupSpec, ResourceSpec, RoleAssignmentSpec,
};
use crate::azure_resource::owner::{OWNER_TAG, owner_tag};

/// What a KeyVault may have at most, by its definition. A vault may have more, and keeps it.
const MOST_TAGS: usize = 49;
const MOST_POLICIES: usize = 256;
const MOST_ROLES: usize = 64;
/// Tags that begin so are the operator's own.
const OUR_TAGS: &str = "lakevault-";

/// What is said of an object besides its vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The identity that is to manage the vault.
    pub identity: IdentityRef,
    /// Whether it is to be managed.
    pub mode: Mode,
    /// What vaults of its cloud can do.
    pub cloud: Capabilities,
}

/// A manifest, and what it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The object.
    pub object: Value,
    /// What of the vault is left out, and what is to be known.
    pub notes: Vec<String>,
}

/// The manifest of a vault: everything that the vault has is said, so that what changes later is seen.
pub fn manifest(id: &ResourceId, vault: &Vault, given: &[Assignment], about: &About) -> Manifest {
    let mut notes = Vec::new();
    if let Some(owner) = owner_tag(&vault.tags) {
        notes.push(format!(
            "The vault belongs to {owner} already (its tag {OWNER_TAG}): a KeyVault of another name, namespace or cluster in mode Manage is refused."
        ));
    }
    let spec = KeyVaultSpec {
        resource: ResourceSpec {
            identity_ref: Some(about.identity.clone()),
            subscription_id: id.subscription().to_string(),
            resource_group: ResourceGroupSpec {
                name: id.group().group.to_string(),
                create: false,
            },
            location: vault.location.clone(),
            tags: tags(vault, &mut notes),
            mode: about.mode,
            adopt: match about.mode {
                Mode::Manage => Adopt::Always,
                Mode::Observe => Adopt::default(),
            },
            role_assignments: role_assignments(vault, given, &mut notes),
            ..ResourceSpec::default()
        },
        azure_name: Some(id.name().to_owned()),
        tenant_id: Some(vault.tenant.clone()),
        access_policies: policies(vault, &mut notes),
        ..settings(vault, about.cloud)
    };
    let mut spec = json!(spec);
    // What is as it would be anyway is said all the same, where it decides what becomes of the vault.
    spec["mode"] = json!(about.mode);
    spec["deletionPolicy"] = json!(super::api::DeletionPolicy::Retain);
    if about.cloud.network {
        spec["networkRules"]["defaultAction"] = json!(vault.settings.network.default);
        spec["networkRules"]["bypass"] = json!(vault.settings.network.bypass);
    }
    let object = json!({
        "apiVersion": "lakevault.dev/v1alpha1",
        "kind": "KeyVault",
        "metadata": { "name": about.name, "namespace": about.namespace },
        "spec": spec,
    });
    Manifest { object, notes }
}

/// What every vault has, as far as its cloud knows it.
fn settings(vault: &Vault, cloud: Capabilities) -> KeyVaultSpec {
    let settings = &vault.settings;
    KeyVaultSpec {
        resource: ResourceSpec::default(),
        azure_name: None,
        deletion_policy: super::api::DeletionPolicy::default(),
        tenant_id: None,
        sku: Some(settings.sku.0),
        authorization: Some(settings.authorization.0),
        access_policies: Vec::new(),
        access_policy_mode: super::api::AccessPolicyMode::default(),
        soft_delete_retention_days: vault
            .retention
            .filter(|days| cloud.soft_delete && (7..=90).contains(days)),
        purge_protection: cloud.soft_delete.then_some(vault.purge_protection),
        network_rules: cloud.network.then(|| network(&settings.network)),
        public_network_access: cloud.network.then_some(settings.public_access.0),
        enabled_for_deployment: Some(settings.for_deployment),
        enabled_for_disk_encryption: Some(settings.for_disk_encryption),
        enabled_for_template_deployment: Some(settings.for_template_deployment),
        on_soft_deleted: super::api::OnSoftDeleted::default(),
        secrets: Vec::new(),
    }
}

fn network(network: &Network) -> NetworkRulesSpec {
    let subnets = network.subnets.iter();
    NetworkRulesSpec {
        default_action: network.default,
        bypass: network.bypass,
        ip_rules: network.addresses.iter().map(ToString::to_string).collect(),
        subnets: subnets
            .map(|(id, ignore)| SubnetSpec {
                id: id.clone(),
                ignore_missing_endpoint: *ignore,
            })
            .collect(),
    }
}

/// Tags that a spec may say. Those that are left out stay on the vault, since nobody asks for their removal.
fn tags(vault: &Vault, notes: &mut Vec<String>) -> super::vault::Tags {
    let is_ours = |name: &str| name.to_ascii_lowercase().starts_with(OUR_TAGS);
    let others = vault.tags.iter().filter(|(name, _)| !is_ours(name));
    let others: Vec<_> = others.collect();
    let more = others.len().saturating_sub(MOST_TAGS);
    if more > 0 {
        notes.push(format!(
            "{more} tag(s) are left out: a KeyVault has at most {MOST_TAGS}. They stay as they are."
        ));
    }
    let kept = others.into_iter().take(MOST_TAGS);
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Policies that a spec may say; with `accessPolicyMode: Merge` those that are left out stay.
fn policies(vault: &Vault, notes: &mut Vec<String>) -> Vec<AccessPolicySpec> {
    let all: &Policies = &vault.policies;
    if all.is_empty() {
        return Vec::new();
    }
    if vault.settings.authorization != Authority(Authorization::AccessPolicies) {
        notes.push(format!(
            "{} access policies are left out: they do not count while authorization is RBAC. They stay as they are.",
            all.len()
        ));
        return Vec::new();
    }
    let mut said = Vec::new();
    for (who, permissions) in all {
        let bare = Permissions {
            storage: BTreeSet::new(),
            ..permissions.clone()
        };
        if !permissions.storage.is_empty() {
            notes.push(format!(
                "The permissions of {who} for storage accounts are left out: no KeyVault says them. They stay as they are."
            ));
        }
        if bare == Permissions::default() {
            continue;
        }
        let words = |words: &BTreeSet<String>| words.iter().cloned().collect();
        said.push(AccessPolicySpec {
            object_id: who.object.clone(),
            application_id: who.application.clone(),
            secrets: words(&bare.secrets),
            keys: words(&bare.keys),
            certificates: words(&bare.certificates),
        });
    }
    if said.len() > MOST_POLICIES {
        let more = said.len() - MOST_POLICIES;
        notes.push(format!(
            "{more} access policies are left out: a KeyVault has at most {MOST_POLICIES}. They stay as they are."
        ));
        said.truncate(MOST_POLICIES);
    }
    said
}

/// Roles that were given on the vault itself. Those from above hold as well, and are nobody's here.
fn role_assignments(
    vault: &Vault,
    given: &[Assignment],
    notes: &mut Vec<String>,
) -> Vec<RoleAssignmentSpec> {
    let here = given
        .iter()
        .filter(|one| one.scope.eq_ignore_ascii_case(&vault.id));
    let (mut said, mut pairs) = (Vec::new(), BTreeSet::new());
    for one in here {
        let role = roles::name_of(one.role).map_or_else(|| one.role.to_string(), str::to_owned);
        let Some(principal_type) = principal_type(one) else {
            notes.push(format!(
                "The role {role} of {} is left out: a KeyVault gives none to a {}. It stays as it is.",
                one.principal,
                one.principal_type.as_deref().unwrap_or_default()
            ));
            continue;
        };
        if pairs.insert((one.principal.clone(), one.role)) {
            said.push(RoleAssignmentSpec {
                principal_id: one.principal.clone(),
                principal_type,
                role,
            });
        }
    }
    if said.len() > MOST_ROLES {
        let more = said.len() - MOST_ROLES;
        notes.push(format!(
            "{more} role assignments are left out: a KeyVault has at most {MOST_ROLES}. They stay as they are."
        ));
        said.truncate(MOST_ROLES);
    }
    said
}

/// Azure does not always say it; then it is what most are.
fn principal_type(assignment: &Assignment) -> Option<PrincipalType> {
    match assignment.principal_type.as_deref() {
        None | Some("ServicePrincipal") => Some(PrincipalType::ServicePrincipal),
        Some("Group") => Some(PrincipalType::Group),
        Some("User") => Some(PrincipalType::User),
        Some(_) => None,
    }
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
