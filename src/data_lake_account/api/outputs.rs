//! What is written to Kubernetes for those who use an account.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use kube::KubeSchema;
use kube::core::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::k8s::fields::is_default;

/// What is written to Kubernetes. All of it belongs to this object and goes with it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct OutputsSpec {
    /// Name of a ConfigMap with the account's name, id, endpoints and filesystems. Default: none. Example: lake-connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"),
        length(max = 253)
    )]
    pub config_map: Option<String>,

    /// The account's keys. Default: they are not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeysOutputSpec>,

    /// Shared access signatures. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, a.secret == b.secret && (has(a.key) ? a.key : 'sas') == (has(b.key) ? b.key : 'sas')))").message("each key of a Secret may stand once in sas"))]
    pub sas: Vec<SasOutputSpec>,
}

/// The account's keys, in a Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KeysOutputSpec {
    /// Name of the Secret; it has accountName, accountKey and connectionString, made of the key that is in use. Example: lake-keys.
    #[schemars(
        regex(pattern = r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"),
        length(min = 1, max = 253)
    )]
    pub secret: String,

    /// After what time the other key is made anew and taken into use; the one in use before stays valid until the next time. At
    /// least 1h. Default: keys are not made anew. Example: 2160h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h')").message("rotateAfter must be at least 1h"))]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub rotate_after: Option<Duration>,
}

/// A shared access signature, in a key of a Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("!has(self.directory) || has(self.filesystem)").message("directory needs filesystem"))]
#[x_kube(validation = Rule::new("has(self.filesystem)").message("filesystem must be set: a signature is for one filesystem"))]
#[serde(rename_all = "camelCase")]
pub struct SasOutputSpec {
    /// Name of the Secret. Example: lake-reader.
    #[schemars(
        regex(pattern = r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"),
        length(min = 1, max = 253)
    )]
    pub secret: String,

    /// Key in it. Default: sas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[-._a-zA-Z0-9]+$"), length(min = 1, max = 253))]
    pub key: Option<String>,

    /// UserDelegation: signed with a key of the identity, which can be revoked and lives for seven days at most. Service: signed
    /// with the account's key. Default: UserDelegation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: SasKind,

    /// The filesystem that it is for. Example: raw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 63))]
    pub filesystem: Option<String>,

    /// The directory that it is for, with everything beneath. Default: the whole filesystem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub directory: Option<String>,

    /// What it permits: letters of r (read), a (add), c (create), w (write), d (delete), l (list), m (move), e (execute), o
    /// (ownership), p (permissions). Default: rl.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[racwdlmeop]+$"), length(max = 10))]
    pub permissions: Option<String>,

    /// For how long it is valid; a new one is made when a third of that is left. 1h to 168h. Default: 24h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h') && duration(self) <= duration('168h')").message("lifetime must be 1h to 168h"))]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub lifetime: Option<Duration>,
}

/// What a signature is made with.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SasKind {
    /// A key of the identity.
    #[default]
    UserDelegation,
    /// The account's key.
    Service,
}
