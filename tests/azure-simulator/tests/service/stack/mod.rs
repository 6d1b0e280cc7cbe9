//! Azure Stack Hub: discovery, sign-in by Entra and by the stack's own federation service, and its vaults.

mod discovery;

use jsonwebtoken::Algorithm;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{
        CLIENT, OBJECT, SCOPE, SECRET, Sim, TENANT,
        assertions::{Identity, seconds},
        secret_form, split,
    },
    entra::{ask, changed},
};

/// The directory of the stack that has its own federation service.
const EDGE_TENANT: &str = "66666666-6666-6666-6666-666666666666";
const EDGE_CLIENT: &str = "77777777-7777-7777-7777-777777777777";
const EDGE_OBJECT: &str = "88888888-8888-8888-8888-888888888888";
const LOCAL_VAULT: &str = "https://kv-local.vault.local.azurestack.sim.test";
const EDGE_VAULT: &str = "https://kv-edge.vault.edge.azurestack.sim.test";
const EDGE_ADFS: &str = "https://adfs.edge.azurestack.sim.test/adfs";

/// Two regions: `local` behind Entra, `edge` behind its own federation service.
fn stacks(edge_credentials: &Value) -> Value {
    let mut edge_application = json!({"clientId": EDGE_CLIENT, "objectId": EDGE_OBJECT});
    for (name, value) in edge_credentials.as_object().unwrap() {
        edge_application[name] = value.clone();
    }
    json!({
        "tenants": [{"id": EDGE_TENANT, "applications": [edge_application]}],
        "stacks": [
            {"region": "local", "tenantId": TENANT},
            {"region": "edge", "identityProvider": "ADFS", "tenantId": EDGE_TENANT},
        ],
        "vaults": [
            {"name": "kv-local", "stack": "local", "accessPolicies": [{"objectId": OBJECT, "secrets": ["all"]}]},
            {"name": "kv-edge", "stack": "edge", "accessPolicies": [{"objectId": EDGE_OBJECT, "secrets": ["all"]}]},
        ],
    })
}

async fn start() -> Sim {
    start_with(&json!({"secrets": [{"value": SECRET}]})).await
}

async fn start_with(edge_credentials: &Value) -> Sim {
    let sim = Sim::start().await;
    sim.admin(Method::POST, "/seed", &stacks(edge_credentials))
        .await;
    sim
}

async fn get(sim: &Sim, url: &str) -> (u16, Value) {
    split(sim.client().get(url).send().await.unwrap()).await
}

async fn metadata(sim: &Sim, region: &str, version: &str) -> Value {
    let url = format!(
        "https://management.{region}.azurestack.sim.test/metadata/endpoints?api-version={version}"
    );
    let (status, body) = get(sim, &url).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Audience of a stack's vaults, as a client makes it from the resource manager's.
async fn vault_audience(sim: &Sim, region: &str) -> String {
    let document = metadata(sim, region, "2015-01-01").await;
    let audience = document["authentication"]["audiences"][0].as_str().unwrap();
    audience.replacen("management", "vault", 1)
}

async fn token(sim: &Sim, url: &str, form: &[(&str, String)]) -> String {
    let (status, body) = ask(sim, url, form).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

/// A token by Entra's v1 endpoint.
async fn local_token(sim: &Sim, resource: &str) -> String {
    let form = changed(changed(secret_form(""), "scope", ""), "resource", resource);
    let url = format!("https://login.sim.test/{TENANT}/oauth2/token");
    token(sim, &url, &form).await
}

async fn edge_token(sim: &Sim, resource: &str) -> String {
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", EDGE_CLIENT.to_owned()),
        ("client_secret", SECRET.to_owned()),
        ("resource", resource.to_owned()),
    ];
    token(sim, &format!("{EDGE_ADFS}/oauth2/token"), &form).await
}

async fn call(sim: &Sim, method: Method, url: &str, token: &str, body: &Value) -> (u16, Value) {
    let mut request = sim.client().request(method, url).bearer_auth(token);
    if !body.is_null() {
        request = request.json(body);
    }
    split(request.send().await.unwrap()).await
}

/// The 401 of a call with or without a token.
async fn challenge(sim: &Sim, url: &str, token: Option<&str>) -> String {
    let mut request = sim
        .client()
        .get(format!("{url}/secrets?api-version=2016-10-01"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 401);
    answer.headers()["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_secret_is_set_and_read_behind_entra() {
    let sim = start().await;
    let token = local_token(&sim, &vault_audience(&sim, "local").await).await;
    let url = format!("{LOCAL_VAULT}/secrets/first?api-version=2016-10-01");
    let (status, set) = call(&sim, Method::PUT, &url, &token, &json!({"value": "one"})).await;
    assert_eq!(status, 200, "{set}");
    assert!(
        set["id"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{LOCAL_VAULT}/secrets/first/"))
    );
    let (status, read) = call(&sim, Method::GET, &url, &token, &Value::Null).await;
    assert_eq!((status, &read["value"]), (200, &json!("one")));
}

#[tokio::test]
async fn a_secret_is_set_and_read_behind_the_federation_service() {
    let sim = start().await;
    let token = edge_token(&sim, &vault_audience(&sim, "edge").await).await;
    let url = format!("{EDGE_VAULT}/secrets/first?api-version=2016-10-01");
    let (status, set) = call(&sim, Method::PUT, &url, &token, &json!({"value": "one"})).await;
    assert_eq!(status, 200, "{set}");
    let (status, read) = call(&sim, Method::GET, &url, &token, &Value::Null).await;
    assert_eq!((status, &read["value"]), (200, &json!("one")));
    let counters = sim.look("/counters").await;
    let adfs = &counters["operations"]["adfs.edge.azurestack.sim.test"];
    assert_eq!(adfs["GetToken"]["200"], 1);
}

#[tokio::test]
async fn a_certificate_signs_in_at_the_federation_service() {
    let identity = Identity::new();
    let certificates = json!({"certificates": [{"pem": identity.certificate_pem}]});
    let sim = start_with(&certificates).await;
    let url = format!("{EDGE_ADFS}/oauth2/token");
    let claims = json!({
        "aud": url, "iss": EDGE_CLIENT, "sub": EDGE_CLIENT, "jti": "1",
        "nbf": seconds(0), "exp": seconds(600),
    });
    let header = json!({"alg": "RS256", "typ": "JWT", "x5t": identity.x5t()});
    let assertion = identity.sign(Algorithm::RS256, &header, &claims);
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", EDGE_CLIENT.to_owned()),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
        ),
        ("client_assertion", assertion),
        ("resource", vault_audience(&sim, "edge").await),
    ];
    let token = token(&sim, &url, &form).await;
    let list = format!("{EDGE_VAULT}/secrets?api-version=2016-10-01");
    let (status, _) = call(&sim, Method::GET, &list, &token, &Value::Null).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn challenges_name_the_stacks_own_authority_and_audience() {
    let sim = start().await;
    for (url, region, authority) in [
        (
            LOCAL_VAULT,
            "local",
            format!("https://login.sim.test/{TENANT}"),
        ),
        (EDGE_VAULT, "edge", EDGE_ADFS.to_owned()),
    ] {
        let resource = vault_audience(&sim, region).await;
        assert_eq!(
            challenge(&sim, url, None).await,
            format!("Bearer authorization=\"{authority}\", resource=\"{resource}\"")
        );
    }
}

#[tokio::test]
async fn tokens_of_another_cloud_or_audience_are_refused() {
    let sim = start().await;
    let local = local_token(&sim, &vault_audience(&sim, "local").await).await;
    let edge = edge_token(&sim, &vault_audience(&sim, "edge").await).await;
    let document = metadata(&sim, "local", "2015-01-01").await;
    let management = document["authentication"]["audiences"][0].as_str().unwrap();
    let of_management = local_token(&sim, management).await;
    let of_azure = sim.token_for(SCOPE).await;
    for (vault, wrong) in [
        (LOCAL_VAULT, [&edge, &of_management, &of_azure]),
        (EDGE_VAULT, [&local, &of_management, &of_azure]),
        (
            "https://kv-demo.vault.sim.test",
            [&local, &edge, &of_management],
        ),
    ] {
        for token in wrong {
            challenge(&sim, vault, Some(token)).await;
        }
    }
}

#[tokio::test]
async fn a_stack_knows_one_api_version_of_the_vault() {
    let sim = start().await;
    let token = local_token(&sim, &vault_audience(&sim, "local").await).await;
    for version in ["7.5", "7.0", "2025-07-01"] {
        let url = format!("{LOCAL_VAULT}/secrets?api-version={version}");
        let (status, body) = call(&sim, Method::GET, &url, &token, &Value::Null).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (400, &json!("NoRegisteredProviderFound"))
        );
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.ends_with("The supported api-versions are '2016-10-01'."),
            "{message}"
        );
    }
}

#[tokio::test]
async fn what_is_deleted_on_a_stack_is_gone() {
    let sim = start().await;
    let token = local_token(&sim, &vault_audience(&sim, "local").await).await;
    let url = format!("{LOCAL_VAULT}/secrets/first?api-version=2016-10-01");
    let body = json!({"value": "one"});
    call(&sim, Method::PUT, &url, &token, &body).await;
    let (status, deleted) = call(&sim, Method::DELETE, &url, &token, &Value::Null).await;
    assert_eq!(
        (status, &deleted["attributes"]["recoveryLevel"]),
        (200, &json!("Purgeable"))
    );
    assert!(deleted.get("recoveryId").is_none(), "{deleted}");
    assert_eq!(
        call(&sim, Method::GET, &url, &token, &Value::Null).await.0,
        404
    );
    let (status, _) = call(&sim, Method::PUT, &url, &token, &body).await;
    assert_eq!(status, 200, "the name is free at once");
}

/// The reference of "Get Deleted Secret": an error, if invoked on a vault without soft deletion.
#[tokio::test]
async fn a_stack_has_no_deleted_objects_to_ask_for() {
    let sim = start().await;
    let token = local_token(&sim, &vault_audience(&sim, "local").await).await;
    for (method, path) in [
        (Method::GET, "deletedsecrets"),
        (Method::GET, "deletedsecrets/first"),
        (Method::POST, "deletedsecrets/first/recover"),
        (Method::DELETE, "deletedsecrets/first"),
    ] {
        let url = format!("{LOCAL_VAULT}/{path}?api-version=2016-10-01");
        let (status, body) = call(&sim, method, &url, &token, &Value::Null).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (400, &json!("NotSupported")),
            "{path}: {body}"
        );
    }
}

#[tokio::test]
async fn a_stack_vault_that_cannot_be_is_refused() {
    let sim = start().await;
    let roles = json!([{"principalId": OBJECT, "role": "Key Vault Secrets User"}]);
    for (vault, text) in [
        (json!({"stack": "nowhere", "tenantId": TENANT}), "no stack"),
        (
            json!({"stack": "local", "roleAssignments": roles}),
            "accessPolicies",
        ),
    ] {
        let answer = sim.try_admin(Method::PUT, "/vaults/kv-bad", &vault).await;
        assert_eq!(answer.status(), 400);
        let body = answer.text().await.unwrap();
        assert!(body.contains(text), "{body}");
    }
}

#[tokio::test]
async fn the_applications_of_one_directory_are_not_the_others() {
    let sim = start().await;
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", CLIENT.to_owned()),
        ("client_secret", SECRET.to_owned()),
        ("resource", vault_audience(&sim, "edge").await),
    ];
    let (status, body) = ask(&sim, &format!("{EDGE_ADFS}/oauth2/token"), &form).await;
    assert_eq!(
        (status, &body["error"]),
        (400, &json!("invalid_client")),
        "{body}"
    );
}
