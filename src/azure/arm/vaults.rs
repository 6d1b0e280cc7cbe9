//! Vaults in Resource Manager: calls ("Vaults - REST API", Microsoft.KeyVault). Pure.

use http::Method;
use serde_json::{Map, Value, json};

pub use super::vault_answers::{find_deleted, read, read_deleted, read_name};
use super::{ApiVersions, Call, Location, ResourceId, SubscriptionId};
use crate::azure_resource::difference::{Difference, touches};
use crate::key_vault::api::{Authorization, Bypass, DefaultAction, Sku};
use crate::key_vault::vault::{Authority, Network, Policies, Settings, SkuName, Vault};

/// Codes of a 404 that say that there is no such vault.
pub const ABSENT: &[&str] = &["ResourceNotFound", "ResourceGroupNotFound"];
/// Codes of a 404 that say that there is no such deleted vault.
pub const NOT_DELETED: &[&str] = &["DeletedVaultNotFound", "VaultNotFound", "ResourceNotFound"];

const READ: &str = "Microsoft.KeyVault/vaults/read";
const WRITE: &str = "Microsoft.KeyVault/vaults/write";

fn call(
    versions: &ApiVersions,
    id: &ResourceId,
    (operation, method, action): (&'static str, Method, &'static str),
) -> Call {
    Call {
        operation,
        method,
        path: id.to_string(),
        query: Vec::new(),
        api_version: versions.vaults,
        subscription: id.subscription().clone(),
        what: format!("vault {:?}", id.name()),
        body: None,
        action,
    }
}

/// Reads a vault.
pub fn get(versions: &ApiVersions, id: &ResourceId) -> Call {
    call(versions, id, ("GetVault", Method::GET, READ))
}

/// Makes a vault; one that exists would be replaced.
pub fn put(versions: &ApiVersions, id: &ResourceId, vault: &Vault) -> Call {
    let mut properties = settings(versions, &vault.settings, |_| true);
    properties.insert("tenantId".to_owned(), json!(vault.tenant));
    let policies = entries(&vault.policies, &vault.tenant);
    properties.insert("accessPolicies".to_owned(), policies);
    if versions.has_soft_delete {
        properties.insert("enableSoftDelete".to_owned(), json!(true));
        if let Some(days) = vault.retention {
            properties.insert("softDeleteRetentionInDays".to_owned(), json!(days));
        }
    }
    // Azure refuses to be told false, even at creation.
    if vault.purge_protection && versions.has_purge_protection {
        properties.insert("enablePurgeProtection".to_owned(), json!(true));
    }
    let body = json!({ "location": vault.location, "tags": vault.tags, "properties": properties });
    Call {
        body: Some(body),
        ..call(versions, id, ("CreateOrUpdateVault", Method::PUT, WRITE))
    }
}

/// Brings a deleted vault back, as it was.
pub fn recover(versions: &ApiVersions, id: &ResourceId, vault: &Vault) -> Call {
    let properties = json!({
        "tenantId": vault.tenant,
        "sku": { "family": "A", "name": sku_word(vault.settings.sku) },
        "createMode": "recover",
    });
    let body = json!({ "location": vault.location, "tags": vault.tags, "properties": properties });
    Call {
        body: Some(body),
        ..call(versions, id, ("RecoverVault", Method::PUT, WRITE))
    }
}

/// Changes a vault where it differs, to what `vault` has; the rest is left as it is.
pub fn patch(
    versions: &ApiVersions,
    id: &ResourceId,
    vault: &Vault,
    differences: &[Difference],
) -> Call {
    let differs = |path: &str| touches(differences, path);
    let mut properties = settings(versions, &vault.settings, differs);
    if differs("purgeProtection") && vault.purge_protection {
        properties.insert("enablePurgeProtection".to_owned(), json!(true));
    }
    let mut body = Map::new();
    if differs("tags") {
        body.insert("tags".to_owned(), json!(vault.tags));
    }
    body.insert("properties".to_owned(), Value::Object(properties));
    Call {
        body: Some(Value::Object(body)),
        ..call(versions, id, ("UpdateVault", Method::PATCH, WRITE))
    }
}

/// Which settings there are depends on the version; who decides about access is always said, since versions differ in what
/// they take for granted.
fn settings(
    versions: &ApiVersions,
    settings: &Settings,
    wanted: impl Fn(&str) -> bool,
) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut say = |path: &str, name: &str, value: Value| {
        if wanted(path) {
            properties.insert(name.to_owned(), value);
        }
    };
    let sku = json!({ "family": "A", "name": sku_word(settings.sku) });
    say("sku", "sku", sku);
    let switches = [
        ("enabledForDeployment", settings.for_deployment),
        ("enabledForDiskEncryption", settings.for_disk_encryption),
        (
            "enabledForTemplateDeployment",
            settings.for_template_deployment,
        ),
    ];
    for (name, on) in switches {
        say(name, name, json!(on));
    }
    if versions.has_network_rules {
        say("networkRules", "networkAcls", network(&settings.network));
        let public = settings.public_access.to_string();
        say("publicNetworkAccess", "publicNetworkAccess", json!(public));
    }
    if versions.has_rbac {
        let rbac = settings.authorization == Authority(Authorization::RBAC);
        properties.insert("enableRbacAuthorization".to_owned(), json!(rbac));
    }
    properties
}

fn sku_word(sku: SkuName) -> &'static str {
    match sku.0 {
        Sku::Standard => "standard",
        Sku::Premium => "premium",
    }
}

fn network(network: &Network) -> Value {
    let addresses = network
        .addresses
        .iter()
        .map(|range| json!({ "value": range.to_string() }));
    let subnets = network
        .subnets
        .iter()
        .map(|(id, ignore)| json!({ "id": id, "ignoreMissingVnetServiceEndpoint": ignore }));
    json!({
        "defaultAction": match network.default { DefaultAction::Allow => "Allow", DefaultAction::Deny => "Deny" },
        "bypass": match network.bypass { Bypass::AzureServices => "AzureServices", Bypass::None => "None" },
        "ipRules": addresses.collect::<Vec<_>>(),
        "virtualNetworkRules": subnets.collect::<Vec<_>>(),
    })
}

/// What is done with access policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyChange {
    /// They are added.
    Add,
    /// They are set in place of those of the same principals.
    Replace,
    /// They are taken back.
    Remove,
}

/// Changes some access policies and leaves the others alone.
pub fn policies(
    versions: &ApiVersions,
    id: &ResourceId,
    change: PolicyChange,
    (policies, tenant): (&Policies, &str),
) -> Call {
    let (operation, word) = match change {
        PolicyChange::Add => ("AddAccessPolicies", "add"),
        PolicyChange::Replace => ("ReplaceAccessPolicies", "replace"),
        PolicyChange::Remove => ("RemoveAccessPolicies", "remove"),
    };
    let action = "Microsoft.KeyVault/vaults/accessPolicies/write";
    let made = call(versions, id, (operation, Method::PUT, action));
    Call {
        path: format!("{}/accessPolicies/{word}", made.path),
        body: Some(json!({ "properties": { "accessPolicies": entries(policies, tenant) } })),
        ..made
    }
}

fn entries(policies: &Policies, tenant: &str) -> Value {
    let each = policies.iter().map(|(who, permissions)| {
        let mut entry = json!({
            "tenantId": tenant,
            "objectId": who.object,
            "permissions": {
                "secrets": permissions.secrets,
                "keys": permissions.keys,
                "certificates": permissions.certificates,
                "storage": permissions.storage,
            },
        });
        if let Some(application) = &who.application {
            entry["applicationId"] = json!(application);
        }
        entry
    });
    Value::Array(each.collect())
}

/// Deletes a vault softly.
pub fn delete(versions: &ApiVersions, id: &ResourceId) -> Call {
    let action = "Microsoft.KeyVault/vaults/delete";
    call(versions, id, ("DeleteVault", Method::DELETE, action))
}

/// Reads a deleted vault.
pub fn deleted(versions: &ApiVersions, id: &ResourceId, location: &Location) -> Call {
    let action = "Microsoft.KeyVault/locations/deletedVaults/read";
    let made = call(versions, id, ("GetDeletedVault", Method::GET, action));
    Call {
        path: deleted_path(id, location),
        what: format!("deleted vault {:?}", id.name()),
        ..made
    }
}

fn deleted_path(id: &ResourceId, location: &Location) -> String {
    let subscription = id.subscription().path();
    format!(
        "{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{}",
        id.name()
    )
}

/// Lists all deleted vaults of a subscription. Further pages by [`super::next`].
pub fn all_deleted(versions: &ApiVersions, subscription: &SubscriptionId) -> Call {
    Call {
        operation: "ListDeletedVaults",
        method: Method::GET,
        path: format!(
            "{}/providers/Microsoft.KeyVault/deletedVaults",
            subscription.path()
        ),
        query: Vec::new(),
        api_version: versions.vaults,
        subscription: subscription.clone(),
        what: format!("the deleted vaults of subscription {subscription}"),
        body: None,
        action: "Microsoft.KeyVault/deletedVaults/read",
    }
}

/// Destroys a deleted vault.
pub fn purge(versions: &ApiVersions, id: &ResourceId, location: &Location) -> Call {
    let action = "Microsoft.KeyVault/locations/deletedVaults/purge/action";
    let made = call(versions, id, ("PurgeDeletedVault", Method::POST, action));
    Call {
        path: format!("{}/purge", deleted_path(id, location)),
        what: format!("deleted vault {:?}", id.name()),
        ..made
    }
}

/// Asks whether a name can be had.
pub fn check_name(versions: &ApiVersions, id: &ResourceId) -> Call {
    let subscription = id.subscription().path();
    let action = "Microsoft.KeyVault/checkNameAvailability/read";
    Call {
        path: format!("{subscription}/providers/Microsoft.KeyVault/checkNameAvailability"),
        body: Some(json!({ "name": id.name(), "type": "Microsoft.KeyVault/vaults" })),
        ..call(versions, id, ("CheckVaultName", Method::POST, action))
    }
}

#[cfg(test)]
#[path = "vaults_tests.rs"]
mod tests;
