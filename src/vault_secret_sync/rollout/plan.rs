//! Whether workloads are owed a restart, which ones, and what is done with each. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::api::{RolloutStatus, WorkloadKind, WorkloadState, WorkloadStatus};
use super::digest::{digest, is_current};
use super::valid::{Target, Which};
use super::workload::Workload;
use crate::retry::after;
use crate::vault_secret_sync::target::Record;

/// What a record is, beside what was acted upon last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The same.
    None,
    /// Keys have come that had no value before; the status that says so.
    Arrived(RolloutStatus),
    /// Another one: workloads are owed a restart for this digest.
    Changed(String),
}

/// Compares.
pub fn news(old: &RolloutStatus, record: &Record) -> News {
    let Some(now) = digest(record, &[]).filter(|now| *now != old.digest) else {
        return News::None;
    };
    let only_arrived = !old.awaited.is_empty()
        && digest(record, &old.awaited).as_deref() == Some(old.digest.as_str());
    if !only_arrived {
        return News::Changed(now);
    }
    News::Arrived(RolloutStatus {
        digest: now,
        awaited: absent(&old.awaited, record),
        ..old.clone()
    })
}

fn absent(keys: &[String], record: &Record) -> Vec<String> {
    let absent = keys.iter().filter(|key| !record.keys.contains_key(*key));
    absent.cloned().collect()
}

/// `status.rollout`, where it can be compared with what is computed here.
pub fn comparable(old: Option<&RolloutStatus>) -> Option<&RolloutStatus> {
    old.filter(|old| is_current(&old.digest))
}

/// `status.rollout` after a look. Where there was none, what the Secret held before the look is what workloads have started
/// with, else what it holds now; no restart follows from that. `keys` are those of the spec.
pub fn settle(
    old: Option<&RolloutStatus>,
    before: Option<&Record>,
    after: Option<&Record>,
    keys: &[String],
) -> Option<RolloutStatus> {
    let first = |record: &Record| {
        Some(RolloutStatus {
            digest: digest(record, &[])?,
            awaited: absent(keys, record),
            ..RolloutStatus::default()
        })
    };
    let settled = comparable(old)
        .cloned()
        .or_else(|| before.and_then(first))
        .or_else(|| after.and_then(first))?;
    Some(match after.map(|record| news(&settled, record)) {
        Some(News::Arrived(arrived)) => arrived,
        Some(News::None | News::Changed(_)) | None => settled,
    })
}

/// Whether a restart is owed.
pub fn owed(rollout: Option<&RolloutStatus>, record: Option<&Record>) -> bool {
    let news = rollout
        .zip(record)
        .map(|(rollout, record)| news(rollout, record));
    matches!(news, Some(News::Changed(_)))
}

/// What a pass over the workloads is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// The digest that their pod templates are to carry.
    pub digest: String,
    /// The digest that workloads without our annotation have started with, where this pass begins a rollout; else it goes on
    /// with one.
    pub from: Option<String>,
}

/// How a workload stands before a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is met for the first time in this rollout.
    Met,
    /// It is owed its restart.
    Owed,
    /// There was none when the rollout began: it has started with the Secret as it is.
    Awaited,
    /// Its pod template was changed. Whatever its owner makes of it since, it is not changed again in this rollout.
    Restarted,
}

/// What is looked at in a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The kind.
    pub kind: WorkloadKind,
    /// Which of the kind.
    pub which: Which,
    /// How it stands.
    pub standing: Standing,
    /// What the status said of it.
    pub listed: Option<WorkloadStatus>,
}

/// What is to be looked at, and what stays as it is said. A rollout that begins looks at all that is meant; one that goes on,
/// at what is unfinished.
pub fn tasks(
    goal: &Goal,
    targets: &[Target],
    listed: &[WorkloadStatus],
) -> (Vec<Task>, Vec<WorkloadStatus>) {
    if goal.from.is_some() {
        let tasks = targets.iter().map(|target| Task {
            kind: target.kind,
            which: target.which.clone(),
            standing: Standing::Met,
            listed: None,
        });
        return (tasks.collect(), Vec::new());
    }
    let (mut tasks, mut kept) = (Vec::new(), Vec::new());
    for workload in listed {
        let standing = standing(workload.state);
        let Some(standing) = standing else {
            kept.push(workload.clone());
            continue;
        };
        // What the spec does not mean any more is left alone.
        let which = targets.iter().find_map(|target| {
            let same = target.kind == workload.kind && target.which.text() == workload.name;
            same.then(|| target.which.clone())
        });
        let by_labels = || {
            let labels = targets.iter().any(|target| {
                target.kind == workload.kind && matches!(target.which, Which::Labelled(_))
            });
            workload
                .name
                .parse()
                .ok()
                .filter(|_| labels)
                .map(Which::Named)
        };
        if let Some(which) = which.or_else(by_labels) {
            tasks.push(Task {
                kind: workload.kind,
                which,
                standing,
                listed: Some(workload.clone()),
            });
        }
    }
    (tasks, kept)
}

/// How a workload of this state stands; none where it is finished.
pub fn standing(state: WorkloadState) -> Option<Standing> {
    match state {
        WorkloadState::RolledOut => None,
        WorkloadState::RollingOut
        | WorkloadState::ByHand
        | WorkloadState::Failed
        | WorkloadState::Stalled => Some(Standing::Restarted),
        WorkloadState::Paused
        | WorkloadState::Deferred
        | WorkloadState::Forbidden
        | WorkloadState::Refused
        | WorkloadState::Unavailable => Some(Standing::Owed),
        WorkloadState::NotFound => Some(Standing::Awaited),
    }
}

/// The least gap between two restarts of a workload; none where no entry means it.
pub fn gap(targets: &[Target], workload: &Workload) -> Option<Duration> {
    let meant = targets
        .iter()
        .filter(|target| target.covers(workload.kind, &workload.name, &workload.labels));
    meant.map(|target| target.min_gap).max()
}

/// What is done with a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Its pod template gets the annotation.
    Patch,
    /// It carries it: how far are its pods?
    Judge,
    /// It needs nothing.
    Current,
    /// Later, when it is resumed.
    Paused,
    /// Later, at this time.
    Deferred(Timestamp),
    /// It has no pod template of its own, but that of this object.
    Elsewhere(String),
}

/// Decides. A workload without our annotation was never restarted by us: it is owed a restart only where the digest is not
/// the one that it has started with.
pub fn decide(
    goal: &Goal,
    workload: &Workload,
    standing: Standing,
    restarted: Option<Timestamp>,
    gap: Duration,
    now: Timestamp,
) -> Decision {
    if workload.digest.as_ref() == Some(&goal.digest) {
        return Decision::Judge;
    }
    let owed = match (standing, &workload.digest) {
        (Standing::Restarted, _) => return Decision::Judge,
        (Standing::Awaited, _) => false,
        (Standing::Owed, _) | (Standing::Met, Some(_)) => true,
        (Standing::Met, None) => goal.from.as_ref() != Some(&goal.digest),
    };
    if !owed {
        return Decision::Current;
    }
    if let Some(other) = &workload.template_of {
        return Decision::Elsewhere(other.clone());
    }
    if workload.paused {
        return Decision::Paused;
    }
    match restarted.map(|time| after(time, gap)) {
        Some(until) if until > now => Decision::Deferred(until),
        Some(_) | None => Decision::Patch,
    }
}

/// When workloads were last restarted.
pub fn restarts(listed: &[WorkloadStatus]) -> BTreeMap<(WorkloadKind, String), Timestamp> {
    let times = listed.iter().filter_map(|workload| {
        let time = workload.restarted.as_ref()?.0;
        Some(((workload.kind, workload.name.clone()), time))
    });
    times.collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
