//! Syncs that name KeyVaults instead of vaults.

use anyhow::{Context, Result, ensure};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use lakevault::key_vault::api::KeyVault;
use lakevault::vault_secret_sync::api::VaultSecretSyncStatus;
use serde_json::{Value, json};

use crate::documents::page::{SYNCS, Stage};
use crate::kit::{Kit, PLANTED, condition, teaches};
use crate::push::Desk;
use crate::scene::requests;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_sync_waits_for_its_key_vault_and_is_woken_by_it,
        what_was_synced_stays_when_a_key_vault_goes,
        a_key_vault_that_is_made_anew_for_another_vault_is_followed,
        while_a_vault_is_waited_for_templates_read_the_others_once,
        what_is_pushed_waits_and_nothing_is_deleted,
        the_pages_example_waits_and_is_synced,
    ]
}

impl Kit {
    pub fn key_vaults(&self) -> Api<KeyVault> {
        Api::namespaced(self.client(), &self.namespace)
    }

    /// Makes a KeyVault that observes a vault which is there, and has it tell where that is.
    pub async fn tell(&self, name: &str, vault: &str) -> Result<()> {
        self.apply(json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "KeyVault",
            // Whoever waits for something before it lets go need not.
            "metadata": {"name": name, "namespace": self.namespace, "annotations": {
                "lakevault.dev/detach": "true", "lakevault.dev/force-delete": "true"
            }},
            "spec": {
                "identityRef": {"name": "main"}, "subscriptionId": "33333333-3333-3333-3333-333333333333",
                "resourceGroup": {"name": "rg"}, "location": "westeurope", "mode": "Observe", "azureName": vault
            }
        }))
        .await?;
        self.says_of_itself(name, json!({"vaultUri": self.endpoints().vault_url(vault)}))
            .await
    }

    async fn says_of_itself(&self, name: &str, status: Value) -> Result<()> {
        let status = Patch::Merge(json!({ "status": status }));
        let params = PatchParams::default();
        self.key_vaults()
            .patch_status(name, &params, &status)
            .await?;
        Ok(())
    }

    pub async fn drop_key_vault(&self, name: &str) -> Result<()> {
        let params = DeleteParams::default();
        self.key_vaults().delete(name, &params).await?;
        self.is_gone(self.key_vaults(), name).await
    }
}

/// Sync `app` whose vault is that of KeyVault `kv`.
fn app(kit: &Kit, data: &[(&str, &str)], change: impl FnOnce(&mut Value)) -> Value {
    kit.sync("app", data, |spec| {
        spec.as_object_mut().unwrap().remove("vaultUri");
        spec["vaultRef"] = json!({"name": "kv"});
        spec["refreshInterval"] = json!("10s");
        change(spec);
    })
}

/// It comes to say that it waits, in a message with these words.
async fn waits(kit: &Kit, words: &[&str]) -> Result<()> {
    let what = format!("it waits: {words:?}");
    let fits = |status: &VaultSecretSyncStatus| {
        condition(status, "Synced").is_some_and(|synced| {
            let said = (synced.status.as_str(), synced.reason.as_str());
            let told = |word: &&str| synced.message.contains(*word);
            said == ("Unknown", "WaitingForVault") && words.iter().all(told)
        })
    };
    kit.status_when("app", &what, fits).await.map(drop)
}

async fn a_sync_waits_for_its_key_vault_and_is_woken_by_it(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "one").await?;
    // Whoever is not woken sleeps for longer than this test has patience.
    let rarely = |spec: &mut Value| spec["refreshInterval"] = json!("1h");
    kit.apply(app(&kit, &[("K", "s")], rarely)).await?;
    waits(&kit, &["there is no KeyVault kv", "kubectl get keyvaults"]).await?;
    let ready = kit.says("app", "Ready", "False", "WaitingForVault");
    teaches(&ready.await?, &["no value for K"])?;
    kit.says("app", "Degraded", "False", "Healthy").await?;
    kit.tell("kv", &kit.vault).await?;
    kit.holds("app", &[("K", &value)]).await?;
    kit.is_synced("app").await?;
    // Trouble of its management is none of the vault.
    let trouble = json!([{
        "type": "Ready", "status": "False", "reason": "TimedOut", "message": "no answer",
        "lastTransitionTime": "2026-11-20T07:00:00Z"
    }]);
    kit.says_of_itself("kv", json!({"conditions": trouble}))
        .await?;
    let (newer, _) = kit.plant("s", "two").await?;
    kit.look("app").await?;
    kit.holds("app", &[("K", &newer)]).await?;
    kit.is_synced("app").await
}

async fn what_was_synced_stays_when_a_key_vault_goes(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let shared = Kit {
        vault: format!("{}-shared", kit.vault),
        ..kit.clone()
    };
    shared.make_vault(&shared.vault).await?;
    let (own, _) = kit.plant("own", "one").await?;
    let (named, _) = shared.plant("named", "one").await?;
    let (found, _) = shared.plant("found-a", "one").await?;
    let apart = format!("{PLANTED}{}-apart", shared.vault);
    shared
        .put("config", &json!({ "APART": apart }).to_string())
        .await?;
    let of = json!({"name": "shared"});
    let sync = app(&kit, &[("OWN", "own"), ("NAMED", "named")], |spec| {
        // The hardest case: what is not found any more would go.
        spec["onMissing"] = json!("Remove");
        spec["data"][1]["vaultRef"] = of.clone();
        spec["dataFrom"] = json!([
            {"find": {"namePattern": "^found-"}, "vaultRef": of},
            {"expand": {"secret": {"name": "config"}}, "vaultRef": of}
        ]);
    });
    kit.apply(sync).await?;
    kit.tell("kv", &kit.vault).await?;
    // What comes of a known vault is there before the other one is.
    kit.holds("app", &[("OWN", &own)]).await?;
    waits(&kit, &["NAMED: there is no KeyVault shared"]).await?;
    kit.tell("shared", &shared.vault).await?;
    let all = [
        ("APART", apart.as_str()),
        ("NAMED", &named),
        ("OWN", &own),
        ("found-a", &found),
    ];
    kit.holds("app", &all).await?;
    kit.is_synced("app").await?;
    // One is gone: its keys stay, and the other vault is followed.
    kit.drop_key_vault("shared").await?;
    waits(&kit, &["KeyVault shared", "what was synced before stays"]).await?;
    kit.says("app", "Ready", "True", "AllKeysPresent").await?;
    let (newer, _) = kit.plant("own", "two").await?;
    let all = all.map(|(key, value)| (key, if key == "OWN" { &newer } else { value }));
    kit.holds("app", &all).await?;
    // None is known.
    kit.drop_key_vault("kv").await?;
    waits(&kit, &["KeyVault kv"]).await?;
    kit.look("app").await?;
    kit.holds("app", &all).await?;
    kit.tell("shared", &shared.vault).await?;
    kit.tell("kv", &kit.vault).await?;
    kit.is_synced("app").await?;
    shared
        .admin()
        .delete_secret(&shared.vault, "found-a")
        .await?;
    let (named, _) = shared.plant("named", "two").await?;
    let left = [
        ("APART", apart.as_str()),
        ("NAMED", named.as_str()),
        ("OWN", &newer),
    ];
    kit.holds("app", &left).await
}

async fn a_key_vault_that_is_made_anew_for_another_vault_is_followed(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let other = Kit {
        vault: format!("{}-other", kit.vault),
        ..kit.clone()
    };
    other.make_vault(&other.vault).await?;
    let (here, _) = kit.plant("s", "one").await?;
    let (there, _) = other.plant("s", "one").await?;
    kit.tell("kv", &kit.vault).await?;
    kit.apply(app(&kit, &[("K", "s")], |_| ())).await?;
    kit.holds("app", &[("K", &here)]).await?;
    kit.is_synced("app").await?;
    kit.drop_key_vault("kv").await?;
    kit.tell("kv", &other.vault).await?;
    kit.holds("app", &[("K", &there)]).await?;
    kit.is_synced("app").await
}

async fn while_a_vault_is_waited_for_templates_read_the_others_once(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let shared = Kit {
        vault: format!("{}-shared", kit.vault),
        ..kit.clone()
    };
    shared.make_vault(&shared.vault).await?;
    let (own, _) = kit.plant("own", "one").await?;
    let (theirs, _) = shared.plant("theirs", "one").await?;
    kit.tell("kv", &kit.vault).await?;
    kit.tell("shared", &shared.vault).await?;
    let sync = app(&kit, &[("OWN", "own"), ("THEIRS", "theirs")], |spec| {
        spec["data"][1]["vaultRef"] = json!({"name": "shared"});
        spec["template"] = json!({"data": {"both": "{{ OWN }} {{ THEIRS }}"}});
    });
    kit.apply(sync).await?;
    let both = format!("{own} {theirs}");
    kit.holds("app", &[("both", &both)]).await?;
    kit.settled("app", "app").await?;
    kit.drop_key_vault("shared").await?;
    waits(&kit, &["KeyVault shared"]).await?;
    kit.look("app").await?;
    let before = kit.read().await?;
    kit.marker().await?;
    kit.marker().await?;
    let reads = kit.read().await? - before;
    ensure!(reads <= 1, "the known vault was read {reads} times");
    kit.holds("app", &[("both", &both)]).await?;
    // A change of the known vault waits for the other one, and is not lost.
    let (newer, _) = kit.plant("own", "two").await?;
    kit.look("app").await?;
    kit.holds("app", &[("both", &both)]).await?;
    kit.tell("shared", &shared.vault).await?;
    let both = format!("{newer} {theirs}");
    kit.holds("app", &[("both", &both)]).await?;
    kit.is_synced("app").await
}

async fn what_is_pushed_waits_and_nothing_is_deleted(kit: Kit) -> Result<()> {
    let desk = Desk::set(kit).await?;
    let kit = &desk.kit;
    let mut sync = desk.app(&json!({"deletionPolicy": "Delete"}));
    let spec = sync["spec"].as_object_mut().context("no spec")?;
    spec.remove("vaultUri");
    spec.insert("vaultRef".to_owned(), json!({"name": "kv"}));
    kit.apply(sync).await?;
    let said = kit.says("app", "Pushed", "Unknown", "WaitingForVault");
    teaches(&said.await?, &["there is no KeyVault kv"])?;
    kit.tell("kv", &kit.vault).await?;
    desk.holds("db", &desk.value("first")).await?;
    desk.is_pushed().await?;
    kit.drop_key_vault("kv").await?;
    kit.says("app", "Pushed", "Unknown", "WaitingForVault")
        .await?;
    desk.source("second").await?;
    kit.marker().await?;
    let seen = kit.status_when("app", "still waits", |_| true).await?;
    let pushed = condition(&seen, "Pushed").context("no condition Pushed")?;
    ensure!(pushed.reason == "WaitingForVault", "{pushed:?}");
    let deleted = requests(kit, &kit.vault, "DeleteSecret").await?;
    ensure!(deleted.is_empty(), "{deleted:?}");
    desk.holds("db", &desk.value("first")).await?;
    kit.tell("kv", &kit.vault).await?;
    desk.holds("db", &desk.value("second")).await?;
    kit.says("app", "Pushed", "True", "UpToDate").await?;
    Ok(())
}

async fn the_pages_example_waits_and_is_synced(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let (kit, shared) = (&stage.kit, &stage.shared);
    let (own, _) = kit.plant("db-password", "one").await?;
    let (theirs, _) = shared.plant("api", "one").await?;
    kit.apply(stage.example(SYNCS, "### vaultRef")?).await?;
    let said = kit.says("by-name", "Ready", "False", "WaitingForVault");
    teaches(&said.await?, &["no value for DB_PASSWORD, API_KEY"])?;
    kit.tell("kv-shared", &shared.vault).await?;
    kit.tell("kv-payments", &kit.vault).await?;
    kit.holds("by-name", &[("API_KEY", &theirs), ("DB_PASSWORD", &own)])
        .await?;
    kit.is_synced("by-name").await
}
