//! JKS, the keystore of Java's `sun` provider. No standard describes it; Java's own `JavaKeyStore` and `KeyProtector` do. Numbers are
//! big-endian, texts have a length of 16 bits before them, the password counts as UTF-16.

use aws_lc_rs::digest;
use der::Encode;
use der::asn1::{Null, ObjectIdentifier, OctetStringRef};
use pkcs8::spki::AlgorithmIdentifierRef;
use zeroize::{Zeroize, Zeroizing};

use super::decrypt::EncryptedKey;
use super::key::PrivateKey;
use super::keystore::Salts;
use super::x509::Certificate;

const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
const KEY_ENTRY: u32 = 1;
const TRUSTED_ENTRY: u32 = 2;
/// What is hashed between the password and the content.
const WHITENER: &[u8] = b"Mighty Aphrodite";
const PROTECTED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.42.2.17.1.1");
const SHA1_LEN: usize = 20;

/// A key with its certificate and that certificate's issuers. `None` where something is longer than the format can say.
/// `password` is ASCII.
pub(super) fn key_store(
    key: &PrivateKey,
    chain: &[Certificate],
    alias: &str,
    password: &[u8],
    salts: &Salts,
) -> Option<Vec<u8>> {
    let password = utf16(password);
    let protected = protect(key.pkcs8().expose(), &password, salts)?;
    let mut file = begun(KEY_ENTRY, alias, chain.first()?)?;
    put_block(&mut file, &protected)?;
    put_number(&mut file, u32::try_from(chain.len()).ok()?);
    for certificate in chain {
        put_certificate(&mut file, certificate)?;
    }
    Some(signed(file, &password))
}

/// A certificate to trust.
pub(super) fn trust_store(
    certificate: &Certificate,
    alias: &str,
    password: &[u8],
) -> Option<Vec<u8>> {
    let mut file = begun(TRUSTED_ENTRY, alias, certificate)?;
    put_certificate(&mut file, certificate)?;
    Some(signed(file, &utf16(password)))
}

/// A file of one entry up to the name and date of that.
fn begun(kind: u32, alias: &str, certificate: &Certificate) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    for number in [MAGIC, VERSION, 1, kind] {
        put_number(&mut file, number);
    }
    put_text(&mut file, alias)?;
    let made = certificate.not_before().as_millisecond();
    file.extend(made.to_be_bytes());
    Some(file)
}

/// With the hash at its end, by which Java notices a wrong password.
fn signed(mut file: Vec<u8>, password: &[u8]) -> Vec<u8> {
    let hash = sha1(&[password, WHITENER, &file]);
    file.extend_from_slice(hash.as_ref());
    file
}

/// The key under a stream of hashes that begins with a salt, then a hash of the key, as `EncryptedPrivateKeyInfo`.
fn protect(key: &[u8], password: &[u8], salts: &Salts) -> Option<Vec<u8>> {
    let salt = salts.of("key salt");
    let salt = salt.first_chunk::<SHA1_LEN>()?;
    let mut data = Vec::with_capacity(key.len() + 2 * SHA1_LEN);
    data.extend_from_slice(salt);
    let mut stream = *salt;
    for part in key.chunks(SHA1_LEN) {
        let next = sha1(&[password, &stream]);
        stream.copy_from_slice(next.as_ref());
        data.extend(part.iter().zip(&stream).map(|(byte, mask)| byte ^ mask));
    }
    stream.zeroize();
    data.extend_from_slice(sha1(&[password, key]).as_ref());
    let protected = EncryptedKey {
        algorithm: AlgorithmIdentifierRef {
            oid: PROTECTED,
            parameters: Some(Null.into()),
        },
        data: OctetStringRef::new(&data).ok()?,
    };
    protected.to_der().ok()
}

fn sha1(parts: &[&[u8]]) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    context.finish()
}

fn utf16(ascii: &[u8]) -> Zeroizing<Vec<u8>> {
    // The room is taken at once: a vector that grows leaves copies behind.
    let mut units = Zeroizing::new(Vec::with_capacity(2 * ascii.len()));
    for byte in ascii {
        units.extend([0, *byte]);
    }
    units
}

fn put_certificate(file: &mut Vec<u8>, certificate: &Certificate) -> Option<()> {
    put_text(file, "X.509")?;
    put_block(file, certificate.der())
}

fn put_text(file: &mut Vec<u8>, text: &str) -> Option<()> {
    file.extend(u16::try_from(text.len()).ok()?.to_be_bytes());
    file.extend_from_slice(text.as_bytes());
    Some(())
}

fn put_block(file: &mut Vec<u8>, block: &[u8]) -> Option<()> {
    put_number(file, u32::try_from(block.len()).ok()?);
    file.extend_from_slice(block);
    Some(())
}

fn put_number(file: &mut Vec<u8>, number: u32) {
    file.extend(number.to_be_bytes());
}
