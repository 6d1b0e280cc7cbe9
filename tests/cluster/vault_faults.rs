//! Faults between the operator and a vault: each has its reason and its mend, costs nobody else anything, loses nothing, and
//! is over when it is over.

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::api::{Patch, PatchParams};
use lakevault::azure_identity::api::AzureIdentity;
use serde_json::{Value, json};
use testbed::{Fault, FaultRule, until};

use crate::kit::{Kit, SOON, TENANT, teaches};
use crate::scene::{Scene, ended, looks, requests, tokens_given};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        unknown_vault,
        vault_outside_the_cloud,
        name_that_does_not_resolve_any_more,
        certificate_of_an_unknown_authority,
        role_withdrawn,
        access_policy_withdrawn,
        firewall,
        public_access_disabled,
        throttled_with_a_time,
        throttled_without_a_time,
        server_error,
        hanging_vault,
        connection_reset_in_the_body,
        malformed_json,
        empty_body,
        expired_token,
        refused_tokens,
        challenge_of_another_tenant,
        challenge_of_another_authority,
        challenge_for_another_resource,
        vault_of_another_tenant,
        fifty_syncs_share_a_token,
    ]
}

async fn unknown_vault(kit: Kit) -> Result<()> {
    let scene = Scene::set(kit).await?;
    let late = Kit {
        vault: format!("{}-late", scene.kit.vault),
        ..scene.kit.clone()
    };
    late.apply(late.sync("late", &[("L", "l")], |_| ())).await?;
    let message = late.says("late", "Synced", "False", "HostNotFound").await?;
    teaches(&message, &[&late.vault, "DNS", "does it exist"])?;
    late.says("late", "Ready", "False", "HostNotFound").await?;
    ensure!(
        late.secrets().get_opt("late").await?.is_none(),
        "a Secret without values was made"
    );
    scene.beside_goes_on().await?;
    late.make_vault(&late.vault).await?;
    let (value, _) = late.plant("l", "one").await?;
    late.sync_now("late").await?;
    late.holds("late", &[("L", &value)]).await?;
    late.is_synced("late").await
}

async fn vault_outside_the_cloud(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let point = async |kit: &Kit, url: &str| -> Result<()> {
        let patch = json!({"spec": {"vaultUri": url}});
        kit.syncs()
            .patch("app", &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    };
    // A host that would answer, and whose requests the journal would show.
    let elsewhere = scene.kit.endpoints().resource_manager.clone();
    point(&scene.kit, &elsewhere).await?;
    scene
        .fails(
            "VaultNotInCloud",
            &[
                "spec.vaultUri",
                &elsewhere,
                &scene.kit.endpoints().key_vault_suffix,
                "no token is sent there",
            ],
        )
        .await?;
    scene.beside_goes_on().await?;
    // Other tests ask it for what it is there for.
    let admin = scene.kit.admin();
    let asked = admin.journal_of("management").await?;
    let asked: Vec<&str> = asked.iter().map(|entry| entry.path.as_str()).collect();
    let for_secrets =
        |path: &&str| !path.starts_with("/subscriptions/") && !path.starts_with("/metadata/");
    ensure!(!asked.iter().any(for_secrets), "it was asked: {asked:?}");
    point(
        &scene.kit,
        &scene.kit.endpoints().vault_url(&scene.kit.vault),
    )
    .await?;
    scene.recovers().await
}

async fn name_that_does_not_resolve_any_more(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let fault = scene.fault(Fault::DnsFailure(true)).await?;
    scene
        .all_keys_fail("HostNotFound", &[&scene.host(), "DNS"])
        .await?;
    scene.lift(&fault).await?;
    scene.recovers().await
}

async fn certificate_of_an_unknown_authority(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let fault = scene.fault(Fault::UntrustedCertificate(true)).await?;
    scene
        .all_keys_fail("CertificateNotTrusted", &[&scene.host(), "--ca-file"])
        .await?;
    scene.lift(&fault).await?;
    scene.recovers().await
}

/// Changes the vault for the worse, waits for the reason, and changes it back.
async fn setting(kit: Kit, bad: Value, good: Value, reason: &str, words: &[&str]) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let vault = scene.kit.vault.clone();
    scene.kit.admin().patch_vault(&vault, &bad).await?;
    scene.all_keys_fail(reason, words).await?;
    scene.kit.admin().patch_vault(&vault, &good).await?;
    scene.recovers().await
}

async fn role_withdrawn(kit: Kit) -> Result<()> {
    let role = json!({"principalId": kit.object_id, "role": "Key Vault Secrets User"});
    let client = kit.client_id.clone();
    let words = [
        "az role assignment create",
        "Key Vault Secrets User",
        client.as_str(),
        "secret \"s\"",
    ];
    setting(
        kit,
        json!({"roleAssignments": []}),
        json!({"roleAssignments": [role]}),
        "Forbidden",
        &words,
    )
    .await
}

async fn access_policy_withdrawn(kit: Kit) -> Result<()> {
    let policy = json!({"objectId": kit.object_id, "secrets": ["get"]});
    setting(
        kit,
        json!({"authorization": "AccessPolicies", "accessPolicies": []}),
        json!({"accessPolicies": [policy]}),
        "Forbidden",
        &["az keyvault set-policy", "--secret-permissions get"],
    )
    .await
}

async fn firewall(kit: Kit) -> Result<()> {
    setting(
        kit,
        json!({"firewall": {"defaultAction": "Deny"}}),
        json!({"firewall": null}),
        "ForbiddenByNetwork",
        &[
            "az keyvault network-rule add",
            "Client address is not authorized",
        ],
    )
    .await
}

async fn public_access_disabled(kit: Kit) -> Result<()> {
    setting(
        kit,
        json!({"publicNetworkAccess": "Disabled"}),
        json!({"publicNetworkAccess": "Enabled"}),
        "ForbiddenByNetwork",
        &["private endpoint", "Public network access is disabled"],
    )
    .await
}

async fn throttled_with_a_time(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let pause = SignedDuration::from_secs(3);
    let fault = scene.fault(Fault::throttled(Some(3))).await?;
    scene.kit.look("app").await?;
    scene.lift(&fault).await?;
    scene
        .fails("Throttled", &["limits its callers", "spec.refreshInterval"])
        .await?;
    scene.beside_goes_on().await?;
    // More work does not make the operator ask earlier.
    scene.kit.look("app").await?;
    scene.recovers_by_itself().await?;
    let asked = looks(&scene.kit, &scene.kit.vault).await?;
    let refused: Vec<Timestamp> = asked
        .iter()
        .filter(|entry| entry.status == 429)
        .map(ended)
        .collect::<Result<_>>()?;
    let last = refused.iter().max().context("nothing was refused")?;
    for entry in asked.iter().filter(|entry| entry.status == 200) {
        let at = ended(entry)?;
        ensure!(
            at < refused[0] || at >= *last + pause,
            "asked at {at}: {pause} after {last} had not passed"
        );
    }
    Ok(())
}

async fn throttled_without_a_time(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let fault = scene.fault(Fault::throttled(None)).await?;
    scene
        .all_keys_fail("Throttled", &["limits its callers"])
        .await?;
    scene.lift(&fault).await?;
    scene.recovers_by_itself().await
}

async fn server_error(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let fault = scene.fault_of_s(Fault::status(503)).await?;
    scene
        .one_key_fails("AzureUnavailable", &["HTTP 503", "asked again"])
        .await?;
    scene.lift(&fault).await?;
    scene.recovers_by_itself().await
}

async fn hanging_vault(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let fault = scene.fault(Fault::Hang(true)).await?;
    let word = scene.kit.sync_now("app").await?;
    scene.beside_goes_on().await?;
    let app = scene.kit.syncs().get("app").await?;
    ensure!(
        app.status.unwrap_or_default().handled_sync_at.as_deref() != Some(&word),
        "the vault did not hang while the other one was read"
    );
    scene
        .fails("TimedOut", &[&scene.host(), "in time", "network polic"])
        .await?;
    scene.lift(&fault).await?;
    scene.recovers().await
}

async fn connection_reset_in_the_body(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let fault = scene.fault_of_s(Fault::ResetMidBody(true)).await?;
    scene
        .one_key_fails("ConnectionFailed", &[&scene.host(), "broke", "tried again"])
        .await?;
    scene.lift(&fault).await?;
    scene.recovers_by_itself().await
}

async fn malformed_json(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let fault = scene.fault_of_s(Fault::MalformedJson(true)).await?;
    scene
        .one_key_fails("MalformedAnswer", &["not understood", "proxy"])
        .await?;
    scene.lift(&fault).await?;
    scene.recovers_by_itself().await
}

async fn empty_body(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let fault = scene.fault_of_s(Fault::EmptyBody(true)).await?;
    scene
        .one_key_fails("MalformedAnswer", &["not understood", "proxy"])
        .await?;
    scene.lift(&fault).await?;
    scene.recovers_by_itself().await
}

/// Waits until the identity's token is old enough that a refusal of it is believed.
async fn token_has_aged(kit: &Kit) -> Result<()> {
    let identities: Api<AzureIdentity> = Api::namespaced(kit.client(), &kit.namespace);
    until(SOON, "the token is some seconds old", async || {
        let identity = identities.get("main").await.map_err(|e| e.to_string())?;
        let ends = identity
            .status
            .and_then(|status| status.token_expires_at)
            .ok_or("no token yet")?;
        // Its end is told in whole seconds, and Entra gives a second less than the day that tokens of clients live who answer
        // claims challenges.
        let age = Timestamp::now().duration_since(ends.0) + SignedDuration::from_hours(24);
        if age > SignedDuration::from_secs(8) {
            Ok(())
        } else {
            Err(format!("{age}"))
        }
    })
    .await
}

async fn expired_token(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    token_has_aged(&scene.kit).await?;
    ensure!(tokens_given(&scene.kit).await? == 1);
    let once = FaultRule::new(&scene.host(), Fault::ExpiredToken(true)).times(1);
    scene.kit.admin().add_fault(&once).await?;
    scene.kit.look("app").await?;
    scene.is_well().await?;
    let refused = looks(&scene.kit, &scene.kit.vault).await?;
    let refused = refused.iter().filter(|entry| entry.status == 401).count();
    ensure!(refused == 1, "{refused} refusals");
    let given = tokens_given(&scene.kit).await?;
    ensure!(given == 2, "{given} tokens");
    scene.recovers().await
}

async fn refused_tokens(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    token_has_aged(&scene.kit).await?;
    let fault = scene.fault(Fault::ExpiredToken(true)).await?;
    scene
        .all_keys_fail("Unauthorized", &[&scene.kit.client_id, TENANT, "clock"])
        .await?;
    let given = tokens_given(&scene.kit).await?;
    ensure!(given == 2, "{given} tokens: one more was worth a try");
    scene.lift(&fault).await?;
    scene.recovers().await
}

/// The vault points its callers elsewhere: nobody there is asked for a token, and none is sent.
async fn foreign_challenge(
    kit: Kit,
    authorization: &str,
    resource: &str,
    words: &[&str],
) -> Result<Scene> {
    let mut scene = Scene::set(kit).await?;
    let fault = scene
        .fault(Fault::ForeignChallenge {
            authorization: authorization.to_owned(),
            resource: resource.to_owned(),
        })
        .await?;
    scene.all_keys_fail("ForeignChallenge", words).await?;
    let given = tokens_given(&scene.kit).await?;
    ensure!(given == 1, "{given} tokens");
    scene.lift(&fault).await?;
    scene.recovers().await?;
    Ok(scene)
}

async fn challenge_of_another_tenant(kit: Kit) -> Result<()> {
    let tenant = uuid::Uuid::new_v4().to_string();
    let authority = format!("{}/{tenant}", kit.endpoints().authority_host);
    let audience = kit.endpoints().key_vault_audience.clone();
    let words = [authority.as_str(), TENANT, "tenantId"];
    let scene = foreign_challenge(kit, &authority, &audience, &words).await?;
    for entry in requests(&scene.kit, "login", "GetToken").await? {
        ensure!(!entry.path.contains(&tenant), "{entry:?}");
    }
    Ok(())
}

async fn challenge_of_another_authority(kit: Kit) -> Result<()> {
    // A host that would answer, and whose requests the journal would show.
    let authority = format!("{}/{TENANT}", kit.endpoints().resource_manager);
    let audience = kit.endpoints().key_vault_audience.clone();
    let words = [authority.as_str(), "cloud"];
    let scene = foreign_challenge(kit, &authority, &audience, &words).await?;
    let asked = requests(&scene.kit, "management", "Unknown").await?;
    ensure!(asked.is_empty(), "{asked:?}");
    Ok(())
}

async fn challenge_for_another_resource(kit: Kit) -> Result<()> {
    let authority = format!("{}/{TENANT}", kit.endpoints().authority_host);
    let words = ["https://storage.sim.test", "spec.cloud"];
    foreign_challenge(kit, &authority, "https://storage.sim.test", &words)
        .await
        .map(drop)
}

async fn vault_of_another_tenant(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let vault = scene.kit.vault.clone();
    let tenant = uuid::Uuid::new_v4().to_string();
    let admin = scene.kit.admin();
    admin
        .patch_vault(&vault, &json!({"tenantId": tenant}))
        .await?;
    scene
        .all_keys_fail("ForeignChallenge", &[&tenant, TENANT, "tenantId"])
        .await?;
    admin
        .patch_vault(&vault, &json!({"tenantId": TENANT}))
        .await?;
    scene.recovers().await
}

async fn fifty_syncs_share_a_token(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "one").await?;
    let names: Vec<String> = (0..50).map(|n| format!("app-{n}")).collect();
    let syncs: Vec<Value> = names
        .iter()
        .map(|name| kit.sync(name, &[("K", "s")], |_| ()))
        .collect();
    kit.apply(json!({"apiVersion": "v1", "kind": "List", "items": syncs}))
        .await?;
    for name in &names {
        kit.is_synced(name).await?;
        kit.holds(name, &[("K", &value)]).await?;
    }
    let given = tokens_given(&kit).await?;
    ensure!(given == 1, "{given} tokens");
    Ok(())
}
