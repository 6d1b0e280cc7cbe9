//! Metrics. Label sets are words of fixed sets, and hosts up to a bound: no object name, no value.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::figures::Source;
use super::spans;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    host: String,
    operation: &'static str,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KubernetesCall {
    verb: &'static str,
    resource: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reconcile {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Rollout {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LeaseCall {
    what: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// All metrics. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    azure_calls: Family<Call, Counter>,
    azure_seconds: Family<Operation, Histogram, fn() -> Histogram>,
    azure_spared: Family<Operation, Counter>,
    kubernetes_calls: Family<KubernetesCall, Counter>,
    reconciles: Family<Reconcile, Counter>,
    objects: Family<Kind, Gauge>,
    drift_repaired: Counter,
    hosts: Arc<Mutex<BTreeSet<String>>>,
    figures: Source,
    rollouts: Family<Rollout, Counter>,
    leader: Gauge,
    lease_epoch: Gauge,
    lease_requests: Family<LeaseCall, Counter>,
}

/// Hosts that are told by name; what more there are is told as one, since users name vaults.
const HOSTS: usize = 300;

fn seconds() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0,
    ])
}

impl Default for Metrics {
    fn default() -> Self {
        let azure_calls = Family::<Call, Counter>::default();
        let azure_seconds =
            Family::<Operation, Histogram, fn() -> Histogram>::new_with_constructor(seconds);
        let azure_spared = Family::<Operation, Counter>::default();
        let kubernetes_calls = Family::<KubernetesCall, Counter>::default();
        let reconciles = Family::<Reconcile, Counter>::default();
        let objects = Family::<Kind, Gauge>::default();
        let drift_repaired = Counter::default();
        let rollouts = Family::<Rollout, Counter>::default();
        let mut registry = Registry::with_prefix("lakevault");
        registry.register(
            "azure_requests",
            "Requests to Azure by operation and outcome",
            azure_calls.clone(),
        );
        let figures = Source::default();
        registry.register_collector(Box::new(figures.clone()));
        registry.register(
            "azure_request_duration_seconds",
            "Duration of requests to Azure",
            azure_seconds.clone(),
        );
        registry.register(
            "azure_spared",
            "Requests to Azure Resource Manager that were put off to keep below its limits",
            azure_spared.clone(),
        );
        registry.register(
            "kubernetes_requests",
            "Reads and writes of the API server",
            kubernetes_calls.clone(),
        );
        registry.register(
            "reconciles",
            "Reconciles by kind and outcome",
            reconciles.clone(),
        );
        registry.register("objects", "Custom resources known", objects.clone());
        registry.register(
            "drift_repaired",
            "Secrets that were changed by others and set right",
            drift_repaired.clone(),
        );
        registry.register(
            "rollouts",
            "Restarts of workloads by what came of them",
            rollouts.clone(),
        );
        let leader = Gauge::default();
        registry.register(
            "leader",
            "Whether this process leads: 1 for the one replica that writes",
            leader.clone(),
        );
        let lease_epoch = Gauge::default();
        registry.register(
            "lease_epoch",
            "How often the lease had changed hands when this process took it",
            lease_epoch.clone(),
        );
        let lease_requests = Family::<LeaseCall, Counter>::default();
        registry.register(
            "lease_requests",
            "Reads and writes of the lease",
            lease_requests.clone(),
        );
        Self {
            registry: Arc::new(registry),
            azure_calls,
            azure_seconds,
            azure_spared,
            kubernetes_calls,
            reconciles,
            objects,
            drift_repaired,
            hosts: Arc::default(),
            figures,
            rollouts,
            leader,
            lease_epoch,
            lease_requests,
        }
    }
}

impl Metrics {
    /// What is counted when metrics are asked for.
    pub fn figures(&self) -> &Source {
        &self.figures
    }

    /// Counts a request to a host of Azure; `outcome` is an HTTP status or a reason.
    pub fn azure_call(&self, host: &str, operation: &'static str, outcome: String, took: Duration) {
        self.azure_calls
            .get_or_create(&Call {
                host: self.bounded(host),
                operation,
                status: outcome,
            })
            .inc();
        self.azure_seconds
            .get_or_create(&Operation { operation })
            .observe(took.as_secs_f64());
    }

    /// Counts a request that was put off to keep below Azure's limits.
    pub fn azure_spared(&self, operation: &'static str) {
        self.azure_spared
            .get_or_create(&Operation { operation })
            .inc();
    }

    /// The name of a host, if it is among the first so many.
    fn bounded(&self, host: &str) -> String {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if !hosts.contains(host) {
            if hosts.len() >= HOSTS {
                return "others".to_owned();
            }
            hosts.insert(host.to_owned());
        }
        host.to_owned()
    }

    /// Counts a request to the API server.
    pub fn kubernetes_call(&self, verb: &'static str, resource: &'static str, succeeded: bool) {
        let outcome = if succeeded { "ok" } else { "error" };
        self.kubernetes_calls
            .get_or_create(&KubernetesCall {
                verb,
                resource,
                outcome,
            })
            .inc();
    }

    /// Counts a reconcile; `outcome` is a word of a fixed set.
    pub fn reconciled(&self, kind: &'static str, outcome: &'static str) {
        self.reconciles
            .get_or_create(&Reconcile { kind, outcome })
            .inc();
        spans::outcome(outcome);
    }

    /// Sets how many objects of a kind there are.
    pub fn objects(&self, kind: &'static str, count: usize) {
        self.objects
            .get_or_create(&Kind { kind })
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a Secret that was set right.
    pub fn drift_repaired(&self) {
        self.drift_repaired.inc();
    }

    /// Counts what came of a workload's restart; `result` is a word of a fixed set.
    pub fn rolled_out(&self, result: &'static str) {
        self.rollouts.get_or_create(&Rollout { result }).inc();
    }

    /// Sets whether this process leads.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// Sets how often the lease had changed hands when it was taken.
    pub fn lease_epoch(&self, epoch: u64) {
        self.lease_epoch
            .set(i64::try_from(epoch).unwrap_or(i64::MAX));
    }

    /// Counts a call about the lease; both are words of fixed sets.
    pub fn lease_request(&self, what: &'static str, outcome: &'static str) {
        self.lease_requests
            .get_or_create(&LeaseCall { what, outcome })
            .inc();
    }

    /// All of it in the `OpenMetrics` text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => format!("# failed to encode: {error}\n"),
        }
    }
}
