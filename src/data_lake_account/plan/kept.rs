//! An account that exists and is to stay. Pure.

use super::{Inputs, Look, Next, Seen, Step, act, grounded, told, vault};
use crate::azure_resource::api::Mode;
use crate::azure_resource::claims::{renewal, settled};
use crate::azure_resource::ground;
use crate::azure_resource::told as common;
use crate::data_lake_account::desired::{lifecycle_differences, soft_delete_differences};
use crate::data_lake_account::generation::Account;
use crate::problem::Problem;

/// What is next for an account that is there.
pub(super) fn kept(inputs: &Inputs<'_>, seen: &Seen, account: &Account) -> Result<Next, Problem> {
    if inputs.valid.mode == Mode::Manage {
        inputs.may_take(account.tags())?;
    }
    if account.location() != inputs.desired.location() {
        return Err(common::other_location(inputs, account.location()));
    }
    settled(inputs, account.state())?;
    if !account.is_lake() {
        return Err(told::not_hierarchical(inputs));
    }
    if let Some(next) = vault(inputs, seen)? {
        return Ok(next);
    }
    if let Some(step) = change(inputs, seen, account) {
        return act(inputs, step);
    }
    if let Some(state) = renewal(inputs, account.state(), seen.updated)? {
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
fn change(inputs: &Inputs<'_>, seen: &Seen, account: &Account) -> Option<Step> {
    let owner = inputs.owner.to_string();
    let set = (inputs.record.tags.as_slice(), owner.as_str());
    let desired = inputs.desired;
    let found = desired.differences(account, set, seen.vault_told());
    let observes = inputs.valid.mode == Mode::Observe;
    let writes = found.into_iter().filter(|difference| {
        let tag = difference.path.starts_with("tags.lakevault-owner");
        difference.stuck.is_none() && !(tag && observes)
    });
    desired.change(account, writes.collect())
}

/// The next read or change of what lies below the account: soft deletion, and what becomes of files with time.
fn services(inputs: &Inputs<'_>, seen: &Seen) -> Result<Option<Next>, Problem> {
    let Some(desired) = inputs.desired.services() else {
        return Ok(None);
    };
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
