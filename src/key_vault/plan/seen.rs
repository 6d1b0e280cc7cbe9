//! What reads have shown so far in one round. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::azure_resource::ground::{self, Ground};
use crate::azure_resource::note::Polled;
use crate::azure_resource::planner::Sees;
use crate::key_vault::vault::{Deleted, Vault};
use crate::problem::Problem;

/// A read that is needed to go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Look {
    /// The vault.
    Vault,
    /// A deleted vault of its name, in its region.
    Deleted,
    /// A deleted vault of its name, anywhere in the subscription.
    DeletedElsewhere,
    /// What it stands on.
    Ground(ground::Look),
    /// Whether the name can be had.
    Name,
    /// Whether the vault answers where its objects are.
    DataPlane,
    /// A secret that is to be there.
    Secret(String),
}

/// All that was seen. What is `None` was not looked at.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// How the operation under way stands.
    pub operation: Option<Polled>,
    /// The vault, if there is one.
    pub vault: Option<Option<Vault>>,
    /// Whether it was written in this round.
    pub updated: bool,
    /// A deleted vault in the region.
    pub deleted: Option<Option<Deleted>>,
    /// A deleted vault elsewhere.
    pub deleted_elsewhere: Option<Option<Deleted>>,
    /// Whether the name can be had, and if not, why, in Azure's words.
    pub name: Option<Result<(), String>>,
    /// What it stands on.
    pub ground: Ground,
    /// Whether the data plane answers.
    pub plane: Option<Plane>,
    /// Secrets that are to be there.
    pub secrets: BTreeMap<String, SecretSeen>,
}

impl Sees for Seen {
    fn operation(&mut self) -> &mut Option<Polled> {
        &mut self.operation
    }

    fn unregistered(&mut self) -> &mut bool {
        &mut self.ground.unregistered
    }
}

/// What the data plane says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plane {
    /// It answers, and lets the identity read.
    Answers,
    /// It answers, but the identity has no role or policy for its objects.
    NoRole(Problem),
    /// Its name does not resolve yet.
    NoAddress(Problem),
    /// It does not answer us, or shuts us out.
    ShutOut(Problem),
}

/// A secret that is to be there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretSeen {
    /// There is none.
    Absent,
    /// One of its name is in deleted state.
    Deleted,
    /// It is there.
    Present {
        /// Its version.
        version: String,
        /// When that was made.
        created: Option<Timestamp>,
        /// Whether this object made it up.
        ours: bool,
    },
}
