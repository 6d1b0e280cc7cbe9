//! Vaults that are made.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use testbed::{metrics, until};

use super::estate::Estate;
use crate::kit::{Kit, SOON, TENANT, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_vault_is_made_with_all_that_its_spec_says,
        an_undisturbed_vault_costs_one_read_and_no_write,
        a_group_is_made_only_when_asked_for,
        a_provider_is_registered_where_it_is_not,
        a_vault_with_access_policies,
        roles_are_given_and_taken_back,
        secrets_are_made_up_once_and_rotated,
        a_sync_that_names_the_vault_gets_its_secret,
    ]
}

async fn a_vault_is_made_with_all_that_its_spec_says(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let status = estate
        .ready(|spec| {
            spec["tags"] = json!({"team": "payments"});
            spec["sku"] = json!("Premium");
            spec["softDeleteRetentionDays"] = json!(7);
            spec["purgeProtection"] = json!(true);
            spec["networkRules"] = json!({"ipRules": ["203.0.113.7", "127.0.0.0/8"]});
            spec["enabledForDeployment"] = json!(true);
        })
        .await?;
    let vault = estate.in_azure().await?.context("no vault")?;
    ensure!(vault["authorization"] == "RBAC", "{vault}");
    ensure!(
        vault["sku"] == "premium" && vault["softDeleteRetentionDays"] == 7,
        "{vault}"
    );
    ensure!(vault["purgeProtection"] == true && vault["enabledForDeployment"] == true);
    ensure!(vault["tags"]["team"] == "payments", "{vault}");
    ensure!(vault["firewall"]["defaultAction"] == "Deny", "{vault}");
    estate.owner().await?;
    let id = format!(
        "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/{}",
        estate.subscription, estate.name
    );
    ensure!(status.resource.azure_id == Some(id));
    ensure!(status.resource.provisioning_state.as_deref() == Some("Succeeded"));
    let uri = estate.kit.endpoints().vault_url(&estate.name);
    ensure!(status.vault_uri.as_deref() == Some(uri.trim_end_matches('/')));
    ensure!(status.tenant_id.as_deref() == Some(TENANT));
    ensure!(status.resource.operation.is_none() && status.resource.drift.is_empty());
    for (type_, status, reason) in [
        ("DataPlaneReachable", "True", "Answers"),
        ("Authorized", "True", "Permitted"),
        ("Drifted", "False", "InSync"),
    ] {
        estate.says(type_, status, reason).await?;
    }
    let metrics = estate.kit.world.operator.metrics().await?;
    let labels = [
        ("kind", "KeyVault"),
        ("condition", "Ready"),
        ("status", "True"),
    ];
    let ready = metrics::sum(&metrics, "lakevault_resource_conditions", &labels);
    ensure!(ready >= 1.0, "{ready} are told to be Ready");
    // Purge protection and retention stay for ever: that is told, and not tried.
    let writes = estate.writes().await?.len();
    estate
        .apply(|spec| {
            spec["tags"] = json!({"team": "payments"});
            spec["sku"] = json!("Premium");
            spec["softDeleteRetentionDays"] = json!(7);
            spec["purgeProtection"] = json!(false);
        })
        .await?;
    let message = estate.says("Synced", "False", "CannotChange").await?;
    teaches(&message, &["purgeProtection", "cannot be turned off"])?;
    ensure!(estate.writes().await?.len() == writes, "it was tried");
    Ok(())
}

async fn an_undisturbed_vault_costs_one_read_and_no_write(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .ready(|spec| {
            // All that Azure writes in another way.
            spec["location"] = json!("West Europe");
            spec["tags"] = json!({"Team": "payments"});
            spec["networkRules"] = json!({"defaultAction": "Allow", "ipRules": ["203.0.113.7"]});
        })
        .await?;
    let version = estate.object().await?.metadata.resource_version;
    let (before, writes) = (estate.calls("").await?.len(), estate.writes().await?);
    estate.look().await?;
    let calls = estate.calls("").await?;
    let made: Vec<&str> = calls
        .iter()
        .skip(before)
        .map(|call| call.operation.as_str())
        .collect();
    ensure!(made == ["GetVault"], "{made:?}");
    ensure!(estate.writes().await? == writes);
    ensure!(estate.object().await?.metadata.resource_version != version);
    Ok(())
}

async fn a_group_is_made_only_when_asked_for(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let elsewhere = |create: bool| {
        move |spec: &mut serde_json::Value| {
            spec["resourceGroup"] = json!({"name": "rg-new", "create": create});
        }
    };
    estate.apply(elsewhere(false)).await?;
    let message = estate
        .says("Synced", "False", "ResourceGroupNotFound")
        .await?;
    teaches(
        &message,
        &["rg-new", "az group create", "resourceGroup.create"],
    )?;
    ensure!(estate.writes().await?.is_empty());
    estate.ready(elsewhere(true)).await?;
    ensure!(estate.writes().await? == ["CreateResourceGroup", "CreateOrUpdateVault"]);
    Ok(())
}

async fn a_provider_is_registered_where_it_is_not(kit: Kit) -> Result<()> {
    let estate = Estate::with(kit, |subscription| {
        subscription["providers"] = json!({"Microsoft.KeyVault": "NotRegistered"});
    })
    .await?;
    estate.ready(|_| ()).await?;
    let writes = estate.writes().await?;
    ensure!(
        writes
            .iter()
            .filter(|one| *one == "RegisterProvider")
            .count()
            == 1,
        "{writes:?}"
    );
    Ok(())
}

async fn a_vault_with_access_policies(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let (reader, other) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let by_policies = |mode: &str, secrets: &[&str]| {
        let (mode, secrets) = (mode.to_owned(), json!(secrets));
        move |spec: &mut serde_json::Value| {
            spec["authorization"] = json!("AccessPolicies");
            spec["accessPolicyMode"] = json!(mode);
            spec["accessPolicies"] =
                json!([{"objectId": reader.to_string().to_uppercase(), "secrets": secrets}]);
        }
    };
    estate.ready(by_policies("Merge", &["Get", "List"])).await?;
    let policies = async || -> Result<Vec<(String, serde_json::Value)>> {
        let vault = estate.in_azure().await?.context("no vault")?;
        let all = vault["accessPolicies"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let mut all: Vec<_> = all
            .into_iter()
            .map(|one| {
                let who = one["objectId"].as_str().unwrap_or_default().to_lowercase();
                (who, one["secrets"].clone())
            })
            .collect();
        all.sort_by_key(|(who, _)| *who != reader.to_string());
        Ok(all)
    };
    // What somebody else adds stays; what this spec once had goes with it.
    let theirs = json!({"accessPolicies": [
        {"objectId": reader, "secrets": ["get", "list"]}, {"objectId": other, "secrets": ["set"]}
    ]});
    estate
        .kit
        .admin()
        .patch_vault(&estate.name, &theirs)
        .await?;
    estate.ready(by_policies("Merge", &["get"])).await?;
    let now = policies().await?;
    ensure!(now.len() == 2 && now[0].1 == json!(["get"]), "{now:?}");
    ensure!(now[1] == (other.to_string(), json!(["set"])), "{now:?}");
    estate.ready(by_policies("Replace", &["get"])).await?;
    let now = policies().await?;
    ensure!(now.len() == 1 && now[0].0 == reader.to_string(), "{now:?}");
    estate
        .ready(|spec| spec["authorization"] = json!("AccessPolicies"))
        .await?;
    ensure!(policies().await?.is_empty());
    Ok(())
}

async fn roles_are_given_and_taken_back(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let (ours, theirs) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let given = async || -> Result<Vec<(String, String)>> {
        let all: serde_json::Value = estate
            .kit
            .admin()
            .call(reqwest::Method::GET, "/subscriptions", None)
            .await?;
        let all = all["subscriptions"].as_array().context("subscriptions")?;
        let here = all.iter().find(|one| one["id"] == estate.subscription);
        let roles = here.context("no subscription")?["roleAssignments"].clone();
        let on_it = |one: &&serde_json::Value| {
            let scope = one["scope"].as_str().unwrap_or_default().to_lowercase();
            scope.ends_with(&format!("/vaults/{}", estate.name))
        };
        let text =
            |one: &serde_json::Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let roles = roles.as_array().cloned().unwrap_or_default();
        let mut all: Vec<_> = roles
            .iter()
            .filter(on_it)
            .map(|one| (text(one, "principalId"), text(one, "role")))
            .collect();
        all.sort();
        Ok(all)
    };
    let status = estate
        .ready(|spec| {
            spec["roleAssignments"] = json!([
                {"principalId": ours.to_string().to_uppercase(), "role": "key vault secrets user"},
                {"principalId": ours, "principalType": "Group", "role": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"},
            ]);
        })
        .await?;
    let both = vec![
        (ours.to_string(), "Key Vault Secrets Officer".to_owned()),
        (ours.to_string(), "Key Vault Secrets User".to_owned()),
    ];
    ensure!(given().await? == both, "{:?}", given().await?);
    ensure!(status.resource.role_assignments.len() == 2);
    // Somebody else's stays.
    let more = json!({"roleAssignments": [{"principalId": theirs, "role": "Key Vault Reader"}]});
    estate.kit.admin().patch_vault(&estate.name, &more).await?;
    let status = estate
        .ready(|spec| {
            spec["roleAssignments"] =
                json!([{"principalId": ours, "role": "Key Vault Secrets User"}]);
        })
        .await?;
    ensure!(status.resource.role_assignments.len() == 1);
    let mut left = vec![
        (ours.to_string(), "Key Vault Secrets User".to_owned()),
        (theirs.to_string(), "Key Vault Reader".to_owned()),
    ];
    left.sort();
    ensure!(given().await? == left, "{:?}", given().await?);
    // A name that nobody knows is told.
    estate
        .apply(|spec| {
            spec["roleAssignments"] = json!([{"principalId": ours, "role": "Key Vault Wizard"}]);
        })
        .await?;
    let message = estate.says("Synced", "False", "RoleNotFound").await?;
    teaches(&message, &["Key Vault Wizard", "az role definition list"])
}

async fn secrets_are_made_up_once_and_rotated(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let seeds = json!([
        {"name": "db-password", "length": 24, "characters": "Digits"},
        {"name": "there", "rotateAfter": "1h"}
    ]);
    estate
        .make_in_azure(|vault| {
            vault["secrets"] = json!([{"name": "there", "value": "planted-value-theirs"}]);
        })
        .await?;
    let status = estate
        .ready(|spec| {
            spec["adopt"] = json!("Always");
            spec["secrets"] = seeds.clone();
        })
        .await?;
    let names: Vec<&str> = status.secrets.iter().map(|one| one.name.as_str()).collect();
    ensure!(names == ["db-password", "there"], "{names:?}");
    // Its value is as asked for, and what was there already is kept, whatever its age.
    let kit = Kit {
        vault: estate.name.clone(),
        ..estate.kit.clone()
    };
    kit.make_identity().await?;
    kit.apply(kit.sync("app", &[("NEW", "db-password"), ("OLD", "there")], |_| ()))
        .await?;
    kit.is_synced("app").await?;
    let data = kit.data("app").await?;
    ensure!(data["NEW"].len() == 24 && data["NEW"].bytes().all(|byte| byte.is_ascii_digit()));
    ensure!(data["OLD"] == "planted-value-theirs");
    let before = status.secrets[0].version.clone();
    let status = estate.look().await?;
    ensure!(status.secrets[0].version == before, "it was made up again");
    // One that somebody deletes is not made up over what can be recovered.
    kit.admin()
        .delete_secret(&estate.name, "db-password")
        .await?;
    estate.annotate("lakevault.dev/sync-at", "after").await?;
    let message = estate.says("Synced", "False", "SoftDeleted").await?;
    teaches(&message, &["db-password", "az keyvault secret recover"])
}

async fn a_sync_that_names_the_vault_gets_its_secret(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let kit = &estate.kit;
    kit.make_identity().await?;
    kit.apply(kit.sync("app", &[("K", "db-password")], |spec| {
        let spec = spec.as_object_mut().unwrap();
        spec.remove("vaultUri");
        spec.insert("vaultRef".to_owned(), json!({"name": estate.name}));
    }))
    .await?;
    kit.says("app", "Synced", "Unknown", "WaitingForVault")
        .await?;
    // The vault, a secret in it, and the role that reads it: one set of manifests.
    estate
        .ready(|spec| {
            spec["secrets"] = json!([{"name": "db-password"}]);
            spec["roleAssignments"] =
                json!([{"principalId": kit.object_id, "role": "Key Vault Secrets User"}]);
        })
        .await?;
    until(SOON, "the Secret is there", async || {
        let data = kit
            .data("app")
            .await
            .map_err(|error| format!("{error:#}"))?;
        let whole = data.get("K").is_some_and(|value| value.len() == 32);
        whole.then_some(()).ok_or_else(|| "no value".to_owned())
    })
    .await?;
    kit.is_synced("app").await
}
