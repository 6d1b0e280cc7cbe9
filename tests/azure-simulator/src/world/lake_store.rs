//! A Data Lake Store (Data Lake Storage Gen1), and the life of stores by the resource manager. The files in them are kept
//! elsewhere, by the store's name.

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    World,
    life::{Actor, Life},
    moment::Moment,
    networks::{Access, Span},
    object::Tags,
    roles::Role,
    scope, seeds,
    spec::{DEFAULT_SUBSCRIPTION, RoleAssignment},
    storage_account::is_account_name,
    tenant::derived_uuid,
};
use crate::names::Names;

/// A store, as a seed, the admin API and the resource manager say how it is to be.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct LakeStoreSpec {
    pub(crate) name: String,
    /// The directory that it trusts.
    pub(crate) tenant_id: String,
    pub(crate) subscription_id: String,
    pub(crate) resource_group: String,
    pub(crate) location: String,
    pub(crate) tags: Option<Tags>,
    /// `{"type": "SystemAssigned"}`.
    pub(crate) identity: Option<Value>,
    /// Object id of the group that owns what is made.
    pub(crate) default_group: Option<String>,
    pub(crate) encryption_state: Access,
    pub(crate) encryption_config: Option<Value>,
    /// It uses the customer's key that it was made with.
    pub(crate) key_vault_enabled: bool,
    pub(crate) firewall_state: Access,
    pub(crate) firewall_allow_azure_ips: Access,
    pub(crate) firewall_rules: Vec<AddressSpan>,
    pub(crate) virtual_network_rules: Vec<NamedSubnet>,
    pub(crate) trusted_id_provider_state: Access,
    pub(crate) trusted_id_providers: Vec<NamedProvider>,
    /// As `Consumption`.
    pub(crate) tier: String,
    pub(crate) role_assignments: Vec<RoleAssignment>,
}

impl Default for LakeStoreSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            tenant_id: String::new(),
            subscription_id: DEFAULT_SUBSCRIPTION.to_owned(),
            resource_group: "rg".to_owned(),
            location: "westeurope".to_owned(),
            tags: None,
            identity: None,
            default_group: None,
            encryption_state: Access::Enabled,
            encryption_config: None,
            key_vault_enabled: false,
            firewall_state: Access::Disabled,
            firewall_allow_azure_ips: Access::Disabled,
            firewall_rules: Vec::new(),
            virtual_network_rules: Vec::new(),
            trusted_id_provider_state: Access::Disabled,
            trusted_id_providers: Vec::new(),
            tier: "Consumption".to_owned(),
            role_assignments: Vec::new(),
        }
    }
}

/// A firewall rule: a range of addresses that is let in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AddressSpan {
    pub(crate) name: String,
    pub(crate) start_ip_address: String,
    pub(crate) end_ip_address: String,
}

/// A subnet that is let in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NamedSubnet {
    pub(crate) name: String,
    pub(crate) subnet_id: String,
}

/// An identity provider that is trusted besides Entra.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NamedProvider {
    pub(crate) name: String,
    pub(crate) id_provider: String,
}

impl LakeStoreSpec {
    /// Its id at the resource manager.
    pub(crate) fn id(&self) -> String {
        scope::lake_store(&self.subscription_id, &self.resource_group, &self.name)
    }

    /// Whether it is in that group.
    pub(crate) fn is_at(&self, subscription: &str, group: &str) -> bool {
        self.subscription_id.eq_ignore_ascii_case(subscription)
            && self.resource_group.eq_ignore_ascii_case(group)
    }

    /// What the resource manager calls `accountId`.
    pub(crate) fn account_id(&self) -> String {
        derived_uuid(&["lake store", &self.id()]).to_string()
    }

    /// Object id of its identity, when it has one.
    pub(crate) fn principal_id(&self) -> String {
        derived_uuid(&["lake store identity", &self.id()]).to_string()
    }

    /// Whether its firewall lets an address in.
    pub(crate) fn lets_in(&self, address: IpAddr) -> bool {
        self.firewall_state == Access::Disabled
            || self.firewall_rules.iter().any(|rule| {
                Span::of(&rule.start_ip_address, &rule.end_ip_address)
                    .is_some_and(|span| span.holds(address))
            })
    }
}

/// A store. Its `spec` holds no role assignments.
#[derive(Clone, Debug)]
pub(crate) struct LakeStore {
    /// Shared, so that a request can hold it without a lock.
    pub(crate) spec: Arc<LakeStoreSpec>,
    pub(crate) life: Life,
}

impl LakeStore {
    /// `provisioningState`.
    pub(crate) fn state(&self, now: Moment) -> &'static str {
        self.life.state(now, "Creating")
    }

    /// Whether its host has an address.
    pub(crate) fn resolves(&self, now: Moment) -> bool {
        self.life.resolves(now)
    }

    /// Its host.
    pub(crate) fn host(&self, names: &Names) -> String {
        format!("{}.{}", self.spec.name, names.lake_store_suffix()).to_ascii_lowercase()
    }
}

impl World {
    /// A live store by its name, in any case: names are unique over all subscriptions.
    pub(crate) fn lake_store(&self, name: &str) -> Option<&LakeStore> {
        self.lake_stores.get(&name.to_ascii_lowercase())
    }

    pub(crate) fn lake_store_mut(&mut self, name: &str) -> Option<&mut LakeStore> {
        self.lake_stores.get_mut(&name.to_ascii_lowercase())
    }

    /// The live store at an id.
    pub(crate) fn lake_store_at(
        &self,
        subscription: &str,
        group: &str,
        name: &str,
    ) -> Option<&LakeStore> {
        self.lake_store(name)
            .filter(|store| store.spec.is_at(subscription, group))
    }

    /// Makes a store.
    pub(crate) fn create_lake_store(&mut self, store: LakeStore) {
        self.note_due(store.life.ready);
        let key = store.spec.name.to_ascii_lowercase();
        self.lake_stores.insert(key, store);
    }

    /// Deletes a store with all that is in it.
    pub(crate) fn drop_lake_store(&mut self, name: &str) -> bool {
        let key = name.to_ascii_lowercase();
        let Some(store) = self.lake_stores.remove(&key) else {
            return false;
        };
        self.assignments.forget(&scope::key(&store.spec.id()));
        self.forget_store_files(&key);
        true
    }

    /// Makes or changes a store.
    pub(crate) fn put_lake_store(
        &mut self,
        mut spec: LakeStoreSpec,
        now: Moment,
    ) -> Result<(), String> {
        let name = &spec.name;
        if !is_account_name(name) {
            return Err(format!(
                "Data Lake Store {name:?}: 3 to 24 digits and lower-case letters are needed"
            ));
        }
        if spec.tenant_id.is_empty() {
            return Err(format!("Data Lake Store {name}: tenantId is needed"));
        }
        let id = spec.id();
        let given = std::mem::take(&mut spec.role_assignments);
        let assignments = seeds::assignments(&id, &given, Role::named_or_with_id, now)?;
        self.settle_group(
            &spec.subscription_id,
            &spec.tenant_id,
            &spec.resource_group,
            &spec.location,
        );
        if let Some(before) = self.lake_store(&spec.name).map(|before| before.spec.id())
            && before != id
        {
            self.assignments.forget(&scope::key(&before));
        }
        self.assignments.replace(&scope::key(&id), assignments);
        if let Some(present) = self.lake_store_mut(&spec.name) {
            present.spec = Arc::new(spec);
        } else {
            let life = Life::of_new(Actor::default(), now);
            let spec = Arc::new(spec);
            self.create_lake_store(LakeStore { spec, life });
        }
        self.note_principals(now);
        Ok(())
    }

    /// A store's spec with the role assignments on it and below it.
    pub(crate) fn whole_lake_store_spec(&self, store: &LakeStore) -> LakeStoreSpec {
        let mut spec = LakeStoreSpec::clone(&store.spec);
        spec.role_assignments = self.assignments_given(&spec.id());
        spec
    }
}
