//! What lies in an account: filesystems, directories, files, and who may do what with them.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DeletionPolicy;
use crate::k8s::fields::is_default;

/// A filesystem (container).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FilesystemSpec {
    /// Its name: 3 to 63 lower-case letters, digits and single hyphens. With generation Gen1: root. Example: raw.
    #[schemars(
        regex(pattern = r"^[$a-z0-9]([a-z0-9]|-[a-z0-9])*$"),
        length(min = 3, max = 63)
    )]
    pub name: String,

    /// Properties that it is to have; those that others have set stay. Default: none. Example: {team: payments}.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 50))]
    pub properties: BTreeMap<String, String>,

    /// The encryption scope of files that name none. Fixed when the filesystem is created. Default: the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^[a-z0-9]([a-z0-9]|-[a-z0-9])*$"),
        length(min = 3, max = 63)
    )]
    pub default_encryption_scope: Option<String>,

    /// Who may do what in its root directory. Default: left as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<AccessSpec>,

    /// Directories that are to exist. Those that go from here stay. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 1000),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["path"])
    )]
    pub directories: Vec<DirectorySpec>,

    /// Small files, each made of a key of a ConfigMap or Secret. Those that go from here stay. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 100),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["path"])
    )]
    pub files: Vec<FileSpec>,

    /// What becomes of the filesystem when it goes from this spec, if it was created by this object. Delete: it is deleted; one
    /// that holds data only with force. Default: Retain.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deletion_policy: DeletionPolicy,
}

/// Who may do what with a path.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("!(has(self.permissions) && has(self.acl))").message("permissions and acl cannot both be set: acl says all that permissions say"))]
#[x_kube(validation = Rule::new("!(has(self.aclMode) && self.aclMode != 'Set') || has(self.acl)").message("aclMode Modify and Remove need acl"))]
#[x_kube(validation = Rule::new("!has(self.recursive) || !self.recursive || has(self.acl)").message("recursive needs acl: it is the access list that goes to everything beneath"))]
#[serde(rename_all = "camelCase")]
pub struct AccessSpec {
    /// Owner: an object id of Entra ID, or `$superuser`. Default: left as it is. Example:
    /// 33333333-3333-3333-3333-333333333333.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub owner: Option<String>,

    /// Owning group: an object id of Entra ID, or `$superuser`. Default: left as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub group: Option<String>,

    /// Permissions of owner, group and others, octal or symbolic; a leading 1, or a final t, is the sticky bit. Default: left as
    /// they are. Example: 0750, or rwxr-x---.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([01]?[0-7]{3}|([r-][w-][x-]){2}[r-][w-][xtT-]\+?)$"))]
    pub permissions: Option<String>,

    /// Access list: each entry is `[default:](user|group|mask|other):[object id]:permissions`, without permissions where aclMode is
    /// Remove. Default: left as it is. Example:
    /// `[user::rwx, group::r-x, other::---, user:33333333-3333-3333-3333-333333333333:r-x]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 320)))]
    pub acl: Option<Vec<String>>,

    /// Set: acl is the whole list. Modify: its entries are added, or changed; others stay. Remove: its entries are taken away.
    /// Default: Set.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acl_mode: AclMode,

    /// Whether everything beneath gets the access list as well: once for this spec, and again when it changes. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recursive: bool,
}

/// What is done with an access list.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AclMode {
    /// It is the whole list.
    #[default]
    Set,
    /// Its entries are added or changed.
    Modify,
    /// Its entries are taken away.
    Remove,
}

/// A directory.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DirectorySpec {
    /// Its path in the filesystem; parents are made. Example: sales/2026.
    #[schemars(regex(pattern = r"^[^/\\]+(/[^/\\]+)*$"), length(min = 1, max = 1024))]
    pub path: String,

    /// Who may do what with it.
    #[serde(flatten)]
    pub access: AccessSpec,
}

/// A small file.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FileSpec {
    /// Its path in the filesystem; parents are made. Example: config/jobs.json.
    #[schemars(regex(pattern = r"^[^/\\]+(/[^/\\]+)*$"), length(min = 1, max = 1024))]
    pub path: String,

    /// What it holds.
    pub from: FileSource,

    /// Who may do what with it.
    #[serde(flatten)]
    pub access: AccessSpec,
}

/// What a file holds.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.configMap) != has(self.secret)").message("exactly one of configMap and secret must be set"))]
#[serde(rename_all = "camelCase")]
pub struct FileSource {
    /// A key of a ConfigMap of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<KeyOf>,

    /// A key of a Secret of this namespace. The Secret must consent: annotation lakevault.dev/allow-file with the name of this
    /// DataLakeAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<KeyOf>,
}

/// A key of a ConfigMap or Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct KeyOf {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// The key.
    #[schemars(regex(pattern = r"^[-._a-zA-Z0-9]+$"), length(min = 1, max = 253))]
    pub key: String,
}
