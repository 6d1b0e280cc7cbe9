//! `spec.push` and `status.push` of a `VaultSecretSync`.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use kube::core::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::vault_secret_sync::api::KeyError;

/// A value of a Secret that is written to the vault, and written again when it changes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.from.key) || has(self.to.certificate)").message("from.key must be set with to.secret"))]
#[x_kube(validation = Rule::new("!has(self.from.passwordKey) || has(self.to.certificate)").message("from.passwordKey goes with to.certificate only"))]
#[serde(rename_all = "camelCase")]
pub struct PushEntry {
    /// Where the value comes from.
    pub from: PushSource,

    /// The object of the vault that it is written to.
    pub to: PushTarget,

    /// What happens where the vault has the object already and it was not made by this sync, or somebody else has changed it
    /// since. An object that another sync pushes is never replaced. Default: Keep.
    #[serde(default)]
    pub if_exists: IfExists,

    /// What happens to the object when this entry or this sync is deleted. Default: Retain.
    #[serde(default)]
    pub deletion_policy: PushDeletionPolicy,
}

/// A value of a Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PushSource {
    /// Name of a Secret of the same namespace. It must carry the annotation `lakevault.dev/allow-push: <name of this object>`
    /// unless this object owns it.
    #[schemars(
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
        length(min = 1, max = 253)
    )]
    pub secret: String,

    /// Key in its data. Default for a certificate: `tls.crt` and `tls.key` together. Example: password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[-._a-zA-Z0-9]+$"), length(min = 1, max = 253))]
    pub key: Option<String>,

    /// Key in its data with the password that opens the certificate's file. Example: keystore-password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[-._a-zA-Z0-9]+$"), length(min = 1, max = 253))]
    pub password_key: Option<String>,
}

/// An object of the vault.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.secret) != has(self.certificate)").message("exactly one of secret and certificate must be set"))]
#[x_kube(validation = Rule::new("!has(self.certificate) || !(has(self.contentType) || has(self.expires) || has(self.expiresAfter) || has(self.encode))").message("contentType, expires, expiresAfter and encode go with secret only: a certificate brings its own"))]
#[x_kube(validation = Rule::new("!(has(self.expires) && has(self.expiresAfter))").message("at most one of expires and expiresAfter may be set"))]
#[serde(rename_all = "camelCase")]
pub struct PushTarget {
    /// Name of a secret of the vault. Example: db-password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Za-z-]+$"), length(min = 1, max = 127))]
    pub secret: Option<String>,

    /// Name of a certificate of the vault. What is pushed is imported with its key: PEM, or PKCS#12. Example: web-tls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Za-z-]+$"), length(min = 1, max = 127))]
    pub certificate: Option<String>,

    /// What the value is. Default: as it is in the vault. Example: text/plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub content_type: Option<String>,

    /// All tags of the object, besides `lakevault-owner`. Example: {team: payments}.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[x_kube(validation = Rule::new("self.all(name, !name.startsWith('lakevault-'))").message("tags that begin with lakevault- belong to the operator"))]
    #[schemars(extend("maxProperties" = 14))]
    pub tags: BTreeMap<String, String>,

    /// When the secret expires. Default: as it is in the vault. Example: 2027-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,

    /// How long each version is valid from when it was made. Example: 2160h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(s|m|h))+$"), length(max = 32))]
    pub expires_after: Option<Duration>,

    /// How a value is made text. With None, one that is not UTF-8 is refused. Default: None.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode: Option<Encode>,
}

/// How a value is made text.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encode {
    /// As it is.
    #[default]
    None,
    /// Base64 with padding (RFC 4648 §4).
    Base64,
    /// Base64 with the alphabet for URLs, without padding (RFC 4648 §5).
    Base64Url,
}

/// What happens to an object that is there already.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// It gets a new version, or tags, as the entry says.
    Replace,
    /// It stays as it is, and the condition `Pushed` tells.
    #[default]
    Keep,
}

/// What happens to an object that is not pushed any more.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PushDeletionPolicy {
    /// It is deleted softly, where it still is this sync's. It is never purged.
    Delete,
    /// It stays.
    #[default]
    Retain,
}

/// State of one pushed object.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PushStatus {
    /// The vault. Example: <https://kv-payments.vault.azure.net>.
    pub vault: String,

    /// Kind and name of the object. Example: secret/db-password.
    pub object: String,

    /// The version that holds what was pushed. Absent before the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,

    /// What was pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<PushedFrom>,

    /// When this sync last made a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_pushed: Option<Time>,

    /// What happens to the object when it is not pushed any more.
    #[serde(default)]
    pub deletion_policy: PushDeletionPolicy,

    /// What is about to be done in the vault. It is written before, so that a crash leaves no doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<PushOperation>,

    /// Why the object could not be brought up to date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<KeyError>,
}

/// A Secret at the moment when a value of it was pushed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PushedFrom {
    /// Its name.
    pub secret: String,
    /// Its uid.
    pub uid: String,
    /// Its resourceVersion.
    pub resource_version: String,
    /// The generation of the sync that said what was to be pushed.
    pub generation: i64,
}

/// One change of the vault.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PushOperation {
    /// What is done.
    pub step: PushStep,
    /// The generation of the sync that it was decided for.
    pub generation: i64,
    /// When it was decided.
    pub since: Time,
}

/// The changes of the vault.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushStep {
    /// A new version.
    Set,
    /// Other tags, content type or expiry of the newest version.
    Update,
    /// The object is brought back from soft deletion.
    Recover,
    /// The object is deleted softly.
    Delete,
}
