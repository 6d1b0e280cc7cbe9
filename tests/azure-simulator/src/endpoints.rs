//! Where a simulator is, for those who want to reach it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{managed_identity::ManagedIdentityEndpoints, names::Names, wire::tls::Authority};

/// Where a running simulator is; written to `endpoints.json`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// Base URL of the port of all Azure hosts, by address.
    pub azure: String,
    /// That port.
    pub port: u16,
    /// Base URL of the admin API.
    pub admin: String,
    /// Entra's authority, by name.
    pub authority_host: String,
    /// The resource manager, by name.
    pub resource_manager: String,
    /// What follows a vault's name and a dot.
    pub key_vault_suffix: String,
    /// Audience of vault tokens.
    pub key_vault_audience: String,
    /// What follows a storage account's name, a service as `dfs`, and a dot each.
    pub storage_suffix: String,
    /// Audience of tokens for storage accounts; `https://storage.azure.com` is one, too.
    pub storage_audience: String,
    /// What follows a Data Lake Store's name and a dot.
    pub data_lake_store_suffix: String,
    /// Audience of tokens for Data Lake Stores; `https://datalake.azure.net` is one, too.
    pub data_lake_store_audience: String,
    /// Where the machine gives out tokens of managed identities.
    pub managed_identity: ManagedIdentityEndpoints,
    /// The CA's certificate, PEM.
    pub ca_file: PathBuf,
    /// The simulator's DNS.
    pub hosts_file: PathBuf,
    /// Process id.
    pub pid: u32,
}

impl Endpoints {
    /// Of a simulator with these addresses: of Azure's hosts, and of the admin API.
    pub(crate) fn of(
        names: &Names,
        dir: &Path,
        (azure, admin): (SocketAddr, SocketAddr),
        managed_identity: ManagedIdentityEndpoints,
        hosts_file: &Path,
    ) -> Self {
        Self {
            azure: format!("{}://{azure}", names.scheme),
            port: azure.port(),
            admin: format!("http://{admin}"),
            authority_host: format!("{}://{}", names.scheme, names.login()),
            resource_manager: format!("{}://{}", names.scheme, names.management()),
            key_vault_suffix: names.vault_suffix(),
            key_vault_audience: names.vault_audience(),
            storage_suffix: names.storage_suffix(),
            storage_audience: names.storage_audience(),
            data_lake_store_suffix: names.lake_store_suffix(),
            data_lake_store_audience: names.lake_store_audience(),
            managed_identity,
            ca_file: Authority::file(dir),
            hosts_file: hosts_file.to_owned(),
            pid: std::process::id(),
        }
    }
}
