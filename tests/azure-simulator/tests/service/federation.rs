//! Federated credentials, against a real OIDC issuer over TLS.

use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::{
    common::{
        Sim,
        assertions::{Identity, seconds},
        issuer::{Issuer, trusting},
        token_url,
    },
    entra::{ask, assert_denied, assertion_form},
};

#[tokio::test]
async fn a_foreign_token_stands_for_the_application() {
    let issuer = Issuer::start().await;
    let sim = trusting(&issuer, true).await;
    let (status, body) = ask(
        &sim,
        &token_url(),
        &assertion_form(&issuer.token(&issuer.claims())),
    )
    .await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn issuer_subject_and_audience_must_match_exactly() {
    let issuer = Issuer::start().await;
    let sim = trusting(&issuer, true).await;
    let cases = [
        ("iss", json!("https://issuer.elsewhere.test"), 700_211),
        ("iss", json!(format!("{}/", issuer.url)), 700_211),
        ("sub", json!("system:serviceaccount:ns:other"), 700_213),
        ("sub", json!("System:serviceaccount:ns:sa"), 700_213),
        ("aud", json!("api://azureadtokenexchange"), 700_212),
    ];
    for (name, value, code) in cases {
        let mut claims = issuer.claims();
        claims[name] = value;
        let answer = ask(&sim, &token_url(), &assertion_form(&issuer.token(&claims))).await;
        assert_denied(answer, (code, 401, "invalid_client"));
    }
}

#[tokio::test]
async fn an_application_without_federated_credentials_says_so() {
    let issuer = Issuer::start().await;
    let sim = Sim::start().await;
    let answer = ask(
        &sim,
        &token_url(),
        &assertion_form(&issuer.token(&issuer.claims())),
    )
    .await;
    assert_denied(answer, (70_021, 401, "invalid_client"));
}

#[tokio::test]
async fn a_token_by_another_key_or_out_of_time_is_refused() {
    let issuer = Issuer::start().await;
    let sim = trusting(&issuer, true).await;
    let header = json!({"alg": "RS256", "kid": "k1"});
    let forged = Identity::new().sign(Algorithm::RS256, &header, &issuer.claims());
    assert_denied(
        ask(&sim, &token_url(), &assertion_form(&forged)).await,
        (50_013, 401, "invalid_client"),
    );
    let mut claims = issuer.claims();
    claims["exp"] = json!(seconds(-1000));
    let answer = ask(&sim, &token_url(), &assertion_form(&issuer.token(&claims))).await;
    assert_denied(answer, (700_024, 401, "invalid_client"));
}

#[tokio::test]
async fn a_new_key_of_the_issuer_is_fetched() {
    let issuer = Issuer::start().await;
    let sim = trusting(&issuer, true).await;
    assert_eq!(
        ask(
            &sim,
            &token_url(),
            &assertion_form(&issuer.token(&issuer.claims()))
        )
        .await
        .0,
        200
    );
    let next = Identity::new();
    *issuer.keys.lock() = json!({"keys": [next.jwk("k2")]});
    let token = next.sign(
        Algorithm::RS256,
        &json!({"alg": "RS256", "kid": "k2"}),
        &issuer.claims(),
    );
    assert_eq!(
        ask(&sim, &token_url(), &assertion_form(&token)).await.0,
        200
    );
}

#[tokio::test]
async fn an_issuer_whose_tls_is_not_trusted_is_out_of_reach() {
    let issuer = Issuer::start().await;
    let sim = trusting(&issuer, false).await;
    let answer = ask(
        &sim,
        &token_url(),
        &assertion_form(&issuer.token(&issuer.claims())),
    )
    .await;
    assert_denied(answer, (90_061, 400, "invalid_request"));
}
