#[path = "vaults_reading_tests.rs"]
mod reading;

use serde_json::Value;

use super::*;
use crate::azure::arm::Reply;
use crate::azure::arm::fixtures::{SUBSCRIPTION, VAULT, profile, stack};
use crate::key_vault::vault::{Permissions, Principal};

fn versions() -> &'static ApiVersions {
    ApiVersions::of(&profile().cloud)
}

fn older() -> &'static ApiVersions {
    ApiVersions::of(&stack().cloud)
}

fn id() -> ResourceId {
    VAULT.parse().unwrap()
}

fn reply(body: Value) -> Reply {
    Reply {
        status: 200,
        body,
        operation: None,
        retry_after: None,
    }
}

/// A vault as Azure tells it, with everything in it.
fn told() -> Value {
    json!({
        "id": VAULT, "name": "kv-a", "type": "Microsoft.KeyVault/vaults", "location": "West Europe",
        "tags": { "team": "pay" }, "systemData": { "createdBy": "somebody" },
        "properties": {
            "tenantId": "11111111-1111-1111-1111-11111111111A",
            "sku": { "family": "A", "name": "Premium" },
            "accessPolicies": [{
                "tenantId": "11111111-1111-1111-1111-111111111111",
                "objectId": "33333333-3333-3333-3333-33333333333A",
                "applicationId": "22222222-2222-2222-2222-22222222222B",
                "permissions": { "secrets": ["Get", "list"], "keys": ["wrapKey"], "certificates": [], "storage": ["get"] },
            }],
            "enabledForDeployment": true, "enabledForDiskEncryption": true, "enabledForTemplateDeployment": true,
            "enableRbacAuthorization": true, "enableSoftDelete": true, "softDeleteRetentionInDays": 7,
            "enablePurgeProtection": true, "publicNetworkAccess": "disabled",
            "networkAcls": {
                "bypass": "None", "defaultAction": "deny",
                "ipRules": [{ "value": "203.0.113.7" }, { "value": "198.51.100.9/24" }],
                "virtualNetworkRules": [{ "id": "/subscriptions/S/resourceGroups/R/x", "ignoreMissingVnetServiceEndpoint": true }],
            },
            "vaultUri": "https://kv-a.vault.azure.net/", "provisioningState": "RegisteringDns",
        },
    })
}

fn vault() -> Vault {
    read(&reply(told())).unwrap()
}

fn properties(call: &Call) -> &Map<String, Value> {
    call.body.as_ref().unwrap()["properties"]
        .as_object()
        .unwrap()
}

fn names(call: &Call) -> Vec<&str> {
    properties(call).keys().map(String::as_str).collect()
}

fn differing(paths: &[&str]) -> Vec<Difference> {
    let each = paths.iter().map(|path| Difference::new(*path, "a", "b"));
    each.collect()
}

#[test]
fn a_new_vault_is_described_as_a_whole() {
    let call = put(versions(), &id(), &vault());
    assert_eq!((call.method.as_str(), call.path.as_str()), ("PUT", VAULT));
    let body = call.body.as_ref().unwrap();
    assert_eq!(body["location"], "westeurope");
    assert_eq!(body["tags"], json!({ "team": "pay" }));
    let mut expected = told()["properties"].clone();
    for name in ["vaultUri", "provisioningState"] {
        expected.as_object_mut().unwrap().remove(name);
    }
    // The same, in the words in which Azure keeps it.
    let mut sent =
        json!({ "id": VAULT, "location": "westeurope", "properties": properties(&call) });
    assert_eq!(names(&call).len(), expected.as_object().unwrap().len());
    sent["tags"] = body["tags"].clone();
    let back = read(&reply(sent)).unwrap();
    let wanted = Vault {
        uri: None,
        state: None,
        ..vault()
    };
    assert_eq!(back, wanted);
}

#[test]
fn who_decides_about_access_is_always_said() {
    let plain = Vault {
        settings: Settings {
            authorization: Authority(Authorization::AccessPolicies),
            ..vault().settings
        },
        ..vault()
    };
    for (vault, rbac) in [(vault(), true), (plain, false)] {
        for call in [
            put(versions(), &id(), &vault),
            patch(versions(), &id(), &vault, &differing(&["sku"])),
        ] {
            let said = properties(&call).get("enableRbacAuthorization");
            assert_eq!(said, Some(&json!(rbac)), "{call:?}");
        }
    }
}

#[test]
fn protection_from_purging_is_never_said_to_be_off() {
    let open = Vault {
        purge_protection: false,
        ..vault()
    };
    let differs = differing(&["purgeProtection"]);
    for (vault, said) in [(vault(), Some(&json!(true))), (open, None)] {
        let calls = [
            put(versions(), &id(), &vault),
            patch(versions(), &id(), &vault, &differs),
        ];
        for call in calls {
            assert_eq!(properties(&call).get("enablePurgeProtection"), said);
        }
    }
}

#[test]
fn azure_stack_is_told_nothing_that_it_does_not_know() {
    let call = put(older(), &id(), &vault());
    assert_eq!(call.api_version, "2016-10-01");
    let known = [
        "accessPolicies",
        "enabledForDeployment",
        "enabledForDiskEncryption",
        "enabledForTemplateDeployment",
        "sku",
        "tenantId",
    ];
    assert_eq!(names(&call), known);
    let all = differing(&["sku", "networkRules.bypass", "publicNetworkAccess"]);
    assert_eq!(names(&patch(older(), &id(), &vault(), &all)), ["sku"]);
}

#[test]
fn a_change_says_only_what_differs() {
    let rows: [(&[&str], &[&str], bool); 7] = [
        (&["sku"], &["sku"], false),
        (&["tags.team"], &[], true),
        (&["purgeProtection"], &["enablePurgeProtection"], false),
        (&["enabledForDeployment"], &["enabledForDeployment"], false),
        (
            &[
                "networkRules.ipRules[203.0.113.7/32]",
                "networkRules.bypass",
            ],
            &["networkAcls"],
            false,
        ),
        (
            &["publicNetworkAccess", "enabledForDiskEncryption"],
            &["enabledForDiskEncryption", "publicNetworkAccess"],
            false,
        ),
        (&["authorization"], &[], false),
    ];
    for (differs, expected, tags) in rows {
        let call = patch(versions(), &id(), &vault(), &differing(differs));
        assert_eq!(call.method, Method::PATCH);
        let names: Vec<&str> = names(&call)
            .into_iter()
            .filter(|name| *name != "enableRbacAuthorization")
            .collect();
        assert_eq!(names, expected, "{differs:?}");
        let body = call.body.as_ref().unwrap();
        assert_eq!(body.get("tags").is_some(), tags, "{differs:?}");
        assert_eq!(body.get("location"), None);
    }
}

#[test]
fn a_recovery_says_no_more_than_it_must() {
    let call = recover(versions(), &id(), &vault());
    assert_eq!((call.method.as_str(), call.path.as_str()), ("PUT", VAULT));
    assert_eq!(names(&call), ["createMode", "sku", "tenantId"]);
    assert_eq!(properties(&call)["createMode"], "recover");
}

#[test]
fn policies_are_changed_one_by_one() {
    let rows = [
        (PolicyChange::Add, "add"),
        (PolicyChange::Replace, "replace"),
        (PolicyChange::Remove, "remove"),
    ];
    for (change, word) in rows {
        let call = policies(versions(), &id(), change, (&vault().policies, "tenant"));
        assert_eq!(call.method, Method::PUT);
        assert_eq!(call.path, format!("{VAULT}/accessPolicies/{word}"));
        let entry = &properties(&call)["accessPolicies"][0];
        assert_eq!(entry["tenantId"], "tenant");
        assert_eq!(entry["permissions"]["secrets"], json!(["get", "list"]));
        assert_eq!(entry["permissions"]["storage"], json!(["get"]));
        assert_eq!(
            entry["applicationId"],
            "22222222-2222-2222-2222-22222222222b"
        );
    }
    let call = policies(
        versions(),
        &id(),
        PolicyChange::Add,
        (
            &Policies::from([(
                Principal {
                    object: "o".to_owned(),
                    application: None,
                },
                Permissions::default(),
            )]),
            "tenant",
        ),
    );
    assert_eq!(
        properties(&call)["accessPolicies"][0].get("applicationId"),
        None
    );
}

#[test]
fn calls_lead_to_where_azure_has_them() {
    let location: Location = "West Europe".parse().unwrap();
    let subscription: SubscriptionId = SUBSCRIPTION.parse().unwrap();
    let provider = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault");
    let gone = format!("{provider}/locations/westeurope/deletedVaults/kv-a");
    let rows = [
        (get(versions(), &id()), "GET", VAULT.to_owned()),
        (delete(versions(), &id()), "DELETE", VAULT.to_owned()),
        (deleted(versions(), &id(), &location), "GET", gone.clone()),
        (
            purge(versions(), &id(), &location),
            "POST",
            format!("{gone}/purge"),
        ),
        (
            all_deleted(versions(), &subscription),
            "GET",
            format!("{provider}/deletedVaults"),
        ),
        (
            check_name(versions(), &id()),
            "POST",
            format!("{provider}/checkNameAvailability"),
        ),
    ];
    for (call, method, path) in rows {
        assert_eq!(
            (call.method.as_str(), call.path.as_str()),
            (method, path.as_str())
        );
        assert_eq!(call.api_version, "2026-05-15");
        assert!(call.action.starts_with("Microsoft.KeyVault/"), "{call:?}");
    }
    let asked = check_name(versions(), &id()).body.unwrap();
    assert_eq!(
        asked,
        json!({ "name": "kv-a", "type": "Microsoft.KeyVault/vaults" })
    );
}
