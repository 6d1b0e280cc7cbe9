//! Names to addresses: a hosts file of our own before the system's look-up.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A name without an address. A type of its own, so that the cause can be told from the chain of errors.
#[derive(Debug, thiserror::Error)]
#[error("no address for {0}")]
pub(super) struct NoAddress(pub(super) String);

/// Looks a name up in the hosts file, read anew each time (it is small, and look-ups are rare), else in the system.
#[derive(Debug)]
pub(super) struct Names {
    hosts_file: Option<PathBuf>,
    instead: Option<String>,
}

impl Names {
    /// Looks names up in `hosts_file` first.
    pub(super) fn new(hosts_file: Option<PathBuf>) -> Self {
        Self {
            hosts_file,
            instead: None,
        }
    }

    /// Answers every question with the addresses of one host, where that is given.
    pub(super) fn redirected(self, instead: Option<String>) -> Self {
        Self { instead, ..self }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let file = self.hosts_file.clone();
        let host = match &self.instead {
            Some(host) => host.clone(),
            None => name.as_str().to_owned(),
        };
        Box::pin(async move {
            let mut addresses = match &file {
                Some(file) => listed(file, &host).await,
                None => Vec::new(),
            };
            if addresses.is_empty() {
                addresses = tokio::net::lookup_host((host.as_str(), 0))
                    .await
                    .map(Iterator::collect)
                    .unwrap_or_default();
            }
            if addresses.is_empty() {
                return Err(NoAddress(host).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn listed(file: &Path, host: &str) -> Vec<SocketAddr> {
    let text = tokio::fs::read_to_string(file).await.unwrap_or_default();
    in_hosts(&text, host)
}

/// Addresses of `host` in the text of a hosts file: `address[:port] name…`, `#` starts a comment.
fn in_hosts(text: &str, host: &str) -> Vec<SocketAddr> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split('#').next()?.split_whitespace();
            let address = words.next()?;
            let address = address
                .parse()
                .ok()
                .or_else(|| Some(SocketAddr::new(address.parse().ok()?, 0)))?;
            words
                .any(|name| name.eq_ignore_ascii_case(host))
                .then_some(address)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hosts_file_may_carry_ports_and_comments() {
        let text = "# vaults\n127.0.0.1:8443 kv-a.vault.test KV-B.vault.test # two\n127.0.0.2 plain\nnonsense x\n";
        assert_eq!(
            in_hosts(text, "kv-b.vault.test"),
            ["127.0.0.1:8443".parse().unwrap()]
        );
        assert_eq!(in_hosts(text, "plain"), ["127.0.0.2:0".parse().unwrap()]);
        assert!(in_hosts(text, "two").is_empty() && in_hosts(text, "x").is_empty());
    }
}
