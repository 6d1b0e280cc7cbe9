//! Machine Learning Server.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{CLIENT, SECRET, Sim, TENANT, secret_form, split},
    entra::{ask, changed},
};

const SERVER: &str = "https://mls.sim.test";
/// The application that stands for the server in Entra.
const APPLICATION: &str = "99999999-0000-0000-0000-000000000009";

/// A server with a user, which takes Entra's tokens, too.
async fn start() -> Sim {
    let sim = Sim::start().await;
    let seed = json!({
        "tenants": [{"id": TENANT, "applications": [{"clientId": APPLICATION}]}],
        "mlServers": [{
            "host": "mls.sim.test",
            "users": [{"username": "ada", "password": "pw"}],
            "tokenLifetimeSeconds": 600,
            "audience": APPLICATION,
            "tenantId": TENANT,
        }],
    });
    sim.admin(Method::POST, "/seed", &seed).await;
    sim
}

async fn post(sim: &Sim, path: &str, body: &Value) -> (u16, Value) {
    let request = sim.client().post(format!("{SERVER}{path}")).json(body);
    split(request.send().await.unwrap()).await
}

async fn login(sim: &Sim) -> Value {
    let (status, pair) = post(sim, "/login", &json!({"username": "ada", "password": "pw"})).await;
    assert_eq!(status, 200, "{pair}");
    pair
}

async fn renew(sim: &Sim, pair: &Value) -> (u16, Value) {
    let body = json!({"refreshToken": pair["refresh_token"]});
    post(sim, "/login/refreshToken", &body).await
}

/// The status of a protected call.
async fn services(sim: &Sim, token: &str) -> u16 {
    let request = sim.client().get(format!("{SERVER}/services"));
    let answer = request.bearer_auth(token).send().await.unwrap();
    answer.status().as_u16()
}

fn access(pair: &Value) -> &str {
    pair["access_token"].as_str().unwrap()
}

#[tokio::test]
async fn a_password_gets_a_pair_with_numbers() {
    let sim = start().await;
    let pair = login(&sim).await;
    assert_eq!(
        (&pair["token_type"], &pair["expires_in"]),
        (&json!("Bearer"), &json!(600))
    );
    assert!(pair["expires_on"].as_i64().unwrap() > 1_500_000_000);
    assert!(access(&pair).starts_with("eyJ"), "a JWT");
    assert_eq!(services(&sim, access(&pair)).await, 200);
    let (status, _) = post(
        &sim,
        "/user/login",
        &json!({"username": "ada", "password": "pw"}),
    )
    .await;
    assert_eq!(status, 200, "the path of old documents");
}

#[tokio::test]
async fn who_is_not_known_gets_a_401_that_says_why() {
    let sim = start().await;
    let refused = (401, json!("Unauthorized (invalid credentials)"));
    for (username, password) in [("ada", "other"), ("eve", "pw")] {
        let body = json!({"username": username, "password": password});
        assert_eq!(post(&sim, "/login", &body).await, refused);
    }
    let bare = sim
        .client()
        .get(format!("{SERVER}/services"))
        .send()
        .await
        .unwrap();
    assert_eq!(split(bare).await, refused);
    assert_eq!(services(&sim, "nonsense").await, 401);
    assert_eq!(
        post(&sim, "/login", &json!({"username": "ada"})).await.0,
        400
    );
}

#[tokio::test]
async fn renewal_gives_a_new_pair_and_ends_the_old() {
    let sim = start().await;
    let old = login(&sim).await;
    let (status, new) = renew(&sim, &old).await;
    assert_eq!(status, 200, "{new}");
    assert_eq!(services(&sim, access(&new)).await, 200);
    assert_eq!(services(&sim, access(&old)).await, 401);
    let refused = json!("Unauthorized (invalid or expired refresh token)");
    assert_eq!(renew(&sim, &old).await, (401, refused));
}

#[tokio::test]
async fn a_revoked_pair_is_dead() {
    let sim = start().await;
    let pair = login(&sim).await;
    let revoke = async || {
        let query = [("refreshToken", pair["refresh_token"].as_str().unwrap())];
        let url = url::Url::parse_with_params(&format!("{SERVER}/login/refreshToken"), query);
        let answer = sim.client().delete(url.unwrap()).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(revoke().await, 200);
    assert_eq!(services(&sim, access(&pair)).await, 401);
    assert_eq!(renew(&sim, &pair).await.0, 401);
    assert_eq!(revoke().await, 401);
}

#[tokio::test]
async fn a_token_ends_by_the_clock_and_its_renewal_two_weeks_later() {
    let sim = start().await;
    let pair = login(&sim).await;
    let other = login(&sim).await;
    let skew = |seconds: i64| json!({"skewSeconds": seconds});
    sim.admin(Method::POST, "/clock", &skew(601)).await;
    assert_eq!(services(&sim, access(&pair)).await, 401);
    assert_eq!(renew(&sim, &pair).await.0, 200);
    sim.admin(Method::POST, "/clock", &skew(15 * 24 * 3600))
        .await;
    assert_eq!(renew(&sim, &other).await.0, 401);
}

#[tokio::test]
async fn entras_tokens_for_the_servers_application_are_taken() {
    let sim = start().await;
    let url = format!("https://login.sim.test/{TENANT}/oauth2/token");
    let form = changed(
        changed(secret_form(""), "scope", ""),
        "resource",
        APPLICATION,
    );
    let (_, body) = ask(&sim, &url, &form).await;
    assert_eq!(services(&sim, access(&body)).await, 200);
    assert_eq!(
        services(&sim, &sim.token().await).await,
        401,
        "another audience"
    );
    let journal = sim.look("/journal?operation=ListServices").await;
    assert_eq!(journal["entries"][0]["principal"]["clientId"], CLIENT);
}

#[tokio::test]
async fn a_server_without_users_has_no_login() {
    let sim = start().await;
    let seed = json!({"mlServers": [{"host": "aad.sim.test", "audience": APPLICATION, "tenantId": TENANT}]});
    sim.admin(Method::POST, "/seed", &seed).await;
    let body = json!({"username": "ada", "password": SECRET});
    let request = sim.client().post("https://aad.sim.test/login").json(&body);
    assert_eq!(request.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn the_journal_and_faults_know_the_server() {
    let sim = start().await;
    let pair = login(&sim).await;
    renew(&sim, &pair).await;
    let counters = sim.look("/counters").await;
    let counted = &counters["operations"]["mls.sim.test"];
    assert_eq!(
        (&counted["Login"]["200"], &counted["RefreshLogin"]["200"]),
        (&json!(1), &json!(1))
    );
    sim.fault(json!({"host": "mls.sim.test", "fault": {"status": 503, "retryAfter": 2}}))
        .await;
    assert_eq!(services(&sim, access(&pair)).await, 503);
}
