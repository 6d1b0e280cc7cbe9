//! The Azure simulator as a child process.

mod admin;
mod fault;
mod journal;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::poll::{seen, until};
use crate::process::{Process, Signal};
use crate::{binaries, install_tls_provider};

pub use self::admin::{Admin, SecretBody};
pub use self::fault::{Fault, FaultRule};
pub use self::journal::{Counters, Journal, JournalEntry, Principal};

/// How a simulator is set up. The default has no vaults and the suffix `sim.test`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed document: tenants, vaults, secrets, issuers, settings.
    pub seed: Option<Value>,
    /// Further arguments: `--plain-http`, `--suffix`, `--listen`, `--log-level`, …
    pub args: Vec<String>,
    /// How long the start may take.
    pub ready_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: None,
            args: Vec::new(),
            ready_within: Duration::from_mins(1),
        }
    }
}

impl From<Value> for Options {
    fn from(seed: Value) -> Self {
        Self {
            seed: Some(seed),
            ..Self::default()
        }
    }
}

/// Where a running simulator is to be found, as it says in its `endpoints.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// The one TLS port of all Azure hosts: `https://127.0.0.1:P`.
    pub azure: String,
    /// That port.
    pub port: u16,
    /// The admin API: `http://127.0.0.1:A`.
    pub admin: String,
    /// Entra: `https://login.<suffix>`.
    pub authority_host: String,
    /// `https://management.<suffix>`.
    pub resource_manager: String,
    /// `vault.<suffix>`; a vault's host is `<name>.` before it.
    pub key_vault_suffix: String,
    /// The resource that vault tokens are for: `https://vault.<suffix>`.
    pub key_vault_audience: String,
    /// Where the machine gives out tokens of managed identities.
    pub managed_identity: ManagedIdentityEndpoints,
    /// The authority that signs the simulator's certificates, PEM.
    pub ca_file: PathBuf,
    /// The simulator's DNS: lines `127.0.0.1:P name`, rewritten when vaults come and go.
    pub hosts_file: PathBuf,
    /// The simulator's process.
    pub pid: u32,
}

/// The endpoints of managed identities, and what their clients get in environment variables.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ManagedIdentityEndpoints {
    /// The metadata service, `http://127.0.0.1:P`: `AZURE_POD_IDENTITY_AUTHORITY_HOST`.
    pub imds: String,
    /// App Service, 2019-08-01: `IDENTITY_ENDPOINT`, with `IDENTITY_HEADER`.
    pub app_service: String,
    /// App Service, 2017-09-01: `MSI_ENDPOINT`, with `MSI_SECRET`.
    pub app_service_old: String,
    /// Azure Arc: `IDENTITY_ENDPOINT`, with `IMDS_ENDPOINT`.
    pub arc: String,
    /// `IMDS_ENDPOINT` beside [`Self::arc`].
    pub arc_imds: String,
    /// Cloud Shell: `MSI_ENDPOINT`.
    pub cloud_shell: String,
    /// Azure Machine Learning: `MSI_ENDPOINT`, with `MSI_SECRET`.
    pub azure_ml: String,
    /// Service Fabric, `https://127.0.0.1:Q/…`: `IDENTITY_ENDPOINT`, with `IDENTITY_HEADER` and
    /// `IDENTITY_SERVER_THUMBPRINT`.
    pub service_fabric: String,
    /// SHA-1 of the certificate of [`Self::service_fabric`], hex.
    pub service_fabric_thumbprint: String,
    /// `IDENTITY_HEADER`, or `MSI_SECRET`.
    pub header: String,
}

impl Endpoints {
    /// The URL of a vault, as a user writes it: `https://<name>.vault.<suffix>`.
    pub fn vault_url(&self, vault: &str) -> String {
        format!("https://{vault}.{}", self.key_vault_suffix)
    }

    /// What stands behind `<account>.dfs.` and `<account>.blob.`: `storage.<suffix>`.
    pub fn storage_suffix(&self) -> String {
        self.beside_vaults("storage")
    }

    /// What stands behind the name of a Data Lake Store: `azuredatalakestore.<suffix>`.
    pub fn lake_store_suffix(&self) -> String {
        self.beside_vaults("azuredatalakestore")
    }

    fn beside_vaults(&self, service: &str) -> String {
        let suffix = self.key_vault_suffix.strip_prefix("vault.");
        format!("{service}.{}", suffix.unwrap_or(&self.key_vault_suffix))
    }

    /// Reads an `endpoints.json`.
    ///
    /// # Errors
    /// When it is absent or has another shape.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} has an unknown shape", path.display()))
    }
}

/// A running simulator. Dropping it ends its process.
#[derive(Debug)]
pub struct Simulator {
    process: Process,
    folder: PathBuf,
    options: Options,
    endpoints: Endpoints,
    admin: Admin,
}

impl Simulator {
    /// Starts a simulator that keeps its files in `folder`/simulator and waits until it answers.
    ///
    /// # Errors
    /// When the program is missing, refuses the seed, or does not come up in time; the error holds the end of its log.
    pub async fn start(folder: &Path, options: impl Into<Options>) -> Result<Self> {
        install_tls_provider();
        let options = options.into();
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = folder.canonicalize()?.join("simulator");
        fs::create_dir_all(&folder)?;
        let (process, endpoints) = spawn(&folder, &options).await?;
        let admin = Admin::new(&endpoints.admin)?;
        Ok(Self {
            process,
            folder,
            options,
            endpoints,
            admin,
        })
    }

    /// Where it is to be found.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Its admin API: change secrets, order faults, read the journal.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Its process: to measure it, or to freeze it.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Asks it to end and waits.
    ///
    /// # Errors
    /// When it still runs after `within`.
    pub async fn terminate(&self, within: Duration) -> Result<ExitStatus> {
        self.process.signal(Signal::Term)?;
        self.process.wait_exit(within).await
    }

    /// Ends it and starts it again in the same folder with the same seed; its authority stays, its ports change.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.process.end().await?;
        (self.process, self.endpoints) = spawn(&self.folder, &self.options).await?;
        self.admin = Admin::new(&self.endpoints.admin)?;
        Ok(())
    }
}

async fn spawn(folder: &Path, options: &Options) -> Result<(Process, Endpoints)> {
    let endpoints = folder.join("endpoints.json");
    if endpoints.exists() {
        // Left by an earlier run; waiting would take it for the answer.
        fs::remove_file(&endpoints)?;
    }
    let mut command = Command::new(binaries::simulator()?);
    command.arg("--dir").arg(folder);
    if let Some(seed) = &options.seed {
        let path = folder.join("seed.json");
        fs::write(&path, serde_json::to_vec_pretty(seed)?)?;
        command.arg("--seed").arg(path);
    }
    command.args(&options.args);
    let process = Process::spawn("azure-simulator", command, &folder.join("simulator.log"))?;
    let look = async || match Endpoints::read(&endpoints) {
        Ok(endpoints) => Ok(Ok(endpoints)),
        Err(_) if !process.is_alive() => Ok(Err(process.failure("ended at its start"))),
        Err(error) => Err(seen(error)),
    };
    let found = until(options.ready_within, "endpoints.json", look)
        .await
        .map_err(|error| process.failure(&seen(error)))??;
    Ok((process, found))
}
