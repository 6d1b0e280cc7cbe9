use serde_json::{Value, json};

use super::super::fixtures::{ADA, BOB, entries, raw, spec};
use super::*;

fn refusal(filesystem: &Value) -> String {
    let spec = spec(json!({ "filesystems": [filesystem] }));
    parse(&spec).unwrap_err().message
}

/// Why a directory `sales` with these fields is refused.
fn of_directory(mut fields: Value) -> String {
    fields["path"] = json!("sales");
    let message = refusal(&json!({ "name": "raw", "directories": [fields] }));
    let begin = "spec.filesystems[raw].directories[sales].";
    let rest = message.strip_prefix(begin);
    rest.unwrap_or_else(|| panic!("{message}")).to_owned()
}

#[test]
fn a_spec_is_read_into_paths_that_sort_behind_those_they_lie_in() {
    let lake = raw(json!({
        "root": { "permissions": "0750" },
        "directories": [{ "path": "b/c", "owner": ADA }, { "path": "a" }, { "path": "b" }],
        "files": [{ "path": "a/x.json", "from": { "configMap": { "name": "m", "key": "k" } } }],
    }));
    let nodes = &lake.filesystems.values().next().unwrap().nodes;
    let paths: Vec<String> = nodes.keys().map(ToString::to_string).collect();
    assert_eq!(paths, ["/", "a", "a/x.json", "b", "b/c"]);
    let silent: Vec<bool> = nodes.values().map(|node| node.access.is_silent()).collect();
    assert_eq!(silent, [false, true, true, true, false]);
}

#[test]
fn a_list_is_kept_as_azure_stores_it() {
    let list = "user::rwx,user:$A:r-x,group::---,other::---,default:user:$B:rwx";
    let lake = raw(json!({ "root": { "acl": entries(list) } }));
    let nodes = &lake.filesystems.values().next().unwrap().nodes;
    let What::Set(acl) = &nodes[&LakePath::root()].access.what else {
        panic!("{nodes:?}");
    };
    let text = acl.to_string().replace(ADA, "$A").replace(BOB, "$B");
    assert_eq!(
        text,
        "user::rwx,user:$A:r-x,group::---,mask::r-x,other::---,default:user::rwx,default:user:$B:rwx,default:group::---,default:mask::rwx,default:other::---"
    );
}

#[test]
fn a_plus_that_azure_tells_may_stand_in_permissions() {
    let with = raw(json!({ "root": { "permissions": "rwxr-x--T+" } }));
    assert_eq!(with, raw(json!({ "root": { "permissions": "1750" } })));
}

#[test]
fn names_are_refused_with_the_mend() {
    let upn = "ada@contoso.com";
    let mend = "az ad user show --id ada@contoso.com --query id";
    for fields in [
        json!({ "owner": upn }),
        json!({ "group": upn }),
        json!({ "acl": ["user::rwx", "group::r-x", "other::---", format!("user:{upn}:r-x")] }),
        json!({ "acl": [format!("user:{upn}:r-x")], "aclMode": "Modify" }),
        json!({ "acl": [format!("user:{upn}")], "aclMode": "Remove" }),
    ] {
        let why = of_directory(fields);
        assert!(why.contains(mend), "{why}");
    }
}

#[test]
fn a_refusal_names_field_and_mend() {
    let list = |text: &str| entries(text);
    for (fields, field, part) in [
        (json!({ "owner": "ada" }), "owner", "an object id"),
        (json!({ "permissions": "0999" }), "permissions", "0750"),
        (
            json!({ "acl": list("user::rwx,group::r-x") }),
            "acl",
            "other::",
        ),
        (json!({ "acl": list("user:$A:rw") }), "acl", "user:aaaa"),
        (
            json!({ "acl": list("user::rwx,user::r--") }),
            "acl",
            "twice",
        ),
        (
            json!({ "acl": list("user::rwx,group::r-x,other::---"), "permissions": "0750" }),
            "acl",
            "cannot both",
        ),
        (json!({ "aclMode": "Modify" }), "acl", "needs it"),
        (
            json!({ "aclMode": "Remove", "permissions": "0750" }),
            "acl",
            "needs it",
        ),
        (
            json!({ "aclMode": "Remove", "acl": ["other:"] }),
            "acl",
            "aclMode Modify",
        ),
        (
            json!({ "aclMode": "Remove", "acl": list("user:$A:rwx") }),
            "acl",
            "user:aaaa",
        ),
        (
            json!({ "recursive": true, "permissions": "0750" }),
            "recursive",
            "needs acl",
        ),
    ] {
        let why = of_directory(fields.clone());
        assert!(why.starts_with(&format!("{field}: ")), "{fields}: {why}");
        assert!(why.contains(part), "{fields}: {why}");
    }
}

#[test]
fn more_entries_than_azure_keeps_are_refused() {
    let named = (0..29).map(|n| format!("user:{n:08}-271f-439e-b031-25678907d381:r--"));
    let plain = ["user::rwx", "group::r-x", "other::---"].map(str::to_owned);
    let all: Vec<String> = plain.into_iter().chain(named).collect();
    let why = of_directory(json!({ "acl": all }));
    // With the mask that Azure adds.
    assert!(why.contains("33 entries") && why.contains("32"), "{why}");
}

#[test]
fn a_file_has_nothing_beneath_it() {
    let from = json!({ "configMap": { "name": "m", "key": "k" } });
    let file = |path: &str, mut fields: Value| {
        fields["path"] = json!(path);
        fields["from"] = from.clone();
        fields
    };
    for (filesystem, begin, part) in [
        (
            json!({ "files": [file("a", json!({}))], "directories": [{ "path": "a" }] }),
            "files[a].path",
            "twice",
        ),
        (
            json!({ "files": [file("a", json!({}))], "directories": [{ "path": "a/b/c" }] }),
            "directories[a/b/c]",
            "\"a\" is a file",
        ),
        (
            json!({ "files": [file("a", json!({ "acl": entries("user::rw-,group::r--,other::---,default:user:$A:r--") }))] }),
            "files[a].acl",
            "leave them out",
        ),
        (
            json!({ "files": [file("a", json!({ "acl": ["default:mask"], "aclMode": "Remove" }))] }),
            "files[a].acl",
            "leave them out",
        ),
        (
            json!({ "files": [file("a", json!({ "acl": entries("user:$A:r--"), "aclMode": "Modify", "recursive": true }))] }),
            "files[a].recursive",
            "nothing lies beneath a file",
        ),
        (
            json!({ "files": [file("a", json!({ "permissions": "1640" }))] }),
            "files[a].permissions",
            "this is a file",
        ),
    ] {
        let mut filesystem = filesystem;
        filesystem["name"] = json!("raw");
        let why = refusal(&filesystem);
        assert!(
            why.starts_with(&format!("spec.filesystems[raw].{begin}")),
            "{why}"
        );
        assert!(why.contains(part), "{why}");
    }
}

#[test]
fn paths_that_differ_by_case_are_two() {
    let lake = raw(json!({ "directories": [{ "path": "Sales" }, { "path": "sales" }] }));
    assert_eq!(lake.filesystems.values().next().unwrap().nodes.len(), 2);
}

#[test]
fn names_of_filesystems_paths_and_properties_are_azures() {
    for (filesystem, part) in [
        (json!({ "name": "$web" }), "a filesystem's name"),
        (
            json!({ "name": "raw", "directories": [{ "path": "a/../b" }] }),
            "lead elsewhere",
        ),
        (
            json!({ "name": "raw", "directories": [{ "path": "/" }] }),
            "say what you want of it in root",
        ),
        (
            json!({ "name": "raw", "properties": { "a-b": "x" } }),
            "name of a property",
        ),
        (
            json!({ "name": "raw", "properties": { "a": "x", "A": "y" } }),
            "twice",
        ),
    ] {
        let why = refusal(&filesystem);
        assert!(
            why.starts_with("spec.filesystems[") && why.contains(part),
            "{why}"
        );
    }
}

#[test]
fn a_data_lake_store_has_one_filesystem_with_nothing_to_set() {
    let parse = |filesystem: Value| {
        let spec = spec(json!({ "generation": "Gen1", "filesystems": [filesystem] }));
        parse(&spec).map_err(|problem| problem.message)
    };
    assert!(parse(json!({ "name": "root", "directories": [{ "path": "a" }] })).is_ok());
    for (filesystem, part) in [
        (json!({ "name": "raw" }), "[raw].name: "),
        (
            json!({ "name": "root", "properties": { "a": "b" } }),
            "[root].properties: ",
        ),
        (
            json!({ "name": "root", "defaultEncryptionScope": "one" }),
            "[root].defaultEncryptionScope: ",
        ),
        (
            json!({ "name": "root", "deletionPolicy": "Delete" }),
            "[root].deletionPolicy: ",
        ),
    ] {
        let why = parse(filesystem).unwrap_err();
        assert!(why.contains(part), "{why}");
    }
}
