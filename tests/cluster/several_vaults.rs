//! Objects of several vaults in one sync, and objects that may be absent.

use anyhow::{Result, ensure};
use serde_json::json;
use testbed::{Fault, FaultRule};

use crate::documents::may;
use crate::kit::{Kit, teaches};
use crate::scene::requests;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        each_vault_of_a_sync_fails_alone,
        vaults_of_unequal_speed_serve_one_sync,
        an_optional_object_may_be_absent_and_may_come,
    ]
}

async fn each_vault_of_a_sync_fails_alone(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let other = Kit {
        vault: format!("{}-other", kit.vault),
        ..kit.clone()
    };
    other.make_vault(&other.vault).await?;
    let closed = format!("{}-closed", kit.vault);
    kit.make_vault(&closed).await?;
    may(&kit, &closed, &[]).await?;
    let (own, _) = kit.plant("s", "one").await?;
    let (theirs, _) = other.plant("s", "one").await?;
    let url = |vault: &str| kit.endpoints().vault_url(vault);
    let sync = kit.sync(
        "app",
        &[("OWN", "s"), ("OTHER", "s"), ("CLOSED", "s")],
        |spec| {
            spec["refreshInterval"] = json!("10s");
            spec["data"][1]["vaultUri"] = json!(url(&other.vault));
            spec["data"][2]["vaultUri"] = json!(url(&closed));
        },
    );
    kit.apply(sync).await?;
    // One vault does not let the identity in: it has no key of it, and all others.
    let message = kit.says("app", "Ready", "False", "Forbidden").await?;
    teaches(&message, &["no value for CLOSED", &closed])?;
    kit.holds("app", &[("OTHER", &theirs), ("OWN", &own)])
        .await?;
    let data = json!({"spec": {"data": [
        {"key": "OWN", "secret": {"name": "s"}},
        {"key": "OTHER", "secret": {"name": "s"}, "vaultUri": url(&other.vault)}
    ]}});
    kit.edit("app", data).await?;
    kit.is_synced("app").await?;
    // One is away: its key stays, and the other vault is followed.
    let host = format!("{}.{}", other.vault, kit.endpoints().key_vault_suffix);
    let away = FaultRule::new(&host, Fault::DnsFailure(true));
    let away = kit.admin().add_fault(&away).await?;
    let (newer, _) = other.plant("s", "two").await?;
    let (own, _) = kit.plant("s", "two").await?;
    kit.look("app").await?;
    let message = kit.says("app", "Synced", "False", "HostNotFound").await?;
    teaches(&message, &["OTHER: ", &host])?;
    kit.holds("app", &[("OTHER", &theirs), ("OWN", &own)])
        .await?;
    kit.admin().remove_fault(&away).await?;
    kit.holds("app", &[("OTHER", &newer), ("OWN", &own)])
        .await?;
    kit.is_synced("app").await
}

async fn an_optional_object_may_be_absent_and_may_come(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "one").await?;
    let sync = kit.sync("app", &[("K", "s"), ("O", "late")], |spec| {
        spec["refreshInterval"] = json!("10s");
        spec["data"][1]["optional"] = json!(true);
    });
    kit.apply(sync).await?;
    kit.holds("app", &[("K", &value)]).await?;
    kit.is_synced("app").await?;
    kit.says("app", "Ready", "True", "AllKeysPresent").await?;
    let (late, _) = kit.plant("late", "one").await?;
    kit.holds("app", &[("K", &value), ("O", &late)]).await?;
    kit.is_synced("app").await?;
    // Optional is about absence alone.
    let off = json!({"enabled": false});
    kit.admin().patch_secret(&kit.vault, "late", &off).await?;
    kit.look("app").await?;
    kit.says("app", "Synced", "False", "ObjectDisabled").await?;
    kit.holds("app", &[("K", &value), ("O", &late)]).await
}

/// What comes of one vault waits for what comes of the other: neither is read again because of it.
async fn vaults_of_unequal_speed_serve_one_sync(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let slow = Kit {
        vault: format!("{}-slow", kit.vault),
        ..kit.clone()
    };
    slow.make_vault(&slow.vault).await?;
    let host = format!("{}.{}", slow.vault, kit.endpoints().key_vault_suffix);
    let late = FaultRule::new(&host, Fault::LatencyMs(500));
    kit.admin().add_fault(&late).await?;
    let (quick_value, _) = kit.plant("s", "one").await?;
    let (slow_value, _) = slow.plant("s", "one").await?;
    let sync = kit.sync("app", &[("QUICK", "s"), ("SLOW", "s")], |spec| {
        spec["data"][1]["vaultUri"] = json!(kit.endpoints().vault_url(&slow.vault));
    });
    kit.apply(sync).await?;
    kit.holds("app", &[("QUICK", &quick_value), ("SLOW", &slow_value)])
        .await?;
    for vault in [&kit.vault, &slow.vault] {
        let reads = requests(&kit, vault, "GetSecret").await?.len();
        ensure!(reads == 1, "{vault} was read {reads} times");
    }
    Ok(())
}
