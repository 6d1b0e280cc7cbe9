//! Certificates (RFC 5280), as far as it matters here: whose they are, how long they last, and who may have issued whom.

use std::fmt;

use aws_lc_rs::digest;
use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use jiff::Timestamp;
use x509_cert::Certificate as Parsed;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, SubjectKeyIdentifier};
use x509_cert::time::Time;

use super::key::{self, Kind, PrivateKey};

/// A certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    subject: String,
    issuer: String,
    /// Names in DER: two that are written differently are different to Azure, too.
    subject_name: Vec<u8>,
    issuer_name: Vec<u8>,
    subject_key: Option<Vec<u8>>,
    issuer_key: Option<Vec<u8>>,
    not_before: Timestamp,
    not_after: Timestamp,
    authority: bool,
    algorithm: ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
    public: Vec<u8>,
    public_info: Vec<u8>,
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
        let constraints = inner.get_extension::<BasicConstraints>().ok().flatten();
        let parameters = public.algorithm.parameters.as_ref();
        Some(Self {
            der: der.to_vec(),
            subject: inner.subject().to_string(),
            issuer: inner.issuer().to_string(),
            subject_name: inner.subject().to_der().ok()?,
            issuer_name: inner.issuer().to_der().ok()?,
            subject_key: subject_key.map(|(_, id)| id.0.as_bytes().to_vec()),
            issuer_key: issuer_key.and_then(|(_, id)| Some(id.key_identifier?.as_bytes().to_vec())),
            not_before: timestamp(inner.validity().not_before),
            not_after: timestamp(inner.validity().not_after),
            authority: constraints.is_some_and(|(_, constraints)| constraints.ca),
            algorithm: public.algorithm.oid,
            curve: parameters.and_then(|parameters| parameters.decode_as().ok()),
            public: public.subject_public_key.raw_bytes().to_vec(),
            public_info: public.to_der().ok()?,
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

    /// Whether it says of itself that it may issue others.
    pub(super) fn is_authority(&self) -> bool {
        self.authority
    }

    /// `SubjectPublicKeyInfo` in DER (RFC 5280, 4.1.2.7).
    pub(super) fn public_info(&self) -> &[u8] {
        &self.public_info
    }

    /// What the key is for (`rsaEncryption`), the curve where it has one, and the key as it stands in the certificate.
    pub(super) fn public_key(&self) -> (ObjectIdentifier, Option<ObjectIdentifier>, &[u8]) {
        (self.algorithm, self.curve, &self.public)
    }

    pub(super) fn belongs_to(&self, key: &PrivateKey) -> bool {
        let algorithm = match key.kind() {
            Kind::Rsa => key::RSA,
            Kind::Ec(_) => key::EC,
        };
        self.algorithm == algorithm && self.public == key.public()
    }

    /// Whether `issuer` may have issued this one, by what both say: the names, and the key's id where both tell it. Names
    /// that differ in case or in the kind of string only are taken where the ids are the same, since some authorities
    /// write their own name in two ways (RFC 5280, 7.1).
    pub(super) fn names(&self, issuer: &Self) -> bool {
        let ids = self.issuer_key.as_ref().zip(issuer.subject_key.as_ref());
        match ids {
            Some((ours, theirs)) => {
                ours == theirs
                    && (self.issuer_name == issuer.subject_name
                        || self.issuer.eq_ignore_ascii_case(&issuer.subject))
            }
            None => self.issuer_name == issuer.subject_name,
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.thumbprint())
    }
}

/// jiff's time ends a day before the year 9999 does, which certificates without an end use.
fn timestamp(time: Time) -> Timestamp {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}
