//! Keys, certificates and signed assertions for tests.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

/// An RSA key with a self-signed certificate.
#[derive(Debug)]
pub(crate) struct Identity {
    key: KeyPair,
    pub(crate) certificate_pem: String,
    certificate_der: Vec<u8>,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::new(vec!["app".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        Self {
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            key,
        }
    }

    pub(crate) fn x5t(&self) -> String {
        use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
        URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.certificate_der))
    }

    pub(crate) fn x5t_s256(&self) -> String {
        use aws_lc_rs::digest::{SHA256, digest};
        URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.certificate_der))
    }

    /// Signs `header.claims` as encoded by `encode`.
    fn sign_with(
        &self,
        encode: impl Fn(&[u8]) -> String,
        algorithm: Algorithm,
        header: &Value,
        claims: &Value,
    ) -> String {
        let part = |value: &Value| encode(&serde_json::to_vec(value).unwrap());
        let message = format!("{}.{}", part(header), part(claims));
        let key = EncodingKey::from_rsa_pem(self.key.serialize_pem().as_bytes()).unwrap();
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        format!("{message}.{}", encode(&signature))
    }

    pub(crate) fn sign(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        self.sign_with(
            |bytes| URL_SAFE_NO_PAD.encode(bytes),
            algorithm,
            header,
            claims,
        )
    }

    /// With the `=` that some clients leave on the parts.
    pub(crate) fn sign_padded(
        &self,
        algorithm: Algorithm,
        header: &Value,
        claims: &Value,
    ) -> String {
        use base64::engine::general_purpose::URL_SAFE;
        self.sign_with(|bytes| URL_SAFE.encode(bytes), algorithm, header, claims)
    }

    /// The public key as a JWK.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let (_, certificate) = x509_parser::parse_x509_certificate(&self.certificate_der).unwrap();
        let x509_parser::public_key::PublicKey::RSA(public) =
            certificate.public_key().parsed().unwrap()
        else {
            panic!("an RSA key");
        };
        let modulus: Vec<u8> = public
            .modulus
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect();
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
            "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(public.exponent),
        })
    }
}

/// Signs `header.claims` with any key.
pub(crate) fn sign_with_key(
    key: &EncodingKey,
    algorithm: Algorithm,
    header: &Value,
    claims: &Value,
) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).unwrap());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// Seconds since 1970, moved by `offset`.
pub(crate) fn seconds(offset: i64) -> i64 {
    jiff::Timestamp::now().as_second() + offset
}
