//! How vaults, groups and registrations come and go by the resource manager.

use std::sync::Arc;

use super::{
    World,
    failure::Failure,
    life::{Actor, Life},
    manager_settings::LroPlan,
    moment::Moment,
    roles::Role,
    scope,
    spec::VaultSpec,
    storage_account::StorageAccount,
    subscription::{Going, Group, Subscription},
    vault::Vault,
    vault_record::{DeletedVault, Record},
};

impl World {
    /// A subscription by its id, in any case.
    pub(crate) fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.subscriptions.get(&id.to_ascii_lowercase())
    }

    pub(crate) fn subscription_mut(&mut self, id: &str) -> Option<&mut Subscription> {
        self.subscriptions.get_mut(&id.to_ascii_lowercase())
    }

    /// The live vault at an id.
    pub(crate) fn vault_at(&self, subscription: &str, group: &str, name: &str) -> Option<&Vault> {
        self.vaults
            .get(&name.to_ascii_lowercase())
            .filter(|vault| vault.spec.is_at(subscription, group))
    }

    /// As [`Self::vault_at`].
    pub(crate) fn vault_at_mut(
        &mut self,
        subscription: &str,
        group: &str,
        name: &str,
    ) -> Option<&mut Vault> {
        self.vaults
            .get_mut(&name.to_ascii_lowercase())
            .filter(|vault| vault.spec.is_at(subscription, group))
    }

    /// A deleted vault of a subscription and location.
    pub(crate) fn deleted_at(
        &self,
        subscription: &str,
        location: &str,
        name: &str,
    ) -> Option<&DeletedVault> {
        let found = self.deleted_vaults.get(&name.to_ascii_lowercase())?;
        let spec = &found.vault.spec;
        (spec.subscription_id.eq_ignore_ascii_case(subscription)
            && spec.location.eq_ignore_ascii_case(location))
        .then_some(found)
    }

    /// A vault's spec with the role assignments on it and below it.
    pub(crate) fn whole_spec(&self, vault: &Vault) -> VaultSpec {
        let mut spec = VaultSpec::clone(&vault.spec);
        spec.role_assignments = self.assignments_given(&spec.id());
        for given in &mut spec.role_assignments {
            if let Some(role) = Role::named(&given.role) {
                role.name_of_vaults().clone_into(&mut given.role);
            }
        }
        spec
    }

    /// Makes a vault.
    pub(crate) fn create_vault(&mut self, spec: VaultSpec, record: Record) {
        self.note_due(record.ready);
        let mut vault = Vault::new(VaultSpec::default());
        vault.record = record;
        let key = spec.name.to_ascii_lowercase();
        vault.spec = Arc::new(spec);
        self.vaults.insert(key, vault);
    }

    /// Brings a deleted vault back; its role assignments are lost.
    pub(crate) fn recover_vault(&mut self, name: &str, actor: Actor, ready: Moment, now: Moment) {
        let key = name.to_ascii_lowercase();
        if let Some(deleted) = self.deleted_vaults.remove(&key) {
            let mut vault = deleted.vault;
            vault.record.touch(actor, now);
            vault.record.ready = ready;
            vault.record.fails = false;
            vault.record.going = None;
            self.note_due(ready);
            self.vaults.insert(key, vault);
        }
    }

    /// Deletes a vault: softly, or on a stack for good.
    pub(crate) fn drop_vault(&mut self, name: &str, now: Moment) -> bool {
        let key = name.to_ascii_lowercase();
        let Some(mut vault) = self.vaults.remove(&key) else {
            return false;
        };
        self.assignments.forget(&scope::key(&vault.spec.id()));
        if vault.deletes_softly() {
            vault.record.going = None;
            let scheduled_purge = now.plus_millis(vault.retention_millis());
            self.note_due(scheduled_purge);
            let deleted = DeletedVault {
                vault,
                deleted: now,
                scheduled_purge,
                going: None,
            };
            self.deleted_vaults.insert(key, deleted);
        }
        true
    }

    /// Registers a provider, at once or later.
    pub(crate) fn register(
        &mut self,
        subscription: &str,
        namespace: &str,
        plan: &LroPlan,
        ends: Moment,
        now: Moment,
    ) {
        let Some(here) = self.subscription_mut(subscription) else {
            return;
        };
        let Some(provider) = here.providers.get_mut(&namespace.to_ascii_lowercase()) else {
            return;
        };
        if provider.registered || provider.registering.is_some() {
            return;
        }
        provider.registering = Some(Going {
            at: ends,
            fails: plan.error.is_some(),
        });
        self.note_due(ends);
        self.settle(now);
    }

    /// A group that takes writes.
    pub(crate) fn open_group(&self, subscription: &str, name: &str) -> Result<&Group, Failure> {
        let here = self.subscription(subscription);
        let Some(group) = here.and_then(|here| here.group(name)) else {
            return Err(Failure::no_group(name));
        };
        if group.going.is_some() {
            return Err(Failure::gateway(
                409,
                "ResourceGroupBeingDeleted",
                format!(
                    "The resource group '{}' is in deprovisioning state and cannot perform this operation.",
                    group.name
                ),
            ));
        }
        Ok(group)
    }

    /// Remembers that something happens by itself then.
    pub(crate) fn note_due(&mut self, at: Moment) {
        self.next_due = Some(self.next_due.map_or(at, |due| due.min(at)));
    }

    /// Whether something has come due.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        self.next_due.is_some_and(|due| due <= now)
    }

    /// Does what has come due: ends of deletions, purges and registrations.
    pub(crate) fn settle(&mut self, now: Moment) {
        if !self.is_due(now) {
            return;
        }
        for subscription in self.subscriptions.values_mut() {
            for provider in subscription.providers.values_mut() {
                if let Some(end) = provider.registering.filter(|end| end.at <= now) {
                    provider.registered = !end.fails;
                    provider.registering = None;
                }
            }
        }
        self.settle_groups(now);
        self.settle_vaults(now);
        self.settle_lakes(now);
        self.next_due = self.dues().filter(|due| *due > now).min();
    }

    fn settle_groups(&mut self, now: Moment) {
        let mut gone = Vec::new();
        for subscription in self.subscriptions.values_mut() {
            let id = subscription.id.clone();
            subscription
                .groups
                .retain(|_, group| match group.going.filter(|end| end.at <= now) {
                    None => true,
                    Some(end) if end.fails => {
                        group.going = None;
                        true
                    }
                    Some(_) => {
                        gone.push((id.clone(), group.name.clone()));
                        false
                    }
                });
        }
        for (subscription, group) in gone {
            self.drop_all_in(&subscription, &group, now);
            let key = scope::key(&scope::group(&subscription, &group));
            self.assignments.forget(&key);
        }
    }

    /// Drops what lies in a group that is gone.
    fn drop_all_in(&mut self, subscription: &str, group: &str, now: Moment) {
        let mut vaults = self.vaults.clone();
        vaults.retain(|_, vault| vault.spec.is_at(subscription, group));
        for name in vaults.keys() {
            self.drop_vault(name, now);
        }
        let mut accounts = self.storage_accounts.clone();
        accounts.retain(|_, account| account.spec.is_at(subscription, group));
        for name in accounts.keys() {
            self.drop_storage_account(name, now);
        }
        let mut stores = self.lake_stores.clone();
        stores.retain(|_, store| store.spec.is_at(subscription, group));
        for name in stores.keys() {
            self.drop_lake_store(name);
        }
    }

    fn settle_lakes(&mut self, now: Moment) {
        let accounts = self.storage_accounts.iter_mut();
        let ended: Vec<String> = accounts
            .filter_map(|(key, account)| account.settle(now).then(|| key.clone()))
            .collect();
        for name in ended {
            self.drop_storage_account(&name, now);
        }
        let stores = self.lake_stores.iter_mut();
        let ended: Vec<String> = stores
            .filter_map(|(key, store)| store.life.ends(now).then(|| key.clone()))
            .collect();
        for name in ended {
            self.drop_lake_store(&name);
        }
    }

    fn settle_vaults(&mut self, now: Moment) {
        let vaults = self.vaults.iter_mut();
        let ended: Vec<String> = vaults
            .filter_map(|(key, vault)| vault.record.ends(now).then(|| key.clone()))
            .collect();
        for name in ended {
            self.drop_vault(&name, now);
        }
        self.deleted_vaults.retain(|_, deleted| {
            let purged = deleted.going.filter(|end| end.at <= now);
            if purged.is_some() {
                deleted.going = None;
            }
            purged.is_none_or(|end| end.fails) && now < deleted.scheduled_purge
        });
    }

    /// All times at which something happens by itself.
    fn dues(&self) -> impl Iterator<Item = Moment> {
        let subscriptions = self.subscriptions.values().flat_map(|subscription| {
            let groups = subscription.groups.values().filter_map(|group| group.going);
            let providers = subscription
                .providers
                .values()
                .filter_map(|provider| provider.registering);
            groups.chain(providers)
        });
        let vaults = self.vaults.values().map(|vault| &*vault.record);
        let accounts = self
            .storage_accounts
            .values()
            .flat_map(StorageAccount::dues);
        let stores = self.lake_stores.values().map(|store| &store.life);
        let lives = vaults.chain(stores);
        let deleted = self.deleted_vaults.values();
        subscriptions
            .chain(deleted.clone().filter_map(|deleted| deleted.going))
            .map(|going| going.at)
            .chain(deleted.map(|deleted| deleted.scheduled_purge))
            .chain(lives.flat_map(Life::dues))
            .chain(accounts)
    }
}
