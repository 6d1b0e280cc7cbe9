//! Deleted accounts (<https://learn.microsoft.com/rest/api/storagerp/deleted-accounts>).

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    resource_manager::{context::Context, lists, locations},
    wire::reply::Reply,
    world::{failure::Failure, storage_account::DeletedStorageAccount},
};

fn document(deleted: &DeletedStorageAccount) -> Value {
    let spec = &deleted.spec;
    let created = deleted.created.timestamp();
    json!({
        "id": format!(
            "/subscriptions/{}/providers/Microsoft.Storage/locations/{}/deletedAccounts/{}",
            spec.subscription_id, spec.location, spec.name
        ),
        "name": spec.name,
        "type": "Microsoft.Storage/deletedAccounts",
        "properties": {
            "storageAccountResourceId": spec.id(),
            "location": spec.location,
            "restoreReference": format!("{}|{created}", spec.name),
            "creationTime": created.to_string(),
            "deletionTime": deleted.deleted.timestamp().to_string(),
        },
    })
}

fn is_mine(context: &Context<'_>, deleted: &DeletedStorageAccount) -> bool {
    let id = &deleted.spec.subscription_id;
    id.eq_ignore_ascii_case(context.subscription)
}

pub(super) fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let rows = world.deleted_storage_accounts.iter();
    let rows = rows.filter(|(_, one)| is_mine(context, one));
    lists::page(
        context,
        rows.map(|(key, one)| (key.as_str(), document(one))),
    )
}

pub(super) fn get(context: &Context<'_>, location: &str, name: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let found = world
        .deleted_storage_accounts
        .get(&name.to_ascii_lowercase())
        .filter(|one| is_mine(context, one))
        .filter(|one| locations::plain(&one.spec.location) == locations::plain(location));
    match found {
        Some(deleted) => Ok(Reply::json(StatusCode::OK, &document(deleted))),
        None => Err(Failure::new(
            404,
            "DeletedAccountNotFound",
            format!("The deleted storage account {name} was not found."),
        )),
    }
}
