//! Definitions of built-in roles (<https://learn.microsoft.com/rest/api/authorization/role-definitions>).

use http::StatusCode;
use serde_json::{Value, json};

use super::{context::Context, lists};
use crate::{
    wire::reply::Reply,
    world::{
        failure::Failure,
        roles::{self, Role},
    },
};

/// The id of a role, in a subscription or, without one, in none.
pub(super) fn id(subscription: &str, role: &Role) -> String {
    let at = if subscription.is_empty() {
        String::new()
    } else {
        format!("/subscriptions/{subscription}")
    };
    format!(
        "{at}/providers/Microsoft.Authorization/roleDefinitions/{}",
        role.id
    )
}

fn document(context: &Context<'_>, role: &Role) -> Value {
    json!({
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": role.description,
            "assignableScopes": ["/"],
            "permissions": [{
                "actions": role.actions,
                "notActions": role.not_actions,
                "dataActions": role.data_actions,
                "notDataActions": [],
            }],
            "createdOn": "2015-02-02T21:55:09.8806423Z",
            "updatedOn": "2023-10-16T15:00:00.0000000Z",
            "createdBy": null,
            "updatedBy": null,
        },
        "id": id(context.subscription, role),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.id,
    })
}

pub(super) fn get(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let role = Role::with_id(id).ok_or_else(|| {
        Failure::new(
            404,
            "RoleDefinitionDoesNotExist",
            format!(
                "The specified role definition with ID '{}' does not exist.",
                id.replace('-', "")
            ),
        )
    })?;
    Ok(Reply::json(StatusCode::OK, &document(context, role)))
}

/// All, or by `$filter=roleName eq '…'`.
pub(super) fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let filter = context.call.query("$filter").unwrap_or_default();
    let wanted = match quoted(filter, "roleName") {
        Some(name) => Some(name),
        None => quoted(filter, "type").filter(|kind| !kind.eq_ignore_ascii_case("BuiltInRole")),
    };
    if !filter.is_empty()
        && wanted.is_none()
        && !filter.contains("atScope")
        && quoted(filter, "type").is_none()
    {
        return Err(Failure::bad_request(format!(
            "The filter '{filter}' is not supported."
        )));
    }
    let fits = |role: &&Role| wanted.is_none_or(|name| role.name.eq_ignore_ascii_case(name));
    let roles = roles::all().filter(fits);
    Ok(lists::whole(
        roles.map(|role| document(context, role)).collect(),
    ))
}

/// The text of `field eq 'text'` in a filter.
pub(super) fn quoted<'a>(filter: &'a str, field: &str) -> Option<&'a str> {
    let lower = filter.to_ascii_lowercase();
    let at = lower.find(&field.to_ascii_lowercase())?;
    let rest = filter.get(at + field.len()..)?;
    let (operator, rest) = rest.split_once('\'')?;
    operator
        .trim()
        .eq_ignore_ascii_case("eq")
        .then(|| rest.split_once('\'').map(|(text, _)| text))?
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_filter_names_its_text() {
        assert_eq!(
            quoted("roleName eq 'Key Vault Reader'", "roleName"),
            Some("Key Vault Reader")
        );
        assert_eq!(
            quoted("atScope() and roleName EQ 'x'", "roleName"),
            Some("x")
        );
        assert_eq!(quoted("atScope()", "roleName"), None);
        assert_eq!(quoted("roleName ne 'x'", "roleName"), None);
    }
}
