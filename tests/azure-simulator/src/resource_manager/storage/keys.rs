//! Keys of accounts (<https://learn.microsoft.com/rest/api/storagerp/storage-accounts/list-keys>).

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{find_made, invalid_values};
use crate::{
    app::new_account_key,
    resource_manager::context::Context,
    wire::reply::Reply,
    world::{
        failure::Failure,
        spec::SecretText,
        storage_account::{AccountKey, KEY_NAMES, StorageAccount},
    },
};

fn document(account: &StorageAccount) -> Reply {
    let keys = KEY_NAMES.iter().zip(&account.keys);
    let keys = keys.map(|(name, key)| {
        json!({
            "keyName": name, "value": key.value.0, "permissions": "FULL",
            "creationTime": key.created.timestamp().to_string(),
        })
    });
    let keys: Vec<_> = keys.collect();
    Reply::json(StatusCode::OK, &json!({"keys": keys}))
}

pub(super) fn list(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    Ok(document(find_made(context, &world, group, name)?))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct KeyBody {
    key_name: String,
}

pub(super) fn regenerate(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let body: KeyBody = context.body()?;
    let mut world = context.app.world.write();
    find_made(context, &world, group, name)?;
    let chosen = KEY_NAMES.iter().position(|one| *one == body.key_name);
    let account = world
        .storage_account_mut(name)
        .ok_or_else(|| Failure::no_resource(super::KIND, name, group))?;
    let key = chosen
        .and_then(|index| account.keys.get_mut(index))
        .ok_or_else(|| invalid_values("keyName"))?;
    *key = AccountKey {
        value: SecretText(new_account_key()),
        created: context.now,
    };
    Ok(document(account))
}
