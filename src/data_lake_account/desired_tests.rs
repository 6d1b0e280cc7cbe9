use serde_json::json;

use super::*;
use crate::azure_resource::owner::OWNER_TAG;
use crate::data_lake_account::generation::Account;
use crate::data_lake_account::plan::fixtures::*;
use crate::data_lake_account::plan::update;

fn paths(case: &Case, account: &StorageAccount) -> Vec<String> {
    let owner = case.owner.to_string();
    let set = (case.record.tags.as_slice(), owner.as_str());
    let found = differences(case.wants(), account, set, Some(VAULT));
    let tell = |one: Difference| {
        let stuck = if one.stuck.is_some() { " (stuck)" } else { "" };
        format!("{}: {} -> {}{stuck}", one.path, one.observed, one.desired)
    };
    found.into_iter().map(tell).collect()
}

#[test]
fn an_account_is_made_safe() {
    let account = Case::new(json!({})).account();
    let made = &account.settings;
    assert_eq!(made.sku, Word::new("Standard_LRS"));
    assert_eq!(made.minimum_tls, Word::new("TLS1_2"));
    assert!(made.https_only && !made.shared_keys && !made.blob_public_access);
    assert!(account.hierarchical);
    assert_eq!(account.kind, Word::new("StorageV2"));
    let fast = Case::new(json!({ "sku": "Premium_LRS" })).account();
    assert_eq!(fast.kind, Word::new("BlockBlobStorage"));
}

#[test]
fn what_a_spec_does_not_say_is_left() {
    let case = Case::new(json!({}));
    let mut account = case.account();
    account.settings = Settings {
        shared_keys: true,
        blob_public_access: true,
        sftp: true,
        https_only: false,
        ..Settings::new(Word::new("Premium_ZRS"))
    };
    account.nfs_v3 = true;
    account.tags.insert("theirs".to_owned(), "x".to_owned());
    assert_eq!(paths(&case, &account), Vec::<String>::new());
}

#[test]
fn each_field_that_differs_is_named() {
    let case = Case::new(json!({
        "tags": { "team": "pay" }, "sku": "Standard_GRS", "accessTier": "Cool", "minimumTlsVersion": "TLS1_3",
        "sharedKeyAccess": true, "blobPublicAccess": true, "sftp": true, "nfsV3": false, "publicNetworkAccess": "Disabled",
        "networkRules": { "bypass": ["Logging"], "ipRules": ["1.2.3.4"] },
    }));
    let mut account = Case::new(json!({})).account();
    account.nfs_v3 = true;
    assert_eq!(
        paths(&case, &account),
        [
            "tags.team: (none) -> pay",
            "sku: Standard_LRS -> Standard_GRS",
            "accessTier: Hot -> Cool",
            "minimumTlsVersion: TLS1_2 -> TLS1_3",
            "sharedKeyAccess: false -> true",
            "blobPublicAccess: false -> true",
            "sftp: false -> true",
            "nfsV3: true -> false (stuck)",
            "networkRules.defaultAction: Allow -> Deny",
            "networkRules.bypass[Logging]: absent -> there",
            "networkRules.bypass[AzureServices]: there -> absent",
            "networkRules.ipRules[1.2.3.4/32]: absent -> there",
            "publicNetworkAccess: Enabled -> Disabled",
        ]
    );
}

#[test]
fn a_move_between_kinds_of_replication_is_told_and_not_written() {
    let mut account = Case::new(json!({})).account();
    for (sku, expected) in [
        ("Standard_RAGRS", "sku: Standard_LRS -> Standard_RAGRS"),
        ("Standard_ZRS", "sku: Standard_LRS -> Standard_ZRS (stuck)"),
        ("Premium_LRS", "sku: Standard_LRS -> Premium_LRS (stuck)"),
    ] {
        assert_eq!(
            paths(&Case::new(json!({ "sku": sku })), &account),
            [expected]
        );
    }
    account.migrating = true;
    let moved = paths(&Case::new(json!({ "sku": "Standard_RAGRS" })), &account);
    assert_eq!(moved, ["sku: Standard_LRS -> Standard_RAGRS (stuck)"]);
}

#[test]
fn tags_that_were_set_once_go_and_those_of_others_stay() {
    let mut case = Case::new(json!({ "tags": { "Team": "pay" } }));
    let mut account = case.account();
    for (name, value) in [("by-hand", "x"), ("dropped", "y")] {
        account.tags.insert(name.to_owned(), value.to_owned());
    }
    assert_eq!(paths(&case, &account), Vec::<String>::new());
    case.record.tags = vec!["Dropped".to_owned(), "team".to_owned()];
    assert_eq!(paths(&case, &account), ["tags.Dropped: y -> (none)"]);
    let mut account = Account::from(account);
    update(&case.inputs(), &mut account, None);
    let names: Vec<&str> = account.tags().keys().map(String::as_str).collect();
    assert_eq!(names, ["Team", "by-hand", OWNER_TAG]);
}

#[test]
fn rules_of_what_becomes_of_files_are_compared_one_by_one() {
    let rules = |days: u32| {
        let spec = json!({ "lifecycleRules": [{ "name": "old", "deleteAfterDays": days }] });
        Case::new(spec).wants().lifecycle.clone().unwrap()
    };
    assert_eq!(lifecycle_differences(&rules(3), &rules(3)), Vec::new());
    let found = lifecycle_differences(&rules(3), &rules(4));
    assert_eq!(found[0].path, "lifecycleRules[old]");
    let mut theirs = rules(3);
    theirs.insert("theirs".to_owned(), LifecycleRule::default());
    let found = lifecycle_differences(&rules(3), &theirs);
    assert_eq!((found.len(), found[0].desired.as_str()), (1, "(none)"));
}

#[test]
fn what_is_deleted_softly_is_compared_where_it_is_said() {
    let now = SoftDelete {
        blob_days: Some(7),
        container_days: None,
    };
    for (spec, expected) in [
        (json!({}), vec![]),
        (json!({ "blobDays": 7, "containerDays": 0 }), vec![]),
        (json!({ "blobDays": 0 }), vec!["softDelete.blobDays"]),
        (
            json!({ "containerDays": 3 }),
            vec!["softDelete.containerDays"],
        ),
    ] {
        let wanted = Case::new(json!({ "softDelete": spec })).wants().soft_delete;
        let found = soft_delete_differences(wanted, now);
        let found: Vec<&str> = found.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(found, expected);
    }
}
