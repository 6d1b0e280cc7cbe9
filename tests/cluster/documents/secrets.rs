//! What the pages say of the Secret itself: consent, templates, windows.

use anyhow::Result;
use serde_json::json;

use super::page::{SYNCS, Stage, TEMPLATES};
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        the_pages_consent_lets_a_sync_in,
        the_page_on_templates_makes_its_keys,
        the_pages_windows_let_a_new_secret_through,
    ]
}

async fn the_pages_consent_lets_a_sync_in(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let kit = &stage.kit;
    let (value, _) = kit.plant("s", "one").await?;
    kit.make_secret("payments", json!({"THEIRS": "theirs"}), json!({}))
        .await?;
    let sync = kit.sync("payments", &[("K", "s")], |spec| {
        spec["identityRef"] = json!({"name": "payments"});
    });
    kit.apply(sync).await?;
    kit.says("payments", "Synced", "False", "TargetNotOurs")
        .await?;
    let consent = stage.example(SYNCS, "### target")?;
    kit.damage("payments", consent).await?;
    kit.holds("payments", &[("K", &value), ("THEIRS", "theirs")])
        .await?;
    kit.is_synced("payments").await
}

async fn the_page_on_templates_makes_its_keys(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let kit = &stage.kit;
    kit.put("db-user", "a@b").await?;
    let (password, _) = kit.plant("db-password", "one").await?;
    kit.apply(stage.example(TEMPLATES, "# Templates")?).await?;
    let properties = format!("jdbc.user=a@b\njdbc.password={password}\n");
    let url = format!("postgres://a%40b:{password}@db/app");
    kit.holds(
        "payments-app",
        &[("app.properties", &properties), ("url", &url)],
    )
    .await?;
    kit.is_synced("payments-app").await
}

/// What windows keep back has a test that does not depend on the day.
async fn the_pages_windows_let_a_new_secret_through(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let kit = &stage.kit;
    let (password, _) = kit.plant("db-password", "one").await?;
    kit.apply(stage.example(SYNCS, "### windows")?).await?;
    kit.holds("payments-nightly", &[("DB_PASSWORD", &password)])
        .await?;
    kit.is_synced("payments-nightly").await
}
