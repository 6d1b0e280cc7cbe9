//! The login host.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{
    CLIENT, LOGIN_URL, OBJECT, SCOPE, SECRET, Sim, TENANT, secret_form, split, token_url,
};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(crate) async fn ask(sim: &Sim, url: &str, form: &[(&str, String)]) -> (u16, Value) {
    split(sim.client().post(url).form(form).send().await.unwrap()).await
}

/// The form with one field changed, or left out when empty.
pub(crate) fn changed(
    form: Vec<(&'static str, String)>,
    name: &'static str,
    value: &str,
) -> Vec<(&'static str, String)> {
    let mut form: Vec<_> = form.into_iter().filter(|(key, _)| *key != name).collect();
    if !value.is_empty() {
        form.push((name, value.to_owned()));
    }
    form
}

pub(crate) fn assertion_form(assertion: &str) -> Vec<(&'static str, String)> {
    let form = changed(secret_form(SCOPE), "client_secret", "");
    let form = changed(form, "client_assertion_type", ASSERTION_TYPE);
    changed(form, "client_assertion", assertion)
}

pub(crate) fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Asserts an AADSTS error and its shape.
#[track_caller]
pub(crate) fn assert_denied((status, body): (u16, Value), expected: (u32, u16, &str)) {
    let (code, expected_status, error) = expected;
    assert_eq!(
        (status, &body["error"], &body["error_codes"]),
        (expected_status, &json!(error), &json!([code])),
        "{body}"
    );
    let description = body["error_description"].as_str().unwrap();
    assert!(
        description.starts_with(&format!("AADSTS{code}: ")),
        "{description}"
    );
    let (trace, correlation) = (
        body["trace_id"].as_str().unwrap(),
        body["correlation_id"].as_str().unwrap(),
    );
    let end = format!(
        "Trace ID: {trace} Correlation ID: {correlation} Timestamp: {}",
        body["timestamp"].as_str().unwrap()
    );
    assert!(description.ends_with(&end), "{description}");
}

#[tokio::test]
async fn a_client_secret_gets_a_signed_token_with_entras_claims() {
    let sim = Sim::start().await;
    let (status, body) = ask(&sim, &token_url(), &secret_form(SCOPE)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        (
            &body["token_type"],
            &body["expires_in"],
            &body["ext_expires_in"]
        ),
        (&json!("Bearer"), &json!(3599), &json!(3599))
    );
    assert!(body.get("refresh_token").is_none());
    let claims = claims_of(body["access_token"].as_str().unwrap());
    let issuer = json!(format!("https://sts.windows.net/{TENANT}/"));
    for (name, value) in [
        ("aud", json!("https://vault.sim.test")),
        ("iss", issuer.clone()),
        ("idp", issuer),
        ("appid", json!(CLIENT)),
        ("appidacr", json!("1")),
        ("oid", json!(OBJECT)),
        ("sub", json!(OBJECT)),
        ("tid", json!(TENANT)),
        ("ver", json!("1.0")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap(),
        3900
    );
    assert!(claims["uti"].is_string() && claims["aio"].is_string() && claims["rh"].is_string());
}

#[tokio::test]
async fn the_published_key_verifies_the_token() {
    let sim = Sim::start().await;
    let token = sim.token().await;
    let keys: jsonwebtoken::jwk::JwkSet = sim
        .client()
        .get(format!("{LOGIN_URL}/{TENANT}/discovery/v2.0/keys"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(Algorithm::RS256);
    validation.set_audience(&["https://vault.sim.test"]);
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    jsonwebtoken::decode::<HashMap<String, Value>>(&token, &key, &validation).unwrap();
}

#[tokio::test]
async fn http_basic_stands_for_id_and_secret() {
    let sim = Sim::start().await;
    let form = [("grant_type", "client_credentials"), ("scope", SCOPE)];
    let request = sim
        .client()
        .post(token_url())
        .basic_auth(CLIENT, Some(SECRET))
        .form(&form);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let request = sim
        .client()
        .post(token_url())
        .basic_auth(CLIENT, Some("wrong"))
        .form(&form);
    assert_denied(
        split(request.send().await.unwrap()).await,
        (7_000_215, 401, "invalid_client"),
    );
}

#[tokio::test]
async fn the_v1_endpoint_takes_a_resource_and_writes_numbers_as_strings() {
    let sim = Sim::start().await;
    let form = changed(secret_form(SCOPE), "scope", "");
    let form = changed(form, "resource", "https://management.sim.test/");
    let (status, body) = ask(
        &sim,
        &format!("{LOGIN_URL}/{TENANT}/oauth2/token?api-version=1.0"),
        &form,
    )
    .await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        (&body["expires_in"], &body["resource"]),
        (&json!("3599"), &json!("https://management.sim.test/"))
    );
    assert!(body["expires_on"].is_string() && body["not_before"].is_string());
    assert_eq!(
        claims_of(body["access_token"].as_str().unwrap())["aud"],
        "https://management.sim.test/"
    );
}

#[tokio::test]
async fn a_tenant_goes_by_its_domain_name_too() {
    let sim = Sim::start().await;
    let url = format!("{LOGIN_URL}/Contoso.onmicrosoft.com/oauth2/v2.0/token");
    let (status, body) = ask(&sim, &url, &secret_form(SCOPE)).await;
    assert_eq!(status, 200);
    assert_eq!(
        claims_of(body["access_token"].as_str().unwrap())["tid"],
        TENANT
    );
}

#[tokio::test]
async fn mistakes_get_entras_errors() {
    let sim = Sim::start().await;
    let other = "99999999-9999-9999-9999-999999999999";
    let form = || secret_form(SCOPE);
    let cases = [
        (
            TENANT,
            changed(form(), "client_secret", "bad"),
            (7_000_215, 401, "invalid_client"),
        ),
        (
            TENANT,
            changed(form(), "client_secret", ""),
            (7_000_216, 401, "invalid_client"),
        ),
        (
            TENANT,
            changed(form(), "client_id", other),
            (700_016, 400, "unauthorized_client"),
        ),
        (
            TENANT,
            changed(form(), "client_id", ""),
            (900_144, 400, "invalid_request"),
        ),
        (
            TENANT,
            changed(form(), "grant_type", ""),
            (900_144, 400, "invalid_request"),
        ),
        (
            TENANT,
            changed(form(), "grant_type", "magic"),
            (70_003, 400, "unsupported_grant_type"),
        ),
        (
            TENANT,
            changed(form(), "scope", "https://vault.sim.test"),
            (70_011, 400, "invalid_scope"),
        ),
        (
            TENANT,
            changed(form(), "scope", ""),
            (70_011, 400, "invalid_scope"),
        ),
        (
            TENANT,
            changed(form(), "scope", "https://nowhere.test/.default"),
            (500_011, 400, "invalid_resource"),
        ),
        (other, form(), (90_002, 400, "invalid_request")),
        ("nonsense", form(), (900_023, 400, "invalid_request")),
        ("common", form(), (50_059, 400, "invalid_request")),
    ];
    for (tenant, form, expected) in cases {
        assert_denied(
            ask(
                &sim,
                &format!("{LOGIN_URL}/{tenant}/oauth2/v2.0/token"),
                &form,
            )
            .await,
            expected,
        );
    }
    let answer = sim.client().get(token_url()).send().await.unwrap();
    assert_denied(split(answer).await, (900_561, 400, "invalid_request"));
}

#[tokio::test]
async fn a_secret_ends_with_its_time() {
    let sim = Sim::start().await;
    let spec = json!({"secrets": [{"value": SECRET, "expires": "2020-01-01T00:00:00Z"}]});
    sim.admin(
        Method::PUT,
        &format!("/tenants/{TENANT}/applications/{CLIENT}"),
        &spec,
    )
    .await;
    assert_denied(
        ask(&sim, &token_url(), &secret_form(SCOPE)).await,
        (7_000_222, 401, "invalid_client"),
    );
}

#[tokio::test]
async fn discovery_names_endpoints_keys_and_issuer() {
    let sim = Sim::start().await;
    let get = async |path: &str| {
        let answer = sim
            .client()
            .get(format!("{LOGIN_URL}{path}"))
            .send()
            .await
            .unwrap();
        split(answer).await.1
    };
    let v2 = get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration")).await;
    assert_eq!(v2["token_endpoint"], token_url());
    assert_eq!(v2["issuer"], format!("{LOGIN_URL}/{TENANT}/v2.0"));
    assert_eq!(
        v2["jwks_uri"],
        format!("{LOGIN_URL}/{TENANT}/discovery/v2.0/keys")
    );
    let v1 = get("/contoso.onmicrosoft.com/.well-known/openid-configuration").await;
    assert_eq!(
        v1["token_endpoint"],
        format!("{LOGIN_URL}/{TENANT}/oauth2/token")
    );
    assert_eq!(v1["issuer"], format!("https://sts.windows.net/{TENANT}/"));
    let instance = "/common/discovery/instance?api-version=1.1&authorization_endpoint=";
    let known = get(&format!(
        "{instance}{LOGIN_URL}/{TENANT}/oauth2/v2.0/authorize"
    ))
    .await;
    let expected = format!("{LOGIN_URL}/{TENANT}/v2.0/.well-known/openid-configuration");
    assert_eq!(known["tenant_discovery_endpoint"], expected);
    assert_eq!(known["metadata"][0]["aliases"], json!(["login.sim.test"]));
    let unknown = get(&format!(
        "{instance}https://login.evil.test/{TENANT}/oauth2/v2.0/authorize"
    ))
    .await;
    assert_eq!(unknown["error"], "invalid_instance");
    let missing =
        get("/99999999-9999-9999-9999-999999999999/v2.0/.well-known/openid-configuration").await;
    assert_eq!(
        (&missing["error"], &missing["error_codes"]),
        (&json!("invalid_tenant"), &json!([90_002]))
    );
}
