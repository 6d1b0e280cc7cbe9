//! What is kept of an account from round to round, in its status. Pure.

use super::api::DataLakeAccountStatus;
use super::lake;
use super::outputs::record as outputs;
use super::plan::{Inputs, Record, Seen, Step};
use crate::azure_resource::api::Mode;
use crate::azure_resource::note::over;
use crate::azure_resource::owner::Claim;
use crate::azure_resource::planner::Ending;
use crate::azure_resource::{ground, tags};

/// Writes down what is kept.
pub fn keep(status: &mut DataLakeAccountStatus, record: &Record) {
    let resource = &mut status.resource;
    resource.operation.clone_from(&record.operation);
    resource.azure_id.clone_from(&record.azure_id);
    resource.role_assignments.clone_from(&record.roles);
    resource.tags.clone_from(&record.tags);
    resource.applied_generation = record.applied;
    status.lake_applied_generation = record.lake_applied;
    status.keys.clone_from(&record.outputs.keys);
    status.sas.clone_from(&record.outputs.sas);
    record.lake.keep(status);
}

/// Reads it back.
pub fn kept(status: &DataLakeAccountStatus) -> Record {
    let resource = &status.resource;
    Record {
        azure_id: resource.azure_id.clone(),
        applied: resource.applied_generation,
        operation: resource.operation.clone(),
        tags: resource.tags.clone(),
        roles: resource.role_assignments.clone(),
        lake_applied: status.lake_applied_generation,
        lake: lake::Record::kept(status),
        outputs: outputs::Record {
            keys: status.keys.clone(),
            sas: status.sas.clone(),
        },
    }
}

/// An account that is made anew has nothing of what was kept in the one before: all of it is made again, whatever rounds that takes.
pub fn begins(record: &mut Record, step: &Step) {
    if *step == Step::Create {
        record.lake_applied = None;
        record.lake = lake::Record::default();
    }
}

/// What is kept after a round: names of what is set, so that it can be taken back, and the generation where all was written. What
/// is kept of the lake and of the outputs was added while they were written.
pub fn recorded(inputs: &Inputs<'_>, seen: &Seen, ending: Ending) -> Record {
    let (noted, looked) = (inputs.record.operation.as_ref(), seen.account.is_some());
    let mut record = Record {
        operation: over(noted, seen.operation.as_ref(), looked, inputs.now),
        ..inputs.record.clone()
    };
    let Some(account) = seen.account.as_ref().and_then(Option::as_ref) else {
        return record;
    };
    let observes = inputs.valid.mode == Mode::Observe;
    let taken = observes || inputs.owner.claim(account.tags()) == Claim::Ours;
    if !taken {
        return record;
    }
    record.azure_id = Some(account.id().to_owned());
    if ending.dry || observes {
        return record;
    }
    let owner = inputs.owner.to_string();
    let set = (record.tags.as_slice(), owner.as_str());
    let desired = inputs.desired;
    let left = desired.differences(account, set, seen.vault_told());
    let clean = left.iter().all(|one| one.stuck.is_some());
    record.tags = tags::set(desired.tags(), account.tags(), &record.tags, clean);
    // Where the lake was come to, nothing was left to be written of the account.
    let done = !ending.problem || seen.came.is_some();
    if inputs.leaving.is_none() && clean && done {
        record.applied = Some(inputs.valid.generation);
    }
    if let Some(there) = &seen.ground.assignments {
        record.roles = ground::recorded(inputs.valid, &inputs.record.roles, there);
    }
    record
}

#[cfg(test)]
#[path = "recorded_tests.rs"]
mod tests;
