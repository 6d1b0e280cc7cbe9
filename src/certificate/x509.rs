//! Certificates (RFC 5280), as far as it matters here: whose they are, how long they last, and who issued whom.

use std::fmt;

use aws_lc_rs::digest;
use der::{Decode, Encode};
use jiff::Timestamp;
use x509_cert::Certificate as Parsed;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier};
use x509_cert::time::Time;

use super::key::{self, Kind, PrivateKey};

/// A certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    subject: String,
    /// Names in DER: two that are written differently are different to Azure, too.
    subject_name: Vec<u8>,
    issuer_name: Vec<u8>,
    subject_key: Option<Vec<u8>>,
    issuer_key: Option<Vec<u8>>,
    not_before: Timestamp,
    not_after: Timestamp,
    algorithm: String,
    public: Vec<u8>,
}

impl Certificate {
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let parsed = Parsed::from_der(der).ok()?;
        let inner = parsed.tbs_certificate();
        let public = inner.subject_public_key_info();
        let subject_key = inner.get_extension::<SubjectKeyIdentifier>().ok().flatten();
        let issuer_key = inner
            .get_extension::<AuthorityKeyIdentifier>()
            .ok()
            .flatten();
        Some(Self {
            der: der.to_vec(),
            subject: inner.subject().to_string(),
            subject_name: inner.subject().to_der().ok()?,
            issuer_name: inner.issuer().to_der().ok()?,
            subject_key: subject_key.map(|(_, id)| id.0.as_bytes().to_vec()),
            issuer_key: issuer_key.and_then(|(_, id)| Some(id.key_identifier?.as_bytes().to_vec())),
            not_before: timestamp(inner.validity().not_before),
            not_after: timestamp(inner.validity().not_after),
            algorithm: public.algorithm.oid.to_string(),
            public: public.subject_public_key.raw_bytes().to_vec(),
        })
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whose it is, as RFC 4514 writes names: `CN=app.example,O=Contoso`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The moment from which on it is valid.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last moment at which it is valid.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether its subject issued it, as a root's did.
    pub fn is_self_issued(&self) -> bool {
        self.subject_name == self.issuer_name
    }

    /// The SHA-1 thumbprint, in upper-case hexadecimal digits as Azure's portal shows it.
    pub fn thumbprint(&self) -> String {
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.der);
        (hash.as_ref().iter()).fold(String::new(), |digits, byte| format!("{digits}{byte:02X}"))
    }

    pub(super) fn belongs_to(&self, key: &PrivateKey) -> bool {
        let algorithm = match key.kind() {
            Kind::Rsa => key::RSA,
            Kind::Ec(_) => key::EC,
        };
        self.algorithm == algorithm.to_string() && self.public == key.public()
    }

    /// Whether `issuer` may have issued this one: by name, and by the key's id where both tell it.
    fn may_be_from(&self, issuer: &Self) -> bool {
        let ids = self.issuer_key.as_ref().zip(issuer.subject_key.as_ref());
        self.issuer_name == issuer.subject_name && ids.is_none_or(|(ours, theirs)| ours == theirs)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.thumbprint())
    }
}

/// The issuers of `leaf` among `others`, each issued by the next.
pub(super) fn chain(leaf: &Certificate, mut others: Vec<Certificate>) -> Vec<Certificate> {
    let mut issuers: Vec<Certificate> = Vec::new();
    loop {
        let last = issuers.last().unwrap_or(leaf);
        if last.is_self_issued() {
            return issuers;
        }
        let Some(place) = others.iter().position(|other| last.may_be_from(other)) else {
            return issuers;
        };
        // Taken out, so that certificates that name each other in a ring end.
        issuers.push(others.remove(place));
    }
}

/// jiff's time ends a day before the year 9999 does, which certificates without an end use.
fn timestamp(time: Time) -> Timestamp {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}
