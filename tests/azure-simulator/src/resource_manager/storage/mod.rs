//! Microsoft.Storage: storage accounts and what belongs to them
//! (<https://learn.microsoft.com/rest/api/storagerp/storage-accounts>).

mod accounts;
mod blob_services;
mod body;
mod containers;
mod deleted;
pub(super) mod document;
mod encryption;
mod keys;
mod limits;
mod migration;
mod names;
mod network_body;
mod policies;
mod route;

pub(super) use self::{accounts::of_subscription, document::list_row, route::Part};
use super::{context::Context, errors};
use crate::{
    wire::reply::Reply,
    world::{World, failure::Failure, storage_account::StorageAccount},
};

pub(super) const KIND: &str = "Microsoft.Storage/storageAccounts";
pub(super) const READ: &str = "Microsoft.Storage/storageAccounts/read";

/// Does what is allowed.
pub(super) fn run(context: &Context<'_>, part: &Part) -> Result<Reply, Failure> {
    let left = limits::take(context, part)?;
    let reply = match part {
        Part::Accounts(group) => accounts::list(context, group.as_deref()),
        Part::Account(group, name) => accounts::one(context, group, name),
        Part::ListKeys(group, name) => keys::list(context, group, name),
        Part::RegenerateKey(group, name) => keys::regenerate(context, group, name),
        Part::Migration(group, name) => migration::start(context, group, name),
        Part::BlobServices(group, name) => blob_services::list(context, group, name),
        Part::BlobService(group, name, service) => {
            blob_services::one(context, group, name, service)
        }
        Part::Containers(group, name) => containers::list(context, group, name),
        Part::Container(group, name, container) => containers::one(context, group, name, container),
        Part::Policy(group, name, policy) => policies::one(context, group, name, policy),
        Part::CheckName => names::check(context),
        Part::DeletedAccounts => deleted::list(context),
        Part::DeletedAccount(location, name) => deleted::get(context, location, name),
        Part::Operation(id) => super::operations::poll(context, id),
    };
    let reply = match reply {
        // What this provider refuses has the headers of what it does.
        Err(failure) if !failure.gateway => errors::reply(&failure),
        other => other?,
    };
    Ok(limits::stamp(reply, part, left))
}

/// The account, or the 404 of its absence.
fn find<'a>(
    context: &Context<'_>,
    world: &'a World,
    group: &str,
    name: &str,
) -> Result<&'a StorageAccount, Failure> {
    world
        .storage_account_at(context.subscription, group, name)
        .ok_or_else(|| Failure::no_resource(KIND, name, group))
}

/// As [`find`], and it must be made already.
fn find_made<'a>(
    context: &Context<'_>,
    world: &'a World,
    group: &str,
    name: &str,
) -> Result<&'a StorageAccount, Failure> {
    let account = find(context, world, group, name)?;
    if account.resolves(context.now) {
        return Ok(account);
    }
    Err(Failure::new(
        409,
        "StorageAccountIsNotProvisioned",
        "The storage account provisioning state must be 'Succeeded' before executing the operation.",
    ))
}

/// What a field of a request must not be.
fn invalid_values(field: &str) -> Failure {
    let message = format!("Values for request parameters are invalid: {field}.");
    Failure::new(400, "InvalidValuesForRequestParameters", message)
}

/// What was made in one way stays so.
fn cannot_be_updated(field: &str) -> Failure {
    Failure::new(
        400,
        "AccountPropertyCannotBeUpdated",
        format!(
            "The property '{field}' was specified in the input, but it cannot be updated as it is read-only. For more \
             information, see - https://aka.ms/storageaccountupdate"
        ),
    )
}
