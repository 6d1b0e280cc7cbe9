//! Vaults that somebody else changes.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::estate::{Estate, is};
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        drift_is_repaired,
        drift_is_reported_where_that_is_all_that_is_asked_for,
        a_vault_that_somebody_deleted_is_made_again_or_told,
        tags_of_others_stay_and_ours_go_with_the_spec,
    ]
}

async fn drift_is_repaired(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .ready(|spec| {
            spec["tags"] = json!({"team": "payments"});
            spec["publicNetworkAccess"] = json!("Enabled");
        })
        .await?;
    let spoilt =
        json!({"tags": {"team": "others", "more": "x"}, "publicNetworkAccess": "Disabled"});
    estate
        .kit
        .admin()
        .patch_vault(&estate.name, &spoilt)
        .await?;
    let status = estate.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    let vault = estate.in_azure().await?.context("no vault")?;
    ensure!(
        vault["tags"]["team"] == "payments" && vault["tags"]["more"] == "x",
        "{vault}"
    );
    ensure!(vault["publicNetworkAccess"] == "Enabled", "{vault}");
    ensure!(estate.writes().await? == ["CreateOrUpdateVault", "UpdateVault"]);
    let events = estate.kit.events(&estate.name).await?;
    ensure!(
        events.contains(&"DriftRepaired Normal".to_owned()),
        "{events:?}"
    );
    Ok(())
}

async fn drift_is_reported_where_that_is_all_that_is_asked_for(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let reports = |sku: &'static str| {
        move |spec: &mut Value| {
            spec["driftPolicy"] = json!("Report");
            spec["sku"] = json!(sku);
        }
    };
    estate.ready(reports("Standard")).await?;
    let writes = estate.writes().await?;
    estate
        .kit
        .admin()
        .patch_vault(&estate.name, &json!({"sku": "premium"}))
        .await?;
    let status = estate.look().await?;
    ensure!(is(&status, "Drifted", "True", "Differs"), "{status:?}");
    ensure!(is(&status, "Ready", "True", "Available"));
    let drift = &status.resource.drift;
    ensure!(drift.len() == 1 && drift[0].path == "sku", "{drift:?}");
    ensure!(
        drift[0].desired == "Standard" && drift[0].observed == "Premium",
        "{drift:?}"
    );
    ensure!(
        status.resource.plan == ["update sku"],
        "{:?}",
        status.resource.plan
    );
    ensure!(estate.writes().await? == writes, "it was repaired");
    // A change of the spec is written as a whole.
    estate
        .ready(|spec| {
            reports("Standard")(spec);
            spec["tags"] = json!({"a": "b"});
        })
        .await?;
    let vault = estate.in_azure().await?.context("no vault")?;
    ensure!(
        vault["sku"] == "standard" && vault["tags"]["a"] == "b",
        "{vault}"
    );
    Ok(())
}

async fn a_vault_that_somebody_deleted_is_made_again_or_told(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate.ready(|_| ()).await?;
    let path = format!("/vaults/{}?soft=true", estate.name);
    let _: Value = estate.kit.admin().call(Method::DELETE, &path, None).await?;
    estate.annotate("lakevault.dev/sync-at", "after").await?;
    let message = estate.says("Synced", "False", "SoftDeleted").await?;
    crate::kit::teaches(&message, &["onSoftDeleted: Recover"])?;
    let status = estate
        .ready(|spec| spec["onSoftDeleted"] = json!("Recover"))
        .await?;
    ensure!(is(&status, "Drifted", "False", "InSync"));
    ensure!(!estate.is_soft_deleted().await?);
    estate.owner().await.map(drop)
}

async fn tags_of_others_stay_and_ours_go_with_the_spec(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .ready(|spec| spec["tags"] = json!({"a": "1", "b": "2"}))
        .await?;
    let owner = estate.owner().await?;
    let more = json!({"tags": {"a": "1", "b": "2", "theirs": "x", "lakevault-owner": owner}});
    estate.kit.admin().patch_vault(&estate.name, &more).await?;
    let status = estate
        .ready(|spec| spec["tags"] = json!({"A": "3"}))
        .await?;
    ensure!(status.resource.tags == ["A"], "{:?}", status.resource.tags);
    let vault = estate.in_azure().await?.context("no vault")?;
    let tags = vault["tags"].as_object().context("tags")?;
    let mut names: Vec<String> = tags.keys().map(|name| name.to_lowercase()).collect();
    names.sort();
    ensure!(names == ["a", "lakevault-owner", "theirs"], "{vault}");
    Ok(())
}
