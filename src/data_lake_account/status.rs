//! What the status of an account says. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::api::{DataLakeAccount, DataLakeAccountStatus, Generation};
use super::desired::{lifecycle_differences, soft_delete_differences};
use super::generation::{Account, words};
use super::plan::Inputs;
use super::recorded::keep;
use crate::azure_resource::api::Mode;
use crate::azure_resource::difference::Difference;
use crate::azure_resource::planner;
use crate::azure_resource::status::{
    PLANE, READY, authorized, calm, deleting, drifted, say, synced, trouble,
};
use crate::k8s::conditions::{self, Says, find};
use crate::problem::{Problem, Reason};

/// The service that keeps it was retired.
pub const RETIRED: &str = "Retired";

/// What a round came to.
pub type Look<'a> = planner::Report<'a, DataLakeAccount>;

/// The status after a round.
pub fn status(
    old: &DataLakeAccountStatus,
    generation: Option<i64>,
    look: &Look<'_>,
    now: Timestamp,
) -> DataLakeAccountStatus {
    let mut new = old.clone();
    let left = left(look);
    if look.inputs.is_some() {
        facts(&mut new, look, &left);
    }
    keep(&mut new, look.record);
    new.resource.observed_generation = generation;
    new.resource.handled_sync_at.clone_from(&look.sync_at);
    let says = says(&old.resource.conditions, look, &left);
    let says = says
        .into_iter()
        .map(|one| calm(&old.resource.conditions, one))
        .collect();
    new.resource.conditions = conditions::set(&old.resource.conditions, says, generation, now);
    new
}

/// Differences that are there at the end of a round: of the account, of what lies below it, and of the lake.
fn left(look: &Look<'_>) -> Vec<Difference> {
    let (Some(inputs), Some(Some(account))) = (&look.inputs, &look.seen.account) else {
        return Vec::new();
    };
    let observes = inputs.valid.mode == Mode::Observe;
    let (owner, seen) = (inputs.owner.to_string(), look.seen);
    let set = (inputs.record.tags.as_slice(), owner.as_str());
    let desired = inputs.desired;
    let mut found = desired.differences(account, set, seen.vault_told());
    found.retain(|one| !(observes && one.path.starts_with("tags.lakevault-owner")));
    if let Some(desired) = desired.services() {
        if let Some(now) = seen.soft_delete {
            found.extend(soft_delete_differences(desired.soft_delete, now));
        }
        if let (Some(wanted), Some(now)) = (&desired.lifecycle, &seen.lifecycle) {
            found.extend(lifecycle_differences(wanted, now));
        }
    }
    found.extend(seen.lake_differs.iter().cloned());
    found
}

/// What was seen of the account.
fn facts(new: &mut DataLakeAccountStatus, look: &Look<'_>, left: &[Difference]) {
    let Some(account) = &look.seen.account else {
        return;
    };
    let account = account.as_ref();
    let state = account.and_then(Account::state);
    new.resource.provisioning_state = state.map(str::to_owned);
    new.resource.drift = left.iter().map(Difference::told).collect();
    new.resource.plan = look.planned.to_vec();
    new.endpoints = account.map(Account::endpoints).unwrap_or_default();
}

fn says(old: &[Condition], look: &Look<'_>, left: &[Difference]) -> Vec<Says> {
    let mut says = Vec::new();
    says.extend(ready(old, look));
    let service = look.inputs.as_ref().map(|inputs| inputs.valid.service);
    says.extend(service.and_then(retired));
    let noun = words(service.unwrap_or_default()).noun;
    says.push(synced(noun, look.problem, left, look.planned));
    says.extend(changed(look, left));
    says.extend(authorized(look.problem, look.seen.account.is_some()));
    says.extend(
        look.seen
            .came
            .as_ref()
            .map(|came| plane(came.problem.as_ref())),
    );
    says.extend(look.leaving.then(|| deleting(look.problem)));
    says
}

/// A service that Azure has retired, and the way out of it.
fn retired(service: Generation) -> Option<Says> {
    let message = "Azure retired Data Lake Store (generation Gen1) on 29 February 2024: it works only where an endpoint still speaks it. Move the data to an account of generation Gen2; lakevault plan --to-gen2 -f <file with this object> writes that";
    match service {
        Generation::Gen2 => None,
        Generation::Gen1 => Some(say(RETIRED, true, "DataLakeStoreRetired", message)),
    }
}

/// Where nothing was seen of the account, it is what it was.
fn ready(old: &[Condition], look: &Look<'_>) -> Option<Says> {
    let Some(account) = &look.seen.account else {
        let known = find(old, READY).is_some();
        return match look.problem {
            Some(problem) if !known => Some(trouble(READY, problem)),
            _ => None,
        };
    };
    let taken = look.record.azure_id.is_some();
    let waits = look
        .problem
        .filter(|problem| keeps_from_use(problem, account.as_ref(), taken));
    Some(match (account, waits) {
        (_, Some(problem)) => trouble(READY, problem),
        (Some(_), None) => say(READY, true, "Available", "the account exists"),
        (None, None) => match look.problem {
            Some(problem) => trouble(READY, problem),
            None => say(READY, false, "Absent", "there is no such account"),
        },
    })
}

/// Whether an account cannot be used with this problem. One's own can be used whatever the spec has come to say of it.
fn keeps_from_use(problem: &Problem, account: Option<&Account>, taken: bool) -> bool {
    let reason = problem.reason;
    let busy = account.is_some_and(|account| !account.is_at_rest());
    reason == Reason::LocationMismatch && !taken
        || reason == Reason::OperationUnderWay && busy
        || matches!(
            reason,
            Reason::Provisioning
                | Reason::ResourceNotOurs
                | Reason::HierarchyMissing
                | Reason::HostNotFound
                | Reason::OperationFailed
        )
}

/// Whether somebody else has changed it.
fn changed(look: &Look<'_>, left: &[Difference]) -> Option<Says> {
    let inputs = look.inputs.as_ref()?;
    let account = look.seen.account.as_ref()?;
    let observes = inputs.valid.mode == Mode::Observe;
    let generation = Some(inputs.valid.generation);
    let applied = inputs.record.applied == generation && written(inputs);
    let name = account.as_ref().map(|_| inputs.valid.azure_name.as_str());
    let noun = words(inputs.valid.service).noun;
    Some(drifted(noun, observes || applied, name, left))
}

/// Whether the lake was written as a whole, where the spec says anything of one.
pub(super) fn written(inputs: &Inputs<'_>) -> bool {
    let silent = inputs.valid.lake.filesystems.is_empty();
    silent || inputs.record.lake_applied == Some(inputs.valid.generation)
}

/// Whether filesystems can be reached.
fn plane(problem: Option<&Problem>) -> Says {
    match problem {
        Some(problem) if is_of_network(problem.reason) => trouble(PLANE, problem),
        Some(problem) if is_of_rights(problem.reason) => Says {
            status: Some(true),
            ..trouble(PLANE, problem)
        },
        _ => say(
            PLANE,
            true,
            "Answers",
            "the data lake answers, and lets the identity in",
        ),
    }
}

fn is_of_network(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::HostNotFound
            | Reason::ConnectionFailed
            | Reason::TimedOut
            | Reason::CertificateNotTrusted
            | Reason::ForbiddenByNetwork
    )
}

fn is_of_rights(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Forbidden | Reason::IdentityNotAllowed | Reason::RolePropagating
    )
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
