//! Parts of the kind `VaultSecretSync`: certificates and public keys.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::k8s::fields::is_default;

/// A certificate of the vault with its private key. The identity must be allowed to read the secret of the same name, which is
/// where Key Vault keeps both.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("!(has(self.includeRoot) && self.includeRoot && has(self.chain) && self.chain == 'LeafOnly')").message("includeRoot has no meaning with chain LeafOnly"))]
#[serde(rename_all = "camelCase")]
pub struct CertificateSource {
    /// Name of the certificate in the vault. Example: web-tls.
    #[schemars(regex(pattern = r"^[0-9A-Za-z-]+$"), length(min = 1, max = 127))]
    pub name: String,

    /// Pins one version. Default: the newest one, followed. Example: 4387e9f3d6e14c459867679a90fd0f79.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Za-z]+$"), length(min = 1, max = 64))]
    pub version: Option<String>,

    /// What stands in tls.crt behind the certificate. Default: `LeafFirst`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub chain: ChainSpec,

    /// Whether the root stands at the end of the chain, if the vault has it. Clients have roots of their own. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_root: bool,

    /// Files for programs that read no PEM, besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, b.format == a.format))").message("each format may stand once in keystores"))]
    pub keystores: Vec<KeystoreSpec>,
}

/// What stands behind a certificate.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChainSpec {
    /// Its issuers, each issued by the next, as servers send them.
    #[default]
    LeafFirst,
    /// Nothing. A chain that does not hold together is not refused then.
    LeafOnly,
}

/// A keystore with the certificate and its key, and a truststore with its authority.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("!has(self.ciphers) || self.format == 'Pkcs12'").message("ciphers has a meaning with format Pkcs12 only"))]
#[serde(rename_all = "camelCase")]
pub struct KeystoreSpec {
    /// Pkcs12 gives keystore.p12 and truststore.p12, Jks gives keystore.jks and truststore.jks.
    pub format: KeystoreFormat,

    /// The password of both files and of the key in them.
    pub password_from: PasswordSource,

    /// The name of the entry in the keystore. Default: the name of the certificate. Example: web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[ -~]+$"), length(min = 1, max = 128))]
    pub alias: Option<String>,

    /// How a Pkcs12 file is encrypted. Default: Modern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphers: Option<CiphersSpec>,
}

/// The form of a keystore.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeystoreFormat {
    /// PKCS#12 (RFC 7292).
    Pkcs12,
    /// Java's own, for programs that take nothing else.
    Jks,
}

/// How a PKCS#12 file is encrypted.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CiphersSpec {
    /// AES-256 and SHA-256: Java since 8u301 and 11.0.12, Windows since Server 2019.
    #[default]
    Modern,
    /// Triple DES and SHA-1, for what is older.
    Legacy,
}

/// Where a password comes from.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PasswordSource {
    /// A secret of the same vault.
    pub secret: PasswordSecret,
}

/// A secret of the vault that holds a password.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PasswordSecret {
    /// Name of the secret in the vault. Example: keystore-password.
    #[schemars(regex(pattern = r"^[0-9A-Za-z-]+$"), length(min = 1, max = 127))]
    pub name: String,

    /// Pins one version. Default: the newest one, followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Za-z]+$"), length(min = 1, max = 64))]
    pub version: Option<String>,
}

/// The public half of a key of the vault. The identity must be allowed to get keys.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PublicKeySource {
    /// Name of the key in the vault, an RSA or EC key. Example: signing.
    #[schemars(regex(pattern = r"^[0-9A-Za-z-]+$"), length(min = 1, max = 127))]
    pub name: String,

    /// Pins one version. Default: the newest one, followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Za-z]+$"), length(min = 1, max = 64))]
    pub version: Option<String>,

    /// How it is written. Default: Pem.
    #[serde(default, skip_serializing_if = "is_default")]
    pub format: PublicKeyFormat,
}

/// How a public key is written.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublicKeyFormat {
    /// PEM, `BEGIN PUBLIC KEY`.
    #[default]
    Pem,
    /// A JSON Web Key (RFC 7517).
    Jwk,
}
