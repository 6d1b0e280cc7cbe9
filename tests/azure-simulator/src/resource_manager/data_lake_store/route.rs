//! What a request about Data Lake Stores is about.

use super::children::Kind;
use crate::world::scope;

/// What a path below `Microsoft.DataLakeStore` names. Group and store come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::resource_manager) enum Part {
    /// Of a group, or of the subscription.
    Accounts(Option<String>),
    Account(String, String),
    EnableKeyVault(String, String),
    Children(String, String, Kind),
    Child(String, String, Kind, String),
    /// In a location.
    CheckName(String),
    Capability(String),
    Operation(String),
}

impl Part {
    /// What follows `providers/microsoft.datalakestore` in a subscription; `given` is as it was written.
    pub(in crate::resource_manager) fn in_subscription(
        given: &[&str],
        lower: &[&str],
    ) -> Option<Self> {
        let at = |index: usize| given.get(index).map(|&text| text.to_owned());
        Some(match lower {
            ["accounts"] => Self::Accounts(None),
            ["locations", _, "checknameavailability"] => Self::CheckName(at(1)?),
            ["locations", _, "capability"] => Self::Capability(at(1)?),
            ["locations", _, "operationresults" | "operations", _] => Self::Operation(at(3)?),
            _ => return None,
        })
    }

    /// What follows `providers/microsoft.datalakestore` in a group.
    pub(in crate::resource_manager) fn in_group(
        group: String,
        given: &[&str],
        lower: &[&str],
    ) -> Option<Self> {
        let at = |index: usize| given.get(index).map(|&text| text.to_owned());
        let ["accounts", rest @ ..] = lower else {
            return None;
        };
        Some(match rest {
            [] => Self::Accounts(Some(group)),
            [_] => Self::Account(group, at(1)?),
            [_, "enablekeyvault"] => Self::EnableKeyVault(group, at(1)?),
            [_, kind] => Self::Children(group, at(1)?, Kind::of(kind)?),
            [_, kind, _] => Self::Child(group, at(1)?, Kind::of(kind)?, at(3)?),
            _ => return None,
        })
    }

    /// The journal's word, and the action that is needed. `None`: no such method.
    pub(in crate::resource_manager) fn deed(
        &self,
        method: &str,
    ) -> Option<(&'static str, &'static str)> {
        const READ: &str = super::READ;
        const WRITE: &str = "Microsoft.DataLakeStore/accounts/write";
        Some(match (self, method) {
            (Self::Accounts(_), "GET") => ("ListDataLakeStores", READ),
            (Self::Account(..), "GET") => ("GetDataLakeStore", READ),
            (Self::Account(..), "PUT") => ("CreateDataLakeStore", WRITE),
            (Self::Account(..), "PATCH") => ("UpdateDataLakeStore", WRITE),
            (Self::Account(..), "DELETE") => (
                "DeleteDataLakeStore",
                "Microsoft.DataLakeStore/accounts/delete",
            ),
            (Self::EnableKeyVault(..), "POST") => (
                "EnableDataLakeStoreKeyVault",
                "Microsoft.DataLakeStore/accounts/enableKeyVault/action",
            ),
            (Self::Children(_, _, kind), "GET") => kind.deed("LIST")?,
            (Self::Child(_, _, kind, _), method) => kind.deed(method)?,
            (Self::CheckName(_), "POST") => (
                "CheckDataLakeStoreName",
                "Microsoft.DataLakeStore/locations/checkNameAvailability/action",
            ),
            (Self::Capability(_), "GET") => (
                "GetDataLakeStoreCapability",
                "Microsoft.DataLakeStore/locations/capability/read",
            ),
            (Self::Operation(_), "GET") => ("GetOperation", ""),
            _ => return None,
        })
    }

    /// The group that must be there.
    pub(in crate::resource_manager) fn group(&self) -> Option<&str> {
        match self {
            Self::Accounts(group) => group.as_deref(),
            Self::Account(group, _)
            | Self::EnableKeyVault(group, _)
            | Self::Children(group, ..)
            | Self::Child(group, ..) => Some(group),
            Self::CheckName(_) | Self::Capability(_) | Self::Operation(_) => None,
        }
    }

    /// The id that a role is needed for; `None`: the whole path.
    pub(in crate::resource_manager) fn scope(&self, subscription: &str) -> Option<String> {
        match self {
            Self::Accounts(None) => Some(scope::subscription(subscription)),
            Self::Accounts(Some(group)) => Some(scope::group(subscription, group)),
            Self::Account(group, name)
            | Self::EnableKeyVault(group, name)
            | Self::Children(group, name, _) => Some(scope::lake_store(subscription, group, name)),
            Self::Child(..) | Self::CheckName(_) | Self::Capability(_) | Self::Operation(_) => None,
        }
    }
}
