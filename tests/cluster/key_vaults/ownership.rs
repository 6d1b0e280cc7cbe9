//! Whose a vault is.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::estate::Estate;
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_vault_that_is_there_is_taken_over_only_by_consent,
        a_vault_of_somebody_else_is_never_taken_over,
        whoever_has_the_old_name_follows,
        a_spec_that_points_elsewhere_is_not_followed,
        a_vault_of_another_tenant_is_refused,
        a_lent_identity_manages_only_what_it_is_lent_for,
    ]
}

async fn a_vault_that_is_there_is_taken_over_only_by_consent(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .make_in_azure(|vault| vault["tags"] = json!({"team": "theirs"}))
        .await?;
    estate.apply(|spec| spec["sku"] = json!("Premium")).await?;
    let message = estate.says("Synced", "False", "ResourceNotOurs").await?;
    teaches(&message, &[&estate.name, "adopt: Always", "mode: Observe"])?;
    ensure!(estate.writes().await?.is_empty());
    // What would be done is told before it is.
    let status = estate
        .status_of_observer(|spec| {
            spec["sku"] = json!("Premium");
            spec["mode"] = json!("Observe");
        })
        .await?;
    ensure!(
        status.resource.plan == ["update sku"],
        "{:?}",
        status.resource.plan
    );
    let drift = &status.resource.drift;
    ensure!(drift.len() == 1 && drift[0].path == "sku" && drift[0].observed == "Standard");
    ensure!(estate.writes().await?.is_empty());
    estate
        .ready(|spec| {
            spec["sku"] = json!("Premium");
            spec["adopt"] = json!("Always");
        })
        .await?;
    ensure!(estate.writes().await? == ["UpdateVault"]);
    let vault = estate.in_azure().await?.context("no vault")?;
    ensure!(
        vault["tags"]["team"] == "theirs" && vault["sku"] == "premium",
        "{vault}"
    );
    estate.owner().await.map(drop)
}

impl Estate {
    /// Applies a spec in mode Observe, and waits until it has looked.
    pub async fn status_of_observer(
        &self,
        change: impl FnOnce(&mut serde_json::Value),
    ) -> Result<lakevault::key_vault::api::KeyVaultStatus> {
        self.apply(change).await?;
        self.says("Synced", "False", "OnlyPlanned").await?;
        self.look().await
    }
}

async fn a_vault_of_somebody_else_is_never_taken_over(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let owner = "other-cluster/team/kv/00000000-0000-0000-0000-000000000001";
    estate
        .make_in_azure(|vault| vault["tags"] = json!({"Lakevault-Owner": owner}))
        .await?;
    estate.apply(|spec| spec["adopt"] = json!("Always")).await?;
    let message = estate.says("Synced", "False", "ResourceNotOurs").await?;
    teaches(&message, &[owner])?;
    estate.delete().await?;
    estate.is_gone().await?;
    ensure!(estate.writes().await?.is_empty());
    Ok(())
}

async fn whoever_has_the_old_name_follows(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate.ready(|_| ()).await?;
    let before = estate.owner().await?;
    // The object goes without a word, as with a backup that is restored, and comes again.
    estate.annotate("lakevault.dev/detach", "true").await?;
    estate.delete().await?;
    estate.is_gone().await?;
    estate.ready(|_| ()).await?;
    ensure!(estate.owner().await? != before);
    let writes = estate.writes().await?;
    ensure!(
        writes == ["CreateOrUpdateVault", "UpdateVault"],
        "{writes:?}"
    );
    Ok(())
}

async fn a_spec_that_points_elsewhere_is_not_followed(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate.ready(|_| ()).await?;
    let writes = estate.writes().await?;
    estate
        .apply(|spec| spec["resourceGroup"] = json!({"name": "rg-other", "create": true}))
        .await?;
    let message = estate.says("Synced", "False", "ResourceIdChanged").await?;
    teaches(
        &message,
        &["resourceGroups/rg/", "rg-other", "not followed"],
    )?;
    ensure!(estate.writes().await? == writes);
    // Nothing is lost by it.
    estate.says("Ready", "True", "Available").await?;
    estate.ready(|_| ()).await.map(drop)
}

async fn a_vault_of_another_tenant_is_refused(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate.make_in_azure(|_| ()).await?;
    estate
        .apply(|spec| {
            spec["adopt"] = json!("Always");
            spec["tenantId"] = json!("99999999-9999-9999-9999-999999999999");
        })
        .await?;
    let message = estate.says("Synced", "False", "TenantMismatch").await?;
    teaches(&message, &["99999999-9999", "spec.tenantId"])?;
    ensure!(estate.writes().await?.is_empty());
    Ok(())
}

async fn a_lent_identity_manages_only_what_it_is_lent_for(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let kit = &estate.kit;
    let name = kit.namespace.clone();
    let mut lent = estate.identity(&name);
    lent["kind"] = json!("ClusterAzureIdentity");
    lent["metadata"] = json!({"name": name});
    lent["spec"]["clientSecret"]["name"] = json!(name);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "lakevault-system"},
        "stringData": {"secret": kit.client_secret}
    });
    kit.apply(secret).await?;
    let grant = json!({"namespaces": {"names": [kit.namespace]}});
    lent["spec"]["allow"] = json!([grant]);
    kit.apply(lent.clone()).await?;
    let by_it = |spec: &mut serde_json::Value| {
        spec["identityRef"] = json!({"kind": "ClusterAzureIdentity", "name": name});
    };
    estate.apply(by_it).await?;
    let message = estate.says("Synced", "False", "IdentityNotAllowed").await?;
    teaches(
        &message,
        &[
            "spec.allow[].manage",
            &format!("{}/rg", estate.subscription),
        ],
    )?;
    ensure!(estate.calls("").await?.is_empty());
    lent["spec"]["allow"][0]["manage"] = json!([format!("{}/rg*", estate.subscription)]);
    kit.apply(lent).await?;
    estate.is_ready().await.map(drop)
}
