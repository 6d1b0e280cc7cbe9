//! What the operator knows of an account.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DeletionPolicy;
use crate::azure_resource::api::ResourceStatus;
use crate::k8s::fields::is_default;

/// What the operator knows of an account.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[schemars(extend("default" = {"observedGeneration": -1}))]
#[serde(rename_all = "camelCase")]
pub struct DataLakeAccountStatus {
    /// What every resource has.
    #[serde(flatten)]
    pub resource: ResourceStatus,

    /// Where its services are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub endpoints: EndpointsStatus,

    /// The generation of the spec whose filesystems, directories and files were last written as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lake_applied_generation: Option<i64>,

    /// Filesystems that were created by this object, or were given properties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub filesystems: Vec<FilesystemStatus>,

    /// Trees whose access lists are being changed, or were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trees: Vec<TreeStatus>,

    /// How the account's keys stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeysStatus>,

    /// Shared access signatures that were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sas: Vec<SasStatus>,
}

/// Where an account's services are.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct EndpointsStatus {
    /// Of filesystems and directories. Example: <https://lakepayments.dfs.core.windows.net/>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dfs: Option<String>,

    /// Of blobs. Example: <https://lakepayments.blob.core.windows.net/>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,

    /// Of a Data Lake Store, as Hadoop names it. Example: <adl://lakepayments.azuredatalakestore.net/>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adl: Option<String>,

    /// Of the `WebHDFS` interface of a Data Lake Store. Example: <https://lakepayments.azuredatalakestore.net/webhdfs/v1/>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhdfs: Option<String>,
}

/// A filesystem that was created by this object, or was given properties.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FilesystemStatus {
    /// Its name.
    pub name: String,

    /// Whether it was there before. Then it is never deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,

    /// What becomes of it when it goes from the spec.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deletion_policy: DeletionPolicy,

    /// Names of the properties that were set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<String>,
}

/// How far a change of the access lists of a whole tree is.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TreeStatus {
    /// The filesystem.
    pub filesystem: String,

    /// The directory, empty for the root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,

    /// What is set: mode and entries in normal form. Another one begins anew.
    pub acl: String,

    /// Where it goes on; none where it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuation: Option<String>,

    /// When it began.
    pub since: Time,

    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Time>,

    /// Directories that were changed.
    #[serde(default)]
    pub directories: i64,

    /// Files that were changed.
    #[serde(default)]
    pub files: i64,

    /// Paths that could not be changed.
    #[serde(default)]
    pub failures: i64,

    /// The first of those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedEntryStatus>,
}

/// A path whose access list could not be changed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FailedEntryStatus {
    /// The path.
    pub path: String,

    /// What Azure says.
    pub message: String,
}

/// One of an account's two keys.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub enum AccountKey {
    /// The first.
    Key1,
    /// The second.
    Key2,
}

/// How the account's keys stand.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KeysStatus {
    /// The key that is in use.
    pub in_use: AccountKey,

    /// When that was made, as Azure tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<MicroTime>,

    /// Since when it is in use, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,

    /// The other key, while it is made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewing: Option<RenewingStatus>,
}

/// A key that is made anew. Nobody is given it before that is over.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RenewingStatus {
    /// Which.
    pub key: AccountKey,

    /// When the one before was made, as Azure tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<MicroTime>,

    /// Until when the request may take effect.
    pub until: Time,
}

/// A shared access signature that was made.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SasStatus {
    /// The Secret.
    pub secret: String,

    /// The key in it.
    pub key: String,

    /// What it is for: everything that the spec says of it, as text. Another one is made at once.
    pub of: String,

    /// Until when it is valid.
    pub expires: Time,

    /// The account's key that it is signed with, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<SignedByStatus>,
}

/// The account's key that something is signed with.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SignedByStatus {
    /// Which.
    pub key: AccountKey,

    /// When that was made, as Azure tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<MicroTime>,
}
