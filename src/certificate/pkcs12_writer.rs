//! PKCS#12 (RFC 7292) written, as keytool and OpenSSL write it: encrypted certificates, a shrouded key, a MAC over all.

use aws_lc_rs::digest;
use der::asn1::{Any, AnyRef, BmpString, ObjectIdentifier, OctetString, OctetStringRef, SetOfVec};
use der::{Decode, Encode, EncodeValue, Tag, TagNumber, Tagged};
use x509_cert::attr::Attribute;

use super::decrypt::EncryptedKey;
use super::encrypt::{self, ROUNDS};
use super::key::PrivateKey;
use super::keystore::{Ciphers, Salts};
use super::pkcs12::{
    Bag, CERTIFICATE_BAG, CertificateBag, ContentInfo, DATA, DigestInfo, ENCRYPTED_DATA,
    EncryptedContent, EncryptedData, MacData, Pfx, SHROUDED_BAG, X509,
};
use super::x509::Certificate;

/// friendlyName (RFC 2985, 5.5.1), which Java calls the alias.
const FRIENDLY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.20");
/// localKeyId (RFC 2985, 5.5.2): the same at a key and its certificate.
const LOCAL_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");
/// Oracle's trustedKeyUsage. Java takes a certificate without a key for trusted only where it has this (JDK-8006591).
const TRUSTED: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.113894.746875.1.1");
/// anyExtendedKeyUsage (RFC 5280, 4.2.1.12).
const ANY_USE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// What encrypts a file.
pub(super) struct Lock<'a> {
    pub(super) password: &'a [u8],
    pub(super) ciphers: Ciphers,
    pub(super) salts: Salts,
}

/// A key with its certificate and that certificate's issuers. `None` where something is longer than DER can say.
pub(super) fn key_store(
    key: &PrivateKey,
    chain: &[Certificate],
    alias: &str,
    lock: &Lock<'_>,
) -> Option<Vec<u8>> {
    let leaf = chain.first()?.der();
    let id = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, leaf);
    let id = OctetString::new(id.as_ref()).ok()?;
    let named = attributes(vec![
        attribute(FRIENDLY_NAME, &BmpString::from_utf8(alias).ok()?)?,
        attribute(LOCAL_KEY_ID, &id)?,
    ])?;
    let mut bags = Vec::new();
    for (place, certificate) in chain.iter().enumerate() {
        let attributes = (place == 0).then_some(named.as_slice());
        bags.push(certificate_bag(certificate, attributes)?);
    }
    let sealed = encrypt::seal(
        key.pkcs8().expose(),
        lock.password,
        lock.ciphers,
        &lock.salts,
        "key",
    )?;
    let shrouded = EncryptedKey {
        algorithm: sealed.algorithm()?,
        data: OctetStringRef::new(&sealed.data).ok()?,
    };
    let key_bag = bag(SHROUDED_BAG, &shrouded.to_der().ok()?, Some(&named))?;
    file(&bags, Some(&key_bag), lock)
}

/// A certificate to trust.
pub(super) fn trust_store(
    certificate: &Certificate,
    alias: &str,
    lock: &Lock<'_>,
) -> Option<Vec<u8>> {
    let attributes = attributes(vec![
        attribute(FRIENDLY_NAME, &BmpString::from_utf8(alias).ok()?)?,
        attribute(TRUSTED, &ANY_USE)?,
    ])?;
    file(
        &[certificate_bag(certificate, Some(&attributes))?],
        None,
        lock,
    )
}

/// The whole: one part with the certificates, one with the key, and the MAC.
fn file(certificates: &[Vec<u8>], key: Option<&[u8]>, lock: &Lock<'_>) -> Option<Vec<u8>> {
    let plain = sequence(certificates)?;
    let sealed = encrypt::seal(
        &plain,
        lock.password,
        lock.ciphers,
        &lock.salts,
        "certificates",
    )?;
    let tag = Tag::ContextSpecific {
        constructed: false,
        number: TagNumber(0),
    };
    let encrypted = EncryptedData {
        version: 0,
        content: EncryptedContent {
            id: DATA,
            algorithm: sealed.algorithm()?,
            data: AnyRef::new(tag, &sealed.data).ok()?,
        },
    };
    let mut parts = vec![content(ENCRYPTED_DATA, &encrypted.to_der().ok()?)?];
    if let Some(key) = key {
        let bags = sequence(&[key.to_vec()])?;
        parts.push(content(DATA, &octets(&bags)?)?);
    }
    let safe = sequence(&parts)?;
    let salt = lock.salts.of("mac salt");
    let salt = salt.first_chunk::<16>()?;
    let (algorithm, digest) = encrypt::mac(&safe, lock.password, lock.ciphers, salt)?;
    let safe = octets(&safe)?;
    let pfx = Pfx {
        version: 3,
        content: ContentInfo {
            id: DATA,
            content: AnyRef::from_der(&safe).ok()?,
        },
        mac: Some(MacData {
            mac: DigestInfo {
                algorithm,
                digest: OctetStringRef::new(digest.as_ref()).ok()?,
            },
            salt: OctetStringRef::new(salt).ok()?,
            rounds: ROUNDS,
        }),
    };
    pfx.to_der().ok()
}

fn certificate_bag(certificate: &Certificate, attributes: Option<&[u8]>) -> Option<Vec<u8>> {
    let inner = CertificateBag {
        id: X509,
        certificate: OctetStringRef::new(certificate.der()).ok()?,
    };
    bag(CERTIFICATE_BAG, &inner.to_der().ok()?, attributes)
}

fn bag(id: ObjectIdentifier, value: &[u8], attributes: Option<&[u8]>) -> Option<Vec<u8>> {
    let attributes = attributes.map(AnyRef::from_der).transpose().ok()?;
    let value = AnyRef::from_der(value).ok()?;
    let bag = Bag {
        id,
        value,
        attributes,
    };
    bag.to_der().ok()
}

fn content(id: ObjectIdentifier, content: &[u8]) -> Option<Vec<u8>> {
    let content = AnyRef::from_der(content).ok()?;
    ContentInfo { id, content }.to_der().ok()
}

fn sequence(values: &[Vec<u8>]) -> Option<Vec<u8>> {
    let values = values.concat();
    AnyRef::new(Tag::Sequence, &values).ok()?.to_der().ok()
}

fn octets(value: &[u8]) -> Option<Vec<u8>> {
    OctetStringRef::new(value).ok()?.to_der().ok()
}

fn attribute<T: Tagged + EncodeValue>(oid: ObjectIdentifier, value: &T) -> Option<Attribute> {
    let values = SetOfVec::try_from(vec![Any::encode_from(value).ok()?]);
    let values = values.ok()?;
    Some(Attribute { oid, values })
}

fn attributes(all: Vec<Attribute>) -> Option<Vec<u8>> {
    SetOfVec::try_from(all).ok()?.to_der().ok()
}
