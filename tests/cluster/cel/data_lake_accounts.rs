//! Pairs for DataLakeAccount.

use serde_json::{Value, json};

use super::resources::{GUID, choice, of_resources, of_roles, spec};
use super::{Pair, names, pair, text};

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
    let many = |count: usize, value: &Value| vec![value.clone(); count];
    let (address, subnet) = (json!("203.0.113.7"), json!("/subscriptions/s"));
    let resource = json!({"tenantId": GUID, "resourceId": "/subscriptions/s"});
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
            rules(json!({"ipRules": many(400, &address)})),
            rules(json!({"ipRules": many(401, &address)})),
            "spec.networkRules.ipRules: Too many",
        ),
        pair(
            rules(json!({"ipRules": ["198.51.100.0/24"]})),
            rules(json!({"ipRules": ["::1"]})),
            "spec.networkRules.ipRules[0]: Invalid value",
        ),
        pair(
            rules(json!({"subnets": many(400, &subnet)})),
            rules(json!({"subnets": many(401, &subnet)})),
            "spec.networkRules.subnets: Too many",
        ),
        pair(
            rules(json!({"subnets": [text(512)]})),
            rules(json!({"subnets": [text(513)]})),
            "spec.networkRules.subnets[0]: Too long",
        ),
        pair(
            rules(json!({"resources": many(200, &resource)})),
            rules(json!({"resources": many(201, &resource)})),
            "spec.networkRules.resources: Too many",
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
        super::merge(&mut rule, &change);
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
            "each name may stand once in lifecycleRules",
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
        super::merge(&mut key, &change);
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
        super::merge(&mut spec, &json!({ "spec": change }));
        spec
    };
    vec![
        choice("generation", "Gen2", "spec.generation: Unsupported value"),
        pair(
            gen1(json!({"networkRules": {"ipRules": ["203.0.113.7"]}})),
            gen1(json!({"sku": "Standard_LRS"})),
            "generation Gen1 knows none of sku, accessTier, minimumTlsVersion, sharedKeyAccess, blobPublicAccess, sftp, nfsV3, publicNetworkAccess, softDelete, lifecycleRules, outputs.keys and outputs.sas",
        ),
        pair(
            gen1(json!({"filesystems": [{"name": "root"}]})),
            gen1(json!({"filesystems": [{"name": "raw"}]})),
            "generation Gen1 has one filesystem: name it root",
        ),
    ]
}

/// A spec with one filesystem, changed.
fn filesystem(change: &Value) -> Value {
    let mut filesystem = json!({"name": "raw"});
    super::merge(&mut filesystem, change);
    spec(json!({ "filesystems": [filesystem] }))
}

fn of_filesystems() -> Vec<Pair> {
    let many = |count: usize| {
        let each = (0..count).map(|n| json!({"name": format!("fs{n:02}")}));
        spec(json!({ "filesystems": each.collect::<Vec<_>>() }))
    };
    let directories = |count: usize| {
        let each = (0..count).map(|n| json!({"path": format!("d{n}")}));
        filesystem(&json!({ "directories": each.collect::<Vec<_>>() }))
    };
    let files = |count: usize| {
        let from = json!({"configMap": {"name": "a", "key": "b"}});
        let each = (0..count).map(|n| json!({"path": format!("f{n}"), "from": from}));
        filesystem(&json!({ "files": each.collect::<Vec<_>>() }))
    };
    let scope = |name: &str| filesystem(&json!({ "defaultEncryptionScope": name }));
    let directory = |path: &str| filesystem(&json!({"directories": [{ "path": path }]}));
    vec![
        pair(many(100), many(101), "spec.filesystems: Too many"),
        pair(
            filesystem(&json!({"name": "$web"})),
            filesystem(&json!({"name": "a--b"})),
            "spec.filesystems[0].name: Invalid value",
        ),
        pair(
            filesystem(&json!({"properties": names(50)})),
            filesystem(&json!({"properties": names(51)})),
            "spec.filesystems[0].properties: Too many",
        ),
        pair(
            scope("team-a"),
            scope("Team"),
            "spec.filesystems[0].defaultEncryptionScope: Invalid value",
        ),
        pair(
            filesystem(&json!({"deletionPolicy": "Delete"})),
            filesystem(&json!({"deletionPolicy": "Purge"})),
            "spec.filesystems[0].deletionPolicy: Unsupported value",
        ),
        pair(
            directories(1000),
            directories(1001),
            "spec.filesystems[0].directories: Too many",
        ),
        pair(
            directory("sales/2026"),
            directory("/sales"),
            "spec.filesystems[0].directories[0].path: Invalid value",
        ),
        pair(
            files(100),
            files(101),
            "spec.filesystems[0].files: Too many",
        ),
    ]
}

/// The rules of owners, permissions and access lists, which are the same wherever they stand.
fn of_access() -> Vec<Pair> {
    let at = |place: &str, access: Value| {
        if place == "root" {
            return filesystem(&json!({ "root": access }));
        }
        let mut one = json!({"path": "p"});
        if place == "files" {
            one["from"] = json!({"configMap": {"name": "a", "key": "b"}});
        }
        super::merge(&mut one, &access);
        filesystem(&json!({ place: [one] }))
    };
    let acl = |count: usize| json!({ "acl": vec!["user::rwx"; count] });
    let rules = |place: &str, paths: [&'static str; 6]| {
        let [owner, group, permissions, list, entry, mode] = paths;
        let pair_of =
            |good: Value, bad: Value, refusal| pair(at(place, good), at(place, bad), refusal);
        vec![
            pair_of(json!({"owner": GUID}), json!({"owner": text(257)}), owner),
            pair_of(
                json!({"group": "$superuser"}),
                json!({"group": text(257)}),
                group,
            ),
            pair_of(
                json!({"permissions": "1750"}),
                json!({"permissions": "rwx"}),
                permissions,
            ),
            pair_of(acl(64), acl(65), list),
            pair_of(
                json!({"acl": [text(320)]}),
                json!({"acl": [text(321)]}),
                entry,
            ),
            pair_of(
                json!({"acl": ["user:x"], "aclMode": "Remove"}),
                json!({"acl": ["user:x"], "aclMode": "Forget"}),
                mode,
            ),
        ]
    };
    let mut pairs = vec![
        pair(
            at("root", json!({"permissions": "rwxr-x--T"})),
            at("root", json!({"permissions": "0750", "acl": ["user::rwx"]})),
            "permissions and acl cannot both be set: acl says all that permissions say",
        ),
        pair(
            at("root", json!({"acl": ["user:x:r--"], "aclMode": "Modify"})),
            at("root", json!({"aclMode": "Modify"})),
            "aclMode Modify and Remove need acl",
        ),
        pair(
            at("root", json!({"acl": ["user::rwx"], "recursive": true})),
            at("root", json!({"recursive": true})),
            "recursive needs acl: it is the access list that goes to everything beneath",
        ),
    ];
    pairs.extend(rules(
        "root",
        [
            "spec.filesystems[0].root.owner: Too long",
            "spec.filesystems[0].root.group: Too long",
            "spec.filesystems[0].root.permissions: Invalid value",
            "spec.filesystems[0].root.acl: Too many",
            "spec.filesystems[0].root.acl[0]: Too long",
            "spec.filesystems[0].root.aclMode: Unsupported value",
        ],
    ));
    pairs.extend(rules(
        "directories",
        [
            "spec.filesystems[0].directories[0].owner: Too long",
            "spec.filesystems[0].directories[0].group: Too long",
            "spec.filesystems[0].directories[0].permissions: Invalid value",
            "spec.filesystems[0].directories[0].acl: Too many",
            "spec.filesystems[0].directories[0].acl[0]: Too long",
            "spec.filesystems[0].directories[0].aclMode: Unsupported value",
        ],
    ));
    pairs.extend(rules(
        "files",
        [
            "spec.filesystems[0].files[0].owner: Too long",
            "spec.filesystems[0].files[0].group: Too long",
            "spec.filesystems[0].files[0].permissions: Invalid value",
            "spec.filesystems[0].files[0].acl: Too many",
            "spec.filesystems[0].files[0].acl[0]: Too long",
            "spec.filesystems[0].files[0].aclMode: Unsupported value",
        ],
    ));
    pairs
}

fn of_files() -> Vec<Pair> {
    let file =
        |path: &str, from: Value| filesystem(&json!({"files": [{"path": path, "from": from}]}));
    let from = |from: Value| file("a.json", from);
    let map = json!({"configMap": {"name": "a", "key": "b"}});
    vec![
        pair(
            file("config/a.json", map.clone()),
            file("config\\a.json", map),
            "spec.filesystems[0].files[0].path: Invalid value",
        ),
        pair(
            from(json!({"secret": {"name": "a", "key": "b"}})),
            from(
                json!({"configMap": {"name": "a", "key": "b"}, "secret": {"name": "a", "key": "b"}}),
            ),
            "exactly one of configMap and secret must be set",
        ),
        pair(
            from(json!({"configMap": {"name": text(253), "key": "b"}})),
            from(json!({"configMap": {"name": text(254), "key": "b"}})),
            "spec.filesystems[0].files[0].from.configMap.name: Too long",
        ),
        pair(
            from(json!({"configMap": {"name": "a", "key": "b.json"}})),
            from(json!({"configMap": {"name": "a", "key": "b/c"}})),
            "spec.filesystems[0].files[0].from.configMap.key: Invalid value",
        ),
        pair(
            from(json!({"secret": {"name": text(253), "key": "b"}})),
            from(json!({"secret": {"name": text(254), "key": "b"}})),
            "spec.filesystems[0].files[0].from.secret.name: Too long",
        ),
        pair(
            from(json!({"secret": {"name": "a", "key": "b.json"}})),
            from(json!({"secret": {"name": "a", "key": "b/c"}})),
            "spec.filesystems[0].files[0].from.secret.key: Invalid value",
        ),
    ]
}

fn of_outputs() -> Vec<Pair> {
    let outputs = |outputs: Value| spec(json!({ "outputs": outputs }));
    let keys = |change: Value| {
        let mut keys = json!({"secret": "lake-keys"});
        super::merge(&mut keys, &change);
        outputs(json!({ "keys": keys }))
    };
    let sas = |change: Value| {
        let mut sas = json!({"secret": "lake-sas", "filesystem": "raw"});
        super::merge(&mut sas, &change);
        outputs(json!({ "sas": [sas] }))
    };
    let many = |count: usize| {
        let each = (0..count).map(|n| json!({"secret": format!("s{n}"), "filesystem": "raw"}));
        outputs(json!({ "sas": each.collect::<Vec<_>>() }))
    };
    vec![
        pair(
            outputs(json!({"configMap": "lake.connection"})),
            outputs(json!({"configMap": "Lake"})),
            "spec.outputs.configMap: Invalid value",
        ),
        pair(
            keys(json!({})),
            keys(json!({"secret": "-"})),
            "spec.outputs.keys.secret: Invalid value",
        ),
        pair(
            keys(json!({"rotateAfter": "1h"})),
            keys(json!({"rotateAfter": "59m"})),
            "rotateAfter must be at least 1h",
        ),
        pair(
            keys(json!({"rotateAfter": "2160h"})),
            keys(json!({"rotateAfter": "monthly"})),
            "spec.outputs.keys.rotateAfter: Invalid value",
        ),
        pair(many(16), many(17), "spec.outputs.sas: Too many"),
        pair(
            outputs(json!({"sas": [
                {"secret": "s", "filesystem": "raw"}, {"secret": "s", "filesystem": "raw", "key": "other"}
            ]})),
            outputs(json!({"sas": [
                {"secret": "s", "filesystem": "raw"}, {"secret": "s", "filesystem": "cooked", "key": "sas"}
            ]})),
            "each key of a Secret may stand once in sas",
        ),
        pair(
            sas(json!({"directory": "a"})),
            sas(json!({"directory": "a", "filesystem": null})),
            "directory needs filesystem",
        ),
        pair(
            sas(json!({})),
            sas(json!({"filesystem": null})),
            "filesystem must be set: a signature is for one filesystem",
        ),
        pair(
            sas(json!({"secret": "s.a"})),
            sas(json!({"secret": "S"})),
            "spec.outputs.sas[0].secret: Invalid value",
        ),
        pair(
            sas(json!({"key": "SAS_TOKEN"})),
            sas(json!({"key": "a b"})),
            "spec.outputs.sas[0].key: Invalid value",
        ),
        pair(
            sas(json!({"kind": "Service"})),
            sas(json!({"kind": "Account"})),
            "spec.outputs.sas[0].kind: Unsupported value",
        ),
        pair(
            sas(json!({"filesystem": text(63)})),
            sas(json!({"filesystem": text(64)})),
            "spec.outputs.sas[0].filesystem: Too long",
        ),
        pair(
            sas(json!({"directory": text(1024)})),
            sas(json!({"directory": text(1025)})),
            "spec.outputs.sas[0].directory: Too long",
        ),
        pair(
            sas(json!({"permissions": "racwdl"})),
            sas(json!({"permissions": "rs"})),
            "spec.outputs.sas[0].permissions: Invalid value",
        ),
        pair(
            sas(json!({"lifetime": "168h"})),
            sas(json!({"lifetime": "169h"})),
            "lifetime must be 1h to 168h",
        ),
        pair(
            sas(json!({"lifetime": "24h"})),
            sas(json!({"lifetime": "a day"})),
            "spec.outputs.sas[0].lifetime: Invalid value",
        ),
    ]
}
