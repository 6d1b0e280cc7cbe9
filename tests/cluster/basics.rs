//! The main job: a vault's secret becomes a Kubernetes Secret and stays equal to it.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![a_secret_arrives, a_rotation_arrives, damage_is_healed]
}

async fn a_secret_arrives(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    let (db, version) = kit.plant("db", "one").await?;
    let (api, _) = kit.plant("api", "one").await?;
    kit.apply(kit.sync("app", &[("DB", "db"), ("API", "api")], |_| ()))
        .await?;
    kit.holds("app", &[("API", &api), ("DB", &db)]).await?;
    let status = kit
        .status_when("app", "is ready", |status| {
            status.summary.as_deref() == Some("2/2")
        })
        .await?;
    kit.is_synced("app").await?;
    ensure!(
        status.keys[0].version.as_deref() == Some(version.as_str()),
        "{:?}",
        status.keys
    );
    Ok(())
}

async fn a_rotation_arrives(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let (second, version) = kit.plant("s", "second").await?;
    let status = kit.look("app").await?;
    ensure!(status.keys[0].version == Some(version), "{:?}", status.keys);
    kit.holds("app", &[("K", &second)]).await
}

async fn damage_is_healed(kit: Kit) -> Result<()> {
    let value = kit.synced_app().await?;
    kit.damage("app", json!({"stringData": {"K": "damaged"}}))
        .await?;
    kit.holds("app", &[("K", &value)]).await?;
    kit.secrets().delete("app", &Default::default()).await?;
    kit.holds("app", &[("K", &value)]).await
}
