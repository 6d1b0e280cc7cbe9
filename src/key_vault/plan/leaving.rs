//! A vault whose object is being deleted. Pure.

use std::time::Duration;

use super::{Inputs, Leaving, Look, Next, Seen, Step, act, told};
use crate::azure_resource::api::Mode;
use crate::azure_resource::claims::settled;
use crate::azure_resource::owner::Claim;
use crate::key_vault::api::DeletionPolicy;
use crate::key_vault::vault::Vault;
use crate::problem::Problem;
use crate::retry::after;

/// For how long Azure may not show a vault that was deleted. After that somebody else has purged it.
const LISTED: Duration = Duration::from_mins(10);

/// What is next while the vault is there.
pub(super) fn present(
    inputs: &Inputs<'_>,
    vault: &Vault,
    leaving: Leaving<'_>,
) -> Result<Next, Problem> {
    let valid = inputs.valid;
    let ours = inputs.owner.claim(&vault.tags) == Claim::Ours;
    if valid.mode == Mode::Observe || !ours {
        return act(inputs, Step::Forget);
    }
    settled(inputs, vault.state.as_deref())?;
    if valid.deletion_policy == DeletionPolicy::Retain {
        return act(inputs, Step::Release);
    }
    if !leaving.syncs.is_empty() && !valid.force_delete {
        return Err(told::still_named(inputs, leaving.syncs));
    }
    act(inputs, Step::Delete)
}

/// What is next when it is not there any more.
pub(super) fn absent(inputs: &Inputs<'_>, seen: &Seen) -> Result<Next, Problem> {
    let purges = inputs.valid.deletion_policy == DeletionPolicy::DeleteAndPurge;
    if !purges || inputs.valid.mode == Mode::Observe || !inputs.desired.cloud.soft_delete {
        return act(inputs, Step::Forget);
    }
    match &seen.deleted {
        None => Ok(Next::Look(Look::Deleted)),
        Some(Some(deleted))
            if inputs.owner.claim(&deleted.tags) == Claim::Ours && !deleted.purge_protection =>
        {
            act(inputs, Step::Purge)
        }
        // Azure shows what was deleted a moment later.
        Some(None) if is_fresh(inputs) => Err(told::not_listed_yet(inputs)),
        Some(_) => act(inputs, Step::Forget),
    }
}

/// Whether the vault was deleted a moment ago and not purged since.
fn is_fresh(inputs: &Inputs<'_>) -> bool {
    let deleted = inputs.record.to_purge;
    deleted.is_some_and(|deleted| inputs.now < after(deleted, LISTED))
}
