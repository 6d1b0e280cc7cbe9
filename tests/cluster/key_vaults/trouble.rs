//! Azure says no, or nothing.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testbed::Fault;

use super::estate::{Estate, condition, is};
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_missing_role_is_named_with_its_mend,
        a_policy_is_named,
        a_lock_is_named,
        a_disabled_subscription_is_told,
        a_name_that_somebody_has_is_told,
        a_lost_answer_is_no_second_write,
        what_is_refused_is_tried_again_and_told_with_one_correlation_id,
        a_503_is_no_end,
        an_error_in_the_envelope_of_a_deployment_is_understood,
        an_outage_leaves_a_vault_ready,
        a_firewall_and_a_missing_role_of_the_data_plane_are_told_apart,
        a_repaired_credential_is_used_at_once,
        a_wiped_status_is_found_again,
    ]
}

async fn a_missing_role_is_named_with_its_mend(kit: Kit) -> Result<()> {
    let estate = Estate::with(kit, |subscription| {
        let reader = subscription["roleAssignments"][0]["principalId"].clone();
        subscription["roleAssignments"] = json!([{"principalId": reader, "role": "Reader"}]);
    })
    .await?;
    estate.apply(|_| ()).await?;
    let message = estate.says("Synced", "False", "Forbidden").await?;
    teaches(
        &message,
        &[
            "Microsoft.KeyVault/vaults/write",
            &estate.kit.object_id,
            "az role assignment create",
        ],
    )?;
    estate
        .says("Authorized", "False", "Forbidden")
        .await
        .map(drop)
}

async fn a_policy_is_named(kit: Kit) -> Result<()> {
    let estate = Estate::with(kit, |subscription| {
        subscription["policies"] =
            json!([{"name": "no-public-vaults", "requiredTag": "cost-center"}]);
    })
    .await?;
    estate.apply(|_| ()).await?;
    let message = estate.says("Synced", "False", "DisallowedByPolicy").await?;
    teaches(&message, &["no-public-vaults"])?;
    estate
        .ready(|spec| spec["tags"] = json!({"cost-center": "42"}))
        .await
        .map(drop)
}

async fn a_lock_is_named(kit: Kit) -> Result<()> {
    let estate = Estate::with(kit, |subscription| {
        subscription["locks"] = json!([{"scope": "/resourceGroups/rg", "level": "CanNotDelete"}]);
    })
    .await?;
    estate
        .ready(|spec| spec["deletionPolicy"] = json!("Delete"))
        .await?;
    estate.delete().await?;
    let message = estate.says("Deleting", "True", "ScopeLocked").await?;
    teaches(&message, &["resourceGroups/rg", "az lock"])?;
    estate
        .change_subscription(|subscription| subscription["locks"] = json!([]))
        .await?;
    estate.annotate("lakevault.dev/sync-at", "now").await?;
    estate.is_gone().await
}

async fn a_disabled_subscription_is_told(kit: Kit) -> Result<()> {
    let estate = Estate::with(kit, |subscription| {
        subscription["state"] = json!("Disabled");
    })
    .await?;
    estate.apply(|_| ()).await?;
    let message = estate
        .says("Synced", "False", "SubscriptionDisabled")
        .await?;
    teaches(&message, &[&estate.subscription])
}

async fn a_name_that_somebody_has_is_told(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    // In a subscription of which we see nothing.
    estate
        .make_in_azure(|vault| vault["subscriptionId"] = json!(uuid::Uuid::new_v4()))
        .await?;
    estate.apply(|_| ()).await?;
    let message = estate.says("Synced", "False", "NameTaken").await?;
    teaches(&message, &[&estate.name, "azureName"])?;
    ensure!(estate.writes().await?.is_empty());
    Ok(())
}

async fn a_lost_answer_is_no_second_write(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .fault("CreateOrUpdateVault", Fault::LoseAnswer(true), Some(1))
        .await?;
    estate.apply(|_| ()).await?;
    estate.is_ready().await?;
    ensure!(estate.calls("CreateOrUpdateVault").await?.len() == 1);
    Ok(())
}

async fn what_is_refused_is_tried_again_and_told_with_one_correlation_id(kit: Kit) -> Result<()> {
    let estate = Estate::with(kit, |subscription| {
        subscription["roleAssignments"] = json!([]);
    })
    .await?;
    estate.apply(|_| ()).await?;
    let message = estate.says("Synced", "False", "Forbidden").await?;
    teaches(
        &message,
        &["Microsoft.KeyVault/vaults/read", "(correlation id "],
    )?;
    let version = estate.object().await?.metadata.resource_version;
    let tried = estate.calls("GetVault").await?.len();
    testbed::until(crate::kit::SOON, "it is tried again", async || {
        let calls = estate.calls("GetVault").await;
        let now = calls.map_err(|error| error.to_string())?.len();
        (now > tried + 1)
            .then_some(())
            .ok_or_else(|| format!("{now}"))
    })
    .await?;
    let now = estate.object().await?.metadata.resource_version;
    ensure!(now == version, "written anew");
    estate
        .change_subscription(|subscription| {
            subscription["roleAssignments"] =
                json!([{"principalId": estate.kit.object_id, "role": "Owner"}]);
        })
        .await?;
    estate.is_ready().await.map(drop)
}

async fn a_503_is_no_end(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .fault("CreateOrUpdateVault", Fault::status(503), Some(2))
        .await?;
    estate.ready(|_| ()).await?;
    ensure!(estate.calls("CreateOrUpdateVault").await?.len() == 3);
    Ok(())
}

async fn an_error_in_the_envelope_of_a_deployment_is_understood(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let failed = Fault::code(409, "DeploymentFailed/VaultAlreadyExists");
    let create = "CreateOrUpdateVault";
    estate.fault(create, failed, None).await?;
    estate.apply(|_| ()).await?;
    estate.says("Synced", "False", "NameTaken").await.map(drop)
}

async fn an_outage_leaves_a_vault_ready(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let before = estate.ready(|_| ()).await?;
    estate.fault("GetVault", Fault::Cut(true), None).await?;
    estate.annotate("lakevault.dev/sync-at", "now").await?;
    estate.says("Synced", "False", "ConnectionFailed").await?;
    let now = estate.status_when("it was looked at", |_| true).await?;
    ensure!(is(&now, "Ready", "True", "Available"), "{now:?}");
    ensure!(now.vault_uri == before.vault_uri && now.resource.azure_id == before.resource.azure_id);
    Ok(())
}

async fn a_firewall_and_a_missing_role_of_the_data_plane_are_told_apart(kit: Kit) -> Result<()> {
    let estate = Estate::with(kit, |subscription| {
        let roles = subscription["roleAssignments"].as_array_mut().unwrap();
        roles.retain(|role| role["role"] != "Key Vault Secrets Officer");
    })
    .await?;
    let status = estate.ready(|_| ()).await?;
    ensure!(
        is(&status, "DataPlaneReachable", "True", "Forbidden"),
        "{status:?}"
    );
    let message = condition(&status, "DataPlaneReachable").map(|one| one.message.clone());
    teaches(&message.unwrap_or_default(), &["Key Vault"])?;
    let status = estate
        .ready(|spec: &mut Value| spec["publicNetworkAccess"] = json!("Disabled"))
        .await?;
    ensure!(
        is(&status, "DataPlaneReachable", "False", "ForbiddenByNetwork"),
        "{status:?}"
    );
    Ok(())
}

async fn a_repaired_credential_is_used_at_once(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate.kit.make_credential("sp", "wrong").await?;
    estate.kit.apply(estate.identity("manager")).await?;
    estate.apply(|_| ()).await?;
    estate
        .says("Synced", "False", "InvalidClientSecret")
        .await?;
    estate
        .kit
        .make_credential("sp", &estate.kit.client_secret)
        .await?;
    estate.is_ready().await.map(drop)
}

async fn a_wiped_status_is_found_again(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let before = estate
        .ready(|spec| spec["tags"] = json!({"a": "b"}))
        .await?;
    let writes = estate.writes().await?;
    let wiped = kube::api::Patch::Merge(json!({"status": null}));
    let api = estate.kit.key_vaults();
    api.patch_status(&estate.name, &Default::default(), &wiped)
        .await?;
    estate.annotate("lakevault.dev/sync-at", "now").await?;
    let after = estate.is_ready().await?;
    ensure!(
        after.resource.azure_id == before.resource.azure_id && after.vault_uri == before.vault_uri
    );
    ensure!(after.resource.tags == before.resource.tags);
    ensure!(estate.writes().await? == writes, "something was written");
    Ok(())
}
