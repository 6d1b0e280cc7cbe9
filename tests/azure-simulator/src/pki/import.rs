//! Files that clients import: PEM, or PKCS#12 in base64.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, Unit, tz::TimeZone};
use p12_keystore::Pkcs12Archive;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    pem::Pem,
    prelude::FromDer as _,
};

use super::{issue::Validity, key::PrivateKey, names};
use crate::world::policy::{BasicConstraints, Sans, X509Props};

const PEM_MARK: &[u8] = b"-----BEGIN";

/// A key with its certificate and that one's issuers, as far as the file has them.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) key: PrivateKey,
    /// The certificate of the key.
    pub(crate) leaf: Arc<[u8]>,
    /// With its issuers: as the file has them, or the certificate of the key first.
    pub(crate) chain: Vec<Arc<[u8]>>,
    pub(crate) pem: bool,
    pub(crate) in_order: bool,
}

/// Reads a file: PEM as it is or in base64, PKCS#12 in base64. `in_order` keeps the certificates as they stand.
pub(crate) fn read(
    value: &str,
    password: Option<&str>,
    in_order: bool,
) -> Result<Imported, String> {
    let decoded = STANDARD.decode(value.trim()).ok();
    let content = decoded.as_deref().unwrap_or(value.as_bytes());
    let pem = content.windows(PEM_MARK.len()).any(|part| part == PEM_MARK);
    let (keys, certificates) = if pem {
        read_pem(content)?
    } else {
        read_pkcs12(content, password.unwrap_or_default())?
    };
    let mut keys = keys.into_iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err("The specified file must hold one private key".to_owned());
    };
    let leaf = certificates
        .iter()
        .find(|der| belongs(der, &key))
        .cloned()
        .ok_or("The specified file holds no certificate of its private key")?;
    Ok(Imported {
        chain: if in_order {
            certificates
        } else {
            chain(Arc::clone(&leaf), &certificates)
        },
        leaf,
        key,
        pem,
        in_order,
    })
}

/// Whether the certificate is the key's.
pub(crate) fn belongs(certificate: &[u8], key: &PrivateKey) -> bool {
    X509Certificate::from_der(certificate).is_ok_and(|(_, parsed)| {
        parsed.public_key().subject_public_key.data.as_ref() == key.public()
    })
}

/// Keys, and certificates as DER.
type Contents = (Vec<PrivateKey>, Vec<Arc<[u8]>>);

fn read_pem(text: &[u8]) -> Result<Contents, String> {
    let mut keys = Vec::new();
    let mut certificates: Vec<Arc<[u8]>> = Vec::new();
    for block in Pem::iter_from_buffer(text) {
        let block =
            block.map_err(|_| "The specified PEM X.509 certificate content can not be read")?;
        match block.label.as_str() {
            "CERTIFICATE" => certificates.push(block.contents.into()),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
                keys.push(PrivateKey::from_der(&block.contents)?);
            }
            _ => {}
        }
    }
    Ok((keys, certificates))
}

fn read_pkcs12(der: &[u8], password: &str) -> Result<Contents, String> {
    let refused = "The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in \
                   valid PKCS#12 format and the password is right.";
    let archive = Pkcs12Archive::from_pkcs12(der, password).map_err(|_| refused)?;
    let keys = archive
        .keys
        .iter()
        .map(|bag| PrivateKey::from_der(bag.key.as_der()))
        .collect::<Result<_, _>>()?;
    let certificates = archive
        .certs
        .iter()
        .map(|bag| bag.cert.as_der().into())
        .collect();
    Ok((keys, certificates))
}

/// The leaf, and each one's issuer by its name.
fn chain(leaf: Arc<[u8]>, all: &[Arc<[u8]>]) -> Vec<Arc<[u8]>> {
    let mut chain = vec![leaf];
    while let Some(next) = chain.last().and_then(|last| {
        let (_, last) = X509Certificate::from_der(last).ok()?;
        all.iter()
            .find(|der| {
                !chain.contains(der)
                    && X509Certificate::from_der(der)
                        .is_ok_and(|(_, issuer)| issuer.subject() == last.issuer())
            })
            .cloned()
    }) {
        chain.push(next);
    }
    chain
}

/// What a certificate says of itself, as a policy has it, and when it is good.
pub(crate) fn describe(der: &[u8]) -> Result<(X509Props, Validity), String> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| "The certificate can not be read")?;
    let validity = Validity {
        from: certificate.validity().not_before.timestamp(),
        to: certificate.validity().not_after.timestamp(),
    };
    let mut props = X509Props {
        subject: names::write(certificate.subject()),
        ekus: Vec::new(),
        validity_months: months(validity),
        ..X509Props::default()
    };
    for extension in certificate.extensions() {
        // The other extensions have no place in a policy.
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "there are dozens of extensions"
        )]
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(basic) => {
                props.basic_constraints = BasicConstraints { ca: basic.ca };
            }
            ParsedExtension::KeyUsage(usage) => props.key_usage = key_usages(usage.flags),
            ParsedExtension::ExtendedKeyUsage(_) => props.ekus = ekus(extension.value),
            ParsedExtension::SubjectAlternativeName(names) => {
                let mut sans = Sans::default();
                for name in &names.general_names {
                    match name {
                        GeneralName::DNSName(name) => sans.dns_names.push((*name).to_owned()),
                        GeneralName::RFC822Name(name) => sans.emails.push((*name).to_owned()),
                        _ => {}
                    }
                }
                props.sans = Some(sans);
            }
            _ => {}
        }
    }
    Ok((props, validity))
}

/// Months that have begun.
fn months(validity: Validity) -> u32 {
    let at = |seconds| Timestamp::from_second(seconds).map(|at| at.to_zoned(TimeZone::UTC));
    let span = at(validity.from)
        .and_then(|from| from.until((Unit::Month, &at(validity.to)?)))
        .unwrap_or_default();
    let begun = i32::from(span.get_days() > 0);
    u32::try_from((span.get_months() + begun).clamp(1, 1200)).unwrap_or(12)
}

/// Bits of the extension (RFC 5280, 4.2.1.3), as policies name them.
fn key_usages(flags: u16) -> Vec<String> {
    [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ]
    .iter()
    .enumerate()
    .filter(|(bit, _)| flags >> bit & 1 == 1)
    .map(|(_, name)| (*name).to_owned())
    .collect()
}

/// The object identifiers in the extension, in their order.
fn ekus(value: &[u8]) -> Vec<String> {
    use x509_parser::der_parser::{asn1_rs::Oid, der::parse_der_sequence};
    let Ok((_, sequence)) = parse_der_sequence(value) else {
        return Vec::new();
    };
    let Ok(items) = sequence.as_sequence() else {
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| item.as_oid().ok().map(Oid::to_id_string))
        .collect()
}
