//! Nobody acts as somebody else: what an attacker with a namespace of his own may try.

use anyhow::{Context, Result, ensure};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::json;
use testbed::Fault;

use crate::identity_faults::make_service_account;
use crate::kit::{Kit, NOT_GRANTED, teaches};
use crate::lane::{Lane, client_secret};
use crate::scene::{Scene, looks, neighbour, requests};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        service_account_that_no_administrator_allowed,
        secret_of_another_namespace,
        roots_of_another_namespace,
        what_administrators_lend_is_no_field_of_an_identity,
        vault_that_redirects,
        authority_that_redirects,
        vault_whose_name_runs_on,
        one_identity_is_not_answered_with_anothers_token,
    ]
}

/// The operator may create tokens of those `ServiceAccounts` alone whose names an administrator listed.
async fn service_account_that_no_administrator_allowed(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    let kit = lane.kit.clone();
    make_service_account(&kit, NOT_GRANTED).await?;
    let subject = format!("system:serviceaccount:{}:{NOT_GRANTED}", kit.namespace);
    let issuer = kit.world.control_plane.issuer();
    let federated = json!({"name": "k8s", "issuer": issuer, "subject": subject, "audience": "api://AzureADTokenExchange"});
    let secrets = json!([{"value": crate::lane::OTHER}]);
    lane.application(json!({"secrets": secrets, "federatedCredentials": [federated]}))
        .await?;
    let credential = json!({"workloadIdentity": {"serviceAccountName": NOT_GRANTED}});
    kit.apply(lane.identity("main", credential)).await?;
    kit.apply(lane.app()).await?;
    let patch = format!("\"path\":\"/rules/0/resourceNames/-\",\"value\":\"{NOT_GRANTED}\"");
    let words = ["kubectl patch clusterrole lakevault-token-requests", &patch];
    lane.fails("TokenRequestForbidden", &words).await?;
    // Narrower than the command: in this namespace alone.
    let name = json!({"name": "token-requests", "namespace": kit.namespace});
    let rule = json!({
        "apiGroups": [""], "resources": ["serviceaccounts/token"], "resourceNames": [NOT_GRANTED], "verbs": ["create"]
    });
    let role =
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "token-requests"});
    let operator =
        json!({"kind": "ServiceAccount", "name": "lakevault", "namespace": "lakevault-system"});
    let version = "rbac.authorization.k8s.io/v1";
    kit.apply(json!({"apiVersion": version, "kind": "Role", "metadata": name, "rules": [rule]}))
        .await?;
    kit.apply(json!({
        "apiVersion": version, "kind": "RoleBinding", "metadata": name, "roleRef": role, "subjects": [operator]
    }))
    .await?;
    lane.works_after_a_look().await
}

/// Client id, tenant and the name of the Secret are no secrets: an identity reads its own namespace's.
async fn secret_of_another_namespace(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let mut thief = neighbour(&lane.kit).await?;
    thief.client_id.clone_from(&lane.kit.client_id);
    thief.vault.clone_from(&lane.kit.vault);
    let mut stolen = thief.identity("main", client_secret("sp"));
    stolen["spec"]["tenantId"] = json!(lane.tenant);
    thief.apply(stolen).await?;
    thief
        .apply(thief.sync("app", &[("K", "s")], |_| ()))
        .await?;
    let message = thief
        .says("app", "Synced", "False", "CredentialNotFound")
        .await?;
    teaches(&message, &[&format!("Secret {}/sp", thief.namespace)])?;
    ensure!(
        thief.secrets().get_opt("app").await?.is_none(),
        "the thief has a Secret"
    );
    lane.rotate().await?;
    lane.works_after_a_look().await
}

async fn roots_of_another_namespace(kit: Kit) -> Result<()> {
    let owner = neighbour(&kit).await?;
    let roots = std::fs::read_to_string(&kit.endpoints().ca_file)?;
    owner
        .apply(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "roots", "namespace": owner.namespace},
            "data": {"ca.crt": roots}
        }))
        .await?;
    kit.make_credential("sp", &kit.client_secret).await?;
    let mut identity = kit.identity("main", client_secret("sp"));
    identity["spec"]["cloud"]["caBundle"] =
        json!({"configMap": {"name": "roots", "key": "ca.crt"}});
    kit.apply(identity).await?;
    kit.plant("s", "one").await?;
    kit.apply(kit.sync("app", &[("K", "s")], |_| ())).await?;
    let message = kit
        .says("app", "Synced", "False", "CaBundleNotFound")
        .await?;
    teaches(&message, &[&format!("ConfigMap {}/roots", kit.namespace)])
}

/// The operator's own credentials, and those of people, are a ClusterAzureIdentity's. What somebody writes into an
/// AzureIdentity past kubectl's checks is dropped before it is stored.
async fn what_administrators_lend_is_no_field_of_an_identity(kit: Kit) -> Result<()> {
    let gvk = GroupVersionKind::gvk("lakevault.dev", "v1alpha1", "AzureIdentity");
    let resource = ApiResource::from_gvk(&gvk);
    let api: Api<DynamicObject> = Api::namespaced_with(kit.client(), &kit.namespace, &resource);
    let user = json!({"username": "ada", "passwordFrom": {"name": "n", "key": "k"}});
    let lent = [
        ("managedIdentity", json!({})),
        ("default", json!({})),
        ("usernamePassword", user),
    ];
    for (field, value) in lent {
        let mut identity = kit.identity(&field.to_lowercase(), client_secret("sp"));
        identity["spec"][field] = value.clone();
        let identity: DynamicObject = serde_json::from_value(identity)?;
        let stored = api.create(&PostParams::default(), &identity).await?;
        ensure!(
            stored.data["spec"].get(field).is_none(),
            "{field} is stored: {:?}",
            stored.data
        );
        let mut alone = kit.identity("alone", json!({}));
        alone["spec"][field] = value;
        let refused = kit.apply(alone).await.err().context("accepted")?;
        teaches(&format!("{refused:#}"), &[field, "not declared in schema"])?;
    }
    let own = kit.identity("own", json!({"workloadIdentity": {}}));
    let refused = kit.apply(own).await.err().context("accepted")?;
    teaches(
        &format!("{refused:#}"),
        &["workloadIdentity.serviceAccountName must be set"],
    )
}

/// All that a vault was asked.
async fn all_asked(kit: &Kit, vault: &str) -> Result<usize> {
    Ok(kit.admin().journal_of(vault).await?.len())
}

async fn vault_that_redirects(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let kit = scene.kit.clone();
    let elsewhere = format!("{}-elsewhere", kit.vault);
    kit.make_vault(&elsewhere).await?;
    kit.admin().put_secret(&elsewhere, "s", "a lure").await?;
    let target = format!("{}/secrets/s/", kit.endpoints().vault_url(&elsewhere));
    let fault = scene.fault(Fault::redirect(&target)).await?;
    scene.all_keys_fail("RequestRefused", &["307"]).await?;
    let asked = all_asked(&kit, &elsewhere).await?;
    ensure!(asked == 0, "the redirect was followed {asked} times");
    scene.lift(&fault).await?;
    scene.recovers().await
}

async fn authority_that_redirects(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let endpoints = lane.kit.endpoints();
    // The same tenant at the same authority, by a path that would show in the journal.
    let target = format!("{}/elsewhere/oauth2/v2.0/token", endpoints.authority_host);
    let fault = lane.fault(Fault::redirect(&target)).await?;
    lane.touch_credential().await?;
    lane.identity_says("False", "AuthenticationFailed").await?;
    let followed = requests(&lane.kit, "login", "GetToken").await?;
    let followed = followed
        .iter()
        .filter(|entry| entry.path.starts_with("/elsewhere/"))
        .count();
    ensure!(followed == 0, "the redirect was followed");
    lane.kit.admin().remove_fault(&fault).await?;
    lane.rotate().await?;
    lane.works_after_a_look().await
}

/// A host that only begins, or only ends, as a vault of the cloud does.
async fn vault_whose_name_runs_on(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.plant("s", "one").await?;
    let suffix = kit.endpoints().key_vault_suffix.clone();
    let before = looks(&kit, &kit.vault).await?.len();
    for host in [
        format!("{}.{suffix}.attacker.example", kit.vault),
        format!("{}.a.{suffix}", kit.vault),
        format!("{}.{suffix}:8443", kit.vault),
        format!("{}.attacker-{suffix}", kit.vault),
    ] {
        let sync = kit.sync("app", &[("K", "s")], |spec| {
            spec["vaultUri"] = json!(format!("https://{host}"));
        });
        kit.apply(sync).await?;
        let message = kit
            .says("app", "Synced", "False", "VaultNotInCloud")
            .await?;
        teaches(&message, &[&suffix])?;
    }
    let asked = looks(&kit, &kit.vault).await?.len() - before;
    ensure!(asked == 0, "the vault was asked");
    Ok(())
}

/// Two namespaces name the same application, tenant, cloud and vault. One has the right secret: its token, though it is for the
/// same client and scope, is not the other's.
async fn one_identity_is_not_answered_with_anothers_token(kit: Kit) -> Result<()> {
    let mut lane = Lane::set(kit).await?;
    let mut thief = neighbour(&lane.kit).await?;
    thief.client_id.clone_from(&lane.kit.client_id);
    thief.vault.clone_from(&lane.kit.vault);
    thief
        .make_credential("sp", &crate::lane::unknown_to_entra())
        .await?;
    let mut stolen = thief.identity("main", client_secret("sp"));
    stolen["spec"]["tenantId"] = json!(lane.tenant);
    thief.apply(stolen).await?;
    thief
        .apply(thief.sync("app", &[("K", "s")], |_| ()))
        .await?;
    thief
        .says("app", "Synced", "False", "InvalidClientSecret")
        .await?;
    // The owner's token is in use all the while.
    lane.rotate().await?;
    lane.works_after_a_look().await?;
    thief.look("app").await?;
    thief
        .says("app", "Synced", "False", "InvalidClientSecret")
        .await?;
    ensure!(
        thief.secrets().get_opt("app").await?.is_none(),
        "the thief has a Secret"
    );
    Ok(())
}
