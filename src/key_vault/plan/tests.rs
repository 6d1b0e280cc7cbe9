use std::time::Duration;

use serde_json::{Value, json};

use super::fixtures::*;
use super::*;
use crate::azure::arm::providers::Registration;
use crate::azure::arm::{Form, Poll};
use crate::key_vault::desired::Capabilities;
use crate::key_vault::vault::{Deleted, Vault};
use crate::problem::Reason;

fn policy_words(step: &Next) -> String {
    match step {
        Next::Do(step) => step.to_string(),
        Next::Look(look) => format!("look {look:?}"),
        Next::Wait(problem) => format!("wait {:?}", problem.reason),
        Next::Rest => "rest".to_owned(),
    }
}

fn says(case: &Case, seen: &Seen) -> String {
    policy_words(&case.next(seen))
}

#[test]
fn a_vault_is_read_before_anything_is_said_of_it() {
    for leaving in [false, true] {
        let case = Case {
            leaving,
            ..Case::new(json!({}))
        };
        assert_eq!(case.next(&Seen::default()), Next::Look(Look::Vault));
    }
}

#[test]
fn a_vault_that_is_there_is_taken_by_claim_and_adopt() {
    let rows = [
        (OURS, "Never", "rest"),
        (OURS, "IfTagged", "rest"),
        (OURS, "Always", "rest"),
        (BEFORE, "Never", "wait ResourceNotOurs"),
        (BEFORE, "IfTagged", "update tags.lakevault-owner"),
        (BEFORE, "Always", "update tags.lakevault-owner"),
        (None, "Never", "wait ResourceNotOurs"),
        (None, "IfTagged", "wait ResourceNotOurs"),
        (None, "Always", "update tags.lakevault-owner"),
        (FOREIGN, "Never", "wait ResourceNotOurs"),
        (FOREIGN, "IfTagged", "wait ResourceNotOurs"),
        (FOREIGN, "Always", "wait ResourceNotOurs"),
    ];
    for (owner, adopt, expected) in rows {
        let case = Case::new(json!({ "adopt": adopt }));
        let seen = sees(Some(owned(case.vault(), owner)));
        assert_eq!(says(&case, &seen), expected, "{owner:?}, adopt: {adopt}");
    }
}

#[test]
fn a_vault_that_was_written_and_has_lost_its_tag_is_ours_still_but_not_when_it_is_let_go() {
    let mut case = Case::new(json!({ "adopt": "Never", "deletionPolicy": "Delete" }));
    case.record.applied = Some(1);
    let bare = sees(Some(owned(case.vault(), None)));
    assert_eq!(says(&case, &bare), "update tags.lakevault-owner");
    let taken = sees(Some(owned(case.vault(), FOREIGN)));
    assert_eq!(says(&case, &taken), "wait ResourceNotOurs");
    case.leaving = true;
    assert_eq!(says(&case, &bare), "let this object go");
}

#[test]
fn what_differs_is_updated_in_one_step_and_access_policies_in_their_own() {
    let spec = json!({
        "sku": "Premium", "tags": { "team": "pay" }, "authorization": "AccessPolicies",
        "enabledForDeployment": true,
        "accessPolicies": [{ "objectId": ALICE, "secrets": ["get"] }],
    });
    let case = Case::new(spec);
    let mut vault = Case::new(json!({ "authorization": "AccessPolicies" })).vault();
    let says = |vault: &Vault| says(&case, &sees(Some(vault.clone())));
    assert_eq!(says(&vault), "update tags.team, sku, enabledForDeployment");
    update(&case.inputs(), &mut vault);
    assert_eq!(says(&vault), format!("add access policies of {ALICE}"));
    vault.policies = policies(&[(ALICE, &["list"])]);
    assert_eq!(says(&vault), format!("change access policies of {ALICE}"));
    vault.policies = policies(&[(ALICE, &["get"]), (BOB, &["get"])]);
    assert_eq!(says(&vault), "rest", "others' policies stay");
}

#[test]
fn policies_are_taken_back_where_this_object_set_them_or_none_other_may_be() {
    let rows = [
        ("Merge", vec![], "rest".to_owned()),
        (
            "Merge",
            vec![BOB],
            format!("remove access policies of {BOB}"),
        ),
        (
            "Replace",
            vec![],
            format!("remove access policies of {BOB}"),
        ),
    ];
    for (mode, set, expected) in rows {
        let mut case = Case::new(json!({
            "authorization": "AccessPolicies", "accessPolicyMode": mode,
            "accessPolicies": [{ "objectId": ALICE, "secrets": ["get"] }],
        }));
        case.record.set.policies = named(&set);
        let mut vault = case.vault();
        vault.policies.extend(policies(&[(BOB, &["get"])]));
        assert_eq!(says(&case, &sees(Some(vault))), expected, "{mode} {set:?}");
    }
}

#[test]
fn what_nobody_can_change_is_not_written() {
    let case = Case::new(json!({ "softDeleteRetentionDays": 7, "purgeProtection": false }));
    let vault = Vault {
        retention: Some(90),
        purge_protection: true,
        ..case.vault()
    };
    assert_eq!(says(&case, &sees(Some(vault))), "rest");
    let on = Case::new(json!({ "purgeProtection": true }));
    let vault = Vault {
        purge_protection: false,
        ..on.vault()
    };
    assert_eq!(says(&on, &sees(Some(vault))), "update purgeProtection");
}

#[test]
fn a_spec_that_points_elsewhere_is_not_followed() {
    let case = Case::new(json!({}));
    let rows: [(&str, fn(&mut Vault), &str); 3] = [
        (
            "tenant",
            |vault| vault.tenant = ALICE.to_owned(),
            "wait TenantMismatch",
        ),
        (
            "location",
            |vault| vault.location = "northeurope".to_owned(),
            "wait LocationMismatch",
        ),
        (
            "state",
            |vault| vault.state = Some("RegisteringDns".to_owned()),
            "wait Provisioning",
        ),
    ];
    for (what, change, expected) in rows {
        let mut vault = case.vault();
        change(&mut vault);
        assert_eq!(says(&case, &sees(Some(vault))), expected, "{what}");
    }
    let ids = [
        (case.valid.id.to_string().to_ascii_uppercase(), "look Vault"),
        (
            case.valid.id.to_string().replace("/rg/", "/other/"),
            "wait ResourceIdChanged",
        ),
    ];
    for (id, expected) in ids {
        let mut case = case.clone();
        case.record.azure_id = Some(id);
        assert_eq!(says(&case, &Seen::default()), expected);
    }
}

#[test]
fn a_vault_is_at_rest_whatever_its_last_write_came_to() {
    let case = Case::new(json!({}));
    for state in [None, Some("Succeeded"), Some("FAILED"), Some("Canceled")] {
        let vault = Vault {
            state: state.map(str::to_owned),
            ..case.vault()
        };
        assert_eq!(case.next(&sees(Some(vault))), Next::Rest, "{state:?}");
    }
}

#[test]
fn an_absent_vault_is_created_after_all_that_may_stand_in_its_way() {
    let case = Case::new(json!({}));
    let mut seen = sees(None);
    assert_eq!(says(&case, &seen), "look Deleted");
    seen.deleted = Some(None);
    assert_eq!(says(&case, &seen), "look Group");
    seen.group = Some(None);
    assert_eq!(says(&case, &seen), "wait ResourceGroupNotFound");
    let creates = Case::new(json!({ "resourceGroup": { "name": "rg", "create": true } }));
    assert_eq!(says(&creates, &seen), "create the resource group");
    seen.group = Some(Some(Group { deleting: true }));
    assert_eq!(says(&creates, &seen), "wait ResourceGroupNotFound");
    seen.group = Some(Some(Group { deleting: false }));
    assert_eq!(says(&case, &seen), "look Name");
    seen.name = Some(Ok(()));
    assert_eq!(says(&case, &seen), "create the vault");
}

#[test]
fn azure_stack_is_not_asked_for_what_it_does_not_know() {
    let case = Case::of(&object(json!({})), NONE);
    let seen = Seen {
        group: Some(Some(Group { deleting: false })),
        ..sees(None)
    };
    assert_eq!(says(&case, &seen), "create the vault");
    let leaves = Case {
        leaving: true,
        ..Case::of(&object(json!({ "deletionPolicy": "DeleteAndPurge" })), NONE)
    };
    assert_eq!(says(&leaves, &sees(None)), "let this object go");
    assert_ne!(NONE, Capabilities::ALL);
}

#[test]
fn a_name_that_is_taken_is_traced() {
    let case = Case::new(json!({}));
    let mut seen = Seen {
        name: Some(Err("already in use".to_owned())),
        ..free()
    };
    assert_eq!(says(&case, &seen), "look DeletedElsewhere");
    seen.deleted_elsewhere = Some(None);
    assert_eq!(says(&case, &seen), "wait NameTaken");
    seen.deleted_elsewhere = Some(Some(case.deleted()));
    assert_eq!(says(&case, &seen), "wait SoftDeleted");
}

#[test]
fn a_provider_is_registered_only_after_a_refusal() {
    let case = Case::new(json!({}));
    let mut seen = Seen {
        unregistered: true,
        ..free()
    };
    assert_eq!(says(&case, &seen), "look Provider");
    let rows = [
        (
            Registration::NotRegistered,
            "register the resource provider Microsoft.KeyVault",
        ),
        (Registration::Registering, "wait ProviderNotRegistered"),
        (Registration::Registered, "create the vault"),
    ];
    for (registration, expected) in rows {
        seen.provider = Some(registration);
        assert_eq!(says(&case, &seen), expected);
    }
}

#[test]
fn a_deleted_vault_is_dealt_with_by_claim_adopt_and_what_the_spec_says() {
    let recover = "recover the deleted vault";
    let purge = "purge the deleted vault";
    let not_ours = "wait ResourceNotOurs";
    let rows = [
        ("Fail", OURS, "IfTagged", "wait SoftDeleted"),
        ("Fail", None, "Always", "wait SoftDeleted"),
        ("Fail", FOREIGN, "Always", not_ours),
        ("Recover", OURS, "Never", recover),
        ("Recover", BEFORE, "Never", not_ours),
        ("Recover", BEFORE, "IfTagged", recover),
        ("Recover", BEFORE, "Always", recover),
        ("Recover", None, "Never", not_ours),
        ("Recover", None, "IfTagged", not_ours),
        ("Recover", None, "Always", recover),
        ("Recover", FOREIGN, "Always", not_ours),
        ("Purge", OURS, "Never", purge),
        ("Purge", BEFORE, "Never", not_ours),
        ("Purge", BEFORE, "IfTagged", not_ours),
        ("Purge", BEFORE, "Always", purge),
        ("Purge", None, "IfTagged", not_ours),
        ("Purge", None, "Always", purge),
        ("Purge", FOREIGN, "Always", not_ours),
    ];
    for (asked, owner, adopt, expected) in rows {
        let case = Case::new(json!({ "onSoftDeleted": asked, "adopt": adopt }));
        let mut deleted = case.deleted();
        tag(&mut deleted.tags, owner);
        let told = says(&case, &soft(deleted));
        assert_eq!(told, expected, "{asked} {owner:?} {adopt}");
    }
}

#[test]
fn a_deleted_vault_that_is_protected_or_elsewhere_is_left_and_told() {
    let purges = Case::new(json!({ "onSoftDeleted": "Purge" }));
    let mut deleted = purges.deleted();
    deleted.purge_protection = true;
    assert_eq!(says(&purges, &soft(deleted.clone())), "wait PurgeProtected");
    let recovers = Case::new(json!({ "onSoftDeleted": "Recover" }));
    assert_eq!(
        says(&recovers, &soft(deleted.clone())),
        "recover the deleted vault"
    );
    for case in [&purges, &recovers] {
        let mut elsewhere = case.deleted();
        elsewhere.location = "northeurope".to_owned();
        assert_eq!(says(case, &soft(elsewhere)), "wait SoftDeleted");
        let mut other_group = case.deleted();
        other_group.id = other_group.id.replace("/rg/", "/other/");
        assert_eq!(says(case, &soft(other_group)), "wait SoftDeleted");
        let shouted = Deleted {
            id: case.deleted().id.to_ascii_uppercase(),
            ..case.deleted()
        };
        assert!(matches!(case.next(&soft(shouted)), Next::Do(_)));
    }
}

#[test]
fn a_vault_comes_back_only_to_a_group_that_is_there() {
    let case = Case::new(json!({ "onSoftDeleted": "Recover" }));
    let mut seen = soft(case.deleted());
    for (group, expected) in [
        (None, "look Group"),
        (Some(None), "wait ResourceGroupNotFound"),
        (
            Some(Some(Group { deleting: true })),
            "wait ResourceGroupNotFound",
        ),
        (
            Some(Some(Group { deleting: false })),
            "recover the deleted vault",
        ),
    ] {
        seen.group = group;
        assert_eq!(says(&case, &seen), expected);
    }
}

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
fn a_vault_that_syncs_name_is_not_deleted_unless_that_is_forced() {
    let mut case = Case::leaving(json!({ "deletionPolicy": "Delete" }));
    case.syncs = named(&["a", "b"]);
    let seen = sees(Some(case.vault()));
    let Next::Wait(problem) = case.next(&seen) else {
        panic!("it was not refused");
    };
    assert_eq!(problem.reason, Reason::StillNamed);
    assert!(problem.message.contains("a, b"), "{problem:?}");
    case.valid.force_delete = true;
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
    case.valid.detach = true;
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

/// What a write of unknown outcome lets happen before and after it can take no effect any more.
#[test]
fn a_write_of_unknown_outcome_holds_up_every_other() {
    let differs = |case: &Case| Vault {
        settings: Case::new(json!({ "sku": "Premium" })).vault().settings,
        ..case.vault()
    };
    let kept = Case::new(json!({ "sku": "Standard", "onSoftDeleted": "Recover" }));
    let leaves = Case::leaving(json!({ "deletionPolicy": "Delete" }));
    let wait = "wait OperationUnderWay";
    let rows: Vec<(&Case, &str, Seen, &str)> = vec![
        (&kept, "CreateVault", sees(Some(differs(&kept))), wait),
        (&kept, "DeleteVault", free(), wait),
        (&kept, "PurgeVault", free(), wait),
        (&kept, "CreateVault", soft(kept.deleted()), wait),
        (&kept, "RecoverVault", free(), wait),
        (&kept, "CreateVault", sees(Some(kept.vault())), "rest"),
        (&leaves, "CreateVault", sees(None), wait),
        (&leaves, "CreateVault", sees(Some(leaves.vault())), wait),
        // What destroys is never repeated while it may still come.
        (&leaves, "DeleteVault", sees(Some(leaves.vault())), wait),
        (&leaves, "DeleteVault", sees(None), wait),
    ];
    for (case, step, seen, expected) in rows {
        let mut case = case.clone().begins(step);
        assert_eq!(says(&case, &seen), expected, "{step} {seen:?}");
        case.now = at(60);
        assert_ne!(says(&case, &seen), wait, "{step} {seen:?} later");
    }
}

#[test]
fn a_creation_or_recovery_of_unknown_outcome_is_repeated_for_the_same_spec_alone() {
    let spec = json!({ "onSoftDeleted": "Recover" });
    let rows = [
        ("CreateVault", free(), "create the vault"),
        (
            "RecoverVault",
            soft(Case::new(spec.clone()).deleted()),
            "recover the deleted vault",
        ),
    ];
    for (step, seen, expected) in rows {
        let mut case = Case::new(spec.clone()).begins(step);
        assert_eq!(says(&case, &seen), expected);
        case.valid.generation = 2;
        assert_eq!(says(&case, &seen), "wait OperationUnderWay");
    }
}

#[test]
fn an_operation_is_asked_about_before_anything_else() {
    let mut case = Case::new(json!({})).begins("CreateVault");
    let poll = Poll {
        form: Form::Location,
        url: "https://management.example.net/x".to_owned(),
    };
    case.record = came_to(&case.record, &Outcome::Accepted(poll));
    assert_eq!(says(&case, &free()), "look Operation");
    let asked = |polled: Polled| Seen {
        operation: Some(polled),
        ..free()
    };
    let told = case.next(&asked(Polled::Running(Some(Duration::from_secs(17)))));
    let Next::Wait(problem) = told else {
        panic!("{told:?}");
    };
    assert_eq!(
        problem.retry,
        crate::retry::Retry::After(Duration::from_secs(17))
    );
    let failed = asked(Polled::Failed(trouble(Reason::OperationFailed)));
    assert_eq!(says(&case, &failed), "wait OperationFailed");
    // The vault tells what came of it, however long ago that was begun.
    assert_eq!(says(&case, &asked(Polled::Ended)), "create the vault");
}

#[test]
fn a_vault_that_azure_has_not_finished_is_written_once_more_in_a_round() {
    let case = Case::deep(json!({}));
    for state in ["Failed", "canceled"] {
        let vault = Vault {
            state: Some(state.to_owned()),
            ..case.vault()
        };
        let mut seen = sees(Some(vault));
        assert_eq!(says(&case, &seen), "update provisioningState");
        seen.updated = true;
        let Next::Wait(problem) = case.next(&seen) else {
            panic!("it is written for ever");
        };
        assert_eq!(problem.reason, Reason::OperationFailed);
        assert!(problem.message.contains(state), "{problem:?}");
    }
    // A plan of it comes to an end.
    let observes = Case::new(json!({ "mode": "Observe" }));
    let mut seen = sees(Some(Vault {
        state: Some("Failed".to_owned()),
        ..observes.vault()
    }));
    let Next::Do(step) = observes.next(&seen) else {
        panic!("nothing is planned");
    };
    assume(&observes.inputs(), &step, &mut seen);
    assert_eq!(observes.next(&seen), Next::Rest);
}

fn roles(roles: &[(&str, &str)]) -> Value {
    let each = roles
        .iter()
        .map(|(principal, role)| json!({ "principalId": principal, "role": role }));
    json!({ "roleAssignments": each.collect::<Vec<_>>() })
}

fn deeply(case: &Case) -> Seen {
    Seen {
        plane: Some(Plane::Answers),
        assignments: Some(Vec::new()),
        ..sees(Some(case.vault()))
    }
}

/// What a round would record of roles that were given.
fn records(case: &mut Case, seen: &Seen) {
    case.record = crate::key_vault::status::recorded(&case.inputs(), seen, (false, false));
}

const READER: &str = "Key Vault Reader";
const USER: &str = "Key Vault Secrets User";

#[test]
fn roles_data_plane_and_secrets_are_looked_at_only_when_they_are_due() {
    let spec = json!({ "secrets": [{ "name": "s" }], "roleAssignments": [{ "principalId": ALICE, "role": USER }] });
    let mut case = Case::new(spec);
    assert_eq!(says(&case, &sees(Some(case.vault()))), "rest");
    case.deep = true;
    let mut seen = sees(Some(case.vault()));
    assert_eq!(says(&case, &seen), "look DataPlane");
    seen.plane = Some(Plane::NoAddress(trouble(Reason::HostNotFound)));
    assert_eq!(says(&case, &seen), "wait HostNotFound");
    seen.plane = Some(Plane::Answers);
    assert_eq!(says(&case, &seen), "look RoleAssignments");
    seen.assignments = Some(vec![given(&case, 0)]);
    assert_eq!(says(&case, &seen), "look Secret(\"s\")");
}

#[test]
fn a_role_is_given_once_and_taken_back_only_by_who_gave_it() {
    let mut case = Case::deep(roles(&[(ALICE, USER)]));
    let mut seen = deeply(&case);
    assert_eq!(
        says(&case, &seen),
        format!("assign role {USER:?} to {ALICE}")
    );
    // Somebody else gave it: it holds, and it stays.
    let mut others = given(&case, 0);
    others.name = uuid::Uuid::nil();
    seen.assignments = Some(vec![others.clone()]);
    assert_eq!(says(&case, &seen), "rest");
    records(&mut case, &seen);
    let none = |record: &Record| Case {
        record: record.clone(),
        ..Case::deep(json!({}))
    };
    assert_eq!(says(&none(&case.record), &seen), "rest");
    // This object gave it: it goes with its entry.
    let ours = given(&case, 0);
    seen.assignments = Some(vec![ours.clone()]);
    records(&mut case, &seen);
    let left = none(&case.record);
    assert_eq!(
        says(&left, &seen),
        format!("remove role assignment {}", id_of(&ours))
    );
    seen.assignments = Some(Vec::new());
    assert_eq!(says(&left, &seen), "rest", "it is gone already");
}

#[test]
fn a_role_that_holds_elsewhere_does_not_count() {
    let case = Case::deep(roles(&[(ALICE, USER)]));
    let mut wide = given(&case, 0);
    wide.scope = format!("/subscriptions/{SUBSCRIPTION}");
    let other_role = given(&Case::deep(roles(&[(ALICE, READER)])), 0);
    let other_principal = given(&Case::deep(roles(&[(BOB, USER)])), 0);
    for one in [wide, other_role, other_principal] {
        let seen = Seen {
            assignments: Some(vec![one.clone()]),
            ..deeply(&case)
        };
        assert!(
            matches!(case.next(&seen), Next::Do(Step::Assign(_))),
            "{one:?}"
        );
    }
}

#[test]
fn a_role_that_is_named_in_another_way_is_the_same_role() {
    let mut case = Case::deep(roles(&[(ALICE, USER)]));
    let seen = Seen {
        assignments: Some(vec![given(&case, 0)]),
        ..deeply(&case)
    };
    records(&mut case, &seen);
    let mut by_id = Case::deep(roles(&[(ALICE, "4633458b-17de-408a-b874-0445c86b69e6")]));
    by_id.record = case.record.clone();
    assert_eq!(says(&by_id, &seen), "rest");
    records(&mut by_id, &seen);
    assert_eq!(by_id.record.roles.len(), 1);
    assert_eq!(says(&by_id, &seen), "rest");
}

#[test]
fn a_role_of_ones_own_is_looked_up_by_its_name() {
    let case = Case::deep(roles(&[(ALICE, "Our own")]));
    let mut seen = deeply(&case);
    assert_eq!(says(&case, &seen), "look RoleDefinition(\"Our own\")");
    seen.definitions.insert("Our own".to_owned(), None);
    assert_eq!(says(&case, &seen), "wait RoleNotFound");
    let id = uuid::Uuid::from_u128(7);
    seen.definitions.insert("Our own".to_owned(), Some(id));
    let Next::Do(Step::Assign(role)) = case.next(&seen) else {
        panic!("it is not given");
    };
    assert_eq!(role.definition, Some(id));
    seen.assignments = Some(vec![assigned(&case.inputs(), &role).unwrap()]);
    assert_eq!(says(&case, &seen), "rest");
}

#[test]
fn a_secret_is_made_up_where_there_is_none_and_anew_when_it_is_due_and_ours() {
    let case = Case::deep(json!({ "secrets": [{ "name": "s", "rotateAfter": "2h" }] }));
    let present = |created: Option<u64>, ours| SecretSeen::Present {
        version: "v".to_owned(),
        created: created.map(at),
        ours,
    };
    let make = "make up secret \"s\"";
    let rows = [
        (SecretSeen::Absent, 0, make),
        (SecretSeen::Deleted, 0, "wait SoftDeleted"),
        (present(Some(0), true), 7199, "rest"),
        (present(Some(0), true), 7200, make),
        (present(Some(0), false), 7200, "rest"),
        (present(None, true), 7200, "rest"),
    ];
    for (secret, now, expected) in rows {
        let case = Case {
            now: at(now),
            ..case.clone()
        };
        let mut seen = deeply(&case);
        seen.secrets.insert("s".to_owned(), secret.clone());
        assert_eq!(says(&case, &seen), expected, "{secret:?} at {now}");
    }
}

#[test]
fn a_secret_without_rotation_is_never_made_up_anew() {
    let case = Case {
        now: at(1 << 30),
        ..Case::deep(json!({ "secrets": [{ "name": "s" }] }))
    };
    let mut seen = deeply(&case);
    let old = SecretSeen::Present {
        version: "v".to_owned(),
        created: Some(at(0)),
        ours: true,
    };
    seen.secrets.insert("s".to_owned(), old);
    assert_eq!(says(&case, &seen), "rest");
}

#[test]
fn a_data_plane_that_shuts_the_operator_out_matters_only_to_who_needs_it() {
    for plane in [
        Plane::NoRole(trouble(Reason::Forbidden)),
        Plane::ShutOut(trouble(Reason::Forbidden)),
    ] {
        let needs = Case::deep(json!({ "secrets": [{ "name": "s" }] }));
        let does_not = Case::deep(json!({}));
        let mut seen = deeply(&needs);
        seen.plane = Some(plane);
        assert_eq!(says(&needs, &seen), "wait Forbidden");
        assert_eq!(says(&does_not, &seen), "rest");
    }
}

#[test]
fn observing_plans_all_but_the_tag_and_takes_no_offence_at_the_owner() {
    let case = Case::new(json!({ "mode": "Observe", "sku": "Premium" }));
    let standard = Case::new(json!({})).vault();
    for owner in [OURS, BEFORE, None, FOREIGN] {
        let seen = sees(Some(owned(standard.clone(), owner)));
        assert_eq!(says(&case, &seen), "update sku", "{owner:?}");
        let as_is = sees(Some(owned(case.vault(), owner)));
        assert_eq!(says(&case, &as_is), "rest", "{owner:?}");
    }
}

#[test]
fn steps_that_harm_when_repeated_are_noted_and_those_that_lose_something_are_known() {
    let rows = [
        (Step::Create, Some("CreateVault"), false),
        (Step::Recover, Some("RecoverVault"), false),
        (Step::Delete, Some("DeleteVault"), true),
        (Step::Purge, Some("PurgeVault"), true),
        (Step::Update(Vec::new()), None, false),
        (Step::Release, None, false),
        (Step::Forget, None, false),
    ];
    for (step, noted, destroys) in rows {
        assert_eq!((step.noted(), step.destroys()), (noted, destroys), "{step}");
    }
}
