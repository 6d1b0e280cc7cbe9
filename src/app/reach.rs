//! How the API server is reached: one client for the work, behind the fence, and one for the lease.

use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::client::ClientBuilder;
use kube::{Client, Config};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;
use uuid::Uuid;

use super::RunArgs;
use super::lead::Leadership;
use crate::lease::decide::TIMING;
use crate::lease::fence::Fence;
use crate::lease::keeper::{Keeper, Stake};
use crate::lease::layer::Fenced;
use crate::telemetry::metrics::Metrics;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The ways to the API server.
pub(super) struct Reach {
    /// For all reads and writes.
    pub(super) client: Client,
    /// The operator's own namespace.
    pub(super) namespace: String,
    /// The name of this process.
    pub(super) instance: String,
    lease: Option<(Client, Stake)>,
}

impl Reach {
    /// Finds the cluster. Neither client repeats a call by itself.
    pub(super) async fn find(args: &RunArgs, fence: &Fence) -> Result<Self, String> {
        let instance = args.pod_name.clone();
        let instance = instance.or_else(|| std::env::var("HOSTNAME").ok());
        let instance = instance.unwrap_or_else(|| "lakevault".to_owned());
        let mut config = Config::infer()
            .await
            .map_err(|error| format!("failed to find a cluster: {error}"))?;
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        let agent = format!("lakevault/{} ({instance})", env!("CARGO_PKG_VERSION"));
        if let Ok(agent) = HeaderValue::from_str(&agent) {
            config.headers.push((USER_AGENT, agent));
        }
        let namespace = args.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
        let lease = if args.leader_elect {
            let mut config = config.clone();
            config.connect_timeout = Some(TIMING.call);
            let stake = Stake {
                namespace: args
                    .lease_namespace
                    .clone()
                    .unwrap_or_else(|| namespace.clone()),
                name: args.lease_name.clone(),
                me: format!("{instance}_{}", Uuid::new_v4().simple()),
            };
            // The lease is what raises the fence.
            Some((client(config, &Fence::none())?, stake))
        } else {
            None
        };
        Ok(Self {
            client: client(config, fence)?,
            namespace,
            instance,
            lease,
        })
    }

    /// What this process has to do before it may write.
    pub(super) fn leadership(&self, fence: &Fence, metrics: &Metrics) -> Leadership {
        let keeper = self
            .lease
            .clone()
            .map(|(client, stake)| Keeper::new(client, stake, fence.clone(), metrics.clone()));
        Leadership::new(keeper, fence.clone(), metrics.clone())
    }
}

/// A client whose writes pass the fence.
fn client(config: Config, fence: &Fence) -> Result<Client, String> {
    let builder = ClientBuilder::try_from(config)
        .map_err(|error| format!("failed to build the Kubernetes client: {error}"))?;
    Ok(builder.with_layer(&Fenced(fence.clone())).build())
}

pub(super) fn stop_on_signals(stop: &CancellationToken) -> Result<(), String> {
    let named = |error: std::io::Error| format!("failed to listen for signals: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(named)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(named)?;
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => info!("SIGTERM"),
            _ = interrupt.recv() => info!("SIGINT"),
        }
        stop.cancel();
    });
    Ok(())
}
