//! What the resource manager keeps of a vault besides what it was asked for.

use std::ops::{Deref, DerefMut};

use super::{
    life::{Actor, Life},
    moment::Moment,
    subscription::Going,
    vault::Vault,
};

/// The record of a vault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    life: Life,
    /// `enableRbacAuthorization` was given, so it is shown.
    pub(crate) rbac_told: bool,
    /// Soft deletion was asked for without a retention, which is then not shown.
    pub(crate) retention_hidden: bool,
}

impl Deref for Record {
    type Target = Life;

    fn deref(&self) -> &Life {
        &self.life
    }
}

impl DerefMut for Record {
    fn deref_mut(&mut self) -> &mut Life {
        &mut self.life
    }
}

impl Record {
    pub(crate) fn of_new(actor: Actor, now: Moment) -> Self {
        Self {
            life: Life::of_new(actor, now),
            ..Self::default()
        }
    }

    /// `provisioningState`.
    pub(crate) fn state(&self, now: Moment) -> &'static str {
        self.life.state(now, "RegisteringDns")
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
