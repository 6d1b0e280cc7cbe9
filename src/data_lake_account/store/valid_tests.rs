use serde_json::{Value, json};

use super::*;
use crate::data_lake_account::generation;
use crate::data_lake_account::plan::fixtures::{object, versions};
use crate::problem::Reason;

fn wanted(mut spec: Value) -> Result<Desired, Problem> {
    spec["generation"] = json!("Gen1");
    let object = object(spec);
    let parsed = valid::parse(&object)?;
    let generation::Desired::Gen1(wanted) = valid::desired(&object.spec, &parsed, versions())?
    else {
        panic!("the spec is of generation Gen2");
    };
    Ok(*wanted)
}

#[test]
fn an_account_is_one_of_data_lake_store() {
    let parsed = valid::parse(&object(json!({ "generation": "Gen1" }))).unwrap();
    assert!(
        parsed
            .id
            .to_string()
            .ends_with("/Microsoft.DataLakeStore/accounts/lakea"),
        "{}",
        parsed.id
    );
}

#[test]
fn what_only_the_second_generation_has_is_refused_with_its_field() {
    let key = |key: Value| json!({ "encryption": { "key": key } });
    let rows = [
        (json!({ "sku": "Standard_LRS" }), "sku"),
        (json!({ "accessTier": "Hot" }), "accessTier"),
        (
            json!({ "minimumTlsVersion": "TLS1_2" }),
            "minimumTlsVersion",
        ),
        (json!({ "sharedKeyAccess": false }), "sharedKeyAccess"),
        (json!({ "blobPublicAccess": false }), "blobPublicAccess"),
        (json!({ "sftp": false }), "sftp"),
        (json!({ "nfsV3": false }), "nfsV3"),
        (
            json!({ "publicNetworkAccess": "Enabled" }),
            "publicNetworkAccess",
        ),
        (json!({ "softDelete": { "blobDays": 1 } }), "softDelete"),
        (json!({ "lifecycleRules": [] }), "lifecycleRules"),
        (
            json!({ "outputs": { "keys": { "secret": "s" } } }),
            "outputs.keys",
        ),
        (
            json!({ "outputs": { "sas": [{ "secret": "s", "filesystem": "root" }] } }),
            "outputs.sas",
        ),
        (
            json!({ "networkRules": { "resources": [{ "tenantId": "t", "resourceId": "r" }] } }),
            "networkRules.resources",
        ),
        (
            json!({ "networkRules": { "bypass": ["AzureServices", "Logging"] } }),
            "networkRules.bypass",
        ),
        (
            key(json!({ "name": "k", "vaultUri": "https://kv.vault.azure.net", "version": "1" })),
            "encryption.key",
        ),
        (
            key(json!({ "name": "k", "vaultRef": { "name": "kv" } })),
            "encryption.key.version",
        ),
        (
            json!({ "encryption": { "key": { "name": "k", "vaultRef": { "name": "kv" }, "version": "1" }, "userAssignedIdentity": "/x" } }),
            "encryption.userAssignedIdentity",
        ),
    ];
    for (spec, field) in rows {
        let problem = wanted(spec.clone()).unwrap_err();
        assert_eq!(problem.reason, Reason::InvalidSpec, "{spec}");
        let begin = format!("spec.{field}: ");
        assert!(problem.message.starts_with(&begin), "{problem} for {spec}");
        assert!(problem.message.contains("Gen1"), "{problem}");
    }
}

#[test]
fn network_rules_come_to_a_firewall() {
    let all = wanted(json!({ "networkRules": {
        "ipRules": ["10.0.0.0/25", "10.0.0.128/25", "1.2.3.4"],
        "subnets": ["/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/Net/subnets/Pods"],
    } }));
    let firewall = all.unwrap().firewall.unwrap();
    assert!(firewall.on && firewall.azure);
    let ranges: Vec<String> = firewall.ranges.iter().map(ToString::to_string).collect();
    assert_eq!(ranges, ["1.2.3.4-1.2.3.4", "10.0.0.0-10.0.0.255"]);
    assert!(
        firewall
            .subnets
            .iter()
            .all(|one| one.ends_with("/net/subnets/pods"))
    );
    let open = json!({ "networkRules": { "defaultAction": "Allow", "bypass": [] } });
    let open = wanted(open).unwrap().firewall.unwrap();
    assert!(!open.on && !open.azure);
    assert_eq!(wanted(json!({})).unwrap().firewall, None);
}
