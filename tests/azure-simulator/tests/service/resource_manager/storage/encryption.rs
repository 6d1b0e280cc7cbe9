//! An account is encrypted with the customer's key.

use super::*;

const IDENTITY: &str = "55555555-5555-5555-5555-555555555551";
const IDENTITY_OBJECT: &str = "55555555-5555-5555-5555-555555555552";

fn identity_id() -> String {
    subscription(
        "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader",
    )
}

/// With a protected vault, a key in it, and a user-assigned identity.
async fn estate() -> Arm {
    let arm = Arm::owner().await;
    let identity =
        json!({"tenantId": TENANT, "objectId": IDENTITY_OBJECT, "resourceId": identity_id()});
    let path = format!("/managedidentities/{IDENTITY}");
    arm.sim.admin(Method::PUT, &path, &identity).await;
    let vault = json!({"tenantId": TENANT, "subscriptionId": SUBSCRIPTION, "purgeProtection": true,
                       "keys": [{"name": "lakes"}]});
    arm.sim.admin(Method::PUT, "/vaults/kv-keys", &vault).await;
    arm
}

fn body(vault: &str, key: &str) -> Value {
    let encryption = json!({
        "keySource": "Microsoft.Keyvault", "identity": {"userAssignedIdentity": identity_id()},
        "keyvaultproperties": {"keyvaulturi": format!("https://{vault}.vault.sim.test/"), "keyname": key},
    });
    let mut body = lake(json!({"encryption": encryption}));
    body["identity"] =
        json!({"type": "UserAssigned", "userAssignedIdentities": {identity_id(): {}}});
    body
}

async fn grant(arm: &Arm) {
    let role =
        json!({"principalId": IDENTITY_OBJECT, "role": "Key Vault Crypto Service Encryption User"});
    arm.sim
        .admin(
            Method::PATCH,
            "/vaults/kv-keys",
            &json!({"roleAssignments": [role]}),
        )
        .await;
}

#[tokio::test]
async fn a_key_that_the_identity_may_use_encrypts() {
    let arm = estate().await;
    let answer = arm.put_whole("lake1", body("kv-keys", "lakes")).await;
    assert_eq!(code(&answer), (400, "KeyVaultAuthenticationFailure"));
    grant(&arm).await;
    assert_eq!(
        arm.put_whole("lake1", body("kv-keys", "lakes")).await.0,
        202
    );
    let (_, shown) = arm.get_account("lake1").await;
    let encryption = &shown["properties"]["encryption"];
    assert_eq!(encryption["keySource"], "Microsoft.Keyvault");
    assert_eq!(encryption["keyvaultproperties"]["keyname"], "lakes");
    let version = encryption["keyvaultproperties"]["currentVersionedKeyIdentifier"].as_str();
    let start = "https://kv-keys.vault.sim.test/keys/lakes/";
    assert!(version.unwrap().starts_with(start), "{version:?}");
    let ids = &shown["identity"]["userAssignedIdentities"][identity_id()];
    assert_eq!(ids["principalId"], IDENTITY_OBJECT);
}

#[tokio::test]
async fn a_key_that_is_not_there_or_not_safe_is_refused() {
    let arm = estate().await;
    grant(&arm).await;
    let answer = arm.put_whole("lake1", body("kv-none", "lakes")).await;
    assert_eq!(code(&answer), (400, "KeyVaultVaultNotFound"));
    let answer = arm.put_whole("lake1", body("kv-keys", "none")).await;
    assert_eq!(code(&answer), (400, "KeyVaultEncryptionKeyNotFound"));
    arm.sim
        .admin(
            Method::PATCH,
            "/vaults/kv-keys",
            &json!({"purgeProtection": false}),
        )
        .await;
    let answer = arm.put_whole("lake1", body("kv-keys", "lakes")).await;
    assert_eq!(code(&answer), (400, "KeyVaultPolicyError"));
}

#[tokio::test]
async fn the_accounts_own_identity_uses_a_key_after_its_making() {
    let arm = estate().await;
    let mut own = lake(json!({}));
    own["identity"] = json!({"type": "SystemAssigned"});
    arm.put_whole("lake1", own).await;
    let (_, shown) = arm.get_account("lake1").await;
    let principal = shown["identity"]["principalId"].as_str().unwrap();
    let key = json!({"keyvaulturi": "https://kv-keys.vault.sim.test", "keyname": "lakes"});
    let change = json!({"properties": {"encryption": {"keySource": "Microsoft.Keyvault", "keyvaultproperties": key}}});
    let answer = arm.patch_account("lake1", change.clone()).await;
    assert_eq!(code(&answer), (400, "KeyVaultAuthenticationFailure"));
    let role = subscription(
        "/providers/Microsoft.Authorization/roleDefinitions/e147488a-f6f5-4113-8e2d-b22465e65bf6",
    );
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/0d3a1b52-1c1e-4a5e-9a53-0a0a0a0a0a01",
        vault("kv-keys")
    );
    let wanted = json!({"properties": {"roleDefinitionId": role, "principalId": principal}});
    let given = arm.call(Method::PUT, &path, ROLES, wanted).await;
    assert_eq!(given.0, 201, "{}", given.1);
    assert_eq!(given.1["properties"]["principalType"], "ServicePrincipal");
    assert_eq!(arm.patch_account("lake1", change).await.0, 200);
}
