//! Tenants, applications and what they prove themselves with.

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use uuid::Uuid;

use super::spec::{
    ApplicationSpec, ClientSecretSpec, FederatedCredential, SecretText, SubjectNameSpec, UserSpec,
};

/// A tenant.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    /// Lower-case GUID.
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    /// By lower-case client id.
    pub(crate) applications: BTreeMap<String, Arc<Application>>,
    /// By lower-case username.
    pub(crate) users: BTreeMap<String, Arc<User>>,
}

impl Tenant {
    /// Domain name, or the id of a tenant without one.
    pub(crate) fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    pub(crate) fn user(&self, username: &str) -> Option<Arc<User>> {
        self.users.get(&username.to_ascii_lowercase()).cloned()
    }
}

/// A user with a password.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) username: String,
    pub(crate) password: SecretText,
    pub(crate) object_id: String,
    /// A password alone is not enough.
    pub(crate) mfa: bool,
}

impl User {
    pub(crate) fn of_spec(tenant: &str, spec: UserSpec) -> Result<Self, String> {
        if spec.username.is_empty() {
            return Err("a user needs a username".to_owned());
        }
        let username = spec.username.to_ascii_lowercase();
        let object_id = spec
            .object_id
            .unwrap_or_else(|| derived_uuid(&["user", tenant, &username]).to_string());
        Ok(Self {
            username: spec.username,
            password: spec.password,
            object_id,
            mfa: spec.mfa,
        })
    }

    /// The display name: what is before the domain.
    pub(crate) fn name(&self) -> &str {
        self.username
            .split_once('@')
            .map_or(self.username.as_str(), |(name, _)| name)
    }

    /// The subject of the user's tokens for one client.
    pub(crate) fn pairwise_id(&self, client_id: &str) -> String {
        let client_id = client_id.to_ascii_lowercase();
        let hash = digest::digest(
            &digest::SHA256,
            format!("{}\n{client_id}", self.object_id).as_bytes(),
        );
        URL_SAFE_NO_PAD.encode(hash)
    }

    /// What the reply's `client_info` holds: object and home tenant, base64url.
    pub(crate) fn client_info(&self, tenant: &str) -> String {
        let text = serde_json::json!({"uid": self.object_id, "utid": tenant}).to_string();
        URL_SAFE_NO_PAD.encode(text)
    }
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
    pub(crate) subject_names: Vec<SubjectName>,
    /// May act for a user without a credential of its own.
    pub(crate) public_client: bool,
    /// May sign users in by their password.
    pub(crate) password_grant: bool,
}

/// Trust in certificates of a subject that lead to a root.
#[derive(Debug)]
pub(crate) struct SubjectName {
    pub(crate) subject: String,
    /// DER.
    pub(crate) root: Vec<u8>,
}

impl SubjectName {
    fn of_spec(spec: SubjectNameSpec) -> Result<Self, String> {
        let root = CertificateDer::from_pem_slice(spec.root_pem.as_bytes())
            .map_err(|error| format!("{error:?}"))?;
        Ok(Self {
            subject: spec.subject,
            root: root.to_vec(),
        })
    }
}

/// The subject of a DER certificate, as RFC 4514 writes it but in the certificate's order.
pub(crate) fn subject_of(der: &[u8]) -> Option<String> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    Some(certificate.subject().to_string())
}

/// Whether two subjects name the same: case, order and spaces do not count.
pub(crate) fn same_subject(one: &str, other: &str) -> bool {
    let parts = |subject: &str| {
        let mut parts: Vec<String> = subject
            .split(',')
            .map(|part| part.trim().to_ascii_lowercase())
            .collect();
        parts.sort();
        parts
    };
    parts(one) == parts(other)
}

/// A registered certificate.
#[derive(Clone, Debug)]
pub(crate) struct ClientCertificate {
    /// base64url of the SHA-1 of its DER.
    pub(crate) x5t: String,
    /// base64url of the SHA-256 of its DER.
    pub(crate) x5t_s256: String,
    /// The RSA public key, PKCS#1 DER; another key can be registered, but signs nothing that Entra takes.
    pub(crate) public_key: Option<Vec<u8>>,
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
        let subject_names = spec
            .subject_name_issuer
            .into_iter()
            .map(SubjectName::of_spec)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("application {}: rootPem: {error}", spec.client_id))?;
        Ok(Self {
            client_id: spec.client_id,
            object_id,
            name: spec.name,
            secrets: spec.secrets,
            certificates,
            federated: spec.federated_credentials,
            subject_names,
            public_client: spec.public_client,
            password_grant: spec.password_grant,
        })
    }

    /// Whether there is anything that it could prove itself with.
    pub(crate) fn has_credentials(&self) -> bool {
        !(self.secrets.is_empty()
            && self.certificates.is_empty()
            && self.federated.is_empty()
            && self.subject_names.is_empty())
    }
}

impl ClientCertificate {
    /// Reads the first certificate of a PEM text.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, String> {
        let der =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| format!("{error:?}"))?;
        Self::from_der(&der)
    }

    pub(crate) fn from_der(der: &[u8]) -> Result<Self, String> {
        let (_, certificate) =
            x509_parser::parse_x509_certificate(der).map_err(|error| error.to_string())?;
        let key = certificate.public_key();
        let is_rsa = matches!(key.parsed(), Ok(x509_parser::public_key::PublicKey::RSA(_)));
        Ok(Self {
            x5t: URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der)),
            x5t_s256: URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, der)),
            public_key: is_rsa.then(|| key.subject_public_key.data.to_vec()),
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
