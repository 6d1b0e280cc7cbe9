//! The operator is killed while writes are under way.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::{Fault, Operator, OperatorOptions};

use super::super::lakes::Lake;
use super::super::trees::held;
use super::State;
use crate::estate::{Estate, release};
use crate::faults::Life;
use crate::faults::field::{Field, Row, UNDISTURBED};
use crate::kit::{Kit, World, operator_kubeconfig};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![who_dies_in_a_write_leaves_nothing_that_the_next_does_not_mend]
}

const NEVER: &str = "before it is done, and it never is";
const DONE: &str = "after it was done";

async fn who_dies_in_a_write_leaves_nothing_that_the_next_does_not_mend(_: Kit) -> Result<()> {
    let world = Arc::new(World::with("lakes-deaths", &[]).await?);
    let kit = Kit::new(Arc::clone(&world), "deaths").await?;
    let estate = Estate::new(kit).await?;
    let rows = State::ALL
        .into_iter()
        .flat_map(|state| [NEVER, DONE, UNDISTURBED].map(|what| (state, what)));
    let mut field = Field::of(&estate, rows).await?;
    let lake = in_use(&estate).await?;
    for row in field.rows.iter().filter(|row| dies(row)) {
        let fault = if row.what == NEVER {
            Fault::HoldBefore(true)
        } else {
            Fault::HoldAfter(true)
        };
        row.estate.fault(row.state.write(), fault, Some(1)).await?;
    }
    lake.fault("CreateDirectory", Fault::HoldAfter(true), Some(1))
        .await?;
    field.begin(|_| true).await?;
    lake.apply(with_directory).await?;
    let in_lake = held(&lake).await?;
    let mut ids = Vec::new();
    for row in field.rows.iter().filter(|row| dies(row)) {
        let how = if row.what == NEVER { "cut" } else { "goOn" };
        ids.push((row, row.estate.held(1).await?[0], how));
    }
    world.operator.kill9().await?;
    for (row, id, how) in ids {
        row.estate.release(id, how).await?;
    }
    release(&lake.kit, in_lake, "goOn").await?;
    let folder = world.scratch.path().join("second");
    let kubeconfig = operator_kubeconfig(&world.control_plane)?;
    let options = OperatorOptions::new(&kubeconfig, &folder).with_azure(lake.kit.endpoints());
    let second = Operator::start(options).await?;
    field.settle("all are well again", |_| true).await?;
    let ledgers = field.ledgers().await?;
    for (row, ledger) in field.rows.iter().zip(&ledgers) {
        let again = usize::from(row.what == NEVER);
        let writes = ledger.writes();
        let fits = writes.len() == 1 + again && writes.iter().all(|one| *one == row.state.write());
        ensure!(fits, "{}: {:?}", row.name(), ledger.told());
        let (end, undisturbed) = (row.end().await?, field.undisturbed(row.state).await?);
        ensure!(
            end == undisturbed,
            "{}: {end} instead of {undisturbed}",
            row.name()
        );
    }
    lake.is_ready().await?;
    let made = lake.calls("CreateDirectory").await?.len();
    ensure!(made == 1, "the directory was made {made} times");
    ensure!(lake.content("raw", "theirs").await? == "theirs");
    let log = std::fs::read_to_string(second.log()).context("log")?;
    ensure!(!log.contains("panicked"), "a panic is in the log");
    Ok(())
}

fn dies(row: &Row<State>) -> bool {
    row.what != UNDISTURBED
}

/// An account in which something of somebody else's lies.
async fn in_use(
    estate: &Estate<lakevault::data_lake_account::api::DataLakeAccount>,
) -> Result<Lake> {
    let lake = Lake {
        estate: estate.beside("lake").await?,
    };
    lake.ready(|spec| spec["filesystems"] = json!([{"name": "raw"}]))
        .await?;
    lake.put("raw", "theirs", json!({"content": "theirs"}))
        .await?;
    Ok(lake)
}

fn with_directory(spec: &mut Value) {
    spec["filesystems"] = json!([{"name": "raw", "directories": [{"path": "inbox"}]}]);
}
