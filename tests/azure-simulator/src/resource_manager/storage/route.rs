//! What a request about storage accounts is about.

use crate::world::scope;

/// What a path below `Microsoft.Storage` names. Group and account come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::resource_manager) enum Part {
    /// Of a group, or of the subscription.
    Accounts(Option<String>),
    Account(String, String),
    ListKeys(String, String),
    RegenerateKey(String, String),
    /// `hnsonmigration`.
    Migration(String, String),
    BlobServices(String, String),
    BlobService(String, String, String),
    Containers(String, String),
    Container(String, String, String),
    Policy(String, String, String),
    CheckName,
    DeletedAccounts,
    /// Location, account.
    DeletedAccount(String, String),
    /// Polled by `Location`.
    Operation(String),
}

impl Part {
    /// What follows `providers/microsoft.storage` in a subscription; `given` is as it was written.
    pub(in crate::resource_manager) fn in_subscription(
        given: &[&str],
        lower: &[&str],
    ) -> Option<Self> {
        let at = |index: usize| given.get(index).map(|&text| text.to_owned());
        Some(match lower {
            ["storageaccounts"] => Self::Accounts(None),
            ["checknameavailability"] => Self::CheckName,
            ["deletedaccounts"] => Self::DeletedAccounts,
            ["locations", _, "deletedaccounts", _] => Self::DeletedAccount(at(1)?, at(3)?),
            ["locations", _, "asyncoperations", _] => Self::Operation(at(3)?),
            _ => return None,
        })
    }

    /// What follows `providers/microsoft.storage` in a group.
    pub(in crate::resource_manager) fn in_group(
        group: String,
        given: &[&str],
        lower: &[&str],
    ) -> Option<Self> {
        let at = |index: usize| given.get(index).map(|&text| text.to_owned());
        let ["storageaccounts", rest @ ..] = lower else {
            return None;
        };
        if rest.is_empty() {
            return Some(Self::Accounts(Some(group)));
        }
        let account = at(1)?;
        Some(match rest {
            [_] => Self::Account(group, account),
            [_, "listkeys"] => Self::ListKeys(group, account),
            [_, "regeneratekey"] => Self::RegenerateKey(group, account),
            [_, "hnsonmigration"] => Self::Migration(group, account),
            [_, "blobservices"] => Self::BlobServices(group, account),
            [_, "blobservices", _] => Self::BlobService(group, account, at(3)?),
            [_, "blobservices", "default", "containers"] => Self::Containers(group, account),
            [_, "blobservices", "default", "containers", _] => {
                Self::Container(group, account, at(5)?)
            }
            [_, "managementpolicies", _] => Self::Policy(group, account, at(3)?),
            _ => return None,
        })
    }

    /// The journal's word, and the action that is needed. `None`: no such method.
    pub(in crate::resource_manager) fn deed(
        &self,
        method: &str,
    ) -> Option<(&'static str, &'static str)> {
        const ACCOUNTS: [&str; 3] = [
            "Microsoft.Storage/storageAccounts/read",
            "Microsoft.Storage/storageAccounts/write",
            "Microsoft.Storage/storageAccounts/delete",
        ];
        const POLICIES: [&str; 3] = [
            "Microsoft.Storage/storageAccounts/managementPolicies/read",
            "Microsoft.Storage/storageAccounts/managementPolicies/write",
            "Microsoft.Storage/storageAccounts/managementPolicies/delete",
        ];
        const CONTAINERS: [&str; 3] = [
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/write",
            "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
        ];
        const BLOB_READ: &str = "Microsoft.Storage/storageAccounts/blobServices/read";
        const BLOB_WRITE: &str = "Microsoft.Storage/storageAccounts/blobServices/write";
        Some(match (self, method) {
            (Self::Accounts(_), "GET") => ("ListStorageAccounts", ACCOUNTS[0]),
            (Self::Account(..), "GET") => ("GetStorageAccount", ACCOUNTS[0]),
            (Self::Account(..), "PUT") => ("CreateStorageAccount", ACCOUNTS[1]),
            (Self::Account(..), "PATCH") => ("UpdateStorageAccount", ACCOUNTS[1]),
            (Self::Account(..), "DELETE") => ("DeleteStorageAccount", ACCOUNTS[2]),
            (Self::ListKeys(..), "POST") => (
                "ListStorageAccountKeys",
                "Microsoft.Storage/storageAccounts/listKeys/action",
            ),
            (Self::RegenerateKey(..), "POST") => (
                "RegenerateStorageAccountKey",
                "Microsoft.Storage/storageAccounts/regenerateKey/action",
            ),
            (Self::Migration(..), "POST") => (
                "MigrateToHierarchicalNamespace",
                "Microsoft.Storage/storageAccounts/hnsonmigration/action",
            ),
            (Self::BlobServices(..), "GET") => ("ListBlobServices", BLOB_READ),
            (Self::BlobService(..), "GET") => ("GetBlobService", BLOB_READ),
            (Self::BlobService(..), "PUT") => ("SetBlobService", BLOB_WRITE),
            (Self::Containers(..), "GET") => ("ListBlobContainers", CONTAINERS[0]),
            (Self::Container(..), "GET") => ("GetBlobContainer", CONTAINERS[0]),
            (Self::Container(..), "PUT") => ("CreateBlobContainer", CONTAINERS[1]),
            (Self::Container(..), "PATCH") => ("UpdateBlobContainer", CONTAINERS[1]),
            (Self::Container(..), "DELETE") => ("DeleteBlobContainer", CONTAINERS[2]),
            (Self::Policy(..), "GET") => ("GetManagementPolicy", POLICIES[0]),
            (Self::Policy(..), "PUT") => ("SetManagementPolicy", POLICIES[1]),
            (Self::Policy(..), "DELETE") => ("DeleteManagementPolicy", POLICIES[2]),
            (Self::CheckName, "POST") => (
                "CheckStorageAccountName",
                "Microsoft.Storage/checkNameAvailability/read",
            ),
            (Self::DeletedAccounts, "GET") => (
                "ListDeletedStorageAccounts",
                "Microsoft.Storage/deletedAccounts/read",
            ),
            (Self::DeletedAccount(..), "GET") => (
                "GetDeletedStorageAccount",
                "Microsoft.Storage/locations/deletedAccounts/read",
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
            | Self::ListKeys(group, _)
            | Self::RegenerateKey(group, _)
            | Self::Migration(group, _)
            | Self::BlobServices(group, _)
            | Self::BlobService(group, ..)
            | Self::Containers(group, _)
            | Self::Container(group, ..)
            | Self::Policy(group, ..) => Some(group),
            Self::CheckName
            | Self::DeletedAccounts
            | Self::DeletedAccount(..)
            | Self::Operation(_) => None,
        }
    }

    /// The account that it is about.
    pub(super) fn account(&self) -> Option<&str> {
        match self {
            Self::Account(_, name)
            | Self::ListKeys(_, name)
            | Self::RegenerateKey(_, name)
            | Self::Migration(_, name)
            | Self::BlobServices(_, name)
            | Self::BlobService(_, name, _)
            | Self::Containers(_, name)
            | Self::Container(_, name, _)
            | Self::Policy(_, name, _) => Some(name),
            Self::Accounts(_)
            | Self::CheckName
            | Self::DeletedAccounts
            | Self::DeletedAccount(..)
            | Self::Operation(_) => None,
        }
    }

    /// The id that a role is needed for; `None`: the whole path.
    pub(in crate::resource_manager) fn scope(&self, subscription: &str) -> Option<String> {
        match self {
            Self::Accounts(None) => Some(scope::subscription(subscription)),
            Self::Accounts(Some(group)) => Some(scope::group(subscription, group)),
            Self::Account(group, name)
            | Self::ListKeys(group, name)
            | Self::RegenerateKey(group, name)
            | Self::Migration(group, name) => {
                Some(scope::storage_account(subscription, group, name))
            }
            Self::BlobServices(..)
            | Self::BlobService(..)
            | Self::Containers(..)
            | Self::Container(..)
            | Self::Policy(..)
            | Self::CheckName
            | Self::DeletedAccounts
            | Self::DeletedAccount(..)
            | Self::Operation(_) => None,
        }
    }
}
