//! Faults of identities: each has its reason and its mend, keeps what was synced, and is over at once when it is mended where
//! the operator can see it.

use anyhow::{Context, Result, ensure};
use jiff::SignedDuration;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use testbed::{Fault, until};

use crate::kit::{GRANTED, Kit, SOON, teaches};
use crate::lane::{Lane, OTHER, client_secret, unknown_to_entra, workload_identity};
use crate::scene::{ended, neighbour};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        wrong_client_secret,
        credential_repaired_while_entra_thinks,
        expired_client_secret,
        wrong_tenant,
        tenant_by_its_domain_name,
        unknown_application,
        workload_identity_works,
        federated_subject_not_registered,
        service_account_absent,
        stolen_client_id,
        credential_absent,
        identity_absent,
        identity_deleted,
        identity_being_deleted,
        identity_of_another_namespace,
        token_endpoint_down,
        token_endpoint_throttled,
        token_that_cannot_be_renewed,
    ]
}

async fn wrong_client_secret(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let good = lane.kit.client_secret.clone();
    lane.kit.make_credential("sp", &unknown_to_entra()).await?;
    let message = lane.identity_says("False", "InvalidClientSecret").await?;
    let client = lane.kit.client_id.clone();
    let words = ["az ad app credential reset", &client, "AADSTS7000215"];
    teaches(&message, &words)?;
    lane.kit.look("app").await?;
    lane.fails("InvalidClientSecret", &words).await?;
    lane.kit.make_credential("sp", &good).await?;
    lane.works_at_once().await?;
    lane.identity_says("True", "TokenAcquired").await.map(drop)
}

/// The news of the repair comes while the refusal of the old credential is still on its way.
async fn credential_repaired_while_entra_thinks(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    lane.kit.make_credential("sp", &unknown_to_entra()).await?;
    let slow = lane.fault(Fault::LatencyMs(2000)).await?;
    lane.kit
        .apply(lane.identity("main", client_secret("sp")))
        .await?;
    lane.kit.apply(lane.app()).await?;
    lane.kit
        .make_credential("sp", &lane.kit.client_secret)
        .await?;
    lane.kit.admin().remove_fault(&slow).await?;
    lane.works_at_once().await
}

async fn expired_client_secret(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let old = json!({"value": lane.kit.client_secret, "expires": "2020-01-01T00:00:00Z"});
    let other = json!({"value": OTHER});
    lane.application(json!({"secrets": [old, other]})).await?;
    lane.touch_credential().await?;
    lane.identity_says("False", "ClientSecretExpired").await?;
    lane.kit.look("app").await?;
    let words = ["az ad app credential reset", "AADSTS7000222", "new secret"];
    lane.fails("ClientSecretExpired", &words).await?;
    let new = format!("{}-renewed", lane.kit.client_secret);
    lane.application(json!({"secrets": [old, other, {"value": new}]}))
        .await?;
    lane.kit.make_credential("sp", &new).await?;
    lane.works_at_once().await
}

async fn wrong_tenant(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let (right, wrong) = (lane.tenant.clone(), uuid::Uuid::new_v4().to_string());
    lane.patch_identity(json!({"spec": {"tenantId": wrong}}))
        .await?;
    let words = ["spec.tenantId", &wrong, "AADSTS90002", "spec.cloud"];
    lane.fails("TenantNotFound", &words).await?;
    lane.patch_identity(json!({"spec": {"tenantId": right}}))
        .await?;
    lane.works_at_once().await
}

async fn tenant_by_its_domain_name(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let domain = format!("{}.example", lane.kit.namespace);
    lane.rotate().await?;
    lane.patch_identity(json!({"spec": {"tenantId": domain}}))
        .await?;
    lane.works_at_once().await?;
    lane.identity_says("True", "TokenAcquired").await.map(drop)
}

async fn unknown_application(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let (right, wrong) = (lane.kit.client_id.clone(), uuid::Uuid::new_v4().to_string());
    lane.patch_identity(json!({"spec": {"clientId": wrong}}))
        .await?;
    let words = ["spec.clientId", &wrong, "AADSTS700016"];
    lane.fails("ApplicationNotFound", &words).await?;
    lane.patch_identity(json!({"spec": {"clientId": right}}))
        .await?;
    lane.works_at_once().await
}

pub async fn make_service_account(kit: &Kit, name: &str) -> Result<()> {
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": kit.namespace}
    });
    kit.apply(account).await
}

fn subject(kit: &Kit) -> String {
    format!("system:serviceaccount:{}:app", kit.namespace)
}

/// Registers the service account with the application, and leaves the other identity's secret as it is.
pub async fn register(lane: &Lane) -> Result<()> {
    let federated = json!({
        "name": "k8s", "issuer": lane.kit.world.control_plane.issuer(), "subject": subject(&lane.kit),
        "audience": "api://AzureADTokenExchange"
    });
    let other = json!({"value": OTHER});
    lane.application(json!({"secrets": [other], "federatedCredentials": [federated]}))
        .await
}

async fn workload_identity_works(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    make_service_account(&lane.kit, GRANTED).await?;
    register(&lane).await?;
    lane.start(workload_identity()).await?;
    lane.identity_says("True", "TokenAcquired").await?;
    let status = lane.identities().get("main").await?.status;
    let credential = status.and_then(|status| status.credential);
    ensure!(
        credential.as_deref() == Some("workloadIdentity"),
        "{credential:?}"
    );
    Ok(())
}

async fn federated_subject_not_registered(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    make_service_account(&lane.kit, GRANTED).await?;
    register(&lane).await?;
    lane.start(workload_identity()).await?;
    // An identity that is made anew has no token yet.
    lane.application(json!({"secrets": [{"value": OTHER}]}))
        .await?;
    lane.identities()
        .delete("main", &DeleteParams::default())
        .await?;
    lane.kit
        .apply(lane.identity("main", workload_identity()))
        .await?;
    let issuer = lane.kit.world.control_plane.issuer().to_owned();
    let (subject, client) = (subject(&lane.kit), lane.kit.client_id.clone());
    let command = format!("az ad app federated-credential create --id {client}");
    let words = [&issuer, &subject, "api://AzureADTokenExchange", &command];
    lane.fails("FederationMismatch", &words).await?;
    register(&lane).await?;
    lane.works_after_a_look().await
}

async fn service_account_absent(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    register(&lane).await?;
    lane.kit
        .apply(lane.identity("main", workload_identity()))
        .await?;
    lane.kit.apply(lane.app()).await?;
    let command = format!(
        "kubectl -n {} create serviceaccount app",
        lane.kit.namespace
    );
    lane.fails("ServiceAccountNotFound", &[&command]).await?;
    make_service_account(&lane.kit, GRANTED).await?;
    lane.works_after_a_look().await
}

/// Namespace B names A's application: its service accounts are not A's, so Entra refuses.
async fn stolen_client_id(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    make_service_account(&lane.kit, GRANTED).await?;
    register(&lane).await?;
    lane.start(workload_identity()).await?;
    let mut thief = neighbour(&lane.kit).await?;
    make_service_account(&thief, GRANTED).await?;
    thief.client_id.clone_from(&lane.kit.client_id);
    thief.vault.clone_from(&lane.kit.vault);
    let mut stolen = thief.identity("main", workload_identity());
    stolen["spec"]["tenantId"] = json!(lane.tenant);
    thief.apply(stolen).await?;
    thief
        .apply(thief.sync("app", &[("K", "s")], |_| ()))
        .await?;
    let message = thief
        .says("app", "Synced", "False", "FederationMismatch")
        .await?;
    teaches(&message, &[&subject(&thief)])?;
    ensure!(
        thief.secrets().get_opt("app").await?.is_none(),
        "the thief has a Secret"
    );
    lane.rotate().await?;
    lane.works_after_a_look().await
}

async fn credential_absent(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let namespace = lane.kit.namespace.clone();
    lane.kit
        .secrets()
        .delete("sp", &DeleteParams::default())
        .await?;
    lane.identity_says("False", "CredentialNotFound").await?;
    lane.kit.look("app").await?;
    let command = format!("kubectl -n {namespace} create secret generic sp");
    lane.fails("CredentialNotFound", &[&command]).await?;
    let other_key = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sp", "namespace": namespace},
        "stringData": {"password": lane.kit.client_secret}
    });
    lane.kit.apply(other_key).await?;
    let what = "the message names the key";
    lane.kit
        .status_when("app", what, |status| {
            let messages = status.conditions.iter().map(|c| c.message.as_str());
            messages
                .filter(|message| message.contains("has no key secret"))
                .any(|message| message.contains("spec.clientSecret.key"))
        })
        .await?;
    lane.fails("CredentialNotFound", &["has no key secret"])
        .await?;
    lane.kit
        .make_credential("sp", &lane.kit.client_secret)
        .await?;
    lane.works_at_once().await
}

async fn identity_absent(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    lane.kit
        .make_credential("sp", &lane.kit.client_secret)
        .await?;
    lane.kit.apply(lane.app()).await?;
    let named = format!("AzureIdentity {}/main", lane.kit.namespace);
    lane.fails(
        "IdentityNotFound",
        &[&named, "create it", "spec.identityRef"],
    )
    .await?;
    lane.kit
        .apply(lane.identity("main", client_secret("sp")))
        .await?;
    lane.works_at_once().await
}

async fn identity_deleted(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    lane.identities()
        .delete("main", &DeleteParams::default())
        .await?;
    lane.fails("IdentityNotFound", &["create it"]).await?;
    lane.kit.look("app").await?;
    lane.is_left_alone().await?;
    lane.kit
        .apply(lane.identity("main", client_secret("sp")))
        .await?;
    lane.works_at_once().await
}

async fn identity_being_deleted(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    lane.patch_identity(json!({"metadata": {"finalizers": ["example.com/hold"]}}))
        .await?;
    lane.identities()
        .delete("main", &DeleteParams::default())
        .await?;
    lane.fails("IdentityDeleting", &["being deleted", "another identity"])
        .await?;
    lane.identity_says("False", "IdentityDeleting").await?;
    lane.patch_identity(json!({"metadata": {"finalizers": null}}))
        .await?;
    lane.fails("IdentityNotFound", &["create it"]).await?;
    lane.kit
        .apply(lane.identity("main", client_secret("sp")))
        .await?;
    lane.works_at_once().await
}

async fn identity_of_another_namespace(kit: Kit) -> Result<()> {
    let lane = Lane::set(kit).await?;
    let mut stranger = neighbour(&lane.kit).await?;
    stranger.vault.clone_from(&lane.kit.vault);
    let app = stranger.sync("app", &[("K", "s")], |_| ());
    stranger.apply(app.clone()).await?;
    let message = stranger
        .says("app", "Synced", "False", "IdentityNotFound")
        .await?;
    let named = format!("AzureIdentity {}/main", stranger.namespace);
    teaches(&message, &[&named])?;
    let mut reaching = app;
    reaching["spec"]["identityRef"]["namespace"] = json!(lane.kit.namespace);
    let refused = stranger.apply(reaching).await;
    let error = refused.err().context("a namespace could be named")?;
    teaches(
        &format!("{error:#}"),
        &[".spec.identityRef.namespace", "not declared in schema"],
    )
}

async fn token_endpoint_down(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let fault = lane.fault(Fault::status(503)).await?;
    // The token that was had still lives.
    lane.rotate().await?;
    lane.kit.look("app").await?;
    lane.works_at_once().await?;
    lane.touch_credential().await?;
    lane.identity_says("False", "AzureUnavailable").await?;
    lane.kit.look("app").await?;
    let login = lane.kit.endpoints().authority_host.clone();
    lane.fails("AzureUnavailable", &[&login, "HTTP 503", "asked again"])
        .await?;
    lane.kit.admin().remove_fault(&fault).await?;
    lane.works_at_once().await
}

async fn token_endpoint_throttled(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let pause = SignedDuration::from_secs(3);
    let fault = lane.fault(Fault::throttled(Some(3))).await?;
    lane.touch_credential().await?;
    lane.identity_says("False", "Throttled").await?;
    lane.kit.admin().remove_fault(&fault).await?;
    lane.kit.look("app").await?;
    lane.fails("Throttled", &["limits token requests"]).await?;
    lane.works_at_once().await?;
    let requests = lane.token_requests().await?;
    let refused: Vec<_> = requests
        .iter()
        .filter(|entry| entry.status == 429)
        .collect();
    ensure!(refused.len() == 1, "{refused:?}");
    let until = ended(refused[0])? + pause;
    for entry in requests.iter().filter(|entry| entry.seq > refused[0].seq) {
        // The other identity needs no token: it has one.
        ensure!(ended(entry)? >= until, "asked too early: {entry:?}");
    }
    Ok(())
}

/// A token of this application, asked for as a client of Entra does that needs no names: by the path form.
pub async fn token(lane: &Lane) -> Result<String> {
    token_of(&lane.kit, &lane.tenant).await
}

/// The same of any tenant.
pub async fn token_of(kit: &Kit, tenant: &str) -> Result<String> {
    let endpoints = kit.endpoints();
    let authority = reqwest::Certificate::from_pem(&std::fs::read(&endpoints.ca_file)?)?;
    let client = reqwest::Client::builder()
        .tls_certs_merge([authority])
        .build()?;
    let login = endpoints.authority_host.trim_start_matches("https://");
    let url = format!(
        "{}/_host/{login}/{tenant}/oauth2/v2.0/token",
        endpoints.azure
    );
    let scope = format!("{}/.default", endpoints.key_vault_audience);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &kit.client_id),
        ("client_secret", &kit.client_secret),
        ("scope", &scope),
    ];
    let answer = client.post(url).form(&form).send().await?;
    let answer: Value = answer.json().await?;
    let token = answer["access_token"].as_str().context("no token")?;
    Ok(token.to_owned())
}

/// While a renewal fails the old token serves, and Entra is not pressed.
async fn token_that_cannot_be_renewed(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let body = json!({"access_token": token(&lane).await?, "expires_in": 3599, "refresh_in": 1});
    let fault = lane.fault(Fault::body(200, body)).await?;
    let before = lane.token_requests().await?.len();
    lane.touch_credential().await?;
    asked_again(&lane, before).await?;
    let down = lane.fault(Fault::status(503)).await?;
    lane.kit.admin().remove_fault(&fault).await?;
    let since = lane.token_requests().await?.len();
    // Nobody asks: the renewal is due by the clock.
    asked_again(&lane, since).await?;
    for _ in 0..5 {
        lane.rotate().await?;
        lane.works_after_a_look().await?;
    }
    lane.identity_says("True", "TokenAcquired").await?;
    let requests = lane.token_requests().await?;
    let refused = requests.iter().filter(|entry| entry.status == 503);
    let refused: Vec<_> = refused.map(ended).collect::<Result<_>>()?;
    for pair in refused.windows(2) {
        let between = pair[1].duration_since(pair[0]);
        ensure!(between > SignedDuration::from_secs(1), "{refused:?}");
    }
    lane.kit.admin().remove_fault(&down).await?;
    let since = lane.token_requests().await?.len();
    asked_again(&lane, since).await?;
    lane.rotate().await?;
    lane.works_after_a_look().await
}

/// Waits until there are more token requests than these.
async fn asked_again(lane: &Lane, before: usize) -> Result<()> {
    until(SOON, "Entra was asked for a token", async || {
        let requests = lane.token_requests().await.map_err(|e| e.to_string())?;
        if requests.len() > before {
            Ok(())
        } else {
            Err(format!("{before} requests"))
        }
    })
    .await
}
