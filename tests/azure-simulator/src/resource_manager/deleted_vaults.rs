//! Deleted vaults (<https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/list-deleted>).

use http::StatusCode;
use serde_json::{Value, json};

use super::{context::Context, lists, operations};
use crate::{
    wire::reply::Reply,
    world::{
        failure::Failure, long_operation::Outcome, subscription::Going, vault_record::DeletedVault,
    },
};

fn document(deleted: &DeletedVault) -> Value {
    let spec = &deleted.vault.spec;
    let mut properties = json!({
        "vaultId": spec.id(),
        "location": spec.location,
        "tags": spec.tags,
        "deletionDate": deleted.deleted.timestamp().to_string(),
        "scheduledPurgeDate": deleted.scheduled_purge.timestamp().to_string(),
    });
    if let (true, Some(fields)) = (spec.purge_protection, properties.as_object_mut()) {
        fields.insert("purgeProtectionEnabled".to_owned(), json!(true));
    }
    json!({
        "id": format!(
            "/subscriptions/{}/providers/Microsoft.KeyVault/locations/{}/deletedVaults/{}",
            spec.subscription_id, spec.location, spec.name
        ),
        "name": spec.name,
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": properties,
    })
}

fn absent() -> Failure {
    let message = "The specified deleted vault does not exist.";
    Failure::new(404, "DeletedVaultNotFound", message)
}

pub(super) fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let mine = |deleted: &DeletedVault| {
        let id = &deleted.vault.spec.subscription_id;
        id.eq_ignore_ascii_case(context.subscription)
    };
    let rows = world.deleted_vaults.iter().filter(|(_, one)| mine(one));
    let rows = rows.map(|(key, one)| (key.as_str(), document(one)));
    lists::page(context, rows)
}

pub(super) fn get(context: &Context<'_>, location: &str, name: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let found = world
        .deleted_at(context.subscription, location, name)
        .ok_or_else(absent)?;
    Ok(Reply::json(StatusCode::OK, &document(found)))
}

/// Starts a purge; a second one while it lasts is told as the first.
pub(super) fn purge(context: &Context<'_>, location: &str, name: &str) -> Result<Reply, Failure> {
    let mut world = context.app.world.write();
    let plan = world.manager.lro.purge.clone();
    let millis = world.manager.purge_ms;
    let found = world
        .deleted_at(context.subscription, location, name)
        .ok_or_else(absent)?;
    if found.vault.spec.purge_protection {
        let message = "Operation 'DeletedVaultPurge' is not allowed.";
        return Err(Failure::new(405, "MethodNotAllowed", message));
    }
    let (ends, headers) = operations::start(
        context,
        &mut world,
        &plan,
        millis,
        Outcome::Done,
        operations::Place::Vaults(location),
    );
    if let Some(deleted) = world.deleted_vaults.get_mut(&name.to_ascii_lowercase())
        && deleted.going.is_none()
    {
        deleted.going = Some(Going {
            at: ends,
            fails: plan.error.is_some(),
        });
    }
    world.note_due(ends);
    world.settle(context.now);
    Ok(operations::told(
        Reply::empty(StatusCode::ACCEPTED),
        headers,
    ))
}
