//! The page on KeyVaults: its YAML is applied as it stands there, with a subscription, principals and names of the test's own.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::binaries;

use super::estate::Estate;
use crate::kit::{Kit, SOON};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        all_fields_of_the_page_at_once,
        the_page_observes_before_it_takes_over,
        the_pages_access_policies,
        the_pages_vault_with_a_sync,
    ]
}

fn block(heading: &str) -> Result<Vec<Value>> {
    block_of("docs/keyvault.md", heading)
}

/// The objects of a page's first block under a heading.
pub fn block_of(page: &str, heading: &str) -> Result<Vec<Value>> {
    let page = std::fs::read_to_string(binaries::repository().join(page))?;
    let after = page.split(heading).nth(1).context("no such heading")?;
    let yaml = after.split("```yaml\n").nth(1).context("no block")?;
    let yaml = yaml.split("```").next().unwrap_or_default();
    let each = yaml.split("\n---\n").map(serde_saphyr::from_str);
    Ok(each.collect::<Result<_, _>>()?)
}

/// The page's KeyVault as the estate's own.
fn own(estate: &Estate, mut vault: Value) -> Value {
    let spec = &mut vault["spec"];
    spec["subscriptionId"] = json!(estate.subscription);
    spec["identityRef"] = json!({"name": "manager"});
    if !spec["azureName"].is_null() {
        spec["azureName"] = json!(estate.name);
    }
    vault["metadata"]["namespace"] = json!(estate.kit.namespace);
    vault["metadata"]["name"] = json!(estate.name);
    vault
}

async fn all_fields_of_the_page_at_once(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let mut all = block("## All fields")?;
    let vault = own(&estate, all.remove(0));
    // Every field that there is stands on the page.
    let crd = std::fs::read_to_string(binaries::repository().join("crds/keyvaults.yaml"))?;
    let crd: Value = serde_saphyr::from_str(&crd)?;
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let fields = schema["properties"]
        .as_object()
        .context("no fields")?
        .keys();
    let elsewhere = ["accessPolicies", "accessPolicyMode"];
    let missing: Vec<_> = fields
        .filter(|field| vault["spec"][field.as_str()].is_null())
        .filter(|field| !elsewhere.contains(&field.as_str()))
        .collect();
    ensure!(missing.is_empty(), "the page leaves out {missing:?}");
    estate.kit.apply(vault.clone()).await?;
    let status = estate.is_ready().await?;
    ensure!(status.secrets.len() == 1 && status.resource.role_assignments.len() == 1);
    let made = estate.in_azure().await?.context("no vault")?;
    ensure!(
        made["purgeProtection"] == true && made["tags"]["team"] == "payments",
        "{made}"
    );
    let rules = made["firewall"]["virtualNetworkRules"].as_array();
    ensure!(rules.is_some_and(|rules| rules.len() == 1), "{made}");
    Ok(())
}

async fn the_page_observes_before_it_takes_over(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate.make_in_azure(|_| ()).await?;
    let mut all = block("## A vault that is there already")?;
    let mut vault = own(&estate, all.remove(0));
    estate.kit.apply(vault.clone()).await?;
    estate.says("Synced", "False", "OnlyPlanned").await?;
    let status = estate.look().await?;
    ensure!(
        status.resource.plan == ["update sku"],
        "{:?}",
        status.resource.plan
    );
    ensure!(estate.writes().await?.is_empty());
    vault["spec"]["mode"] = json!("Manage");
    vault["spec"]["adopt"] = json!("Always");
    estate.kit.apply(vault).await?;
    estate.is_ready().await?;
    estate.owner().await.map(drop)
}

async fn the_pages_access_policies(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let mut all = block("## Access policies")?;
    estate.kit.apply(own(&estate, all.remove(0))).await?;
    let status = estate.is_ready().await?;
    ensure!(status.access_policies.len() == 1);
    let made = estate.in_azure().await?.context("no vault")?;
    let policy = &made["accessPolicies"][0];
    ensure!(
        policy["applicationId"] == "55555555-5555-5555-5555-555555555555",
        "{made}"
    );
    let keys: Vec<String> = serde_json::from_value(policy["keys"].clone())?;
    let lower: Vec<String> = keys.iter().map(|word| word.to_lowercase()).collect();
    ensure!(lower.contains(&"wrapkey".to_owned()), "{made}");
    Ok(())
}

async fn the_pages_vault_with_a_sync(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let kit = &estate.kit;
    kit.make_identity().await?;
    let all = block("## With a sync")?;
    let [vault, sync] = all.as_slice() else {
        anyhow::bail!("the block has not two objects");
    };
    let mut vault = own(&estate, vault.clone());
    vault["spec"]["roleAssignments"][0]["principalId"] = json!(kit.object_id);
    let mut sync = sync.clone();
    sync["metadata"]["namespace"] = json!(kit.namespace);
    sync["spec"]["vaultRef"]["name"] = json!(estate.name);
    sync["spec"]["identityRef"]["name"] = json!("main");
    kit.apply(sync).await?;
    kit.apply(vault).await?;
    estate.is_ready().await?;
    kit.is_synced("payments").await?;
    testbed::until(SOON, "the value is there", async || {
        let data = kit
            .data("payments")
            .await
            .map_err(|error| error.to_string())?;
        let value = data.get("DB_PASSWORD").cloned().unwrap_or_default();
        (value.len() == 32)
            .then_some(())
            .ok_or_else(|| value.len().to_string())
    })
    .await
}
