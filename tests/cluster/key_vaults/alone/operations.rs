//! Operations that take their time, in each form that Azure has.

use anyhow::{Context, Result, ensure};
use kube::api::{Patch, PatchParams};
use lakevault::azure::arm::Form;
use lakevault::key_vault::api::KeyVaultStatus;
use serde_json::{Value, json};
use testbed::{Fault, FaultRule};

use super::super::estate::{Estate, is};
use super::Alone;
use crate::kit::teaches;

pub async fn operations(alone: &mut Alone) -> Result<()> {
    resumed(alone).await.context("resumed")?;
    let estate = alone.estate().await?;
    for form in ["body", "location"] {
        ready_when_its_name_is(&estate, form).await.context(form)?;
    }
    asked_when_azure_says(&estate).await.context("a pause")?;
    a_name_that_comes_late(&estate).await.context("late name")?;
    failed_and_tried_again(&estate).await.context("failed")?;
    let quick = json!({
        "vaultCreationMs": 0, "vaultDeletionMs": 0, "purgeMs": 0, "registrationMs": 0, "lro": {
            "vaultPut": {"form": "body"}, "vaultDelete": {"form": "body"}, "purge": {"form": "location"},
        },
    });
    settings(&estate, &quick).await
}

async fn settings(estate: &Estate, settings: &Value) -> Result<()> {
    estate.kit.admin().settings(settings).await
}

fn destroyed(spec: &mut Value) {
    spec["deletionPolicy"] = json!("DeleteAndPurge");
}

fn polled<'a>(status: &'a KeyVaultStatus, step: &str) -> Option<&'a Form> {
    let operation = status.resource.operation.as_ref()?;
    let poll = operation.poll.as_ref()?;
    (operation.step == step).then_some(&poll.form)
}

/// A creation, a deletion and a registration are under way when the operator dies; the next one goes on with them.
async fn resumed(alone: &mut Alone) -> Result<()> {
    let made = alone.estate().await?;
    let (gone, wiped) = (made.beside("gone").await?, made.beside("wiped").await?);
    let registered = made.beside("registered").await?;
    registered
        .change_subscription(|subscription| {
            subscription["providers"] = json!({"Microsoft.KeyVault": "NotRegistered"});
        })
        .await?;
    gone.ready(destroyed).await?;
    let slow = json!({
        "vaultCreationMs": 10_000, "vaultDeletionMs": 10_000, "purgeMs": 3000, "registrationMs": 3000, "lro": {
            "vaultPut": {"form": "azureAsyncOperation"}, "vaultDelete": {"form": "location"}, "purge": {"form": "location"},
        },
    });
    settings(&made, &slow).await?;
    made.apply(|_| ()).await?;
    wiped.apply(|_| ()).await?;
    registered.apply(|_| ()).await?;
    gone.delete().await?;
    for one in [&made, &wiped] {
        let status = one.status_when("its creation is followed", |status| {
            polled(status, "CreateVault") == Some(&Form::AsyncOperation)
        });
        let status = status.await?;
        ensure!(
            is(&status, "Ready", "False", "OperationUnderWay"),
            "{status:?}"
        );
    }
    gone.status_when("its deletion is followed", |status| {
        polled(status, "DeleteVault") == Some(&Form::Location)
    })
    .await?;
    for one in [&made, &gone] {
        one.fault("GetOperation", Fault::status(503), Some(2))
            .await?;
    }
    alone.kill().await?;
    let params = PatchParams::default();
    let nothing = Patch::Merge(json!({"status": null}));
    let api = wiped.kit.key_vaults();
    api.patch_status(&wiped.name, &params, &nothing).await?;
    alone.start().await?;
    for one in [&made, &wiped] {
        let status = one.is_ready().await?;
        ensure!(status.resource.operation.is_none(), "{status:?}");
        let writes = one.writes().await?;
        ensure!(writes == ["CreateOrUpdateVault"], "{writes:?}");
    }
    gone.is_gone().await?;
    ensure!(!gone.is_soft_deleted().await?);
    let writes = gone.writes().await?;
    let wanted = ["CreateOrUpdateVault", "DeleteVault", "PurgeDeletedVault"];
    ensure!(writes == wanted, "{writes:?}");
    for one in [&made, &gone] {
        let polls = one.calls("GetOperation").await?;
        let failed = polls.iter().filter(|poll| poll.status == 503).count();
        ensure!(failed == 2, "{failed} of {} polls failed", polls.len());
    }
    registered.is_ready().await?;
    let registrations = registered.calls("RegisterProvider").await?.len();
    ensure!(registrations == 1, "{registrations} registrations");
    Ok(())
}

/// The vault's own state tells how far it is, whatever else the answer to the PUT names.
async fn ready_when_its_name_is(estate: &Estate, form: &str) -> Result<()> {
    let estate = estate.beside(form).await?;
    let slow = json!({"vaultCreationMs": 3000, "lro": {"vaultPut": {"form": form}}});
    settings(&estate, &slow).await?;
    estate.apply(|_| ()).await?;
    let status = estate
        .status_when("it is being made", |status| {
            is(status, "Ready", "False", "Provisioning")
        })
        .await?;
    let state = status.resource.provisioning_state.as_deref();
    ensure!(state == Some("RegisteringDns"), "{status:?}");
    let status = estate.is_ready().await?;
    ensure!(is(&status, "DataPlaneReachable", "True", "Answers"));
    ensure!(estate.writes().await? == ["CreateOrUpdateVault"]);
    Ok(())
}

/// With the answer to the PUT, Azure says for how long it wants to be left alone.
async fn asked_when_azure_says(estate: &Estate) -> Result<()> {
    let estate = estate.beside("pause").await?;
    let slow = json!({"vaultCreationMs": 1000, "lro": {
        "vaultPut": {"form": "azureAsyncOperation", "retryAfter": 3},
    }});
    settings(&estate, &slow).await?;
    estate.apply(|_| ()).await?;
    estate.is_ready().await?;
    // It is over long before, so the first look at it is the last.
    let polls = estate.calls("GetOperation").await?.len();
    ensure!(polls == 1, "{polls} polls");
    Ok(())
}

/// Azure says that the vault is made, and the DNS does not know it yet.
async fn a_name_that_comes_late(estate: &Estate) -> Result<()> {
    let estate = estate.beside("dns").await?;
    settings(&estate, &json!({"vaultCreationMs": 0})).await?;
    let host = format!(
        "{}.{}",
        estate.name,
        estate.kit.endpoints().key_vault_suffix
    );
    let admin = estate.kit.admin();
    let late = FaultRule::new(&host, Fault::DnsFailure(true));
    let late = admin.add_fault(&late).await?;
    estate.apply(|_| ()).await?;
    let message = estate.says("Ready", "False", "HostNotFound").await?;
    teaches(&message, &[&estate.name, "not in DNS yet"])?;
    estate
        .says("DataPlaneReachable", "False", "HostNotFound")
        .await?;
    admin.remove_fault(&late).await?;
    estate.is_ready().await?;
    ensure!(estate.writes().await? == ["CreateOrUpdateVault"]);
    Ok(())
}

/// What Azure has begun fails in the end: that is told, and it is tried again.
async fn failed_and_tried_again(estate: &Estate) -> Result<()> {
    let error = json!({"code": "CapacityShort", "message": "the region has no room"});
    for (form, name) in [("azureAsyncOperation", "fails-a"), ("body", "fails-b")] {
        let made = estate.beside(name).await?;
        let fails =
            json!({"vaultCreationMs": 500, "lro": {"vaultPut": {"form": form, "error": error}}});
        settings(&made, &fails).await?;
        made.apply(|_| ()).await?;
        // Only the operation's own URL tells the error; the state of a vault that failed is set right by the next write.
        if form == "azureAsyncOperation" {
            let message = made.says("Synced", "False", "OperationFailed").await?;
            teaches(&message, &["CapacityShort", "the region has no room"])?;
        }
        let status = made.is_ready().await?;
        ensure!(status.resource.operation.is_none(), "{status:?}");
        let state = status.resource.provisioning_state.as_deref();
        ensure!(state == Some("Succeeded"), "{status:?}");
        let writes = made.writes().await?;
        ensure!(
            writes == ["CreateOrUpdateVault", "UpdateVault"],
            "{writes:?}"
        );
    }
    let kept = estate.beside("kept").await?;
    let fails = json!({"vaultCreationMs": 0, "vaultDeletionMs": 500, "lro": {
        "vaultPut": {"form": "body"}, "vaultDelete": {"form": "location", "error": error},
    }});
    settings(&kept, &fails).await?;
    kept.ready(destroyed).await?;
    kept.delete().await?;
    // The last poll of this form is the error itself, and a 409.
    let message = kept.says("Deleting", "True", "AzureBusy").await?;
    teaches(&message, &["CapacityShort", "the region has no room"])?;
    ensure!(kept.in_azure().await?.is_some());
    let well = json!({"lro": {"vaultDelete": {"form": "location"}}});
    settings(&kept, &well).await?;
    kept.is_gone().await?;
    ensure!(!kept.is_soft_deleted().await?);
    Ok(())
}
