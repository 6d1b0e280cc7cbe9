//! The list of steps that keeps a Secret equal to its vault.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::controller::Action;
use kube::{Api, Resource, ResourceExt};
use tracing::{debug, info, warn};

use super::api::{TargetStatus, VaultSecretSync, VaultSecretSyncStatus};
use super::due::{Due, Inputs, Memory, due};
use super::links::Links;
use super::observe::{self, Secrets};
use super::plan::{self, KeyPlan, Observed, Plan, Rival};
use super::status::{self, Look};
use super::target::SecretMeta;
use super::valid::{Valid, parse};
use super::{FINALIZER, PLURAL, steps};
use crate::azure::key_vault::SecretId;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::identities::{Identities, key_of};
use crate::azure_identity::valid::Valid as Identity;
use crate::hub::{self, Hub};
use crate::k8s::api::Kube;
use crate::k8s::conditions;
use crate::k8s::overlay::{Overlay, Seen};
use crate::problem::{Problem, Reason};
use crate::retry::{self, Retry};
use crate::telemetry::metrics::Metrics;

/// Pause after somebody else wrote at the same moment: the watch brings the news meanwhile.
const AFTER_CONFLICT: Duration = Duration::from_millis(500);

/// What reconciling syncs needs.
pub struct Ctx {
    /// The door to the API server.
    pub kube: Kube,
    /// The door to vaults.
    pub hub: Hub,
    /// The identities.
    pub identities: Arc<Identities>,
    /// Who has to do with whom.
    pub links: Arc<Links>,
    /// Metadata of Secrets.
    pub secrets: Arc<Secrets>,
    /// Syncs as our own writes returned them.
    pub written: Overlay<Arc<VaultSecretSync>>,
    /// What is remembered of each sync, by uid.
    pub memories: Mutex<BTreeMap<String, Memory>>,
    /// Metrics.
    pub metrics: Metrics,
}

/// What a reconcile came to.
struct Outcome {
    /// A word for metrics and logs.
    word: &'static str,
    action: Action,
}

/// One reconcile: read from caches, decide whether anything is due, and mostly end there.
pub async fn reconcile(sync: Arc<VaultSecretSync>, ctx: Arc<Ctx>) -> Action {
    let sync = newest(&ctx, sync);
    let outcome = match run(&sync, &ctx).await {
        Ok(outcome) => outcome,
        Err(problem) => failed(&sync, &problem),
    };
    ctx.metrics.reconciled(PLURAL, outcome.word);
    debug!(sync = %name(&sync), outcome = outcome.word, "Reconciled");
    outcome.action
}

async fn run(sync: &VaultSecretSync, ctx: &Ctx) -> Result<Outcome, Problem> {
    if sync.metadata.deletion_timestamp.is_some() {
        return clean_up(sync, ctx).await;
    }
    // 1. parse (pure)
    let valid = match parse(sync) {
        Ok(valid) => valid,
        Err(problem) => return invalid(sync, ctx, &problem).await,
    };
    if valid.suspend {
        return rest(sync, ctx).await;
    }
    // 2. what is known already (caches only)
    let lender = lender(ctx, &valid);
    let rivals = ctx
        .links
        .rivals(&valid.namespace, valid.target.name.as_str(), &valid.name);
    let known = ctx
        .secrets
        .get(&valid.namespace, valid.target.name.as_str());
    // 3. due? (pure)
    let old = sync.status.clone().unwrap_or_default();
    let memory = recall(ctx, &valid.uid);
    let now = Timestamp::now();
    let only_damage = match due(
        &inputs(&valid, &lender, known.as_deref(), &rivals),
        memory.as_ref(),
        &old,
        now,
    ) {
        Due::At(time) => {
            return Ok(Outcome {
                word: "not_due",
                action: Action::requeue(plan::until(time, now)),
            });
        }
        Due::OnChange => {
            return Ok(Outcome {
                word: "not_due",
                action: Action::await_change(),
            });
        }
        Due::Damage => true,
        Due::All => false,
    };
    // 4. observe (reads)
    let secret = observe::secret(ctx, &valid.namespace, valid.target.name.as_str()).await?;
    let (objects, no_look) = look(
        ctx,
        &valid,
        &lender.identity,
        secret.as_deref(),
        only_damage,
    )
    .await;
    // 5. plan (pure)
    let plan = plan::plan(
        &valid,
        &Observed {
            secret: secret.as_deref(),
            objects: &objects,
            rivals: &rivals,
        },
        now,
    );
    drop(objects);
    // 6. carry out (writes)
    let mut done = carry_out(ctx, sync, &valid, plan).await?;
    done.problem = done.problem.or(no_look);
    // 7. status (pure), written where it differs; remembered, and come back in time
    let failures = if status::headline(&done.look(None)).is_some() {
        memory.map_or(0, |m| m.failures) + 1
    } else {
        0
    };
    let next = next_look(&valid, &done, failures, Timestamp::now());
    let after = done.secret.as_deref().or(secret.as_deref());
    let remembered = Memory::new(&inputs(&valid, &lender, after, &rivals), next, failures);
    let new = status::status(
        &old,
        sync.metadata.generation,
        Some(&valid),
        &done.look(next),
        Timestamp::now(),
    );
    write_status(ctx, done.sync.as_deref().unwrap_or(sync), &old, new).await?;
    ctx.memories
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(valid.uid.clone(), remembered);
    let word = match (failures, done.wrote) {
        (0, true) => "written",
        (0, false) => "unchanged",
        _ => "degraded",
    };
    let action = next.map_or_else(Action::await_change, |next| {
        Action::requeue(plan::until(next, Timestamp::now()))
    });
    Ok(Outcome { word, action })
}

/// The identity, where this sync may use it for its vault.
fn identity(ctx: &Ctx, valid: &Valid) -> Result<Identity, Problem> {
    let identity = ctx
        .identities
        .resolve(&valid.namespace, valid.identity.as_ref())?;
    let labels = ctx.identities.namespace_labels(&valid.namespace);
    grant::allows_vault(
        &identity,
        Borrower {
            namespace: &valid.namespace,
            labels: &labels,
        },
        &valid.vault,
    )?;
    let suffix = &identity.profile.cloud.vault_suffix;
    if !valid.vault.is_in(suffix) {
        let message = format!(
            "spec.vaultUri {} is no vault of the cloud of {}, whose vaults are <name>.{suffix}: no token is sent there",
            valid.vault, identity.key
        );
        return Err(Problem::new(
            Reason::VaultNotInCloud,
            Retry::OnChange,
            message,
        ));
    }
    Ok(identity)
}

/// The identity and what it lends, as they were before the look: news that come while it is made must not pass for known.
struct Lender {
    revision: u64,
    identity: Result<Identity, Problem>,
    lends: Vec<bool>,
}

fn lender(ctx: &Ctx, valid: &Valid) -> Lender {
    let key = key_of(&valid.namespace, valid.identity.as_ref());
    let revision = ctx.identities.revision(&key);
    let identity = identity(ctx, valid);
    let labels = ctx.identities.namespace_labels(&valid.namespace);
    let borrower = Borrower {
        namespace: &valid.namespace,
        labels: &labels,
    };
    let lends = identity.iter().flat_map(|identity| {
        let entries = valid.entries.iter();
        entries
            .map(|entry| grant::allows_object(identity, borrower, &valid.vault, &entry.id).is_ok())
    });
    Lender {
        revision,
        lends: lends.collect(),
        identity,
    }
}

fn inputs<'a>(
    valid: &'a Valid,
    lender: &'a Lender,
    secret: Option<&'a SecretMeta>,
    rivals: &'a [Rival],
) -> Inputs<'a> {
    let identity = lender.identity.as_ref();
    Inputs {
        valid,
        identity: identity
            .map(|identity| (identity.uid.as_str(), identity.generation))
            .map_err(|problem| problem.message.as_str()),
        lends: &lender.lends,
        revision: lender.revision,
        secret,
        rivals,
    }
}

/// What the vault gives, or why it is not asked: no usable identity, or a Secret that must not be written anyway.
async fn look(
    ctx: &Ctx,
    valid: &Valid,
    identity: &Result<Identity, Problem>,
    secret: Option<&SecretMeta>,
    only_damage: bool,
) -> (BTreeMap<SecretId, hub::Outcome>, Option<Problem>) {
    match identity {
        Err(problem) => (BTreeMap::new(), Some(problem.clone())),
        Ok(_) if plan::blocked(valid, secret).is_some() => (BTreeMap::new(), None),
        Ok(identity) => {
            let wanted = plan::wanted(valid, secret, only_damage);
            (observe::objects(ctx, valid, identity, wanted).await, None)
        }
    }
}

/// What the steps came to.
struct Done {
    keys: Vec<KeyPlan>,
    problem: Option<Problem>,
    wrote: bool,
    /// The Secret after the write.
    secret: Option<Arc<SecretMeta>>,
    /// The sync, where a step wrote it.
    sync: Option<Arc<VaultSecretSync>>,
}

impl Done {
    fn look(&self, next: Option<Timestamp>) -> Look<'_> {
        Look {
            keys: Some(&self.keys),
            problem: self.problem.as_ref(),
            wrote: self.wrote,
            next,
        }
    }
}

/// Finalizer first, then the Secret, then what is let go, then a finalizer that is not needed any more.
async fn carry_out(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    valid: &Valid,
    plan: Plan,
) -> Result<Done, Problem> {
    let mut done = Done {
        keys: plan.keys,
        problem: plan.blocked,
        wrote: false,
        secret: None,
        sync: None,
    };
    let has = sync.finalizers().iter().any(|name| name == FINALIZER);
    let wants = steps::wants_finalizer(valid);
    if wants && !has && plan.write.is_some() {
        done.sync = Some(wrote_sync(
            ctx,
            steps::set_finalizer(ctx, sync, true).await?,
        ));
    }
    if let Some(write) = plan.write {
        match steps::apply(ctx, valid, write).await {
            Ok(secret) => {
                info!(sync = %name(sync), secret = %valid.target.name, repaired = plan.repairs, "Secret written");
                if plan.repairs {
                    ctx.metrics.drift_repaired();
                }
                (done.wrote, done.secret) = (true, Some(secret));
            }
            Err(problem) if problem.reason == Reason::Conflict => return Err(problem),
            Err(problem) => {
                done.keys = done.keys.into_iter().map(KeyPlan::unwritten).collect();
                done.problem = Some(problem);
            }
        }
    }
    let whole = done.problem.is_none() && done.keys.iter().all(|key| key.version.is_some());
    if let Some(left) = left_behind(sync, valid).filter(|_| whole) {
        steps::release(ctx, sync, left).await?;
        if has && !wants {
            done.sync = Some(wrote_sync(
                ctx,
                steps::set_finalizer(ctx, sync, false).await?,
            ));
        }
    }
    Ok(done)
}

/// The Secret that an earlier spec wrote and this one does not, or writes in another way.
fn left_behind<'a>(sync: &'a VaultSecretSync, valid: &Valid) -> Option<&'a TargetStatus> {
    let target = sync.status.as_ref()?.target.as_ref()?;
    (target.name != valid.target.name.as_str()).then_some(target)
}

fn wrote_sync(ctx: &Ctx, sync: VaultSecretSync) -> Arc<VaultSecretSync> {
    let sync = Arc::new(sync);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let meta = &sync.metadata;
    let (namespace, name) = (text(&meta.namespace), text(&meta.name));
    let (uid, version) = (text(&meta.uid), text(&meta.resource_version));
    let seen = Seen {
        namespace: &namespace,
        name: &name,
        uid: &uid,
        version: &version,
    };
    ctx.written.put(seen, Arc::clone(&sync));
    sync
}

/// The sync as the cache has it, or as our own write returned it where that is newer.
fn newest(ctx: &Ctx, sync: Arc<VaultSecretSync>) -> Arc<VaultSecretSync> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let meta = &sync.metadata;
    let (namespace, name) = (text(&meta.namespace), text(&meta.name));
    let (uid, version) = (text(&meta.uid), text(&meta.resource_version));
    let seen = Seen {
        namespace: &namespace,
        name: &name,
        uid: &uid,
        version: &version,
    };
    ctx.written.newer(seen).unwrap_or(sync)
}

fn recall(ctx: &Ctx, uid: &str) -> Option<Memory> {
    ctx.memories
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(uid)
        .copied()
}

/// When the vault is looked at next: after the interval, or sooner where a problem may pass by itself.
fn next_look(valid: &Valid, done: &Done, failures: u32, now: Timestamp) -> Option<Timestamp> {
    let problems = done
        .problem
        .iter()
        .chain(done.keys.iter().filter_map(|key| key.problem.as_ref()));
    let seed = retry::seed(&valid.uid, "look");
    let retries = problems.map(|problem| retry::delay(problem.retry, failures, seed));
    // A problem of the whole is not mended by looking at the vault in the usual rhythm, unless it is about what the vault holds.
    let of_vault = |problem: &Problem| problem.reason == Reason::TooLarge;
    let interval = valid
        .interval
        .filter(|_| done.problem.as_ref().is_none_or(of_vault))
        .map(|interval| retry::jitter(interval, seed));
    let pause = retries.chain(interval).min()?;
    now.checked_add(SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX))
        .ok()
}

async fn write_status(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    old: &VaultSecretSyncStatus,
    new: VaultSecretSyncStatus,
) -> Result<(), Problem> {
    if !status::differs(old, &new) {
        return Ok(());
    }
    let edge = conditions::edge(&old.conditions, &new.conditions, "Synced");
    let updated = VaultSecretSync {
        status: Some(new),
        ..sync.clone()
    };
    let api = Api::namespaced(ctx.kube.client(), &sync.namespace().unwrap_or_default());
    let written = wrote_sync(ctx, ctx.kube.replace_status(&api, PLURAL, &updated).await?);
    if let Some(edge) = edge {
        if edge.trouble {
            warn!(sync = %name(sync), reason = edge.reason, message = edge.message, "Sync has a problem");
        } else {
            info!(sync = %name(sync), "Sync works again");
        }
        ctx.kube.publish(&written.object_ref(&()), edge).await;
    }
    Ok(())
}

async fn invalid(sync: &VaultSecretSync, ctx: &Ctx, problem: &Problem) -> Result<Outcome, Problem> {
    let old = sync.status.clone().unwrap_or_default();
    let look = Look {
        keys: None,
        problem: Some(problem),
        wrote: false,
        next: None,
    };
    let new = status::status(
        &old,
        sync.metadata.generation,
        None,
        &look,
        Timestamp::now(),
    );
    write_status(ctx, sync, &old, new).await?;
    Ok(Outcome {
        word: "invalid",
        action: Action::await_change(),
    })
}

async fn rest(sync: &VaultSecretSync, ctx: &Ctx) -> Result<Outcome, Problem> {
    let old = sync.status.clone().unwrap_or_default();
    let new = status::suspended(&old, sync.metadata.generation, Timestamp::now());
    write_status(ctx, sync, &old, new).await?;
    // When it wakes, everything is looked at.
    forget(ctx, sync);
    Ok(Outcome {
        word: "suspended",
        action: Action::await_change(),
    })
}

/// Undoes what ownership does not. No vault is asked, so none can hold a deletion up.
async fn clean_up(sync: &VaultSecretSync, ctx: &Ctx) -> Result<Outcome, Problem> {
    forget(ctx, sync);
    if sync.finalizers().iter().any(|name| name == FINALIZER) {
        let written = sync
            .status
            .as_ref()
            .and_then(|status| status.target.clone());
        let planned = parse(sync).ok().map(|valid| TargetStatus {
            name: valid.target.name.to_string(),
            ownership: valid.target.ownership,
            deletion_policy: valid.target.deletion_policy,
        });
        for target in written
            .iter()
            .chain(&planned)
            .filter(|target| target.ownership == super::api::Ownership::Merge)
        {
            steps::release(ctx, sync, target).await?;
        }
        steps::set_finalizer(ctx, sync, false).await?;
    }
    Ok(Outcome {
        word: "deleted",
        action: Action::await_change(),
    })
}

/// A sync is gone for good: nothing of it is remembered.
pub fn gone(ctx: &Ctx, sync: &VaultSecretSync) {
    forget(ctx, sync);
    ctx.written
        .forget(&sync.namespace().unwrap_or_default(), &sync.name_any());
}

fn forget(ctx: &Ctx, sync: &VaultSecretSync) {
    let uid = sync.metadata.uid.as_deref().unwrap_or_default();
    ctx.memories
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(uid);
}

/// A step that failed in Kubernetes. Nothing is remembered, so the next try does all of it.
fn failed(sync: &VaultSecretSync, problem: &Problem) -> Outcome {
    let pause = match problem.reason {
        Reason::Conflict => AFTER_CONFLICT,
        _ => retry::delay(
            problem.retry,
            1,
            retry::seed(sync.metadata.uid.as_deref().unwrap_or_default(), "failed"),
        ),
    };
    if problem.reason != Reason::Conflict {
        warn!(sync = %name(sync), reason = %problem.reason, message = problem.message, "Reconcile failed");
    }
    Outcome {
        word: if problem.reason == Reason::Conflict {
            "conflict"
        } else {
            "failed"
        },
        action: Action::requeue(pause),
    }
}

fn name(sync: &VaultSecretSync) -> String {
    format!(
        "{}/{}",
        sync.metadata.namespace.as_deref().unwrap_or_default(),
        sync.metadata.name.as_deref().unwrap_or_default()
    )
}
