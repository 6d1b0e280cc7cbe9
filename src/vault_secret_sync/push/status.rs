//! What is recorded of pushes, and what the condition `Pushed` says. Pure.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::PUSHED;
use super::api::{PushDeletionPolicy, PushOperation, PushStatus, PushStep, PushedFrom};
use super::valid::{Push, name_of, named};
use crate::azure::key_vault::Object;
use crate::k8s::conditions::{self, Says};
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::retry::after;
use crate::vault_secret_sync::status::{cut, key_error};

/// How long a deletion waits for a vault at most: objects in a vault are no reason to keep a namespace.
const PATIENCE: Duration = Duration::from_mins(2);

/// One object that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The vault.
    pub vault: VaultUri,
    /// The object.
    pub object: Object,
    /// What is pushed to it; none where it is to go.
    pub push: Option<Push>,
    /// What was done before.
    pub record: Option<PushStatus>,
    /// The one change that may be made, since it has been recorded.
    pub permit: Option<PushStep>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The vault has what it should, in this version, from this Secret; none where the Secret was not read again.
    Same(String, Option<PushedFrom>),
    /// This is to be done, once it has been recorded.
    Needs(PushStep),
    /// A version was made or changed.
    Wrote(PushStep, String, PushedFrom),
    /// Recovery has begun.
    Recovers,
    /// The object is no concern of this sync any more.
    Gone,
    /// It failed.
    Failed(Problem),
}

fn is_of(record: &PushStatus, vault: &VaultUri, object: &Object) -> bool {
    record.vault == vault.origin() && record.object.eq_ignore_ascii_case(&name_of(object))
}

/// The objects to look at: those of the spec in order, then those that an earlier spec pushed and that are to go.
pub fn jobs(vault: Option<&VaultUri>, pushes: &[Push], records: &[PushStatus]) -> Vec<Job> {
    let wanted = vault.into_iter().flat_map(|vault| {
        pushes.iter().map(|push| Job {
            vault: vault.clone(),
            object: push.object.clone(),
            push: Some(push.clone()),
            record: records
                .iter()
                .find(|record| is_of(record, vault, &push.object))
                .cloned(),
            permit: None,
        })
    });
    let mut jobs: Vec<Job> = wanted.collect();
    for record in records.iter().filter(|record| is_left(record)) {
        let (Ok(vault), Some(object)) = (record.vault.parse::<VaultUri>(), named(&record.object))
        else {
            continue;
        };
        if jobs
            .iter()
            .all(|job| !is_of(record, &job.vault, &job.object))
        {
            jobs.push(Job {
                vault,
                object,
                push: None,
                record: Some(record.clone()),
                permit: None,
            });
        }
    }
    jobs
}

/// Whether there may be an object in the vault that is to go with its entry.
pub fn is_left(record: &PushStatus) -> bool {
    record.deletion_policy == PushDeletionPolicy::Delete
        && (record.version.is_some() || record.operation.is_some())
}

/// Until when a deletion waits for the vault; none where waiting is no use any more, since the identity is gone.
pub fn waits_until(begun: Timestamp, records: &[PushStatus]) -> Option<Timestamp> {
    let hopeless = [Reason::IdentityNotFound, Reason::IdentityDeleting];
    let mut errors = records.iter().filter_map(|record| record.error.as_ref());
    let lost = errors.any(|error| {
        hopeless
            .iter()
            .any(|reason| reason.as_str() == error.reason)
    });
    (!lost).then(|| after(begun, PATIENCE))
}

/// The record of one object after a look; none where nothing is to be remembered.
pub fn record(job: &Job, outcome: &Outcome, generation: i64, now: Timestamp) -> Option<PushStatus> {
    let fresh = || PushStatus {
        vault: job.vault.origin().to_owned(),
        object: name_of(&job.object),
        version: None,
        source: None,
        last_pushed: None,
        deletion_policy: PushDeletionPolicy::Retain,
        operation: None,
        error: None,
    };
    let mut record = job.record.clone().unwrap_or_else(fresh);
    if let Some(push) = &job.push {
        record.object = name_of(&job.object);
        record.deletion_policy = push.deletion_policy;
    }
    match outcome {
        Outcome::Gone => return None,
        Outcome::Same(version, source) => {
            record.version = Some(version.clone());
            record.source = source.clone().or(record.source);
            (record.operation, record.error) = (None, None);
        }
        Outcome::Needs(step) => {
            let same = record
                .operation
                .take()
                .filter(|open| open.step == *step && open.generation == generation);
            record.operation = Some(same.unwrap_or(PushOperation {
                step: *step,
                generation,
                since: Time(now),
            }));
        }
        Outcome::Wrote(step, version, source) => {
            record.version = Some(version.clone());
            record.source = Some(source.clone());
            if *step == PushStep::Set {
                record.last_pushed = Some(Time(now));
            }
            (record.operation, record.error) = (None, None);
        }
        Outcome::Recovers => record.error = None,
        Outcome::Failed(problem) => record.error = Some(key_error(problem)),
    }
    Some(record)
}

/// The conditions with what `Pushed` says; without it where nothing is pushed.
pub fn conditions(
    old: &[Condition],
    records: &[PushStatus],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let Some(says) = says(records) else {
        let mut others = old.to_vec();
        others.retain(|condition| condition.type_ != PUSHED);
        return conditions::set(&others, Vec::new(), generation, now);
    };
    conditions::set(old, vec![says], generation, now)
}

/// The conditions where `Pushed` says what is waited for.
pub fn waiting(
    old: &[Condition],
    problem: &Problem,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let says = Says {
        type_: PUSHED,
        status: None,
        reason: problem.reason.as_str(),
        message: cut(&problem.message),
    };
    conditions::set(old, vec![says], generation, now)
}

fn says(records: &[PushStatus]) -> Option<Says> {
    if records.is_empty() {
        return None;
    }
    let mut failed = records
        .iter()
        .filter_map(|record| Some((record, record.error.as_ref()?)));
    if let Some((record, error)) = failed.next() {
        let others: Vec<String> = failed
            .map(|(record, error)| format!("{} ({})", record.object, error.reason))
            .collect();
        let others = if others.is_empty() {
            String::new()
        } else {
            format!("; also {}", others.join(", "))
        };
        return Some(Says {
            type_: PUSHED,
            status: Some(false),
            reason: Reason::ALL
                .iter()
                .find(|reason| reason.as_str() == error.reason)
                .map_or("Pending", |reason| reason.as_str()),
            message: cut(&format!("{}: {}{others}", record.object, error.message)),
        });
    }
    let pending = records
        .iter()
        .find(|record| record.version.is_none() || record.operation.is_some());
    Some(match pending {
        Some(record) => Says {
            type_: PUSHED,
            status: None,
            reason: "Pending",
            message: format!("{} is being written to {}", record.object, record.vault),
        },
        None => Says {
            type_: PUSHED,
            status: Some(true),
            reason: "UpToDate",
            message: format!(
                "the vault holds what each of {} entries of spec.push asks for, as of the last look",
                records.len()
            ),
        },
    })
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
