//! What is kept of a vault from round to round, in its status. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::api::KeyVaultStatus;
use super::desired::{Set, differences};
use super::plan::{Inputs, Record, Seen};
use super::vault::{Principal, Vault};
use crate::azure_resource::api::Mode;
use crate::azure_resource::ground;
use crate::azure_resource::note::over;
use crate::azure_resource::owner::Claim;
use crate::azure_resource::planner::Ending;
use crate::azure_resource::tags;

/// Writes down what is kept.
pub fn keep(status: &mut KeyVaultStatus, record: &Record) {
    let resource = &mut status.resource;
    resource.operation.clone_from(&record.operation);
    resource.azure_id.clone_from(&record.azure_id);
    resource.role_assignments.clone_from(&record.roles);
    resource.tags.clone_from(&record.set.tags);
    resource.applied_generation = record.applied;
    status.deleted_at = record.to_purge.map(Time);
    status.access_policies.clone_from(&record.set.policies);
}

/// Reads it back.
pub fn kept(status: &KeyVaultStatus) -> Record {
    let resource = &status.resource;
    Record {
        azure_id: resource.azure_id.clone(),
        applied: resource.applied_generation,
        operation: resource.operation.clone(),
        set: Set {
            tags: resource.tags.clone(),
            policies: status.access_policies.clone(),
        },
        roles: resource.role_assignments.clone(),
        to_purge: status.deleted_at.as_ref().map(|time| time.0),
    }
}

/// What is kept after a round: names of what is set, so that it can be taken back, and the generation where all was written.
pub fn recorded(inputs: &Inputs<'_>, seen: &Seen, ending: Ending) -> Record {
    let (noted, looked) = (inputs.record.operation.as_ref(), seen.vault.is_some());
    let mut record = Record {
        operation: over(noted, seen.operation.as_ref(), looked, inputs.now),
        ..inputs.record.clone()
    };
    let Some(vault) = seen.vault.as_ref().and_then(Option::as_ref) else {
        return record;
    };
    let observes = inputs.valid.mode == Mode::Observe;
    let taken = observes || inputs.owner.claim(&vault.tags) == Claim::Ours;
    if !taken {
        return record;
    }
    record.azure_id = Some(vault.id.clone());
    if ending.dry || observes {
        return record;
    }
    let clean = differences(
        inputs.desired,
        vault,
        &record.set,
        &inputs.owner.to_string(),
    )
    .iter()
    .all(|one| one.stuck.is_some());
    record.set = set(inputs, vault, clean);
    if inputs.leaving.is_none() && clean && !ending.problem {
        record.applied = Some(inputs.valid.generation);
    }
    if let Some(there) = &seen.ground.assignments {
        record.roles = ground::recorded(inputs.valid, &inputs.record.roles, there);
    }
    record
}

/// What is wanted counts as set once it is there; what was set before counts until nothing is left to be written. So what others
/// have set, and this object was not able to replace, is never taken away as if it were its own.
fn set(inputs: &Inputs<'_>, vault: &Vault, clean: bool) -> Set {
    let desired = inputs.desired;
    let missing = desired.changed_policies(&vault.policies);
    let there = |who: &&Principal| !missing.contains_key(who);
    let policies = desired.policies.keys().filter(there);
    let policies = policies.map(ToString::to_string);
    let old = &inputs.record.set;
    let before: &[String] = if clean { &[] } else { &old.policies };
    Set {
        tags: tags::set(&desired.tags, &vault.tags, &old.tags, clean),
        policies: tags::union(before, policies),
    }
}
