//! What the status of a vault says. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::api::{KeyVault, KeyVaultStatus, SeedStatus};
use super::desired::differences;
use super::plan::{Inputs, Plane, SecretSeen, propagates};
use super::planner::NOUN;
use super::recorded::keep;
use crate::azure_resource::api::Mode;
use crate::azure_resource::difference::Difference;
use crate::azure_resource::planner;
pub use crate::azure_resource::status::PLANE;
use crate::azure_resource::status::{
    READY, authorized, calm, deleting, drifted, say, synced, trouble,
};
use crate::k8s::conditions::{self, Says, find};
use crate::problem::Reason;

/// What a round came to.
pub type Look<'a> = planner::Report<'a, KeyVault>;

/// The status after a round.
pub fn status(
    old: &KeyVaultStatus,
    generation: Option<i64>,
    look: &Look<'_>,
    now: Timestamp,
) -> KeyVaultStatus {
    let mut new = old.clone();
    let left = left(look);
    if let Some(inputs) = &look.inputs {
        facts(&mut new, inputs, look, &left);
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

/// Differences that are there at the end of a round.
fn left(look: &Look<'_>) -> Vec<Difference> {
    let (Some(inputs), Some(Some(vault))) = (&look.inputs, &look.seen.vault) else {
        return Vec::new();
    };
    let observes = inputs.valid.mode == Mode::Observe;
    let owner = inputs.owner.to_string();
    let found = differences(inputs.desired, vault, &inputs.record.set, &owner);
    let counts = |one: &Difference| !(observes && one.path.starts_with("tags.lakevault-owner"));
    found.into_iter().filter(counts).collect()
}

/// What was seen of the vault.
fn facts(new: &mut KeyVaultStatus, inputs: &Inputs<'_>, look: &Look<'_>, left: &[Difference]) {
    let seen = look.seen;
    if let Some(vault) = &seen.vault {
        new.resource.provisioning_state = vault.as_ref().and_then(|vault| vault.state.clone());
        new.resource.drift = left.iter().map(Difference::told).collect();
        new.tenant_id = vault.as_ref().map(|vault| vault.tenant.clone());
        new.resource.plan = look.planned.to_vec();
        new.scheduled_purge_date = None;
    }
    let mut shown = seen.deleted.iter().chain(&seen.deleted_elsewhere).flatten();
    if let Some(date) = shown.find_map(|deleted| deleted.scheduled_purge) {
        new.scheduled_purge_date = Some(Time(date));
    }
    let uri = seen
        .vault
        .iter()
        .flatten()
        .find_map(|vault| vault.uri.as_ref());
    if let (Some(uri), Some(plane)) = (uri, &seen.plane)
        && !matches!(plane, Plane::NoAddress(_))
    {
        new.vault_uri = Some(uri.trim_end_matches('/').to_owned());
    }
    let seeds = inputs.valid.seeds.iter().filter_map(|seed| {
        let name = seed.name.as_str();
        let before = new.secrets.iter().find(|one| one.name == name).cloned();
        match seen.secrets.get(name) {
            Some(SecretSeen::Present {
                version,
                created: Some(created),
                ..
            }) => Some(SeedStatus {
                name: name.to_owned(),
                version: version.clone(),
                created: Time(*created),
            }),
            Some(SecretSeen::Absent | SecretSeen::Deleted) => None,
            Some(SecretSeen::Present { .. }) | None => before,
        }
    });
    new.secrets = seeds.collect();
}

fn says(old: &[Condition], look: &Look<'_>, left: &[Difference]) -> Vec<Says> {
    let mut says = Vec::new();
    says.extend(ready(old, look));
    says.push(synced(NOUN, look.problem, left, look.planned));
    says.extend(changed(look, left));
    says.extend(authorized(look.problem, look.seen.vault.is_some()));
    says.extend(look.seen.plane.as_ref().map(|seen| plane(look, seen)));
    says.extend(look.leaving.then(|| deleting(look.problem)));
    says
}

/// Where nothing was seen of the vault, it is what it was.
fn ready(old: &[Condition], look: &Look<'_>) -> Option<Says> {
    let Some(vault) = &look.seen.vault else {
        let known = find(old, READY).is_some();
        return match look.problem {
            Some(problem) if !known => Some(trouble(READY, problem)),
            _ => None,
        };
    };
    let taken = look.record.azure_id.is_some();
    let waits = look.problem.filter(|problem| {
        let reason = problem.reason;
        // One's own vault can be used whatever the spec has come to say of it.
        let elsewhere = matches!(reason, Reason::TenantMismatch | Reason::LocationMismatch);
        let goes_on = reason == Reason::OperationUnderWay;
        elsewhere && !taken
            || goes_on && vault.as_ref().is_some_and(|vault| !vault.is_at_rest())
            || matches!(
                reason,
                Reason::Provisioning
                    | Reason::ResourceNotOurs
                    | Reason::HostNotFound
                    | Reason::OperationFailed
            )
    });
    Some(match (vault, waits) {
        (_, Some(problem)) => trouble(READY, problem),
        (Some(_), None) => say(READY, true, "Available", "the vault exists and answers"),
        (None, None) => match look.problem {
            Some(problem) => trouble(READY, problem),
            None => say(READY, false, "Absent", "there is no such vault"),
        },
    })
}

/// Whether somebody else has changed it.
fn changed(look: &Look<'_>, left: &[Difference]) -> Option<Says> {
    let inputs = look.inputs.as_ref()?;
    let vault = look.seen.vault.as_ref()?;
    let observes = inputs.valid.mode == Mode::Observe;
    let applied = inputs.record.applied == Some(inputs.valid.generation);
    let name = vault.as_ref().map(|_| inputs.valid.azure_name.as_str());
    Some(drifted(NOUN, observes || applied, name, left))
}

fn plane(look: &Look<'_>, plane: &Plane) -> Says {
    let inputs = look.inputs.as_ref();
    let settling = inputs.and_then(|inputs| propagates(inputs.valid, look.seen, inputs.now));
    match plane {
        Plane::Answers => say(
            PLANE,
            true,
            "Answers",
            "the vault answers, and lets the identity list secrets",
        ),
        Plane::NoRole(_) if settling.is_some() => {
            let word = Reason::RolePropagating.as_str();
            let message = "the vault answers; roles that were given just now are not known everywhere in Azure yet";
            say(PLANE, true, word, message)
        }
        Plane::NoRole(problem) => Says {
            status: Some(true),
            ..trouble(PLANE, problem)
        },
        Plane::NoAddress(problem) | Plane::ShutOut(problem) => trouble(PLANE, problem),
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
