//! Each fault, met by each write of a vault's life. What is written and what is there in the end is as in an undisturbed life;
//! what is repeated was looked at before, and what destroys is not repeated while it may still take effect.

pub mod field;
pub mod states;

use anyhow::{Context, Result, ensure};
use testbed::Fault;

use self::field::{Field, Row, UNDISTURBED};
use self::states::State;
use super::estate::Estate;
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        faults_of_what_makes_and_changes,
        faults_of_what_deletes_and_purges
    ]
}

/// What a write meets, once.
struct Trouble {
    name: &'static str,
    fault: fn() -> Fault,
    /// The write is done all the same.
    is_done: bool,
    /// Its answer says neither that it was done nor that it was not.
    in_doubt: bool,
}

const fn trouble(name: &'static str, fault: fn() -> Fault) -> Trouble {
    Trouble {
        name,
        fault,
        is_done: false,
        in_doubt: false,
    }
}

impl Trouble {
    const fn in_doubt(self) -> Self {
        Self {
            in_doubt: true,
            ..self
        }
    }

    const fn though_done(self) -> Self {
        Self {
            is_done: true,
            in_doubt: true,
            ..self
        }
    }
}

const TROUBLES: [Trouble; 9] = [
    trouble("503", || Fault::status(503)).in_doubt(),
    trouble("429 with Retry-After", || Fault::throttled(Some(1))),
    trouble("429 without Retry-After", || Fault::throttled(None)),
    trouble("AnotherOperationInProgress", || {
        conflict("AnotherOperationInProgress")
    }),
    trouble("ConflictError", || conflict("ConflictError")),
    trouble("a hang", || Fault::Hang(true)).in_doubt(),
    trouble("a cut connection", || Fault::Cut(true)).in_doubt(),
    trouble("a lost answer", || Fault::LoseAnswer(true)).though_done(),
    trouble("malformed JSON", || Fault::MalformedJson(true)).though_done(),
];

fn conflict(code: &str) -> Fault {
    Fault::Status {
        status: 409,
        retry_after: None,
        code: Some(code.to_owned()),
        body: None,
        location: None,
    }
}

async fn faults_of_what_makes_and_changes(kit: Kit) -> Result<()> {
    each(kit, |state| !state.destroys()).await
}

async fn faults_of_what_deletes_and_purges(kit: Kit) -> Result<()> {
    each(kit, State::destroys).await
}

/// All rows are in trouble at once.
async fn each(kit: Kit, fits: impl Fn(State) -> bool) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let states = State::ALL.into_iter().filter(|state| fits(*state));
    let rows = states.flat_map(|state| {
        let troubles = TROUBLES.iter().map(|trouble| trouble.name);
        let troubles = troubles.chain([UNDISTURBED]);
        troubles.map(move |what| (state, what))
    });
    let mut field = Field::of(&estate, rows).await?;
    for row in &field.rows {
        if let Some(trouble) = of(row) {
            let estate = &row.estate;
            let fault = (trouble.fault)();
            estate.fault(row.state.write(), fault, Some(1)).await?;
        }
    }
    field.begin(|_| true).await?;
    field.settle("all are well again", |_| true).await?;
    let ledgers = field.ledgers().await?;
    for (row, ledger) in field.rows.iter().zip(&ledgers) {
        let checked = check(&field, row, ledger).await;
        checked.with_context(|| format!("{}: {:?}", row.name(), ledger.told()))?;
    }
    Ok(())
}

fn of(row: &Row) -> Option<&'static Trouble> {
    TROUBLES.iter().find(|trouble| trouble.name == row.what)
}

async fn check(field: &Field, row: &Row, ledger: &field::Ledger) -> Result<()> {
    let (state, trouble) = (row.state, of(row));
    let mut writes = state.writes();
    if trouble.is_some_and(|trouble| !trouble.is_done) {
        let first = writes.iter().position(|one| *one == state.write());
        writes.insert(first.context("no such write")?, state.write());
    }
    ensure!(ledger.writes() == writes, "not {writes:?}");
    ledger.repeats_after_reads(state.write(), state.read())?;
    let in_doubt = trouble.is_some_and(|trouble| trouble.in_doubt);
    ensure!(
        !(state.destroys() && in_doubt) || row.lapsed > 0,
        "it went on while the write might still take effect"
    );
    let (end, undisturbed) = (row.end().await?, field.undisturbed(state).await?);
    ensure!(end == undisturbed, "{end} instead of {undisturbed}");
    Ok(())
}
