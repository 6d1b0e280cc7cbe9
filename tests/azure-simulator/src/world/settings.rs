//! Settings of Entra and the vaults, and what a patch of all settings names.

use serde::{Deserialize, Serialize};

use super::manager_settings::{Limits, LroPatch};

/// Settings to change; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SettingsPatch {
    pub(crate) vault_latency_ms: Option<u64>,
    pub(crate) token_latency_ms: Option<u64>,
    pub(crate) storage_latency_ms: Option<u64>,
    pub(crate) filesystem_deletion_ms: Option<u32>,
    pub(crate) token_lifetime_seconds: Option<i64>,
    pub(crate) managed_identity_lifetime_seconds: Option<i64>,
    pub(crate) deletion_delay_ms: Option<u32>,
    pub(crate) issuance_delay_ms: Option<u32>,
    pub(crate) device_code_interval_seconds: Option<i64>,
    pub(crate) device_code_lifetime_seconds: Option<i64>,
    pub(crate) resource_manager_latency_ms: Option<u64>,
    pub(crate) vault_creation_ms: Option<u32>,
    pub(crate) vault_deletion_ms: Option<u32>,
    pub(crate) purge_ms: Option<u32>,
    pub(crate) group_deletion_ms: Option<u32>,
    pub(crate) registration_ms: Option<u32>,
    pub(crate) storage_creation_ms: Option<u32>,
    pub(crate) storage_migration_ms: Option<u32>,
    pub(crate) storage_name_hold_ms: Option<u32>,
    pub(crate) storage_accounts_per_region: Option<usize>,
    pub(crate) lake_store_creation_ms: Option<u32>,
    pub(crate) lake_store_deletion_ms: Option<u32>,
    pub(crate) role_delay_ms: Option<u32>,
    pub(crate) principal_delay_ms: Option<u32>,
    /// Empty: where callers are.
    pub(crate) client_address: Option<String>,
    pub(crate) lro: Option<LroPatch>,
    pub(crate) throttle: Option<Limits>,
}

/// Settings in force.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    /// Time that each vault request takes at least.
    pub(crate) vault_latency_ms: u64,
    /// Time that each request to the login host or for a managed identity takes at least.
    pub(crate) token_latency_ms: u64,
    /// Time that each request to a storage account or a Data Lake Store takes at least.
    pub(crate) storage_latency_ms: u64,
    /// How long the name of a filesystem that is deleted is not free.
    pub(crate) filesystem_deletion_ms: u32,
    /// Life of an access token.
    pub(crate) token_lifetime_seconds: i64,
    /// Life of an access token of a managed identity.
    pub(crate) managed_identity_lifetime_seconds: i64,
    /// How long delete, recover and purge take to show, as they are asynchronous in Azure.
    pub(crate) deletion_delay_ms: u32,
    /// How long a certificate that is created is being made.
    pub(crate) issuance_delay_ms: u32,
    /// How long a device is told to wait between polls.
    pub(crate) device_code_interval_seconds: i64,
    /// Life of a device code.
    pub(crate) device_code_lifetime_seconds: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            vault_latency_ms: 0,
            token_latency_ms: 0,
            storage_latency_ms: 0,
            filesystem_deletion_ms: 300,
            token_lifetime_seconds: 3600,
            managed_identity_lifetime_seconds: 24 * 60 * 60,
            deletion_delay_ms: 300,
            issuance_delay_ms: 300,
            device_code_interval_seconds: 5,
            device_code_lifetime_seconds: 900,
        }
    }
}

impl Settings {
    pub(crate) fn patched(self, patch: &SettingsPatch) -> Self {
        Self {
            vault_latency_ms: patch.vault_latency_ms.unwrap_or(self.vault_latency_ms),
            token_latency_ms: patch.token_latency_ms.unwrap_or(self.token_latency_ms),
            storage_latency_ms: patch.storage_latency_ms.unwrap_or(self.storage_latency_ms),
            filesystem_deletion_ms: patch
                .filesystem_deletion_ms
                .unwrap_or(self.filesystem_deletion_ms),
            token_lifetime_seconds: patch
                .token_lifetime_seconds
                .unwrap_or(self.token_lifetime_seconds),
            managed_identity_lifetime_seconds: patch
                .managed_identity_lifetime_seconds
                .unwrap_or(self.managed_identity_lifetime_seconds),
            deletion_delay_ms: patch.deletion_delay_ms.unwrap_or(self.deletion_delay_ms),
            issuance_delay_ms: patch.issuance_delay_ms.unwrap_or(self.issuance_delay_ms),
            device_code_interval_seconds: patch
                .device_code_interval_seconds
                .unwrap_or(self.device_code_interval_seconds),
            device_code_lifetime_seconds: patch
                .device_code_lifetime_seconds
                .unwrap_or(self.device_code_lifetime_seconds),
        }
    }
}
