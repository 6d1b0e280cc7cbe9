//! Sign-ins by users: password, refresh token.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{CLIENT, LOGIN_URL, OBJECT, SCOPE, SECRET, Sim, TENANT, token_url},
    entra::{ask, assert_denied, changed, claims_of},
};

pub(crate) const NATIVE: &str = "44444444-4444-4444-4444-444444444444";
pub(crate) const USER: &str = "ada@contoso.onmicrosoft.com";
pub(crate) const USER_OBJECT: &str = "55555555-5555-5555-5555-555555555555";
const STRICT: &str = "grace@contoso.onmicrosoft.com";
pub(crate) const PASSWORD: &str = "pa ss+word";
pub(crate) const V1_URL: &str =
    "https://login.sim.test/11111111-1111-1111-1111-111111111111/oauth2/token";

pub(crate) type Form = Vec<(&'static str, String)>;

/// A simulator with a native application, a user, and one who needs a second factor.
pub(crate) async fn with_users() -> Sim {
    let sim = Sim::start().await;
    let seed = json!({"tenants": [{
        "id": TENANT,
        "applications": [{"clientId": NATIVE, "publicClient": true}],
        "users": [
            {"username": USER, "password": PASSWORD, "objectId": USER_OBJECT},
            {"username": STRICT, "password": PASSWORD, "mfa": true},
        ],
    }]});
    sim.admin(Method::POST, "/seed", &seed).await;
    sim
}

pub(crate) fn password_form(scope: &str) -> Form {
    vec![
        ("grant_type", "password".into()),
        ("client_id", NATIVE.into()),
        ("username", USER.into()),
        ("password", PASSWORD.into()),
        ("scope", scope.into()),
    ]
}

pub(crate) fn v1_form() -> Form {
    let form = changed(password_form(""), "scope", "openid");
    changed(form, "resource", "https://vault.sim.test")
}

fn refresh_form(token: &Value, scope: &str) -> Form {
    let form = vec![
        ("grant_type", "refresh_token".into()),
        ("client_id", NATIVE.into()),
        ("refresh_token", token.as_str().unwrap().to_owned()),
    ];
    changed(form, "scope", scope)
}

fn in_tenant(tenant: &str) -> String {
    format!("{LOGIN_URL}/{tenant}/oauth2/v2.0/token")
}

/// The reply of a sign-in that works.
pub(crate) async fn granted(sim: &Sim, url: &str, form: &Form) -> Value {
    let (status, body) = ask(sim, url, form).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn a_password_gets_a_token_of_the_user() {
    let sim = with_users().await;
    let body = granted(&sim, &token_url(), &password_form(SCOPE)).await;
    let claims = claims_of(body["access_token"].as_str().unwrap());
    for (name, value) in [
        ("aud", "https://vault.sim.test"),
        ("oid", USER_OBJECT),
        ("appid", NATIVE),
        ("appidacr", "0"),
        ("upn", USER),
        ("scp", "user_impersonation"),
        ("tid", TENANT),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(
        body["scope"],
        "https://vault.sim.test/user_impersonation https://vault.sim.test/.default"
    );
    assert_eq!(body["expires_in"], 3599);
    for absent in ["refresh_token", "id_token", "client_info"] {
        assert!(body.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn what_else_is_asked_for_comes_too() {
    let sim = with_users().await;
    let scope = format!("openid profile offline_access {SCOPE}");
    let form = changed(password_form(&scope), "client_info", "1");
    let body = granted(&sim, &token_url(), &form).await;
    assert!(body["refresh_token"].is_string() && body["client_info"].is_string());
    let id = claims_of(body["id_token"].as_str().unwrap());
    assert_eq!(
        (&id["aud"], &id["preferred_username"], &id["iss"]),
        (
            &json!(NATIVE),
            &json!(USER),
            &json!(format!("{LOGIN_URL}/{TENANT}/v2.0"))
        )
    );
}

#[tokio::test]
async fn the_user_decides_the_tenant_where_the_path_does_not() {
    let sim = with_users().await;
    for tenant in ["organizations", "common"] {
        let body = granted(&sim, &in_tenant(tenant), &password_form(SCOPE)).await;
        let claims = claims_of(body["access_token"].as_str().unwrap());
        assert_eq!(claims["tid"], TENANT, "{tenant}");
    }
}

#[tokio::test]
async fn a_vault_lets_a_user_in_by_the_users_own_role() {
    let sim = with_users().await;
    let roles = json!([{"principalId": USER_OBJECT, "role": "Key Vault Secrets Officer"}]);
    let patch = json!({"roleAssignments": roles});
    sim.admin(Method::PATCH, "/vaults/kv-demo", &patch).await;
    let body = granted(&sim, &token_url(), &password_form(SCOPE)).await;
    let caller = crate::common::Caller {
        client: sim.client(),
        token: body["access_token"].as_str().unwrap().to_owned(),
    };
    assert_eq!(caller.set("mine", json!({"value": "x"})).await.0, 200);
    let of_application = sim.caller().await;
    assert_eq!(of_application.get("/secrets/mine").await.0, 403);
}

#[tokio::test]
async fn passwords_that_do_not_do_get_entras_errors() {
    let sim = with_users().await;
    let form = || password_form(SCOPE);
    let cases = [
        (
            changed(form(), "password", "wrong"),
            (50_126, 400, "invalid_grant"),
        ),
        (
            changed(form(), "username", "nobody@contoso.onmicrosoft.com"),
            (50_034, 400, "invalid_grant"),
        ),
        (
            changed(form(), "username", STRICT),
            (50_076, 400, "invalid_grant"),
        ),
        (
            changed(form(), "username", ""),
            (900_144, 400, "invalid_request"),
        ),
        (
            changed(form(), "client_id", "99999999-9999-9999-9999-999999999999"),
            (700_016, 400, "unauthorized_client"),
        ),
        // The application has a secret, and must show it.
        (
            changed(form(), "client_id", CLIENT),
            (7_000_218, 401, "invalid_client"),
        ),
        (
            changed(form(), "client_secret", SECRET),
            (700_025, 401, "invalid_client"),
        ),
        (
            changed(
                form(),
                "scope",
                "https://vault.sim.test/.default https://storage.sim.test/.default",
            ),
            (28_000, 400, "invalid_scope"),
        ),
        (
            changed(form(), "scope", "https://nowhere.test/.default"),
            (500_011, 400, "invalid_resource"),
        ),
        (
            changed(form(), "claims", "{"),
            (9_002_313, 400, "invalid_request"),
        ),
    ];
    for (form, expected) in cases {
        assert_denied(ask(&sim, &token_url(), &form).await, expected);
    }
    let (_, body) = ask(&sim, &token_url(), &changed(form(), "username", STRICT)).await;
    assert_eq!(body["suberror"], "basic_action");
    let elsewhere = changed(form(), "username", "nobody@elsewhere.test");
    assert_denied(
        ask(&sim, &in_tenant("organizations"), &elsewhere).await,
        (50_034, 400, "invalid_grant"),
    );
}

#[tokio::test]
async fn a_confidential_application_signs_a_user_in_with_its_secret() {
    let sim = with_users().await;
    let form = changed(password_form(SCOPE), "client_id", CLIENT);
    let form = changed(form, "client_secret", SECRET);
    let body = granted(&sim, &token_url(), &form).await;
    let claims = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(
        (&claims["oid"], &claims["appidacr"]),
        (&json!(USER_OBJECT), &json!("1"))
    );
}

#[tokio::test]
async fn an_application_may_be_kept_from_passwords() {
    let sim = with_users().await;
    let spec = json!({"publicClient": true, "passwordGrant": false});
    let path = format!("/tenants/{TENANT}/applications/{NATIVE}");
    sim.admin(Method::PUT, &path, &spec).await;
    assert_denied(
        ask(&sim, &token_url(), &password_form(SCOPE)).await,
        (53_003, 400, "invalid_grant"),
    );
}

#[tokio::test]
async fn a_refresh_token_gets_tokens_for_any_resource_and_another_refresh_token() {
    let sim = with_users().await;
    let form = password_form(&format!("offline_access {SCOPE}"));
    let first = granted(&sim, &token_url(), &form).await;
    let form = refresh_form(
        &first["refresh_token"],
        "https://storage.sim.test/.default offline_access",
    );
    let second = granted(&sim, &token_url(), &form).await;
    let audience = |body: &Value| claims_of(body["access_token"].as_str().unwrap())["aud"].clone();
    assert_eq!(audience(&second), "https://storage.sim.test");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let form = refresh_form(&second["refresh_token"], "");
    let third = granted(&sim, &token_url(), &form).await;
    assert_eq!(audience(&third), "https://storage.sim.test");
    let form = refresh_form(&first["refresh_token"], "");
    let again = granted(&sim, &token_url(), &form).await;
    assert_eq!(audience(&again), "https://vault.sim.test");
}

#[tokio::test]
async fn a_refresh_token_ends() {
    let sim = with_users().await;
    let form = password_form(&format!("offline_access {SCOPE}"));
    let first = granted(&sim, &token_url(), &form).await;
    let refresh = refresh_form(&first["refresh_token"], "");
    let denied = async |form: &Form, code: u32| {
        let expected = (code, 400, "invalid_grant");
        assert_denied(ask(&sim, &token_url(), form).await, expected);
    };
    denied(&changed(refresh.clone(), "refresh_token", "1.AAAA"), 70_008).await;
    let spec = json!({"publicClient": true});
    let other = "66666666-6666-6666-6666-666666666666";
    let path = format!("/tenants/{TENANT}/applications/{other}");
    sim.admin(Method::PUT, &path, &spec).await;
    denied(&changed(refresh.clone(), "client_id", other), 70_000).await;
    let ninety_days = json!({"skewSeconds": 90 * 24 * 60 * 60});
    sim.admin(Method::POST, "/clock", &ninety_days).await;
    denied(&refresh, 700_082).await;
    sim.admin(Method::POST, "/clock", &json!({"skewSeconds": 0}))
        .await;
    let user = format!("/tenants/{TENANT}/users/{USER}");
    sim.admin(Method::PUT, &user, &json!({"password": "other"}))
        .await;
    denied(&refresh, 50_173).await;
    sim.admin(Method::DELETE, &user, &Value::Null).await;
    denied(&refresh, 50_034).await;
}

#[tokio::test]
async fn v1_takes_a_resource_writes_strings_and_always_gives_a_refresh_token() {
    let sim = with_users().await;
    let url = format!("{V1_URL}?api-version=1.0");
    let body = granted(&sim, &url, &v1_form()).await;
    assert_eq!(
        (&body["expires_in"], &body["resource"], &body["scope"]),
        (
            &json!("3599"),
            &json!("https://vault.sim.test"),
            &json!("user_impersonation")
        )
    );
    let id = claims_of(body["id_token"].as_str().unwrap());
    assert_eq!((&id["upn"], &id["ver"]), (&json!(USER), &json!("1.0")));
    let refresh = refresh_form(&body["refresh_token"], "");
    let same = granted(&sim, &url, &refresh).await;
    assert_eq!(same["resource"], "https://vault.sim.test");
    let other = changed(refresh, "resource", "https://management.sim.test/");
    let body = granted(&sim, &url, &other).await;
    let claims = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], "https://management.sim.test/");
    let none = changed(v1_form(), "grant_type", "client_credentials");
    let none = changed(changed(none, "client_id", CLIENT), "resource", "");
    let none = changed(none, "client_secret", SECRET);
    assert_denied(
        ask(&sim, &url, &none).await,
        (900_144, 400, "invalid_request"),
    );
}

#[tokio::test]
async fn a_realm_tells_whose_a_user_is() {
    let sim = with_users().await;
    let realm = async |path: &str| {
        let url = format!("{LOGIN_URL}{path}?api-version=1.0");
        let answer = sim.client().get(url).send().await.unwrap();
        crate::common::split(answer).await.1
    };
    let known = realm("/common/UserRealm/ada%40contoso.onmicrosoft.com").await;
    assert_eq!(
        (&known["account_type"], &known["domain_name"]),
        (&json!("Managed"), &json!("contoso.onmicrosoft.com"))
    );
    let unknown = realm("/common/userrealm/a@elsewhere.test").await;
    assert_eq!(unknown["account_type"], "Unknown");
}

#[tokio::test]
async fn openids_words_change_nothing_for_an_application() {
    let sim = with_users().await;
    let scope = format!("openid profile offline_access {SCOPE}");
    let body = granted(&sim, &token_url(), &crate::common::secret_form(&scope)).await;
    assert!(body.get("refresh_token").is_none());
    let claims = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(claims["oid"], OBJECT);
}

#[tokio::test]
async fn the_admin_api_shows_users_without_passwords() {
    let sim = with_users().await;
    let shown = sim.look("/tenants").await;
    assert_eq!(
        shown["tenants"][0]["users"][0],
        json!({"username": USER, "objectId": USER_OBJECT, "mfa": false})
    );
    assert!(!shown.to_string().contains(PASSWORD));
}
