use serde_json::{Value, json};

use super::*;
use crate::azure_resource::valid::INTERVAL;
use crate::azure_resource::{DETACH, FORCE_DELETE};
use crate::key_vault::plan::fixtures::{ALICE, NONE, TENANT, object};
use crate::problem::Reason;
use crate::retry::Retry;

fn refused(spec: Value) -> String {
    let object = object(spec);
    let parsed = parse(&object);
    let wanted =
        parsed.and_then(|valid| desired(&object.spec, &valid, Some(TENANT), Capabilities::ALL));
    let problem = wanted.expect_err("it was accepted");
    assert_eq!(
        (problem.reason, problem.retry),
        (Reason::InvalidSpec, Retry::OnChange)
    );
    problem.message
}

#[test]
fn a_vaults_name_is_checked_as_azure_checks_it() {
    let long = "a".repeat(25);
    for bad in [
        "ab",
        long.as_str(),
        "1abc",
        "-abc",
        "abc-",
        "a--b",
        "a_b",
        "a.b",
        "äbc",
        "",
    ] {
        assert_eq!(AzureName::parse(bad), None, "{bad:?}");
    }
    let longest = "a".repeat(24);
    for good in ["abc", longest.as_str(), "Kv-1-b", "a-1"] {
        assert_eq!(AzureName::parse(good).unwrap().as_str(), good);
    }
}

#[test]
fn the_vault_has_the_objects_name_unless_another_is_said() {
    let valid = parse(&object(json!({}))).unwrap();
    assert_eq!(valid.azure_name.as_str(), "kv-a");
    assert!(
        valid
            .id
            .as_str()
            .ends_with("/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-a")
    );
    let other = parse(&object(json!({ "azureName": "kv-other" }))).unwrap();
    assert_eq!(other.azure_name.as_str(), "kv-other");
    assert_eq!(other.interval, INTERVAL);
}

#[test]
fn what_cannot_be_is_refused_by_its_field() {
    let twice = json!([{ "objectId": ALICE, "secrets": ["get"] }, { "objectId": ALICE.to_ascii_uppercase(), "keys": ["get"] }]);
    let rows = [
        (json!({ "azureName": "a--b" }), "spec.azureName"),
        (json!({ "subscriptionId": "mine" }), "spec.subscriptionId"),
        (
            json!({ "resourceGroup": { "name": "rg." } }),
            "spec.resourceGroup.name",
        ),
        (json!({ "location": "" }), "spec.location"),
        (json!({ "refreshInterval": "59s" }), "spec.refreshInterval"),
        (
            json!({ "roleAssignments": [{ "principalId": "me", "role": "Reader" }] }),
            "roleAssignments[0].principalId",
        ),
        (
            json!({ "roleAssignments": [{ "principalId": ALICE, "role": "a/b" }] }),
            "roleAssignments[0].role",
        ),
        (json!({ "secrets": [{ "name": "a_b" }] }), "secrets[].name"),
        (json!({ "tags": { "Team": "a", "team": "b" } }), "spec.tags"),
        (json!({ "tags": { "team": "x".repeat(257) } }), "spec.tags"),
        (
            json!({ "accessPolicies": [{ "objectId": ALICE }] }),
            "spec.accessPolicies",
        ),
        (json!({ "accessPolicies": twice }), "stands twice"),
        (
            json!({ "networkRules": { "ipRules": ["::1"] } }),
            "spec.networkRules.ipRules",
        ),
        (
            json!({ "networkRules": { "subnets": [{ "id": "pods" }] } }),
            "networkRules.subnets[].id",
        ),
    ];
    for (spec, expected) in rows {
        let message = refused(spec.clone());
        assert!(message.contains(expected), "{spec}: {message}");
    }
}

#[test]
fn the_tenant_is_the_specs_or_the_identitys() {
    let asks = |spec: Value, tenant| {
        let object = object(spec);
        let valid = parse(&object).unwrap();
        desired(&object.spec, &valid, tenant, Capabilities::ALL).map(|desired| desired.tenant)
    };
    assert_eq!(asks(json!({}), Some(TENANT)).unwrap(), TENANT);
    let said = json!({ "tenantId": ALICE.to_ascii_uppercase() });
    assert_eq!(asks(said, Some(TENANT)).unwrap(), ALICE);
    let problem = asks(json!({}), None).unwrap_err();
    assert!(
        problem.message.contains("spec.tenantId must be set"),
        "{problem:?}"
    );
}

#[test]
fn what_the_cloud_does_not_know_is_refused_and_not_left_out() {
    let asks = |spec: Value| {
        let object = object(spec);
        let valid = parse(&object).unwrap();
        desired(&object.spec, &valid, Some(TENANT), NONE)
    };
    let rows = [
        (json!({ "sku": "Premium" }), "sku: Premium"),
        (json!({ "authorization": "RBAC" }), "authorization: RBAC"),
        (
            json!({ "softDeleteRetentionDays": 7 }),
            "softDeleteRetentionDays",
        ),
        (json!({ "purgeProtection": true }), "purgeProtection"),
        (json!({ "networkRules": {} }), "networkRules"),
        (
            json!({ "publicNetworkAccess": "Enabled" }),
            "publicNetworkAccess",
        ),
    ];
    for (spec, expected) in rows {
        let problem = asks(spec.clone()).unwrap_err();
        assert!(
            problem.message.ends_with(&format!("remove {expected}")),
            "{spec}: {problem:?}"
        );
    }
    let old =
        json!({ "authorization": "AccessPolicies", "purgeProtection": false, "sku": "Standard" });
    assert!(asks(old).is_ok());
}

#[test]
fn annotations_count_only_when_they_say_true() {
    for (value, expected) in [("true", true), ("yes", false), ("", false)] {
        let mut object = object(json!({}));
        let marks = [DETACH, FORCE_DELETE].map(|mark| (mark.to_owned(), value.to_owned()));
        object.metadata.annotations = Some(marks.into());
        let valid = parse(&object).unwrap();
        assert_eq!(
            (valid.detach, valid.force_delete),
            (expected, expected),
            "{value:?}"
        );
    }
}
