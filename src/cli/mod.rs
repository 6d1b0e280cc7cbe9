//! The command line.

use std::io::Write;

use clap::{Parser, Subcommand};
use kube::CustomResourceExt;

use crate::app;
use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity};
use crate::vault_secret_sync::api::VaultSecretSync;

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
    Run(app::RunArgs),
    /// Print the `CustomResourceDefinitions` as YAML.
    Crds,
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
