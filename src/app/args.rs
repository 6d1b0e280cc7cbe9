//! The arguments of `lakevault run`.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::azure::http::HttpOptions;
use crate::hub::session::Limits;
use crate::k8s::scope::Scope;
use crate::lease::fence::Fence;
use crate::telemetry::logs::LogFormat;
use crate::telemetry::traces::Traces;

/// How the operator runs.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, env = "LAKEVAULT_HTTP_ADDRESS", default_value = "0.0.0.0:8080")]
    pub http_address: SocketAddr,

    /// The operator's own namespace: credentials of `ClusterAzureIdentities` live there. Default: that of the pod.
    #[arg(long, env = "LAKEVAULT_NAMESPACE")]
    pub namespace: Option<String>,

    /// Namespaces to serve, separated by commas. Default: all of them. With this, `ClusterAzureIdentities` are not served, and Roles in
    /// these namespaces are all the rights that are needed.
    #[arg(long, env = "LAKEVAULT_WATCH_NAMESPACES", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,

    /// Format of the log.
    #[arg(long, env = "LAKEVAULT_LOG_FORMAT", value_enum, default_value = "json")]
    pub log_format: LogFormat,

    /// Level of the log, or a filter such as info,lakevault=debug.
    #[arg(long, env = "LAKEVAULT_LOG_LEVEL", default_value = "info")]
    pub log_level: String,

    /// Where traces are sent, by OTLP over HTTP (protobuf): the collector's base URL, such as <http://collector:4318>. Default: none are
    /// made. The other OTEL_ variables of the standard count, too.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// A PEM file with root certificates to trust besides the system's.
    #[arg(long, env = "LAKEVAULT_CA_FILE")]
    pub ca_file: Option<PathBuf>,

    /// A file like /etc/hosts for Azure's names, where an address may carry a port. Names in it are not looked up elsewhere.
    #[arg(long, env = "LAKEVAULT_HOSTS_FILE")]
    pub hosts_file: Option<PathBuf>,

    /// Requests that are under way at once between one identity and one vault.
    #[arg(long, env = "LAKEVAULT_VAULT_CONCURRENCY", default_value_t = 32)]
    pub vault_concurrency: usize,

    /// Requests that one identity may send one vault in a burst. Azure lets a vault have 4,000 in 10 seconds from everybody.
    #[arg(long, env = "LAKEVAULT_VAULT_BURST", default_value_t = 3000)]
    pub vault_burst: u32,

    /// Requests a second that one identity may send one vault after a burst.
    #[arg(long, env = "LAKEVAULT_VAULT_RATE", default_value_t = 100)]
    pub vault_rate: u32,

    /// How often a status is written because its times alone have changed, at most. 0s: never.
    #[arg(long, env = "LAKEVAULT_STATUS_HEARTBEAT", default_value = "1h")]
    pub status_heartbeat: kube::core::Duration,

    /// Whether replicas agree by a Lease on the one that writes; the others stand by with filled caches. Without, this must be the
    /// only process.
    #[arg(long, env = "LAKEVAULT_LEADER_ELECT", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub leader_elect: bool,

    /// Name of that Lease.
    #[arg(long, env = "LAKEVAULT_LEASE_NAME", default_value = "lakevault")]
    pub lease_name: String,

    /// Namespace of that Lease. Default: the operator's own.
    #[arg(long, env = "POD_NAMESPACE")]
    pub lease_namespace: Option<String>,

    /// Name of this process in the Lease, in Events and in the API server's logs. Default: that of the host, which is the pod's.
    #[arg(long, env = "POD_NAME")]
    pub pod_name: Option<String>,

    /// Syncs that are worked on at once.
    #[arg(long, env = "LAKEVAULT_CONCURRENCY", default_value_t = 64)]
    pub concurrency: u16,
}

impl RunArgs {
    /// How Azure is reached.
    pub fn http(&self) -> HttpOptions {
        HttpOptions {
            ca_file: self.ca_file.clone(),
            hosts_file: self.hosts_file.clone(),
        }
    }

    /// Traces, where they are asked for.
    pub fn traces(&self, runtime: &tokio::runtime::Handle) -> Result<Option<Traces>, String> {
        Traces::start(self.otlp_endpoint.as_deref(), &self.http(), runtime)
    }

    /// Where objects are served.
    pub(super) fn scope(&self) -> Scope {
        let named = self.watch_namespaces.iter().map(|name| name.trim());
        Scope::new(
            named
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// What every effect passes.
    pub(super) fn fence(&self) -> Fence {
        if self.leader_elect {
            Fence::shut()
        } else {
            Fence::none()
        }
    }

    /// What a session with a vault may take.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            concurrency: self.vault_concurrency,
            burst: self.vault_burst,
            rate: self.vault_rate,
        }
    }
}
