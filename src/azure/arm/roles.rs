//! Roles and their assignments: calls and answers ("Azure built-in roles", "Role Assignments - REST API"). Pure.

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ApiVersions, Call, Reply, Scope, SubscriptionId, incomplete};
use crate::azure::cloud::Cloud;
use crate::azure_identity::api::ResourceManagerProfile;
use crate::names::{NameError, ObjectId};
use crate::problem::Problem;

/// Roles that every tenant has, with their ids, so that no call is needed to find them.
const BUILT_IN: &[(&str, &str)] = &[
    ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
    ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
    ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
    (
        "User Access Administrator",
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    ),
    (
        "Role Based Access Control Administrator",
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
    ),
    (
        "Key Vault Administrator",
        "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    ),
    (
        "Key Vault Certificate User",
        "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
    ),
    (
        "Key Vault Certificates Officer",
        "a4417e6f-fecd-4de8-b567-7b0420556985",
    ),
    (
        "Key Vault Contributor",
        "f25e0fa2-a7c8-4377-a976-54943a77a395",
    ),
    (
        "Key Vault Crypto Officer",
        "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
    ),
    (
        "Key Vault Crypto Service Encryption User",
        "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    ),
    (
        "Key Vault Crypto User",
        "12338af0-0e69-4776-bea7-57ae8d297424",
    ),
    (
        "Key Vault Purge Operator",
        "a68e7c17-0ab2-4c09-9a58-125dae29748c",
    ),
    ("Key Vault Reader", "21090545-7ca7-4776-b22c-e363652d74d2"),
    (
        "Key Vault Secrets Officer",
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    ),
    (
        "Key Vault Secrets User",
        "4633458b-17de-408a-b874-0445c86b69e6",
    ),
    (
        "Storage Account Contributor",
        "17d1049b-9a84-46fb-8f53-869881c3d3ab",
    ),
    (
        "Storage Blob Data Contributor",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    ),
    (
        "Storage Blob Data Owner",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    ),
    (
        "Storage Blob Data Reader",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    ),
];

/// The id of a built-in role, by its name in any case.
pub fn built_in(name: &str) -> Option<Uuid> {
    let found = BUILT_IN
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Uuid::try_parse(found.1).ok()
}

/// The name of a built-in role.
pub fn name_of(role: Uuid) -> Option<&'static str> {
    BUILT_IN
        .iter()
        .find(|(name, _)| built_in(name) == Some(role))
        .map(|(name, _)| *name)
}

/// The smallest built-in role that permits an action. Azure Stack Hub has only the general ones.
pub fn smallest(cloud: &Cloud, action: &str) -> &'static str {
    let action = action.to_ascii_lowercase();
    let profile = cloud.resource_manager.as_ref().map(|known| known.profile);
    let stack = profile == Some(ResourceManagerProfile::AzureStack);
    let assigns = action.starts_with("microsoft.authorization/roleassignments/");
    match action.as_str() {
        _ if action.ends_with("/read") => "Reader",
        _ if assigns && stack => "Owner",
        _ if assigns => "Role Based Access Control Administrator",
        _ if stack || action.ends_with("/register/action") => "Contributor",
        // Contributors of vaults may not purge them.
        "microsoft.keyvault/locations/deletedvaults/purge/action" => "Key Vault Purge Operator",
        _ if action.starts_with("microsoft.keyvault/") => "Key Vault Contributor",
        _ if action.starts_with("microsoft.storage/") => "Storage Account Contributor",
        _ if action.starts_with("microsoft.network/") => "Network Contributor",
        _ => "Contributor",
    }
}

/// Where that role is to be assigned: on what exists already when the action is tried. What is to be made does not, and a role on
/// its group serves for the next one too.
pub fn mending_scope(action: &str, scope: &str) -> String {
    let whole = scope
        .find("/providers/Microsoft.Authorization/")
        .and_then(|at| scope.get(..at))
        .filter(|begin| !begin.is_empty())
        .unwrap_or(scope);
    let subscription = || {
        let parts: Vec<&str> = whole.splitn(4, '/').collect();
        parts.get(..3).map(|parts| parts.join("/"))
    };
    let lower = action.to_ascii_lowercase();
    let wide = lower.ends_with("/register/action")
        || lower.contains("/deletedvaults/")
        || lower == "microsoft.resources/subscriptions/resourcegroups/write";
    let found = match whole.parse::<Scope>() {
        _ if wide => subscription(),
        Ok(Scope::Resource(resource)) if lower.starts_with("microsoft.keyvault/") => {
            Some(resource.group().path())
        }
        Ok(Scope::Resource(resource))
            if lower.starts_with("microsoft.storage/")
                || lower.starts_with("microsoft.datalakestore/") =>
        {
            Some(resource.group().path())
        }
        _ => None,
    };
    found.unwrap_or_else(|| whole.to_owned())
}

/// A role as a spec names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// By its id.
    Id(Uuid),
    /// By a name that is not built in: it is looked up.
    Named(String),
}

impl Role {
    /// Reads a name, a GUID, or the id of a definition
    /// (`/subscriptions/…/providers/Microsoft.Authorization/roleDefinitions/{guid}`).
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let last = text.rsplit('/').next().unwrap_or_default();
        let definition = text
            .to_ascii_lowercase()
            .contains("/providers/microsoft.authorization/roledefinitions/");
        let bare = !text.contains('/');
        if (definition || bare)
            && last.len() == 36
            && let Ok(id) = Uuid::try_parse(last)
        {
            return Ok(Self::Id(id));
        }
        if let Some(id) = built_in(text) {
            return Ok(Self::Id(id));
        }
        // Names of custom roles have any characters; they reach a filter, quoted and escaped, and no path.
        let named = bare
            && !text.trim().is_empty()
            && text.chars().count() <= 512
            && !text.chars().any(char::is_control);
        if named {
            return Ok(Self::Named(text.to_owned()));
        }
        let expected =
            "a role: its name (Key Vault Secrets User), its GUID, or the id of its definition";
        Err(NameError::new(expected, text))
    }
}

/// The id of a role's definition, as assignments name it.
pub fn definition_id(subscription: &SubscriptionId, role: Uuid) -> String {
    format!(
        "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    )
}

/// The call that finds a role by its name.
pub fn find(versions: &ApiVersions, scope: &Scope, name: &str) -> Call {
    Call {
        operation: "FindRole",
        method: Method::GET,
        path: format!("{scope}/providers/Microsoft.Authorization/roleDefinitions"),
        query: vec![(
            "$filter",
            format!("roleName eq '{}'", name.replace('\'', "''")),
        )],
        api_version: versions.authorization,
        subscription: scope.subscription().clone(),
        what: format!("role {name:?}"),
        body: None,
        action: "Microsoft.Authorization/roleDefinitions/read",
    }
}

/// The role of this name in the answer to [`find`]; none where there is none, or several.
pub fn found(reply: &Reply, name: &str) -> Option<Uuid> {
    let all = reply.body.get("value")?.as_array()?;
    let mut fitting = all.iter().filter(|one| {
        let told = one.get("properties").and_then(|all| all.get("roleName"));
        told.and_then(Value::as_str)
            .is_some_and(|told| told.eq_ignore_ascii_case(name))
    });
    let (first, None) = (fitting.next()?, fitting.next()) else {
        return None;
    };
    Uuid::try_parse(first.get("name")?.as_str()?).ok()
}

/// A role assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its own name.
    pub name: Uuid,
    /// Where it holds, as Azure writes it.
    pub scope: String,
    /// The role.
    pub role: Uuid,
    /// Who has it: an object id.
    pub principal: String,
    /// What kind of principal that is, where Azure says so.
    pub principal_type: Option<String>,
    /// When it was made, where Azure says so.
    pub created: Option<Timestamp>,
}

/// What kind of principal is given a role. Said in advance, so that Azure need not find it in the directory first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalType {
    /// A service principal, also that of a managed identity.
    ServicePrincipal,
    /// A group.
    Group,
    /// A person.
    User,
}

impl PrincipalType {
    /// The word in requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServicePrincipal => "ServicePrincipal",
            Self::Group => "Group",
            Self::User => "User",
        }
    }
}

/// The space of names of [`assignment_name`]; any fixed one does.
const NAMES: Uuid = Uuid::from_u128(0x5d3c_63c5_2c62_4f0c_9e4b_6f3f_1d0a_7c51);

/// The name of the assignment that gives `principal` a role on a scope. It follows from the three, so one that was made before a
/// crash is found again, and one that somebody else made is not taken for ours.
pub fn assignment_name(scope: &Scope, role_definition_id: &str, principal: &ObjectId) -> Uuid {
    let role = role_definition_id.rsplit('/').next().unwrap_or_default();
    let text = format!("{scope}|{role}|{}", principal.as_str()).to_ascii_lowercase();
    Uuid::new_v5(&NAMES, text.as_bytes())
}

fn assignment(
    versions: &ApiVersions,
    scope: &Scope,
    name: Uuid,
    (operation, method, action): (&'static str, Method, &'static str),
) -> Call {
    Call {
        operation,
        method,
        path: format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"),
        query: Vec::new(),
        api_version: versions.authorization,
        subscription: scope.subscription().clone(),
        what: format!("role assignment {name} on {scope}"),
        body: None,
        action,
    }
}

/// Reads one assignment.
pub fn get(versions: &ApiVersions, scope: &Scope, name: Uuid) -> Call {
    let action = "Microsoft.Authorization/roleAssignments/read";
    assignment(
        versions,
        scope,
        name,
        ("GetRoleAssignment", Method::GET, action),
    )
}

/// Gives a role. What exists cannot be changed, and the same again is taken as it is.
pub fn put(
    versions: &ApiVersions,
    scope: &Scope,
    name: Uuid,
    role: Uuid,
    (principal, kind): (&ObjectId, PrincipalType),
) -> Call {
    let mut properties = json!({
        "roleDefinitionId": definition_id(scope.subscription(), role),
        "principalId": principal.as_str(),
    });
    // The version of Azure Stack Hub does not know the field.
    if versions.has_rbac {
        properties["principalType"] = json!(kind.as_str());
    }
    let action = "Microsoft.Authorization/roleAssignments/write";
    let call = assignment(
        versions,
        scope,
        name,
        ("PutRoleAssignment", Method::PUT, action),
    );
    Call {
        body: Some(json!({ "properties": properties })),
        ..call
    }
}

/// Takes a role away. 204 says that there was no such assignment.
pub fn delete(versions: &ApiVersions, scope: &Scope, name: Uuid) -> Call {
    let action = "Microsoft.Authorization/roleAssignments/delete";
    assignment(
        versions,
        scope,
        name,
        ("DeleteRoleAssignment", Method::DELETE, action),
    )
}

/// Lists what holds on a scope: what was assigned there, and above it. Further pages by [`super::next`].
pub fn list(versions: &ApiVersions, scope: &Scope) -> Call {
    Call {
        operation: "ListRoleAssignments",
        method: Method::GET,
        path: format!("{scope}/providers/Microsoft.Authorization/roleAssignments"),
        query: vec![("$filter", "atScope()".to_owned())],
        api_version: versions.authorization,
        subscription: scope.subscription().clone(),
        what: format!("the role assignments on {scope}"),
        body: None,
        action: "Microsoft.Authorization/roleAssignments/read",
    }
}

/// The assignment in the answer to [`get`] or [`put`].
pub fn read(reply: &Reply) -> Result<Assignment, Problem> {
    one(&reply.body).ok_or_else(|| incomplete("a role assignment", "its scope, role and principal"))
}

/// The assignments on a page of [`list`].
pub fn read_page(reply: &Reply) -> Result<Vec<Assignment>, Problem> {
    let value = reply.body.get("value").and_then(Value::as_array);
    value
        .and_then(|all| all.iter().map(one).collect())
        .ok_or_else(|| incomplete("the role assignments", "their scopes, roles and principals"))
}

fn one(body: &Value) -> Option<Assignment> {
    let properties = body.get("properties")?;
    let text = |name: &str| properties.get(name)?.as_str().map(str::to_owned);
    let role = text("roleDefinitionId")?;
    Some(Assignment {
        name: Uuid::try_parse(body.get("name")?.as_str()?).ok()?,
        scope: text("scope")?,
        role: Uuid::try_parse(role.rsplit('/').next()?).ok()?,
        principal: text("principalId")?.to_ascii_lowercase(),
        principal_type: text("principalType"),
        created: text("createdOn").and_then(|time| time.parse().ok()),
    })
}

#[cfg(test)]
#[path = "roles_tests.rs"]
mod tests;
