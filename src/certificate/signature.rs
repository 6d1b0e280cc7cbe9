//! Whether one certificate is signed with the key of another (RFC 5280, 4.1.1.3), as far as the algorithm is known.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    VerificationAlgorithm,
};
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode, Sequence};
use pkcs8::spki::AlgorithmIdentifierRef;
use x509_cert::Certificate as Parsed;

use super::key::{EC, P256, P384, P521, RSA};
use super::x509::Certificate;

/// Lengths of `RSAPublicKey` in DER for 2048 and 8192 bits: AWS-LC verifies with no smaller and no larger key.
const RSA_KEY: std::ops::RangeInclusive<usize> = 268..=1064;

/// What a signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was made with that key.
    Good,
    /// It was not.
    Bad,
    /// The algorithm or the key is of a kind that is not known here (DSA, MD5, small RSA keys, …).
    Unknown,
}

#[derive(Sequence)]
struct Signed<'a> {
    content: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

/// Whether `certificate` is signed with the key in `issuer`.
pub(super) fn verify(certificate: &Certificate, issuer: &Certificate) -> Verdict {
    let Ok(signed) = Signed::from_der(certificate.der()) else {
        return Verdict::Unknown;
    };
    let Ok(content) = signed.content.to_der() else {
        return Verdict::Unknown;
    };
    // What is signed names the algorithm as well (RFC 5280, 4.1.1.2), and no signature here ends within a byte.
    let (true, Some(signature)) = (
        names_one_algorithm(certificate),
        signed.signature.as_bytes(),
    ) else {
        return Verdict::Bad;
    };
    let name = signed.algorithm.oid.to_string();
    // PSS tells its hash and the length of its salt in parameters. A good signature is proof without reading them.
    let guessed = name == PSS;
    let mut verdict = Verdict::Unknown;
    for algorithm in algorithms(&name, issuer) {
        let Ok(key) = ParsedPublicKey::new(*algorithm, issuer.public_key().2) else {
            return Verdict::Unknown;
        };
        if key.verify_sig(&content, signature).is_ok() {
            return Verdict::Good;
        }
        if !guessed {
            verdict = Verdict::Bad;
        }
    }
    verdict
}

/// Whether a certificate says outside of what is signed the same of its algorithm as inside.
fn names_one_algorithm(certificate: &Certificate) -> bool {
    Parsed::from_der(certificate.der())
        .is_ok_and(|parsed| parsed.tbs_certificate().signature() == parsed.signature_algorithm())
}

const PSS: &str = "1.2.840.113549.1.1.10";

type Algorithms = &'static [&'static dyn VerificationAlgorithm];

/// The ways to check a signature of this algorithm (RFC 4055, 5758, 8410) with the issuer's key.
fn algorithms(name: &str, issuer: &Certificate) -> Algorithms {
    let (kind, curve, key) = issuer.public_key();
    if kind == RSA && RSA_KEY.contains(&key.len()) {
        return match name {
            "1.2.840.113549.1.1.5" => &[&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY],
            "1.2.840.113549.1.1.11" => &[&RSA_PKCS1_2048_8192_SHA256],
            "1.2.840.113549.1.1.12" => &[&RSA_PKCS1_2048_8192_SHA384],
            "1.2.840.113549.1.1.13" => &[&RSA_PKCS1_2048_8192_SHA512],
            PSS => &[
                &RSA_PSS_2048_8192_SHA256,
                &RSA_PSS_2048_8192_SHA384,
                &RSA_PSS_2048_8192_SHA512,
            ],
            _ => &[],
        };
    }
    match (name, curve) {
        ("1.2.840.10045.4.3.2", Some(P256)) if kind == EC => &[&ECDSA_P256_SHA256_ASN1],
        ("1.2.840.10045.4.3.3", Some(P256)) if kind == EC => &[&ECDSA_P256_SHA384_ASN1],
        ("1.2.840.10045.4.3.4", Some(P256)) if kind == EC => &[&ECDSA_P256_SHA512_ASN1],
        ("1.2.840.10045.4.3.2", Some(P384)) if kind == EC => &[&ECDSA_P384_SHA256_ASN1],
        ("1.2.840.10045.4.3.3", Some(P384)) if kind == EC => &[&ECDSA_P384_SHA384_ASN1],
        ("1.2.840.10045.4.3.4", Some(P384)) if kind == EC => &[&ECDSA_P384_SHA512_ASN1],
        ("1.2.840.10045.4.3.2", Some(P521)) if kind == EC => &[&ECDSA_P521_SHA256_ASN1],
        ("1.2.840.10045.4.3.3", Some(P521)) if kind == EC => &[&ECDSA_P521_SHA384_ASN1],
        ("1.2.840.10045.4.3.4", Some(P521)) if kind == EC => &[&ECDSA_P521_SHA512_ASN1],
        ("1.3.101.112", _) if kind.to_string() == "1.3.101.112" => &[&ED25519],
        _ => &[],
    }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
