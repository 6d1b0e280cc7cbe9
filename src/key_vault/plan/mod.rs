//! What is to be done next about a vault. Pure.
//!
//! [`next`] looks at what was seen in this round, and says one thing: what to read, what to write, what to wait for, or that
//! nothing is to be done. Whoever asks carries that out, adds what came of it to what was seen, and asks again. Nothing is
//! written that no read of the same round calls for.

mod absent;
mod assume;
mod kept;
mod leaving;
mod seen;
mod step;
mod told;

use jiff::Timestamp;

pub use self::assume::{assume, created, update};
pub use self::kept::propagates;
pub use self::seen::{Look, Plane, SecretSeen, Seen};
pub use self::step::Step;
use self::step::{DELETE, PURGE};
pub use self::told::PROPAGATING;
use super::api::KeyVault;
use super::desired::Set;
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
pub type Inputs<'a> = planner::Inputs<'a, KeyVault>;

/// What is kept of a vault from round to round, in its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its id, since it was first seen.
    pub azure_id: Option<String>,
    /// The generation that was written as a whole.
    pub applied: Option<i64>,
    /// A write whose outcome is not known.
    pub operation: Option<Note>,
    /// What was set.
    pub set: Set,
    /// Roles that were given.
    pub roles: Vec<RoleAssignmentStatus>,
    /// When it was deleted, so that it be purged; none once that is done.
    pub to_purge: Option<Timestamp>,
}

impl Keeps for Record {
    fn note(&self) -> Option<&Note> {
        self.operation.as_ref()
    }

    fn set_note(&mut self, note: Option<Note>) {
        self.operation = note;
    }

    fn notes(&mut self, note: Note) {
        self.to_purge = match note.step.as_str() {
            DELETE => Some(note.since.0),
            PURGE => None,
            _ => self.to_purge,
        };
        self.operation = Some(note::noted(self.note(), note));
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
    let Some(vault) = &seen.vault else {
        return Ok(Next::Look(Look::Vault));
    };
    match (vault, inputs.leaving) {
        (Some(vault), None) => kept::kept(inputs, seen, vault),
        (None, None) => absent::absent(inputs, seen),
        (Some(vault), Some(leaving)) => leaving::present(inputs, vault, leaving),
        (None, Some(_)) => leaving::absent(inputs, seen),
    }
}

/// A write, unless an earlier one of unknown outcome might still come in between.
fn act(inputs: &Inputs<'_>, step: Step) -> Result<Next, Problem> {
    let noted = inputs.record.operation.as_ref();
    note::act(noted, step, inputs.valid.generation, inputs.now)
}

/// What is to be done about what the vault stands on.
fn grounded(inputs: &Inputs<'_>, need: Option<Need>) -> Result<Option<Next>, Problem> {
    match need {
        None => Ok(None),
        Some(Need::Look(look)) => Ok(Some(Next::Look(Look::Ground(look)))),
        Some(Need::Do(step)) => act(inputs, Step::Ground(step)).map(Some),
    }
}

#[cfg(test)]
pub(in crate::key_vault) mod fixtures;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
