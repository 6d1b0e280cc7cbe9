//! Backups: an object in one opaque text, to be restored under its name.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::requests;
use crate::world::{
    certificate::{CertificateVersion, Manner},
    key::KeyVersion,
    moment::Moment,
    object::{Kind, Object, Phase, Versioned},
    policy::Policy,
    refusal::Refusal,
    secret::Version,
    vault::Vault,
    vault_certificates::Whole,
};

#[derive(Deserialize)]
struct Blob {
    value: String,
}

#[derive(Serialize, Deserialize)]
struct Backup<V> {
    kind: Kind,
    name: String,
    versions: Vec<V>,
}

#[derive(Serialize, Deserialize)]
struct CertificateBackup {
    certificate: Backup<CertificateVersion>,
    policy: Policy,
    secret: Vec<Version>,
    key: Vec<KeyVersion>,
}

fn malformed() -> Refusal {
    Refusal::BadParameter("Backup blob contains invalid or corrupt version.".to_owned())
}

fn write(backup: &impl Serialize) -> Result<Value, Refusal> {
    let bytes =
        serde_json::to_vec(backup).map_err(|error| Refusal::BadParameter(error.to_string()))?;
    Ok(json!({"value": URL_SAFE_NO_PAD.encode(bytes)}))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let blob: Blob = requests::json(body)?;
    let bytes = URL_SAFE_NO_PAD
        .decode(blob.value.trim_end_matches('='))
        .map_err(|_| malformed())?;
    serde_json::from_slice(&bytes).map_err(|_| malformed())
}

/// The answer of a backup: all versions in one opaque text.
pub(crate) fn backup<V: Versioned + Serialize>(
    kind: Kind,
    object: &Object<V>,
) -> Result<Value, Refusal> {
    write(&Backup {
        kind,
        name: object.name.clone(),
        versions: object.versions.clone(),
    })
}

/// The object in the body of a restore.
pub(crate) fn restore<V: Versioned + DeserializeOwned>(
    kind: Kind,
    body: &[u8],
    now: Moment,
) -> Result<Object<V>, Refusal> {
    let backup: Backup<V> = read(body)?;
    if backup.kind != kind || backup.versions.is_empty() {
        return Err(malformed());
    }
    Ok(object(backup.name, backup.versions, now))
}

fn object<V: Versioned>(name: String, versions: Vec<V>, now: Moment) -> Object<V> {
    Object {
        name,
        versions,
        phase: Phase::Live { from: now },
        extra: V::Extra::default(),
    }
}

/// As [`backup`], of a certificate with its secret and its key.
pub(crate) fn certificate_backup(vault: &Vault, name: &str, now: Moment) -> Result<Value, Refusal> {
    let certificate = vault.certificates.live(name, now)?;
    write(&CertificateBackup {
        certificate: Backup {
            kind: Kind::Certificate,
            name: certificate.name.clone(),
            versions: certificate.versions.clone(),
        },
        policy: certificate.extra.policy.clone(),
        secret: managed(vault.secrets.live(name, now).ok()),
        key: managed(vault.keys.live(name, now).ok()),
    })
}

fn managed<V: Versioned>(object: Option<&Object<V>>) -> Vec<V> {
    object
        .filter(|object| object.is_managed())
        .map(|object| object.versions.clone())
        .unwrap_or_default()
}

/// As [`restore`], of a certificate with its secret and its key.
pub(crate) fn certificate_restore(body: &[u8], now: Moment) -> Result<Whole, Refusal> {
    let backup: CertificateBackup = read(body)?;
    let Backup {
        kind,
        name,
        versions,
    } = backup.certificate;
    if kind != Kind::Certificate || versions.is_empty() {
        return Err(malformed());
    }
    let mut certificate = object(name.clone(), versions, now);
    certificate.extra = Manner {
        policy: backup.policy,
        ..Manner::default()
    };
    let beside = |is_there: bool| is_there.then(|| name.clone());
    Ok(Whole {
        secret: beside(!backup.secret.is_empty()).map(|name| object(name, backup.secret, now)),
        key: beside(!backup.key.is_empty()).map(|name| object(name, backup.key, now)),
        certificate,
    })
}
