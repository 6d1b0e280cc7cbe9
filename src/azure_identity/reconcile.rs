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
use super::status::{EXPIRING, Look, status};
use super::valid::{Identity, Usable, parse, reference};
use crate::azure::auth::{Token, Want};
use crate::azure::cloud::Cloud;
use crate::azure::cloud::source::Endpoints;
use crate::k8s::api::Kube;
use crate::k8s::conditions::{self, Edge};
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

/// parse (pure) → cloud (mostly known) → token (I/O, mostly from its slot) → status (pure) → written where it differs, Event
/// on an edge.
pub async fn reconcile<I>(identity: Arc<I>, ctx: Arc<Ctx>) -> Action
where
    I: Stored,
{
    let valid = parse(identity.as_ref(), ctx.identities.operator_namespace());
    let usable = match &valid {
        Ok(valid) => ctx.identities.usable(valid.clone()).await,
        Err(problem) => Err(problem.clone()),
    };
    let outcome = match &usable {
        Ok(usable) => {
            let want = Want::ours(usable.profile.cloud.vault_audience.clone());
            ctx.identities.token(usable, &want).await
        }
        Err(problem) => Err(problem.clone()),
    };
    let old = identity.status().cloned().unwrap_or_default();
    let report = valid
        .as_ref()
        .ok()
        .and_then(|valid| ctx.identities.report(valid));
    let look = Look {
        method: valid.as_ref().ok().map(|valid| &valid.method),
        discovered: usable.as_ref().ok().and_then(discovered),
        outcome: outcome.as_deref(),
        report: report.as_ref(),
    };
    let new = status(&old, identity.meta().generation, &look, Timestamp::now());
    let written = if new == old {
        Ok(())
    } else {
        write(identity.as_ref(), &ctx, &old, new).await
    };
    let due = outcome
        .map(|token| until_renewal(&token, Timestamp::now()))
        .and_then(|pause| written.map(|()| pause));
    ctx.metrics
        .reconciled(I::PLURAL, if due.is_ok() { "ready" } else { "failed" });
    next_look(
        &ctx,
        identity.meta().uid.as_deref().unwrap_or_default(),
        &due,
    )
}

/// The cloud, where its Resource Manager told it.
fn discovered(usable: &Usable) -> Option<&Cloud> {
    match usable.valid.cloud.endpoints {
        Endpoints::ToldBy(_) => Some(usable.profile.cloud.as_ref()),
        Endpoints::Given(_) => None,
    }
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
    let alarm = conditions::alarm(&old.conditions, &new.conditions, EXPIRING);
    let mut updated = identity.clone();
    updated.set_status(new);
    let api = I::api(ctx.kube.client(), identity.namespace().as_deref());
    ctx.kube.replace_status(&api, I::PLURAL, &updated).await?;
    for edge in edge.into_iter().chain(alarm) {
        tell(identity, ctx, edge).await;
    }
    Ok(())
}

async fn tell<I: Stored>(identity: &I, ctx: &Ctx, edge: Edge) {
    let key = identity.key();
    if edge.trouble {
        warn!(identity = %key, reason = edge.reason, message = edge.message, "Identity has a problem");
    } else {
        info!(identity = %key, "Identity works again");
    }
    ctx.kube.publish(&reference(identity), edge).await;
}

/// How long until a token that was had is looked at again: until its renewal is due. Where that is past, Entra has not given a
/// new one: then with pauses that grow with the delay, and in time for the end of the old one, which changes the status.
fn until_renewal(token: &Token, now: Timestamp) -> Duration {
    let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
    let since = |at: Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
    let overdue = since(token.refresh_at).min(retry::CEILING);
    let pause = until(token.refresh_at).max(overdue);
    pause
        .min(until(token.expires_at))
        .clamp(SHORTEST, retry::RESYNC)
}

/// When to look again: as the token becomes due for renewal, or as the problem's class says.
fn next_look(ctx: &Ctx, uid: &str, outcome: &Result<Duration, Problem>) -> Action {
    let mut failures = ctx.failures.lock().unwrap_or_else(PoisonError::into_inner);
    let pause = match outcome {
        Ok(pause) => {
            failures.remove(uid);
            *pause
        }
        Err(problem) => {
            let count = failures.entry(uid.to_owned()).or_default();
            *count += 1;
            retry::delay(problem.retry, *count, retry::seed(uid, "identity"))
        }
    };
    Action::requeue(pause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretValue;

    #[test]
    fn a_token_is_looked_at_when_its_renewal_is_due_and_when_it_ends() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let token = Token {
            value: SecretValue::from("t".to_owned()),
            issued_at: at(0),
            expires_at: at(3600),
            refresh_at: at(2880),
        };
        let pause = |now| until_renewal(&token, at(now)).as_secs();
        assert_eq!(pause(0), 2880);
        assert_eq!(pause(2880), 1);
        assert_eq!(pause(2890), 10, "the pauses must grow");
        assert_eq!(pause(3240), 300, "but not beyond the ceiling");
        assert_eq!(pause(3500), 100, "its end was slept over");
        assert_eq!(pause(4000), 1);
    }
}
