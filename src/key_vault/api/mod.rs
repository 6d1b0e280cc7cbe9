//! The kind `KeyVault`: one Key Vault in Azure.
#![allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the KubeSchema derive makes private shadows of public types, and print columns look alike"
)]

mod access;
mod seeds;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::access::{AccessPolicyMode, AccessPolicySpec, Bypass, NetworkRulesSpec, SubnetSpec};
pub use self::seeds::{Characters, SeedSpec, SeedStatus};
pub use crate::azure_resource::api::{DefaultAction, Switch};
use crate::azure_resource::api::{ResourceSpec, ResourceStatus};
use crate::k8s::fields::is_default;

/// One Key Vault in Azure.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "lakevault.dev",
    version = "v1alpha1",
    kind = "KeyVault",
    plural = "keyvaults",
    namespaced,
    status = "KeyVaultStatus",
    shortname = "kv",
    category = "lakevault",
    derive = "PartialEq",
    doc = "One Azure Key Vault: created, kept as declared, recovered and let go. Deleting this object leaves the vault as it is, unless deletionPolicy says otherwise.",
    printcolumn(name = "Vault", type_ = "string", json_path = ".status.vaultUri"),
    printcolumn(name = "State", type_ = "string", json_path = ".status.provisioningState"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Synced", type_ = "string", json_path = ".status.conditions[?(@.type=='Synced')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Synced')].reason"),
    printcolumn(name = "Drifted", type_ = "string", json_path = ".status.conditions[?(@.type=='Drifted')].status"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Id", type_ = "string", json_path = ".status.azureId", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Synced')].message",
        priority = 1
    ),
    validation = Rule::new("self.metadata.name.size() <= 63").message("metadata.name must have at most 63 characters: it is part of a tag of the vault"),
    validation = Rule::new("has(self.spec.azureName) || (self.metadata.name.size() >= 3 && self.metadata.name.size() <= 24 && self.metadata.name.matches('^[a-z]([a-z0-9]|-[a-z0-9])*$'))").message("azureName must be set where metadata.name is no name of a vault: 3 to 24 letters, digits and single hyphens, beginning with a letter"),
    validation = Rule::new("has(self.spec.azureName) == has(oldSelf.spec.azureName)").message("azureName cannot be changed: a vault keeps its name")
)]
#[x_kube(validation = Rule::new("!has(self.accessPolicies) || (has(self.authorization) && self.authorization == 'AccessPolicies')").message("accessPolicies need authorization: AccessPolicies"))]
#[x_kube(validation = Rule::new("!has(self.accessPolicyMode) || has(self.accessPolicies) || self.accessPolicyMode == 'Replace'").message("accessPolicyMode: Merge has no meaning without accessPolicies"))]
#[serde(rename_all = "camelCase")]
pub struct KeyVaultSpec {
    /// What every resource has.
    #[serde(flatten)]
    pub resource: ResourceSpec,

    /// Name of the vault in Azure, unique in the whole cloud: 3 to 24 letters, digits and single hyphens, beginning with a
    /// letter. Cannot be changed. Default: metadata.name. Example: kv-payments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^[a-zA-Z]([a-zA-Z0-9]|-[a-zA-Z0-9])*$"),
        length(min = 3, max = 24)
    )]
    #[x_kube(validation = Rule::new("self == oldSelf").message("azureName cannot be changed: a vault keeps its name"))]
    pub azure_name: Option<String>,

    /// What becomes of the vault when this object is deleted. Retain: it stays, without the operator's tag. Delete: it is
    /// deleted softly, and can be recovered until its retention ends. DeleteAndPurge: it is gone for good, unless it is
    /// protected from that. Default: Retain.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deletion_policy: DeletionPolicy,

    /// The tenant whose identities may use the vault, a GUID. Default: that of the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"))]
    pub tenant_id: Option<String>,

    /// Standard, or Premium with keys in hardware. Default: Standard where the vault is created, else what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,

    /// Who decides about access to the vault's objects: role assignments (RBAC) or the vault's own access policies. Default:
    /// RBAC where the vault is created (`AccessPolicies` on Azure Stack Hub, which has nothing else), else what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,

    /// Access policies, with authorization AccessPolicies. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, a.objectId == b.objectId && (has(a.applicationId) ? a.applicationId : '') == (has(b.applicationId) ? b.applicationId : '')))").message("each objectId may stand once in accessPolicies, or once for each applicationId"))]
    pub access_policies: Vec<AccessPolicySpec>,

    /// What becomes of access policies that are not in this spec. Merge: they stay, apart from those that this spec once had.
    /// Replace: they go. Default: Merge.
    #[serde(default, skip_serializing_if = "is_default")]
    pub access_policy_mode: AccessPolicyMode,

    /// Days for which a deleted vault, and deleted objects in it, can be recovered: 7 to 90. Fixed when the vault is created.
    /// Default: 90.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 7, max = 90))]
    pub soft_delete_retention_days: Option<u16>,

    /// Whether nobody may purge the vault or its objects before their retention ends. Once true it cannot be turned off.
    /// Default: false where the vault is created, else what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_protection: Option<bool>,

    /// Who may reach the vault's public endpoint. Default: everybody where the vault is created, else what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_rules: Option<NetworkRulesSpec>,

    /// Whether the vault has a public endpoint at all. Disabled leaves private endpoints alone. Default: Enabled where the
    /// vault is created, else what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_network_access: Option<Switch>,

    /// Whether virtual machines may fetch certificates that are stored as secrets. Default: what the vault has, false at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled_for_deployment: Option<bool>,

    /// Whether Azure Disk Encryption may fetch secrets and unwrap keys. Default: what the vault has, false at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled_for_disk_encryption: Option<bool>,

    /// Whether Resource Manager may fetch secrets for deployments. Default: what the vault has, false at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled_for_template_deployment: Option<bool>,

    /// What to do where a vault of this name exists in deleted state. Fail: nothing, it is told. Recover: it is brought back,
    /// with all that is in it. Purge: it is destroyed and a new one created; only one that this very object had, or with
    /// adopt: Always. Default: Fail.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_soft_deleted: OnSoftDeleted,

    /// Secrets that are made up at random where the vault does not have them. Their values are never read. The identity needs
    /// a role that may write secrets, such as Key Vault Secrets Officer. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, a.name.lowerAscii() == b.name.lowerAscii()))").message("each name may stand once in secrets"))]
    pub secrets: Vec<SeedSpec>,
}

/// What becomes of the vault.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeletionPolicy {
    /// It stays.
    #[default]
    Retain,
    /// It is deleted softly.
    Delete,
    /// It is deleted, and then purged.
    DeleteAndPurge,
}

/// Kind of a vault.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sku {
    /// Keys in software.
    #[default]
    Standard,
    /// Keys in hardware, too.
    Premium,
}

/// Who decides about access to objects.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authorization {
    /// Role assignments.
    RBAC,
    /// The vault's own list.
    AccessPolicies,
}

/// What to do with a vault in deleted state.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnSoftDeleted {
    /// It is told.
    #[default]
    Fail,
    /// It is brought back.
    Recover,
    /// It is destroyed.
    Purge,
}

impl KeyVault {
    /// The conditions of its status.
    pub fn conditions(&self) -> &[Condition] {
        let status = self.status.as_ref();
        status.map_or(&[], |status| &status.resource.conditions)
    }
}

/// What the operator knows of a vault.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[schemars(extend("default" = {"observedGeneration": -1}))]
#[serde(rename_all = "camelCase")]
pub struct KeyVaultStatus {
    /// What every resource has.
    #[serde(flatten)]
    pub resource: ResourceStatus,

    /// Where its objects are, since its name resolves. Example: <https://kv-payments.vault.azure.net>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault_uri: Option<String>,

    /// The vault's tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,

    /// Principals whose access policies were set for this spec, as objectId or objectId/applicationId.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_policies: Vec<String>,

    /// When a deleted vault of this name goes for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_purge_date: Option<Time>,

    /// When the vault was deleted that is still to be purged (deletionPolicy: DeleteAndPurge).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,

    /// Secrets that were made up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SeedStatus>,
}
