//! What is there of the outputs. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{OUTPUTS_OF, Owner, field_manager};
use crate::azure::lake::delegation::DelegationKey;
use crate::data_lake_account::api::AccountKey;
use crate::names::ResourceName;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::vault_secret_sync::MANAGED;
use crate::vault_secret_sync::target::held_by;

/// What was seen so far in one round. What is `None` was not looked at.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The objects in Kubernetes.
    pub targets: Option<Targets>,
    /// The account's keys.
    pub keys: Option<Keys>,
    /// Which of them the Secret has that is to have one. Known where `keys` are.
    pub held: Option<AccountKey>,
    /// The key that was made anew in this round.
    pub renewed: Option<AccountKey>,
    /// A key of the identity to sign with.
    pub delegation: Option<DelegationKey>,
    /// What was written in this round. It is not written again because it does not look as it was written.
    pub written: BTreeSet<What>,
    /// What could not be done, and is not tried again in this round.
    pub failed: BTreeMap<What, Problem>,
}

/// What is done, or not, on its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// The ConfigMap is written.
    ConfigMap,
    /// A Secret is written.
    Secret(ResourceName),
    /// Something is deleted that is not wanted any more.
    Left(Kind, String),
    /// The account's keys are read.
    Keys,
    /// The identity gets a key to sign with.
    Delegation,
    /// A key is made anew.
    Renewal,
}

/// What outputs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl Kind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// The objects in Kubernetes.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// The ConfigMap that is wanted.
    pub config_map: Option<Target>,
    /// The Secrets that are wanted and there.
    pub secrets: BTreeMap<ResourceName, Target>,
    /// All with our label, wanted or not.
    pub labelled: Vec<Labelled>,
}

/// An object with our label.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What it is like.
    pub target: Target,
}

/// An object that outputs are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its uid.
    pub uid: String,
    /// Its resourceVersion.
    pub version: String,
    /// Whose it is.
    pub whose: Whose,
    /// Whether labels and owner are as they were written.
    pub dressed: bool,
    /// Keys whose values are as they were written.
    pub intact: BTreeSet<String>,
    /// What is in a ConfigMap.
    pub data: BTreeMap<String, String>,
}

/// Whose an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Ours.
    Ours,
    /// It is being deleted.
    Deleting,
    /// That of an object of our name that is gone.
    Earlier,
    /// Somebody's, of whom we know no more than the controller, if there is one.
    Foreign(Option<String>),
}

impl Target {
    /// Reads an object's metadata.
    pub fn read(meta: &ObjectMeta, owner: &Owner) -> Self {
        let manager = field_manager(&owner.name);
        let intact = held_by(meta, &manager);
        let has = |name: &str, value: &str| {
            let label = meta.labels.as_ref().and_then(|labels| labels.get(name));
            label.is_some_and(|label| label == value)
        };
        let mut references = meta.owner_references.iter().flatten();
        let controller = references.find(|one| one.controller == Some(true));
        let is_own = controller.is_some_and(|controller| controller.uid == owner.uid);
        let whose = match controller {
            _ if meta.deletion_timestamp.is_some() => Whose::Deleting,
            Some(_) if is_own => Whose::Ours,
            Some(one) if one.kind == super::KIND && one.name == owner.name => Whose::Earlier,
            Some(one) => Whose::Foreign(Some(format!("{} {}", one.kind, one.name))),
            // Somebody took the owner away; our writes are still known.
            None if !intact.is_empty() => Whose::Ours,
            None => Whose::Foreign(None),
        };
        Self {
            uid: meta.uid.clone().unwrap_or_default(),
            version: meta.resource_version.clone().unwrap_or_default(),
            whose,
            dressed: is_own && has(MANAGED, "true") && has(OUTPUTS_OF, &owner.name),
            intact,
            data: BTreeMap::new(),
        }
    }

    /// Why it must not be touched.
    pub fn foreign(&self, kind: Kind, name: &str) -> Option<Problem> {
        let kind = kind.as_str();
        let waiting = |what: &str| {
            let message = format!("{kind} {name} {what}");
            Problem::new(Reason::TargetLeaving, Retry::Backoff, message)
        };
        match &self.whose {
            Whose::Ours => None,
            Whose::Deleting => Some(waiting("is being deleted")),
            Whose::Earlier => Some(waiting(
                "still belongs to an earlier DataLakeAccount of this name and goes with it",
            )),
            Whose::Foreign(controller) => {
                let whose = controller.as_ref().map_or_else(
                    || "exists and is not ours".to_owned(),
                    |controller| format!("is controlled by {controller}"),
                );
                let message = format!(
                    "{kind} {name} {whose}; it is left as it is. Name another one in spec.outputs, or delete it"
                );
                Some(Problem::new(
                    Reason::TargetNotOurs,
                    Retry::OnChange,
                    message,
                ))
            }
        }
    }
}

/// The account's two keys.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The first.
    pub key1: Key,
    /// The second.
    pub key2: Key,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Key {
    /// When it was made.
    pub made: Option<Timestamp>,
    /// The key, in base64.
    pub value: SecretValue,
}

impl Keys {
    /// One of them.
    pub fn of(&self, key: AccountKey) -> &Key {
        match key {
            AccountKey::Key1 => &self.key1,
            AccountKey::Key2 => &self.key2,
        }
    }

    /// Which of them a value is.
    pub fn which(&self, value: &SecretValue) -> Option<AccountKey> {
        [AccountKey::Key1, AccountKey::Key2]
            .into_iter()
            .find(|key| self.of(*key).value == *value)
    }
}
