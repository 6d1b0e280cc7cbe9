//! An account that is to exist and does not. Pure.

use super::{Inputs, Look, Next, Seen, Step, act, grounded, told, vault};
use crate::azure_resource::ground;
use crate::problem::Problem;

/// What is next for an account that is not there.
pub(super) fn absent(inputs: &Inputs<'_>, seen: &Seen) -> Result<Next, Problem> {
    if let Some(next) = grounded(inputs, ground::group(inputs, &seen.ground)?)? {
        return Ok(next);
    }
    match &seen.name {
        None => return Ok(Next::Look(Look::Name)),
        Some(Ok(())) => {}
        Some(Err(said)) => return Err(told::name_taken(inputs, said)),
    }
    if let Some(next) = vault(inputs, seen)? {
        return Ok(next);
    }
    if let Some(next) = grounded(inputs, ground::provider(inputs, &seen.ground)?)? {
        return Ok(next);
    }
    act(inputs, Step::Create)
}
