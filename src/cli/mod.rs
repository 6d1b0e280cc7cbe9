//! The command line.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use kube::CustomResourceExt;

use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity};
use crate::telemetry::logs::LogFormat;
use crate::vault_secret_sync::api::VaultSecretSync;
use crate::{app, azure::http::HttpOptions};

/// Mirrors Azure Key Vault into Kubernetes Secrets.
#[derive(Debug, Parser)]
#[command(name = "lakevault", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator until SIGTERM.
    Run(RunArgs),
    /// Print the `CustomResourceDefinitions` as YAML.
    Crds,
}

/// How the operator runs.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, env = "LAKEVAULT_HTTP_ADDRESS", default_value = "0.0.0.0:8080")]
    pub http_address: SocketAddr,

    /// The operator's own namespace: credentials of `ClusterAzureIdentities` live there. Default: that of the pod.
    #[arg(long, env = "LAKEVAULT_NAMESPACE")]
    pub namespace: Option<String>,

    /// Format of the log.
    #[arg(long, env = "LAKEVAULT_LOG_FORMAT", value_enum, default_value = "json")]
    pub log_format: LogFormat,

    /// Level of the log, or a filter such as info,lakevault=debug.
    #[arg(long, env = "LAKEVAULT_LOG_LEVEL", default_value = "info")]
    pub log_level: String,

    /// A PEM file with root certificates to trust besides the system's.
    #[arg(long, env = "LAKEVAULT_CA_FILE")]
    pub ca_file: Option<PathBuf>,

    /// A file like /etc/hosts for Azure's names, where an address may carry a port. Names in it are not looked up elsewhere.
    #[arg(long, env = "LAKEVAULT_HOSTS_FILE")]
    pub hosts_file: Option<PathBuf>,

    /// Requests that are under way at once between one identity and one vault.
    #[arg(long, env = "LAKEVAULT_VAULT_CONCURRENCY", default_value_t = 32)]
    pub vault_concurrency: usize,

    /// Syncs that are worked on at once.
    #[arg(long, env = "LAKEVAULT_CONCURRENCY", default_value_t = 256)]
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
}

/// Runs the command that was asked for. The error is for a person.
pub fn main() -> Result<(), String> {
    match Cli::parse().command {
        Command::Run(args) => {
            crate::telemetry::logs::start(args.log_format, &args.log_level)?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build();
            runtime
                .map_err(|error| format!("failed to start: {error}"))?
                .block_on(app::run(args))
        }
        Command::Crds => {
            let documents: Vec<String> = crds()?.into_iter().map(|(_, yaml)| yaml).collect();
            std::io::stdout()
                .write_all(documents.join("---\n").as_bytes())
                .map_err(|error| format!("failed to write: {error}"))
        }
    }
}

/// The `CustomResourceDefinitions` as YAML, by plural name.
pub fn crds() -> Result<Vec<(String, String)>, String> {
    let all = [
        AzureIdentity::crd(),
        ClusterAzureIdentity::crd(),
        VaultSecretSync::crd(),
    ];
    all.into_iter()
        .map(|crd| {
            let yaml = serde_saphyr::to_string(&crd)
                .map_err(|error| format!("failed to write YAML: {error}"))?;
            Ok((crd.spec.names.plural, yaml))
        })
        .collect()
}
