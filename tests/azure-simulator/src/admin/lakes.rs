//! Admin calls about storage accounts and Data Lake Stores, as somebody outside the resource manager would change them.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Answer, Body, Refused,
    changes::{Here, patched, same_or_absent},
    done,
};
use crate::{
    app::new_account_key,
    world::{
        lake_store::LakeStoreSpec,
        moment::Moment,
        spec::SecretText,
        storage_account::{AccountKey, KEY_NAMES, StorageAccount},
        storage_spec::StorageAccountSpec,
    },
};

fn no_account(name: &str) -> Refused {
    Refused::absent(format!("there is no storage account {name}"))
}

fn no_store(name: &str) -> Refused {
    Refused::absent(format!("there is no Data Lake Store {name}"))
}

pub(super) async fn accounts(State(app): Here) -> Json<Value> {
    let world = app.world.read();
    Json(json!({
        "storageAccounts": world.storage_accounts.keys().collect::<Vec<_>>(),
        "deletedStorageAccounts": world.deleted_storage_accounts.keys().collect::<Vec<_>>(),
    }))
}

/// An account's properties, and where it stands.
pub(super) async fn account(State(app): Here, Path(name): Path<String>) -> Answer {
    let now = app.now();
    let world = app.world.read();
    let account = world
        .storage_account(&name)
        .ok_or_else(|| no_account(&name))?;
    Ok(Json(json!({
        "account": world.whole_storage_spec(account), "provisioningState": account.state(now),
    })))
}

pub(super) async fn put_account(
    State(app): Here,
    Path(name): Path<String>,
    Body(mut spec): Body<StorageAccountSpec>,
) -> Answer {
    same_or_absent(&mut spec.name, name)?;
    let now = app.now();
    app.world
        .write()
        .put_storage_account(spec, now, new_account_key)?;
    app.names_may_have_changed()?;
    Ok(done())
}

/// Merges fields into an account (RFC 7396: `null` sets a field back); `keys` replaces both.
pub(super) async fn patch_account(
    State(app): Here,
    Path(name): Path<String>,
    Body(patch): Body<Value>,
) -> Answer {
    let mut world = app.world.write();
    let account = world
        .storage_account(&name)
        .ok_or_else(|| no_account(&name))?;
    let spec: StorageAccountSpec = patched(&world.whole_storage_spec(account), patch)?;
    let now = Moment::now(world.skew_seconds);
    world.put_storage_account(spec, now, new_account_key)?;
    Ok(done())
}

pub(super) async fn delete_account(State(app): Here, Path(name): Path<String>) -> Answer {
    let now = app.now();
    if !app.world.write().drop_storage_account(&name, now) {
        return Err(no_account(&name));
    }
    app.names_may_have_changed()?;
    Ok(done())
}

fn shown_keys(account: &StorageAccount) -> Json<Value> {
    let keys = KEY_NAMES.iter().zip(&account.keys);
    let keys: Vec<Value> = keys
        .map(|(name, key)| {
            let created = key.created.timestamp().to_string();
            json!({"name": name, "value": key.value.0, "created": created})
        })
        .collect();
    Json(json!({"keys": keys}))
}

/// Both keys with their values.
pub(super) async fn keys(State(app): Here, Path(name): Path<String>) -> Answer {
    let world = app.world.read();
    let account = world.storage_account(&name);
    account.map(shown_keys).ok_or_else(|| no_account(&name))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct NewKey {
    /// Absent: a random one, or, where only its age is said, the one that is there.
    value: Option<SecretText>,
    /// Absent: it is made now.
    created_seconds_ago: Option<u32>,
}

/// Gives one of the keys another value or age, and answers with both.
pub(super) async fn put_key(
    State(app): Here,
    Path((name, key)): Path<(String, String)>,
    Body(new): Body<NewKey>,
) -> Answer {
    let age = new.created_seconds_ago;
    let created = app.now().plus_millis(-1000 * i64::from(age.unwrap_or(0)));
    let mut world = app.world.write();
    let account = world
        .storage_account_mut(&name)
        .ok_or_else(|| no_account(&name))?;
    let chosen = KEY_NAMES.iter().position(|one| *one == key);
    let key = chosen
        .and_then(|index| account.keys.get_mut(index))
        .ok_or_else(|| Refused::absent(format!("there is no key {key}")))?;
    let value = match (new.value, age) {
        (Some(value), _) => value,
        (None, Some(_)) => key.value.clone(),
        (None, None) => SecretText(new_account_key()),
    };
    *key = AccountKey { value, created };
    Ok(shown_keys(account))
}

pub(super) async fn stores(State(app): Here) -> Json<Value> {
    let world = app.world.read();
    Json(json!({"dataLakeStores": world.lake_stores.keys().collect::<Vec<_>>()}))
}

/// A store's properties, and where it stands.
pub(super) async fn store(State(app): Here, Path(name): Path<String>) -> Answer {
    let now = app.now();
    let world = app.world.read();
    let store = world.lake_store(&name).ok_or_else(|| no_store(&name))?;
    Ok(Json(json!({
        "store": world.whole_lake_store_spec(store), "provisioningState": store.state(now),
    })))
}

pub(super) async fn put_store(
    State(app): Here,
    Path(name): Path<String>,
    Body(mut spec): Body<LakeStoreSpec>,
) -> Answer {
    same_or_absent(&mut spec.name, name)?;
    let now = app.now();
    app.world.write().put_lake_store(spec, now)?;
    app.names_may_have_changed()?;
    Ok(done())
}

/// Merges fields into a store (RFC 7396: `null` sets a field back).
pub(super) async fn patch_store(
    State(app): Here,
    Path(name): Path<String>,
    Body(patch): Body<Value>,
) -> Answer {
    let mut world = app.world.write();
    let store = world.lake_store(&name).ok_or_else(|| no_store(&name))?;
    let spec: LakeStoreSpec = patched(&world.whole_lake_store_spec(store), patch)?;
    let now = Moment::now(world.skew_seconds);
    world.put_lake_store(spec, now)?;
    Ok(done())
}

pub(super) async fn delete_store(State(app): Here, Path(name): Path<String>) -> Answer {
    if !app.world.write().drop_lake_store(&name) {
        return Err(no_store(&name));
    }
    app.names_may_have_changed()?;
    Ok(done())
}
