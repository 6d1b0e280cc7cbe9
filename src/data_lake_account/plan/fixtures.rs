//! What the tests of accounts share: an object as its user writes it, and what was seen of Azure.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::azure::arm::ApiVersions;
use crate::azure::cloud::Cloud;
use crate::azure_identity::api::CloudName;
pub(in crate::data_lake_account) use crate::azure_resource::fixtures::{at, trouble};
use crate::azure_resource::ground::{Ground, Group};
use crate::azure_resource::note::begun;
use crate::azure_resource::owner::{OWNER_TAG, Owner};
use crate::azure_resource::planner::Ending;
use crate::data_lake_account::account::StorageAccount;
use crate::data_lake_account::api::{DataLakeAccount, DataLakeAccountSpec};
use crate::data_lake_account::desired::Desired as OfStorage;
use crate::data_lake_account::generation::{Account, Desired};
use crate::data_lake_account::recorded::recorded;
use crate::data_lake_account::store::StoreAccount;
use crate::data_lake_account::valid::{Valid, desired, parse};

pub(in crate::data_lake_account) const SUBSCRIPTION: &str = "44444444-4444-4444-4444-444444444444";
pub(in crate::data_lake_account) const ALICE: &str = "33333333-3333-3333-3333-33333333333a";
/// What a `KeyVault` tells for accounts of either generation.
pub(in crate::data_lake_account) const VAULT_ID: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-a";
pub(in crate::data_lake_account) const VAULT: &str = "https://kv-a.vault.azure.net";

/// An object; `spec` is added to what each must have.
#[expect(
    clippy::needless_pass_by_value,
    reason = "specs are written where they are used"
)]
pub(in crate::data_lake_account) fn object(spec: Value) -> DataLakeAccount {
    let mut whole = json!({
        "subscriptionId": SUBSCRIPTION,
        "resourceGroup": { "name": "rg" },
        "location": "westeurope",
    });
    for (name, value) in spec.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let spec: DataLakeAccountSpec = serde_json::from_value(whole).unwrap();
    let mut object = DataLakeAccount::new("lakea", spec);
    object.metadata.namespace = Some("team".to_owned());
    object.metadata.uid = Some("uid-1".to_owned());
    object.metadata.generation = Some(1);
    object
}

/// The versions of Microsoft's own cloud.
pub(in crate::data_lake_account) fn versions() -> &'static ApiVersions {
    ApiVersions::of(&Cloud::shared(CloudName::Public))
}

/// Everything that a decision follows from, owned.
#[derive(Debug, Clone)]
pub(in crate::data_lake_account) struct Case {
    pub(in crate::data_lake_account) valid: Valid,
    pub(in crate::data_lake_account) desired: Desired,
    pub(in crate::data_lake_account) owner: Owner,
    pub(in crate::data_lake_account) record: Record,
    pub(in crate::data_lake_account) leaving: bool,
    pub(in crate::data_lake_account) deep: bool,
    pub(in crate::data_lake_account) now: Timestamp,
}

impl Case {
    pub(in crate::data_lake_account) fn new(spec: Value) -> Self {
        let object = object(spec);
        let valid = parse(&object).unwrap();
        let desired = desired(&object.spec, &valid, versions()).unwrap();
        let owner = Owner {
            cluster: Some("cluster".to_owned()),
            namespace: valid.namespace.clone(),
            name: valid.name.clone(),
            uid: valid.uid.clone(),
        };
        Self {
            valid,
            desired,
            owner,
            record: Record::default(),
            leaving: false,
            deep: false,
            now: at(0),
        }
    }

    /// Its object is being deleted.
    pub(in crate::data_lake_account) fn leaving(spec: Value) -> Self {
        Self {
            leaving: true,
            ..Self::new(spec)
        }
    }

    /// It looks at what lies below the account, too.
    pub(in crate::data_lake_account) fn deep(spec: Value) -> Self {
        Self {
            deep: true,
            ..Self::new(spec)
        }
    }

    pub(in crate::data_lake_account) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            valid: &self.valid,
            desired: &self.desired,
            owner: &self.owner,
            record: &self.record,
            leaving: self.leaving.then_some(Leaving { syncs: &[] }),
            deep: self.deep,
            now: self.now,
        }
    }

    /// What is next, in a word.
    pub(in crate::data_lake_account) fn says(&self, seen: &Seen) -> String {
        match next(&self.inputs(), seen) {
            Next::Do(step) => step.to_string(),
            Next::Poll => "poll".to_owned(),
            Next::Look(Look::Ground(look)) => format!("look {look:?}"),
            Next::Look(look) => format!("look {look:?}"),
            Next::Wait(problem) => format!("wait {:?}", problem.reason),
            Next::Rest => "rest".to_owned(),
        }
    }

    /// What is said where something is waited for.
    pub(in crate::data_lake_account) fn waits(&self, seen: &Seen) -> String {
        match next(&self.inputs(), seen) {
            Next::Wait(problem) => problem.message,
            other @ (Next::Poll | Next::Look(_) | Next::Do(_) | Next::Rest) => panic!("{other:?}"),
        }
    }

    /// The storage account as the spec makes it.
    pub(in crate::data_lake_account) fn account(&self) -> StorageAccount {
        let Account::Gen2(made) = created(&self.inputs(), Some(VAULT)) else {
            panic!("the spec is of generation Gen1");
        };
        let dfs = "https://lakea.dfs.core.windows.net/".to_owned();
        StorageAccount {
            state: Some("Succeeded".to_owned()),
            endpoints: [("dfs".to_owned(), dfs)].into(),
            ..*made
        }
    }

    /// The Data Lake Store as the spec makes it.
    pub(in crate::data_lake_account) fn store(&self) -> StoreAccount {
        let Account::Gen1(made) = created(&self.inputs(), Some(VAULT_ID)) else {
            panic!("the spec is of generation Gen2");
        };
        StoreAccount {
            state: Some("Succeeded".to_owned()),
            endpoint: Some("lakea.azuredatalakestore.net".to_owned()),
            ..*made
        }
    }

    /// What the spec wants of a storage account.
    pub(in crate::data_lake_account) fn wants(&self) -> &OfStorage {
        self.desired.services().unwrap()
    }

    /// A note of a write that was made just now.
    pub(in crate::data_lake_account) fn begins(mut self, step: &str) -> Self {
        let generation = self.valid.generation;
        self.record.operation = Some(begun(step, generation, "epoch", self.now));
        self
    }

    /// What is kept of a round that has seen this.
    pub(in crate::data_lake_account) fn recorded(&self, seen: &Seen, problem: bool) -> Record {
        let ending = Ending {
            problem,
            dry: false,
        };
        recorded(&self.inputs(), seen, ending)
    }
}

/// An account with an owner in its tag: the uid is what follows the last slash.
pub(in crate::data_lake_account) fn owned(
    mut account: StorageAccount,
    owner: Option<&str>,
) -> StorageAccount {
    account.tags.remove(OWNER_TAG);
    let owner = owner.map(|owner| (OWNER_TAG.to_owned(), owner.to_owned()));
    account.tags.extend(owner);
    account
}

/// Owners by what they are to the object of [`object`].
pub(in crate::data_lake_account) const OURS: Option<&str> = Some("cluster/team/lakea/uid-1");
pub(in crate::data_lake_account) const BEFORE: Option<&str> = Some("cluster/team/lakea/uid-0");
pub(in crate::data_lake_account) const FOREIGN: Option<&str> = Some("cluster/other/lakea/uid-9");

pub(in crate::data_lake_account) fn sees(account: Option<StorageAccount>) -> Seen {
    Seen {
        account: Some(account.map(Account::from)),
        ..Seen::default()
    }
}

/// The same of a Data Lake Store.
pub(in crate::data_lake_account) fn stores(account: StoreAccount) -> Seen {
    Seen {
        account: Some(Some(account.into())),
        ..Seen::default()
    }
}

/// The storage account that was seen, to change it.
pub(in crate::data_lake_account) fn seen_in(seen: &mut Seen) -> &mut StorageAccount {
    match &mut seen.account {
        Some(Some(Account::Gen2(account))) => account,
        other => panic!("{other:?} is no storage account"),
    }
}

/// There is no account, and nothing stands in the way of one.
pub(in crate::data_lake_account) fn free() -> Seen {
    Seen {
        ground: Ground {
            group: Some(Some(Group { deleting: false })),
            ..Ground::default()
        },
        name: Some(Ok(())),
        ..sees(None)
    }
}
