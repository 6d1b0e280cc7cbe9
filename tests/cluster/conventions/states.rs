//! Each state of each kind, as kstatus (Flux, helm) and Argo CD see it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::{Fault, FaultRule, binaries};

use super::rules::{
    GOING, GOOD, RESTING, STUCK, UNDER_WAY, argocd_cm, becomes, by_argocd, by_kstatus,
};
use super::{kubectl, kubectl_with};
use crate::data_lake_accounts::lakes::Lake;
use crate::key_vaults::estate::Estate;
use crate::kit::{Kit, PLANTED};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        what_the_operator_has_not_seen_is_under_way,
        a_sync_waits_works_rests_and_goes,
        an_outage_takes_nothing_away_and_keeps_new_syncs_under_way,
        what_needs_a_hand_has_failed,
        an_identity_waits_for_its_credential_and_fails_by_a_wrong_one,
        a_lent_identity_is_judged_as_others,
        a_vault_is_under_way_while_azure_works,
        a_lake_is_under_way_while_azure_works,
        the_documented_patch_is_what_argo_cd_then_has
    ]
}

/// An object as the API server would store it, before anybody else has seen it.
async fn what_the_operator_has_not_seen_is_under_way(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let kit = &estate.kit;
    let lent = json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "ClusterAzureIdentity",
        "metadata": {"name": kit.namespace}, "spec": {"managedIdentity": {}}
    });
    let mut lake = estate.vault(|_| ());
    lake["kind"] = json!("DataLakeAccount");
    lake["metadata"]["name"] = json!("lakeone");
    let objects = [
        estate.identity("another"),
        lent,
        estate.vault(|_| ()),
        lake,
        kit.sync("app", &[("K", "s")], |_| ()),
    ];
    for object in objects {
        let words = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
        let stored = kubectl_with(kit, &words, &object).await?;
        let verdicts = [
            by_kstatus(&stored).await?,
            by_argocd(&argocd_cm(), &stored).await?,
        ];
        let states = verdicts.iter().flatten().map(|one| one.status.as_str());
        ensure!(states.eq(UNDER_WAY), "{verdicts:?}");
    }
    Ok(())
}

async fn a_sync_waits_works_rests_and_goes(kit: Kit) -> Result<()> {
    kit.plant("s", "first").await?;
    kit.apply(kit.sync("app", &[("K", "s")], |_| ())).await?;
    becomes(&kit, "vss/app", UNDER_WAY, "IdentityNotFound: ").await?;
    kit.make_identity().await?;
    becomes(&kit, "vss/app", GOOD, "Secret app holds").await?;
    kit.edit("app", json!({"spec": {"suspend": true}})).await?;
    becomes(&kit, "vss/app", RESTING, "").await?;
    kit.edit("app", json!({"spec": {"suspend": false}})).await?;
    becomes(&kit, "vss/app", GOOD, "").await?;
    // Somebody's finalizer keeps it for a while.
    let finalizers = |names: Value| json!({"metadata": {"finalizers": names}});
    kit.edit("app", finalizers(json!(["example.com/test"])))
        .await?;
    kubectl(&kit, &["delete", "vss", "app", "--wait=false"]).await?;
    becomes(&kit, "vss/app", GOING, "").await?;
    kit.edit("app", finalizers(Value::Null)).await?;
    kubectl(&kit, &["wait", "vss/app", "--for=delete", "--timeout=30s"]).await?;
    Ok(())
}

async fn an_outage_takes_nothing_away_and_keeps_new_syncs_under_way(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let host = format!("{}.{}", kit.vault, kit.endpoints().key_vault_suffix);
    let rule = FaultRule::new(&host, Fault::status(503));
    let fault = kit.admin().add_fault(&rule).await?;
    kit.sync_now("app").await?;
    kit.says("app", "Synced", "False", "AzureUnavailable")
        .await?;
    becomes(&kit, "vss/app", GOOD, "in use, although: ").await?;
    kit.apply(kit.sync("late", &[("K", "s")], |_| ())).await?;
    becomes(&kit, "vss/late", UNDER_WAY, "AzureUnavailable: ").await?;
    // What is declared anew is not there before the vault answers.
    let more =
        json!([{"key": "K", "secret": {"name": "s"}}, {"key": "L", "secret": {"name": "s"}}]);
    kit.edit("app", json!({"spec": {"data": more}})).await?;
    becomes(&kit, "vss/app", UNDER_WAY, "AzureUnavailable: ").await?;
    kit.admin().remove_fault(&fault).await?;
    for sync in ["app", "late"] {
        kit.sync_now(sync).await?;
        becomes(&kit, &format!("vss/{sync}"), GOOD, "Secret").await?;
    }
    Ok(())
}

async fn what_needs_a_hand_has_failed(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    kit.make_secret("theirs", json!({"K": "theirs"}), json!({}))
        .await?;
    kit.apply(kit.sync("theirs", &[("K", "s")], |_| ())).await?;
    becomes(&kit, "vss/theirs", STUCK, "TargetNotOurs: ").await?;
    // Also where what was synced before is still there, and until it is mended.
    kit.make_secret("local", json!({"k": "v"}), json!({}))
        .await?;
    let push = json!([{"from": {"secret": "local", "key": "k"}, "to": {"secret": "pushed"}}]);
    kit.edit("app", json!({"spec": {"push": push}})).await?;
    becomes(&kit, "vss/app", STUCK, "PushNotAllowed: ").await?;
    kit.edit("app", json!({"spec": {"push": null}})).await?;
    becomes(&kit, "vss/app", GOOD, "Secret app holds").await
}

async fn an_identity_waits_for_its_credential_and_fails_by_a_wrong_one(kit: Kit) -> Result<()> {
    let credential = json!({"clientSecret": {"name": "sp", "key": "secret"}});
    kit.apply(kit.identity("main", credential)).await?;
    becomes(&kit, "azid/main", UNDER_WAY, "CredentialNotFound: ").await?;
    kit.make_credential("sp", &format!("{PLANTED}wrong"))
        .await?;
    becomes(&kit, "azid/main", STUCK, "InvalidClientSecret: ").await?;
    kit.make_credential("sp", &kit.client_secret).await?;
    becomes(&kit, "azid/main", GOOD, "tokens for Key Vault").await
}

async fn a_lent_identity_is_judged_as_others(kit: Kit) -> Result<()> {
    let system = Kit {
        namespace: "lakevault-system".to_owned(),
        ..kit.clone()
    };
    let secret = format!("sp-{}", kit.namespace);
    let credential = json!({"clientSecret": {"name": secret, "key": "secret"}});
    let mut identity = kit.identity("main", credential);
    identity["kind"] = json!("ClusterAzureIdentity");
    identity["metadata"] = json!({"name": kit.namespace});
    kit.apply(identity).await?;
    let named = format!("cazid/{}", kit.namespace);
    becomes(&kit, &named, UNDER_WAY, "CredentialNotFound: ").await?;
    system.make_credential(&secret, &kit.client_secret).await?;
    becomes(&kit, &named, GOOD, "tokens for Key Vault").await
}

async fn a_vault_is_under_way_while_azure_works(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let kit = &estate.kit;
    let vault = format!("kv/{}", estate.name);
    let hold = || Fault::HoldBefore(true);
    estate.fault("CreateOrUpdateVault", hold(), Some(1)).await?;
    estate.apply(|_| ()).await?;
    let held = estate.held(1).await?;
    becomes(kit, &vault, UNDER_WAY, "").await?;
    estate.release(held[0], "goOn").await?;
    becomes(kit, &vault, GOOD, "the vault exists").await?;
    // A change is under way although the vault can be used.
    estate.fault("UpdateVault", hold(), Some(1)).await?;
    estate
        .apply(|spec| spec["tags"] = json!({"team": "payments"}))
        .await?;
    let held = estate.held(1).await?;
    becomes(kit, &vault, UNDER_WAY, "").await?;
    estate.release(held[0], "goOn").await?;
    becomes(kit, &vault, GOOD, "the vault exists").await?;
    let theirs = estate.beside("theirs").await?;
    theirs.make_in_azure(|_| ()).await?;
    theirs.apply(|_| ()).await?;
    let vault = format!("kv/{}", theirs.name);
    becomes(kit, &vault, STUCK, "ResourceNotOurs: ").await
}

async fn a_lake_is_under_way_while_azure_works(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let kit = &lake.kit;
    let account = format!("dla/{}", lake.name);
    let hold = Fault::HoldBefore(true);
    lake.estate
        .fault("CreateStorageAccount", hold, Some(1))
        .await?;
    lake.apply(|_| ()).await?;
    let held = lake.held(1).await?;
    becomes(kit, &account, UNDER_WAY, "").await?;
    lake.release(held[0], "goOn").await?;
    becomes(kit, &account, GOOD, "the account exists").await?;
    let theirs = lake.beside("theirs").await?;
    theirs.make_in_azure(|_| ()).await?;
    theirs.apply(|_| ()).await?;
    let account = format!("dla/{}", theirs.name);
    becomes(kit, &account, STUCK, "ResourceNotOurs: ").await
}

async fn the_documented_patch_is_what_argo_cd_then_has(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let page = binaries::repository().join("docs/gitops.md");
    let page = std::fs::read_to_string(page)?;
    let line = page.lines().find(|line| line.contains("patch configmap"));
    let line = line.context("docs/gitops.md does not patch argocd-cm")?;
    let words = line.trim_start_matches("kubectl -n argocd ");
    let file = argocd_cm().display().to_string();
    let words = words.replace("deploy/argocd/argocd-cm.yaml", &file);
    // As Argo CD has it from the start, with a key of somebody's own.
    let create = ["create", "configmap", "argocd-cm", "--from-literal=url=x"];
    kubectl(&kit, &create).await?;
    let words: Vec<&str> = words.split_whitespace().collect();
    kubectl(&kit, &words).await?;
    let there = kubectl(&kit, &["get", "configmap", "argocd-cm", "-o", "json"]).await?;
    let config: Value = serde_json::from_str(&there)?;
    ensure!(config["data"]["url"] == "x", "{there}");
    let written = tempfile::NamedTempFile::new()?;
    std::fs::write(written.path(), &there)?;
    let objects = kubectl(&kit, &["get", "lakevault", "-o", "json"]).await?;
    let verdicts = by_argocd(written.path(), &objects).await?;
    let namespaced = verdicts
        .iter()
        .filter(|one| one.kind != "ClusterAzureIdentity");
    let states: Vec<&str> = namespaced.map(|one| one.status.as_str()).collect();
    ensure!(states == ["Healthy", "Healthy"], "{verdicts:?}");
    Ok(())
}
