mod absent;
mod deep;
mod leaving;
mod operations;

use serde_json::json;

use super::fixtures::*;
use super::*;
use crate::azure_resource::planner::Write;
use crate::key_vault::vault::Vault;

fn policy_words(step: &Next) -> String {
    match step {
        Next::Do(step) => step.to_string(),
        Next::Poll => "poll".to_owned(),
        Next::Look(Look::Ground(look)) => format!("look {look:?}"),
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
    type Change = fn(&mut Vault);
    let case = Case::new(json!({}));
    let rows: [(&str, Change, &str); 3] = [
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
fn a_vault_whose_last_write_has_ended_is_not_waited_for() {
    let case = Case::new(json!({}));
    let rows = [
        (None, "rest"),
        (Some("Succeeded"), "rest"),
        (Some("FAILED"), "update provisioningState"),
        (Some("Canceled"), "update provisioningState"),
    ];
    for (state, expected) in rows {
        let vault = Vault {
            state: state.map(str::to_owned),
            ..case.vault()
        };
        assert_eq!(says(&case, &sees(Some(vault))), expected, "{state:?}");
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
