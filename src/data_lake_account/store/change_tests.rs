use serde_json::{Value, json};

use super::*;
use crate::azure::lake::FilesystemName;
use crate::azure_resource::planner::Planner;
use crate::data_lake_account::api::DataLakeAccount;
use crate::data_lake_account::lake::Contents;
use crate::data_lake_account::plan::fixtures::*;
use crate::data_lake_account::plan::{Next, Seen, next};
use crate::data_lake_account::store::{Firewall, StoreKey};
use crate::problem::Reason;

/// A spec of generation Gen1.
fn gen1(mut spec: Value) -> Value {
    spec["generation"] = json!("Gen1");
    spec
}

fn case(spec: Value) -> Case {
    Case::new(gen1(spec))
}

/// Steps of a plan until nothing is left to do, each taken for done.
fn planned(case: &Case, seen: &Seen) -> Vec<String> {
    let (mut seen, mut steps) = (seen.clone(), Vec::new());
    loop {
        match next(&case.inputs(), &seen) {
            Next::Look(look) => crate::data_lake_account::sight::imagine(&look, &mut seen),
            Next::Do(step) => {
                steps.push(step.to_string());
                DataLakeAccount::assume(&case.inputs(), &step, &mut seen);
            }
            Next::Rest => return steps,
            other @ (Next::Poll | Next::Wait(_)) => panic!("{other:?} after {steps:?}"),
        }
        assert!(steps.len() < 12, "{steps:?}");
    }
}

#[test]
fn an_absent_account_is_created_by_its_own_provider() {
    let case = case(json!({}));
    assert_eq!(case.says(&free()), "create the account");
    let mut seen = free();
    seen.ground.unregistered = true;
    seen.ground.provider = Some(crate::azure::arm::providers::Registration::NotRegistered);
    assert_eq!(
        case.says(&seen),
        "register the resource provider Microsoft.DataLakeStore"
    );
    seen.name = Some(Err("An account named lakea already exists.".to_owned()));
    let said = case.waits(&seen);
    assert!(said.contains("names of Data Lake Stores"), "{said}");
    assert!(said.contains("az dls account list"), "{said}");
}

#[test]
fn an_account_is_written_by_whom_it_belongs_to() {
    for (adopt, owner, expected) in [
        ("Never", OURS, "rest"),
        ("IfTagged", BEFORE, "update tags.lakevault-owner"),
        ("IfTagged", None, "wait ResourceNotOurs"),
        ("Always", None, "update tags.lakevault-owner"),
        ("Always", FOREIGN, "wait ResourceNotOurs"),
    ] {
        let case = case(json!({ "adopt": adopt }));
        let mut store = case.store();
        let tag = crate::azure_resource::owner::OWNER_TAG;
        store.tags.remove(tag);
        store
            .tags
            .extend(owner.map(|owner| (tag.to_owned(), owner.to_owned())));
        assert_eq!(case.says(&stores(store)), expected, "{adopt} {owner:?}");
    }
    let mut elsewhere = case(json!({})).store();
    elsewhere.location = "eastus2".to_owned();
    assert_eq!(
        case(json!({})).says(&stores(elsewhere)),
        "wait LocationMismatch"
    );
}

#[test]
fn whoever_is_wanted_is_let_in_before_anybody_is_shut_out() {
    let case = case(json!({ "networkRules": { "ipRules": ["1.2.3.4"] } }));
    let theirs = super::super::Range {
        first: [9, 9, 9, 9].into(),
        last: [9, 9, 9, 9].into(),
    };
    let mut open = case.store();
    open.firewall = Firewall {
        ranges: [("theirs".to_owned(), theirs)].into(),
        ..Firewall::default()
    };
    assert_eq!(
        planned(&case, &stores(open)),
        [
            "let the addresses 1.2.3.4-1.2.3.4 in",
            "update networkRules.defaultAction, networkRules.bypass[AzureServices]",
            "remove the firewall's rule \"theirs\"",
        ]
    );
}

#[test]
fn a_customers_key_is_taken_into_use_once_the_account_is_there() {
    let key = json!({ "encryption": { "key": { "vaultRef": { "name": "kv-a" }, "name": "lake", "version": "2" } } });
    let case = case(key);
    let mut seen = free();
    assert_eq!(case.says(&seen), "look KeyVault(\"kv-a\")");
    seen.vault = Some(Err(trouble(Reason::WaitingForVault)));
    assert_eq!(case.says(&seen), "wait WaitingForVault");
    seen.vault = Some(Ok(VAULT_ID.to_owned()));
    assert_eq!(
        planned(&case, &seen),
        ["create the account", "take the customer's key into use"]
    );
    // Of a key that is in use only the version is changed; another one stays.
    let mut there = Seen {
        vault: seen.vault.clone(),
        ..stores(case.store())
    };
    let encryption = |vault: &str, version: &str| {
        StoreEncryption::Customer(StoreKey {
            vault: vault.to_ascii_lowercase(),
            name: "lake".to_owned(),
            version: version.to_owned(),
        })
    };
    for (has, expected) in [
        (encryption(VAULT_ID, "1"), "update encryption"),
        (encryption("/other", "2"), "rest"),
        (StoreEncryption::Service, "rest"),
    ] {
        let mut store = case.store();
        (store.encryption, store.key_in_use) = (has, true);
        there.account = Some(Some(store.into()));
        assert_eq!(case.says(&there), expected);
    }
}

#[test]
fn an_account_stays_unless_its_deletion_is_asked_for_and_it_holds_nothing() {
    let leaving = |spec| Case::leaving(gen1(spec));
    let rows = [
        (json!({}), "remove the operator's tag from the account"),
        (json!({ "deletionPolicy": "Delete" }), "look Filesystems"),
        (
            json!({ "deletionPolicy": "Delete", "force": true }),
            "delete the account",
        ),
    ];
    for (spec, expected) in rows {
        let case = leaving(spec);
        assert_eq!(case.says(&stores(case.store())), expected);
    }
    let case = leaving(json!({ "deletionPolicy": "Delete" }));
    let root: FilesystemName = "root".parse().unwrap();
    let mut seen = stores(case.store());
    seen.filesystems = Some(Ok(vec![root.clone()]));
    seen.contents.insert(root, Ok(Contents::Something));
    assert_eq!(case.says(&seen), "wait FilesystemNotEmpty");
}

#[test]
fn an_account_that_azure_gave_up_on_is_written_once_more() {
    let case = case(json!({}));
    let mut store = case.store();
    store.state = Some("Failed".to_owned());
    let mut seen = stores(store);
    assert_eq!(case.says(&seen), "update provisioningState");
    seen.updated = true;
    assert_eq!(case.says(&seen), "wait OperationFailed");
}

/// Whatever the spec wants, a round that takes each step for done ends, and the next plans nothing.
#[test]
fn what_is_planned_leaves_nothing_to_plan() {
    let spec = json!({
        "tags": { "a": "b" },
        "networkRules": { "ipRules": ["10.0.0.0/25", "10.0.0.128/25"], "bypass": [] },
        "roleAssignments": [{ "principalId": ALICE, "role": "Reader" }],
    });
    let wanted = Case::deep(gen1(spec));
    let bare = stores(case(json!({})).store());
    assert_eq!(planned(&wanted, &sees(None)).len(), 2);
    assert_eq!(planned(&wanted, &bare).len(), 3);
    let mut there = stores(wanted.store());
    there.ground.assignments = Some(Vec::new());
    assert_eq!(planned(&wanted, &there).len(), 1, "its role alone");
}
