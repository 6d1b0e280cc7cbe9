//! The JSON of objects, with fields in the order in which Azure writes them.

use serde::Serialize;

use crate::{
    wire::call::Call,
    world::{
        object::{Deletion, Meta, Object, Tags},
        secret::{Secret, Version},
        vault::{Kept, Vault},
    },
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attributes {
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

/// What a deleted object has in front of its other fields.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Buried {
    recovery_id: String,
    deleted_date: i64,
    scheduled_purge_date: i64,
}

/// How much of an object is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// The version is in the id.
    pub(crate) versioned: bool,
    /// All of it (but a secret's value), not a row of a list.
    pub(crate) whole: bool,
    pub(crate) deletion: Option<Deletion>,
}

impl View {
    pub(crate) const WHOLE: Self = Self {
        versioned: true,
        whole: true,
        deletion: None,
    };
    /// A row of a list of objects.
    pub(crate) const ROW: Self = Self {
        versioned: false,
        whole: false,
        deletion: None,
    };
    /// A row of a list of versions.
    pub(crate) const VERSION_ROW: Self = Self {
        versioned: true,
        whole: false,
        deletion: None,
    };

    pub(crate) fn deleted(self, deletion: Deletion) -> Self {
        Self {
            deletion: Some(deletion),
            ..self
        }
    }
}

/// A kind of object with its JSON.
pub(crate) trait Shown: Kept {
    type Bundle<'a>: Serialize
    where
        Self: 'a;

    fn bundle<'a>(
        shaper: &Shaper<'_>,
        object: &'a Object<Self>,
        version: &'a Self,
        view: View,
    ) -> Self::Bundle<'a>;

    /// Whether lists show it.
    fn is_listed(_object: &Object<Self>, _call: &Call) -> bool {
        true
    }

    /// Whether lists of versions show it.
    fn is_version_listed(_version: &Self) -> bool {
        true
    }
}

/// Makes bundles of one vault; `base` is what ids start with.
#[derive(Debug)]
pub(crate) struct Shaper<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) base: String,
}

impl Shaper<'_> {
    /// Id of an object, or of a version of it.
    pub(crate) fn id(&self, plural: &str, name: &str, version: Option<&str>) -> String {
        let base = &self.base;
        match version {
            Some(version) => format!("{base}/{plural}/{name}/{version}"),
            None => format!("{base}/{plural}/{name}"),
        }
    }

    pub(crate) fn attributes(&self, meta: &Meta) -> Attributes {
        Attributes {
            enabled: meta.enabled,
            nbf: meta.not_before,
            exp: meta.expires,
            created: meta.created,
            updated: meta.updated,
            recovery_level: self.vault.recovery_level(),
            recoverable_days: self.vault.spec.soft_delete_retention_days,
        }
    }

    pub(crate) fn buried(
        &self,
        plural: &str,
        name: &str,
        deletion: Option<Deletion>,
    ) -> Option<Buried> {
        deletion.map(|deletion| Buried {
            recovery_id: format!("{}/deleted{plural}/{name}", self.base),
            deleted_date: deletion.at.seconds(),
            scheduled_purge_date: deletion.scheduled_purge.seconds(),
        })
    }

    /// A secret with its value. A certificate's secret also names the version before it, from 2025-07-01 on.
    pub(crate) fn value<'a>(
        &self,
        secret: &'a Secret,
        version: &'a Version,
        with_previous: bool,
    ) -> SecretBundle<'a> {
        let before = secret
            .versions
            .iter()
            .take_while(|other| other.meta.id != version.meta.id)
            .last();
        SecretBundle {
            value: Some(&version.value.0),
            previous_version: before
                .filter(|_| with_previous && version.meta.managed)
                .map(|other| other.meta.id.as_str()),
            ..Version::bundle(self, secret, version, View::WHOLE)
        }
    }

    /// The key behind a certificate's secret.
    fn kid(&self, secret: &Secret, version: &Version) -> Option<String> {
        let planted = version.kid.clone();
        planted.or_else(|| {
            let id = Some(version.meta.id.as_str());
            let key = self.vault.keys.any(&secret.name)?;
            let has_key = version.meta.managed && key.version(id).is_ok();
            has_key.then(|| self.id("keys", &secret.name, id))
        })
    }
}

/// A secret as answers and lists show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretBundle<'a> {
    #[serde(flatten)]
    buried: Option<Buried>,
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
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_version: Option<&'a str>,
}

impl Shown for Version {
    type Bundle<'a> = SecretBundle<'a>;

    fn bundle<'a>(
        shaper: &Shaper<'_>,
        secret: &'a Secret,
        version: &'a Self,
        view: View,
    ) -> SecretBundle<'a> {
        let meta = &version.meta;
        let id = view.versioned.then_some(meta.id.as_str());
        SecretBundle {
            buried: shaper.buried("secrets", &secret.name, view.deletion),
            value: None,
            content_type: version.content_type.as_deref(),
            id: shaper.id("secrets", &secret.name, id),
            managed: meta.managed,
            attributes: shaper.attributes(meta),
            tags: meta.tags.as_ref(),
            // Rows of the list of secrets have none (recorded).
            kid: (view.versioned || version.kid.is_some())
                .then(|| shaper.kid(secret, version))
                .flatten(),
            previous_version: None,
        }
    }
}
