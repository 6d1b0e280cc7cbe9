//! What is seen in a round, really or as it would be once all that is planned is done. Pure.

use jiff::Timestamp;
use uuid::Uuid;

use super::plan::{Group, Inputs, Look, Plane, Polled, SecretSeen, Seen, Step, assume};
use crate::azure::arm::providers::Registration;

/// What is seen in a round, really or as it would be.
pub(super) struct Sight {
    /// What decisions are made on.
    pub seen: Seen,
    /// What was really seen, as soon as `seen` holds what is only assumed.
    pub real: Option<Seen>,
    /// What would be done.
    pub planned: Vec<String>,
    /// What was done.
    pub did: Vec<String>,
    /// When the round began.
    pub began: Timestamp,
}

impl Sight {
    /// Nothing was seen yet.
    pub(super) fn new(seen: Seen, began: Timestamp) -> Self {
        Self {
            seen,
            real: None,
            planned: Vec::new(),
            did: Vec::new(),
            began,
        }
    }

    /// Takes a step for done.
    pub(super) fn assume(&mut self, inputs: &Inputs<'_>, step: &Step) {
        self.real.get_or_insert_with(|| self.seen.clone());
        assume(inputs, step, &mut self.seen);
        self.planned.push(step.to_string());
    }
}

/// Whether there really is no vault.
pub(super) fn is_absent(real: &Seen) -> bool {
    matches!(real.vault, Some(None))
}

/// Whether a look at what there is shows what it would show after all that is planned for a vault that is not there. A name is
/// taken until its deleted vault is purged.
pub(super) fn is_untouched(look: &Look, real: &Seen) -> bool {
    let is_free = !matches!(real.deleted, Some(Some(_)));
    match look {
        Look::Provider => true,
        Look::Name | Look::DeletedElsewhere => is_free,
        Look::Operation
        | Look::Vault
        | Look::Deleted
        | Look::Group
        | Look::RoleDefinition(_)
        | Look::RoleAssignments
        | Look::DataPlane
        | Look::Secret(_) => false,
    }
}

/// Adds what a look has really shown to what is assumed.
pub(super) fn copy(look: &Look, real: &Seen, seen: &mut Seen) {
    match look {
        Look::DataPlane => seen.plane.clone_from(&real.plane),
        Look::RoleAssignments => seen.assignments.clone_from(&real.assignments),
        Look::Secret(_) => seen.secrets.clone_from(&real.secrets),
        Look::RoleDefinition(_) => seen.definitions.clone_from(&real.definitions),
        Look::Name => seen.name.clone_from(&real.name),
        Look::DeletedElsewhere => seen.deleted_elsewhere.clone_from(&real.deleted_elsewhere),
        Look::Provider => seen.provider = real.provider,
        Look::Operation | Look::Vault | Look::Deleted | Look::Group => {}
    }
}

/// What a look would show, if what is planned were done.
pub(super) fn imagine(look: &Look, seen: &mut Seen) {
    match look {
        Look::DataPlane => seen.plane = Some(Plane::Answers),
        Look::RoleAssignments => seen.assignments = Some(Vec::new()),
        Look::Secret(name) => {
            seen.secrets.insert(name.clone(), SecretSeen::Absent);
        }
        Look::Name => seen.name = Some(Ok(())),
        Look::Deleted => seen.deleted = Some(None),
        Look::DeletedElsewhere => seen.deleted_elsewhere = Some(None),
        Look::Operation => seen.operation = Some(Polled::Ended),
        Look::Group => seen.group = Some(Some(Group { deleting: false })),
        Look::Provider => {
            seen.provider = Some(Registration::Registered);
        }
        Look::RoleDefinition(name) => {
            seen.definitions.insert(name.clone(), Some(Uuid::nil()));
        }
        Look::Vault => seen.vault = Some(None),
    }
}
