//! Where things can be.

use serde_json::{Value, json};

use super::context::Context;
use crate::{
    wire::reply::Reply,
    world::{failure::Failure, scope},
};

/// What messages name when nothing says where something is.
pub(super) const DEFAULT: &str = "westeurope";

/// Regions of the simulator's own cloud: name, and how it is shown.
const LOCATIONS: &[(&str, &str)] = &[
    ("eastus", "East US"),
    ("eastus2", "East US 2"),
    ("centralus", "Central US"),
    ("northcentralus", "North Central US"),
    ("southcentralus", "South Central US"),
    ("westcentralus", "West Central US"),
    ("westus", "West US"),
    ("westus2", "West US 2"),
    ("westus3", "West US 3"),
    ("canadacentral", "Canada Central"),
    ("canadaeast", "Canada East"),
    ("brazilsouth", "Brazil South"),
    ("northeurope", "North Europe"),
    ("westeurope", "West Europe"),
    ("uksouth", "UK South"),
    ("ukwest", "UK West"),
    ("francecentral", "France Central"),
    ("germanywestcentral", "Germany West Central"),
    ("switzerlandnorth", "Switzerland North"),
    ("norwayeast", "Norway East"),
    ("swedencentral", "Sweden Central"),
    ("italynorth", "Italy North"),
    ("polandcentral", "Poland Central"),
    ("spaincentral", "Spain Central"),
    ("uaenorth", "UAE North"),
    ("southafricanorth", "South Africa North"),
    ("centralindia", "Central India"),
    ("southindia", "South India"),
    ("eastasia", "East Asia"),
    ("southeastasia", "Southeast Asia"),
    ("japaneast", "Japan East"),
    ("japanwest", "Japan West"),
    ("koreacentral", "Korea Central"),
    ("australiaeast", "Australia East"),
    ("australiasoutheast", "Australia Southeast"),
    ("usgovvirginia", "USGov Virginia"),
    ("usgovarizona", "USGov Arizona"),
    ("chinaeast2", "China East 2"),
    ("chinanorth3", "China North 3"),
];

/// A location as ids have it: lower case, without spaces.
pub(super) fn plain(given: &str) -> String {
    given
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase()
}

/// The location of a body; `kind` is the type of the resource.
pub(super) fn wanted(
    context: &Context<'_>,
    given: Option<&str>,
    kind: &str,
) -> Result<String, Failure> {
    let given = given.unwrap_or_default();
    if given.is_empty() {
        let message = "The location property is required for this definition.";
        return Err(Failure::gateway(400, "LocationRequired", message));
    }
    let location = plain(given);
    let known: Vec<String> = match context.stack {
        Some(stack) => vec![stack.region.to_ascii_lowercase()],
        None => LOCATIONS
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect(),
    };
    if known.contains(&location) {
        return Ok(location);
    }
    Err(Failure::gateway(
        400,
        "LocationNotAvailableForResourceType",
        format!(
            "The provided location '{given}' is not available for resource type '{kind}'. List of available regions for \
             the resource type is '{}'.",
            known.join(",")
        ),
    ))
}

/// Refuses to make something again in another location.
pub(super) fn same(name: &str, group: &str, present: &str, wanted: &str) -> Result<(), Failure> {
    if plain(present) == wanted {
        return Ok(());
    }
    Err(Failure::gateway(
        409,
        "InvalidResourceLocation",
        format!(
            "The resource '{name}' already exists in location '{present}' in resource group '{group}'. A resource with the \
             same name cannot be created in location '{wanted}'. Please select a new resource name."
        ),
    ))
}

/// The locations of a subscription.
#[allow(clippy::unnecessary_wraps, reason = "as all operations")]
pub(super) fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let id = scope::subscription(context.subscription);
    let entry = |name: &str, shown: &str| {
        json!({
            "id": format!("{id}/locations/{name}"), "name": name, "displayName": shown,
            "regionalDisplayName": shown, "type": "Region",
        })
    };
    let value: Vec<Value> = match context.stack {
        Some(stack) => vec![entry(&stack.region, &stack.region)],
        None => LOCATIONS
            .iter()
            .map(|(name, shown)| entry(name, shown))
            .collect(),
    };
    Ok(super::lists::whole(value))
}
