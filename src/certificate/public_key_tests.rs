use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING,
    ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::read;
use super::*;

fn certificate(name: &str) -> Certificate {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    let content = SecretValue::new(std::fs::read(folder.join(name)).unwrap());
    let password = SecretValue::from("correct horse".to_owned());
    let container = read(&content, Some(&password)).unwrap();
    container.certificates.into_iter().next().unwrap()
}

fn read_json(json: &Value) -> Result<PublicKey, Problem> {
    PublicKey::read(json.to_string().as_bytes())
}

fn jwk(key: &PublicKey) -> Value {
    serde_json::from_slice(key.jwk().unwrap().expose()).unwrap()
}

/// The example of RFC 7638, 3.1.
fn example() -> Value {
    json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    })
}

#[test]
fn without_a_kid_the_jwk_is_what_rfc_7638_hashes() {
    let mut example = example();
    example["kid"].take();
    let written = read_json(&example).unwrap().jwk().unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, written.expose()));
    assert_eq!(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

/// Key Vault's own words become the standard's, and nothing but the public half comes out.
#[test]
fn only_the_public_members_come_out_in_the_words_of_the_standard() {
    let mut answered = example();
    for (name, value) in [
        ("kty", json!("RSA-HSM")),
        ("kid", json!("https://v.vault.azure.net/keys/signing/0123")),
        ("key_ops", json!(["sign", "verify"])),
        ("d", json!("c2VjcmV0")),
        ("key_hsm", json!("c2VjcmV0")),
    ] {
        answered[name] = value;
    }
    let mut expected = example();
    expected["kid"] = answered["kid"].clone();
    expected.as_object_mut().unwrap().remove("alg");
    assert_eq!(jwk(&read_json(&answered).unwrap()), expected);
}

/// AWS-LC writes the reference.
#[test]
fn every_curve_becomes_what_others_write() {
    let cases = [
        (&ECDSA_P256_SHA256_ASN1_SIGNING, "P-256", "P-256"),
        (&ECDSA_P256K1_SHA256_ASN1_SIGNING, "P-256K", "secp256k1"),
        (&ECDSA_P384_SHA384_ASN1_SIGNING, "P-384", "P-384"),
        (&ECDSA_P521_SHA512_ASN1_SIGNING, "P-521", "P-521"),
    ];
    for (algorithm, crv, standard) in cases {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let [x, y] = [x, y].map(|number| URL_SAFE_NO_PAD.encode(number));
        for kty in ["EC", "EC-HSM"] {
            let key = read_json(&json!({"kty": kty, "crv": crv, "x": x, "y": y})).unwrap();
            let reference: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
            assert_eq!(
                key.pem(),
                pem::write("PUBLIC KEY", &[reference.as_ref()]),
                "{crv}"
            );
            assert_eq!(
                jwk(&key),
                json!({"kty": "EC", "crv": standard, "x": x, "y": y})
            );
        }
    }
}

#[test]
fn a_certificate_gives_its_key_in_both_forms() {
    for name in ["certificate.pem", "ec.p12"] {
        let certificate = certificate(name);
        let key = PublicKey::of(&certificate);
        assert_eq!(
            key.pem(),
            pem::write("PUBLIC KEY", &[certificate.public_info()])
        );
        assert_eq!(read_json(&jwk(&key)).unwrap(), key, "{name}");
    }
}

#[test]
fn a_certificate_of_another_kind_gives_pem_only() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    let text = std::fs::read_to_string(folder.join("ed25519.pem")).unwrap();
    let (_, certificate) = text.split_once("-----END PRIVATE KEY-----").unwrap();
    let container = read(&SecretValue::from(certificate.to_owned()), None).unwrap();
    let key = PublicKey::of(&container.certificates[0]);
    let shown = key.pem();
    let start = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA";
    assert!(shown.expose_str().unwrap().starts_with(start));
    assert_eq!(key.jwk().unwrap_err().reason, Reason::KeyTypeUnsupported);
}

#[test]
fn the_same_key_is_the_same_bytes_however_its_numbers_are_written() {
    let key = read_json(&example()).unwrap();
    let mut zero = example();
    let n = URL_SAFE_NO_PAD.decode(zero["n"].as_str().unwrap()).unwrap();
    zero["n"] = json!(URL_SAFE_NO_PAD.encode([&[0, 0][..], &n].concat()));
    let mut padded = example();
    padded["n"] = json!(format!("{}==", example()["n"].as_str().unwrap()));
    assert_eq!(read_json(&zero).unwrap(), key);
    assert_eq!(read_json(&padded).unwrap(), key);
}

/// A point of P-256 whose x begins with a zero byte, which some programs leave out.
#[test]
fn short_coordinates_are_filled_up() {
    let pair =
        std::iter::repeat_with(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap());
    let mut short = pair
        .take(20_000)
        .filter(|pair| pair.public_key().as_ref()[1] == 0);
    let pair = short.next().unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let answer = |x| json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)});
    let (whole, short) = (
        read_json(&answer(x)).unwrap(),
        read_json(&answer(&x[1..])).unwrap(),
    );
    assert_eq!(whole, short);
    assert_eq!(jwk(&short)["x"].as_str().unwrap().len(), 43);
}

#[test]
fn what_is_no_public_key_is_told_apart() {
    use Reason::{KeyTypeUnsupported as Unsupported, MalformedAnswer as Malformed};
    let without = |member: &str| {
        let mut example = example();
        example.as_object_mut().unwrap().remove(member);
        example
    };
    let with = |member: &str, value: &str| {
        let mut example = example();
        example[member] = json!(value);
        example
    };
    let point = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    let cases = [
        (
            json!({"kty": "oct", "k": "c2VjcmV0"}),
            Unsupported,
            "symmetric",
        ),
        (json!({"kty": "oct-HSM"}), Unsupported, "symmetric"),
        (
            json!({"kty": "OKP", "crv": "Ed25519", "x": point}),
            Unsupported,
            "RSA and EC",
        ),
        (
            json!({"kty": "EC", "crv": "P-192", "x": point, "y": point}),
            Unsupported,
            "curve",
        ),
        (
            json!({"kty": "EC", "crv": "P-256", "x": point, "y": point}),
            Malformed,
            "understood",
        ),
        (
            json!({"kty": "EC", "crv": "P-256", "x": point}),
            Malformed,
            "understood",
        ),
        (
            json!({"kty": "EC", "x": point, "y": point}),
            Malformed,
            "understood",
        ),
        (without("n"), Malformed, "understood"),
        (without("e"), Malformed, "understood"),
        (without("kty"), Malformed, "understood"),
        (with("n", ""), Malformed, "understood"),
        (with("n", "AQAB"), Malformed, "understood"),
        (with("n", "not base64"), Malformed, "understood"),
        (with("e", "AA"), Malformed, "understood"),
        (json!([]), Malformed, "understood"),
    ];
    for (answer, reason, words) in cases {
        let problem = read_json(&answer).unwrap_err();
        assert_eq!(problem.reason, reason, "{answer}");
        assert!(problem.message.contains(words), "{answer}: {problem}");
        assert!(!problem.message.contains("c2Vj"), "{problem}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_members_give_a_key_or_a_problem(
        kty in prop::sample::select(vec!["RSA", "EC", "EC-HSM", "oct", "?"]),
        crv in prop::sample::select(vec!["P-256", "P-256K", "P-384", "P-521", "secp256k1", ""]),
        numbers in prop::array::uniform4(proptest::collection::vec(any::<u8>(), 0..1100)),
        raw in "[A-Za-z0-9_=-]{0,40}",
    ) {
        let [n, e, x, y] = numbers.map(|number| URL_SAFE_NO_PAD.encode(number));
        for answer in [
            json!({"kty": kty, "crv": crv, "n": n, "e": e, "x": x, "y": y}),
            json!({"kty": kty, "crv": crv, "n": n, "e": "AQAB", "x": raw, "y": y}),
            json!({"kty": kty, "crv": raw, "n": raw, "e": raw}),
        ] {
            if let Ok(key) = read_json(&answer) {
                // What was taken can be written, and is read again as the same.
                prop_assert_eq!(read_json(&jwk(&key)).unwrap(), key);
            }
        }
    }

    #[test]
    fn damaged_answers_give_a_key_or_a_problem(
        cut in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let whole = serde_json::to_vec(&example()).unwrap();
        prop_assert!(PublicKey::read(&whole[..cut.index(whole.len())]).is_err());
        let mut changed = whole.clone();
        changed[place.index(whole.len())] = byte;
        if let Ok(key) = PublicKey::read(&changed) {
            prop_assert!(key.pem().len() > 100);
        }
    }
}
