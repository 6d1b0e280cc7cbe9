//! What a reconcile is about, and when the next one is needed. Pure. When a vault is looked at is the hub's concern.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::k8s::conditions;
use crate::problem::{Problem, Reason};
use crate::retry::{self, after};
use crate::vault_secret_sync::api::VaultSecretSyncStatus;
use crate::vault_secret_sync::items::found::{Listings, Told};
use crate::vault_secret_sync::items::item::Item;
use crate::vault_secret_sync::plan::claims::Rival;
use crate::vault_secret_sync::plan::{KeyPlan, Removal};
use crate::vault_secret_sync::target::SecretMeta;
use crate::vault_secret_sync::tokens::times;
use crate::vault_secret_sync::valid::Valid;
use crate::vault_secret_sync::wants::rejected::Rejected;
use crate::vault_secret_sync::wants::wanted::Scope;

/// What is further away than this is noted as an alarm, and not put into the queue.
const LATE: Duration = Duration::from_mins(10);
/// Whatever a token says of its times, it is not renewed in a loop.
const SHORTEST_PAUSE: Duration = retry::FIRST;
/// A failure that is younger than the edit of a sync by no more than this is not looked at again because of the edit: syncs
/// that are made together share it.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// Everything that a sync depends on, apart from the vault and the clock.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The sync.
    pub valid: &'a Valid,
    /// Its identity: uid and generation, or why it cannot be used. Empty where it needs none.
    pub identity: Result<(&'a str, i64), &'a str>,
    /// For each item, whether the identity lends its objects.
    pub lends: &'a [bool],
    /// How often the credentials had changed before the look: the identity's, and passwords of tokens.
    pub revision: u64,
    /// The Secret.
    pub secret: Option<&'a SecretMeta>,
    /// Other syncs of the same Secret.
    pub rivals: &'a [Rival],
}

/// Inputs, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Done {
    spec: u64,
    secret: u64,
    revision: u64,
}

/// What is remembered of a sync between two reconciles. No value is in it.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The inputs that were last acted upon.
    done: Option<Done>,
    /// The inputs as they were first seen, and when: failures from before that are not theirs.
    noticed: Option<(u64, Timestamp)>,
    /// What could not be used.
    rejected: Option<Arc<Rejected>>,
    /// The Secret as it was read while an answer was waited for; it is read once.
    pub live: Option<Option<Arc<SecretMeta>>>,
    /// What lists told last.
    pub listings: Arc<Listings>,
    /// What waits for a second look before it is removed.
    pub removal: Option<Removal>,
    /// When something is to be done again; none means when something changes.
    pub next: Option<Timestamp>,
    /// When to come back, where that is far away.
    pub alarm: Option<Timestamp>,
    /// Failures in a row.
    failures: u32,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Which tokens are asked for.
    pub scope: Scope,
    /// Looks at the vault from before this time do not count.
    pub fresh: Option<Timestamp>,
    /// Failures from before this time do not count.
    pub retry: Option<Timestamp>,
    /// Whether what could not be used is given another try.
    pub again: bool,
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn spec(inputs: &Inputs<'_>) -> u64 {
    let Inputs {
        valid,
        identity,
        lends,
        rivals,
        ..
    } = inputs;
    let referred = valid.referred.brief();
    digest(&(
        (valid.generation, &valid.sync_at, referred),
        identity,
        lends,
        rivals,
    ))
}

fn secret(inputs: &Inputs<'_>) -> u64 {
    digest(&inputs.secret.map(|secret| (&secret.uid, &secret.facts)))
}

fn brief(inputs: &Inputs<'_>) -> Done {
    Done {
        spec: spec(inputs),
        secret: secret(inputs),
        revision: inputs.revision,
    }
}

impl Memory {
    /// Until when there is nothing to be done, apart from what the vault may bring; none where there is something now. A
    /// repaired credential is used at once where something failed; where all is well the next look will use it.
    pub fn rests(&self, inputs: &Inputs<'_>, now: Timestamp) -> Option<Option<Timestamp>> {
        let brief = brief(inputs);
        let same = self.done.is_some_and(|done| {
            done.spec == brief.spec
                && done.secret == brief.secret
                && (done.revision == brief.revision || self.failures == 0)
        });
        (same && self.next.is_none_or(|next| next > now)).then_some(self.next)
    }

    /// Whether no reconcile has come to its end yet.
    pub fn is_new(&self) -> bool {
        self.done.is_none()
    }

    /// Notes when these inputs were first seen.
    #[must_use]
    pub fn notice(mut self, inputs: &Inputs<'_>, now: Timestamp) -> Self {
        let seen = digest(&(spec(inputs), inputs.revision));
        if self.noticed.is_none_or(|(before, _)| before != seen) {
            self.noticed = Some((seen, now));
        }
        self
    }

    /// What could not be used and is not given another try now. Where somebody changed a Secret that templates make, what one key
    /// could not use may be what another is to be repaired with.
    pub fn rejected(&self, inputs: &Inputs<'_>, due: Due) -> Arc<Rejected> {
        let touched = self.done.is_some_and(|done| done.secret != secret(inputs));
        if due.again || touched && inputs.valid.templates.is_some() {
            Arc::default()
        } else {
            self.rejected.clone().unwrap_or_default()
        }
    }

    /// Failures in a row after this reconcile. One that was no try does not count.
    pub fn failures_after(&self, failed: bool, due: Due) -> u32 {
        if failed {
            (self.failures + u32::from(due.again)).max(1)
        } else {
            0
        }
    }

    /// While an answer is waited for.
    #[must_use]
    pub fn waiting(self, live: Option<Arc<SecretMeta>>, listings: Arc<Listings>) -> Self {
        Self {
            live: Some(live),
            listings,
            ..self
        }
    }

    /// After a reconcile that acted upon these inputs.
    #[must_use]
    pub fn acted(
        self,
        inputs: &Inputs<'_>,
        next: Option<Timestamp>,
        failures: u32,
        rejected: Rejected,
    ) -> Self {
        Self {
            listings: self.listings,
            removal: self.removal,
            done: Some(brief(inputs)),
            noticed: self.noticed,
            rejected: (rejected != Rejected::default()).then(|| Arc::new(rejected)),
            live: None,
            next,
            alarm: None,
            failures,
        }
    }
}

/// Decides.
pub fn due(
    inputs: &Inputs<'_>,
    memory: &Memory,
    status: &VaultSecretSyncStatus,
    now: Timestamp,
) -> Due {
    let valid = inputs.valid;
    let forced = valid.sync_at.is_some() && valid.sync_at != status.handled_sync_at;
    let changed = if forced { Scope::Anew } else { Scope::All };
    let edited = memory.done.is_some_and(|done| done.spec != spec(inputs));
    let repaired = memory
        .done
        .is_some_and(|done| done.revision != inputs.revision);
    let again = edited || repaired || forced || memory.next.is_some_and(|next| next <= now);
    let scope = match memory.done {
        None => after_start(valid, status, changed),
        Some(_) if edited => changed,
        // What failed is tried again in full.
        Some(_) if memory.failures > 0 && again => Scope::All,
        Some(_) => Scope::Lacking,
    };
    let seen = memory.noticed.map_or(now, |(_, seen)| seen);
    let troubled = memory.done.is_none() && was_troubled(status);
    Due {
        scope,
        fresh: (forced || edited || troubled).then_some(seen),
        retry: seen.checked_sub(TOLERANCE).ok(),
        again,
    }
}

/// After a start nothing is remembered. Tokens that live on the Secret are left alone, unless something changed meanwhile or
/// failed: it may be a token that could not be had while an older one lives on the Secret.
fn after_start(valid: &Valid, status: &VaultSecretSyncStatus, changed: Scope) -> Scope {
    let seen = status.observed_generation == Some(valid.generation)
        && status.handled_sync_at == valid.sync_at;
    if !seen {
        changed
    } else if conditions::is_true(&status.conditions, "Synced") {
        Scope::Lacking
    } else {
        Scope::All
    }
}

/// Whether a sync was in trouble before a start. Then its vault is looked at before anything is said of it: what the Secret holds
/// is no sign that the trouble is over.
fn was_troubled(status: &VaultSecretSyncStatus) -> bool {
    let synced = conditions::find(&status.conditions, "Synced");
    synced.is_some_and(|synced| synced.status != "True")
}

/// When the first of the tokens is renewed.
fn renewal<'a>(
    valid: &Valid,
    versions: impl Iterator<Item = (&'a Item, Option<&'a str>)>,
) -> Option<Timestamp> {
    versions
        .filter(|(item, _)| item.token().is_some())
        .filter_map(|(_, version)| times::renewal(version?, &valid.uid))
        .min()
}

/// How a look went.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// The items.
    pub items: &'a [Item],
    /// How each of their keys stands.
    pub keys: &'a [KeyPlan],
    /// How each value stands that is only what templates are made of.
    pub inputs: &'a [KeyPlan],
    /// What is wrong with sources.
    pub told: &'a [Told],
    /// What is wrong with the whole.
    pub problem: Option<&'a Problem>,
    /// Failures in a row, this one counted.
    pub failures: u32,
    /// How often the status says when the vault was looked at.
    pub heartbeat: Option<Duration>,
    /// What had been planned for later, where this was not its time.
    pub before: Option<Timestamp>,
}

/// When something is to be done again without anything having changed: where a token is to be renewed, where a problem may
/// pass by itself, and now and then to show when the vault was last looked at. What the vault did not give, the hub asks for
/// again.
pub fn next_reconcile(valid: &Valid, looked: &Looked<'_>, now: Timestamp) -> Option<Timestamp> {
    let keys = || {
        let keys = looked.keys.iter().chain(looked.inputs);
        keys.filter_map(|key| Some((looked.items.get(key.item)?, key)))
    };
    let own = |item: &Item, problem: &Problem| {
        item.token().is_some() || problem.reason == Reason::NotYetValid
    };
    let problems = looked.problem.into_iter().chain(
        keys().filter_map(|(item, key)| key.problem.as_ref().filter(|problem| own(item, problem))),
    );
    let told = looked.told.iter().map(|told| &told.problem);
    let problems = problems.chain(told.filter(|problem| problem.reason == Reason::RemovalHeld));
    let seed = retry::seed(&valid.uid, "look");
    let retries = problems.map(|problem| retry::delay(problem.retry, looked.failures, seed));
    let heartbeat = looked.heartbeat.filter(|_| valid.interval.is_some());
    let heartbeat = heartbeat.map(|pause| retry::jitter(pause, seed));
    // A token that could not be renewed is tried again as its problem says.
    let good = keys()
        .filter(|(_, key)| key.problem.is_none())
        .map(|(item, key)| (item, key.version.as_deref()));
    let renewal = renewal(valid, good).map(|time| until(time, now).max(SHORTEST_PAUSE));
    let pause = retries.chain(heartbeat).chain(renewal).min();
    let next = pause.map(|pause| after(now, pause));
    let waits = keys().any(|(_, key)| is_waiting(key)) || looked.keys.iter().any(is_waiting);
    let opening = waits.then(|| valid.windows.next_opening(now)).flatten();
    let next = next.into_iter().chain(opening);
    next.chain(looked.before).min()
}

fn is_waiting(key: &KeyPlan) -> bool {
    let problem = key.problem.as_ref();
    problem.is_some_and(|problem| problem.reason == Reason::WaitingForWindow)
}

/// How to come back at a time: after a pause, or by an alarm where that is far away.
pub fn later(next: Option<Timestamp>, now: Timestamp) -> (Option<Duration>, Option<Timestamp>) {
    match next.map(|next| (next, until(next, now))) {
        Some((next, pause)) if pause > LATE => (None, Some(next)),
        Some((_, pause)) => (Some(pause), None),
        None => (None, None),
    }
}

/// How long until a time; nothing where it has passed.
pub fn until(time: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;
