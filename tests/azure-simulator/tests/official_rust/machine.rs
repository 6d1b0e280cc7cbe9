//! Managed identities: virtual machines and App Service, which are the hosts that `azure_identity` knows.

use std::{env, process::Command, sync::Arc};

use azure_core::{
    credentials::TokenCredential as _,
    http::{AsyncRawResponse, ClientOptions, HttpClient, Request, RetryOptions, Transport, Url},
};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{OBJECT, SCOPE, Sim, TENANT};

const SYSTEM: &str = "aaaaaaaa-0000-0000-0000-000000000001";
const USER: &str = "bbbbbbbb-0000-0000-0000-000000000002";
const USER_OBJECT: &str = "bbbbbbbb-0000-0000-0000-00000000000b";
const USER_RESOURCE: &str = "/subscriptions/99999999-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/user";
/// Tells a child of this program that it is one.
const CHILD: &str = "OFFICIAL_RUST_CHILD";

async fn machine() -> Sim {
    let sim = Sim::start().await;
    let identities = json!([
        {"tenantId": TENANT, "clientId": SYSTEM, "objectId": OBJECT, "resourceId": "/subscriptions/s/vm", "system": true},
        {"tenantId": TENANT, "clientId": USER, "objectId": USER_OBJECT, "resourceId": USER_RESOURCE},
    ]);
    let seed = json!({"managedIdentities": identities});
    sim.admin(Method::POST, "/seed", &seed).await;
    sim
}

/// The client insists on the address of Azure's metadata service: this goes to another one in its place.
#[derive(Debug)]
struct InPlaceOf169 {
    client: Arc<dyn HttpClient>,
    metadata_service: Url,
}

#[async_trait::async_trait]
impl HttpClient for InPlaceOf169 {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut request = request.clone();
        assert_eq!(request.url().host_str(), Some("169.254.169.254"));
        let there = &self.metadata_service;
        request.url_mut().set_host(there.host_str()).unwrap();
        request.url_mut().set_port(there.port()).unwrap();
        self.client.execute_request(&request).await
    }
}

/// The client id in a token that a machine gives.
async fn given(
    client: Arc<dyn HttpClient>,
    id: Option<UserAssignedId>,
) -> azure_core::Result<String> {
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: id,
        client_options: ClientOptions {
            transport: Some(Transport::new(client)),
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        },
    };
    let token = ManagedIdentityCredential::new(Some(options))?
        .get_token(&[SCOPE], None)
        .await?;
    let payload = token.token.secret().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    Ok(claims["appid"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_virtual_machine_gives_tokens_of_its_identities() {
    let sim = machine().await;
    for (id, expected) in [
        (None, SYSTEM),
        (Some(UserAssignedId::ClientId(USER.to_owned())), USER),
        (Some(UserAssignedId::ObjectId(USER_OBJECT.to_owned())), USER),
        (
            Some(UserAssignedId::ResourceId(USER_RESOURCE.to_owned())),
            USER,
        ),
    ] {
        let client = InPlaceOf169 {
            client: Arc::new(sim.client()),
            metadata_service: sim.endpoints().managed_identity.imds.parse().unwrap(),
        };
        let found = given(Arc::new(client), id.clone()).await;
        assert_eq!(found.unwrap(), expected, "{id:?}");
    }
}

#[tokio::test]
async fn an_identity_that_a_virtual_machine_has_not_is_told() {
    let sim = machine().await;
    let client = InPlaceOf169 {
        client: Arc::new(sim.client()),
        metadata_service: sim.endpoints().managed_identity.imds.parse().unwrap(),
    };
    let id = UserAssignedId::ClientId("99999999-9999-9999-9999-999999999999".to_owned());
    let error = given(Arc::new(client), Some(id)).await.unwrap_err();
    assert!(
        format!("{error:?}").contains("has not been assigned"),
        "{error:?}"
    );
}

/// The client reads its environment, which only a process of its own can have.
#[tokio::test]
async fn an_app_service_gives_tokens_of_its_identities() {
    if env::var_os(CHILD).is_some() {
        return in_app_service().await;
    }
    let sim = machine().await;
    let at = &sim.endpoints().managed_identity;
    let mut child = Command::new(env::current_exe().unwrap());
    child
        .args([
            "--exact",
            "machine::an_app_service_gives_tokens_of_its_identities",
        ])
        .env(CHILD, "1")
        .env("IDENTITY_ENDPOINT", &at.app_service)
        .env("IDENTITY_HEADER", &at.header);
    let ended = tokio::task::spawn_blocking(move || child.output().unwrap());
    let ended = ended.await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

async fn in_app_service() {
    for (id, expected) in [
        (None, SYSTEM),
        (Some(UserAssignedId::ClientId(USER.to_owned())), USER),
        (Some(UserAssignedId::ObjectId(USER_OBJECT.to_owned())), USER),
    ] {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let found = given(Arc::new(client), id.clone()).await;
        assert_eq!(found.unwrap(), expected, "{id:?}");
    }
}
