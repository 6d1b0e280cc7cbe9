//! What an object of the API server tells about a workload and its rollout. Pure.
//!
//! The rules for the kinds of apps/v1 are those of `kubectl rollout status`; for Argo Rollouts, those of its `status.phase`.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::Value;

use super::api::WorkloadKind;

/// How long pods may stand still where the workload does not say (the API's default of progressDeadlineSeconds).
const PATIENCE: Duration = Duration::from_mins(10);
/// A controller's own deadline comes first.
const GRACE: Duration = Duration::from_mins(1);

/// A workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The digest in our annotation on its pod template.
    pub digest: Option<String>,
    /// Whether it is paused, or stands in the middle of a rollout that waits for somebody.
    pub paused: bool,
    /// The object that it takes its pod template from, where that is not its own.
    pub template_of: Option<String>,
    /// How far its pods are.
    pub progress: Progress,
    /// Numbers that change when something moves.
    pub moved: Moved,
    /// How long nothing may move; none where it may stand for ever.
    pub patience: Option<Duration>,
}

/// Generation that its controller has seen, pods that are new, pods that serve.
pub type Moved = (i64, i64, i64);

/// How far the pods of a workload are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// All are new, apart from what is said.
    Done(Option<String>),
    /// They are being replaced.
    Moving(Option<String>),
    /// They are replaced when somebody deletes them.
    ByHand,
    /// Its controller has given up, for this reason.
    Failed(String),
}

/// Reads a workload. `annotation` is the name of ours on its pod template.
pub fn read(kind: WorkloadKind, annotation: &str, object: &DynamicObject) -> Workload {
    let data = &object.data;
    let template = data.pointer("/spec/template/metadata/annotations");
    let digest = template.and_then(|annotations| annotations.get(annotation)?.as_str());
    let generation = object.metadata.generation.unwrap_or_default();
    let seen = Status {
        data,
        generation,
        observed: observed(data),
    };
    let (progress, moved) = match kind {
        WorkloadKind::Deployment => deployment(&seen),
        WorkloadKind::StatefulSet => stateful_set(&seen),
        WorkloadKind::DaemonSet => daemon_set(&seen),
        WorkloadKind::Rollout => rollout(&seen),
    };
    Workload {
        kind,
        name: object.name_any(),
        labels: object.labels().clone(),
        digest: digest.map(str::to_owned),
        paused: paused(kind, data),
        template_of: template_of(kind, data),
        progress,
        moved,
        patience: patience(kind, data),
    }
}

struct Status<'a> {
    data: &'a Value,
    generation: i64,
    observed: Option<i64>,
}

impl Status<'_> {
    fn number(&self, path: &str) -> i64 {
        number(self.data, path).unwrap_or_default()
    }

    /// Whether its controller has not yet seen what the object is now.
    fn unseen(&self) -> bool {
        self.observed.is_none_or(|seen| seen < self.generation)
    }

    fn moved(&self, updated: i64, serving: i64) -> Moved {
        (self.observed.unwrap_or_default(), updated, serving)
    }
}

fn number(data: &Value, path: &str) -> Option<i64> {
    data.pointer(path)?.as_i64()
}

fn text<'a>(data: &'a Value, path: &str) -> Option<&'a str> {
    data.pointer(path)?.as_str()
}

/// A number, which Argo Rollouts writes as text.
fn observed(data: &Value) -> Option<i64> {
    let path = "/status/observedGeneration";
    number(data, path).or_else(|| text(data, path)?.parse().ok())
}

fn moving(moves: bool) -> Progress {
    if moves {
        Progress::Moving(None)
    } else {
        Progress::Done(None)
    }
}

fn deployment(seen: &Status<'_>) -> (Progress, Moved) {
    let wanted = number(seen.data, "/spec/replicas").unwrap_or(1);
    let updated = seen.number("/status/updatedReplicas");
    let available = seen.number("/status/availableReplicas");
    let old_ones = seen.number("/status/replicas") > updated;
    let progress = if seen.unseen() {
        Progress::Moving(None)
    } else if let Some(message) = deadline_exceeded(seen.data) {
        Progress::Failed(message)
    } else {
        moving(updated < wanted || old_ones || available < updated)
    };
    (progress, seen.moved(updated, available))
}

/// What a Deployment says when its progress deadline has passed.
fn deadline_exceeded(data: &Value) -> Option<String> {
    let conditions = data.pointer("/status/conditions")?.as_array()?;
    let exceeded = conditions.iter().find(|condition| {
        text(condition, "/type") == Some("Progressing")
            && text(condition, "/reason") == Some("ProgressDeadlineExceeded")
    })?;
    Some(
        text(exceeded, "/message")
            .unwrap_or("ProgressDeadlineExceeded")
            .to_owned(),
    )
}

fn stateful_set(seen: &Status<'_>) -> (Progress, Moved) {
    let wanted = number(seen.data, "/spec/replicas").unwrap_or(1);
    let updated = seen.number("/status/updatedReplicas");
    let ready = seen.number("/status/readyReplicas");
    let partition = seen.number("/spec/updateStrategy/rollingUpdate/partition");
    let revision = |name: &str| text(seen.data, &format!("/status/{name}Revision"));
    let progress = if by_hand(seen) {
        if seen.unseen() || updated < wanted || ready < wanted {
            Progress::ByHand
        } else {
            Progress::Done(None)
        }
    } else if seen.unseen() || ready < wanted || updated < wanted.saturating_sub(partition) {
        Progress::Moving(None)
    } else if partition > 0 {
        Progress::Done(Some(format!(
            "pods below partition {partition} of its update strategy keep what they started with"
        )))
    } else {
        moving(revision("update") != revision("current"))
    };
    (progress, seen.moved(updated, ready))
}

fn daemon_set(seen: &Status<'_>) -> (Progress, Moved) {
    let wanted = seen.number("/status/desiredNumberScheduled");
    let updated = seen.number("/status/updatedNumberScheduled");
    let available = seen.number("/status/numberAvailable");
    let moves = seen.unseen() || updated < wanted || available < wanted;
    let progress = if moves && by_hand(seen) {
        Progress::ByHand
    } else {
        moving(moves)
    };
    (progress, seen.moved(updated, available))
}

fn by_hand(seen: &Status<'_>) -> bool {
    text(seen.data, "/spec/updateStrategy/type") == Some("OnDelete")
}

fn rollout(seen: &Status<'_>) -> (Progress, Moved) {
    let said = text(seen.data, "/status/message");
    let progress = match text(seen.data, "/status/phase") {
        _ if seen.unseen() => Progress::Moving(None),
        Some("Healthy") => Progress::Done(None),
        Some("Degraded") => Progress::Failed(said.unwrap_or("it is degraded").to_owned()),
        Some("Paused") => Progress::Moving(Some(
            "it waits at a step of its own strategy, and goes on when it is promoted".to_owned(),
        )),
        Some(_) | None => Progress::Moving(None),
    };
    let updated = seen.number("/status/updatedReplicas");
    let available = seen.number("/status/availableReplicas");
    (progress, seen.moved(updated, available))
}

fn paused(kind: WorkloadKind, data: &Value) -> bool {
    let is_true = |path: &str| data.pointer(path).and_then(Value::as_bool) == Some(true);
    match kind {
        WorkloadKind::Deployment => is_true("/spec/paused"),
        WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => false,
        // A step that waits for its promotion: a new template would begin the whole rollout anew.
        WorkloadKind::Rollout => is_true("/spec/paused") || is_true("/status/controllerPause"),
    }
}

/// Argo Rollouts, "workloadRef".
fn template_of(kind: WorkloadKind, data: &Value) -> Option<String> {
    let reference = data
        .pointer("/spec/workloadRef")
        .filter(|_| kind == WorkloadKind::Rollout)?;
    let (kind, name) = (text(reference, "/kind"), text(reference, "/name"));
    Some(format!(
        "{} {}",
        kind.unwrap_or_default(),
        name.unwrap_or_default()
    ))
}

fn patience(kind: WorkloadKind, data: &Value) -> Option<Duration> {
    let deadline = || {
        let Some(seconds) = number(data, "/spec/progressDeadlineSeconds") else {
            return Some(PATIENCE + GRACE);
        };
        // The largest number means that there is none (apps/v1, DeploymentSpec).
        let seconds = u32::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds < i32::MAX.unsigned_abs())?;
        Some(Duration::from_secs(seconds.into()) + GRACE)
    };
    match kind {
        WorkloadKind::Deployment => deadline(),
        WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => Some(PATIENCE),
        WorkloadKind::Rollout => {
            let waits = text(data, "/status/phase") == Some("Paused");
            deadline().filter(|_| !waits)
        }
    }
}

#[cfg(test)]
#[path = "workload_tests.rs"]
mod tests;
