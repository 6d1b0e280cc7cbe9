//! Client assertions signed with a certificate's key.

use jsonwebtoken::Algorithm;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{
        CLIENT, LOGIN_URL, OBJECT, Sim, TENANT,
        assertions::{Identity, seconds},
        token_url,
    },
    entra::{ask, assert_denied, assertion_form, changed, claims_of},
};

/// A simulator whose application knows the identity's certificate.
async fn with_certificate(identity: &Identity) -> Sim {
    let sim = Sim::start().await;
    let spec = json!({"objectId": OBJECT, "certificates": [{"pem": identity.certificate_pem}]});
    sim.admin(
        Method::PUT,
        &format!("/tenants/{TENANT}/applications/{CLIENT}"),
        &spec,
    )
    .await;
    sim
}

fn claims() -> Value {
    json!({
        "aud": token_url(), "iss": CLIENT, "sub": CLIENT, "jti": "1",
        "nbf": seconds(0), "exp": seconds(600),
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[tokio::test]
async fn a_certificate_signs_in_by_either_print_and_algorithm() {
    let identity = Identity::new();
    let sim = with_certificate(&identity).await;
    let standard = identity.x5t().replace('-', "+").replace('_', "/") + "=";
    let headers = [
        (
            Algorithm::PS256,
            json!({"alg": "PS256", "typ": "JWT", "x5t#S256": identity.x5t_s256()}),
        ),
        (
            Algorithm::RS256,
            json!({"alg": "RS256", "typ": "JWT", "x5t": identity.x5t()}),
        ),
        (
            Algorithm::RS256,
            json!({"alg": "RS256", "typ": "JWT", "x5t#S256": identity.x5t_s256()}),
        ),
        (
            Algorithm::PS256,
            json!({"alg": "PS256", "typ": "JWT", "x5t": identity.x5t()}),
        ),
        (
            Algorithm::PS256,
            json!({"alg": "PS256", "typ": "JWT", "x5t": standard}),
        ),
    ];
    for (algorithm, header) in headers {
        for assertion in [
            identity.sign(algorithm, &header, &claims()),
            identity.sign_padded(algorithm, &header, &claims()),
        ] {
            let (status, body) = ask(&sim, &token_url(), &assertion_form(&assertion)).await;
            assert_eq!(status, 200, "{header}: {body}");
            assert_eq!(
                claims_of(body["access_token"].as_str().unwrap())["appidacr"],
                "2"
            );
        }
    }
    let fractions = with(
        claims(),
        "exp",
        json!(serde_json::Number::from_f64(4_000_000_000.5)),
    );
    let assertion = identity.sign(
        Algorithm::RS256,
        &json!({"alg": "RS256", "x5t": identity.x5t()}),
        &fractions,
    );
    assert_eq!(
        ask(&sim, &token_url(), &assertion_form(&assertion)).await.0,
        200,
        "MSAL sends fractions of a second"
    );
    let v1 = with(
        claims(),
        "aud",
        json!(format!("{LOGIN_URL}/{TENANT}/oauth2/token")),
    );
    let assertion = identity.sign(
        Algorithm::RS256,
        &json!({"alg": "RS256", "x5t": identity.x5t()}),
        &v1,
    );
    assert_eq!(
        ask(&sim, &token_url(), &assertion_form(&assertion)).await.0,
        200,
        "the v1 endpoint is an audience too"
    );
}

#[tokio::test]
async fn a_bad_certificate_assertion_is_refused() {
    let (identity, stranger) = (Identity::new(), Identity::new());
    let sim = with_certificate(&identity).await;
    let header = json!({"alg": "PS256", "x5t#S256": identity.x5t_s256()});
    let good = |claims: &Value| identity.sign(Algorithm::PS256, &header, claims);
    let unknown = json!({"alg": "PS256", "x5t#S256": stranger.x5t_s256()});
    let cases = [
        (
            stranger.sign(Algorithm::PS256, &unknown, &claims()),
            (700_027, 401, "invalid_client"),
        ),
        (
            stranger.sign(Algorithm::PS256, &header, &claims()),
            (700_027, 401, "invalid_client"),
        ),
        (
            good(&with(claims(), "exp", json!(seconds(-1000)))),
            (700_024, 401, "invalid_client"),
        ),
        (
            good(&with(claims(), "nbf", json!(seconds(1000)))),
            (700_024, 401, "invalid_client"),
        ),
        (
            good(&with(
                claims(),
                "aud",
                json!("https://login.sim.test/other/oauth2/v2.0/token"),
            )),
            (700_023, 401, "invalid_client"),
        ),
        (
            good(&with(claims(), "sub", json!("someone"))),
            (700_021, 401, "invalid_client"),
        ),
        ("no.jwt".to_owned(), (50_027, 400, "invalid_request")),
    ];
    for (assertion, expected) in cases {
        assert_denied(
            ask(&sim, &token_url(), &assertion_form(&assertion)).await,
            expected,
        );
    }
    let form = changed(assertion_form("a.b.c"), "client_assertion_type", "other");
    assert_denied(
        ask(&sim, &token_url(), &form).await,
        (900_144, 400, "invalid_request"),
    );
}
