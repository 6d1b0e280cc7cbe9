//! The machine's endpoints for managed identities.

mod app_service;
mod arc;
mod imds;
mod service_fabric;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    common::{OBJECT, Sim, TENANT, split},
    entra::claims_of,
};

const SYSTEM: &str = "aaaaaaaa-0000-0000-0000-000000000001";
const USER: &str = "bbbbbbbb-0000-0000-0000-000000000002";
const USER_OBJECT: &str = "bbbbbbbb-0000-0000-0000-00000000000b";
const USER_RESOURCE: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/user";
const RESOURCE: &str = "https://vault.sim.test";

fn system_identity() -> Value {
    // The object id is one that has a role at the vault of the seed.
    json!({"tenantId": TENANT, "clientId": SYSTEM, "objectId": OBJECT, "resourceId": "/subscriptions/s/vm", "system": true})
}

fn user_identity() -> Value {
    json!({"tenantId": TENANT, "clientId": USER, "objectId": USER_OBJECT, "resourceId": USER_RESOURCE})
}

async fn start(identities: &[Value]) -> Sim {
    let sim = Sim::start().await;
    let seed = json!({"managedIdentities": identities});
    sim.admin(Method::POST, "/seed", &seed).await;
    sim
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// `url` with a query.
fn with_query(url: &str, query: &[(&str, &str)]) -> url::Url {
    url::Url::parse_with_params(url, query).unwrap()
}

async fn ask(request: RequestBuilder) -> (u16, Value) {
    split(request.send().await.unwrap()).await
}

fn client_of(body: &Value) -> String {
    let token = body["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{body}"));
    claims_of(token)["appid"].as_str().unwrap().to_owned()
}
