//! What is said of rollouts: a row for each workload, and the condition. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::CONDITION;
use super::api::{RolloutStatus, WorkloadKind, WorkloadState, WorkloadStatus};
use super::pace::unfinished;
use super::plan::{owed, settle};
use super::workload::{Progress, Workload};
use crate::k8s::conditions::{self, Says};
use crate::problem::{Problem, Reason};
use crate::vault_secret_sync::api::VaultSecretSyncStatus;
use crate::vault_secret_sync::plan::KeyPlan;
use crate::vault_secret_sync::target::SecretMeta;
use crate::vault_secret_sync::valid::Valid;

/// Longest message of a condition, in characters.
const LONGEST_MESSAGE: usize = 1500;
/// Longest message of one workload.
const LONGEST_PART: usize = 400;

/// A row.
pub fn row(
    kind: WorkloadKind,
    name: &str,
    state: WorkloadState,
    message: Option<String>,
    restarted: Option<Timestamp>,
) -> WorkloadStatus {
    WorkloadStatus {
        kind,
        name: name.to_owned(),
        state,
        message: message.map(|message| cut(&message, LONGEST_PART)),
        restarted: restarted.map(Time),
    }
}

fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

/// State and message of a workload that carries the annotation. `still` is since when nothing has moved.
pub fn judged(
    namespace: &str,
    workload: &Workload,
    still: Timestamp,
    now: Timestamp,
) -> (WorkloadState, Option<String>) {
    let (kind, name) = (workload.kind, &workload.name);
    match &workload.progress {
        Progress::Done(note) => (WorkloadState::RolledOut, note.clone()),
        Progress::Failed(why) => (WorkloadState::Failed, Some(why.clone())),
        Progress::ByHand => {
            let message = format!(
                "its update strategy is OnDelete: pods take the new Secret when they are deleted: kubectl -n {namespace} delete pod <name>"
            );
            (WorkloadState::ByHand, Some(message))
        }
        Progress::Moving(note) => {
            let stood = std::time::Duration::try_from(now.duration_since(still));
            let stalled = workload
                .patience
                .filter(|patience| stood.is_ok_and(|stood| stood >= *patience));
            let Some(patience) = stalled else {
                return (WorkloadState::RollingOut, note.clone());
            };
            let message = format!(
                "no pod was replaced or became ready for {} minutes: kubectl -n {namespace} describe {} {name}",
                patience.as_secs() / 60,
                resource(kind)
            );
            (WorkloadState::Stalled, Some(message))
        }
    }
}

/// As kubectl takes it.
fn resource(kind: WorkloadKind) -> String {
    match kind {
        WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => {
            kind.as_str().to_lowercase()
        }
        WorkloadKind::Rollout => "rollouts.argoproj.io".to_owned(),
    }
}

/// What is said of one that is paused.
pub fn paused(namespace: &str, workload: &Workload) -> String {
    let name = &workload.name;
    match workload.kind {
        WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => format!(
            "it is paused, and is restarted when it is resumed: kubectl -n {namespace} rollout resume {}/{name}",
            resource(workload.kind)
        ),
        WorkloadKind::Rollout => format!(
            "it is paused, and is restarted when it is promoted or resumed: kubectl argo rollouts -n {namespace} promote {name}"
        ),
    }
}

/// What is said of one that has no pod template of its own.
pub fn elsewhere(other: &str) -> String {
    format!("it takes its pod template from {other} (workloadRef): name that one in spec.rollout")
}

/// What is said where none was found.
pub fn not_found(namespace: &str, kind: WorkloadKind, name: &str) -> String {
    let installed = match kind {
        WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => "",
        WorkloadKind::Rollout => ", or Argo Rollouts is not installed",
    };
    let what = if name.contains('=') {
        format!("no {kind} of namespace {namespace} has the labels {name}")
    } else {
        format!("there is none in namespace {namespace}")
    };
    format!(
        "{what}{installed}; one that is made later starts with the Secret as it is. Correct spec.rollout, or take the entry out"
    )
}

/// State and message of a workload that could not be read or changed.
pub fn troubled(kind: WorkloadKind, problem: &Problem) -> (WorkloadState, String) {
    let (plural, group) = (kind.plural(), kind.group());
    if problem.reason == Reason::KubernetesForbidden {
        let message = format!(
            "{}; grant get, list and patch of {plural} in {group} to the operator: kubectl apply -f deploy/rbac.yaml",
            problem.message
        );
        return (WorkloadState::Forbidden, message);
    }
    let state = if problem.reason == Reason::WorkloadRefused {
        WorkloadState::Refused
    } else {
        WorkloadState::Unavailable
    };
    (state, problem.message.clone())
}

/// The word of the condition, and its status, in the order in which they are told: what needs somebody comes first.
const WORDS: [(WorkloadState, Option<bool>, &str); 11] = [
    (
        WorkloadState::Forbidden,
        Some(false),
        Reason::KubernetesForbidden.as_str(),
    ),
    (
        WorkloadState::Refused,
        Some(false),
        Reason::WorkloadRefused.as_str(),
    ),
    (
        WorkloadState::Failed,
        Some(false),
        Reason::RolloutFailed.as_str(),
    ),
    (
        WorkloadState::Stalled,
        Some(false),
        Reason::RolloutStalled.as_str(),
    ),
    (
        WorkloadState::NotFound,
        Some(false),
        Reason::WorkloadNotFound.as_str(),
    ),
    (
        WorkloadState::Unavailable,
        None,
        Reason::KubernetesUnavailable.as_str(),
    ),
    (WorkloadState::Paused, None, "RolloutPaused"),
    (WorkloadState::ByHand, None, "RolloutByHand"),
    (WorkloadState::Deferred, None, "RolloutDeferred"),
    (WorkloadState::RollingOut, None, "RollingOut"),
    (WorkloadState::RolledOut, Some(true), "RolledOut"),
];

/// What the condition says.
pub fn says(rollout: &RolloutStatus) -> Says {
    let rows = &rollout.workloads;
    let first = WORDS
        .iter()
        .find(|(state, _, _)| rows.iter().any(|row| row.state == *state));
    let Some((_, status, reason)) = first else {
        return Says {
            type_: CONDITION,
            status: Some(true),
            reason: "NothingToRollOut",
            message: "no object and no version in the Secret has changed since the first sync"
                .to_owned(),
        };
    };
    let told = |state: WorkloadState| {
        let alike = rows.iter().filter(move |row| row.state == state);
        alike.map(part)
    };
    let open = WORDS.iter().filter(|(state, _, _)| unfinished(*state));
    let parts: Vec<String> = open.flat_map(|(state, _, _)| told(*state)).collect();
    let message = if parts.is_empty() {
        let names: Vec<String> = told(WorkloadState::RolledOut).collect();
        format!("the Secret as it is has reached {}", names.join(", "))
    } else {
        parts.join("; ")
    };
    Says {
        type_: CONDITION,
        status: *status,
        reason,
        message: cut(&message, LONGEST_MESSAGE),
    }
}

fn part(row: &WorkloadStatus) -> String {
    let (kind, name) = (row.kind, &row.name);
    match (&row.message, row.state) {
        (Some(message), WorkloadState::RolledOut) => format!("{kind} {name} ({message})"),
        (None, WorkloadState::RolledOut) => format!("{kind} {name}"),
        (Some(message), _) => format!("{kind} {name}: {message}"),
        (None, _) => format!("{kind} {name}: its pods are being replaced"),
    }
}

/// The status of a sync with this of its rollouts; without any, where there are none.
#[must_use]
pub fn told(
    mut status: VaultSecretSyncStatus,
    rollout: Option<RolloutStatus>,
    generation: Option<i64>,
    now: Timestamp,
) -> VaultSecretSyncStatus {
    match &rollout {
        Some(rollout) => {
            let says = vec![says(rollout)];
            status.conditions = conditions::set(&status.conditions, says, generation, now);
        }
        None => status
            .conditions
            .retain(|condition| condition.type_ != CONDITION),
    }
    VaultSecretSyncStatus { rollout, ..status }
}

/// The status after a look, and whether a restart is owed. `secrets` are the Secret before and after.
pub fn after_look(
    valid: &Valid,
    status: VaultSecretSyncStatus,
    keys: &[KeyPlan],
    secrets: [Option<&SecretMeta>; 2],
    now: Timestamp,
) -> (VaultSecretSyncStatus, bool) {
    let generation = status.observed_generation;
    if valid.rollout.is_empty() {
        return (told(status, None, generation, now), false);
    }
    let record = |secret: &SecretMeta| Some(secret.share(&valid.name)?.record.clone());
    let [before, after] = secrets.map(|secret| secret.and_then(record));
    let keys: Vec<String> = keys.iter().map(|key| key.key.clone()).collect();
    let old = status.rollout.as_ref();
    let settled = settle(old, before.as_ref(), after.as_ref(), &keys);
    let owed = owed(settled.as_ref(), after.as_ref());
    (told(status, settled, generation, now), owed)
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
