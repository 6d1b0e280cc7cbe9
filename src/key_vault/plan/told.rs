//! What is said where nothing can be done for now. Pure.

use jiff::Timestamp;

use super::Inputs;
use crate::azure_resource::FORCE_DELETE;
use crate::azure_resource::note::GOING_ON;
pub use crate::azure_resource::told::PROPAGATING;
use crate::azure_resource::told::{after, for_ever};
use crate::key_vault::valid::Seed;
use crate::key_vault::vault::{Deleted, Vault};
use crate::problem::{Problem, Reason};

fn name<'a>(inputs: &'a Inputs<'_>) -> &'a str {
    inputs.valid.azure_name.as_str()
}

pub(super) fn other_tenant(inputs: &Inputs<'_>, vault: &Vault) -> Problem {
    let message = format!(
        "vault {:?} is of tenant {}, but this spec, or its identity, of {}: set spec.tenantId to the vault's, or name another identity in spec.identityRef",
        name(inputs),
        vault.tenant,
        inputs.desired.tenant
    );
    for_ever(Reason::TenantMismatch, message)
}

pub(super) fn soft_deleted(inputs: &Inputs<'_>, deleted: &Deleted) -> Problem {
    let message = format!(
        "a deleted vault has the name {:?}{}. Set onSoftDeleted: Recover to bring it back with all that is in it, or Purge to destroy it",
        name(inputs),
        until(deleted)
    );
    for_ever(Reason::SoftDeleted, message)
}

fn until(deleted: &Deleted) -> String {
    let date = deleted.scheduled_purge;
    date.map_or_else(String::new, |date| format!(", until {date}"))
}

pub(super) fn deleted_elsewhere(inputs: &Inputs<'_>, deleted: &Deleted) -> Problem {
    let message = format!(
        "the name {:?} is taken by a deleted vault that was {} in {}{}: it is neither recovered nor purged from here. Name its group and region in this spec, or see it: az keyvault show-deleted --name {} --location {}",
        name(inputs),
        deleted.id,
        deleted.location,
        until(deleted),
        name(inputs),
        deleted.location
    );
    for_ever(Reason::SoftDeleted, message)
}

pub(super) fn not_purged(inputs: &Inputs<'_>) -> Problem {
    let message = format!(
        "a deleted vault has the name {:?}, and it was not this very object that had it: it is not purged. Set adopt: Always to destroy it all the same, or onSoftDeleted: Recover",
        name(inputs)
    );
    for_ever(Reason::ResourceNotOurs, message)
}

pub(super) fn purge_protected(inputs: &Inputs<'_>, deleted: &Deleted) -> Problem {
    let message = format!(
        "the deleted vault {:?} is protected from being purged{}. Set onSoftDeleted: Recover, or wait",
        name(inputs),
        until(deleted)
    );
    for_ever(Reason::PurgeProtected, message)
}

pub(super) fn no_seed(seed: &Seed, problem: &Problem) -> Problem {
    let message = format!(
        "spec.secrets: {:?} cannot be looked at: {}",
        seed.name.as_str(),
        problem.message
    );
    Problem {
        message,
        ..problem.clone()
    }
}

pub(super) fn seed_waits(seed: &Seed, until: Timestamp) -> Problem {
    let message = format!(
        "spec.secrets: {:?} is made up once the roles that were given just now are known everywhere in Azure, which takes until {until} at most",
        seed.name.as_str()
    );
    after(Reason::RolePropagating, PROPAGATING, message)
}

/// A vault that was deleted is not among the deleted ones yet.
pub(super) fn not_listed_yet(inputs: &Inputs<'_>) -> Problem {
    let message = format!(
        "vault {:?} is deleted, and Azure does not show it among the deleted vaults yet: it is purged as soon as it does",
        name(inputs)
    );
    after(Reason::OperationUnderWay, GOING_ON, message)
}

pub(super) fn deleted_secret(inputs: &Inputs<'_>, seed: &Seed) -> Problem {
    let (vault, secret) = (name(inputs), seed.name.as_str());
    let message = format!(
        "spec.secrets: a deleted secret of vault {vault:?} has the name {secret:?}, and is neither recovered nor purged: az keyvault secret recover (or purge) --vault-name {vault} --name {secret}"
    );
    for_ever(Reason::SoftDeleted, message)
}

pub(super) fn still_named(inputs: &Inputs<'_>, syncs: &[String]) -> Problem {
    let message = format!(
        "vault {:?} is not deleted while VaultSecretSyncs of this namespace name it: {}. Delete them or let them name another vault; to delete it all the same: kubectl annotate, {FORCE_DELETE}=true",
        name(inputs),
        syncs.join(", ")
    );
    for_ever(Reason::StillNamed, message)
}
