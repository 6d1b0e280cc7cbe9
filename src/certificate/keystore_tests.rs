use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::bundle::{Chain, tls};
use super::super::pki::Party;
use super::super::read;
use super::*;

const PASSWORD: &str = "correct horse";
const ALIAS: &str = "Certificate";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn secret(text: &str) -> SecretValue {
    SecretValue::from(text.to_owned())
}

fn made(name: &str, include_root: bool) -> Tls {
    let content = std::fs::read(fixtures().join("certificates").join(name)).unwrap();
    let options = Chain::LeafFirst { include_root };
    tls(&SecretValue::new(content), Some(&secret(PASSWORD)), options).unwrap()
}

/// An RSA key with a chain, the same with its root, and an EC key that signed itself.
fn all() -> [Tls; 3] {
    [
        made("chain.pem", false),
        made("chain.pem", true),
        made("ec.p12", false),
    ]
}

/// What the tools are shown: each file with its format, and what is in it.
struct Sample {
    format: &'static str,
    file: SecretValue,
    /// As `Read.java` prints it.
    content: String,
}

/// Made once: without optimisation, hashing passwords takes its time.
static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let mut samples = Vec::new();
    for tls in &all() {
        let password = secret(PASSWORD);
        let stores = [
            ("PKCS12", pkcs12(tls, &password, ALIAS, Ciphers::Modern)),
            ("PKCS12", pkcs12(tls, &password, ALIAS, Ciphers::Legacy)),
            ("JKS", jks(tls, &password, ALIAS)),
        ];
        for (format, store) in stores {
            let store = store.unwrap();
            let (keystore, truststore) = contents(tls);
            let truststore = (store.truststore.unwrap(), truststore);
            for (file, content) in [(store.keystore, keystore), truststore] {
                samples.push(Sample {
                    format,
                    file,
                    content,
                });
            }
        }
    }
    samples
});

/// The samples, each with the file that it is written to.
fn written(folder: &Path) -> Vec<(PathBuf, &'static Sample)> {
    let written = SAMPLES.iter().enumerate().map(|(nth, sample)| {
        let path = folder.join(nth.to_string());
        std::fs::write(&path, sample.file.expose()).unwrap();
        (path, sample)
    });
    written.collect()
}

fn contents(tls: &Tls) -> (String, String) {
    let parts = &tls.parts;
    let key = STANDARD.encode(parts.key.pkcs8().expose());
    let chain = parts.chain.iter();
    let chain = chain.map(|certificate| format!("chain {}\n", STANDARD.encode(certificate.der())));
    let chain: String = chain.collect();
    let keystore = format!("alias certificate\nkey {key}\n{chain}");
    let authority = STANDARD.encode(parts.authority.as_ref().unwrap().der());
    (keystore, format!("alias ca\ntrusted {authority}\n"))
}

/// Whether the tool is there. Said past the harness, which shows what passing tests print to nobody.
fn there(tool: &str) -> bool {
    let found = Command::new(tool).arg("-version").output().is_ok();
    if !found {
        writeln!(
            std::io::stderr(),
            "SKIPPED: keystores are not shown to {tool}, which is not there"
        )
        .unwrap();
    }
    found
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn java_finds_the_key_its_chain_and_what_to_trust() {
    if !there("java") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let samples = written(folder.path());
    let mut java = Command::new("java");
    java.arg(fixtures().join("keystores/Read.java"))
        .arg(PASSWORD);
    for (file, sample) in &samples {
        java.arg(sample.format).arg(file);
    }
    let shown = run(&mut java);
    let found: Vec<&str> = shown.split("store\n").skip(1).collect();
    assert_eq!(found.len(), samples.len());
    for (found, (_, sample)) in found.iter().zip(&samples) {
        assert_eq!(*found, sample.content);
    }
}

#[test]
fn keytool_lists_what_was_written() {
    if !there("keytool") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A keystore in PKCS#12 and a truststore in JKS: starting Java takes its time, and the test above looks into all.
    for (file, sample) in written(folder.path()).into_iter().step_by(5).take(2) {
        let mut keytool = Command::new("keytool");
        keytool.args([
            "-list",
            "-v",
            "-storepass",
            PASSWORD,
            "-storetype",
            sample.format,
        ]);
        let shown = run(keytool.arg("-keystore").arg(&file));
        let kind = if sample.content.contains("trusted") {
            "trustedCertEntry"
        } else {
            "PrivateKeyEntry"
        };
        assert!(shown.contains(kind), "{shown}");
    }
}

#[test]
fn openssl_finds_the_key_and_the_certificates() {
    if !there("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (file, sample) in written(folder.path()) {
        if sample.format != "PKCS12" {
            continue;
        }
        let mut openssl = Command::new("openssl");
        openssl.args([
            "pkcs12",
            "-noenc",
            "-passin",
            &format!("pass:{PASSWORD}"),
            "-in",
        ]);
        let shown = run(openssl.arg(&file));
        let found = read(&SecretValue::from(shown), None).unwrap();
        let mut expected: BTreeSet<String> = (sample.content.lines())
            .filter(|line| !line.starts_with("alias"))
            .map(|line| line.split_once(' ').unwrap().1.to_owned())
            .collect();
        let certificates = found.certificates.iter().map(Certificate::der);
        let keys = found.keys.iter().map(|key| key.pkcs8().expose());
        for der in certificates.chain(keys) {
            assert!(expected.remove(&STANDARD.encode(der)), "{file:?}");
        }
        assert_eq!(expected, BTreeSet::new(), "{file:?}");
    }
}

#[test]
fn our_own_reader_reads_them() {
    for tls in all() {
        for ciphers in [Ciphers::Modern, Ciphers::Legacy] {
            let store = pkcs12(&tls, &secret(PASSWORD), ALIAS, ciphers).unwrap();
            let found = read(&store.keystore, Some(&secret(PASSWORD))).unwrap();
            let pair = found.pair().unwrap();
            assert_eq!(pair.key.pkcs8(), tls.parts.key.pkcs8());
            let chain: Vec<Certificate> = std::iter::once(pair.leaf).chain(pair.issuers).collect();
            assert_eq!(chain, tls.parts.chain);
            let wrong = read(&store.keystore, Some(&secret("battery"))).unwrap_err();
            assert_eq!(wrong.reason, Reason::CertificatePasswordWrong);
        }
    }
}

/// Every file of one certificate.
fn files(tls: &Tls, password: &str, alias: &str) -> Vec<SecretValue> {
    let password = secret(password);
    let stores = [
        pkcs12(tls, &password, alias, Ciphers::Modern),
        pkcs12(tls, &password, alias, Ciphers::Legacy),
        jks(tls, &password, alias),
    ];
    (stores.into_iter().map(Result::unwrap))
        .flat_map(|store| [store.keystore, store.truststore.unwrap()])
        .collect()
}

#[test]
fn the_same_is_the_same_bytes_whatever_form_the_source_had() {
    let [from_pem, from_p12] = ["chain.pem", "chain.p12"].map(|name| made(name, false));
    assert!(files(&from_pem, PASSWORD, "a") == files(&from_p12, PASSWORD, "a"));
    // A line break at the end of the password is not part of it.
    assert!(files(&from_pem, PASSWORD, "a") == files(&from_pem, "correct horse\r\n", "a"));
}

#[test]
fn another_content_has_other_salts() {
    let (one, other) = (made("chain.pem", false), made("chain.pem", true));
    let salts = [
        Salts::new(&one, &["a"], &one.parts.chain),
        Salts::new(&one, &["b"], &one.parts.chain),
        Salts::new(&one, &["a", ""], &one.parts.chain),
        Salts::new(&other, &["a"], &other.parts.chain),
    ];
    let uses = ["key salt", "certificates salt"];
    let all: BTreeSet<[u8; 32]> = (salts.iter())
        .flat_map(|salts| uses.map(|what| salts.of(what)))
        .collect();
    assert_eq!(all.len(), salts.len() * uses.len());
}

/// A password must not show in what anybody can read of the file.
#[test]
fn the_salts_do_not_tell_the_password() {
    let tls = made("ec.p12", false);
    let parameters = |password: &str| {
        let files = files(&tls, password, "a");
        // Of JKS: what stands before the salt, and the salt, but neither the key nor the hash.
        files[4].expose()[..73].to_vec()
    };
    assert_eq!(parameters("one"), parameters("other"));
}

#[test]
fn without_an_issuer_there_is_no_truststore() {
    let server = Party::server("leaf");
    let file = server.file(&[&server.by(&Party::authority("elsewhere"))]);
    let tls = tls(&file, None, Chain::LeafOnly).unwrap();
    let password = secret(PASSWORD);
    for store in [
        pkcs12(&tls, &password, ALIAS, Ciphers::Modern).unwrap(),
        jks(&tls, &password, ALIAS).unwrap(),
    ] {
        assert_eq!(store.truststore, None);
    }
}

#[test]
fn passwords_that_java_does_not_take_are_refused_and_not_repeated() {
    let tls = made("ec.p12", false);
    for (password, words) in [
        ("", "is empty"),
        ("\n", "is empty"),
        ("pässwörd", "other than the printable"),
        ("two\nlines", "other than the printable"),
    ] {
        let password = secret(password);
        let refused = [
            pkcs12(&tls, &password, ALIAS, Ciphers::Modern),
            pkcs12(&tls, &password, ALIAS, Ciphers::Legacy),
            jks(&tls, &password, ALIAS),
        ];
        for problem in refused.map(Result::unwrap_err) {
            assert_eq!(problem.reason, Reason::KeystorePasswordUnusable);
            assert!(problem.message.contains(words), "{problem}");
            assert!(!problem.message.contains("wörd"), "{problem}");
        }
    }
}

#[test]
fn aliases_that_a_format_cannot_hold_are_refused() {
    let tls = made("ec.p12", false);
    for alias in ["", "schlüssel", "a\nb", &"a".repeat(129)] {
        let problem = jks(&tls, &secret(PASSWORD), alias).unwrap_err();
        assert_eq!(problem.reason, Reason::InvalidSpec, "{alias:?}");
    }
}
