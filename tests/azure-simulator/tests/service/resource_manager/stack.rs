//! The resource manager of Azure Stack Hub regions.

use super::*;
use crate::{
    common::{SECRET, secret_form},
    entra::{ask, changed},
};

const ON_STACK: &str = "aaaaaaaa-9999-9999-9999-999999999999";
const STACK_HOST: &str = "https://management.local.azurestack.sim.test";

/// A region, with ADFS or not, and a token of its resource manager.
async fn region(provider: &str) -> (Sim, String) {
    let sim = Sim::start().await;
    sim.admin(
        Method::POST,
        "/seed",
        &json!({
            "stacks": [{"region": "local", "identityProvider": provider, "tenantId": TENANT}],
            "subscriptions": [{"id": ON_STACK, "tenantId": TENANT, "stack": "local",
                               "roleAssignments": [{"principalId": OBJECT, "role": "Owner"}]}],
        }),
    )
    .await;
    let url = format!("{STACK_HOST}/metadata/endpoints?api-version=2015-01-01");
    let (_, document) = split(sim.client().get(url).send().await.unwrap()).await;
    let audience = document["authentication"]["audiences"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let login = if provider == "ADFS" {
        "https://adfs.local.azurestack.sim.test/adfs/oauth2/token".to_owned()
    } else {
        format!("https://login.sim.test/{TENANT}/oauth2/token")
    };
    let form = changed(changed(secret_form(""), "scope", ""), "resource", &audience);
    assert!(form.iter().any(|(_, value)| value == SECRET));
    let (status, body) = ask(&sim, &login, &form).await;
    assert_eq!(status, 200, "{body}");
    let token = body["access_token"].as_str().unwrap().to_owned();
    (sim, token)
}

async fn call(
    sim: &Sim,
    token: &str,
    method: Method,
    path: &str,
    version: &str,
    body: &Value,
) -> (u16, Value) {
    let url = format!("{STACK_HOST}{path}?api-version={version}");
    let mut request = sim.client().request(method, url).bearer_auth(token);
    if !body.is_null() {
        request = request.json(body);
    }
    split(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_vault_lives_its_life_with_what_a_stack_has() {
    for provider in ["AAD", "ADFS"] {
        let (sim, token) = region(provider).await;
        let group = format!("/subscriptions/{ON_STACK}/resourceGroups/rg");
        let at = json!({"location": "local"});
        let (status, body) = call(&sim, &token, Method::PUT, &group, "2018-02-01", &at).await;
        assert_eq!(status, 201, "{provider}: {body}");
        let vault = format!("{group}/providers/Microsoft.KeyVault/vaults/kv-stack");
        let policy =
            json!({"tenantId": TENANT, "objectId": OBJECT, "permissions": {"secrets": ["all"]}});
        let body = json!({"location": "local", "properties": {"tenantId": TENANT, "accessPolicies": [policy],
                          "sku": {"family": "A", "name": "standard"}}});
        let (status, body) = call(&sim, &token, Method::PUT, &vault, "2016-10-01", &body).await;
        assert_eq!(status, 200, "{body}");
        let uri = "https://kv-stack.vault.local.azurestack.sim.test";
        assert_eq!(body["properties"]["vaultUri"], uri);
        assert_eq!(body["properties"].get("enableSoftDelete"), None);
        let answer = call(
            &sim,
            &token,
            Method::GET,
            &vault,
            "2023-07-01",
            &Value::Null,
        )
        .await;
        assert_eq!(code(&answer), (400, "NoRegisteredProviderFound"));
        let hosts = crate::common::HostsFile(sim.endpoints().hosts_file.clone());
        assert!(
            hosts
                .find("kv-stack.vault.local.azurestack.sim.test")
                .is_some()
        );
        let (status, _) = call(
            &sim,
            &token,
            Method::DELETE,
            &vault,
            "2016-10-01",
            &Value::Null,
        )
        .await;
        assert_eq!(status, 200);
        assert_eq!(sim.look("/deletedvaults").await["deletedVaults"], json!([]));
        let list = format!(
            "/subscriptions/{ON_STACK}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults"
        );
        let (_, list) = call(&sim, &token, Method::GET, &list, "2016-10-01", &Value::Null).await;
        assert_eq!(list["value"], json!([]));
    }
}

#[tokio::test]
async fn a_subscription_is_of_one_cloud() {
    let (sim, token) = region("AAD").await;
    let path = format!("/subscriptions/{ON_STACK}");
    assert_eq!(
        call(&sim, &token, Method::GET, &path, "2016-06-01", &Value::Null)
            .await
            .0,
        200
    );
    let other = sim.token_for("https://management.sim.test/.default").await;
    let url = format!("{HOST}{path}?api-version=2016-06-01");
    let answer = split(
        sim.client()
            .get(url)
            .bearer_auth(&other)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(code(&answer), (404, "SubscriptionNotFound"));
    let answer = call(&sim, &other, Method::GET, &path, "2016-06-01", &Value::Null).await;
    assert_eq!(code(&answer), (401, "InvalidAuthenticationTokenAudience"));
}
