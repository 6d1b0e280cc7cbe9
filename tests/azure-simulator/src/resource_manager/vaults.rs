//! Vaults (<https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults>).

use std::sync::Arc;

use super::{
    context::Context,
    lists, locations, operations,
    vault_body::{self, Body, Mode},
    vault_document,
    vault_names::{already_exists, name_not_valid},
    versions::RBAC_BY_DEFAULT,
};
use crate::{
    wire::reply::Reply,
    world::{
        World,
        failure::Failure,
        guards,
        long_operation::Outcome,
        manager_settings::LroForm,
        moment::Moment,
        spec::{Authorization, VaultSpec},
        subscription::Going,
        vault::Vault,
        vault_record::Record,
    },
};
use http::{Method, StatusCode};

pub(super) const KIND: &str = "Microsoft.KeyVault/vaults";
const ASSIGN_ROLES: &str = "Microsoft.Authorization/roleAssignments/write";

pub(super) fn list(context: &Context<'_>, group: Option<&str>) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let inside = |vault: &Vault| {
        group.is_none_or(|group| vault.spec.resource_group.eq_ignore_ascii_case(group))
    };
    let rows = lists::vaults(context, &world).filter(|(_, vault)| inside(vault));
    let rows = rows.map(|(key, vault)| (key, vault_document::of(context, &world, vault)));
    lists::page(context, rows)
}

pub(super) fn one(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    match context.call.method {
        Method::PUT => put(context, group, name),
        Method::PATCH => patch(context, group, name),
        Method::DELETE => delete(context, group, name),
        _ => {
            let world = context.app.world.read();
            let vault = find(context, &world, group, name)?;
            let document = vault_document::of(context, &world, vault);
            Ok(Reply::json(StatusCode::OK, &document))
        }
    }
}

/// The vault, or the 404 of its absence.
pub(super) fn find<'a>(
    context: &Context<'_>,
    world: &'a World,
    group: &str,
    name: &str,
) -> Result<&'a Vault, Failure> {
    world
        .vault_at(context.subscription, group, name)
        .ok_or_else(|| Failure::no_resource(KIND, name, group))
}

fn put(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let body: Body = context.body()?;
    if !vault_body::is_vault_name(name) {
        return Err(name_not_valid(name));
    }
    let location = locations::wanted(context, body.location.as_deref(), KIND)?;
    let mut world = context.app.world.write();
    if let Some(present) = world.vault_at(context.subscription, group, name) {
        let spec = Arc::clone(&present.spec);
        locations::same(name, group, &spec.location, &location)?;
        return update(context, &mut world, &spec, body, Mode::Replace);
    }
    let key = name.to_ascii_lowercase();
    if world.vaults.contains_key(&key) {
        return Err(already_exists(name));
    }
    let Some(deleted) = world.deleted_vaults.get(&key) else {
        if body.properties.recovers() {
            return Err(nothing_to_recover());
        }
        return create(context, &mut world, group, name, location, body);
    };
    let old = &deleted.vault.spec;
    let mine = old
        .subscription_id
        .eq_ignore_ascii_case(context.subscription);
    match (body.properties.recovers(), mine) {
        (false, true) => Err(Failure::new(
            409,
            "ConflictError",
            "A vault with the same name already exists in deleted state. You need to either recover or purge existing \
             key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft \
             delete.",
        )),
        (false, false) => Err(already_exists(name)),
        (true, _) if !old.is_at(context.subscription, group) || old.location != location => {
            Err(nothing_to_recover())
        }
        (true, _) if deleted.going.is_some() => Err(Failure::new(
            409,
            "ConflictError",
            format!("The vault '{name}' is being purged."),
        )),
        (true, _) => recover(context, &mut world, &key),
    }
}

fn nothing_to_recover() -> Failure {
    Failure::new(
        400,
        "SoftDeletedVaultDoesNotExist",
        "A soft deleted vault with the given name does not exist. Ensure that the name for the vault that is being \
         attempted to recover is in a recoverable state. For more information on soft delete please follow this link \
         https://go.microsoft.com/fwlink/?linkid=2149745",
    )
}

fn create(
    context: &Context<'_>,
    world: &mut World,
    group: &str,
    name: &str,
    location: String,
    body: Body,
) -> Result<Reply, Failure> {
    let rbac = context.stack.is_none() && context.version >= RBAC_BY_DEFAULT;
    let group = world.open_group(context.subscription, group)?.name.clone();
    let mut spec = VaultSpec {
        name: name.to_owned(),
        stack: context.stack.map(|stack| stack.region.clone()),
        subscription_id: context.subscription.to_owned(),
        resource_group: group,
        location,
        authorization: if rbac {
            Authorization::Rbac
        } else {
            Authorization::AccessPolicies
        },
        ..VaultSpec::default()
    };
    let told = body.properties.enable_rbac_authorization.is_some();
    let hidden = body.properties.hides_retention();
    body.apply(context, &mut spec, Mode::Create)?;
    let mut record = Record::of_new(world.actor(context.caller), context.now);
    record.rbac_told = told;
    record.retention_hidden = hidden;
    let document = vault_document::document(context, world, &spec, &record);
    allowed(context, world, &spec, &document)?;
    let (ready, headers) = starts(context, world, &spec);
    record.ready = ready;
    record.fails = world.manager.lro.vault_put.error.is_some();
    world.create_vault(spec, record);
    answer(context, world, name, headers)
}

fn recover(context: &Context<'_>, world: &mut World, key: &str) -> Result<Reply, Failure> {
    let Some(spec) = world.deleted_vaults.get(key) else {
        return Err(nothing_to_recover());
    };
    let spec = Arc::clone(&spec.vault.spec);
    let (ready, headers) = starts(context, world, &spec);
    let actor = world.actor(context.caller);
    world.recover_vault(key, actor, ready, context.now);
    if let Some(vault) = world.vaults.get_mut(key) {
        vault.record.fails = world.manager.lro.vault_put.error.is_some();
    }
    answer(context, world, key, headers)
}

/// Starts the making of a vault's name and data plane.
fn starts(
    context: &Context<'_>,
    world: &mut World,
    spec: &VaultSpec,
) -> (Moment, operations::Told) {
    let plan = world.manager.lro.vault_put.clone();
    let millis = world.manager.vault_creation_ms;
    let outcome = Outcome::Vault(spec.name.clone());
    let place = operations::Place::Vaults(&spec.location);
    operations::start(context, world, &plan, millis, outcome, place)
}

/// 201 while it is under way, 200 when it is done.
fn answer(
    context: &Context<'_>,
    world: &World,
    name: &str,
    headers: operations::Told,
) -> Result<Reply, Failure> {
    let vault = world
        .vault(&name.to_ascii_lowercase())
        .ok_or_else(|| Failure::new(500, "InternalServerError", "the vault is gone"))?;
    let body = vault_document::of(context, world, vault);
    let status = if headers.is_empty() && context.now >= vault.record.ready {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(operations::told(Reply::json(status, &body), headers))
}

/// Refuses what a policy denies.
fn allowed(
    context: &Context<'_>,
    world: &World,
    spec: &VaultSpec,
    document: &serde_json::Value,
) -> Result<(), Failure> {
    match world.subscription(context.subscription) {
        Some(subscription) => guards::denied(subscription, &spec.id(), KIND, document),
        None => Ok(()),
    }
}

fn patch(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let body: Body = context.body()?;
    let mut world = context.app.world.write();
    let spec = Arc::clone(&find(context, &world, group, name)?.spec);
    update(context, &mut world, &spec, body, Mode::Merge)
}

fn update(
    context: &Context<'_>,
    world: &mut World,
    present: &VaultSpec,
    body: Body,
    mode: Mode,
) -> Result<Reply, Failure> {
    let told = body.properties.enable_rbac_authorization.is_some();
    let mut spec = present.clone();
    body.apply(context, &mut spec, mode)?;
    if spec.authorization != present.authorization && !context.may(world, ASSIGN_ROLES, &spec.id())
    {
        return Err(may_not_change_model(context, &spec));
    }
    keep(context, world, spec, told)
}

/// Who may not assign roles may not let roles decide, nor end that.
fn may_not_change_model(context: &Context<'_>, spec: &VaultSpec) -> Failure {
    Failure::new(
        403,
        "InsufficientPermissions",
        format!(
            "Caller is not allowed to change permission model. For more information on how to change the permissions \
             model follow this link: https://go.microsoft.com/fwlink/?linkid=2155160. Details: oid={}; \
             action={ASSIGN_ROLES}; resource={}; decision=NotAllowed;",
            context.caller.object_id,
            spec.id()
        ),
    )
}

/// Keeps a changed vault, unless a policy denies it.
pub(super) fn keep(
    context: &Context<'_>,
    world: &mut World,
    spec: VaultSpec,
    rbac_told: bool,
) -> Result<Reply, Failure> {
    let key = spec.name.to_ascii_lowercase();
    let actor = world.actor(context.caller);
    let mut record = world
        .vault(&key)
        .map(|vault| vault.record.clone())
        .unwrap_or_default();
    if record.going.is_some() {
        let message = format!("The vault '{}' is being deleted.", spec.name);
        return Err(Failure::new(409, "ConflictError", message));
    }
    record.touch(actor, context.now);
    record.rbac_told |= rbac_told;
    // A vault whose making failed is made again by the next write.
    if record.fails && context.now >= record.ready {
        record.fails = false;
    }
    let document = vault_document::document(context, world, &spec, &record);
    allowed(context, world, &spec, &document)?;
    if let Some(vault) = world.vaults.get_mut(&key) {
        vault.spec = Arc::new(spec);
        vault.record = record;
    }
    Ok(Reply::json(StatusCode::OK, &document))
}

fn delete(context: &Context<'_>, group: &str, name: &str) -> Result<Reply, Failure> {
    let mut world = context.app.world.write();
    let Some(vault) = world.vault_at(context.subscription, group, name) else {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    };
    let location = vault.spec.location.clone();
    let plan = world.manager.lro.vault_delete.clone();
    let millis = world.manager.vault_deletion_ms;
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
        operations::Place::Vaults(&location),
    );
    if let Some(vault) = world.vault_at_mut(context.subscription, group, name) {
        vault.record.going = Some(Going {
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
