//! What clients write: bodies of requests. Backups are in `backups`.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    pki::{jwk::PrivateJwk, key::KeyType},
    world::{
        key::{KeyUpdate, NewKey},
        object::{Changes, Tags},
        refusal::Refusal,
        secret::{NewVersion, Update},
        spec::SecretText,
    },
};

pub(crate) use super::backups::{backup, certificate_backup, certificate_restore, restore};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

/// Tags and attributes, which any body may have.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Common {
    tags: Option<Tags>,
    attributes: Option<Attributes>,
}

impl From<Common> for Changes {
    fn from(common: Common) -> Self {
        let attributes = common.attributes.unwrap_or_default();
        Self {
            tags: common.tags,
            enabled: attributes.enabled,
            not_before: attributes.nbf,
            expires: attributes.exp,
        }
    }
}

pub(super) fn json<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        // Serde's own text can quote a part of the body, and so of a secret.
        let at = (error.line(), error.column());
        Refusal::BadParameter(format!(
            "The request body is not valid at line {}, column {}.",
            at.0, at.1
        ))
    })
}

fn missing(property: &str) -> Refusal {
    Refusal::BadParameter(format!("Property {property} has invalid value"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecretBody {
    value: Option<SecretText>,
    content_type: Option<String>,
    #[serde(flatten)]
    common: Common,
}

/// The body of a secret's set; `id` is the new version's.
pub(crate) fn new_secret(body: &[u8], id: String) -> Result<NewVersion, Refusal> {
    let body: SecretBody = json(body)?;
    let changes = Changes::from(body.common);
    Ok(NewVersion {
        id,
        value: body.value.ok_or_else(|| missing("value"))?,
        content_type: body.content_type,
        tags: changes.tags,
        enabled: changes.enabled,
        not_before: changes.not_before,
        expires: changes.expires,
        managed: false,
        kid: None,
    })
}

/// The body of a secret's update.
pub(crate) fn secret_update(body: &[u8]) -> Result<Update, Refusal> {
    let body: SecretBody = json(body)?;
    Ok(Update {
        content_type: body.content_type,
        changes: body.common.into(),
    })
}

/// A key to make.
pub(crate) struct KeyCreation {
    pub(crate) kind: KeyType,
    pub(crate) operations: Option<Vec<String>>,
    pub(crate) changes: Changes,
}

#[derive(Deserialize)]
struct KeyBody {
    kty: Option<String>,
    key_size: Option<u16>,
    crv: Option<String>,
    key_ops: Option<Vec<String>>,
    key: Option<PrivateJwk>,
    #[serde(flatten)]
    common: Common,
}

pub(crate) fn key_creation(body: &[u8]) -> Result<KeyCreation, Refusal> {
    let body: KeyBody = json(body)?;
    let kty = body.kty.ok_or_else(|| missing("kty"))?;
    let kind =
        KeyType::wanted(&kty, body.key_size, body.crv.as_deref()).map_err(Refusal::BadParameter)?;
    Ok(KeyCreation {
        kind,
        operations: body.key_ops,
        changes: body.common.into(),
    })
}

/// The body of a key's import; `id` is the new version's.
pub(crate) fn key_import(body: &[u8], id: String) -> Result<NewKey, Refusal> {
    let body: KeyBody = json(body)?;
    let jwk = body.key.ok_or_else(|| missing("key"))?;
    Ok(NewKey {
        id,
        key: jwk.read().map_err(Refusal::BadParameter)?,
        operations: jwk.key_ops,
        changes: body.common.into(),
    })
}

pub(crate) fn key_update(body: &[u8]) -> Result<KeyUpdate, Refusal> {
    let body: KeyBody = json(body)?;
    Ok(KeyUpdate {
        operations: body.key_ops,
        changes: body.common.into(),
    })
}

/// A certificate to make, or what to change of one. `policy` is checked later.
pub(crate) struct CertificateBody {
    pub(crate) policy: Option<Value>,
    pub(crate) changes: Changes,
}

#[derive(Deserialize)]
struct RawCertificate {
    policy: Option<Value>,
    value: Option<SecretText>,
    pwd: Option<SecretText>,
    #[serde(rename = "preserveCertOrder")]
    preserve_order: Option<bool>,
    x5c: Option<Vec<String>>,
    cancellation_requested: Option<bool>,
    #[serde(flatten)]
    common: Common,
}

pub(crate) fn certificate_creation(body: &[u8]) -> Result<CertificateBody, Refusal> {
    let body: RawCertificate = json(body)?;
    Ok(CertificateBody {
        policy: body.policy,
        changes: body.common.into(),
    })
}

pub(crate) fn certificate_update(body: &[u8]) -> Result<CertificateBody, Refusal> {
    certificate_creation(body)
}

/// A file to import.
pub(crate) struct CertificateImport {
    pub(crate) value: SecretText,
    pub(crate) password: Option<SecretText>,
    /// Whether the secret has the certificates in the file's order, not the key's first.
    pub(crate) preserve_order: bool,
    pub(crate) policy: Option<Value>,
    pub(crate) changes: Changes,
}

pub(crate) fn certificate_import(body: &[u8]) -> Result<CertificateImport, Refusal> {
    let body: RawCertificate = json(body)?;
    Ok(CertificateImport {
        value: body.value.ok_or_else(|| missing("value"))?,
        password: body.pwd,
        preserve_order: body.preserve_order.unwrap_or(false),
        policy: body.policy,
        changes: body.common.into(),
    })
}

/// Certificates from elsewhere, base64 of DER, the one of the pending key first.
pub(crate) struct Merging {
    pub(crate) x5c: Vec<String>,
    pub(crate) changes: Changes,
}

pub(crate) fn merging(body: &[u8]) -> Result<Merging, Refusal> {
    let body: RawCertificate = json(body)?;
    Ok(Merging {
        x5c: body.x5c.ok_or_else(|| missing("x5c"))?,
        changes: body.common.into(),
    })
}

pub(crate) fn cancellation(body: &[u8]) -> Result<bool, Refusal> {
    let body: RawCertificate = json(body)?;
    body.cancellation_requested
        .ok_or_else(|| missing("cancellation_requested"))
}
