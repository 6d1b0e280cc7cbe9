//! Private keys, brought into one form.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RsaKeyPair,
};
use der::asn1::{AnyRef, BitStringRef, Null, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::decrypt::Failure;
use crate::secret::SecretValue;

/// rsaEncryption (RFC 8017, appendix C).
pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-ecPublicKey (RFC 5480).
pub(super) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(super) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// secp256k1 (SEC 2), `P-256K` to Key Vault. No TLS program takes it, so it counts for public keys only.
pub(super) const P256K: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
pub(super) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
pub(super) const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// What sort of key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RSA of 2048 to 8192 bits.
    Rsa,
    /// An elliptic curve, by its name, such as `P-256`.
    Ec(&'static str),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa => f.write_str("RSA"),
            Self::Ec(curve) => write!(f, "EC ({curve})"),
        }
    }
}

/// A private key that was read and found sound. It is wiped from memory when dropped, and prints its kind only.
pub struct PrivateKey {
    pkcs8: SecretValue,
    kind: Kind,
    /// As it stands in a certificate: `RSAPublicKey` in DER, or the point of a curve, not compressed.
    public: Vec<u8>,
}

impl PrivateKey {
    /// PKCS#8 in DER, without encryption (RFC 5958) and without the attributes that Windows adds: the same key is the same
    /// bytes from whatever file.
    pub fn pkcs8(&self) -> &SecretValue {
        &self.pkcs8
    }

    /// What sort of key it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn public(&self) -> &[u8] {
        &self.public
    }

    pub(super) fn same_as(&self, other: &Self) -> bool {
        self.kind == other.kind && self.public == other.public
    }

    /// `PrivateKeyInfo` (RFC 5958).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, Failure> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| damaged())?;
        let bare = PrivateKeyInfoRef::new(info.algorithm, info.private_key);
        let pkcs8 = SecretValue::new(bare.to_der().map_err(|_| damaged())?);
        let (kind, public) = match info.algorithm.oid {
            RSA => (Kind::Rsa, rsa_public(pkcs8.expose())?),
            EC => ec_public(pkcs8.expose(), &info)?,
            other => {
                return Err(Failure::Unreadable(format!(
                    "its private key is neither RSA nor of a NIST curve (algorithm {other}); use an RSA key"
                )));
            }
        };
        Ok(Self {
            pkcs8,
            kind,
            public,
        })
    }

    /// `RSAPrivateKey` (RFC 8017, appendix A.1.2), what OpenSSL calls traditional.
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, Failure> {
        let algorithm = AlgorithmIdentifierRef {
            oid: RSA,
            parameters: Some(Null.into()),
        };
        Self::from_parts(algorithm, der)
    }

    /// `ECPrivateKey` (RFC 5915).
    pub(super) fn from_sec1(der: &[u8]) -> Result<Self, Failure> {
        let key = EcPrivateKey::from_der(der).map_err(|_| damaged())?;
        let curve = key.curve.ok_or_else(damaged)?;
        let algorithm = AlgorithmIdentifierRef {
            oid: EC,
            parameters: Some(AnyRef::from(&curve)),
        };
        Self::from_parts(algorithm, der)
    }

    /// Any of the three.
    pub(super) fn any_from_der(der: &[u8]) -> Result<Self, Failure> {
        Self::from_pkcs8(der)
            .or_else(|_| Self::from_pkcs1(der))
            .or_else(|_| Self::from_sec1(der))
    }

    fn from_parts(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Result<Self, Failure> {
        let key = OctetStringRef::new(key).map_err(|_| damaged())?;
        let info = PrivateKeyInfoRef::new(algorithm, key);
        let der = Zeroizing::new(info.to_der().map_err(|_| damaged())?);
        Self::from_pkcs8(&der)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.kind)
    }
}

#[derive(Sequence)]
struct EcPrivateKey<'a> {
    version: u8,
    private: &'a OctetStringRef,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    curve: Option<ObjectIdentifier>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    public: Option<BitStringRef<'a>>,
}

fn rsa_public(pkcs8: &[u8]) -> Result<Vec<u8>, Failure> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|rejected| {
        // The library's words for the size; it says nothing else that a reader could act upon.
        match rejected.to_string().as_str() {
            "TooSmall" => Failure::Unreadable(
                "its RSA key has fewer than 2048 bits; make one of 2048 bits or more".to_owned(),
            ),
            "TooLarge" => Failure::Unreadable(
                "its RSA key has more than 8192 bits; 2048 to 4096 bits are usual".to_owned(),
            ),
            _ => damaged(),
        }
    })?;
    Ok(pair.public_key().as_ref().to_vec())
}

fn ec_public(pkcs8: &[u8], info: &PrivateKeyInfoRef<'_>) -> Result<(Kind, Vec<u8>), Failure> {
    let curve = (info.algorithm.parameters)
        .and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
    let (name, algorithm) = match curve {
        Some(P256) => ("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
        Some(P384) => ("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
        Some(P521) => ("P-521", &ECDSA_P521_SHA512_FIXED_SIGNING),
        _ => {
            return Err(Failure::Unreadable(
                "its EC key is of none of the curves P-256, P-384 and P-521; use an RSA key"
                    .to_owned(),
            ));
        }
    };
    let pair = EcdsaKeyPair::from_private_key_der(algorithm, pkcs8).map_err(|_| damaged())?;
    Ok((Kind::Ec(name), pair.public_key().as_ref().to_vec()))
}

fn damaged() -> Failure {
    Failure::Unreadable(
        "its private key is damaged; see what `openssl pkey -in key.pem -noout -check` says of it"
            .to_owned(),
    )
}
