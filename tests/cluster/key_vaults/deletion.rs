//! Vaults whose objects are deleted.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::estate::Estate;
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_vault_is_retained_without_our_tag,
        a_vault_is_deleted_softly_and_recovered,
        a_vault_is_deleted_and_purged,
        a_protected_vault_is_deleted_and_left_to_its_date,
        a_vault_that_is_named_is_not_deleted,
        an_object_without_an_identity_can_be_let_go,
        what_was_never_made_goes_at_once,
        a_deleted_vault_is_purged_before_a_new_one_is_made,
    ]
}

async fn a_vault_is_retained_without_our_tag(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .ready(|spec| spec["tags"] = json!({"team": "payments"}))
        .await?;
    estate.delete().await?;
    estate.is_gone().await?;
    let vault = estate.in_azure().await?.context("no vault")?;
    ensure!(vault["tags"] == json!({"team": "payments"}), "{vault}");
    Ok(())
}

async fn a_vault_is_deleted_softly_and_recovered(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let softly = |recover: &'static str| {
        move |spec: &mut serde_json::Value| {
            spec["deletionPolicy"] = json!("Delete");
            spec["onSoftDeleted"] = json!(recover);
        }
    };
    estate.ready(softly("Fail")).await?;
    estate.delete().await?;
    estate.is_gone().await?;
    ensure!(estate.in_azure().await?.is_none() && estate.is_soft_deleted().await?);
    estate.apply(softly("Fail")).await?;
    let message = estate.says("Synced", "False", "SoftDeleted").await?;
    teaches(&message, &["until", "Recover", "Purge"])?;
    let status = estate.status_when("it tells the date", |status| {
        status.scheduled_purge_date.is_some()
    });
    status.await?;
    let status = estate.ready(softly("Recover")).await?;
    ensure!(status.scheduled_purge_date.is_none());
    estate.owner().await?;
    Ok(())
}

async fn a_vault_is_deleted_and_purged(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .ready(|spec| spec["deletionPolicy"] = json!("DeleteAndPurge"))
        .await?;
    estate.delete().await?;
    estate.is_gone().await?;
    ensure!(estate.in_azure().await?.is_none() && !estate.is_soft_deleted().await?);
    let writes = estate.writes().await?;
    ensure!(
        writes == ["CreateOrUpdateVault", "DeleteVault", "PurgeDeletedVault"],
        "{writes:?}"
    );
    Ok(())
}

async fn a_protected_vault_is_deleted_and_left_to_its_date(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .ready(|spec| {
            spec["deletionPolicy"] = json!("DeleteAndPurge");
            spec["purgeProtection"] = json!(true);
        })
        .await?;
    estate.delete().await?;
    estate.is_gone().await?;
    ensure!(estate.is_soft_deleted().await?);
    ensure!(estate.calls("PurgeDeletedVault").await?.is_empty());
    Ok(())
}

async fn a_vault_that_is_named_is_not_deleted(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let kit = &estate.kit;
    estate
        .ready(|spec| spec["deletionPolicy"] = json!("Delete"))
        .await?;
    kit.make_identity().await?;
    kit.apply(kit.sync("app", &[("K", "s")], |spec| {
        let spec = spec.as_object_mut().unwrap();
        spec.remove("vaultUri");
        spec.insert("vaultRef".to_owned(), json!({"name": estate.name}));
    }))
    .await?;
    kit.status_when("app", "it was looked at", |status| {
        !status.conditions.is_empty()
    })
    .await?;
    estate.delete().await?;
    let message = estate.says("Deleting", "True", "StillNamed").await?;
    teaches(&message, &["app", "lakevault.dev/force-delete=true"])?;
    ensure!(estate.in_azure().await?.is_some());
    // The last one that names it goes.
    kit.remove("app").await?;
    estate.is_gone().await?;
    ensure!(estate.is_soft_deleted().await?);
    Ok(())
}

async fn an_object_without_an_identity_can_be_let_go(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .ready(|spec| spec["deletionPolicy"] = json!("Delete"))
        .await?;
    let identities: kube::Api<lakevault::azure_identity::api::AzureIdentity> =
        kube::Api::namespaced(estate.kit.client(), &estate.kit.namespace);
    identities.delete("manager", &Default::default()).await?;
    estate.delete().await?;
    let message = estate.says("Deleting", "True", "IdentityNotFound").await?;
    teaches(&message, &["manager", "lakevault.dev/detach=true"])?;
    estate.annotate("lakevault.dev/detach", "true").await?;
    estate.is_gone().await?;
    ensure!(estate.in_azure().await?.is_some() && estate.calls("DeleteVault").await?.is_empty());
    Ok(())
}

async fn what_was_never_made_goes_at_once(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .apply(|spec| {
            spec["resourceGroup"] = json!({"name": "rg-absent"});
            spec["deletionPolicy"] = json!("DeleteAndPurge");
        })
        .await?;
    estate
        .says("Synced", "False", "ResourceGroupNotFound")
        .await?;
    estate.delete().await?;
    estate.is_gone().await?;
    ensure!(estate.writes().await?.is_empty());
    Ok(())
}

async fn a_deleted_vault_is_purged_before_a_new_one_is_made(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .ready(|spec| spec["deletionPolicy"] = json!("Delete"))
        .await?;
    estate.delete().await?;
    estate.is_gone().await?;
    // The object of that name is another one now, and what the old one had is not its to destroy.
    estate
        .apply(|spec| spec["onSoftDeleted"] = json!("Purge"))
        .await?;
    let message = estate.says("Synced", "False", "ResourceNotOurs").await?;
    teaches(&message, &["adopt: Always"])?;
    ensure!(estate.is_soft_deleted().await?);
    estate
        .ready(|spec| {
            spec["onSoftDeleted"] = json!("Purge");
            spec["adopt"] = json!("Always");
        })
        .await?;
    ensure!(!estate.is_soft_deleted().await?);
    ensure!(estate.calls("PurgeDeletedVault").await?.len() == 1);
    Ok(())
}
