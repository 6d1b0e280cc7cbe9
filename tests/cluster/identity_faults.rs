//! Faults of identities: each has its reason and its mend, keeps what was synced, and is over at once when it is mended where
//! the operator can see it.

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use testbed::{Fault, until};

use crate::kit::{Kit, SOON, teaches};
use crate::lane::{Lane, client_secret, unknown_to_entra, workload_identity};
use crate::scene::ended;
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
        status_of_an_identity,
        events_of_a_sync,
        events_of_an_identity,
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
    let other = json!({"value": "planted-value-of-the-other-identity"});
    lane.application(json!({"secrets": [old, other]})).await?;
    lane.touch_credential().await?;
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

async fn make_service_account(kit: &Kit) -> Result<()> {
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", "namespace": kit.namespace}
    });
    kit.apply(account).await
}

fn subject(kit: &Kit) -> String {
    format!("system:serviceaccount:{}:app", kit.namespace)
}

/// Registers the ServiceAccount with the application, and leaves the other identity's secret as it is.
async fn register(lane: &Lane) -> Result<()> {
    let federated = json!({
        "name": "k8s", "issuer": lane.kit.world.control_plane.issuer(), "subject": subject(&lane.kit),
        "audience": "api://AzureADTokenExchange"
    });
    let other = json!({"value": "planted-value-of-the-other-identity"});
    lane.application(json!({"secrets": [other], "federatedCredentials": [federated]}))
        .await
}

async fn workload_identity_works(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    make_service_account(&lane.kit).await?;
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
    make_service_account(&lane.kit).await?;
    register(&lane).await?;
    lane.start(workload_identity()).await?;
    // An identity that is made anew has no token yet.
    lane.application(json!({"secrets": [{"value": "planted-value-of-the-other-identity"}]}))
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
    make_service_account(&lane.kit).await?;
    lane.works_after_a_look().await
}

/// Namespace B names A's application: its ServiceAccounts are not A's, so Entra refuses.
async fn stolen_client_id(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    make_service_account(&lane.kit).await?;
    register(&lane).await?;
    lane.start(workload_identity()).await?;
    let mut thief = Kit::new(lane.kit.world.clone(), "thief").await?;
    make_service_account(&thief).await?;
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
    let mut stranger = Kit::new(lane.kit.world.clone(), "stranger").await?;
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

async fn status_of_an_identity(kit: Kit) -> Result<()> {
    let lane = Lane::set(kit).await?;
    lane.identity_says("True", "TokenAcquired").await?;
    let identity = lane.identities().get("main").await?;
    let status = identity.status.context("no status")?;
    ensure!(status.observed_generation == identity.metadata.generation);
    ensure!(status.credential.as_deref() == Some("clientSecret"));
    let left = status
        .token_expires_at
        .context("no tokenExpiresAt")?
        .0
        .duration_since(Timestamp::now());
    ensure!(
        left > SignedDuration::from_mins(50) && left <= SignedDuration::from_hours(1),
        "{left}"
    );
    let kubectl = lane.kit.world.control_plane.kubectl();
    let shown = kubectl
        .run(["get", "azid", "main", "-n", &lane.kit.namespace])
        .await?;
    teaches(
        &shown,
        &["clientSecret", "TokenAcquired", "True", &lane.kit.client_id],
    )
}

/// Type, reason and number of the Events about an object, once there is one of reason `last`.
async fn events(
    kit: &Kit,
    kind: &str,
    name: &str,
    last: &str,
) -> Result<Vec<(String, String, i32)>> {
    let events: Api<Event> = Api::namespaced(kit.client(), &kit.namespace);
    until(
        SOON,
        &format!("an Event {last} about {kind} {name}"),
        async || {
            let list = events.list(&Default::default()).await;
            let mut found: Vec<_> = list
                .map_err(|error| error.to_string())?
                .items
                .into_iter()
                .filter(|event| {
                    let about = event.regarding.as_ref();
                    about.is_some_and(|about| {
                        about.kind.as_deref() == Some(kind) && about.name.as_deref() == Some(name)
                    })
                })
                .collect();
            found.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
            let told: Vec<_> = found
                .into_iter()
                .map(|event| {
                    let times = event.series.map_or(1, |series| series.count);
                    let text = |text: Option<String>| text.unwrap_or_default();
                    (text(event.type_), text(event.reason), times)
                })
                .collect();
            if told.iter().any(|(_, reason, _)| reason == last) {
                Ok(told)
            } else {
                Err(format!("{told:?}"))
            }
        },
    )
    .await
}

fn once(type_: &str, reason: &str) -> (String, String, i32) {
    (type_.to_owned(), reason.to_owned(), 1)
}

async fn events_of_a_sync(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let vault = kit.vault.clone();
    let roles = |roles: Value| json!({"roleAssignments": roles});
    let role = json!({"principalId": kit.object_id, "role": "Key Vault Secrets User"});
    kit.admin().patch_vault(&vault, &roles(json!([]))).await?;
    for _ in 0..3 {
        kit.look("app").await?;
        kit.says("app", "Synced", "False", "Forbidden").await?;
    }
    kit.admin()
        .patch_vault(&vault, &roles(json!([role])))
        .await?;
    for _ in 0..2 {
        kit.look("app").await?;
        kit.is_synced("app").await?;
    }
    let told = events(&kit, "VaultSecretSync", "app", "UpToDate").await?;
    let wanted = [once("Warning", "Forbidden"), once("Normal", "UpToDate")];
    ensure!(told == wanted, "{told:?}");
    Ok(())
}

async fn events_of_an_identity(kit: Kit) -> Result<()> {
    let lane = Lane::set(kit).await?;
    lane.identity_says("True", "TokenAcquired").await?;
    let good = lane.kit.client_secret.clone();
    for wrong in ["a", "b"] {
        let wrong = format!("{}-{wrong}", unknown_to_entra());
        lane.kit.make_credential("sp", &wrong).await?;
        lane.identity_says("False", "InvalidClientSecret").await?;
    }
    lane.kit.make_credential("sp", &good).await?;
    let told = events(&lane.kit, "AzureIdentity", "main", "TokenAcquired").await?;
    let wanted = [
        once("Warning", "InvalidClientSecret"),
        once("Normal", "TokenAcquired"),
    ];
    ensure!(told == wanted, "{told:?}");
    Ok(())
}
