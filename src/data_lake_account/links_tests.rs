use serde_json::{Value, json};

use super::*;
use crate::data_lake_account::plan::fixtures::object;
use crate::data_lake_account::valid::parse;

const MAP: (Kind, &str, &str) = (Kind::ConfigMap, "team", "jobs");

fn account(name: &str, spec: Value) -> DataLakeAccount {
    let mut account = object(spec);
    account.metadata.name = Some(name.to_owned());
    account
}

fn named(name: &str) -> Named {
    ("team".to_owned(), name.to_owned())
}

/// Files of a ConfigMap and of a Secret, and outputs.
fn spec() -> Value {
    json!({
        "filesystems": [{"name": "raw", "files": [
            {"path": "a", "from": {"configMap": {"name": "jobs", "key": "a"}}},
            {"path": "in/b", "from": {"configMap": {"name": "jobs", "key": "b"}}},
            {"path": "c", "from": {"secret": {"name": "token", "key": "c"}}},
        ]}],
        "outputs": {"configMap": "facts", "keys": {"secret": "keys"}, "sas": [
            {"secret": "reader", "filesystem": "raw"}
        ]},
    })
}

/// Links of which all that was touched was looked at.
fn looked() -> Links {
    let links = Links::default();
    links.seen(&account("lakea", spec()));
    links.done(&named("lakea"), &links.touched(&named("lakea")));
    links
}

fn files(links: &Links, account: &DataLakeAccount) -> Vec<String> {
    let touched = links.touched(&named(account.metadata.name.as_deref().unwrap()));
    let found = files_of(&parse(account).unwrap().lake, &touched);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_source_that_changes_wakes_those_who_make_files_of_it_and_names_these_files() {
    let links = looked();
    let lakea = account("lakea", spec());
    links.seen(&account("other", json!({})));
    assert_eq!(files(&links, &lakea), [""; 0]);
    assert_eq!(links.told(MAP, Some("1")), ["lakea"]);
    assert_eq!(files(&links, &lakea), ["raw/a", "raw/in/b"]);
    let secret = (Kind::Secret, "team", "token");
    assert_eq!(links.told(secret, Some("1")), ["lakea"]);
    assert_eq!(files(&links, &lakea), ["raw/a", "raw/c", "raw/in/b"]);
    for nobodys in [
        (Kind::Secret, "team", "jobs"),
        (Kind::ConfigMap, "elsewhere", "jobs"),
        (Kind::ConfigMap, "team", "token"),
    ] {
        assert_eq!(links.told(nobodys, Some("1")), [""; 0], "{nobodys:?}");
    }
}

#[test]
fn one_version_is_news_once_and_what_goes_is_news() {
    let links = looked();
    for (version, news) in [
        (Some("1"), true),
        (Some("1"), false),
        (Some("2"), true),
        (None, true),
        (Some("3"), true),
    ] {
        assert_eq!(!links.told(MAP, version).is_empty(), news, "{version:?}");
    }
}

#[test]
fn what_changes_again_while_it_is_looked_at_is_looked_at_again() {
    let links = looked();
    let lakea = account("lakea", spec());
    links.told(MAP, Some("1"));
    let first = links.touched(&named("lakea"));
    links.told(MAP, Some("2"));
    links.done(&named("lakea"), &first);
    assert_eq!(files(&links, &lakea), ["raw/a", "raw/in/b"]);
    links.done(&named("lakea"), &links.touched(&named("lakea")));
    assert_eq!(files(&links, &lakea), [""; 0]);
}

#[test]
fn outputs_wake_their_account_and_touch_no_file() {
    let links = looked();
    for output in [
        (Kind::ConfigMap, "team", "facts"),
        (Kind::Secret, "team", "keys"),
        (Kind::Secret, "team", "reader"),
    ] {
        assert_eq!(links.told(output, Some("1")), ["lakea"], "{output:?}");
    }
    assert_eq!(links.touched(&named("lakea")), Touched::new());
}

#[test]
fn what_went_while_nobody_watched_is_news_once_a_list_is_complete() {
    let links = looked();
    links.told(MAP, Some("1"));
    links.told((Kind::ConfigMap, "team", "facts"), Some("1"));
    links.told((Kind::Secret, "team", "token"), Some("1"));
    links.lists(Kind::ConfigMap);
    assert_eq!(links.told(MAP, Some("1")), [""; 0]);
    assert_eq!(links.listed(Kind::ConfigMap), [named("lakea")]);
    assert_eq!(links.listed(Kind::ConfigMap), []);
}

#[test]
fn all_sources_of_an_account_that_is_new_are_looked_at_and_of_one_that_went_none() {
    let links = Links::default();
    let lakea = account("lakea", spec());
    links.seen(&lakea);
    assert_eq!(files(&links, &lakea), ["raw/a", "raw/c", "raw/in/b"]);
    links.done(&named("lakea"), &links.touched(&named("lakea")));
    links.seen(&lakea);
    assert_eq!(files(&links, &lakea), [""; 0], "nothing is new");
    links.retain(|_| false);
    assert_eq!(links.told(MAP, Some("1")), [""; 0]);
    assert!(links.lock().things.is_empty());
}

#[test]
fn a_key_vault_wakes_those_whose_key_lies_in_it() {
    let links = Links::default();
    let key = json!({"vaultRef": {"name": "kv"}, "name": "lake"});
    let identity = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/lake";
    let sealed = json!({"encryption": {"key": key, "userAssignedIdentity": identity}});
    links.seen(&account("sealed", sealed));
    links.seen(&account("other", json!({})));
    assert_eq!(links.naming("team", "kv"), ["sealed"]);
    assert_eq!(links.naming("elsewhere", "kv"), [""; 0]);
    assert_eq!(links.naming_any(), [named("sealed")]);
    links.seen(&account("sealed", json!({})));
    assert_eq!(links.naming("team", "kv"), [""; 0]);
}
