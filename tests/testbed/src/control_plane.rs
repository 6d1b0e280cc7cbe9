//! etcd, kube-apiserver and kube-controller-manager as child processes on loopback.

mod programs;
mod ready;
mod setup;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use http::Request;
use kube::Client;

use self::ready::{Retry, client, wait_established, wait_furnished, wait_ready};
use self::setup::Setup;
use crate::kubectl::Kubectl;
use crate::poll::wait_healthy;
use crate::process::{Process, Signal};
use crate::{audit, install_tls_provider};

/// The controllers that run unless [`Options::controllers`] names others: what tests of ownership, namespaces and workload identity
/// need. The others cost CPU and would have nothing to do without nodes.
pub const CONTROLLERS: &[&str] = &[
    "clusterrole-aggregation-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
];

/// Fetched without a token by whoever verifies service-account tokens, as Entra does for a federated credential.
const ISSUER_DISCOVERY: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: 'testbed:service-account-issuer-discovery'}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'system:service-account-issuer-discovery'}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:unauthenticated'}]
";

/// How a control plane is set up. The default suits tests.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files or folders of `CustomResourceDefinition`s, applied before the controller manager starts: the garbage collector then knows
    /// them from the start, while it notices later ones only every 30 s.
    pub crds: Vec<PathBuf>,
    /// What the controller manager runs; names as in its `--controllers`.
    pub controllers: Vec<String>,
    /// The API server's address.
    pub address: Ipv4Addr,
    /// The API server's port; a free one if absent.
    pub port: Option<u16>,
    /// The range of service addresses; the first one is in the server certificate.
    pub services: String,
    /// API groups whose requests are noted in the audit log besides those that always are; see [`ControlPlane::audit`].
    pub audit_groups: Vec<String>,
    /// Further arguments of the API server.
    pub api_server_args: Vec<String>,
    /// Further arguments of the controller manager.
    pub controller_manager_args: Vec<String>,
    /// How long the start may take in all. It takes a few seconds on an idle machine.
    pub ready_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            crds: Vec::new(),
            controllers: CONTROLLERS.iter().map(|&name| name.to_owned()).collect(),
            address: Ipv4Addr::LOCALHOST,
            port: None,
            services: "10.0.0.0/24".to_owned(),
            audit_groups: Vec::new(),
            api_server_args: Vec::new(),
            controller_manager_args: Vec::new(),
            ready_within: Duration::from_mins(2),
        }
    }
}

/// A running control plane. Dropping it ends its processes.
#[derive(Debug)]
pub struct ControlPlane {
    // In this order, since fields are dropped in it: clients before what they talk to.
    controller_manager: Process,
    api_server: Process,
    etcd: Process,
    setup: Setup,
    kubectl: Kubectl,
}

impl ControlPlane {
    /// Starts the three programs with empty data and waits until the API server is ready, the CRDs of the options are served, and the
    /// `default` ServiceAccount and the service range exist. Everything is kept in `folder`; what an earlier control plane left
    /// there is removed.
    ///
    /// # Errors
    /// When a program is missing or does not come up in time; the error holds the end of its log.
    pub async fn start(folder: &Path, options: Options) -> Result<Self> {
        install_tls_provider();
        let setup = Setup::new(folder, options)?;
        let within = setup.options.ready_within;
        let kubectl = Kubectl::new(&setup.admin, &setup.folder.join("kubectl-cache"))?;
        let etcd = setup.spawn_etcd()?;
        // The API server looks for etcd once a second only, so it must find it at its first look.
        let health = format!("http://127.0.0.1:{}/health", setup.etcd_port);
        wait_healthy(&etcd, &reqwest::Client::new(), &health, within).await?;
        let api_server = setup.spawn_api_server()?;
        let client = client(&setup.admin, Retry::Off).await?;
        wait_ready(&api_server, &client, within).await?;
        kubectl.apply_yaml(ISSUER_DISCOVERY).await?;
        for crds in &setup.options.crds {
            kubectl
                .apply_dir(crds)
                .await
                .with_context(|| format!("cannot apply {}", crds.display()))?;
        }
        wait_established(&client, within).await?;
        let controller_manager = setup.spawn_controller_manager()?;
        wait_furnished(&controller_manager, &client, within).await?;
        Ok(Self {
            controller_manager,
            api_server,
            etcd,
            setup,
            kubectl,
        })
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.setup.server
    }

    /// The issuer of service-account tokens: the API server's URL. Its `/.well-known/openid-configuration` and `/openid/v1/jwks`
    /// are open to everybody.
    pub fn issuer(&self) -> &str {
        &self.setup.server
    }

    /// The certificate of the authority that signed the API server's certificate, PEM.
    pub fn ca_file(&self) -> &Path {
        self.setup.authority.certificate()
    }

    /// The kubeconfig of an administrator (`system:masters`).
    pub fn kubeconfig(&self) -> &Path {
        &self.setup.admin
    }

    /// Writes a kubeconfig for a user who is known by a client certificate and has what RBAC gives to the user and the groups (two at
    /// most; `system:authenticated` comes by itself). For a ServiceAccount: `system:serviceaccount:<namespace>:<name>` in
    /// `system:serviceaccounts` and `system:serviceaccounts:<namespace>`.
    ///
    /// # Errors
    /// When there are more groups, or the file cannot be written.
    pub fn user_kubeconfig(&self, user: &str, groups: &[&str]) -> Result<PathBuf> {
        self.setup.kubeconfig_of(user, groups)
    }

    /// A client with the administrator's rights, made for the current tokio runtime.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read.
    pub async fn client(&self) -> Result<Client> {
        client(&self.setup.admin, Retry::On).await
    }

    /// As [`Self::client`], with another kubeconfig.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read.
    pub async fn client_of(&self, kubeconfig: &Path) -> Result<Client> {
        client(kubeconfig, Retry::On).await
    }

    /// kubectl with the administrator's kubeconfig.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// The API server's metrics, Prometheus text; see [`crate::metrics::sum`].
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn metrics(&self) -> Result<String> {
        Ok(self
            .client()
            .await?
            .request_text(Request::get("/metrics").body(Vec::new())?)
            .await?)
    }

    /// The requests that the API server answered so far and that its audit policy covers: the operator's kinds, Secrets, Namespaces,
    /// Events, service-account tokens.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn audit(&self) -> Result<Vec<audit::Entry>> {
        audit::read(&self.audit_log())
    }

    /// The audit log: one JSON object a line.
    pub fn audit_log(&self) -> PathBuf {
        self.setup.folder.join("audit.log")
    }

    /// The API server's process: to measure it, or to freeze it in a test of outages.
    pub fn api_server(&self) -> &Process {
        &self.api_server
    }

    /// The process of etcd.
    pub fn etcd(&self) -> &Process {
        &self.etcd
    }

    /// The controller manager's process.
    pub fn controller_manager(&self) -> &Process {
        &self.controller_manager
    }

    /// The ids of the three processes.
    pub fn pids(&self) -> [u32; 3] {
        [
            self.etcd.pid(),
            self.api_server.pid(),
            self.controller_manager.pid(),
        ]
    }

    /// The folder with logs, keys and data.
    pub fn folder(&self) -> &Path {
        &self.setup.folder
    }

    /// Kills the API server and starts it again on the same data, address and certificates; waits until it is ready.
    ///
    /// # Errors
    /// When it does not come up in time.
    pub async fn restart_api_server(&mut self) -> Result<()> {
        self.api_server.end().await?;
        self.api_server = self.setup.spawn_api_server()?;
        wait_ready(
            &self.api_server,
            &client(&self.setup.admin, Retry::Off).await?,
            self.setup.options.ready_within,
        )
        .await
    }

    /// Kills the controller manager and starts it again: the garbage collector then knows CRDs that were applied since.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn restart_controller_manager(&mut self) -> Result<()> {
        self.controller_manager.end().await?;
        self.controller_manager = self.setup.spawn_controller_manager()?;
        Ok(())
    }

    /// Ends the processes without blocking the runtime, which a drop does.
    ///
    /// # Errors
    /// When one of them survives SIGKILL.
    pub async fn stop(self) -> Result<()> {
        for process in [&self.controller_manager, &self.api_server, &self.etcd] {
            if process.is_alive() {
                process.signal(Signal::Kill)?;
            }
            process.wait_exit(Duration::from_secs(10)).await?;
        }
        Ok(())
    }
}
