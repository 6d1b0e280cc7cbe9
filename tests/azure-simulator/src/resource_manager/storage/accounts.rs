//! Accounts (<https://learn.microsoft.com/rest/api/storagerp/storage-accounts>).

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::Value;

use super::{
    KIND, READ,
    body::{Body, Mode},
    document, find, names,
};
use crate::{
    app::new_account_key,
    resource_manager::{context::Context, lists, locations, operations},
    wire::reply::Reply,
    world::{
        World,
        failure::Failure,
        guards,
        life::Life,
        long_operation::Outcome,
        manager_settings::LroForm,
        storage_account::{StorageAccount, is_account_name},
        storage_spec::StorageAccountSpec,
    },
};

pub(super) fn list(context: &Context<'_>, group: Option<&str>) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let rows = of_subscription(context, &world, group);
    let rows = rows.map(|(key, account)| (key, document::of(context, account)));
    lists::page(context, rows)
}

/// The accounts of the subscription, or of a group of it, that the caller may see, with their keys.
pub(in crate::resource_manager) fn of_subscription<'a>(
    context: &'a Context<'_>,
    world: &'a World,
    group: Option<&'a str>,
) -> impl Iterator<Item = (&'a str, &'a StorageAccount)> {
    let mine = move |account: &StorageAccount| {
        let spec = &account.spec;
        spec.subscription_id
            .eq_ignore_ascii_case(context.subscription)
            && group.is_none_or(|group| spec.resource_group.eq_ignore_ascii_case(group))
            && context.shows(world, READ, &spec.id())
    };
    let all = world.storage_accounts.iter();
    all.filter(move |(_, account)| mine(account))
        .map(|(key, account)| (key.as_str(), account))
}

pub(super) fn one(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    match context.call.method {
        Method::PUT => put(context, group, name),
        Method::PATCH => {
            let body = context.body()?;
            let mut world = context.app.world.write();
            find(context, &world, group, name)?;
            update(context, &mut world, name, body, Mode::Patch)
        }
        Method::DELETE => delete(context, group, name),
        _ => {
            let world = context.app.world.read();
            let account = find(context, &world, group, name)?;
            Ok(shown(context, account))
        }
    }
}

fn shown(context: &Context<'_>, account: &StorageAccount) -> Reply {
    Reply::json(StatusCode::OK, &document::of(context, account))
}

fn put(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let body: Body = context.body()?;
    if !is_account_name(name) {
        return Err(names::invalid(name));
    }
    let location = locations::wanted(context, body.location.as_deref(), KIND)?;
    let mut world = context.app.world.write();
    let Some(present) = world.storage_account(name) else {
        if names::is_held(context, &world, name) {
            return Err(names::taken(name));
        }
        return create(context, &mut world, group, name, &location, body);
    };
    let spec = &present.spec;
    let mine = spec
        .subscription_id
        .eq_ignore_ascii_case(context.subscription);
    if !mine {
        return Err(names::taken(name));
    }
    if !spec.is_at(context.subscription, group) {
        return Err(names::in_another_group(name));
    }
    locations::same(name, group, &spec.location, &location)?;
    update(context, &mut world, name, body, Mode::Put)
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
    room(context, world, location)?;
    let mut spec = StorageAccountSpec {
        name: name.to_owned(),
        tenant_id: context.tenant.to_owned(),
        subscription_id: context.subscription.to_owned(),
        resource_group: group,
        location: location.to_owned(),
        access_tier: None,
        ..StorageAccountSpec::default()
    };
    body.apply(context, world, &mut spec, Mode::Create)?;
    let life = Life::of_new(world.actor(context.caller), context.now);
    let mut account = StorageAccount::new(spec, life, new_account_key);
    allowed(context, world, &account)?;
    let plan = world.manager.lro.storage_put.clone();
    let (ends, headers) = operations::start(
        context,
        world,
        &plan,
        world.manager.storage_creation_ms,
        Outcome::StorageAccount(name.to_owned()),
        operations::Place::Storage(location),
    );
    if world.manager.storage_creation_ms > 0 {
        account.life.ready = ends;
    }
    account.life.fails = plan.error.is_some();
    let told = document::of(context, &account);
    world.create_storage_account(account);
    world.note_principals(context.now);
    world.settle(context.now);
    let reply = if plan.form == LroForm::Body {
        Reply::json(StatusCode::OK, &told)
    } else {
        Reply::empty(StatusCode::ACCEPTED)
    };
    Ok(operations::told(reply, headers))
}

/// Refuses one account too many in a region.
fn room(context: &Context<'_>, world: &World, location: &str) -> Result<(), Failure> {
    let most = world.manager.storage_accounts_per_region;
    let here = world.storage_accounts.values().filter(|account| {
        let spec = &account.spec;
        spec.location == location
            && spec
                .subscription_id
                .eq_ignore_ascii_case(context.subscription)
    });
    if here.count() < most {
        return Ok(());
    }
    Err(Failure::new(
        409,
        "MaxStorageAccountsCountPerSubscriptionExceeded",
        format!(
            "Subscription {} already contains {most} storage accounts in location {location} and the maximum allowed is \
             {most}.",
            context.subscription
        ),
    ))
}

/// Refuses what a policy denies.
fn allowed(context: &Context<'_>, world: &World, account: &StorageAccount) -> Result<(), Failure> {
    let document: Value = document::of(context, account);
    match world.subscription(context.subscription) {
        Some(subscription) => guards::denied(subscription, &account.spec.id(), KIND, &document),
        None => Ok(()),
    }
}

/// Refuses to touch what is being made.
fn idle(context: &Context<'_>, account: &StorageAccount) -> Result<(), Failure> {
    if account.resolves(context.now) {
        return Ok(());
    }
    Err(Failure::new(
        409,
        "StorageAccountOperationInProgress",
        "An operation is currently performing on this storage account that requires exclusive access.",
    ))
}

fn update(
    context: &Context<'_>,
    world: &mut World,
    name: &str,
    body: Body,
    mode: Mode,
) -> Result<Reply, Failure> {
    let gone = || Failure::new(500, "InternalServerError", "the account is gone");
    let mut account = world.storage_account(name).ok_or_else(gone)?.clone();
    idle(context, &account)?;
    let mut spec = StorageAccountSpec::clone(&account.spec);
    body.apply(context, world, &mut spec, mode)?;
    if spec != *account.spec {
        account.life.touch(world.actor(context.caller), context.now);
        account.spec = Arc::new(spec);
        allowed(context, world, &account)?;
        *world.storage_account_mut(name).ok_or_else(gone)? = account.clone();
        world.note_principals(context.now);
    }
    Ok(shown(context, &account))
}

fn delete(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let mut world = context.app.world.write();
    let Some(account) = world.storage_account_at(context.subscription, group, name) else {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    };
    idle(context, account)?;
    world.drop_storage_account(name, context.now);
    Ok(Reply::empty(StatusCode::OK))
}
