//! An account, and what is wanted of it, whichever of the two services keeps it: the one place that tells them apart. Pure.

use super::account::StorageAccount;
use super::api::{EndpointsStatus, Generation};
use super::plan::Step;
use super::store::{self, StoreAccount};
use super::{desired, store::change};
use crate::azure_resource::difference::Difference;
use crate::azure_resource::values::{self, Tags};

/// What Resource Manager, and messages, call accounts of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// In messages.
    pub noun: &'static str,
    /// The resource provider.
    pub provider: &'static str,
    /// The type of resource.
    pub kind: &'static str,
}

/// What accounts of a service are called.
pub fn words(generation: Generation) -> Words {
    match generation {
        Generation::Gen2 => Words {
            noun: "storage account",
            provider: "Microsoft.Storage",
            kind: "storageAccounts",
        },
        Generation::Gen1 => Words {
            noun: "Data Lake Store",
            provider: "Microsoft.DataLakeStore",
            kind: "accounts",
        },
    }
}

/// An account as Resource Manager tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Account {
    /// A storage account.
    Gen2(Box<StorageAccount>),
    /// A Data Lake Store.
    Gen1(Box<StoreAccount>),
}

impl From<StorageAccount> for Account {
    fn from(account: StorageAccount) -> Self {
        Self::Gen2(Box::new(account))
    }
}

impl From<StoreAccount> for Account {
    fn from(account: StoreAccount) -> Self {
        Self::Gen1(Box::new(account))
    }
}

impl Account {
    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::Gen2(account) => &account.id,
            Self::Gen1(account) => &account.id,
        }
    }

    /// Its region, in lower case and without spaces.
    pub fn location(&self) -> &str {
        match self {
            Self::Gen2(account) => &account.location,
            Self::Gen1(account) => &account.location,
        }
    }

    /// Its tags.
    pub fn tags(&self) -> &Tags {
        match self {
            Self::Gen2(account) => &account.tags,
            Self::Gen1(account) => &account.tags,
        }
    }

    /// The same, to change them.
    pub fn tags_mut(&mut self) -> &mut Tags {
        match self {
            Self::Gen2(account) => &mut account.tags,
            Self::Gen1(account) => &mut account.tags,
        }
    }

    /// What is going on; `Succeeded` where nothing is.
    pub fn state(&self) -> Option<&str> {
        match self {
            Self::Gen2(account) => account.state.as_deref(),
            Self::Gen1(account) => account.state.as_deref(),
        }
    }

    /// Forgets what is going on.
    pub fn settle(&mut self) {
        match self {
            Self::Gen2(account) => account.state = None,
            Self::Gen1(account) => account.state = None,
        }
    }

    /// Whether Azure has ended its work on it, well or not. An account that tells no state is at rest.
    pub fn is_at_rest(&self) -> bool {
        values::is_at_rest(self.state())
    }

    /// Where its lake is, as a URL; none where that is not told.
    pub fn lake(&self) -> Option<String> {
        match self {
            Self::Gen2(account) => account.endpoints.get("dfs").cloned(),
            Self::Gen1(account) => {
                let host = account.endpoint.as_ref()?;
                Some(format!("https://{host}"))
            }
        }
    }

    /// Where its services are.
    pub fn endpoints(&self) -> EndpointsStatus {
        match self {
            Self::Gen2(account) => EndpointsStatus {
                dfs: account.endpoints.get("dfs").cloned(),
                blob: account.endpoints.get("blob").cloned(),
                ..EndpointsStatus::default()
            },
            Self::Gen1(account) => {
                let host = account.endpoint.as_ref();
                EndpointsStatus {
                    adl: host.map(|host| format!("adl://{host}/")),
                    webhdfs: host.map(|host| format!("https://{host}/webhdfs/v1/")),
                    ..EndpointsStatus::default()
                }
            }
        }
    }

    /// Whether it has directories and access control lists.
    pub fn is_lake(&self) -> bool {
        match self {
            Self::Gen2(account) => account.hierarchical,
            Self::Gen1(_) => true,
        }
    }

    /// All that can be said of it in a spec.
    pub fn described(&self) -> Vec<(String, String)> {
        match self {
            Self::Gen2(account) => desired::described(account),
            Self::Gen1(account) => store::desired::described(account),
        }
    }
}

/// What a spec wants of its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desired {
    /// Of a storage account.
    Gen2(Box<desired::Desired>),
    /// Of a Data Lake Store.
    Gen1(Box<store::desired::Desired>),
}

impl Desired {
    /// The region.
    pub fn location(&self) -> &str {
        match self {
            Self::Gen2(desired) => &desired.location,
            Self::Gen1(desired) => &desired.location,
        }
    }

    /// Tags.
    pub fn tags(&self) -> &Tags {
        match self {
            Self::Gen2(desired) => &desired.tags,
            Self::Gen1(desired) => &desired.tags,
        }
    }

    /// The `KeyVault` that must tell of the key's vault.
    pub fn vault_ref(&self) -> Option<&str> {
        match self {
            Self::Gen2(desired) => desired.vault_ref(),
            Self::Gen1(desired) => desired.key.as_ref().map(|key| key.vault.as_str()),
        }
    }

    /// What a storage account has besides itself: soft deletion, and what becomes of files with time.
    pub fn services(&self) -> Option<&desired::Desired> {
        match self {
            Self::Gen2(desired) => Some(desired),
            Self::Gen1(_) => None,
        }
    }

    /// The account that a spec makes where there is none. `vault` is what the key's `KeyVault` tells.
    pub fn created(&self, id: String, tags: Tags, vault: Option<&str>) -> Account {
        match self {
            Self::Gen2(desired) => desired.created(id, tags, vault).into(),
            Self::Gen1(desired) => desired.created(id, tags, vault).into(),
        }
    }

    /// An account with what is wanted of its settings. What cannot be changed stays.
    pub fn update(&self, account: &mut Account, tags: Tags, vault: Option<&str>) {
        match (self, account) {
            (Self::Gen2(desired), Account::Gen2(account)) => desired.update(account, tags, vault),
            (Self::Gen1(desired), Account::Gen1(account)) => desired.update(account, tags, vault),
            // An account is read as the spec's own service tells it.
            (Self::Gen2(_), Account::Gen1(_)) | (Self::Gen1(_), Account::Gen2(_)) => {}
        }
    }

    /// Where an account is not as it is wanted, in the order of the spec's fields. `set` are tags that were set before.
    pub fn differences(
        &self,
        account: &Account,
        set: (&[String], &str),
        vault: Option<&str>,
    ) -> Vec<Difference> {
        match (self, account) {
            (Self::Gen2(desired), Account::Gen2(account)) => {
                desired::differences(desired, account, set, vault)
            }
            (Self::Gen1(desired), Account::Gen1(account)) => {
                store::desired::differences(desired, account, set, vault)
            }
            (Self::Gen2(_), Account::Gen1(_)) | (Self::Gen1(_), Account::Gen2(_)) => Vec::new(),
        }
    }

    /// The next change of an account that differs so.
    pub fn change(&self, account: &Account, found: Vec<Difference>) -> Option<Step> {
        match (self, account) {
            (Self::Gen1(desired), Account::Gen1(account)) => {
                change::change(desired, account, found)
            }
            _ => (!found.is_empty()).then_some(Step::Update(found)),
        }
    }
}
