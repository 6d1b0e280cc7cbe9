//! What is to be done with the Secret. Pure and total: every input has a plan.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::api::Ownership;
use super::entry::{Entry, ObjectId, version_of};
use super::rejected::Rejected;
use super::render::render;
use super::target::{Record, Relation, SecretMeta, Share, owner, relation};
use super::valid::Valid;
use super::{MANAGED, RECORD};
use crate::azure::key_vault::Bundle;
use crate::hub::Outcome;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// What a Secret may hold in all (Kubernetes, `MaxSecretSize`).
pub const LARGEST_SECRET: usize = 1 << 20;

/// Another sync that writes into the same Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rival {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whether it wants the whole Secret.
    pub ownership: Ownership,
    /// The keys that it claims.
    pub keys: BTreeSet<String>,
}

/// What was seen.
#[derive(Debug)]
pub struct Observed<'a> {
    /// The Secret's metadata.
    pub secret: Option<&'a SecretMeta>,
    /// What was given, for the objects that were asked for.
    pub objects: &'a BTreeMap<ObjectId, Outcome>,
    /// Other syncs that write into the same Secret.
    pub rivals: &'a [Rival],
    /// What was given earlier and could not be used.
    pub rejected: &'a Rejected,
}

/// What is to be done, and how each key stands once it is.
#[derive(Debug)]
pub struct Plan {
    /// Each entry in order.
    pub keys: Vec<KeyPlan>,
    /// The write, where something differs.
    pub write: Option<Write>,
    /// Why the Secret as a whole cannot be written.
    pub blocked: Option<Problem>,
    /// Whether the write sets right what somebody else changed.
    pub repairs: bool,
}

/// How a key stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlan {
    /// The key.
    pub key: String,
    /// The object that it comes from.
    pub object: String,
    /// The version that the Secret holds after the write, or as it is where there is none.
    pub version: Option<String>,
    /// The version that the Secret holds before.
    pub held: Option<String>,
    /// When that version was updated and when it expires, where the vault was asked.
    pub times: Option<Times>,
    /// What is wrong.
    pub problem: Option<Problem>,
}

impl KeyPlan {
    /// How the key stands where the write is not made.
    #[must_use]
    pub fn unwritten(self) -> Self {
        if self.version == self.held {
            self
        } else {
            Self {
                version: self.held.clone(),
                times: None,
                ..self
            }
        }
    }
}

/// Times of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Last update.
    pub updated: Option<Timestamp>,
    /// Expiry.
    pub expires: Option<Timestamp>,
}

/// A server-side apply of the Secret.
#[derive(Debug)]
pub struct Write {
    /// The version of the Secret that the plan was made on; none means that there was none.
    pub on_version: Option<String>,
    /// New values.
    pub fresh: BTreeMap<String, SecretValue>,
    /// Keys whose last good value stays; it must be read from the Secret, since an apply that leaves a field out removes it.
    pub keep: BTreeSet<String>,
    /// What is recorded on the Secret.
    pub record: Record,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations, the record among them.
    pub annotations: BTreeMap<String, String>,
    /// Owner.
    pub owner: Option<OwnerReference>,
    /// Type.
    pub type_: Option<String>,
}

/// One entry after looking at the vault's answer.
enum Looked<'a> {
    Fresh {
        bundle: &'a Bundle,
        value: SecretValue,
    },
    /// It was not asked for: the value in the Secret is as we left it.
    Unasked,
    Failed(Problem),
}

/// Decides.
pub fn plan(valid: &Valid, observed: &Observed<'_>, now: Timestamp) -> Plan {
    let relation = relation(valid, observed.secret);
    let share = observed
        .secret
        .and_then(|secret| secret.share(&valid.name))
        .cloned()
        .unwrap_or_default();
    let share = if relation == Relation::Ours {
        share
    } else {
        Share::default()
    };
    let mut looked: Vec<(&Entry, Looked<'_>)> = valid
        .entries
        .iter()
        .map(|entry| (entry, look(valid, entry, observed, now)))
        .collect();
    let blocked = blocked(valid, observed.secret, observed.rivals)
        .or_else(|| too_large(valid, &looked))
        .or_else(|| still_too_large(observed.rejected, &looked));
    let mut keys: Vec<KeyPlan> = looked
        .iter()
        .map(|(entry, looked)| key_plan(entry, looked, &share))
        .collect();
    if blocked.is_some() {
        keys = keys.into_iter().map(KeyPlan::unwritten).collect();
        return Plan {
            keys,
            write: None,
            blocked,
            repairs: false,
        };
    }
    let write = write(valid, observed.secret, &share, &mut looked);
    let damaged = share
        .record
        .keys
        .keys()
        .any(|key| !share.intact.contains(key));
    Plan {
        repairs: write.is_some() && damaged,
        keys,
        write,
        blocked,
    }
}

fn look<'a>(valid: &Valid, entry: &Entry, observed: &Observed<'a>, now: Timestamp) -> Looked<'a> {
    if let Some(rival) = claimed(valid, entry, observed.secret, observed.rivals) {
        let message = format!(
            "key {} of Secret {} is claimed by VaultSecretSync {}, which came first: name another key, or another Secret in spec.target.name",
            entry.key, valid.target.name, rival.name
        );
        return Looked::Failed(Problem::new(
            Reason::TargetClaimed,
            Retry::OnChange,
            message,
        ));
    }
    match observed.objects.get(&entry.object()) {
        None => match observed.rejected.problem(entry) {
            Some(problem) => Looked::Failed(problem.clone()),
            None => Looked::Unasked,
        },
        Some(Err(problem)) => Looked::Failed(problem.clone()),
        Some(Ok(bundle)) => {
            match usable(entry, bundle, now).and_then(|()| render(entry, &bundle.value)) {
                Ok(value) => Looked::Fresh { bundle, value },
                Err(problem) => Looked::Failed(problem),
            }
        }
    }
}

/// Key Vault hands out a secret before its time (its attributes are informational); we do not pass it on.
fn usable(entry: &Entry, bundle: &Bundle, now: Timestamp) -> Result<(), Problem> {
    let Some(start) = bundle.not_before.filter(|start| *start > now) else {
        return Ok(());
    };
    let wait = std::time::Duration::try_from(start.duration_since(now)).unwrap_or_default();
    let message = format!(
        "{} is not valid before {start}, and is taken then; set its not-before time in the vault to have it earlier",
        entry.object()
    );
    Err(Problem::new(
        Reason::NotYetValid,
        Retry::After(wait.min(crate::retry::RESYNC)),
        message,
    ))
}

/// The rival that a key is left to.
pub fn claimed<'a>(
    valid: &Valid,
    entry: &Entry,
    secret: Option<&SecretMeta>,
    rivals: &'a [Rival],
) -> Option<&'a Rival> {
    let key = entry.key.as_str();
    rivals.iter().find(|rival| beats(rival, valid, key, secret))
}

/// Whether one of two wants the whole Secret.
fn wants_whole(rival: &Rival, valid: &Valid) -> bool {
    rival.ownership == Ownership::Own || valid.target.ownership == Ownership::Own
}

/// Whether a rival has the better claim to a key: who holds it, else who came first. Both sides come to the same answer.
fn beats(rival: &Rival, valid: &Valid, key: &str, secret: Option<&SecretMeta>) -> bool {
    let whole = wants_whole(rival, valid);
    if !whole && !rival.keys.contains(key) {
        return false;
    }
    let holds = |sync: &str| {
        let share = secret.and_then(|secret| secret.share(sync));
        share.is_some_and(|share| whole || share.record.keys.contains_key(key))
    };
    match (holds(&rival.name), holds(&valid.name)) {
        (true, false) => true,
        (false, true) => false,
        _ => (rival.created, &rival.name) < (valid.created, &valid.name),
    }
}

/// Why the Secret must not be written, whatever the vault says. Asked before the vault is.
pub fn blocked(valid: &Valid, secret: Option<&SecretMeta>, rivals: &[Rival]) -> Option<Problem> {
    // First, since a Secret that a rival has written is also somebody else's, which would tell less.
    let winner = rivals
        .iter()
        .find(|rival| wants_whole(rival, valid) && beats(rival, valid, "", secret));
    if let Some(rival) = winner {
        let message = format!(
            "Secret {} is claimed by VaultSecretSync {}, which came first: name another Secret in spec.target.name, or let both put keys into one with spec.target.ownership Merge",
            valid.target.name, rival.name
        );
        return Some(Problem::new(
            Reason::TargetClaimed,
            Retry::OnChange,
            message,
        ));
    }
    match relation(valid, secret) {
        Relation::Foreign(problem) => return Some(problem),
        Relation::Absent if valid.target.ownership == Ownership::Merge => {
            let message = format!(
                "Secret {} does not exist yet; keys are merged into it when it does, with the annotation {}={}",
                valid.target.name,
                super::ALLOW_SYNC,
                valid.name
            );
            return Some(Problem::new(
                Reason::TargetNotFound,
                Retry::Backoff,
                message,
            ));
        }
        Relation::Absent | Relation::Ours | Relation::Allowed => {}
    }
    let recorded = &secret?.share(&valid.name)?.record;
    let (has, wants) = (recorded.type_.as_deref()?, type_of(valid)?);
    (has != wants).then(|| {
        let message = format!(
            "Secret {} has type {has:?} and Kubernetes lets nobody change it to {wants:?}: name a new Secret in spec.target.name, or set spec.template.type back",
            valid.target.name
        );
        Problem::new(Reason::TargetTypeImmutable, Retry::OnChange, message)
    })
}

fn type_of(valid: &Valid) -> Option<String> {
    let default = (valid.target.ownership == Ownership::Own).then(|| "Opaque".to_owned());
    valid.target.type_.clone().or(default)
}

fn too_large(valid: &Valid, looked: &[(&Entry, Looked<'_>)]) -> Option<Problem> {
    let size = looked.iter().map(|(_, looked)| match looked {
        Looked::Fresh { value, .. } => value.len(),
        Looked::Unasked | Looked::Failed(_) => 0,
    });
    over_limit(valid, size.sum())
}

/// What was too much stays so until a value changes; then all of them are given.
fn still_too_large(rejected: &Rejected, looked: &[(&Entry, Looked<'_>)]) -> Option<Problem> {
    let fresh = |looked: &Looked<'_>| matches!(looked, Looked::Fresh { .. });
    let given = looked.iter().any(|(_, looked)| fresh(looked));
    rejected.whole.clone().filter(|_| !given)
}

/// The problem of `size` bytes of values, where that is too much.
pub fn over_limit(valid: &Valid, size: usize) -> Option<Problem> {
    (size > LARGEST_SECRET).then(|| {
        let message = format!(
            "the values for Secret {} have {size} bytes, and a Secret holds at most {LARGEST_SECRET}: spread them over several VaultSecretSyncs",
            valid.target.name
        );
        Problem::new(Reason::TooLarge, Retry::OnChange, message)
    })
}

fn key_plan(entry: &Entry, looked: &Looked<'_>, share: &Share) -> KeyPlan {
    let held = held(entry, share).map(|recorded| version_of(recorded).to_owned());
    let (version, times, problem) = match looked {
        Looked::Fresh { bundle, .. } => {
            let times = Times {
                updated: bundle.updated,
                expires: bundle.expires,
            };
            (Some(bundle.version.to_string()), Some(times), None)
        }
        Looked::Unasked => (held.clone(), None, None),
        Looked::Failed(problem) => (held.clone(), None, Some(problem.clone())),
    };
    KeyPlan {
        key: entry.key.to_string(),
        object: entry.object().name().to_owned(),
        version,
        held,
        times,
        problem,
    }
}

/// The recorded source of a key whose value in the Secret is as we left it.
pub fn held<'a>(entry: &Entry, share: &'a Share) -> Option<&'a str> {
    let key = entry.key.as_str();
    share
        .record
        .keys
        .get(key)
        .filter(|_| share.intact.contains(key))
        .map(String::as_str)
}

fn write(
    valid: &Valid,
    secret: Option<&SecretMeta>,
    share: &Share,
    looked: &mut [(&Entry, Looked<'_>)],
) -> Option<Write> {
    let mut record = Record {
        keys: BTreeMap::new(),
        type_: type_of(valid).or_else(|| share.record.type_.clone()),
        labels: valid.target.labels.keys().cloned().collect(),
        annotations: valid.target.annotations.keys().cloned().collect(),
    };
    let (mut fresh, mut keep, mut differs) = (BTreeMap::new(), BTreeSet::new(), false);
    for (entry, looked) in looked {
        let (key, held) = (entry.key.to_string(), held(entry, share));
        match looked {
            Looked::Fresh { bundle, value } => {
                let source = entry.recorded(bundle);
                differs |= held != Some(source.as_str());
                record.keys.insert(key.clone(), source);
                fresh.insert(key, value.clone());
            }
            Looked::Unasked | Looked::Failed(_) => {
                if let Some(source) = held {
                    record.keys.insert(key.clone(), source.to_owned());
                    keep.insert(key);
                }
            }
        }
    }
    // A Secret without a single value would tell its readers nothing, and might make them start with nothing.
    if fresh.is_empty() && keep.is_empty() {
        return None;
    }
    differs |= record != share.record || !dressed(valid, secret);
    differs.then(|| dress(valid, secret, fresh, keep, record))
}

/// Whether labels, annotations, label of ours and owner are as they should be.
fn dressed(valid: &Valid, secret: Option<&SecretMeta>) -> bool {
    let Some(facts) = secret.map(|secret| &secret.facts) else {
        return false;
    };
    let owned = owner(valid).map(|owner| owner.uid);
    let controller = facts
        .controller
        .as_ref()
        .map(|controller| controller.uid.clone());
    let owner_fits = valid.target.ownership == Ownership::Merge
        && controller.as_deref() != Some(valid.uid.as_str())
        || controller == owned;
    let all = |wanted: &BTreeMap<String, String>, seen: &BTreeMap<String, String>| {
        wanted
            .iter()
            .all(|(name, value)| seen.get(name) == Some(value))
    };
    facts.managed
        && owner_fits
        && all(&valid.target.labels, &facts.labels)
        && all(&valid.target.annotations, &facts.annotations)
}

fn dress(
    valid: &Valid,
    secret: Option<&SecretMeta>,
    fresh: BTreeMap<String, SecretValue>,
    keep: BTreeSet<String>,
    record: Record,
) -> Write {
    let mut labels = valid.target.labels.clone();
    labels.insert(MANAGED.to_owned(), "true".to_owned());
    let mut annotations = valid.target.annotations.clone();
    // A map of texts is always JSON.
    annotations.insert(
        format!("{RECORD}{}", valid.name),
        serde_json::to_string(&record).unwrap_or_default(),
    );
    Write {
        on_version: secret.map(|secret| secret.version.clone()),
        fresh,
        keep,
        record,
        labels,
        annotations,
        owner: owner(valid),
        type_: type_of(valid),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "plan_properties.rs"]
mod properties;
