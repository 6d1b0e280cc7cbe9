//! What a spec wants of a vault. What it does not say is left as it is. Pure.

use std::collections::BTreeSet;

use super::api::{AccessPolicyMode, Authorization};
use super::vault::{
    Action, Around, Authority, Cidr, Network, Onoff, Permissions, Policies, Principal, Settings,
    SkuName, Tags, Vault,
};
use crate::azure::arm::ApiVersions;
use crate::azure_resource::difference::{Difference, differs};
use crate::azure_resource::tags;

/// What is wanted of a vault.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Desired {
    /// Its region.
    pub location: String,
    /// Its tags.
    pub tags: Tags,
    /// Its tenant.
    pub tenant: String,
    /// Its kind.
    pub sku: Option<SkuName>,
    /// Who decides about access.
    pub authorization: Option<Authority>,
    /// Access policies.
    pub policies: Policies,
    /// What becomes of others.
    pub policy_mode: AccessPolicyMode,
    /// Days of retention.
    pub retention: Option<u16>,
    /// Protection from being purged.
    pub purge_protection: Option<bool>,
    /// Who may reach it.
    pub network: Option<Network>,
    /// Whether it has a public endpoint.
    pub public_access: Option<Onoff>,
    /// For virtual machines.
    pub for_deployment: Option<bool>,
    /// For disk encryption.
    pub for_disk_encryption: Option<bool>,
    /// For deployments.
    pub for_template_deployment: Option<bool>,
    /// What the vault's cloud can do.
    pub cloud: Capabilities,
}

/// What vaults of a cloud can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is there or not, apart from the others"
)]
pub struct Capabilities {
    /// Role assignments decide about access.
    pub rbac: bool,
    /// What is deleted can be recovered, and protected from being purged.
    pub soft_delete: bool,
    /// There are network rules.
    pub network: bool,
    /// Keys can be in hardware.
    pub premium: bool,
}

impl Capabilities {
    /// Those of Microsoft's own clouds.
    pub const ALL: Self = Self {
        rbac: true,
        soft_delete: true,
        network: true,
        premium: true,
    };

    /// Those of the cloud that speaks these versions.
    pub fn of(versions: &ApiVersions) -> Self {
        Self {
            rbac: versions.has_rbac,
            soft_delete: versions.has_soft_delete,
            network: versions.has_network_rules,
            premium: versions.has_premium,
        }
    }
}

/// What earlier writes have set, so that it can be taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Set {
    /// Names of tags.
    pub tags: Vec<String>,
    /// Principals of access policies.
    pub policies: Vec<String>,
}

/// Azure's days of retention, also where it does not tell them (Key Vault, "Soft-delete overview").
pub const DEFAULT_RETENTION: u16 = 90;

const PROTECTED: &str = "purge protection of a vault cannot be turned off";
const RETENTION: &str = "the retention of a vault is fixed when it is created";

impl Desired {
    /// The settings of a vault that has none yet, or with what is wanted in place of what it has.
    pub fn settings(&self, now: Option<&Settings>) -> Settings {
        let authorization = if self.cloud.rbac {
            Authorization::RBAC
        } else {
            Authorization::AccessPolicies
        };
        let first = Settings {
            sku: SkuName(super::api::Sku::Standard),
            authorization: Authority(authorization),
            network: Network::default(),
            public_access: Onoff(super::api::Switch::Enabled),
            for_deployment: false,
            for_disk_encryption: false,
            for_template_deployment: false,
        };
        let now = now.unwrap_or(&first);
        Settings {
            sku: self.sku.unwrap_or(now.sku),
            authorization: self.authorization.unwrap_or(now.authorization),
            network: self.network.clone().unwrap_or_else(|| now.network.clone()),
            public_access: self.public_access.unwrap_or(now.public_access),
            for_deployment: self.for_deployment.unwrap_or(now.for_deployment),
            for_disk_encryption: self.for_disk_encryption.unwrap_or(now.for_disk_encryption),
            for_template_deployment: self
                .for_template_deployment
                .unwrap_or(now.for_template_deployment),
        }
    }

    /// The principals whose policies are to go.
    pub fn dropped_policies<'a>(&'a self, now: &'a Policies, set: &'a Set) -> Vec<&'a Principal> {
        let unwanted = now.keys().filter(|who| !self.policies.contains_key(who));
        unwanted
            .filter(|who| match self.policy_mode {
                AccessPolicyMode::Replace => true,
                AccessPolicyMode::Merge => set.policies.contains(&who.to_string()),
            })
            .collect()
    }

    /// Policies that are not as they are wanted.
    pub fn changed_policies(&self, now: &Policies) -> Policies {
        let changed = self.policies.iter().filter(|(who, wanted)| {
            let has = now.get(who);
            has.is_none_or(|has| !same_permissions(wanted, has))
        });
        changed
            .map(|(who, wanted)| (who.clone(), wanted.clone()))
            .collect()
    }
}

/// What no spec says, permissions for storage accounts, does not count.
fn same_permissions(wanted: &Permissions, has: &Permissions) -> bool {
    let said = |of: &Permissions| (of.secrets.clone(), of.keys.clone(), of.certificates.clone());
    said(wanted) == said(has)
}

/// Where a vault is not as it is wanted, in the order of the spec's fields.
pub fn differences(desired: &Desired, vault: &Vault, set: &Set, owner: &str) -> Vec<Difference> {
    let mut found = tags::differences(&desired.tags, &vault.tags, &set.tags, owner);
    let (has, settings) = (&vault.settings, desired.settings(Some(&vault.settings)));
    found.extend(differs("sku", Some(&settings.sku), &has.sku));
    let authorization = Some(&settings.authorization);
    found.extend(differs("authorization", authorization, &has.authorization));
    policy_differences(desired, vault, set, &mut found);
    found.extend(
        differs(
            "softDeleteRetentionDays",
            desired.retention.as_ref(),
            &vault.retention.unwrap_or(DEFAULT_RETENTION),
        )
        .map(|difference| difference.stuck(RETENTION)),
    );
    let protection = desired.purge_protection.as_ref();
    found.extend(
        differs("purgeProtection", protection, &vault.purge_protection).map(|difference| {
            if vault.purge_protection {
                difference.stuck(PROTECTED)
            } else {
                difference
            }
        }),
    );
    network_differences(&settings.network, &has.network, &mut found);
    let public = Some(&settings.public_access);
    found.extend(differs("publicNetworkAccess", public, &has.public_access));
    let switches = [
        (
            "enabledForDeployment",
            settings.for_deployment,
            has.for_deployment,
        ),
        (
            "enabledForDiskEncryption",
            settings.for_disk_encryption,
            has.for_disk_encryption,
        ),
        (
            "enabledForTemplateDeployment",
            settings.for_template_deployment,
            has.for_template_deployment,
        ),
    ];
    for (path, wanted, has) in switches {
        found.extend(differs(path, Some(&wanted), &has));
    }
    found
}

fn policy_differences(desired: &Desired, vault: &Vault, set: &Set, found: &mut Vec<Difference>) {
    let none = Permissions::default();
    for (who, wanted) in &desired.changed_policies(&vault.policies) {
        let has = vault.policies.get(who).unwrap_or(&none);
        let path = format!("accessPolicies[{who}]");
        found.push(Difference::new(path, wanted.to_string(), has.to_string()));
    }
    for who in desired.dropped_policies(&vault.policies, set) {
        let has = vault.policies.get(who).unwrap_or(&none);
        let path = format!("accessPolicies[{who}]");
        found.push(Difference::new(path, none.to_string(), has.to_string()));
    }
}

fn network_differences(wanted: &Network, has: &Network, found: &mut Vec<Difference>) {
    let action = Action(wanted.default);
    found.extend(differs(
        "networkRules.defaultAction",
        Some(&action),
        &Action(has.default),
    ));
    let bypass = Around(wanted.bypass);
    found.extend(differs(
        "networkRules.bypass",
        Some(&bypass),
        &Around(has.bypass),
    ));
    let rule = |range: &Cidr| range.to_string();
    let lists = [
        (
            "networkRules.ipRules",
            wanted.addresses.iter().map(rule).collect::<BTreeSet<_>>(),
            has.addresses.iter().map(rule).collect::<BTreeSet<_>>(),
        ),
        (
            "networkRules.subnets",
            wanted.subnets.iter().map(subnet).collect(),
            has.subnets.iter().map(subnet).collect(),
        ),
    ];
    for (path, wanted, has) in lists {
        for more in wanted.difference(&has) {
            found.push(Difference::new(
                format!("{path}[{more}]"),
                "there",
                "absent",
            ));
        }
        for less in has.difference(&wanted) {
            found.push(Difference::new(
                format!("{path}[{less}]"),
                "absent",
                "there",
            ));
        }
    }
}

fn subnet((id, ignore): (&String, &bool)) -> String {
    let tolerant = if *ignore {
        ", ignoreMissingEndpoint"
    } else {
        ""
    };
    format!("{id}{tolerant}")
}

#[cfg(test)]
#[path = "desired_tests.rs"]
mod tests;
