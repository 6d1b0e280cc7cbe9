//! What the status of every kind says in the same way. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::difference::Difference;
use crate::k8s::conditions::{Says, find};
use crate::problem::{Problem, Reason};

/// It exists and can be used.
pub const READY: &str = "Ready";
/// It is as the spec says.
pub const SYNCED: &str = "Synced";
/// Somebody else has changed it.
pub const DRIFTED: &str = "Drifted";
/// The identity may do what is needed.
pub const AUTHORIZED: &str = "Authorized";
/// What is in it can be reached.
pub const PLANE: &str = "DataPlaneReachable";
/// How far its deletion is.
pub const DELETING: &str = "Deleting";

/// What a message ends in where Azure has told a correlation id: it differs from try to try.
const CORRELATION: &str = " (correlation id ";

/// A condition.
pub fn say(
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

/// A condition that is not met, and why.
pub fn trouble(type_: &'static str, problem: &Problem) -> Says {
    let id = problem.correlation_id.as_ref();
    let id = id.map(|id| format!("{CORRELATION}{id})"));
    let message = format!("{}{}", problem.message, id.unwrap_or_default());
    say(type_, false, problem.reason.as_str(), message)
}

/// A message that differs from the one that is there in nothing but a correlation id is not written anew.
pub fn calm(old: &[Condition], says: Says) -> Says {
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

/// Whether it is as the spec says. `left` differs at the end of the round, `planned` would be done.
pub fn synced(
    noun: &str,
    problem: Option<&Problem>,
    left: &[Difference],
    planned: &[String],
) -> Says {
    if let Some(problem) = problem {
        return trouble(SYNCED, problem);
    }
    let stuck = left.iter().find(|one| one.stuck.is_some());
    if let Some((one, why)) = stuck.and_then(|one| Some((one, one.stuck?))) {
        let message = format!(
            "spec.{} says {}, but the {noun} has {}, and {why}",
            one.path, one.desired, one.observed
        );
        return say(SYNCED, false, Reason::CannotChange.as_str(), message);
    }
    if let Some(first) = planned.first() {
        let more = planned.len() - 1;
        let more = if more > 0 {
            format!(", and {more} more")
        } else {
            String::new()
        };
        let message = format!("nothing was written; what would be done: {first}{more}");
        return say(SYNCED, false, "OnlyPlanned", message);
    }
    let message = format!("the {noun} is as this spec says");
    say(SYNCED, true, "AsDeclared", message)
}

/// What differs although it was written once is drift; before that it is work to be done. `counts` where it was written, or is
/// only observed; `name` is that of a resource that is there.
pub fn drifted(noun: &str, counts: bool, name: Option<&str>, left: &[Difference]) -> Says {
    if !counts {
        let message = "this spec was not written as a whole yet";
        return say(DRIFTED, false, "NotApplied", message);
    }
    let Some(name) = name else {
        let message = format!("the {noun} does not exist any more");
        return say(DRIFTED, true, "Absent", message);
    };
    let moved: Vec<&Difference> = left.iter().filter(|one| one.stuck.is_none()).collect();
    let Some(first) = moved.first() else {
        return say(DRIFTED, false, "InSync", "nobody has changed it");
    };
    let message = format!(
        "{name} differs in {} place(s), first {}: {} instead of {}",
        moved.len(),
        first.path,
        first.observed,
        first.desired
    );
    say(DRIFTED, true, "Differs", message)
}

/// What Azure says about who asks; nothing where it was not asked.
pub fn authorized(problem: Option<&Problem>, looked: bool) -> Option<Says> {
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
    if let Some(problem) = problem.filter(about) {
        return Some(trouble(AUTHORIZED, problem));
    }
    let message = "the identity may do what was needed";
    looked.then(|| say(AUTHORIZED, true, "Permitted", message))
}

/// How far the deletion of the object is.
pub fn deleting(problem: Option<&Problem>) -> Says {
    match problem {
        Some(problem) => Says {
            status: Some(true),
            ..trouble(DELETING, problem)
        },
        None => say(DELETING, true, "Deleting", "it is being let go"),
    }
}
