//! Merge: keys in a Secret that somebody else keeps.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testbed::{Fault, FaultRule};

use crate::hands::{owners, plain, untouched};
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        only_our_keys_come_and_only_they_go,
        deletion_is_not_held_up_by_a_vault_or_an_authority,
        retained_keys_stay,
        a_secret_that_is_not_there_yet_is_waited_for,
        a_secret_that_does_not_allow_it_gets_no_key,
        of_two_that_want_one_key_the_second_waits_for_the_first
    ]
}

/// A sync that merges into Secret `shared`.
fn merging(kit: &Kit, name: &str, data: &[(&str, &str)], change: impl FnOnce(&mut Value)) -> Value {
    kit.sync(name, data, |spec| {
        spec["target"] = json!({"name": "shared", "ownership": "Merge"});
        change(spec);
    })
}

fn allow(names: &str) -> Value {
    json!({"lakevault.dev/allow-sync": names})
}

async fn only_our_keys_come_and_only_they_go(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "first").await?;
    let before = kit
        .make_secret("shared", json!({"THEIRS": "theirs"}), allow("app"))
        .await?;
    let template = json!({"labels": {"ours": "1"}, "annotations": {"ours.example.com/a": "1"}});
    kit.apply(merging(&kit, "app", &[("K", "s")], |spec| {
        spec["template"] = template;
    }))
    .await?;
    kit.holds("shared", &[("K", &value), ("THEIRS", "theirs")])
        .await?;
    kit.is_synced("app").await?;
    let merged = kit.secret("shared").await?;
    ensure!(owners(&merged).is_empty(), "{:?}", merged.metadata);
    ensure!(
        plain(merged.metadata.labels.as_ref()) == [("ours", "1")].into(),
        "{:?}",
        merged.metadata.labels
    );
    kit.damage("shared", json!({"stringData": {"THEIRS": "newer"}}))
        .await?;
    kit.look("app").await?;
    kit.holds("shared", &[("K", &value), ("THEIRS", "newer")])
        .await?;
    kit.remove("app").await?;
    kit.holds("shared", &[("THEIRS", "newer")]).await?;
    let after = kit.secret("shared").await?.metadata;
    let before = before.metadata;
    ensure!(
        (after.labels.unwrap_or_default(), after.annotations)
            == (before.labels.unwrap_or_default(), before.annotations),
        "something of ours was left behind"
    );
    Ok(())
}

async fn deletion_is_not_held_up_by_a_vault_or_an_authority(kit: Kit) -> Result<()> {
    // A tenant of its own, so that its authority alone can be cut off.
    let tenant = uuid::Uuid::new_v4().to_string();
    let application = json!({
        "clientId": kit.client_id, "objectId": kit.object_id, "name": "app", "secrets": [{"value": kit.client_secret}]
    });
    let vault = json!({
        "name": kit.vault, "tenantId": tenant, "subscriptionId": "33333333-3333-3333-3333-333333333333",
        "resourceGroup": "rg", "location": "westeurope", "authorization": "RBAC",
        "roleAssignments": [{"principalId": kit.object_id, "role": "Key Vault Secrets User"}]
    });
    kit.admin()
        .seed(&json!({"tenants": [{"id": tenant, "name": format!("{}.example.com", kit.vault), "applications": [application]}]}))
        .await?;
    kit.admin().put_vault(&kit.vault, &vault).await?;
    kit.make_credential("sp", &kit.client_secret).await?;
    let mut identity = kit.identity(
        "main",
        json!({"clientSecret": {"name": "sp", "key": "secret"}}),
    );
    identity["spec"]["tenantId"] = tenant.clone().into();
    kit.apply(identity.clone()).await?;
    let (value, _) = kit.plant("s", "first").await?;
    kit.make_secret("shared", json!({"THEIRS": "theirs"}), allow("app"))
        .await?;
    kit.apply(merging(&kit, "app", &[("K", "s")], |_| ()))
        .await?;
    kit.holds("shared", &[("K", &value), ("THEIRS", "theirs")])
        .await?;
    kit.is_synced("app").await?;

    let host = format!("{}.{}", kit.vault, kit.endpoints().key_vault_suffix);
    let refuses = |host: &str| FaultRule::new(host, Fault::status(503));
    let cut_vault = kit.admin().add_fault(&refuses(&host)).await?;
    let login = kit
        .endpoints()
        .authority_host
        .trim_start_matches("https://");
    let authority = refuses(login).on_path(&format!("^/{tenant}/"));
    let cut_authority = kit.admin().add_fault(&authority).await?;
    // Changed identities know no token any more: the authority is asked, too.
    identity["spec"]["cloud"]["custom"]["keyVault"]["audience"] =
        format!("{}/", kit.endpoints().key_vault_audience).into();
    kit.apply(identity).await?;
    kit.sync_now("app").await?;
    kit.says("app", "Degraded", "True", "AzureUnavailable")
        .await?;
    let removed = kit.remove("app").await;
    for fault in [cut_vault, cut_authority] {
        kit.admin().remove_fault(&fault).await?;
    }
    removed?;
    kit.holds("shared", &[("THEIRS", "theirs")]).await
}

async fn retained_keys_stay(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "first").await?;
    kit.make_secret("shared", json!({"THEIRS": "theirs"}), allow("app"))
        .await?;
    kit.apply(merging(&kit, "app", &[("K", "s")], |spec| {
        spec["target"]["deletionPolicy"] = "Retain".into();
    }))
    .await?;
    kit.is_synced("app").await?;
    let before = kit.secret("shared").await?;
    let sync = kit.syncs().get("app").await?;
    ensure!(
        sync.metadata.finalizers.is_none(),
        "nothing is to be undone: {:?}",
        sync.metadata
    );
    kit.remove("app").await?;
    kit.marker().await?;
    untouched(&before, &kit.secret("shared").await?)?;
    kit.holds("shared", &[("K", &value), ("THEIRS", "theirs")])
        .await
}

async fn a_secret_that_is_not_there_yet_is_waited_for(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "first").await?;
    kit.apply(merging(&kit, "app", &[("K", "s")], |_| ()))
        .await?;
    let message = kit
        .says("app", "Synced", "Unknown", "TargetNotFound")
        .await?;
    teaches(&message, &["Secret shared", "lakevault.dev/allow-sync=app"])?;
    kit.says("app", "Degraded", "False", "Healthy").await?;
    ensure!(kit.asked().await? == 0, "a vault was asked for nothing");
    kit.make_secret("shared", json!({"THEIRS": "theirs"}), allow("other, app"))
        .await?;
    kit.holds("shared", &[("K", &value), ("THEIRS", "theirs")])
        .await?;
    kit.is_synced("app").await?;
    ensure!(kit.events("app").await?.is_empty(), "waiting is no trouble");
    Ok(())
}

async fn a_secret_that_does_not_allow_it_gets_no_key(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.plant("s", "first").await?;
    let before = kit
        .make_secret("shared", json!({"THEIRS": "theirs"}), allow("another"))
        .await?;
    kit.apply(merging(&kit, "app", &[("K", "s")], |_| ()))
        .await?;
    let message = kit.says("app", "Synced", "False", "TargetNotOurs").await?;
    teaches(&message, &["Secret shared", "lakevault.dev/allow-sync=app"])?;
    kit.marker().await?;
    untouched(&before, &kit.secret("shared").await?)
}

async fn of_two_that_want_one_key_the_second_waits_for_the_first(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (a, _) = kit.plant("a", "first").await?;
    let (b, _) = kit.plant("b", "second").await?;
    kit.make_secret("shared", json!({"THEIRS": "theirs"}), allow("z,a"))
        .await?;
    kit.apply(merging(&kit, "z", &[("K", "a"), ("Z", "a")], |_| ()))
        .await?;
    kit.is_synced("z").await?;
    kit.apply(merging(&kit, "a", &[("K", "b"), ("A", "b")], |_| ()))
        .await?;
    let message = kit.says("a", "Synced", "False", "TargetClaimed").await?;
    teaches(
        &message,
        &["key K", "Secret shared", "VaultSecretSync z", "another key"],
    )?;
    kit.holds(
        "shared",
        &[("A", &b), ("K", &a), ("THEIRS", "theirs"), ("Z", &a)],
    )
    .await?;
    kit.look("a").await?;
    kit.look("z").await?;
    kit.is_synced("z").await?;
    kit.remove("z").await?;
    kit.holds("shared", &[("A", &b), ("K", &b), ("THEIRS", "theirs")])
        .await?;
    kit.is_synced("a").await
}
