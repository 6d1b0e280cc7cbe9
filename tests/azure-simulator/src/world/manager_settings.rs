//! How the resource manager behaves: how long things take, how long-running operations are told, and its limits.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::settings::SettingsPatch;

/// How a client is told of an operation that takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LroForm {
    /// By the state in the resource's body alone.
    Body,
    /// By the header `Azure-AsyncOperation`.
    AzureAsyncOperation,
    /// By the header `Location`.
    Location,
}

/// How an operation fails in the end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LroError {
    pub(crate) code: String,
    pub(crate) message: String,
    /// Status with which the last poll of `Location` tells it.
    #[serde(default = "conflict")]
    pub(crate) status: u16,
}

fn conflict() -> u16 {
    409
}

/// How one kind of operation goes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LroPlan {
    pub(crate) form: LroForm,
    /// Absent: it succeeds.
    #[serde(default)]
    pub(crate) error: Option<LroError>,
    /// Seconds between polls, as `Retry-After` asks for; 0: the header is left out.
    #[serde(default = "one")]
    pub(crate) retry_after: u64,
}

fn one() -> u64 {
    1
}

impl LroPlan {
    fn of(form: LroForm) -> Self {
        Self {
            form,
            error: None,
            retry_after: one(),
        }
    }
}

/// The plans that a patch names.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct LroPatch {
    vault_put: Option<LroPlan>,
    vault_delete: Option<LroPlan>,
    purge: Option<LroPlan>,
    group_delete: Option<LroPlan>,
    registration: Option<LroPlan>,
    storage_put: Option<LroPlan>,
    storage_migration: Option<LroPlan>,
    lake_store_put: Option<LroPlan>,
    lake_store_delete: Option<LroPlan>,
}

/// The plans in force.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LroPlans {
    pub(crate) vault_put: LroPlan,
    pub(crate) vault_delete: LroPlan,
    pub(crate) purge: LroPlan,
    pub(crate) group_delete: LroPlan,
    pub(crate) registration: LroPlan,
    pub(crate) storage_put: LroPlan,
    pub(crate) storage_migration: LroPlan,
    pub(crate) lake_store_put: LroPlan,
    pub(crate) lake_store_delete: LroPlan,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bucket {
    pub(crate) size: u32,
    #[serde(rename = "refillPerSecond")]
    pub(crate) refill_per_second: f64,
}

/// Limits for each principal in each subscription
/// (<https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>).
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) reads: Bucket,
    pub(crate) writes: Bucket,
    pub(crate) deletes: Bucket,
    /// Those of the provider of storage accounts, for each subscription and region.
    pub(crate) storage: StorageLimits,
}

impl Default for Limits {
    fn default() -> Self {
        let bucket = |size, refill_per_second| Bucket {
            size,
            refill_per_second,
        };
        Self {
            reads: bucket(250, 25.0),
            writes: bucket(200, 10.0),
            deletes: bucket(200, 10.0),
            storage: StorageLimits::default(),
        }
    }
}

/// 800 reads and 100 lists in 5 minutes, 10 writes a second and 1200 an hour
/// (<https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling#storage-throttling>).
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct StorageLimits {
    pub(crate) reads: Bucket,
    pub(crate) lists: Bucket,
    pub(crate) writes: Bucket,
    pub(crate) hourly_writes: Bucket,
}

impl Default for StorageLimits {
    fn default() -> Self {
        let bucket = |size: u32, seconds: f64| Bucket {
            size,
            refill_per_second: f64::from(size) / seconds,
        };
        Self {
            reads: bucket(800, 300.0),
            lists: bucket(100, 300.0),
            writes: bucket(10, 1.0),
            hourly_writes: bucket(1200, 3600.0),
        }
    }
}

/// Settings of the resource manager in force.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManagerSettings {
    /// Time that each request takes at least.
    #[serde(rename = "resourceManagerLatencyMs")]
    pub(crate) latency_ms: u64,
    /// How long a vault that is made or recovered has no name and no data plane.
    pub(crate) vault_creation_ms: u32,
    pub(crate) vault_deletion_ms: u32,
    pub(crate) purge_ms: u32,
    pub(crate) group_deletion_ms: u32,
    pub(crate) registration_ms: u32,
    /// How long a storage account that is made has no names.
    pub(crate) storage_creation_ms: u32,
    /// How long an account takes to get a hierarchical namespace.
    pub(crate) storage_migration_ms: u32,
    /// How long the name of a deleted account is kept from others.
    pub(crate) storage_name_hold_ms: u32,
    pub(crate) storage_accounts_per_region: usize,
    /// How long a Data Lake Store that is made has no name.
    pub(crate) lake_store_creation_ms: u32,
    pub(crate) lake_store_deletion_ms: u32,
    /// How long a role assignment that is made or deleted takes to decide.
    pub(crate) role_delay_ms: u32,
    /// How long the resource manager does not know a new principal.
    pub(crate) principal_delay_ms: u32,
    /// Where a vault's firewall believes that its callers are; absent: where they are.
    pub(crate) client_address: Option<IpAddr>,
    pub(crate) lro: LroPlans,
    pub(crate) throttle: Limits,
}

impl Default for ManagerSettings {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            vault_creation_ms: 0,
            vault_deletion_ms: 0,
            purge_ms: 0,
            group_deletion_ms: 0,
            registration_ms: 0,
            storage_creation_ms: 0,
            storage_migration_ms: 0,
            storage_name_hold_ms: 0,
            storage_accounts_per_region: 250,
            lake_store_creation_ms: 0,
            lake_store_deletion_ms: 0,
            role_delay_ms: 0,
            principal_delay_ms: 0,
            client_address: None,
            lro: LroPlans {
                vault_put: LroPlan::of(LroForm::Body),
                vault_delete: LroPlan::of(LroForm::Body),
                purge: LroPlan::of(LroForm::Location),
                group_delete: LroPlan::of(LroForm::Location),
                registration: LroPlan::of(LroForm::Body),
                storage_put: LroPlan::of(LroForm::Location),
                storage_migration: LroPlan::of(LroForm::Location),
                lake_store_put: LroPlan::of(LroForm::Body),
                lake_store_delete: LroPlan::of(LroForm::Body),
            },
            throttle: Limits::default(),
        }
    }
}

fn set<T: Clone>(here: &mut T, given: Option<&T>) {
    if let Some(given) = given {
        here.clone_from(given);
    }
}

impl ManagerSettings {
    /// Takes in what a patch names.
    pub(crate) fn patch(&mut self, patch: &SettingsPatch) -> Result<(), String> {
        if let Some(text) = &patch.client_address {
            self.client_address = match text.as_str() {
                "" => None,
                text => Some(
                    text.parse()
                        .map_err(|error| format!("clientAddress {text:?}: {error}"))?,
                ),
            };
        }
        set(
            &mut self.latency_ms,
            patch.resource_manager_latency_ms.as_ref(),
        );
        set(
            &mut self.vault_creation_ms,
            patch.vault_creation_ms.as_ref(),
        );
        set(
            &mut self.vault_deletion_ms,
            patch.vault_deletion_ms.as_ref(),
        );
        set(&mut self.purge_ms, patch.purge_ms.as_ref());
        set(
            &mut self.group_deletion_ms,
            patch.group_deletion_ms.as_ref(),
        );
        set(&mut self.registration_ms, patch.registration_ms.as_ref());
        self.patch_lakes(patch);
        set(&mut self.role_delay_ms, patch.role_delay_ms.as_ref());
        set(
            &mut self.principal_delay_ms,
            patch.principal_delay_ms.as_ref(),
        );
        set(&mut self.throttle, patch.throttle.as_ref());
        if let Some(lro) = &patch.lro {
            set(&mut self.lro.vault_put, lro.vault_put.as_ref());
            set(&mut self.lro.vault_delete, lro.vault_delete.as_ref());
            set(&mut self.lro.purge, lro.purge.as_ref());
            set(&mut self.lro.group_delete, lro.group_delete.as_ref());
            set(&mut self.lro.registration, lro.registration.as_ref());
            set(&mut self.lro.storage_put, lro.storage_put.as_ref());
            set(
                &mut self.lro.storage_migration,
                lro.storage_migration.as_ref(),
            );
            set(&mut self.lro.lake_store_put, lro.lake_store_put.as_ref());
            set(
                &mut self.lro.lake_store_delete,
                lro.lake_store_delete.as_ref(),
            );
        }
        Ok(())
    }

    fn patch_lakes(&mut self, patch: &SettingsPatch) {
        set(
            &mut self.storage_creation_ms,
            patch.storage_creation_ms.as_ref(),
        );
        set(
            &mut self.storage_migration_ms,
            patch.storage_migration_ms.as_ref(),
        );
        set(
            &mut self.storage_name_hold_ms,
            patch.storage_name_hold_ms.as_ref(),
        );
        set(
            &mut self.storage_accounts_per_region,
            patch.storage_accounts_per_region.as_ref(),
        );
        set(
            &mut self.lake_store_creation_ms,
            patch.lake_store_creation_ms.as_ref(),
        );
        set(
            &mut self.lake_store_deletion_ms,
            patch.lake_store_deletion_ms.as_ref(),
        );
    }
}
