//! An account whose object is being deleted. Pure.

use super::{Inputs, Look, Next, Seen, Step, act, told};
use crate::azure_resource::api::Mode;
use crate::azure_resource::claims::settled;
use crate::azure_resource::owner::Claim;
use crate::data_lake_account::api::DeletionPolicy;
use crate::data_lake_account::generation::Account;
use crate::data_lake_account::lake::Contents;
use crate::problem::Problem;

/// What is next while the account is there.
pub(super) fn present(
    inputs: &Inputs<'_>,
    seen: &Seen,
    account: &Account,
) -> Result<Next, Problem> {
    let valid = inputs.valid;
    let ours = inputs.owner.claim(account.tags()) == Claim::Ours;
    if valid.mode == Mode::Observe || !ours {
        return act(inputs, Step::Forget);
    }
    settled(inputs, account.state())?;
    if valid.deletion_policy == DeletionPolicy::Retain {
        return act(inputs, Step::Release);
    }
    if !valid.force
        && !valid.force_delete
        && let Some(look) = is_empty(inputs, seen)?
    {
        return Ok(Next::Look(look));
    }
    act(inputs, Step::Delete)
}

/// Whether it is certain that the account holds nothing: none where it is, else what must be read. An account that holds
/// something, or whose filesystems cannot be looked into, is not deleted.
fn is_empty(inputs: &Inputs<'_>, seen: &Seen) -> Result<Option<Look>, Problem> {
    let filesystems = match &seen.filesystems {
        None => return Ok(Some(Look::Filesystems)),
        Some(Err(problem)) => return Err(told::maybe_holds_data(inputs, problem)),
        Some(Ok(filesystems)) => filesystems,
    };
    for name in filesystems {
        match seen.contents.get(name) {
            None => return Ok(Some(Look::Contents(name.clone()))),
            Some(Ok(Contents::Nothing | Contents::Gone)) => {}
            Some(Ok(Contents::Something)) => return Err(told::holds_data(inputs, name)),
            Some(Err(problem)) => return Err(told::maybe_holds_data(inputs, problem)),
        }
    }
    Ok(None)
}
