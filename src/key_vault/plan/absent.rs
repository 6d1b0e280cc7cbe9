//! A vault that is to exist and does not. Pure.

use super::{Inputs, Look, Next, Seen, Step, act, told};
use crate::azure::arm::providers::Registration;
use crate::azure_resource::api::Adopt;
use crate::azure_resource::owner::Claim;
use crate::key_vault::api::OnSoftDeleted;
use crate::key_vault::vault::Deleted;
use crate::problem::Problem;

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
    if let Some(next) = provider(inputs, seen)? {
        return Ok(next);
    }
    act(inputs, Step::Create)
}

/// A deleted vault has the name.
fn soft_deleted(inputs: &Inputs<'_>, seen: &Seen, deleted: &Deleted) -> Result<Next, Problem> {
    let claim = inputs.owner.claim(&deleted.tags);
    let valid = inputs.valid;
    if claim == Claim::Foreign {
        return Err(told::foreign(inputs, &deleted.tags));
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
                return Err(told::not_adopted(inputs));
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
    match &seen.group {
        None => Ok(Some(Next::Look(Look::Group))),
        Some(Some(group)) if group.deleting => Err(told::group_goes(inputs)),
        Some(Some(_)) => Ok(None),
        Some(None) if inputs.valid.create_group => act(inputs, Step::CreateGroup).map(Some),
        Some(None) => Err(told::no_group(inputs)),
    }
}

/// Somebody has the name: a deleted vault of another region, or a vault that we do not see.
fn taken(inputs: &Inputs<'_>, seen: &Seen, said: &str) -> Result<Next, Problem> {
    match &seen.deleted_elsewhere {
        None => Ok(Next::Look(Look::DeletedElsewhere)),
        Some(Some(deleted)) => Err(told::deleted_elsewhere(inputs, deleted)),
        Some(None) => Err(told::name_taken(inputs, said)),
    }
}

/// A write was refused since the subscription does not know the provider.
fn provider(inputs: &Inputs<'_>, seen: &Seen) -> Result<Option<Next>, Problem> {
    if !seen.unregistered {
        return Ok(None);
    }
    match seen.provider {
        None => Ok(Some(Next::Look(Look::Provider))),
        Some(Registration::NotRegistered) => act(inputs, Step::Register).map(Some),
        Some(Registration::Registering) => Err(told::registering(inputs)),
        Some(Registration::Registered) => Ok(None),
    }
}
