//! The operator is killed while writes are under way.

use anyhow::{Context, Result, ensure};
use kube::api::ListParams;
use serde_json::json;
use testbed::poll::seen;
use testbed::{Fault, until};

use super::super::estate::{Estate, condition, holds, release};
use super::super::faults::State;
use super::Alone;
use crate::faults::Life;
use crate::faults::field::{self, Ledger, UNDISTURBED};
use crate::kit::SOON;

type Field = field::Field<State>;
type Row = field::Row<State>;

/// Where a write is when the operator dies.
#[derive(Clone, Copy)]
struct Death {
    name: &'static str,
    fault: fn() -> Fault,
    /// The request is done when the next operator has looked; where not, it is let go before that operator starts.
    is_late: bool,
    /// How it is let go; empty where it is not held.
    how: &'static str,
    /// Whether it is done at all.
    is_done: bool,
}

const DEATHS: [Death; 4] = [
    Death {
        name: "before it is done, and it never is",
        fault: || Fault::HoldBefore(true),
        is_late: false,
        how: "cut",
        is_done: false,
    },
    Death {
        name: "before it is done, and it is when the next operator has looked",
        fault: || Fault::HoldBefore(true),
        is_late: true,
        how: "goOn",
        is_done: true,
    },
    Death {
        name: "after it was done",
        fault: || Fault::HoldAfter(true),
        is_late: false,
        how: "goOn",
        is_done: true,
    },
    Death {
        name: "after its answer was lost",
        fault: || Fault::LoseAnswer(true),
        is_late: false,
        how: "",
        is_done: true,
    },
];

const STATES: [State; 5] = [
    State::Create,
    State::Recover,
    State::Delete,
    State::Purge,
    State::MakeRoom,
];

fn of(row: &Row) -> Option<Death> {
    DEATHS.into_iter().find(|death| death.name == row.what)
}

fn is_late(row: &Row) -> bool {
    of(row).is_some_and(|death| death.is_late)
}

/// One death for all rows: each has its write at another place then. Gives back a vault whose note is left to the clock.
pub async fn deaths(alone: &mut Alone) -> Result<Estate> {
    let estate = alone.estate().await?;
    let rows = STATES.into_iter().flat_map(|state| {
        let names = DEATHS.iter().map(|death| death.name);
        names.chain([UNDISTURBED]).map(move |what| (state, what))
    });
    let mut field = Field::of(&estate, rows).await?;
    for row in &field.rows {
        if let Some(death) = of(row) {
            let (write, fault) = (row.state.write(), (death.fault)());
            row.estate.fault(write, fault, Some(1)).await?;
        }
    }
    // Made, deleted while nobody looks, and done when somebody does.
    let unwanted = estate.beside("unwanted").await?;
    unwanted
        .fault("CreateOrUpdateVault", Fault::HoldBefore(true), Some(1))
        .await?;
    unwanted
        .apply(|spec| spec["deletionPolicy"] = json!("DeleteAndPurge"))
        .await?;
    let left_alone = estate.beside("alone").await?;
    left_alone
        .fault("CreateOrUpdateVault", Fault::LoseAnswer(true), Some(1))
        .await?;
    left_alone.apply(|_| ()).await?;
    field.begin(|_| true).await?;
    are_in_the_middle(&field, &unwanted).await?;
    alone.kill().await?;
    unwanted.delete().await?;
    let let_go = |row: &&Row| of(row).is_some_and(|death| !death.is_late && !death.how.is_empty());
    for row in field.rows.iter().filter(let_go) {
        let how = of(row).map_or("", |death| death.how);
        go(&row.estate, how).await?;
    }
    alone.start().await?;
    for row in field.rows.iter().filter(|row| is_late(row)) {
        was_looked_at(row).await?;
        go(&row.estate, "goOn").await?;
    }
    is_deleted_with_what_came_late(&unwanted).await?;
    field.settle("all are well again", |_| true).await?;
    // What is done late may undo what was done since; the next look mends that.
    for row in field.rows.iter().filter(|row| is_late(row)) {
        if !row.state.leaves() {
            row.estate.look().await?;
        }
    }
    field.unsettle();
    field.settle("all stay well", |_| true).await?;
    let ledgers = field.ledgers().await?;
    for (row, ledger) in field.rows.iter().zip(&ledgers) {
        let checked = check(&field, row, ledger).await;
        checked.with_context(|| format!("{}: {:?}", row.name(), ledger.told()))?;
    }
    Ok(left_alone)
}

/// Waits until a note goes by itself, which takes no interval more.
pub async fn lapses(left_alone: &Estate) -> Result<()> {
    let status = left_alone.is_ready().await?;
    let open = status.resource.operation.map(|open| open.since.0);
    until(4 * SOON, "the note goes by itself", async || {
        let status = left_alone.object().await.map_err(seen)?.status;
        let open = status.and_then(|status| status.resource.operation);
        open.map_or(Ok(()), |open| Err(format!("{open:?}")))
    })
    .await
    .with_context(|| format!("open since {open:?}"))?;
    ensure!(left_alone.writes().await? == ["CreateOrUpdateVault"]);
    Ok(())
}

/// Waits until each row's write is where the operator is to die.
async fn are_in_the_middle(field: &Field, unwanted: &Estate) -> Result<()> {
    let held = field
        .rows
        .iter()
        .filter(|row| of(row).is_some_and(|death| !death.how.is_empty()));
    let number = held.count() + 1;
    until(SOON, "all writes are held", async || {
        let all = holds(&unwanted.kit).await.map_err(seen)?;
        (all.len() == number)
            .then_some(())
            .ok_or_else(|| format!("{all:?}"))
    })
    .await?;
    let lost = |row: &&Row| of(row).is_some_and(|death| death.how.is_empty());
    for row in field.rows.iter().filter(lost) {
        let what = format!("{} has lost its answer", row.name());
        until(SOON, &what, async || {
            let calls = row.estate.calls(row.state.write()).await.map_err(seen)?;
            let mut statuses = calls.iter().map(|call| call.lost_status);
            statuses
                .any(|status| status.is_some())
                .then_some(())
                .ok_or_else(|| format!("{calls:?}"))
        })
        .await?;
    }
    Ok(())
}

/// Lets the held request go, and waits until it is done.
async fn go(estate: &Estate, how: &str) -> Result<()> {
    let all = holds(&estate.kit).await?;
    let held = all
        .iter()
        .find(|one| one.path.contains(&estate.subscription));
    let id = held.context("nothing is held")?.id;
    let before = estate.calls("").await?.len();
    release(&estate.kit, id, how).await?;
    until(SOON, "what was held is over", async || {
        let now = estate.calls("").await.map_err(seen)?.len();
        (now > before)
            .then_some(())
            .ok_or_else(|| format!("{now} requests"))
    })
    .await
}

/// Waits until the next operator has looked and found what it could: to wait, or to do it again.
async fn was_looked_at(row: &Row) -> Result<()> {
    let api = row.estate.kit.key_vaults();
    let what = format!("{}: the next operator has looked", row.name());
    until(SOON, &what, async || {
        let all = api.list(&ListParams::default()).await.map_err(seen)?;
        let mut named = all.into_iter();
        let object =
            named.find(|one| one.metadata.name.as_deref() == Some(row.estate.name.as_str()));
        let status = object.and_then(|object| object.status).unwrap_or_default();
        let synced = condition(&status, "Synced");
        let waits = synced.is_some_and(|synced| synced.reason == "OperationUnderWay");
        let is_done = !row.state.leaves() && synced.is_some_and(|synced| synced.status == "True");
        (waits || is_done)
            .then_some(())
            .ok_or_else(|| serde_json::to_string(&status).unwrap_or_default())
    })
    .await
}

/// The object whose vault nobody has seen waits for the request that might make it, and takes the vault along.
async fn is_deleted_with_what_came_late(unwanted: &Estate) -> Result<()> {
    unwanted
        .says("Deleting", "True", "OperationUnderWay")
        .await?;
    go(unwanted, "goOn").await?;
    ensure!(unwanted.in_azure().await?.is_some(), "it was not made");
    unwanted.lapse(&unwanted.object().await?).await?;
    unwanted.is_gone().await?;
    ensure!(unwanted.in_azure().await?.is_none() && !unwanted.is_soft_deleted().await?);
    let writes = unwanted.writes().await?;
    let wanted = ["CreateOrUpdateVault", "DeleteVault", "PurgeDeletedVault"];
    ensure!(writes == wanted, "{writes:?}");
    Ok(())
}

async fn check(field: &Field, row: &Row, ledger: &Ledger) -> Result<()> {
    let (state, death) = (row.state, of(row));
    let undisturbed = state.writes();
    let extra = ledger.writes().len() - undisturbed.len();
    let most = match death {
        None => 0,
        // What was brought back twice has its tags set twice.
        Some(death) if death.is_late && state == State::Recover => 2,
        Some(_) => 1,
    };
    ensure!(
        extra <= most,
        "{:?} instead of {undisturbed:?}",
        ledger.writes()
    );
    for write in ["DeleteVault", "PurgeDeletedVault"] {
        let asked = undisturbed.iter().filter(|one| **one == write).count();
        let again = death.is_some_and(|death| !death.is_done && state.write() == write);
        let wanted = asked + usize::from(again);
        ensure!(ledger.count(write) == wanted, "{write} instead of {wanted}");
    }
    if death.is_some_and(|death| !death.is_late) {
        ledger.repeats_after_reads(state.write(), state.read())?;
    }
    if death.is_some() && state.destroys() {
        ensure!(
            row.lapsed > 0,
            "it went on while the write might take effect"
        );
    }
    let (end, wanted) = (row.end().await?, field.undisturbed(state).await?);
    ensure!(end == wanted, "{end} instead of {wanted}");
    Ok(())
}
