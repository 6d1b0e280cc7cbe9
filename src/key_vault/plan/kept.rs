//! A vault that exists and is to stay. Pure.

use jiff::Timestamp;

use super::{Inputs, Look, Next, Plane, SecretSeen, Seen, Step, act, grounded, told};
use crate::azure_resource::api::Mode;
use crate::azure_resource::claims::{renewal, settled};
use crate::azure_resource::ground;
use crate::azure_resource::told as common;
use crate::key_vault::desired::differences;
use crate::key_vault::valid::{Seed, Valid};
use crate::key_vault::vault::{Policies, Vault};
use crate::problem::{Problem, Reason};
use crate::retry::after;

/// What is next for a vault that is there.
pub(super) fn kept(inputs: &Inputs<'_>, seen: &Seen, vault: &Vault) -> Result<Next, Problem> {
    if vault.tenant != inputs.desired.tenant {
        return Err(told::other_tenant(inputs, vault));
    }
    if inputs.valid.mode == Mode::Manage {
        inputs.may_take(&vault.tags)?;
    }
    if vault.location != inputs.desired.location {
        return Err(common::other_location(inputs, &vault.location));
    }
    settled(inputs, vault.state.as_deref())?;
    if let Some(step) = change(inputs, vault) {
        return act(inputs, step);
    }
    if let Some(state) = renewal(inputs, vault.state.as_deref(), seen.updated)? {
        return act(inputs, Step::Update(vec![state]));
    }
    if !inputs.deep {
        return Ok(Next::Rest);
    }
    match &seen.plane {
        None => return Ok(Next::Look(Look::DataPlane)),
        Some(Plane::NoAddress(problem)) => return Err(problem.clone()),
        Some(Plane::Answers | Plane::NoRole(_) | Plane::ShutOut(_)) => {}
    }
    let given = &inputs.record.roles;
    if let Some(next) = grounded(inputs, ground::roles(inputs, &seen.ground, given)?)? {
        return Ok(next);
    }
    for seed in &inputs.valid.seeds {
        if let Some(next) = secret(inputs, seen, seed)? {
            return Ok(next);
        }
    }
    Ok(Next::Rest)
}

/// The next change of the vault itself.
fn change(inputs: &Inputs<'_>, vault: &Vault) -> Option<Step> {
    let (desired, set) = (inputs.desired, &inputs.record.set);
    let owner = inputs.owner.to_string();
    let found = differences(desired, vault, set, &owner);
    let observes = inputs.valid.mode == Mode::Observe;
    let writes = found.into_iter().filter(|difference| {
        let policy = difference.path.starts_with("accessPolicies");
        let tag = difference.path.starts_with("tags.lakevault-owner");
        difference.stuck.is_none() && !policy && !(tag && observes)
    });
    let writes: Vec<_> = writes.collect();
    if !writes.is_empty() {
        return Some(Step::Update(writes));
    }
    let changed = desired.changed_policies(&vault.policies);
    let there = |(who, _): &(_, _)| vault.policies.contains_key(who);
    let (other, new): (Policies, Policies) = changed.into_iter().partition(there);
    if !new.is_empty() {
        return Some(Step::AddPolicies(new));
    }
    if !other.is_empty() {
        return Some(Step::ReplacePolicies(other));
    }
    let dropped = desired.dropped_policies(&vault.policies, set);
    let dropped: Vec<_> = dropped.into_iter().cloned().collect();
    (!dropped.is_empty()).then_some(Step::DropPolicies(dropped))
}

/// Until when a refusal by the data plane may mean no more than that a role, given for this spec a moment ago, is not known
/// there yet.
pub fn propagates(valid: &Valid, seen: &Seen, now: Timestamp) -> Option<Timestamp> {
    let refused = |plane: &&Plane| matches!(plane, Plane::NoRole(problem) if problem.reason == Reason::Forbidden);
    seen.plane.as_ref().filter(refused)?;
    ground::propagates(valid, &seen.ground, now)
}

/// The next read or change of a secret that is to be there.
fn secret(inputs: &Inputs<'_>, seen: &Seen, wanted: &Seed) -> Result<Option<Next>, Problem> {
    let make = || act(inputs, Step::MakeSecret(wanted.name.to_string())).map(Some);
    if let Some(Plane::NoRole(problem) | Plane::ShutOut(problem)) = &seen.plane
        && !seen.secrets.contains_key(wanted.name.as_str())
    {
        return Err(match propagates(inputs.valid, seen, inputs.now) {
            Some(until) => told::seed_waits(wanted, until),
            None => told::no_seed(wanted, problem),
        });
    }
    match seen.secrets.get(wanted.name.as_str()) {
        None => Ok(Some(Next::Look(Look::Secret(wanted.name.to_string())))),
        Some(SecretSeen::Absent) => make(),
        Some(SecretSeen::Deleted) => Err(told::deleted_secret(inputs, wanted)),
        Some(SecretSeen::Present { created, ours, .. }) => {
            let ends = wanted.rotate_after.zip(*created);
            let due = ends.is_some_and(|(pause, made)| after(made, pause) <= inputs.now);
            if due && *ours { make() } else { Ok(None) }
        }
    }
}
