//! What secrets, certificates and keys of a vault have in common: versions, attributes, and where the object is between
//! live, deleted and gone.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{moment::Moment, refusal::Refusal};

const MAX_NAME_CHARS: usize = 127;
const MAX_TAGS: usize = 15;
const MAX_TAG_CHARS: usize = 256;

pub(crate) type Tags = BTreeMap<String, String>;

/// What a vault holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Under `/secrets`.
    Secret,
    /// Under `/certificates`; each has a secret and a key of the same name.
    Certificate,
    /// Under `/keys`.
    Key,
}

impl Kind {
    /// As paths, permissions and data actions write it.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::Certificate => "certificates",
            Self::Key => "keys",
        }
    }

    /// As error messages begin with it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::Certificate => "Certificate",
            Self::Key => "Key",
        }
    }

    /// As error messages have it in the middle.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Certificate => "certificate",
            Self::Key => "key",
        }
    }
}

/// What every version has. Times in seconds since 1970.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// 32 hex digits.
    pub(crate) id: String,
    /// `Some` of an empty map is told apart from `None`: Azure shows `"tags":{}` for the first only.
    pub(crate) tags: Option<Tags>,
    pub(crate) enabled: bool,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// A secret or key that belongs to a certificate.
    pub(crate) managed: bool,
}

/// What to change of a version's attributes: an absent field stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) tags: Option<Tags>,
    pub(crate) enabled: Option<bool>,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
}

impl Meta {
    pub(crate) fn new(id: String, changes: Changes, now: Moment) -> Self {
        Self {
            id,
            tags: changes.tags,
            enabled: changes.enabled.unwrap_or(true),
            not_before: changes.not_before,
            expires: changes.expires,
            created: now.seconds(),
            updated: now.seconds(),
            managed: false,
        }
    }

    pub(crate) fn change(&mut self, changes: Changes, now: Moment) -> Result<(), Refusal> {
        check_tags(changes.tags.as_ref())?;
        self.tags = changes.tags.or_else(|| self.tags.take());
        self.enabled = changes.enabled.unwrap_or(self.enabled);
        self.not_before = changes.not_before.or(self.not_before);
        self.expires = changes.expires.or(self.expires);
        self.updated = now.seconds();
        Ok(())
    }
}

/// A version of one kind of object.
pub(crate) trait Versioned: Clone + fmt::Debug {
    /// What the object has once, for all versions.
    type Extra: Clone + fmt::Debug + Default;

    fn meta(&self) -> &Meta;
    fn meta_mut(&mut self) -> &mut Meta;
}

/// Where an object is. Changes are asynchronous in Azure: each has a moment from which on it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Usable from that moment on; before it, a recovery is under way.
    Live { from: Moment },
    /// Deleted.
    Deleted(Deletion),
}

/// The deletion of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deletion {
    pub(crate) at: Moment,
    /// Shows among the deleted from here on.
    pub(crate) from: Moment,
    /// Ends by itself here.
    pub(crate) scheduled_purge: Moment,
    /// A purge was asked for; the object is gone from here on.
    pub(crate) gone: Option<Moment>,
}

/// An object with all its versions, oldest first; never empty.
#[derive(Clone, Debug)]
pub(crate) struct Object<V: Versioned> {
    /// As first written; names compare without case.
    pub(crate) name: String,
    pub(crate) versions: Vec<V>,
    pub(crate) phase: Phase,
    pub(crate) extra: V::Extra,
}

impl<V: Versioned> Object<V> {
    /// The newest version.
    pub(crate) fn latest(&self) -> Result<&V, Refusal> {
        self.versions
            .last()
            .ok_or_else(|| Refusal::NotFound(self.name.clone()))
    }

    /// The named version (any case), or the newest when none is named.
    pub(crate) fn version(&self, id: Option<&str>) -> Result<&V, Refusal> {
        match id {
            None => self.latest(),
            Some(id) => self
                .versions
                .iter()
                .find(|version| version.meta().id.eq_ignore_ascii_case(id))
                .ok_or_else(|| Refusal::NotFound(format!("{}/{id}", self.name))),
        }
    }

    /// As [`Self::version`].
    pub(crate) fn version_mut(&mut self, id: Option<&str>) -> Result<&mut V, Refusal> {
        let name = &self.name;
        match id {
            None => self
                .versions
                .last_mut()
                .ok_or_else(|| Refusal::NotFound(name.clone())),
            Some(id) => self
                .versions
                .iter_mut()
                .find(|version| version.meta().id.eq_ignore_ascii_case(id))
                .ok_or_else(|| Refusal::NotFound(format!("{name}/{id}"))),
        }
    }

    /// Belongs to a certificate.
    pub(crate) fn is_managed(&self) -> bool {
        self.versions
            .last()
            .is_some_and(|version| version.meta().managed)
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

    /// Why nothing can be written here now, when that is so.
    pub(crate) fn refuse_unless_live(&self, now: Moment) -> Result<(), Refusal> {
        match self.phase {
            Phase::Live { from } if from > now => Err(Refusal::BeingRecovered(self.name.clone())),
            Phase::Live { .. } => Ok(()),
            Phase::Deleted(deletion) if deletion.from > now || deletion.gone.is_some() => {
                Err(Refusal::BeingDeleted(self.name.clone()))
            }
            Phase::Deleted(_) => Err(Refusal::DeletedButRecoverable(self.name.clone())),
        }
    }
}

/// Checks an object's name: `^[0-9a-zA-Z-]{1,127}$`.
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

/// Azure's limits of tags.
pub(crate) fn check_tags(tags: Option<&Tags>) -> Result<(), Refusal> {
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
