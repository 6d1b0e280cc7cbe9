//! An account that exists and is to stay. Pure.

use super::{Inputs, Look, Next, Seen, Step, act, grounded, told, vault};
use crate::azure_resource::api::Mode;
use crate::azure_resource::claims::{renewal, settled};
use crate::azure_resource::ground;
use crate::azure_resource::told as common;
use crate::data_lake_account::account::StorageAccount;
use crate::data_lake_account::desired::{
    differences, lifecycle_differences, soft_delete_differences,
};
use crate::problem::Problem;

/// What is next for an account that is there.
pub(super) fn kept(
    inputs: &Inputs<'_>,
    seen: &Seen,
    account: &StorageAccount,
) -> Result<Next, Problem> {
    if inputs.valid.mode == Mode::Manage {
        inputs.may_take(&account.tags)?;
    }
    if account.location != inputs.desired.location {
        return Err(common::other_location(inputs, &account.location));
    }
    settled(inputs, account.state.as_deref())?;
    if !account.hierarchical {
        return Err(told::not_hierarchical(inputs));
    }
    if let Some(next) = vault(inputs, seen)? {
        return Ok(next);
    }
    if let Some(step) = change(inputs, seen, account) {
        return act(inputs, step);
    }
    if let Some(state) = renewal(inputs, account.state.as_deref(), seen.updated)? {
        return act(inputs, Step::Update(vec![state]));
    }
    if !inputs.deep {
        return Ok(Next::Rest);
    }
    if let Some(next) = services(inputs, seen)? {
        return Ok(next);
    }
    let roles = ground::roles(inputs, &seen.ground, &inputs.record.roles)?;
    Ok(grounded(inputs, roles)?.unwrap_or(Next::Rest))
}

/// The next change of the account itself.
fn change(inputs: &Inputs<'_>, seen: &Seen, account: &StorageAccount) -> Option<Step> {
    let owner = inputs.owner.to_string();
    let set = (inputs.record.tags.as_slice(), owner.as_str());
    let found = differences(inputs.desired, account, set, seen.vault_uri());
    let observes = inputs.valid.mode == Mode::Observe;
    let writes = found.into_iter().filter(|difference| {
        let tag = difference.path.starts_with("tags.lakevault-owner");
        difference.stuck.is_none() && !(tag && observes)
    });
    let writes: Vec<_> = writes.collect();
    (!writes.is_empty()).then_some(Step::Update(writes))
}

/// The next read or change of what lies below the account: soft deletion, and what becomes of files with time.
fn services(inputs: &Inputs<'_>, seen: &Seen) -> Result<Option<Next>, Problem> {
    let desired = inputs.desired;
    if !desired.soft_delete.is_silent() {
        let Some(now) = seen.soft_delete else {
            return Ok(Some(Next::Look(Look::BlobService)));
        };
        if !soft_delete_differences(desired.soft_delete, now).is_empty() {
            let target = desired.soft_delete.over(now);
            return act(inputs, Step::SetBlobService(target)).map(Some);
        }
    }
    let Some(wanted) = &desired.lifecycle else {
        return Ok(None);
    };
    let Some(now) = &seen.lifecycle else {
        return Ok(Some(Next::Look(Look::Lifecycle)));
    };
    if lifecycle_differences(wanted, now).is_empty() {
        return Ok(None);
    }
    let step = if wanted.is_empty() {
        Step::RemovePolicy
    } else {
        Step::SetPolicy
    };
    act(inputs, step).map(Some)
}
