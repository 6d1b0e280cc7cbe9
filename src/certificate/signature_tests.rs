use rcgen::{
    CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, PKCS_RSA_SHA384, PKCS_RSA_SHA512,
    SignatureAlgorithm,
};

use super::*;

fn signed(algorithm: &'static SignatureAlgorithm) -> Certificate {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let params = CertificateParams::new(Vec::new()).unwrap();
    Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap()
}

/// The certificate with another last byte of its signature.
fn damaged(certificate: &Certificate) -> Certificate {
    let mut der = certificate.der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    Certificate::from_der(&der).unwrap()
}

#[test]
fn good_and_bad_signatures_are_told_apart_in_every_known_algorithm() {
    for algorithm in [
        &PKCS_RSA_SHA256,
        &PKCS_RSA_SHA384,
        &PKCS_RSA_SHA512,
        &PKCS_ECDSA_P256_SHA256,
        &PKCS_ECDSA_P384_SHA384,
        &PKCS_ECDSA_P521_SHA512,
        &PKCS_ED25519,
    ] {
        let certificate = signed(algorithm);
        let damaged = damaged(&certificate);
        assert_eq!(
            verify(&certificate, &certificate),
            Verdict::Good,
            "{algorithm:?}"
        );
        assert_eq!(
            verify(&damaged, &certificate),
            Verdict::Bad,
            "{algorithm:?}"
        );
    }
}

#[test]
fn an_algorithm_that_is_not_the_one_that_was_signed_is_no_unknown_one() {
    let certificate = signed(&PKCS_RSA_SHA256);
    let mut der = certificate.der().to_vec();
    // The last bytes of sha256WithRSAEncryption; it stands outside of what is signed the second time.
    let name = [0x01, 0x01, 0x0b];
    let at = der.windows(3).rposition(|bytes| bytes == name).unwrap();
    der[at + 2] = 0x63;
    let other = Certificate::from_der(&der).unwrap();
    assert_eq!(verify(&other, &certificate), Verdict::Bad);
}

#[test]
fn a_key_of_another_kind_than_the_signature_says_nothing() {
    let (ec, rsa) = (signed(&PKCS_ECDSA_P256_SHA256), signed(&PKCS_RSA_SHA256));
    assert_eq!(verify(&ec, &rsa), Verdict::Unknown);
    assert_eq!(verify(&rsa, &ec), Verdict::Unknown);
}

fn fixture(name: &str) -> Certificate {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    let content = std::fs::read(folder.join(name)).unwrap();
    let content = crate::secret::SecretValue::new(content);
    let container = super::super::read(&content, None).unwrap();
    container.certificates.into_iter().next().unwrap()
}

/// PSS is proved by whichever parameters fit. A bad signature of it is not told from unknown parameters.
#[test]
fn pss_is_proved_but_never_refuted() {
    let certificate = fixture("pss.pem");
    assert_eq!(verify(&certificate, &certificate), Verdict::Good);
    let damaged = damaged(&certificate);
    assert_eq!(verify(&damaged, &certificate), Verdict::Unknown);
}

#[test]
fn old_algorithms_are_known_as_far_as_they_are_still_found() {
    let sha1 = fixture("sha1.pem");
    assert_eq!(verify(&sha1, &sha1), Verdict::Good);
    let md5 = fixture("md5.pem");
    assert_eq!(verify(&md5, &md5), Verdict::Unknown);
}
