//! What a control plane consists of before its first process runs: keys, certificates, ports, files.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Options;
use crate::pki::Authority;
use crate::{audit, pki, ports};

/// What is decided before the first process starts, and stays the same over restarts.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) options: Options,
    pub(super) folder: PathBuf,
    pub(super) server: String,
    pub(super) port: u16,
    pub(super) etcd_port: u16,
    pub(super) etcd_peer_port: u16,
    pub(super) authority: Authority,
    pub(super) serving: pki::Pair,
    pub(super) service_accounts: pki::Pair,
    pub(super) admin: PathBuf,
    pub(super) manager: PathBuf,
}

impl Setup {
    pub(super) fn new(folder: &Path, options: Options) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = folder.canonicalize()?.join("control-plane");
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        let authority = Authority::new(&folder.join("pki"))?;
        let port = options.port.map_or_else(ports::free_port, Ok)?;
        let service = first_address(&options.services)?;
        let addresses = [IpAddr::V4(options.address), service];
        let hosts = [
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ];
        let mut setup = Self {
            server: format!("https://{}:{port}", options.address),
            port,
            etcd_port: ports::free_port()?,
            etcd_peer_port: ports::free_port()?,
            serving: authority.server("kube-apiserver", &addresses, &hosts)?,
            service_accounts: pki::service_account_key(&folder.join("pki"))?,
            admin: PathBuf::new(),
            manager: PathBuf::new(),
            authority,
            folder,
            options,
        };
        let policy = audit::policy(&setup.options.audit_groups);
        fs::write(setup.audit_policy(), policy)?;
        setup.admin = setup.kubeconfig_of("admin", &["system:masters"])?;
        setup.manager = setup.kubeconfig_of("system:kube-controller-manager", &[])?;
        Ok(setup)
    }

    pub(super) fn kubeconfig_of(&self, user: &str, groups: &[&str]) -> Result<PathBuf> {
        let path = self
            .folder
            .join(format!("{}.kubeconfig", pki::file_name(user)));
        self.authority
            .kubeconfig(&path, &self.server, &self.authority.client(user, groups)?)?;
        Ok(path)
    }
}

/// The address of the `kubernetes` Service: the first of the range.
fn first_address(range: &str) -> Result<IpAddr> {
    let network = range.split('/').next().unwrap_or(range);
    let network: Ipv4Addr = network
        .parse()
        .with_context(|| format!("not a range of addresses: {range}"))?;
    Ok(IpAddr::V4(Ipv4Addr::from_bits(network.to_bits() + 1)))
}
