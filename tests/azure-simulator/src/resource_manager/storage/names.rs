//! Names of storage accounts, which are unique over all subscriptions
//! (<https://learn.microsoft.com/rest/api/storagerp/storage-accounts/check-name-availability>).

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::KIND;
use crate::{
    resource_manager::context::Context,
    wire::reply::Reply,
    world::{World, failure::Failure, storage_account::is_account_name},
};

pub(super) fn invalid(name: &str) -> Failure {
    Failure::new(
        400,
        "AccountNameInvalid",
        format!(
            "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in \
             length and use numbers and lower-case letters only."
        ),
    )
}

pub(super) fn taken(name: &str) -> Failure {
    let message = format!("The storage account named {name} is already taken.");
    Failure::new(409, "StorageAccountAlreadyTaken", message)
}

pub(super) fn in_another_group(name: &str) -> Failure {
    let message =
        format!("The account {name} is already in another resource group in this subscription.");
    Failure::new(409, "StorageAccountInAnotherResourceGroup", message)
}

/// Whether the name of an account that was deleted is still kept from others.
pub(super) fn is_held(context: &Context<'_>, world: &World, name: &str) -> bool {
    let hold = i64::from(world.manager.storage_name_hold_ms);
    world
        .deleted_storage_accounts
        .get(name)
        .is_some_and(|deleted| context.now < deleted.deleted.plus_millis(hold))
}

#[derive(Deserialize)]
struct NameBody {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
}

pub(super) fn check(context: &Context<'_>) -> Result<Reply, Failure> {
    let NameBody { name, kind } = context.body()?;
    if !kind.eq_ignore_ascii_case(KIND) {
        return Err(super::invalid_values("type"));
    }
    let world = context.app.world.read();
    let answer = if !is_account_name(&name) {
        let message = invalid(&name).message.clone();
        json!({"nameAvailable": false, "reason": "AccountNameInvalid", "message": message})
    } else if world.storage_account(&name).is_some() || is_held(context, &world, &name) {
        let message = taken(&name).message.clone();
        json!({"nameAvailable": false, "reason": "AlreadyExists", "message": message})
    } else {
        json!({"nameAvailable": true})
    };
    Ok(Reply::json(StatusCode::OK, &answer))
}
