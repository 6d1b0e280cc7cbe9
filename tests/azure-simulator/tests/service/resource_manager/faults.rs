//! Faults of the resource manager, by the names of its operations.

use std::time::Duration;

use super::*;

async fn with_fault(operation: &str, fault: Value) -> Arm {
    let arm = Arm::owner().await;
    arm.sim
        .fault(
            json!({"host": "management.*", "operations": [operation], "count": 1, "fault": fault}),
        )
        .await;
    arm
}

/// A PUT whose answer may not come.
async fn try_put(arm: &Arm) -> Option<u16> {
    let body = vault_body(json!({}));
    let request = arm
        .request(Method::PUT, &vault("kv-new"), VAULTS)
        .json(&body);
    request
        .send()
        .await
        .ok()
        .map(|answer| answer.status().as_u16())
}

async fn exists(arm: &Arm) -> bool {
    arm.get_vault("kv-new").await.0 == 200
}

#[tokio::test]
async fn a_status_is_told_as_the_manager_tells_it() {
    let fault = json!({"status": 429, "retryAfter": 7, "code": "ResourceRequestsThrottled"});
    let arm = with_fault("CreateOrUpdateVault", fault).await;
    let body = vault_body(json!({}));
    let answer = arm.send(Method::PUT, &vault("kv-new"), VAULTS, &body).await;
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!(
        code(&split(answer).await),
        (429, "ResourceRequestsThrottled")
    );
    assert!(!exists(&arm).await);
    assert_eq!(try_put(&arm).await, Some(200));
}

#[tokio::test]
async fn a_cut_request_is_not_done_and_a_lost_answer_is() {
    for (fault, done) in [
        (json!({"cut": true}), false),
        (json!({"loseAnswer": true}), true),
    ] {
        let arm = with_fault("CreateOrUpdateVault", fault.clone()).await;
        assert_eq!(try_put(&arm).await, None, "{fault}");
        assert_eq!(exists(&arm).await, done, "{fault}");
        let journal = arm.sim.look("/journal?operation=CreateOrUpdateVault").await;
        assert_eq!(journal["entries"][0]["status"], 0);
        assert_eq!(
            journal["entries"][0]["lostStatus"].as_u64(),
            done.then_some(200)
        );
    }
}

#[tokio::test]
async fn a_held_request_is_done_when_it_is_released_though_its_client_is_gone() {
    for (fault, at_first) in [
        (json!({"holdBefore": true}), false),
        (json!({"holdAfter": true}), true),
    ] {
        let arm = with_fault("CreateOrUpdateVault", fault.clone()).await;
        let body = vault_body(json!({}));
        let request = arm
            .request(Method::PUT, &vault("kv-new"), VAULTS)
            .json(&body);
        let gone = request.timeout(Duration::from_millis(300)).send().await;
        assert!(gone.is_err(), "{fault}");
        let held = arm.sim.look("/holds").await;
        assert_eq!(held[0]["operation"], "CreateOrUpdateVault");
        assert_eq!(exists(&arm).await, at_first, "{fault}");
        arm.sim
            .admin(
                Method::POST,
                "/holds/release",
                &json!({"id": held[0]["id"]}),
            )
            .await;
        until(async || exists(&arm).await).await;
        assert_eq!(arm.sim.look("/holds").await, json!([]));
    }
}

#[tokio::test]
async fn a_held_request_can_be_cut() {
    let arm = with_fault("CreateOrUpdateVault", json!({"holdBefore": true})).await;
    let cut = async {
        until(async || arm.sim.look("/holds").await != json!([])).await;
        arm.sim
            .admin(Method::POST, "/holds/release", &json!({"how": "cut"}))
            .await;
    };
    let (answer, ()) = tokio::join!(try_put(&arm), cut);
    assert_eq!(answer, None);
    assert!(!exists(&arm).await);
}

#[tokio::test]
async fn a_refused_connection_is_refused_until_the_fault_is_lifted() {
    let arm = Arm::owner().await;
    let id = arm
        .sim
        .fault(json!({"host": "management.sim.test", "fault": {"connectionRefused": true}}))
        .await;
    let fresh = arm.sim.client();
    let error = fresh
        .get(format!("{HOST}/subscriptions"))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_connect(), "{error}");
    arm.sim
        .admin(Method::DELETE, &format!("/faults/{id}"), &Value::Null)
        .await;
    assert_eq!(
        fresh
            .get(format!("{HOST}/subscriptions"))
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
}
