//! Role definitions and assignments, and what they decide.

use super::*;

const SECRETS_USER: &str = "4633458b-17de-408a-b874-0445c86b69e6";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const NAME: &str = "0d3a1b52-1c1e-4a5e-9a53-0a0a0a0a0a01";
const OTHER_NAME: &str = "0d3a1b52-1c1e-4a5e-9a53-0a0a0a0a0a02";

fn assignment(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
}

fn role(id: &str, principal: &str) -> Value {
    let id = subscription(&format!(
        "/providers/Microsoft.Authorization/roleDefinitions/{id}"
    ));
    json!({"properties": {"roleDefinitionId": id, "principalId": principal}})
}

impl Arm {
    async fn assign(&self, scope: &str, name: &str, body: Value) -> (u16, Value) {
        self.call(Method::PUT, &assignment(scope, name), ROLES, body)
            .await
    }
}

#[tokio::test]
async fn a_role_is_found_by_its_name() {
    let arm = Arm::with_role("Reader").await;
    let definitions = "/providers/Microsoft.Authorization/roleDefinitions";
    let path = subscription(&format!(
        "{definitions}?$filter=roleName eq 'Key Vault Secrets User'"
    ));
    let (_, list) = arm.get(&path, ROLES).await;
    assert_eq!(list["value"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list["value"][0]["name"], SECRETS_USER);
    let (status, one) = arm.get(&format!("{definitions}/{READER}"), ROLES).await;
    assert_eq!(
        (status, &one["properties"]["roleName"]),
        (200, &json!("Reader"))
    );
    let path = subscription(&format!("{definitions}/{NAME}"));
    assert_eq!(
        code(&arm.get(&path, ROLES).await),
        (404, "RoleDefinitionDoesNotExist")
    );
}

#[tokio::test]
async fn an_assignment_decides_at_the_vault_at_each_scope() {
    let secret = format!("{}/secrets/s", vault("kv-new"));
    for (scope, reads, lists) in [
        (subscription(""), true, true),
        (subscription("/resourceGroups/rg"), true, true),
        (vault("kv-new"), true, true),
        (secret, true, false),
    ] {
        let arm = Arm::owner().await;
        arm.put_vault("kv-new", json!({})).await;
        let put = json!({"properties": {"value": "v"}});
        arm.call(
            Method::PUT,
            &format!("{}/secrets/s", vault("kv-new")),
            VAULTS,
            put,
        )
        .await;
        assert_eq!(arm.list_secrets("kv-new").await, 403);
        let (status, body) = arm.assign(&scope, NAME, role(SECRETS_USER, OBJECT)).await;
        assert_eq!(status, 201, "{body}");
        assert_eq!(arm.list_secrets("kv-new").await == 200, lists, "{scope}");
        let url = "https://kv-new.vault.sim.test/secrets/s?api-version=7.5";
        let token = arm.sim.token().await;
        let answer = arm
            .sim
            .client()
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status() == 200, reads, "{scope}");
    }
}

#[tokio::test]
async fn an_assignment_takes_its_time_both_ways() {
    let arm = Arm::owner().await;
    arm.put_vault("kv-new", json!({})).await;
    arm.settings(json!({"roleDelayMs": 100})).await;
    let scope = vault("kv-new");
    arm.assign(&scope, NAME, role(SECRETS_USER, OBJECT)).await;
    assert_eq!(arm.get(&assignment(&scope, NAME), ROLES).await.0, 200);
    until(async || arm.list_secrets("kv-new").await == 200).await;
    let gone = async || {
        arm.call(
            Method::DELETE,
            &assignment(&scope, NAME),
            ROLES,
            Value::Null,
        )
        .await
        .0
    };
    assert_eq!((gone().await, gone().await), (200, 204));
    let answer = arm.get(&assignment(&scope, NAME), ROLES).await;
    assert_eq!(code(&answer), (404, "RoleAssignmentNotFound"));
    until(async || arm.list_secrets("kv-new").await == 403).await;
}

#[tokio::test]
async fn the_same_assignment_has_one_name_and_a_name_one_assignment() {
    let arm = Arm::owner().await;
    let scope = subscription("/resourceGroups/rg");
    let (status, body) = arm.assign(&scope, NAME, role(READER, OBJECT)).await;
    assert_eq!(
        (status, &body["properties"]["principalType"]),
        (201, &json!("ServicePrincipal"))
    );
    assert_eq!(arm.assign(&scope, NAME, role(READER, OBJECT)).await.0, 200);
    let answer = arm.assign(&scope, OTHER_NAME, role(READER, OBJECT)).await;
    assert_eq!(code(&answer), (409, "RoleAssignmentExists"));
    let answer = arm.assign(&scope, NAME, role(SECRETS_USER, OBJECT)).await;
    assert_eq!(code(&answer), (400, "RoleAssignmentUpdateNotPermitted"));
    let answer = arm.assign(&scope, "x", role(READER, OBJECT)).await;
    assert_eq!(answer.0, 400);
}

#[tokio::test]
async fn a_principal_that_nobody_knows_needs_its_type() {
    let arm = Arm::owner().await;
    let scope = subscription("/resourceGroups/rg");
    let answer = arm.assign(&scope, NAME, role(READER, OTHER_NAME)).await;
    assert_eq!(code(&answer), (400, "PrincipalNotFound"));
    let mut typed = role(READER, OTHER_NAME);
    typed["properties"]["principalType"] = json!("ServicePrincipal");
    assert_eq!(arm.assign(&scope, NAME, typed).await.0, 201);

    arm.settings(json!({"principalDelayMs": 3_600_000})).await;
    let new = json!({"objectId": "0d3a1b52-1c1e-4a5e-9a53-0a0a0a0a0a03"});
    let path = format!("/tenants/{TENANT}/applications/new");
    arm.sim.admin(Method::PUT, &path, &new).await;
    let answer = arm
        .assign(
            &scope,
            OTHER_NAME,
            role(READER, new["objectId"].as_str().unwrap()),
        )
        .await;
    assert_eq!(code(&answer), (400, "PrincipalNotFound"));
}

#[tokio::test]
async fn who_may_not_assign_roles_is_refused() {
    for (given, status) in [
        ("Contributor", 403),
        ("User Access Administrator", 201),
        ("Role Based Access Control Administrator", 201),
    ] {
        let arm = Arm::with_role(given).await;
        let answer = arm
            .assign(&subscription(""), NAME, role(READER, OBJECT))
            .await;
        assert_eq!(answer.0, status, "{given}: {}", answer.1);
    }
}

#[tokio::test]
async fn lists_tell_what_is_above_and_below() {
    let arm = Arm::owner().await;
    arm.put_vault("kv-new", json!({})).await;
    arm.assign(&vault("kv-new"), NAME, role(SECRETS_USER, OBJECT))
        .await;
    let list = async |scope: &str, filter: &str| {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments{filter}");
        let (status, list) = arm.get(&path, ROLES).await;
        assert_eq!(status, 200, "{list}");
        list["value"].as_array().unwrap().len()
    };
    let group = subscription("/resourceGroups/rg");
    assert_eq!(list(&group, "").await, 2);
    assert_eq!(list(&group, "?$filter=atScope()").await, 1);
    assert_eq!(list(&vault("kv-new"), "?$filter=atScope()").await, 2);
    let of = |id: &str| format!("?$filter=principalId eq '{id}'");
    assert_eq!(list(&group, &of(OBJECT)).await, 2);
    assert_eq!(list(&group, &of(NAME)).await, 0);
}

#[tokio::test]
async fn the_roles_of_a_seeded_vault_show_and_can_be_taken_away() {
    let arm = Arm::owner().await;
    let seed = json!({"subscriptionId": SUBSCRIPTION, "resourceGroup": "rg", "tenantId": TENANT,
                      "roleAssignments": [{"principalId": OBJECT, "role": "Key Vault Secrets User"}]});
    arm.sim.admin(Method::PUT, "/vaults/kv-seed", &seed).await;
    assert_eq!(arm.list_secrets("kv-seed").await, 200);
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments",
        vault("kv-seed")
    );
    let (_, list) = arm.get(&path, ROLES).await;
    let mut here = list["value"].as_array().unwrap().iter();
    let one = here
        .find(|one| one["properties"]["scope"] == json!(vault("kv-seed")))
        .unwrap();
    let id = one["id"].as_str().unwrap().to_owned();
    assert_eq!(
        arm.call(Method::DELETE, &id, ROLES, Value::Null).await.0,
        200
    );
    assert_eq!(arm.list_secrets("kv-seed").await, 403);
}

#[tokio::test]
async fn lists_show_whom_has_a_role_below_what_is_theirs() {
    let arm = Arm::owner().await;
    arm.put_vault("kv-a", json!({})).await;
    arm.put_vault("kv-b", json!({})).await;
    let given = |scope: &str| json!({"roleAssignments": [{"principalId": OBJECT, "role": "Reader", "scope": scope}]});
    let vaults = subscription("/providers/Microsoft.KeyVault/vaults");
    let names = async |path: &str, version: &str| {
        let (status, list) = arm.get(path, version).await;
        assert_eq!(status, 200, "{list}");
        let rows = list["value"].as_array().unwrap().iter();
        rows.map(|row| row["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    arm.subscription(given(
        "/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-b",
    ))
    .await;
    assert_eq!(names(&vaults, VAULTS).await, ["kv-b"]);
    assert!(
        names(&subscription("/resourcegroups"), GROUPS)
            .await
            .is_empty()
    );
    let whole = subscription("/resourceGroups/rg/providers/Microsoft.KeyVault/vaults");
    assert_eq!(arm.get(&whole, VAULTS).await.0, 403);
    arm.subscription(given("/resourceGroups/rg")).await;
    assert_eq!(names(&vaults, VAULTS).await, ["kv-a", "kv-b"]);
    assert_eq!(
        names(&subscription("/resourcegroups"), GROUPS).await,
        ["rg"]
    );
}
