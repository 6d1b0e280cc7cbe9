//! Files with certificates and private keys, as people keep them: PEM and PKCS#12, told apart by their content. Pure: bytes
//! in, keys and certificates out.
//!
//! [`read`] opens a file, [`Container::pair`] finds the certificate that belongs to the key and puts its issuers behind it.
//! A message never quotes anything of the file. It is worded to stand behind the name of the file and a colon.

mod ber;
pub mod bundle;
mod chain;
mod decrypt;
mod encrypt;
mod jks;
mod key;
pub mod keystore;
mod pem;
mod pkcs12;
mod pkcs12_writer;
pub mod public_key;
mod signature;
mod x509;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

use decrypt::{Failure, Opener};

pub use key::{Kind, PrivateKey};
pub use x509::Certificate;

/// Everything that a file holds, in its order.
#[derive(Debug, Default)]
pub struct Container {
    /// The private keys, without doubles.
    pub keys: Vec<PrivateKey>,
    /// The certificates, without doubles.
    pub certificates: Vec<Certificate>,
}

/// A private key with its certificate and that certificate's issuers.
#[derive(Debug)]
pub struct Pair {
    /// The private key.
    pub key: PrivateKey,
    /// The certificate of the key.
    pub leaf: Certificate,
    /// The issuers of the leaf as far as the file holds them, each issued by the next; a root comes last.
    pub issuers: Vec<Certificate>,
    /// Whether the last of these (the leaf, where there is none) is a root, so that nothing is missing.
    pub complete: bool,
    /// Certificates that the leaf does not lead to by any way.
    pub strangers: Vec<Certificate>,
}

/// Reads a file in any of these forms, in base64 as well: PEM with PKCS#8 (plain or encrypted), PKCS#1 and SEC 1 keys; PKCS#12.
///
/// A line break at the end of the password is not part of it. A password that nothing asks for is not used.
pub fn read(content: &SecretValue, password: Option<&SecretValue>) -> Result<Container, Problem> {
    let mut opener = Opener::new(password.map(SecretValue::expose));
    open(content.expose(), &mut opener).map_err(|failure| failure.into_problem(&opener))
}

fn open(content: &[u8], opener: &mut Opener<'_>) -> Result<Container, Failure> {
    let trimmed = content.trim_ascii();
    if trimmed.is_empty() {
        return Err(Failure::Unreadable("it is empty".to_owned()));
    }
    if pem::is_pem(trimmed) {
        return pem::read(trimmed, opener);
    }
    // DER is not text: white space at its ends belongs to it.
    if content.first() == Some(&ber::SEQUENCE) {
        return binary(content, opener);
    }
    if let Some(inner) = from_base64(trimmed) {
        return if pem::is_pem(&inner) {
            pem::read(&inner, opener)
        } else {
            binary(&inner, opener)
        };
    }
    let utf16 = [&[0xff, 0xfe], &[0xfe, 0xff]];
    Err(Failure::Unreadable(
        if utf16.iter().any(|mark| content.starts_with(*mark)) {
            "it is UTF-16 text, as PowerShell writes it; store the file as it was made, or as UTF-8"
        } else {
            "it is neither PEM (a line -----BEGIN …-----) nor PKCS#12"
        }
        .to_owned(),
    ))
}

/// What is in base64 and gives a container: a PKCS#12 file is often kept so, and Key Vault hands it out so.
fn from_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    packed.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let inner = Zeroizing::new(STANDARD.decode(&*packed).ok()?);
    (inner.first() == Some(&ber::SEQUENCE) || pem::is_pem(&inner)).then_some(inner)
}

/// Binary content: PKCS#12, or one of the things that are mistaken for it.
fn binary(content: &[u8], opener: &mut Opener<'_>) -> Result<Container, Failure> {
    let der = ber::to_der(content).ok_or_else(|| {
        Failure::Unreadable(
            "it begins like PKCS#12 but is cut short or damaged; compare its size with the original's"
                .to_owned(),
        )
    })?;
    if let Some(container) = pkcs12::read(&der, opener) {
        return container;
    }
    if let Some(certificate) = Certificate::from_der(&der) {
        return Ok(Container {
            keys: Vec::new(),
            certificates: vec![certificate],
        });
    }
    let text = if PrivateKey::any_from_der(&der).is_ok() {
        "it is a private key in DER form without its certificate; store a PEM file with both: `openssl pkey -inform DER -in key.der >both.pem; cat cert.pem >>both.pem`"
    } else {
        "it is binary but no PKCS#12; store a PEM file or a PKCS#12 file (.pfx, .p12) with the private key and its certificate"
    };
    Err(Failure::Unreadable(text.to_owned()))
}

impl Container {
    fn add_key(&mut self, key: PrivateKey) {
        if !self.keys.iter().any(|known| known.same_as(&key)) {
            self.keys.push(key);
        }
    }

    fn add_certificate(&mut self, der: &[u8]) -> Result<(), Failure> {
        let certificate = Certificate::from_der(der).ok_or_else(|| {
            let nth = self.certificates.len() + 1;
            Failure::Unreadable(format!(
                "certificate {nth} in it is no X.509 certificate; see what `openssl x509` says of it"
            ))
        })?;
        if !self.certificates.contains(&certificate) {
            self.certificates.push(certificate);
        }
        Ok(())
    }

    /// The one key with its certificate, which is the one with the same public key, wherever it stands. Where a certificate
    /// was renewed for the same key, it is the one that ends last.
    pub fn pair(mut self) -> Result<Pair, Problem> {
        let (found, certificates) = (self.keys.len(), self.certificates.len());
        let key = match (self.keys.pop(), certificates) {
            (None, 0) => {
                return Err(unreadable(
                    "it holds neither a private key nor a certificate",
                ));
            }
            (None, _) => {
                return Err(unreadable(
                    "it holds a certificate without its private key, so it is the public half, which is for Azure; store a PEM file with both, or a PKCS#12 file (.pfx, .p12)",
                ));
            }
            (Some(_), _) if found > 1 => {
                return Err(unreadable(format!(
                    "it holds {found} private keys, and it is not said which one to use; leave one"
                )));
            }
            (Some(_), 0) => {
                return Err(unreadable(
                    "it holds a private key but no certificate; append the certificate: `cat cert.pem >>key.pem`",
                ));
            }
            (Some(key), _) => key,
        };
        let leaf = (self.certificates.iter().enumerate())
            .filter(|(_, certificate)| certificate.belongs_to(&key))
            .max_by_key(|(_, certificate)| (certificate.not_after(), certificate.der()))
            .map(|(place, _)| place);
        let Some(place) = leaf else {
            let which = match certificates {
                1 => "the certificate does not belong to the private key".to_owned(),
                many => format!("none of the {many} certificates belongs to the private key"),
            };
            return Err(Problem::new(
                Reason::CertificateKeyMismatch,
                Retry::OnChange,
                format!(
                    "{which}: their public keys differ; compare `openssl x509 -in cert.pem -noout -pubkey` with `openssl pkey -in key.pem -pubout`"
                ),
            ));
        };
        let leaf = self.certificates.remove(place);
        let chain = chain::build(&leaf, &self.certificates).map_err(unreadable)?;
        Ok(Pair {
            key,
            leaf,
            issuers: chain.issuers,
            complete: chain.complete,
            strangers: chain.strangers,
        })
    }
}

fn unreadable(message: impl Into<String>) -> Problem {
    Problem::new(Reason::CertificateUnreadable, Retry::OnChange, message)
}

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod pki;

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
