//! Long-running operations in their three forms.

use super::*;

const LONG: u32 = 3_600_000;

/// The clock goes over the end of what is under way.
async fn later(arm: Arm) -> Arm {
    arm.sim
        .admin(Method::POST, "/clock", &json!({"skewSeconds": 3601}))
        .await;
    let token = arm
        .sim
        .token_for("https://management.sim.test/.default")
        .await;
    Arm { token, ..arm }
}

async fn with_plan(plan: Value) -> Arm {
    let arm = Arm::owner().await;
    arm.settings(
        json!({"vaultCreationMs": LONG, "vaultDeletionMs": LONG, "purgeMs": LONG, "lro": plan}),
    )
    .await;
    arm
}

async fn poll(arm: &Arm, url: &str) -> (u16, Value, bool) {
    let answer = arm
        .client
        .get(url)
        .bearer_auth(&arm.token)
        .send()
        .await
        .unwrap();
    let waits = answer.headers().contains_key("retry-after");
    let (status, body) = split(answer).await;
    (status, body, waits)
}

#[tokio::test]
async fn a_vault_has_no_name_while_it_is_made() {
    let arm = with_plan(json!({})).await;
    let (status, body) = arm.put_vault("kv-new", json!({})).await;
    assert_eq!(
        (status, &body["properties"]["provisioningState"]),
        (201, &json!("RegisteringDns"))
    );
    assert!(!arm.resolves("kv-new"));
    let arm = later(arm).await;
    let (_, body) = arm.get_vault("kv-new").await;
    assert_eq!(body["properties"]["provisioningState"], "Succeeded");
    assert!(arm.resolves("kv-new"));
}

#[tokio::test]
async fn the_name_comes_by_itself() {
    let arm = Arm::owner().await;
    arm.settings(json!({"vaultCreationMs": 50})).await;
    arm.put_vault("kv-new", json!({})).await;
    until(async || arm.resolves("kv-new")).await;
}

#[tokio::test]
async fn an_async_operation_is_polled_by_its_status() {
    for error in [Value::Null, json!({"code": "Oops", "message": "no"})] {
        let failed = !error.is_null();
        let plan = json!({"form": "azureAsyncOperation", "error": error, "retryAfter": 3});
        let arm = with_plan(json!({"vaultPut": plan})).await;
        let body = vault_body(json!({}));
        let answer = arm.send(Method::PUT, &vault("kv-new"), VAULTS, &body).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (201, &"3".parse().unwrap())
        );
        let url = answer.headers()["azure-asyncoperation"]
            .to_str()
            .unwrap()
            .to_owned();
        let (status, body, waits) = poll(&arm, &url).await;
        assert_eq!(
            (status, &body["status"], waits),
            (200, &json!("InProgress"), true)
        );
        let arm = later(arm).await;
        let (_, body, _) = poll(&arm, &url).await;
        let (word, state) = if failed {
            ("Failed", "Failed")
        } else {
            ("Succeeded", "Succeeded")
        };
        assert_eq!(body["status"], word);
        assert_eq!(body["error"]["code"].as_str(), failed.then_some("Oops"));
        let (_, vault) = arm.get_vault("kv-new").await;
        assert_eq!(vault["properties"]["provisioningState"], state);
        assert_eq!(arm.resolves("kv-new"), !failed);
    }
}

#[tokio::test]
async fn a_location_is_polled_until_it_is_done() {
    let arm =
        with_plan(json!({"vaultPut": {"form": "location"}, "vaultDelete": {"form": "location"}}))
            .await;
    let body = vault_body(json!({}));
    let answer = arm.send(Method::PUT, &vault("kv-new"), VAULTS, &body).await;
    let url = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(poll(&arm, &url).await.0, 202);
    let arm = later(arm).await;
    let (status, body, _) = poll(&arm, &url).await;
    assert_eq!((status, &body["name"]), (200, &json!("kv-new")));
    let answer = arm
        .send(Method::DELETE, &vault("kv-new"), VAULTS, &Value::Null)
        .await;
    assert_eq!(answer.status(), 202);
    let (_, body) = arm.get_vault("kv-new").await;
    assert_eq!(body["properties"]["provisioningState"], "Deleting");
    let unknown = url.rsplit_once('/').unwrap().0.to_owned() + "/none?api-version=2024-11-01";
    assert_eq!(poll(&arm, &unknown).await.0, 404);
}

#[tokio::test]
async fn a_failed_deletion_leaves_the_vault() {
    let error = json!({"code": "Busy", "message": "no", "status": 409});
    let arm = with_plan(json!({"vaultDelete": {"form": "location", "error": error}})).await;
    arm.settings(json!({"vaultCreationMs": 0})).await;
    arm.put_vault("kv-new", json!({})).await;
    let answer = arm
        .send(Method::DELETE, &vault("kv-new"), VAULTS, &Value::Null)
        .await;
    let url = answer.headers()["location"].to_str().unwrap().to_owned();
    let arm = later(arm).await;
    let (status, body, _) = poll(&arm, &url).await;
    assert_eq!((status, &body["error"]["code"]), (409, &json!("Busy")));
    let (_, body) = arm.get_vault("kv-new").await;
    assert_eq!(body["properties"]["provisioningState"], "Succeeded");
}

#[tokio::test]
async fn a_purge_frees_the_name_when_it_is_done() {
    let arm = with_plan(json!({})).await;
    arm.settings(json!({"vaultCreationMs": 0, "vaultDeletionMs": 0}))
        .await;
    arm.put_vault("kv-new", json!({})).await;
    assert_eq!(arm.delete_vault("kv-new").await, 200);
    let purge = format!("{}/purge", deleted("kv-new"));
    let answer = arm.send(Method::POST, &purge, VAULTS, &Value::Null).await;
    assert_eq!(answer.status(), 202);
    let url = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(poll(&arm, &url).await.0, 202);
    assert_eq!(arm.get(&deleted("kv-new"), VAULTS).await.0, 200);
    let arm = later(arm).await;
    assert_eq!(poll(&arm, &url).await.0, 200);
    let answer = arm.get(&deleted("kv-new"), VAULTS).await;
    assert_eq!(code(&answer), (404, "DeletedVaultNotFound"));
    arm.settings(json!({"vaultCreationMs": 0})).await;
    assert_eq!(arm.put_vault("kv-new", json!({})).await.0, 200);
}
