//! The account itself: somebody else's, or gone; and answers that are lost.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use testbed::Fault;

use super::lakes::{Lake, is};
use crate::kit::{Kit, teaches};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        an_account_of_another_owner_is_left_alone,
        an_account_that_somebody_deleted_is_made_again,
        a_lost_answer_is_no_second_account,
        a_directory_whose_answer_was_lost_is_made_once,
    ]
}

async fn an_account_of_another_owner_is_left_alone(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let owner = "other-cluster/team/lake/11111111-2222-3333-4444-555555555555";
    lake.make_in_azure(|account| account["tags"] = json!({"lakevault-owner": owner}))
        .await?;
    lake.apply(|spec| {
        spec["adopt"] = json!("Always");
        spec["filesystems"] = json!([{"name": "raw"}]);
    })
    .await?;
    let message = lake.says("Synced", "False", "ResourceNotOurs").await?;
    teaches(&message, &[owner])?;
    lake.look().await?;
    ensure!(lake.estate.writes().await?.is_empty() && lake.writes().await?.is_empty());
    lake.delete().await?;
    lake.is_gone().await?;
    let account = lake.in_azure().await?.context("no account")?;
    ensure!(account["tags"]["lakevault-owner"] == owner, "{account}");
    Ok(())
}

async fn an_account_that_somebody_deleted_is_made_again(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    let spec = |spec: &mut serde_json::Value| {
        spec["filesystems"] = json!([{"name": "raw", "directories": [{"path": "a"}]}]);
    };
    lake.ready(spec).await?;
    let path = format!("/storageaccounts/{}", lake.name);
    lake.admin(Method::DELETE, &path, None).await?;
    lake.ask().await?;
    lake.status_when("it is made again", |status| {
        is(status, "Synced", "True", "AsDeclared")
    })
    .await?;
    testbed::until(crate::kit::SOON, "its lake is whole", async || {
        let stands = lake.stands("raw", "a").await;
        stands.map_err(|error| format!("{error:#}"))
    })
    .await?;
    let account = lake.in_azure().await?.context("no account")?;
    ensure!(account["isHnsEnabled"] == true, "{account}");
    lake.is_ready().await.map(drop)
}

async fn a_lost_answer_is_no_second_account(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.estate
        .fault("CreateStorageAccount", Fault::LoseAnswer(true), Some(1))
        .await?;
    lake.ready(|_| ()).await?;
    let calls = lake.estate.calls("CreateStorageAccount").await?.len();
    ensure!(calls == 1, "{calls} calls");
    Ok(())
}

async fn a_directory_whose_answer_was_lost_is_made_once(kit: Kit) -> Result<()> {
    let lake = Lake::new(kit).await?;
    lake.fault("CreateDirectory", Fault::LoseAnswer(true), Some(1))
        .await?;
    lake.ready(|spec| {
        spec["filesystems"] = json!([{"name": "raw", "directories": [{"path": "a"}]}]);
    })
    .await?;
    let calls = lake.calls("CreateDirectory").await?.len();
    ensure!(calls == 1, "{calls} calls");
    Ok(())
}
