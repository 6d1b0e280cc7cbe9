//! Somebody else is at work at the same moment.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::{Fault, until};

use super::estate::{Estate, is};
use crate::kit::{Kit, SOON, TENANT, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        policies_added_by_hand_while_ours_are_written_stay,
        tags_changed_between_read_and_write_do_not_mix_with_what_is_written,
        a_disabled_subscription_is_gone_on_with_when_it_is_enabled,
        a_subscription_of_another_tenant_is_told,
        of_two_that_make_one_vault_at_once_one_has_it,
        an_object_deleted_while_its_vault_is_made_leaves_nothing,
        an_object_deleted_while_nobody_knows_of_its_vault_leaves_nothing,
        a_status_wiped_while_a_vault_is_made_makes_no_second,
    ]
}

const OURS: [&str; 2] = [
    "aaaaaaaa-0000-4000-8000-000000000001",
    "aaaaaaaa-0000-4000-8000-000000000002",
];
const THEIRS: &str = "bbbbbbbb-0000-4000-8000-000000000001";

fn readers(ours: &'static [&'static str]) -> impl Fn(&mut Value) {
    move |spec| {
        spec["authorization"] = json!("AccessPolicies");
        let each = ours
            .iter()
            .map(|id| json!({"objectId": id, "secrets": ["get"]}));
        spec["accessPolicies"] = each.collect();
    }
}

async fn policies_added_by_hand_while_ours_are_written_stay(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate.ready(readers(&OURS[..1])).await?;
    estate
        .fault("UpdateAccessPolicy", Fault::HoldBefore(true), Some(1))
        .await?;
    estate.apply(readers(&OURS)).await?;
    let held = estate.held(1).await?;
    let by_hand = json!({"accessPolicies": [
        {"objectId": OURS[0], "secrets": ["get"]}, {"objectId": THEIRS, "secrets": ["set"]}
    ]});
    let admin = estate.kit.admin();
    admin.patch_vault(&estate.name, &by_hand).await?;
    // And Azure is busy with theirs when ours comes.
    estate.release(held[0], "cut").await?;
    estate
        .fault("UpdateAccessPolicy", Fault::status(409), Some(1))
        .await?;
    estate.is_ready().await?;
    let vault = estate.in_azure().await?.context("no vault")?;
    let all = vault["accessPolicies"].as_array().context("policies")?;
    let mut who: Vec<&str> = all
        .iter()
        .filter_map(|one| one["objectId"].as_str())
        .collect();
    who.sort_unstable();
    ensure!(who == [OURS[0], OURS[1], THEIRS], "{vault}");
    let writes = estate.calls("UpdateAccessPolicy").await?.len();
    ensure!(writes == 3, "{writes} writes");
    Ok(())
}

async fn tags_changed_between_read_and_write_do_not_mix_with_what_is_written(
    kit: Kit,
) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let ours = json!({"team": "payments"});
    estate.ready(|spec| spec["tags"] = ours.clone()).await?;
    let owner = estate.owner().await?;
    estate
        .fault("UpdateVault", Fault::HoldBefore(true), Some(1))
        .await?;
    let premium = |spec: &mut Value| {
        spec["tags"] = ours.clone();
        spec["sku"] = json!("Premium");
    };
    estate.apply(premium).await?;
    let held = estate.held(1).await?;
    let theirs = json!({"tags": {"team": "others", "theirs": "x", "lakevault-owner": owner}});
    let admin = estate.kit.admin();
    admin.patch_vault(&estate.name, &theirs).await?;
    estate.release(held[0], "goOn").await?;
    // Settings and tags are apart: what is written of the one says nothing of the other, and the next look mends ours.
    estate.is_ready().await?;
    let status = estate.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    let vault = estate.in_azure().await?.context("no vault")?;
    let tags = json!({"team": "payments", "theirs": "x", "lakevault-owner": owner});
    ensure!(
        vault["tags"] == tags && vault["sku"] == "premium",
        "{vault}"
    );
    Ok(())
}

async fn a_disabled_subscription_is_gone_on_with_when_it_is_enabled(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate.ready(|_| ()).await?;
    estate
        .change_subscription(|subscription| subscription["state"] = json!("Disabled"))
        .await?;
    estate.apply(|spec| spec["sku"] = json!("Premium")).await?;
    let message = estate
        .says("Synced", "False", "SubscriptionDisabled")
        .await?;
    teaches(&message, &[&estate.subscription, "enable"])?;
    // What can be read is still so.
    estate.says("Ready", "True", "Available").await?;
    estate
        .change_subscription(|subscription| subscription["state"] = json!("Enabled"))
        .await?;
    estate.annotate("lakevault.dev/sync-at", "enabled").await?;
    estate.is_ready().await?;
    let vault = estate.in_azure().await?.context("no vault")?;
    ensure!(vault["sku"] == "premium", "{vault}");
    Ok(())
}

async fn a_subscription_of_another_tenant_is_told(kit: Kit) -> Result<()> {
    let other = uuid::Uuid::new_v4().to_string();
    let tenant =
        json!({"tenants": [{"id": other, "name": format!("{other}.example"), "applications": []}]});
    kit.admin().seed(&tenant).await?;
    let estate = Estate::with(kit, |subscription| subscription["tenantId"] = json!(other)).await?;
    estate
        .apply(|spec| spec["deletionPolicy"] = json!("Delete"))
        .await?;
    let message = estate.says("Synced", "False", "ForeignChallenge").await?;
    teaches(&message, &[&estate.subscription, &other, TENANT])?;
    estate.says("Ready", "False", "ForeignChallenge").await?;
    ensure!(estate.writes().await?.is_empty());
    // It was moved to the identity's tenant.
    estate
        .change_subscription(|subscription| subscription["tenantId"] = json!(TENANT))
        .await?;
    estate.annotate("lakevault.dev/sync-at", "moved").await?;
    estate.is_ready().await.map(drop)
}

/// Azure takes a second PUT for a change of what the first made: whoever is last has the vault, and the other one says so and
/// leaves it alone.
async fn of_two_that_make_one_vault_at_once_one_has_it(kit: Kit) -> Result<()> {
    let first = Estate::new(kit.clone()).await?;
    let second = first
        .rival(&Kit::new(Arc::clone(&kit.world), "rival").await?)
        .await?;
    first
        .fault("CreateOrUpdateVault", Fault::HoldBefore(true), Some(2))
        .await?;
    let wanted = |spec: &mut Value| {
        spec["azureName"] = json!(first.name);
        spec["deletionPolicy"] = json!("DeleteAndPurge");
    };
    first.apply(wanted).await?;
    first.held(1).await?;
    second.apply(wanted).await?;
    let held = first.held(2).await?;
    first.release(held[0], "goOn").await?;
    first.is_ready().await?;
    second.release(held[1], "goOn").await?;
    second.is_ready().await?;
    let owner = second.owner_of(&first.name).await?;
    first.annotate("lakevault.dev/sync-at", "after").await?;
    let message = first.says("Synced", "False", "ResourceNotOurs").await?;
    teaches(&message, &[&owner, &second.kit.namespace, "left alone"])?;
    first.says("Ready", "False", "ResourceNotOurs").await?;
    // Whoever has lost it takes nothing along.
    first.delete().await?;
    first.is_gone().await?;
    ensure!(first.writes().await? == ["CreateOrUpdateVault", "CreateOrUpdateVault"]);
    let status = second.look().await?;
    ensure!(is(&status, "Synced", "True", "AsDeclared"), "{status:?}");
    Ok(())
}

async fn an_object_deleted_while_its_vault_is_made_leaves_nothing(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .fault("CreateOrUpdateVault", Fault::HoldBefore(true), Some(1))
        .await?;
    estate
        .apply(|spec| spec["deletionPolicy"] = json!("DeleteAndPurge"))
        .await?;
    let held = estate.held(1).await?;
    estate.delete().await?;
    estate.release(held[0], "goOn").await?;
    estate.is_gone().await?;
    leaves_nothing(&estate).await
}

/// As before, and the answer never comes: the object waits until the request can have no effect any more, and looks.
async fn an_object_deleted_while_nobody_knows_of_its_vault_leaves_nothing(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .fault("CreateOrUpdateVault", Fault::HoldBefore(true), Some(1))
        .await?;
    estate
        .apply(|spec| spec["deletionPolicy"] = json!("DeleteAndPurge"))
        .await?;
    let held = estate.held(1).await?;
    estate.delete().await?;
    estate.release(held[0], "cut").await?;
    let message = estate.says("Deleting", "True", "OperationUnderWay").await?;
    teaches(&message, &["CreateVault", "outcome is not known"])?;
    ensure!(estate.in_azure().await?.is_none());
    // What was under way arrives after all.
    let owner = estate.object().await?.metadata.uid.context("uid")?;
    let tag = format!("-/{}/{}/{owner}", estate.kit.namespace, estate.name);
    estate
        .make_in_azure(|vault| vault["tags"] = json!({"lakevault-owner": tag}))
        .await?;
    estate.lapse(&estate.object().await?).await?;
    estate.is_gone().await?;
    leaves_nothing(&estate).await
}

async fn leaves_nothing(estate: &Estate) -> Result<()> {
    ensure!(estate.in_azure().await?.is_none() && !estate.is_soft_deleted().await?);
    let writes = estate.writes().await?;
    let wanted = ["CreateOrUpdateVault", "DeleteVault", "PurgeDeletedVault"];
    ensure!(writes == wanted, "{writes:?}");
    Ok(())
}

async fn a_status_wiped_while_a_vault_is_made_makes_no_second(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    estate
        .fault("CreateOrUpdateVault", Fault::HoldAfter(true), Some(1))
        .await?;
    estate.apply(|_| ()).await?;
    let held = estate.held(1).await?;
    let noted = estate.object().await?.status.unwrap_or_default();
    ensure!(noted.resource.operation.is_some(), "{noted:?}");
    let wiped = Patch::Merge(json!({"status": null}));
    let (api, params) = (estate.kit.key_vaults(), PatchParams::default());
    api.patch_status(&estate.name, &params, &wiped).await?;
    estate.release(held[0], "goOn").await?;
    estate.is_ready().await?;
    until(SOON, "nothing is open", async || {
        let status = estate.object().await.map_err(seen)?.status;
        let open = status.and_then(|status| status.resource.operation);
        open.map_or(Ok(()), |open| Err(format!("{open:?}")))
    })
    .await?;
    ensure!(estate.writes().await? == ["CreateOrUpdateVault"]);
    estate.owner().await.map(drop)
}

impl Estate {
    /// The KeyVault of somebody else's namespace for the same subscription.
    async fn rival(&self, kit: &Kit) -> Result<Self> {
        let rival = self.of_kit(kit);
        // The rival's own application has the roles of this one.
        let roles = ["Contributor", "Key Vault Secrets Officer"];
        let roles = roles.map(|role| json!({"principalId": kit.object_id, "role": role}));
        self.change_subscription(|subscription| {
            let all = subscription["roleAssignments"].as_array_mut().unwrap();
            all.extend(roles);
        })
        .await?;
        rival.make_identity("manager").await?;
        Ok(rival)
    }

    /// The owner that the tag of a vault names.
    async fn owner_of(&self, vault: &str) -> Result<String> {
        let path = format!("/vaults/{vault}");
        let admin = self.kit.admin();
        let found: Value = admin.call(reqwest::Method::GET, &path, None).await?;
        let owner = &found["vault"]["tags"]["lakevault-owner"];
        owner.as_str().map(str::to_owned).context("no owner")
    }
}
