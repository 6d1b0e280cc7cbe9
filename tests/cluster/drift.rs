//! A Secret stays as its sync says, whatever others do to it, and costs nothing where nothing of ours was done to.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use testbed::{Fault, FaultRule};

use crate::hands::{owners, plain, version};
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        an_edited_value_costs_one_request,
        a_removed_key_costs_one_request,
        a_deleted_secret_is_made_again,
        lost_labels_annotations_and_owner_cost_no_request,
        what_others_add_stays_and_costs_nothing,
        a_hand_edit_during_an_outage_is_repaired_after_it,
        a_template_is_applied_changed_and_removed,
        labels_of_the_sync_are_not_copied,
        a_dropped_key_goes_and_the_others_stay
    ]
}

/// A sync `app` with keys `A` and `B` and a template, synced. Gives back both values.
async fn two_keys(kit: &Kit) -> Result<(String, String)> {
    kit.make_identity().await?;
    let (a, _) = kit.plant("a", "first").await?;
    let (b, _) = kit.plant("b", "first").await?;
    let template = json!({"labels": {"team": "x"}, "annotations": {"example.com/contact": "x"}});
    kit.apply(kit.sync("app", &[("A", "a"), ("B", "b")], |spec| {
        spec["template"] = template;
    }))
    .await?;
    kit.is_synced("app").await?;
    Ok((a, b))
}

/// Does damage that must be repaired with so many requests to the vault.
async fn repaired(
    kit: &Kit,
    damage: Value,
    requests: usize,
    whole: impl Fn(&Secret) -> bool,
) -> Result<()> {
    let before = kit.asked().await?;
    kit.damage("app", damage.clone()).await?;
    kit.secret_when("app", &format!("{damage} is repaired"), whole)
        .await?;
    kit.marker().await?;
    let asked = kit.asked().await? - before;
    ensure!(
        asked == requests,
        "{damage} cost {asked} requests to the vault instead of {requests}"
    );
    kit.is_synced("app").await
}

fn value(secret: &Secret, key: &str, wanted: &str) -> bool {
    let data = secret.data.as_ref();
    data.and_then(|data| data.get(key))
        .is_some_and(|value| value.0 == wanted.as_bytes())
}

async fn an_edited_value_costs_one_request(kit: Kit) -> Result<()> {
    let (a, b) = two_keys(&kit).await?;
    let damage = json!({"stringData": {"A": "damaged"}});
    repaired(&kit, damage, 1, |secret| value(secret, "A", &a)).await?;
    kit.holds("app", &[("A", &a), ("B", &b)]).await
}

async fn a_removed_key_costs_one_request(kit: Kit) -> Result<()> {
    let (a, b) = two_keys(&kit).await?;
    let damage = json!({"data": {"A": null}});
    repaired(&kit, damage, 1, |secret| value(secret, "A", &a)).await?;
    kit.holds("app", &[("A", &a), ("B", &b)]).await
}

async fn a_deleted_secret_is_made_again(kit: Kit) -> Result<()> {
    let (a, b) = two_keys(&kit).await?;
    let before = kit.asked().await?;
    kit.secrets()
        .delete("app", &DeleteParams::default())
        .await?;
    kit.holds("app", &[("A", &a), ("B", &b)]).await?;
    kit.marker().await?;
    let asked = kit.asked().await? - before;
    ensure!(asked == 2, "{asked} requests for two lost objects");
    Ok(())
}

async fn lost_labels_annotations_and_owner_cost_no_request(kit: Kit) -> Result<()> {
    two_keys(&kit).await?;
    let label = |name: &'static str, wanted: &'static str| {
        move |secret: &Secret| {
            let labels = secret.metadata.labels.as_ref();
            labels
                .and_then(|labels| labels.get(name))
                .is_some_and(|v| v == wanted)
        }
    };
    let cases = [
        (
            json!({"metadata": {"labels": {"team": null}}}),
            label("team", "x"),
        ),
        (
            json!({"metadata": {"labels": {"team": "y"}}}),
            label("team", "x"),
        ),
    ];
    for (damage, whole) in cases {
        repaired(&kit, damage, 0, whole).await?;
    }
    let managed = json!({"metadata": {"labels": {"lakevault.dev/managed": null}}});
    repaired(&kit, managed, 0, label("lakevault.dev/managed", "true")).await?;
    let annotation = json!({"metadata": {"annotations": {"example.com/contact": "y"}}});
    repaired(&kit, annotation, 0, |secret| {
        plain(secret.metadata.annotations.as_ref()).get("example.com/contact") == Some(&"x")
    })
    .await?;
    let orphaned = json!({"metadata": {"ownerReferences": null}});
    repaired(&kit, orphaned, 0, |secret| owners(secret).len() == 1).await
}

async fn what_others_add_stays_and_costs_nothing(kit: Kit) -> Result<()> {
    let (a, b) = two_keys(&kit).await?;
    kit.settled("app", "app").await?;
    let asked = kit.asked().await?;
    kit.damage(
        "app",
        json!({"stringData": {"THEIRS": "theirs"}, "metadata": {"labels": {"their": "label"}, "annotations": {"their": "note"}}}),
    )
    .await?;
    let edited = kit.secret("app").await?;
    kit.marker().await?;
    kit.look("app").await?;
    let after = kit.secret("app").await?;
    ensure!(
        version(&edited) == version(&after),
        "it was written: {:?}",
        after.metadata.managed_fields
    );
    kit.holds("app", &[("A", &a), ("B", &b), ("THEIRS", "theirs")])
        .await?;
    let cost = kit.asked().await? - asked;
    ensure!(
        cost == 1,
        "{cost} requests for the one look that was asked for"
    );
    Ok(())
}

async fn a_hand_edit_during_an_outage_is_repaired_after_it(kit: Kit) -> Result<()> {
    let (a, b) = two_keys(&kit).await?;
    let host = format!("{}.{}", kit.vault, kit.endpoints().key_vault_suffix);
    let outage = FaultRule::new(&host, Fault::status(503));
    let outage = kit.admin().add_fault(&outage).await?;
    kit.damage("app", json!({"stringData": {"A": "damaged"}}))
        .await?;
    let told = kit.says("app", "Synced", "False", "AzureUnavailable").await;
    let during = kit.data("app").await;
    kit.admin().remove_fault(&outage).await?;
    teaches(&told?, &["A: "])?;
    let during = during?;
    ensure!(
        during.get("B") == Some(&b),
        "the key that nobody touched was lost: {:?}",
        during.keys()
    );
    kit.holds("app", &[("A", &a), ("B", &b)]).await?;
    kit.is_synced("app").await
}

async fn a_template_is_applied_changed_and_removed(kit: Kit) -> Result<()> {
    two_keys(&kit).await?;
    let shows = |label: &[(&'static str, &'static str)], note: &[(&'static str, &'static str)]| {
        let (label, note): (BTreeMap<_, _>, BTreeMap<_, _>) = (
            label.iter().copied().collect(),
            note.iter().copied().collect(),
        );
        move |secret: &Secret| {
            plain(secret.metadata.labels.as_ref()) == label
                && plain(secret.metadata.annotations.as_ref()) == note
        }
    };
    let applied = shows(&[("team", "x")], &[("example.com/contact", "x")]);
    kit.secret_when("app", "dressed", applied).await?;
    let asked = kit.asked().await?;
    kit.edit(
        "app",
        json!({"spec": {"template": {"labels": {"team": "y", "tier": "db"}, "annotations": null}}}),
    )
    .await?;
    let changed = shows(&[("team", "y"), ("tier", "db")], &[]);
    kit.secret_when("app", "dressed anew", changed).await?;
    kit.is_synced("app").await?;
    kit.edit("app", json!({"spec": {"template": null}})).await?;
    kit.secret_when("app", "bare", shows(&[], &[])).await?;
    kit.is_synced("app").await?;
    let cost = kit.asked().await? - asked;
    ensure!(cost <= 4, "{cost} requests for two edits of two keys");
    Ok(())
}

async fn labels_of_the_sync_are_not_copied(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.plant("s", "first").await?;
    let mut sync = kit.sync("app", &[("K", "s")], |_| ());
    sync["metadata"]["labels"] = json!({"argocd.argoproj.io/instance": "x"});
    sync["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "x"});
    kit.apply(sync).await?;
    kit.is_synced("app").await?;
    let meta = kit.secret("app").await?.metadata;
    ensure!(plain(meta.labels.as_ref()).is_empty(), "{:?}", meta.labels);
    ensure!(
        plain(meta.annotations.as_ref()).is_empty(),
        "{:?}",
        meta.annotations
    );
    Ok(())
}

async fn a_dropped_key_goes_and_the_others_stay(kit: Kit) -> Result<()> {
    let (a, b) = two_keys(&kit).await?;
    kit.damage("app", json!({"stringData": {"THEIRS": "theirs"}}))
        .await?;
    kit.edit(
        "app",
        json!({"spec": {"data": [{"key": "B", "secret": {"name": "b"}}]}}),
    )
    .await?;
    kit.holds("app", &[("B", &b), ("THEIRS", "theirs")]).await?;
    let status = kit
        .status_when("app", "one key", |status| {
            status.summary.as_deref() == Some("1/1")
        })
        .await?;
    ensure!(status.keys.len() == 1, "{:?}", status.keys);
    kit.edit(
        "app",
        json!({"spec": {"data": [{"key": "B", "secret": {"name": "b"}}, {"key": "C", "secret": {"name": "a"}}]}}),
    )
    .await?;
    kit.holds("app", &[("B", &b), ("C", &a), ("THEIRS", "theirs")])
        .await
}
