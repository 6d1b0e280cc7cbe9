//! Carries a plan out. Each step is one write that may be repeated, and that fails rather than overwrite what it was not
//! planned on.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use tracing::info;
use zeroize::Zeroize;

use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::vault_secret_sync::FINALIZER;
use crate::vault_secret_sync::PLURAL;
use crate::vault_secret_sync::api::{DeletionPolicy, Ownership, TargetStatus, VaultSecretSync};
use crate::vault_secret_sync::ctx::Ctx;
use crate::vault_secret_sync::field_manager;
use crate::vault_secret_sync::items::found::Told;
use crate::vault_secret_sync::plan::dress::Write;
use crate::vault_secret_sync::plan::made::Waiting;
use crate::vault_secret_sync::plan::{KeyPlan, Plan, Removal, over_limit};
use crate::vault_secret_sync::status::Look;
use crate::vault_secret_sync::target::{SecretMeta, written_by_one};
use crate::vault_secret_sync::valid::Valid;
use crate::vault_secret_sync::wants::rejected::Outcomes;

/// A Secret on its way to the API server: its values are wiped when it goes.
pub(crate) struct Outgoing(pub(crate) Secret);

impl Drop for Outgoing {
    fn drop(&mut self) {
        for value in self.0.data.iter_mut().flatten().map(|(_, value)| value) {
            value.0.zeroize();
        }
    }
}

/// What the steps came to.
pub struct Done {
    /// How each key stands.
    pub keys: Vec<KeyPlan>,
    /// How each value stands that is only what templates are made of.
    pub inputs: Vec<KeyPlan>,
    /// What was given and is not in the Secret yet.
    pub waiting: Waiting,
    /// What is wrong with sources, and with no single key.
    pub told: Vec<Told>,
    /// What waits for a second look before it is removed.
    pub removal: Option<Removal>,
    /// What is wrong with the whole.
    pub problem: Option<Problem>,
    /// Whether the Secret was written.
    pub wrote: bool,
    /// The Secret after the write.
    pub secret: Option<Arc<SecretMeta>>,
    /// The sync, where a step wrote it.
    pub sync: Option<Arc<VaultSecretSync>>,
}

impl Done {
    /// As memory sees it.
    pub fn outcomes(&self) -> Outcomes<'_> {
        Outcomes {
            keys: &self.keys,
            inputs: &self.inputs,
            told: &self.told,
            problem: self.problem.as_ref(),
            waiting: &self.waiting,
        }
    }

    /// As the status sees it.
    pub fn look(&self, looked: Option<Timestamp>, next: Option<Timestamp>) -> Look<'_> {
        Look {
            looked,
            keys: Some(&self.keys),
            told: &self.told,
            problem: self.problem.as_ref(),
            wrote: self.wrote,
            next,
        }
    }
}

/// Finalizer first, then the Secret, then what is let go, then a finalizer that is not needed any more.
pub async fn carry_out(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    valid: &Valid,
    plan: Plan,
) -> Result<Done, Problem> {
    let mut done = Done {
        keys: plan.keys,
        inputs: plan.inputs,
        waiting: plan.waiting,
        told: plan.told,
        removal: plan.removal,
        problem: plan.blocked,
        wrote: false,
        secret: None,
        sync: None,
    };
    let has = sync.finalizers().iter().any(|name| name == FINALIZER);
    let wants = wants_finalizer(valid);
    let touches = plan.write.is_some() || done.keys.iter().any(|key| key.held.is_some());
    if wants && !has && touches {
        done.sync = Some(ctx.wrote(set_finalizer(ctx, sync, true).await?));
    }
    if let Some(write) = plan.write {
        match apply(ctx, valid, write).await {
            Ok(secret) => {
                info!(sync = %valid.name, secret = %valid.target.name, repaired = plan.repairs, "Secret written");
                if plan.repairs {
                    ctx.metrics.drift_repaired();
                }
                (done.wrote, done.secret) = (true, Some(secret));
            }
            Err(problem) if is_nobodys(&problem) => return Err(problem),
            Err(problem) => {
                done.keys = done.keys.into_iter().map(KeyPlan::unwritten).collect();
                done.problem = Some(problem);
            }
        }
    }
    let whole = done.problem.is_none() && done.keys.iter().all(|key| key.version.is_some());
    if let Some(left) = left_behind(sync, valid).filter(|_| whole) {
        release(ctx, sync, left).await?;
    }
    if has && !wants && whole {
        done.sync = Some(ctx.wrote(set_finalizer(ctx, sync, false).await?));
    }
    Ok(done)
}

/// Whether a write was not made for a reason that is neither the sync's nor the Secret's.
fn is_nobodys(problem: &Problem) -> bool {
    matches!(problem.reason, Reason::Conflict | Reason::NotLeading)
}

/// The Secret that an earlier spec wrote and this one does not, or writes in another way.
fn left_behind<'a>(sync: &'a VaultSecretSync, valid: &Valid) -> Option<&'a TargetStatus> {
    let target = sync.status.as_ref()?.target.as_ref()?;
    (target.name != valid.target.name.as_str()).then_some(target)
}

/// Writes the Secret. What comes back is its metadata after the write.
pub async fn apply(ctx: &Ctx, valid: &Valid, write: Write) -> Result<Arc<SecretMeta>, Problem> {
    let (namespace, name) = (valid.namespace.as_str(), valid.target.name.as_str());
    let kept = kept(ctx, valid, &write).await?;
    let values = write.fresh.iter().chain(&kept);
    if let Some(problem) = over_limit(valid, values.clone().map(|(_, value)| value.len()).sum()) {
        return Err(problem);
    }
    let data = values
        .map(|(key, value)| (key.clone(), ByteString(value.expose().to_vec())))
        .collect();
    // A Secret that cannot be changed is made anew. All that it will hold is here.
    if let Some(uid) = &write.anew {
        remove(ctx, namespace, name, (uid, write.on_version.as_deref())).await?;
    }
    let on_version = write.on_version.filter(|_| write.anew.is_none());
    // One that appeared in between is somebody else's: without force its fields are not taken.
    let force = on_version.is_some();
    let secret = Outgoing(Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            resource_version: on_version,
            labels: Some(write.labels),
            annotations: Some(write.annotations),
            owner_references: write.owner.map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(data),
        immutable: write.immutable.then_some(true),
        type_: write.type_,
        ..Secret::default()
    });
    let manager = field_manager(&valid.name);
    let written = ctx
        .kube
        .apply_secret(namespace, name, &manager, force, &secret.0)
        .await?;
    if !force && !written_by_one(&written.metadata, &manager) {
        // It appeared in between, and no field of it stood against ours: what was put into it is taken back.
        withdraw(
            ctx,
            namespace,
            &valid.name,
            name,
            &SecretMeta::read(&written),
        )
        .await?;
        return Err(just_changed(name));
    }
    Ok(ctx.secrets.wrote(&written))
}

/// Deletes a Secret as it was seen. One that somebody holds back by a finalizer is waited for.
async fn remove(
    ctx: &Ctx,
    namespace: &str,
    name: &str,
    (uid, version): (&str, Option<&str>),
) -> Result<(), Problem> {
    ctx.kube
        .delete_secret(namespace, name, uid, version)
        .await?;
    match ctx.kube.secret_metadata(namespace, name).await? {
        Some(_) => Err(just_changed(name)),
        None => Ok(()),
    }
}

fn just_changed(name: &str) -> Problem {
    let message = format!("Secret {name} has just been changed by somebody else");
    Problem::new(Reason::Conflict, Retry::Backoff, message)
}

/// Takes all of our fields out of a Secret, and no others, by an apply that holds nothing. The maps are there but empty: where
/// one is left out, the API server drops it with all that no manager claims, and what was written by way of stringData is
/// claimed by none.
async fn withdraw(
    ctx: &Ctx,
    namespace: &str,
    sync: &str,
    name: &str,
    secret: &SecretMeta,
) -> Result<(), Problem> {
    let nothing = Secret {
        data: Some(BTreeMap::new()),
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            uid: Some(secret.uid.clone()),
            resource_version: Some(secret.version.clone()),
            labels: Some(BTreeMap::new()),
            annotations: Some(BTreeMap::new()),
            ..ObjectMeta::default()
        },
        ..Secret::default()
    };
    let manager = field_manager(sync);
    let applied = ctx
        .kube
        .apply_secret(namespace, name, &manager, true, &nothing)
        .await;
    applied.map(|_| ())
}

/// The last good values that stay, read from the Secret as it was when the plan was made.
async fn kept(
    ctx: &Ctx,
    valid: &Valid,
    write: &Write,
) -> Result<BTreeMap<String, SecretValue>, Problem> {
    if write.keep.is_empty() {
        return Ok(BTreeMap::new());
    }
    let name = valid.target.name.as_str();
    let changed = || just_changed(name);
    let live = ctx
        .kube
        .secret(&valid.namespace, name)
        .await?
        .ok_or_else(changed)?;
    if live.metadata.resource_version != write.on_version {
        return Err(changed());
    }
    let mut data = live.data.unwrap_or_default();
    let kept = write
        .keep
        .iter()
        .map(|key| {
            Some((
                key.clone(),
                SecretValue::new(std::mem::take(&mut data.get_mut(key)?.0)),
            ))
        })
        .collect::<Option<BTreeMap<_, _>>>();
    for value in data.values_mut() {
        value.0.zeroize();
    }
    kept.ok_or_else(changed)
}

/// Lets go of a Secret that the sync wrote: it goes, or our keys in it go, or it stays, as its policy says. Only what is
/// still ours is touched, by uid.
pub async fn release(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    target: &TargetStatus,
) -> Result<(), Problem> {
    let (namespace, name) = (
        sync.metadata.namespace.as_deref(),
        sync.metadata.name.as_deref(),
    );
    let (namespace, name) = (namespace.unwrap_or_default(), name.unwrap_or_default());
    if target.deletion_policy == DeletionPolicy::Retain {
        return Ok(());
    }
    let live = ctx.kube.secret_metadata(namespace, &target.name).await?;
    let Some(secret) = live
        .map(|secret| SecretMeta::read(&secret))
        .filter(|secret| secret.share(name).is_some())
    else {
        return Ok(());
    };
    match target.ownership {
        Ownership::Own => {
            let ours = secret
                .facts
                .controller
                .as_ref()
                .map(|controller| &controller.uid)
                == sync.metadata.uid.as_ref();
            if ours {
                ctx.kube
                    .delete_secret(namespace, &target.name, &secret.uid, None)
                    .await
            } else {
                Ok(())
            }
        }
        Ownership::Merge => withdraw(ctx, namespace, name, &target.name, &secret).await,
    }
}

/// Lets go of everything about a Secret: the sync reads nothing any more. What comes back is the sync where it was written.
pub async fn let_go(
    ctx: &Ctx,
    sync: &VaultSecretSync,
) -> Result<Option<Arc<VaultSecretSync>>, Problem> {
    let target = sync
        .status
        .as_ref()
        .and_then(|status| status.target.as_ref());
    if let Some(target) = target {
        release(ctx, sync, target).await?;
    }
    if !sync.finalizers().iter().any(|name| name == FINALIZER) {
        return Ok(None);
    }
    let freed = set_finalizer(ctx, sync, false).await?;
    Ok(Some(ctx.wrote(freed)))
}

/// Whether deletion of the sync has something to undo that ownership does not.
pub fn wants_finalizer(valid: &Valid) -> bool {
    valid.target.ownership == Ownership::Merge
        && valid.target.deletion_policy == DeletionPolicy::Delete
}

/// Sets or removes our finalizer. What comes back is the object after the write.
pub async fn set_finalizer(
    ctx: &Ctx,
    sync: &VaultSecretSync,
    wanted: bool,
) -> Result<VaultSecretSync, Problem> {
    let meta = &sync.metadata;
    let mut finalizers: Vec<String> = meta
        .finalizers
        .iter()
        .flatten()
        .filter(|name| *name != FINALIZER)
        .cloned()
        .collect();
    if wanted {
        finalizers.push(FINALIZER.to_owned());
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (namespace, name, version) = (
        text(&meta.namespace),
        text(&meta.name),
        text(&meta.resource_version),
    );
    ctx.kube
        .set_finalizers(PLURAL, &namespace, &name, &version, &finalizers)
        .await
}
