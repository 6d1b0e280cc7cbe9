use std::fs;

use serde_json::{Value, json};

use super::{reply, told, vault};
use crate::azure::arm::fixtures::VAULT;
use crate::azure::arm::vaults::*;
use crate::azure::fixtures::shared;
use crate::key_vault::api::Switch;
use crate::key_vault::vault::{Onoff, Tags};

#[test]
fn a_vault_is_read_by_meaning() {
    let vault = vault();
    assert_eq!(vault.id, VAULT);
    assert_eq!(vault.location, "westeurope");
    assert_eq!(vault.tenant, "11111111-1111-1111-1111-11111111111a");
    assert_eq!(vault.settings.sku, SkuName(Sku::Premium));
    assert_eq!(vault.settings.authorization, Authority(Authorization::RBAC));
    assert_eq!(vault.settings.public_access, Onoff(Switch::Disabled));
    let network = &vault.settings.network;
    assert_eq!(
        (network.default, network.bypass),
        (DefaultAction::Deny, Bypass::None)
    );
    let ranges: Vec<String> = network.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(ranges, ["198.51.100.0/24", "203.0.113.7/32"]);
    assert_eq!(
        network.subnets.get("/subscriptions/s/resourcegroups/r/x"),
        Some(&true)
    );
    let (who, permissions) = vault.policies.first_key_value().unwrap();
    assert_eq!(
        who.to_string(),
        "33333333-3333-3333-3333-33333333333a/22222222-2222-2222-2222-22222222222b"
    );
    assert_eq!(
        permissions.to_string(),
        "secrets: get list, keys: wrapkey, storage: get"
    );
    assert_eq!((vault.retention, vault.purge_protection), (Some(7), true));
    assert_eq!(vault.state.as_deref(), Some("RegisteringDns"));
    assert_eq!(vault.tags.get("team").map(String::as_str), Some("pay"));
}

#[test]
fn what_azure_does_not_tell_is_its_default() {
    let body = json!({
        "id": VAULT, "location": "westus",
        "properties": {
            "tenantId": "t", "sku": { "name": "standard" }, "networkAcls": null, "accessPolicies": null,
            "enablePurgeProtection": null, "enableRbacAuthorization": null,
        },
    });
    let vault = read(&reply(body)).unwrap();
    assert_eq!(vault.settings.network, Network::default());
    assert_eq!(vault.settings.public_access, Onoff(Switch::Enabled));
    assert_eq!(
        vault.settings.authorization,
        Authority(Authorization::AccessPolicies)
    );
    assert_eq!((vault.retention, vault.purge_protection), (None, false));
    assert_eq!(
        (vault.policies.len(), vault.tags, vault.state),
        (0, Tags::new(), None)
    );
}

#[test]
fn an_answer_that_is_malformed_is_refused_and_not_read_by_half() {
    let rows: Vec<(&str, Value)> = vec![
        ("/id", Value::Null),
        ("/location", json!(7)),
        ("/properties", Value::Null),
        ("/properties/tenantId", Value::Null),
        ("/properties/sku", Value::Null),
        ("/properties/sku/name", json!("gold")),
        ("/properties/accessPolicies", json!("all")),
        ("/properties/accessPolicies/0/objectId", Value::Null),
        ("/properties/accessPolicies/0/permissions", Value::Null),
        (
            "/properties/accessPolicies/0/permissions/secrets",
            json!("get"),
        ),
        ("/properties/accessPolicies/0/permissions/keys", json!([7])),
        ("/properties/networkAcls", json!("open")),
        ("/properties/networkAcls/defaultAction", json!("Audit")),
        ("/properties/networkAcls/bypass", json!("Everybody")),
        ("/properties/networkAcls/ipRules", json!({})),
        (
            "/properties/networkAcls/ipRules/0/value",
            json!("everywhere"),
        ),
        ("/properties/networkAcls/virtualNetworkRules", json!("all")),
        (
            "/properties/networkAcls/virtualNetworkRules/0/id",
            Value::Null,
        ),
        ("/properties/enabledForDeployment", json!("true")),
        ("/properties/enabledForDiskEncryption", json!(1)),
        ("/properties/enabledForTemplateDeployment", json!([])),
        ("/properties/enableRbacAuthorization", json!("yes")),
        ("/properties/enablePurgeProtection", json!("true")),
        ("/properties/softDeleteRetentionInDays", json!("90")),
        ("/properties/softDeleteRetentionInDays", json!(100_000)),
    ];
    for (path, value) in rows {
        let mut body = told();
        *body.pointer_mut(path).unwrap() = value.clone();
        let problem = read(&reply(body)).expect_err(path);
        assert_eq!(
            problem.reason,
            crate::problem::Reason::MalformedAnswer,
            "{path} {value}"
        );
    }
}

fn gone(name: &str) -> Value {
    json!({
        "name": name,
        "properties": {
            "vaultId": VAULT, "location": "West Europe", "tags": { "team": "pay" },
            "deletionDate": "2026-11-01T00:00:59Z", "scheduledPurgeDate": "2027-01-30T00:00:59Z",
            "purgeProtectionEnabled": true,
        },
    })
}

#[test]
fn a_deleted_vault_is_read_with_its_date_and_protection() {
    let deleted = read_deleted(&reply(gone("kv-a"))).unwrap();
    assert_eq!(
        (deleted.id.as_str(), deleted.location.as_str()),
        (VAULT, "westeurope")
    );
    assert!(deleted.purge_protection);
    assert_eq!(deleted.scheduled_purge, "2027-01-30T00:00:59Z".parse().ok());
    assert_eq!(deleted.tags.get("team").map(String::as_str), Some("pay"));
    let mut plain = gone("kv-a");
    plain["properties"]
        .as_object_mut()
        .unwrap()
        .remove("purgeProtectionEnabled");
    assert!(!read_deleted(&reply(plain)).unwrap().purge_protection);
    let rows = [
        ("vaultId", Value::Null),
        ("location", Value::Null),
        // Whether something may be destroyed is not guessed.
        ("purgeProtectionEnabled", json!("true")),
    ];
    for (name, value) in rows {
        let mut body = gone("kv-a");
        body["properties"][name] = value;
        assert!(read_deleted(&reply(body)).is_err(), "{name}");
    }
}

#[test]
fn a_deleted_vault_is_found_by_its_name_in_any_case() {
    let page = reply(json!({ "value": [gone("other"), gone("KV-A")] }));
    assert!(find_deleted(&page, "kv-a").unwrap().is_some());
    assert_eq!(find_deleted(&page, "kv-b").unwrap(), None);
    assert!(find_deleted(&reply(json!({})), "kv-a").is_err());
    let broken = reply(json!({ "value": [{ "name": "kv-a" }] }));
    assert!(find_deleted(&broken, "kv-a").is_err());
}

#[test]
fn whether_a_name_can_be_had_is_told_in_azures_words() {
    let rows = [
        (json!({ "nameAvailable": true }), Some(Ok(()))),
        (
            json!({ "nameAvailable": false, "reason": "AlreadyExists", "message": "in use" }),
            Some(Err("in use".to_owned())),
        ),
        (
            json!({ "nameAvailable": false, "reason": "Bad" }),
            Some(Err("Bad".to_owned())),
        ),
        (json!({ "nameAvailable": "true" }), None),
        (json!({}), None),
    ];
    for (body, expected) in rows {
        assert_eq!(read_name(&reply(body.clone())).ok(), expected, "{body}");
    }
}

#[test]
fn vaults_in_the_examples_of_azures_specification_are_read() {
    let path = "azure/specs/specification/keyvault/resource-manager/Microsoft.KeyVault/stable/2023-07-01/examples";
    let Some(folder) = shared(path) else { return };
    let example = |name: &str| -> Value {
        // One range of the examples stands in quotes of its own, and some are left blank.
        let text = fs::read_to_string(folder.join(name))
            .unwrap()
            .replace('\'', "")
            .replace("\"value\": \"\"", "\"value\": \"10.0.0.0/8\"");
        let whole: Value = serde_json::from_str(&text).unwrap();
        whole["responses"]["200"]["body"].clone()
    };
    for name in [
        "getVault.json",
        "createVault.json",
        "updateVault.json",
        "createVaultWithNetworkAcls.json",
    ] {
        let vault = read(&reply(example(name))).unwrap();
        assert!(vault.id.ends_with("/vaults/sample-vault"), "{name}");
    }
    let rules = read(&reply(example("createVaultWithNetworkAcls.json"))).unwrap();
    assert_eq!(rules.settings.network.addresses.len(), 2);
    let protected = read_deleted(&reply(example("getDeletedVault.json"))).unwrap();
    assert!(protected.purge_protection && protected.scheduled_purge.is_some());
    let page = reply(example("listDeletedVaults.json"));
    assert!(find_deleted(&page, "vault-agile-drawer-6404").is_ok());
}

#[test]
fn vaults_in_recordings_are_read() {
    let Some(folder) = shared("azure/recordings/aso") else {
        return;
    };
    let mut met = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if !path.to_string_lossy().contains("KeyVault") {
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Some(body) = line
                .trim()
                .strip_prefix("body: '")
                .and_then(|body| body.strip_suffix('\''))
            else {
                continue;
            };
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            let is = |kind: &str| {
                body["type"]
                    .as_str()
                    .is_some_and(|told| told.ends_with(kind))
            };
            if is("Microsoft.KeyVault/vaults") {
                let vault = read(&reply(body)).unwrap();
                assert!(vault.state.is_some(), "{vault:?}");
                met += 1;
            } else if is("Microsoft.KeyVault/deletedVaults") {
                read_deleted(&reply(body)).unwrap();
                met += 1;
            }
        }
    }
    assert!(met >= 4, "only {met} vaults were met");
}
