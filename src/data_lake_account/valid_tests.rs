use serde_json::{Value, json};

use super::*;
use crate::azure_resource::api::DefaultAction;
use crate::data_lake_account::plan::fixtures::{SUBSCRIPTION, object, versions};
use crate::problem::Reason;

fn wanted(spec: Value) -> Result<OfStorage, Problem> {
    let object = object(spec);
    let valid = parse(&object)?;
    let Desired::Gen2(wanted) = desired(&object.spec, &valid, versions())? else {
        panic!("the spec is of generation Gen1");
    };
    Ok(*wanted)
}

#[test]
fn a_name_is_the_objects_unless_it_is_said() {
    let parsed = parse(&object(json!({}))).unwrap();
    assert_eq!(parsed.azure_name.as_str(), "lakea");
    assert!(
        parsed
            .id
            .to_string()
            .ends_with("/Microsoft.Storage/storageAccounts/lakea")
    );
    let parsed = parse(&object(json!({ "azureName": "other1" }))).unwrap();
    assert_eq!(parsed.azure_name.as_str(), "other1");
}

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    let identity = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/lake"
    );
    let key = |key: Value, identity: &str| json!({ "encryption": { "key": key, "userAssignedIdentity": identity } });
    let rows = [
        (json!({ "azureName": "Lake" }), "spec.azureName"),
        (
            json!({ "encryption": { "key": { "name": "k", "vaultRef": { "name": "kv" } } } }),
            "spec.encryption.userAssignedIdentity",
        ),
        (json!({ "nfsV3": true }), "spec.nfsV3"),
        (
            json!({ "networkRules": { "ipRules": ["1.2.3"] } }),
            "spec.networkRules.ipRules",
        ),
        (
            json!({ "networkRules": { "subnets": ["x"] } }),
            "spec.networkRules.subnets",
        ),
        (
            json!({ "softDelete": { "blobDays": 366 } }),
            "spec.softDelete.blobDays",
        ),
        (
            json!({ "lifecycleRules": [{ "name": "a" }] }),
            "spec.lifecycleRules[a]",
        ),
        (
            json!({ "lifecycleRules": [{ "name": "a", "deleteAfterDays": 1 }, { "name": "a", "deleteAfterDays": 2 }] }),
            "spec.lifecycleRules",
        ),
        (
            key(json!({ "name": "k" }), &identity),
            "spec.encryption.key",
        ),
        (
            key(json!({ "name": "k", "vaultUri": "http://kv" }), &identity),
            "spec.encryption.key.vaultUri",
        ),
        (
            key(json!({ "name": "k", "vaultRef": { "name": "kv" } }), "lake"),
            "spec.encryption.userAssignedIdentity",
        ),
        (
            json!({ "outputs": { "keys": { "secret": "s", "rotateAfter": "59m" } } }),
            "spec.outputs.keys.rotateAfter",
        ),
        (
            json!({ "sharedKeyAccess": false, "outputs": { "keys": { "secret": "s" } } }),
            "spec.sharedKeyAccess",
        ),
    ];
    for (spec, field) in rows {
        let problem = wanted(spec.clone()).unwrap_err();
        assert_eq!(problem.reason, Reason::InvalidSpec, "{spec}");
        assert!(
            problem.message.starts_with(field),
            "{} for {spec}",
            problem.message
        );
    }
}

#[test]
fn a_cloud_without_lakes_is_told() {
    let object = object(json!({}));
    let valid = parse(&object).unwrap();
    let versions = ApiVersions {
        has_lakes: false,
        ..*versions()
    };
    let problem = desired(&object.spec, &valid, &versions).unwrap_err();
    assert!(
        problem.message.contains("no hierarchical namespace"),
        "{problem}"
    );
}

#[test]
fn keys_give_access_where_an_output_needs_them_and_nothing_else_is_said() {
    let service = json!({ "sas": [{ "secret": "s", "kind": "Service", "filesystem": "raw" }] });
    let delegated = json!({ "sas": [{ "secret": "s", "filesystem": "raw" }] });
    for (spec, expected) in [
        (json!({}), None),
        (json!({ "outputs": delegated }), None),
        (json!({ "outputs": service }), Some(true)),
        (
            json!({ "outputs": { "keys": { "secret": "s" } } }),
            Some(true),
        ),
        (json!({ "sharedKeyAccess": false }), Some(false)),
    ] {
        assert_eq!(
            wanted(spec.clone()).unwrap().shared_keys,
            expected,
            "{spec}"
        );
    }
}

#[test]
fn rules_and_days_come_to_what_azure_has() {
    let all = wanted(json!({
        "networkRules": { "ipRules": ["10.0.0.2/31", "1.2.3.4"], "bypass": [] },
        "softDelete": { "blobDays": 0, "containerDays": 7 },
    }))
    .unwrap();
    let network = all.network.unwrap();
    let addresses: Vec<String> = network.addresses.iter().map(|one| one.short()).collect();
    assert_eq!(addresses, ["1.2.3.4", "10.0.0.2", "10.0.0.3"]);
    assert_eq!(network.default, DefaultAction::Deny);
    assert!(network.bypass.is_empty());
    assert_eq!(all.soft_delete.blob_days, Some(None));
    assert_eq!(all.soft_delete.container_days, Some(Some(7)));
}
