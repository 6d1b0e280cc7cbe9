//! What is to be done with the Secret. Pure and total: every input has a plan.

pub mod brake;
pub mod claims;
pub mod dress;
pub mod hold;
pub mod look;
pub mod made;
pub mod rows;
pub mod windows;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::hub::Outcome;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::items::found::Told;
use crate::vault_secret_sync::items::item::{Item, ObjectId};
use crate::vault_secret_sync::plan::brake::brake;
use crate::vault_secret_sync::plan::claims::{TLS, blocked, immutable, needs_anew, type_of};
use crate::vault_secret_sync::plan::dress::{Write, dress, dressed};
use crate::vault_secret_sync::plan::hold::{held_back, hold_removals};
use crate::vault_secret_sync::plan::look::{Looked, look};
use crate::vault_secret_sync::plan::made::{Made, Waiting, made};
use crate::vault_secret_sync::plan::rows::{Put, Row, Rows, earlier};
use crate::vault_secret_sync::target::{Record, Relation, Share, relation};
use crate::vault_secret_sync::valid::Valid;
use crate::vault_secret_sync::wants::rejected::Rejected;
use crate::vault_secret_sync::wants::scene::{Scene, held};

/// What a Secret may hold in all (Kubernetes, `MaxSecretSize`).
pub const LARGEST_SECRET: usize = 1 << 20;

/// What was seen.
#[derive(Debug)]
pub struct Observed<'a> {
    /// The items, the Secret, and others who write it.
    pub scene: Scene<'a>,
    /// What was given, for the objects that were asked for.
    pub objects: &'a BTreeMap<ObjectId, Outcome>,
    /// What was given earlier and could not be used.
    pub rejected: &'a Rejected,
    /// What would have been removed before, and waits for a second look.
    pub removal: Option<&'a Removal>,
}

/// Keys that are to be removed, more than half of all, and since when that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The keys.
    pub keys: BTreeSet<String>,
    /// When it was first seen.
    pub since: Timestamp,
}

/// What is to be done, and how each key stands once it is.
#[derive(Debug)]
pub struct Plan {
    /// Each key of the Secret, in the order of items and then of templates.
    pub keys: Vec<KeyPlan>,
    /// Each value that is only what templates are made of.
    pub inputs: Vec<KeyPlan>,
    /// What was given and is not in the Secret yet.
    pub waiting: Waiting,
    /// The write, where something differs.
    pub write: Option<Write>,
    /// Why the Secret as a whole cannot be written.
    pub blocked: Option<Problem>,
    /// What is wrong with sources, and with no single key.
    pub told: Vec<Told>,
    /// What is not removed before a second look.
    pub removal: Option<Removal>,
    /// Whether the write sets right what somebody else changed.
    pub repairs: bool,
}

/// How a key stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlan {
    /// The key.
    pub key: String,
    /// The place of the item that gives it.
    pub item: usize,
    /// The object that it comes from.
    pub object: String,
    /// The version that the Secret holds after the write, or as it is where there is none.
    pub version: Option<String>,
    /// The version that the Secret holds before.
    pub held: Option<String>,
    /// When that version was updated and when it expires, where the vault was asked.
    pub times: Option<Times>,
    /// What is odd about the value, where the vault was asked.
    pub note: Option<String>,
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
                note: None,
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

/// Decides.
pub fn plan(observed: &Observed<'_>, now: Timestamp) -> Plan {
    let scene = &observed.scene;
    let part = match relation(scene.valid, scene.secret) {
        Relation::Ours | Relation::Allowed => scene.secret,
        Relation::Absent | Relation::Foreign(_) => None,
    };
    let part = part.map_or_else(Share::default, |it| it.whole_share(&scene.valid.name));
    let nothing = Share::default();
    // What templates are made of is told by the record alone.
    let share = match scene.valid.templates {
        Some(_) => scene.inputs.unwrap_or(&nothing),
        None => &part,
    };
    let items = scene.items.iter();
    let looked: Vec<(&Item, Looked)> = items
        .map(|item| (item, held_back(item, look(item, observed, now), scene, now)))
        .collect();
    let mut rows = Rows {
        scene,
        share,
        rows: Vec::new(),
        taken: BTreeMap::new(),
        told: scene.past.told.clone(),
    };
    for (place, (item, looked)) in looked.iter().enumerate() {
        rows.add(place, item, looked, observed.rejected);
    }
    let Rows {
        mut rows,
        mut told,
        taken,
        ..
    } = rows;
    // What is kept because nobody knows whose it is may have come by somebody else meanwhile.
    let left = earlier(scene, share).into_iter();
    rows.extend(left.filter(|row| !taken.contains_key(&row.plan.key)));
    hold_removals(scene.valid, &mut rows, now);
    let (removal, problem) = brake(scene.valid, share, &mut rows, observed.removal, now);
    told.extend(problem.map(|problem| Told {
        at: "spec.onMissing".to_owned(),
        problem,
    }));
    let unasked = looked
        .iter()
        .any(|(_, looked)| matches!(looked, Looked::Unasked));
    let whole = (unasked, told.as_slice());
    let mut made = made(scene, &part, rows, whole, observed.rejected);
    made.waiting.held_up |= removal.is_some() && scene.valid.templates.is_some();
    let blocked = blocked(scene.valid, scene.secret, scene.rivals)
        .or_else(|| too_large(scene.valid, &made.rows))
        .or_else(|| still_too_large(observed.rejected, &looked));
    let write = match &blocked {
        Some(_) => None,
        None => write(scene, &part, &mut made),
    };
    let mut write = write;
    let blocked = blocked
        .or_else(|| incomplete(write.as_ref()?, &made.rows))
        .or_else(|| anew(scene, &part.record, write.as_mut()?));
    let write = write.filter(|_| blocked.is_none());
    let mut recorded = part.record.keys.keys();
    let damaged = recorded.any(|key| !part.intact.contains(key));
    let keys = made.rows.into_iter().filter(|row| row.shown);
    let keys = keys.map(|row| row.plan);
    let unwritten = blocked.is_some();
    Plan {
        repairs: write.is_some() && damaged,
        keys: keys
            .map(|plan| if unwritten { plan.unwritten() } else { plan })
            .collect(),
        inputs: made.inputs,
        waiting: made.waiting,
        write,
        told,
        removal,
        blocked,
    }
}

/// Has the Secret made anew where it cannot be changed; or why that may not be.
fn anew(scene: &Scene<'_>, recorded: &Record, write: &mut Write) -> Option<Problem> {
    if !needs_anew(scene.valid, recorded, write) {
        return None;
    }
    write.anew = scene.secret.map(|secret| secret.uid.clone());
    (!scene.valid.target.recreate).then(|| immutable(scene.valid))
}

/// Why a Secret cannot be written yet: the API server takes one for TLS with both of its keys only.
fn incomplete(write: &Write, rows: &[Row]) -> Option<Problem> {
    let lacks = |key: &&str| !write.fresh.contains_key(*key) && !write.keep.contains(*key);
    let is_tls = write.type_.as_deref() == Some(TLS);
    let key = ["tls.crt", "tls.key"].into_iter().find(lacks);
    let key = key.filter(|_| is_tls)?;
    let mut problems = rows.iter().filter_map(|row| row.plan.problem.as_ref());
    let why = problems
        .next()
        .map_or_else(String::new, |problem| format!(": {}", problem.message));
    let message =
        format!("a Secret of type {TLS} is written once it has {key}; until then nothing is{why}");
    Some(Problem::new(
        Reason::TargetIncomplete,
        Retry::OnChange,
        message,
    ))
}

fn too_large(valid: &Valid, rows: &[Row]) -> Option<Problem> {
    let size = rows.iter().map(|row| match &row.put {
        Put::Fresh(value, _) => value.len(),
        Put::Keep(_) | Put::Remove(_) | Put::Nothing => 0,
    });
    over_limit(valid, size.sum())
}

/// What was too much stays so until a value changes; then all of them are given.
fn still_too_large(rejected: &Rejected, looked: &[(&Item, Looked)]) -> Option<Problem> {
    let fresh = |looked: &Looked| matches!(looked, Looked::Fresh { .. });
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

fn write(scene: &Scene<'_>, part: &Share, made: &mut Made) -> Option<Write> {
    let valid = scene.valid;
    let mut record = Record {
        keys: BTreeMap::new(),
        values: std::mem::take(&mut made.values),
        vault: part.record.vault.clone(),
        type_: type_of(valid).or_else(|| part.record.type_.clone()),
        immutable: valid.target.immutable,
        labels: valid.target.labels.keys().cloned().collect(),
        annotations: valid.target.annotations.keys().cloned().collect(),
    };
    let (mut fresh, mut keep, mut differs) = (BTreeMap::new(), BTreeSet::new(), false);
    for row in &mut made.rows {
        let key = row.plan.key.clone();
        match std::mem::replace(&mut row.put, Put::Nothing) {
            Put::Fresh(value, line) => {
                differs |= held(&key, part) != Some(line.as_str());
                record.keys.insert(key.clone(), line);
                fresh.insert(key, value);
            }
            Put::Keep(line) => {
                record.keys.insert(key.clone(), line);
                keep.insert(key);
            }
            Put::Nothing | Put::Remove(_) => {}
        }
    }
    // A Secret without a single value would tell its readers nothing, and might make them start with nothing.
    if fresh.is_empty() && keep.is_empty() {
        return None;
    }
    differs |= record != part.record || !dressed(valid, scene.secret);
    // Alone it is a reason to write only where it tells of another vault, all of whose values are here.
    differs |= scene.has_moved() && !fresh.is_empty();
    if let Some(own) = valid.own_host() {
        record.vault = Some(own.to_owned());
    }
    differs.then(|| dress(valid, scene.secret, fresh, keep, record))
}

#[cfg(test)]
mod tests;
