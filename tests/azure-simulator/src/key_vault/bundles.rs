//! The JSON of secrets, with fields in the order in which Azure writes them.

use serde::Serialize;

use crate::world::{
    secret::{Deletion, Secret, Tags, Version},
    vault::Vault,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    created: i64,
    updated: i64,
    recovery_level: &'static str,
    recoverable_days: u16,
}

/// A secret as answers and lists show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bundle<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_purge_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    id: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    managed: bool,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_version: Option<&'a str>,
}

/// Makes bundles of one vault; `base` is what ids start with.
#[derive(Debug)]
pub(crate) struct Shaper<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) base: String,
}

impl Shaper<'_> {
    /// Without the value, with the version in the id.
    pub(crate) fn version<'a>(&self, secret: &'a Secret, version: &'a Version) -> Bundle<'a> {
        Bundle {
            recovery_id: None,
            deleted_date: None,
            scheduled_purge_date: None,
            value: None,
            content_type: version.content_type.as_deref(),
            id: format!("{}/secrets/{}/{}", self.base, secret.name, version.id),
            managed: version.managed,
            attributes: Attributes {
                enabled: version.enabled,
                nbf: version.not_before,
                exp: version.expires,
                created: version.created,
                updated: version.updated,
                recovery_level: self.vault.recovery_level(),
                recoverable_days: self.vault.spec.soft_delete_retention_days,
            },
            tags: version.tags.as_ref(),
            kid: version.kid.as_deref(),
            previous_version: None,
        }
    }

    /// With the value. A certificate's secret also names the version before it, from 2025-07-01 on.
    pub(crate) fn value<'a>(
        &self,
        secret: &'a Secret,
        version: &'a Version,
        with_previous: bool,
    ) -> Bundle<'a> {
        let before = secret
            .versions
            .iter()
            .take_while(|other| other.id != version.id)
            .last();
        Bundle {
            value: Some(&version.value.0),
            previous_version: before
                .filter(|_| with_previous && version.managed)
                .map(|other| other.id.as_str()),
            ..self.version(secret, version)
        }
    }

    /// A row of the list of secrets: no version in the id.
    pub(crate) fn row<'a>(&self, secret: &'a Secret, version: &'a Version) -> Bundle<'a> {
        Bundle {
            id: format!("{}/secrets/{}", self.base, secret.name),
            ..self.version(secret, version)
        }
    }

    /// A deleted secret, with the version in the id.
    pub(crate) fn deleted<'a>(
        &self,
        secret: &'a Secret,
        version: &'a Version,
        deletion: Deletion,
    ) -> Bundle<'a> {
        Bundle {
            recovery_id: Some(format!("{}/deletedsecrets/{}", self.base, secret.name)),
            deleted_date: Some(deletion.at.seconds()),
            scheduled_purge_date: Some(deletion.scheduled_purge.seconds()),
            ..self.version(secret, version)
        }
    }

    /// A row of the list of deleted secrets.
    pub(crate) fn deleted_row<'a>(
        &self,
        secret: &'a Secret,
        version: &'a Version,
        deletion: Deletion,
    ) -> Bundle<'a> {
        Bundle {
            id: format!("{}/secrets/{}", self.base, secret.name),
            ..self.deleted(secret, version, deletion)
        }
    }
}
