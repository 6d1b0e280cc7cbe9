//! What a request does: the journal's word for it, and the action that it needs.

use http::Method;

use super::route::{Ask, What};

impl Ask {
    /// The journal's word, and the action that is needed: none for what everybody may. `None`: no such method.
    pub(super) fn deed(&self, method: &Method) -> Option<(&'static str, String)> {
        if let Some(of_provider) = of_provider(&self.what, method.as_str()) {
            return of_provider.map(|(word, action)| (word, action.to_owned()));
        }
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
}

/// What belongs to a provider that has its own table.
#[allow(
    clippy::option_option,
    reason = "whether the table is another one, and whether it has the method"
)]
fn of_provider(what: &What, method: &str) -> Option<Option<(&'static str, &'static str)>> {
    if let What::Storage(part) = what {
        return Some(part.deed(method));
    }
    if let What::LakeStore(part) = what {
        return Some(part.deed(method));
    }
    None
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
}
