//! The certificate that an application proves itself with: read from a Secret's content, checked against the clock. Pure.
//! [`super::assertion`] signs with it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use crate::certificate::{self, Certificate, Kind, Pair};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// How far the operator's clock and Azure's may lie apart.
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A client certificate with its private key. Cloning it is cheap; the key is wiped from memory when the last clone is
/// dropped (AWS-LC clears all that it frees). It prints its thumbprint only.
#[derive(Clone)]
pub struct ClientCertificate(Arc<Inner>);

struct Inner {
    leaf: Certificate,
    thumbprint: String,
    thumbprints: Thumbprints,
    chain: Vec<String>,
    signer: Signer,
}

/// Hashes of the certificate's DER as a JWT's header names them (RFC 7515, 4.1.7 and 4.1.8): base64url without padding.
pub(super) struct Thumbprints {
    /// `x5t`
    pub(super) sha1: String,
    /// `x5t#S256`
    pub(super) sha256: String,
}

/// What can be done with the private key.
pub(super) enum Signer {
    /// Sign.
    Rsa(RsaKeyPair),
    /// Nothing: Entra takes no such key, so it was not kept.
    Unusable(Kind),
}

impl ClientCertificate {
    /// Reads the content of a file: PEM or PKCS#12 with one private key, its certificate, and issuers for `x5c`. Order does
    /// not matter. Messages never quote content and are worded to stand behind the file's name and a colon.
    pub fn parse(content: &SecretValue, password: Option<&SecretValue>) -> Result<Self, Problem> {
        let container = certificate::read(content, password).map_err(|mut problem| {
            if problem.reason == Reason::CertificatePasswordWrong {
                problem.message.push_str(
                    "; store its password in the same Secret and name that key in clientCertificate.passwordKey",
                );
            }
            problem
        })?;
        let Pair {
            key, leaf, issuers, ..
        } = container.pair()?;
        let signer = match key.kind() {
            Kind::Rsa => {
                let pair = RsaKeyPair::from_pkcs8(key.pkcs8().expose());
                Signer::Rsa(pair.map_err(|_| refused("its RSA key cannot be used"))?)
            }
            Kind::Ec(_) => Signer::Unusable(key.kind()),
        };
        let hashed = |algorithm| URL_SAFE_NO_PAD.encode(digest::digest(algorithm, leaf.der()));
        let sent = (issuers.iter()).filter(|issuer| !issuer.is_self_issued());
        Ok(Self(Arc::new(Inner {
            thumbprint: leaf.thumbprint(),
            thumbprints: Thumbprints {
                sha1: hashed(&digest::SHA1_FOR_LEGACY_USE_ONLY),
                sha256: hashed(&digest::SHA256),
            },
            chain: (std::iter::once(&leaf).chain(sent))
                .map(|certificate| STANDARD.encode(certificate.der()))
                .collect(),
            leaf,
            signer,
        })))
    }

    /// Whether the certificate is within its time at `now`, give or take five minutes.
    pub fn check(&self, now: Timestamp) -> Result<(), Problem> {
        let (from, to) = (self.0.leaf.not_before(), self.0.leaf.not_after());
        let expired = |message| Problem::new(Reason::CertificateExpired, Retry::OnChange, message);
        if now.duration_since(to) > SKEW {
            return Err(expired(format!(
                "the certificate {} expired at {to}; make a new one, register it with `az ad app credential reset --id <clientId> --cert @cert.pem --append`, and store it with its key here",
                self.0.thumbprint
            )));
        }
        if from.duration_since(now) > SKEW {
            return Err(Problem {
                retry: Retry::Backoff,
                ..expired(format!(
                    "the certificate {} is valid from {from} only; wait until then, or compare the clock of the operator's node with `date -u`",
                    self.0.thumbprint
                ))
            });
        }
        Ok(())
    }

    /// The last moment at which the certificate is valid.
    pub fn not_after(&self) -> Timestamp {
        self.0.leaf.not_after()
    }

    /// The SHA-1 thumbprint in upper-case hexadecimal digits, as Azure's portal shows it.
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// Whose certificate it is, such as `CN=app.example,O=Contoso` (RFC 4514).
    pub fn subject(&self) -> &str {
        self.0.leaf.subject()
    }

    pub(super) fn thumbprints(&self) -> &Thumbprints {
        &self.0.thumbprints
    }

    /// `x5c` (RFC 7515, 4.1.6): DER in base64 with padding, the certificate itself first, then its issuers without the root,
    /// which whoever trusts it has already.
    pub(super) fn chain(&self) -> &[String] {
        &self.0.chain
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.0.signer
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", self.0.thumbprint)
    }
}

/// A key that cannot sign.
pub(super) fn refused(message: impl Into<String>) -> Problem {
    Problem::new(Reason::CertificateUnreadable, Retry::OnChange, message)
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
