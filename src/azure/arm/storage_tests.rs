use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::*;
use crate::azure::arm::fixtures::profile;
use crate::azure::arm::{Reply, operation};
use crate::azure::fixtures::shared;
use crate::azure_resource::values::Word;
use crate::data_lake_account::account::ResourceRule;
use crate::problem::Reason;

pub(in crate::azure::arm) const ACCOUNT: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/lakea";

pub(in crate::azure::arm) fn id() -> ResourceId {
    ACCOUNT.parse().unwrap()
}

pub(in crate::azure::arm) fn versions() -> &'static ApiVersions {
    ApiVersions::of(&profile().cloud)
}

pub(in crate::azure::arm) fn reply(body: Value) -> Reply {
    Reply {
        status: 200,
        body,
        operation: None,
        retry_after: None,
    }
}

/// As Azure tells an account of older days, of which much is not said.
fn bare() -> Value {
    json!({
        "id": ACCOUNT, "location": "West Europe", "kind": "StorageV2", "tags": null,
        "sku": { "name": "Standard_LRS", "tier": "Standard" },
        "properties": { "isHnsEnabled": true, "provisioningState": "Succeeded" },
    })
}

/// One with everything.
fn full() -> Value {
    let id = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Lake";
    json!({
        "id": ACCOUNT, "location": "westeurope", "kind": "StorageV2", "tags": { "team": "a" },
        "sku": { "name": "Standard_ZRS" },
        "identity": { "type": "SystemAssigned, UserAssigned", "principalId": "x", "userAssignedIdentities": { id: { "clientId": "x" } } },
        "properties": {
            "isHnsEnabled": true, "isNfsV3Enabled": false, "isSftpEnabled": true, "accessTier": "cool",
            "minimumTlsVersion": "TLS1_3", "allowSharedKeyAccess": false, "allowBlobPublicAccess": false,
            "supportsHttpsTrafficOnly": true, "publicNetworkAccess": "disabled",
            "networkAcls": {
                "bypass": "Metrics, azureservices", "defaultAction": "Deny",
                "ipRules": [{ "value": "203.0.113.7", "action": "Allow" }, { "value": "198.51.100.0/24" }],
                "virtualNetworkRules": [{ "id": "/Subnets/A", "action": "Allow", "state": "Succeeded" }],
                "resourceAccessRules": [{ "tenantId": "T", "resourceId": "/R" }],
            },
            "encryption": {
                "keySource": "microsoft.keyvault", "identity": { "userAssignedIdentity": id },
                "keyvaultproperties": { "keyvaulturi": "https://kv-a.vault.azure.net/", "keyname": "lake", "keyversion": "" },
            },
            "primaryEndpoints": { "dfs": "https://lakea.dfs.core.windows.net/", "microsoftEndpoints": { "dfs": "x" } },
            "keyCreationTime": { "key1": "2026-11-20T07:00:00Z", "key2": null },
            "provisioningState": "ResolvingDNS",
        },
    })
}

fn account(body: Value) -> StorageAccount {
    read(&reply(body)).unwrap()
}

#[test]
fn what_is_not_told_is_as_azure_takes_it() {
    let bare = account(bare());
    let settings = &bare.settings;
    assert!(settings.shared_keys && settings.https_only);
    assert!(!settings.blob_public_access && !settings.sftp && !bare.nfs_v3);
    assert_eq!(settings.minimum_tls, Word::new("TLS1_0"));
    assert_eq!(settings.public_access, Word::new("Enabled"));
    assert_eq!(settings.network, Network::default());
    assert_eq!(settings.encryption, Encryption::Microsoft);
    assert_eq!(
        (bare.location.as_str(), bare.is_at_rest()),
        ("westeurope", true)
    );
}

#[test]
fn an_account_is_read_by_meaning() {
    let full = account(full());
    let settings = &full.settings;
    assert_eq!(settings.access_tier, Some(Word::new("Cool")));
    assert_eq!(settings.public_access, Word::new("Disabled"));
    let network = &settings.network;
    assert_eq!(network.default, DefaultAction::Deny);
    assert_eq!(
        network.bypass,
        BTreeSet::from([Bypass::AzureServices, Bypass::Metrics])
    );
    assert!(
        network
            .addresses
            .contains(&Cidr::parse("203.0.113.7/32").unwrap())
    );
    assert!(network.subnets.contains("/subnets/a"));
    let rule = ResourceRule {
        tenant: "t".to_owned(),
        id: "/r".to_owned(),
    };
    assert!(network.resources.contains(&rule));
    let Encryption::Customer(key) = &settings.encryption else {
        panic!("{:?}", settings.encryption);
    };
    assert_eq!(
        (key.vault.as_str(), key.version.as_deref()),
        ("https://kv-a.vault.azure.net", None)
    );
    assert!(
        full.identities.own
            && full
                .identities
                .assigned
                .contains(key.identity.as_ref().unwrap())
    );
    let dfs = (
        "dfs".to_owned(),
        "https://lakea.dfs.core.windows.net/".to_owned(),
    );
    assert_eq!(full.endpoints, BTreeMap::from([dfs]));
    assert_eq!(full.keys_made.len(), 1);
    assert!(!full.is_at_rest());
}

#[test]
fn what_is_not_understood_is_no_account() {
    for (path, value) in [
        ("/id", json!(null)),
        ("/sku", json!({})),
        ("/properties", json!([])),
        ("/properties/allowSharedKeyAccess", json!("yes")),
        ("/properties/networkAcls/bypass", json!("Everything")),
        ("/properties/networkAcls/defaultAction", json!("Maybe")),
        ("/properties/networkAcls/ipRules", json!([{ "value": "x" }])),
        ("/properties/encryption/keyvaultproperties", json!(null)),
    ] {
        let mut body = full();
        *body.pointer_mut(path).unwrap() = value;
        let problem = read(&reply(body)).unwrap_err();
        assert_eq!(problem.reason, Reason::MalformedAnswer, "{path}");
    }
}

#[test]
fn what_was_made_is_read_as_it_was_said() {
    let wanted = account(full());
    let mut body = put(versions(), &id(), &wanted).body.unwrap();
    assert_eq!(body["kind"], "StorageV2");
    assert_eq!(body["properties"]["isHnsEnabled"], true);
    assert_eq!(body["properties"]["isLocalUserEnabled"], true);
    body["id"] = json!(ACCOUNT);
    let made = account(body);
    assert_eq!(made.settings, wanted.settings);
    assert_eq!(made.identities, wanted.identities);
}

#[test]
fn a_range_of_two_addresses_is_said_as_two() {
    let mut wanted = account(bare());
    wanted.settings.network.addresses = BTreeSet::from([Cidr::parse("10.0.0.2/31").unwrap()]);
    let body = put(versions(), &id(), &wanted).body.unwrap();
    let rules = &body["properties"]["networkAcls"]["ipRules"];
    assert_eq!(rules[0]["value"], "10.0.0.2");
    assert_eq!(rules[1]["value"], "10.0.0.3");
}

#[test]
fn nfs_goes_without_tls_and_fast_disks_have_no_tier() {
    let mut wanted = account(bare());
    wanted.settings = Settings::new(Word::new("Premium_LRS"));
    wanted.nfs_v3 = true;
    let body = put(versions(), &id(), &wanted).body.unwrap();
    assert_eq!(body["kind"], "BlockBlobStorage");
    assert_eq!(body["properties"]["supportsHttpsTrafficOnly"], false);
    assert_eq!(body["properties"].get("accessTier"), None);
    assert_eq!(body.get("identity"), None);
}

#[test]
fn a_change_says_what_differs_and_nothing_else() {
    let wanted = account(full());
    let patched = |paths: &[&str]| {
        let each = paths.iter().map(|path| Difference::new(*path, "a", "b"));
        let call = patch(versions(), &id(), &wanted, &each.collect::<Vec<_>>());
        assert_eq!(call.method, Method::PATCH);
        call.body.unwrap()
    };
    assert_eq!(patched(&["tags.team"]), json!({ "tags": { "team": "a" } }));
    assert_eq!(
        patched(&["sku"]),
        json!({ "sku": { "name": "Standard_ZRS" } })
    );
    assert_eq!(
        patched(&["sharedKeyAccess", "minimumTlsVersion"]),
        json!({ "properties": { "allowSharedKeyAccess": false, "minimumTlsVersion": "TLS1_3" } })
    );
    let network = patched(&["networkRules.ipRules"]);
    assert_eq!(network["properties"].as_object().unwrap().len(), 1);
    assert_eq!(
        network["properties"]["networkAcls"]["bypass"],
        "AzureServices, Metrics"
    );
    let encryption = patched(&["encryption"]);
    assert_eq!(
        encryption["identity"]["type"],
        "SystemAssigned,UserAssigned"
    );
    assert_eq!(
        encryption["properties"]["encryption"]["keySource"],
        "Microsoft.Keyvault"
    );
}

#[test]
fn calls_are_those_of_the_reference() {
    let rows = [
        (get(versions(), &id()), Method::GET, ""),
        (delete(versions(), &id()), Method::DELETE, ""),
        (keys(versions(), &id()), Method::POST, "/listKeys"),
        (
            regenerate(versions(), &id(), "key2"),
            Method::POST,
            "/regenerateKey",
        ),
    ];
    for (call, method, path) in rows {
        assert_eq!(
            (call.method, call.path),
            (method, format!("{ACCOUNT}{path}"))
        );
        assert_eq!(call.api_version, "2023-05-01");
    }
    let renewed = regenerate(versions(), &id(), "key2").body.unwrap();
    assert_eq!(renewed, json!({ "keyName": "key2" }));
    let asked = check_name(versions(), &id());
    assert!(
        asked
            .path
            .ends_with("/providers/Microsoft.Storage/checkNameAvailability")
    );
    assert_eq!(asked.body.unwrap()["name"], "lakea");
}

#[test]
fn keys_are_secret_from_the_first() {
    let told = json!({ "keys": [
        { "keyName": "key1", "value": "aHVudGVyMg==", "permissions": "FULL", "creationTime": "2026-11-20T07:00:00Z" },
        { "keyName": "key2", "value": "aHVudGVyMw==", "permissions": "FULL" },
    ] });
    let keys = read_keys(reply(told)).unwrap();
    assert_eq!(keys[0].value.expose(), b"aHVudGVyMg==");
    assert!(keys[0].made.is_some() && keys[1].made.is_none());
    assert!(!format!("{keys:?}").contains("aHVudGVy"));
    for bad in [
        json!({}),
        json!({ "keys": [] }),
        json!({ "keys": [{ "keyName": "key1" }] }),
    ] {
        assert_eq!(
            read_keys(reply(bad)).unwrap_err().reason,
            Reason::MalformedAnswer
        );
    }
}

#[test]
fn the_making_of_an_account_is_followed_by_its_location() {
    let call = put(versions(), &id(), &account(bare()));
    let url = "https://management.azure.com/subscriptions/44444444-4444-4444-4444-444444444444/providers/Microsoft.Storage/locations/westus/asyncoperations/1?monitor=true&api-version=2023-05-01";
    let headers = [("location", url), ("retry-after", "17")];
    let answer = crate::azure::fixtures::answer(202, &headers, "");
    let begun = operation::begun(&profile(), &call, &answer, &Value::Null).unwrap();
    assert_eq!(begun.unwrap().url, url);
}

#[test]
fn accounts_in_the_examples_of_azures_specification_are_read() {
    let path = "azure/specs/specification/storage/resource-manager/Microsoft.Storage/stable/2023-05-01/examples";
    let Some(folder) = shared(path) else { return };
    for name in [
        "StorageAccountGetProperties",
        "StorageAccountUpdate",
        "NfsV3AccountCreate",
        "StorageAccountCreate",
        "StorageAccountCreatePremiumBlockBlobStorage",
    ] {
        // Some of the regions are those of Azure's own tests.
        let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let whole: Value = serde_json::from_str(&text.replace("(stage)", "")).unwrap();
        let body = whole["responses"]["200"]["body"].clone();
        let read = account(body);
        assert!(read.id.contains("/storageAccounts/sto"), "{name}");
    }
}

#[test]
fn accounts_in_recordings_are_read() {
    let Some(folder) = shared("azure/recordings/aso") else {
        return;
    };
    let mut lakes = 0;
    for file in fs::read_dir(folder).unwrap() {
        for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
            let body = line.trim().strip_prefix("body: '");
            let Some(body) = body.and_then(|body| body.strip_suffix('\'')) else {
                continue;
            };
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            if body["type"] == "Microsoft.Storage/storageAccounts" {
                let read = account(body);
                assert!(read.settings.shared_keys && read.endpoints.contains_key("blob"));
                lakes += usize::from(read.hierarchical);
            }
        }
    }
    assert!(
        lakes > 0,
        "no account with a hierarchical namespace was met"
    );
}
