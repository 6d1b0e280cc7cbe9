//! What a sync's status says. Pure.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::k8s::conditions::{self, Says};
use crate::problem::{Problem, Reason};
use crate::vault_secret_sync::api::{
    KeyError, KeyStatus, SourceStatus, TargetStatus, VaultSecretSyncStatus,
};
use crate::vault_secret_sync::expiry;
use crate::vault_secret_sync::items::found::Told;
use crate::vault_secret_sync::plan::KeyPlan;
use crate::vault_secret_sync::valid::{DEFAULT_WARNING, Valid};

/// Longest message of a condition, in characters. The API allows 32768; people read less.
const LONGEST_MESSAGE: usize = 1500;

/// How a reconcile went.
#[derive(Debug)]
pub struct Look<'a> {
    /// How each key stands, where the vault was looked at.
    pub keys: Option<&'a [KeyPlan]>,
    /// What is wrong with sources, and with no single key.
    pub told: &'a [Told],
    /// What is wrong as a whole.
    pub problem: Option<&'a Problem>,
    /// Whether the Secret was written.
    pub wrote: bool,
    /// When the vault was looked at, where it was.
    pub looked: Option<Timestamp>,
    /// When the vault is looked at next.
    pub next: Option<Timestamp>,
}

/// The status after a look. `valid` is absent where the spec could not be parsed.
pub fn status(
    old: &VaultSecretSyncStatus,
    generation: Option<i64>,
    valid: Option<&Valid>,
    look: &Look<'_>,
    now: Timestamp,
) -> VaultSecretSyncStatus {
    let keys = look.keys.map_or_else(
        || old.keys.clone(),
        |keys| keys.iter().map(|key| key_status(key, old)).collect(),
    );
    let held = keys.iter().filter(|key| key.version.is_some()).count();
    let note = valid.and_then(|valid| valid.referred.note());
    let mut says = vec![
        ready(valid, look, &keys),
        synced(look, note.as_deref()),
        degraded(look),
    ];
    let warning = valid.map_or(Some(DEFAULT_WARNING), |valid| valid.expiry_warning);
    let expiring = expiry::says(&keys, warning, now);
    let mut kept = old.conditions.clone();
    kept.retain(|condition| condition.type_ != expiry::CONDITION || expiring.is_some());
    says.extend(expiring);
    let target = valid
        .filter(|valid| has_arrived(old, valid, look, held, keys.len()))
        .map(|valid| TargetStatus {
            name: valid.target.name.to_string(),
            ownership: valid.target.ownership,
            deletion_policy: valid.target.deletion_policy,
        })
        .or_else(|| old.target.clone());
    VaultSecretSyncStatus {
        observed_generation: generation,
        conditions: conditions::set(&kept, says, generation, now),
        summary: (!keys.is_empty()).then(|| format!("{held}/{}", keys.len())),
        target,
        sources: match look.keys {
            Some(_) => sources(look.told),
            None => old.sources.clone(),
        },
        keys,
        rollout: old.rollout.clone(),
        push: old.push.clone(),
        handled_sync_at: valid.map_or_else(
            || old.handled_sync_at.clone(),
            |valid| valid.sync_at.clone(),
        ),
        last_checked: look.looked.map(Time).max(old.last_checked.clone()),
        last_changed: if look.wrote {
            Some(Time(now))
        } else {
            old.last_changed.clone()
        },
        next_check: look.next.map(Time),
    }
}

/// Whether the Secret of the spec is the one that was written. A Secret that moves is the old one until the new one holds
/// all: what the status names is what will be let go.
fn has_arrived(
    old: &VaultSecretSyncStatus,
    valid: &Valid,
    look: &Look<'_>,
    held: usize,
    keys: usize,
) -> bool {
    let moves = old
        .target
        .as_ref()
        .is_some_and(|target| target.name != valid.target.name.as_str());
    let written = look.wrote && !moves;
    look.keys.is_some() && look.problem.is_none() && held > 0 && (written || held == keys)
}

/// The status of a sync that rests: only that is said, all else stays.
pub fn suspended(
    old: &VaultSecretSyncStatus,
    generation: Option<i64>,
    now: Timestamp,
) -> VaultSecretSyncStatus {
    let says = Says {
        type_: "Synced",
        status: None,
        reason: "Suspended",
        message: "spec.suspend is true: the vault is not asked, and the Secret is left as it is"
            .to_owned(),
    };
    VaultSecretSyncStatus {
        observed_generation: generation,
        conditions: conditions::set(&old.conditions, vec![says], generation, now),
        next_check: None,
        ..old.clone()
    }
}

/// Whether the status is worth a write: anything but times differs, or they are older than a heartbeat.
pub fn differs(
    old: &VaultSecretSyncStatus,
    new: &VaultSecretSyncStatus,
    heartbeat: Option<Duration>,
) -> bool {
    let timeless = VaultSecretSyncStatus {
        last_checked: old.last_checked.clone(),
        next_check: old.next_check.clone(),
        ..new.clone()
    };
    timeless != *old || heartbeat.is_some_and(|heartbeat| is_outdated(old, new, heartbeat))
}

/// Whether the times that were written last are older than a heartbeat; it comes a tenth early or late.
fn is_outdated(
    old: &VaultSecretSyncStatus,
    new: &VaultSecretSyncStatus,
    heartbeat: Duration,
) -> bool {
    let (Some(before), Some(now)) = (&old.last_checked, &new.last_checked) else {
        return false;
    };
    let passed = Duration::try_from(now.0.duration_since(before.0));
    passed.is_ok_and(|passed| passed >= heartbeat.mul_f64(0.8))
}

fn key_status(plan: &KeyPlan, old: &VaultSecretSyncStatus) -> KeyStatus {
    let before = old
        .keys
        .iter()
        .find(|key| key.key == plan.key && key.version == plan.version);
    let (updated, expires, note) = match (plan.times, before) {
        (Some(times), _) => {
            let note = plan.note.as_deref().map(cut);
            (times.updated.map(Time), times.expires.map(Time), note)
        }
        (None, Some(before)) => (
            before.updated.clone(),
            before.expires.clone(),
            plan.note
                .as_deref()
                .map(cut)
                .or_else(|| before.note.clone()),
        ),
        (None, None) => (None, None, None),
    };
    // Waiting is no error.
    let (waiting, wrong): (Vec<&Problem>, Vec<&Problem>) = plan
        .problem
        .iter()
        .partition(|problem| waits(problem.reason));
    KeyStatus {
        key: plan.key.clone(),
        object: plan.object.clone(),
        version: plan.version.clone(),
        updated,
        expires,
        note: waiting
            .first()
            .map_or(note, |problem| Some(cut(&problem.message))),
        error: wrong.first().map(|problem| key_error(problem)),
    }
}

pub(super) fn key_error(problem: &Problem) -> KeyError {
    KeyError {
        reason: problem.reason.to_string(),
        message: cut(&problem.message),
        http_status: problem.http_status.map(i32::from),
        azure_code: problem.azure_code.clone(),
    }
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(LONGEST_MESSAGE).collect()
}

/// The first thing that is wrong: with the whole, else with a key. What waits hides nothing that has failed.
pub fn headline<'a>(look: &Look<'a>) -> Option<&'a Problem> {
    let all = || {
        let keys = look.keys.into_iter().flatten();
        let keys = keys.filter_map(|key| key.problem.as_ref());
        keys.chain(look.told.iter().map(|told| &told.problem))
    };
    look.problem
        .or_else(|| all().find(|problem| !waits(problem.reason)))
        .or_else(|| all().next())
}

/// One entry for each source, with all that is wrong with it.
fn sources(told: &[Told]) -> Vec<SourceStatus> {
    let mut sources: Vec<SourceStatus> = Vec::new();
    for told in told {
        match sources.iter_mut().find(|seen| seen.source == told.at) {
            Some(seen) => {
                seen.error.message =
                    cut(&format!("{}; {}", seen.error.message, told.problem.message));
            }
            None => sources.push(SourceStatus {
                source: told.at.clone(),
                error: key_error(&told.problem),
            }),
        }
    }
    sources
}

/// What waits for somebody else and will go on by itself is no failure.
pub fn waits(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::TargetNotFound
            | Reason::NamespaceTerminating
            | Reason::Conflict
            | Reason::WaitingForWindow
            | Reason::WaitingForVault
    )
}

fn ready(valid: Option<&Valid>, look: &Look<'_>, keys: &[KeyStatus]) -> Says {
    let missing: Vec<&str> = keys
        .iter()
        .filter(|key| key.version.is_none())
        .map(|key| key.key.as_str())
        .collect();
    let secret = valid.map_or_else(
        || "the Secret".to_owned(),
        |valid| format!("Secret {}", valid.target.name),
    );
    if missing.is_empty() && !keys.is_empty() {
        let message = format!("{secret} holds a value for each of {} keys", keys.len());
        return Says {
            type_: "Ready",
            status: Some(true),
            reason: "AllKeysPresent",
            message,
        };
    }
    let reason = headline(look).map_or("Pending", |problem| problem.reason.as_str());
    let message = match headline(look) {
        Some(problem) if missing.is_empty() => cut(&problem.message),
        Some(problem) => cut(&format!(
            "{secret} has no value for {}: {}",
            missing.join(", "),
            problem.message
        )),
        None => format!("{secret} has not been written yet"),
    };
    Says {
        type_: "Ready",
        status: Some(false),
        reason,
        message,
    }
}

/// `note` is what is to be said although all is well.
fn synced(look: &Look<'_>, note: Option<&str>) -> Says {
    let Some(problem) = headline(look) else {
        let note = note.map_or_else(String::new, |note| format!("; {note}"));
        let message = format!("the Secret equals the vault, as of the last look{note}");
        return Says {
            type_: "Synced",
            status: Some(true),
            reason: "UpToDate",
            message,
        };
    };
    let message = match look.problem {
        Some(_) => problem.message.clone(),
        None => told(look, problem),
    };
    let status = (!waits(problem.reason)).then_some(false);
    Says {
        type_: "Synced",
        status,
        reason: problem.reason.as_str(),
        message: cut(&message),
    }
}

/// The problem with the key that it is one of, and the others that have one.
fn told(look: &Look<'_>, problem: &Problem) -> String {
    let keys = look.keys.into_iter().flatten();
    let failed = keys.filter_map(|key| Some((key.key.as_str(), key.problem.as_ref()?)));
    let mut failed: Vec<(&str, &Problem)> = failed.collect();
    let place = failed.iter().position(|(_, found)| *found == problem);
    let first = place.map(|place| failed.remove(place));
    let first = first.map_or_else(String::new, |(key, _)| format!("{key}: "));
    let others = failed.into_iter();
    let others = others.map(|(key, problem)| format!("{key} ({})", problem.reason));
    let others: Vec<String> = others.collect();
    let message = &problem.message;
    if others.is_empty() {
        format!("{first}{message}")
    } else {
        format!("{first}{message}; also {}", others.join(", "))
    }
}

fn degraded(look: &Look<'_>) -> Says {
    match headline(look).filter(|problem| !waits(problem.reason)) {
        Some(problem) => {
            let message = "what was synced before is kept; see condition Synced".to_owned();
            Says {
                type_: "Degraded",
                status: Some(true),
                reason: problem.reason.as_str(),
                message,
            }
        }
        None => Says {
            type_: "Degraded",
            status: Some(false),
            reason: "Healthy",
            message: "nothing is wrong".to_owned(),
        },
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
