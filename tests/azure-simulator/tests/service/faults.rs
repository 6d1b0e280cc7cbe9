//! Each kind of fault, met by a real client.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{
    Caller, HostsFile, PATIENCE, SCOPE, Sim, VAULT_URL, codes, secret_form, split, token_url,
};

const HOST: &str = "kv-demo.vault.sim.test";

/// A simulator with a secret `s`, a caller, and one fault for the vault.
async fn with_fault(fault: Value) -> (Sim, Caller) {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller.set("s", json!({"value": "the value"})).await;
    sim.fault(json!({"host": "kv-*.vault.sim.test", "fault": fault}))
        .await;
    (sim, caller)
}

#[tokio::test]
async fn latency_is_waited_before_the_answer() {
    let (sim, caller) = with_fault(json!({"latencyMs": 120})).await;
    assert_eq!(caller.get("/secrets/s").await.0, 200);
    let journal = sim.look("/journal?operation=GetSecret").await;
    let latency = journal["entries"][0]["latencyMs"].as_u64().unwrap();
    assert!(latency >= 120, "{latency}");
}

#[tokio::test]
async fn throttling_comes_with_and_without_retry_after() {
    let (sim, caller) = with_fault(json!({"status": 429, "retryAfter": 7})).await;
    let answer = caller
        .request(Method::GET, "/secrets/s")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let (_, body) = split(answer).await;
    assert_eq!(codes(&body).0, "Throttled");
    sim.admin(Method::DELETE, "/faults", &Value::Null).await;
    sim.fault(json!({"fault": {"status": 429}})).await;
    let answer = caller
        .request(Method::GET, "/secrets/s")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 429);
    assert!(!answer.headers().contains_key("retry-after"));
    let login = sim
        .client()
        .post(token_url())
        .form(&secret_form(SCOPE))
        .send()
        .await
        .unwrap();
    assert_eq!(login.text().await.unwrap(), "Too Many Requests");
}

#[tokio::test]
async fn any_status_comes_with_the_given_code_or_body() {
    let (sim, caller) = with_fault(json!({"status": 503, "code": "Busy"})).await;
    let (status, body) = caller.get("/secrets/s").await;
    assert_eq!((status, codes(&body).0), (503, "Busy"));
    sim.admin(Method::DELETE, "/faults", &Value::Null).await;
    sim.fault(json!({"fault": {"status": 502, "body": "<html>bad gateway</html>"}}))
        .await;
    let answer = caller
        .request(Method::GET, "/secrets/s")
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(answer.text().await.unwrap(), "<html>bad gateway</html>");
}

#[tokio::test]
async fn a_hang_lasts_until_the_client_gives_up() {
    let (sim, caller) = with_fault(json!({"hang": true})).await;
    let request = caller
        .request(Method::GET, "/secrets/s")
        .timeout(Duration::from_millis(300));
    assert!(request.send().await.unwrap_err().is_timeout());
    let journal = sim.look("/journal?operation=GetSecret").await;
    assert_eq!(journal["entries"][0]["status"], 0);
}

#[tokio::test]
async fn a_hanging_request_does_not_keep_the_simulator_from_ending() {
    let (sim, caller) = with_fault(json!({"hang": true})).await;
    let request = tokio::spawn(caller.request(Method::GET, "/secrets/s").send());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while sim.look("/journal?operation=GetSecret").await["entries"]
        .as_array()
        .unwrap()
        .is_empty()
    {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::timeout(PATIENCE, sim.simulator.stop())
        .await
        .unwrap();
    assert!(request.await.unwrap().is_err());
}

#[tokio::test]
async fn a_reset_breaks_the_body_off() {
    for http1 in [false, true] {
        let (sim, mut caller) = with_fault(json!({"resetMidBody": true})).await;
        if http1 {
            caller.client = sim.client_builder().http1_only().build().unwrap();
        }
        let answer = caller
            .request(Method::GET, "/secrets/s")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.is_err());
    }
}

#[tokio::test]
async fn malformed_json_does_not_parse() {
    let (_sim, caller) = with_fault(json!({"malformedJson": true})).await;
    let answer = caller
        .request(Method::GET, "/secrets/s")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(serde_json::from_str::<Value>(&answer.text().await.unwrap()).is_err());
}

#[tokio::test]
async fn an_empty_body_is_empty() {
    let (_sim, caller) = with_fault(json!({"emptyBody": true})).await;
    let answer = caller
        .request(Method::GET, "/secrets/s")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.text().await.unwrap().as_str()
        ),
        (200, "")
    );
}

#[tokio::test]
async fn an_expired_token_is_told_as_azure_does() {
    let (sim, caller) = with_fault(json!({"expiredToken": true})).await;
    let answer = caller
        .request(Method::GET, "/secrets/s")
        .send()
        .await
        .unwrap();
    assert!(
        answer.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .contains("error=\"invalid_token\"")
    );
    let (status, body) = split(answer).await;
    assert_eq!(
        (status, &body["error"]["message"]),
        (
            401,
            &json!("[TokenExpired] Error validating token: 'S2S12086'.")
        )
    );
    let bare = sim
        .client()
        .get(format!("{VAULT_URL}/secrets/s?api-version=7.5"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        split(bare).await.1["error"]["message"],
        "AKV10000: Request is missing a Bearer or PoP token."
    );
}

#[tokio::test]
async fn a_foreign_challenge_points_elsewhere() {
    let to = json!({"authorization": "https://login.evil.test/t", "resource": "https://evil.test"});
    let (_sim, caller) = with_fault(json!({"foreignChallenge": to})).await;
    let answer = caller
        .request(Method::GET, "/secrets/s")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    let expected =
        "Bearer authorization=\"https://login.evil.test/t\", resource=\"https://evil.test\"";
    assert_eq!(answer.headers()["www-authenticate"], expected);
}

#[tokio::test]
async fn forbidden_comes_in_each_wording() {
    for inner in [
        "ForbiddenByRbac",
        "AccessDenied",
        "ForbiddenByFirewall",
        "ForbiddenByConnection",
        "ForbiddenByPolicy",
    ] {
        let (_sim, caller) = with_fault(json!({"forbidden": inner})).await;
        let (status, body) = caller.get("/secrets/s").await;
        assert_eq!((status, codes(&body)), (403, ("Forbidden", Some(inner))));
    }
}

#[tokio::test]
async fn a_dns_failure_takes_the_name_and_the_open_connections_away() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller.set("s", json!({"value": "v"})).await;
    let hosts = HostsFile(sim.endpoints().hosts_file.clone());
    let id = sim
        .fault(json!({"host": HOST, "fault": {"dnsFailure": true}}))
        .await;
    assert_eq!(hosts.find(HOST), None);
    assert!(hosts.find("login.sim.test").is_some());
    let error = caller
        .request(Method::GET, "/secrets/s")
        .send()
        .await
        .unwrap_err();
    assert!(error.is_connect() || error.is_request(), "{error:?}");
    sim.admin(Method::DELETE, &format!("/faults/{id}"), &Value::Null)
        .await;
    assert_eq!(caller.get("/secrets/s").await.0, 200);
}

#[tokio::test]
async fn an_untrusted_certificate_ends_the_handshake_for_its_host_only() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    caller.set("s", json!({"value": "v"})).await;
    let id = sim
        .fault(json!({"host": HOST, "fault": {"untrustedCertificate": true}}))
        .await;
    let fresh = Caller {
        client: sim.client(),
        token: sim.token().await,
    };
    let error = fresh
        .request(Method::GET, "/secrets/s")
        .send()
        .await
        .unwrap_err();
    assert!(
        error.is_connect() && format!("{error:?}").contains("UnknownIssuer"),
        "{error:?}"
    );
    sim.admin(Method::DELETE, &format!("/faults/{id}"), &Value::Null)
        .await;
    assert_eq!(fresh.get("/secrets/s").await.0, 200);
}

#[tokio::test]
async fn clock_skew_moves_what_tokens_and_vaults_write() {
    let sim = Sim::start().await;
    sim.admin(Method::POST, "/clock", &json!({"skewSeconds": 100_000}))
        .await;
    let caller = sim.caller().await;
    let (_, set) = caller.set("s", json!({"value": "v"})).await;
    let ahead = set["attributes"]["created"].as_i64().unwrap() - jiff::Timestamp::now().as_second();
    assert!((99_000..=100_000).contains(&ahead), "{ahead}");
    sim.admin(Method::POST, "/clock", &json!({"skewSeconds": 0}))
        .await;
    let (status, body) = caller.get("/secrets/s").await;
    assert_eq!(status, 401);
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("[TokenNotYetValid]"),
        "{body}"
    );
}

#[tokio::test]
async fn a_fault_with_a_count_goes_by_itself() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    sim.fault(json!({"host": HOST, "path": "^/secrets", "methods": ["GET"], "count": 2, "fault": {"status": 500}})).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(caller.get("/secrets").await.0);
    }
    assert_eq!(seen, [500, 500, 200]);
    assert_eq!(sim.look("/faults").await[0]["left"], 0);
}

#[tokio::test]
async fn a_fault_of_the_login_host_leaves_vaults_alone() {
    let sim = Sim::start().await;
    let caller = sim.caller().await;
    sim.fault(json!({"host": "login.*", "fault": {"status": 503}}))
        .await;
    let (status, body) = split(
        sim.client()
            .post(token_url())
            .form(&secret_form(SCOPE))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (status, &body["error"]),
        (503, &json!("temporarily_unavailable"))
    );
    assert_eq!(caller.get("/secrets").await.0, 200);
}
