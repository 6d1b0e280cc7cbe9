use serde_json::json;

use super::fixtures::*;
use super::*;
use crate::azure::arm::providers::Registration;
use crate::azure::arm::{Form, Poll};
use crate::azure_resource::note::Polled;
use crate::azure_resource::planner::{Planner, Write};
use crate::azure_resource::values::Word;
use crate::data_lake_account::account::{LifecycleRule, SoftDelete};
use crate::data_lake_account::lake::Contents;
use crate::problem::Reason;

fn encrypted() -> Case {
    Case::new(json!({ "encryption": {
        "key": { "vaultRef": { "name": "kv-a" }, "name": "lake" },
        "userAssignedIdentity": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/lake"),
    } }))
}

#[test]
fn an_absent_account_is_created_after_all_that_may_stand_in_its_way() {
    let case = Case::new(json!({}));
    let mut seen = Seen::default();
    assert_eq!(case.says(&seen), "look Account");
    seen.account = Some(None);
    assert_eq!(case.says(&seen), "look Group");
    seen.ground = free().ground;
    assert_eq!(case.says(&seen), "look Name");
    seen.name = Some(Ok(()));
    assert_eq!(case.says(&seen), "create the account");
    seen.ground.unregistered = true;
    assert_eq!(case.says(&seen), "look Provider");
    seen.ground.provider = Some(Registration::NotRegistered);
    assert_eq!(
        case.says(&seen),
        "register the resource provider Microsoft.Storage"
    );
    seen.ground.group = Some(None);
    assert_eq!(case.says(&seen), "wait ResourceGroupNotFound");
    let makes = Case::new(json!({ "resourceGroup": { "name": "rg", "create": true } }));
    assert_eq!(makes.says(&seen), "create the resource group");
}

#[test]
fn a_name_that_somebody_has_is_told_with_where_to_look() {
    let case = Case::new(json!({}));
    let seen = Seen {
        name: Some(Err(
            "The storage account named lakea is already taken.".to_owned()
        )),
        ..free()
    };
    let said = case.waits(&seen);
    assert!(said.contains("is already taken"), "{said}");
    assert!(said.contains("az storage account list"), "{said}");
}

#[test]
fn a_key_waits_for_its_vault_before_anything_is_written() {
    let case = encrypted();
    let mut absent = free();
    let mut there = sees(Some(case.account()));
    for seen in [&mut absent, &mut there] {
        assert_eq!(case.says(seen), "look KeyVault(\"kv-a\")");
        seen.vault = Some(Err(trouble(Reason::WaitingForVault)));
        assert_eq!(case.says(seen), "wait WaitingForVault");
        seen.vault = Some(Ok(VAULT.to_owned()));
    }
    assert_eq!(case.says(&absent), "create the account");
    assert_eq!(case.says(&there), "rest");
    there.vault = Some(Ok("https://kv-b.vault.azure.net".to_owned()));
    assert_eq!(case.says(&there), "update encryption");
    let key = case.account().settings.encryption;
    assert!(
        key.to_string()
            .starts_with("https://kv-a.vault.azure.net/keys/lake by")
    );
}

#[test]
fn an_account_is_written_by_whom_it_belongs_to() {
    let rows = [
        ("Never", OURS, "rest"),
        ("Never", BEFORE, "wait ResourceNotOurs"),
        ("Never", None, "wait ResourceNotOurs"),
        ("IfTagged", BEFORE, "update tags.lakevault-owner"),
        ("IfTagged", None, "wait ResourceNotOurs"),
        ("Always", None, "update tags.lakevault-owner"),
        ("Always", FOREIGN, "wait ResourceNotOurs"),
    ];
    for (adopt, owner, expected) in rows {
        let case = Case::new(json!({ "adopt": adopt }));
        let seen = sees(Some(owned(case.account(), owner)));
        assert_eq!(case.says(&seen), expected, "{adopt} {owner:?}");
    }
    let observes = Case::new(json!({ "mode": "Observe" }));
    let seen = sees(Some(owned(observes.account(), FOREIGN)));
    assert_eq!(observes.says(&seen), "rest");
}

#[test]
fn what_is_no_data_lake_or_elsewhere_is_told_and_left() {
    let case = Case::new(json!({ "accessTier": "Cool" }));
    let mut flat = Case::new(json!({})).account();
    flat.hierarchical = false;
    assert_eq!(
        case.says(&sees(Some(flat.clone()))),
        "wait HierarchyMissing"
    );
    flat.location = "northeurope".to_owned();
    assert_eq!(case.says(&sees(Some(flat))), "wait LocationMismatch");
    let mut busy = case.account();
    busy.state = Some("ResolvingDNS".to_owned());
    assert_eq!(case.says(&sees(Some(busy))), "wait Provisioning");
}

#[test]
fn what_differs_is_written_and_what_cannot_be_is_not() {
    let case = Case::new(json!({ "sku": "Standard_ZRS", "accessTier": "Cool", "nfsV3": false }));
    let mut account = case.account();
    account.settings.sku = Word::new("Standard_LRS");
    account.nfs_v3 = true;
    assert_eq!(case.says(&sees(Some(account.clone()))), "rest");
    account.settings.access_tier = Some(Word::new("Hot"));
    assert_eq!(case.says(&sees(Some(account.clone()))), "update accessTier");
    // What is written says what the account has where it cannot be changed.
    let tags = account.tags.clone();
    case.wants().update(&mut account, tags, None);
    assert_eq!(account.settings.sku, Word::new("Standard_LRS"));
}

#[test]
fn an_account_that_azure_gave_up_on_is_written_once_more() {
    let case = Case::new(json!({}));
    let mut account = case.account();
    account.state = Some("Failed".to_owned());
    let mut seen = sees(Some(account));
    assert_eq!(case.says(&seen), "update provisioningState");
    seen.updated = true;
    assert_eq!(case.says(&seen), "wait OperationFailed");
}

#[test]
fn what_lies_below_is_looked_at_only_in_depth_and_where_the_spec_speaks_of_it() {
    let spec = json!({ "softDelete": { "blobDays": 7 }, "lifecycleRules": [{ "name": "old", "deleteAfterDays": 9 }] });
    let quick = Case::new(spec.clone());
    let mut seen = sees(Some(quick.account()));
    assert_eq!(quick.says(&seen), "rest");
    assert_eq!(Case::deep(json!({})).says(&seen), "rest");
    let case = Case::deep(spec);
    assert_eq!(case.says(&seen), "look BlobService");
    seen.soft_delete = Some(SoftDelete {
        blob_days: None,
        container_days: Some(3),
    });
    assert_eq!(
        case.says(&seen),
        "set soft deletion: files 7, filesystems 3"
    );
    seen.soft_delete = Some(SoftDelete {
        blob_days: Some(7),
        container_days: Some(3),
    });
    assert_eq!(case.says(&seen), "look Lifecycle");
    seen.lifecycle = Some([("theirs".to_owned(), LifecycleRule::default())].into());
    assert_eq!(case.says(&seen), "set the lifecycle rules");
    seen.lifecycle.clone_from(&case.wants().lifecycle);
    assert_eq!(case.says(&seen), "rest");
    let none = Case::deep(json!({ "lifecycleRules": [] }));
    assert_eq!(none.says(&seen), "remove the lifecycle rules");
}

#[test]
fn roles_are_given_last() {
    let spec =
        json!({ "roleAssignments": [{ "principalId": ALICE, "role": "Storage Blob Data Owner" }] });
    let case = Case::deep(spec);
    let mut seen = sees(Some(case.account()));
    assert_eq!(case.says(&seen), "look RoleAssignments");
    seen.ground.assignments = Some(Vec::new());
    assert!(
        case.says(&seen).starts_with("assign role"),
        "{}",
        case.says(&seen)
    );
}

#[test]
fn an_account_stays_unless_its_deletion_is_asked_for() {
    let rows = [
        (
            json!({}),
            OURS,
            "remove the operator's tag from the account",
        ),
        (json!({}), FOREIGN, "let this object go"),
        (
            json!({ "deletionPolicy": "Delete" }),
            BEFORE,
            "let this object go",
        ),
        (
            json!({ "deletionPolicy": "Delete" }),
            OURS,
            "look Filesystems",
        ),
        (
            json!({ "deletionPolicy": "Delete", "force": true }),
            OURS,
            "delete the account",
        ),
        (
            json!({ "deletionPolicy": "Delete", "mode": "Observe", "force": true }),
            OURS,
            "let this object go",
        ),
    ];
    for (spec, owner, expected) in rows {
        let case = Case::leaving(spec);
        let seen = sees(Some(owned(case.account(), owner)));
        assert_eq!(case.says(&seen), expected, "{owner:?}");
        assert_eq!(case.says(&sees(None)), "let this object go");
    }
}

#[test]
fn an_account_is_deleted_only_where_it_is_certain_that_it_holds_nothing() {
    let case = Case::leaving(json!({ "deletionPolicy": "Delete" }));
    let mut seen = sees(Some(case.account()));
    seen.filesystems = Some(Err(trouble(Reason::ForbiddenByNetwork)));
    assert_eq!(case.says(&seen), "wait ForbiddenByNetwork");
    seen.filesystems = Some(Ok(Vec::new()));
    assert_eq!(case.says(&seen), "delete the account");
    let raw: crate::azure::lake::FilesystemName = "raw".parse().unwrap();
    seen.filesystems = Some(Ok(vec![raw.clone()]));
    assert!(case.says(&seen).starts_with("look Contents"));
    let rows = [
        (Ok(Contents::Nothing), "delete the account"),
        (Ok(Contents::Gone), "delete the account"),
        (Ok(Contents::Something), "wait FilesystemNotEmpty"),
        (Err(trouble(Reason::Forbidden)), "wait Forbidden"),
    ];
    for (contents, expected) in rows {
        seen.contents.insert(raw.clone(), contents);
        assert_eq!(case.says(&seen), expected);
    }
    assert!(case.waits(&seen).contains("force: true"));
}

#[test]
fn what_goes_on_in_azure_is_asked_for_before_anything_else() {
    let mut case = Case::new(json!({})).begins("CreateAccount");
    case.record.operation.as_mut().unwrap().poll = Some(Poll {
        form: Form::Location,
        url: "https://management.azure.com/x".to_owned(),
    });
    assert_eq!(case.says(&Seen::default()), "poll");
    let stands = |stands| Seen {
        operation: Some(stands),
        ..Seen::default()
    };
    assert_eq!(
        case.says(&stands(Polled::Running(None))),
        "wait OperationUnderWay"
    );
    assert_eq!(case.says(&stands(Polled::Ended)), "look Account");
}

#[test]
fn a_creation_of_unknown_outcome_may_be_repeated_and_a_deletion_not() {
    let creates = Case::new(json!({})).begins("CreateAccount");
    assert_eq!(creates.says(&free()), "create the account");
    let deletes =
        Case::leaving(json!({ "deletionPolicy": "Delete", "force": true })).begins("DeleteAccount");
    let seen = sees(Some(deletes.account()));
    assert_eq!(deletes.says(&seen), "wait OperationUnderWay");
    assert!(Step::Delete.destroys() && !Step::Create.destroys());
}

#[test]
fn a_spec_that_points_elsewhere_is_not_followed() {
    let mut case = Case::new(json!({}));
    case.record.azure_id = Some("/subscriptions/other".to_owned());
    assert_eq!(case.says(&Seen::default()), "wait ResourceIdChanged");
    let mut leaves = Case::leaving(json!({}));
    leaves.record.azure_id.clone_from(&case.record.azure_id);
    leaves.valid.common.detach = true;
    assert_eq!(leaves.says(&Seen::default()), "let this object go");
}

/// Whatever the spec wants, a round that takes each step for done ends, and the next plans nothing.
#[test]
fn what_is_planned_leaves_nothing_to_plan() {
    let spec = json!({
        "sku": "Standard_GRS", "accessTier": "Cool", "sharedKeyAccess": false, "sftp": true, "tags": { "a": "b" },
        "networkRules": { "ipRules": ["10.0.0.2/31"], "bypass": [] },
        "softDelete": { "blobDays": 7, "containerDays": 0 }, "lifecycleRules": [{ "name": "old", "deleteAfterDays": 9 }],
        "roleAssignments": [{ "principalId": ALICE, "role": "Reader" }],
    });
    let case = Case::deep(spec);
    let bare = {
        let mut bare = Case::new(json!({})).account();
        bare.settings.shared_keys = true;
        bare
    };
    for there in [None, Some(bare)] {
        let real = sees(there);
        let mut seen = real.clone();
        let mut steps = Vec::new();
        loop {
            match next(&case.inputs(), &seen) {
                Next::Look(look) => crate::data_lake_account::sight::imagine(&look, &mut seen),
                Next::Do(step) => {
                    steps.push(step.to_string());
                    DataLakeAccount::assume(&case.inputs(), &step, &mut seen);
                }
                Next::Rest => break,
                other @ (Next::Poll | Next::Wait(_)) => panic!("{other:?} after {steps:?}"),
            }
            assert!(steps.len() < 9, "{steps:?}");
        }
        assert_eq!(steps.len(), 4, "{steps:?}");
    }
}
