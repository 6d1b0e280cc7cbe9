//! What is to be done next about a vault. Pure.
//!
//! [`next`] looks at what was seen in this round, and says one thing: what to read, what to write, what to wait for, or that
//! nothing is to be done. Whoever asks carries that out, adds what came of it to what was seen, and asks again. Nothing is
//! written that no read of the same round calls for.

mod absent;
mod assume;
mod kept;
mod leaving;
pub mod record;
mod seen;
mod step;
mod told;

use jiff::Timestamp;

pub use self::assume::{assigned, assume, created, id_of, update};
pub use self::kept::propagates;
pub use self::record::{Outcome, WINDOW, begun, came_to, over, polled};
pub use self::seen::{Group, Look, Plane, Polled, SecretSeen, Seen};
pub use self::step::{Role, Step};
pub use self::told::PROPAGATING;
use super::desired::{Desired, Set};
use super::valid::Valid;
use crate::azure_resource::api::{OperationStatus, RoleAssignmentStatus};
use crate::azure_resource::owner::{Claim, Owner};
use crate::problem::Problem;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Something must be read.
    Look(Look),
    /// Something must be written.
    Do(Step),
    /// Nothing can be done before something changes.
    Wait(Problem),
    /// Everything is as it should be.
    Rest,
}

/// Everything that a decision follows from, apart from what was seen.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The spec.
    pub valid: &'a Valid,
    /// What it wants of the vault.
    pub desired: &'a Desired,
    /// Whose the vault is to be.
    pub owner: &'a Owner,
    /// What is known from earlier rounds.
    pub record: &'a Record,
    /// How the object stands that is being deleted; none where it is not.
    pub leaving: Option<Leaving<'a>>,
    /// Whether role assignments, data plane and secrets are looked at, too.
    pub deep: bool,
    /// The time.
    pub now: Timestamp,
}

/// What is kept of a vault from round to round, in its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its id, since it was first seen.
    pub azure_id: Option<String>,
    /// The generation that was written as a whole.
    pub applied: Option<i64>,
    /// A write whose outcome is not known.
    pub operation: Option<OperationStatus>,
    /// What was set.
    pub set: Set,
    /// Roles that were given.
    pub roles: Vec<RoleAssignmentStatus>,
    /// When it was deleted, so that it be purged; none once that is done.
    pub to_purge: Option<Timestamp>,
}

/// How an object stands that is being deleted.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// Names of `VaultSecretSyncs` that still name it.
    pub syncs: &'a [String],
}

/// Decides.
pub fn next(inputs: &Inputs<'_>, seen: &Seen) -> Next {
    decide(inputs, seen).unwrap_or_else(Next::Wait)
}

fn decide(inputs: &Inputs<'_>, seen: &Seen) -> Result<Next, Problem> {
    if inputs.leaving.is_some() && inputs.valid.detach {
        return Ok(Next::Do(Step::Forget));
    }
    told::same_id(inputs)?;
    if let Some(operation) = &inputs.record.operation
        && operation.poll.is_some()
    {
        match &seen.operation {
            None => return Ok(Next::Look(Look::Operation)),
            Some(Polled::Running(after)) => return Err(told::under_way(operation, *after)),
            Some(Polled::Failed(problem)) => return Err(problem.clone()),
            Some(Polled::Ended) => {}
        }
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
    let open = inputs.record.operation.as_ref();
    let open = open.filter(|open| open.poll.is_none() && inputs.now < open.deadline.0);
    match open {
        Some(open) if !repeats(inputs, open, &step) => Err(told::in_between(open, inputs.now)),
        _ => Ok(Next::Do(step)),
    }
}

/// Whether a step is the very one whose outcome is not known, and harms nobody if it is done twice.
fn repeats(inputs: &Inputs<'_>, open: &OperationStatus, step: &Step) -> bool {
    let same = step.noted() == Some(open.step.as_str());
    same && open.generation == inputs.valid.generation && !step.destroys()
}

impl Inputs<'_> {
    /// Whose a vault is. One that was written before and has lost its tag is ours still; in mode Observe that is nobody's
    /// business.
    fn claim(&self, tags: &super::vault::Tags) -> Claim {
        let claim = self.owner.claim(tags);
        let written = self.record.applied.is_some() && self.leaving.is_none();
        if claim == Claim::None && written {
            return Claim::Ours;
        }
        claim
    }
}

#[cfg(test)]
pub(in crate::key_vault) mod fixtures;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
