use std::path::Path;

use crate::azure::key_vault::Bundle;
use crate::problem::Reason;
use crate::secret::SecretValue;
use crate::vault_secret_sync::fixtures::sync_with;
use crate::vault_secret_sync::items::item::Item;
use crate::vault_secret_sync::items::render::{Rendered, render};
use crate::vault_secret_sync::valid::parse;

fn item(entry: &serde_json::Value) -> Item {
    let sync = sync_with(|spec| spec["data"] = serde_json::json!([entry]));
    parse(&sync).unwrap().items.remove(0)
}

fn bundle(value: Vec<u8>) -> Bundle {
    Bundle {
        version: "v1".parse().unwrap(),
        value: SecretValue::new(value),
        content_type: None,
        updated: None,
        not_before: None,
        expires: None,
        answered: None,
    }
}

fn file() -> Bundle {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    bundle(std::fs::read(folder.join("pkcs8.pem")).unwrap())
}

fn keys(rendered: &Rendered) -> Vec<&str> {
    let values = rendered.values.iter();
    values.map(|(key, _)| key.as_str()).collect()
}

#[test]
fn a_certificate_gives_its_files_and_keystores_and_each_is_announced() {
    let store =
        |format| serde_json::json!({"format": format, "passwordFrom": {"secret": {"name": "pw"}}});
    let stores = serde_json::json!([store("Pkcs12"), store("Jks")]);
    for (key, first) in [(None, "tls.crt"), (Some("web"), "web.crt")] {
        let mut entry = serde_json::json!({"certificate": {"name": "web", "keystores": stores}});
        if let Some(key) = key {
            entry["key"] = key.into();
        }
        let item = item(&entry);
        assert_eq!(item.needs().len(), 2, "the one password is asked for twice");
        let rendered = render(&item, &[&file(), &bundle(b"secret".to_vec())]).unwrap();
        let given = keys(&rendered);
        assert_eq!(given[0], first);
        let announced = item.keys();
        for key in &given {
            assert!(announced.iter().any(|it| it.key.as_str() == *key), "{key}");
        }
        for it in announced.iter().filter(|it| it.always) {
            assert!(given.contains(&it.key.as_str()), "{} lacks", it.key);
        }
        assert!(rendered.expires.is_some());
    }
}

#[test]
fn problems_name_the_object() {
    let web = item(&serde_json::json!({"certificate": {"name": "web"}}));
    let problem = render(&web, &[&bundle(b"nothing".to_vec())]).unwrap_err();
    assert_eq!(problem.reason, Reason::CertificateUnreadable);
    assert!(
        problem.message.starts_with("certificate \"web\": "),
        "{problem}"
    );
    let key = item(&serde_json::json!({"key": "k", "publicKey": {"name": "signing"}}));
    let symmetric = bundle(br#"{"kid":"x","kty":"oct"}"#.to_vec());
    let problem = render(&key, &[&symmetric]).unwrap_err();
    assert_eq!(problem.reason, Reason::KeyTypeUnsupported);
    assert!(
        problem.message.starts_with("key \"signing\": "),
        "{problem}"
    );
}
