//! What a plan for a Secret says to people. Pure.

use std::collections::BTreeSet;

use super::planned::{Action, Key, Planned};
use crate::vault_secret_sync::api::{DeletionPolicy, Ownership, VaultSecretSync};
use crate::vault_secret_sync::plan::{KeyPlan, Plan};
use crate::vault_secret_sync::push::api::PushStep;
use crate::vault_secret_sync::push::status::{Job, Outcome};
use crate::vault_secret_sync::push::valid::name_of;
use crate::vault_secret_sync::rollout::digest::digest;
use crate::vault_secret_sync::rollout::valid::{Target, Which};
use crate::vault_secret_sync::target::{Record, Share};
use crate::vault_secret_sync::valid::Valid;
use crate::vault_secret_sync::wants::scene::{Scene, held};

/// What becomes of the Secret, and of whoever reads it.
pub(super) fn tell(planned: &mut Planned, scene: &Scene<'_>, plan: &Plan) {
    let nothing = Share::default();
    let part = scene.part().unwrap_or(&nothing);
    let keys = plan.keys.iter();
    planned.keys = keys.map(|key| told(key, part, plan)).collect();
    let named: BTreeSet<String> = planned.keys.iter().map(|key| key.name.clone()).collect();
    let gone = |key: &&String| {
        let stays = |write: &Record| write.keys.contains_key(*key);
        let written = plan.write.as_ref().map(|write| stays(&write.record));
        written == Some(false) && !named.contains(*key)
    };
    let gone = part.record.keys.keys().filter(gone);
    planned.keys.extend(gone.map(|key| Key {
        name: key.clone(),
        action: Action::Remove,
        from: String::new(),
        held: None,
        version: None,
    }));
    planned.steps.extend(step(planned, scene, plan));
    planned.steps.extend(restarts(scene.valid, part, plan));
    for key in plan.keys.iter().chain(&plan.inputs) {
        if let Some(problem) = &key.problem {
            planned.meets(Some(&key.key), problem);
        }
    }
    for told in &plan.told {
        planned.meets(Some(&told.at), &told.problem);
    }
    if let Some(problem) = &plan.blocked {
        planned.meets(None, problem);
    }
}

fn told(key: &KeyPlan, part: &Share, plan: &Plan) -> Key {
    let name = key.key.as_str();
    let line = part.record.keys.get(name);
    let (mut fresh, mut stays, mut same) = (false, line.is_some(), true);
    if let Some(write) = &plan.write {
        fresh = write.fresh.contains_key(name);
        stays = write.keep.contains(name);
        same = write.record.keys.get(name) == line;
    }
    let action = match (line, fresh) {
        (None, true) => Action::Add,
        (Some(_), true) if !same => Action::Change,
        (Some(_), true) if held(name, part).is_none() => Action::Repair,
        (Some(_), true) => Action::Keep,
        (Some(_), false) if stays => Action::Keep,
        (Some(_), false) => Action::Remove,
        (None, false) => Action::Lack,
    };
    Key {
        name: name.to_owned(),
        action,
        from: key.object.clone(),
        held: key.held.clone(),
        version: key.version.clone(),
    }
}

/// The write, in a line.
fn step(planned: &Planned, scene: &Scene<'_>, plan: &Plan) -> Option<String> {
    let write = plan.write.as_ref()?;
    let secret = &scene.valid.target.name;
    let stays = |key: &&Key| matches!(key.action, Action::Keep | Action::Lack);
    let moved = planned.keys.len() - planned.keys.iter().filter(stays).count();
    Some(match scene.secret {
        _ if write.anew.is_some() => {
            format!("delete Secret {secret}, which cannot be changed, and create it anew")
        }
        None => format!("create Secret {secret} with {moved} key(s)"),
        Some(_) if moved == 0 => {
            format!("update Secret {secret}: labels, annotations, owner or record, and no value")
        }
        Some(_) => format!("update {moved} key(s) of Secret {secret}"),
    })
}

/// Workloads are restarted where what was recorded changes, and not by a first record.
fn restarts(valid: &Valid, part: &Share, plan: &Plan) -> Vec<String> {
    let before = digest(&part.record, &[]);
    let after = plan.write.as_ref().map(|write| digest(&write.record, &[]));
    let changes = before.is_some() && after.is_some_and(|after| after != before);
    let targets = valid.rollout.iter().filter(|_| changes);
    targets
        .map(|target| format!("restart {}", workload(target)))
        .collect()
}

fn workload(target: &Target) -> String {
    let kind = target.kind.as_str();
    match &target.which {
        Which::Named(name) => format!("{kind} {name}"),
        Which::Labelled(labels) => {
            let labels = labels.iter().map(|(name, value)| format!("{name}={value}"));
            let labels: Vec<String> = labels.collect();
            format!("each {kind} with {}", labels.join(","))
        }
    }
}

/// A sync that only pushes: what becomes of the Secret that an earlier spec wrote.
pub(super) fn let_go(sync: &VaultSecretSync, planned: &mut Planned) {
    let note = "it only pushes: no Secret is written";
    planned.notes.push(note.to_owned());
    let target = sync
        .status
        .as_ref()
        .and_then(|status| status.target.as_ref());
    let gone = target.filter(|target| target.deletion_policy == DeletionPolicy::Delete);
    planned
        .steps
        .extend(gone.map(|target| match target.ownership {
            Ownership::Own => format!("delete Secret {}", target.name),
            Ownership::Merge => format!("take the keys of this sync out of Secret {}", target.name),
        }));
}

/// What becomes of an object that is pushed.
pub(super) fn tell_push(planned: &mut Planned, job: &Job, outcome: &Outcome) {
    let object = name_of(&job.object);
    let vault = &job.vault;
    match outcome {
        Outcome::Needs(step) => {
            let from = job
                .push
                .as_ref()
                .map(|push| format!(" from Secret {}", push.secret));
            let from = from.unwrap_or_default();
            planned.steps.push(match step {
                PushStep::Set => format!("set {object} in {vault}{from}"),
                PushStep::Update => {
                    format!("update tags, content type or expiry of {object} in {vault}")
                }
                PushStep::Recover => {
                    format!("recover {object} in {vault} from soft deletion, and set it{from}")
                }
                PushStep::Delete => format!("delete {object} from {vault}"),
            });
        }
        Outcome::Failed(problem) => planned.meets(Some(&object), problem),
        Outcome::Same(..) | Outcome::Wrote(..) | Outcome::Recovers | Outcome::Gone => {}
    }
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
