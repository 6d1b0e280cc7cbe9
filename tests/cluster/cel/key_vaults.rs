//! Pairs for KeyVault.

use serde_json::{Value, json};

use super::resources::{GUID, choice, of_resources, of_roles, spec};
use super::{Pair, merge, pair, text};

pub fn key_vault() -> Value {
    json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "KeyVault", "metadata": {"name": "kv-x"},
        "spec": {
            "identityRef": {"name": "x"}, "subscriptionId": "44444444-4444-4444-4444-444444444444",
            "resourceGroup": {"name": "rg"}, "location": "westeurope"
        }
    })
}

/// What may and may not become of a KeyVault with the `azureName` kv-changes.
pub fn key_vault_changes() -> Vec<Pair> {
    let tags = spec(json!({"tags": {"a": "b"}}));
    vec![
        pair(
            tags.clone(),
            spec(json!({"location": "northeurope"})),
            "location cannot be changed: a resource does not move",
        ),
        pair(
            tags.clone(),
            spec(json!({"azureName": "kv-other"})),
            "azureName cannot be changed: a vault keeps its name",
        ),
        pair(
            tags,
            spec(json!({"azureName": null})),
            "azureName cannot be changed: a vault keeps its name",
        ),
    ]
}

pub fn key_vault_pairs() -> Vec<Pair> {
    [
        of_resources(),
        of_roles(),
        of_words(),
        of_vaults(),
        of_policies(),
        of_networks(),
        of_seeds(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Fields of vaults that take one of some words.
fn of_words() -> Vec<Pair> {
    vec![
        choice(
            "deletionPolicy",
            "DeleteAndPurge",
            "spec.deletionPolicy: Unsupported value",
        ),
        choice(
            "onSoftDeleted",
            "Recover",
            "spec.onSoftDeleted: Unsupported value",
        ),
        choice("sku", "Premium", "spec.sku: Unsupported value"),
        choice(
            "authorization",
            "RBAC",
            "spec.authorization: Unsupported value",
        ),
        choice(
            "publicNetworkAccess",
            "Disabled",
            "spec.publicNetworkAccess: Unsupported value",
        ),
        choice(
            "accessPolicyMode",
            "Replace",
            "spec.accessPolicyMode: Unsupported value",
        ),
    ]
}

fn of_vaults() -> Vec<Pair> {
    let named = |name: String| json!({"metadata": {"name": name}, "spec": {"azureName": "kv-y"}});
    let by_policies = spec(json!({
        "authorization": "AccessPolicies", "accessPolicies": [{"objectId": GUID, "secrets": ["get"]}]
    }));
    vec![
        pair(
            named(text(63)),
            named(text(64)),
            "metadata.name must have at most 63 characters: it is part of a tag of the vault",
        ),
        pair(
            named("a.b".to_owned()),
            json!({"metadata": {"name": "a.b"}}),
            "azureName must be set where metadata.name is no name of a vault: 3 to 24 letters, digits and single hyphens, beginning with a letter",
        ),
        pair(
            spec(json!({"azureName": "Kv-1-a"})),
            spec(json!({"azureName": "kv--1"})),
            "spec.azureName: Invalid value",
        ),
        pair(
            spec(json!({"tenantId": GUID})),
            spec(json!({"tenantId": "contoso.onmicrosoft.com"})),
            "spec.tenantId: Invalid value",
        ),
        pair(
            by_policies.clone(),
            spec(json!({"accessPolicies": [{"objectId": GUID, "secrets": ["get"]}]})),
            "accessPolicies need authorization: AccessPolicies",
        ),
        pair(
            spec(json!({"accessPolicyMode": "Replace"})),
            spec(json!({"accessPolicyMode": "Merge"})),
            "accessPolicyMode: Merge has no meaning without accessPolicies",
        ),
        pair(
            spec(json!({"softDeleteRetentionDays": 7})),
            spec(json!({"softDeleteRetentionDays": 6})),
            "spec.softDeleteRetentionDays: Invalid value",
        ),
    ]
}

fn of_policies() -> Vec<Pair> {
    let policies = |entries: Vec<Value>| {
        spec(json!({"authorization": "AccessPolicies", "accessPolicies": entries}))
    };
    let one = |change: Value| {
        let mut entry = json!({"objectId": GUID, "secrets": ["get"]});
        merge(&mut entry, &change);
        policies(vec![entry])
    };
    let many = |count: usize| {
        let id = |n: usize| format!("33333333-3333-3333-3333-{n:012}");
        policies(
            (0..count)
                .map(|n| json!({"objectId": id(n), "secrets": ["get"]}))
                .collect(),
        )
    };
    let words = |count: usize| vec!["get"; count];
    vec![
        pair(many(256), many(257), "spec.accessPolicies: Too many"),
        pair(
            policies(vec![
                json!({"objectId": GUID, "secrets": ["get"]}),
                json!({"objectId": GUID, "applicationId": GUID, "secrets": ["get"]}),
            ]),
            policies(vec![
                json!({"objectId": GUID, "secrets": ["get"]}),
                json!({"objectId": GUID, "secrets": ["list"]}),
            ]),
            "each objectId may stand once in accessPolicies, or once for each applicationId",
        ),
        pair(
            one(json!({})),
            one(json!({"objectId": "me"})),
            "spec.accessPolicies[0].objectId: Invalid value",
        ),
        pair(
            one(json!({"applicationId": GUID})),
            one(json!({"applicationId": "app"})),
            "spec.accessPolicies[0].applicationId: Invalid value",
        ),
        pair(
            one(json!({"secrets": ["Get", "all"]})),
            one(json!({"secrets": ["read"]})),
            "permissions for secrets are get, list, set, delete, backup, restore, recover, purge and all",
        ),
        pair(
            one(json!({"secrets": words(32)})),
            one(json!({"secrets": words(33)})),
            "spec.accessPolicies[0].secrets: Too many",
        ),
        pair(
            one(json!({"secrets": ["get"]})),
            one(json!({"secrets": [text(33)]})),
            "spec.accessPolicies[0].secrets[0]: Too long",
        ),
        pair(
            one(json!({"keys": ["wrapKey", "sign"]})),
            one(json!({"keys": ["set"]})),
            "permissions for keys are get, list, create, update, import, delete, backup, restore, recover, purge, encrypt, decrypt, wrapKey, unwrapKey, sign, verify, rotate, getrotationpolicy, setrotationpolicy, release and all",
        ),
        pair(
            one(json!({"keys": words(32)})),
            one(json!({"keys": words(33)})),
            "spec.accessPolicies[0].keys: Too many",
        ),
        pair(
            one(json!({"keys": ["get"]})),
            one(json!({"keys": [text(33)]})),
            "spec.accessPolicies[0].keys[0]: Too long",
        ),
        pair(
            one(json!({"certificates": ["manageissuers"]})),
            one(json!({"certificates": ["sign"]})),
            "permissions for certificates are get, list, create, import, update, delete, managecontacts, getissuers, listissuers, setissuers, deleteissuers, manageissuers, backup, restore, recover, purge and all",
        ),
        pair(
            one(json!({"certificates": words(32)})),
            one(json!({"certificates": words(33)})),
            "spec.accessPolicies[0].certificates: Too many",
        ),
        pair(
            one(json!({"certificates": ["get"]})),
            one(json!({"certificates": [text(33)]})),
            "spec.accessPolicies[0].certificates[0]: Too long",
        ),
    ]
}

fn of_networks() -> Vec<Pair> {
    let rules = |change: Value| spec(json!({ "networkRules": change }));
    let ranges = |count: usize| {
        let range = |n: usize| format!("10.{}.{}.0/24", n / 256, n % 256);
        rules(json!({"ipRules": (0..count).map(range).collect::<Vec<_>>()}))
    };
    let subnets = |count: usize, length: usize| {
        let name = |n: usize| format!("{n:0length$}");
        let all: Vec<Value> = (0..count).map(|n| json!({"id": name(n)})).collect();
        rules(json!({ "subnets": all }))
    };
    vec![
        pair(
            rules(json!({"defaultAction": "Allow"})),
            rules(json!({"defaultAction": "Ask"})),
            "spec.networkRules.defaultAction: Unsupported value",
        ),
        pair(
            rules(json!({"bypass": "None"})),
            rules(json!({"bypass": "All"})),
            "spec.networkRules.bypass: Unsupported value",
        ),
        pair(
            ranges(1000),
            ranges(1001),
            "spec.networkRules.ipRules: Too many",
        ),
        pair(
            rules(json!({"ipRules": ["203.0.113.7"]})),
            rules(json!({"ipRules": ["::1"]})),
            "spec.networkRules.ipRules[0]: Invalid value",
        ),
        pair(
            subnets(200, 9),
            subnets(201, 9),
            "spec.networkRules.subnets: Too many",
        ),
        pair(
            subnets(1, 512),
            subnets(1, 513),
            "spec.networkRules.subnets[0].id: Too long",
        ),
        pair(
            ranges(2),
            rules(json!({"ipRules": ["203.0.113.7", "203.0.113.7"]})),
            "spec.networkRules.ipRules[1]: Duplicate value",
        ),
        pair(
            subnets(2, 9),
            rules(json!({"subnets": [{"id": "a"}, {"id": "a", "ignoreMissingEndpoint": true}]})),
            "spec.networkRules.subnets[1]: Duplicate value",
        ),
    ]
}

fn of_seeds() -> Vec<Pair> {
    let seeds = |count: usize| {
        let all: Vec<Value> = (0..count)
            .map(|n| json!({"name": format!("s{n}")}))
            .collect();
        spec(json!({ "secrets": all }))
    };
    let one = |change: Value| {
        let mut seed = json!({"name": "s"});
        merge(&mut seed, &change);
        spec(json!({ "secrets": [seed] }))
    };
    vec![
        pair(seeds(64), seeds(65), "spec.secrets: Too many"),
        pair(
            seeds(2),
            spec(json!({"secrets": [{"name": "s"}, {"name": "S"}]})),
            "each name may stand once in secrets",
        ),
        pair(
            one(json!({"name": text(127)})),
            one(json!({"name": "a/b"})),
            "spec.secrets[0].name: Invalid value",
        ),
        pair(
            one(json!({"length": 8})),
            one(json!({"length": 7})),
            "spec.secrets[0].length: Invalid value",
        ),
        pair(
            one(json!({"characters": "Digits"})),
            one(json!({"characters": "Runes"})),
            "spec.secrets[0].characters: Unsupported value",
        ),
        pair(
            one(json!({"contentType": text(255)})),
            one(json!({"contentType": text(256)})),
            "spec.secrets[0].contentType: Too long",
        ),
        pair(
            one(json!({"rotateAfter": "1h"})),
            one(json!({"rotateAfter": "59m"})),
            "rotateAfter must be at least 1h",
        ),
        pair(
            one(json!({"rotateAfter": "720h"})),
            one(json!({"rotateAfter": "monthly"})),
            "spec.secrets[0].rotateAfter: Invalid value",
        ),
    ]
}
