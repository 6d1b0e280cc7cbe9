//! Command line.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use crate::names::NameSet;

/// How a simulator is started.
#[derive(Clone, Debug, clap::Parser)]
#[command(
    name = "azure-simulator",
    about = "A stand-in for Azure on loopback: Entra ID and Key Vault",
    version
)]
pub struct Options {
    /// Folder for the CA, the hosts file and endpoints.json; made when absent, its keys are kept over restarts.
    #[arg(long)]
    pub dir: PathBuf,
    /// Address of the one port that serves all Azure hosts (port 0: a free one).
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Address of the admin API (plain HTTP).
    #[arg(long, default_value = "127.0.0.1:0")]
    pub admin: SocketAddr,
    /// Address of the managed identity endpoints (plain HTTP).
    #[arg(long, default_value = "127.0.0.1:0")]
    pub managed_identity: SocketAddr,
    /// Address of Service Fabric's managed identity endpoint (TLS with a certificate of its own).
    #[arg(long, default_value = "127.0.0.1:0")]
    pub service_fabric: SocketAddr,
    /// Folder for the key files of Azure Arc's challenges; clients insist on /var/opt/azcmagent/tokens. Absent:
    /// arc-tokens in the simulator's folder.
    #[arg(long, value_name = "DIR")]
    pub arc_tokens: Option<PathBuf>,
    /// Domain under which all Azure hosts live: `login.<suffix>`, `management.<suffix>`, `<vault>.vault.<suffix>`.
    #[arg(long, default_value = "sim.test")]
    pub suffix: String,
    /// Whose names the hosts have: its own, or the public cloud's (`login.microsoftonline.com`, `<vault>.vault.azure.net`),
    /// for clients that cannot be told others. Azure Stack Hub regions stay under the suffix.
    #[arg(long, value_enum, default_value_t)]
    pub names: NameSet,
    /// Seed document, YAML or JSON.
    #[arg(long)]
    pub seed: Option<PathBuf>,
    /// Serve the Azure hosts without TLS.
    #[arg(long)]
    pub plain_http: bool,
    /// Offer HTTP/1.1 only; otherwise a client may choose HTTP/2 by ALPN.
    #[arg(long)]
    pub http1_only: bool,
    /// Give one host a port of its own, for a client that can set neither names nor paths; may be repeated.
    #[arg(long, value_name = "HOST=ADDR")]
    pub listen_host: Vec<HostListener>,
    /// Log filter, as of `tracing` (error, warn, info, debug, or per module).
    #[arg(long, default_value = "info")]
    pub log_level: String,
}

impl Options {
    /// Options with the defaults of the command line.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            dir: dir.into(),
            listen: loopback,
            admin: loopback,
            managed_identity: loopback,
            service_fabric: loopback,
            arc_tokens: None,
            suffix: "sim.test".to_owned(),
            names: NameSet::Own,
            seed: None,
            plain_http: false,
            http1_only: false,
            listen_host: Vec::new(),
            log_level: "info".to_owned(),
        }
    }
}

/// A host with a port of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostListener {
    /// Full host name, as `login.sim.test`.
    pub host: String,
    /// Where it listens.
    pub address: SocketAddr,
}

impl FromStr for HostListener {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, address) = text
            .split_once('=')
            .ok_or("expected HOST=ADDR, as login.sim.test=127.0.0.1:8443")?;
        let address = address
            .parse()
            .map_err(|error| format!("{address}: {error}"))?;
        Ok(Self {
            host: host.to_ascii_lowercase(),
            address,
        })
    }
}
