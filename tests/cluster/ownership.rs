//! Whose a Secret is: consent, owners, deletion, a Secret that moves, two that want the same one.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use crate::hands::{owners, untouched};
use crate::kit::{Kit, condition, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_foreign_secret_is_left_alone_until_it_names_the_sync,
        a_secret_with_a_controller_is_never_owned,
        a_secret_that_lost_its_record_is_still_its_owners,
        delete_takes_the_secret_along_without_a_finalizer,
        retain_leaves_the_secret_behind_and_finds_it_again,
        retain_may_be_chosen_later,
        a_renamed_target_moves_new_first,
        an_old_target_stays_while_the_new_one_is_not_whole,
        of_two_that_want_one_secret_the_second_waits_for_the_first,
        a_type_cannot_change_and_the_data_stays
    ]
}

async fn a_foreign_secret_is_left_alone_until_it_names_the_sync(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "ours").await?;
    let before = kit
        .make_secret("app", json!({"K": "theirs", "OTHER": "theirs"}), json!({}))
        .await?;
    kit.apply(kit.sync("app", &[("K", "s")], |_| ())).await?;
    let message = kit.says("app", "Synced", "False", "TargetNotOurs").await?;
    teaches(&message, &["Secret app", "spec.target.name"])?;
    kit.says("app", "Ready", "False", "TargetNotOurs").await?;
    kit.marker().await?;
    untouched(&before, &kit.secret("app").await?)?;
    ensure!(kit.asked().await? == 0, "a vault was asked for nothing");
    // The mend, as the message has it.
    let (_, command) = message
        .split_once("kubectl ")
        .with_context(|| format!("no command in {message:?}"))?;
    let kubectl = kit.world.control_plane.kubectl();
    kubectl.run(command.split_whitespace()).await?;
    kit.holds("app", &[("K", &value), ("OTHER", "theirs")])
        .await?;
    kit.is_synced("app").await?;
    let taken = kit.secret("app").await?;
    ensure!(owners(&taken).len() == 1, "{:?}", taken.metadata);
    Ok(())
}

async fn a_secret_with_a_controller_is_never_owned(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.plant("s", "ours").await?;
    let controller: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "theirs"}}))?;
    let controller = Api::namespaced(kit.client(), &kit.namespace)
        .create(&PostParams::default(), &controller)
        .await?;
    kit.apply(json!({
        "apiVersion": "v1", "kind": "Secret", "stringData": {"K": "theirs"},
        "metadata": {
            "name": "app", "namespace": kit.namespace, "annotations": {"lakevault.dev/allow-sync": "app"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": controller.metadata.uid, "controller": true}]
        }
    }))
    .await?;
    let before = kit.secret("app").await?;
    kit.apply(kit.sync("app", &[("K", "s")], |_| ())).await?;
    let message = kit.says("app", "Synced", "False", "TargetNotOurs").await?;
    teaches(
        &message,
        &[
            "controlled by ConfigMap theirs",
            "spec.target.name",
            "Merge",
        ],
    )?;
    ensure!(
        !message.contains("annotate"),
        "consent does not help here: {message}"
    );
    kit.marker().await?;
    untouched(&before, &kit.secret("app").await?)
}

async fn a_secret_that_lost_its_record_is_still_its_owners(kit: Kit) -> Result<()> {
    let value = kit.synced_app().await?;
    let record = "sync.lakevault.dev/app";
    kit.damage("app", json!({"metadata": {"annotations": {record: null}}}))
        .await?;
    let recorded = |secret: &k8s_openapi::api::core::v1::Secret| {
        let annotations = secret.metadata.annotations.as_ref();
        annotations.is_some_and(|annotations| annotations.contains_key(record))
    };
    kit.secret_when("app", "the record is back", recorded)
        .await?;
    kit.holds("app", &[("K", &value)]).await?;
    kit.is_synced("app").await
}

async fn delete_takes_the_secret_along_without_a_finalizer(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let sync = kit.syncs().get("app").await?;
    ensure!(
        sync.metadata.finalizers.is_none(),
        "the garbage collector needs no help: {:?}",
        sync.metadata
    );
    let secret = kit.secret("app").await?;
    let owner = owners(&secret).first().context("no owner")?;
    ensure!(
        Some(&owner.uid) == sync.metadata.uid.as_ref() && owner.controller == Some(true),
        "{owner:?}"
    );
    kit.remove("app").await?;
    kit.is_gone(kit.secrets(), "app").await
}

async fn retain_leaves_the_secret_behind_and_finds_it_again(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (value, _) = kit.plant("s", "first").await?;
    let sync = kit.sync("app", &[("K", "s")], |spec| {
        spec["target"] = json!({"deletionPolicy": "Retain"});
    });
    kit.apply(sync.clone()).await?;
    kit.is_synced("app").await?;
    let before = kit.secret("app").await?;
    ensure!(owners(&before).is_empty(), "{:?}", before.metadata);
    kit.remove("app").await?;
    kit.marker().await?;
    untouched(&before, &kit.secret("app").await?)?;
    kit.apply(sync).await?;
    kit.is_synced("app").await?;
    kit.holds("app", &[("K", &value)]).await
}

async fn retain_may_be_chosen_later(kit: Kit) -> Result<()> {
    let value = kit.synced_app().await?;
    kit.edit(
        "app",
        json!({"spec": {"target": {"deletionPolicy": "Retain"}}}),
    )
    .await?;
    kit.secret_when("app", "nobody owns it", |secret| owners(secret).is_empty())
        .await?;
    kit.status_when("app", "the status tells", |status| {
        let target = serde_json::to_value(&status.target).unwrap_or_default();
        target["deletionPolicy"] == "Retain"
    })
    .await?;
    kit.remove("app").await?;
    kit.marker().await?;
    kit.holds("app", &[("K", &value)]).await
}

async fn a_renamed_target_moves_new_first(kit: Kit) -> Result<()> {
    let value = kit.synced_app().await?;
    kit.edit("app", json!({"spec": {"target": {"name": "moved"}}}))
        .await?;
    kit.holds("moved", &[("K", &value)]).await?;
    kit.is_gone(kit.secrets(), "app").await?;
    kit.status_when("app", "the status names it", |status| {
        status
            .target
            .as_ref()
            .is_some_and(|target| target.name == "moved")
    })
    .await?;
    kit.is_synced("app").await?;
    let writes = kit.audited("secrets")?;
    let at = |verb: &str, name: &str| {
        writes
            .iter()
            .position(|entry| entry.verb == verb && entry.name == name && entry.code < 300)
    };
    ensure!(at("patch", "moved") < at("delete", "app"), "{writes:#?}");
    Ok(())
}

async fn an_old_target_stays_while_the_new_one_is_not_whole(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (a, _) = kit.plant("a", "first").await?;
    let (b, _) = kit.plant("b", "first").await?;
    kit.apply(kit.sync("app", &[("A", "a"), ("B", "b")], |_| ()))
        .await?;
    kit.is_synced("app").await?;
    let disabled = |enabled: bool| json!({"enabled": enabled});
    kit.admin()
        .patch_secret(&kit.vault, "b", &disabled(false))
        .await?;
    kit.edit("app", json!({"spec": {"target": {"name": "moved"}}}))
        .await?;
    kit.holds("moved", &[("A", &a)]).await?;
    let message = kit.says("app", "Ready", "False", "ObjectDisabled").await?;
    teaches(&message, &["Secret moved has no value for B"])?;
    kit.look("app").await?;
    kit.holds("app", &[("A", &a), ("B", &b)]).await?;
    kit.admin()
        .patch_secret(&kit.vault, "b", &disabled(true))
        .await?;
    kit.look("app").await?;
    kit.holds("moved", &[("A", &a), ("B", &b)]).await?;
    kit.is_gone(kit.secrets(), "app").await
}

async fn of_two_that_want_one_secret_the_second_waits_for_the_first(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (first, _) = kit.plant("a", "first").await?;
    let (second, _) = kit.plant("b", "second").await?;
    let shared = |name, secret| {
        kit.sync(name, &[("K", secret)], |spec| {
            spec["target"] = json!({"name": "shared"});
        })
    };
    // Names are in the order opposite to that of coming.
    kit.apply(shared("z", "a")).await?;
    kit.is_synced("z").await?;
    kit.apply(shared("a", "b")).await?;
    let message = kit.says("a", "Synced", "False", "TargetClaimed").await?;
    teaches(
        &message,
        &["Secret shared", "VaultSecretSync z", "spec.target.name"],
    )?;
    kit.settled("z", "shared").await?;
    let before = kit.secret("shared").await?;
    kit.look("a").await?;
    kit.look("z").await?;
    untouched(&before, &kit.secret("shared").await?)?;
    kit.holds("shared", &[("K", &first)]).await?;
    let asked = kit.asked().await?;
    kit.remove("z").await?;
    kit.holds("shared", &[("K", &second)]).await?;
    kit.is_synced("a").await?;
    let again = kit.asked().await? - asked;
    ensure!(again == 1, "{again} requests for one value");
    Ok(())
}

async fn a_type_cannot_change_and_the_data_stays(kit: Kit) -> Result<()> {
    let value = kit.synced_app().await?;
    let before = kit.secret("app").await?;
    kit.edit(
        "app",
        json!({"spec": {"template": {"type": "example.com/own"}}}),
    )
    .await?;
    let message = kit
        .says("app", "Synced", "False", "TargetTypeImmutable")
        .await?;
    teaches(
        &message,
        &["\"Opaque\"", "\"example.com/own\"", "spec.target.name"],
    )?;
    let status = kit.look("app").await?;
    ensure!(
        condition(&status, "Ready").is_some_and(|ready| ready.status == "True"),
        "{:?}",
        status.conditions
    );
    untouched(&before, &kit.secret("app").await?)?;
    // A new Secret may have the new type, as the message says.
    kit.edit("app", json!({"spec": {"target": {"name": "typed"}}}))
        .await?;
    kit.holds("typed", &[("K", &value)]).await?;
    let typed = kit.secret("typed").await?;
    ensure!(typed.type_.as_deref() == Some("example.com/own"));
    kit.is_gone(kit.secrets(), "app").await
}
