//! What reads have shown so far in one round. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::azure::arm::providers::Registration;
use crate::azure::arm::roles::Assignment;
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
    /// The resource group.
    Group,
    /// Whether the name can be had.
    Name,
    /// Whether the subscription may use the resource provider.
    Provider,
    /// The definition of a role, by its name.
    RoleDefinition(String),
    /// The role assignments on the vault.
    RoleAssignments,
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
    /// The resource group, if there is one.
    pub group: Option<Option<Group>>,
    /// Whether the name can be had, and if not, why, in Azure's words.
    pub name: Option<Result<(), String>>,
    /// Whether a write was refused because the provider is not registered.
    pub unregistered: bool,
    /// How its registration stands.
    pub provider: Option<Registration>,
    /// Roles by name.
    pub definitions: BTreeMap<String, Option<Uuid>>,
    /// Role assignments that hold on the vault.
    pub assignments: Option<Vec<Assignment>>,
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
        &mut self.unregistered
    }
}

/// A resource group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Group {
    /// Whether it is being deleted.
    pub deleting: bool,
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
