//! Tenants, applications and what they prove themselves with.

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use uuid::Uuid;

use super::spec::{ApplicationSpec, ClientSecretSpec, FederatedCredential};

/// A tenant.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    /// Lower-case GUID.
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    /// By lower-case client id.
    pub(crate) applications: BTreeMap<String, Arc<Application>>,
}

/// An application with its service principal.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) object_id: String,
    pub(crate) name: Option<String>,
    pub(crate) secrets: Vec<ClientSecretSpec>,
    pub(crate) certificates: Vec<ClientCertificate>,
    pub(crate) federated: Vec<FederatedCredential>,
}

/// A registered certificate.
#[derive(Debug)]
pub(crate) struct ClientCertificate {
    /// base64url of the SHA-1 of its DER.
    pub(crate) x5t: String,
    /// base64url of the SHA-256 of its DER.
    pub(crate) x5t_s256: String,
    /// The RSA public key, PKCS#1 DER.
    pub(crate) public_key: Vec<u8>,
    /// Validity, in seconds since 1970.
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
}

impl Application {
    pub(crate) fn of_spec(tenant: &str, spec: ApplicationSpec) -> Result<Self, String> {
        if spec.client_id.is_empty() {
            return Err("an application needs a clientId".to_owned());
        }
        let object_id = spec
            .object_id
            .unwrap_or_else(|| derived_object_id(tenant, &spec.client_id));
        let certificates = spec
            .certificates
            .iter()
            .map(|certificate| ClientCertificate::from_pem(&certificate.pem))
            .collect::<Result<_, _>>()
            .map_err(|error| format!("application {}: certificate: {error}", spec.client_id))?;
        Ok(Self {
            client_id: spec.client_id,
            object_id,
            name: spec.name,
            secrets: spec.secrets,
            certificates,
            federated: spec.federated_credentials,
        })
    }
}

impl ClientCertificate {
    /// Reads the first certificate of a PEM text; its key must be RSA, as Entra's client assertions are.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, String> {
        let der =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| format!("{error:?}"))?;
        let (_, certificate) =
            x509_parser::parse_x509_certificate(&der).map_err(|error| error.to_string())?;
        let key = certificate.public_key();
        if !matches!(key.parsed(), Ok(x509_parser::public_key::PublicKey::RSA(_))) {
            return Err("its key is not RSA".to_owned());
        }
        Ok(Self {
            x5t: URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der)),
            x5t_s256: URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &der)),
            public_key: key.subject_public_key.data.to_vec(),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
        })
    }
}

/// The same tenant and client always give the same object id, so a seed may leave it out and still name it.
fn derived_object_id(tenant: &str, client_id: &str) -> String {
    derived_uuid(&["service principal", tenant, &client_id.to_ascii_lowercase()]).to_string()
}

/// A GUID that depends on the parts alone.
pub(crate) fn derived_uuid(parts: &[&str]) -> Uuid {
    let hash = digest::digest(&digest::SHA256, parts.join("\n").as_bytes());
    let mut bytes = [0_u8; 16];
    for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
