//! Storage accounts in Resource Manager: calls ("Storage Accounts - REST API", Microsoft.Storage). Pure.

use http::Method;
use serde_json::{Map, Value, json};

pub use super::storage_answers::{Key, read, read_keys};
pub use super::vault_answers::read_name;
use super::{ApiVersions, Call, ResourceId};
use crate::azure_resource::api::DefaultAction;
use crate::azure_resource::difference::{Difference, touches};
use crate::azure_resource::values::Cidr;
use crate::data_lake_account::account::{
    CustomerKey, Encryption, Identities, Network, Settings, StorageAccount, kind_of,
};
use crate::data_lake_account::api::Bypass;

/// Codes of a 404 that say that there is no such account.
pub const ABSENT: &[&str] = &[
    "ResourceNotFound",
    "ResourceGroupNotFound",
    "StorageAccountNotFound",
];

const READ: &str = "Microsoft.Storage/storageAccounts/read";
const WRITE: &str = "Microsoft.Storage/storageAccounts/write";

pub(super) fn call(
    versions: &ApiVersions,
    id: &ResourceId,
    (operation, method, action): (&'static str, Method, &'static str),
) -> Call {
    Call {
        operation,
        method,
        path: id.to_string(),
        query: Vec::new(),
        api_version: versions.storage,
        subscription: id.subscription().clone(),
        what: format!("storage account {:?}", id.name()),
        body: None,
        action,
    }
}

/// Reads an account.
pub fn get(versions: &ApiVersions, id: &ResourceId) -> Call {
    call(versions, id, ("GetStorageAccount", Method::GET, READ))
}

/// Makes an account with a hierarchical namespace; one that exists would be replaced.
pub fn put(versions: &ApiVersions, id: &ResourceId, account: &StorageAccount) -> Call {
    let settings = &account.settings;
    let mut properties = properties(settings, |_| true);
    properties.insert("isHnsEnabled".to_owned(), json!(true));
    if account.nfs_v3 {
        properties.insert("isNfsV3Enabled".to_owned(), json!(true));
        // NFS has no TLS, and Azure refuses it where that is demanded.
        properties.insert("supportsHttpsTrafficOnly".to_owned(), json!(false));
    }
    let mut body = json!({
        "location": account.location,
        "tags": account.tags,
        "kind": kind_of(&settings.sku).as_str(),
        "sku": { "name": settings.sku.as_str() },
        "properties": properties,
    });
    if let Some(identity) = identity(account) {
        body["identity"] = identity;
    }
    let named = ("CreateStorageAccount", Method::PUT, WRITE);
    Call {
        body: Some(body),
        ..call(versions, id, named)
    }
}

/// Changes an account where it differs, to what `account` has; the rest is left as it is.
pub fn patch(
    versions: &ApiVersions,
    id: &ResourceId,
    account: &StorageAccount,
    differences: &[Difference],
) -> Call {
    let differs = |path: &str| touches(differences, path);
    let mut body = Map::new();
    if differs("tags") {
        body.insert("tags".to_owned(), json!(account.tags));
    }
    if differs("sku") {
        let sku = json!({ "name": account.settings.sku.as_str() });
        body.insert("sku".to_owned(), sku);
    }
    if differs("encryption")
        && let Some(identity) = identity(account)
    {
        body.insert("identity".to_owned(), identity);
    }
    let properties = properties(&account.settings, differs);
    if !properties.is_empty() {
        body.insert("properties".to_owned(), Value::Object(properties));
    }
    Call {
        body: Some(Value::Object(body)),
        ..call(versions, id, ("UpdateStorageAccount", Method::PATCH, WRITE))
    }
}

/// Settings by the field of the spec that they are of.
fn properties(settings: &Settings, wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut say = |path: &str, name: &str, value: Value| {
        if wanted(path) {
            properties.insert(name.to_owned(), value);
        }
    };
    if let Some(tier) = &settings.access_tier {
        say("accessTier", "accessTier", json!(tier.as_str()));
    }
    let tls = json!(settings.minimum_tls.as_str());
    say("minimumTlsVersion", "minimumTlsVersion", tls);
    let keys = json!(settings.shared_keys);
    say("sharedKeyAccess", "allowSharedKeyAccess", keys);
    let public = json!(settings.blob_public_access);
    say("blobPublicAccess", "allowBlobPublicAccess", public);
    let https = json!(settings.https_only);
    say("httpsOnly", "supportsHttpsTrafficOnly", https);
    // SFTP has users of its own, and is refused without them.
    say("sftp", "isSftpEnabled", json!(settings.sftp));
    say("sftp", "isLocalUserEnabled", json!(settings.sftp));
    say("networkRules", "networkAcls", network(&settings.network));
    let access = json!(settings.public_access.as_str());
    say("publicNetworkAccess", "publicNetworkAccess", access);
    say("encryption", "encryption", encryption(&settings.encryption));
    properties
}

fn network(network: &Network) -> Value {
    let words: Vec<&str> = network.bypass.iter().map(|one| bypass(*one)).collect();
    let each = network.addresses.iter();
    let addresses = each
        .flat_map(|range| range.apart())
        .map(|range| json!({ "value": Cidr::short(range), "action": "Allow" }));
    let subnets = network
        .subnets
        .iter()
        .map(|id| json!({ "id": id, "action": "Allow" }));
    let resources = network
        .resources
        .iter()
        .map(|rule| json!({ "tenantId": rule.tenant, "resourceId": rule.id }));
    json!({
        "defaultAction": match network.default { DefaultAction::Allow => "Allow", DefaultAction::Deny => "Deny" },
        "bypass": if words.is_empty() { "None".to_owned() } else { words.join(", ") },
        "ipRules": addresses.collect::<Vec<_>>(),
        "virtualNetworkRules": subnets.collect::<Vec<_>>(),
        "resourceAccessRules": resources.collect::<Vec<_>>(),
    })
}

/// Azure's word.
pub(super) fn bypass(one: Bypass) -> &'static str {
    match one {
        Bypass::AzureServices => "AzureServices",
        Bypass::Logging => "Logging",
        Bypass::Metrics => "Metrics",
    }
}

fn encryption(encryption: &Encryption) -> Value {
    // A lake's data is in blobs, and one key for its other services is Azure's default.
    let services = json!({ "blob": { "enabled": true, "keyType": "Account" }, "file": { "enabled": true, "keyType": "Account" } });
    let Encryption::Customer(key) = encryption else {
        return json!({ "keySource": "Microsoft.Storage", "services": services });
    };
    let mut said = json!({
        "keySource": "Microsoft.Keyvault",
        "services": services,
        "keyvaultproperties": {
            "keyvaulturi": key.vault,
            "keyname": key.name,
            // None said is the newest, which Azure then follows.
            "keyversion": key.version.clone().unwrap_or_default(),
        },
    });
    if let Some(identity) = &key.identity {
        said["identity"] = json!({ "userAssignedIdentity": identity });
    }
    said
}

/// The identities of an account, with the one that its key takes; none where that takes none.
fn identity(account: &StorageAccount) -> Option<Value> {
    let Encryption::Customer(CustomerKey { identity, .. }) = &account.settings.encryption else {
        return None;
    };
    let Identities { own, assigned } = &account.identities;
    let own = *own || identity.is_none();
    let all: Map<String, Value> = assigned
        .iter()
        .chain(identity)
        .map(|id| (id.clone(), json!({})))
        .collect();
    Some(match (own, all.is_empty()) {
        (true, true) => json!({ "type": "SystemAssigned" }),
        (true, false) => {
            json!({ "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": all })
        }
        (false, _) => json!({ "type": "UserAssigned", "userAssignedIdentities": all }),
    })
}

/// Deletes an account with all that is in it.
pub fn delete(versions: &ApiVersions, id: &ResourceId) -> Call {
    let action = "Microsoft.Storage/storageAccounts/delete";
    let named = ("DeleteStorageAccount", Method::DELETE, action);
    call(versions, id, named)
}

/// Reads an account's keys; see [`read_keys`].
pub fn keys(versions: &ApiVersions, id: &ResourceId) -> Call {
    let action = "Microsoft.Storage/storageAccounts/listkeys/action";
    let made = call(versions, id, ("ListStorageKeys", Method::POST, action));
    Call {
        path: format!("{}/listKeys", made.path),
        ..made
    }
}

/// Makes a key anew, `key1` or `key2`; the answer is that of [`keys`]. Whoever uses the old one is shut out.
pub fn regenerate(versions: &ApiVersions, id: &ResourceId, key: &str) -> Call {
    let action = "Microsoft.Storage/storageAccounts/regeneratekey/action";
    let named = ("RegenerateStorageKey", Method::POST, action);
    let made = call(versions, id, named);
    Call {
        path: format!("{}/regenerateKey", made.path),
        body: Some(json!({ "keyName": key })),
        ..made
    }
}

/// Asks whether a name can be had.
pub fn check_name(versions: &ApiVersions, id: &ResourceId) -> Call {
    let subscription = id.subscription().path();
    let action = "Microsoft.Storage/checknameavailability/read";
    Call {
        path: format!("{subscription}/providers/Microsoft.Storage/checkNameAvailability"),
        body: Some(json!({ "name": id.name(), "type": "Microsoft.Storage/storageAccounts" })),
        ..call(versions, id, ("CheckStorageName", Method::POST, action))
    }
}

#[cfg(test)]
#[path = "storage_tests.rs"]
pub(in crate::azure::arm) mod tests;
