use serde_json::{Value, json};

use super::*;
use crate::azure_resource::owner::OWNER_TAG;
use crate::key_vault::plan::created;
use crate::key_vault::plan::fixtures::*;
use crate::key_vault::plan::update;

const SUBNET: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/Net/providers/Microsoft.Network/virtualNetworks/v/subnets/Pods";

fn paths(case: &Case, vault: &Vault) -> Vec<String> {
    let found = differences(
        &case.desired,
        vault,
        &case.record.set,
        &case.owner.to_string(),
    );
    let each = found.into_iter().map(|one| {
        let stuck = if one.stuck.is_some() { " (stuck)" } else { "" };
        format!("{}{stuck}: {} -> {}", one.path, one.observed, one.desired)
    });
    each.collect()
}

/// What a vault that `had` makes differs in from what `wants` says.
fn between(had: Value, wants: Value) -> Vec<String> {
    let wants = Case::new(wants);
    paths(&wants, &Case::new(had).vault())
}

fn rules(ips: &[&str], subnets: &[(&str, bool)]) -> Value {
    let subnets = subnets
        .iter()
        .map(|(id, ignore)| json!({ "id": id, "ignoreMissingEndpoint": ignore }));
    json!({ "networkRules": { "ipRules": ips, "subnets": subnets.collect::<Vec<_>>() } })
}

#[test]
fn a_spec_that_says_nothing_leaves_everything_as_it_is() {
    let full = json!({
        "sku": "Premium", "authorization": "AccessPolicies", "tags": { "a": "b" },
        "accessPolicies": [{ "objectId": ALICE, "secrets": ["get"] }],
        "softDeleteRetentionDays": 7, "purgeProtection": true,
        "networkRules": { "ipRules": ["203.0.113.7"], "bypass": "None" },
        "publicNetworkAccess": "Disabled", "enabledForDeployment": true,
        "enabledForDiskEncryption": true, "enabledForTemplateDeployment": true,
    });
    assert_eq!(between(full, json!({})), Vec::<String>::new());
}

#[test]
fn each_field_that_differs_is_told_with_both_sides() {
    let rows: Vec<(Value, &[&str])> = vec![
        (json!({ "sku": "Premium" }), &["sku: Standard -> Premium"]),
        (
            json!({ "authorization": "AccessPolicies" }),
            &["authorization: RBAC -> AccessPolicies"],
        ),
        (
            json!({ "tags": { "team": "pay" } }),
            &["tags.team: (none) -> pay"],
        ),
        (
            json!({ "softDeleteRetentionDays": 7 }),
            &["softDeleteRetentionDays (stuck): 90 -> 7"],
        ),
        (
            json!({ "purgeProtection": true }),
            &["purgeProtection: false -> true"],
        ),
        (
            json!({ "publicNetworkAccess": "Disabled" }),
            &["publicNetworkAccess: Enabled -> Disabled"],
        ),
        (
            json!({ "enabledForDeployment": true }),
            &["enabledForDeployment: false -> true"],
        ),
        (
            json!({ "enabledForDiskEncryption": true }),
            &["enabledForDiskEncryption: false -> true"],
        ),
        (
            json!({ "enabledForTemplateDeployment": true }),
            &["enabledForTemplateDeployment: false -> true"],
        ),
        (
            json!({ "networkRules": { "bypass": "None", "ipRules": ["203.0.113.7"] } }),
            &[
                "networkRules.defaultAction: Allow -> Deny",
                "networkRules.bypass: AzureServices -> None",
                "networkRules.ipRules[203.0.113.7/32]: absent -> there",
            ],
        ),
    ];
    for (wants, expected) in rows {
        assert_eq!(between(json!({}), wants.clone()), expected, "{wants}");
    }
}

#[test]
fn purge_protection_is_stuck_in_one_direction_only() {
    let (on, off) = (
        json!({ "purgeProtection": true }),
        json!({ "purgeProtection": false }),
    );
    assert_eq!(
        between(on.clone(), off.clone()),
        ["purgeProtection (stuck): true -> false"]
    );
    assert_eq!(between(off, on), ["purgeProtection: false -> true"]);
}

#[test]
fn networks_are_compared_by_meaning() {
    let none: &[&str] = &[];
    let rows: Vec<(Value, Value, Vec<String>)> = vec![
        (
            rules(&["203.0.113.7/32", "198.51.100.0/24"], &[]),
            rules(&["198.51.100.9/24", "203.0.113.7"], &[]),
            Vec::new(),
        ),
        (
            rules(none, &[(&SUBNET.to_ascii_uppercase(), false)]),
            rules(none, &[(SUBNET, false)]),
            Vec::new(),
        ),
        (
            rules(&["203.0.113.7"], &[]),
            rules(&["203.0.113.8"], &[]),
            vec![
                "networkRules.ipRules[203.0.113.8/32]: absent -> there".to_owned(),
                "networkRules.ipRules[203.0.113.7/32]: there -> absent".to_owned(),
            ],
        ),
        (
            rules(none, &[(SUBNET, false)]),
            rules(none, &[(SUBNET, true)]),
            vec![
                format!(
                    "networkRules.subnets[{}, ignoreMissingEndpoint]: absent -> there",
                    SUBNET.to_ascii_lowercase()
                ),
                format!(
                    "networkRules.subnets[{}]: there -> absent",
                    SUBNET.to_ascii_lowercase()
                ),
            ],
        ),
    ];
    for (had, wants, expected) in rows {
        assert_eq!(between(had, wants.clone()), expected, "{wants}");
    }
}

#[test]
fn policies_are_compared_by_principal_and_without_order_and_case() {
    let spec =
        |entries: Value| json!({ "authorization": "AccessPolicies", "accessPolicies": entries });
    let had = spec(json!([
        { "objectId": ALICE, "secrets": ["get", "list"], "keys": ["wrapKey"] },
        { "objectId": BOB, "certificates": ["get"] },
    ]));
    let same = spec(json!([
        { "objectId": BOB.to_ascii_uppercase(), "certificates": ["Get"] },
        { "objectId": ALICE, "keys": ["wrapkey"], "secrets": ["List", "Get"] },
    ]));
    assert_eq!(between(had.clone(), same), Vec::<String>::new());
    let more = spec(json!([{ "objectId": BOB, "certificates": ["get", "list"] }]));
    assert_eq!(
        between(had, more),
        [format!(
            "accessPolicies[{BOB}]: certificates: get -> certificates: get list"
        )]
    );
}

#[test]
fn a_policy_for_an_application_is_another_one() {
    let spec = |application: Option<&str>| {
        let mut entry = json!({ "objectId": ALICE, "secrets": ["get"] });
        if let Some(application) = application {
            entry["applicationId"] = json!(application);
        }
        json!({ "authorization": "AccessPolicies", "accessPolicies": [entry] })
    };
    assert_eq!(
        between(spec(None), spec(Some(BOB))),
        [format!(
            "accessPolicies[{ALICE}/{BOB}]: nothing -> secrets: get"
        )]
    );
}

#[test]
fn permissions_that_no_spec_says_do_not_count() {
    let spec = json!({ "authorization": "AccessPolicies", "accessPolicies": [{ "objectId": ALICE, "secrets": ["get"] }] });
    let case = Case::new(spec);
    let mut vault = case.vault();
    vault
        .policies
        .get_mut(&who(ALICE))
        .unwrap()
        .storage
        .insert("get".to_owned());
    assert_eq!(paths(&case, &vault), Vec::<String>::new());
}

#[test]
fn other_policies_go_where_they_were_set_or_may_not_be() {
    let rows = [
        ("Merge", vec![], false),
        ("Merge", vec![BOB], true),
        ("Replace", vec![], true),
    ];
    for (mode, set, goes) in rows {
        let mut case = Case::new(json!({
            "authorization": "AccessPolicies", "accessPolicyMode": mode,
            "accessPolicies": [{ "objectId": ALICE, "secrets": ["get"] }],
        }));
        case.record.set.policies = named(&set);
        let mut vault = case.vault();
        vault.policies.extend(policies(&[(BOB, &["get"])]));
        let expected = goes.then(|| format!("accessPolicies[{BOB}]: secrets: get -> nothing"));
        assert_eq!(
            paths(&case, &vault),
            Vec::from_iter(expected),
            "{mode} {set:?}"
        );
    }
}

#[test]
fn tags_have_no_case_in_their_names_and_others_stay() {
    let mut case = Case::new(json!({ "tags": { "Team": "pay" } }));
    let mut vault = case.vault();
    vault.tags.clear();
    for (name, value) in [
        ("team", "pay"),
        ("by-hand", "x"),
        ("LakeVault-Owner", OURS.unwrap()),
    ] {
        vault.tags.insert(name.to_owned(), value.to_owned());
    }
    assert_eq!(paths(&case, &vault), Vec::<String>::new());
    case.record.set.tags = named(&["TEAM", "Dropped"]);
    vault.tags.insert("dropped".to_owned(), "y".to_owned());
    assert_eq!(paths(&case, &vault), ["tags.Dropped: y -> (none)"]);
    update(&case.inputs(), &mut vault);
    let tags = vault.tags;
    let names: Vec<&str> = tags.keys().map(String::as_str).collect();
    assert_eq!(names, ["Team", "by-hand", OWNER_TAG]);
}

#[test]
fn days_that_azure_does_not_tell_are_its_default() {
    let case = Case::new(json!({ "softDeleteRetentionDays": 90 }));
    let vault = Vault {
        retention: None,
        ..case.vault()
    };
    assert_eq!(paths(&case, &vault), Vec::<String>::new());
}

#[test]
fn a_vault_is_created_with_what_the_cloud_takes_for_granted() {
    let public = created(&Case::new(json!({})).inputs());
    assert_eq!(
        public.settings.authorization,
        Authority(Authorization::RBAC)
    );
    assert_eq!(
        (public.retention, public.purge_protection),
        (Some(90), false)
    );
    let stack = created(&Case::of(&object(json!({})), NONE).inputs());
    assert_eq!(
        stack.settings.authorization,
        Authority(Authorization::AccessPolicies)
    );
    assert_eq!(stack.retention, None);
}
