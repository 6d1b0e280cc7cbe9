//! A vault that is there as a KeyVault that wants nothing of it. Pure.

use std::collections::BTreeSet;

use serde_json::json;

use super::api::{AccessPolicySpec, Authorization, KeyVaultSpec, NetworkRulesSpec, SubnetSpec};
use super::desired::Capabilities;
use super::vault::{Authority, Network, Permissions, Policies, Vault};
use crate::azure::arm::ResourceId;
use crate::azure::arm::roles::Assignment;
use crate::azure_resource::api::ResourceSpec;
use crate::azure_resource::import::{About, Manifest, There, Words};

/// What a KeyVault may have at most, by its definition. A vault may have more, and keeps it.
const MOST_POLICIES: usize = 256;

const WORDS: Words = Words {
    kind: "KeyVault",
    noun: "vault",
};

/// The manifest of a vault: everything that the vault has is said, so that what changes later is seen. `cloud` is what vaults of
/// its cloud can do.
pub fn manifest(
    id: &ResourceId,
    vault: &Vault,
    given: &[Assignment],
    about: &About,
    cloud: Capabilities,
) -> Manifest {
    let mut notes = Vec::new();
    let there = There {
        id,
        told_id: &vault.id,
        location: &vault.location,
        tags: &vault.tags,
        given,
    };
    let spec = KeyVaultSpec {
        resource: WORDS.resource(&there, about, &mut notes),
        azure_name: Some(id.name().to_owned()),
        tenant_id: Some(vault.tenant.clone()),
        access_policies: policies(vault, &mut notes),
        ..settings(vault, cloud)
    };
    let mut spec = json!(spec);
    if cloud.network {
        spec["networkRules"]["defaultAction"] = json!(vault.settings.network.default);
        spec["networkRules"]["bypass"] = json!(vault.settings.network.bypass);
    }
    WORDS.manifest(about, spec, notes)
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

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
