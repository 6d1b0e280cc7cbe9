//! Random specs, and what others may have put into a lake before.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::fixtures::{ADA, BOB};
use super::azure::Azure;
use super::lists::entries;
use crate::azure::lake::paths::Thing;
use crate::azure::lake::{FilesystemName, LakePath};

pub(super) const DIRECTORIES: [&str; 7] = ["", "a", "a/b", "a/b/c", "a/d", "e", "e/f"];
pub(super) const FILES: [&str; 3] = ["a/x", "e/f/y", "g"];
/// Paths that no spec names.
const OTHERS: [&str; 4] = ["a/b/others", "a/others/deep", "e/others", "others"];

fn bits() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["rwx", "r-x", "r--", "---"])
}

/// Named entries of a scope.
fn named(scope: &'static str) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_map(
        prop::sample::select(vec!["user:$A", "user:$B", "group:$B"]),
        bits(),
        0..3,
    )
    .prop_map(move |all| {
        all.iter()
            .map(|(who, bits)| format!("{scope}{who}:{bits}"))
            .collect()
    })
}

/// A whole list.
pub(super) fn list(hands_down: bool) -> impl Strategy<Value = String> {
    let three = [bits(), bits(), bits()];
    let scope = |scope| (named(scope), prop::option::of(bits()));
    let default = prop::option::of((bits(), scope("default:")));
    (three, scope(""), default).prop_map(move |([user, group, other], (named, mask), default)| {
        let mut all = vec![
            format!("user::{user}"),
            format!("group::{group}"),
            format!("other::{other}"),
        ];
        all.extend(named);
        all.extend(mask.map(|mask| format!("mask::{mask}")));
        if let Some((group, (named, mask))) = default.filter(|_| hands_down) {
            all.push(format!("default:group::{group}"));
            all.extend(named);
            all.extend(mask.map(|mask| format!("default:mask::{mask}")));
        }
        all.join(",")
    })
}

fn removal(hands_down: bool) -> impl Strategy<Value = Vec<String>> {
    let mut all = vec!["user:$A", "user:$B", "group:$B", "mask"];
    if hands_down {
        all.extend([
            "default:user:$A",
            "default:mask",
            "default:user",
            "default:user,default:group,default:other",
        ]);
    }
    prop::sample::subsequence(all, 1..3).prop_map(|all| {
        let keys = all.iter().flat_map(|keys| keys.split(','));
        keys.map(str::to_owned).collect()
    })
}

fn ids(text: &str) -> String {
    text.replace("$A", ADA).replace("$B", BOB)
}

/// What is said of a path.
pub(super) fn access(directory: bool, trees: bool) -> impl Strategy<Value = Value> {
    let who = || prop::option::weighted(0.2, prop::sample::select(vec![ADA, BOB, "$superuser"]));
    let sticky: &[&str] = if directory {
        &["1770", "rwxrwxrwt"]
    } else {
        &[]
    };
    let permissions = prop::sample::select([&["0750", "0640"], sticky].concat());
    let changes = (named(""), named("default:"), prop::option::of(bits()));
    let changes = changes.prop_map(move |(mut all, default, other)| {
        all.extend(default.into_iter().filter(|_| directory));
        all.extend(other.map(|bits| format!("other::{bits}")));
        if all.is_empty() {
            all.push("user:$A:r-x".to_owned());
        }
        all
    });
    let what = prop_oneof![
        2 => Just(json!({})),
        1 => permissions.prop_map(|text| json!({ "permissions": text })),
        2 => list(directory).prop_map(|text| json!({ "acl": ids(&text).split(',').collect::<Vec<_>>() })),
        1 => changes.prop_map(|all| json!({ "aclMode": "Modify", "acl": all.iter().map(|one| ids(one)).collect::<Vec<_>>() })),
        1 => removal(directory).prop_map(|all| json!({ "aclMode": "Remove", "acl": all.iter().map(|one| ids(one)).collect::<Vec<_>>() })),
    ];
    (who(), who(), what, any::<bool>()).prop_map(move |(owner, group, mut what, recursive)| {
        let fields = what.as_object_mut().unwrap();
        fields.extend(owner.map(|id| ("owner".to_owned(), json!(id))));
        fields.extend(group.map(|id| ("group".to_owned(), json!(id))));
        if recursive && directory && trees && fields.contains_key("acl") {
            fields.insert("recursive".to_owned(), json!(true));
        }
        what
    })
}

fn some<const N: usize>(directory: bool, trees: bool) -> impl Strategy<Value = Vec<Option<Value>>> {
    prop::collection::vec(prop::option::of(access(directory, trees)), N)
}

/// The filesystem of a spec.
pub(super) fn filesystem(name: &'static str, trees: bool) -> impl Strategy<Value = Value> {
    let properties = prop::collection::btree_map("[ab]", "[xy]", 0..3);
    (some::<7>(true, trees), some::<3>(false, trees), properties).prop_map(
        move |(directories, files, properties)| {
            let mut all = json!({ "name": name, "properties": properties });
            let of = |paths: &[&str], said: Vec<Option<Value>>| {
                let each = paths.iter().zip(said).filter_map(|(path, said)| {
                    let mut said = said?;
                    said["path"] = json!(path);
                    Some(said)
                });
                each.collect::<Vec<Value>>()
            };
            let mut directories = of(&DIRECTORIES, directories);
            if let Some(at) = directories.iter().position(|one| one["path"] == "") {
                let mut root = directories.remove(at);
                root.as_object_mut().map(|root| root.remove("path"));
                all["root"] = root;
            }
            let mut files = of(&FILES, files);
            for file in &mut files {
                file["from"] = json!({ "configMap": { "name": "m", "key": "k" } });
            }
            all["directories"] = json!(directories);
            all["files"] = json!(files);
            all
        },
    )
}

/// A spec of one filesystem.
pub(super) fn one(trees: bool) -> impl Strategy<Value = Value> {
    filesystem("raw", trees).prop_map(|one| fields(&[one]))
}

pub(super) fn fields(filesystems: &[Value]) -> Value {
    let fields: Map<String, Value> = [("filesystems".to_owned(), json!(filesystems))]
        .into_iter()
        .collect();
    Value::Object(fields)
}

/// What somebody has put into a lake: lists by path; whether a thing is of the other kind than a spec would want.
pub(super) type Put = Vec<(&'static str, bool, String)>;

pub(super) fn put(strange: bool) -> impl Strategy<Value = Put> {
    let paths: Vec<&str> = DIRECTORIES.into_iter().chain(FILES).chain(OTHERS).collect();
    let others = if strange { 0.1 } else { 0.0 };
    let each = (
        prop::sample::select(paths),
        prop::bool::weighted(others),
        list(true),
    );
    prop::collection::vec(each, 0..10)
}

/// Puts that there.
pub(super) fn apply(azure: &mut Azure, name: &FilesystemName, put: &Put) {
    for (path, strange, list) in put {
        let is_file = FILES.contains(path) || path.ends_with("others");
        let thing = if is_file == *strange {
            Thing::Directory
        } else {
            Thing::File
        };
        let path: LakePath = path.parse().unwrap();
        azure.put(name, &path, thing);
        let items = &mut azure.make(name).items;
        if let Some(item) = items.get_mut(&path) {
            let whole = whole(list);
            item.list = entries(&whole);
            if item.thing == Thing::File {
                item.list
                    .retain(|key, _| key.scope == crate::azure::lake::acl::Scope::Access);
            }
        }
    }
}

/// As Azure stores it.
fn whole(list: &str) -> String {
    super::super::fixtures::acl(list).as_stored().to_string()
}
