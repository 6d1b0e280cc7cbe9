//! Encryption by password, the counterpart of [`super::decrypt`]: PBES2 (RFC 8018) with AES-256, and the scheme with triple DES
//! of PKCS#12 (RFC 7292, appendix C) for programs that know nothing newer.

use aws_lc_rs::{digest, hmac};
use cbc::Encryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use der::Decode;
use der::Encode;
use der::asn1::{AnyRef, Null, ObjectIdentifier, OctetStringRef};
use des::TdesEde3;
use pkcs5::pbes2::{PBES2_OID, Parameters};
use pkcs8::spki::AlgorithmIdentifierRef;

use super::decrypt::{Opener, Pbes1, Purpose, SHA1_3DES};
use super::keystore::{Ciphers, Salts};

/// Rounds of hashing, as Java's keytool takes since version 16.
pub(super) const ROUNDS: u32 = 10_000;

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// Something encrypted, with what must be known besides the password.
pub(super) struct Sealed {
    oid: ObjectIdentifier,
    parameters: Vec<u8>,
    pub(super) data: Vec<u8>,
}

impl Sealed {
    pub(super) fn algorithm(&self) -> Option<AlgorithmIdentifierRef<'_>> {
        Some(AlgorithmIdentifierRef {
            oid: self.oid,
            parameters: Some(AnyRef::from_der(&self.parameters).ok()?),
        })
    }
}

/// `plain` encrypted. `what` tells one part of a file from the others: each has a salt of its own.
pub(super) fn seal(
    plain: &[u8],
    password: &[u8],
    ciphers: Ciphers,
    salts: &Salts,
    what: &str,
) -> Option<Sealed> {
    let [salt, iv] = ["salt", "iv"].map(|use_of_it| salts.of(&format!("{what} {use_of_it}")));
    match ciphers {
        Ciphers::Modern => {
            let (salt, iv) = (salt.first_chunk::<16>()?, iv.first_chunk::<16>()?);
            let scheme = Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, salt, *iv).ok()?;
            Some(Sealed {
                oid: PBES2_OID,
                parameters: scheme.to_der().ok()?,
                data: scheme.encrypt(password, plain).ok()?,
            })
        }
        Ciphers::Legacy => {
            let salt = salt.first_chunk::<16>()?;
            let (mut opener, sha1) = (
                Opener::new(Some(password)),
                &digest::SHA1_FOR_LEGACY_USE_ONLY,
            );
            let mut derive = |purpose, len| opener.derive(sha1, purpose, salt, ROUNDS, len).ok();
            let (key, iv) = (derive(Purpose::Key, 24)?, derive(Purpose::Iv, 8)?);
            let cipher = Encryptor::<TdesEde3>::new_from_slices(&key, &iv).ok()?;
            let parameters = Pbes1 {
                salt: OctetStringRef::new(salt).ok()?,
                rounds: ROUNDS,
            };
            Some(Sealed {
                oid: SHA1_3DES,
                parameters: parameters.to_der().ok()?,
                data: cipher.encrypt_padded_vec::<Pkcs7>(plain),
            })
        }
    }
}

/// The MAC of PKCS#12 (RFC 7292, appendix B): its hash algorithm and value.
pub(super) fn mac(
    content: &[u8],
    password: &[u8],
    ciphers: Ciphers,
    salt: &[u8],
) -> Option<(AlgorithmIdentifierRef<'static>, hmac::Tag)> {
    let (oid, hash, algorithm) = match ciphers {
        Ciphers::Modern => (SHA256, &digest::SHA256, hmac::HMAC_SHA256),
        Ciphers::Legacy => (
            SHA1,
            &digest::SHA1_FOR_LEGACY_USE_ONLY,
            hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        ),
    };
    let mut opener = Opener::new(Some(password));
    let key = opener.derive(hash, Purpose::Mac, salt, ROUNDS, hash.output_len());
    let tag = hmac::sign(&hmac::Key::new(algorithm, &key.ok()?), content);
    let algorithm = AlgorithmIdentifierRef {
        oid,
        parameters: Some(Null.into()),
    };
    Some((algorithm, tag))
}
