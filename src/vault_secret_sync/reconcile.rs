//! The list of steps that keeps a Secret equal to its vault.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::{Api, Resource, ResourceExt};
use tracing::{debug, error, info, warn};

use crate::k8s::conditions;
use crate::k8s::packed::Packed;
use crate::problem::{Problem, Reason};
use crate::retry;
use crate::vault_secret_sync::FINALIZER;
use crate::vault_secret_sync::PLURAL;
use crate::vault_secret_sync::api::{TargetStatus, VaultSecretSync, VaultSecretSyncStatus};
use crate::vault_secret_sync::asking::{Asking, Seen};
use crate::vault_secret_sync::ctx::Ctx;
use crate::vault_secret_sync::due::{Due, Looked, Memory, due, later, next_reconcile};
use crate::vault_secret_sync::expiry;
use crate::vault_secret_sync::items::item::Item;
use crate::vault_secret_sync::lender::{Lender, lender};
use crate::vault_secret_sync::observe;
use crate::vault_secret_sync::plan::claims::Rival;
use crate::vault_secret_sync::plan::{self, Observed};
use crate::vault_secret_sync::push;
use crate::vault_secret_sync::rollout;
use crate::vault_secret_sync::status::{self, Look};
use crate::vault_secret_sync::steps;
use crate::vault_secret_sync::steps::Done;
use crate::vault_secret_sync::target::SecretMeta;
use crate::vault_secret_sync::valid::{Valid, parse, parse_among};
use crate::vault_secret_sync::wants::inputs;
use crate::vault_secret_sync::wants::rejected::Rejected;
use crate::vault_secret_sync::wants::scene::Scene;

/// Pause after somebody else wrote at the same moment: the watch brings the news meanwhile.
const AFTER_CONFLICT: Duration = Duration::from_millis(500);

/// What a reconcile came to.
struct Outcome {
    /// A word for metrics and logs.
    word: &'static str,
    action: Action,
}

/// One reconcile: read from caches, decide whether anything is due, and mostly end there.
pub async fn reconcile(sync: Arc<Packed<VaultSecretSync>>, ctx: Arc<Ctx>) -> Action {
    let sync = match sync.read() {
        Ok(sync) => ctx.newest(Arc::new(sync)),
        Err(error) => {
            error!(sync = ?sync, %error, "A sync cannot be read out of the cache; the next change of it may mend that");
            return Action::await_change();
        }
    };
    let outcome = match run(&sync, &ctx).await {
        Ok(outcome) => outcome,
        Err(problem) => failed(&sync, &ctx, &problem).await,
    };
    ctx.metrics.reconciled(PLURAL, outcome.word);
    debug!(sync = %name(&sync), outcome = outcome.word, "Reconciled");
    outcome.action
}

async fn run(sync: &VaultSecretSync, ctx: &Arc<Ctx>) -> Result<Outcome, Problem> {
    if sync.metadata.deletion_timestamp.is_some() {
        return clean_up(sync, ctx).await;
    }
    // 1. parse (pure), with what KeyVaults tell
    let namespace = sync.metadata.namespace.as_deref().unwrap_or_default();
    let valid = match parse_among(sync, |key_vault| ctx.told(namespace, key_vault)) {
        Ok(valid) => valid,
        Err(problem) => return invalid(sync, ctx, &problem).await,
    };
    if valid.suspend {
        return rest(sync, ctx).await;
    }
    // What is pushed goes its own way, and never waits.
    let pushed = push::steps::turn(ctx, sync, &valid).await?;
    let sync = pushed.as_deref().unwrap_or(sync);
    if valid.reads() {
        mirror(sync, ctx, &valid).await
    } else {
        only_pushes(sync, ctx, &valid).await
    }
}

/// Nothing is read, so there is no Secret. One that an earlier spec wrote is let go, and the status speaks of what is pushed.
async fn only_pushes(sync: &VaultSecretSync, ctx: &Ctx, valid: &Valid) -> Result<Outcome, Problem> {
    let freed = steps::let_go(ctx, sync).await?;
    let sync = freed.as_deref().unwrap_or(sync);
    let old = sync.status.clone().unwrap_or_default();
    let generation = sync.metadata.generation;
    let new = push::alone::status(&old, generation, valid, Timestamp::now());
    write_status(ctx, sync, &old, new).await?;
    // Should something be read again, everything is looked at.
    ctx.forget(sync);
    ctx.log_out(sync);
    Ok(Outcome {
        word: "unchanged",
        action: Action::await_change(),
    })
}

/// Keeps the Secret equal to what it is made of.
async fn mirror(sync: &VaultSecretSync, ctx: &Arc<Ctx>, valid: &Valid) -> Result<Outcome, Problem> {
    // 2. what is known already (caches only)
    let known = ctx
        .secrets
        .get(&valid.namespace, valid.target.name.as_str());
    let followed = follow(sync, ctx, valid, known.as_deref()).await?;
    let sync = followed.as_deref().unwrap_or(sync);
    let Some(lender) = lender(ctx, valid) else {
        return Ok(waiting(ctx, valid));
    };
    let rivals = ctx
        .links
        .rivals(&valid.namespace, valid.target.name.as_str(), &valid.name);
    // 3. what is it about? (pure)
    let old = sync.status.clone().unwrap_or_default();
    let now = Timestamp::now();
    let inputs = lender.inputs(valid, known.as_deref(), &rivals);
    let memory = ctx.recall(&valid.uid).notice(&inputs, now);
    let due = due(&inputs, &memory, &old, now);
    // 4. observe (reads)
    let secret = live(ctx, valid, known.as_ref(), &memory).await?;
    let made_of = inputs::inputs(valid, secret.as_deref());
    let scene = Scene::of(valid, secret.as_deref(), made_of.as_ref(), &rivals);
    let rejected = memory.rejected(&inputs, due);
    let rests = memory.rests(&inputs, now);
    let asking = Asking {
        ctx,
        lender: &lender,
        rejected: &rejected,
        due,
        rests: rests.is_some(),
    };
    let (listings, seen) = asking.all(&scene, &memory);
    let Some(Seen {
        items,
        past,
        mut sight,
    }) = seen
    else {
        ctx.note(&valid.uid, memory.waiting(secret, listings));
        return Ok(waiting(ctx, valid));
    };
    if let Some(next) = rests.filter(|_| !sight.news) {
        return Ok(Outcome {
            word: "not_due",
            action: again(ctx, valid, soonest(ctx, valid, next)),
        });
    }
    // Values are fetched when everything else is there.
    let Some(values) = observe::fetch(ctx, valid) else {
        ctx.note(&valid.uid, memory.waiting(secret, listings));
        return Ok(waiting(ctx, valid));
    };
    sight.objects.extend(values);
    let scene = Scene {
        items: &items,
        past: &past,
        ..scene
    };
    ctx.errands.forget(&observe::ticket(valid));
    // 5. plan (pure)
    let observed = Observed {
        scene,
        objects: &sight.objects,
        rejected: &rejected,
        removal: memory.removal.as_ref(),
    };
    let plan = plan::plan(&observed, now);
    // 6. carry out (writes)
    let mut done = steps::carry_out(ctx, sync, valid, plan).await?;
    let rejected = rejected.after(scene.items, &sight.objects, done.outcomes());
    drop(sight.objects);
    done.problem = done.problem.or_else(|| lender.problem.clone());
    end_logins(ctx, valid, &done);
    // 7. status, memory, and when to come back
    let round = Round {
        ctx,
        sync,
        valid,
        lender: &lender,
        rivals: &rivals,
        secret: secret.as_deref(),
        due,
        items: scene.items,
        looked: (sight.looked, sight.next),
    };
    let mut memory = memory;
    memory.listings = listings;
    round.conclude(&old, done, memory, rejected).await
}

/// What a reconcile was about.
struct Round<'a> {
    ctx: &'a Ctx,
    sync: &'a VaultSecretSync,
    valid: &'a Valid,
    lender: &'a Lender,
    rivals: &'a [Rival],
    /// The Secret as it was before.
    secret: Option<&'a SecretMeta>,
    due: Due,
    items: &'a [Item],
    /// When the vault was looked at, and when it is next.
    looked: (Option<Timestamp>, Option<Timestamp>),
}

impl Round<'_> {
    /// The status (pure), written where it differs; what is remembered, and when to come back.
    async fn conclude(
        &self,
        old: &VaultSecretSyncStatus,
        mut done: Done,
        mut memory: Memory,
        rejected: Rejected,
    ) -> Result<Outcome, Problem> {
        let &Self { ctx, valid, .. } = self;
        let now = Timestamp::now();
        let (looked, next_look) = self.looked;
        let look = done.look(looked, next_look);
        let headline = status::headline(&look);
        let pauses = [Reason::WaitingForWindow, Reason::WaitingForVault];
        let failed = headline.is_some_and(|problem| !pauses.contains(&problem.reason));
        let failures = memory.failures_after(failed, self.due);
        let generation = self.sync.metadata.generation;
        let new = status::status(old, generation, Some(valid), &look, now);
        let next = next_reconcile(valid, &self.came_to(&done, &memory, failures, now), now);
        let ends = expiry::next(&new.keys, valid.expiry_warning, now);
        let next = next.into_iter().chain(ends).min();
        memory.removal = done.removal.take();
        let after = done.secret.as_deref().or(self.secret);
        let inputs = self.lender.inputs(valid, after, self.rivals);
        let remembered = memory.acted(&inputs, next, failures, rejected);
        let secrets = [self.secret, after];
        let (new, owed) = rollout::status::after_look(valid, new, &done.keys, secrets, now);
        write_status(ctx, done.sync.as_deref().unwrap_or(self.sync), old, new).await?;
        ctx.remember(&valid.uid, remembered);
        // A restart that is owed follows at once, when the Secret's record and the status are written.
        let next = owed.then_some(now).or(next);
        let action = again(ctx, valid, soonest(ctx, valid, next));
        Ok(outcome(&done, failures, action))
    }

    fn came_to<'a>(
        &'a self,
        done: &'a Done,
        memory: &Memory,
        failures: u32,
        now: Timestamp,
    ) -> Looked<'a> {
        Looked {
            items: self.items,
            keys: &done.keys,
            inputs: &done.inputs,
            told: &done.told,
            problem: done.problem.as_ref(),
            failures,
            heartbeat: self.ctx.heartbeat,
            before: memory.next.filter(|next| !self.due.again && *next > now),
        }
    }
}

/// Ends the logins that no entry wants any more, once the Secret is as it should be.
fn end_logins(ctx: &Ctx, valid: &Valid, done: &Done) {
    if done.problem.is_none() {
        let logins = valid.items.iter().filter_map(Item::login);
        ctx.logins.keep(&valid.uid, logins);
    }
}

/// The Secret's metadata: as it is known, or as it was read while an answer was waited for, else by one read.
async fn live(
    ctx: &Ctx,
    valid: &Valid,
    known: Option<&Arc<SecretMeta>>,
    memory: &Memory,
) -> Result<Option<Arc<SecretMeta>>, Problem> {
    match (known, &memory.live) {
        (Some(known), _) => Ok(Some(Arc::clone(known))),
        (None, Some(live)) => Ok(live.clone()),
        (None, None) => observe::secret(ctx, &valid.namespace, valid.target.name.as_str()).await,
    }
}

/// Restarts workloads where what the Secret holds has changed. Before the look, so that no change is overwritten before it was
/// acted upon. Gives back the sync where it was written.
async fn follow(
    sync: &VaultSecretSync,
    ctx: &Ctx,
    valid: &Valid,
    secret: Option<&SecretMeta>,
) -> Result<Option<Arc<VaultSecretSync>>, Problem> {
    let Some(followed) = rollout::steps::follow(ctx, sync, valid, secret).await else {
        return Ok(None);
    };
    let old = sync.status.clone().unwrap_or_default();
    let written = write_status(ctx, sync, &old, followed.status).await?;
    ctx.set_pace(&valid.uid, followed.pace);
    Ok(written)
}

/// The sooner of two: what the sync has to do, and unfinished rollouts.
fn soonest(ctx: &Ctx, valid: &Valid, next: Option<Timestamp>) -> Option<Timestamp> {
    next.into_iter().chain(ctx.pace(&valid.uid).next).min()
}

fn waiting(ctx: &Ctx, valid: &Valid) -> Outcome {
    Outcome {
        word: "waiting",
        action: again(ctx, valid, soonest(ctx, valid, None)),
    }
}

/// Comes back at a time, or when something changes. A time that is far away is no matter of the queue's, where each takes more
/// memory than all else that is remembered.
fn again(ctx: &Ctx, valid: &Valid, next: Option<Timestamp>) -> Action {
    let (pause, alarm) = later(next, Timestamp::now());
    ctx.set_alarm(&valid.uid, alarm);
    pause.map_or_else(Action::await_change, Action::requeue)
}

fn outcome(done: &Done, failures: u32, action: Action) -> Outcome {
    let word = match (failures, done.wrote) {
        (0, true) => "written",
        (0, false) => "unchanged",
        _ => "degraded",
    };
    Outcome { word, action }
}

async fn write_status(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    old: &VaultSecretSyncStatus,
    new: VaultSecretSyncStatus,
) -> Result<Option<Arc<VaultSecretSync>>, Problem> {
    if !status::differs(old, &new, ctx.heartbeat) {
        return Ok(None);
    }
    let told = ["Synced", rollout::CONDITION];
    let edges = told.map(|type_| conditions::edge(&old.conditions, &new.conditions, type_));
    let alarm = conditions::alarm(&old.conditions, &new.conditions, expiry::CONDITION);
    let updated = VaultSecretSync {
        status: Some(new),
        ..sync.clone()
    };
    let api = Api::namespaced(ctx.kube.client(), &sync.namespace().unwrap_or_default());
    let written = ctx.wrote(ctx.kube.replace_status(&api, PLURAL, &updated).await?);
    for edge in edges.into_iter().flatten().chain(alarm) {
        if edge.trouble {
            warn!(sync = %name(sync), reason = edge.reason, message = edge.message, "Sync has a problem");
        } else {
            info!(sync = %name(sync), "Sync works again");
        }
        ctx.kube.publish(&written.object_ref(&()), edge).await;
    }
    Ok(Some(written))
}

/// Says what is wrong with a sync whose vault was not looked at.
async fn say(sync: &VaultSecretSync, ctx: &Ctx, problem: &Problem) -> Result<(), Problem> {
    let old = sync.status.clone().unwrap_or_default();
    let look = Look {
        keys: None,
        told: &[],
        problem: Some(problem),
        wrote: false,
        looked: None,
        next: None,
    };
    let new = status::status(
        &old,
        sync.metadata.generation,
        None,
        &look,
        Timestamp::now(),
    );
    write_status(ctx, sync, &old, new).await.map(drop)
}

async fn invalid(sync: &VaultSecretSync, ctx: &Ctx, problem: &Problem) -> Result<Outcome, Problem> {
    say(sync, ctx, problem).await?;
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
    ctx.forget(sync);
    Ok(Outcome {
        word: "suspended",
        action: Action::await_change(),
    })
}

/// Undoes what ownership does not. No vault and no server is waited for, so none can hold a deletion up.
async fn clean_up(sync: &VaultSecretSync, ctx: &Ctx) -> Result<Outcome, Problem> {
    ctx.forget(sync);
    ctx.log_out(sync);
    let mut bare = None;
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
            .filter(|target| target.ownership == crate::vault_secret_sync::api::Ownership::Merge)
        {
            steps::release(ctx, sync, target).await?;
        }
        bare = Some(steps::set_finalizer(ctx, sync, false).await?);
    }
    push::steps::leave(ctx, bare.as_ref().unwrap_or(sync)).await?;
    Ok(Outcome {
        word: "deleted",
        action: Action::await_change(),
    })
}

/// A step that failed in Kubernetes. Nothing is remembered, so the next try does all of it.
async fn failed(sync: &VaultSecretSync, ctx: &Ctx, problem: &Problem) -> Outcome {
    if problem.reason == Reason::Conflict {
        return Outcome {
            word: "conflict",
            action: Action::requeue(AFTER_CONFLICT),
        };
    }
    // This process does not lead any more, and writes nothing.
    if problem.reason == Reason::NotLeading {
        return Outcome {
            word: "waiting",
            action: Action::requeue(retry::delay(problem.retry, 1, 0)),
        };
    }
    warn!(sync = %name(sync), reason = %problem.reason, message = problem.message, "Reconcile failed");
    // A missing permission is the administrator's to mend, who reads conditions. Where the status cannot be written either,
    // the log has said it.
    if problem.reason == Reason::KubernetesForbidden {
        drop(say(sync, ctx, problem).await);
    }
    let uid = sync.metadata.uid.as_deref().unwrap_or_default();
    let pause = retry::delay(problem.retry, ctx.stumbled(uid), retry::seed(uid, "failed"));
    Outcome {
        word: "failed",
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
