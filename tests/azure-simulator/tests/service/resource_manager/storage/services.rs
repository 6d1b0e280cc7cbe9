//! The blob service of an account, and its lifecycle rules.

use super::*;

#[tokio::test]
async fn the_blob_service_keeps_what_is_deleted_as_it_is_told() {
    let arm = Arm::owner().await;
    arm.put_account("lake1", json!({})).await;
    let path = format!("{}/blobServices/default", account("lake1"));
    let (_, body) = arm.get(&path, STORAGE).await;
    assert_eq!(
        body["properties"]["deleteRetentionPolicy"]["enabled"],
        false
    );
    let put = async |properties: Value| {
        arm.call(
            Method::PUT,
            &path,
            STORAGE,
            json!({"properties": properties}),
        )
        .await
    };
    let week = json!({"enabled": true, "days": 7});
    let (status, body) = put(json!({"deleteRetentionPolicy": week})).await;
    assert_eq!(status, 200, "{body}");
    let (_, body) =
        put(json!({"containerDeleteRetentionPolicy": {"enabled": true, "days": 3}})).await;
    assert_eq!(
        body["properties"]["deleteRetentionPolicy"]["days"], 7,
        "what is left out stays"
    );
    assert_eq!(body, arm.get(&path, STORAGE).await.1);
    let all = format!("{}/blobServices", account("lake1"));
    assert_eq!(arm.get(&all, STORAGE).await.1["value"], json!([body]));
    for (properties, wanted) in [
        (
            json!({"deleteRetentionPolicy": {"enabled": true, "days": 366}}),
            400,
        ),
        (json!({"deleteRetentionPolicy": {"enabled": true}}), 400),
        (json!({"isVersioningEnabled": true}), 409),
    ] {
        assert_eq!(put(properties.clone()).await.0, wanted, "{properties}");
    }
}

#[tokio::test]
async fn lifecycle_rules_are_replaced_as_a_whole_and_removed() {
    let arm = Arm::owner().await;
    arm.put_account("lake1", json!({})).await;
    let path = format!("{}/managementPolicies/default", account("lake1"));
    assert_eq!(
        code(&arm.get(&path, STORAGE).await),
        (404, "ManagementPolicyNotFound")
    );
    let rule = |name: &str| {
        json!({"name": name, "type": "Lifecycle", "definition": {
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["fs/dir"]},
            "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 9}}}}})
    };
    let put = async |rules: Value| {
        let body = json!({"properties": {"policy": {"rules": rules}}});
        arm.call(Method::PUT, &path, STORAGE, body).await
    };
    let (status, body) = put(json!([rule("a"), rule("b")])).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["properties"]["policy"]["rules"][1]["enabled"], true);
    assert_eq!(arm.get(&path, STORAGE).await.1, body);
    let (_, body) = put(json!([rule("c")])).await;
    assert_eq!(
        body["properties"]["policy"]["rules"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(put(json!([rule("a"), rule("a")])).await.0, 400);
    let delete = async || {
        let answer = arm.send(Method::DELETE, &path, STORAGE, &Value::Null).await;
        answer.status().as_u16()
    };
    assert_eq!((delete().await, delete().await), (200, 204));
}
