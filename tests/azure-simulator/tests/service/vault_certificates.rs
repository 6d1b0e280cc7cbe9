//! The certificates of a vault, with the secrets and keys behind them. Shapes and texts are those of recorded traffic
//! (api-version 7.3).

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Caller, OBJECT, Sim, VAULT_URL, codes};

/// With all permissions; what is created is made at once.
async fn start() -> (Sim, Caller) {
    let sim = Sim::start().await;
    let role = json!({"principalId": OBJECT, "role": "Key Vault Administrator"});
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"roleAssignments": [role]}),
    )
    .await;
    sim.admin(
        Method::POST,
        "/settings",
        &json!({"issuanceDelayMs": 0, "deletionDelayMs": 0}),
    )
    .await;
    let caller = sim.caller().await;
    (sim, caller)
}

fn self_signed() -> Value {
    json!({"policy": {
        "key_props": {"kty": "EC", "crv": "P-256"},
        "x509_props": {"subject": "CN=DefaultPolicy", "sans": {}},
        "issuer": {"name": "Self"},
    }})
}

async fn create(caller: &Caller, name: &str) {
    let path = format!("/certificates/{name}/create");
    let (status, body) = caller.call(Method::POST, &path, self_signed()).await;
    assert_eq!(status, 202, "{body}");
}

fn names(body: &Value) -> Vec<&str> {
    let fields = body.as_object().unwrap();
    fields.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn an_operation_and_its_certificate_have_the_recorded_shapes() {
    let (sim, caller) = start().await;
    sim.admin(
        Method::POST,
        "/settings",
        &json!({"issuanceDelayMs": 60_000}),
    )
    .await;
    let request = caller.request(Method::POST, "/certificates/c/create");
    let answer = request.json(&self_signed()).send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let location = header("location");
    assert_eq!(
        (answer.status().as_u16(), header("retry-after").as_str()),
        (202, "10")
    );
    let begun: Value = answer.json().await.unwrap();
    let request_id = begun["request_id"].as_str().unwrap();
    assert_eq!(
        location,
        format!("{VAULT_URL}/certificates/c/pending?api-version=7.5&request_id={request_id}")
    );
    assert!(!begun["csr"].as_str().unwrap().is_empty());
    assert_eq!(
        (
            &begun["status"],
            &begun["issuer"],
            &begun["cancellation_requested"]
        ),
        (
            &json!("inProgress"),
            &json!({"name": "Self"}),
            &json!(false)
        )
    );

    let (_, unfinished) = caller.get("/certificates/c").await;
    assert_eq!(
        names(&unfinished),
        ["attributes", "id", "pending", "policy"]
    );
    assert_eq!(unfinished["attributes"]["enabled"], false);
    assert_eq!(caller.get("/secrets/c").await.0, 404);
    assert_eq!(caller.get("/certificates").await.1["value"], json!([]));

    sim.admin(Method::POST, "/clock", &json!({"skewSeconds": 61}))
        .await;
    let (_, done) = caller.get("/certificates/c/pending").await;
    assert_eq!(
        (&done["status"], &done["target"]),
        (
            &json!("completed"),
            &json!(format!("{VAULT_URL}/certificates/c"))
        )
    );
    assert!(done.get("status_details").is_none(), "{done}");
    let (_, whole) = caller.get("/certificates/c").await;
    assert_eq!(
        names(&whole),
        [
            "attributes",
            "cer",
            "id",
            "kid",
            "pending",
            "policy",
            "sid",
            "x5t"
        ]
    );
    assert_eq!(
        whole["policy"]["id"],
        format!("{VAULT_URL}/certificates/c/policy")
    );
    let attributes = &whole["attributes"];
    let number = |name: &str| attributes[name].as_i64().unwrap();
    // From ten minutes before, for twelve months.
    let days = [365, 366].map(|days| days * 24 * 3600 + 600);
    assert!(
        days.contains(&(number("exp") - number("nbf"))),
        "{attributes}"
    );
}

#[tokio::test]
async fn rows_of_lists_have_thumbprint_attributes_and_tags() {
    let (_sim, caller) = start().await;
    create(&caller, "c").await;
    let tags = json!({"tags": {"a": "b"}});
    caller.call(Method::PATCH, "/certificates/c/", tags).await;
    let (_, list) = caller.get("/certificates").await;
    let row = &list["value"][0];
    assert_eq!(names(row), ["attributes", "id", "tags", "x5t"]);
    assert_eq!(row["id"], format!("{VAULT_URL}/certificates/c"));
    let (_, secrets) = caller.get("/secrets").await;
    let row = &secrets["value"][0];
    assert_eq!(
        names(row),
        ["attributes", "contentType", "id", "managed", "tags"]
    );
    assert_eq!(row["contentType"], "application/x-pkcs12");
    let (_, keys) = caller.get("/keys").await;
    let row = &keys["value"][0];
    assert_eq!(names(row), ["attributes", "kid", "managed", "tags"]);
    assert_eq!(row["kid"], format!("{VAULT_URL}/keys/c"));
}

#[tokio::test]
async fn a_request_id_is_a_filter() {
    let (_sim, caller) = start().await;
    create(&caller, "c").await;
    let (status, body) = caller.get("/certificates/c/pending?request_id=0").await;
    assert_eq!(
        (status, codes(&body)),
        (404, ("PendingCertificateNotFound", None))
    );
    assert_eq!(body["error"]["message"], "Pending certificate not found: c");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let (_sim, caller) = start().await;
    for (path, code, message) in [
        (
            "/certificates/none",
            "CertificateNotFound",
            "A certificate with (name/id) none was not found in this key vault. If you recently deleted this certificate you",
        ),
        (
            "/deletedcertificates/none",
            "CertificateNotFound",
            "Deleted Certificate not found: none",
        ),
        (
            "/keys/none/0000",
            "KeyNotFound",
            "A key with (name/id) none/0000 was not found in this key vault. If you recently deleted this key you",
        ),
        (
            "/deletedkeys/none",
            "KeyNotFound",
            "Deleted Key not found: none",
        ),
    ] {
        let (status, body) = caller.get(path).await;
        assert_eq!((status, codes(&body).0), (404, code), "{path}");
        let told = body["error"]["message"].as_str().unwrap();
        assert!(told.starts_with(message), "{told}");
    }
}

#[tokio::test]
async fn a_key_that_is_used_again_stays_the_same() {
    let (_sim, caller) = start().await;
    let mut wanted = self_signed();
    wanted["policy"]["key_props"]["reuse_key"] = json!(true);
    let mut points = Vec::new();
    for _ in 0..2 {
        let (status, _) = caller
            .call(Method::POST, "/certificates/c/create", wanted.clone())
            .await;
        assert_eq!(status, 202);
        // The operation is over with the first look at it.
        caller.get("/certificates/c/pending").await;
        points.push(caller.get("/keys/c").await.1["key"]["x"].clone());
    }
    assert_eq!(points[0], points[1]);
    let (_, versions) = caller.get("/certificates/c/versions").await;
    assert_eq!(versions["value"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_azure_does_not_know_is_refused() {
    let (_sim, caller) = start().await;
    let bad = [
        json!({}),
        json!({"policy": {"issuer": {"name": "nobody"}, "x509_props": {"subject": "CN=a"}}}),
        json!({"policy": {"x509_props": {"subject": "nonsense"}, "issuer": {"name": "Self"}}}),
        json!({"policy": {"key_props": {"kty": "RSA", "key_size": 1024}, "issuer": {"name": "Self"}}}),
    ];
    for body in bad {
        let (status, answer) = caller
            .call(Method::POST, "/certificates/c/create", body.clone())
            .await;
        assert_eq!((status, codes(&answer).0), (400, "BadParameter"), "{body}");
    }
    for value in ["bm9uc2Vuc2U=", "-----BEGIN NONSENSE-----"] {
        let (status, _) = caller
            .call(
                Method::POST,
                "/certificates/c/import",
                json!({"value": value}),
            )
            .await;
        assert_eq!(status, 400, "{value}");
    }
}

#[tokio::test]
async fn what_belongs_to_a_certificate_is_left_to_it() {
    let (_sim, caller) = start().await;
    create(&caller, "c").await;
    caller.get("/certificates/c/pending").await;
    for (method, path, body) in [
        (Method::PUT, "/secrets/c", json!({"value": "x"})),
        (Method::PATCH, "/secrets/c", json!({"contentType": "x"})),
        (Method::DELETE, "/secrets/c", Value::Null),
        (Method::POST, "/secrets/c/backup", Value::Null),
    ] {
        let (status, body) = caller.call(method.clone(), path, body).await;
        assert_eq!(
            (status, codes(&body)),
            (403, ("Forbidden", Some("SecretManagedByKeyVault"))),
            "{method} {path}"
        );
    }
    for (method, path, body) in [
        (Method::POST, "/keys/c/create", json!({"kty": "EC"})),
        (Method::PATCH, "/keys/c", json!({"key_ops": ["sign"]})),
        (Method::DELETE, "/keys/c", Value::Null),
    ] {
        let (status, body) = caller.call(method.clone(), path, body).await;
        assert_eq!(
            (status, codes(&body).0),
            (403, "Forbidden"),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_seed_makes_certificates_and_keys() {
    let (sim, caller) = start().await;
    let vault = json!({
        "name": "kv-demo",
        "tenantId": crate::common::TENANT,
        "roleAssignments": [{"principalId": OBJECT, "role": "Administrator"}],
        "certificates": [
            {"name": "pem", "subject": "CN=a", "dnsNames": ["a.example"], "keyType": "EC-P384",
             "contentType": "application/x-pem-file", "validityMonths": 3, "tags": {"t": "v"}},
            {"name": "old", "keyType": "EC-P256", "notBefore": "2020-01-01T00:00:00Z", "expires": "2021-01-01T00:00:00Z"},
            {"name": "closed", "keyType": "EC-P256", "exportable": false, "enabled": false},
        ],
        "keys": [{"name": "k", "keyType": "EC-P521", "operations": ["verify"]}],
    });
    sim.admin(Method::POST, "/seed", &json!({"vaults": [vault]}))
        .await;
    let (_, pem) = caller.get("/secrets/pem").await;
    assert!(
        pem["value"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY-----\n"),
        "{pem}"
    );
    assert_eq!(
        (&pem["tags"]["t"], &pem["managed"]),
        (&json!("v"), &json!(true))
    );
    let (_, certificate) = caller.get("/certificates/pem").await;
    let policy = &certificate["policy"];
    assert_eq!(
        policy["x509_props"]["sans"]["dns_names"],
        json!(["a.example"])
    );
    assert_eq!(policy["x509_props"]["validity_months"], 3);
    let (_, old) = caller.get("/certificates/old").await;
    assert_eq!(
        (&old["attributes"]["nbf"], &old["attributes"]["exp"]),
        (&json!(1_577_836_800), &json!(1_609_459_200))
    );
    assert_eq!(caller.get("/secrets/closed").await.0, 403);
    let (_, key) = caller.get("/keys/k").await;
    assert_eq!(
        (&key["key"]["crv"], &key["key"]["key_ops"]),
        (&json!("P-521"), &json!(["verify"]))
    );
    let known = sim.look("/vaults/kv-demo").await;
    assert_eq!(known["certificates"], json!(["closed", "old", "pem"]));
    assert_eq!(known["keys"], json!(["closed", "k", "old", "pem"]));
}

#[tokio::test]
async fn a_mistake_in_a_seeds_certificate_is_told() {
    let (sim, _caller) = start().await;
    for (seed, told) in [
        (json!({"name": "c", "keyType": "DSA"}), "RSA-2048"),
        (json!({"name": "c", "subject": "nonsense"}), "certificate c"),
        (
            json!({"name": "c", "contentType": "text/plain"}),
            "contentType",
        ),
        (
            json!({"name": "under_score", "keyType": "EC-P256"}),
            "under_score",
        ),
    ] {
        let body = json!({"certificates": [seed]});
        let answer = sim.try_admin(Method::PATCH, "/vaults/kv-demo", &body).await;
        assert_eq!(answer.status(), 400, "{body}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(told), "{text}");
    }
}

#[tokio::test]
async fn a_fault_holds_the_answers_about_one_certificate() {
    let (sim, caller) = start().await;
    create(&caller, "c").await;
    let id = sim
        .fault(json!({"path": "^/certificates/c/", "fault": {"hang": true}}))
        .await;
    let held = caller.request(Method::GET, "/certificates/c/policy");
    let patience = std::time::Duration::from_millis(200);
    assert!(
        held.timeout(patience)
            .send()
            .await
            .unwrap_err()
            .is_timeout()
    );
    let path = format!("/faults/{id}");
    sim.admin(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(caller.get("/certificates/c/policy").await.0, 200);
    let counters = sim.look("/counters").await;
    assert_eq!(
        counters["operations"]["kv-demo"]["GetCertificatePolicy"],
        json!({"0": 1, "200": 1})
    );
}
