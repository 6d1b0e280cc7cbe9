use std::path::Path;

use super::super::pki::Party;
use super::*;

const SERVED: Chain = Chain::LeafFirst {
    include_root: false,
};
const WITH_ROOT: Chain = Chain::LeafFirst { include_root: true };

fn fixture(name: &str) -> SecretValue {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    SecretValue::new(std::fs::read(folder.join(name)).unwrap())
}

fn password() -> SecretValue {
    SecretValue::from("correct horse".to_owned())
}

fn subjects(pem: &SecretValue) -> Vec<String> {
    let certificates = read(pem, None).unwrap().certificates;
    (certificates.iter().map(|one| one.subject().to_owned())).collect()
}

/// A root, an authority below it, and a server below that.
struct Hierarchy {
    root: Certificate,
    middle: Certificate,
    leaf: Certificate,
    server: Party,
}

fn hierarchy() -> Hierarchy {
    let (root, middle) = (Party::authority("root"), Party::authority("middle"));
    let server = Party::server("leaf");
    Hierarchy {
        root: root.by_itself(),
        leaf: server.by(&middle),
        middle: middle.by(&root),
        server,
    }
}

fn reason(result: Result<Tls, Problem>) -> Reason {
    result.unwrap_err().reason
}

#[test]
fn the_chain_is_in_order_and_the_root_is_apart() {
    for name in ["chain.pem", "chain.p12"] {
        let made = |options| tls(&fixture(name), Some(&password()), options).unwrap();
        let [leaf, middle, root] = [
            "CN=chained.example,O=Contoso",
            "CN=Lakevault Test Intermediate",
            "CN=Lakevault Test Root",
        ];
        let cases: [(Chain, &[&str]); 3] = [
            (SERVED, &[leaf, middle]),
            (WITH_ROOT, &[leaf, middle, root]),
            (Chain::LeafOnly, &[leaf]),
        ];
        for (options, certificates) in cases {
            let made = made(options);
            assert_eq!(subjects(&made.certificate), certificates, "{name}");
            assert_eq!(subjects(&made.authority.unwrap()), [root], "{name}");
        }
    }
}

/// Whatever form the file has, the same certificate and key are the same bytes.
#[test]
fn every_form_gives_the_same_bytes() {
    let names = [
        "pkcs8.pem",
        "pkcs1.pem",
        "encrypted-aes256.pem",
        "modern.p12",
        "legacy.p12",
    ];
    let all = names.map(|name| tls(&fixture(name), Some(&password()), SERVED).unwrap());
    for made in &all {
        assert_eq!(made.certificate, all[0].certificate);
        assert_eq!(made.key, all[0].key);
    }
    let pem = all[0].key.expose_str().unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\nMII"), "{pem}");
    assert!(
        pem.lines().all(|line| line.len() <= 64) && pem.ends_with("-----END PRIVATE KEY-----\n")
    );
    let certificate = fixture("certificate.pem");
    assert_eq!(all[0].certificate, certificate);
}

#[test]
fn ec_keys_become_pkcs8() {
    let [one, other] = ["sec1.pem", "ec-pkcs8.pem"].map(|name| {
        tls(&fixture(name), None, SERVED)
            .unwrap()
            .key
            .expose()
            .to_vec()
    });
    assert!(
        one.starts_with(b"-----BEGIN PRIVATE KEY-----\n")
            && other.starts_with(b"-----BEGIN PRIVATE KEY-----\n")
    );
}

#[test]
fn the_authority_of_a_self_signed_certificate_is_itself() {
    let made = tls(&fixture("ec.p12"), Some(&password()), SERVED).unwrap();
    assert_eq!(made.authority.as_ref(), Some(&made.certificate));
    assert_eq!(made.notes, []);
}

#[test]
fn without_a_root_the_topmost_issuer_is_the_authority() {
    let tree = hierarchy();
    let made = tls(&tree.server.file(&[&tree.middle, &tree.leaf]), None, SERVED).unwrap();
    assert_eq!(subjects(&made.certificate), ["CN=leaf", "CN=middle"]);
    assert_eq!(subjects(&made.authority.unwrap()), ["CN=middle"]);
    assert_eq!(made.notes, []);
}

#[test]
fn a_lone_certificate_is_taken_with_a_note() {
    let tree = hierarchy();
    let made = tls(&tree.server.file(&[&tree.leaf]), None, SERVED).unwrap();
    assert_eq!((made.authority, made.notes), (None, vec![Note::NoIssuer]));
}

#[test]
fn a_file_without_the_key_says_how_to_make_it_exportable() {
    for name in ["certificate.pem", "certificate.der", "no-key.p12"] {
        let problem = tls(&fixture(name), Some(&password()), SERVED).unwrap_err();
        assert_eq!(problem.reason, Reason::PrivateKeyMissing, "{name}");
        assert!(problem.message.contains("exportable"), "{name}: {problem}");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let problem = reason(tls(&fixture("mismatch.pem"), None, SERVED));
    assert_eq!(problem, Reason::CertificateKeyMismatch);
}

#[test]
fn a_chain_with_a_hole_is_refused_unless_only_the_leaf_is_wanted() {
    let tree = hierarchy();
    let stranger = Party::authority("stranger");
    let files = [
        // The issuer is missing, its own issuer is there.
        tree.server.file(&[&tree.leaf, &tree.root]),
        // The chain of the certificate before.
        tree.server
            .file(&[&tree.leaf, &stranger.by(&Party::authority("elsewhere"))]),
        // It is known that the chain does not end at the root that is there.
        tree.server
            .file(&[&tree.leaf, &tree.middle, &stranger.by_itself()]),
    ];
    for file in files {
        assert_eq!(
            reason(tls(&file, None, SERVED)),
            Reason::CertificateChainBroken
        );
        let leaf = tls(&file, None, Chain::LeafOnly).unwrap();
        assert_eq!(subjects(&leaf.certificate), ["CN=leaf"]);
        assert_eq!(leaf.notes.last(), Some(&Note::Strangers(1)));
    }
}

#[test]
fn strangers_beside_a_chain_that_may_be_whole_are_left_out_with_a_note() {
    let tree = hierarchy();
    let other = Party::authority("stranger").by(&Party::authority("elsewhere"));
    for certificates in [
        &[&tree.leaf, &other, &tree.middle][..],
        &[&other, &tree.leaf, &tree.middle, &tree.root],
    ] {
        let made = tls(&tree.server.file(certificates), None, SERVED).unwrap();
        assert_eq!(subjects(&made.certificate), ["CN=leaf", "CN=middle"]);
        assert_eq!(made.notes, [Note::Strangers(1)]);
    }
}

#[test]
fn doubles_do_not_matter() {
    let tree = hierarchy();
    let certificates = [
        &tree.middle,
        &tree.leaf,
        &tree.middle,
        &tree.leaf,
        &tree.root,
    ];
    let twice = tree.server.file(&certificates);
    let twice = SecretValue::new([twice.expose(), twice.expose()].concat());
    let made = tls(&twice, None, WITH_ROOT).unwrap();
    assert_eq!(
        subjects(&made.certificate),
        ["CN=leaf", "CN=middle", "CN=root"]
    );
    assert_eq!(made.notes, []);
}

#[test]
fn a_certificate_whose_own_signature_is_false_is_refused() {
    let text = fixture("pkcs8.pem");
    let whole = read(&text, None).unwrap();
    let mut der = whole.certificates[0].der().to_vec();
    // A bit of the signature, which stands last.
    *der.last_mut().unwrap() ^= 1;
    let certificate = pem::write("CERTIFICATE", &[&der]);
    let file = SecretValue::new([fixture("key.pem").expose(), certificate.expose()].concat());
    assert_eq!(
        reason(tls(&file, None, SERVED)),
        Reason::CertificateChainBroken
    );
}

#[test]
fn an_expired_certificate_is_made_and_its_times_are_told() {
    use Standing::{Expired, NotYet, Valid};
    let made = tls(&fixture("expired.pem"), None, SERVED).unwrap();
    let [before, from, to, after] = [
        "2019-12-31T23:59:59Z",
        "2020-01-01T00:00:00Z",
        "2021-01-01T00:00:00Z",
        "2021-01-01T00:00:01Z",
    ]
    .map(|text| text.parse::<Timestamp>().unwrap());
    let validity = made.validity;
    assert_eq!((validity.not_before, validity.not_after), (from, to));
    let standings = [before, from, to, after].map(|now| validity.at(now));
    assert_eq!(standings, [NotYet, Valid, Valid, Expired]);
}

#[test]
fn an_issuer_that_ends_first_ends_the_chain() {
    let (root, mut middle) = (Party::authority("root"), Party::authority("middle"));
    let server = Party::server("leaf");
    let certificates = [
        &server.by(&middle),
        &middle.until(2030).by(&root),
        &root.by_itself(),
    ];
    let made = tls(&server.file(&certificates), None, SERVED).unwrap();
    let year = |time: Timestamp| time.to_string().split('-').next().unwrap().to_owned();
    assert_eq!(year(made.validity.not_after), "2040");
    assert_eq!(year(made.validity.chain_not_after), "2030");
    assert_eq!(made.notes, [Note::IssuerEndsFirst]);
}

#[test]
fn nothing_prints_the_key() {
    let made = tls(&fixture("pkcs8.pem"), None, SERVED).unwrap();
    let shown = format!("{made:?}");
    assert!(
        shown.contains("key: …") && shown.contains("PrivateKey(RSA)"),
        "{shown}"
    );
    assert!(shown.len() < 600, "{shown}");
}
