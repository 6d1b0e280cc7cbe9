//! Role assignments (<https://learn.microsoft.com/rest/api/authorization/role-assignments>).

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    context::Context,
    lists,
    role_definitions::{self, quoted},
};
use crate::{
    wire::reply::Reply,
    world::{World, assignments::Assignment, failure::Failure, roles::Role, scope},
};

#[derive(Deserialize)]
struct Body {
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    role_definition_id: String,
    principal_id: String,
    principal_type: Option<String>,
    description: Option<String>,
    condition: Option<String>,
}

/// The version from which on an answer has more than the three ids.
const WHOLE_SINCE: &str = "2018-01-01-preview";

fn document(context: &Context<'_>, one: &Assignment, is_new: bool) -> Value {
    let scope = one.scope.trim_end_matches('/');
    let mut properties = json!({
        "roleDefinitionId": role_definitions::id(context.subscription, one.role),
        "principalId": one.principal_id,
        "scope": scope,
    });
    if let (true, Some(fields)) = (context.version >= WHOLE_SINCE, properties.as_object_mut()) {
        // The answer to the PUT that makes one does not name its maker yet.
        let created_by = one.created_by.as_ref().filter(|_| !is_new);
        for (name, value) in [
            ("principalType", json!(one.principal_type)),
            ("condition", json!(one.condition)),
            (
                "conditionVersion",
                json!(one.condition.as_ref().map(|_| "2.0")),
            ),
            ("createdOn", json!(one.created.timestamp().to_string())),
            ("updatedOn", json!(one.updated.timestamp().to_string())),
            ("createdBy", json!(created_by)),
            ("updatedBy", json!(one.updated_by)),
            ("delegatedManagedIdentityResourceId", Value::Null),
            ("description", json!(one.description)),
        ] {
            fields.insert(name.to_owned(), value);
        }
    }
    json!({
        "properties": properties,
        "id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", one.name),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": one.name,
    })
}

/// Those on the scope, above it and below it; `atScope()` leaves out those below.
pub(super) fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let filter = context.call.query("$filter").unwrap_or_default();
    let lower = filter.to_ascii_lowercase();
    let principal = quoted(filter, "principalId").or_else(|| assigned_to(filter));
    if !filter.is_empty() && principal.is_none() && !lower.contains("atscope()") {
        return Err(Failure::new(
            400,
            "UnsupportedQuery",
            "The filter is not supported. Supported filters are either 'atScope()' or 'principalId eq '{value}'' or \
             'assignedTo('{value}')'.",
        ));
    }
    let world = context.app.world.read();
    let key = scope::key(&context.ask.scope);
    let below = world
        .assignments
        .below(&key)
        .filter(|_| !lower.contains("atscope()"));
    let value = world
        .assignments
        .at_or_above(&key)
        .chain(below)
        .filter(|one| principal.is_none_or(|id| one.principal_id.eq_ignore_ascii_case(id)))
        .map(|one| document(context, one, false))
        .collect();
    Ok(lists::whole(value))
}

fn assigned_to(filter: &str) -> Option<&str> {
    let (_, rest) = filter.split_once("assignedTo('")?;
    rest.split_once('\'').map(|(id, _)| id)
}

pub(super) fn one(context: &Context<'_>, name: &str) -> Result<Reply, Failure> {
    match context.call.method {
        Method::PUT => put(context, name),
        Method::DELETE => Ok(delete(context, name)),
        _ => get(context, name),
    }
}

fn get(context: &Context<'_>, name: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let key = scope::key(&context.ask.scope);
    let found = world.assignments.get(&key, name).ok_or_else(|| {
        Failure::new(
            404,
            "RoleAssignmentNotFound",
            format!("The role assignment '{name}' is not found."),
        )
    })?;
    Ok(Reply::json(
        StatusCode::OK,
        &document(context, found, false),
    ))
}

fn delete(context: &Context<'_>, name: &str) -> Reply {
    let mut world = context.app.world.write();
    let until = context
        .now
        .plus_millis(i64::from(world.manager.role_delay_ms));
    let key = scope::key(&context.ask.scope);
    let gone = world.assignments.delete(&key, name, until);
    match gone {
        Some(gone) => Reply::json(StatusCode::OK, &document(context, &gone, false)),
        None => Reply::empty(StatusCode::NO_CONTENT),
    }
}

fn put(context: &Context<'_>, name: &str) -> Result<Reply, Failure> {
    let Body { properties } = context.body()?;
    if name.parse::<Uuid>().is_err() {
        return Err(Failure::new(
            400,
            "InvalidRoleAssignmentId",
            format!(
                "The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."
            ),
        ));
    }
    let mut world = context.app.world.write();
    scope_exists(context, &world)?;
    let wanted = wanted(context, &world, name, properties)?;
    let key = scope::key(&context.ask.scope);
    let same = world.assignments.on(&key).find(|one| one.is_same(&wanted));
    if let Some(other) = same.filter(|one| !one.name.eq_ignore_ascii_case(name)) {
        return Err(Failure::new(
            409,
            "RoleAssignmentExists",
            format!(
                "The role assignment already exists. The ID of the existing role assignment is {}.",
                other.name.replace('-', "")
            ),
        ));
    }
    let present = world.assignments.get(&key, name).cloned();
    if let Some(present) = present {
        if !present.is_same(&wanted) {
            return Err(Failure::new(
                400,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            ));
        }
        let updated = Assignment {
            description: wanted.description,
            condition: wanted.condition,
            updated: context.now,
            updated_by: wanted.updated_by,
            ..Assignment::clone(&present)
        };
        let document = document(context, &updated, false);
        world.assignments.put(updated);
        return Ok(Reply::json(StatusCode::OK, &document));
    }
    let document = document(context, &wanted, true);
    world.assignments.put(wanted);
    Ok(Reply::json(StatusCode::CREATED, &document))
}

/// Refuses a scope that names a group or vault that is not there.
fn scope_exists(context: &Context<'_>, world: &World) -> Result<(), Failure> {
    let segments: Vec<&str> = context.ask.scope.trim_matches('/').split('/').collect();
    let Some(group) = segments.get(3) else {
        return Ok(());
    };
    if !segments
        .get(2)
        .is_some_and(|word| word.eq_ignore_ascii_case("resourceGroups"))
    {
        return Ok(());
    }
    world.open_group(context.subscription, group)?;
    if let (Some(kind), Some(vault)) = (segments.get(6), segments.get(7))
        && kind.eq_ignore_ascii_case("vaults")
        && world.vault_at(context.subscription, group, vault).is_none()
    {
        return Err(Failure::no_resource(
            "Microsoft.KeyVault/vaults",
            vault,
            group,
        ));
    }
    Ok(())
}

/// The assignment that is asked for.
fn wanted(
    context: &Context<'_>,
    world: &World,
    name: &str,
    properties: Properties,
) -> Result<Assignment, Failure> {
    let role = Role::with_id(&properties.role_definition_id).ok_or_else(|| {
        let id = properties
            .role_definition_id
            .rsplit('/')
            .next()
            .unwrap_or_default();
        Failure::new(
            400,
            "RoleDefinitionDoesNotExist",
            format!(
                "The specified role definition with ID '{}' does not exist.",
                id.replace('-', "")
            ),
        )
    })?;
    let principal = properties.principal_id;
    if principal.parse::<Uuid>().is_err() {
        return Err(Failure::new(
            400,
            "InvalidPrincipalId",
            format!("The Principal ID '{principal}' is not valid. Principal ID must be a GUID."),
        ));
    }
    let found = world
        .principal_type(context.tenant, &principal)
        .filter(|_| world.is_known(&principal, context.now));
    let principal_type = match (found, properties.principal_type) {
        (Some(kind), None) => kind.to_owned(),
        (Some(kind), Some(given)) if given != kind && given != "ForeignGroup" => {
            return Err(Failure::new(
                400,
                "UnmatchedPrincipalType",
                format!(
                    "The PrincipalId '{}' has type '{kind}' , which is different from specified PrinciaplType '{given}'.",
                    principal.replace('-', "")
                ),
            ));
        }
        (_, Some(given)) => given,
        (None, None) => {
            return Err(Failure::new(
                400,
                "PrincipalNotFound",
                format!(
                    "Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If \
                     you are creating this principal and then immediately assigning a role, this error might be related \
                     to a replication delay. In this case, set the role assignment principalType property to a value, \
                     such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
                    principal.replace('-', ""),
                    context.tenant
                ),
            ));
        }
    };
    let caller = Some(context.caller.object_id.clone());
    let delay = i64::from(world.manager.role_delay_ms);
    Ok(Assignment {
        name: name.to_owned(),
        principal_type,
        description: properties.description,
        condition: properties.condition,
        created_by: caller.clone(),
        updated_by: caller,
        from: context.now.plus_millis(delay),
        ..Assignment::of_seed(&context.ask.scope, role, &principal, context.now)
    })
}
