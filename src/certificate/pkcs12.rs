//! PKCS#12 (RFC 7292): the bags with keys and certificates, behind a MAC and up to two layers of encryption. Here is how it is read;
//! [`super::pkcs12_writer`] fills the same types.

use aws_lc_rs::{digest, hmac};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence, Tagged};
use pkcs8::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::decrypt::{self, Failure, Opener, Purpose};
use super::key::PrivateKey;
use super::{Container, ber};

pub(super) const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
pub(super) const ENCRYPTED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.1");
pub(super) const SHROUDED_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
pub(super) const CERTIFICATE_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");
const NESTED_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.6");
pub(super) const X509: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");
/// How deep bags may lie in bags. No known program nests them.
const MAX_DEPTH: usize = 4;

#[derive(Sequence)]
pub(super) struct Pfx<'a> {
    pub(super) version: u8,
    pub(super) content: ContentInfo<'a>,
    #[asn1(optional = "true")]
    pub(super) mac: Option<MacData<'a>>,
}

#[derive(Sequence)]
pub(super) struct ContentInfo<'a> {
    pub(super) id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) content: AnyRef<'a>,
}

#[derive(Sequence)]
pub(super) struct MacData<'a> {
    pub(super) mac: DigestInfo<'a>,
    pub(super) salt: &'a OctetStringRef,
    #[asn1(default = "one_round")]
    pub(super) rounds: u32,
}

fn one_round() -> u32 {
    1
}

#[derive(Sequence)]
pub(super) struct DigestInfo<'a> {
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) digest: &'a OctetStringRef,
}

#[derive(Sequence)]
pub(super) struct EncryptedData<'a> {
    pub(super) version: u8,
    pub(super) content: EncryptedContent<'a>,
}

#[derive(Sequence)]
pub(super) struct EncryptedContent<'a> {
    pub(super) id: ObjectIdentifier,
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    /// An octet string under the tag [0] in its place; made of pieces where it came from BER.
    pub(super) data: AnyRef<'a>,
}

#[derive(Sequence)]
pub(super) struct Bag<'a> {
    pub(super) id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) value: AnyRef<'a>,
    /// Names for people, and which key and certificate belong together. The public keys tell that better.
    #[asn1(optional = "true")]
    pub(super) attributes: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
pub(super) struct CertificateBag<'a> {
    pub(super) id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) certificate: &'a OctetStringRef,
}

/// All keys and certificates. `None` where `der` is no PKCS#12 at all.
pub(super) fn read(der: &[u8], opener: &mut Opener<'_>) -> Option<Result<Container, Failure>> {
    let pfx = Pfx::from_der(der).ok()?;
    if pfx.version != 3 {
        return None;
    }
    Some(match contents(&pfx, opener) {
        Err(Failure::Password) if opener.say_absent() => contents(&pfx, opener),
        done => done,
    })
}

fn contents(pfx: &Pfx<'_>, opener: &mut Opener<'_>) -> Result<Container, Failure> {
    if pfx.content.id != DATA {
        return Err(Failure::Unreadable(
            "it is a PKCS#12 file that is signed with a key instead of protected with a password, which is not supported"
                .to_owned(),
        ));
    }
    let content: &OctetStringRef = pfx.content.content.decode_as().map_err(|_| damaged())?;
    if let Some(mac) = &pfx.mac {
        verify(mac, content.as_bytes(), opener)?;
    }
    let mut container = Container::default();
    let safes = ber::to_der(content.as_bytes()).ok_or_else(damaged)?;
    for safe in <Vec<ContentInfo<'_>>>::from_der(&safes).map_err(|_| damaged())? {
        let bags = match safe.id {
            DATA => {
                let data: &OctetStringRef = safe.content.decode_as().map_err(|_| damaged())?;
                ber::to_der(data.as_bytes()).ok_or_else(damaged)?
            }
            ENCRYPTED_DATA => encrypted(safe.content, opener)?,
            other => {
                return Err(Failure::Unreadable(format!(
                    "it is a PKCS#12 file with a part of a kind that is not supported (content type {other})"
                )));
            }
        };
        add_bags(&bags, opener, &mut container, 0)?;
    }
    Ok(container)
}

fn encrypted(content: AnyRef<'_>, opener: &mut Opener<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let outer: EncryptedData<'_> = content.decode_as().map_err(|_| damaged())?;
    let inner = outer.content;
    if inner.data.tag().is_constructed() {
        let data = ber::pieces(inner.data.value()).ok_or_else(damaged)?;
        return opener.open(inner.algorithm, &data);
    }
    opener.open(inner.algorithm, inner.data.value())
}

fn add_bags(
    der: &[u8],
    opener: &mut Opener<'_>,
    container: &mut Container,
    depth: usize,
) -> Result<(), Failure> {
    if depth > MAX_DEPTH {
        return Err(damaged());
    }
    for bag in <Vec<Bag<'_>>>::from_der(der).map_err(|_| damaged())? {
        let value = der_of(bag.value)?;
        match bag.id {
            KEY_BAG => container.add_key(PrivateKey::from_pkcs8(&value)?),
            SHROUDED_BAG => {
                let key = decrypt::key(&value, opener)?;
                container.add_key(PrivateKey::from_pkcs8(&key)?);
            }
            CERTIFICATE_BAG => {
                let inner = CertificateBag::from_der(&value).map_err(|_| damaged())?;
                if inner.id == X509 {
                    container.add_certificate(inner.certificate.as_bytes())?;
                }
            }
            NESTED_BAG => add_bags(&value, opener, container, depth + 1)?,
            // Secrets and revocation lists.
            _ => {}
        }
    }
    Ok(())
}

fn der_of(any: AnyRef<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    any.to_der().map(Zeroizing::new).map_err(|_| damaged())
}

/// Checks the MAC, by which a wrong password is told before anything is decrypted.
fn verify(mac: &MacData<'_>, content: &[u8], opener: &mut Opener<'_>) -> Result<(), Failure> {
    let oid = mac.mac.algorithm.oid;
    let (hash, algorithm) = match oid.to_string().as_str() {
        "1.3.14.3.2.26" => (
            &digest::SHA1_FOR_LEGACY_USE_ONLY,
            hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        ),
        "2.16.840.1.101.3.4.2.4" => (&digest::SHA224, hmac::HMAC_SHA224),
        "2.16.840.1.101.3.4.2.1" => (&digest::SHA256, hmac::HMAC_SHA256),
        "2.16.840.1.101.3.4.2.2" => (&digest::SHA384, hmac::HMAC_SHA384),
        "2.16.840.1.101.3.4.2.3" => (&digest::SHA512, hmac::HMAC_SHA512),
        _ => {
            return Err(Failure::Unreadable(format!(
                "it is a PKCS#12 file with a MAC that is not supported (algorithm {oid}); make it anew with `openssl pkcs12 -export -macalg sha256`"
            )));
        }
    };
    let salt = mac.salt.as_bytes();
    let key = opener.derive(hash, Purpose::Mac, salt, mac.rounds, hash.output_len())?;
    let key = hmac::Key::new(algorithm, &key);
    hmac::verify(&key, content, mac.mac.digest.as_bytes()).map_err(|_| Failure::Password)
}

fn damaged() -> Failure {
    Failure::Unreadable(
        "it is a PKCS#12 file with a damaged part; see what `openssl pkcs12 -info -noout` says of it"
            .to_owned(),
    )
}
