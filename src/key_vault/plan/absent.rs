//! A vault that is to exist and does not. Pure.

use super::{Inputs, Look, Next, Seen, Step, act, grounded, told};
use crate::azure_resource::api::Adopt;
use crate::azure_resource::ground;
use crate::azure_resource::owner::Claim;
use crate::azure_resource::told as common;
use crate::key_vault::api::OnSoftDeleted;
use crate::key_vault::vault::Deleted;
use crate::problem::Problem;

const OTHER_NAME: &str = "Create this object with another azureName.";

/// What is next for a vault that is not there.
pub(super) fn absent(inputs: &Inputs<'_>, seen: &Seen) -> Result<Next, Problem> {
    if inputs.desired.cloud.soft_delete {
        match &seen.deleted {
            None => return Ok(Next::Look(Look::Deleted)),
            Some(Some(deleted)) => return soft_deleted(inputs, seen, deleted),
            Some(None) => {}
        }
    }
    if let Some(next) = group(inputs, seen)? {
        return Ok(next);
    }
    if inputs.desired.cloud.soft_delete {
        match &seen.name {
            None => return Ok(Next::Look(Look::Name)),
            Some(Ok(())) => {}
            Some(Err(said)) => return taken(inputs, seen, said),
        }
    }
    if let Some(next) = grounded(inputs, ground::provider(inputs, &seen.ground)?)? {
        return Ok(next);
    }
    act(inputs, Step::Create)
}

/// A deleted vault has the name.
fn soft_deleted(inputs: &Inputs<'_>, seen: &Seen, deleted: &Deleted) -> Result<Next, Problem> {
    let claim = inputs.owner.claim(&deleted.tags);
    let valid = inputs.valid;
    if claim == Claim::Foreign {
        return Err(common::foreign(inputs, &deleted.tags));
    }
    let here = deleted.id.eq_ignore_ascii_case(&valid.id.to_string());
    if !here || deleted.location != inputs.desired.location {
        return Err(told::deleted_elsewhere(inputs, deleted));
    }
    match valid.on_soft_deleted {
        OnSoftDeleted::Fail => Err(told::soft_deleted(inputs, deleted)),
        OnSoftDeleted::Recover => {
            let ours = match claim {
                Claim::Ours => true,
                Claim::Predecessor => valid.adopt != Adopt::Never,
                Claim::None => valid.adopt == Adopt::Always,
                Claim::Foreign => false,
            };
            if !ours {
                return Err(common::not_adopted(inputs));
            }
            match group(inputs, seen)? {
                Some(next) => Ok(next),
                None => act(inputs, Step::Recover),
            }
        }
        OnSoftDeleted::Purge => {
            if claim != Claim::Ours && valid.adopt != Adopt::Always {
                return Err(told::not_purged(inputs));
            }
            if deleted.purge_protection {
                return Err(told::purge_protected(inputs, deleted));
            }
            act(inputs, Step::Purge)
        }
    }
}

/// The resource group must be there.
fn group(inputs: &Inputs<'_>, seen: &Seen) -> Result<Option<Next>, Problem> {
    grounded(inputs, ground::group(inputs, &seen.ground)?)
}

/// Somebody has the name: a deleted vault of another region, or a vault that we do not see.
fn taken(inputs: &Inputs<'_>, seen: &Seen, said: &str) -> Result<Next, Problem> {
    match &seen.deleted_elsewhere {
        None => Ok(Next::Look(Look::DeletedElsewhere)),
        Some(Some(deleted)) => Err(told::deleted_elsewhere(inputs, deleted)),
        Some(None) => Err(common::name_taken(inputs, OTHER_NAME, said)),
    }
}
