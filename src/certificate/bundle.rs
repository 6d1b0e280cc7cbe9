//! What a `kubernetes.io/tls` Secret holds, made of a file with a certificate and its key.
//!
//! A file is refused where its content cannot work for anybody, whatever the clients trust:
//!
//! - there is no key, or it does not belong to the certificate;
//! - the certificate, or the last of its issuers, says that it signed itself and did not: it is damaged, or it was made for
//!   another key;
//! - somebody meant to store the whole chain and it does not hold together. There are two signs of this: a root is in the file
//!   and the certificate does not lead to it; or certificates of authorities are in it, and none of them issued the
//!   certificate. Clients would find no way to a root, so what was synced before is the better choice.
//!
//! What may be right is a [`Note`]. A chain that just ends below a root is the usual form; and whether a single certificate's issuer
//! is a root, which clients have, or an intermediate one, which they lack, cannot be told without it. An expired certificate is
//! the caller's business ([`Tls::validity`]), since there is no clock here.

use std::fmt;

use jiff::Timestamp;

use super::key::PrivateKey;
use super::x509::Certificate;
use super::{Pair, chain, pem, read};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// What is put behind the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// Its issuers in order, as TLS servers send them.
    LeafFirst {
        /// Whether the root stands at the end, if the file has it. Clients have roots of their own and ignore it.
        include_root: bool,
    },
    /// Nothing; and no chain is refused.
    LeafOnly,
}

/// A certificate, its key and its issuers, in the forms that programs read.
#[derive(Debug)]
pub struct Tls {
    /// `tls.crt`: certificates in PEM, the leaf first, each issued by the next.
    pub certificate: SecretValue,
    /// `tls.key`: the private key of the leaf in PEM, as PKCS#8 without encryption.
    pub key: SecretValue,
    /// `ca.crt`: one certificate in PEM. It is the root if the file has it, else the topmost issuer; of a self-signed
    /// certificate it is the certificate itself. `None` where the file has no issuer.
    pub authority: Option<SecretValue>,
    /// When it may be used.
    pub validity: Validity,
    /// What should be said about the file, though it was taken.
    pub notes: Vec<Note>,
    pub(super) parts: Parts,
}

/// The same in DER, for keystores.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) key: PrivateKey,
    /// As in `tls.crt`; never empty.
    pub(super) chain: Vec<Certificate>,
    pub(super) authority: Option<Certificate>,
}

/// When a certificate may be used. All times are to the second and belong to the span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first moment of the leaf.
    pub not_before: Timestamp,
    /// The last moment of the leaf.
    pub not_after: Timestamp,
    /// The last moment at which the leaf and all issuers in the file but the root are valid; `not_after` or earlier.
    pub chain_not_after: Timestamp,
}

/// How a moment stands to a [`Validity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Before the leaf's first moment.
    NotYet,
    /// In between.
    Valid,
    /// The leaf is past its end.
    Expired,
}

impl Validity {
    /// Whether the leaf is within its time at `now`.
    pub fn at(&self, now: Timestamp) -> Standing {
        if now < self.not_before {
            Standing::NotYet
        } else if now > self.not_after {
            Standing::Expired
        } else {
            Standing::Valid
        }
    }
}

/// What is odd in a file and may be right. Worded, like a message, to stand behind the name of the file and a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// The leaf is alone, and did not sign itself.
    NoIssuer,
    /// So many certificates have nothing to do with the leaf. They are left out.
    Strangers(usize),
    /// An issuer ends before the leaf does.
    IssuerEndsFirst,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIssuer => f.write_str(
                "it holds the certificate without its issuer; unless that is a root which all clients trust, append the issuer's certificate",
            ),
            Self::Strangers(1) => f.write_str(
                "one certificate in it has nothing to do with the key's certificate and is left out",
            ),
            Self::Strangers(many) => write!(
                f,
                "{many} certificates in it have nothing to do with the key's certificate and are left out"
            ),
            Self::IssuerEndsFirst => f.write_str(
                "an issuer in it ends before the certificate does; get the issuer's new certificate in time",
            ),
        }
    }
}

/// Makes what a TLS Secret holds of a file in any form that [`read`] takes: what Key Vault gives for the secret behind a
/// certificate (`application/x-pkcs12`, `application/x-pem-file`), or what people store themselves.
///
/// The order of certificates in the file does not matter, and doubles do not either. Where several certificates belong to the
/// key, the one that ends last is taken. Messages never quote content.
pub fn tls(
    content: &SecretValue,
    password: Option<&SecretValue>,
    options: Chain,
) -> Result<Tls, Problem> {
    let container = read(content, password)?;
    if container.keys.is_empty() && !container.certificates.is_empty() {
        return Err(problem(
            Reason::PrivateKeyMissing,
            "it holds a certificate without its private key. Key Vault gives the key of a certificate only where its policy says that it is exportable: set `\"exportable\": true` under `keyProperties` in `az keyvault certificate show --vault-name <vault> --name <name> --query policy >policy.json`, make a new version with `az keyvault certificate create --policy @policy.json --vault-name <vault> --name <name>`, or ask for its `publicKey` only",
        ));
    }
    let pair = container.pair()?;
    let notes = notes(&pair);
    if options != Chain::LeafOnly {
        whole(&pair)?;
    }
    let Pair {
        key,
        leaf,
        mut issuers,
        complete,
        ..
    } = pair;
    let intermediate = issuers.len() - usize::from(complete && !issuers.is_empty());
    let validity = Validity {
        not_before: leaf.not_before(),
        not_after: leaf.not_after(),
        chain_not_after: (issuers.iter().take(intermediate))
            .map(Certificate::not_after)
            .fold(leaf.not_after(), Timestamp::min),
    };
    let authority = issuers
        .last()
        .or_else(|| complete.then_some(&leaf))
        .cloned();
    issuers.truncate(match options {
        Chain::LeafFirst { include_root: true } => issuers.len(),
        Chain::LeafFirst {
            include_root: false,
        } => intermediate,
        Chain::LeafOnly => 0,
    });
    issuers.insert(0, leaf);
    let ders: Vec<&[u8]> = issuers.iter().map(Certificate::der).collect();
    Ok(Tls {
        certificate: pem::write("CERTIFICATE", &ders),
        key: pem::write("PRIVATE KEY", &[key.pkcs8().expose()]),
        authority: authority
            .as_ref()
            .map(|authority| pem::write("CERTIFICATE", &[authority.der()])),
        validity,
        notes,
        parts: Parts {
            key,
            chain: issuers,
            authority,
        },
    })
}

fn notes(pair: &Pair) -> Vec<Note> {
    let mut notes = Vec::new();
    if pair.issuers.is_empty() && !pair.complete {
        notes.push(Note::NoIssuer);
    }
    if !pair.strangers.is_empty() {
        notes.push(Note::Strangers(pair.strangers.len()));
    }
    let end = pair.leaf.not_after();
    if (pair.issuers.iter()).any(|issuer| issuer.not_after() < end) {
        notes.push(Note::IssuerEndsFirst);
    }
    notes
}

/// Whether what the file holds of the chain fits together. See the head of this file.
fn whole(pair: &Pair) -> Result<(), Problem> {
    if pair.complete {
        return Ok(());
    }
    let broken = |message: &str| {
        Err(problem(
            Reason::CertificateChainBroken,
            format!(
                "{message}; see whose they are with `openssl storeutl -noout -text -certs file.pem`, and store the certificate with the issuers that it came with, or ask for `chain: LeafOnly`"
            ),
        ))
    };
    let last = pair.issuers.last().unwrap_or(&pair.leaf);
    if chain::is_its_own_issuer(last) {
        return broken(
            "a certificate in it names itself as its issuer, but is not signed with its own key, so it is damaged or was made for another key",
        );
    }
    let authorities = (pair.strangers.iter()).filter(|stranger| stranger.is_authority());
    let roots = (authorities.clone()).filter(|stranger| chain::is_root(stranger));
    match (authorities.clone().count(), roots.count()) {
        (_, 1..) => broken(
            "it holds a root certificate that the key's certificate does not lead to: an issuer in between is missing, or the root belongs to another certificate",
        ),
        (1.., 0) if pair.issuers.is_empty() => broken(
            "none of the authorities' certificates in it issued the key's certificate: the issuer is missing, or they belong to another certificate",
        ),
        _ => Ok(()),
    }
}

fn problem(reason: Reason, message: impl Into<String>) -> Problem {
    Problem::new(reason, Retry::OnChange, message)
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
