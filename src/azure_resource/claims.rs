//! Whether a resource that is there is an object's, or may become so. Pure.

use super::api::Adopt;
use super::difference::Difference;
use super::owner::Claim;
use super::planner::{Inputs, Keeps, Planner};
use super::told;
use super::values::{Tags, is_at_rest};
use crate::problem::Problem;

impl<P: Planner> Inputs<'_, P> {
    /// Whose a resource is. One that was written before and has lost its tag is ours still; in mode Observe that is nobody's
    /// business.
    pub fn claim(&self, tags: &Tags) -> Claim {
        let claim = self.owner.claim(tags);
        let written = self.record.applied().is_some() && self.leaving.is_none();
        if claim == Claim::None && written {
            return Claim::Ours;
        }
        claim
    }

    /// Whether a resource is this object's, or may become so.
    pub fn may_take(&self, tags: &Tags) -> Result<(), Problem> {
        match (self.claim(tags), self.valid.adopt) {
            (Claim::Ours, _)
            | (Claim::Predecessor, Adopt::IfTagged | Adopt::Always)
            | (Claim::None, Adopt::Always) => Ok(()),
            (Claim::Foreign, _) => Err(told::foreign(self, tags)),
            (Claim::Predecessor, Adopt::Never) | (Claim::None, Adopt::IfTagged | Adopt::Never) => {
                Err(told::not_adopted(self))
            }
        }
    }
}

/// Whether Azure has ended its work on a resource, well or not.
pub fn settled<P: Planner>(inputs: &Inputs<'_, P>, state: Option<&str>) -> Result<(), Problem> {
    if is_at_rest(state) {
        return Ok(());
    }
    Err(told::provisioning(inputs, state.unwrap_or_default()))
}

/// Azure has given up in the midst of what it was asked for, and a resource that differs in nothing may be half made: it is
/// written once more, once in a round. Gives back what that write is about.
pub fn renewal<P: Planner>(
    inputs: &Inputs<'_, P>,
    state: Option<&str>,
    updated: bool,
) -> Result<Option<Difference>, Problem> {
    let given_up = ["Failed", "Canceled"];
    let state = state.unwrap_or_default();
    if !given_up.iter().any(|one| one.eq_ignore_ascii_case(state)) {
        return Ok(None);
    }
    if updated {
        return Err(told::given_up(inputs, state));
    }
    Ok(Some(Difference::new(
        "provisioningState",
        "Succeeded",
        state,
    )))
}
