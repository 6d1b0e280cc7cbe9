use super::*;
use crate::azure::arm::fixtures::{SUBSCRIPTION, VAULT, profile, stack};

fn scope() -> Scope {
    VAULT.parse().unwrap()
}

fn versions() -> &'static ApiVersions {
    ApiVersions::of(&profile().cloud)
}

fn principal() -> ObjectId {
    "33333333-3333-3333-3333-33333333ABCD".parse().unwrap()
}

const SECRETS_USER: &str = "4633458b-17de-408a-b874-0445c86b69e6";

fn reply(body: Value) -> Reply {
    Reply {
        status: 200,
        body,
        operation: None,
        retry_after: None,
    }
}

#[test]
fn every_built_in_role_has_an_id_of_its_own() {
    let ids: std::collections::BTreeSet<_> = BUILT_IN
        .iter()
        .map(|(name, _)| built_in(name).unwrap())
        .collect();
    assert_eq!(ids.len(), BUILT_IN.len());
    let user = built_in("key vault secrets user").unwrap();
    assert_eq!(user.to_string(), SECRETS_USER);
    assert_eq!(name_of(user), Some("Key Vault Secrets User"));
}

#[test]
fn a_role_is_named_in_three_ways() {
    let id = Role::Id(Uuid::try_parse(SECRETS_USER).unwrap());
    for text in [
        "Key Vault Secrets User",
        SECRETS_USER,
        &format!(
            "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{SECRETS_USER}"
        ),
        &format!("/providers/microsoft.authorization/roledefinitions/{SECRETS_USER}"),
    ] {
        assert_eq!(Role::parse(text).unwrap(), id, "{text}");
    }
    assert_eq!(
        Role::parse("Bob's role").unwrap(),
        Role::Named("Bob's role".to_owned())
    );
    for bad in ["", "  ", "a/b", "a\nb", VAULT, &"x".repeat(513)] {
        assert!(Role::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_quote_in_a_name_does_not_end_the_filter() {
    let call = find(versions(), &scope(), "x' or roleName eq 'Owner");
    assert_eq!(
        call.query,
        [(
            "$filter",
            "roleName eq 'x'' or roleName eq ''Owner'".to_owned()
        )]
    );
    assert!(call.path.starts_with(VAULT));
}

#[test]
fn a_role_is_found_by_its_very_name_or_not_at_all() {
    let one = |name: &str, id: &str| json!({"name": id, "properties": {"roleName": name}});
    let body = |all: &[Value]| reply(json!({ "value": all }));
    let mine = one("Mine", SECRETS_USER);
    assert_eq!(
        found(&body(&[one("Other", SUBSCRIPTION), mine.clone()]), "mine"),
        Uuid::try_parse(SECRETS_USER).ok()
    );
    assert_eq!(found(&body(&[mine.clone(), mine]), "Mine"), None);
    assert_eq!(found(&body(&[]), "Mine"), None);
}

#[test]
fn the_name_of_an_assignment_follows_from_what_it_assigns() {
    let definition = definition_id(
        scope().subscription(),
        Uuid::try_parse(SECRETS_USER).unwrap(),
    );
    let name = assignment_name(&scope(), &definition, &principal());
    let upper = VAULT.to_ascii_uppercase().parse().unwrap();
    let lower = principal().as_str().to_ascii_lowercase().parse().unwrap();
    assert_eq!(
        name,
        assignment_name(&upper, &definition.to_ascii_uppercase(), &lower)
    );
    assert_eq!(name, assignment_name(&scope(), SECRETS_USER, &principal()));
    assert_eq!(name.get_version_num(), 5);
    // Kept for ever: another name would be taken for somebody else's assignment.
    assert_eq!(name.to_string(), "e25a28cf-5a9f-5adf-93e6-835f88e816a1");
    let others = [
        assignment_name(&Scope::Group(scope_group()), SECRETS_USER, &principal()),
        assignment_name(&scope(), SUBSCRIPTION, &principal()),
        assignment_name(&scope(), SECRETS_USER, &SUBSCRIPTION.parse().unwrap()),
    ];
    assert!(!others.contains(&name));
}

fn scope_group() -> crate::azure::arm::GroupId {
    let Scope::Resource(resource) = scope() else {
        panic!("it is a resource");
    };
    resource.group().clone()
}

#[test]
fn an_assignment_says_what_kind_of_principal_it_is_where_that_is_known() {
    let role = Uuid::try_parse(SECRETS_USER).unwrap();
    let put = |versions| {
        let to = (&principal(), PrincipalType::ServicePrincipal);
        put(versions, &scope(), Uuid::nil(), role, to)
    };
    let call = put(versions());
    let properties = &call.body.unwrap()["properties"];
    assert_eq!(properties["principalType"], "ServicePrincipal");
    assert_eq!(
        properties["roleDefinitionId"],
        definition_id(scope().subscription(), role)
    );
    assert_eq!(
        call.path,
        format!(
            "{VAULT}/providers/Microsoft.Authorization/roleAssignments/{}",
            Uuid::nil()
        )
    );
    let old = put(ApiVersions::of(&stack().cloud));
    assert_eq!(old.body.unwrap()["properties"].get("principalType"), None);
    assert_eq!(old.api_version, "2015-07-01");
}

#[test]
fn assignments_are_read_whole_or_not_at_all() {
    let good = json!({"name": SUBSCRIPTION, "properties": {"scope": VAULT, "principalId": "AB", "principalType": "Group",
        "roleDefinitionId": format!("/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/{SECRETS_USER}")}});
    let all = read_page(&reply(json!({"value": [good.clone()]}))).unwrap();
    assert_eq!(all[0].role.to_string(), SECRETS_USER);
    assert_eq!(all[0].principal, "ab");
    assert_eq!(read(&reply(good.clone())).unwrap(), all[0]);
    let half = json!({"name": SUBSCRIPTION, "properties": {}});
    assert!(read_page(&reply(json!({"value": [good, half]}))).is_err());
    assert!(read_page(&reply(Value::Null)).is_err());
}

#[test]
fn the_smallest_role_is_named_and_where_it_can_be_assigned() {
    let public = &profile().cloud;
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg");
    let whole = format!("/subscriptions/{SUBSCRIPTION}");
    let deleted =
        format!("{whole}/providers/Microsoft.KeyVault/locations/westus/deletedVaults/kv-a");
    let assigned = format!("{VAULT}/providers/Microsoft.Authorization/roleAssignments/x");
    for (action, scope, role, at) in [
        (
            "Microsoft.KeyVault/vaults/read",
            VAULT,
            "Reader",
            group.as_str(),
        ),
        (
            "microsoft.keyvault/vaults/write",
            VAULT,
            "Key Vault Contributor",
            &group,
        ),
        (
            "Microsoft.KeyVault/vaults/delete",
            VAULT,
            "Key Vault Contributor",
            &group,
        ),
        (
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            &deleted,
            "Key Vault Purge Operator",
            &whole,
        ),
        (
            "Microsoft.KeyVault/locations/deletedVaults/read",
            &deleted,
            "Reader",
            &whole,
        ),
        (
            "Microsoft.KeyVault/register/action",
            &whole,
            "Contributor",
            &whole,
        ),
        (
            "Microsoft.Resources/subscriptions/resourceGroups/write",
            &group,
            "Contributor",
            &whole,
        ),
        (
            "Microsoft.Authorization/roleAssignments/write",
            &assigned,
            "Role Based Access Control Administrator",
            VAULT,
        ),
    ] {
        assert_eq!(smallest(public, action), role, "{action}");
        assert_eq!(mending_scope(action, scope), at, "{action}");
    }
    let old = &stack().cloud;
    assert_eq!(
        smallest(old, "Microsoft.KeyVault/vaults/write"),
        "Contributor"
    );
    assert_eq!(
        smallest(old, "Microsoft.Authorization/roleAssignments/write"),
        "Owner"
    );
    assert_eq!(mending_scope("x", "somewhere"), "somewhere");
}
