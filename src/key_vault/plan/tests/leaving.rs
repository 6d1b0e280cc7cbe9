use serde_json::json;

use super::says;
use crate::azure_resource::note::begun;
use crate::azure_resource::planner::Keeps;
use crate::key_vault::plan::fixtures::*;
use crate::key_vault::plan::*;
use crate::key_vault::vault::Vault;
use crate::problem::Reason;

#[test]
fn a_vault_is_let_go_as_its_policy_claim_and_mode_say() {
    let (forget, release) = (
        "let this object go",
        "remove the operator's tag from the vault",
    );
    let rows = [
        ("Retain", OURS, "Manage", release),
        ("Retain", BEFORE, "Manage", forget),
        ("Retain", None, "Manage", forget),
        ("Retain", FOREIGN, "Manage", forget),
        ("Retain", OURS, "Observe", forget),
        ("Delete", OURS, "Manage", "delete the vault"),
        ("Delete", BEFORE, "Manage", forget),
        ("Delete", None, "Manage", forget),
        ("Delete", FOREIGN, "Manage", forget),
        ("Delete", OURS, "Observe", forget),
        ("DeleteAndPurge", OURS, "Manage", "delete the vault"),
        ("DeleteAndPurge", BEFORE, "Manage", forget),
        ("DeleteAndPurge", OURS, "Observe", forget),
    ];
    for (policy, owner, mode, expected) in rows {
        let case = Case::leaving(json!({
            "deletionPolicy": policy, "mode": mode, "adopt": "Always",
        }));
        let seen = sees(Some(owned(case.vault(), owner)));
        assert_eq!(says(&case, &seen), expected, "{policy} {owner:?} {mode}");
    }
}

#[test]
fn a_deleted_vault_is_purged_after_its_object_only_where_that_is_asked_for_and_it_is_ours() {
    let (forget, purge) = ("let this object go", "purge the deleted vault");
    let rows = [
        ("Retain", OURS, false, "Manage", forget),
        ("Delete", OURS, false, "Manage", forget),
        ("DeleteAndPurge", OURS, false, "Manage", purge),
        ("DeleteAndPurge", OURS, true, "Manage", forget),
        ("DeleteAndPurge", BEFORE, false, "Manage", forget),
        ("DeleteAndPurge", None, false, "Manage", forget),
        ("DeleteAndPurge", FOREIGN, false, "Manage", forget),
        ("DeleteAndPurge", OURS, false, "Observe", forget),
    ];
    for (policy, owner, protected, mode, expected) in rows {
        let case = Case::leaving(json!({
            "deletionPolicy": policy, "mode": mode, "adopt": "Always",
        }));
        let mut deleted = case.deleted();
        deleted.purge_protection = protected;
        tag(&mut deleted.tags, owner);
        let told = says(&case, &soft(deleted));
        assert_eq!(told, expected, "{policy} {owner:?} {protected} {mode}");
    }
    let case = Case::leaving(json!({ "deletionPolicy": "DeleteAndPurge" }));
    assert_eq!(says(&case, &sees(None)), "look Deleted");
    assert_eq!(says(&case, &free()), forget);
}

#[test]
fn a_vault_that_is_to_be_purged_is_waited_for_until_azure_shows_it_among_the_deleted() {
    let mut case = Case::leaving(json!({ "deletionPolicy": "DeleteAndPurge" }));
    case.record.notes(begun("DeleteVault", 1, "epoch", at(0)));
    case.record.set_note(None);
    let rows = [
        (5, "wait OperationUnderWay"),
        (599, "wait OperationUnderWay"),
        (600, "let this object go"),
    ];
    for (now, expected) in rows {
        case.now = at(now);
        assert_eq!(says(&case, &free()), expected, "{now}");
    }
    // What was purged is not shown either.
    case.now = at(5);
    case.record.notes(begun("PurgeVault", 1, "epoch", at(5)));
    case.record.set_note(None);
    assert_eq!(says(&case, &free()), "let this object go");
}

#[test]
fn a_vault_that_syncs_name_is_not_deleted_unless_that_is_forced() {
    let mut case = Case::leaving(json!({ "deletionPolicy": "Delete" }));
    case.syncs = named(&["a", "b"]);
    let seen = sees(Some(case.vault()));
    let Next::Wait(problem) = case.next(&seen) else {
        panic!("it was not refused");
    };
    assert_eq!(problem.reason, Reason::StillNamed);
    assert!(problem.message.contains("a, b"), "{problem:?}");
    case.valid.common.force_delete = true;
    assert_eq!(says(&case, &seen), "delete the vault");
    // A vault that stays can be named as long as anybody likes.
    let mut stays = Case::leaving(json!({}));
    stays.syncs = named(&["a"]);
    let told = says(&stays, &sees(Some(stays.vault())));
    assert_eq!(told, "remove the operator's tag from the vault");
}

#[test]
fn an_object_is_detached_without_a_look_at_azure_and_only_when_it_is_deleted() {
    let mut case = Case::leaving(json!({ "deletionPolicy": "Delete" })).begins("CreateVault");
    case.valid.common.detach = true;
    case.record.azure_id = Some("/elsewhere".to_owned());
    assert_eq!(says(&case, &Seen::default()), "let this object go");
    case.leaving = false;
    assert_eq!(says(&case, &Seen::default()), "wait ResourceIdChanged");
}

#[test]
fn a_vault_that_azure_is_busy_with_is_neither_released_nor_deleted() {
    for policy in ["Retain", "Delete"] {
        let case = Case::leaving(json!({ "deletionPolicy": policy }));
        let vault = Vault {
            state: Some("Updating".to_owned()),
            ..case.vault()
        };
        assert_eq!(says(&case, &sees(Some(vault))), "wait Provisioning");
    }
}
