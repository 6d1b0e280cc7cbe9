//! One pass over the workloads of a sync: each is read, given the annotation where it is owed, and judged. A workload that
//! fails does not keep the others; an API server that does not answer does.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::DynamicObject;
use serde_json::json;
use tracing::info;

use super::api::{RolloutStatus, WorkloadKind, WorkloadState, WorkloadStatus};
use super::pace::{self, Pace, unfinished};
use super::plan::{self, Decision, Goal, News, Standing, Task};
use super::workload::{self, Workload};
use super::{ANNOTATION, MOST_WORKLOADS, observe, status};
use crate::problem::Problem;
use crate::retry;
use crate::vault_secret_sync::api::{VaultSecretSync, VaultSecretSyncStatus};
use crate::vault_secret_sync::ctx::Ctx;
use crate::vault_secret_sync::field_manager;
use crate::vault_secret_sync::target::SecretMeta;
use crate::vault_secret_sync::valid::Valid;

/// What a pass came to.
#[derive(Debug)]
pub struct Followed {
    /// The sync's status, with what is said of its rollouts.
    pub status: VaultSecretSyncStatus,
    /// When to look again, to be remembered once that is written.
    pub pace: Pace,
}

/// Follows the record on the Secret: restarts workloads where it has changed, and looks at those that are unfinished where it
/// is time. None where there is nothing to do, which takes no call.
pub async fn follow(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    valid: &Valid,
    secret: Option<&SecretMeta>,
) -> Option<Followed> {
    let share = secret?.share(&valid.name)?;
    if valid.rollout.is_empty() {
        return None;
    }
    let said = sync.status.clone().unwrap_or_default();
    let (before, now) = (ctx.pace(&valid.uid), Timestamp::now());
    let generation = sync.metadata.generation;
    let Some(old) = plan::comparable(said.rollout.as_ref()) else {
        // What the Secret holds is kept in mind before it is written anew.
        let first = plan::settle(None, Some(&share.record), None, &valid.certain_keys())?;
        return Some(Followed {
            status: status::told(said, Some(first), generation, now),
            pace: Pace::default(),
        });
    };
    let goal = match plan::news(old, &share.record) {
        News::Changed(digest) => Goal {
            digest,
            from: Some(old.digest.clone()),
        },
        News::None | News::Arrived(_) => {
            let open = old.workloads.iter().any(|row| unfinished(row.state));
            let forced = valid.sync_at != said.handled_sync_at;
            let is_time = before.next.is_none_or(|next| next <= now);
            if !open || !(is_time || forced) {
                return None;
            }
            Goal {
                digest: old.digest.clone(),
                from: None,
            }
        }
    };
    let mut pass = Pass::new(ctx, valid, &goal, old, &before, now);
    let (tasks, kept) = plan::tasks(&goal, &valid.rollout, &old.workloads);
    pass.keep(kept);
    for task in tasks {
        pass.task(task).await;
    }
    let (workloads, pace) = pass.end();
    let started = match goal.from {
        Some(_) => Some(Time(now)),
        None => old.started.clone(),
    };
    let rollout = RolloutStatus {
        digest: goal.digest,
        awaited: old.awaited.clone(),
        started,
        workloads,
    };
    Some(Followed {
        status: status::told(said, Some(rollout), generation, now),
        pace,
    })
}

struct Pass<'a> {
    ctx: &'a Ctx,
    valid: &'a Valid,
    goal: &'a Goal,
    old: &'a RolloutStatus,
    restarts: BTreeMap<(WorkloadKind, String), Timestamp>,
    before: &'a Pace,
    pace: Pace,
    now: Timestamp,
    rows: BTreeMap<(WorkloadKind, String), WorkloadStatus>,
    deferred: Vec<Timestamp>,
    /// The API server did not answer: the others are not asked for now.
    down: Option<Problem>,
}

impl<'a> Pass<'a> {
    fn new(
        ctx: &'a Ctx,
        valid: &'a Valid,
        goal: &'a Goal,
        old: &'a RolloutStatus,
        before: &'a Pace,
        now: Timestamp,
    ) -> Self {
        Self {
            ctx,
            valid,
            goal,
            old,
            restarts: plan::restarts(&old.workloads),
            before,
            pace: Pace::default(),
            now,
            rows: BTreeMap::new(),
            deferred: Vec::new(),
            down: None,
        }
    }

    fn keep(&mut self, rows: Vec<WorkloadStatus>) {
        for row in rows {
            self.rows.insert((row.kind, row.name.clone()), row);
        }
    }

    async fn task(&mut self, task: Task) {
        let (kind, name) = (task.kind, task.which.text());
        if let Some(problem) = self.down.clone() {
            return self.trouble(kind, &name, task.listed, &problem);
        }
        let namespace = self.valid.namespace.as_str();
        let found = observe::workloads(&self.ctx.kube, namespace, kind, &task.which).await;
        match found {
            Err(problem) => self.trouble(kind, &name, task.listed, &problem),
            Ok(found) if found.is_empty() => {
                let message = status::not_found(namespace, kind, &name);
                self.say(kind, &name, WorkloadState::NotFound, Some(message));
            }
            Ok(found) => {
                for object in found {
                    self.workload(&task, &object).await;
                }
            }
        }
    }

    async fn workload(&mut self, task: &Task, object: &DynamicObject) {
        let annotation = format!("{ANNOTATION}{}", self.valid.name);
        let workload = workload::read(task.kind, &annotation, object);
        let (kind, name) = (workload.kind, workload.name.clone());
        // Named by its name and met by its labels: it stands for itself already. Not meant any more: it is left alone.
        let known = self.rows.contains_key(&(kind, name.clone()));
        let standing = self.standing(task, kind, &name);
        let Some(gap) = plan::gap(&self.valid.rollout, &workload).filter(|_| !known) else {
            return;
        };
        if self.rows.len() >= MOST_WORKLOADS {
            let message = format!(
                "more than {MOST_WORKLOADS} workloads are meant, and the others are not restarted: spread them over several VaultSecretSyncs"
            );
            return self.say(
                kind,
                &task.which.text(),
                WorkloadState::Refused,
                Some(message),
            );
        }
        let restarted = self.restarts.get(&(kind, name.clone())).copied();
        let namespace = self.valid.namespace.as_str();
        match plan::decide(self.goal, &workload, standing, restarted, gap, self.now) {
            Decision::Patch => {
                let listed = task.listed.clone();
                self.patch(&workload, &annotation, listed).await;
            }
            Decision::Judge => self.judge(&workload, standing),
            Decision::Current => self.say(kind, &name, WorkloadState::RolledOut, None),
            Decision::Paused => {
                let message = status::paused(namespace, &workload);
                self.say(kind, &name, WorkloadState::Paused, Some(message));
            }
            Decision::Deferred(until) => {
                self.deferred.push(until);
                let message = format!(
                    "it was restarted less than {gap:?} ago (minGap), and is restarted again after that"
                );
                self.say(kind, &name, WorkloadState::Deferred, Some(message));
            }
            Decision::Elsewhere(other) => {
                let message = status::elsewhere(&other);
                self.say(kind, &name, WorkloadState::Refused, Some(message));
            }
        }
    }

    /// How a workload stands: as the status says, where this rollout has met it before.
    fn standing(&self, task: &Task, kind: WorkloadKind, name: &str) -> Standing {
        let row = self
            .before(kind, name)
            .and_then(|row| plan::standing(row.state));
        row.unwrap_or(task.standing)
    }

    /// What the status says of a workload in this rollout.
    fn before(&self, kind: WorkloadKind, name: &str) -> Option<&'a WorkloadStatus> {
        let mut rows = self.old.workloads.iter();
        let row = rows.find(|row| row.kind == kind && row.name == name);
        row.filter(|_| self.goal.from.is_none())
    }

    async fn patch(
        &mut self,
        workload: &Workload,
        annotation: &str,
        listed: Option<WorkloadStatus>,
    ) {
        let (kind, name) = (workload.kind, workload.name.as_str());
        let patch = json!({"spec": {"template": {"metadata": {"annotations": {annotation: self.goal.digest}}}}});
        let namespace = self.valid.namespace.as_str();
        let manager = field_manager(&self.valid.name);
        let resource = observe::resource(kind);
        let sent = self
            .ctx
            .kube
            .patch_workload(resource, namespace, name, &manager, &patch);
        match sent.await {
            Ok(Some(object)) => {
                info!(sync = %self.valid.name, %namespace, workload = %format!("{kind} {name}"), "Restarted");
                self.ctx.metrics.rolled_out("restarted");
                self.restarts.insert((kind, name.to_owned()), self.now);
                self.judge(
                    &workload::read(kind, annotation, &object),
                    Standing::Restarted,
                );
            }
            Ok(None) => {
                let message = status::not_found(namespace, kind, name);
                self.say(kind, name, WorkloadState::NotFound, Some(message));
            }
            Err(problem) => self.trouble(kind, name, listed, &problem),
        }
    }

    /// How far the pods of a workload are whose template was changed.
    fn judge(&mut self, workload: &Workload, standing: Standing) {
        let key = (workload.kind, workload.name.clone());
        if standing != Standing::Restarted {
            // It was changed by a pass whose status was lost.
            self.restarts.insert(key.clone(), self.now);
        }
        let still = self.pace.moved(self.before, key, workload.moved, self.now);
        let (state, message) = status::judged(&self.valid.namespace, workload, still, self.now);
        self.say(workload.kind, &workload.name, state, message);
    }

    /// A workload that could not be read or changed. One whose pods are being replaced is looked at later.
    fn trouble(
        &mut self,
        kind: WorkloadKind,
        name: &str,
        listed: Option<WorkloadStatus>,
        problem: &Problem,
    ) {
        let (state, message) = status::troubled(kind, problem);
        if state == WorkloadState::Unavailable {
            self.down = Some(problem.clone());
        }
        let restarted =
            |row: &WorkloadStatus| plan::standing(row.state) == Some(Standing::Restarted);
        match listed.filter(restarted) {
            Some(row) => self.keep(vec![row]),
            None => self.say(kind, name, state, Some(message)),
        }
    }

    fn say(
        &mut self,
        kind: WorkloadKind,
        name: &str,
        state: WorkloadState,
        message: Option<String>,
    ) {
        let key = (kind, name.to_owned());
        let restarted = self.restarts.get(&key).copied();
        let news = self.before(kind, name).is_none_or(|row| row.state != state);
        if let Entry::Vacant(place) = self.rows.entry(key) {
            place.insert(status::row(kind, name, state, message, restarted));
            if news {
                self.count(state);
            }
        }
    }

    fn count(&self, state: WorkloadState) {
        let result = match state {
            WorkloadState::RolledOut => "completed",
            WorkloadState::Failed | WorkloadState::Stalled => "failed",
            WorkloadState::NotFound => "not_found",
            WorkloadState::Forbidden => "forbidden",
            WorkloadState::Refused => "refused",
            WorkloadState::RollingOut
            | WorkloadState::ByHand
            | WorkloadState::Paused
            | WorkloadState::Deferred
            | WorkloadState::Unavailable => return,
        };
        self.ctx.metrics.rolled_out(result);
    }

    fn end(mut self) -> (Vec<WorkloadStatus>, Pace) {
        let rows: Vec<WorkloadStatus> = self.rows.into_values().collect();
        let states = |rows: &[WorkloadStatus]| -> Vec<(WorkloadKind, String, WorkloadState)> {
            rows.iter()
                .map(|row| (row.kind, row.name.clone(), row.state))
                .collect()
        };
        let same = self.goal.from.is_none() && states(&rows) == states(&self.old.workloads);
        self.pace.tries = if same { self.before.tries + 1 } else { 1 };
        let seed = retry::seed(&self.valid.uid, "rollout");
        self.pace.next = pace::next(&rows, &self.deferred, self.pace.tries, seed, self.now);
        (rows, self.pace)
    }
}
