use std::path::Path;

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    std::fs::read(folder.join(name)).unwrap()
}

fn parsed(name: &str, password: Option<&str>) -> Result<ClientCertificate, Problem> {
    let password = password.map(|text| SecretValue::from(text.to_owned()));
    ClientCertificate::parse(&SecretValue::new(fixture(name)), password.as_ref())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn it_tells_what_the_portal_shows() {
    let certificate = parsed("pkcs8.pem", None).unwrap();
    let shown = String::from_utf8(fixture("certificate.thumbprint")).unwrap();
    assert_eq!(certificate.thumbprint(), shown.trim());
    assert_eq!(certificate.subject(), "CN=single.example,O=Contoso");
    assert_eq!(
        parsed("expired.pem", None).unwrap().not_after(),
        at("2021-01-01T00:00:00Z")
    );
}

#[test]
fn it_can_be_shared_and_prints_its_thumbprint_only() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let certificate = parsed("pkcs8.pem", None).unwrap();
    shared(&certificate);
    assert_eq!(
        format!("{certificate:?}"),
        format!("ClientCertificate({})", certificate.thumbprint())
    );
}

#[test]
fn it_is_good_within_its_time_and_five_minutes_around() {
    let expired = parsed("expired.pem", None).unwrap();
    let good = [
        "2019-12-31T23:55:00Z",
        "2020-06-01T00:00:00Z",
        "2021-01-01T00:05:00Z",
    ];
    for now in good {
        expired.check(at(now)).unwrap();
    }
    let bad = [
        (
            "2019-12-31T23:54:59Z",
            "valid from 2020-01-01T00:00:00Z",
            Retry::Backoff,
        ),
        (
            "2021-01-01T00:05:01Z",
            "expired at 2021-01-01T00:00:00Z",
            Retry::OnChange,
        ),
        (
            "2026-11-21T12:00:00Z",
            "expired at 2021-01-01T00:00:00Z",
            Retry::OnChange,
        ),
    ];
    for (now, words, retry) in bad {
        let problem = expired.check(at(now)).unwrap_err();
        assert_eq!(
            (problem.reason, problem.retry),
            (Reason::CertificateExpired, retry),
            "{now}"
        );
        assert!(problem.message.contains(words), "{now}: {problem}");
    }
}

#[test]
fn a_password_that_does_not_fit_tells_where_it_belongs() {
    for password in [None, Some("battery")] {
        let problem = parsed("modern.p12", password).unwrap_err();
        assert_eq!(problem.reason, Reason::CertificatePasswordWrong);
        assert!(
            problem.message.ends_with("clientCertificate.passwordKey"),
            "{problem}"
        );
    }
}
