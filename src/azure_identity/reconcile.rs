//! Keeps an identity's status true, and its vault token warm.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::{Api, Client, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{info, warn};

use super::api::{AzureIdentity, AzureIdentityStatus, ClusterAzureIdentity};
use super::identities::Identities;
use super::status::status;
use super::valid::{Identity, parse, reference};
use crate::k8s::api::Kube;
use crate::k8s::conditions;
use crate::problem::Problem;
use crate::retry;
use crate::telemetry::metrics::Metrics;

/// A renewal under way needs a moment before the slot is looked at again.
const SHORTEST: Duration = Duration::from_secs(1);

/// An identity that can be written.
pub trait Stored: Identity + Serialize + DeserializeOwned + Debug {
    /// The API that it is written through.
    fn api(client: Client, namespace: Option<&str>) -> Api<Self>;
}

impl Stored for AzureIdentity {
    fn api(client: Client, namespace: Option<&str>) -> Api<Self> {
        Api::namespaced(client, namespace.unwrap_or_default())
    }
}

impl Stored for ClusterAzureIdentity {
    fn api(client: Client, _: Option<&str>) -> Api<Self> {
        Api::all(client)
    }
}

/// What reconciling identities needs.
pub struct Ctx {
    /// The identities.
    pub identities: Arc<Identities>,
    /// The door to the API server.
    pub kube: Kube,
    /// Metrics.
    pub metrics: Metrics,
    /// Failures in a row, by uid.
    pub failures: Mutex<BTreeMap<String, u32>>,
}

/// parse (pure) → token (I/O, mostly from its slot) → status (pure) → written where it differs, Event on an edge.
pub async fn reconcile<I>(identity: Arc<I>, ctx: Arc<Ctx>) -> Action
where
    I: Stored,
{
    let valid = parse(identity.as_ref(), ctx.identities.operator_namespace());
    let outcome = match &valid {
        Ok(valid) => {
            ctx.identities
                .token(valid, &valid.profile.cloud.vault_scope())
                .await
        }
        Err(problem) => Err(problem.clone()),
    };
    let old = identity.status().cloned().unwrap_or_default();
    let method = valid.as_ref().ok().map(|valid| &valid.method);
    let new = status(
        &old,
        identity.meta().generation,
        method,
        outcome.as_ref(),
        Timestamp::now(),
    );
    let written = if new == old {
        Ok(())
    } else {
        write(identity.as_ref(), &ctx, &old, new).await
    };
    let due = outcome
        .map(|token| token.refresh_at)
        .and_then(|at| written.map(|()| at));
    ctx.metrics
        .reconciled(I::PLURAL, if due.is_ok() { "ready" } else { "failed" });
    next_look(
        &ctx,
        identity.meta().uid.as_deref().unwrap_or_default(),
        &due,
    )
}

async fn write<I>(
    identity: &I,
    ctx: &Ctx,
    old: &AzureIdentityStatus,
    new: AzureIdentityStatus,
) -> Result<(), Problem>
where
    I: Stored,
{
    let edge = conditions::edge(&old.conditions, &new.conditions, "Ready");
    let mut updated = identity.clone();
    updated.set_status(new);
    let api = I::api(ctx.kube.client(), identity.namespace().as_deref());
    ctx.kube.replace_status(&api, I::PLURAL, &updated).await?;
    let Some(edge) = edge else { return Ok(()) };
    let key = identity.key();
    if edge.trouble {
        warn!(identity = %key, reason = edge.reason, message = edge.message, "Identity has a problem");
    } else {
        info!(identity = %key, "Identity works again");
    }
    ctx.kube.publish(&reference(identity), edge).await;
    Ok(())
}

/// When to look again: as the token becomes due for renewal, or as the problem's class says.
fn next_look(ctx: &Ctx, uid: &str, outcome: &Result<Timestamp, Problem>) -> Action {
    let mut failures = ctx.failures.lock().unwrap_or_else(PoisonError::into_inner);
    let pause = match outcome {
        Ok(refresh_at) => {
            failures.remove(uid);
            let left = Duration::try_from(refresh_at.duration_since(Timestamp::now()));
            let left = left.unwrap_or_default();
            left.max(SHORTEST).min(retry::RESYNC)
        }
        Err(problem) => {
            let count = failures.entry(uid.to_owned()).or_default();
            *count += 1;
            retry::delay(problem.retry, *count, retry::seed(uid, "identity"))
        }
    };
    Action::requeue(pause)
}
