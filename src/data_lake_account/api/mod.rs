//! The kind `DataLakeAccount`: one Data Lake storage account in Azure, with its filesystems, directories and access lists.
#![allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the KubeSchema derive makes private shadows of public types, and print columns look alike"
)]

mod account;
mod lake;
mod network;
mod outputs;
mod status;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::account::{
    AccessTier, EncryptionSpec, KeyRef, LifecycleRuleSpec, PublicAccess, Sku, SoftDeleteSpec,
    TlsVersion, VaultRef,
};
pub use self::lake::{
    AccessSpec, AclMode, DirectorySpec, FileSource, FileSpec, FilesystemSpec, KeyOf,
};
pub use self::network::{Bypass, NetworkRulesSpec, ResourceRuleSpec};
pub use self::outputs::{KeysOutputSpec, OutputsSpec, SasKind, SasOutputSpec};
pub use self::status::{
    AccountKey, DataLakeAccountStatus, EndpointsStatus, FailedEntryStatus, FilesystemStatus,
    KeysStatus, RenewingStatus, SasStatus, SignedByStatus, TreeStatus,
};
use crate::azure_resource::api::ResourceSpec;
use crate::k8s::fields::is_default;

/// One Data Lake storage account in Azure.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "lakevault.dev",
    version = "v1alpha1",
    kind = "DataLakeAccount",
    plural = "datalakeaccounts",
    namespaced,
    status = "DataLakeAccountStatus",
    shortname = "dla",
    category = "lakevault",
    derive = "PartialEq",
    doc = "One Azure Data Lake storage account, with its filesystems, directories and access lists, kept as declared. Deleting this object leaves the account and all data as they are, unless deletionPolicy says otherwise.",
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".status.endpoints['dfs','adl']"),
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
    validation = Rule::new("self.metadata.name.size() <= 63").message("metadata.name must have at most 63 characters: it is part of a tag of the account"),
    validation = Rule::new("has(self.spec.azureName) || self.metadata.name.matches('^[a-z0-9]{3,24}$')").message("azureName must be set where metadata.name is no name of a storage account: 3 to 24 lower-case letters and digits"),
    validation = Rule::new("has(self.spec.azureName) == has(oldSelf.spec.azureName)").message("azureName cannot be changed: an account keeps its name"),
    validation = Rule::new("(has(self.spec.generation) ? self.spec.generation : 'Gen2') == (has(oldSelf.spec.generation) ? oldSelf.spec.generation : 'Gen2')").message("generation cannot be changed: Gen1 and Gen2 are different services; lakevault plan --to-gen2 writes the new form")
)]
#[x_kube(validation = Rule::new("!has(self.generation) || self.generation == 'Gen2' || !(has(self.sku) || has(self.accessTier) || has(self.minimumTlsVersion) || has(self.sharedKeyAccess) || has(self.blobPublicAccess) || has(self.sftp) || has(self.nfsV3) || has(self.publicNetworkAccess) || has(self.softDelete) || has(self.lifecycleRules) || has(self.outputs) && (has(self.outputs.keys) || has(self.outputs.sas)))").message("generation Gen1 knows none of sku, accessTier, minimumTlsVersion, sharedKeyAccess, blobPublicAccess, sftp, nfsV3, publicNetworkAccess, softDelete, lifecycleRules, outputs.keys and outputs.sas: take them out of the spec, or move to generation Gen2 (lakevault plan --to-gen2 writes that)"))]
#[x_kube(validation = Rule::new("!has(self.generation) || self.generation == 'Gen2' || !has(self.filesystems) || self.filesystems.all(f, f.name == 'root')").message("generation Gen1 has one filesystem: name it root"))]
#[x_kube(validation = Rule::new("!has(self.generation) || self.generation == 'Gen2' || !has(self.filesystems) || self.filesystems.all(f, !has(f.properties) && !has(f.defaultEncryptionScope) && (!has(f.deletionPolicy) || f.deletionPolicy == 'Retain'))").message("the filesystem of generation Gen1 has no properties and no defaultEncryptionScope, and goes with its account alone: take them and its deletionPolicy out of the spec"))]
#[x_kube(validation = Rule::new("!has(self.generation) || self.generation == 'Gen2' || !has(self.networkRules) || !has(self.networkRules.resources) && (!has(self.networkRules.bypass) || self.networkRules.bypass.all(b, b == 'AzureServices'))").message("networkRules of generation Gen1 know no resources, and no bypass but AzureServices"))]
#[x_kube(validation = Rule::new("!has(self.generation) || self.generation == 'Gen2' || !has(self.encryption) || !has(self.encryption.userAssignedIdentity) && has(self.encryption.key.vaultRef) && has(self.encryption.key.version)").message("encryption of generation Gen1 needs key.vaultRef and key.version, and no userAssignedIdentity: the account has an identity of its own"))]
#[x_kube(validation = Rule::new("has(self.generation) && self.generation == 'Gen1' || !has(self.encryption) || has(self.encryption.userAssignedIdentity)").message("encryption needs userAssignedIdentity: the account unwraps the key with it"))]
#[x_kube(validation = Rule::new("!has(self.nfsV3) || !self.nfsV3 || has(self.networkRules)").message("nfsV3: true needs networkRules with a subnet: NFS has no other guard"))]
#[x_kube(validation = Rule::new("has(self.nfsV3) == has(oldSelf.nfsV3)").message("nfsV3 cannot be changed: it is fixed when the account is created"))]
#[serde(rename_all = "camelCase")]
pub struct DataLakeAccountSpec {
    /// What every resource has.
    #[serde(flatten)]
    pub resource: ResourceSpec,

    /// Name of the account in Azure, unique in the whole cloud: 3 to 24 lower-case letters and digits. Cannot be changed.
    /// Default: metadata.name. Example: lakepayments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z0-9]+$"), length(min = 3, max = 24))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("azureName cannot be changed: an account keeps its name"))]
    pub azure_name: Option<String>,

    /// Gen2: a storage account with hierarchical namespace. Gen1: Azure Data Lake Store, which Azure retired on 29 February 2024;
    /// it works where an endpoint still speaks it, and has fewer fields. Cannot be changed. Default: Gen2.
    #[serde(default, skip_serializing_if = "is_default")]
    pub generation: Generation,

    /// What becomes of the account when this object is deleted. Retain: it stays, without the operator's tag. Delete: it is
    /// deleted; one that holds data only with force. Default: Retain.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deletion_policy: DeletionPolicy,

    /// Whether what holds data may be deleted, where deletionPolicy asks for it: the account, or a filesystem that goes from this
    /// spec. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,

    /// Kind of disks and replication. Change from or to zone-redundant or premium kinds is a migration, which is told and not
    /// begun. Default: `Standard_LRS` where the account is created, else what it is. Example: `Standard_ZRS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,

    /// Tier of files that have none of their own. Default: Hot where the account is created, else what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_tier: Option<AccessTier>,

    /// The oldest TLS that clients may speak. Default: `TLS1_2` where the account is created, else what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_tls_version: Option<TlsVersion>,

    /// Whether the account's keys, and what is signed with them, give access. Default: false where the account is created and no
    /// output needs keys, else what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_key_access: Option<bool>,

    /// Whether a container may be opened to everybody. Default: false where the account is created, else what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob_public_access: Option<bool>,

    /// Whether SFTP is spoken. Default: what the account has, false at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sftp: Option<bool>,

    /// Whether NFS 3 is spoken. Fixed when the account is created. Default: what the account has, false at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("nfsV3 cannot be changed: it is fixed when the account is created"))]
    pub nfs_v3: Option<bool>,

    /// Who may reach the account's public endpoints. Default: everybody where the account is created, else what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_rules: Option<NetworkRulesSpec>,

    /// Whether the account has public endpoints at all. Default: Enabled where the account is created, else what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_network_access: Option<PublicAccess>,

    /// For how long what is deleted can be restored. Default: what the account has, not at all at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_delete: Option<SoftDeleteSpec>,

    /// What becomes of files with time. The account's whole policy: rules that others have added go. Default: the policy is left
    /// alone; an empty list removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 100),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub lifecycle_rules: Option<Vec<LifecycleRuleSpec>>,

    /// The key that data is encrypted with. Default: Microsoft's own where the account is created, else what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<EncryptionSpec>,

    /// Filesystems (containers). Those that others have made stay. The identity needs the role Storage Blob Data Owner. Default:
    /// none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 100),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub filesystems: Vec<FilesystemSpec>,

    /// What is written to Kubernetes for those who use the account. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<OutputsSpec>,
}

impl DataLakeAccount {
    /// The conditions of its status.
    pub fn conditions(&self) -> &[Condition] {
        let status = self.status.as_ref();
        status.map_or(&[], |status| &status.resource.conditions)
    }

    /// The `KeyVault` that holds the key that data is encrypted with, where the spec names one.
    pub fn vault_ref(&self) -> Option<&str> {
        let key = &self.spec.encryption.as_ref()?.key;
        key.vault_ref.as_ref().map(|vault| vault.name.as_str())
    }
}

/// Which service it is.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Generation {
    /// A storage account with hierarchical namespace.
    #[default]
    Gen2,
    /// Data Lake Store.
    Gen1,
}

/// What becomes of something in Azure.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeletionPolicy {
    /// It stays.
    #[default]
    Retain,
    /// It is deleted.
    Delete,
}
