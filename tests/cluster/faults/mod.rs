//! Each fault, met by each write of a resource's life. What is written and what is there in the end is as in an undisturbed life;
//! what is repeated was looked at before, and what destroys is not repeated while it may still take effect.

pub mod field;

use std::fmt::Debug;

use anyhow::{Context, Result, ensure};
use kube::core::object::HasStatus;
use serde_json::Value;
use testbed::Fault;

use self::field::{Field, Row, UNDISTURBED};
use crate::estate::{Declared, Estate};
use crate::kit::Kit;

/// A write, and the life around it.
pub trait Life: Copy + Debug + PartialEq + 'static {
    type Kind: Declared;

    /// The write that meets a fault, by the journal's word.
    fn write(self) -> &'static str;
    /// All writes of an undisturbed life from there on, oldest first.
    fn writes(self) -> Vec<&'static str>;
    /// The read that shows that the write is still to be done: the journal's word, and the status of its answer.
    fn read(self) -> (&'static str, u16);
    /// Whether the object is deleted.
    fn leaves(self) -> bool;
    /// Whether something is lost by the write: while one may still take effect there is no other.
    fn destroys(self) -> bool;
    /// Whether there is a resource of the object before the write.
    fn has_resource(self) -> bool;
    /// What the object says before.
    fn first(self, spec: &mut Value);
    /// What is to be there in Azure before anything is applied.
    async fn prepare(self, estate: &Estate<Self::Kind>) -> Result<()>;
    /// Begins what leads to the write.
    async fn begin(self, estate: &Estate<Self::Kind>) -> Result<()>;
    /// What there is in the end.
    async fn end(self, estate: &Estate<Self::Kind>) -> Result<String>;

    /// What must hold whenever somebody looks.
    async fn holds(self, _estate: &Estate<Self::Kind>) -> Result<()> {
        Ok(())
    }

    /// Whether an object that is as declared has come to its end.
    fn is_done(self, _status: &<Self::Kind as HasStatus>::Status) -> bool {
        true
    }
}

/// What a write meets, once.
pub struct Trouble {
    pub name: &'static str,
    pub fault: fn() -> Fault,
    /// The write is done all the same.
    pub is_done: bool,
    /// Its answer says neither that it was done nor that it was not.
    pub in_doubt: bool,
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

pub const TROUBLES: [Trouble; 9] = [
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

/// All rows are in trouble at once.
pub async fn each<L: Life>(kit: Kit, states: impl IntoIterator<Item = L>) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let rows = states.into_iter().flat_map(|state| {
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

fn of<L: Life>(row: &Row<L>) -> Option<&'static Trouble> {
    TROUBLES.iter().find(|trouble| trouble.name == row.what)
}

async fn check<L: Life>(field: &Field<L>, row: &Row<L>, ledger: &field::Ledger) -> Result<()> {
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
