//! Who may call a vault, and what comes with every answer.

use reqwest::Method;
use serde_json::json;

use crate::common::{CLIENT, OBJECT, Sim, TENANT, VAULT_URL, codes, split};

#[tokio::test]
async fn a_call_without_token_is_challenged() {
    let sim = Sim::start().await;
    let answer = sim
        .client()
        .get(format!("{VAULT_URL}/secrets/a?api-version=7.5"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(
        answer.headers()["www-authenticate"],
        format!(
            "Bearer authorization=\"https://login.sim.test/{TENANT}\", resource=\"https://vault.sim.test\""
        )
    );
    let (_, body) = split(answer).await;
    assert_eq!(
        body,
        json!({"error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}})
    );
}

#[tokio::test]
async fn a_token_for_something_else_is_refused() {
    let sim = Sim::start().await;
    let mut caller = sim.caller().await;
    caller.token = sim.token_for("https://management.sim.test/.default").await;
    let (status, body) = caller.get("/secrets/a").await;
    assert_eq!((status, codes(&body).0), (401, "Unauthorized"));
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("AKV10022: Invalid audience."),
        "{body}"
    );
}

#[tokio::test]
async fn a_token_of_another_tenant_is_refused() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"tenantId": "99999999-1111-1111-1111-111111111111"}),
    )
    .await;
    let (status, body) = caller.get("/secrets/a").await;
    assert_eq!(status, 401);
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("AKV10032: Invalid issuer."),
        "{body}"
    );
}

#[tokio::test]
async fn a_token_ends_with_its_time() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    sim.admin(Method::POST, "/clock", &json!({"skewSeconds": 3601}))
        .await;
    let (status, body) = caller.get("/secrets/a").await;
    assert_eq!(status, 401);
    assert_eq!(
        body["error"]["message"],
        "[TokenExpired] Error validating token: 'S2S12086'."
    );
}

#[tokio::test]
async fn a_forged_token_is_refused() {
    let sim = Sim::start().await;
    let mut caller = sim.caller().await;
    let (message, signature) = caller.token.rsplit_once('.').unwrap();
    caller.token = format!("{message}.{}", signature.chars().rev().collect::<String>());
    let (status, body) = caller.get("/secrets/a").await;
    assert_eq!(status, 401);
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("AKV10046"),
        "{body}"
    );
}

#[tokio::test]
async fn an_api_version_is_needed_and_checked() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    for query in ["", "?api-version=", "?api-version=1999-01-01"] {
        let url = format!("{VAULT_URL}/secrets{query}");
        let (status, body) = split(
            caller
                .client
                .get(url)
                .bearer_auth(&caller.token)
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!((status, codes(&body).0), (400, "BadParameter"), "{query}");
    }
    for version in ["2016-10-01", "7.0", "7.6", "2025-07-01", "2026-04-01"] {
        let url = format!("{VAULT_URL}/secrets?api-version={version}");
        let answer = caller
            .client
            .get(url)
            .bearer_auth(&caller.token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{version}");
    }
}

#[tokio::test]
async fn without_a_role_the_refusal_names_action_and_resource() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let roles = json!({"roleAssignments": [{"principalId": OBJECT, "role": "Key Vault Reader"}]});
    sim.admin(Method::PATCH, "/vaults/kv-demo", &roles).await;
    assert_eq!(caller.get("/secrets").await.0, 200);
    let (status, body) = caller.get("/secrets/a").await;
    assert_eq!(
        (status, codes(&body)),
        (403, ("Forbidden", Some("ForbiddenByRbac")))
    );
    let message = body["error"]["message"].as_str().unwrap();
    for part in [
        format!("Caller: appid={CLIENT};oid={OBJECT};iss=https://sts.windows.net/{TENANT}/"),
        "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'".to_owned(),
        "/providers/microsoft.keyvault/vaults/kv-demo/secrets/a'".to_owned(),
        "Vault: kv-demo;location=westeurope".to_owned(),
    ] {
        assert!(message.contains(&part), "{message}");
    }
}

#[tokio::test]
async fn a_scoped_role_opens_one_secret() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller.set("one", json!({"value": "1"})).await;
    caller.set("two", json!({"value": "2"})).await;
    let scoped =
        json!({"principalId": OBJECT, "role": "Key Vault Secrets User", "scope": "/secrets/one"});
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"roleAssignments": [scoped]}),
    )
    .await;
    let answer = caller
        .request(Method::GET, "/secrets/one")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        answer
            .headers()
            .contains_key("x-ms-keyvault-rbac-assignment-id")
    );
    assert_eq!(caller.get("/secrets/two").await.0, 403);
    assert_eq!(caller.get("/secrets").await.0, 403);
}

#[tokio::test]
async fn access_policies_decide_where_they_are_in_force() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    let policies = json!([{"objectId": OBJECT, "secrets": ["list", "set"]}]);
    let change = json!({"authorization": "AccessPolicies", "accessPolicies": policies});
    sim.admin(Method::PATCH, "/vaults/kv-demo", &change).await;
    assert_eq!(caller.set("a", json!({"value": "x"})).await.0, 200);
    let (status, body) = caller.get("/secrets/a").await;
    assert_eq!(
        (status, codes(&body)),
        (403, ("Forbidden", Some("AccessDenied")))
    );
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains(
            "does not have secrets get permission on key vault 'kv-demo;location=westeurope'"
        ),
        "{message}"
    );
}

#[tokio::test]
async fn a_closed_network_is_named() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"firewall": {"defaultAction": "Deny"}}),
    )
    .await;
    let (status, body) = caller.get("/secrets").await;
    assert_eq!(
        (status, codes(&body)),
        (403, ("Forbidden", Some("ForbiddenByFirewall")))
    );
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"publicNetworkAccess": "Disabled"}),
    )
    .await;
    let (status, body) = caller.get("/secrets").await;
    assert_eq!(
        (status, codes(&body)),
        (403, ("Forbidden", Some("ForbiddenByConnection")))
    );
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"publicNetworkAccess": null, "firewall": null}),
    )
    .await;
    assert_eq!(caller.get("/secrets").await.0, 200);
}

#[tokio::test]
async fn azures_headers_come_with_everything() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    for path in ["/secrets", "/secrets/none"] {
        let request = caller
            .request(Method::GET, path)
            .header("x-ms-client-request-id", "mine");
        let answer = request.send().await.unwrap();
        let headers = answer.headers();
        assert_eq!(headers["x-ms-client-request-id"], "mine");
        assert_eq!(headers["x-ms-keyvault-region"], "westeurope");
        assert_eq!(headers["cache-control"], "no-cache");
        assert_eq!(headers["content-type"], "application/json; charset=utf-8");
        for name in [
            "x-ms-request-id",
            "x-ms-keyvault-service-version",
            "x-ms-keyvault-network-info",
            "strict-transport-security",
        ] {
            assert!(headers.contains_key(name), "{path}: {name}");
        }
    }
}
