//! Several operators, of which one writes: who follows whom, and what a leader can still do that was stopped and goes on.
//!
//! They have a world of their own, since the operator that the other tests share would be one too many. What it shows comes in a
//! row: each part ends with the leader that the next one begins with.

mod azure;
mod replica;
mod writes;

use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use self::replica::{Replicas, no_write_comes_after_the_next_leaders_first};
use crate::kit::{Kit, World};
use crate::leaks::holds_no_value;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![one_leads_and_who_leads_no_more_writes_nothing]
}

async fn one_leads_and_who_leads_no_more_writes_nothing(_: Kit) -> Result<()> {
    let world = Arc::new(World::with("leaders", &[]).await?);
    world.operator.kill9().await?;
    let kit = Kit::new(world, "leaders").await?;
    let mut all = Replicas::new(kit);
    writes::held_on_their_way(&mut all)
        .await
        .context("writes held on their way to the API server")?;
    writes::killed(&mut all).await.context("a kill")?;
    writes::told_to_end(&mut all).await.context("SIGTERM")?;
    writes::stopped_while_idle(&mut all)
        .await
        .context("stopped while idle")?;
    azure::held_in_azure(&mut all)
        .await
        .context("calls held in Azure")?;
    no_write_comes_after_the_next_leaders_first(&all)?;
    for replica in &all.ended {
        let log = std::fs::read_to_string(replica.operator.log())?;
        ensure!(!log.contains("panicked"), "a panic is in the log");
        holds_no_value("the log", &log)?;
    }
    Ok(())
}
