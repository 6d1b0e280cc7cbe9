//! Secrets that are made up.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use kube::core::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::k8s::fields::is_default;

/// A secret that is made up where the vault does not have it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SeedSpec {
    /// Its name in the vault. Example: db-password.
    #[schemars(regex(pattern = r"^[0-9A-Za-z-]+$"), length(min = 1, max = 127))]
    pub name: String,

    /// How many characters it has: 8 to 1024. Default: 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 8, max = 1024))]
    pub length: Option<u16>,

    /// Of which characters it is made. Default: Alphanumeric.
    #[serde(default, skip_serializing_if = "is_default")]
    pub characters: Characters,

    /// What the value is, for its readers. Default: none. Example: text/plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub content_type: Option<String>,

    /// After what time a new version is made up, where the one that is there was made up by this object. Default: never.
    /// Example: 720h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h')").message("rotateAfter must be at least 1h"))]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub rotate_after: Option<Duration>,
}

/// Sets of characters.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Characters {
    /// Letters and digits.
    #[default]
    Alphanumeric,
    /// Letters, digits and `!#$%&()*+,-.:;<=>?@[]^_{|}~`.
    Printable,
    /// The digits 0 to 9 and a to f.
    Hexadecimal,
    /// Letters, digits, `-` and `_`.
    UrlSafe,
    /// The digits 0 to 9.
    Digits,
}

/// A secret that was made up.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SeedStatus {
    /// Its name in the vault.
    pub name: String,

    /// The version that was last seen or made.
    pub version: String,

    /// When that was made.
    pub created: Time,
}
