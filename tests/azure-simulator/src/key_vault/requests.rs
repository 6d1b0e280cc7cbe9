//! What clients write: bodies of set, update and restore, and the backup's form.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::world::{
    moment::Moment,
    refusal::Refusal,
    secret::{NewVersion, Phase, Secret, Update, Version},
    spec::SecretText,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    value: Option<SecretText>,
    content_type: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    attributes: Option<Attributes>,
}

#[derive(Deserialize)]
struct Blob {
    value: String,
}

/// A version inside a backup.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: String,
    value: SecretText,
    content_type: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    enabled: bool,
    not_before: Option<i64>,
    expires: Option<i64>,
    created: i64,
    updated: i64,
}

#[derive(Serialize, Deserialize)]
struct Backup {
    name: String,
    versions: Vec<Kept>,
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        // Serde's own text can quote a part of the body, and so of a secret.
        let at = (error.line(), error.column());
        Refusal::BadParameter(format!(
            "The request body is not valid at line {}, column {}.",
            at.0, at.1
        ))
    })
}

/// The body of a set; `id` is the new version's.
pub(crate) fn new_version(body: &[u8], id: String) -> Result<NewVersion, Refusal> {
    let body: Body = parse(body)?;
    let value = body
        .value
        .ok_or_else(|| Refusal::BadParameter("Property value has invalid value".to_owned()))?;
    let attributes = body.attributes.unwrap_or_default();
    Ok(NewVersion {
        id,
        value,
        content_type: body.content_type,
        tags: body.tags,
        enabled: attributes.enabled,
        not_before: attributes.nbf,
        expires: attributes.exp,
        managed: false,
        kid: None,
    })
}

/// The body of an update.
pub(crate) fn update(body: &[u8]) -> Result<Update, Refusal> {
    let body: Body = parse(body)?;
    let attributes = body.attributes.unwrap_or_default();
    Ok(Update {
        content_type: body.content_type,
        tags: body.tags,
        enabled: attributes.enabled,
        not_before: attributes.nbf,
        expires: attributes.exp,
    })
}

/// The answer of a backup: all versions in one opaque text.
pub(crate) fn backup(secret: &Secret) -> Result<serde_json::Value, Refusal> {
    if secret.versions.iter().any(|version| version.managed) {
        return Err(Refusal::Managed("backup"));
    }
    let keep = |version: &Version| Kept {
        id: version.id.clone(),
        value: version.value.clone(),
        content_type: version.content_type.clone(),
        tags: version.tags.clone(),
        enabled: version.enabled,
        not_before: version.not_before,
        expires: version.expires,
        created: version.created,
        updated: version.updated,
    };
    let backup = Backup {
        name: secret.name.clone(),
        versions: secret.versions.iter().map(keep).collect(),
    };
    let bytes =
        serde_json::to_vec(&backup).map_err(|error| Refusal::BadParameter(error.to_string()))?;
    Ok(json!({"value": URL_SAFE_NO_PAD.encode(bytes)}))
}

/// The secret in the body of a restore.
pub(crate) fn restore(body: &[u8], now: Moment) -> Result<Secret, Refusal> {
    let malformed =
        || Refusal::BadParameter("Backup blob contains invalid or corrupt version.".to_owned());
    let blob: Blob = parse(body)?;
    let bytes = URL_SAFE_NO_PAD
        .decode(blob.value.trim_end_matches('='))
        .map_err(|_| malformed())?;
    let backup: Backup = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
    if backup.versions.is_empty() {
        return Err(malformed());
    }
    let version = |kept: Kept| Version {
        id: kept.id,
        value: kept.value,
        content_type: kept.content_type,
        tags: kept.tags,
        enabled: kept.enabled,
        not_before: kept.not_before,
        expires: kept.expires,
        created: kept.created,
        updated: kept.updated,
        managed: false,
        kid: None,
    };
    let versions = backup.versions.into_iter().map(version).collect();
    Ok(Secret {
        name: backup.name,
        versions,
        phase: Phase::Live { from: now },
    })
}
