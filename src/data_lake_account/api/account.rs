//! What a storage account is.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Kind of disks and replication (Azure, "Storage Accounts", `SkuName`).
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(non_camel_case_types, reason = "Azure's own words")]
pub enum Sku {
    /// Three copies in one data centre.
    Standard_LRS,
    /// Three there, and three in another region.
    Standard_GRS,
    /// The same; the other region can be read.
    Standard_RAGRS,
    /// Copies in three zones.
    Standard_ZRS,
    /// The same, and three copies in another region.
    Standard_GZRS,
    /// The same; the other region can be read.
    Standard_RAGZRS,
    /// Fast disks, three copies in one data centre.
    Premium_LRS,
    /// Fast disks, copies in three zones.
    Premium_ZRS,
}

/// Tier of files.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessTier {
    /// Read often.
    Hot,
    /// Read now and then.
    Cool,
    /// Read seldom.
    Cold,
}

/// The oldest TLS.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub enum TlsVersion {
    /// 1.0
    TLS1_0,
    /// 1.1
    TLS1_1,
    /// 1.2
    TLS1_2,
    /// 1.3
    TLS1_3,
}

/// Whether there are public endpoints.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PublicAccess {
    /// There are.
    Enabled,
    /// There are none.
    Disabled,
    /// A network security perimeter decides.
    SecuredByPerimeter,
}

/// For how long what is deleted can be restored.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SoftDeleteSpec {
    /// Days for files: 1 to 365; 0 for not at all. Default: what the account has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 365))]
    pub blob_days: Option<u16>,

    /// Days for filesystems: 1 to 365; 0 for not at all. Default: what the account has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 365))]
    pub container_days: Option<u16>,
}

/// What becomes of files with time (Azure, "Management Policies", `ManagementPolicyRule`). Days count from the last change.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.tierToCoolAfterDays) || has(self.tierToColdAfterDays) || has(self.tierToArchiveAfterDays) || has(self.deleteAfterDays) || has(self.deleteSnapshotsAfterDays)").message("a lifecycle rule must say what is done: tierToCoolAfterDays, tierToColdAfterDays, tierToArchiveAfterDays, deleteAfterDays or deleteSnapshotsAfterDays"))]
#[serde(rename_all = "camelCase")]
pub struct LifecycleRuleSpec {
    /// Its name. Example: old-logs.
    #[schemars(
        regex(pattern = r"^[A-Za-z0-9][-A-Za-z0-9]*$"),
        length(min = 1, max = 255)
    )]
    pub name: String,

    /// Whether it is not applied. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,

    /// What the paths begin with, from the filesystem on. Default: all files. Example: [raw/logs/].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), inner(length(min = 1, max = 1024)))]
    pub prefixes: Vec<String>,

    /// When a file moves to the tier Cool. Example: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 99_999))]
    pub tier_to_cool_after_days: Option<u32>,

    /// When a file moves to the tier Cold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 99_999))]
    pub tier_to_cold_after_days: Option<u32>,

    /// When a file moves to the tier Archive, from which it is read only after hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 99_999))]
    pub tier_to_archive_after_days: Option<u32>,

    /// When a file is deleted. Example: 365.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 99_999))]
    pub delete_after_days: Option<u32>,

    /// When a snapshot of a file is deleted, counted from its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 99_999))]
    pub delete_snapshots_after_days: Option<u32>,
}

/// The key that data is encrypted with.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionSpec {
    /// The customer's key.
    pub key: KeyRef,

    /// Resource id of the user-assigned managed identity that unwraps the key; it needs the role Key Vault Crypto Service
    /// Encryption User on the vault. Generation Gen1 uses an identity of the account's own, so it is left out there; else it must
    /// be set. Example:
    /// /subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/lake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub user_assigned_identity: Option<String>,
}

/// A key in a Key Vault.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.vaultRef) != has(self.vaultUri)").message("exactly one of vaultRef and vaultUri must be set"))]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    /// The KeyVault of this namespace that holds the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault_ref: Option<VaultRef>,

    /// The vault that holds the key. Example: <https://kv-payments.vault.azure.net>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub vault_uri: Option<String>,

    /// Name of the key. Example: lake.
    #[schemars(regex(pattern = r"^[0-9A-Za-z-]+$"), length(min = 1, max = 127))]
    pub name: String,

    /// Its version. Generation Gen1 needs it said. Default: the newest, which Azure follows by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{32}$"))]
    pub version: Option<String>,
}

/// A KeyVault of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct VaultRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
