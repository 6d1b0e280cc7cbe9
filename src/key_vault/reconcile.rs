//! The list of steps that keeps a vault as its spec says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::{Resource, ResourceExt};
use tracing::{debug, info, warn};

use super::PLURAL;
use super::api::{KeyVault, KeyVaultStatus};
use super::ctx::Ctx;
use super::due::{CameTo, Due, Inputs as DueInputs, Memory, due, is_passing, remember, takes};
use super::plan::{PROPAGATING, SecretSeen, Seen, propagates, record};
use super::recorded::kept;
use super::round::{Came, Round};
use super::status::{DRIFTED, Look, SYNCED, status};
use super::valid::{Valid, parse};
use crate::azure::arm::budget::{Calls, Work};
use crate::azure::arm::client::spared;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::identities::key_of;
use crate::azure_identity::valid::Usable;
use crate::azure_resource::FINALIZER;
use crate::k8s::conditions::{self, Edge};
use crate::problem::{Problem, Reason};
use crate::retry::{self, after};

/// Pause after somebody else wrote at the same moment: the watch brings the news meanwhile.
const AFTER_CONFLICT: Duration = Duration::from_millis(500);

/// One reconcile: read from caches, decide whether anything is due, and mostly end there.
pub async fn reconcile(object: Arc<KeyVault>, ctx: Arc<Ctx>) -> Action {
    let object = ctx.newest(object);
    let (word, action) = match run(&object, &ctx).await {
        Ok(came) => came,
        Err(problem) if problem.reason == Reason::Conflict => {
            ("conflict", Action::requeue(AFTER_CONFLICT))
        }
        Err(problem) => failed(&object, &ctx, &problem),
    };
    ctx.metrics.reconciled(PLURAL, word);
    debug!(vault = %object.name_any(), outcome = word, "Reconciled");
    action
}

async fn run(object: &Arc<KeyVault>, ctx: &Ctx) -> Result<(&'static str, Action), Problem> {
    let leaving = object.metadata.deletion_timestamp.is_some();
    if leaving && !object.finalizers().iter().any(|one| one == FINALIZER) {
        return Ok(("gone", Action::await_change()));
    }
    // 1. parse (pure)
    let valid = match parse(object) {
        Ok(valid) => valid,
        Err(problem) => return unusable(object, ctx, &problem).await,
    };
    // 2. what is known already (caches only): identity, and who names the vault
    let identity = identity(ctx, &valid).await;
    let syncs = if leaving {
        ctx.links.syncs_naming(&valid.namespace, &valid.name)
    } else {
        Vec::new()
    };
    let inputs = due_inputs(ctx, &valid, &identity, (leaving, &syncs));
    // 3. is anything due? (pure)
    let mut memory = ctx.recall(&valid.uid);
    let old = object.status.clone().unwrap_or_default();
    let now = Timestamp::now();
    let deep = match due(&inputs, &memory, &old, now) {
        Due::Not(next) => return Ok(("not_due", again(next, now))),
        Due::Look { deep } => deep,
    };
    // 4. look, plan, write, one thing after the other
    let record = record::recalled(kept(&old), memory.became.as_ref());
    let is_new = record.azure_id.is_none() && !leaving;
    let work = Mutex::new(Work::new(takes(&memory, is_new)));
    let round = Round {
        ctx,
        valid: &valid,
        leaving: leaving.then_some(syncs.as_slice()),
        deep,
        record,
        dry: false,
        object: Arc::clone(object),
        unregistered: memory.unregistered,
        work: &work,
    };
    let came = match (identity, valid.detach && leaving) {
        (Ok(identity), _) => round.run(&identity).await?,
        (Err(_), true) => round.forget().await?,
        (Err(problem), false) => round.without_identity(problem),
    };
    let work = work.into_inner().unwrap_or_else(PoisonError::into_inner);
    memory.takes = match &came.problem {
        Some(problem) if spared(problem) => work.takes(),
        _ => Calls::default(),
    };
    // 5. status, memory, and when to come back
    conclude(ctx, &valid, came, inputs, (&old, memory, deep)).await
}

/// The identity, where it is lent for this group.
pub async fn identity(ctx: &Ctx, valid: &Valid) -> Result<Usable, Problem> {
    let (namespace, reference) = (valid.namespace.as_str(), valid.identity.as_ref());
    let identity = ctx.identities.resolve(namespace, reference).await?;
    let labels = ctx.identities.namespace_labels(namespace);
    let borrower = Borrower {
        namespace,
        labels: &labels,
    };
    let place = (valid.subscription.as_str(), valid.group.as_str());
    grant::allows_manage(&identity.valid, borrower, place)?;
    Ok(identity)
}

fn due_inputs(
    ctx: &Ctx,
    valid: &Valid,
    identity: &Result<Usable, Problem>,
    (leaving, syncs): (bool, &[String]),
) -> DueInputs {
    let key = key_of(&valid.namespace, valid.identity.as_ref());
    let revision = ctx.identities.revision(&key);
    DueInputs {
        generation: valid.generation,
        leaving,
        sync_at: valid.sync_at.clone(),
        marks: [valid.detach, valid.force_delete],
        identity: match identity {
            Ok(identity) => Ok((
                identity.valid.uid.clone(),
                identity.valid.generation,
                revision,
            )),
            Err(problem) => Err(problem.message.clone()),
        },
        syncs: syncs.to_vec(),
    }
}

async fn conclude(
    ctx: &Ctx,
    valid: &Valid,
    came: Came,
    inputs: DueInputs,
    (old, mut memory, deep): (&KeyVaultStatus, Memory, bool),
) -> Result<(&'static str, Action), Problem> {
    let now = Timestamp::now();
    memory.unregistered = came.seen.unregistered;
    let settling = propagates(valid, &came.seen, now).map(|_| after(now, PROPAGATING));
    let rotation = rotation(valid, &came.seen).into_iter().chain(settling);
    let rotation = rotation.min();
    if came.gone {
        ctx.gone(&valid.namespace, &valid.name, &valid.uid);
        info!(vault = %valid.name, namespace = %valid.namespace, "Let go");
        return Ok(("gone", Action::await_change()));
    }
    let passing = came.problem.as_ref().is_some_and(is_passing) && came.record == kept(old);
    if !passing {
        let look = came.look(inputs.leaving, valid.sync_at.clone());
        let new = status(old, came.object.metadata.generation, &look, now);
        write_status(ctx, &came.object, old, new).await?;
    }
    if !came.repaired.is_empty() && !inputs.leaving {
        tell_repair(ctx, &came).await;
    }
    let problem = came.problem.as_ref();
    let came_to = CameTo {
        problem,
        deep,
        rotation,
        lapses: record::lapses(&came.record),
    };
    let memory = remember(valid, inputs, &memory, came_to, now);
    let next = memory.next.unwrap_or(now);
    ctx.remember(&valid.uid, memory);
    let word = if problem.is_none() { "ready" } else { "failed" };
    Ok((word, again(next, now)))
}

/// When the next secret is made up anew.
fn rotation(valid: &Valid, seen: &Seen) -> Option<Timestamp> {
    let ends = valid.seeds.iter().filter_map(|seed| {
        let SecretSeen::Present {
            created: Some(created),
            ours: true,
            ..
        } = seen.secrets.get(seed.name.as_str())?
        else {
            return None;
        };
        Some(after(*created, seed.rotate_after?))
    });
    ends.min()
}

/// Written where it differs, with an Event on an edge.
async fn write_status(
    ctx: &Ctx,
    object: &KeyVault,
    old: &KeyVaultStatus,
    new: KeyVaultStatus,
) -> Result<(), Problem> {
    if object.status.as_ref() == Some(&new) {
        return Ok(());
    }
    let (before, now) = (&old.resource.conditions, &new.resource.conditions);
    let edge = conditions::edge(before, now, SYNCED);
    let alarm = conditions::alarm(before, now, DRIFTED);
    let mut updated = object.clone();
    updated.status = Some(new);
    ctx.write_status(&updated).await?;
    for edge in edge.into_iter().chain(alarm) {
        if edge.trouble {
            warn!(vault = %object.name_any(), namespace = ?object.namespace(), reason = edge.reason, message = edge.message, "Vault has a problem");
        }
        ctx.kube.publish(&object.object_ref(&()), edge).await;
    }
    Ok(())
}

/// Somebody else had changed the vault, and it was set back.
async fn tell_repair(ctx: &Ctx, came: &Came) {
    let told = Edge {
        trouble: false,
        reason: "DriftRepaired".to_owned(),
        message: format!(
            "somebody else had changed the vault: {}",
            came.repaired.join("; ")
        ),
    };
    ctx.kube.publish(&came.object.object_ref(&()), told).await;
}

/// A spec that cannot be read: nothing is done, and what is there stays.
async fn unusable(
    object: &KeyVault,
    ctx: &Ctx,
    problem: &Problem,
) -> Result<(&'static str, Action), Problem> {
    let old = object.status.clone().unwrap_or_default();
    let (seen, record) = (Seen::default(), kept(&old));
    let look = Look {
        inputs: None,
        seen: &seen,
        record: &record,
        planned: &[],
        problem: Some(problem),
        leaving: object.metadata.deletion_timestamp.is_some(),
        sync_at: old.resource.handled_sync_at.clone(),
    };
    let new = status(&old, object.metadata.generation, &look, Timestamp::now());
    write_status(ctx, object, &old, new).await?;
    Ok(("failed", Action::requeue(retry::RESYNC)))
}

/// The API server did not do what was asked of it.
fn failed(object: &KeyVault, ctx: &Ctx, problem: &Problem) -> (&'static str, Action) {
    warn!(vault = %object.name_any(), namespace = ?object.namespace(), %problem, "Reconcile failed");
    let uid = object.uid().unwrap_or_default();
    let mut memory = ctx.recall(&uid);
    memory.failures = memory.failures.saturating_add(1);
    // What was seen is not known to be written: the next reconcile looks again.
    memory.seen = None;
    let pause = retry::delay(
        problem.retry,
        memory.failures,
        retry::seed(&uid, "kubernetes"),
    );
    ctx.remember(&uid, memory);
    ("failed", Action::requeue(pause.min(retry::CEILING)))
}

fn again(next: Timestamp, now: Timestamp) -> Action {
    let pause = Duration::try_from(next.duration_since(now)).unwrap_or_default();
    Action::requeue(pause)
}
