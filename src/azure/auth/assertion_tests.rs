use std::path::Path;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::engine::general_purpose::STANDARD;
use der::Decode as _;
use serde_json::{Value, json};

use super::*;
use crate::problem::Reason;

const PASSWORD: &str = "correct horse";
const CLAIMS: Claims<'_> = Claims {
    audience: "https://login.example/tenant/oauth2/v2.0/token",
    client_id: "22222222-2222-2222-2222-222222222222",
    now: Timestamp::constant(1_800_000_000, 0),
    id: "7430eac2-d22d-42ee-9d50-289ad11beb6e",
};

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    std::fs::read(folder.join(name)).unwrap()
}

fn certificate(name: &str) -> ClientCertificate {
    let password = SecretValue::from(PASSWORD.to_owned());
    ClientCertificate::parse(&SecretValue::new(fixture(name)), Some(&password))
        .unwrap_or_else(|problem| panic!("{name}: {problem}"))
}

/// A token taken apart: header, claims, what was signed, and the signature.
struct Taken {
    header: Value,
    claims: Value,
    signed: String,
    signature: Vec<u8>,
}

fn taken(token: &SecretValue) -> Taken {
    let token = token.expose_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let value = |part| serde_json::from_slice(&bytes(part)).unwrap();
    Taken {
        header: value(header),
        claims: value(claims),
        signed: signed.to_owned(),
        signature: bytes(signature),
    }
}

/// Checks as a server does, which knows the certificate only.
fn verify(der: &[u8], algorithm: &'static dyn VerificationAlgorithm, taken: &Taken) {
    let certificate = x509_cert::Certificate::from_der(der).unwrap();
    let public = certificate.tbs_certificate().subject_public_key_info();
    let public = UnparsedPublicKey::new(algorithm, public.subject_public_key.raw_bytes());
    (public.verify(taken.signed.as_bytes(), &taken.signature)).unwrap();
}

#[test]
fn every_accepted_form_signs_what_its_certificate_verifies() {
    let names = [
        "pkcs8.pem",
        "pkcs1.pem",
        "encrypted-aes256.pem",
        "encrypted-aes128-sha1.pem",
        "encrypted-3des.pem",
        "encrypted-scrypt.pem",
        "encrypted-pbe-sha1-3des.pem",
        "modern.p12",
        "modern-sha512.p12",
        "legacy.p12",
        "legacy-rc2-128.p12",
        "no-mac.p12",
    ];
    let registered = fixture("certificate.der");
    for name in names {
        let certificate = certificate(name);
        let token = certificate.assertion(&CLAIMS, Form::Ps256, false).unwrap();
        verify(&registered, &RSA_PSS_2048_8192_SHA256, &taken(&token));
        let token = certificate.assertion(&CLAIMS, Form::Rs256, false).unwrap();
        verify(&registered, &RSA_PKCS1_2048_8192_SHA256, &taken(&token));
    }
}

#[test]
fn the_header_names_algorithm_and_certificate() {
    let certificate = certificate("pkcs8.pem");
    let der = fixture("certificate.der");
    let hash = |algorithm| URL_SAFE_NO_PAD.encode(digest::digest(algorithm, &der));
    let header = |form| taken(&certificate.assertion(&CLAIMS, form, false).unwrap()).header;
    assert_eq!(
        header(Form::Ps256),
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": hash(&digest::SHA256)})
    );
    assert_eq!(
        header(Form::Rs256),
        json!({"alg": "RS256", "typ": "JWT", "x5t": hash(&digest::SHA1_FOR_LEGACY_USE_ONLY)})
    );
}

#[test]
fn the_claims_leave_room_for_clocks_five_minutes_apart() {
    let token = certificate("pkcs8.pem").assertion(&CLAIMS, Form::Ps256, false);
    assert_eq!(
        taken(&token.unwrap()).claims,
        json!({
            "aud": "https://login.example/tenant/oauth2/v2.0/token",
            "iss": "22222222-2222-2222-2222-222222222222",
            "sub": "22222222-2222-2222-2222-222222222222",
            "jti": "7430eac2-d22d-42ee-9d50-289ad11beb6e",
            "nbf": 1_799_999_700,
            "exp": 1_800_000_600,
        })
    );
}

#[test]
fn the_chain_is_sent_leaf_first_and_without_the_root() {
    for name in ["chain.pem", "chain.p12"] {
        for form in [Form::Ps256, Form::Rs256] {
            let token = certificate(name).assertion(&CLAIMS, form, true).unwrap();
            let parts = taken(&token);
            let subjects: Vec<(String, Vec<u8>)> = (parts.header["x5c"].as_array().unwrap().iter())
                .map(|entry| STANDARD.decode(entry.as_str().unwrap()).unwrap())
                .map(|der| {
                    let certificate = x509_cert::Certificate::from_der(&der).unwrap();
                    (certificate.tbs_certificate().subject().to_string(), der)
                })
                .collect();
            let names: Vec<&str> = subjects.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(
                names,
                [
                    "CN=chained.example,O=Contoso",
                    "CN=Lakevault Test Intermediate"
                ],
                "{name}"
            );
            let algorithm: &'static dyn VerificationAlgorithm = match form {
                Form::Ps256 => &RSA_PSS_2048_8192_SHA256,
                Form::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            };
            verify(&subjects[0].1, algorithm, &parts);
        }
    }
}

#[test]
fn a_certificate_that_signs_itself_is_a_chain_of_one() {
    let token = certificate("pkcs8.pem").assertion(&CLAIMS, Form::Ps256, true);
    assert_eq!(
        taken(&token.unwrap()).header["x5c"],
        json!([STANDARD.encode(fixture("certificate.der"))])
    );
}

#[test]
fn an_ec_key_is_read_but_refused_with_the_way_to_an_rsa_key() {
    for name in ["sec1.pem", "ec-pkcs8.pem", "ec.p12"] {
        for form in [Form::Ps256, Form::Rs256] {
            let problem = certificate(name)
                .assertion(&CLAIMS, form, false)
                .unwrap_err();
            assert_eq!(problem.reason, Reason::CertificateUnreadable, "{name}");
            for words in [
                "EC (P-256)",
                "RSA keys only",
                "openssl req -x509 -newkey rsa:2048",
            ] {
                assert!(problem.message.contains(words), "{name}: {problem}");
            }
        }
    }
}
