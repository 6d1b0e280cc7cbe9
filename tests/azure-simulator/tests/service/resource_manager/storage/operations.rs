//! An account is being made.

use super::*;

/// Half an hour, so that the clock decides.
const LONG_MS: u32 = 1_800_000;

#[tokio::test]
async fn while_an_account_is_made_it_says_so_and_nobody_else_may_touch_it() {
    let arm = Arm::owner().await;
    let plan = json!({"form": "location", "retryAfter": 17});
    arm.settings(json!({"storageCreationMs": LONG_MS, "lro": {"storagePut": plan}}))
        .await;
    let answer = arm
        .send(Method::PUT, &account("lake1"), STORAGE, &lake(json!({})))
        .await;
    assert_eq!(answer.headers()["retry-after"], "17");
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let poll = async |token: &str| {
        let request = arm.client.get(&location).bearer_auth(token);
        request.send().await.unwrap()
    };
    let running = poll(&arm.token).await;
    assert_eq!(running.status(), 202);
    assert_eq!(running.headers()["retry-after"], "17");
    assert!(running.headers().contains_key("location"));
    let (_, body) = arm.get_account("lake1").await;
    assert_eq!(body["properties"]["provisioningState"], "Creating");
    let answer = arm
        .post(&format!("{}/listKeys", account("lake1")), Value::Null)
        .await;
    assert_eq!(code(&answer), (409, "StorageAccountIsNotProvisioned"));
    let answer = arm.put_account("lake1", json!({})).await;
    assert_eq!(code(&answer), (409, "StorageAccountOperationInProgress"));
    assert!(!arm.has_address("lake1.dfs.storage.sim.test"));
    let clock = async |seconds: u32| {
        let body = json!({"skewSeconds": seconds});
        arm.sim.admin(Method::POST, "/clock", &body).await;
    };
    clock(LONG_MS / 2000 + 60).await;
    let (_, body) = arm.get_account("lake1").await;
    assert_eq!(body["properties"]["provisioningState"], "ResolvingDns");
    clock(LONG_MS / 1000 + 60).await;
    let done = poll(&arm.token).await;
    assert_eq!(
        split(done).await.1["properties"]["provisioningState"],
        "Succeeded"
    );
    assert!(arm.has_address("lake1.dfs.storage.sim.test"));
}

#[tokio::test]
async fn an_account_whose_making_fails_is_not_there() {
    let arm = Arm::owner().await;
    let error = json!({"code": "Oops", "message": "it did not work", "status": 409});
    arm.settings(json!({"lro": {"storagePut": {"form": "location", "error": error}}}))
        .await;
    let answer = arm
        .send(Method::PUT, &account("lake1"), STORAGE, &lake(json!({})))
        .await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let polled = arm.client.get(&location).bearer_auth(&arm.token);
    assert_eq!(
        code(&split(polled.send().await.unwrap()).await),
        (409, "Oops")
    );
    assert_eq!(arm.get_account("lake1").await.0, 404);
}

#[tokio::test]
async fn the_provider_has_limits_of_its_own() {
    let arm = Arm::owner().await;
    arm.put_account("lake1", json!({})).await;
    let bucket = json!({"size": 2, "refillPerSecond": 0.001});
    arm.settings(json!({"throttle": {"storage": {"reads": bucket}}}))
        .await;
    let path = format!("{}/listKeys", account("lake1"));
    let left = async || arm.send(Method::POST, &path, STORAGE, &Value::Null).await;
    let name = "x-ms-ratelimit-remaining-subscription-resource-requests";
    assert_eq!(left().await.headers()[name], "1");
    assert_eq!(arm.get_account("lake1").await.0, 200);
    let answer = left().await;
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(
        code(&split(answer).await),
        (429, "ResourceRequestsThrottled")
    );
    assert_eq!(
        arm.put_account("lake2", json!({})).await.0,
        202,
        "writes are others"
    );
}

#[tokio::test]
async fn a_region_has_room_for_so_many() {
    let arm = Arm::owner().await;
    arm.settings(json!({"storageAccountsPerRegion": 1})).await;
    assert_eq!(arm.put_account("lake1", json!({})).await.0, 202);
    let answer = arm.put_account("lake2", json!({})).await;
    assert_eq!(
        code(&answer),
        (409, "MaxStorageAccountsCountPerSubscriptionExceeded")
    );
    let mut other = lake(json!({}));
    other["location"] = json!("northeurope");
    assert_eq!(arm.put_whole("lake3", other).await.0, 202);
}
