//! RSA and elliptic curve keys: made, and read from DER.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair as RsaPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
        ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::SignatureAlgorithm;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A curve of NIST's, by its name in JSON web keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Curve {
    #[serde(rename = "P-256")]
    P256,
    #[serde(rename = "P-384")]
    P384,
    #[serde(rename = "P-521")]
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Bits, as `key_size` of a policy has them.
    pub(crate) fn bits(self) -> u16 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    pub(super) fn bytes(self) -> usize {
        usize::from(self.bits()).div_ceil(8)
    }

    pub(super) fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Self::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
            Self::P521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
        }
    }
}

/// What kind of key: written `RSA-2048`, `EC-P256` in seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum KeyType {
    /// Bits: 2048, 3072 or 4096.
    Rsa(u16),
    Ec(Curve),
}

impl Default for KeyType {
    fn default() -> Self {
        Self::Rsa(2048)
    }
}

impl KeyType {
    /// What a policy or a request for a key says: `kty`, `key_size` and `crv`.
    pub(crate) fn wanted(
        kty: &str,
        key_size: Option<u16>,
        curve: Option<&str>,
    ) -> Result<Self, String> {
        let refused = |what: String| format!("Property {what} has invalid value");
        match kty {
            "RSA" | "RSA-HSM" => match key_size.unwrap_or(2048) {
                bits @ (2048 | 3072 | 4096) => Ok(Self::Rsa(bits)),
                other => Err(refused(format!("key_size ({other})"))),
            },
            "EC" | "EC-HSM" => match (curve, key_size) {
                (Some(name), _) => Curve::ALL
                    .into_iter()
                    .find(|curve| curve.name() == name)
                    .map(Self::Ec)
                    .ok_or_else(|| refused(format!("crv ({name})"))),
                (None, None) => Ok(Self::Ec(Curve::P256)),
                (None, Some(bits)) => Curve::ALL
                    .into_iter()
                    .find(|curve| curve.bits() == bits)
                    .map(Self::Ec)
                    .ok_or_else(|| refused(format!("key_size ({bits})"))),
            },
            other => Err(refused(format!("kty ({other})"))),
        }
    }

    pub(crate) fn kty(self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::Ec(_) => "EC",
        }
    }

    pub(crate) fn bits(self) -> u16 {
        match self {
            Self::Rsa(bits) => bits,
            Self::Ec(curve) => curve.bits(),
        }
    }

    pub(crate) fn curve(self) -> Option<Curve> {
        match self {
            Self::Rsa(_) => None,
            Self::Ec(curve) => Some(curve),
        }
    }

    /// Name in a seed.
    fn name(self) -> String {
        match self {
            Self::Rsa(bits) => format!("RSA-{bits}"),
            Self::Ec(curve) => format!("EC-{}", curve.name().replace('-', "")),
        }
    }

    /// Operations that a new key allows, in the order in which Azure lists them.
    pub(crate) fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Rsa(_) => &[
                "encrypt",
                "decrypt",
                "sign",
                "verify",
                "wrapKey",
                "unwrapKey",
            ],
            Self::Ec(_) => &["sign", "verify"],
        }
    }

    fn signature(self) -> &'static SignatureAlgorithm {
        match self {
            Self::Rsa(_) => &rcgen::PKCS_RSA_SHA256,
            Self::Ec(Curve::P256) => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::Ec(Curve::P384) => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Ec(Curve::P521) => &rcgen::PKCS_ECDSA_P521_SHA512,
        }
    }
}

impl Serialize for KeyType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for KeyType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        [2048, 3072, 4096]
            .map(Self::Rsa)
            .into_iter()
            .chain(Curve::ALL.map(Self::Ec))
            .find(|known| known.name().eq_ignore_ascii_case(&text))
            .ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "key type {text:?}: RSA-2048, RSA-3072, RSA-4096, EC-P256, EC-P384 or EC-P521 is needed"
                ))
            })
    }
}

/// The numbers of a public key, big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ec { x: Vec<u8>, y: Vec<u8> },
}

/// A private key. Copies share the bytes.
#[derive(Clone)]
pub(crate) struct PrivateKey {
    pub(crate) kind: KeyType,
    pkcs8: Arc<[u8]>,
    /// The content of the bit string in a `SubjectPublicKeyInfo`.
    public: Arc<[u8]>,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "<private {:?}>", self.kind)
    }
}

impl PrivateKey {
    pub(crate) fn generate(kind: KeyType) -> Result<Self, String> {
        let failed = |_| format!("cannot make a key {}", kind.name());
        match kind {
            KeyType::Rsa(bits) => {
                let size = match bits {
                    3072 => KeySize::Rsa3072,
                    4096 => KeySize::Rsa4096,
                    _ => KeySize::Rsa2048,
                };
                Self::of_rsa(&RsaPair::generate(size).map_err(failed)?)
            }
            KeyType::Ec(curve) => Self::of_ec(
                curve,
                &EcdsaKeyPair::generate(curve.signing()).map_err(failed)?,
            ),
        }
    }

    /// PKCS#8, PKCS#1 or SEC 1, as DER.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, String> {
        if let Ok(pair) = RsaPair::from_pkcs8(der).or_else(|_| RsaPair::from_der(der)) {
            return Self::of_rsa(&pair);
        }
        Curve::ALL
            .into_iter()
            .find_map(|curve| {
                let pair = EcdsaKeyPair::from_private_key_der(curve.signing(), der).ok()?;
                Some(Self::of_ec(curve, &pair))
            })
            .unwrap_or_else(|| {
                Err("The private key is neither RSA nor on P-256, P-384 or P-521".to_owned())
            })
    }

    pub(super) fn of_rsa(pair: &RsaPair) -> Result<Self, String> {
        let bits = match pair.public_modulus_len() {
            256 => 2048,
            384 => 3072,
            512 => 4096,
            bytes => return Err(format!("An RSA key of {bytes} bytes is not supported")),
        };
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| "the key cannot be written")?;
        Ok(Self {
            kind: KeyType::Rsa(bits),
            pkcs8: der.as_ref().into(),
            public: pair.public_key().as_ref().into(),
        })
    }

    pub(super) fn of_ec(curve: Curve, pair: &EcdsaKeyPair) -> Result<Self, String> {
        let der = pair.to_pkcs8v1().map_err(|_| "the key cannot be written")?;
        Ok(Self {
            kind: KeyType::Ec(curve),
            pkcs8: der.as_ref().into(),
            public: pair.public_key().as_ref().into(),
        })
    }

    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The content of the bit string in a `SubjectPublicKeyInfo`.
    pub(crate) fn public(&self) -> &[u8] {
        &self.public
    }

    /// For signing certificates and requests.
    pub(crate) fn signer(&self) -> Result<rcgen::KeyPair, rcgen::Error> {
        rcgen::KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(self.pkcs8()),
            self.kind.signature(),
        )
    }

    pub(crate) fn numbers(&self) -> Result<Numbers, String> {
        let unreadable = "the key cannot be read";
        match self.kind {
            KeyType::Rsa(_) => {
                let pair = RsaPair::from_pkcs8(&self.pkcs8).map_err(|_| unreadable)?;
                let public = pair.public_key();
                Ok(Numbers::Rsa {
                    modulus: public.modulus().big_endian_without_leading_zero().to_vec(),
                    exponent: public.exponent().big_endian_without_leading_zero().to_vec(),
                })
            }
            KeyType::Ec(curve) => {
                // An uncompressed point: 04, x, y (SEC 1, 2.3.3).
                let point = self.public.get(1..).ok_or(unreadable)?;
                let (x, y) = point.split_at_checked(curve.bytes()).ok_or(unreadable)?;
                Ok(Numbers::Ec {
                    x: x.to_vec(),
                    y: y.to_vec(),
                })
            }
        }
    }
}

impl Serialize for PrivateKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.pkcs8))
    }
}

impl<'de> Deserialize<'de> for PrivateKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let der = STANDARD
            .decode(text)
            .map_err(|_| serde::de::Error::custom("a key is not base64"))?;
        Self::from_der(&der).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_key_is_written_and_read_again() {
        for kind in [KeyType::Rsa(2048)]
            .into_iter()
            .chain(Curve::ALL.map(KeyType::Ec))
        {
            let key = PrivateKey::generate(kind).unwrap();
            let read = PrivateKey::from_der(key.pkcs8()).unwrap();
            assert_eq!((read.kind, read.public()), (kind, key.public()));
            assert_eq!(read.numbers().unwrap(), key.numbers().unwrap());
        }
    }

    #[test]
    fn a_policy_names_the_kind_of_its_key() {
        assert_eq!(KeyType::wanted("RSA", None, None), Ok(KeyType::Rsa(2048)));
        assert_eq!(
            KeyType::wanted("EC", None, Some("P-384")),
            Ok(KeyType::Ec(Curve::P384))
        );
        assert_eq!(
            KeyType::wanted("EC", Some(521), None),
            Ok(KeyType::Ec(Curve::P521))
        );
        assert!(KeyType::wanted("RSA", Some(1024), None).is_err());
        assert!(KeyType::wanted("oct", None, None).is_err());
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = PrivateKey::generate(KeyType::Ec(Curve::P256)).unwrap();
        assert_eq!(format!("{key:?}"), "<private Ec(P256)>");
    }
}
