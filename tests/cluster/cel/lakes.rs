//! Pairs for what lies in a DataLakeAccount, and for what it tells.

use serde_json::{Value, json};

use super::resources::{GUID, spec};
use super::{Pair, merge, names, pair, text};

/// A spec with one filesystem, changed.
fn filesystem(change: &Value) -> Value {
    let mut filesystem = json!({"name": "raw"});
    merge(&mut filesystem, change);
    spec(json!({ "filesystems": [filesystem] }))
}

pub fn of_filesystems() -> Vec<Pair> {
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
pub fn of_access() -> Vec<Pair> {
    let at = |place: &str, access: Value| {
        if place == "root" {
            return filesystem(&json!({ "root": access }));
        }
        let mut one = json!({"path": "p"});
        if place == "files" {
            one["from"] = json!({"configMap": {"name": "a", "key": "b"}});
        }
        merge(&mut one, &access);
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

pub fn of_files() -> Vec<Pair> {
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

pub fn of_outputs() -> Vec<Pair> {
    let outputs = |outputs: Value| spec(json!({ "outputs": outputs }));
    let keys = |change: Value| {
        let mut keys = json!({"secret": "lake-keys"});
        merge(&mut keys, &change);
        outputs(json!({ "keys": keys }))
    };
    let sas = |change: Value| {
        let mut sas = json!({"secret": "lake-sas", "filesystem": "raw"});
        merge(&mut sas, &change);
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
