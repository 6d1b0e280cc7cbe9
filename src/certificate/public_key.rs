//! Public keys: from a key of the vault (a JWK, RFC 7517) or from a certificate, to PEM and to a JWK that every program reads.
//!
//! Key Vault's JWKs differ from the standard: `RSA-HSM`, `EC-HSM` and `P-256K` are its own words. And its `key_ops` tell
//! what the vault lets one do with the private key; a program that verifies would take `["sign"]` for a ban on verifying
//! (RFC 7517, 4.3). So what comes out has the standard's words and no `key_ops`.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256K1_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use der::asn1::{AnyRef, BitStringRef, Null, ObjectIdentifier, UintRef};
use der::{Decode, Encode, Sequence};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use serde::{Deserialize, Serialize};

use super::key::{EC, P256, P256K, P384, P521, RSA};
use super::pem;
use super::x509::Certificate;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;

/// Missing padding is forgiven, and so is padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes of the smallest modulus that old certificates have.
const MIN_RSA: usize = 128;

/// A key of the vault as it is answered (`key` in the answer to "Get Key"). Private members have no field here, so that they
/// are not even read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Jwk {
    /// The key's id, an address with the version.
    #[serde(default)]
    pub kid: Option<String>,
    /// The kind: `RSA`, `RSA-HSM`, `EC`, `EC-HSM`, `oct`, `oct-HSM`.
    pub kty: String,
    /// RSA's modulus, in base64url like all numbers.
    #[serde(default)]
    pub n: Option<String>,
    /// RSA's exponent.
    #[serde(default)]
    pub e: Option<String>,
    /// The curve: `P-256`, `P-256K`, `P-384`, `P-521`.
    #[serde(default)]
    pub crv: Option<String>,
    /// The point of a curve.
    #[serde(default)]
    pub x: Option<String>,
    /// Its other half.
    #[serde(default)]
    pub y: Option<String>,
}

/// A public key that was read and found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// `SubjectPublicKeyInfo` in DER.
    info: Vec<u8>,
    /// `None` for what a certificate may have and a JWK cannot say here.
    jwk: Option<Written>,
}

/// The members of a JWK in the order of their names, as RFC 7638 puts them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    kty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

struct Curve {
    id: ObjectIdentifier,
    /// As Key Vault says it.
    vault: &'static str,
    /// As RFC 7518 and RFC 8812 do.
    name: &'static str,
    /// Bytes of a coordinate.
    len: usize,
    check: &'static dyn VerificationAlgorithm,
}

static CURVES: [Curve; 4] = [
    Curve {
        id: P256,
        vault: "P-256",
        name: "P-256",
        len: 32,
        check: &ECDSA_P256_SHA256_ASN1,
    },
    Curve {
        id: P256K,
        vault: "P-256K",
        name: "secp256k1",
        len: 32,
        check: &ECDSA_P256K1_SHA256_ASN1,
    },
    Curve {
        id: P384,
        vault: "P-384",
        name: "P-384",
        len: 48,
        check: &ECDSA_P384_SHA384_ASN1,
    },
    Curve {
        id: P521,
        vault: "P-521",
        name: "P-521",
        len: 66,
        check: &ECDSA_P521_SHA512_ASN1,
    },
];

/// `RSAPublicKey` (RFC 8017, appendix A.1.1).
#[derive(Sequence)]
struct RsaKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl PublicKey {
    /// Reads a JWK as Key Vault writes it. What else is in the object does not matter.
    ///
    /// # Errors
    /// [`Reason::KeyTypeUnsupported`] where the key has no public half or an unknown kind; [`Reason::MalformedAnswer`] where its
    /// numbers are missing or make no key.
    pub fn read(json: &[u8]) -> Result<Self, Problem> {
        let jwk: Jwk = serde_json::from_slice(json).map_err(|_| malformed())?;
        Self::from_jwk(&jwk)
    }

    /// As [`Self::read`], of a JWK that was parsed already.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, Problem> {
        let number = |member: &Option<String>| {
            let text = member.as_deref().ok_or_else(malformed)?;
            BASE64.decode(text).map_err(|_| malformed())
        };
        let mut key = match jwk.kty.as_str() {
            "RSA" | "RSA-HSM" => Self::rsa(&number(&jwk.n)?, &number(&jwk.e)?),
            "EC" | "EC-HSM" => {
                let named = jwk.crv.as_deref().ok_or_else(malformed)?;
                let curve = CURVES
                    .iter()
                    .find(|curve| curve.vault == named || curve.name == named);
                let curve = curve.ok_or_else(|| {
                    unsupported("it is of a curve other than P-256, P-256K, P-384 and P-521; name another key")
                })?;
                Self::ec(curve, &number(&jwk.x)?, &number(&jwk.y)?)
            }
            "oct" | "oct-HSM" => {
                return Err(unsupported(
                    "it is a symmetric key, which has no public half and never leaves the vault; name an RSA or EC key",
                ));
            }
            _ => return Err(unsupported("it is of a kind other than RSA and EC; name another key")),
        }
        .ok_or_else(malformed)?;
        if let Some(written) = &mut key.jwk {
            written.kid.clone_from(&jwk.kid);
        }
        Ok(key)
    }

    /// The key that a certificate is about, of whatever kind it is. Its JWK has no `kid`.
    pub fn of(certificate: &Certificate) -> Self {
        let (kind, id, public) = certificate.public_key();
        let known = if kind == RSA {
            let key = RsaKey::from_der(public).ok();
            key.and_then(|key| Self::rsa(key.modulus.as_bytes(), key.exponent.as_bytes()))
        } else if kind == EC {
            let curve = CURVES.iter().find(|curve| Some(curve.id) == id);
            curve
                .zip(public.strip_prefix(&[4]))
                .and_then(|(curve, point)| {
                    let (x, y) = point.split_at_checked(curve.len)?;
                    Self::ec(curve, x, y)
                })
        } else {
            None
        };
        Self {
            info: certificate.public_info().to_vec(),
            jwk: known.and_then(|known| known.jwk),
        }
    }

    /// `SubjectPublicKeyInfo` in PEM, between `-----BEGIN PUBLIC KEY-----` and its end.
    pub fn pem(&self) -> SecretValue {
        pem::write("PUBLIC KEY", &[&self.info])
    }

    /// A JWK in one line: the members that RFC 7638 hashes, in the order of their names and with the numbers as RFC 7518
    /// wants them, and `kid` where the key came with one. The same key is the same bytes, in whatever form the vault answered.
    ///
    /// # Errors
    /// [`Reason::KeyTypeUnsupported`] for a certificate's key that is neither RSA nor of a curve that is known here.
    pub fn jwk(&self) -> Result<SecretValue, Problem> {
        let written = self.jwk.as_ref().ok_or_else(|| {
            unsupported(
                "it is the key of a certificate and neither RSA nor of one of the curves P-256, P-256K, P-384 and P-521; ask for `format: Pem`",
            )
        })?;
        let text = serde_json::to_vec(written).map_err(|_| malformed())?;
        Ok(SecretValue::new(text))
    }

    /// `None` where the numbers make no key of a size that is in use.
    fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        // This drops zeros in front, which RFC 7518 (6.3.1.1) forbids and some programs write.
        let key = RsaKey {
            modulus: UintRef::new(modulus).ok()?,
            exponent: UintRef::new(exponent).ok()?,
        };
        if key.modulus.as_bytes().len() < MIN_RSA {
            return None;
        }
        let public = key.to_der().ok()?;
        ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public).ok()?;
        let algorithm = AlgorithmIdentifierRef {
            oid: RSA,
            parameters: Some(Null.into()),
        };
        Some(Self {
            info: info(algorithm, &public)?,
            jwk: Some(Written {
                kty: "RSA",
                n: Some(URL_SAFE_NO_PAD.encode(key.modulus.as_bytes())),
                e: Some(URL_SAFE_NO_PAD.encode(key.exponent.as_bytes())),
                ..Written::default()
            }),
        })
    }

    /// `None` where the point is not on the curve.
    fn ec(curve: &Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        let (x, y) = (padded(x, curve.len)?, padded(y, curve.len)?);
        let point = [&[4], x.as_slice(), &y].concat();
        ParsedPublicKey::new(curve.check, &point).ok()?;
        let algorithm = AlgorithmIdentifierRef {
            oid: EC,
            parameters: Some(AnyRef::from(&curve.id)),
        };
        Some(Self {
            info: info(algorithm, &point)?,
            jwk: Some(Written {
                kty: "EC",
                crv: Some(curve.name),
                x: Some(URL_SAFE_NO_PAD.encode(x)),
                y: Some(URL_SAFE_NO_PAD.encode(y)),
                ..Written::default()
            }),
        })
    }
}

fn info(algorithm: AlgorithmIdentifierRef<'_>, public: &[u8]) -> Option<Vec<u8>> {
    let info = SubjectPublicKeyInfoRef {
        algorithm,
        subject_public_key: BitStringRef::new(0, public).ok()?,
    };
    info.to_der().ok()
}

/// A number in exactly `len` bytes, as RFC 7518 (6.2.1.2) and points want it. `None` where it is larger.
fn padded(number: &[u8], len: usize) -> Option<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..)?;
    let mut padded = vec![0; len.checked_sub(digits.len())?];
    padded.extend_from_slice(digits);
    Some(padded)
}

fn unsupported(seen: &str) -> Problem {
    Problem::new(
        Reason::KeyTypeUnsupported,
        Retry::OnChange,
        format!("the public key cannot be had: {seen}"),
    )
}

fn malformed() -> Problem {
    Problem::new(
        Reason::MalformedAnswer,
        Retry::Backoff,
        "the vault's answer holds no public key that can be understood; compare `az keyvault key show --vault-name <vault> --name <name> --query key`",
    )
}

#[cfg(test)]
#[path = "public_key_tests.rs"]
mod tests;
