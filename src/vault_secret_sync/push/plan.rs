//! What is to be done with one object of the vault. Pure.
//!
//! Nothing is done without a look, and what is done follows from the look and the record alone, so that whoever crashed in
//! between looks again and does no more than what still differs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::api::{IfExists, PushStatus, PushStep};
use super::valid::{Expiry, Push};
use crate::azure::key_vault::Object;
use crate::azure::key_vault::write::{Shape, Tags};
use crate::azure_resource::owner::{Claim, OWNER_TAG, Owner};
use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::retry::{Retry, after};

/// A version's `created` is the vault's clock, and its expiry was counted by ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);
/// A recovery that is not seen by then has failed.
const RECOVERY: SignedDuration = SignedDuration::from_mins(2);
/// Pause between two looks for a recovered object.
pub const RECOVERING: Duration = Duration::from_secs(2);

/// A version in the vault, and how it compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its id.
    pub version: String,
    /// Its tags.
    pub tags: Tags,
    /// What its value is.
    pub content_type: Option<String>,
    /// When it expires.
    pub expires: Option<Timestamp>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whether it is the secret of a certificate.
    pub managed: bool,
    /// Whether it holds what is to be pushed.
    pub same: bool,
}

/// What the vault has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Absent,
    /// A softly deleted object with these tags.
    Deleted(Tags),
    /// An object.
    Present(Facts),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Rest,
    /// This.
    Do(PushStep),
    /// It cannot be done.
    Refuse(Problem),
}

/// All that decides about one object.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The vault.
    pub vault: &'a VaultUri,
    /// Who pushes.
    pub owner: &'a Owner,
    /// What was done before.
    pub record: Option<&'a PushStatus>,
    /// What the vault has.
    pub seen: &'a Seen,
    /// The time.
    pub now: Timestamp,
}

/// Decides about an object that is to be in the vault.
pub fn wanted(push: &Push, scene: Scene<'_>) -> Decision {
    let step = scene.record.and_then(|record| record.operation.as_ref());
    match scene.seen {
        Seen::Absent => match step {
            Some(operation)
                if operation.step == PushStep::Recover
                    && scene.now.duration_since(operation.since.0) < RECOVERY =>
            {
                Decision::Refuse(recovering(push, scene))
            }
            _ => Decision::Do(PushStep::Set),
        },
        Seen::Deleted(tags) => match allowed(push, tags, scene) {
            Ok(()) => Decision::Do(PushStep::Recover),
            Err(problem) => Decision::Refuse(problem),
        },
        Seen::Present(facts) => present(push, facts, scene),
    }
}

fn present(push: &Push, facts: &Facts, scene: Scene<'_>) -> Decision {
    if facts.managed {
        return Decision::Refuse(of_a_certificate(push, scene));
    }
    if let Err(problem) = allowed(push, &facts.tags, scene) {
        return Decision::Refuse(problem);
    }
    if !facts.same {
        return if push.if_exists == IfExists::Keep && is_changed(facts, scene) {
            Decision::Refuse(changed(push, scene))
        } else {
            Decision::Do(PushStep::Set)
        };
    }
    if in_shape(push, facts, scene.owner) {
        Decision::Rest
    } else {
        Decision::Do(PushStep::Update)
    }
}

/// Whether the sync may write an object with these tags.
fn allowed(push: &Push, tags: &Tags, scene: Scene<'_>) -> Result<(), Problem> {
    match scene.owner.claim(tags) {
        Claim::Ours | Claim::Predecessor => Ok(()),
        Claim::None if push.if_exists == IfExists::Replace => Ok(()),
        Claim::None if scene.record.is_some_and(|record| record.version.is_some()) => {
            Err(changed(push, scene))
        }
        Claim::None => Err(exists(push, scene)),
        Claim::Foreign => Err(foreign(push, tags, scene)),
    }
}

/// Whether somebody else made this version. A write of ours whose end was not recorded looks the same, so that an open
/// operation speaks for us.
fn is_changed(facts: &Facts, scene: Scene<'_>) -> bool {
    scene.record.is_some_and(|record| {
        record.operation.is_none()
            && record
                .version
                .as_ref()
                .is_some_and(|version| *version != facts.version)
    })
}

/// Tags, content type and expiry as the entry asks for them, for a version made at this time.
pub fn shape(push: &Push, owner: &Owner, made: Timestamp) -> Shape {
    let mut tags = push.tags.clone();
    tags.insert(OWNER_TAG.to_owned(), owner.to_string());
    Shape {
        content_type: push.content_type.clone(),
        tags,
        expires: push.expiry.map(|expiry| match expiry {
            Expiry::At(time) => time,
            Expiry::After(pause) => after(made, pause),
        }),
    }
}

fn in_shape(push: &Push, facts: &Facts, owner: &Owner) -> bool {
    let made = facts.created.unwrap_or_default();
    let wanted = shape(push, owner, made);
    let near = |wanted: Timestamp| {
        let slack = match push.expiry {
            Some(Expiry::After(_)) => CLOCKS_DIFFER,
            // The vault keeps whole seconds.
            Some(Expiry::At(_)) | None => SignedDuration::from_secs(1),
        };
        facts
            .expires
            .is_some_and(|expires| expires.duration_since(wanted).abs() < slack)
    };
    wanted.tags == facts.tags
        && (wanted.content_type.is_none() || wanted.content_type == facts.content_type)
        && wanted.expires.is_none_or(near)
}

/// Decides about an object that was pushed and is to go. Only what carries this sync's own uid is deleted.
pub fn unwanted(scene: Scene<'_>) -> Decision {
    match scene.seen {
        Seen::Present(facts) if scene.owner.claim(&facts.tags) == Claim::Ours => {
            Decision::Do(PushStep::Delete)
        }
        Seen::Present(_) | Seen::Absent | Seen::Deleted(_) => Decision::Rest,
    }
}

fn problem(reason: Reason, message: String) -> Problem {
    Problem::new(reason, Retry::Backoff, message)
}

fn place(object: &Object, scene: Scene<'_>) -> String {
    format!("{object} in {}", scene.vault)
}

fn exists(push: &Push, scene: Scene<'_>) -> Problem {
    let (object, vault) = (&push.object, scene.vault.vault_name());
    let kind = object.kind;
    problem(
        Reason::PushTargetExists,
        format!(
            "{} is there already, or softly deleted, and has no tag {OWNER_TAG}: it is kept. To push over it, set ifExists: Replace; to see it: az keyvault {kind} show --vault-name {vault} --name {}",
            place(object, scene),
            object.name
        ),
    )
}

fn foreign(push: &Push, tags: &Tags, scene: Scene<'_>) -> Problem {
    let owner = tags.get(OWNER_TAG).map_or("", String::as_str);
    let shown: String = owner.chars().take(256).collect();
    problem(
        Reason::PushTargetNotOurs,
        format!(
            "{} carries the tag {OWNER_TAG} of another sync ({shown}), and is never replaced. Push to another name, or delete that sync and then the tag",
            place(&push.object, scene)
        ),
    )
}

fn of_a_certificate(push: &Push, scene: Scene<'_>) -> Problem {
    problem(
        Reason::PushTargetNotOurs,
        format!(
            "{} belongs to the certificate of that name, and Azure lets nobody set it. Push to another name, or to.certificate",
            place(&push.object, scene)
        ),
    )
}

fn changed(push: &Push, scene: Scene<'_>) -> Problem {
    problem(
        Reason::PushTargetChanged,
        format!(
            "somebody else has made a new version of {} since it was pushed: it is kept. To push over it, set ifExists: Replace; or take its value over into Secret {}",
            place(&push.object, scene),
            push.secret
        ),
    )
}

fn recovering(push: &Push, scene: Scene<'_>) -> Problem {
    let message = format!(
        "{} is being recovered from soft deletion, which takes Azure some seconds",
        place(&push.object, scene)
    );
    Problem::new(Reason::PushTargetBusy, Retry::After(RECOVERING), message)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
