use serde_json::json;

use super::says;
use crate::azure::arm::providers::Registration;
use crate::azure_resource::ground::Group;
use crate::key_vault::desired::Capabilities;
use crate::key_vault::plan::fixtures::*;
use crate::key_vault::plan::*;
use crate::key_vault::vault::Deleted;

#[test]
fn an_absent_vault_is_created_after_all_that_may_stand_in_its_way() {
    let case = Case::new(json!({}));
    let mut seen = sees(None);
    assert_eq!(says(&case, &seen), "look Deleted");
    seen.deleted = Some(None);
    assert_eq!(says(&case, &seen), "look Group");
    seen.ground.group = Some(None);
    assert_eq!(says(&case, &seen), "wait ResourceGroupNotFound");
    let creates = Case::new(json!({ "resourceGroup": { "name": "rg", "create": true } }));
    assert_eq!(says(&creates, &seen), "create the resource group");
    seen.ground.group = Some(Some(Group { deleting: true }));
    assert_eq!(says(&creates, &seen), "wait ResourceGroupNotFound");
    seen.ground.group = Some(Some(Group { deleting: false }));
    assert_eq!(says(&case, &seen), "look Name");
    seen.name = Some(Ok(()));
    assert_eq!(says(&case, &seen), "create the vault");
}

#[test]
fn azure_stack_is_not_asked_for_what_it_does_not_know() {
    let case = Case::of(&object(json!({})), NONE);
    let seen = Seen {
        ground: free().ground,
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
    let mut seen = free();
    seen.ground.unregistered = true;
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
        seen.ground.provider = Some(registration);
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
        seen.ground.group = group;
        assert_eq!(says(&case, &seen), expected);
    }
}
