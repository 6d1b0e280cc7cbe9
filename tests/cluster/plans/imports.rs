//! Vaults that are there, as KeyVaults.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Desk, paths, told};
use crate::key_vaults::estate::Estate;
use crate::kit::{Kit, TENANT};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        an_imported_vault_plans_to_nothing,
        an_imported_vault_is_taken_over_and_nothing_else,
    ]
}

/// A vault that has something of everything.
async fn rich(estate: &Estate) -> Result<()> {
    estate
        .make_in_azure(|vault| {
            vault["authorization"] = json!("AccessPolicies");
            vault["accessPolicies"] = json!([{
                "objectId": "55555555-5555-5555-5555-555555555555",
                "secrets": ["Get", "list"], "keys": ["wrapKey"]
            }]);
            vault["sku"] = json!("premium");
            vault["tags"] = json!({"team": "payments", "Cost Center": "12: a # b"});
            vault["softDeleteRetentionDays"] = json!(20);
            vault["purgeProtection"] = json!(true);
            vault["enabledForDeployment"] = json!(true);
            vault["firewall"] = json!({
                "defaultAction": "Deny", "ipRules": ["203.0.113.7", "127.0.0.0/8"], "bypass": "None"
            });
            vault["roleAssignments"] = json!([
                {"principalId": estate.kit.object_id, "role": "Key Vault Secrets User"}
            ]);
        })
        .await
}

impl Estate {
    async fn import(&self, desk: &Desk, further: &[&str]) -> Result<String> {
        let arguments = [
            "import",
            "keyvault",
            &self.name,
            "--subscription",
            &self.subscription,
            "--resource-group",
            "RG",
            "--identity",
            "manager",
        ];
        let output = desk.run(&[&arguments, further].concat()).await?;
        ensure!(output.status.success(), "{}", told(&output));
        Ok(String::from_utf8(output.stdout)?)
    }
}

async fn an_imported_vault_plans_to_nothing(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let desk = Desk::new(&estate.kit)?;
    rich(&estate).await?;
    let yaml = estate.import(&desk, &[]).await?;
    for said in [
        TENANT,
        "AccessPolicies",
        "wrapkey",
        "Premium",
        "Observe",
        "203.0.113.7/32",
        "Key Vault Secrets User",
        "softDeleteRetentionDays: 20",
        "12: a # b",
    ] {
        ensure!(yaml.contains(said), "{said:?} is not in {yaml}");
    }
    let file = desk.text(&yaml)?;
    let (plans, code) = desk.plan_of(&file.to_string_lossy(), &[]).await?;
    ensure!(
        code == 0 && plans[0]["steps"] == json!([]),
        "{plans} {yaml}"
    );
    let control_plane = &estate.kit.world.control_plane;
    control_plane.kubectl().apply_yaml(&yaml).await?;
    estate.says("Synced", "True", "AsDeclared").await?;
    ensure!(estate.writes().await?.is_empty(), "something was written");
    Ok(())
}

async fn an_imported_vault_is_taken_over_and_nothing_else(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let desk = Desk::new(&estate.kit)?;
    rich(&estate).await?;
    let yaml = estate.import(&desk, &["--mode", "Manage"]).await?;
    let file = desk.text(&yaml)?;
    let (plans, code) = desk.plan_of(&file.to_string_lossy(), &[]).await?;
    ensure!(
        paths(&plans[0]) == ["tags.lakevault-owner"] && code == 2,
        "{plans}"
    );
    ensure!(
        plans[0]["steps"] == json!(["update tags.lakevault-owner"]),
        "{plans}"
    );
    let control_plane = &estate.kit.world.control_plane;
    control_plane.kubectl().apply_yaml(&yaml).await?;
    estate.says("Synced", "True", "AsDeclared").await?;
    ensure!(estate.writes().await? == ["UpdateVault"]);
    estate.owner().await.map(drop)
}
