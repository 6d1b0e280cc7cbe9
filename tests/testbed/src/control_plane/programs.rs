//! The command lines of the control plane's programs.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::Setup;
use crate::binaries;
use crate::process::Process;

impl Setup {
    pub(super) fn audit_policy(&self) -> PathBuf {
        self.folder.join("audit-policy.yaml")
    }

    pub(super) fn spawn_etcd(&self) -> Result<Process> {
        let client = format!("http://127.0.0.1:{}", self.etcd_port);
        let peer = format!("http://127.0.0.1:{}", self.etcd_peer_port);
        let mut command = Command::new(binaries::kubernetes("etcd")?);
        command
            .arg("--data-dir")
            .arg(self.folder.join("etcd"))
            .args([
                "--name=testbed",
                &format!("--listen-client-urls={client}"),
                &format!("--advertise-client-urls={client}"),
                &format!("--listen-peer-urls={peer}"),
                &format!("--initial-advertise-peer-urls={peer}"),
                &format!("--initial-cluster=testbed={peer}"),
                // The data need not outlive the machine, and a sync for each write would be most of the cost.
                "--unsafe-no-fsync",
                // A quarter of the defaults, in milliseconds: alone, it has nobody to wait for before it leads.
                "--heartbeat-interval=25",
                "--election-timeout=250",
                "--log-level=warn",
            ]);
        self.spawn("etcd", command)
    }

    pub(super) fn spawn_api_server(&self) -> Result<Process> {
        let mut command = Command::new(binaries::kubernetes("kube-apiserver")?);
        let server = &self.server;
        command.args([
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            format!("--bind-address={}", self.options.address),
            format!("--advertise-address={}", self.options.address),
            format!("--secure-port={}", self.port),
            format!("--tls-cert-file={}", self.serving.certificate.display()),
            format!("--tls-private-key-file={}", self.serving.key.display()),
            format!(
                "--client-ca-file={}",
                self.authority.certificate().display()
            ),
            format!("--service-cluster-ip-range={}", self.options.services),
            format!(
                "--service-account-key-file={}",
                self.service_accounts.certificate.display()
            ),
            format!(
                "--service-account-signing-key-file={}",
                self.service_accounts.key.display()
            ),
            format!("--service-account-issuer={server}"),
            format!("--service-account-jwks-uri={server}/openid/v1/jwks"),
            format!("--audit-policy-file={}", self.audit_policy().display()),
            format!(
                "--audit-log-path={}",
                self.folder.join("audit.log").display()
            ),
        ]);
        command.args([
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            // There are no endpoints to keep up on loopback.
            "--endpoint-reconciler-type=none",
            "--profiling=false",
        ]);
        command.args(&self.options.api_server_args);
        self.spawn("kube-apiserver", command)
    }

    pub(super) fn spawn_controller_manager(&self) -> Result<Process> {
        let mut command = Command::new(binaries::kubernetes("kube-controller-manager")?);
        command.args([
            format!("--kubeconfig={}", self.manager.display()),
            format!("--root-ca-file={}", self.authority.certificate().display()),
            format!(
                "--service-account-private-key-file={}",
                self.service_accounts.key.display()
            ),
            format!("--controllers={}", self.options.controllers.join(",")),
        ]);
        command.args([
            // Each controller has a ServiceAccount of its own, as in a real cluster: the bootstrap roles give only those their rights.
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            // Nobody scrapes it.
            "--secure-port=0",
            // The default of 20 requests a second would make the collection of some hundred owned Secrets take half a minute.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--profiling=false",
        ]);
        command.args(&self.options.controller_manager_args);
        self.spawn("kube-controller-manager", command)
    }

    fn spawn(&self, name: &str, command: Command) -> Result<Process> {
        let log = self.folder.join("logs").join(format!("{name}.log"));
        // Killed at the end without a grace period: the data is of no use afterwards.
        Ok(Process::spawn(name, command, &log)?.with_grace(Duration::ZERO))
    }
}
