use std::collections::BTreeSet;
use std::fs;

use super::*;
use crate::azure::arm::storage::tests::{ACCOUNT, id, reply, versions};
use crate::azure::fixtures::shared;

#[test]
fn soft_deletion_is_set_and_the_rest_is_left_as_it_is() {
    let told = json!({ "properties": {
        "cors": { "corsRules": [{ "allowedOrigins": ["*"] }] },
        "deleteRetentionPolicy": { "enabled": true, "days": 7, "allowPermanentDelete": true },
        "containerDeleteRetentionPolicy": { "enabled": false },
    } });
    let now = read(&reply(told.clone())).unwrap();
    assert_eq!(
        now.soft_delete,
        SoftDelete {
            blob_days: Some(7),
            container_days: None
        }
    );
    let wanted = SoftDelete {
        blob_days: None,
        container_days: Some(14),
    };
    let call = put(versions(), &id(), &now, wanted);
    assert_eq!(call.path, format!("{ACCOUNT}/blobServices/default"));
    let body = call.body.unwrap();
    assert_eq!(body["properties"]["cors"], told["properties"]["cors"]);
    assert_eq!(
        body["properties"]["deleteRetentionPolicy"],
        json!({ "enabled": false, "allowPermanentDelete": true })
    );
    assert_eq!(read(&reply(body)).unwrap().soft_delete, wanted);
}

#[test]
fn a_blob_service_that_says_nothing_keeps_nothing() {
    let bare = read(&reply(json!({ "properties": {} }))).unwrap();
    assert_eq!(bare.soft_delete, SoftDelete::default());
    assert!(read(&reply(json!({}))).is_err());
    let odd = json!({ "properties": { "deleteRetentionPolicy": { "enabled": true } } });
    assert!(read(&reply(odd)).is_err());
}

fn rules() -> Lifecycle {
    let logs = LifecycleRule {
        prefixes: BTreeSet::from(["raw/logs/".to_owned()]),
        cool: Some(30),
        cold: Some(60),
        archive: Some(90),
        delete: Some(1000),
        delete_snapshots: Some(30),
        ..LifecycleRule::default()
    };
    let off = LifecycleRule {
        disabled: true,
        delete: Some(0),
        ..LifecycleRule::default()
    };
    Lifecycle::from([("logs".to_owned(), logs), ("off".to_owned(), off)])
}

#[test]
fn rules_are_read_as_they_were_written() {
    let call = put_lifecycle(versions(), &id(), &rules());
    assert_eq!(call.path, format!("{ACCOUNT}/managementPolicies/default"));
    let read = read_lifecycle(&reply(call.body.unwrap())).unwrap();
    assert_eq!(read, rules());
}

#[test]
fn what_no_spec_says_of_a_rule_is_named() {
    let body = json!({ "properties": { "policy": { "rules": [{
        "name": "r", "type": "Lifecycle", "definition": {
            "filters": { "blobTypes": ["blockBlob", "appendBlob"], "blobIndexMatch": [{ "name": "a", "op": "==", "value": "b" }] },
            "actions": {
                "baseBlob": {
                    "tierToCool": { "daysAfterLastAccessTimeGreaterThan": 3.0 },
                    "delete": { "daysAfterModificationGreaterThan": 10.0 },
                    "enableAutoTierToHotFromCool": false,
                },
                "version": { "delete": { "daysAfterCreationGreaterThan": 1 } },
                "snapshot": null,
            },
        },
    }] } } });
    let read = read_lifecycle(&reply(body)).unwrap();
    let rule = &read["r"];
    assert_eq!(
        (rule.disabled, rule.delete, rule.cool),
        (false, Some(10), None)
    );
    let beyond: Vec<&str> = rule.beyond.iter().map(String::as_str).collect();
    assert_eq!(
        beyond,
        [
            "baseBlob.tierToCool",
            "blobIndexMatch",
            "blobTypes",
            "version.delete"
        ]
    );
}

#[test]
fn a_policy_that_is_not_understood_is_none() {
    for rules in [
        json!("x"),
        json!([{ "name": "r" }]),
        json!([{ "name": "r", "definition": { "actions": { "baseBlob": { "delete": { "daysAfterModificationGreaterThan": 1.5 } } } } }]),
    ] {
        let body = json!({ "properties": { "policy": { "rules": rules } } });
        assert!(read_lifecycle(&reply(body.clone())).is_err(), "{body}");
    }
}

#[test]
fn a_filesystem_with_a_scope_is_made_by_resource_manager() {
    let call = put_container(versions(), &id(), &"raw".parse().unwrap(), "secret");
    assert_eq!(
        call.path,
        format!("{ACCOUNT}/blobServices/default/containers/raw")
    );
    assert_eq!(
        call.body.unwrap()["properties"]["defaultEncryptionScope"],
        "secret"
    );
}

#[test]
fn a_deleted_filesystem_is_told_from_one_of_another_name_and_from_one_that_is_there() {
    let name = "raw".parse().unwrap();
    let call = deleted_containers(versions(), &id(), &name);
    assert_eq!(
        call.path,
        format!("{ACCOUNT}/blobServices/default/containers")
    );
    let query = [("$include", "deleted"), ("$filter", "raw")];
    assert_eq!(
        call.query,
        query.map(|(name, value)| (name, value.to_owned()))
    );
    let one =
        |name: &str, deleted: bool| json!({ "name": name, "properties": { "deleted": deleted } });
    for (all, expected) in [
        (json!([]), false),
        (json!([one("raw", false), one("raw2", true)]), false),
        (json!([one("raw", false), one("raw", true)]), true),
        (json!([{ "name": "raw", "properties": {} }]), false),
    ] {
        let told = has_deleted(&reply(json!({ "value": all })), &name).unwrap();
        assert_eq!(told, expected, "{all}");
    }
    assert!(has_deleted(&reply(json!({})), &name).is_err());
}

#[test]
fn policies_in_the_examples_of_azures_specification_are_read() {
    let path = "azure/specs/specification/storage/resource-manager/Microsoft.Storage/stable/2023-05-01/examples";
    let Some(folder) = shared(path) else { return };
    let body = |name: &str| {
        let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let whole: Value = serde_json::from_str(&text).unwrap();
        reply(whole["responses"]["200"]["body"].clone())
    };
    let rules = read_lifecycle(&body("StorageAccountGetManagementPolicy")).unwrap();
    assert_eq!(
        (rules["olcmtest"].delete, rules["olcmtest"].delete_snapshots),
        (Some(1000), Some(30))
    );
    assert!(
        !read_lifecycle(&body("StorageAccountSetManagementPolicy"))
            .unwrap()
            .is_empty()
    );
    let service = read(&body("BlobServicesGet")).unwrap();
    assert_eq!(service.soft_delete.blob_days, Some(300));
    read(&body("BlobServicesPut")).unwrap();
}
