//! The hosts file: the simulator's DNS.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use parking_lot::Mutex;
use tokio::net::TcpSocket;

/// Writes `DIR/hosts`: a line `address:port name` for each name that resolves.
#[derive(Debug)]
pub(crate) struct HostsFile {
    path: PathBuf,
    shared: SocketAddr,
    /// Hosts with a port of their own.
    own: HashMap<String, SocketAddr>,
    /// Where nobody listens: for hosts that refuse connections. Held open, so that nobody else gets the port.
    closed: (TcpSocket, SocketAddr),
    /// What was written last, so that nothing is written twice.
    written: Mutex<String>,
}

impl HostsFile {
    pub(crate) fn new(
        dir: &Path,
        shared: SocketAddr,
        own: HashMap<String, SocketAddr>,
    ) -> std::io::Result<Self> {
        let closed = TcpSocket::new_v4()?;
        closed.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = closed.local_addr()?;
        Ok(Self {
            closed: (closed, address),
            path: dir.join("hosts"),
            shared,
            own,
            written: Mutex::default(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Brings the file in line with the names. They are asked for when it is this call's turn to write, so that of two changes at
    /// once the file ends with both. Hosts that refuse connections lead to where nobody listens.
    pub(crate) fn write(
        &self,
        names: impl FnOnce() -> Vec<String>,
        refused: impl Fn(&str) -> bool,
    ) -> std::io::Result<()> {
        let mut written = self.written.lock();
        let mut text = String::new();
        for name in names() {
            let address = if refused(&name) {
                &self.closed.1
            } else {
                self.own.get(&name).unwrap_or(&self.shared)
            };
            text.extend([&address.to_string(), " ", &name, "\n"]);
        }
        if *written != text || !self.path.exists() {
            replace_file(&self.path, text.as_bytes())?;
            *written = text;
        }
        Ok(())
    }
}

/// Writes a file so that a reader sees the old or the new text, never a part.
pub(crate) fn replace_file(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, contents)?;
    std::fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn of_changes_at_once_none_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let address = "127.0.0.1:1".parse().unwrap();
        let hosts = HostsFile::new(dir.path(), address, HashMap::new()).unwrap();
        let names = Mutex::new(BTreeSet::new());
        std::thread::scope(|scope| {
            for n in 0..32 {
                let (hosts, names) = (&hosts, &names);
                scope.spawn(move || {
                    names.lock().insert(format!("kv-{n}"));
                    let now = || names.lock().iter().cloned().collect();
                    hosts.write(now, |_| false).unwrap();
                });
            }
        });
        let text = std::fs::read_to_string(hosts.path()).unwrap();
        assert_eq!(text.lines().count(), 32, "{text}");
    }
}
