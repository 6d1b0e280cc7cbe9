//! The simulated Azure as plain data. All changes are functions of the world, their input and the time: no clock, no
//! randomness, no input or output here.

pub(crate) mod access;
pub(crate) mod assignments;
pub(crate) mod certificate;
pub(crate) mod certificate_spec;
pub(crate) mod containers;
pub(crate) mod failure;
pub(crate) mod files;
pub(crate) mod guards;
pub(crate) mod key;
pub(crate) mod lake_store;
pub(crate) mod life;
pub(crate) mod long_operation;
pub(crate) mod managed_identity;
pub(crate) mod manager_settings;
pub(crate) mod ml_server;
pub(crate) mod moment;
pub(crate) mod networks;
pub(crate) mod object;
pub(crate) mod policy;
pub(crate) mod principals;
pub(crate) mod refusal;
pub(crate) mod roles;
pub(crate) mod scope;
pub(crate) mod secret;
mod seeds;
pub(crate) mod settings;
pub(crate) mod shelf;
pub(crate) mod spec;
pub(crate) mod stack;
pub(crate) mod storage_account;
pub(crate) mod storage_roles;
pub(crate) mod storage_spec;
pub(crate) mod subscription;
pub(crate) mod tenant;
pub(crate) mod vault;
pub(crate) mod vault_certificates;
mod vault_life;
pub(crate) mod vault_record;

#[cfg(test)]
mod certificate_tests;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use assignments::Assignments;
use certificate_spec::{CertificateSeed, KeySeed};
use files::Files;
use lake_store::LakeStore;
use life::Actor;
use long_operation::LongOperation;
use managed_identity::ManagedIdentitySpec;
use manager_settings::ManagerSettings;
use ml_server::MlServerSpec;
use moment::Moment;
use refusal::Refusal;
use secret::NewVersion;
use settings::{Settings, SettingsPatch};
use spec::{ApplicationSpec, Seed, TenantSpec, UserSpec, VaultSpec};
use stack::StackSpec;
use storage_account::{DeletedStorageAccount, StorageAccount};
use subscription::Subscription;
use tenant::{Application, Tenant, User};
use vault::Vault;
use vault_record::{DeletedVault, Record};

/// Everything that the simulator knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) manager: ManagerSettings,
    /// Seconds by which the simulator's clock is ahead of the machine's.
    pub(crate) skew_seconds: i64,
    /// By lower-case id.
    pub(crate) tenants: BTreeMap<String, Tenant>,
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    /// Of all scopes: both the resource manager and the vaults decide by them.
    pub(crate) assignments: Assignments,
    /// Since when the resource manager knows a principal, by lower-case object id.
    pub(crate) known_from: BTreeMap<String, Moment>,
    /// By id.
    pub(crate) operations: BTreeMap<String, LongOperation>,
    /// By lower-case client id.
    pub(crate) managed_identities: BTreeMap<String, Arc<ManagedIdentitySpec>>,
    /// By lower-case host.
    pub(crate) ml_servers: BTreeMap<String, MlServerSpec>,
    /// By lower-case region.
    pub(crate) stacks: BTreeMap<String, StackSpec>,
    /// By lower-case name.
    pub(crate) vaults: BTreeMap<String, Vault>,
    /// By lower-case name; a name is in one of the two.
    pub(crate) deleted_vaults: BTreeMap<String, DeletedVault>,
    /// By name, which has no upper-case letters.
    pub(crate) storage_accounts: BTreeMap<String, StorageAccount>,
    /// By name; the last that had it.
    pub(crate) deleted_storage_accounts: BTreeMap<String, DeletedStorageAccount>,
    /// Data Lake Stores by name, which has no upper-case letters.
    pub(crate) lake_stores: BTreeMap<String, LakeStore>,
    /// Members of groups, by lower-case id, as are they.
    pub(crate) groups: BTreeMap<String, BTreeSet<String>>,
    /// What is in the accounts and stores.
    files: Files,
    /// When something happens by itself next.
    pub(crate) next_due: Option<Moment>,
}

impl World {
    /// A tenant by its id or its domain name.
    pub(crate) fn tenant(&self, name: &str) -> Option<&Tenant> {
        let name = name.to_ascii_lowercase();
        self.tenants.get(&name).or_else(|| {
            self.tenants.values().find(|tenant| {
                tenant
                    .name
                    .as_deref()
                    .is_some_and(|domain| domain.eq_ignore_ascii_case(&name))
            })
        })
    }

    /// The tenant of a user.
    pub(crate) fn home_of(&self, username: &str) -> Option<&Tenant> {
        let username = username.to_ascii_lowercase();
        self.tenants
            .values()
            .find(|tenant| tenant.users.contains_key(&username))
    }

    pub(crate) fn vault(&self, name: &str) -> Option<&Vault> {
        self.vaults.get(name)
    }

    /// Takes a seed document in, but for its issuers. After a mistake the world is to be thrown away. `new_id` makes
    /// version ids, `new_key` keys of storage accounts.
    pub(crate) fn merge(
        &mut self,
        seed: Seed,
        mut new_id: impl FnMut() -> String,
        mut new_key: impl FnMut() -> String,
        clock: impl Fn(i64) -> Moment,
    ) -> Result<(), String> {
        if let Some(clock) = seed.clock {
            self.skew_seconds = clock.skew_seconds;
        }
        if let Some(settings) = seed.settings {
            self.patch_settings(&settings)?;
        }
        for tenant in seed.tenants {
            self.put_tenant(tenant)?;
        }
        for identity in seed.managed_identities {
            self.put_managed_identity(identity)?;
        }
        for server in seed.ml_servers {
            self.put_ml_server(server)?;
        }
        for stack in seed.stacks {
            self.put_stack(stack)?;
        }
        let now = clock(self.skew_seconds);
        for subscription in &seed.subscriptions {
            self.put_subscription(subscription, now)?;
        }
        for vault in seed.vaults {
            self.put_vault(vault, now, &mut new_id)?;
        }
        for account in seed.storage_accounts {
            self.put_storage_account(account, now, &mut new_key)?;
        }
        for group in seed.groups {
            self.put_group(&group)?;
        }
        for store in seed.data_lake_stores {
            self.put_lake_store(store, now)?;
        }
        self.note_principals(now);
        Ok(())
    }

    /// Makes or changes a tenant; the applications and users that it names are replaced, others stay.
    pub(crate) fn put_tenant(&mut self, spec: TenantSpec) -> Result<(), String> {
        if spec.id.is_empty() {
            return Err("a tenant needs an id".to_owned());
        }
        let id = spec.id.to_ascii_lowercase();
        let applications = spec
            .applications
            .into_iter()
            .map(|application| application_entry(&id, application))
            .collect::<Result<Vec<_>, _>>()?;
        let users = spec
            .users
            .into_iter()
            .map(|user| user_entry(&id, user))
            .collect::<Result<Vec<_>, _>>()?;
        let tenant = self.tenants.entry(id.clone()).or_insert_with(|| Tenant {
            id,
            name: None,
            applications: BTreeMap::new(),
            users: BTreeMap::new(),
        });
        tenant.name = spec.name.or_else(|| tenant.name.take());
        tenant.applications.extend(applications);
        tenant.users.extend(users);
        Ok(())
    }

    /// Makes or replaces an application; its tenant is made when it is not there.
    pub(crate) fn put_application(
        &mut self,
        tenant: &str,
        spec: ApplicationSpec,
    ) -> Result<(), String> {
        self.put_tenant(TenantSpec {
            id: tenant.to_owned(),
            applications: vec![spec],
            ..TenantSpec::default()
        })
    }

    /// Makes or replaces a user; its tenant is made when it is not there.
    pub(crate) fn put_user(&mut self, tenant: &str, spec: UserSpec) -> Result<(), String> {
        self.put_tenant(TenantSpec {
            id: tenant.to_owned(),
            users: vec![spec],
            ..TenantSpec::default()
        })
    }

    /// Takes in what a patch names.
    pub(crate) fn patch_settings(&mut self, patch: &SettingsPatch) -> Result<(), String> {
        self.manager.patch(patch)?;
        self.settings = self.settings.patched(patch);
        Ok(())
    }

    /// Makes or changes a vault and plants what the spec gives. `new_id` makes version ids; certificates and keys have
    /// been made already.
    pub(crate) fn put_vault(
        &mut self,
        mut spec: VaultSpec,
        now: Moment,
        mut new_id: impl FnMut() -> String,
    ) -> Result<(), String> {
        self.settle_on_stack(&mut spec)?;
        check_vault(&spec)?;
        let secrets = std::mem::take(&mut spec.secrets);
        let certificates = std::mem::take(&mut spec.certificates);
        let keys = std::mem::take(&mut spec.keys);
        let key = spec.name.to_ascii_lowercase();
        let assignments = seeds::vault_assignments(&mut spec, now)?;
        // The change is tried on a copy, so that a bad secret leaves the vault as it was.
        let mut vault = self.vaults.get(&key).cloned().unwrap_or_else(|| {
            let mut vault = Vault::new(VaultSpec::default());
            vault.record = Record::of_new(Actor::default(), now);
            vault
        });
        vault.spec = Arc::new(spec);
        for secret in secrets {
            let name = secret.name.clone();
            let version =
                NewVersion::of_spec(new_id(), secret).map_err(|refusal| refusal.to_string())?;
            vault
                .plant(&name, version, now)
                .map_err(|refusal| format!("secret {name}: {refusal}"))?;
        }
        for certificate in certificates {
            let name = certificate.name.clone();
            plant_certificate(&mut vault, certificate, now)
                .map_err(|refusal| format!("certificate {name}: {refusal}"))?;
        }
        for key in keys {
            plant_key(&mut vault, &key, now)
                .map_err(|refusal| format!("key {}: {refusal}", key.name))?;
        }
        self.settle_in_subscription(&vault.spec, assignments);
        self.deleted_vaults.remove(&key);
        self.vaults.insert(key, vault);
        Ok(())
    }
}

/// Plants a certificate that a seed or the admin API gives.
pub(crate) fn plant_certificate(
    vault: &mut Vault,
    mut seed: CertificateSeed,
    now: Moment,
) -> Result<(), Refusal> {
    let made = seed.made.take().ok_or_else(not_made)?;
    let name = seed.name.clone();
    vault.put_certificate(&name, made, Some(Arc::new(seed)), now)
}

/// Plants a key that a seed or the admin API gives.
pub(crate) fn plant_key(vault: &mut Vault, seed: &KeySeed, now: Moment) -> Result<(), Refusal> {
    let made = seed.made.clone().ok_or_else(not_made)?;
    vault.put_key(&seed.name, made, "create", now)
}

fn not_made() -> Refusal {
    Refusal::BadParameter("its key has not been made".to_owned())
}

fn application_entry(
    tenant: &str,
    spec: ApplicationSpec,
) -> Result<(String, Arc<Application>), String> {
    let application = Application::of_spec(tenant, spec)?;
    Ok((
        application.client_id.to_ascii_lowercase(),
        Arc::new(application),
    ))
}

fn user_entry(tenant: &str, spec: UserSpec) -> Result<(String, Arc<User>), String> {
    let user = User::of_spec(tenant, spec)?;
    Ok((user.username.to_ascii_lowercase(), Arc::new(user)))
}

fn check_vault(spec: &VaultSpec) -> Result<(), String> {
    let name = &spec.name;
    // 3 to 24 characters: letters, digits and hyphens
    // (<https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules>).
    let fits = (3..=24).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !fits {
        return Err(format!(
            "vault name {name:?}: 3 to 24 letters, digits and hyphens are needed"
        ));
    }
    if spec.tenant_id.is_empty() {
        return Err(format!("vault {name}: tenantId is needed"));
    }
    if !(7..=90).contains(&spec.soft_delete_retention_days) {
        return Err(format!(
            "vault {name}: softDeleteRetentionDays must be 7 to 90"
        ));
    }
    Ok(())
}
