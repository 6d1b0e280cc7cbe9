//! Stores (<https://learn.microsoft.com/rest/api/datalakestore/accounts>).

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{
    KIND, READ,
    body::{Body, invalid},
    document, find, list_row_of,
};
use crate::{
    resource_manager::{context::Context, lists, locations, operations},
    wire::reply::Reply,
    world::{
        World,
        failure::Failure,
        guards,
        lake_store::{LakeStore, LakeStoreSpec},
        life::Life,
        long_operation::Outcome,
        manager_settings::LroForm,
        storage_account::is_account_name,
        subscription::Going,
    },
};

pub(super) fn list(context: &Context<'_>, group: Option<&str>) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let rows = of_subscription(context, &world, group);
    let rows = rows.map(|(key, store)| (key, list_row_of(context, store)));
    lists::page(context, rows)
}

/// The stores of the subscription, or of a group of it, that the caller may see, with their keys.
pub(in crate::resource_manager) fn of_subscription<'a>(
    context: &'a Context<'_>,
    world: &'a World,
    group: Option<&'a str>,
) -> impl Iterator<Item = (&'a str, &'a LakeStore)> {
    let mine = move |store: &LakeStore| {
        let spec = &store.spec;
        spec.subscription_id
            .eq_ignore_ascii_case(context.subscription)
            && group.is_none_or(|group| spec.resource_group.eq_ignore_ascii_case(group))
            && context.shows(world, READ, &spec.id())
    };
    let all = world.lake_stores.iter();
    all.filter(move |(_, store)| mine(store))
        .map(|(key, store)| (key.as_str(), store))
}

pub(super) fn one(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    match context.call.method {
        Method::PUT => put(context, group, name),
        Method::PATCH => {
            let body = context.body()?;
            let mut world = context.app.world.write();
            find(context, &world, group, name)?;
            update(context, &mut world, name, body)
        }
        Method::DELETE => delete(context, group, name),
        _ => {
            let world = context.app.world.read();
            let store = find(context, &world, group, name)?;
            Ok(Reply::json(StatusCode::OK, &document(context, store)))
        }
    }
}

fn name_invalid(name: &str) -> Failure {
    let message = format!(
        "The account name '{name}' is invalid: 3 to 24 lower-case letters and numbers are needed."
    );
    Failure::new(400, "AccountNameInvalid", message)
}

fn taken(name: &str) -> Failure {
    let message = format!("An account named '{name}' already exists.");
    Failure::new(409, "AccountAlreadyExists", message)
}

fn put(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let body: Body = context.body()?;
    if !is_account_name(name) {
        return Err(name_invalid(name));
    }
    let location = locations::wanted(context, body.location.as_deref(), KIND)?;
    let mut world = context.app.world.write();
    let Some(present) = world.lake_store(name) else {
        return create(context, &mut world, group, name, &location, body);
    };
    let spec = &present.spec;
    if !spec.is_at(context.subscription, group) {
        return Err(taken(name));
    }
    locations::same(name, group, &spec.location, &location)?;
    update(context, &mut world, name, body)
}

fn create(
    context: &Context<'_>,
    world: &mut World,
    group: &str,
    name: &str,
    location: &str,
    body: Body,
) -> Result<Reply, Failure> {
    let group = world.open_group(context.subscription, group)?.name.clone();
    let mut spec = LakeStoreSpec {
        name: name.to_owned(),
        tenant_id: context.tenant.to_owned(),
        subscription_id: context.subscription.to_owned(),
        resource_group: group,
        location: location.to_owned(),
        ..LakeStoreSpec::default()
    };
    body.apply(&mut spec, true)?;
    let life = Life::of_new(world.actor(context.caller), context.now);
    let mut store = LakeStore {
        spec: Arc::new(spec),
        life,
    };
    allowed(context, world, &store)?;
    let plan = world.manager.lro.lake_store_put.clone();
    let millis = world.manager.lake_store_creation_ms;
    let (ends, headers) = operations::start(
        context,
        world,
        &plan,
        millis,
        Outcome::LakeStore(name.to_owned()),
        operations::Place::LakeStores(location),
    );
    if millis > 0 {
        store.life.ready = ends;
    }
    store.life.fails = plan.error.is_some();
    let told = document(context, &store);
    world.create_lake_store(store);
    world.note_principals(context.now);
    Ok(operations::told(
        Reply::json(StatusCode::CREATED, &told),
        headers,
    ))
}

/// Refuses what a policy denies.
fn allowed(context: &Context<'_>, world: &World, store: &LakeStore) -> Result<(), Failure> {
    let told = document(context, store);
    match world.subscription(context.subscription) {
        Some(subscription) => guards::denied(subscription, &store.spec.id(), KIND, &told),
        None => Ok(()),
    }
}

/// Refuses to touch what is being made or deleted.
fn idle(context: &Context<'_>, store: &LakeStore) -> Result<(), Failure> {
    if store.life.ready <= context.now && store.life.going.is_none() {
        return Ok(());
    }
    let message = format!(
        "The account '{}' is in the state '{}', in which it cannot be changed.",
        store.spec.name,
        store.state(context.now)
    );
    Err(Failure::new(409, "Conflict", message))
}

fn update(
    context: &Context<'_>,
    world: &mut World,
    name: &str,
    body: Body,
) -> Result<Reply, Failure> {
    let gone = || Failure::new(500, "InternalServerError", "the account is gone");
    let mut store = world.lake_store(name).ok_or_else(gone)?.clone();
    idle(context, &store)?;
    let mut spec = LakeStoreSpec::clone(&store.spec);
    body.apply(&mut spec, false)?;
    if spec != *store.spec {
        store.life.touch(world.actor(context.caller), context.now);
        store.spec = Arc::new(spec);
        allowed(context, world, &store)?;
    }
    // A store whose making failed is made again by the next write.
    store.life.fails = false;
    let told = document(context, &store);
    *world.lake_store_mut(name).ok_or_else(gone)? = store;
    Ok(Reply::json(StatusCode::OK, &told))
}

fn delete(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let mut world = context.app.world.write();
    let Some(store) = world.lake_store_at(context.subscription, group, name) else {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    };
    idle(context, store)?;
    let location = store.spec.location.clone();
    let plan = world.manager.lro.lake_store_delete.clone();
    let millis = world.manager.lake_store_deletion_ms;
    let at_once = plan.form == LroForm::Body && millis == 0;
    if let (true, Some(error)) = (at_once, &plan.error) {
        return Err(Failure::new(error.status, &error.code, &error.message));
    }
    let (ends, headers) = operations::start(
        context,
        &mut world,
        &plan,
        millis,
        Outcome::Done,
        operations::Place::LakeStores(&location),
    );
    if let Some(store) = world.lake_store_mut(name) {
        store.life.going = Some(Going {
            at: ends,
            fails: plan.error.is_some(),
        });
    }
    world.note_due(ends);
    world.settle(context.now);
    let status = if at_once {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok(operations::told(Reply::empty(status), headers))
}

/// Has a store use the customer's key that it was made with.
pub(super) fn enable_key_vault(
    context: &Context<'_>,
    group: &str,
    name: &str,
) -> Result<Reply, Failure> {
    let mut world = context.app.world.write();
    let store = find(context, &world, group, name)?;
    idle(context, store)?;
    let mut spec = LakeStoreSpec::clone(&store.spec);
    let config = spec.encryption_config.as_ref();
    if config.is_none_or(|config| config["type"] != "UserManaged") {
        return Err(invalid("encryptionConfig.type"));
    }
    spec.key_vault_enabled = true;
    if let Some(store) = world.lake_store_mut(name) {
        store.spec = Arc::new(spec);
    }
    Ok(Reply::empty(StatusCode::OK))
}

#[derive(Deserialize)]
struct NameBody {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
}

pub(super) fn check_name(context: &Context<'_>) -> Result<Reply, Failure> {
    let NameBody { name, kind } = context.body()?;
    if !kind.eq_ignore_ascii_case(KIND) {
        return Err(invalid("type"));
    }
    let world = context.app.world.read();
    let answer = if !is_account_name(&name) {
        let message = name_invalid(&name).message.clone();
        json!({"nameAvailable": false, "reason": "AccountNameInvalid", "message": message})
    } else if world.lake_store(&name).is_some() {
        let message = taken(&name).message.clone();
        json!({"nameAvailable": false, "reason": "AlreadyExists", "message": message})
    } else {
        json!({"nameAvailable": true})
    };
    Ok(Reply::json(StatusCode::OK, &answer))
}
