//! The list of steps that keeps a resource as its spec says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action;
use tracing::{debug, info, warn};

use super::{Came, Ctx, Kind, Round};
use crate::azure::arm::budget::{Calls, Work};
use crate::azure::arm::client::spared;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::identities::key_of;
use crate::azure_identity::valid::Usable;
use crate::azure_resource::due::{
    CameTo, Due, Inputs as DueInputs, Memory, due, is_passing, remember, takes,
};
use crate::azure_resource::planner::{Keeps, Report, Sees};
use crate::azure_resource::status::{DRIFTED, SYNCED};
use crate::azure_resource::valid::Common;
use crate::azure_resource::{FINALIZER, note};
use crate::k8s::conditions::{self, Edge};
use crate::problem::{Problem, Reason};
use crate::retry;

/// Pause after somebody else wrote at the same moment: the watch brings the news meanwhile.
const AFTER_CONFLICT: Duration = Duration::from_millis(500);

/// One reconcile: read from caches, decide whether anything is due, and mostly end there.
pub async fn reconcile<K: Kind>(object: Arc<K>, ctx: Arc<Ctx<K>>) -> Action {
    let object = ctx.newest(object);
    let (word, action) = match run(&object, &ctx).await {
        Ok(came) => came,
        Err(problem) if problem.reason == Reason::Conflict => {
            ("conflict", Action::requeue(AFTER_CONFLICT))
        }
        Err(problem) if problem.reason == Reason::NotLeading => ("waiting", waits(&problem)),
        Err(problem) => failed(object.as_ref(), &ctx, &problem),
    };
    ctx.metrics.reconciled(K::PLURAL, word);
    debug!(kind = %K::kind(&()), name = %object.name_any(), outcome = word, "Reconciled");
    action
}

async fn run<K: Kind>(object: &Arc<K>, ctx: &Ctx<K>) -> Result<(&'static str, Action), Problem> {
    let leaving = object.meta().deletion_timestamp.is_some();
    if leaving && !object.finalizers().iter().any(|one| one == FINALIZER) {
        return Ok(("gone", Action::await_change()));
    }
    // 1. parse (pure)
    let valid = match object.parse() {
        Ok(valid) => valid,
        Err(problem) => return unusable(object.as_ref(), ctx, &problem).await,
    };
    // 2. what is known already (caches only): identity, and who names the resource
    let identity = identity(ctx, &valid).await;
    let syncs = if leaving {
        K::named_by(ctx, &valid)
    } else {
        Vec::new()
    };
    let inputs = due_inputs(ctx, &valid, &identity, (leaving, &syncs));
    // 3. is anything due? (pure)
    let mut memory = ctx.recall(&valid.uid);
    let old = object.status().cloned().unwrap_or_default();
    let now = Timestamp::now();
    let (deep, early) = match due(&inputs, &memory, (K::resource(&old), K::WHOLE), now) {
        Due::Not(next) => return Ok(("not_due", again(next, now))),
        Due::Look { deep, early } => (deep, early),
    };
    // 4. look, plan, write, one thing after the other
    let mut record = K::kept(&old);
    let noted = note::recalled(record.note().cloned(), memory.became.as_ref());
    record.set_note(note::inherited(noted, &ctx.term()));
    let is_new = record.azure_id().is_none() && !leaving;
    let work = Work::new(takes(&memory, K::takes(is_new)));
    let begins = is_new && record.note().is_none();
    let work = Mutex::new(if begins { work.together() } else { work });
    let round = Round {
        ctx,
        valid: &valid,
        leaving: leaving.then_some(syncs.as_slice()),
        deep,
        early,
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
    conclude(ctx, &valid, came, inputs, (&old, memory, (deep, early))).await
}

/// The identity, where it is lent for this group.
pub async fn identity<K: Kind>(ctx: &Ctx<K>, valid: &Common) -> Result<Usable, Problem> {
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

fn due_inputs<K: Kind>(
    ctx: &Ctx<K>,
    valid: &Common,
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

async fn conclude<K: Kind>(
    ctx: &Ctx<K>,
    valid: &K::Valid,
    mut came: Came<K>,
    inputs: DueInputs,
    (old, mut memory, (deep, early)): (&K::Status, Memory, (bool, bool)),
) -> Result<(&'static str, Action), Problem> {
    let now = Timestamp::now();
    memory.unregistered = *came.seen.unregistered();
    let rotation = K::rotation(valid, &came.seen, now);
    if came.gone {
        ctx.gone(&valid.namespace, &valid.name, &valid.uid);
        info!(kind = %K::kind(&()), name = %valid.name, namespace = %valid.namespace, "Let go");
        return Ok(("gone", Action::await_change()));
    }
    let passing = came.problem.as_ref().is_some_and(is_passing) && came.record == K::kept(old);
    if !passing {
        let report = came.report(inputs.leaving, valid.sync_at.clone());
        let new = K::report(old, came.object.meta().generation, &report, now);
        write_status(ctx, &came.object, old, new).await?;
    }
    if !came.repaired.is_empty() && !inputs.leaving {
        tell_repair(ctx, valid, &came).await;
    }
    let problem = came.problem.as_ref();
    let came_to = CameTo {
        problem,
        deep,
        early,
        rotation,
        lapses: note::lapses(came.record.note()),
    };
    let memory = remember(valid, inputs, &memory, came_to, now);
    let next = memory.next.unwrap_or(now);
    ctx.remember(&valid.uid, memory);
    let word = if problem.is_none() { "ready" } else { "failed" };
    Ok((word, again(next, now)))
}

/// Written where it differs, with an Event on an edge.
async fn write_status<K: Kind>(
    ctx: &Ctx<K>,
    object: &K,
    old: &K::Status,
    new: K::Status,
) -> Result<(), Problem> {
    if object.status() == Some(&new) {
        return Ok(());
    }
    let (before, now) = (&K::resource(old).conditions, &K::resource(&new).conditions);
    let edge = conditions::edge(before, now, SYNCED);
    let alarm = conditions::alarm(before, now, DRIFTED);
    let mut updated = object.clone();
    *updated.status_mut() = Some(new);
    ctx.write_status(&updated).await?;
    for edge in edge.into_iter().chain(alarm) {
        if edge.trouble {
            warn!(kind = %K::kind(&()), name = %object.name_any(), namespace = ?object.namespace(), reason = edge.reason, message = edge.message, "A resource has a problem");
        }
        ctx.kube.publish(&object.object_ref(&()), edge).await;
    }
    Ok(())
}

/// Somebody else had changed the resource, and it was set back.
async fn tell_repair<K: Kind>(ctx: &Ctx<K>, valid: &K::Valid, came: &Came<K>) {
    let told = Edge {
        trouble: false,
        reason: "DriftRepaired".to_owned(),
        message: format!(
            "somebody else had changed the {}: {}",
            K::noun(valid),
            came.repaired.join("; ")
        ),
    };
    ctx.kube.publish(&came.object.object_ref(&()), told).await;
}

/// A spec that cannot be read: nothing is done, and what is there stays.
async fn unusable<K: Kind>(
    object: &K,
    ctx: &Ctx<K>,
    problem: &Problem,
) -> Result<(&'static str, Action), Problem> {
    let old = object.status().cloned().unwrap_or_default();
    let (seen, record) = (K::Seen::default(), K::kept(&old));
    let report = Report {
        inputs: None,
        seen: &seen,
        record: &record,
        planned: &[],
        problem: Some(problem),
        leaving: object.meta().deletion_timestamp.is_some(),
        sync_at: K::resource(&old).handled_sync_at.clone(),
    };
    let generation = object.meta().generation;
    let new = K::report(&old, generation, &report, Timestamp::now());
    write_status(ctx, object, &old, new).await?;
    Ok(("failed", Action::requeue(retry::RESYNC)))
}

/// The API server did not do what was asked of it.
fn failed<K: Kind>(object: &K, ctx: &Ctx<K>, problem: &Problem) -> (&'static str, Action) {
    warn!(kind = %K::kind(&()), name = %object.name_any(), namespace = ?object.namespace(), %problem, "Reconcile failed");
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

/// This process does not lead any more, and writes nothing.
fn waits(problem: &Problem) -> Action {
    debug!(%problem, "Waits");
    Action::requeue(retry::delay(problem.retry, 1, 0))
}

fn again(next: Timestamp, now: Timestamp) -> Action {
    let pause = Duration::try_from(next.duration_since(now)).unwrap_or_default();
    Action::requeue(pause)
}
