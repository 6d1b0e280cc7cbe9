//! The life of storage accounts in Azure, as DataLakeAccounts.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use lakevault::data_lake_account::api::DataLakeAccount;
use reqwest::Method;
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::until;

use crate::estate::{Declared, Estate, GROUP, is};
use crate::kit::{Kit, SOON, TENANT, teaches};
use crate::{Case, cases};

const BOB: &str = "55555555-5555-5555-5555-555555555555";

pub fn cases() -> Vec<Case> {
    cases![
        an_account_is_made_with_all_that_its_spec_says,
        an_undisturbed_account_costs_one_read_and_no_write,
        drift_of_an_account_is_repaired,
        an_account_that_is_there_is_taken_over_only_by_consent,
        an_account_without_directories_is_told_and_left,
        a_name_that_somebody_has_is_told,
        an_account_is_retained_without_our_tag,
        an_account_is_deleted_where_it_holds_nothing_or_by_force,
        a_lake_is_made_with_its_access_lists,
        outputs_are_written_and_repaired,
    ]
}

impl Declared for DataLakeAccount {
    const PATH: &'static str = "/storageaccounts";
    const NAMES: [&'static str; 2] = ["storageAccounts", "account"];
    const ROLES: &'static [&'static str] = &["Storage Blob Data Owner"];

    fn named(_: &Kit, word: &str) -> String {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let unique: String = unique.chars().take(14).collect();
        format!("{word}{unique}")
    }
}

type Account = Estate<DataLakeAccount>;

impl Account {
    /// An account of the same name that is nobody's, with changes.
    pub async fn make_in_azure(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let mut account = json!({
            "name": self.name, "tenantId": TENANT, "subscriptionId": self.subscription,
            "resourceGroup": GROUP, "location": "westeurope", "isHnsEnabled": true,
        });
        change(&mut account);
        let (admin, path) = (self.kit.admin(), format!("/storageaccounts/{}", self.name));
        let done: Result<Value> = admin.call(Method::PUT, &path, Some(&account)).await;
        done.map(drop)
    }

    async fn path(&self, filesystem: &str, path: &str) -> Result<Value> {
        let admin = self.kit.admin();
        let path = format!("/filesystems/{}/{filesystem}/path?path={path}", self.name);
        admin.call(Method::GET, &path, None).await
    }
}

async fn an_account_is_made_with_all_that_its_spec_says(kit: Kit) -> Result<()> {
    let estate = Account::new(kit).await?;
    let status = estate
        .ready(|spec| {
            spec["tags"] = json!({"team": "payments"});
            spec["sku"] = json!("Standard_GRS");
            spec["accessTier"] = json!("Cool");
            spec["networkRules"] = json!({"defaultAction": "Allow", "ipRules": ["203.0.113.7"], "bypass": ["Logging"]});
            spec["softDelete"] = json!({"blobDays": 7, "containerDays": 8});
            spec["lifecycleRules"] = json!([{"name": "old", "prefixes": ["raw/"], "deleteAfterDays": 365}]);
            spec["roleAssignments"] = json!([{"principalId": estate.kit.object_id, "role": "Storage Blob Data Reader"}]);
        })
        .await?;
    let account = estate.in_azure().await?.context("no account")?;
    for (field, value) in [
        ("isHnsEnabled", json!(true)),
        ("sku", json!("Standard_GRS")),
        ("minimumTlsVersion", json!("TLS1_2")),
        ("allowSharedKeyAccess", json!(false)),
        ("allowBlobPublicAccess", json!(false)),
        ("supportsHttpsTrafficOnly", json!(true)),
        ("accessTier", json!("Cool")),
    ] {
        ensure!(account[field] == value, "{field}: {account}");
    }
    estate.owner().await?;
    let id = format!(
        "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/{}",
        estate.subscription, estate.name
    );
    ensure!(status.resource.azure_id == Some(id));
    ensure!(status.resource.operation.is_none() && status.resource.drift.is_empty());
    let dfs = status.endpoints.dfs.context("no endpoint")?;
    ensure!(dfs.contains(&format!("{}.dfs.", estate.name)), "{dfs}");
    estate.says("Drifted", "False", "InSync").await?;
    let writes = estate.writes().await?;
    let made: Vec<&str> = writes.iter().map(String::as_str).collect();
    ensure!(
        made[..3]
            == [
                "CreateStorageAccount",
                "SetBlobService",
                "SetManagementPolicy"
            ],
        "{made:?}"
    );
    // Another kind of replication is a migration: that is told, and not tried.
    let writes = writes.len();
    estate
        .apply(|spec| spec["sku"] = json!("Standard_ZRS"))
        .await?;
    let message = estate.says("Synced", "False", "CannotChange").await?;
    teaches(&message, &["sku", "az storage account migration start"])?;
    ensure!(!estate.writes().await?[writes..].contains(&"CreateStorageAccount".to_owned()));
    let account = estate.in_azure().await?.context("no account")?;
    ensure!(account["sku"] == "Standard_GRS", "{account}");
    Ok(())
}

async fn an_undisturbed_account_costs_one_read_and_no_write(kit: Kit) -> Result<()> {
    let estate = Account::new(kit).await?;
    estate
        .ready(|spec| {
            // All that Azure writes in another way.
            spec["location"] = json!("West Europe");
            spec["tags"] = json!({"Team": "payments"});
            spec["networkRules"] = json!({"defaultAction": "Allow", "ipRules": ["203.0.113.2/31"]});
        })
        .await?;
    let (before, writes) = (estate.calls("").await?.len(), estate.writes().await?);
    estate.look().await?;
    let calls = estate.calls("").await?;
    let made: Vec<&str> = calls
        .iter()
        .skip(before)
        .map(|call| call.operation.as_str())
        .collect();
    ensure!(made == ["GetStorageAccount"], "{made:?}");
    ensure!(estate.writes().await? == writes);
    Ok(())
}

async fn drift_of_an_account_is_repaired(kit: Kit) -> Result<()> {
    let estate = Account::new(kit).await?;
    estate
        .ready(|spec| spec["tags"] = json!({"team": "payments"}))
        .await?;
    let spoilt = json!({"tags": {"team": "others", "more": "x"}, "allowBlobPublicAccess": true});
    estate.spoil(&spoilt).await?;
    let status = estate.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    let account = estate.in_azure().await?.context("no account")?;
    ensure!(
        account["tags"]["team"] == "payments" && account["tags"]["more"] == "x",
        "{account}"
    );
    // What the spec does not say is somebody else's business.
    ensure!(account["allowBlobPublicAccess"] == true, "{account}");
    ensure!(estate.writes().await? == ["CreateStorageAccount", "UpdateStorageAccount"]);
    // The Event comes after the status.
    until(SOON, "the repair is told", async || {
        let events = estate.kit.events(&estate.name).await.map_err(seen)?;
        let told = events.contains(&"DriftRepaired Normal".to_owned());
        told.then_some(()).ok_or_else(|| format!("{events:?}"))
    })
    .await
}

async fn an_account_that_is_there_is_taken_over_only_by_consent(kit: Kit) -> Result<()> {
    let estate = Account::new(kit).await?;
    estate
        .make_in_azure(|account| account["tags"] = json!({"team": "theirs"}))
        .await?;
    estate
        .apply(|spec| spec["accessTier"] = json!("Cool"))
        .await?;
    let message = estate.says("Synced", "False", "ResourceNotOurs").await?;
    teaches(&message, &[&estate.name, "adopt: Always", "mode: Observe"])?;
    ensure!(estate.writes().await?.is_empty());
    estate
        .ready(|spec| {
            spec["accessTier"] = json!("Cool");
            spec["adopt"] = json!("Always");
        })
        .await?;
    ensure!(estate.writes().await? == ["UpdateStorageAccount"]);
    let account = estate.in_azure().await?.context("no account")?;
    ensure!(
        account["tags"]["team"] == "theirs" && account["accessTier"] == "Cool",
        "{account}"
    );
    Ok(())
}

async fn an_account_without_directories_is_told_and_left(kit: Kit) -> Result<()> {
    let estate = Account::new(kit).await?;
    estate
        .make_in_azure(|account| account["isHnsEnabled"] = json!(false))
        .await?;
    estate.apply(|spec| spec["adopt"] = json!("Always")).await?;
    let message = estate.says("Synced", "False", "HierarchyMissing").await?;
    teaches(&message, &[&estate.name, "hns-migration start"])?;
    ensure!(estate.writes().await?.is_empty());
    Ok(())
}

async fn a_name_that_somebody_has_is_told(kit: Kit) -> Result<()> {
    let estate = Account::new(kit).await?;
    estate
        .make_in_azure(|account| {
            account["subscriptionId"] = json!("99999999-9999-9999-9999-999999999999");
        })
        .await?;
    estate.apply(|_| ()).await?;
    let message = estate.says("Synced", "False", "NameTaken").await?;
    teaches(
        &message,
        &[&estate.name, "az storage account list", "azureName"],
    )?;
    ensure!(estate.writes().await?.is_empty());
    Ok(())
}

async fn an_account_is_retained_without_our_tag(kit: Kit) -> Result<()> {
    let estate = Account::new(kit).await?;
    estate
        .ready(|spec| spec["tags"] = json!({"team": "payments"}))
        .await?;
    estate.delete().await?;
    estate.is_gone().await?;
    let account = estate.in_azure().await?.context("no account")?;
    ensure!(account["tags"] == json!({"team": "payments"}), "{account}");
    Ok(())
}

async fn an_account_is_deleted_where_it_holds_nothing_or_by_force(kit: Kit) -> Result<()> {
    let (empty, full) = (Account::new(kit.clone()).await?, Account::new(kit).await?);
    let deletes = |spec: &mut Value| {
        spec["deletionPolicy"] = json!("Delete");
        spec["filesystems"] = json!([{"name": "raw"}]);
    };
    empty.ready(deletes).await?;
    empty.delete().await?;
    empty.is_gone().await?;
    ensure!(empty.in_azure().await?.is_none());
    full.ready(deletes).await?;
    let path = format!("/filesystems/{}/raw/path?path=a/file", full.name);
    let (admin, file) = (full.kit.admin(), json!({"content": "data"}));
    admin.call::<Value>(Method::PUT, &path, Some(&file)).await?;
    full.delete().await?;
    let message = full.says("Deleting", "True", "FilesystemNotEmpty").await?;
    teaches(&message, &["raw", "force: true", "Retain"])?;
    ensure!(full.in_azure().await?.is_some());
    full.apply(|spec| {
        deletes(spec);
        spec["force"] = json!(true);
    })
    .await?;
    full.is_gone().await?;
    ensure!(full.in_azure().await?.is_none());
    Ok(())
}

async fn a_lake_is_made_with_its_access_lists(kit: Kit) -> Result<()> {
    let estate = Account::new(kit).await?;
    let reads = format!("user:{BOB}:r-x");
    let lake = |spec: &mut Value| {
        let acl = ["user::rwx", "group::r-x", "other::---", &reads];
        spec["filesystems"] =
            json!([{"name": "raw", "directories": [{"path": "sales/2026", "acl": acl}]}]);
    };
    let status = estate.ready(lake).await?;
    ensure!(status.lake_applied_generation == Some(1), "{status:?}");
    ensure!(
        is(&status, "DataPlaneReachable", "True", "Answers"),
        "{status:?}"
    );
    let made = estate.path("raw", "sales/2026").await?;
    let acl = made["acl"].as_str().unwrap_or_default();
    ensure!(acl.contains(&reads), "{made}");
    // What is as declared is read alone, and not written.
    let version = estate.object().await?.metadata.generation;
    let status = estate.look().await?;
    ensure!(status.lake_applied_generation == version, "{status:?}");
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    Ok(())
}

async fn outputs_are_written_and_repaired(kit: Kit) -> Result<()> {
    let estate = Account::new(kit).await?;
    let status = estate
        .ready(|spec| {
            spec["filesystems"] = json!([{"name": "raw"}]);
            spec["outputs"] = json!({
                "configMap": "facts", "keys": {"secret": "keys"},
                "sas": [{"secret": "reader", "filesystem": "raw"}],
            });
        })
        .await?;
    ensure!(status.keys.is_some() && status.sas.len() == 1, "{status:?}");
    let account = estate.in_azure().await?.context("no account")?;
    ensure!(account["allowSharedKeyAccess"] == true, "{account}");
    let kit = &estate.kit;
    let facts: Api<ConfigMap> = Api::namespaced(kit.client(), &kit.namespace);
    let written = facts.get("facts").await?.data.unwrap_or_default();
    ensure!(!written.is_empty());
    for name in ["keys", "reader"] {
        let secret = kit.secrets().get(name).await?;
        ensure!(
            !secret.data.unwrap_or_default().is_empty(),
            "{name} is empty"
        );
    }
    // Somebody changes what was written, and it is set back without being asked for.
    let spoilt = Patch::Merge(json!({"data": {"accountName": "spoilt"}}));
    facts
        .patch("facts", &PatchParams::default(), &spoilt)
        .await?;
    kit.secrets()
        .delete("reader", &DeleteParams::default())
        .await?;
    until(SOON, "outputs are repaired", async || {
        let now = facts.get("facts").await.map_err(seen)?;
        let now = now.data.unwrap_or_default();
        let reader = kit.secrets().get_opt("reader").await.map_err(seen)?;
        (now == written && reader.is_some())
            .then_some(())
            .ok_or_else(|| format!("{now:?}"))
    })
    .await
}
