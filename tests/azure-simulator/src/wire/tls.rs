//! The private CA, and leaf certificates made for whatever host a client asks by SNI.

use std::{
    collections::HashMap,
    fmt,
    io::Write as _,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::faults::Faults;

const CA_FILE: &str = "ca.pem";
const CA_KEY_FILE: &str = "ca-key.pem";

/// A certificate authority that signs leaves with one shared leaf key.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    leaf_key: KeyPair,
    leaves: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Authority {
    /// The CA kept in `dir`, made at first start.
    pub(crate) fn kept_in(dir: &Path) -> Result<Self> {
        let key_file = dir.join(CA_KEY_FILE);
        let key = match std::fs::read_to_string(&key_file) {
            Ok(pem) => KeyPair::from_pem(&pem)
                .with_context(|| format!("cannot read {}", key_file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = KeyPair::generate()?;
                write_private(&key_file, key.serialize_pem().as_bytes())?;
                key
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", key_file.display()));
            }
        };
        let params = ca_params("Azure simulator CA", &key);
        let ca_file = Self::file(dir);
        if !ca_file.exists() {
            std::fs::write(&ca_file, params.self_signed(&key)?.pem())
                .with_context(|| format!("cannot write {}", ca_file.display()))?;
        }
        Self::new(params, key)
    }

    /// A CA that nobody trusts.
    pub(crate) fn unknown() -> Result<Self> {
        let key = KeyPair::generate()?;
        Self::new(ca_params("Unknown CA", &key), key)
    }

    /// Where the certificate of [`Self::kept_in`] lies.
    pub(crate) fn file(dir: &Path) -> PathBuf {
        dir.join(CA_FILE)
    }

    fn new(params: CertificateParams, key: KeyPair) -> Result<Self> {
        Ok(Self {
            issuer: Issuer::new(params, key),
            leaf_key: KeyPair::generate()?,
            leaves: Mutex::default(),
        })
    }

    /// The leaf for a host, made when it is asked for the first time.
    pub(crate) fn leaf(&self, host: &str) -> Result<Arc<CertifiedKey>> {
        let mut leaves = self.leaves.lock();
        if let Some(leaf) = leaves.get(host) {
            return Ok(Arc::clone(leaf));
        }
        let leaf = Arc::new(self.issue(host)?);
        leaves.insert(host.to_owned(), Arc::clone(&leaf));
        Ok(leaf)
    }

    fn issue(&self, host: &str) -> Result<CertifiedKey> {
        let mut params = CertificateParams::new(vec![host.to_owned(), "localhost".to_owned()])?;
        params
            .subject_alt_names
            .push(SanType::IpAddress(IpAddr::from([127, 0, 0, 1])));
        params.distinguished_name = common_name(host);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&self.leaf_key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        let key = aws_lc_rs::sign::any_supported_type(&key)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Authority")
    }
}

/// The same parameters each time, so that the CA can be loaded again from its key alone.
fn ca_params(name: &str, key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    // Two authorities with one name would confuse chain building, hence the key's print in the name.
    let print = key
        .der_bytes()
        .last_chunk()
        .map_or(0, |end| u32::from_be_bytes(*end));
    params.distinguished_name = common_name(&format!("{name} {print:08x}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Writes a key that only the owner may read.
pub(crate) fn write_private(path: &Path, contents: &[u8]) -> Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(contents)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Picks the certificate by SNI, from the known or, under a fault, the unknown CA.
#[derive(Debug)]
struct ByName {
    known: Authority,
    unknown: Authority,
    faults: Arc<Faults>,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello
            .server_name()
            .unwrap_or("localhost")
            .to_ascii_lowercase();
        let authority = if self.faults.untrusted_certificate(&host) {
            &self.unknown
        } else {
            &self.known
        };
        authority
            .leaf(&host)
            .inspect_err(|error| tracing::warn!(%host, %error, "no certificate could be made"))
            .ok()
    }
}

/// The server's TLS configuration. Sessions are never resumed: a resumed one would skip the certificate check that a
/// fault may be about.
pub(crate) fn server_config(
    known: Authority,
    faults: Arc<Faults>,
    http1_only: bool,
) -> Result<Arc<ServerConfig>> {
    let resolver = ByName {
        known,
        unknown: Authority::unknown()?,
        faults,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = if http1_only {
        vec![b"http/1.1".to_vec()]
    } else {
        vec![b"h2".to_vec(), b"http/1.1".to_vec()]
    };
    Ok(Arc::new(config))
}
