//! Names of accounts are unique over all subscriptions.

use super::*;

async fn check(arm: &Arm, name: &str) -> Value {
    let path = subscription("/providers/Microsoft.Storage/checkNameAvailability");
    let (status, body) = arm.post(&path, json!({"name": name, "type": KIND})).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn a_name_is_free_taken_or_not_valid() {
    let arm = Arm::owner().await;
    let theirs = json!({"tenantId": TENANT, "subscriptionId": "another"});
    arm.sim
        .admin(Method::PUT, "/storageaccounts/theirs", &theirs)
        .await;
    assert_eq!(check(&arm, "free").await, json!({"nameAvailable": true}));
    assert_eq!(
        check(&arm, "theirs").await,
        json!({"nameAvailable": false, "reason": "AlreadyExists",
               "message": "The storage account named theirs is already taken."})
    );
    assert_eq!(
        check(&arm, "Not-Valid").await["reason"],
        "AccountNameInvalid"
    );
    let answer = arm.put_account("theirs", json!({})).await;
    assert_eq!(code(&answer), (409, "StorageAccountAlreadyTaken"));
    let answer = arm.put_account("UP", json!({})).await;
    assert_eq!(code(&answer), (400, "AccountNameInvalid"));
    assert_eq!(
        answer.1["error"]["message"],
        "UP is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and \
         use numbers and lower-case letters only."
    );
}

#[tokio::test]
async fn a_name_of_the_same_subscription_is_in_another_group_or_place() {
    let arm = Arm::owner().await;
    let groups = json!([{"name": "rg", "location": "westeurope"}, {"name": "two", "location": "westeurope"}]);
    arm.subscription(json!({"resourceGroups": groups, "roleAssignments": [{"principalId": OBJECT, "role": "Owner"}]}))
        .await;
    arm.put_account("lake1", json!({})).await;
    let other = account("lake1").replace("/rg/", "/two/");
    let answer = arm
        .call(Method::PUT, &other, STORAGE, lake(json!({})))
        .await;
    assert_eq!(code(&answer), (409, "StorageAccountInAnotherResourceGroup"));
    let mut moved = lake(json!({}));
    moved["location"] = json!("eastus");
    let answer = arm.put_whole("lake1", moved).await;
    assert_eq!(code(&answer), (409, "InvalidResourceLocation"));
}

#[tokio::test]
async fn a_name_that_was_just_deleted_is_kept_for_a_while() {
    let arm = Arm::owner().await;
    arm.settings(json!({"storageNameHoldMs": 3_600_000})).await;
    arm.put_account("lake1", json!({})).await;
    arm.call(Method::DELETE, &account("lake1"), STORAGE, Value::Null)
        .await;
    let answer = arm.put_account("lake1", json!({})).await;
    assert_eq!(code(&answer), (409, "StorageAccountAlreadyTaken"));
    assert_eq!(check(&arm, "lake1").await["reason"], "AlreadyExists");
    arm.settings(json!({"storageNameHoldMs": 0})).await;
    assert_eq!(arm.put_account("lake1", json!({})).await.0, 202);
}
