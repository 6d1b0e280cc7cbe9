//! A sync's life: looks in time, edits at once, rests, silence where nothing changes, and the end of its namespace.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::hands::version;
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_rotation_comes_by_the_interval_alone,
        a_steady_sync_writes_nothing,
        once_means_one_look,
        a_suspended_sync_rests_and_resumes,
        an_edited_spec_is_used_at_once,
        a_look_is_made_for_each_new_word,
        events_tell_trouble_and_recovery_only,
        a_namespace_goes_at_once,
        a_namespace_with_merged_keys_goes_at_once
    ]
}

/// As [`Kit::synced_app`], with another spec.
async fn synced(kit: &Kit, change: impl FnOnce(&mut Value)) -> Result<String> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "first").await?;
    kit.apply(kit.sync("app", &[("K", "s")], change)).await?;
    kit.is_synced("app").await?;
    Ok(value)
}

fn every_ten_seconds(spec: &mut Value) {
    spec["refreshInterval"] = "10s".into();
}

async fn a_rotation_comes_by_the_interval_alone(kit: Kit) -> Result<()> {
    synced(&kit, every_ten_seconds).await?;
    let (second, version) = kit.plant("s", "second").await?;
    kit.holds("app", &[("K", &second)]).await?;
    kit.status_when("app", "the new version is told", |status| {
        status.keys.first().and_then(|key| key.version.as_ref()) == Some(&version)
    })
    .await?;
    kit.is_synced("app").await
}

async fn a_steady_sync_writes_nothing(kit: Kit) -> Result<()> {
    synced(&kit, every_ten_seconds).await?;
    kit.settled("app", "app").await?;
    let (secret, sync) = (kit.secret("app").await?, kit.syncs().get("app").await?);
    // The first look after these is whole when the next one has begun.
    kit.asked_at_least(kit.asked().await? + 3).await?;
    ensure!(
        version(&kit.secret("app").await?) == version(&secret),
        "the Secret was written"
    );
    let after = kit.syncs().get("app").await?;
    ensure!(
        after.metadata.resource_version == sync.metadata.resource_version,
        "the sync was written: {:?} became {:?}",
        sync.status,
        after.status
    );
    let reads = kit.audited("secrets")?;
    let values = reads
        .iter()
        .filter(|entry| entry.verb == "get" && entry.name == "app");
    ensure!(values.count() <= 1, "the Secret was read again: {reads:#?}");
    Ok(())
}

async fn once_means_one_look(kit: Kit) -> Result<()> {
    let value = synced(&kit, |spec| spec["refreshInterval"] = "0s".into()).await?;
    let status = kit.syncs().get("app").await?.status.unwrap_or_default();
    ensure!(status.next_check.is_none(), "{status:?}");
    kit.plant("s", "second").await?;
    // Another sync of the vault is looked at by its interval twice meanwhile.
    kit.apply(kit.sync("other", &[("K", "s")], every_ten_seconds))
        .await?;
    kit.is_synced("other").await?;
    kit.asked_at_least(1 + 1 + 2).await?;
    kit.holds("app", &[("K", &value)]).await?;
    let (third, _) = kit.plant("s", "third").await?;
    kit.look("app").await?;
    kit.holds("app", &[("K", &third)]).await
}

async fn a_suspended_sync_rests_and_resumes(kit: Kit) -> Result<()> {
    let value = synced(&kit, every_ten_seconds).await?;
    kit.edit("app", json!({"spec": {"suspend": true}})).await?;
    let message = kit.says("app", "Synced", "Unknown", "Suspended").await?;
    teaches(&message, &["spec.suspend is true"])?;
    kit.says("app", "Ready", "True", "AllKeysPresent").await?;
    let (second, _) = kit.plant("s", "second").await?;
    let asked = kit.asked().await?;
    kit.damage("app", json!({"stringData": {"K": "by hand"}}))
        .await?;
    kit.sync_now("app").await?;
    kit.marker().await?;
    kit.holds("app", &[("K", "by hand")]).await?;
    ensure!(
        kit.asked().await? == asked,
        "the vault was asked for a sync that rests"
    );
    ensure!(value != second);
    kit.edit("app", json!({"spec": {"suspend": false}})).await?;
    kit.holds("app", &[("K", &second)]).await?;
    kit.is_synced("app").await
}

async fn an_edited_spec_is_used_at_once(kit: Kit) -> Result<()> {
    // Of a sync that has nothing else to wait for.
    synced(&kit, |spec| spec["refreshInterval"] = "0s".into()).await?;
    let (other, other_version) = kit.plant("other", "first").await?;
    kit.edit(
        "app",
        json!({"spec": {"data": [{"key": "NEW", "secret": {"name": "other"}}]}}),
    )
    .await?;
    kit.holds("app", &[("NEW", &other)]).await?;
    let status = kit
        .status_when("app", "the new key is told", |status| {
            status.summary.as_deref() == Some("1/1")
        })
        .await?;
    let key = &status.keys[0];
    ensure!(
        (key.key.as_str(), key.object.as_str()) == ("NEW", "other")
            && key.version == Some(other_version),
        "{key:?}"
    );
    Ok(())
}

async fn a_look_is_made_for_each_new_word(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let asked = kit.asked().await?;
    let status = kit.look("app").await?;
    ensure!(status.handled_sync_at.is_some());
    kit.look("app").await?;
    // The same word once more is nothing new, nor is an edit of other metadata.
    let word = kit.syncs().get("app").await?.metadata.annotations;
    kit.edit(
        "app",
        json!({"metadata": {"annotations": word, "labels": {"touched": "yes"}}}),
    )
    .await?;
    kit.marker().await?;
    let looks = kit.asked().await? - asked;
    ensure!(looks == 2, "{looks} looks for two words");
    Ok(())
}

async fn events_tell_trouble_and_recovery_only(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    kit.plant("s", "second").await?;
    kit.look("app").await?;
    ensure!(
        kit.events("app").await?.is_empty(),
        "routine is no news: {:?}",
        kit.events("app").await?
    );
    let enable = |enabled: bool| json!({"enabled": enabled});
    let admin = kit.admin();
    admin.patch_secret(&kit.vault, "s", &enable(false)).await?;
    kit.look("app").await?;
    kit.says("app", "Synced", "False", "ObjectDisabled").await?;
    // Trouble that lasts is told once.
    kit.look("app").await?;
    admin.patch_secret(&kit.vault, "s", &enable(true)).await?;
    kit.look("app").await?;
    kit.is_synced("app").await?;
    kit.look("app").await?;
    let told = ["ObjectDisabled Warning", "UpToDate Normal"];
    testbed::until(crate::kit::SOON, "both Events", async || {
        let events = kit.events("app").await.map_err(testbed::poll::seen)?;
        testbed::poll::expect(&events, &told.map(str::to_owned).to_vec())
    })
    .await
}

async fn ends(kit: &Kit) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(kit.client());
    namespaces
        .delete(&kit.namespace, &DeleteParams::default())
        .await?;
    kit.is_gone(namespaces, &kit.namespace).await?;
    let log = std::fs::read_to_string(kit.world.operator.log())?;
    let complaints: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(&kit.namespace))
        .filter(|line| line.contains("\"WARN\"") || line.contains("\"ERROR\""))
        .collect();
    ensure!(complaints.len() <= 3, "{}", complaints.join("\n"));
    Ok(())
}

async fn a_namespace_goes_at_once(kit: Kit) -> Result<()> {
    synced(&kit, every_ten_seconds).await?;
    ends(&kit).await
}

async fn a_namespace_with_merged_keys_goes_at_once(kit: Kit) -> Result<()> {
    kit.make_secret(
        "shared",
        json!({"THEIRS": "theirs"}),
        json!({"lakevault.dev/allow-sync": "app"}),
    )
    .await?;
    synced(&kit, |spec| {
        every_ten_seconds(spec);
        spec["target"] = json!({"name": "shared", "ownership": "Merge"});
    })
    .await?;
    let sync = kit.syncs().get("app").await?;
    ensure!(
        sync.metadata.finalizers.is_some(),
        "this test would show nothing"
    );
    ends(&kit).await
}
