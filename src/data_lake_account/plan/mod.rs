//! What is to be done next about an account. Pure.
//!
//! [`next`] looks at what was seen in this round, and says one thing: what to read, what to write, what to wait for, or that
//! nothing is to be done. What lies in the account has a plan of its own ([`super::lake`]), which begins where this one rests.

mod absent;
mod assume;
mod kept;
mod leaving;
mod seen;
mod step;
mod told;

pub use self::assume::{assume, created, update};
pub use self::seen::{Look, Seen};
pub use self::step::Step;
use super::api::DataLakeAccount;
use super::lake;
use super::outputs::record as outputs;
use crate::azure_resource::api::RoleAssignmentStatus;
use crate::azure_resource::ground::Need;
use crate::azure_resource::note::{self, Note};
pub use crate::azure_resource::planner::Leaving;
use crate::azure_resource::planner::{self, Keeps};
use crate::azure_resource::told::same_id;
use crate::problem::Problem;

/// What to do next.
pub type Next = planner::Next<Look, Step>;

/// Everything that a decision follows from, apart from what was seen.
pub type Inputs<'a> = planner::Inputs<'a, DataLakeAccount>;

/// What is kept of an account from round to round, in its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its id, since it was first seen.
    pub azure_id: Option<String>,
    /// The generation that was written as a whole.
    pub applied: Option<i64>,
    /// A write whose outcome is not known.
    pub operation: Option<Note>,
    /// Names of tags that were set.
    pub tags: Vec<String>,
    /// Roles that were given.
    pub roles: Vec<RoleAssignmentStatus>,
    /// The generation whose lake was written as a whole.
    pub lake_applied: Option<i64>,
    /// What is kept of the lake.
    pub lake: lake::Record,
    /// What is kept of outputs.
    pub outputs: outputs::Record,
}

impl Keeps for Record {
    fn note(&self) -> Option<&Note> {
        self.operation.as_ref()
    }

    fn set_note(&mut self, note: Option<Note>) {
        self.operation = note;
    }

    fn applied(&self) -> Option<i64> {
        self.applied
    }

    fn azure_id(&self) -> Option<&str> {
        self.azure_id.as_deref()
    }
}

/// Decides.
pub fn next(inputs: &Inputs<'_>, seen: &Seen) -> Next {
    decide(inputs, seen).unwrap_or_else(Next::Wait)
}

fn decide(inputs: &Inputs<'_>, seen: &Seen) -> Result<Next, Problem> {
    if inputs.leaving.is_some() && inputs.valid.detach {
        return Ok(Next::Do(Step::Forget));
    }
    same_id(inputs, inputs.record.azure_id.as_deref())?;
    let noted = inputs.record.operation.as_ref();
    if let Some(first) = note::first(noted, seen.operation.as_ref()) {
        return Ok(first);
    }
    let Some(account) = &seen.account else {
        return Ok(Next::Look(Look::Account));
    };
    match (account, inputs.leaving) {
        (Some(account), None) => kept::kept(inputs, seen, account),
        (None, None) => absent::absent(inputs, seen),
        (Some(account), Some(_)) => leaving::present(inputs, seen, account),
        (None, Some(_)) => act(inputs, Step::Forget),
    }
}

/// A write, unless an earlier one of unknown outcome might still come in between.
fn act(inputs: &Inputs<'_>, step: Step) -> Result<Next, Problem> {
    let noted = inputs.record.operation.as_ref();
    note::act(noted, step, inputs.valid.generation, inputs.now)
}

/// What is to be done about what the account stands on.
fn grounded(inputs: &Inputs<'_>, need: Option<Need>) -> Result<Option<Next>, Problem> {
    match need {
        None => Ok(None),
        Some(Need::Look(look)) => Ok(Some(Next::Look(Look::Ground(look)))),
        Some(Need::Do(step)) => act(inputs, Step::Ground(step)).map(Some),
    }
}

/// The vault of the key that data is encrypted with must be known before anything is written of it.
fn vault(inputs: &Inputs<'_>, seen: &Seen) -> Result<Option<Next>, Problem> {
    let Some(name) = inputs.desired.vault_ref() else {
        return Ok(None);
    };
    match &seen.vault {
        None => Ok(Some(Next::Look(Look::KeyVault(name.to_owned())))),
        Some(Ok(_)) => Ok(None),
        Some(Err(problem)) => Err(problem.clone()),
    }
}

#[cfg(test)]
pub(in crate::data_lake_account) mod fixtures;
#[cfg(test)]
mod tests;
