//! Resource groups, providers, and what stands before writes.

use super::*;

fn group(name: &str) -> String {
    subscription(&format!("/resourcegroups/{name}"))
}

#[tokio::test]
async fn a_group_is_made_changed_and_deleted() {
    let arm = Arm::owner().await;
    let put =
        async |name: &str, body: Value| arm.call(Method::PUT, &group(name), GROUPS, body).await;
    let (status, body) = put(
        "new",
        json!({"location": "West Europe", "tags": {"a": "b"}}),
    )
    .await;
    assert_eq!((status, &body["location"]), (201, &json!("westeurope")));
    assert_eq!(body["properties"]["provisioningState"], "Succeeded");
    let (status, body) = put("NEW", json!({"location": "westeurope"})).await;
    assert_eq!(
        (status, &body["name"], body.get("tags")),
        (200, &json!("new"), None)
    );
    let answer = put("new", json!({"location": "eastus"})).await;
    assert_eq!(code(&answer), (409, "InvalidResourceGroupLocation"));
    let answer = put("other", json!({"location": "nowhere"})).await;
    assert_eq!(code(&answer), (400, "LocationNotAvailableForResourceType"));
    assert_eq!(
        code(&put("dot.", json!({"location": "eastus"})).await).0,
        400
    );
    let head = async |name: &str| {
        arm.call(Method::HEAD, &group(name), GROUPS, Value::Null)
            .await
            .0
    };
    assert_eq!((head("new").await, head("none").await), (204, 404));

    let answer = arm
        .send(Method::DELETE, &group("new"), GROUPS, &Value::Null)
        .await;
    assert_eq!(answer.status(), 202);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let poll = arm
        .client
        .get(location)
        .bearer_auth(&arm.token)
        .send()
        .await
        .unwrap();
    assert_eq!(poll.status(), 200);
    let answer = arm.get(&group("new"), GROUPS).await;
    assert_eq!(code(&answer), (404, "ResourceGroupNotFound"));
}

#[tokio::test]
async fn a_group_that_is_being_deleted_takes_no_writes_and_takes_its_vaults_along() {
    let arm = Arm::owner().await;
    arm.put_vault("kv-new", json!({})).await;
    arm.settings(json!({"groupDeletionMs": 3_600_000})).await;
    arm.call(Method::DELETE, &group("rg"), GROUPS, Value::Null)
        .await;
    let (_, body) = arm.get(&group("rg"), GROUPS).await;
    assert_eq!(body["properties"]["provisioningState"], "Deleting");
    let answer = arm.put_vault("kv-more", json!({})).await;
    assert_eq!(code(&answer), (409, "ResourceGroupBeingDeleted"));
    assert_eq!(arm.get_vault("kv-new").await.0, 200);
    arm.sim
        .admin(Method::POST, "/clock", &json!({"skewSeconds": 3601}))
        .await;
    let token = arm
        .sim
        .token_for("https://management.sim.test/.default")
        .await;
    let arm = Arm { token, ..arm };
    assert_eq!(
        code(&arm.get_vault("kv-new").await),
        (404, "ResourceGroupNotFound")
    );
    assert_eq!(arm.get(&deleted("kv-new"), VAULTS).await.0, 200);
    assert!(!arm.resolves("kv-new"));
}

#[tokio::test]
async fn a_provider_is_registered_before_vaults_are_written() {
    let arm = Arm::with(json!({
        "providers": {"Microsoft.KeyVault": "NotRegistered"},
        "roleAssignments": [{"principalId": OBJECT, "role": "Contributor"}],
    }))
    .await;
    arm.settings(json!({"registrationMs": 3_600_000})).await;
    let answer = arm.put_vault("kv-new", json!({})).await;
    assert_eq!(code(&answer), (409, "MissingSubscriptionRegistration"));
    assert_eq!(
        answer.1["error"]["details"][0]["target"],
        "Microsoft.KeyVault"
    );
    let provider = subscription("/providers/Microsoft.KeyVault");
    let register = format!("{provider}/register");
    let state = |body: &Value| body["registrationState"].as_str().unwrap().to_owned();
    let (_, body) = arm.get(&provider, GROUPS).await;
    assert_eq!(state(&body), "NotRegistered");
    let (status, body) = arm.call(Method::POST, &register, GROUPS, Value::Null).await;
    assert_eq!((status, state(&body).as_str()), (200, "Registering"));
    arm.sim
        .admin(Method::POST, "/clock", &json!({"skewSeconds": 3601}))
        .await;
    let token = arm
        .sim
        .token_for("https://management.sim.test/.default")
        .await;
    let arm = Arm { token, ..arm };
    let (_, body) = arm.get(&provider, GROUPS).await;
    assert_eq!(state(&body), "Registered");
    assert_eq!(arm.put_vault("kv-new", json!({})).await.0, 200);
}

#[tokio::test]
async fn a_disabled_subscription_is_read_only() {
    let arm = Arm::with(json!({
        "state": "Disabled", "roleAssignments": [{"principalId": OBJECT, "role": "Owner"}],
    }))
    .await;
    assert_eq!(arm.get(&group("rg"), GROUPS).await.0, 200);
    let answer = arm.put_vault("kv-new", json!({})).await;
    assert_eq!(code(&answer), (409, "ReadOnlyDisabledSubscription"));
    let (_, body) = arm.get(&subscription(""), GROUPS).await;
    assert_eq!(body["state"], "Disabled");
}

#[tokio::test]
async fn locks_and_policies_stop_an_owner() {
    let arm = Arm::with(json!({
        "roleAssignments": [{"principalId": OBJECT, "role": "Owner"}],
        "locks": [{"scope": "/resourceGroups/rg", "level": "CanNotDelete"}],
        "policies": [{"name": "no-public", "displayName": "No public vaults",
                      "property": {"path": "properties.publicNetworkAccess", "notEquals": "Disabled"}}],
    }))
    .await;
    let answer = arm.put_vault("kv-new", json!({})).await;
    assert_eq!(code(&answer), (403, "RequestDisallowedByPolicy"));
    let error = &answer.1["error"];
    assert_eq!(error["target"], "kv-new");
    assert_eq!(
        error["additionalInfo"][0]["info"]["policyDefinitionName"],
        "no-public"
    );
    assert_eq!(
        arm.put_vault("kv-new", json!({"publicNetworkAccess": "Disabled"}))
            .await
            .0,
        200
    );
    let answer = arm
        .call(Method::DELETE, &vault("kv-new"), VAULTS, Value::Null)
        .await;
    assert_eq!(code(&answer), (409, "ScopeLocked"));
}
