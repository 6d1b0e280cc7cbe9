//! From a flat to a hierarchical namespace, one way
//! (<https://learn.microsoft.com/azure/storage/blobs/upgrade-to-data-lake-storage-gen2>).

use http::StatusCode;

use super::{body::one_of, find_made, invalid_values};
use crate::{
    resource_manager::{context::Context, operations},
    wire::reply::Reply,
    world::{failure::Failure, long_operation::Outcome},
};

const REQUESTS: [&str; 2] = ["HnsOnValidationRequest", "HnsOnHydrationRequest"];

/// Checks whether an account can be migrated, or migrates it.
pub(super) fn start(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let asked = context.call.query("requestType").unwrap_or_default();
    let request = one_of(&REQUESTS, asked, "requestType")?;
    let mut world = context.app.world.write();
    let spec = &find_made(context, &world, group, name)?.spec;
    if spec.has_namespace() || spec.kind != "StorageV2" || spec.sku.starts_with("Premium") {
        return Err(invalid_values("requestType"));
    }
    let location = spec.location.clone();
    let plan = world.manager.lro.storage_migration.clone();
    let millis = world.manager.storage_migration_ms;
    let (ends, headers) = operations::start(
        context,
        &mut world,
        &plan,
        millis,
        Outcome::Done,
        operations::Place::Storage(&location),
    );
    if request == "HnsOnHydrationRequest"
        && plan.error.is_none()
        && let Some(account) = world.storage_account_mut(name)
    {
        account.migrates = Some(ends);
    }
    world.note_due(ends);
    world.settle(context.now);
    let status = if headers.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok(operations::told(Reply::empty(status), headers))
}
