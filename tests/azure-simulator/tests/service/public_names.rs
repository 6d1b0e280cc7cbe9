//! The public cloud's own names, and the one thing that its resource manager does besides telling where services are.

use azure_simulator::NameSet;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{CLIENT, OBJECT, SECRET, Sim, TENANT, split};

const SUBSCRIPTION: &str = "99999999-9999-9999-9999-999999999999";
const GROUPS: &str = "https://management.azure.com/subscriptions/99999999-9999-9999-9999-999999999999/resourcegroups";

async fn start() -> Sim {
    Sim::with(|options| options.names = NameSet::Public).await
}

/// A subscription with one resource group, which the application may read or not.
async fn subscription(sim: &Sim, roles: Value) {
    let seed = json!({"subscriptions": [{
        "id": SUBSCRIPTION, "tenantId": TENANT, "roleAssignments": roles,
        "resourceGroups": [{"name": "rg-lake", "location": "westeurope"}],
    }]});
    sim.admin(Method::POST, "/seed", &seed).await;
}

async fn token(sim: &Sim, login: &str, resource: &str) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("resource", resource),
    ];
    let url = format!("https://{login}/{TENANT}/oauth2/token");
    let (status, body) = split(sim.client().post(url).form(&form).send().await.unwrap()).await;
    assert_eq!(status, 200, "{resource} at {login}: {body}");
    body["access_token"].as_str().unwrap().to_owned()
}

async fn list(sim: &Sim, token: &str) -> (u16, Value) {
    let request = sim.client().get(format!("{GROUPS}?api-version=2022-09-01"));
    split(request.bearer_auth(token).send().await.unwrap()).await
}

#[tokio::test]
async fn every_name_of_the_sign_in_gives_tokens_for_the_clouds_services() {
    let sim = start().await;
    for login in [
        "login.microsoftonline.com",
        "login.windows.net",
        "login.microsoft.com",
        "sts.windows.net",
    ] {
        for resource in [
            "https://management.core.windows.net/",
            "https://management.azure.com/",
            "https://datalake.azure.net/",
            "https://vault.azure.net",
        ] {
            token(&sim, login, resource).await;
        }
    }
}

#[tokio::test]
async fn a_vault_is_at_its_public_name_and_nowhere_else() {
    let sim = start().await;
    assert_eq!(
        sim.endpoints().authority_host,
        "https://login.microsoftonline.com"
    );
    let token = token(&sim, "login.microsoftonline.com", "https://vault.azure.net").await;
    let url = "https://kv-demo.vault.azure.net/secrets?api-version=7.5";
    let (status, body) = split(
        sim.client()
            .get(url)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((status, &body["value"]), (200, &json!([])));
    let own = "https://kv-demo.vault.sim.test/secrets?api-version=7.5";
    assert!(sim.client().get(own).send().await.is_err());
}

#[tokio::test]
async fn resource_groups_are_listed_for_whom_has_a_role() {
    let sim = start().await;
    subscription(&sim, json!([{"principalId": OBJECT, "role": "Reader"}])).await;
    for resource in [
        "https://management.core.windows.net/",
        "https://management.azure.com",
    ] {
        let token = token(&sim, "login.microsoftonline.com", resource).await;
        let (status, body) = list(&sim, &token).await;
        assert_eq!(status, 200, "{body}");
        let group = &body["value"][0];
        assert_eq!(
            (&group["name"], &group["location"]),
            (&json!("rg-lake"), &json!("westeurope"))
        );
    }
    let journal = sim.look("/journal?operation=ListResourceGroups").await;
    assert_eq!(journal["entries"][0]["principal"]["objectId"], OBJECT);
}

#[tokio::test]
async fn resource_groups_are_refused_as_azure_refuses_them() {
    let sim = start().await;
    subscription(&sim, json!([])).await;
    let management = token(
        &sim,
        "login.microsoftonline.com",
        "https://management.azure.com/",
    )
    .await;
    let (status, body) = list(&sim, &management).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (403, &json!("AuthorizationFailed"))
    );
    let vault = token(&sim, "login.microsoftonline.com", "https://vault.azure.net").await;
    let (status, body) = list(&sim, &vault).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("InvalidAuthenticationTokenAudience"))
    );
    let (status, body) = list(&sim, "x").await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("InvalidAuthenticationToken"))
    );
}
