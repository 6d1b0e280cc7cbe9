//! The files that certificates are imported from and read as: PEM, and PKCS#12 with each kind of cipher.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Caller, OBJECT, Sim};

async fn start() -> (Sim, Caller) {
    let sim = Sim::start().await;
    let role = json!({"principalId": OBJECT, "role": "Key Vault Administrator"});
    let change = json!({"roleAssignments": [role]});
    sim.admin(Method::PATCH, "/vaults/kv-demo", &change).await;
    let caller = sim.caller().await;
    (sim, caller)
}

async fn import(caller: &Caller, body: Value) -> Value {
    let (status, answer) = caller
        .call(Method::POST, "/certificates/copy/import", body)
        .await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn each_kind_of_file_that_a_vault_gives_can_be_imported() {
    let (sim, caller) = start().await;
    for ciphers in ["tripleDes", "rc2", "aes256"] {
        for order in ["leafFirst", "rootFirst", "shuffled"] {
            let seed = json!({"keyType": "EC-P256", "pfxCiphers": ciphers, "order": order,
                "issuedBy": {"root": "CN=Root", "intermediates": ["CN=Between"], "keyType": "EC-P256"}});
            sim.admin(Method::PUT, "/vaults/kv-demo/certificates/c", &seed)
                .await;
            let (_, certificate) = caller.get("/certificates/c").await;
            let (_, secret) = caller.get("/secrets/c").await;
            let imported = import(&caller, json!({"value": secret["value"]})).await;
            assert_eq!(imported["cer"], certificate["cer"], "{ciphers} {order}");
            let (_, key) = caller.get("/keys/c").await;
            let (_, copy) = caller.get("/keys/copy").await;
            assert_eq!(copy["key"]["x"], key["key"]["x"], "{ciphers} {order}");
        }
    }
}

#[tokio::test]
async fn a_pem_is_imported_whatever_its_order_and_read_leaf_first() {
    let (_sim, caller) = start().await;
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_key = KeyPair::generate().unwrap();
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["app.example".to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, "app");
    leaf.distinguished_name
        .push(DnType::OrganizationName, "Example, Inc.");
    let leaf_pem = leaf
        .signed_by(&key, &Issuer::new(root, root_key))
        .unwrap()
        .pem();
    let file = format!("{root_pem}{}{leaf_pem}", key.serialize_pem());
    let imported = import(&caller, json!({"value": file})).await;
    let policy = &imported["policy"];
    assert_eq!(
        policy["secret_props"]["contentType"],
        "application/x-pem-file"
    );
    assert_eq!(
        (&policy["key_props"]["kty"], &policy["key_props"]["crv"]),
        (&json!("EC"), &json!("P-256"))
    );
    assert_eq!(
        policy["x509_props"]["subject"],
        "O=\"Example, Inc.\", CN=app"
    );
    assert_eq!(
        policy["x509_props"]["sans"]["dns_names"],
        json!(["app.example"])
    );
    assert_eq!(policy["issuer"]["name"], "Unknown");
    let (_, secret) = caller.get("/secrets/copy").await;
    let text = |pem: &str| pem.replace("\r\n", "\n");
    let expected = format!("{}{}", text(&leaf_pem), text(&root_pem));
    assert!(
        secret["value"].as_str().unwrap().ends_with(&expected),
        "{secret}"
    );
}

#[tokio::test]
async fn a_file_that_is_not_exportable_gives_no_key() {
    let (sim, caller) = start().await;
    let seed = json!({"keyType": "EC-P256", "contentType": "application/x-pem-file"});
    sim.admin(Method::PUT, "/vaults/kv-demo/certificates/c", &seed)
        .await;
    let (_, secret) = caller.get("/secrets/c").await;
    let closed = json!({"key_props": {"exportable": false}});
    import(&caller, json!({"value": secret["value"], "policy": closed})).await;
    let (_, copy) = caller.get("/secrets/copy").await;
    let value = copy["value"].as_str().unwrap();
    assert!(
        value.starts_with("-----BEGIN CERTIFICATE-----\n"),
        "{value}"
    );
    assert!(secret["value"].as_str().unwrap().ends_with(value));
}

#[tokio::test]
async fn a_file_needs_one_key_and_its_certificate() {
    let (sim, caller) = start().await;
    let seed = |subject: &str| json!({"subject": subject, "keyType": "EC-P256", "contentType": "application/x-pem-file"});
    let mut parts = Vec::new();
    for name in ["one", "two"] {
        let path = format!("/vaults/kv-demo/certificates/{name}");
        sim.admin(Method::PUT, &path, &seed(&format!("CN={name}")))
            .await;
        let (_, secret) = caller.get(&format!("/secrets/{name}")).await;
        let value = secret["value"].as_str().unwrap().to_owned();
        let (key, certificate) = value.split_once("-----BEGIN CERTIFICATE").unwrap();
        parts.push((
            key.to_owned(),
            format!("-----BEGIN CERTIFICATE{certificate}"),
        ));
    }
    let [(one_key, one), (two_key, _)] = &parts[..] else {
        panic!("two certificates")
    };
    for (file, told) in [
        (one.clone(), "one private key"),
        (format!("{one_key}{two_key}{one}"), "one private key"),
        (
            format!("{two_key}{one}"),
            "no certificate of its private key",
        ),
    ] {
        let (status, body) = caller
            .call(
                Method::POST,
                "/certificates/copy/import",
                json!({"value": file}),
            )
            .await;
        let message = body["error"]["message"].as_str().unwrap();
        assert!(status == 400 && message.contains(told), "{body}");
    }
}
