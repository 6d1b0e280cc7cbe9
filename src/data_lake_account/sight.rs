//! What looks show of an account that is only planned. Pure.

use super::account::{Lifecycle, SoftDelete};
use super::lake::Contents;
use super::plan::{Look, Seen};
use crate::azure_resource::ground;

/// Whether there really is no account.
pub(super) fn is_absent(real: &Seen) -> bool {
    matches!(real.account, Some(None))
}

/// Whether a look at what there is shows what it would show after all that is planned for an account that is not there.
pub(super) fn is_untouched(look: &Look) -> bool {
    match look {
        Look::Name | Look::KeyVault(_) | Look::Ground(ground::Look::Provider) => true,
        Look::Account
        | Look::Ground(_)
        | Look::BlobService
        | Look::Lifecycle
        | Look::Filesystems
        | Look::Contents(_) => false,
    }
}

/// Adds what a look has really shown to what is assumed.
pub(super) fn copy(look: &Look, real: &Seen, seen: &mut Seen) {
    match look {
        Look::Account => {}
        Look::Ground(look) => ground::copy(look, &real.ground, &mut seen.ground),
        Look::Name => seen.name.clone_from(&real.name),
        Look::KeyVault(_) => seen.vault.clone_from(&real.vault),
        Look::BlobService => seen.soft_delete = real.soft_delete,
        Look::Lifecycle => seen.lifecycle.clone_from(&real.lifecycle),
        Look::Filesystems => seen.filesystems.clone_from(&real.filesystems),
        Look::Contents(_) => seen.contents.clone_from(&real.contents),
    }
}

/// What a look would show, if what is planned were done.
pub(super) fn imagine(look: &Look, seen: &mut Seen) {
    match look {
        Look::Account => seen.account = Some(None),
        Look::Ground(look) => ground::imagine(look, &mut seen.ground),
        Look::Name => seen.name = Some(Ok(())),
        // Looked at really, whatever is planned.
        Look::KeyVault(_) => {}
        Look::BlobService => seen.soft_delete = Some(SoftDelete::default()),
        Look::Lifecycle => seen.lifecycle = Some(Lifecycle::new()),
        Look::Filesystems => seen.filesystems = Some(Ok(Vec::new())),
        Look::Contents(name) => {
            seen.contents.insert(name.clone(), Ok(Contents::Nothing));
        }
    }
}
