//! Azure: calls that are held there while the leader that sent them is stopped.

use anyhow::{Result, ensure};
use serde_json::json;
use testbed::poll::seen;
use testbed::{Fault, until};

use super::replica::Replicas;
use crate::key_vaults::estate::Estate;
use crate::kit::SOON;

/// A purge and a creation are under way when the leader is stopped.
pub async fn held_in_azure(all: &mut Replicas) -> Result<()> {
    let kit = all.kit.clone();
    let unwanted = Estate::new(kit.clone()).await?;
    let delete = |spec: &mut serde_json::Value| spec["deletionPolicy"] = json!("DeleteAndPurge");
    unwanted.ready(delete).await?;
    let made = unwanted.beside("made").await?;
    all.start("sixth").await?;
    unwanted
        .fault("PurgeDeletedVault", Fault::HoldBefore(true), Some(1))
        .await?;
    made.fault("CreateOrUpdateVault", Fault::HoldBefore(true), Some(1))
        .await?;
    unwanted.delete().await?;
    made.apply(|_| ()).await?;
    let purge = unwanted.held(1).await?;
    let creation = made.held(1).await?;
    all.stop("fifth")?;
    all.leads("sixth", 2 * SOON).await?;
    // What destroys is not repeated while it may still be done. What makes is: twice is as good as once.
    unwanted
        .says("Deleting", "True", "OperationUnderWay")
        .await?;
    made.is_ready().await?;
    ensure!(
        made.writes().await? == ["CreateOrUpdateVault"; 1],
        "{:?}",
        made.writes().await?
    );
    // The old leader goes on, and its calls are done only then.
    all.goes_on_and_ends("fifth").await?;
    unwanted.release(purge[0], "goOn").await?;
    made.release(creation[0], "goOn").await?;
    until(SOON, "both are done", async || {
        let purged = unwanted.calls("PurgeDeletedVault").await.map_err(seen)?;
        let created = made.calls("CreateOrUpdateVault").await.map_err(seen)?;
        if purged.len() == 1 && created.len() == 2 {
            Ok(())
        } else {
            Err(format!("{purged:?} {created:?}"))
        }
    })
    .await?;
    // A window after the new leader began, by its own clock, the note of the old one is over.
    let object = unwanted.name.clone();
    until(4 * SOON, "the object is let go", async || {
        match unwanted.api().get_opt(&object).await.map_err(seen)? {
            None => Ok(()),
            Some(there) => Err(serde_json::to_string(&there.status).unwrap_or_default()),
        }
    })
    .await?;
    ensure!(unwanted.in_azure().await?.is_none() && !unwanted.is_soft_deleted().await?);
    let writes = unwanted.writes().await?;
    let once = ["CreateOrUpdateVault", "DeleteVault", "PurgeDeletedVault"];
    ensure!(writes == once, "{writes:?}");
    made.look().await?;
    made.is_ready().await?;
    let writes = made.writes().await?;
    ensure!(writes == ["CreateOrUpdateVault"; 2], "{writes:?}");
    Ok(())
}
