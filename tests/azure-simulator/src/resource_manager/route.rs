//! What a request to the resource manager is about: its path, the journal's word for it, and the action that it needs.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::world::scope;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Tenants,
    Subscriptions,
    Subscription,
    Locations,
    Resources,
    Providers,
    Provider(String),
    Register(String),
    Groups,
    Group(String),
    /// Of a group, or of the subscription.
    Vaults(Option<String>),
    Vault(String, String),
    /// Group, vault, and `add`, `replace` or `remove`.
    AccessPolicies(String, String, String),
    VaultSecrets(String, String),
    VaultSecret(String, String, String),
    DeletedVaults,
    /// Location, vault.
    DeletedVault(String, String),
    Purge(String, String),
    CheckName,
    /// Polled by `Location` or `Azure-AsyncOperation`.
    Operation(String),
    RoleDefinitions,
    RoleDefinition(String),
    RoleAssignments,
    RoleAssignment(String),
}

/// Whose api-versions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Resources,
    Authorization,
    KeyVault,
}

/// A request, by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) what: What,
    /// Empty: none is named.
    pub(super) subscription: String,
    /// Id of what it is about, for which a role is needed.
    pub(super) scope: String,
}

impl Ask {
    /// By its path; `None` when nothing is there.
    pub(super) fn of(path: &str) -> Option<Self> {
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let given: Vec<&str> = segments.iter().map(String::as_str).collect();
        let lower: Vec<String> = given.iter().map(|one| one.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        if let Some(ask) = authorization(&given, &lower) {
            return Some(ask);
        }
        let (subscription, what) = match lower.as_slice() {
            ["tenants"] => ("", What::Tenants),
            ["subscriptions"] => ("", What::Subscriptions),
            ["subscriptions", _, rest @ ..] => {
                let [_, id, own @ ..] = given.as_slice() else {
                    return None;
                };
                (*id, in_subscription(own, rest)?)
            }
            _ => return None,
        };
        let scope = scope_of(&what, subscription, &segments);
        Some(Self {
            what,
            subscription: subscription.to_owned(),
            scope,
        })
    }

    /// The journal's word, and the action that is needed: none for what everybody may. `None`: no such method.
    pub(super) fn deed(&self, method: &Method) -> Option<(&'static str, String)> {
        let word = word(&self.what, method)?;
        let fixed = match word {
            "ListTenants" | "ListSubscriptions" | "GetOperation" => "",
            "GetSubscription" => "Microsoft.Resources/subscriptions/read",
            "ListLocations" => "Microsoft.Resources/subscriptions/locations/read",
            "ListResources" => "Microsoft.Resources/subscriptions/resources/read",
            "ListProviders" | "GetProvider" => "Microsoft.Resources/subscriptions/providers/read",
            "ListResourceGroups" | "GetResourceGroup" | "CheckResourceGroup" => {
                "Microsoft.Resources/subscriptions/resourcegroups/read"
            }
            "CreateResourceGroup" | "UpdateResourceGroup" => {
                "Microsoft.Resources/subscriptions/resourcegroups/write"
            }
            "DeleteResourceGroup" => "Microsoft.Resources/subscriptions/resourcegroups/delete",
            "ListVaults" | "GetVault" => "Microsoft.KeyVault/vaults/read",
            "CreateOrUpdateVault" | "UpdateVault" => "Microsoft.KeyVault/vaults/write",
            "DeleteVault" => "Microsoft.KeyVault/vaults/delete",
            "UpdateAccessPolicy" => "Microsoft.KeyVault/vaults/accessPolicies/write",
            "ListVaultSecrets" | "GetVaultSecret" => "Microsoft.KeyVault/vaults/secrets/read",
            "SetVaultSecret" => "Microsoft.KeyVault/vaults/secrets/write",
            "ListDeletedVaults" => "Microsoft.KeyVault/deletedVaults/read",
            "GetDeletedVault" => "Microsoft.KeyVault/locations/deletedVaults/read",
            "PurgeDeletedVault" => "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "CheckVaultName" => "Microsoft.KeyVault/checkNameAvailability/read",
            "ListRoleDefinitions" | "GetRoleDefinition" => {
                "Microsoft.Authorization/roleDefinitions/read"
            }
            "ListRoleAssignments" | "GetRoleAssignment" => {
                "Microsoft.Authorization/roleAssignments/read"
            }
            "CreateRoleAssignment" => "Microsoft.Authorization/roleAssignments/write",
            "DeleteRoleAssignment" => "Microsoft.Authorization/roleAssignments/delete",
            _ => {
                let What::Register(namespace) = &self.what else {
                    return None;
                };
                return Some((word, format!("{namespace}/register/action")));
            }
        };
        Some((word, fixed.to_owned()))
    }

    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "what belongs to no other provider is the manager's own"
    )]
    pub(super) fn space(&self) -> Space {
        match self.what {
            What::Vaults(_)
            | What::Vault(..)
            | What::AccessPolicies(..)
            | What::VaultSecrets(..)
            | What::VaultSecret(..)
            | What::DeletedVaults
            | What::DeletedVault(..)
            | What::Purge(..)
            | What::CheckName => Space::KeyVault,
            What::RoleDefinitions
            | What::RoleDefinition(_)
            | What::RoleAssignments
            | What::RoleAssignment(_) => Space::Authorization,
            _ => Space::Resources,
        }
    }
}

fn word(what: &What, method: &Method) -> Option<&'static str> {
    let word = match (what, method.as_str()) {
        (What::Tenants, "GET") => "ListTenants",
        (What::Subscriptions, "GET") => "ListSubscriptions",
        (What::Subscription, "GET") => "GetSubscription",
        (What::Locations, "GET") => "ListLocations",
        (What::Resources, "GET") => "ListResources",
        (What::Providers, "GET") => "ListProviders",
        (What::Provider(_), "GET") => "GetProvider",
        (What::Register(_), "POST") => "RegisterProvider",
        (What::Groups, "GET") => "ListResourceGroups",
        (What::Group(_), "GET") => "GetResourceGroup",
        (What::Group(_), "HEAD") => "CheckResourceGroup",
        (What::Group(_), "PUT") => "CreateResourceGroup",
        (What::Group(_), "PATCH") => "UpdateResourceGroup",
        (What::Group(_), "DELETE") => "DeleteResourceGroup",
        (What::Vaults(_), "GET") => "ListVaults",
        (What::Vault(..), "GET") => "GetVault",
        (What::Vault(..), "PUT") => "CreateOrUpdateVault",
        (What::Vault(..), "PATCH") => "UpdateVault",
        (What::Vault(..), "DELETE") => "DeleteVault",
        (What::AccessPolicies(..), "PUT") => "UpdateAccessPolicy",
        (What::VaultSecrets(..), "GET") => "ListVaultSecrets",
        (What::VaultSecret(..), "GET") => "GetVaultSecret",
        (What::VaultSecret(..), "PUT" | "PATCH") => "SetVaultSecret",
        (What::DeletedVaults, "GET") => "ListDeletedVaults",
        (What::DeletedVault(..), "GET") => "GetDeletedVault",
        (What::Purge(..), "POST") => "PurgeDeletedVault",
        (What::CheckName, "POST") => "CheckVaultName",
        (What::Operation(_), "GET") => "GetOperation",
        (What::RoleDefinitions, "GET") => "ListRoleDefinitions",
        (What::RoleDefinition(_), "GET") => "GetRoleDefinition",
        (What::RoleAssignments, "GET") => "ListRoleAssignments",
        (What::RoleAssignment(_), "GET") => "GetRoleAssignment",
        (What::RoleAssignment(_), "PUT") => "CreateRoleAssignment",
        (What::RoleAssignment(_), "DELETE") => "DeleteRoleAssignment",
        _ => return None,
    };
    Some(word)
}

/// What follows a subscription's id; `own` is as it was written.
fn in_subscription(own: &[&str], lower: &[&str]) -> Option<What> {
    let at = |index: usize| own.get(index).map(|&text| text.to_owned());
    let what = match lower {
        [] => What::Subscription,
        ["locations"] => What::Locations,
        ["resources"] => What::Resources,
        ["providers"] => What::Providers,
        ["providers", _] => What::Provider(at(1)?),
        ["providers", _, "register"] => What::Register(at(1)?),
        ["operationresults", _] => What::Operation(at(1)?),
        ["resourcegroups"] => What::Groups,
        ["resourcegroups", _] => What::Group(at(1)?),
        ["providers", "microsoft.keyvault", rest @ ..] => match rest {
            ["vaults"] => What::Vaults(None),
            ["deletedvaults"] => What::DeletedVaults,
            ["checknameavailability"] => What::CheckName,
            ["locations", _, "deletedvaults", _] => What::DeletedVault(at(3)?, at(5)?),
            ["locations", _, "deletedvaults", _, "purge"] => What::Purge(at(3)?, at(5)?),
            ["locations", _, "operationresults" | "operations", _] => What::Operation(at(5)?),
            _ => return None,
        },
        [
            "resourcegroups",
            _,
            "providers",
            "microsoft.keyvault",
            "vaults",
            rest @ ..,
        ] => {
            let group = at(1)?;
            match rest {
                [] => What::Vaults(Some(group)),
                [_] => What::Vault(group, at(5)?),
                [_, "accesspolicies", _] => What::AccessPolicies(group, at(5)?, at(7)?),
                [_, "secrets"] => What::VaultSecrets(group, at(5)?),
                [_, "secrets", _] => What::VaultSecret(group, at(5)?, at(7)?),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(what)
}

/// Roles, whose scope is all that stands before them.
fn authorization(given: &[&str], lower: &[&str]) -> Option<Ask> {
    let (start, rest) = lower
        .windows(3)
        .enumerate()
        .filter(|(_, window)| {
            matches!(
                window,
                [
                    "providers",
                    "microsoft.authorization",
                    "roledefinitions" | "roleassignments"
                ]
            )
        })
        .map(|(index, window)| (index, window[2] == "roledefinitions"))
        .next_back()?;
    let name = given.get(start + 3).map(|&name| name.to_owned());
    if given.len() > start + 4 {
        return None;
    }
    let what = match (rest, name) {
        (true, None) => What::RoleDefinitions,
        (true, Some(name)) => What::RoleDefinition(name),
        (false, None) => What::RoleAssignments,
        (false, Some(name)) => What::RoleAssignment(name),
    };
    let scope = given.get(..start)?;
    let subscription = match lower.get(..start)? {
        ["subscriptions", ..] => scope.get(1)?,
        // Definitions of built-in roles are everywhere.
        [] if rest => "",
        _ => return None,
    };
    Some(Ask {
        what,
        subscription: (*subscription).to_owned(),
        scope: format!("/{}", scope.join("/")),
    })
}

/// The id that a role is needed for.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "what is not said here is about the whole path"
)]
fn scope_of(what: &What, subscription: &str, segments: &[String]) -> String {
    match what {
        What::Groups
        | What::Subscription
        | What::Locations
        | What::Resources
        | What::Providers
        | What::Provider(_)
        | What::Register(_)
        | What::Vaults(None) => scope::subscription(subscription),
        What::Group(group) | What::Vaults(Some(group)) => scope::group(subscription, group),
        What::Vault(group, vault) | What::AccessPolicies(group, vault, _) => {
            scope::vault(subscription, group, vault)
        }
        _ => format!("/{}", segments.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word_of(method: &Method, path: &str) -> &'static str {
        Ask::of(path)
            .and_then(|ask| ask.deed(method))
            .map_or("Unknown", |(word, _)| word)
    }

    #[test]
    fn each_path_and_method_has_its_word() {
        let vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v";
        let place = "/subscriptions/s/providers/Microsoft.KeyVault/locations/l";
        for (method, path, word) in [
            (
                Method::GET,
                "/Subscriptions/s/resourceGroups/".to_owned(),
                "ListResourceGroups",
            ),
            (
                Method::PUT,
                "/subscriptions/s/resourcegroups".into(),
                "Unknown",
            ),
            (
                Method::PUT,
                "/subscriptions/s/resourcegroups/g".into(),
                "CreateResourceGroup",
            ),
            (
                Method::POST,
                "/subscriptions/s/providers/Microsoft.X/register".into(),
                "RegisterProvider",
            ),
            (Method::PUT, vault.into(), "CreateOrUpdateVault"),
            (
                Method::PUT,
                format!("{vault}/accessPolicies/add"),
                "UpdateAccessPolicy",
            ),
            (Method::GET, format!("{vault}/secrets/x"), "GetVaultSecret"),
            (
                Method::POST,
                format!("{place}/deletedVaults/v/purge"),
                "PurgeDeletedVault",
            ),
            (
                Method::GET,
                format!("{place}/operationResults/x"),
                "GetOperation",
            ),
            (
                Method::PUT,
                format!("{vault}/providers/Microsoft.Authorization/roleAssignments/x"),
                "CreateRoleAssignment",
            ),
            (
                Method::GET,
                "/providers/Microsoft.Authorization/roleDefinitions".into(),
                "ListRoleDefinitions",
            ),
            (Method::GET, "/metadata/endpoints".into(), "Unknown"),
        ] {
            assert_eq!(word_of(&method, &path), word, "{method} {path}");
        }
    }

    #[test]
    fn the_scope_of_an_assignment_is_what_stands_before_it() {
        let ask = Ask::of(
            "/subscriptions/S/resourceGroups/g/providers/Microsoft.Authorization/roleAssignments/n",
        );
        let ask = ask.unwrap();
        assert_eq!(ask.scope, "/subscriptions/S/resourceGroups/g");
        assert_eq!(ask.subscription, "S");
        assert_eq!(ask.what, What::RoleAssignment("n".into()));
    }
}
