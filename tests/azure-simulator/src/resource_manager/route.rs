//! What a request to the resource manager is about, by its path.

use percent_encoding::percent_decode_str;

use super::{data_lake_store, storage};
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
    Storage(storage::Part),
    LakeStore(data_lake_store::Part),
}

/// Whose api-versions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Resources,
    Authorization,
    KeyVault,
    Storage,
    LakeStore,
}

impl Space {
    /// The provider that must be registered, if it can be other than registered.
    pub(super) fn namespace(self) -> Option<&'static str> {
        match self {
            Self::Resources | Self::Authorization => None,
            Self::KeyVault => Some("Microsoft.KeyVault"),
            Self::Storage => Some("Microsoft.Storage"),
            Self::LakeStore => Some("Microsoft.DataLakeStore"),
        }
    }
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
            What::Storage(_) => Space::Storage,
            What::LakeStore(_) => Space::LakeStore,
            _ => Space::Resources,
        }
    }

    /// The group that must be there.
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "what is not said here lies in no group"
    )]
    pub(super) fn group(&self) -> Option<&str> {
        match &self.what {
            What::Vault(group, _)
            | What::Vaults(Some(group))
            | What::AccessPolicies(group, ..)
            | What::VaultSecret(group, ..)
            | What::VaultSecrets(group, _) => Some(group),
            What::Storage(part) => part.group(),
            What::LakeStore(part) => part.group(),
            _ => None,
        }
    }

    /// Whether it lists what lies in a subscription: each caller is shown what is theirs.
    pub(super) fn lists_subscription(&self) -> bool {
        matches!(
            self.what,
            What::Groups
                | What::Vaults(None)
                | What::Resources
                | What::Subscription
                | What::Storage(storage::Part::Accounts(None))
                | What::LakeStore(data_lake_store::Part::Accounts(None))
        )
    }

    /// Whether it only asks for whether a name is free.
    pub(super) fn checks_name(&self) -> bool {
        matches!(
            self.what,
            What::CheckName
                | What::Storage(storage::Part::CheckName)
                | What::LakeStore(data_lake_store::Part::CheckName(_))
        )
    }

    /// Whether it polls an operation.
    pub(super) fn polls(&self) -> bool {
        matches!(
            self.what,
            What::Operation(_)
                | What::Storage(storage::Part::Operation(_))
                | What::LakeStore(data_lake_store::Part::Operation(_))
        )
    }
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
        ["providers", "microsoft.storage", rest @ ..] => {
            What::Storage(storage::Part::in_subscription(own.get(2..)?, rest)?)
        }
        ["providers", "microsoft.datalakestore", rest @ ..] => {
            What::LakeStore(data_lake_store::Part::in_subscription(own.get(2..)?, rest)?)
        }
        [
            "resourcegroups",
            _,
            "providers",
            "microsoft.storage",
            rest @ ..,
        ] => What::Storage(storage::Part::in_group(at(1)?, own.get(4..)?, rest)?),
        [
            "resourcegroups",
            _,
            "providers",
            "microsoft.datalakestore",
            rest @ ..,
        ] => What::LakeStore(data_lake_store::Part::in_group(
            at(1)?,
            own.get(4..)?,
            rest,
        )?),
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
    let whole = || format!("/{}", segments.join("/"));
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
        What::Storage(part) => part.scope(subscription).unwrap_or_else(whole),
        What::LakeStore(part) => part.scope(subscription).unwrap_or_else(whole),
        _ => whole(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
