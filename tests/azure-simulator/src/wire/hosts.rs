//! The hosts file: the simulator's DNS.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use parking_lot::Mutex;

/// Writes `DIR/hosts`: a line `address:port name` for each name that resolves.
#[derive(Debug)]
pub(crate) struct HostsFile {
    path: PathBuf,
    shared: SocketAddr,
    /// Hosts with a port of their own.
    own: HashMap<String, SocketAddr>,
    /// What was written last, so that nothing is written twice.
    written: Mutex<String>,
}

impl HostsFile {
    pub(crate) fn new(dir: &Path, shared: SocketAddr, own: HashMap<String, SocketAddr>) -> Self {
        Self {
            path: dir.join("hosts"),
            shared,
            own,
            written: Mutex::default(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Brings the file in line with the names.
    pub(crate) fn write(&self, names: impl Iterator<Item = String>) -> std::io::Result<()> {
        let mut text = String::new();
        for name in names {
            let address = self.own.get(&name).unwrap_or(&self.shared);
            text.extend([&address.to_string(), " ", &name, "\n"]);
        }
        let mut written = self.written.lock();
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
