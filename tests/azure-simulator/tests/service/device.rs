//! The device code grant, in v2's form and in v1's.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{LOGIN_URL, SCOPE, Sim, TENANT},
    entra::{ask, assert_denied, changed, claims_of},
    users::{Form, NATIVE, USER, USER_OBJECT, granted, with_users},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A tenant's endpoints of either generation.
fn url(tenant: &str, rest: &str) -> String {
    format!("{LOGIN_URL}/{tenant}/oauth2/{rest}")
}

async fn start(sim: &Sim, tenant: &str) -> Value {
    let form = vec![
        ("client_id", NATIVE.to_owned()),
        ("scope", format!("{SCOPE} openid offline_access")),
    ];
    granted(sim, &url(tenant, "v2.0/devicecode"), &form).await
}

fn poll(started: &Value) -> Form {
    vec![
        ("grant_type", GRANT.into()),
        ("client_id", NATIVE.into()),
        (
            "device_code",
            started["device_code"].as_str().unwrap().into(),
        ),
    ]
}

async fn decide(sim: &Sim, started: &Value, action: &str) {
    let body = json!({"userCode": started["user_code"], "username": USER, "action": action});
    sim.admin(Method::POST, "/devicecode", &body).await;
}

#[tokio::test]
async fn an_approved_code_gets_tokens_once() {
    let sim = with_users().await;
    let started = start(&sim, TENANT).await;
    assert_eq!(
        (
            &started["verification_uri"],
            &started["expires_in"],
            &started["interval"]
        ),
        (
            &json!("https://microsoft.com/devicelogin"),
            &json!(900),
            &json!(5)
        )
    );
    let message = started["message"].as_str().unwrap();
    assert!(message.contains(started["user_code"].as_str().unwrap()));
    let token = url(TENANT, "v2.0/token");
    assert_denied(
        ask(&sim, &token, &poll(&started)).await,
        (70_016, 400, "authorization_pending"),
    );
    decide(&sim, &started, "approve").await;
    let body = granted(&sim, &token, &poll(&started)).await;
    assert_eq!(
        claims_of(body["access_token"].as_str().unwrap())["oid"],
        USER_OBJECT
    );
    assert!(body["refresh_token"].is_string() && body["id_token"].is_string());
    assert_denied(
        ask(&sim, &token, &poll(&started)).await,
        (54_005, 400, "invalid_grant"),
    );
}

#[tokio::test]
async fn the_one_who_approves_decides_the_tenant() {
    let sim = with_users().await;
    let started = start(&sim, "organizations").await;
    decide(&sim, &started, "approve").await;
    let token = url("organizations", "v2.0/token");
    let body = granted(&sim, &token, &poll(&started)).await;
    assert_eq!(
        claims_of(body["access_token"].as_str().unwrap())["tid"],
        TENANT
    );
}

#[tokio::test]
async fn codes_that_lead_nowhere_say_why() {
    let sim = with_users().await;
    let token = url(TENANT, "v2.0/token");
    for (action, expected) in [
        ("decline", (65_004, 400, "authorization_declined")),
        ("expire", (70_020, 400, "expired_token")),
    ] {
        let started = start(&sim, TENANT).await;
        decide(&sim, &started, action).await;
        assert_denied(ask(&sim, &token, &poll(&started)).await, expected);
    }
    let started = start(&sim, TENANT).await;
    for (field, value) in [
        ("device_code", "nonsense"),
        ("client_id", crate::common::CLIENT),
    ] {
        let form = changed(poll(&started), field, value);
        assert_denied(
            ask(&sim, &token, &form).await,
            (70_018, 400, "bad_verification_code"),
        );
    }
    sim.admin(Method::POST, "/clock", &json!({"skewSeconds": 901}))
        .await;
    assert_denied(
        ask(&sim, &token, &poll(&started)).await,
        (70_020, 400, "expired_token"),
    );
}

#[tokio::test]
async fn v1_has_its_own_form() {
    let sim = with_users().await;
    let form = vec![
        ("client_id", NATIVE.to_owned()),
        ("resource", "https://vault.sim.test".to_owned()),
    ];
    let started = granted(&sim, &url("common", "devicecode?api-version=1.0"), &form).await;
    assert_eq!(
        (
            &started["verification_url"],
            &started["expires_in"],
            &started["interval"]
        ),
        (
            &json!("https://microsoft.com/devicelogin"),
            &json!("900"),
            &json!("5")
        )
    );
    let code = started["device_code"].as_str().unwrap();
    let form = vec![
        ("grant_type", "device_code".to_owned()),
        ("client_id", NATIVE.to_owned()),
        ("resource", "https://vault.sim.test".to_owned()),
        ("code", code.to_owned()),
    ];
    let token = url("common", "token?api-version=1.0");
    assert_denied(
        ask(&sim, &token, &form).await,
        (70_016, 400, "authorization_pending"),
    );
    decide(&sim, &started, "approve").await;
    let body = granted(&sim, &token, &form).await;
    assert_eq!(
        (&body["resource"], &body["expires_in"]),
        (&json!("https://vault.sim.test"), &json!("3599"))
    );
    let start = vec![("client_id", NATIVE.to_owned())];
    let expired = granted(&sim, &url("common", "devicecode"), &start).await;
    decide(&sim, &expired, "expire").await;
    let form = changed(form, "code", expired["device_code"].as_str().unwrap());
    assert_denied(
        ask(&sim, &token, &form).await,
        (70_020, 400, "code_expired"),
    );
}

#[tokio::test]
async fn the_pace_is_a_setting() {
    let sim = with_users().await;
    let settings = json!({"deviceCodeIntervalSeconds": 1, "deviceCodeLifetimeSeconds": 60});
    sim.admin(Method::POST, "/settings", &settings).await;
    let started = start(&sim, TENANT).await;
    assert_eq!(
        (&started["interval"], &started["expires_in"]),
        (&json!(1), &json!(60))
    );
}

#[tokio::test]
async fn a_decision_names_a_code_and_a_user_that_are_there() {
    let sim = with_users().await;
    let started = start(&sim, TENANT).await;
    let status = async |body: Value| {
        let answer = sim.try_admin(Method::POST, "/devicecode", &body).await;
        answer.status().as_u16()
    };
    let unknown = json!({"userCode": "NONE", "username": USER, "action": "approve"});
    assert_eq!(status(unknown).await, 404);
    let nobody =
        json!({"userCode": started["user_code"], "username": "x@y.test", "action": "approve"});
    assert_eq!(status(nobody).await, 409);
    decide(&sim, &started, "decline").await;
    let late = json!({"userCode": started["user_code"], "username": USER, "action": "approve"});
    assert_eq!(status(late).await, 409);
}

#[tokio::test]
async fn a_client_that_nobody_knows_gets_no_code() {
    let sim = with_users().await;
    let form = [("client_id", "unknown".to_owned()), ("scope", SCOPE.into())];
    for tenant in [TENANT, "common"] {
        assert_denied(
            ask(&sim, &url(tenant, "v2.0/devicecode"), &form).await,
            (700_016, 400, "unauthorized_client"),
        );
    }
}

#[tokio::test]
async fn token_requests_are_recorded_whole() {
    let sim = with_users().await;
    let started = start(&sim, TENANT).await;
    ask(&sim, &url(TENANT, "v2.0/token?x=1"), &poll(&started)).await;
    let recorded = sim.look("/recordings").await;
    assert_eq!(recorded.as_array().unwrap().len(), 2);
    assert_eq!(
        recorded[0]["path"],
        format!("/{TENANT}/oauth2/v2.0/devicecode")
    );
    let second = &recorded[1];
    assert_eq!(
        (&second["host"], &second["method"], &second["query"]),
        (&json!("login.sim.test"), &json!("POST"), &json!({"x": "1"}))
    );
    assert_eq!(
        second["form"],
        json!({"grant_type": GRANT, "client_id": NATIVE, "device_code": started["device_code"]})
    );
    assert!(second["headers"]["content-type"].is_string());
    sim.admin(Method::DELETE, "/recordings", &Value::Null).await;
    assert_eq!(sim.look("/recordings").await, json!([]));
}
