//! One secret of a vault: its versions and where it is between live, deleted and gone.

use std::collections::BTreeMap;

use super::{
    moment::Moment,
    refusal::Refusal,
    spec::{SecretSpec, SecretText},
};

/// Largest value, in bytes (25 KiB: <https://learn.microsoft.com/azure/key-vault/secrets/about-secrets>).
pub(crate) const MAX_VALUE_BYTES: usize = 25_600;
const MAX_CONTENT_TYPE_CHARS: usize = 255;
const MAX_TAGS: usize = 15;
const MAX_TAG_CHARS: usize = 256;
const MAX_NAME_CHARS: usize = 127;

pub(crate) type Tags = BTreeMap<String, String>;

/// A version. Times in seconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// 32 hex digits.
    pub(crate) id: String,
    pub(crate) value: SecretText,
    pub(crate) content_type: Option<String>,
    /// `Some` of an empty map is told apart from `None`: Azure shows `"tags":{}` for the first only.
    pub(crate) tags: Option<Tags>,
    pub(crate) enabled: bool,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// Belongs to a certificate.
    pub(crate) managed: bool,
    pub(crate) kid: Option<String>,
}

/// Where a secret is. Changes are asynchronous in Azure: each has a moment from which on it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Usable from that moment on; before it, a recovery is under way.
    Live { from: Moment },
    /// Deleted.
    Deleted(Deletion),
}

/// The deletion of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deletion {
    pub(crate) at: Moment,
    /// Shows among the deleted from here on.
    pub(crate) from: Moment,
    /// Ends by itself here.
    pub(crate) scheduled_purge: Moment,
    /// A purge was asked for; the secret is gone from here on.
    pub(crate) gone: Option<Moment>,
}

/// A secret with all its versions, oldest first; never empty.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    /// As first written; names compare without case.
    pub(crate) name: String,
    pub(crate) versions: Vec<Version>,
    pub(crate) phase: Phase,
}

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

    /// Azure's limits.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.value.0.len() > MAX_VALUE_BYTES {
            return Err(Refusal::BadParameter(format!(
                "Secret value length exceeds the maximum allowed {MAX_VALUE_BYTES} bytes."
            )));
        }
        check_text(self.content_type.as_deref(), self.tags.as_ref())
    }

    pub(crate) fn into_version(self, now: Moment) -> Version {
        Version {
            id: self.id,
            value: self.value,
            content_type: self.content_type,
            tags: self.tags,
            enabled: self.enabled.unwrap_or(true),
            not_before: self.not_before,
            expires: self.expires,
            created: now.seconds(),
            updated: now.seconds(),
            managed: self.managed,
            kid: self.kid,
        }
    }
}

/// What to change of a version: an absent field stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Update {
    pub(crate) content_type: Option<String>,
    pub(crate) tags: Option<Tags>,
    pub(crate) enabled: Option<bool>,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
}

impl Version {
    pub(crate) fn update(&mut self, update: Update, now: Moment) -> Result<(), Refusal> {
        check_text(update.content_type.as_deref(), update.tags.as_ref())?;
        self.content_type = update.content_type.or_else(|| self.content_type.take());
        self.tags = update.tags.or_else(|| self.tags.take());
        self.enabled = update.enabled.unwrap_or(self.enabled);
        self.not_before = update.not_before.or(self.not_before);
        self.expires = update.expires.or(self.expires);
        self.updated = now.seconds();
        Ok(())
    }
}

impl Secret {
    /// The newest version.
    pub(crate) fn latest(&self) -> Result<&Version, Refusal> {
        self.versions
            .last()
            .ok_or_else(|| Refusal::NotFound(self.name.clone()))
    }

    /// The named version (any case), or the newest when none is named.
    pub(crate) fn version(&self, id: Option<&str>) -> Result<&Version, Refusal> {
        match id {
            None => self.latest(),
            Some(id) => self
                .versions
                .iter()
                .find(|version| version.id.eq_ignore_ascii_case(id))
                .ok_or_else(|| Refusal::NotFound(format!("{}/{id}", self.name))),
        }
    }

    pub(crate) fn is_gone(&self, now: Moment) -> bool {
        match self.phase {
            Phase::Live { .. } => false,
            Phase::Deleted(deletion) => {
                deletion.scheduled_purge <= now || deletion.gone.is_some_and(|at| at <= now)
            }
        }
    }

    pub(crate) fn is_live(&self, now: Moment) -> bool {
        matches!(self.phase, Phase::Live { from } if from <= now)
    }

    /// The deletion, when it shows at `now`.
    pub(crate) fn shown_deletion(&self, now: Moment) -> Option<Deletion> {
        match self.phase {
            Phase::Live { .. } => None,
            Phase::Deleted(deletion) => {
                (deletion.from <= now && deletion.gone.is_none()).then_some(deletion)
            }
        }
    }
}

/// Checks a secret's name: `^[0-9a-zA-Z-]{1,127}$`.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = (1..=MAX_NAME_CHARS).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits {
        Ok(())
    } else {
        Err(Refusal::BadParameter(format!(
            "The request URI contains an invalid name: {name}"
        )))
    }
}

fn check_text(content_type: Option<&str>, tags: Option<&Tags>) -> Result<(), Refusal> {
    if content_type.is_some_and(|text| text.chars().count() > MAX_CONTENT_TYPE_CHARS) {
        return Err(Refusal::BadParameter(format!(
            "Property contentType has invalid value: more than {MAX_CONTENT_TYPE_CHARS} characters."
        )));
    }
    let Some(tags) = tags else { return Ok(()) };
    if tags.len() > MAX_TAGS {
        return Err(Refusal::BadParameter(format!(
            "Property tags has invalid value: more than {MAX_TAGS} tags."
        )));
    }
    if tags.iter().any(|(name, value)| {
        name.chars().count() > MAX_TAG_CHARS || value.chars().count() > MAX_TAG_CHARS
    }) {
        return Err(Refusal::BadParameter(format!(
            "Property tags has invalid value: a name or value is longer than {MAX_TAG_CHARS} characters."
        )));
    }
    Ok(())
}
