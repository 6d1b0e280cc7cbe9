//! What needs a world of its own: operators that are killed, and a simulator whose operations take their time.
//!
//! All of it shares a control plane and a simulator, and comes one after the other.

mod clusters;
mod deaths;
mod operations;

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use testbed::{Operator, OperatorOptions};

use super::estate::Estate;
use crate::kit::{Kit, World, operator_kubeconfig};
use crate::leaks::holds_no_value;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![deaths_operations_and_other_clusters]
}

async fn deaths_operations_and_other_clusters(shared: Kit) -> Result<()> {
    let world = Arc::new(World::with("vaults-alone", &[]).await?);
    let mut alone = Alone {
        kit: Kit::new(world, "deaths").await?,
        second: None,
    };
    let left_alone = deaths::deaths(&mut alone).await.context("deaths")?;
    alone.kit = Kit::new(Arc::clone(&alone.kit.world), "operations").await?;
    operations::operations(&mut alone)
        .await
        .context("operations")?;
    deaths::lapses(&left_alone).await.context("a note")?;
    clusters::clusters(&mut alone, shared)
        .await
        .context("clusters")?;
    let logs = [Some(&alone.kit.world.operator), alone.second.as_ref()];
    for operator in logs.into_iter().flatten() {
        let log = std::fs::read_to_string(operator.log())?;
        ensure!(!log.contains("panicked"), "a panic is in the log");
        holds_no_value("the log", &log)?;
    }
    Ok(())
}

/// The world, and whoever is the operator now.
struct Alone {
    kit: Kit,
    /// The operator after the first one's death.
    second: Option<Operator>,
}

impl Alone {
    async fn kill(&self) -> Result<()> {
        let operator = self.second.as_ref().unwrap_or(&self.kit.world.operator);
        operator.kill9().await.map(drop)
    }

    async fn start(&mut self) -> Result<()> {
        if let Some(operator) = &mut self.second {
            return operator.restart().await;
        }
        let options = self.options("second")?;
        let options = options.with_azure(self.kit.endpoints());
        self.second = Some(Operator::start(options).await?);
        Ok(())
    }

    fn options(&self, folder: &str) -> Result<OperatorOptions> {
        let world = &self.kit.world;
        let kubeconfig = operator_kubeconfig(&world.control_plane)?;
        let folder = world.scratch.path().join(folder);
        Ok(OperatorOptions::new(&kubeconfig, &folder).arg("--log-level=info,lakevault=debug"))
    }

    async fn estate(&self) -> Result<Estate> {
        Estate::new(self.kit.clone()).await
    }
}
