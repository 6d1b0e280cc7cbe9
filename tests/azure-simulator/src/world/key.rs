//! One key of a vault.

use serde::{Deserialize, Serialize};

use super::{
    moment::Moment,
    object::{Changes, Meta, Object, Versioned, check_tags},
    refusal::Refusal,
};
use crate::pki::key::PrivateKey;

const KNOWN_OPERATIONS: [&str; 9] = [
    "encrypt",
    "decrypt",
    "sign",
    "verify",
    "wrapKey",
    "unwrapKey",
    "import",
    "export",
    "deriveKey",
];

/// A version of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyVersion {
    pub(crate) meta: Meta,
    pub(crate) key: PrivateKey,
    pub(crate) operations: Vec<String>,
}

impl Versioned for KeyVersion {
    type Extra = ();

    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

pub(crate) type Key = Object<KeyVersion>;

/// A key to write as a new version.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    pub(crate) id: String,
    pub(crate) key: PrivateKey,
    /// Absent: what its kind allows.
    pub(crate) operations: Option<Vec<String>>,
    pub(crate) changes: Changes,
}

impl NewKey {
    pub(crate) fn into_version(self, now: Moment) -> Result<KeyVersion, Refusal> {
        check_tags(self.changes.tags.as_ref())?;
        let kind = self.key.kind;
        let usual = || {
            kind.operations()
                .iter()
                .map(|&name| name.to_owned())
                .collect()
        };
        let operations = self.operations.unwrap_or_else(usual);
        check_operations(&operations)?;
        Ok(KeyVersion {
            meta: Meta::new(self.id, self.changes, now),
            key: self.key,
            operations,
        })
    }
}

/// What to change of a version: an absent field stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyUpdate {
    pub(crate) operations: Option<Vec<String>>,
    pub(crate) changes: Changes,
}

impl KeyVersion {
    pub(crate) fn update(&mut self, update: KeyUpdate, now: Moment) -> Result<(), Refusal> {
        if let Some(operations) = update.operations {
            check_operations(&operations)?;
            self.operations = operations;
        }
        self.meta.change(update.changes, now)
    }
}

fn check_operations(operations: &[String]) -> Result<(), Refusal> {
    match operations
        .iter()
        .find(|name| !KNOWN_OPERATIONS.contains(&name.as_str()))
    {
        Some(name) => Err(Refusal::BadParameter(format!(
            "Property key_ops has invalid value {name}"
        ))),
        None => Ok(()),
    }
}
