//! What looks show of a vault that is only planned. Pure.

use super::plan::{Look, Plane, SecretSeen, Seen};
use crate::azure_resource::ground;

/// Whether there really is no vault.
pub(super) fn is_absent(real: &Seen) -> bool {
    matches!(real.vault, Some(None))
}

/// Whether a look at what there is shows what it would show after all that is planned for a vault that is not there. A name is
/// taken until its deleted vault is purged.
pub(super) fn is_untouched(look: &Look, real: &Seen) -> bool {
    let is_free = !matches!(real.deleted, Some(Some(_)));
    match look {
        Look::Ground(ground::Look::Provider) => true,
        Look::Name | Look::DeletedElsewhere => is_free,
        Look::Vault | Look::Deleted | Look::Ground(_) | Look::DataPlane | Look::Secret(_) => false,
    }
}

/// Adds what a look has really shown to what is assumed.
pub(super) fn copy(look: &Look, real: &Seen, seen: &mut Seen) {
    match look {
        Look::DataPlane => seen.plane.clone_from(&real.plane),
        Look::Secret(_) => seen.secrets.clone_from(&real.secrets),
        Look::Name => seen.name.clone_from(&real.name),
        Look::DeletedElsewhere => seen.deleted_elsewhere.clone_from(&real.deleted_elsewhere),
        Look::Ground(look) => ground::copy(look, &real.ground, &mut seen.ground),
        Look::Vault | Look::Deleted => {}
    }
}

/// What a look would show, if what is planned were done.
pub(super) fn imagine(look: &Look, seen: &mut Seen) {
    match look {
        Look::DataPlane => seen.plane = Some(Plane::Answers),
        Look::Secret(name) => {
            seen.secrets.insert(name.clone(), SecretSeen::Absent);
        }
        Look::Name => seen.name = Some(Ok(())),
        Look::Deleted => seen.deleted = Some(None),
        Look::DeletedElsewhere => seen.deleted_elsewhere = Some(None),
        Look::Ground(look) => ground::imagine(look, &mut seen.ground),
        Look::Vault => seen.vault = Some(None),
    }
}
