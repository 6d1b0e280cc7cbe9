//! A vault that exists and is to stay. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::assume::{assigned, id_of};
use super::{Inputs, Look, Next, Plane, Role, SecretSeen, Seen, Step, act, told};
use crate::azure_resource::api::{Adopt, Mode, RoleAssignmentStatus};
use crate::azure_resource::difference::Difference;
use crate::azure_resource::owner::Claim;
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
        may_take(inputs, vault)?;
    }
    if vault.location != inputs.desired.location {
        return Err(told::other_location(inputs, &vault.location));
    }
    told::settled(inputs, vault)?;
    if let Some(step) = change(inputs, vault) {
        return act(inputs, step);
    }
    if let Some(step) = renewal(inputs, seen, vault)? {
        return act(inputs, step);
    }
    if !inputs.deep {
        return Ok(Next::Rest);
    }
    match &seen.plane {
        None => return Ok(Next::Look(Look::DataPlane)),
        Some(Plane::NoAddress(problem)) => return Err(problem.clone()),
        Some(Plane::Answers | Plane::NoRole(_) | Plane::ShutOut(_)) => {}
    }
    if let Some(next) = roles(inputs, seen, vault)? {
        return Ok(next);
    }
    for seed in &inputs.valid.seeds {
        if let Some(next) = secret(inputs, seen, seed)? {
            return Ok(next);
        }
    }
    Ok(Next::Rest)
}

/// Whether a vault is this object's, or may become so.
fn may_take(inputs: &Inputs<'_>, vault: &Vault) -> Result<(), Problem> {
    match (inputs.claim(&vault.tags), inputs.valid.adopt) {
        (Claim::Ours, _)
        | (Claim::Predecessor, Adopt::IfTagged | Adopt::Always)
        | (Claim::None, Adopt::Always) => Ok(()),
        (Claim::Foreign, _) => Err(told::foreign(inputs, &vault.tags)),
        (Claim::Predecessor, Adopt::Never) | (Claim::None, Adopt::IfTagged | Adopt::Never) => {
            Err(told::not_adopted(inputs))
        }
    }
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

/// Azure has given up in the midst of what it was asked for, and a vault that differs in nothing may be half made: it is
/// written once more, once in a round.
fn renewal(inputs: &Inputs<'_>, seen: &Seen, vault: &Vault) -> Result<Option<Step>, Problem> {
    let given_up = ["Failed", "Canceled"];
    let state = vault.state.as_deref().unwrap_or_default();
    if !given_up.iter().any(|one| one.eq_ignore_ascii_case(state)) {
        return Ok(None);
    }
    if seen.updated {
        return Err(told::given_up(inputs, state));
    }
    let state = Difference::new("provisioningState", "Succeeded", state);
    Ok(Some(Step::Update(vec![state])))
}

/// The next read or change of roles on the vault.
fn roles(inputs: &Inputs<'_>, seen: &Seen, vault: &Vault) -> Result<Option<Next>, Problem> {
    let (wanted, given) = (&inputs.valid.roles, &inputs.record.roles);
    if wanted.is_empty() && given.is_empty() {
        return Ok(None);
    }
    let mut defined = Vec::new();
    for role in wanted {
        let definition = match &role.definition {
            Some(known) => *known,
            None => match seen.definitions.get(&role.role) {
                None => return Ok(Some(Next::Look(Look::RoleDefinition(role.role.clone())))),
                Some(None) => return Err(told::no_role(&role.role)),
                Some(Some(found)) => *found,
            },
        };
        defined.push(Role {
            definition: Some(definition),
            ..role.clone()
        });
    }
    let Some(there) = &seen.assignments else {
        return Ok(Some(Next::Look(Look::RoleAssignments)));
    };
    for role in &defined {
        let has = there.iter().any(|one| {
            one.scope.eq_ignore_ascii_case(&vault.id)
                && one.principal.eq_ignore_ascii_case(role.principal.as_str())
                && Some(one.role) == role.definition
        });
        if !has {
            return act(inputs, Step::Assign(role.clone())).map(Some);
        }
    }
    let stale = given.iter().find(|given| {
        let still = is_wanted(inputs, &defined, given);
        let ours = given.id.to_ascii_lowercase();
        let on_it = ours.starts_with(&vault.id.to_ascii_lowercase());
        let is_there = there
            .iter()
            .any(|one| id_of(one).eq_ignore_ascii_case(&ours));
        !still && on_it && is_there
    });
    match stale {
        Some(stale) => act(inputs, Step::Unassign(stale.id.clone())).map(Some),
        None => Ok(None),
    }
}

/// Whether a role that was given is wanted still: in the same words, or in others that come to the same assignment.
fn is_wanted(inputs: &Inputs<'_>, wanted: &[Role], given: &RoleAssignmentStatus) -> bool {
    wanted.iter().any(|role| {
        let principal = role.principal.as_str();
        let words = principal.eq_ignore_ascii_case(&given.principal_id)
            && role.role.eq_ignore_ascii_case(&given.role);
        let made = assigned(inputs, role).map(|made| id_of(&made));
        words || made.is_some_and(|made| made.eq_ignore_ascii_case(&given.id))
    })
}

/// For how long after a role was given Azure may refuse what it permits ("Troubleshoot Azure RBAC", 10 minutes).
const PROPAGATION: Duration = Duration::from_mins(10);

/// Until when a refusal by the data plane may mean no more than that a role, given for this spec a moment ago, is not known
/// there yet.
pub fn propagates(valid: &Valid, seen: &Seen, now: Timestamp) -> Option<Timestamp> {
    let refused = |plane: &&Plane| matches!(plane, Plane::NoRole(problem) if problem.reason == Reason::Forbidden);
    seen.plane.as_ref().filter(refused)?;
    let id = valid.id.to_string();
    let given = seen.assignments.iter().flatten().filter(|one| {
        let mut roles = valid.roles.iter();
        one.scope.eq_ignore_ascii_case(&id)
            && roles.any(|role| one.principal.eq_ignore_ascii_case(role.principal.as_str()))
    });
    let until = given.filter_map(|one| Some(after(one.created?, PROPAGATION)));
    until.max().filter(|until| now < *until)
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
