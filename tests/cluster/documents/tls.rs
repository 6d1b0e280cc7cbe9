//! Certificates of Secrets, used as a server and its client use them.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

/// The certificates of a PEM file.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    Ok(CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?)
}

/// A server that has the first two files is believed to be `name` by a client that trusts the third: the certificate is the
/// first, the key is its own, each issuer is there.
pub fn serves(crt: &[u8], key: &[u8], ca: &[u8], name: &str) -> Result<()> {
    let provider = Arc::new(default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates(crt)?, PrivateKeyDer::from_pem_slice(key)?)?;
    let mut roots = RootCertStore::empty();
    for root in certificates(ca)? {
        roots.add(root)?;
    }
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned())?;
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(Arc::new(server))?;
    // A handshake takes two round trips at most.
    for _ in 0..4 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire)?;
        }
        server.read_tls(&mut wire.as_slice())?;
        server.process_new_packets()?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire)?;
        }
        client.read_tls(&mut wire.as_slice())?;
        client.process_new_packets()?;
    }
    ensure!(
        !client.is_handshaking() && !server.is_handshaking(),
        "the handshake did not end"
    );
    Ok(())
}

/// Java's own tool opens a keystore with its password and finds an entry of this kind under this name. Skipped aloud where it is
/// not there.
pub fn java_reads(
    file: &Path,
    format: &str,
    password: &str,
    alias: &str,
    kind: &str,
) -> Result<()> {
    let mut keytool = Command::new("keytool");
    keytool.args(["-list", "-storepass", password, "-storetype", format]);
    let output = match keytool.arg("-keystore").arg(file).output() {
        Ok(output) => output,
        Err(error) => {
            writeln!(
                std::io::stderr(),
                "SKIPPED: keystores of a Secret are not shown to keytool: {error}"
            )?;
            return Ok(());
        }
    };
    let shown = String::from_utf8(output.stdout).context("keytool")?;
    let found = shown
        .lines()
        .any(|line| line.contains(kind) && (alias.is_empty() || line.starts_with(alias)));
    ensure!(output.status.success() && found, "{shown}");
    Ok(())
}
