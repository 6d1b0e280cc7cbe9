//! Who may do what with accounts: roles, registration, locks, policies, faults.

use super::*;

#[tokio::test]
async fn who_reads_may_not_have_the_keys() {
    let arm = Arm::owner().await;
    arm.put_account("lake1", json!({})).await;
    arm.subscription(json!({"roleAssignments": [{"principalId": OBJECT, "role": "Reader"}]}))
        .await;
    assert_eq!(arm.get_account("lake1").await.0, 200);
    let answer = arm
        .post(&format!("{}/listKeys", account("lake1")), Value::Null)
        .await;
    assert_eq!(code(&answer), (403, "AuthorizationFailed"));
    let message = answer.1["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("'Microsoft.Storage/storageAccounts/listKeys/action'"),
        "{message}"
    );
    let role = json!({"roleAssignments": [{"principalId": OBJECT, "role": "Storage Account Contributor"}]});
    arm.subscription(role).await;
    arm.keys("lake1").await;
}

#[tokio::test]
async fn the_provider_must_be_registered() {
    let arm = Arm::with(json!({
        "providers": {"Microsoft.Storage": "NotRegistered"},
        "roleAssignments": [{"principalId": OBJECT, "role": "Owner"}]
    }))
    .await;
    let answer = arm.put_account("lake1", json!({})).await;
    assert_eq!(code(&answer), (409, "MissingSubscriptionRegistration"));
    assert_eq!(
        answer.1["error"]["details"][0]["target"],
        "Microsoft.Storage"
    );
    let path = subscription("/providers/Microsoft.Storage/register");
    arm.call(Method::POST, &path, GROUPS, Value::Null).await;
    assert_eq!(arm.put_account("lake1", json!({})).await.0, 202);
    let (_, body) = arm
        .get(&subscription("/providers/Microsoft.Storage"), GROUPS)
        .await;
    assert_eq!(body["resourceTypes"][0]["resourceType"], "storageAccounts");
}

#[tokio::test]
async fn locks_hold_deletions_and_keys() {
    let arm = Arm::owner().await;
    arm.put_account("lake1", json!({})).await;
    let lock = async |level: &str| {
        let locks = json!([{"scope": "/resourceGroups/rg", "level": level}]);
        let role = json!([{"principalId": OBJECT, "role": "Owner"}]);
        arm.subscription(json!({"locks": locks, "roleAssignments": role}))
            .await;
    };
    lock("CanNotDelete").await;
    let answer = arm
        .call(Method::DELETE, &account("lake1"), STORAGE, Value::Null)
        .await;
    assert_eq!(code(&answer), (409, "ScopeLocked"));
    arm.keys("lake1").await;
    lock("ReadOnly").await;
    let answer = arm
        .post(&format!("{}/listKeys", account("lake1")), Value::Null)
        .await;
    assert_eq!(code(&answer), (409, "ScopeLocked"));
    assert_eq!(
        code(&arm.patch_account("lake1", json!({})).await),
        (409, "ScopeLocked")
    );
}

#[tokio::test]
async fn a_policy_denies_what_it_names() {
    let rule = json!({"path": "properties.allowBlobPublicAccess", "equals": true});
    let arm = Arm::with(json!({
        "policies": [{"name": "private", "type": KIND, "property": rule}],
        "roleAssignments": [{"principalId": OBJECT, "role": "Owner"}]
    }))
    .await;
    let answer = arm
        .put_account("lake1", json!({"allowBlobPublicAccess": true}))
        .await;
    assert_eq!(code(&answer), (403, "RequestDisallowedByPolicy"));
    assert_eq!(arm.put_account("lake1", json!({})).await.0, 202);
    let patch = json!({"properties": {"allowBlobPublicAccess": true}});
    let answer = arm.patch_account("lake1", patch).await;
    assert_eq!(code(&answer), (403, "RequestDisallowedByPolicy"));
    let (_, body) = arm.get_account("lake1").await;
    assert_eq!(body["properties"]["allowBlobPublicAccess"], false);
}

#[tokio::test]
async fn a_lost_answer_has_made_the_account() {
    let arm = Arm::owner().await;
    arm.sim
        .fault(
            json!({"host": "management.*", "operations": ["CreateStorageAccount"], "count": 1,
                      "fault": {"loseAnswer": true}}),
        )
        .await;
    let body = lake(json!({}));
    let request = arm
        .request(Method::PUT, &account("lake1"), STORAGE)
        .json(&body);
    assert!(request.send().await.is_err());
    assert_eq!(arm.get_account("lake1").await.0, 200);
    let journal = arm
        .sim
        .look("/journal?operation=CreateStorageAccount")
        .await;
    assert_eq!(journal["entries"][0]["lostStatus"], 202);
}

#[tokio::test]
async fn an_unknown_version_is_told_with_those_that_are_known() {
    let arm = Arm::owner().await;
    let answer = arm.get(&account("lake1"), "2031-01-01").await;
    assert_eq!(code(&answer), (400, "NoRegisteredProviderFound"));
    let message = answer.1["error"]["message"].as_str().unwrap();
    assert!(message.contains("type 'storageAccounts'"), "{message}");
}
