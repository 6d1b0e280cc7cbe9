//! The list of steps of one turn: start a round, or record what a round brought, and come back in time.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use kube::{Api, Resource, ResourceExt};
use tracing::{info, warn};

use super::api::PushDeletionPolicy;
use super::plan::RECOVERING;
use super::round::Party;
use super::status::{Job, Outcome, conditions, is_left, jobs, record, waiting, waits_until};
use super::valid::Push;
use super::{FINALIZER, PUSHED, Round, Work};
use crate::azure_identity::api::IdentityRef;
use crate::azure_identity::identities::key_of;
use crate::azure_resource::owner::Owner;
use crate::hub::want::{Caller, Ticket};
use crate::k8s::conditions::{Edge, edge, find};
use crate::names::VaultUri;
use crate::problem::Problem;
use crate::retry::{self, after};
use crate::vault_secret_sync::PLURAL;
use crate::vault_secret_sync::api::{VaultSecretSync, VaultSecretSyncStatus};
use crate::vault_secret_sync::ctx::Ctx;
use crate::vault_secret_sync::valid::Valid;

/// A sync, as far as its pushes go.
struct Subject<'a> {
    ticket: Ticket,
    party: Party,
    vault: Option<&'a VaultUri>,
    pushes: &'a [Push],
    interval: Option<Duration>,
    sync_at: Option<&'a str>,
    deleting: bool,
}

type Written = Option<Arc<VaultSecretSync>>;

/// One turn. Gives back the sync where a step wrote it.
pub async fn turn(ctx: &Ctx, sync: &VaultSecretSync, valid: &Valid) -> Result<Written, Problem> {
    let waits = |vault| valid.referred.why_not(vault);
    if let Some(problem) = valid.vault.as_ref().and_then(waits)
        && !valid.pushes.is_empty()
    {
        return wait(ctx, sync, problem).await;
    }
    let subject = Subject {
        vault: valid.vault.as_ref(),
        pushes: &valid.pushes,
        interval: valid.interval,
        sync_at: valid.sync_at.as_deref(),
        ..subject(ctx, sync, valid.identity.clone())
    };
    advance(ctx, sync, &subject).await
}

/// Nobody knows where the vault is. What was pushed is left as it is: it may be in the very vault that is waited for.
async fn wait(ctx: &Ctx, sync: &VaultSecretSync, problem: &Problem) -> Result<Written, Problem> {
    let uid = sync.metadata.uid.as_deref().unwrap_or_default();
    // When the vault is known, everything is looked at.
    ctx.pushes.memory(uid, |memory| memory.seen = None);
    let (old, now) = (sync.status.clone().unwrap_or_default(), Timestamp::now());
    let new = VaultSecretSyncStatus {
        conditions: waiting(&old.conditions, problem, sync.metadata.generation, now),
        ..old.clone()
    };
    write(ctx, sync, &old, &new).await
}

/// A sync is being deleted: so is what it pushed, where it says so. A vault that is away holds that up for a while, and no
/// longer.
pub async fn leave(ctx: &Ctx, sync: &VaultSecretSync) -> Result<(), Problem> {
    if !has_finalizer(sync) {
        return Ok(());
    }
    let subject = Subject {
        deleting: true,
        ..subject(ctx, sync, sync.spec.identity_ref.clone())
    };
    let written = advance(ctx, sync, &subject).await?;
    let sync = written.as_deref().unwrap_or(sync);
    if !has_finalizer(sync) {
        return Ok(());
    }
    let records = sync.status.as_ref().map_or(&[][..], |status| &status.push);
    let begun = sync.metadata.deletion_timestamp.as_ref();
    let until = begun.and_then(|begun| waits_until(begun.0, records));
    if until.is_some_and(|until| Timestamp::now() < until) {
        let next = ctx.pushes.memory(&subject.ticket.uid, |memory| memory.next);
        let next = next.into_iter().chain(until).min();
        ctx.pushes.wake_at(&subject.ticket, next);
        return Ok(());
    }
    let objects: Vec<String> = records
        .iter()
        .filter(|record| is_left(record))
        .map(|record| format!("{} in {}", record.object, record.vault))
        .collect();
    let message = format!(
        "not deleted from the vault, which could not be done in time: {}",
        objects.join(", ")
    );
    warn!(sync = %subject.ticket.name, namespace = %subject.ticket.namespace, message, "Pushed objects are left behind");
    let told = Edge {
        trouble: true,
        reason: "PushedObjectsLeft".to_owned(),
        message,
    };
    ctx.kube.publish(&sync.object_ref(&()), told).await;
    set_finalizer(ctx, sync, false).await?;
    ctx.pushes.forget(&subject.ticket.uid);
    Ok(())
}

fn subject<'a>(ctx: &Ctx, sync: &VaultSecretSync, identity: Option<IdentityRef>) -> Subject<'a> {
    let (namespace, name) = (sync.namespace().unwrap_or_default(), sync.name_any());
    let uid = sync.uid().unwrap_or_default();
    Subject {
        ticket: Ticket::new(Caller {
            uid: uid.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
        }),
        party: Party {
            owner: Owner {
                cluster: ctx.identities.cluster(),
                namespace,
                name,
                uid,
            },
            identity,
            generation: sync.metadata.generation.unwrap_or_default(),
        },
        vault: None,
        pushes: &[],
        interval: None,
        sync_at: None,
        deleting: false,
    }
}

async fn advance(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    subject: &Subject<'_>,
) -> Result<Written, Problem> {
    let uid = &subject.ticket.uid;
    let status = sync.status.as_ref();
    let records = status.map_or(&[][..], |status| &status.push);
    let said = status.and_then(|status| find(&status.conditions, PUSHED));
    let nothing = subject.pushes.is_empty() && records.is_empty() && said.is_none();
    if nothing && !has_finalizer(sync) {
        ctx.pushes.forget(uid);
        return Ok(None);
    }
    let seen = inputs(ctx, subject);
    let jobs = jobs(subject.vault, subject.pushes, records);
    let (work, due) = ctx.pushes.memory(uid, |memory| {
        let now = Timestamp::now();
        let due = memory.seen != Some(seen) || memory.next.is_some_and(|next| next <= now);
        let work = std::mem::take(&mut memory.work);
        if matches!(work, Work::Running) {
            memory.work = Work::Running;
        }
        (work, due)
    });
    match work {
        Work::Running => Ok(None),
        Work::Done(round) => {
            let settled = settle(ctx, sync, subject, &round, (&jobs, seen)).await;
            if settled.is_err() {
                // Nobody else knows what it brought: the next turn records it.
                ctx.pushes
                    .memory(uid, |memory| memory.work = Work::Done(round));
            }
            settled
        }
        Work::Idle if jobs.is_empty() => {
            settle(ctx, sync, subject, &empty(seen), (&[], seen)).await
        }
        Work::Idle => {
            if due {
                let party = subject.party.clone();
                ctx.pushes
                    .start(&subject.ticket, party, (seen, false), jobs);
            }
            Ok(None)
        }
    }
}

fn empty(seen: u64) -> Round {
    Round {
        generation: 0,
        seen,
        acts: false,
        jobs: Vec::new(),
        outcomes: Vec::new(),
    }
}

/// Everything that a round depends on, apart from the vault and the clock.
fn inputs(ctx: &Ctx, subject: &Subject<'_>) -> u64 {
    let namespace = subject.ticket.namespace.as_str();
    let sources: BTreeSet<_> = subject
        .pushes
        .iter()
        .map(|push| (namespace.to_owned(), push.secret.to_string()))
        .collect();
    let changes = ctx.pushes.follow(&subject.ticket, &sources);
    let reference = subject.party.identity.as_ref();
    // Nobody waits here where the identity's cloud is not known yet: the round makes it known.
    let identity = ctx.identities.resolve(namespace, reference).now_or_never();
    let identity = identity.map(|identity| {
        identity
            .map(|identity| (identity.valid.uid.clone(), identity.valid.generation))
            .map_err(|problem| problem.message)
    });
    let revision = ctx.identities.revision(&key_of(namespace, reference));
    let labels = ctx.identities.namespace_labels(namespace);
    let mut hasher = DefaultHasher::new();
    (
        subject.party.generation,
        (subject.sync_at, subject.vault),
        subject.deleting,
        changes,
        identity,
        revision,
        labels,
    )
        .hash(&mut hasher);
    hasher.finish()
}

/// Records what a round brought. What it found to be done is written into the status before it is done.
async fn settle(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    subject: &Subject<'_>,
    round: &Round,
    (jobs, seen): (&[Job], u64),
) -> Result<Written, Problem> {
    let now = Timestamp::now();
    let generation = subject.party.generation;
    // What another spec wanted done is not done any more; what was done is recorded all the same.
    let stale = round.generation != generation;
    let (mut records, mut needed) = (Vec::new(), Vec::new());
    for job in jobs {
        let outcome =
            outcome(round, job).filter(|outcome| !(stale && matches!(outcome, Outcome::Needs(_))));
        let Some(outcome) = outcome else {
            records.extend(job.record.clone());
            continue;
        };
        let record = record(job, outcome, generation, now);
        if let Outcome::Needs(step) = outcome {
            needed.push(Job {
                record: record.clone(),
                permit: Some(*step),
                ..job.clone()
            });
        }
        records.extend(record);
    }
    let old = sync.status.clone().unwrap_or_default();
    let new = VaultSecretSyncStatus {
        conditions: conditions(&old.conditions, &records, sync.metadata.generation, now),
        push: records,
        ..old.clone()
    };
    let keeps = new.push.iter().any(is_left);
    let asks = |push: &Push| push.deletion_policy == PushDeletionPolicy::Delete;
    let wants = subject.pushes.iter().any(asks);
    let mut written: Written = None;
    if wants && (keeps || !needed.is_empty()) && !has_finalizer(sync) {
        written = Some(ctx.wrote(set_finalizer(ctx, sync, true).await?));
    }
    let base = written.as_deref().unwrap_or(sync);
    if let Some(stored) = write(ctx, base, &old, &new).await? {
        written = Some(stored);
    }
    let base = written.as_deref().unwrap_or(sync);
    if has_finalizer(base) && !wants && !keeps {
        let freed = set_finalizer(ctx, base, false).await?;
        if subject.deleting {
            ctx.pushes.forget(&subject.ticket.uid);
            return Ok(Some(Arc::new(freed)));
        }
        written = Some(ctx.wrote(freed));
    }
    come_back(ctx, subject, (round, seen), now);
    if !needed.is_empty() {
        let party = subject.party.clone();
        let inputs = (round.seen, true);
        ctx.pushes.start(&subject.ticket, party, inputs, needed);
    }
    Ok(written)
}

fn outcome<'a>(round: &'a Round, job: &Job) -> Option<&'a Outcome> {
    let mut pairs = round.jobs.iter().zip(&round.outcomes);
    let of = |(other, _): &(&Job, &Outcome)| {
        other.vault == job.vault
            && other.object == job.object
            && other.push.is_some() == job.push.is_some()
    };
    pairs.find(of).map(|(_, outcome)| outcome)
}

/// When the objects are looked at next: when a failure may have passed, else in the sync's rhythm.
fn come_back(ctx: &Ctx, subject: &Subject<'_>, (round, inputs): (&Round, u64), now: Timestamp) {
    let uid = &subject.ticket.uid;
    let failed = || {
        round.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Failed(problem) => Some(problem),
            Outcome::Same(..)
            | Outcome::Needs(_)
            | Outcome::Wrote(..)
            | Outcome::Recovers
            | Outcome::Gone => None,
        })
    };
    let (failures, planned) = ctx.pushes.memory(uid, |memory| {
        let fresh = memory.seen != Some(round.seen);
        memory.seen = Some(round.seen);
        memory.failures = match (failed().next().is_some(), fresh) {
            (true, true) => 1,
            (true, false) => memory.failures + 1,
            // What failed in the look before is not mended by a change elsewhere.
            (false, _) if round.acts => memory.failures,
            (false, _) => 0,
        };
        (memory.failures, memory.next.filter(|_| round.acts))
    });
    let seed = retry::seed(uid, "push");
    let retries = failed().map(|problem| retry::delay(problem.retry, failures, seed));
    let recovering = round.outcomes.contains(&Outcome::Recovers);
    let rhythm = subject.interval.map(|every| retry::jitter(every, seed));
    let pause = retries
        .chain(recovering.then_some(RECOVERING))
        .chain(rhythm)
        .min();
    let next = pause.map(|pause| after(now, pause));
    // What changed while the round was made has woken nobody.
    let missed = (inputs != round.seen).then_some(now);
    ctx.pushes.wake_at(
        &subject.ticket,
        next.into_iter().chain(planned).chain(missed).min(),
    );
}

async fn write(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    old: &VaultSecretSyncStatus,
    new: &VaultSecretSyncStatus,
) -> Result<Written, Problem> {
    if old == new {
        return Ok(None);
    }
    let updated = VaultSecretSync {
        status: Some(new.clone()),
        ..sync.clone()
    };
    let api = Api::namespaced(ctx.kube.client(), &sync.namespace().unwrap_or_default());
    let written = ctx.wrote(ctx.kube.replace_status(&api, PLURAL, &updated).await?);
    if let Some(edge) = edge(&old.conditions, &new.conditions, PUSHED) {
        let (namespace, name) = (sync.namespace().unwrap_or_default(), sync.name_any());
        if edge.trouble {
            warn!(%namespace, %name, reason = edge.reason, message = edge.message, "Push has a problem");
        } else {
            info!(%namespace, %name, "Push works again");
        }
        ctx.kube.publish(&written.object_ref(&()), edge).await;
    }
    Ok(Some(written))
}

fn has_finalizer(sync: &VaultSecretSync) -> bool {
    sync.finalizers().iter().any(|name| name == FINALIZER)
}

async fn set_finalizer(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    wanted: bool,
) -> Result<VaultSecretSync, Problem> {
    let others = sync.finalizers().iter().filter(|name| *name != FINALIZER);
    let finalizers: Vec<String> = others
        .cloned()
        .chain(wanted.then(|| FINALIZER.to_owned()))
        .collect();
    let version = sync.resource_version().unwrap_or_default();
    let (namespace, name) = (sync.namespace().unwrap_or_default(), sync.name_any());
    ctx.kube
        .set_finalizers(PLURAL, &namespace, &name, &version, &finalizers)
        .await
}
