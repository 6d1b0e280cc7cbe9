//! Keystores for programs that read no PEM: PKCS#12 and Java's own JKS, each with its truststore.
//!
//! These formats want random salts. Here a salt comes of the private key and of everything that is written, as the nonce of a
//! deterministic signature does (RFC 6979). So the same certificate, alias and password give the same bytes, and writing a
//! Secret anew changes nothing; another content has other salts; and nobody without the private key can tell a salt from a
//! random one. The password is left out: a salt is readable, and must not help to guess it.

use aws_lc_rs::hmac;

use super::bundle::Tls;
use super::x509::Certificate;
use super::{jks, pkcs12_writer};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// The entry of a truststore, as cert-manager names it.
const TRUSTED: &str = "ca";
/// Letters in an alias. No format sets a limit near it.
const MAX_ALIAS: usize = 128;

/// Which encryption a PKCS#12 file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ciphers {
    /// AES-256-CBC, PBKDF2 and HMAC with SHA-256: Java since 8u301 and 11.0.12, OpenSSL since 1.1, Windows since Server 2019.
    Modern,
    /// Triple DES and SHA-1, for what is older. OpenSSL 3 reads it, too.
    Legacy,
}

/// A keystore and its truststore.
#[derive(Debug)]
pub struct Keystore {
    /// `keystore.p12` or `keystore.jks`: the key with its certificates, as in `tls.crt`.
    pub keystore: SecretValue,
    /// `truststore.p12` or `truststore.jks`: what is in `ca.crt`, under the alias `ca`. `None` where there is no `ca.crt`.
    pub truststore: Option<SecretValue>,
}

/// PKCS#12 (RFC 7292).
///
/// `password` is one or more printable letters of ASCII; a line break at its end is not part of it, as in [`super::read`].
/// `alias` is of such letters, too, 1 to 128.
pub fn pkcs12(
    tls: &Tls,
    password: &SecretValue,
    alias: &str,
    ciphers: Ciphers,
) -> Result<Keystore, Problem> {
    let password = usable(password)?;
    named(alias)?;
    let parts = &tls.parts;
    let format = match ciphers {
        Ciphers::Modern => "pkcs12 modern",
        Ciphers::Legacy => "pkcs12 legacy",
    };
    let lock = |salts| pkcs12_writer::Lock {
        password,
        ciphers,
        salts,
    };
    let salts = Salts::new(tls, &[format, "keystore", alias], &parts.chain);
    let keystore = pkcs12_writer::key_store(&parts.key, &parts.chain, alias, &lock(salts));
    let truststore = parts.authority.as_ref().map(|authority| {
        let one = std::slice::from_ref(authority);
        let salts = Salts::new(tls, &[format, "truststore"], one);
        finished(pkcs12_writer::trust_store(authority, TRUSTED, &lock(salts)))
    });
    Ok(Keystore {
        keystore: finished(keystore)?,
        truststore: truststore.transpose()?,
    })
}

/// JKS, which Java has read since 1.2 and calls outdated since 9: its protection is made of SHA-1, one round. It is for programs
/// that take nothing else.
///
/// `password` as for [`pkcs12`]; it protects the key, too. `alias` becomes lower case, as keytool makes it, since Java would not
/// find it otherwise. The date of an entry is the certificate's first moment.
pub fn jks(tls: &Tls, password: &SecretValue, alias: &str) -> Result<Keystore, Problem> {
    let password = usable(password)?;
    named(alias)?;
    let alias = alias.to_ascii_lowercase();
    let parts = &tls.parts;
    let salts = Salts::new(tls, &["jks", &alias], &parts.chain);
    let keystore = jks::key_store(&parts.key, &parts.chain, &alias, password, &salts);
    let truststore = (parts.authority.as_ref())
        .map(|authority| finished(jks::trust_store(authority, TRUSTED, password)));
    Ok(Keystore {
        keystore: finished(keystore)?,
        truststore: truststore.transpose()?,
    })
}

/// Salts of one file.
pub(super) struct Salts(hmac::Key);

impl Salts {
    /// `what` is all that goes into the file besides these certificates and the key.
    fn new(tls: &Tls, what: &[&str], certificates: &[Certificate]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, tls.parts.key.pkcs8().expose());
        let mut context = hmac::Context::with_key(&key);
        let texts = ["lakevault keystore salts"]
            .into_iter()
            .chain(what.iter().copied());
        let certificates = certificates.iter().map(Certificate::der);
        for part in texts.map(str::as_bytes).chain(certificates) {
            // With its length, so that no two lists of parts run together to the same bytes.
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        Self(hmac::Key::new(hmac::HMAC_SHA256, context.sign().as_ref()))
    }

    /// 32 bytes; others for each use.
    pub(super) fn of(&self, what: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.0, what.as_bytes());
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

fn usable(password: &SecretValue) -> Result<&[u8], Problem> {
    let mut password = password.expose();
    while let [rest @ .., b'\n' | b'\r'] = password {
        password = rest;
    }
    let seen = if password.is_empty() {
        "is empty"
    } else if !printable(password) {
        "has letters other than the printable ones of ASCII, which Java refuses for PKCS#12"
    } else {
        return Ok(password);
    };
    Err(Problem::new(
        Reason::KeystorePasswordUnusable,
        Retry::OnChange,
        format!(
            "the password for the keystore {seen}; store another: `az keyvault secret set --vault-name <vault> --name <name> --value \"$(openssl rand -hex 24)\"`"
        ),
    ))
}

fn named(alias: &str) -> Result<(), Problem> {
    if printable(alias.as_bytes()) && (1..=MAX_ALIAS).contains(&alias.len()) {
        return Ok(());
    }
    Err(Problem::new(
        Reason::InvalidSpec,
        Retry::OnChange,
        format!("the alias of a keystore must be 1 to {MAX_ALIAS} printable letters of ASCII"),
    ))
}

fn printable(text: &[u8]) -> bool {
    text.iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// The formats say lengths in 28 to 32 bits, and nothing else can go wrong.
fn finished(file: Option<Vec<u8>>) -> Result<SecretValue, Problem> {
    file.map(SecretValue::new).ok_or_else(|| {
        Problem::new(
            Reason::TooLarge,
            Retry::OnChange,
            "its certificates are more than a keystore can hold; store the certificate with its issuers only",
        )
    })
}

#[cfg(test)]
#[path = "keystore_tests.rs"]
mod tests;
