//! How an object stands, from what its status says. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta, Time};
use serde::{Deserialize, Serialize};

use crate::azure_identity::api::{IdentityKind, IdentityRef};
use crate::problem::Reason;

/// So long an operator at work may need to look at a changed spec.
const GRACE: SignedDuration = SignedDuration::from_mins(1);
/// What divides a message into what was seen and what to do.
const MEND: &str = " Mend: ";

/// What is read of the spec of every kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wanted {
    /// The identity that it uses.
    pub(super) identity_ref: Option<IdentityRef>,
}

/// What is read of the status of every kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Told {
    observed_generation: Option<i64>,
    conditions: Vec<Condition>,
    last_checked: Option<Time>,
    next_check: Option<Time>,
}

/// How something stands; the worse comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// It rests, since somebody said so.
    Suspended,
    /// It is on its way, and nobody has to do anything.
    Waiting,
    /// It works, and somebody should know of something.
    Warning,
    /// It does not work.
    Problem,
}

impl State {
    /// Its name.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "Ok",
            Self::Suspended => "Suspended",
            Self::Waiting => "Waiting",
            Self::Warning => "Warning",
            Self::Problem => "Problem",
        }
    }

    /// What stands before it where it is told at length.
    pub(super) const fn sign(self) -> char {
        match self {
            Self::Ok => '✓',
            Self::Suspended => '–',
            Self::Waiting => '…',
            Self::Warning => '!',
            Self::Problem => '✗',
        }
    }
}

/// One thing that is to be known of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    /// How bad it is.
    pub(super) state: State,
    /// The condition that says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<String>,
    /// Its stable word.
    pub(super) reason: String,
    /// What was seen.
    pub(super) message: String,
    /// What to do, where the message told it apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Timestamp>,
}

impl Finding {
    /// Something that no condition says.
    pub(super) fn new(state: State, reason: &str, message: &str, since: Option<Timestamp>) -> Self {
        let (seen, mend) = match message.split_once(MEND) {
            Some((seen, mend)) => (seen, Some(mend.to_owned())),
            None => (message, None),
        };
        Self {
            state,
            condition: None,
            reason: reason.to_owned(),
            message: seen.to_owned(),
            mend,
            since,
        }
    }

    fn of(condition: &Condition, state: State) -> Self {
        let since = condition.last_transition_time.0;
        Self {
            condition: Some(condition.type_.clone()),
            ..Self::new(state, &condition.reason, &condition.message, Some(since))
        }
    }
}

/// An object, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Standing {
    /// Its kind.
    pub(super) kind: &'static str,
    /// Its namespace; none of what is of the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    /// Its name.
    pub(super) name: String,
    /// The worst of what is to be known.
    pub(super) state: State,
    /// The stable word for that.
    pub(super) reason: String,
    /// The condition `Ready`: True, False or Unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ready: Option<String>,
    /// The condition `Synced`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) synced: Option<String>,
    /// The identity that it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<String>,
    /// When Azure was last asked, as of the last change of the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_looked: Option<Timestamp>,
    /// When it is next asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_look: Option<Timestamp>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<Timestamp>,
    /// What is to be known, the worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) findings: Vec<Finding>,
}

impl Standing {
    /// Judges an object by its metadata, its spec and its status.
    pub(super) fn of(
        kind: &'static str,
        metadata: &ObjectMeta,
        wanted: &Wanted,
        told: &Told,
        now: Timestamp,
    ) -> Self {
        let mut findings = unseen(metadata, told, now);
        findings.extend(leaving(metadata, told));
        for finding in told.conditions.iter().filter_map(judged) {
            if !findings.iter().any(|known| known.reason == finding.reason) {
                findings.push(finding);
            }
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.state));
        let find = |type_: &str| told.conditions.iter().find(|one| one.type_ == type_);
        let status = |type_| find(type_).map(|condition| condition.status.clone());
        let well = || find("Synced").or_else(|| find("Ready"));
        let (state, reason) = match findings.first() {
            Some(worst) => (worst.state, worst.reason.clone()),
            None => (
                State::Ok,
                well().map_or_else(String::new, |c| c.reason.clone()),
            ),
        };
        let identity = wanted.identity_ref.as_ref().map(|found| match found.kind {
            IdentityKind::AzureIdentity => format!("AzureIdentity/{}", found.name),
            IdentityKind::ClusterAzureIdentity => format!("ClusterAzureIdentity/{}", found.name),
        });
        Self {
            kind,
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone().unwrap_or_default(),
            state,
            reason,
            ready: status("Ready"),
            synced: status("Synced"),
            identity,
            last_looked: told.last_checked.as_ref().map(|time| time.0),
            next_look: told.next_check.as_ref().map(|time| time.0),
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            findings,
        }
    }

    /// Kind, namespace and name.
    pub(super) fn title(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }
}

/// A spec that the operator has not looked at. Soon after it was changed that is routine.
fn unseen(metadata: &ObjectMeta, told: &Told, now: Timestamp) -> Vec<Finding> {
    let generation = metadata.generation.unwrap_or_default();
    let behind = told.observed_generation.unwrap_or_default() < generation;
    if !behind || metadata.deletion_timestamp.is_some() {
        return Vec::new();
    }
    let since = changed(metadata);
    let late = since.is_some_and(|since| now.duration_since(since) > GRACE);
    let message = match (late, told.observed_generation) {
        (false, _) => format!("the operator is about to look at generation {generation} of the spec"),
        (true, None) => "the operator has never looked at it. Mend: see whether it runs, whether its log tells why, and whether --watch-namespaces leaves this namespace out".to_owned(),
        (true, Some(observed)) => format!("the operator has looked at generation {observed} of the spec, and not at {generation}. Mend: see whether it runs, and whether its log tells why"),
    };
    let (state, reason) = if late {
        (State::Problem, "NotSeen")
    } else {
        (State::Waiting, "Pending")
    };
    vec![Finding::new(state, reason, &message, since)]
}

/// When somebody last wrote anything but the status.
fn changed(metadata: &ObjectMeta) -> Option<Timestamp> {
    let fields = metadata.managed_fields.iter().flatten();
    let of_spec = fields.filter(|entry| entry.subresource.as_deref().is_none_or(str::is_empty));
    let written = of_spec.filter_map(|entry| entry.time.as_ref()).max();
    let created = metadata.creation_timestamp.as_ref();
    written.max(created).map(|time| time.0)
}

/// An object that is to go and is still there.
fn leaving(metadata: &ObjectMeta, told: &Told) -> Option<Finding> {
    let since = metadata.deletion_timestamp.as_ref()?;
    let told_of = told.conditions.iter().any(|one| one.type_ == "Deleting");
    let message = "it is being deleted, and goes when its finalizers are gone";
    (!told_of).then(|| Finding::new(State::Waiting, "Deleting", message, Some(since.0)))
}

/// What a condition has to say, if it is one of ours and not as it should be.
fn judged(condition: &Condition) -> Option<Finding> {
    let (status, reason) = (condition.status.as_str(), condition.reason.as_str());
    let state = match (condition.type_.as_str(), status) {
        ("Drifted" | "Expiring" | "Discouraged" | "Retired", "True") => State::Warning,
        ("Deleting", "True") if passes(reason) => State::Waiting,
        ("Degraded" | "Deleting", "True") => State::Problem,
        (
            "Synced" | "Ready" | "Pushed" | "RolledOut" | "Authorized" | "DataPlaneReachable",
            "False",
        ) => match reason {
            "OnlyPlanned" => State::Warning,
            _ if passes(reason) => State::Waiting,
            _ => State::Problem,
        },
        ("Synced" | "Ready" | "Pushed" | "RolledOut", "Unknown") => match reason {
            "Suspended" => State::Suspended,
            "RolloutPaused" | "RolloutByHand" => State::Warning,
            _ => State::Waiting,
        },
        _ => return None,
    };
    // What it says is that another one says it.
    let elsewhere = condition.type_ == "Degraded";
    let mut finding = Finding::of(condition, state);
    if elsewhere {
        "what was synced before is kept".clone_into(&mut finding.message);
    }
    Some(finding)
}

/// Whether a reason speaks of something that comes by itself.
fn passes(reason: &str) -> bool {
    let by_itself = [
        Reason::WaitingForVault,
        Reason::WaitingForWindow,
        Reason::NotYetValid,
        Reason::Provisioning,
        Reason::OperationUnderWay,
        Reason::RolePropagating,
        Reason::AzureBusy,
        Reason::RemovalHeld,
        Reason::Conflict,
        Reason::NamespaceTerminating,
    ];
    matches!(
        reason,
        "Pending" | "Deleting" | "RollingOut" | "RolloutDeferred"
    ) || by_itself.iter().any(|known| known.as_str() == reason)
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
