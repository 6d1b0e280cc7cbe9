//! Faults of single objects: what the vault does not give, and values that cannot be used. Each has its reason and its mend,
//! the other keys go on, the last good value stays.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::json;
use testbed::{SecretBody, poll, until};

use crate::kit::{Kit, PLANTED, SOON, teaches};
use crate::scene::{Scene, looks};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        secret_that_never_was,
        deleted_secret,
        disabled_secret,
        not_yet_valid,
        empty_value,
        too_large,
        property_missing,
        not_json,
        not_base64,
        two_keys_of_one_object,
        pinned_version,
        pinned_version_that_never_was,
    ]
}

async fn secret_that_never_was(kit: Kit) -> Result<()> {
    let scene = Scene::set(kit).await?;
    let kit = &scene.kit;
    let (value, _) = kit.plant("here", "one").await?;
    let half = kit.sync("half", &[("A", "here"), ("Z", "absent")], |_| ());
    kit.apply(half).await?;
    let message = kit
        .says("half", "Synced", "False", "ObjectNotFound")
        .await?;
    teaches(
        &message,
        &[
            "Z: ",
            "secret \"absent\"",
            "az keyvault secret list-deleted",
            &kit.vault,
        ],
    )?;
    let message = kit.says("half", "Ready", "False", "ObjectNotFound").await?;
    teaches(&message, &["no value for Z"])?;
    kit.holds("half", &[("A", &value)]).await?;
    scene.beside_goes_on().await?;
    let (absent, _) = kit.plant("absent", "one").await?;
    kit.sync_now("half").await?;
    kit.holds("half", &[("A", &value), ("Z", &absent)]).await?;
    kit.is_synced("half").await
}

async fn deleted_secret(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let vault = scene.kit.vault.clone();
    scene.kit.admin().delete_secret(&vault, "s").await?;
    let words = ["secret \"s\"", "az keyvault secret list-deleted", &vault];
    scene.one_key_fails("ObjectNotFound", &words).await?;
    scene.kit.admin().purge_secret(&vault, "s").await?;
    scene.recovers().await
}

async fn disabled_secret(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let vault = scene.kit.vault.clone();
    let admin = scene.kit.admin().clone();
    admin
        .patch_secret(&vault, "s", &json!({"enabled": false}))
        .await?;
    let words = [
        "az keyvault secret set-attributes",
        &vault,
        "--enabled true",
    ];
    scene.one_key_fails("ObjectDisabled", &words).await?;
    admin
        .patch_secret(&vault, "s", &json!({"enabled": true}))
        .await?;
    scene.kit.sync_now("app").await?;
    scene.is_well().await
}

async fn not_yet_valid(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let vault = scene.kit.vault.clone();
    // A vault knows whole seconds.
    let start = Timestamp::from_second(Timestamp::now().as_second() + 4)?;
    let tomorrow = format!("{PLANTED}{vault}-s-of-tomorrow");
    let body = SecretBody {
        not_before: Some(start.to_string()),
        ..SecretBody::from(tomorrow.as_str())
    };
    scene.kit.admin().put_secret(&vault, "s", body).await?;
    let words = ["secret \"s\"", "not valid before", "taken then"];
    scene.one_key_fails("NotYetValid", &words).await?;
    // Nobody asks for a look: the operator comes back when the time has come.
    scene.k_is(tomorrow);
    scene.is_well().await?;
    ensure!(Timestamp::now() >= start, "it came before its time");
    scene.recovers().await
}

async fn empty_value(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    scene.kit.put("s", "").await?;
    scene
        .one_key_fails(
            "EmptyValue",
            &["secret \"s\"", "never put into a Secret", "set a value"],
        )
        .await?;
    scene.recovers().await
}

async fn too_large(kit: Kit) -> Result<()> {
    let scene = Scene::set(kit).await?;
    let kit = &scene.kit;
    let keys: Vec<String> = (0..43).map(|n| format!("K{n}")).collect();
    let data: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "big")).collect();
    // 43 × 24,000 bytes fit into a Secret; 43 × 25,000 do not.
    let value = |size: usize| format!("{PLANTED}{}", "x".repeat(size - PLANTED.len()));
    // Compared by length: a difference would print a megabyte.
    let holds = async |size: usize| {
        until(SOON, &format!("43 keys of {size} bytes"), async || {
            let data = kit.data("big").await.map_err(|error| error.to_string())?;
            let sizes: Vec<usize> = data.values().map(String::len).collect();
            poll::expect(&sizes, &vec![size; keys.len()])
        })
        .await
    };
    kit.put("big", &value(24_000)).await?;
    kit.apply(kit.sync("big", &data, |spec| spec["refreshInterval"] = json!("10s")))
        .await?;
    holds(24_000).await?;
    kit.is_synced("big").await?;
    kit.put("big", &value(25_000)).await?;
    kit.look("big").await?;
    let message = kit.says("big", "Synced", "False", "TooLarge").await?;
    teaches(
        &message,
        &["1075000 bytes", "1048576", "several VaultSecretSyncs"],
    )?;
    kit.says("big", "Ready", "True", "AllKeysPresent").await?;
    holds(24_000).await?;
    scene.beside_goes_on().await?;
    kit.put("big", &value(100)).await?;
    // The mend was made in the vault, which is looked at in the usual rhythm.
    holds(100).await?;
    kit.is_synced("big").await
}

fn in_json(value: &str) -> String {
    json!({"database": {"password": value}}).to_string()
}

async fn property_missing(kit: Kit) -> Result<()> {
    let mut scene = Scene::set_with(kit, in_json, |secret| {
        secret["property"] = json!("database.password");
    })
    .await?;
    scene.kit.put("s", r#"{"database": {}}"#).await?;
    let words = [
        "secret \"s\"",
        "\"database.password\"",
        "spec.data[].secret.property",
    ];
    scene.one_key_fails("PropertyNotFound", &words).await?;
    scene.recovers().await
}

async fn not_json(kit: Kit) -> Result<()> {
    let mut scene = Scene::set_with(kit, in_json, |secret| {
        secret["property"] = json!("database.password");
    })
    .await?;
    scene.kit.put("s", &format!("{PLANTED}no-json")).await?;
    let words = ["secret \"s\"", "not JSON", "spec.data[].secret.property"];
    scene.one_key_fails("NotJson", &words).await?;
    scene.recovers().await
}

fn in_base64(value: &str) -> String {
    STANDARD.encode(value)
}

async fn not_base64(kit: Kit) -> Result<()> {
    let mut scene =
        Scene::set_with(kit, in_base64, |secret| secret["decode"] = json!("Base64")).await?;
    scene.kit.put("s", &format!("{PLANTED}%")).await?;
    let words = [
        "secret \"s\"",
        "key K",
        "Base64",
        "spec.data[].secret.decode",
    ];
    scene.one_key_fails("DecodeFailed", &words).await?;
    scene.recovers().await
}

async fn two_keys_of_one_object(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "one").await?;
    kit.apply(kit.sync("app", &[("A", "s"), ("B", "s")], |_| ()))
        .await?;
    kit.holds("app", &[("A", &value), ("B", &value)]).await?;
    kit.is_synced("app").await?;
    let reads = looks(&kit, &kit.vault).await?.len();
    ensure!(reads == 1, "{reads} reads");
    kit.look("app").await?;
    let reads = looks(&kit, &kit.vault).await?.len();
    ensure!(reads == 2, "{reads} reads after a second look");
    Ok(())
}

async fn pinned_version(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (first, version) = kit.plant("s", "one").await?;
    let (second, _) = kit.plant("s", "two").await?;
    let app = kit.sync("app", &[("OLD", "s"), ("NEW", "s")], |spec| {
        spec["data"][0]["secret"]["version"] = json!(version);
    });
    kit.apply(app).await?;
    kit.holds("app", &[("NEW", &second), ("OLD", &first)])
        .await?;
    kit.is_synced("app").await?;
    let (third, _) = kit.plant("s", "three").await?;
    kit.look("app").await?;
    kit.holds("app", &[("NEW", &third), ("OLD", &first)]).await
}

async fn pinned_version_that_never_was(kit: Kit) -> Result<()> {
    let mut scene = Scene::set(kit).await?;
    let absent = "0123456789abcdef0123456789abcdef";
    let pin = |version: Option<&str>| {
        let version = version.map(ToOwned::to_owned);
        scene.kit.sync("app", &[("K", "s"), ("O", "o")], |spec| {
            if let Some(version) = version {
                spec["data"][0]["secret"]["version"] = json!(version);
            }
        })
    };
    let (pinned, plain) = (pin(Some(absent)), pin(None));
    scene.kit.apply(pinned).await?;
    scene
        .one_key_fails("ObjectNotFound", &["secret \"s\"", absent])
        .await?;
    scene.kit.apply(plain).await?;
    scene.is_well().await.context("after the pin was taken out")
}
