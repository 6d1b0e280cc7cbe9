//! The vault hub from outside: how often a vault is asked, by what, and for whom.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};
use testbed::simulator::JournalEntry;
use testbed::{Fault, FaultRule, until};

use crate::hands::version;
use crate::kit::Kit;
use crate::scene::{neighbour, requests};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        many_objects_are_looked_at_by_one_list,
        an_identity_that_may_not_list_reads,
        one_read_of_a_rotated_object_serves_all_its_syncs,
        an_update_in_the_second_of_the_read_arrives,
        a_vault_that_hangs_holds_up_no_other,
        a_new_version_among_many_is_the_only_one_that_is_read
    ]
}

/// Longer than three intervals of ten seconds.
const THREE_LOOKS: Duration = Duration::from_secs(50);

fn often(spec: &mut Value) {
    spec["refreshInterval"] = "10s".into();
}

/// So many syncs of three secrets each, all with values of their own.
async fn many(kit: &Kit, syncs: usize) -> Result<()> {
    kit.make_identity().await?;
    for sync in 0..syncs {
        let names: Vec<String> = (0..3).map(|at| format!("s{sync}-{at}")).collect();
        for name in &names {
            kit.plant(name, "first").await?;
        }
        let keys: Vec<(&str, &str)> = ["A", "B", "C"]
            .into_iter()
            .zip(names.iter().map(String::as_str))
            .collect();
        kit.apply(kit.sync(&format!("app-{sync}"), &keys, often))
            .await?;
    }
    for sync in 0..syncs {
        kit.is_synced(&format!("app-{sync}")).await?;
    }
    Ok(())
}

/// What a vault was asked since a moment, by operation.
async fn asked(kit: &Kit, operation: &str) -> Result<Vec<JournalEntry>> {
    requests(kit, &kit.vault, operation).await
}

/// Waits until the vault has been listed so many times more.
async fn listed(kit: &Kit, times: usize) -> Result<()> {
    let before = asked(kit, "ListSecrets").await?.len();
    until(THREE_LOOKS, "the vault is listed", async || {
        let now = asked(kit, "ListSecrets").await.map_err(|e| e.to_string())?;
        let more = now.len().saturating_sub(before);
        if more >= times {
            Ok(())
        } else {
            Err(more.to_string())
        }
    })
    .await
}

/// Waits until nothing is read any more because it was read in the second of its update.
async fn settled(kit: &Kit) -> Result<()> {
    listed(kit, 3).await
}

async fn many_objects_are_looked_at_by_one_list(kit: Kit) -> Result<()> {
    many(&kit, 7).await?;
    settled(&kit).await?;
    let reads = asked(&kit, "GetSecret").await?.len();
    let lists = asked(&kit, "ListSecrets").await?.len();
    let secrets: Vec<String> = versions(&kit, 7).await?;
    listed(&kit, 3).await?;
    ensure!(
        asked(&kit, "GetSecret").await?.len() == reads,
        "values were read though nothing had changed"
    );
    // 21 secrets are one page; a look at them is one call.
    let more = asked(&kit, "ListSecrets").await?.len() - lists;
    ensure!(more <= 4, "{more} calls for 3 looks");
    ensure!(versions(&kit, 7).await? == secrets, "a Secret was written");
    Ok(())
}

async fn versions(kit: &Kit, syncs: usize) -> Result<Vec<String>> {
    let mut versions = Vec::new();
    for sync in 0..syncs {
        let secret: Secret = kit.secret(&format!("app-{sync}")).await?;
        versions.push(version(&secret).to_owned());
    }
    Ok(versions)
}

async fn a_new_version_among_many_is_the_only_one_that_is_read(kit: Kit) -> Result<()> {
    many(&kit, 4).await?;
    settled(&kit).await?;
    let reads = asked(&kit, "GetSecret").await?.len();
    let (value, _) = kit.plant("s2-1", "second").await?;
    until(THREE_LOOKS, "the new version arrives", async || {
        let data = kit.data("app-2").await.map_err(|e| e.to_string())?;
        if data.get("B") == Some(&value) {
            Ok(())
        } else {
            Err("the old one is there".to_owned())
        }
    })
    .await?;
    let read: Vec<String> = asked(&kit, "GetSecret")
        .await?
        .into_iter()
        .skip(reads)
        .map(|entry| entry.path)
        .collect();
    ensure!(
        !read.is_empty() && read.iter().all(|path| path.starts_with("/secrets/s2-1")),
        "{read:?} were read"
    );
    Ok(())
}

async fn an_identity_that_may_not_list_reads(kit: Kit) -> Result<()> {
    let host = format!("{}.{}", kit.vault, kit.endpoints().key_vault_suffix);
    let body = json!({"error": {"code": "Forbidden", "message": "no list", "innererror": {"code": "ForbiddenByRbac"}}});
    let forbidden = FaultRule::new(&host, Fault::body(403, &body)).on_path("^/secrets$");
    kit.admin().add_fault(&forbidden).await?;
    many(&kit, 1).await?;
    let (value, _) = kit.plant("s0-0", "second").await?;
    until(THREE_LOOKS, "the new version arrives", async || {
        let data = kit.data("app-0").await.map_err(|e| e.to_string())?;
        if data.get("A") == Some(&value) {
            Ok(())
        } else {
            Err("the old one is there".to_owned())
        }
    })
    .await?;
    kit.is_synced("app-0").await?;
    let lists = asked(&kit, "ListSecrets").await?.len();
    ensure!(
        lists <= 1,
        "a list that is forbidden was tried {lists} times"
    );
    Ok(())
}

async fn one_read_of_a_rotated_object_serves_all_its_syncs(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.plant("s", "first").await?;
    for at in 0..8 {
        kit.apply(kit.sync(&format!("app-{at}"), &[("K", "s")], often))
            .await?;
    }
    for at in 0..8 {
        kit.is_synced(&format!("app-{at}")).await?;
    }
    settled(&kit).await?;
    let reads = asked(&kit, "GetSecret").await?.len();
    let (value, _) = kit.plant("s", "second").await?;
    for at in 0..8 {
        kit.holds(&format!("app-{at}"), &[("K", &value)]).await?;
    }
    // Once for the new version, and once more where it was read in the second of its update.
    let more = asked(&kit, "GetSecret").await?.len() - reads;
    ensure!((1..=2).contains(&more), "{more} reads for 8 syncs");
    Ok(())
}

/// A vault tells times in whole seconds: the second of two updates within one second looks like the first.
async fn an_update_in_the_second_of_the_read_arrives(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.plant("s", "first").await?;
    kit.apply(kit.sync("app", &[("K", "s")], often)).await?;
    // As soon as a value has arrived the next one is there, again and again.
    for at in 0..5 {
        let (value, _) = kit.plant("s", &format!("next-{at}")).await?;
        kit.sync_now("app").await?;
        kit.plant("s", &format!("after-{at}")).await?;
        let last = kit.plant("s", &format!("last-{at}")).await?.0;
        ensure!(value != last);
        kit.holds("app", &[("K", &last)]).await?;
    }
    Ok(())
}

async fn a_vault_that_hangs_holds_up_no_other(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.plant("s", "first").await?;
    let other = neighbour(&kit).await?;
    other.make_identity().await?;
    other.plant("s", "first").await?;
    let host = format!("{}.{}", kit.vault, kit.endpoints().key_vault_suffix);
    kit.admin()
        .add_fault(&FaultRule::new(&host, Fault::Hang(true)))
        .await?;
    // More than there are workers, each of which would wait.
    for at in 0..100 {
        kit.apply(kit.sync(&format!("app-{at}"), &[("K", "s")], often))
            .await?;
    }
    other.apply(other.sync("app", &[("K", "s")], often)).await?;
    other.is_synced("app").await?;
    let (value, _) = other.plant("s", "second").await?;
    other.look("app").await?;
    other.holds("app", &[("K", &value)]).await?;
    kit.says("app-0", "Synced", "False", "TimedOut")
        .await
        .map(drop)
}
