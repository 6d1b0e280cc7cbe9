//! Pairs for DataLakeAccount.

use serde_json::{Value, json};

use super::lakes::{of_access, of_files, of_filesystems, of_outputs};
use super::resources::{GUID, choice, of_resources, of_roles, spec};
use super::{Pair, merge, pair, text};

pub fn account() -> Value {
    json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "DataLakeAccount", "metadata": {"name": "lake1"},
        "spec": {
            "identityRef": {"name": "x"}, "subscriptionId": "44444444-4444-4444-4444-444444444444",
            "resourceGroup": {"name": "rg"}, "location": "westeurope"
        }
    })
}

/// What may and may not become of a DataLakeAccount with the `azureName` lakechanges.
pub fn account_changes() -> Vec<Pair> {
    let tags = spec(json!({"tags": {"a": "b"}}));
    let refusals = [
        (
            json!({"location": "northeurope"}),
            "location cannot be changed: a resource does not move",
        ),
        (
            json!({"azureName": "lakeother"}),
            "azureName cannot be changed: an account keeps its name",
        ),
        (
            json!({"azureName": null}),
            "azureName cannot be changed: an account keeps its name",
        ),
        (
            json!({"generation": "Gen1"}),
            "generation cannot be changed: Gen1 and Gen2 are different services; lakevault plan --to-gen2 writes the new form",
        ),
        (
            json!({"nfsV3": true, "networkRules": {}}),
            "nfsV3 cannot be changed: it is fixed when the account is created",
        ),
    ];
    let each = refusals.map(|(change, refusal)| pair(tags.clone(), spec(change), refusal));
    each.into()
}

pub fn account_pairs() -> Vec<Pair> {
    [
        of_resources(),
        of_roles(),
        of_accounts(),
        of_networks(),
        of_lifecycles(),
        of_encryption(),
        of_generations(),
        of_filesystems(),
        of_access(),
        of_files(),
        of_outputs(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of_accounts() -> Vec<Pair> {
    let named = |name: String| json!({"metadata": {"name": name}, "spec": {"azureName": "lakey"}});
    vec![
        pair(
            named(text(63)),
            named(text(64)),
            "metadata.name must have at most 63 characters: it is part of a tag of the account",
        ),
        pair(
            named("a-b".to_owned()),
            json!({"metadata": {"name": "a-b"}}),
            "azureName must be set where metadata.name is no name of a storage account: 3 to 24 lower-case letters and digits",
        ),
        pair(
            spec(json!({"azureName": "lake7"})),
            spec(json!({"azureName": "Lake"})),
            "spec.azureName: Invalid value",
        ),
        choice(
            "deletionPolicy",
            "Delete",
            "spec.deletionPolicy: Unsupported value",
        ),
        choice("sku", "Premium_ZRS", "spec.sku: Unsupported value"),
        choice("accessTier", "Cold", "spec.accessTier: Unsupported value"),
        choice(
            "minimumTlsVersion",
            "TLS1_3",
            "spec.minimumTlsVersion: Unsupported value",
        ),
        choice(
            "publicNetworkAccess",
            "SecuredByPerimeter",
            "spec.publicNetworkAccess: Unsupported value",
        ),
        pair(
            spec(json!({"nfsV3": true, "networkRules": {}})),
            spec(json!({"nfsV3": true})),
            "nfsV3: true needs networkRules with a subnet: NFS has no other guard",
        ),
    ]
}

fn of_networks() -> Vec<Pair> {
    let rules = |rules: Value| spec(json!({ "networkRules": rules }));
    let addresses = |count: usize| -> Vec<String> {
        let all = (0..count).map(|n| format!("203.0.{}.{}", n / 200, n % 200));
        all.collect()
    };
    let subnets = |count: usize| -> Vec<String> {
        (0..count).map(|n| format!("/subscriptions/{n}")).collect()
    };
    let resources = |count: usize| -> Vec<Value> {
        let ids = subnets(count).into_iter();
        ids.map(|id| json!({"tenantId": GUID, "resourceId": id}))
            .collect()
    };
    let resource = json!({"tenantId": GUID, "resourceId": "/subscriptions/s"});
    let twice = |one: &Value| json!([one, one]);
    let one = |change: &str, value: Value| {
        let mut resource = resource.clone();
        resource[change] = value;
        rules(json!({"resources": [resource]}))
    };
    vec![
        pair(
            rules(json!({"defaultAction": "Allow"})),
            rules(json!({"defaultAction": "Ask"})),
            "spec.networkRules.defaultAction: Unsupported value",
        ),
        pair(
            rules(json!({"bypass": ["AzureServices", "Logging", "Metrics"]})),
            rules(json!({"bypass": ["Logging", "Logging", "Metrics", "AzureServices"]})),
            "spec.networkRules.bypass: Too many",
        ),
        pair(
            rules(json!({"bypass": []})),
            rules(json!({"bypass": ["All"]})),
            "spec.networkRules.bypass[0]: Unsupported value",
        ),
        pair(
            rules(json!({"ipRules": addresses(400)})),
            rules(json!({"ipRules": addresses(401)})),
            "spec.networkRules.ipRules: Too many",
        ),
        pair(
            rules(json!({"ipRules": ["198.51.100.0/24"]})),
            rules(json!({"ipRules": ["::1"]})),
            "spec.networkRules.ipRules[0]: Invalid value",
        ),
        pair(
            rules(json!({"subnets": subnets(400)})),
            rules(json!({"subnets": subnets(401)})),
            "spec.networkRules.subnets: Too many",
        ),
        pair(
            rules(json!({"subnets": [text(512)]})),
            rules(json!({"subnets": [text(513)]})),
            "spec.networkRules.subnets[0]: Too long",
        ),
        pair(
            rules(json!({"resources": resources(200)})),
            rules(json!({"resources": resources(201)})),
            "spec.networkRules.resources: Too many",
        ),
        pair(
            rules(json!({"ipRules": addresses(2)})),
            rules(json!({"ipRules": twice(&json!("203.0.113.7"))})),
            "spec.networkRules.ipRules[1]: Duplicate value",
        ),
        pair(
            rules(json!({"subnets": subnets(2)})),
            rules(json!({"subnets": twice(&json!("/subscriptions/s"))})),
            "spec.networkRules.subnets[1]: Duplicate value",
        ),
        pair(
            rules(json!({"resources": resources(2)})),
            rules(json!({"resources": twice(&resource)})),
            "spec.networkRules.resources[1]: Duplicate value",
        ),
        pair(
            rules(json!({"bypass": ["Logging", "Metrics"]})),
            rules(json!({"bypass": ["Logging", "Logging"]})),
            "spec.networkRules.bypass[1]: Duplicate value",
        ),
        pair(
            one("tenantId", json!(GUID)),
            one("tenantId", json!("ours")),
            "spec.networkRules.resources[0].tenantId: Invalid value",
        ),
        pair(
            one("resourceId", json!(text(512))),
            one("resourceId", json!(text(513))),
            "spec.networkRules.resources[0].resourceId: Too long",
        ),
    ]
}

fn of_lifecycles() -> Vec<Pair> {
    let rules = |rules: Vec<Value>| spec(json!({ "lifecycleRules": rules }));
    let many = |count: usize| {
        let each = (0..count).map(|n| json!({"name": format!("r{n}"), "deleteAfterDays": 1}));
        rules(each.collect())
    };
    let one = |change: Value| {
        let mut rule = json!({"name": "a", "deleteAfterDays": 1});
        merge(&mut rule, &change);
        rules(vec![rule])
    };
    let prefixes = |count: usize| one(json!({"prefixes": vec!["raw/"; count]}));
    vec![
        pair(many(3), many(101), "spec.lifecycleRules: Too many"),
        pair(
            many(2),
            rules(vec![
                json!({"name": "a", "deleteAfterDays": 1}),
                json!({"name": "a", "deleteAfterDays": 2}),
            ]),
            "spec.lifecycleRules[1]: Duplicate value",
        ),
        pair(
            one(json!({})),
            one(json!({"deleteAfterDays": null})),
            "a lifecycle rule must say what is done: tierToCoolAfterDays, tierToColdAfterDays, tierToArchiveAfterDays, deleteAfterDays or deleteSnapshotsAfterDays",
        ),
        pair(
            one(json!({"name": "old-logs"})),
            one(json!({"name": "old logs"})),
            "spec.lifecycleRules[0].name: Invalid value",
        ),
        pair(
            prefixes(10),
            prefixes(11),
            "spec.lifecycleRules[0].prefixes: Too many",
        ),
        pair(
            one(json!({"prefixes": [text(1024)]})),
            one(json!({"prefixes": [text(1025)]})),
            "spec.lifecycleRules[0].prefixes[0]: Too long",
        ),
    ]
}

fn of_encryption() -> Vec<Pair> {
    let key = |change: Value| {
        let mut key = json!({"vaultRef": {"name": "kv-a"}, "name": "lake"});
        merge(&mut key, &change);
        spec(json!({"encryption": {"key": key, "userAssignedIdentity": "/subscriptions/s"}}))
    };
    let identity = |length: usize| {
        let key = json!({"vaultRef": {"name": "kv-a"}, "name": "lake"});
        spec(json!({"encryption": {"key": key, "userAssignedIdentity": text(length)}}))
    };
    vec![
        pair(
            identity(512),
            identity(513),
            "spec.encryption.userAssignedIdentity: Too long",
        ),
        pair(
            key(json!({"vaultRef": null, "vaultUri": "https://kv-a.vault.azure.net"})),
            key(json!({"vaultUri": "https://kv-a.vault.azure.net"})),
            "exactly one of vaultRef and vaultUri must be set",
        ),
        pair(
            key(json!({"vaultRef": {"name": text(253)}})),
            key(json!({"vaultRef": {"name": ""}})),
            "spec.encryption.key.vaultRef.name: Invalid value",
        ),
        pair(
            key(json!({"vaultRef": null, "vaultUri": text(256)})),
            key(json!({"vaultRef": null, "vaultUri": text(257)})),
            "spec.encryption.key.vaultUri: Too long",
        ),
        pair(
            key(json!({"name": "Lake-1"})),
            key(json!({"name": "lake key"})),
            "spec.encryption.key.name: Invalid value",
        ),
        pair(
            key(json!({"version": "0123456789abcdef0123456789abcdef"})),
            key(json!({"version": "newest"})),
            "spec.encryption.key.version: Invalid value",
        ),
    ]
}

fn of_generations() -> Vec<Pair> {
    let gen1 = |change: Value| {
        let mut spec = json!({"spec": {"generation": "Gen1"}});
        merge(&mut spec, &json!({ "spec": change }));
        spec
    };
    let own_key = json!({
        "vaultRef": {"name": "kv"}, "name": "k", "version": "0123456789abcdef0123456789abcdef",
    });
    vec![
        choice("generation", "Gen2", "spec.generation: Unsupported value"),
        pair(
            gen1(json!({"networkRules": {"ipRules": ["203.0.113.7"]}})),
            gen1(json!({"sku": "Standard_LRS"})),
            "generation Gen1 knows none of sku, accessTier, minimumTlsVersion, sharedKeyAccess, blobPublicAccess, sftp, nfsV3, publicNetworkAccess, softDelete, lifecycleRules, outputs.keys and outputs.sas: take them out of the spec, or move to generation Gen2 (lakevault plan --to-gen2 writes that)",
        ),
        pair(
            gen1(json!({"encryption": {"key": own_key}})),
            gen1(
                json!({"encryption": {"key": own_key, "userAssignedIdentity": "/subscriptions/s"}}),
            ),
            "encryption of generation Gen1 needs key.vaultRef and key.version, and no userAssignedIdentity: the account has an identity of its own",
        ),
        pair(
            json!({"spec": {"encryption": {"key": own_key, "userAssignedIdentity": "/subscriptions/s"}}}),
            json!({"spec": {"encryption": {"key": own_key}}}),
            "encryption needs userAssignedIdentity: the account unwraps the key with it",
        ),
        pair(
            gen1(json!({"networkRules": {"bypass": ["AzureServices"]}})),
            gen1(json!({"networkRules": {"bypass": ["Logging"]}})),
            "networkRules of generation Gen1 know no resources, and no bypass but AzureServices",
        ),
        pair(
            gen1(json!({"filesystems": [{"name": "root", "deletionPolicy": "Retain"}]})),
            gen1(json!({"filesystems": [{"name": "root", "properties": {"a": "b"}}]})),
            "the filesystem of generation Gen1 has no properties and no defaultEncryptionScope, and goes with its account alone: take them and its deletionPolicy out of the spec",
        ),
        pair(
            gen1(json!({"filesystems": [{"name": "root"}]})),
            gen1(json!({"filesystems": [{"name": "raw"}]})),
            "generation Gen1 has one filesystem: name it root",
        ),
    ]
}
