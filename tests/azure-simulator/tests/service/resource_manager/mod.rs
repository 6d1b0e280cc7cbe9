//! The resource manager, as a client of its REST interface sees it.

mod data_lake_store;
mod faults;
mod groups;
mod limits;
mod operations;
mod roles;
mod soft_deletion;
mod stack;
mod storage;
mod vault_changes;
mod vaults;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::common::{CLIENT, OBJECT, PATIENCE, Sim, TENANT, split};

pub(crate) const SUBSCRIPTION: &str = "99999999-9999-9999-9999-999999999999";
pub(crate) const HOST: &str = "https://management.sim.test";
/// Versions of what is asked most.
const GROUPS: &str = "2021-04-01";
const VAULTS: &str = "2024-11-01";
const ROLES: &str = "2022-04-01";

/// A simulator, and a client with a token of the resource manager.
pub(crate) struct Arm {
    pub(crate) sim: Sim,
    pub(crate) client: reqwest::Client,
    pub(crate) token: String,
}

impl Arm {
    /// With a subscription, a group `rg` in West Europe, and a role for the application.
    pub(crate) async fn with_role(role: &str) -> Self {
        Self::with(json!({"roleAssignments": [{"principalId": OBJECT, "role": role}]})).await
    }

    pub(crate) async fn owner() -> Self {
        Self::with_role("Owner").await
    }

    pub(crate) async fn with(more: Value) -> Self {
        let sim = Sim::start().await;
        let arm = Self {
            client: sim.client(),
            token: sim.token_for("https://management.sim.test/.default").await,
            sim,
        };
        arm.subscription(more).await;
        arm
    }

    /// Seeds the subscription.
    pub(crate) async fn subscription(&self, more: Value) {
        let mut subscription = json!({
            "id": SUBSCRIPTION, "tenantId": TENANT,
            "resourceGroups": [{"name": "rg", "location": "westeurope"}],
        });
        for (name, value) in more.as_object().unwrap() {
            subscription[name] = value.clone();
        }
        self.sim
            .admin(
                Method::POST,
                "/seed",
                &json!({"subscriptions": [subscription]}),
            )
            .await;
    }

    pub(crate) async fn settings(&self, settings: Value) {
        self.sim.admin(Method::POST, "/settings", &settings).await;
    }

    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        version: &str,
    ) -> reqwest::RequestBuilder {
        let sign = if path.contains('?') { '&' } else { '?' };
        let url = format!("{HOST}{path}{sign}api-version={version}");
        self.client.request(method, url).bearer_auth(&self.token)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        version: &str,
        body: &Value,
    ) -> Response {
        let mut request = self.request(method, path, version);
        if !body.is_null() {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        version: &str,
        body: Value,
    ) -> (u16, Value) {
        split(self.send(method, path, version, &body).await).await
    }

    pub(crate) async fn get(&self, path: &str, version: &str) -> (u16, Value) {
        self.call(Method::GET, path, version, Value::Null).await
    }

    pub(crate) async fn put_vault(&self, name: &str, properties: Value) -> (u16, Value) {
        self.call(Method::PUT, &vault(name), VAULTS, vault_body(properties))
            .await
    }

    pub(crate) async fn get_vault(&self, name: &str) -> (u16, Value) {
        self.get(&vault(name), VAULTS).await
    }

    pub(crate) async fn delete_vault(&self, name: &str) -> u16 {
        self.call(Method::DELETE, &vault(name), VAULTS, Value::Null)
            .await
            .0
    }

    /// A list call of a vault's data plane with the application's own token.
    pub(crate) async fn list_secrets(&self, vault: &str) -> u16 {
        let url = format!("https://{vault}.vault.sim.test/secrets?api-version=7.5");
        let token = self.sim.token().await;
        let answer = self.sim.client().get(url).bearer_auth(token).send().await;
        answer.unwrap().status().as_u16()
    }

    /// Whether a vault has an address.
    pub(crate) fn resolves(&self, vault: &str) -> bool {
        self.has_address(&format!("{vault}.vault.sim.test"))
    }

    /// Whether a host has an address.
    pub(crate) fn has_address(&self, host: &str) -> bool {
        let hosts = crate::common::HostsFile(self.sim.endpoints().hosts_file.clone());
        hosts.find(host).is_some()
    }
}

pub(crate) fn subscription(rest: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}{rest}")
}

pub(crate) fn vault(name: &str) -> String {
    subscription(&format!(
        "/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/{name}"
    ))
}

pub(crate) fn deleted(name: &str) -> String {
    subscription(&format!(
        "/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{name}"
    ))
}

/// A vault that decides by roles, with more properties or others.
#[allow(clippy::needless_pass_by_value, reason = "as `json!` gives it")]
pub(crate) fn vault_body(properties: Value) -> Value {
    let mut all = json!({
        "tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": true,
    });
    for (name, value) in properties.as_object().unwrap() {
        all[name] = value.clone();
    }
    json!({"location": "westeurope", "properties": all})
}

pub(crate) fn code(answer: &(u16, Value)) -> (u16, &str) {
    (
        answer.0,
        answer.1["error"]["code"].as_str().unwrap_or_default(),
    )
}

/// Asks until it is so.
pub(crate) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "it does not come");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_call_needs_a_token_a_version_a_subscription_and_a_role() {
    let arm = Arm::with_role("Key Vault Secrets User").await;
    let path = vault("kv-none");
    let bare = arm
        .client
        .get(format!("{HOST}{path}"))
        .send()
        .await
        .unwrap();
    let challenge = bare.headers()["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        challenge.starts_with("Bearer authorization_uri="),
        "{challenge}"
    );
    assert_eq!(code(&split(bare).await), (401, "AuthenticationFailed"));
    let url = format!("{HOST}{path}");
    let unversioned = arm.client.get(url).bearer_auth(&arm.token);
    let answer = split(unversioned.send().await.unwrap()).await;
    assert_eq!(code(&answer), (400, "MissingApiVersionParameter"));
    let answer = arm.get("/subscriptions/none", GROUPS).await;
    assert_eq!(code(&answer), (404, "SubscriptionNotFound"));
    let answer = arm.get(&path, "2031-01-01").await;
    assert_eq!(code(&answer), (400, "NoRegisteredProviderFound"));
    let answer = arm.get(&subscription(""), "2031-01-01").await;
    assert_eq!(code(&answer), (400, "InvalidApiVersionParameter"));
    let answer = arm.get(&path, VAULTS).await;
    assert_eq!(code(&answer), (403, "AuthorizationFailed"));
    let message = answer.1["error"]["message"].as_str().unwrap();
    for part in [
        CLIENT,
        OBJECT,
        "'Microsoft.KeyVault/vaults/read'",
        path.as_str(),
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn a_token_of_another_tenant_is_told_which_one_is_wanted() {
    let arm = Arm::owner().await;
    let other = "66666666-6666-6666-6666-666666666666";
    let seed = json!({"subscriptions": [{"id": "other", "tenantId": other}]});
    arm.sim.admin(Method::POST, "/seed", &seed).await;
    let answer = arm.get("/subscriptions/other", GROUPS).await;
    assert_eq!(code(&answer), (401, "InvalidAuthenticationTokenTenant"));
    let message = answer.1["error"]["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("https://sts.windows.net/{other}/")),
        "{message}"
    );
}

#[tokio::test]
async fn every_answer_carries_its_ids_and_what_is_left() {
    let arm = Arm::owner().await;
    let request = arm
        .request(Method::GET, &subscription(""), GROUPS)
        .header("x-ms-client-request-id", "mine")
        .header("x-ms-return-client-request-id", "true");
    let answer = request.send().await.unwrap();
    for name in [
        "x-ms-request-id",
        "x-ms-correlation-request-id",
        "x-ms-routing-request-id",
        "x-ms-ratelimit-remaining-subscription-reads",
        "x-ms-ratelimit-remaining-subscription-global-reads",
    ] {
        assert!(answer.headers().contains_key(name), "{name}");
    }
    assert_eq!(answer.headers()["x-ms-client-request-id"], "mine");
    let (_, body) = split(answer).await;
    assert_eq!(
        (&body["state"], &body["tenantId"]),
        (&json!("Enabled"), &json!(TENANT))
    );
}

#[tokio::test]
async fn subscriptions_are_listed_for_whom_has_a_role() {
    let arm = Arm::with_role("Reader").await;
    let (_, list) = arm.get("/subscriptions", "2022-12-01").await;
    let ids: Vec<&str> = list["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["subscriptionId"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&SUBSCRIPTION), "{ids:?}");
    arm.subscription(json!({})).await;
    let (_, list) = arm.get("/subscriptions", "2022-12-01").await;
    assert!(!list.to_string().contains(SUBSCRIPTION), "{list}");
}
