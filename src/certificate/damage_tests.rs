//! Real files, cut short and with bits turned over: bounded runs in place of a fuzzer. Time is bounded by what the readers count (rounds of hashing, depth, signatures), which their own
//! tests look at.

use std::path::Path;

use proptest::prelude::*;

use super::bundle::{Chain, Tls, tls};
use super::*;

/// Those with a MAC, and one whose certificates vouch for each other, come first.
const FILES: [&str; 12] = [
    "modern.p12",
    "legacy.p12",
    "chain.p12",
    "ec.p12",
    "chain.pem",
    "pkcs8.pem",
    "pkcs1.pem",
    "sec1.pem",
    "encrypted-aes128-sha1.pem",
    "encrypted-pbe-sha1-3des.pem",
    "no-mac.p12",
    "unencrypted.p12",
];
const PROTECTED: usize = 5;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    std::fs::read(folder.join(name)).unwrap()
}

fn made(content: Vec<u8>) -> Result<Tls, Problem> {
    let password = SecretValue::from("correct horse".to_owned());
    let options = Chain::LeafFirst { include_root: true };
    tls(&SecretValue::new(content), Some(&password), options)
}

/// A file, with the place of a bit in it.
fn damage() -> impl Strategy<Value = (&'static str, prop::sample::Index, u8)> {
    let file = prop::sample::select(FILES.to_vec());
    (file, any::<prop::sample::Index>(), 0..8u8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A key is never taken for another, since its public half stands beside it. Nor is a certificate, where a MAC or the
    /// signatures tell; a single certificate in PEM that was damaged in its issuer's name is one of an unknown issuer.
    #[test]
    fn a_bit_turned_over_is_noticed_or_does_not_matter((name, place, bit) in damage()) {
        let whole = fixture(name);
        let mut changed = whole.clone();
        let place = place.index(whole.len());
        changed[place] ^= 1 << bit;
        if let Ok(read) = made(changed) {
            let right = made(whole).unwrap();
            prop_assert!(read.key == right.key, "another key of {name}, bit {bit} of byte {place}");
            prop_assert!(
                as_far_as_told(&read, &right) || !FILES[..PROTECTED].contains(&name),
                "other certificates of {name}, bit {bit} of byte {place}"
            );
        }
    }

    #[test]
    fn a_file_cut_short_is_refused_or_has_lost_nothing((name, place, _) in damage()) {
        let whole = fixture(name);
        let cut = place.index(whole.len());
        if let Ok(read) = made(whole[..cut].to_vec()) {
            let right = made(whole).unwrap();
            prop_assert!(read.key == right.key, "{name} up to {cut}");
            prop_assert!(as_far_as_told(&read, &right), "{name} up to {cut}");
        }
    }

    #[test]
    fn pieces_put_together_by_chance_never_panic(
        pieces in prop::collection::vec((prop::sample::select(FILES.to_vec()), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let mut content = Vec::new();
        for (name, one, other) in pieces {
            let file = fixture(name);
            let (one, other) = (one.index(file.len()), other.index(file.len()));
            content.extend_from_slice(&file[one.min(other)..one.max(other)]);
        }
        drop(made(content));
    }
}

/// Whether the certificates are the same, or those at the end of the chain are all that is missing or other: a PEM file is a
/// list of blocks, and of a block that is no certificate any more nobody can tell that it was one. The name of the issuer of the
/// topmost one is vouched for by nobody in the file: where it was damaged, a root is an issuer of an unknown issuer.
fn as_far_as_told(read: &Tls, right: &Tls) -> bool {
    let text = |tls: &Tls| String::from_utf8(tls.certificate.expose().to_vec()).unwrap();
    let (read, right) = (text(read), text(right));
    let below = read
        .rsplit_once("-----BEGIN")
        .map_or("", |(below, _)| below);
    right.starts_with(&read) || !below.is_empty() && right.starts_with(below)
}
