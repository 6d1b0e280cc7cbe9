//! The official Rust clients (`azure_identity`, `azure_security_keyvault_secrets`) against the simulator, over TLS and
//! by name, with challenge verification on: what they accept is the real protocol, or near enough for their makers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod blobs;
#[path = "../common/mod.rs"]
mod common;
mod machine;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use azure_core::{
    cloud::CustomConfiguration,
    credentials::TokenCredential,
    error::{ErrorKind, ErrorResponse},
    http::{ClientMethodOptions, ClientOptions, RetryOptions, Transport},
};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use azure_security_keyvault_secrets::{
    ResourceExt as _, SecretClient, SecretClientOptions,
    models::{
        SecretAttributes, SecretClientGetSecretOptions, SecretClientUpdateSecretPropertiesOptions,
        SetSecretParameters, UpdateSecretPropertiesParameters,
    },
};
use common::{
    CLIENT, LOGIN_URL, OBJECT, PATIENCE, SCOPE, SECRET, Sim, TENANT, VAULT_URL,
    assertions::{Identity, seconds},
    issuer::{Issuer, trusting},
    token_url,
};
use futures::TryStreamExt as _;
use jsonwebtoken::Algorithm;
use reqwest::Method;
use serde_json::json;

/// Options by which a client reaches the simulator: its resolver, its CA, its authority. No retries: a wrong answer
/// shall show at once.
fn client_options(sim: &Sim) -> ClientOptions {
    let mut cloud = CustomConfiguration::default();
    LOGIN_URL.clone_into(&mut cloud.authority_host);
    ClientOptions {
        transport: Some(Transport::new(Arc::new(sim.client()))),
        retry: RetryOptions::none(),
        cloud: Some(Arc::new(cloud.into())),
        ..ClientOptions::default()
    }
}

fn secret_credential(sim: &Sim, secret: &str) -> Arc<ClientSecretCredential> {
    let options = ClientSecretCredentialOptions {
        client_options: client_options(sim),
    };
    ClientSecretCredential::new(
        TENANT,
        CLIENT.to_owned(),
        secret.to_owned().into(),
        Some(options),
    )
    .unwrap()
}

fn secret_client(sim: &Sim, credential: Arc<dyn TokenCredential>) -> SecretClient {
    let options = SecretClientOptions {
        client_options: client_options(sim),
        ..SecretClientOptions::default()
    };
    SecretClient::new(VAULT_URL, credential, Some(options)).unwrap()
}

async fn started() -> (Sim, SecretClient) {
    let sim = Sim::start().await;
    let client = secret_client(&sim, secret_credential(&sim, SECRET));
    (sim, client)
}

async fn set(
    client: &SecretClient,
    name: &str,
    value: &str,
) -> azure_security_keyvault_secrets::models::Secret {
    let parameters = SetSecretParameters {
        value: Some(value.to_owned()),
        ..SetSecretParameters::default()
    };
    client
        .set_secret(name, parameters.try_into().unwrap(), None)
        .await
        .unwrap()
        .into_model()
        .unwrap()
}

/// Status and code of a refused call. The code is read from the whole response: the client's own `error_code` is the
/// bare status when a message holds an escape, as Key Vault's role refusals do (`azure_core` 1.1 borrows the text).
#[track_caller]
fn refusal<T: std::fmt::Debug>(result: azure_core::Result<T>) -> (u16, String) {
    let error = result.unwrap_err();
    let ErrorKind::HttpResponse { status, .. } = error.kind() else {
        panic!("{error:?}")
    };
    let status = u16::from(*status);
    let details = ErrorResponse::try_from(error).unwrap().error.unwrap();
    (status, details.code.unwrap())
}

#[tokio::test]
async fn secrets_are_set_read_updated_and_their_versions_listed() {
    let (_sim, client) = started().await;
    let first = set(&client, "name", "one").await.resource_id().unwrap();
    let second = set(&client, "name", "two").await.resource_id().unwrap();
    let latest = client
        .get_secret("name", None)
        .await
        .unwrap()
        .into_model()
        .unwrap();
    assert_eq!(latest.value.as_deref(), Some("two"));
    assert_eq!(latest.resource_id().unwrap(), second);
    let options = SecretClientGetSecretOptions {
        secret_version: first.version.clone(),
        ..Default::default()
    };
    let old = client
        .get_secret("name", Some(options))
        .await
        .unwrap()
        .into_model()
        .unwrap();
    assert_eq!(old.value.as_deref(), Some("one"));

    let parameters = UpdateSecretPropertiesParameters {
        content_type: Some("text/plain".to_owned()),
        secret_attributes: Some(SecretAttributes {
            enabled: Some(false),
            ..SecretAttributes::default()
        }),
        tags: Some([("k".to_owned(), "v".to_owned())].into()),
    };
    let options = SecretClientUpdateSecretPropertiesOptions {
        secret_version: second.version.clone(),
        ..Default::default()
    };
    let updated = client
        .update_secret_properties("name", parameters.try_into().unwrap(), Some(options))
        .await
        .unwrap();
    let updated = updated.into_model().unwrap();
    assert_eq!(updated.content_type.as_deref(), Some("text/plain"));
    assert_eq!(updated.attributes.unwrap().enabled, Some(false));
    assert_eq!(updated.tags.unwrap()["k"], "v");
    assert_eq!(
        refusal(client.get_secret("name", None).await),
        (403, "Forbidden".to_owned())
    );

    let versions: Vec<_> = client
        .list_secret_properties_versions("name", None)
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let listed: BTreeSet<_> = versions
        .iter()
        .map(|version| version.resource_id().unwrap().version)
        .collect();
    assert_eq!(listed, BTreeSet::from([first.version, second.version]));
}

#[tokio::test]
async fn a_list_goes_over_its_pages() {
    let (sim, client) = started().await;
    let secrets: Vec<_> = (0..60)
        .map(|n| json!({"name": format!("s{n:02}"), "value": "x"}))
        .collect();
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"secrets": secrets}),
    )
    .await;
    let rows: Vec<_> = client
        .list_secret_properties(None)
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let names: BTreeSet<_> = rows
        .iter()
        .map(|row| row.resource_id().unwrap().name)
        .collect();
    assert_eq!((rows.len(), names.len()), (60, 60));
    let counters = sim.look("/counters").await;
    assert_eq!(
        counters["operations"]["kv-demo"]["ListSecrets"],
        json!({"200": 3, "401": 1}),
        "one challenge, three pages"
    );
}

#[tokio::test]
async fn a_secret_is_deleted_recovered_and_purged() {
    let (sim, client) = started().await;
    sim.admin(Method::POST, "/settings", &json!({"deletionDelayMs": 150}))
        .await;
    set(&client, "name", "value").await;
    let deleted = client
        .delete_secret("name", None)
        .await
        .unwrap()
        .into_model()
        .unwrap();
    assert!(
        deleted
            .recovery_id
            .unwrap()
            .ends_with("/deletedsecrets/name")
    );
    assert_eq!(
        refusal(client.get_deleted_secret("name", None).await),
        (404, "SecretNotFound".to_owned())
    );
    until(async || client.get_deleted_secret("name", None).await.is_ok()).await;
    let listed: Vec<_> = client
        .list_deleted_secret_properties(None)
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    client.recover_deleted_secret("name", None).await.unwrap();
    until(async || client.get_secret("name", None).await.is_ok()).await;
    client.delete_secret("name", None).await.unwrap();
    until(async || client.get_deleted_secret("name", None).await.is_ok()).await;
    client.purge_deleted_secret("name", None).await.unwrap();
    assert_eq!(
        refusal(client.get_deleted_secret("name", None).await),
        (404, "SecretNotFound".to_owned())
    );
}

/// Asks until it is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "it never came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_has_its_code() {
    let (sim, client) = started().await;
    assert_eq!(
        refusal(client.get_secret("none", None).await),
        (404, "SecretNotFound".to_owned())
    );
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"roleAssignments": []}),
    )
    .await;
    assert_eq!(
        refusal(client.get_secret("none", None).await),
        (403, "Forbidden".to_owned())
    );
}

#[tokio::test]
async fn a_backup_is_restored() {
    let (_sim, client) = started().await;
    set(&client, "name", "value").await;
    let backup = client
        .backup_secret("name", None)
        .await
        .unwrap()
        .into_model()
        .unwrap()
        .value
        .unwrap();
    client.delete_secret("name", None).await.unwrap();
    client.purge_deleted_secret("name", None).await.unwrap();
    let parameters = azure_security_keyvault_secrets::models::RestoreSecretParameters {
        secret_backup: Some(backup),
    };
    client
        .restore_secret(parameters.try_into().unwrap(), None)
        .await
        .unwrap();
    let restored = client
        .get_secret("name", None)
        .await
        .unwrap()
        .into_model()
        .unwrap();
    assert_eq!(restored.value.as_deref(), Some("value"));
}

#[tokio::test]
async fn a_wrong_secret_is_told_with_its_aadsts_code() {
    let sim = Sim::start().await;
    let error = secret_credential(&sim, "wrong")
        .get_token(&[SCOPE], None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("AADSTS7000215"), "{error}");
}

/// Signs an assertion as a certificate credential does.
#[derive(Debug)]
struct ByCertificate(Identity);

#[async_trait::async_trait]
impl ClientAssertion for ByCertificate {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.0.x5t_s256()});
        let claims = json!({"aud": token_url(), "iss": CLIENT, "sub": CLIENT, "nbf": seconds(0), "exp": seconds(600)});
        Ok(self.0.sign(Algorithm::PS256, &header, &claims))
    }
}

#[tokio::test]
async fn a_client_assertion_signs_in() {
    let sim = Sim::start().await;
    let identity = Identity::new();
    let spec = json!({"objectId": OBJECT, "certificates": [{"pem": identity.certificate_pem}]});
    sim.admin(
        Method::PUT,
        &format!("/tenants/{TENANT}/applications/{CLIENT}"),
        &spec,
    )
    .await;
    let options = ClientAssertionCredentialOptions {
        client_options: client_options(&sim),
    };
    let credential = ClientAssertionCredential::new(
        TENANT.to_owned(),
        CLIENT.to_owned(),
        ByCertificate(identity),
        Some(options),
    );
    let client = secret_client(&sim, credential.unwrap());
    set(&client, "name", "value").await;
}

#[tokio::test]
async fn a_workload_identity_signs_in_with_its_token_file() {
    let issuer = Issuer::start().await;
    let sim = trusting(&issuer, true).await;
    let file = sim.dir.path().join("token");
    std::fs::write(&file, issuer.token(&issuer.claims())).unwrap();
    let credential = WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
        credential_options: ClientAssertionCredentialOptions {
            client_options: client_options(&sim),
        },
        client_id: Some(CLIENT.to_owned()),
        tenant_id: Some(TENANT.to_owned()),
        token_file_path: Some(file),
    }));
    let client = secret_client(&sim, credential.unwrap());
    set(&client, "name", "value").await;
}
