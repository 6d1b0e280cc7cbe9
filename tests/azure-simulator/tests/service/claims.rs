//! Continuous access evaluation: capabilities, longer tokens, claims challenges.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{Caller, SCOPE, Sim, secret_form, split, token_url},
    entra::{ask, changed, claims_of},
};

const CAPABLE: &str = r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#;
const WANTED: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}"#;

async fn token(sim: &Sim, claims: &str) -> Value {
    let form = changed(secret_form(SCOPE), "claims", claims);
    let (status, body) = ask(sim, &token_url(), &form).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn a_capable_client_gets_a_token_of_a_day() {
    let sim = Sim::start().await;
    let body = token(&sim, CAPABLE).await;
    assert_eq!(
        (&body["expires_in"], &body["ext_expires_in"]),
        (&json!(86_399), &json!(86_399))
    );
    let claims = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(claims["xms_cc"], json!(["CP1"]));
    let plain = token(&sim, "").await;
    assert_eq!(plain["expires_in"], 3599);
    let claims = claims_of(plain["access_token"].as_str().unwrap());
    assert!(claims.get("xms_cc").is_none() && claims.get("xms_sim_claims").is_none());
    // A life that a test has set counts for all.
    let short = json!({"tokenLifetimeSeconds": 20});
    sim.admin(Method::POST, "/settings", &short).await;
    assert_eq!(token(&sim, CAPABLE).await["expires_in"], 19);
}

#[tokio::test]
async fn a_vault_asks_for_claims_until_the_token_has_them() {
    let sim = Sim::start().await;
    sim.fault(
        json!({"host": "*.vault.sim.test", "fault": {"claimsChallenge": {"claims": WANTED}}}),
    )
    .await;
    let caller = |body: &Value| Caller {
        client: sim.client(),
        token: body["access_token"].as_str().unwrap().to_owned(),
    };
    let first = caller(&token(&sim, CAPABLE).await);
    let answer = first.request(Method::GET, "/secrets").send().await.unwrap();
    let challenge = answer.headers()["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(split(answer).await.0, 401);
    let encoded = STANDARD.encode(WANTED);
    for part in [
        "Bearer authorization=\"https://login.sim.test/",
        "resource=\"https://vault.sim.test\"",
        "error=\"insufficient_claims\"",
        &format!("claims=\"{encoded}\""),
    ] {
        assert!(challenge.contains(part), "{challenge}");
    }
    let merged = r#"{"access_token":{"nbf":{"essential":true,"value":"1700000000"},"xms_cc":{"values":["CP1"]}}}"#;
    for claims in [WANTED, merged] {
        let again = caller(&token(&sim, claims).await);
        assert_eq!(again.get("/secrets").await.0, 200, "{claims}");
    }
}

#[tokio::test]
async fn a_request_without_a_token_gets_the_ordinary_challenge() {
    let sim = Sim::start().await;
    sim.fault(json!({"fault": {"claimsChallenge": {"claims": WANTED}}}))
        .await;
    let url = "https://kv-demo.vault.sim.test/secrets?api-version=7.5";
    let answer = sim.client().get(url).send().await.unwrap();
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(!challenge.contains("claims"), "{challenge}");
}
