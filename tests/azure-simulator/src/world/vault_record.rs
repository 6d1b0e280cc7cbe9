//! What the resource manager keeps of a vault besides what it was asked for.

use super::{moment::Moment, subscription::Going, vault::Vault};

/// Who changed something, as `systemData` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) name: String,
    /// `User` or `Application`.
    pub(crate) kind: &'static str,
}

impl Default for Actor {
    fn default() -> Self {
        Self {
            name: "seed".to_owned(),
            kind: "Application",
        }
    }
}

/// The record of a vault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) created_by: Actor,
    pub(crate) created: Moment,
    pub(crate) modified_by: Actor,
    pub(crate) modified: Moment,
    /// `enableRbacAuthorization` was given, so it is shown.
    pub(crate) rbac_told: bool,
    /// Soft deletion was asked for without a retention, which is then not shown.
    pub(crate) retention_hidden: bool,
    /// From when on it has a name and a data plane.
    pub(crate) ready: Moment,
    /// Its making ends in a failure.
    pub(crate) fails: bool,
    /// It is being deleted.
    pub(crate) going: Option<Going>,
}

impl Record {
    pub(crate) fn of_new(actor: Actor, now: Moment) -> Self {
        Self {
            created_by: actor.clone(),
            created: now,
            modified_by: actor,
            modified: now,
            // What takes no time is there, whatever becomes of the clock.
            ready: Moment::default(),
            ..Self::default()
        }
    }

    pub(crate) fn touch(&mut self, actor: Actor, now: Moment) {
        self.modified_by = actor;
        self.modified = now;
    }

    /// `provisioningState`.
    pub(crate) fn state(&self, now: Moment) -> &'static str {
        match (self.going, now < self.ready) {
            (Some(_), _) => "Deleting",
            (None, true) => "RegisteringDns",
            (None, false) if self.fails => "Failed",
            (None, false) => "Succeeded",
        }
    }

    /// Whether its name resolves.
    pub(crate) fn resolves(&self, now: Moment) -> bool {
        self.ready <= now && !self.fails
    }
}

/// A vault that was deleted and can still be recovered.
#[derive(Clone, Debug)]
pub(crate) struct DeletedVault {
    pub(crate) vault: Vault,
    pub(crate) deleted: Moment,
    pub(crate) scheduled_purge: Moment,
    /// It is being purged.
    pub(crate) going: Option<Going>,
}
