//! Built-in roles, as their definitions have them
//! (<https://learn.microsoft.com/azure/role-based-access-control/built-in-roles>).

use super::storage_roles::STORAGE_ROLES;

/// A role definition; no role here has `notDataActions`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Role {
    /// The GUID that it has in every tenant.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) actions: &'static [&'static str],
    pub(crate) not_actions: &'static [&'static str],
    pub(crate) data_actions: &'static [&'static str],
}

/// What the roles for the objects of a vault may do with the vault itself.
const SEE_VAULTS: &[&str] = &[
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    "Microsoft.KeyVault/vaults/*/read",
    "Microsoft.KeyVault/operations/read",
];

/// All roles.
pub(crate) fn all() -> impl Iterator<Item = &'static Role> {
    ROLES.iter().chain(STORAGE_ROLES)
}

static ROLES: &[Role] = &[
    Role {
        id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        name: "Owner",
        description: "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
        actions: &["*"],
        not_actions: &[],
        data_actions: &[],
    },
    Role {
        id: "b24988ac-6180-42a0-ab88-20f7382dd24c",
        name: "Contributor",
        description: "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC.",
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            "Microsoft.Subscription/cancel/action",
            "Microsoft.Subscription/enable/action",
        ],
        data_actions: &[],
    },
    Role {
        id: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        name: "Reader",
        description: "View all resources, but does not allow you to make any changes.",
        actions: &["*/read"],
        not_actions: &[],
        data_actions: &[],
    },
    Role {
        id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        name: "User Access Administrator",
        description: "Lets you manage user access to Azure resources.",
        actions: &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        not_actions: &[],
        data_actions: &[],
    },
    Role {
        id: "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        name: "Role Based Access Control Administrator",
        description: "Manage access to Azure resources by assigning roles using Azure RBAC.",
        actions: &[
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ],
        not_actions: &[],
        data_actions: &[],
    },
    Role {
        id: "f25e0fa2-a7c8-4377-a976-54943a77a395",
        name: "Key Vault Contributor",
        description: "Lets you manage key vaults, but not access to them.",
        actions: &[
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.KeyVault/*",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Support/*",
        ],
        not_actions: &[
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/hsmPools/*",
            "Microsoft.KeyVault/managedHsms/*",
        ],
        data_actions: &[],
    },
    Role {
        id: "a68e7c17-0ab2-4c09-9a58-125dae29748c",
        name: "Key Vault Purge Operator",
        description: "Allows permanent deletion of soft-deleted vaults.",
        actions: &[
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/locations/operationResults/read",
            "Microsoft.KeyVault/deletedVaults/read",
            "Microsoft.KeyVault/locations/deletedVaults/read",
        ],
        not_actions: &[],
        data_actions: &[],
    },
    Role {
        id: "00482a5a-887f-4fb3-b363-3b7fe8e74483",
        name: "Key Vault Administrator",
        description: "Perform all data plane operations on a key vault and all objects in it.",
        actions: SEE_VAULTS,
        not_actions: &[],
        data_actions: &["Microsoft.KeyVault/vaults/*"],
    },
    Role {
        id: "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        name: "Key Vault Secrets Officer",
        description: "Perform any action on the secrets of a key vault, except manage permissions.",
        actions: SEE_VAULTS,
        not_actions: &[],
        data_actions: &["Microsoft.KeyVault/vaults/secrets/*"],
    },
    Role {
        id: "4633458b-17de-408a-b874-0445c86b69e6",
        name: "Key Vault Secrets User",
        description: "Read secret contents.",
        actions: &[],
        not_actions: &[],
        data_actions: &[
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ],
    },
    Role {
        id: "a4417e6f-fecd-4de8-b567-7b0420556985",
        name: "Key Vault Certificates Officer",
        description: "Perform any action on the certificates of a key vault, except manage permissions.",
        actions: SEE_VAULTS,
        not_actions: &[],
        data_actions: &[
            "Microsoft.KeyVault/vaults/certificatecas/*",
            "Microsoft.KeyVault/vaults/certificates/*",
            "Microsoft.KeyVault/vaults/certificatecontacts/write",
        ],
    },
    Role {
        id: "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
        name: "Key Vault Certificate User",
        description: "Read certificate contents.",
        actions: &[],
        not_actions: &[],
        data_actions: &[
            "Microsoft.KeyVault/vaults/certificates/read",
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
            "Microsoft.KeyVault/vaults/keys/read",
        ],
    },
    Role {
        id: "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
        name: "Key Vault Crypto Officer",
        description: "Perform any action on the keys of a key vault, except manage permissions.",
        actions: SEE_VAULTS,
        not_actions: &[],
        data_actions: &[
            "Microsoft.KeyVault/vaults/keys/*",
            "Microsoft.KeyVault/vaults/keyrotationpolicies/*",
        ],
    },
    Role {
        id: "12338af0-0e69-4776-bea7-57ae8d297424",
        name: "Key Vault Crypto User",
        description: "Perform cryptographic operations using keys.",
        actions: &[],
        not_actions: &[],
        data_actions: &[
            "Microsoft.KeyVault/vaults/keys/read",
            "Microsoft.KeyVault/vaults/keys/update/action",
            "Microsoft.KeyVault/vaults/keys/backup/action",
            "Microsoft.KeyVault/vaults/keys/encrypt/action",
            "Microsoft.KeyVault/vaults/keys/decrypt/action",
            "Microsoft.KeyVault/vaults/keys/wrap/action",
            "Microsoft.KeyVault/vaults/keys/unwrap/action",
            "Microsoft.KeyVault/vaults/keys/sign/action",
            "Microsoft.KeyVault/vaults/keys/verify/action",
        ],
    },
    Role {
        id: "e147488a-f6f5-4113-8e2d-b22465e65bf6",
        name: "Key Vault Crypto Service Encryption User",
        description: "Read metadata of keys and perform wrap/unwrap operations.",
        actions: &[
            "Microsoft.EventGrid/eventSubscriptions/write",
            "Microsoft.EventGrid/eventSubscriptions/read",
            "Microsoft.EventGrid/eventSubscriptions/delete",
        ],
        not_actions: &[],
        data_actions: &[
            "Microsoft.KeyVault/vaults/keys/read",
            "Microsoft.KeyVault/vaults/keys/wrap/action",
            "Microsoft.KeyVault/vaults/keys/unwrap/action",
        ],
    },
    Role {
        id: "21090545-7ca7-4776-b22c-e363652d74d2",
        name: "Key Vault Reader",
        description: "Read metadata of key vaults and its certificates, keys, and secrets.",
        actions: SEE_VAULTS,
        not_actions: &[],
        data_actions: &[
            "Microsoft.KeyVault/vaults/*/read",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ],
    },
];

impl Role {
    /// By its whole name, in any case.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        all().find(|role| role.name.eq_ignore_ascii_case(name))
    }

    /// By its whole name, or by its GUID.
    pub(crate) fn named_or_with_id(name: &str) -> Option<&'static Self> {
        Self::named(name).or_else(|| Self::with_id(name))
    }

    /// By the name without "Key Vault ", as the seed of a vault may have it, by its whole name, or by its GUID.
    pub(crate) fn of_vaults(name: &str) -> Option<&'static Self> {
        Self::named(&format!("Key Vault {name}")).or_else(|| Self::named_or_with_id(name))
    }

    /// A name by which [`Self::of_vaults`] finds it.
    pub(crate) fn name_of_vaults(&'static self) -> &'static str {
        if Self::of_vaults(self.name) == Some(self) {
            self.name
        } else {
            self.id
        }
    }

    /// By its GUID, or an id that ends in it.
    pub(crate) fn with_id(id: &str) -> Option<&'static Self> {
        let guid = id.trim_end_matches('/').rsplit('/').next()?;
        all().find(|role| role.id.eq_ignore_ascii_case(guid))
    }

    /// Whether it allows an action of the resource manager.
    pub(crate) fn allows(&self, action: &str) -> bool {
        let any = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, action));
        any(self.actions) && !any(self.not_actions)
    }

    /// Whether it allows an action on the objects of a vault, or on the files of an account.
    pub(crate) fn allows_data(&self, action: &str) -> bool {
        self.data_actions
            .iter()
            .any(|pattern| matches(pattern, action))
    }
}

/// `*` stands for any text, slashes too, and `/*/` for one slash: by `vaults/*/read` a vault itself is read. Case does
/// not count.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    glob(&pattern, &action)
        || (pattern.contains("/*/") && glob(&pattern.replace("/*/", "/"), &action))
}

fn glob(pattern: &str, action: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == action;
    };
    let Some(mut left) = action.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, action, expected) in [
            ("*", "Microsoft.KeyVault/vaults/write", true),
            ("*/read", "microsoft.keyvault/vaults/READ", true),
            ("*/read", "Microsoft.KeyVault/vaults/write", false),
            (
                "Microsoft.Authorization/*/Write",
                "Microsoft.Authorization/roleAssignments/write",
                true,
            ),
            (
                "Microsoft.KeyVault/vaults/*/read",
                "Microsoft.KeyVault/vaults/read",
                true,
            ),
            ("a/b", "a/b", true),
            ("a/b", "a/bc", false),
            ("a/*/c/*", "a/b/c/d", true),
        ] {
            assert_eq!(matches(pattern, action), expected, "{pattern} {action}");
        }
    }

    #[test]
    fn what_each_role_may_do_with_vaults_and_roles() {
        let may = |role: &str, action: &str| Role::named(role).unwrap().allows(action);
        let (write, assign) = (
            "Microsoft.KeyVault/vaults/write",
            "Microsoft.Authorization/roleAssignments/write",
        );
        let purge = "Microsoft.KeyVault/locations/deletedVaults/purge/action";
        assert!(may("Owner", assign) && may("Owner", purge));
        assert!(
            may("Contributor", write) && may("Contributor", purge) && !may("Contributor", assign)
        );
        assert!(may("Key Vault Contributor", write) && !may("Key Vault Contributor", purge));
        assert!(may("Reader", "Microsoft.KeyVault/vaults/read") && !may("Reader", write));
        assert!(
            may("User Access Administrator", assign) && !may("User Access Administrator", write)
        );
        assert!(may("Role Based Access Control Administrator", assign));
        assert!(!may(
            "Key Vault Secrets User",
            "Microsoft.KeyVault/vaults/read"
        ));
        assert!(may(
            "Key Vault Secrets Officer",
            "Microsoft.KeyVault/vaults/read"
        ));
    }

    #[test]
    fn a_role_is_found_by_its_names_and_its_id() {
        assert_eq!(Role::of_vaults("Reader").unwrap().name, "Key Vault Reader");
        assert_eq!(Role::of_vaults("Owner").unwrap().name, "Owner");
        let reader = Role::named("reader").unwrap();
        assert_eq!(reader.name, "Reader");
        assert_eq!(Role::of_vaults(reader.name_of_vaults()), Some(reader));
        let id = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/ACDD72A7-3385-48ef-bd42-f606fba81ae7";
        assert_eq!(Role::with_id(id).unwrap().name, "Reader");
        assert!(Role::with_id("x").is_none());
    }
}
