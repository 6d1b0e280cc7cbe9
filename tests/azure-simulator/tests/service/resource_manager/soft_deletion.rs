//! Vaults are deleted, recovered and purged.

use super::*;

#[tokio::test]
async fn a_deleted_vault_is_recovered_with_its_secrets_and_without_its_roles() {
    let arm = Arm::owner().await;
    arm.put_vault("kv-new", json!({})).await;
    let roles = json!({"roleAssignments": [{"principalId": OBJECT, "role": "Key Vault Secrets User"}],
                       "secrets": [{"name": "s", "value": "v"}]});
    arm.sim.admin(Method::PATCH, "/vaults/kv-new", &roles).await;
    assert_eq!(arm.list_secrets("kv-new").await, 200);
    assert_eq!(
        (
            arm.delete_vault("kv-new").await,
            arm.delete_vault("kv-new").await
        ),
        (200, 204)
    );
    assert!(!arm.resolves("kv-new"));
    assert_eq!(
        code(&arm.get_vault("kv-new").await),
        (404, "ResourceNotFound")
    );

    let (status, body) = arm.get(&deleted("kv-new"), VAULTS).await;
    assert_eq!(
        (status, &body["properties"]["vaultId"]),
        (200, &json!(vault("kv-new")))
    );
    let (_, list) = arm
        .get(
            &subscription("/providers/Microsoft.KeyVault/deletedVaults"),
            VAULTS,
        )
        .await;
    assert_eq!(list["value"], json!([body]));
    let elsewhere = deleted("kv-new").replace("westeurope", "eastus");
    assert_eq!(
        code(&arm.get(&elsewhere, VAULTS).await),
        (404, "DeletedVaultNotFound")
    );

    let answer = arm.put_vault("kv-new", json!({})).await;
    assert_eq!(code(&answer), (409, "ConflictError"));
    let (status, body) = arm
        .put_vault("kv-new", json!({"createMode": "recover"}))
        .await;
    assert_eq!((status, &body["name"]), (200, &json!("kv-new")));
    assert!(arm.resolves("kv-new"));
    assert_eq!(
        arm.list_secrets("kv-new").await,
        403,
        "roles are lost by deletion"
    );
    arm.sim
        .admin(
            Method::PATCH,
            "/vaults/kv-new",
            &json!({"roleAssignments": roles["roleAssignments"]}),
        )
        .await;
    let shown = arm.sim.look("/vaults/kv-new").await;
    assert_eq!(shown["secrets"], json!(["s"]));
    assert_eq!(arm.list_secrets("kv-new").await, 200);
}

#[tokio::test]
async fn a_vault_is_recovered_where_it_was() {
    let arm = Arm::owner().await;
    arm.put_vault("kv-new", json!({})).await;
    arm.delete_vault("kv-new").await;
    let mut body = vault_body(json!({"createMode": "recover"}));
    arm.call(
        Method::PUT,
        &subscription("/resourceGroups/other"),
        GROUPS,
        json!({"location": "westeurope"}),
    )
    .await;
    let other = vault("kv-new").replace("/rg/", "/other/");
    let answer = arm.call(Method::PUT, &other, VAULTS, body.clone()).await;
    assert_eq!(code(&answer), (400, "SoftDeletedVaultDoesNotExist"));
    body["location"] = json!("eastus");
    let answer = arm.call(Method::PUT, &vault("kv-new"), VAULTS, body).await;
    assert_eq!(code(&answer), (400, "SoftDeletedVaultDoesNotExist"));
}

#[tokio::test]
async fn a_protected_vault_is_not_purged() {
    let arm = Arm::owner().await;
    arm.put_vault("kv-new", json!({"enablePurgeProtection": true}))
        .await;
    arm.delete_vault("kv-new").await;
    let (_, body) = arm.get(&deleted("kv-new"), VAULTS).await;
    assert_eq!(body["properties"]["purgeProtectionEnabled"], true);
    let purge = format!("{}/purge", deleted("kv-new"));
    let answer = arm.call(Method::POST, &purge, VAULTS, Value::Null).await;
    assert_eq!(code(&answer), (405, "MethodNotAllowed"));
}

#[tokio::test]
async fn a_purge_needs_a_role_of_its_own() {
    let arm = Arm::with_role("Key Vault Contributor").await;
    assert_eq!(arm.put_vault("kv-new", json!({})).await.0, 200);
    arm.delete_vault("kv-new").await;
    let purge = format!("{}/purge", deleted("kv-new"));
    let answer = arm.call(Method::POST, &purge, VAULTS, Value::Null).await;
    assert_eq!(code(&answer), (403, "AuthorizationFailed"));
}

#[tokio::test]
async fn the_retention_ends_by_the_clock() {
    let arm = Arm::owner().await;
    arm.put_vault("kv-new", json!({"softDeleteRetentionInDays": 7}))
        .await;
    arm.delete_vault("kv-new").await;
    arm.sim
        .admin(
            Method::POST,
            "/clock",
            &json!({"skewSeconds": 7 * 24 * 3600 + 1}),
        )
        .await;
    assert_eq!(
        arm.sim.look("/deletedvaults").await["deletedVaults"],
        json!([])
    );
}

#[tokio::test]
async fn vaults_are_deleted_recovered_and_purged_from_outside() {
    let arm = Arm::owner().await;
    arm.put_vault("kv-new", json!({"enablePurgeProtection": true}))
        .await;
    arm.sim
        .admin(Method::DELETE, "/vaults/kv-new?soft=true", &Value::Null)
        .await;
    assert_eq!(arm.get(&deleted("kv-new"), VAULTS).await.0, 200);
    arm.sim
        .admin(Method::POST, "/deletedvaults/kv-new/recover", &Value::Null)
        .await;
    assert_eq!(arm.get_vault("kv-new").await.0, 200);
    arm.sim
        .admin(Method::DELETE, "/vaults/kv-new?soft=true", &Value::Null)
        .await;
    arm.sim
        .admin(Method::DELETE, "/deletedvaults/kv-new", &Value::Null)
        .await;
    assert_eq!(arm.get(&deleted("kv-new"), VAULTS).await.0, 404);
}
