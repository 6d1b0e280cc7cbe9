//! A storage account, and the life of accounts by the resource manager. The files in them are kept elsewhere, by the
//! account's name.

use std::sync::Arc;

use super::{
    World,
    life::{Actor, Life},
    moment::Moment,
    roles::Role,
    scope, seeds,
    spec::SecretText,
    storage_spec::StorageAccountSpec,
};
use crate::names::Names;

/// What an account offers under a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StorageService {
    Blob,
    Dfs,
    File,
    Queue,
    Table,
    Web,
}

impl StorageService {
    /// Those that are here; the others are names alone.
    pub(crate) const SERVED: [Self; 2] = [Self::Blob, Self::Dfs];

    /// The label after the account's.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Dfs => "dfs",
            Self::File => "file",
            Self::Queue => "queue",
            Self::Table => "table",
            Self::Web => "web",
        }
    }
}

/// Names of the two keys.
pub(crate) const KEY_NAMES: [&str; 2] = ["key1", "key2"];

/// `key1` or `key2`.
#[derive(Clone, Debug)]
pub(crate) struct AccountKey {
    /// 64 bytes, base64.
    pub(crate) value: SecretText,
    pub(crate) created: Moment,
}

/// An account. Its `spec` holds no keys and no role assignments.
#[derive(Clone, Debug)]
pub(crate) struct StorageAccount {
    /// Shared, so that a request can hold it without a lock.
    pub(crate) spec: Arc<StorageAccountSpec>,
    pub(crate) life: Life,
    /// `key1` and `key2`.
    pub(crate) keys: [AccountKey; 2],
    /// When `managementPolicies/default` was written last.
    pub(crate) policy_written: Moment,
    /// When it gets a hierarchical namespace.
    pub(crate) migrates: Option<Moment>,
}

impl StorageAccount {
    /// One with new keys.
    pub(crate) fn new(
        mut spec: StorageAccountSpec,
        life: Life,
        mut new_key: impl FnMut() -> String,
    ) -> Self {
        let created = life.created;
        let values = spec
            .keys
            .take()
            .unwrap_or_else(|| [SecretText(new_key()), SecretText(new_key())]);
        Self {
            spec: Arc::new(spec),
            keys: values.map(|value| AccountKey { value, created }),
            policy_written: created,
            migrates: None,
            life,
        }
    }

    /// `provisioningState`.
    pub(crate) fn state(&self, now: Moment) -> &'static str {
        let half = self.life.created.0.midpoint(self.life.ready.0);
        if now.0 < half {
            return "Creating";
        }
        self.life.state(now, "ResolvingDns")
    }

    /// Whether the host of one of its services has an address: an account without a hierarchical namespace has all but
    /// `dfs` too, whose calls it refuses.
    pub(crate) fn resolves(&self, now: Moment) -> bool {
        self.life.resolves(now)
    }

    /// The host of one of its services.
    pub(crate) fn host(&self, service: StorageService, names: &Names) -> String {
        self.host_of(service, "", names)
    }

    /// As [`Self::host`], with what follows its name where a copy is read.
    pub(crate) fn host_of(&self, service: StorageService, copy: &str, names: &Names) -> String {
        let (name, label, suffix) = (&self.spec.name, service.label(), names.storage_suffix());
        format!("{name}{copy}.{label}.{suffix}").to_ascii_lowercase()
    }

    /// Ends what comes to its end by itself; gives whether the account is gone then.
    pub(super) fn settle(&mut self, now: Moment) -> bool {
        if self.migrates.is_some_and(|end| end <= now) {
            self.migrates = None;
            let mut spec = StorageAccountSpec::clone(&self.spec);
            spec.is_hns_enabled = Some(true);
            self.spec = Arc::new(spec);
        }
        self.life.fails && self.life.ready <= now
    }

    /// When something happens to it by itself.
    pub(super) fn dues(&self) -> impl Iterator<Item = Moment> {
        self.migrates.into_iter().chain(self.life.dues())
    }
}

/// An account that was deleted.
#[derive(Clone, Debug)]
pub(crate) struct DeletedStorageAccount {
    pub(crate) spec: Arc<StorageAccountSpec>,
    pub(crate) created: Moment,
    pub(crate) deleted: Moment,
}

impl World {
    /// A live account by its name, in any case: names are unique over all subscriptions.
    pub(crate) fn storage_account(&self, name: &str) -> Option<&StorageAccount> {
        self.storage_accounts.get(&name.to_ascii_lowercase())
    }

    pub(crate) fn storage_account_mut(&mut self, name: &str) -> Option<&mut StorageAccount> {
        self.storage_accounts.get_mut(&name.to_ascii_lowercase())
    }

    /// The live account at an id.
    pub(crate) fn storage_account_at(
        &self,
        subscription: &str,
        group: &str,
        name: &str,
    ) -> Option<&StorageAccount> {
        self.storage_account(name)
            .filter(|account| account.spec.is_at(subscription, group))
    }

    /// Makes an account.
    pub(crate) fn create_storage_account(&mut self, account: StorageAccount) {
        self.note_due(account.life.ready);
        let key = account.spec.name.to_ascii_lowercase();
        self.deleted_storage_accounts.remove(&key);
        self.storage_accounts.insert(key, account);
    }

    /// Deletes an account with all that is in it.
    pub(crate) fn drop_storage_account(&mut self, name: &str, now: Moment) -> bool {
        let key = name.to_ascii_lowercase();
        let Some(account) = self.storage_accounts.remove(&key) else {
            return false;
        };
        self.assignments.forget(&scope::key(&account.spec.id()));
        self.forget_files(&key);
        let deleted = DeletedStorageAccount {
            created: account.life.created,
            spec: account.spec,
            deleted: now,
        };
        self.deleted_storage_accounts.insert(key, deleted);
        true
    }

    /// Makes or changes an account.
    pub(crate) fn put_storage_account(
        &mut self,
        mut spec: StorageAccountSpec,
        now: Moment,
        new_key: impl FnMut() -> String,
    ) -> Result<(), String> {
        check(&spec)?;
        let id = spec.id();
        let given = std::mem::take(&mut spec.role_assignments);
        let assignments = seeds::assignments(&id, &given, Role::named_or_with_id, now)?;
        self.settle_group(
            &spec.subscription_id,
            &spec.tenant_id,
            &spec.resource_group,
            &spec.location,
        );
        let key = spec.name.to_ascii_lowercase();
        if let Some(before) = self.storage_accounts.get(&key)
            && before.spec.id() != id
        {
            let before = scope::key(&before.spec.id());
            self.assignments.forget(&before);
        }
        self.assignments.replace(&scope::key(&id), assignments);
        if let Some(present) = self.storage_accounts.get_mut(&key) {
            if let Some(values) = spec.keys.take() {
                present.keys = values.map(|value| AccountKey {
                    value,
                    created: now,
                });
            }
            present.spec = Arc::new(spec);
        } else {
            let life = Life::of_new(Actor::default(), now);
            self.create_storage_account(StorageAccount::new(spec, life, new_key));
        }
        self.note_principals(now);
        Ok(())
    }

    /// An account's spec with the role assignments on it and below it.
    pub(crate) fn whole_storage_spec(&self, account: &StorageAccount) -> StorageAccountSpec {
        let mut spec = StorageAccountSpec::clone(&account.spec);
        spec.role_assignments = self.assignments_given(&spec.id());
        spec
    }
}

fn check(spec: &StorageAccountSpec) -> Result<(), String> {
    let name = &spec.name;
    if !is_account_name(name) {
        return Err(format!(
            "storage account {name:?}: 3 to 24 digits and lower-case letters are needed"
        ));
    }
    if spec.tenant_id.is_empty() {
        return Err(format!("storage account {name}: tenantId is needed"));
    }
    Ok(())
}

/// 3 to 24 digits and lower-case letters, of storage accounts and of Data Lake Stores
/// (<https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules>).
pub(crate) fn is_account_name(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
