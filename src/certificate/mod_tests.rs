use std::path::Path;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use der::{Decode as _, Encode as _};
use proptest::prelude::*;
use x509_cert::Certificate as Parsed;

use super::*;

const PASSWORD: &str = "correct horse";

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    std::fs::read(folder.join(name)).unwrap()
}

fn pair_of(content: Vec<u8>, password: Option<&str>) -> Result<Pair, Problem> {
    let password = password.map(|text| SecretValue::from(text.to_owned()));
    read(&SecretValue::new(content), password.as_ref())?.pair()
}

fn pair(name: &str, password: Option<&str>) -> Result<Pair, Problem> {
    pair_of(fixture(name), password)
}

fn single() -> Vec<u8> {
    fixture("certificate.der")
}

#[test]
fn every_form_gives_the_key_and_its_certificate() {
    let open = ["pkcs8.pem", "pkcs1.pem"];
    let locked = [
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
    let cases = (open.iter().map(|name| (*name, None)))
        .chain(locked.iter().map(|name| (*name, Some(PASSWORD))));
    for (name, password) in cases {
        let pair = pair(name, password).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(pair.leaf.der(), single(), "{name}");
        assert_eq!(
            (pair.key.kind(), pair.issuers.len()),
            (Kind::Rsa, 0),
            "{name}"
        );
    }
}

#[test]
fn ec_keys_are_read() {
    let names = [
        ("sec1.pem", None),
        ("ec-pkcs8.pem", None),
        ("ec.p12", Some(PASSWORD)),
    ];
    for (name, password) in names {
        let pair = pair(name, password).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(pair.key.kind(), Kind::Ec("P-256"), "{name}");
        assert_eq!(pair.leaf.subject(), "CN=ec.example", "{name}");
    }
}

/// Programs write a PKCS#12 file without a password with an empty one, or with none at all; readers must take both, and
/// whether an empty password was given or none must not matter.
#[test]
fn no_password_and_an_empty_one_are_the_same() {
    let names = [
        "empty-password.p12",
        "empty-password-legacy.p12",
        "absent-password.p12",
        "unencrypted.p12",
    ];
    for name in names {
        for password in [None, Some(""), Some("\n")] {
            let pair = pair(name, password);
            let pair = pair.unwrap_or_else(|problem| panic!("{name} {password:?}: {problem}"));
            assert_eq!(pair.leaf.der(), single(), "{name} {password:?}");
        }
    }
}

#[test]
fn a_password_may_have_letters_of_any_kind_and_end_in_a_line_break() {
    for password in ["pässwörd", "pässwörd\n", "pässwörd\r\n"] {
        pair("non-ascii.p12", Some(password)).unwrap();
    }
}

#[test]
fn line_ends_text_around_and_base64_do_not_matter() {
    let text = String::from_utf8(fixture("pkcs8.pem")).unwrap();
    let packed = STANDARD.encode(fixture("empty-password.p12"));
    let (first, second) = packed.split_at(100);
    let forms = [
        text.replace('\n', "\r\n"),
        text.replace('\n', " "),
        format!("\u{feff}Bag Attributes\n    localKeyID: 01\n{text}\nthe end"),
        text.replace("-----BEGIN CERTIFICATE", "  -----BEGIN CERTIFICATE"),
        STANDARD.encode(&text),
        format!("{first}\r\n{second}\n"),
    ];
    for form in forms {
        let pair = pair_of(form.clone().into_bytes(), None);
        let pair = pair.unwrap_or_else(|problem| panic!("{problem}: {form}"));
        assert_eq!(pair.leaf.der(), single());
    }
}

/// Windows writes what the key may be used for into the key.
#[test]
fn keys_with_attributes_are_read() {
    let text = String::from_utf8(fixture("pkcs8.pem")).unwrap();
    let (key, certificate) = text.split_once("-----END PRIVATE KEY-----\n").unwrap();
    let (_, base64) = key.split_once('\n').unwrap();
    let mut der = STANDARD.decode(base64.replace('\n', "")).unwrap();
    // [0] { keyUsage { BIT STRING } }, and the length of the whole.
    let attributes = [
        0xa0, 13, 0x30, 11, 6, 3, 0x55, 0x1d, 0x0f, 0x31, 4, 3, 2, 7, 0x10,
    ];
    der.extend(attributes);
    let length = u16::from_be_bytes([der[2], der[3]]) + 15;
    der[2..4].copy_from_slice(&length.to_be_bytes());
    let base64 = STANDARD.encode(&der);
    let content =
        format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n{certificate}");
    assert_eq!(
        pair_of(content.into_bytes(), None).unwrap().leaf.der(),
        single()
    );
}

#[test]
fn the_chain_is_put_in_order_and_strangers_are_left_out() {
    for (name, password) in [("chain.pem", None), ("chain.p12", Some(PASSWORD))] {
        let pair = pair(name, password).unwrap();
        let subjects: Vec<&str> = (std::iter::once(&pair.leaf).chain(&pair.issuers))
            .map(Certificate::subject)
            .collect();
        assert_eq!(
            subjects,
            [
                "CN=chained.example,O=Contoso",
                "CN=Lakevault Test Intermediate",
                "CN=Lakevault Test Root"
            ],
            "{name}"
        );
        let chain: Vec<&Certificate> = std::iter::once(&pair.leaf).chain(&pair.issuers).collect();
        for issued in chain.windows(2) {
            assert!(signed_by(issued[0], issued[1]), "{name}: {issued:?}");
        }
    }
}

fn signed_by(certificate: &Certificate, authority: &Certificate) -> bool {
    let parsed = |certificate: &Certificate| Parsed::from_der(certificate.der()).unwrap();
    let (signed, authority) = (parsed(certificate), parsed(authority));
    let public = authority.tbs_certificate().subject_public_key_info();
    let public = public.subject_public_key.raw_bytes();
    let message = signed.tbs_certificate().to_der().unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
        .verify(&message, signed.signature().raw_bytes())
        .is_ok()
}

#[test]
fn of_two_certificates_for_one_key_the_later_is_taken() {
    for names in [["expired.pem", "future.pem"], ["future.pem", "expired.pem"]] {
        let content: Vec<u8> = names.iter().flat_map(|name| fixture(name)).collect();
        let pair = pair_of(content, None).unwrap();
        assert_eq!(pair.leaf.not_after().to_string(), "2096-01-01T00:00:00Z");
    }
}

/// What Bouncy Castle and Apple write: the same values with end marks, and octet strings in pieces.
#[test]
fn pkcs12_may_be_in_ber() {
    for (name, deep) in [
        ("modern.p12", false),
        ("legacy.p12", false),
        ("no-mac.p12", true),
    ] {
        let der = fixture(name);
        let ber = to_ber(&der, if deep { 2 } else { 0 });
        assert_ne!(ber, der);
        let pair = pair_of(ber, Some(PASSWORD));
        let pair = pair.unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(pair.leaf.der(), single(), "{name}");
    }
}

/// DER rewritten with end marks and pieces. `inside` is how many octet strings deep values in octet strings are rewritten.
fn to_ber(mut der: &[u8], inside: usize) -> Vec<u8> {
    let mut ber = Vec::new();
    while let [tag, length, rest @ ..] = der {
        let long = if *length < 0x80 {
            0
        } else {
            usize::from(length & 0x7f)
        };
        let (bytes, rest) = rest.split_at(long);
        let len = (bytes.iter()).fold(0, |sum, byte| sum * 256 + usize::from(*byte));
        let (body, rest) = rest.split_at(if long == 0 { usize::from(*length) } else { len });
        der = rest;
        match tag {
            0x04 | 0x80 => {
                let nested = inside > 0 && body.first() == Some(&0x30);
                let body = if nested {
                    to_ber(body, inside - 1)
                } else {
                    body.to_vec()
                };
                ber.extend([tag | 0x20 | u8::from(*tag == 4) << 5, 0x80]);
                for piece in body.chunks(100) {
                    ber.extend([0x04, u8::try_from(piece.len()).unwrap()]);
                    ber.extend(piece);
                }
                ber.extend([0, 0]);
            }
            tag if tag & 0x20 != 0 => {
                ber.extend([*tag, 0x80]);
                ber.extend(to_ber(body, inside));
                ber.extend([0, 0]);
            }
            tag => {
                ber.extend([*tag, *length]);
                ber.extend(bytes);
                ber.extend(body);
            }
        }
    }
    ber
}

#[test]
fn what_cannot_be_used_is_told_apart() {
    use Reason::{
        CertificateKeyMismatch as Mismatch, CertificatePasswordWrong as Password,
        CertificateUnreadable as Unreadable,
    };
    let right = Some(PASSWORD);
    let cases = [
        ("certificate.pem", None, Unreadable, "public half"),
        (
            "certificate.der",
            None,
            Unreadable,
            "without its private key",
        ),
        ("key.pem", None, Unreadable, "no certificate"),
        ("two-keys.pem", None, Unreadable, "2 private keys"),
        ("no-key.p12", right, Unreadable, "public half"),
        ("small.pem", None, Unreadable, "fewer than 2048 bits"),
        ("ed25519.pem", None, Unreadable, "neither RSA nor"),
        ("encrypted-md5-des.pem", right, Unreadable, "not supported"),
        ("encrypted-traditional.pem", right, Unreadable, "DEK-Info"),
        ("make.sh", None, Unreadable, "neither PEM"),
        ("mismatch.pem", None, Mismatch, "does not belong"),
        ("encrypted-aes256.pem", None, Password, "none is given"),
        (
            "encrypted-scrypt.pem",
            Some("battery"),
            Password,
            "does not open",
        ),
        (
            "encrypted-3des.pem",
            Some("battery"),
            Password,
            "does not open",
        ),
        ("modern.p12", None, Password, "none is given"),
        ("modern.p12", Some("battery"), Password, "does not open"),
        ("legacy.p12", None, Password, "none is given"),
        (
            "legacy.p12",
            Some("Correct Horse"),
            Password,
            "does not open",
        ),
        ("no-mac.p12", Some("battery"), Password, "does not open"),
    ];
    for (name, password, reason, words) in cases {
        let problem = pair(name, password).unwrap_err();
        assert_eq!(problem.reason, reason, "{name}: {problem}");
        assert!(problem.message.contains(words), "{name}: {problem}");
        assert!(!problem.message.contains("battery"), "{name}: {problem}");
    }
}

#[test]
fn content_of_another_kind_is_told_apart() {
    let pkcs8 = fixture("pkcs8.pem");
    let key = fixture("key.pem");
    let base64: Vec<u8> = (key.split(|byte| *byte == b'\n'))
        .filter(|line| !line.starts_with(b"-"))
        .flatten()
        .copied()
        .collect();
    let damaged = String::from_utf8(pkcs8.clone())
        .unwrap()
        .replacen('M', "!", 1);
    let utf16 = [&[0xff, 0xfe][..], &b"-\0-\0"[..]].concat();
    let swapped = String::from_utf8(key.clone())
        .unwrap()
        .replace("PRIVATE KEY", "CERTIFICATE");
    let cases: [(Vec<u8>, &str); 10] = [
        (vec![], "it is empty"),
        (b" \r\n".to_vec(), "it is empty"),
        (b"hello".to_vec(), "neither PEM"),
        (utf16, "UTF-16"),
        (
            STANDARD.decode(base64).unwrap(),
            "a private key in DER form",
        ),
        (pkcs8[..1000].to_vec(), "cut short"),
        (damaged.into_bytes(), "damaged between"),
        (swapped.into_bytes(), "certificate 1 in it"),
        (fixture("modern.p12")[..1000].to_vec(), "cut short"),
        (b"\x30\x03\x02\x01\x07".to_vec(), "binary but no PKCS#12"),
    ];
    for (content, words) in cases {
        let problem = pair_of(content, None).unwrap_err();
        assert_eq!(problem.reason, Reason::CertificateUnreadable, "{problem}");
        assert!(problem.message.contains(words), "{words:?}: {problem}");
    }
}

/// Whoever may store a Secret chooses how many rounds of hashing a password takes.
#[test]
fn encryption_that_would_keep_the_operator_busy_is_refused() {
    for name in ["costly.p12", "costly.pem"] {
        let problem = pair(name, Some(PASSWORD)).unwrap_err();
        assert!(problem.message.contains("more work"), "{name}: {problem}");
    }
}

#[test]
fn encryption_that_would_take_much_memory_is_refused() {
    let text = String::from_utf8(fixture("encrypted-scrypt.pem")).unwrap();
    let (key, rest) = text
        .split_once("-----END ENCRYPTED PRIVATE KEY-----")
        .unwrap();
    let (_, base64) = key.split_once("-----\n").unwrap();
    let mut der = STANDARD.decode(base64.replace('\n', "")).unwrap();
    // N of 1024 and r of 8 become 16384 and 127: 254 MiB.
    let parameters = [2, 2, 4, 0, 2, 1, 8];
    let place = der.windows(7).position(|window| window == parameters);
    der[place.unwrap()..][..7].copy_from_slice(&[2, 2, 64, 0, 2, 1, 127]);
    let base64 = STANDARD.encode(&der);
    let content = format!(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{base64}\n-----END ENCRYPTED PRIVATE KEY-----{rest}"
    );
    let problem = pair_of(content.into_bytes(), Some(PASSWORD)).unwrap_err();
    assert!(problem.message.contains("more work"), "{problem}");
}

#[test]
fn nothing_prints_its_content() {
    let pair = pair("pkcs8.pem", None).unwrap();
    let shown = format!("{pair:?}");
    assert!(
        shown.starts_with("Pair { key: PrivateKey(RSA), leaf: Certificate("),
        "{shown}"
    );
    assert!(shown.len() < 200, "{shown}");
}

/// A run of 16 bytes of the content that the message repeats.
fn quoted(content: &[u8], message: &str) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    let letters: Vec<char> = text.chars().collect();
    (letters
        .windows(16)
        .map(|window| window.iter().collect::<String>()))
    .find(|run| message.contains(run.as_str()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_content_never_panics_and_is_never_quoted(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        text in "[ -~\n]{0,200}",
        frame in 0..5usize,
    ) {
        let labels = ["CERTIFICATE", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"];
        let framed = |body: String| format!("-----BEGIN {0}-----\n{body}\n-----END {0}-----\n", labels[frame]);
        let contents = [
            bytes.clone(),
            [&[0x30, 0x80][..], &bytes].concat(),
            framed(STANDARD.encode(&bytes)).into_bytes(),
            framed(text.clone()).into_bytes(),
            text.into_bytes(),
        ];
        for content in contents {
            if let Err(problem) = pair_of(content.clone(), Some("hunter2 hunter2 hunter2")) {
                prop_assert_eq!(quoted(&content, &problem.message), None);
                prop_assert!(!problem.message.contains("hunter2"));
            }
        }
    }

    #[test]
    fn damaged_files_never_panic_and_are_never_quoted(
        name in prop::sample::select(vec!["pkcs8.pem", "sec1.pem", "encrypted-3des.pem", "chain.pem", "unencrypted.p12", "modern.p12", "legacy.p12", "certificate.der"]),
        cut in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let whole = fixture(name);
        let short = whole[..cut.index(whole.len())].to_vec();
        let mut changed = whole.clone();
        changed[place.index(whole.len())] = byte;
        if !pem::is_pem(&whole) {
            prop_assert!(pair_of(short.clone(), Some(PASSWORD)).is_err(), "a part of {} was taken for the whole", name);
        }
        for content in [short, changed] {
            if let Err(problem) = pair_of(content.clone(), Some(PASSWORD)) {
                prop_assert_eq!(quoted(&content, &problem.message), None);
            }
        }
    }
}
