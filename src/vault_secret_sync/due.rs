//! Whether anything is to be done, and when next. Pure, and asked before any call: most reconciles end here.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::api::VaultSecretSyncStatus;
use super::entry::{Entry, version_of};
use super::plan::{KeyPlan, Rival, held};
use super::target::SecretMeta;
use super::token_times;
use super::valid::Valid;
use super::wanted::Scope;
use crate::k8s::conditions;
use crate::problem::{Problem, Reason};
use crate::retry;

/// Whatever a token says of its times, it is not renewed in a loop.
const SHORTEST_PAUSE: Duration = retry::FIRST;

/// Everything that a sync depends on, apart from the vault and the clock.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The sync.
    pub valid: &'a Valid,
    /// Its identity: uid and generation, or why it cannot be used. Empty where it needs none.
    pub identity: Result<(&'a str, i64), &'a str>,
    /// For each entry, whether the identity lends its object.
    pub lends: &'a [bool],
    /// How often the credentials had changed before the look: the identity's, and passwords of tokens.
    pub revision: u64,
    /// The Secret.
    pub secret: Option<&'a SecretMeta>,
    /// Other syncs of the same Secret.
    pub rivals: &'a [Rival],
}

/// What is remembered of the last look at the vault. No value and no name is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    spec: u64,
    secret: u64,
    revision: u64,
    /// When the vault is looked at next; none means when something changes.
    pub next: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A look that goes so far.
    Look(Scope),
    /// Nothing before this time.
    At(Timestamp),
    /// Nothing until something changes.
    OnChange,
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Memory {
    /// Remembers a look that was made on `inputs`, with the Secret as it is after the write.
    pub fn new(inputs: &Inputs<'_>, next: Option<Timestamp>, failures: u32) -> Self {
        Self {
            spec: spec(inputs),
            secret: secret(inputs),
            revision: inputs.revision,
            next,
            failures,
        }
    }
}

fn spec(inputs: &Inputs<'_>) -> u64 {
    let Inputs {
        valid,
        identity,
        lends,
        rivals,
        ..
    } = inputs;
    digest(&(valid.generation, &valid.sync_at, identity, lends, rivals))
}

fn secret(inputs: &Inputs<'_>) -> u64 {
    digest(&inputs.secret.map(|secret| (&secret.uid, &secret.facts)))
}

/// Decides.
pub fn due(
    inputs: &Inputs<'_>,
    memory: Option<&Memory>,
    status: &VaultSecretSyncStatus,
    now: Timestamp,
) -> Due {
    let valid = inputs.valid;
    let forced = valid.sync_at.is_some() && valid.sync_at != status.handled_sync_at;
    let changed = if forced { Scope::Anew } else { Scope::All };
    let Some(memory) = memory else {
        return after_start(inputs, status, changed, now);
    };
    if memory.spec != spec(inputs) {
        return Due::Look(changed);
    }
    // What failed before is looked at as well, whatever the reason for this look: else the failure would be forgotten with it.
    let failed = memory.failures > 0;
    // A repaired credential is used at once where the last look failed; where all is well the next look will use it.
    if failed && memory.revision != inputs.revision {
        return Due::Look(Scope::All);
    }
    if memory.next.is_some_and(|next| next <= now) {
        return Due::Look(if failed {
            Scope::All
        } else if valid.interval.is_some() {
            Scope::Secrets
        } else {
            // The vault has been looked at once; the time that has come is that of a token.
            Scope::Lacking
        });
    }
    if memory.secret != secret(inputs) {
        return Due::Look(if failed { Scope::All } else { Scope::Lacking });
    }
    memory.next.map_or(Due::OnChange, Due::At)
}

/// After a start nothing is remembered: the vault is looked at. A sync that wanted one look and has had it wants no other.
/// Tokens that live on the Secret are left alone, unless something changed meanwhile.
fn after_start(
    inputs: &Inputs<'_>,
    status: &VaultSecretSyncStatus,
    changed: Scope,
    now: Timestamp,
) -> Due {
    let valid = inputs.valid;
    let share = inputs.secret.and_then(|secret| secret.share(&valid.name));
    let seen = status.observed_generation == Some(valid.generation)
        && status.handled_sync_at == valid.sync_at;
    if !seen {
        return Due::Look(changed);
    }
    // What failed is looked at, too: it may be a token that could not be had while an older one lives on the Secret.
    if !conditions::is_true(&status.conditions, "Synced") {
        return Due::Look(Scope::All);
    }
    let whole = share.is_some_and(|share| {
        valid
            .entries
            .iter()
            .all(|entry| held(entry, share).is_some())
    });
    let done = valid.interval.is_none() && inputs.identity.is_ok() && whole;
    if !done {
        return Due::Look(Scope::Secrets);
    }
    let versions = valid.entries.iter().map(|entry| {
        let recorded = share.and_then(|share| held(entry, share));
        (entry, recorded.map(version_of))
    });
    match renewal(valid, versions) {
        Some(time) if time <= now => Due::Look(Scope::Lacking),
        Some(time) => Due::At(time),
        None => Due::OnChange,
    }
}

/// When the first of the tokens is renewed.
fn renewal<'a>(
    valid: &Valid,
    versions: impl Iterator<Item = (&'a Entry, Option<&'a str>)>,
) -> Option<Timestamp> {
    versions
        .filter(|(entry, _)| entry.token().is_some())
        .filter_map(|(_, version)| token_times::renewal(version?, &valid.uid))
        .min()
}

/// How a look went.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// Each entry in order.
    pub keys: &'a [KeyPlan],
    /// What is wrong with the whole.
    pub problem: Option<&'a Problem>,
    /// Failures in a row, this one counted.
    pub failures: u32,
    /// When the usual look would have been, where this was not one.
    pub before: Option<Timestamp>,
}

/// When the next look is: after the interval, where a token is to be renewed, or sooner where a problem may pass by itself.
///
/// A look that repaired damage does not put the usual one off: who keeps damaging a Secret must not keep rotations away.
pub fn next_look(valid: &Valid, looked: &Looked<'_>, now: Timestamp) -> Option<Timestamp> {
    let keys = || looked.keys.iter();
    let problems = looked
        .problem
        .into_iter()
        .chain(keys().filter_map(|key| key.problem.as_ref()));
    let seed = retry::seed(&valid.uid, "look");
    let retries = problems.map(|problem| retry::delay(problem.retry, looked.failures, seed));
    // A problem of the whole is not mended by looking at the vault in the usual rhythm, unless it is about what the vault holds.
    let of_vault = |problem: &Problem| problem.reason == Reason::TooLarge;
    let interval = valid
        .interval
        .filter(|_| looked.problem.is_none_or(of_vault))
        .map(|interval| retry::jitter(interval, seed));
    // A token that could not be renewed is tried again as its problem says.
    let good = valid
        .entries
        .iter()
        .zip(keys())
        .filter(|(_, key)| key.problem.is_none())
        .map(|(entry, key)| (entry, key.version.as_deref()));
    let renewal = renewal(valid, good).map(|time| until(time, now).max(SHORTEST_PAUSE));
    let pause = retries.chain(interval).chain(renewal).min();
    let after = |pause| {
        now.checked_add(SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX))
            .ok()
    };
    pause.and_then(after).into_iter().chain(looked.before).min()
}

/// How long until a time; nothing where it has passed.
pub fn until(time: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;
