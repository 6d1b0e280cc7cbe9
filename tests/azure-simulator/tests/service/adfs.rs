//! The federation service of a stack.

use jsonwebtoken::Algorithm;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{
        CLIENT, OBJECT, SECRET, Sim, TENANT,
        assertions::{Identity, seconds},
        split,
    },
    entra::{ask, assertion_form, changed, claims_of},
    users::{Form, NATIVE, PASSWORD, USER, USER_OBJECT, granted},
};

const ADFS: &str = "https://adfs.local.azurestack.sim.test/adfs";

fn token_url() -> String {
    format!("{ADFS}/oauth2/token")
}

/// A stack with ADFS over the test's tenant, and its resource manager's audience.
async fn with_stack(identity: &Identity) -> (Sim, String) {
    let sim = Sim::start().await;
    let seed = json!({
        "tenants": [{
            "id": TENANT,
            "applications": [
                {
                    "clientId": CLIENT, "objectId": OBJECT, "secrets": [{"value": SECRET}],
                    "certificates": [{"pem": identity.certificate_pem}],
                },
                {"clientId": NATIVE, "publicClient": true},
            ],
            "users": [{"username": USER, "password": PASSWORD, "objectId": USER_OBJECT}],
        }],
        "stacks": [{"region": "local", "identityProvider": "ADFS", "tenantId": TENANT}],
    });
    sim.admin(Method::POST, "/seed", &seed).await;
    let url =
        "https://management.local.azurestack.sim.test/metadata/endpoints?api-version=2015-01-01";
    let (_, metadata) = split(sim.client().get(url).send().await.unwrap()).await;
    let audience = metadata["authentication"]["audiences"][0]
        .as_str()
        .unwrap_or_else(|| panic!("{metadata}"));
    let audience = audience.to_owned();
    (sim, audience)
}

fn secret_form(resource: &str) -> Form {
    vec![
        ("grant_type", "client_credentials".into()),
        ("client_id", CLIENT.into()),
        ("client_secret", SECRET.into()),
        ("resource", resource.into()),
    ]
}

fn user_form(resource: &str) -> Form {
    vec![
        ("grant_type", "password".into()),
        ("client_id", NATIVE.into()),
        ("username", USER.into()),
        ("password", PASSWORD.into()),
        ("resource", resource.into()),
        ("scope", "openid".into()),
    ]
}

#[tokio::test]
async fn a_secret_gets_a_token_in_adfss_own_shape() {
    let (sim, audience) = with_stack(&Identity::new()).await;
    let vault = audience.replace("management", "vault");
    for (resource, url) in [
        (&audience, token_url()),
        (&vault, format!("{ADFS}/oauth2/token/")),
        (&vault, format!("{ADFS}/oauth2/v2.0/token")),
    ] {
        let body = granted(&sim, &url, &secret_form(resource)).await;
        assert_eq!(
            (&body["token_type"], &body["expires_in"]),
            (&json!("bearer"), &json!(3600))
        );
        let claims = claims_of(body["access_token"].as_str().unwrap());
        for (name, value) in [
            ("aud", resource.as_str()),
            (
                "iss",
                "http://adfs.local.azurestack.sim.test/adfs/services/trust",
            ),
            ("appid", CLIENT),
            ("oid", OBJECT),
            ("apptype", "Confidential"),
        ] {
            assert_eq!(claims[name], value, "{name}");
        }
    }
}

#[tokio::test]
async fn a_scope_stands_for_the_resource() {
    let (sim, audience) = with_stack(&Identity::new()).await;
    let form = changed(secret_form(""), "resource", "");
    let form = changed(
        form,
        "scope",
        &format!("openid profile offline_access {audience}/.default"),
    );
    let url = format!("{ADFS}/oauth2/v2.0/token");
    let body = granted(&sim, &url, &form).await;
    let claims = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], audience);
}

#[tokio::test]
async fn a_certificate_signs_in_with_rs256_and_the_sha1_print_alone() {
    let identity = Identity::new();
    let (sim, audience) = with_stack(&identity).await;
    let claims = json!({
        "aud": token_url(), "iss": CLIENT, "sub": CLIENT, "nbf": seconds(0), "exp": seconds(600),
    });
    let ask_with = async |algorithm, header: &Value, claims: &Value| {
        let form = assertion_form(&identity.sign(algorithm, header, claims));
        let form = changed(form, "scope", "");
        ask(&sim, &token_url(), &changed(form, "resource", &audience)).await
    };
    let header = json!({"alg": "RS256", "typ": "JWT", "x5t": identity.x5t()});
    let (status, body) = ask_with(Algorithm::RS256, &header, &claims).await;
    assert_eq!(status, 200, "{body}");
    let newer = [
        (
            Algorithm::PS256,
            json!({"alg": "PS256", "x5t": identity.x5t()}),
        ),
        (
            Algorithm::RS256,
            json!({"alg": "RS256", "x5t#S256": identity.x5t_s256()}),
        ),
    ];
    for (algorithm, header) in newer {
        let (status, body) = ask_with(algorithm, &header, &claims).await;
        assert_eq!(
            (status, &body["error"]),
            (400, &json!("invalid_client")),
            "{header}"
        );
    }
    let mut elsewhere = claims.clone();
    elsewhere["aud"] = json!(format!("https://login.sim.test/{TENANT}/oauth2/token"));
    let (status, _) = ask_with(Algorithm::RS256, &header, &elsewhere).await;
    assert_eq!(status, 400, "Entra's endpoint is not ADFS's");
}

#[tokio::test]
async fn errors_have_adfss_words_and_nothing_of_entras() {
    let (sim, audience) = with_stack(&Identity::new()).await;
    let form = || secret_form(&audience);
    let cases = [
        (
            changed(form(), "client_secret", "bad"),
            "invalid_client",
            "MSIS9622",
        ),
        (
            changed(form(), "client_id", "unknown"),
            "invalid_client",
            "MSIS9622",
        ),
        (
            changed(form(), "resource", "https://vault.sim.test"),
            "invalid_resource",
            "MSIS9605",
        ),
        (changed(form(), "resource", ""), "invalid_scope", "MSIS9611"),
        (
            changed(user_form(&audience), "password", "bad"),
            "invalid_grant",
            "MSIS9659",
        ),
        (
            changed(form(), "grant_type", "magic"),
            "unsupported_grant_type",
            "",
        ),
        (changed(form(), "grant_type", ""), "invalid_request", ""),
    ];
    for (form, error, number) in cases {
        let (status, body) = ask(&sim, &token_url(), &form).await;
        assert_eq!((status, &body["error"]), (400, &json!(error)), "{body}");
        let description = body["error_description"].as_str().unwrap();
        assert!(description.starts_with(number), "{description}");
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    }
}

#[tokio::test]
async fn a_user_signs_in_and_again_by_refresh_token() {
    let (sim, audience) = with_stack(&Identity::new()).await;
    let body = granted(&sim, &token_url(), &user_form(&audience)).await;
    let claims = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(
        (&claims["upn"], &claims["oid"], &claims["apptype"]),
        (&json!(USER), &json!(USER_OBJECT), &json!("Public"))
    );
    let id = claims_of(body["id_token"].as_str().unwrap());
    assert_eq!((&id["iss"], &id["upn"]), (&json!(ADFS), &json!(USER)));
    let token = body["refresh_token"].as_str().unwrap().to_owned();
    let vault = audience.replace("management", "vault");
    let form = vec![
        ("grant_type", "refresh_token".to_owned()),
        ("client_id", NATIVE.to_owned()),
        ("refresh_token", token),
        ("resource", vault.clone()),
    ];
    let body = granted(&sim, &token_url(), &form).await;
    let claims = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], vault);
}

#[tokio::test]
async fn a_device_code_works_in_either_form() {
    let (sim, audience) = with_stack(&Identity::new()).await;
    for (grant, field) in [
        ("device_code", "code"),
        (
            "urn:ietf:params:oauth:grant-type:device_code",
            "device_code",
        ),
    ] {
        let form = vec![
            ("client_id", NATIVE.to_owned()),
            ("resource", audience.clone()),
        ];
        let started = granted(&sim, &format!("{ADFS}/oauth2/devicecode"), &form).await;
        assert_eq!(
            started["verification_uri"],
            format!("{ADFS}/oauth2/deviceauth")
        );
        let poll = vec![
            ("grant_type", grant.to_owned()),
            ("client_id", NATIVE.to_owned()),
            (field, started["device_code"].as_str().unwrap().to_owned()),
        ];
        let (status, body) = ask(&sim, &token_url(), &poll).await;
        assert_eq!(
            (status, &body["error"]),
            (400, &json!("authorization_pending"))
        );
        let decision =
            json!({"userCode": started["user_code"], "username": USER, "action": "approve"});
        sim.admin(Method::POST, "/devicecode", &decision).await;
        granted(&sim, &token_url(), &poll).await;
    }
}

#[tokio::test]
async fn discovery_leads_to_the_endpoints_and_the_key() {
    let (sim, audience) = with_stack(&Identity::new()).await;
    let get = async |url: &str| split(sim.client().get(url).send().await.unwrap()).await.1;
    let found = get(&format!("{ADFS}/.well-known/openid-configuration")).await;
    assert_eq!(found["issuer"], ADFS);
    let endpoint = found["token_endpoint"].as_str().unwrap();
    let body = granted(&sim, endpoint, &secret_form(&audience)).await;
    let keys = get(found["jwks_uri"].as_str().unwrap()).await;
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys).unwrap();
    let token = body["access_token"].as_str().unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    let mut validation = jsonwebtoken::Validation::new(Algorithm::RS256);
    validation.set_audience(&[&audience]);
    validation.set_issuer(&[found["access_token_issuer"].as_str().unwrap()]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap();
}

#[tokio::test]
async fn a_stack_behind_entra_has_no_federation_service() {
    let (sim, _) = with_stack(&Identity::new()).await;
    let stack =
        json!({"stacks": [{"region": "other", "identityProvider": "AAD", "tenantId": TENANT}]});
    sim.admin(Method::POST, "/seed", &stack).await;
    let url = "https://adfs.other.azurestack.sim.test/adfs/oauth2/token";
    let failed = sim.client().post(url).send().await;
    assert!(failed.is_err_and(|error| error.is_connect()));
}
