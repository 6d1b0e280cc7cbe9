//! The operator (`lakevault run`) as a child process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::Result;
use reqwest::Client;

use crate::poll::wait_healthy;
use crate::process::{Process, Signal};
use crate::simulator::Endpoints;
use crate::{binaries, install_tls_provider, ports};

/// The namespace the operator takes for its own.
pub const NAMESPACE: &str = "lakevault-system";

/// How an operator is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose rights it has; see [`crate::ControlPlane::user_kubeconfig`].
    pub kubeconfig: PathBuf,
    /// Its log is `<folder>/operator.log`.
    pub folder: PathBuf,
    /// Names that it finds here resolve to the address and port beside them.
    pub hosts_file: Option<PathBuf>,
    /// A further authority that it trusts.
    pub ca_file: Option<PathBuf>,
    /// Further arguments.
    pub args: Vec<String>,
    /// Further environment variables. Of the caller's own, only `PATH` reaches the operator, so that a run does not depend on
    /// the developer's Azure or proxy settings.
    pub env: BTreeMap<String, String>,
    /// How long the start may take until `/readyz` says so; nothing if the caller waits by itself, say for a start that must fail.
    pub ready_within: Option<Duration>,
}

impl Options {
    /// An operator with a kubeconfig and a folder for its log, and nothing that leads to a simulator.
    pub fn new(kubeconfig: &Path, folder: &Path) -> Self {
        Self {
            kubeconfig: kubeconfig.into(),
            folder: folder.into(),
            hosts_file: None,
            ca_file: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            ready_within: Some(Duration::from_mins(1)),
        }
    }

    /// Lets it find and trust a simulator.
    #[must_use]
    pub fn with_azure(mut self, endpoints: &Endpoints) -> Self {
        self.hosts_file = Some(endpoints.hosts_file.clone());
        self.ca_file = Some(endpoints.ca_file.clone());
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }
}

/// A running operator. Dropping it ends its process.
#[derive(Debug)]
pub struct Operator {
    program: PathBuf,
    options: Options,
    process: Process,
    port: u16,
    http: Client,
}

impl Operator {
    /// Starts the operator that was built beside the running program, or the one that `LAKEVAULT_BIN` names.
    ///
    /// # Errors
    /// When the program is missing or does not become ready in time; the error holds the end of its log.
    pub async fn start(options: Options) -> Result<Self> {
        Self::start_program(&binaries::operator()?, options).await
    }

    /// Starts a given program as the operator.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_program(program: &Path, options: Options) -> Result<Self> {
        install_tls_provider();
        let port = ports::free_port()?;
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()?;
        let process = spawn(program, &options, port)?;
        let operator = Self {
            program: program.into(),
            options,
            process,
            port,
            http,
        };
        operator.wait_ready().await?;
        Ok(operator)
    }

    /// Starts it again after it has ended (or ends it first), with the same options and port; the log goes on in the same file.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.process.end().await?;
        self.process = spawn(&self.program, &self.options, self.port)?;
        self.wait_ready().await
    }

    async fn wait_ready(&self) -> Result<()> {
        match self.options.ready_within {
            Some(within) => {
                wait_healthy(&self.process, &self.http, &self.url("/readyz"), within).await
            }
            None => Ok(()),
        }
    }

    /// The options that take effect at the next [`Self::restart`].
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// A URL of its HTTP server.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its metrics, Prometheus text; see [`crate::metrics::sum`].
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn metrics(&self) -> Result<String> {
        Ok(self
            .http
            .get(self.url("/metrics"))
            .send()
            .await?
            .error_for_status()?
            .text()
            .await?)
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its log: one JSON object a line.
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// Kills it with SIGKILL and waits until it is gone.
    ///
    /// # Errors
    /// When it had ended already.
    pub async fn kill9(&self) -> Result<ExitStatus> {
        self.process.signal(Signal::Kill)?;
        self.process.wait_exit(Duration::from_secs(10)).await
    }

    /// Asks it to end and waits.
    ///
    /// # Errors
    /// When it had ended already or still runs after `within`.
    pub async fn terminate(&self, within: Duration) -> Result<ExitStatus> {
        self.process.signal(Signal::Term)?;
        self.process.wait_exit(within).await
    }

    /// Resident memory in KiB.
    ///
    /// # Errors
    /// When it does not run.
    pub fn rss_kib(&self) -> Result<u64> {
        self.process.rss_kib()
    }

    /// CPU time used since its start, user and system, in seconds.
    ///
    /// # Errors
    /// When it does not run.
    pub fn cpu_seconds(&self) -> Result<f64> {
        self.process.cpu_seconds()
    }
}

fn spawn(program: &Path, options: &Options, port: u16) -> Result<Process> {
    let mut command = Command::new(program);
    command.arg("run").args([
        "--namespace",
        NAMESPACE,
        "--log-format",
        "json",
        "--http-address",
        &format!("127.0.0.1:{port}"),
    ]);
    for (flag, file) in [
        ("--hosts-file", &options.hosts_file),
        ("--ca-file", &options.ca_file),
    ] {
        if let Some(file) = file {
            command.arg(flag).arg(file);
        }
    }
    command.args(&options.args);
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
        .env("KUBECONFIG", &options.kubeconfig)
        .envs(&options.env);
    Process::spawn("lakevault", command, &options.folder.join("operator.log"))
}
