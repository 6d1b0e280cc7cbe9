//! Keys: those of the account, made anew by and by; and the customer's, in a vault that a KeyVault keeps.

use std::cell::Cell;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams};
use lakevault::data_lake_account::api::AccountKey;
use lakevault::key_vault::api::KeyVault;
use reqwest::Method;
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::until;

use super::lakes::{Lake, is};
use super::outputs::keys;
use crate::estate::Estate;
use crate::kit::{Kit, SOON, TENANT};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        keys_are_made_anew_in_turns_and_the_secret_has_a_valid_one_all_the_time,
        an_account_that_waits_for_its_key_vault_goes_on_with_it,
        the_key_that_data_is_encrypted_with_is_kept_as_declared,
    ]
}

/// When both keys were made.
async fn made(lake: &Lake) -> Result<[Timestamp; 2]> {
    let all = keys(lake).await?;
    let at = |index: usize| -> Result<Timestamp> {
        let text = all.get(index).and_then(|key| key["created"].as_str());
        Ok(text.context("created")?.parse()?)
    };
    Ok([at(0)?, at(1)?])
}

/// Plays that two hours have passed since keys were made and taken into use.
async fn two_hours_pass(lake: &Lake) -> Result<()> {
    for name in ["key1", "key2"] {
        let path = format!("/storageaccounts/{}/keys/{name}", lake.name);
        let age = json!({"createdSecondsAgo": 7200});
        lake.admin(Method::PUT, &path, Some(age)).await?;
    }
    let since = Timestamp::now() - SignedDuration::from_hours(2);
    let since = Timestamp::from_second(since.as_second())?.to_string();
    let patch = Patch::Merge(json!({"status": {"keys": {"since": since}}}));
    let (api, params) = (lake.api(), PatchParams::default());
    api.patch_status(&lake.name, &params, &patch).await?;
    Ok(())
}

async fn keys_are_made_anew_in_turns_and_the_secret_has_a_valid_one_all_the_time(
    kit: Kit,
) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let outputs = json!({"keys": {"secret": "keys", "rotateAfter": "1h"}});
    lake.ready(|spec| spec["outputs"] = outputs).await?;
    let first = made(&lake).await?;
    let mut used = AccountKey::Key1;
    for _ in 0..3 {
        two_hours_pass(&lake).await?;
        let aged = made(&lake).await?;
        lake.ask().await?;
        let invalid = Cell::new(None);
        let (now, at) = match used {
            AccountKey::Key1 => (AccountKey::Key2, 1),
            AccountKey::Key2 => (AccountKey::Key1, 0),
        };
        until(SOON, "the other key is in use", async || {
            // The Secret first: what it has is valid until the next rotation.
            let held = lake.kit.data("keys").await.map_err(seen)?;
            let all = keys(&lake).await.map_err(seen)?;
            if !all.iter().any(|key| key["value"] == held["accountKey"]) {
                invalid.set(Some(all.len()));
            }
            let status = lake.object().await.map_err(seen)?.status;
            let status = status.unwrap_or_default().keys;
            let in_use = status.as_ref().map(|keys| keys.in_use);
            let done = in_use == Some(now) && all[at]["value"] == held["accountKey"];
            done.then_some(()).ok_or_else(|| format!("{status:?}"))
        })
        .await?;
        ensure!(
            invalid.get().is_none(),
            "the Secret had a key that was over"
        );
        let then = made(&lake).await?;
        ensure!(
            then[at] > aged[at] && then[1 - at] == aged[1 - at],
            "{then:?} {aged:?}"
        );
        used = now;
    }
    let last = made(&lake).await?;
    ensure!(
        last[0] > first[0] || last[1] > first[1],
        "{last:?} {first:?}"
    );
    let renewed = lake
        .estate
        .calls("RegenerateStorageAccountKey")
        .await?
        .len();
    ensure!(renewed == 3, "{renewed} keys were made anew");
    let held = lake.kit.data("keys").await?;
    let told = serde_json::to_string(&lake.object().await?)?;
    ensure!(
        !told.contains(&held["accountKey"]),
        "the object tells the key"
    );
    Ok(())
}

/// A vault with a key in it, an identity that unwraps it, and an account.
struct Sealed {
    lake: Lake,
    vault: Estate<KeyVault>,
    keeper: String,
}

impl Sealed {
    async fn new(kit: Kit) -> Result<Self> {
        let lake = Lake::new(kit).await?;
        let vault = Estate::<KeyVault>::new(lake.kit.clone()).await?;
        let [client, object] = [(); 2].map(|()| uuid::Uuid::new_v4().to_string());
        let keeper = format!(
            "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{client}",
            lake.subscription
        );
        let identity = json!({"tenantId": TENANT, "objectId": object, "resourceId": keeper});
        let path = format!("/managedidentities/{client}");
        lake.admin(Method::PUT, &path, Some(identity)).await?;
        let role = "Key Vault Crypto Service Encryption User";
        vault
            .make_in_azure(|vault| {
                vault["purgeProtection"] = json!(true);
                vault["roleAssignments"] = json!([{"principalId": object, "role": role}]);
            })
            .await?;
        Ok(Self {
            lake,
            vault,
            keeper,
        })
    }

    /// Makes a version of the key. Gives back its id.
    async fn version(&self) -> Result<String> {
        let path = format!("/vaults/{}/keys/lake", self.vault.name);
        let body = json!({"keyType": "EC-P256"});
        let made = self.lake.admin(Method::PUT, &path, Some(body)).await?;
        Ok(made["version"].as_str().context("version")?.to_owned())
    }

    /// The object that stands for the vault is there, and the vault with it.
    async fn vault_is_kept(&self) -> Result<()> {
        self.vault
            .ready(|spec| {
                spec["adopt"] = json!("Always");
                spec["purgeProtection"] = json!(true);
            })
            .await
            .map(drop)
    }

    /// The spec's part about the key.
    fn encryption(&self, version: Option<&str>) -> Value {
        let mut key = json!({"vaultRef": {"name": self.vault.name}, "name": "lake"});
        if let Some(version) = version {
            key["version"] = json!(version);
        }
        json!({"key": key, "userAssignedIdentity": self.keeper})
    }

    /// What the simulator says of the key.
    async fn key(&self) -> Result<Value> {
        let account = self.lake.in_azure().await?.context("no account")?;
        let encryption = &account["encryption"];
        ensure!(
            encryption["keySource"] == "Microsoft.Keyvault",
            "{encryption}"
        );
        Ok(encryption["key"].clone())
    }
}

async fn an_account_that_waits_for_its_key_vault_goes_on_with_it(kit: Kit) -> Result<()> {
    let sealed = Sealed::new(kit).await?;
    sealed.version().await?;
    let encryption = sealed.encryption(None);
    sealed
        .lake
        .apply(|spec| spec["encryption"] = encryption.clone())
        .await?;
    let waits = sealed.lake.says("Synced", "False", "WaitingForVault");
    let message = waits.await?;
    ensure!(message.contains(&sealed.vault.name), "{message}");
    ensure!(
        sealed.lake.in_azure().await?.is_none(),
        "it was made with another key"
    );
    // Nobody asks for a look, and without news there is none for minutes.
    sealed.vault_is_kept().await?;
    let status = sealed.lake.is_ready().await?;
    ensure!(is(&status, "Drifted", "False", "InSync"), "{status:?}");
    let key = sealed.key().await?;
    let uri = key["vaultUri"].as_str().context("vaultUri")?;
    ensure!(uri.contains(&sealed.vault.name), "{key}");
    ensure!(key["name"] == "lake" && key["version"].is_null(), "{key}");
    Ok(())
}

async fn the_key_that_data_is_encrypted_with_is_kept_as_declared(kit: Kit) -> Result<()> {
    let sealed = Sealed::new(kit).await?;
    sealed.vault_is_kept().await?;
    let first = sealed.version().await?;
    let lake = &sealed.lake;
    // At first with Microsoft's own key; then another one by each spec.
    lake.ready(|_| ()).await?;
    let with = |version: Option<&str>| {
        let encryption = sealed.encryption(version);
        move |spec: &mut Value| spec["encryption"] = encryption
    };
    lake.ready(with(Some(&first))).await?;
    ensure!(sealed.key().await?["version"] == first.as_str());
    let account = lake.in_azure().await?.context("no account")?;
    let identity = account["identity"].to_string().to_lowercase();
    ensure!(
        identity.contains(&sealed.keeper.to_lowercase()),
        "{identity}"
    );
    let second = sealed.version().await?;
    lake.ready(with(Some(&second))).await?;
    ensure!(sealed.key().await?["version"] == second.as_str());
    // Somebody else sets it back.
    let account = lake.in_azure().await?.context("no account")?;
    let mut encryption = account["encryption"].clone();
    encryption["key"]["version"] = json!(first);
    lake.spoil(&json!({ "encryption": encryption })).await?;
    let writes = lake.estate.writes().await?.len();
    let status = lake.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    ensure!(
        sealed.key().await?["version"] == second.as_str(),
        "it was not repaired"
    );
    let writes = lake.estate.writes().await?.split_off(writes);
    ensure!(writes == ["UpdateStorageAccount"], "{writes:?}");
    // Without a version it is the newest, and as it is that is no difference.
    lake.ready(with(None)).await?;
    ensure!(sealed.key().await?["version"].is_null());
    let writes = lake.estate.writes().await?;
    lake.look().await?;
    ensure!(lake.estate.writes().await? == writes, "it is written again");
    Ok(())
}
