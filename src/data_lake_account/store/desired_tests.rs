use serde_json::{Value, json};

use super::*;
use crate::data_lake_account::plan::fixtures::*;

/// A spec of generation Gen1.
fn case(mut spec: Value) -> Case {
    spec["generation"] = json!("Gen1");
    Case::new(spec)
}

fn paths(case: &Case, account: &StoreAccount) -> Vec<String> {
    let owner = case.owner.to_string();
    let set = (case.record.tags.as_slice(), owner.as_str());
    let account = account.clone().into();
    let found = case.desired.differences(&account, set, Some(VAULT_ID));
    let tell = |one: Difference| {
        let stuck = if one.stuck.is_some() { " (stuck)" } else { "" };
        format!("{}: {} -> {}{stuck}", one.path, one.observed, one.desired)
    };
    found.into_iter().map(tell).collect()
}

fn key(version: &str) -> Value {
    json!({ "encryption": { "key": { "vaultRef": { "name": "kv-a" }, "name": "Lake", "version": version } } })
}

#[test]
fn an_account_is_encrypted_whatever_is_said() {
    assert_eq!(case(json!({})).store().encryption, StoreEncryption::Service);
    let own = case(key("1")).store();
    assert!(
        own.encryption
            .to_string()
            .ends_with("/vaults/kv-a/keys/lake/1")
    );
    assert!(!own.key_in_use);
}

#[test]
fn what_a_spec_does_not_say_is_left() {
    let mut theirs = case(json!({})).store();
    theirs.firewall.on = true;
    theirs
        .firewall
        .subnets
        .insert("pods".to_owned(), "/s".to_owned());
    theirs.encryption = StoreEncryption::Off;
    assert_eq!(paths(&case(json!({})), &theirs), Vec::<String>::new());
}

#[test]
fn each_field_that_differs_is_named() {
    let rules = json!({ "tags": { "team": "pay" }, "networkRules": { "ipRules": ["1.2.3.4"] } });
    assert_eq!(
        paths(&case(rules), &case(json!({})).store()),
        [
            "tags.team: (none) -> pay",
            "networkRules.defaultAction: Allow -> Deny",
            "networkRules.bypass[AzureServices]: absent -> there",
            "networkRules.ipRules[1.2.3.4-1.2.3.4]: absent -> there",
        ]
    );
}

#[test]
fn of_encryption_only_the_version_of_a_key_can_be_changed() {
    let stuck = |wanted: &Case, has: &StoreAccount| {
        let all = paths(wanted, has);
        assert_eq!(all.len(), 1, "{all:?}");
        all.iter().all(|one| one.ends_with("(stuck)"))
    };
    let (one, two) = (case(key("1")), case(key("2")));
    assert!(!stuck(&two, &one.store()));
    assert!(stuck(&one, &case(json!({})).store()));
    let mut other = one.store();
    if let StoreEncryption::Customer(key) = &mut other.encryption {
        key.name = "other".to_owned();
    }
    assert!(stuck(&one, &other));
    // What is written says what the account has where it cannot be changed.
    for (has, changes) in [
        (one.store(), true),
        (other, false),
        (case(json!({})).store(), false),
    ] {
        let mut after = crate::data_lake_account::generation::Account::from(has.clone());
        let tags = has.tags.clone();
        two.desired.update(&mut after, tags, Some(VAULT_ID));
        assert_eq!(after != has.into(), changes);
    }
}
