//! The admin API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{CLIENT, HostsFile, OBJECT, Sim, TENANT, VAULT, split};

#[tokio::test]
async fn the_journal_tells_who_did_what_and_how_it_went() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let before = sim.look("/journal").await["next"].as_u64().unwrap();
    caller.get("/secrets/none?api-version=7.4&x=y").await;
    let journal = sim
        .look(&format!("/journal?since={before}&vault={VAULT}"))
        .await;
    assert_eq!(journal["next"], before + 1);
    let entry = &journal["entries"][0];
    for (name, value) in [
        ("seq", json!(before)),
        ("host", json!("kv-demo.vault.sim.test")),
        ("vault", json!(VAULT)),
        ("operation", json!("GetSecret")),
        ("method", json!("GET")),
        ("path", json!("/secrets/none")),
        ("status", json!(404)),
        (
            "principal",
            json!({"tenantId": TENANT, "clientId": CLIENT, "objectId": OBJECT}),
        ),
    ] {
        assert_eq!(entry[name], value, "{name}");
    }
    sim.admin(Method::DELETE, "/journal", &Value::Null).await;
    assert_eq!(sim.look("/journal").await["entries"], json!([]));
}

#[tokio::test]
async fn counters_count_by_vault_operation_and_status() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller.set("s", json!({"value": "v"})).await;
    caller.get("/secrets/s").await;
    caller.get("/secrets/s").await;
    caller.get("/secrets/none").await;
    let counters = sim.look("/counters").await;
    assert_eq!(
        counters["operations"]["kv-demo"],
        json!({"GetSecret": {"200": 2, "404": 1}, "SetSecret": {"200": 1}})
    );
    assert_eq!(
        counters["operations"]["login"],
        json!({"GetToken": {"200": 1}})
    );
    assert_eq!(
        counters["connections"]["kv-demo.vault.sim.test"], 1,
        "connections are kept alive"
    );
    sim.admin(Method::DELETE, "/counters", &Value::Null).await;
    assert_eq!(
        sim.look("/counters").await,
        json!({"operations": {}, "connections": {}})
    );
}

#[tokio::test]
async fn the_hosts_file_follows_the_vaults() {
    let sim = Sim::start().await;
    let hosts = HostsFile(sim.endpoints().hosts_file.clone());
    assert_eq!(hosts.find("new-vault.vault.sim.test"), None);
    sim.admin(
        Method::PUT,
        "/vaults/new-vault",
        &json!({"tenantId": TENANT}),
    )
    .await;
    assert_eq!(
        hosts.find("new-vault.vault.sim.test").unwrap().port(),
        sim.endpoints().port
    );
    sim.admin(Method::DELETE, "/vaults/new-vault", &Value::Null)
        .await;
    assert_eq!(hosts.find("new-vault.vault.sim.test"), None);
    assert!(hosts.find("login.sim.test").is_some() && hosts.find("management.sim.test").is_some());
}

#[tokio::test]
async fn a_vault_that_is_put_again_keeps_its_secrets() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller.set("s", json!({"value": "v"})).await;
    let role = json!([{"principalId": OBJECT, "role": "Key Vault Secrets User"}]);
    sim.admin(
        Method::PUT,
        "/vaults/kv-demo",
        &json!({"tenantId": TENANT, "roleAssignments": role}),
    )
    .await;
    assert_eq!(caller.get("/secrets/s").await.1["value"], "v");
    assert_eq!(caller.set("s", json!({"value": "w"})).await.0, 403);
}

#[tokio::test]
async fn secrets_are_rotated_changed_deleted_and_purged_from_outside() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let put = async |value: &str| {
        let answer = sim
            .admin(
                Method::PUT,
                "/vaults/kv-demo/secrets/s",
                &json!({"value": value}),
            )
            .await;
        answer["version"].as_str().unwrap().to_owned()
    };
    let (first, second) = (put("one").await, put("two").await);
    assert_ne!(first, second);
    assert_eq!(
        caller.get(&format!("/secrets/s/{first}")).await.1["value"],
        "one"
    );
    let expiry = json!({"expires": "2030-01-01T00:00:00Z"});
    let patched = sim
        .admin(Method::PATCH, "/vaults/kv-demo/secrets/s", &expiry)
        .await;
    assert_eq!(patched["version"], json!(second));
    assert_eq!(
        caller.get("/secrets/s").await.1["attributes"]["exp"],
        1_893_456_000
    );
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo/secrets/s",
        &json!({"enabled": false}),
    )
    .await;
    assert_eq!(caller.get("/secrets/s").await.0, 403);
    sim.admin(Method::DELETE, "/vaults/kv-demo/secrets/s", &Value::Null)
        .await;
    assert_eq!(caller.get("/deletedsecrets/s").await.0, 200);
    sim.admin(
        Method::DELETE,
        "/vaults/kv-demo/secrets/s?purge=true",
        &Value::Null,
    )
    .await;
    assert_eq!(caller.get("/deletedsecrets/s").await.0, 404);
}

#[tokio::test]
async fn a_removed_application_gets_no_token() {
    let sim = Sim::start().await;
    sim.admin(
        Method::DELETE,
        &format!("/tenants/{TENANT}/applications/{CLIENT}"),
        &Value::Null,
    )
    .await;
    let form = crate::common::secret_form(crate::common::SCOPE);
    let answer = sim
        .client()
        .post(crate::common::token_url())
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(split(answer).await.1["error_codes"], json!([700_016]));
}

#[tokio::test]
async fn mistakes_are_told_and_change_nothing() {
    let sim = Sim::start().await;
    let cases = [
        (
            Method::PUT,
            "/vaults/kv-demo",
            json!({"tenantId": TENANT, "typo": 1}),
        ),
        (Method::PUT, "/vaults/x", json!({"tenantId": TENANT})),
        (Method::PUT, "/vaults/kv-other", json!({})),
        (
            Method::PATCH,
            "/vaults/kv-demo",
            json!({"roleAssignments": [{"principalId": OBJECT, "role": "King"}]}),
        ),
        (
            Method::PATCH,
            "/vaults/kv-demo",
            json!({"secrets": [{"name": "a_b", "value": "x"}]}),
        ),
        (Method::POST, "/faults", json!({"fault": {}})),
        (Method::POST, "/seed", json!({"vault": []})),
        (
            Method::POST,
            "/seed",
            json!({"vaults": [{"name": "kv-good", "tenantId": "t"}, {"name": "kv-bad"}]}),
        ),
        (
            Method::PUT,
            "/tenants/t/applications/a",
            json!({"certificates": [{"pem": "nonsense"}]}),
        ),
    ];
    for (method, path, body) in cases {
        let (status, answer) = split(sim.try_admin(method, path, &body).await).await;
        assert_eq!(status, 400, "{path} {body}: {answer}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    for (method, path) in [
        (Method::GET, "/nothing"),
        (Method::DELETE, "/vaults/none"),
        (Method::DELETE, "/faults/99"),
    ] {
        assert_eq!(
            sim.try_admin(method, path, &Value::Null).await.status(),
            404,
            "{path}"
        );
    }
    assert_eq!(sim.look("/vaults").await, json!({"vaults": ["kv-demo"]}));
}
