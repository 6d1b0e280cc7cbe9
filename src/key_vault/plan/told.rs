//! What is said where nothing can be done for now. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::Inputs;
use crate::azure_resource::note::GOING_ON;
use crate::azure_resource::owner::{OWNER_TAG, owner_tag};
use crate::azure_resource::{DETACH, FORCE_DELETE};
use crate::key_vault::valid::Seed;
use crate::key_vault::vault::{Deleted, Tags, Vault};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

fn for_ever(reason: Reason, message: String) -> Problem {
    Problem::new(reason, Retry::OnChange, message)
}

fn after(reason: Reason, pause: Duration, message: String) -> Problem {
    Problem::new(reason, Retry::After(pause), message)
}

fn name<'a>(inputs: &'a Inputs<'_>) -> &'a str {
    inputs.valid.azure_name.as_str()
}

/// A spec that points elsewhere than the vault that it stands for is not followed.
pub(super) fn same_id(inputs: &Inputs<'_>) -> Result<(), Problem> {
    let wanted = inputs.valid.id.to_string();
    match &inputs.record.azure_id {
        Some(known) if !known.eq_ignore_ascii_case(&wanted) => Err(for_ever(
            Reason::ResourceIdChanged,
            format!(
                "this object stands for {known}, but subscriptionId, resourceGroup.name and azureName now say {wanted}: it is not followed. Set them back; for another vault create another KeyVault. To let this one go without a word to Azure: kubectl annotate, {DETACH}=true, and delete it"
            ),
        )),
        _ => Ok(()),
    }
}

pub(super) fn settled(inputs: &Inputs<'_>, vault: &Vault) -> Result<(), Problem> {
    if vault.is_at_rest() {
        return Ok(());
    }
    let state = vault.state.as_deref().unwrap_or_default();
    let message = format!("vault {:?} is in state {state}", name(inputs));
    Err(after(Reason::Provisioning, GOING_ON, message))
}

pub(super) fn given_up(inputs: &Inputs<'_>, state: &str) -> Problem {
    let message = format!(
        "vault {:?} is in state {state}: Azure has not finished what it was asked for, and writing it once more did not help. It is tried again; see az monitor activity-log list --resource-id {}",
        name(inputs),
        inputs.valid.id
    );
    Problem::new(Reason::OperationFailed, Retry::Backoff, message)
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

pub(super) fn other_location(inputs: &Inputs<'_>, location: &str) -> Problem {
    let message = format!(
        "vault {:?} is in {location}, but spec.location is {}: a vault does not move. Create this object anew with location: {location}",
        name(inputs),
        inputs.desired.location
    );
    for_ever(Reason::LocationMismatch, message)
}

pub(super) fn foreign(inputs: &Inputs<'_>, tags: &Tags) -> Problem {
    let owner = owner_tag(tags).map_or("", String::as_str);
    let message = format!(
        "vault {:?} belongs to {owner} (cluster/namespace/name/uid, its tag {OWNER_TAG}) and is left alone. Let go of it there, or remove the tag and set adopt: Always here",
        name(inputs)
    );
    for_ever(Reason::ResourceNotOurs, message)
}

pub(super) fn not_adopted(inputs: &Inputs<'_>) -> Problem {
    let message = format!(
        "vault {:?} exists and was not made by this object: with adopt: {:?} it is left alone. To take it over set adopt: Always; to see what that would change, set mode: Observe as well and read status.plan",
        name(inputs),
        inputs.valid.adopt
    );
    for_ever(Reason::ResourceNotOurs, message)
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

pub(super) fn name_taken(inputs: &Inputs<'_>, said: &str) -> Problem {
    let message = format!(
        "the name {:?} cannot be had: names of vaults are unique in the whole cloud. Create this object with another azureName. Azure says: {said}",
        name(inputs)
    );
    for_ever(Reason::NameTaken, message)
}

pub(super) fn no_group(inputs: &Inputs<'_>) -> Problem {
    let valid = inputs.valid;
    let message = format!(
        "there is no resource group {:?} in subscription {}: create it (az group create --name {} --location {}), or set resourceGroup.create: true",
        valid.group.as_str(),
        valid.subscription,
        valid.group.as_str(),
        inputs.desired.location
    );
    Problem::new(Reason::ResourceGroupNotFound, Retry::Backoff, message)
}

pub(super) fn group_goes(inputs: &Inputs<'_>) -> Problem {
    let message = format!(
        "resource group {:?} is being deleted; nothing is created in it",
        inputs.valid.group.as_str()
    );
    Problem::new(Reason::ResourceGroupNotFound, Retry::Backoff, message)
}

pub(super) fn registering(inputs: &Inputs<'_>) -> Problem {
    let message = format!(
        "the resource provider Microsoft.KeyVault is being registered in subscription {}, which takes a minute or two",
        inputs.valid.subscription
    );
    after(
        Reason::ProviderNotRegistered,
        Duration::from_secs(10),
        message,
    )
}

pub(super) fn no_role(role: &str) -> Problem {
    let message = format!(
        "spec.roleAssignments: there is no role {role:?}. To see all: az role definition list --query [].roleName"
    );
    for_ever(Reason::RoleNotFound, message)
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

/// How often it is seen whether a role is known by now.
pub const PROPAGATING: Duration = Duration::from_secs(30);

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
