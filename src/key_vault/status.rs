//! What the status of a vault says. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::api::{KeyVaultStatus, SeedStatus};
use super::desired::differences;
use super::plan::{Inputs, Plane, Record, SecretSeen, Seen, propagates};
use super::recorded::keep;
use crate::azure_resource::api::Mode;
use crate::azure_resource::difference::Difference;
use crate::k8s::conditions::{self, Says, find};
use crate::problem::{Problem, Reason};

/// It exists and can be used.
pub const READY: &str = "Ready";
/// It is as the spec says.
pub const SYNCED: &str = "Synced";
/// Somebody else has changed it.
pub const DRIFTED: &str = "Drifted";
/// The identity may do what is needed.
pub const AUTHORIZED: &str = "Authorized";
/// Its objects can be reached.
pub const PLANE: &str = "DataPlaneReachable";
/// How far its deletion is.
pub const DELETING: &str = "Deleting";

/// What a message ends in where Azure has told a correlation id: it differs from try to try.
const CORRELATION: &str = " (correlation id ";

/// What a round came to.
#[derive(Debug)]
pub struct Look<'a> {
    /// What it was about; none where the spec or the identity could not be used.
    pub inputs: Option<Inputs<'a>>,
    /// What was seen.
    pub seen: &'a Seen,
    /// What is kept.
    pub record: &'a Record,
    /// What would be done, where it is not.
    pub planned: &'a [String],
    /// What stands in the way.
    pub problem: Option<&'a Problem>,
    /// Whether the object is being deleted.
    pub leaving: bool,
    /// The annotation that was acted upon.
    pub sync_at: Option<String>,
}

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

fn say(
    type_: &'static str,
    status: bool,
    reason: &'static str,
    message: impl Into<String>,
) -> Says {
    Says {
        type_,
        status: Some(status),
        reason,
        message: message.into(),
    }
}

fn trouble(type_: &'static str, problem: &Problem) -> Says {
    let id = problem.correlation_id.as_ref();
    let id = id.map(|id| format!("{CORRELATION}{id})"));
    let message = format!("{}{}", problem.message, id.unwrap_or_default());
    say(type_, false, problem.reason.as_str(), message)
}

fn says(old: &[Condition], look: &Look<'_>, left: &[Difference]) -> Vec<Says> {
    let mut says = Vec::new();
    says.extend(ready(old, look));
    says.push(synced(look, left));
    says.extend(drifted(look, left));
    says.extend(authorized(look));
    says.extend(look.seen.plane.as_ref().map(|seen| plane(look, seen)));
    if look.leaving {
        says.push(match look.problem {
            Some(problem) => Says {
                status: Some(true),
                ..trouble(DELETING, problem)
            },
            None => say(DELETING, true, "Deleting", "it is being let go"),
        });
    }
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

fn synced(look: &Look<'_>, left: &[Difference]) -> Says {
    if let Some(problem) = look.problem {
        return trouble(SYNCED, problem);
    }
    let stuck = left.iter().find(|one| one.stuck.is_some());
    if let Some((one, why)) = stuck.and_then(|one| Some((one, one.stuck?))) {
        let message = format!(
            "spec.{} says {}, but the vault has {}, and {why}",
            one.path, one.desired, one.observed
        );
        return say(SYNCED, false, Reason::CannotChange.as_str(), message);
    }
    if let Some(first) = look.planned.first() {
        let more = look.planned.len() - 1;
        let more = if more > 0 {
            format!(", and {more} more")
        } else {
            String::new()
        };
        let message = format!("nothing was written; what would be done: {first}{more}");
        return say(SYNCED, false, "OnlyPlanned", message);
    }
    say(SYNCED, true, "AsDeclared", "the vault is as this spec says")
}

/// What differs although it was written once is drift; before that it is work to be done.
fn drifted(look: &Look<'_>, left: &[Difference]) -> Option<Says> {
    let inputs = look.inputs.as_ref()?;
    let vault = look.seen.vault.as_ref()?;
    let observes = inputs.valid.mode == Mode::Observe;
    let applied = inputs.record.applied == Some(inputs.valid.generation);
    if !observes && !applied {
        return Some(say(
            DRIFTED,
            false,
            "NotApplied",
            "this spec was not written as a whole yet",
        ));
    }
    if vault.is_none() {
        return Some(say(
            DRIFTED,
            true,
            "Absent",
            "the vault does not exist any more",
        ));
    }
    let moved: Vec<&Difference> = left.iter().filter(|one| one.stuck.is_none()).collect();
    let Some(first) = moved.first() else {
        return Some(say(DRIFTED, false, "InSync", "nobody has changed it"));
    };
    let message = format!(
        "{} differs in {} place(s), first {}: {} instead of {}",
        inputs.valid.azure_name.as_str(),
        moved.len(),
        first.path,
        first.observed,
        first.desired
    );
    Some(say(DRIFTED, true, "Differs", message))
}

/// What Azure says about who asks.
fn authorized(look: &Look<'_>) -> Option<Says> {
    let about = |problem: &&Problem| {
        matches!(
            problem.reason,
            Reason::Forbidden
                | Reason::Unauthorized
                | Reason::IdentityNotFound
                | Reason::IdentityDeleting
                | Reason::IdentityNotAllowed
                | Reason::CredentialNotFound
                | Reason::InvalidClientSecret
                | Reason::ClientSecretExpired
                | Reason::CertificateNotRegistered
                | Reason::FederationMismatch
                | Reason::ApplicationNotFound
                | Reason::TenantNotFound
                | Reason::AuthenticationFailed
        )
    };
    if let Some(problem) = look.problem.filter(about) {
        return Some(trouble(AUTHORIZED, problem));
    }
    look.seen.vault.as_ref()?;
    let message = "the identity may do what was needed";
    Some(say(AUTHORIZED, true, "Permitted", message))
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

/// A message that differs from the one that is there in nothing but a correlation id is not written anew.
fn calm(old: &[Condition], says: Says) -> Says {
    let stem = |text: &str| {
        text.split(CORRELATION)
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let same = find(old, says.type_).filter(|old| {
        old.reason == says.reason
            && old.message.contains(CORRELATION)
            && stem(&old.message) == stem(&says.message)
    });
    match same {
        Some(old) => Says {
            message: old.message.clone(),
            ..says
        },
        None => says,
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
