//! The api-versions that the providers know.

use super::route::Space;
use crate::world::failure::Failure;

/// Of vaults; previews too. The newest of the public cloud is last.
const VAULTS: &[&str] = &[
    "2015-06-01",
    "2016-10-01",
    "2018-02-14-preview",
    "2018-02-14",
    "2019-09-01",
    "2020-04-01-preview",
    "2021-04-01-preview",
    "2021-06-01-preview",
    "2021-10-01",
    "2021-11-01-preview",
    "2022-02-01-preview",
    "2022-07-01",
    "2022-11-01",
    "2023-02-01",
    "2023-07-01",
    "2024-04-01-preview",
    "2024-11-01",
    "2024-12-01-preview",
    "2025-05-01",
    "2026-02-01",
    "2026-04-01",
    "2026-05-15",
];

/// From here on a new vault decides by roles when nothing is said.
pub(super) const RBAC_BY_DEFAULT: &str = "2026-02-01";

const RESOURCES: &[&str] = &[
    "2015-01-01",
    "2015-11-01",
    "2016-02-01",
    "2016-06-01",
    "2016-07-01",
    "2016-09-01",
    "2017-05-10",
    "2018-01-01",
    "2018-02-01",
    "2018-05-01",
    "2019-03-01",
    "2019-05-01",
    "2019-05-10",
    "2019-06-01",
    "2019-07-01",
    "2019-08-01",
    "2019-10-01",
    "2019-11-01",
    "2020-01-01",
    "2020-06-01",
    "2020-08-01",
    "2020-10-01",
    "2021-01-01",
    "2021-04-01",
    "2022-01-01",
    "2022-09-01",
    "2022-12-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-03-01",
    "2025-04-01",
];

const AUTHORIZATION: &[&str] = &[
    "2015-07-01",
    "2017-10-01-preview",
    "2018-01-01-preview",
    "2018-07-01",
    "2018-09-01-preview",
    "2020-04-01-preview",
    "2020-08-01-preview",
    "2020-10-01",
    "2020-10-01-preview",
    "2021-04-01-preview",
    "2022-04-01",
    "2022-05-01-preview",
];

const STACK_VAULTS: &[&str] = &["2016-10-01"];
const STACK_RESOURCES: &[&str] = &[
    "2015-01-01",
    "2015-11-01",
    "2016-02-01",
    "2016-06-01",
    "2016-09-01",
    "2017-05-10",
    "2018-02-01",
    "2018-05-01",
    "2019-10-01",
];
const STACK_AUTHORIZATION: &[&str] = &["2015-07-01", "2016-09-01-preview"];

/// Of storage accounts. The newest is last.
const STORAGE: &[&str] = &[
    "2015-05-01-preview",
    "2015-06-15",
    "2016-01-01",
    "2016-05-01",
    "2016-12-01",
    "2017-06-01",
    "2017-10-01",
    "2018-02-01",
    "2018-03-01-preview",
    "2018-07-01",
    "2018-11-01",
    "2019-04-01",
    "2019-06-01",
    "2020-08-01-preview",
    "2021-01-01",
    "2021-02-01",
    "2021-04-01",
    "2021-05-01",
    "2021-06-01",
    "2021-08-01",
    "2021-09-01",
    "2022-05-01",
    "2022-09-01",
    "2023-01-01",
    "2023-04-01",
    "2023-05-01",
    "2024-01-01",
    "2025-01-01",
    "2025-06-01",
    "2025-08-01",
    "2026-04-01",
    "2026-06-01",
    "2026-09-01",
];

/// Of Data Lake Stores (Gen1).
const LAKE_STORES: &[&str] = &["2015-10-01-preview", "2016-11-01"];

/// The versions of a provider, on a stack or not.
pub(super) fn known(space: Space, on_stack: bool) -> &'static [&'static str] {
    match (space, on_stack) {
        (Space::KeyVault, false) => VAULTS,
        (Space::KeyVault, true) => STACK_VAULTS,
        (Space::Resources, false) => RESOURCES,
        (Space::Resources, true) => STACK_RESOURCES,
        (Space::Authorization, false) => AUTHORIZATION,
        (Space::Authorization, true) => STACK_AUTHORIZATION,
        (Space::Storage, false) => STORAGE,
        (Space::LakeStore, false) => LAKE_STORES,
        // A stack's accounts have no files of a lake: none is simulated.
        (Space::Storage | Space::LakeStore, true) => &[],
    }
}

/// Refuses a version that the provider does not know; `location` is the resource's, or that of the cloud.
pub(super) fn check(
    space: Space,
    on_stack: bool,
    given: &str,
    location: &str,
) -> Result<(), Failure> {
    let known = known(space, on_stack);
    if known.contains(&given) {
        return Ok(());
    }
    Err(match space {
        Space::KeyVault | Space::Storage | Space::LakeStore => Failure::gateway(
            400,
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '{location}' and API version '{given}' for type \
                 '{}'. The supported api-versions are '{}'. The supported locations are '{location}'.",
                type_of(space),
                known.join(", ")
            ),
        ),
        Space::Resources | Space::Authorization => Failure::gateway(
            400,
            "InvalidApiVersionParameter",
            format!(
                "The api-version '{given}' is invalid. The supported versions are '{}'.",
                known.join(",")
            ),
        ),
    })
}

/// The type of a provider's resources, without its namespace.
pub(super) fn type_of(space: Space) -> &'static str {
    match space {
        Space::KeyVault => "vaults",
        Space::Storage => "storageAccounts",
        Space::LakeStore => "accounts",
        Space::Resources => "resourceGroups",
        Space::Authorization => "roleAssignments",
    }
}
