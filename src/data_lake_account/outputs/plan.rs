//! What is next, of all that is written to Kubernetes: one thing at a time, until nothing is left. Pure.

use std::fmt;

use jiff::Timestamp;

use super::Inputs;
use super::keys;
use super::record::{name_of, second};
use super::render::config_map;
use super::seen::{Kind, Seen, Target, Targets, What, Whose};
use super::signatures;
use super::wanted::{Sheet, Wanted};
use crate::data_lake_account::api::{AccountKey, SasKind};
use crate::names::ResourceName;
use crate::problem::{Problem, Reason};
use crate::retry::{Retry, after};

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Something must be read.
    Look(Look),
    /// Something must be done.
    Do(Step),
    /// Nothing is left that can be done now.
    Rest,
}

/// What can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// What is there in Kubernetes.
    Targets,
    /// The account's keys, and which of them the Secret has.
    Keys,
    /// A key of the identity to sign with.
    Delegation {
        /// From when it is valid.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
}

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The ConfigMap is written.
    WriteConfigMap(ResourceName),
    /// A Secret is written.
    WriteSecret {
        /// Its name.
        name: ResourceName,
        /// The account's key that is used for it, where one is.
        key: AccountKey,
    },
    /// Something is deleted.
    Delete {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
        /// Its uid.
        uid: String,
    },
    /// A key is made anew.
    Renew {
        /// Which.
        key: AccountKey,
        /// When the one before was made.
        was: Option<Timestamp>,
    },
    /// It is kept that this key is in use.
    Use(AccountKey),
    /// It is kept that no key is.
    Forget,
}

impl Step {
    /// What fails where it does.
    pub fn what(&self) -> Option<What> {
        match self {
            Self::WriteConfigMap(_) => Some(What::ConfigMap),
            Self::WriteSecret { name, .. } => Some(What::Secret(name.clone())),
            Self::Delete { kind, name, .. } => Some(What::Left(*kind, name.clone())),
            Self::Renew { .. } => Some(What::Renewal),
            Self::Use(_) | Self::Forget => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WriteConfigMap(name) => write!(f, "write ConfigMap {name}"),
            Self::WriteSecret { name, .. } => write!(f, "write Secret {name}"),
            Self::Delete { kind, name, .. } => write!(f, "delete {} {name}", kind.as_str()),
            Self::Renew { key, .. } => write!(f, "make {} of the account anew", name_of(*key)),
            Self::Use(key) => write!(f, "keep that {} is in use", name_of(*key)),
            Self::Forget => f.write_str("keep that no key is in use"),
        }
    }
}

/// What decisions are made on.
pub(super) struct View<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) seen: &'a Seen,
    pub(super) targets: &'a Targets,
}

/// Decides what is next.
pub fn next(inputs: &Inputs<'_>, seen: &Seen) -> Next {
    let Some(targets) = &seen.targets else {
        return Next::Look(Look::Targets);
    };
    let view = View {
        inputs,
        seen,
        targets,
    };
    let next = facts(&view)
        .or_else(|| keys::settle(&view))
        .or_else(|| sheets(&view))
        .or_else(|| left(&view))
        .or_else(|| keys::renew(&view));
    next.unwrap_or(Next::Rest)
}

/// The ConfigMap.
fn facts(view: &View<'_>) -> Option<Next> {
    let name = view.inputs.wanted.config_map.as_ref()?;
    let done = view.failed(&What::ConfigMap) || view.seen.written.contains(&What::ConfigMap);
    let fits = view.targets.config_map.as_ref().is_some_and(|target| {
        target.whose != Whose::Ours || as_wanted(target, &config_map(view.inputs.account))
    });
    (!done && !fits).then(|| Next::Do(Step::WriteConfigMap(name.clone())))
}

fn as_wanted(target: &Target, wanted: &std::collections::BTreeMap<String, String>) -> bool {
    let same = wanted
        .iter()
        .all(|(name, value)| target.data.get(name) == Some(value));
    same && target.dressed && target.intact.iter().eq(wanted.keys())
}

/// What is ours and not wanted any more.
fn left(view: &View<'_>) -> Option<Next> {
    let wanted = view.inputs.wanted;
    let unwanted = view.targets.labelled.iter().find(|one| {
        let is_wanted = match one.kind {
            Kind::ConfigMap => {
                wanted.config_map.as_ref().map(ResourceName::as_str) == Some(&one.name)
            }
            Kind::Secret => wanted.secrets.keys().any(|name| name.as_str() == one.name),
        };
        let ours = one.target.whose == Whose::Ours;
        ours && !is_wanted && !view.failed(&What::Left(one.kind, one.name.clone()))
    })?;
    Some(Next::Do(Step::Delete {
        kind: unwanted.kind,
        name: unwanted.name.clone(),
        uid: unwanted.target.uid.clone(),
    }))
}

/// Secrets that are damaged, or have a signature that is due.
fn sheets(view: &View<'_>) -> Option<Next> {
    let mut all = view.inputs.wanted.secrets.iter();
    let (name, _) = all.find(|(name, sheet)| {
        let written = view.seen.written.contains(&What::Secret((*name).clone()));
        let due = view.is_broken(name) || signatures::any_due(view.inputs, name, sheet);
        due && !written && !view.is_barred(name)
    })?;
    let key = view.inputs.record.in_use();
    Some(view.write(name, key.unwrap_or(AccountKey::Key1)))
}

impl View<'_> {
    /// Whether a Secret that is not wanted any more could not be deleted.
    pub(super) fn keeps_left(&self) -> bool {
        let mut failed = self.seen.failed.keys();
        failed.any(|what| matches!(what, What::Left(Kind::Secret, _)))
    }

    /// Whether something was tried in this round in vain.
    pub(super) fn failed(&self, what: &What) -> bool {
        self.seen.failed.contains_key(what)
    }

    /// Whether a Secret is not as it was written, or not there.
    pub(super) fn is_broken(&self, name: &ResourceName) -> bool {
        let (Some(sheet), false) = (
            self.inputs.wanted.secrets.get(name),
            self.seen.written.contains(&What::Secret(name.clone())),
        ) else {
            return false;
        };
        let target = self.targets.secrets.get(name);
        !target.is_some_and(|target| {
            let names: std::collections::BTreeSet<&str> = sheet.names().collect();
            target.dressed && target.intact.iter().map(String::as_str).eq(names)
        })
    }

    /// Whether a Secret cannot be written: it is not ours, or what it takes is not to be had.
    pub(super) fn is_barred(&self, name: &ResourceName) -> bool {
        let Some(sheet) = self.inputs.wanted.secrets.get(name) else {
            return true;
        };
        let foreign = self
            .targets
            .secrets
            .get(name)
            .is_some_and(|target| target.whose != Whose::Ours);
        let keyless = !self.inputs.account.shared_keys || self.failed(&What::Keys);
        let delegates = sheet.has(SasKind::UserDelegation);
        foreign
            || self.failed(&What::Secret(name.clone()))
            || sheet.needs_key() && keyless
            || delegates && self.failed(&What::Delegation)
    }

    /// Writes a Secret, after all that it takes was read.
    pub(super) fn write(&self, name: &ResourceName, key: AccountKey) -> Next {
        let sheet = self.inputs.wanted.secrets.get(name);
        if sheet.is_some_and(Sheet::needs_key) && self.seen.keys.is_none() {
            return Next::Look(Look::Keys);
        }
        let delegates = sheet.is_some_and(|sheet| sheet.has(SasKind::UserDelegation));
        if delegates && self.seen.delegation.is_none() {
            let from = signatures::begins(self.inputs.now);
            let until = second(after(from, signatures::longest(self.inputs))).0;
            return Next::Look(Look::Delegation { from, until });
        }
        Next::Do(Step::WriteSecret {
            name: name.clone(),
            key,
        })
    }

    /// When a key was made, as the account tells.
    pub(super) fn told(&self, key: AccountKey) -> Option<Timestamp> {
        self.inputs.account.keys_made.get(name_of(key)).copied()
    }
}

/// What stands in the way, once nothing is left that can be done.
pub fn problem(inputs: &Inputs<'_>, seen: &Seen) -> Option<Problem> {
    let targets = seen.targets.as_ref()?;
    let wanted = inputs.wanted;
    let map = wanted.config_map.as_ref().zip(targets.config_map.as_ref());
    let map = map.and_then(|(name, target)| target.foreign(Kind::ConfigMap, name.as_str()));
    let mut secrets = targets.secrets.iter();
    let secret = secrets.find_map(|(name, target)| target.foreign(Kind::Secret, name.as_str()));
    let locked = (wanted.needs_key() && !inputs.account.shared_keys).then(|| {
        let message = format!(
            "storage account {:?} takes no account keys, so outputs.keys and outputs.sas of kind Service would be of no use; they are not written. Set spec.sharedKeyAccess: true, or use signatures of kind UserDelegation",
            inputs.account.name
        );
        Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
    });
    map.or(secret)
        .or(locked)
        .or_else(|| seen.failed.values().next().cloned())
}

/// When something is due before the next look.
pub fn again(inputs: &Inputs<'_>) -> Option<Timestamp> {
    // While it is not known what becomes of a key, the next one is overdue, which is no reason to miss the end of that.
    let key = keys::lapses(inputs).or_else(|| keys::due(inputs));
    signatures::next(inputs).into_iter().chain(key).min()
}

/// What would be done, where nothing is to be written: without a look at the account's keys.
pub fn told(inputs: &Inputs<'_>, seen: &Seen) -> Vec<String> {
    let Some(targets) = &seen.targets else {
        return Vec::new();
    };
    let view = View {
        inputs,
        seen,
        targets,
    };
    let mut told: Vec<String> = Vec::new();
    if let Some(Next::Do(step)) = facts(&view) {
        told.push(step.to_string());
    }
    let secrets = inputs.wanted.secrets.iter().filter(|(name, sheet)| {
        let due = view.is_broken(name) || signatures::any_due(inputs, name, sheet);
        due && !view.is_barred(name)
    });
    told.extend(secrets.map(|(name, _)| format!("write Secret {name}")));
    if let Some(in_use) = inputs.record.in_use()
        && keys::due(inputs).is_some_and(|due| due <= inputs.now)
    {
        let key = name_of(super::record::other(in_use));
        told.push(format!("make {key} of the account anew"));
    }
    told
}

/// What would be done once there is an account.
pub fn ahead(wanted: &Wanted) -> Vec<String> {
    let map = wanted.config_map.iter().cloned().map(Step::WriteConfigMap);
    let secrets = wanted.secrets.keys().map(|name| Step::WriteSecret {
        name: name.clone(),
        key: AccountKey::Key1,
    });
    map.chain(secrets).map(|step| step.to_string()).collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
