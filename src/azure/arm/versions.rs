//! Which versions of Azure's interfaces a cloud speaks, and what vaults and accounts can do there. Pure.

use crate::azure::cloud::Cloud;
use crate::azure_identity::api::ResourceManagerProfile;

/// The versions that calls of a cloud name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a feature that is there or not, apart from the others"
)]
pub struct ApiVersions {
    /// Microsoft.KeyVault.
    pub vaults: &'static str,
    /// Microsoft.Storage.
    pub storage: &'static str,
    /// Microsoft.DataLakeStore: Data Lake Store of the first generation.
    pub data_lake_store: &'static str,
    /// Microsoft.Resources: groups and providers.
    pub resources: &'static str,
    /// Microsoft.Authorization: role definitions and assignments.
    pub authorization: &'static str,
    /// Whether vaults can be opened by roles, and not by access policies alone.
    pub has_rbac: bool,
    /// Whether deleted vaults are kept for a while.
    pub has_soft_delete: bool,
    /// Whether vaults have network rules.
    pub has_network_rules: bool,
    /// Whether vaults can be protected from purging.
    pub has_purge_protection: bool,
    /// Whether vaults can have keys in hardware.
    pub has_premium: bool,
    /// Whether storage accounts can have directories and access control lists.
    pub has_lakes: bool,
}

/// Azure itself. Whether a new vault is opened by roles depends on the version, so it is always said.
const PUBLIC: ApiVersions = ApiVersions {
    vaults: "2026-05-15",
    storage: "2023-05-01",
    data_lake_store: "2016-11-01",
    resources: "2021-04-01",
    authorization: "2022-04-01",
    has_rbac: true,
    has_soft_delete: true,
    has_network_rules: true,
    has_purge_protection: true,
    has_premium: true,
    has_lakes: true,
};

/// What all hybrid profiles of Azure Stack Hub have, from 2018-03-01 on.
const AZURE_STACK: ApiVersions = ApiVersions {
    vaults: "2016-10-01",
    storage: "2016-01-01",
    data_lake_store: "2016-11-01",
    resources: "2018-02-01",
    authorization: "2015-07-01",
    has_rbac: false,
    has_soft_delete: false,
    has_network_rules: false,
    has_purge_protection: false,
    has_premium: false,
    has_lakes: false,
};

impl ApiVersions {
    /// Those of a cloud.
    pub fn of(cloud: &Cloud) -> &'static Self {
        let profile = cloud.resource_manager.as_ref().map(|known| known.profile);
        match profile.unwrap_or_default() {
            ResourceManagerProfile::Public => &PUBLIC,
            ResourceManagerProfile::AzureStack => &AZURE_STACK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::cloud::ResourceManager;
    use crate::azure_identity::api::CloudName;

    #[test]
    fn azure_stack_speaks_older_versions() {
        let public = Cloud::named(CloudName::China);
        assert!(ApiVersions::of(&public).has_rbac);
        let stack = Cloud {
            resource_manager: public
                .resource_manager
                .clone()
                .map(|manager| ResourceManager {
                    profile: ResourceManagerProfile::AzureStack,
                    ..manager
                }),
            ..public
        };
        let versions = ApiVersions::of(&stack);
        assert_eq!((versions.vaults, versions.has_rbac), ("2016-10-01", false));
    }
}
