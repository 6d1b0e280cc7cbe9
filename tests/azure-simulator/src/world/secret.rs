//! One secret of a vault.

use serde::{Deserialize, Serialize};

use super::{
    moment::Moment,
    object::{Changes, Meta, Object, Tags, Versioned, check_tags},
    refusal::Refusal,
    spec::{SecretSpec, SecretText},
};

/// Largest value, in bytes (25 KiB: <https://learn.microsoft.com/azure/key-vault/secrets/about-secrets>).
pub(crate) const MAX_VALUE_BYTES: usize = 25_600;
const MAX_CONTENT_TYPE_CHARS: usize = 255;

/// A version of a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) meta: Meta,
    pub(crate) value: SecretText,
    pub(crate) content_type: Option<String>,
    /// Id of the key behind a certificate's secret, when it is not the one of the same name and version.
    pub(crate) kid: Option<String>,
}

impl Versioned for Version {
    type Extra = ();

    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

pub(crate) type Secret = Object<Version>;

/// What a client may write with a new version.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewVersion {
    pub(crate) id: String,
    pub(crate) value: SecretText,
    pub(crate) content_type: Option<String>,
    pub(crate) tags: Option<Tags>,
    pub(crate) enabled: Option<bool>,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) managed: bool,
    pub(crate) kid: Option<String>,
}

impl NewVersion {
    /// From a seed; the id is the caller's.
    pub(crate) fn of_spec(id: String, spec: SecretSpec) -> Result<Self, Refusal> {
        let value = spec.value.ok_or_else(|| {
            Refusal::BadParameter(format!("secret {}: a value is needed", spec.name))
        })?;
        Ok(Self {
            id,
            value,
            content_type: spec.content_type,
            tags: spec.tags,
            enabled: spec.enabled,
            not_before: spec.not_before.map(|at| at.0),
            expires: spec.expires.map(|at| at.0),
            managed: spec.managed.unwrap_or(false),
            kid: spec.kid,
        })
    }

    /// Checks Azure's limits.
    pub(crate) fn into_version(self, now: Moment) -> Result<Version, Refusal> {
        if self.value.0.len() > MAX_VALUE_BYTES {
            return Err(Refusal::BadParameter(format!(
                "Secret value length exceeds the maximum allowed {MAX_VALUE_BYTES} bytes."
            )));
        }
        check_content_type(self.content_type.as_deref())?;
        check_tags(self.tags.as_ref())?;
        let changes = Changes {
            tags: self.tags,
            enabled: self.enabled,
            not_before: self.not_before,
            expires: self.expires,
        };
        Ok(Version {
            meta: Meta {
                managed: self.managed,
                ..Meta::new(self.id, changes, now)
            },
            value: self.value,
            content_type: self.content_type,
            kid: self.kid,
        })
    }
}

/// What to change of a version: an absent field stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Update {
    pub(crate) content_type: Option<String>,
    pub(crate) changes: Changes,
}

impl Version {
    pub(crate) fn update(&mut self, update: Update, now: Moment) -> Result<(), Refusal> {
        check_content_type(update.content_type.as_deref())?;
        self.meta.change(update.changes, now)?;
        self.content_type = update.content_type.or_else(|| self.content_type.take());
        Ok(())
    }
}

fn check_content_type(content_type: Option<&str>) -> Result<(), Refusal> {
    if content_type.is_some_and(|text| text.chars().count() > MAX_CONTENT_TYPE_CHARS) {
        return Err(Refusal::BadParameter(format!(
            "Property contentType has invalid value: more than {MAX_CONTENT_TYPE_CHARS} characters."
        )));
    }
    Ok(())
}
