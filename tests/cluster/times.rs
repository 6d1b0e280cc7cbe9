//! When the Secret may change: windows, versions outside of their time, immutable Secrets; and what is told of ends.

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};
use testbed::SecretBody;

use crate::kit::{Kit, SOON, condition, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_change_waits_for_a_window_and_comes_with_it,
        outside_of_windows_a_secret_is_made_and_repaired,
        an_expired_version_is_not_taken_unless_that_is_asked_for,
        an_end_is_told_ahead_by_condition_and_event,
        an_immutable_secret_is_left_or_made_anew_by_consent,
        another_type_is_made_anew_by_consent
    ]
}

/// A window that is open at this time, or not for half a day.
fn window(open: bool) -> Value {
    let hours = if open { 0 } else { 12 };
    let start = Timestamp::now() - SignedDuration::from_hours(hours);
    // It began some minutes ago at least, and lasts for hours.
    let hour = start.to_zoned(jiff::tz::TimeZone::UTC).hour();
    json!([{"schedule": format!("0 {hour} * * *"), "duration": "2h"}])
}

fn app(kit: &Kit, change: impl FnOnce(&mut Value)) -> Value {
    kit.sync("app", &[("K", "s")], change)
}

async fn a_change_waits_for_a_window_and_comes_with_it(kit: Kit) -> Result<()> {
    let first = kit.synced_app().await?;
    kit.apply(app(&kit, |spec| spec["windows"] = window(false)))
        .await?;
    let (second, version) = kit.plant("s", "second").await?;
    kit.sync_now("app").await?;
    let message = kit
        .says("app", "Synced", "Unknown", "WaitingForWindow")
        .await?;
    teaches(&message, &["K", "spec.windows"])?;
    kit.holds("app", &[("K", &first)]).await?;
    let status = kit.look("app").await?;
    let key = &status.keys[0];
    ensure!(key.error.is_none() && key.note.is_some(), "{key:?}");
    ensure!(key.version.as_ref() != Some(&version), "{key:?}");
    let degraded = condition(&status, "Degraded").context("no condition")?;
    ensure!(degraded.status == "False", "waiting is an error");
    kit.apply(app(&kit, |spec| spec["windows"] = window(true)))
        .await?;
    kit.holds("app", &[("K", &second)]).await?;
    kit.is_synced("app").await
}

async fn outside_of_windows_a_secret_is_made_and_repaired(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "first").await?;
    kit.apply(app(&kit, |spec| spec["windows"] = window(false)))
        .await?;
    kit.holds("app", &[("K", &value)]).await?;
    kit.is_synced("app").await?;
    kit.damage("app", json!({"stringData": {"K": "spoilt"}}))
        .await?;
    kit.holds("app", &[("K", &value)]).await
}

async fn an_expired_version_is_not_taken_unless_that_is_asked_for(kit: Kit) -> Result<()> {
    let first = kit.synced_app().await?;
    let expired = SecretBody {
        value: "ended".to_owned(),
        expires: Some("2020-01-01T00:00:00Z".to_owned()),
        ..SecretBody::default()
    };
    kit.admin().put_secret(&kit.vault, "s", expired).await?;
    kit.sync_now("app").await?;
    let message = kit.says("app", "Synced", "False", "Expired").await?;
    teaches(&message, &["s", "2020-01-01", "spec.validity"])?;
    kit.holds("app", &[("K", &first)]).await?;
    kit.apply(app(&kit, |spec| spec["validity"] = "Ignore".into()))
        .await?;
    kit.holds("app", &[("K", "ended")]).await?;
    kit.is_synced("app").await?;
    kit.says("app", "Expiring", "True", "Expired").await?;
    // What the Secret holds is repaired, also where it would not be taken any more.
    kit.apply(app(&kit, |_| ())).await?;
    kit.is_synced("app").await?;
    kit.damage("app", json!({"stringData": {"K": "spoilt"}}))
        .await?;
    kit.holds("app", &[("K", "ended")]).await
}

async fn an_end_is_told_ahead_by_condition_and_event(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let ends = Timestamp::now() + SignedDuration::from_hours(1_000);
    let body = SecretBody {
        value: "x".to_owned(),
        expires: Some(ends.to_string()),
        ..SecretBody::default()
    };
    kit.admin().put_secret(&kit.vault, "s", body).await?;
    kit.sync_now("app").await?;
    kit.says("app", "Expiring", "False", "NothingExpires")
        .await?;
    ensure!(kit.events("app").await?.is_empty(), "nothing is to be told");
    let soon = Timestamp::now() + SignedDuration::from_secs(8);
    let change = json!({"expires": soon.to_string()});
    kit.admin().patch_secret(&kit.vault, "s", &change).await?;
    kit.sync_now("app").await?;
    // An attribute that changes twice within a second is seen by a later look; the end comes by time alone.
    testbed::until(SOON, "the end is seen", async || {
        let status = kit.look("app").await.map_err(testbed::poll::seen)?;
        let seen = status.keys[0].expires.as_ref().map(|end| end.0);
        let near = seen.is_some_and(|end| end < Timestamp::now() + SignedDuration::from_mins(1));
        if near {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await?;
    let message = kit.says("app", "Expiring", "True", "Expired").await?;
    teaches(&message, &["K", "(s)", "new version"])?;
    testbed::until(SOON, "an Event", async || {
        let events = kit.events("app").await.map_err(testbed::poll::seen)?;
        let told = events.iter().any(|event| event.ends_with("Warning"));
        if told {
            Ok(())
        } else {
            Err(format!("{events:?}"))
        }
    })
    .await?;
    kit.plant("s", "fresh").await?;
    kit.sync_now("app").await?;
    let gone = |status: &lakevault::vault_secret_sync::api::VaultSecretSyncStatus| {
        condition(status, "Expiring").is_none()
    };
    kit.status_when("app", "nothing ends any more", gone)
        .await
        .map(drop)
}

fn uid(secret: &Secret) -> Option<&str> {
    secret.metadata.uid.as_deref()
}

async fn an_immutable_secret_is_left_or_made_anew_by_consent(kit: Kit) -> Result<()> {
    let first = kit.synced_app().await?;
    let target = |target: Value| app(&kit, |spec| spec["target"] = target);
    kit.apply(target(json!({"immutable": true}))).await?;
    let immutable = |secret: &Secret| secret.immutable == Some(true);
    let before = kit.secret_when("app", "it is immutable", immutable).await?;
    kit.is_synced("app").await?;
    let (second, _) = kit.plant("s", "second").await?;
    kit.sync_now("app").await?;
    let message = kit
        .says("app", "Synced", "False", "TargetImmutable")
        .await?;
    teaches(&message, &["Secret app", "spec.target.recreate"])?;
    kit.holds("app", &[("K", &first)]).await?;
    kit.apply(target(json!({"immutable": true, "recreate": true})))
        .await?;
    kit.holds("app", &[("K", &second)]).await?;
    kit.is_synced("app").await?;
    let after = kit.secrets().get("app").await?;
    ensure!(
        immutable(&after) && uid(&after) != uid(&before),
        "it was not made anew"
    );
    // It goes on so, and becomes mutable again when that is asked for.
    let (third, _) = kit.plant("s", "third").await?;
    kit.sync_now("app").await?;
    kit.holds("app", &[("K", &third)]).await?;
    kit.apply(target(json!({"recreate": true}))).await?;
    let mutable = |secret: &Secret| secret.immutable.is_none();
    kit.secret_when("app", "it is mutable", mutable).await?;
    kit.holds("app", &[("K", &third)]).await?;
    kit.is_synced("app").await
}

async fn another_type_is_made_anew_by_consent(kit: Kit) -> Result<()> {
    let value = kit.synced_app().await?;
    let typed = |target: Value| {
        app(&kit, |spec| {
            spec["template"] = json!({"type": "example.com/credential"});
            spec["target"] = target;
        })
    };
    kit.apply(typed(json!({}))).await?;
    let message = kit
        .says("app", "Synced", "False", "TargetTypeImmutable")
        .await?;
    teaches(
        &message,
        &["spec.target.recreate", "example.com/credential"],
    )?;
    kit.apply(typed(json!({"recreate": true}))).await?;
    let of_type = |secret: &Secret| secret.type_.as_deref() == Some("example.com/credential");
    kit.secret_when("app", "it has the type", of_type).await?;
    kit.holds("app", &[("K", &value)]).await?;
    kit.is_synced("app").await
}
