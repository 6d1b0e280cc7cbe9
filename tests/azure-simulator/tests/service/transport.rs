//! Ways to reach the hosts, and what lies in the folder.

use std::os::unix::fs::PermissionsExt as _;

use azure_simulator::{Options, Simulator};
use reqwest::{Certificate, Method};
use serde_json::{Value, json};

use crate::common::{
    HostsFile, LOGIN_URL, SCOPE, Sim, TENANT, VAULT_URL, secret_form, split, token_url,
};

/// A client that cannot set names: it knows addresses only.
fn plain_client(sim: &Sim) -> reqwest::Client {
    let ca = Certificate::from_pem(&std::fs::read(&sim.endpoints().ca_file).unwrap()).unwrap();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([ca])
        .build()
        .unwrap()
}

#[tokio::test]
async fn hosts_can_be_named_in_the_path() {
    let sim = Sim::start().await;
    let client = plain_client(&sim);
    let base = |host: &str| format!("{}/_host/{host}", sim.endpoints().azure);
    let discovery = format!(
        "{}/{TENANT}/v2.0/.well-known/openid-configuration",
        base("login.sim.test")
    );
    let document: Value = client
        .get(discovery)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let token_endpoint = document["token_endpoint"].as_str().unwrap();
    assert!(
        token_endpoint.starts_with(&base("login.sim.test")),
        "{token_endpoint}"
    );
    let answer = client
        .post(token_endpoint)
        .form(&secret_form(SCOPE))
        .send()
        .await
        .unwrap();
    let token = split(answer).await.1["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let secrets: Vec<Value> = (0..3)
        .map(|n| json!({"name": format!("s{n}"), "value": "x"}))
        .collect();
    sim.admin(
        reqwest::Method::PATCH,
        "/vaults/kv-demo",
        &json!({"secrets": secrets}),
    )
    .await;
    let list = format!(
        "{}/secrets?api-version=7.5&maxresults=2",
        base("kv-demo.vault.sim.test")
    );
    let (_, page) = split(client.get(list).bearer_auth(&token).send().await.unwrap()).await;
    assert_eq!(
        page["value"][0]["id"],
        format!("{VAULT_URL}/secrets/s0"),
        "ids name the vault as Azure does"
    );
    let next = page["nextLink"].as_str().unwrap();
    let (_, rest) = split(client.get(next).bearer_auth(&token).send().await.unwrap()).await;
    assert_eq!(rest["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_host_can_have_a_port_of_its_own() {
    let own = "login.sim.test=127.0.0.1:0".parse().unwrap();
    let sim = Sim::with(|options| options.listen_host.push(own)).await;
    let hosts = HostsFile(sim.endpoints().hosts_file.clone());
    let free = hosts.find("login.sim.test").unwrap();
    assert_ne!(free.port(), sim.endpoints().port);
    let url = format!("https://{free}/{TENANT}/oauth2/v2.0/token");
    let answer = plain_client(&sim)
        .post(url)
        .form(&secret_form(SCOPE))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let answer = sim
        .client()
        .post(token_url())
        .form(&secret_form(SCOPE))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "and goes by its name there");
}

#[tokio::test]
async fn tls_can_be_left_out() {
    let sim = Sim::with(|options| options.plain_http = true).await;
    let endpoints = sim.endpoints();
    assert_eq!(endpoints.authority_host, "http://login.sim.test");
    let url = format!(
        "{}/_host/login.sim.test/{TENANT}/oauth2/v2.0/token",
        endpoints.azure
    );
    assert!(url.starts_with("http://127.0.0.1:"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(
        client
            .post(url)
            .form(&secret_form(SCOPE))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn http2_is_offered_unless_told_otherwise() {
    for (http1_only, version) in [
        (false, http::Version::HTTP_2),
        (true, http::Version::HTTP_11),
    ] {
        let sim = Sim::with(|options| options.http1_only = http1_only).await;
        let url = format!("{LOGIN_URL}/common/discovery/keys");
        assert_eq!(
            sim.client().get(url).send().await.unwrap().version(),
            version
        );
    }
}

#[tokio::test]
async fn an_unknown_host_is_told_what_there_is() {
    let sim = Sim::start().await;
    let answer = plain_client(&sim)
        .get(format!("{}/x", sim.endpoints().azure))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 404);
    assert!(answer.text().await.unwrap().contains("login.sim.test"));
}

#[tokio::test]
async fn the_ca_and_the_tokens_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let start = async || Simulator::start(Options::new(dir.path())).await.unwrap();
    let first = start().await;
    let ca = std::fs::read(&first.endpoints().ca_file).unwrap();
    first.stop().await;
    let second = start().await;
    assert_eq!(std::fs::read(&second.endpoints().ca_file).unwrap(), ca);
    for key in ["ca-key.pem", "token-key.pem"] {
        let mode = std::fs::metadata(dir.path().join(key))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([Certificate::from_pem(&ca).unwrap()])
        .build()
        .unwrap();
    let url = format!(
        "{}/_host/login.sim.test/common/discovery/keys",
        second.endpoints().azure
    );
    assert_eq!(client.get(url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_ca_can_be_asked_for_from_elsewhere() {
    let sim = Sim::start().await;
    let answer = sim.try_admin(Method::GET, "/ca.pem", &Value::Null).await;
    assert_eq!(answer.status(), 200);
    let kept = std::fs::read_to_string(&sim.endpoints().ca_file).unwrap();
    assert_eq!(answer.text().await.unwrap(), kept);
}

#[tokio::test]
async fn endpoints_are_written_down() {
    let sim = Sim::start().await;
    let file = sim.endpoints().ca_file.with_file_name("endpoints.json");
    let written: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(written, serde_json::to_value(sim.endpoints()).unwrap());
    assert_eq!(written["keyVaultAudience"], "https://vault.sim.test");
}

#[tokio::test]
async fn a_seed_file_is_yaml_or_json() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = "tenants:\n- {id: t1, name: one.test}\nvaults:\n- name: kv-yaml\n  tenantId: t1\n  secrets:\n  - {name: s, value: v, expires: 2030-01-01T00:00:00Z, notBefore: 5}\n";
    let json =
        r#"{"vaults": [{"name": "kv-json", "tenantId": "t1", "authorization": "AccessPolicies"}]}"#;
    for (text, vault) in [(yaml, "kv-yaml"), (json, "kv-json")] {
        let seed = dir.path().join("seed");
        std::fs::write(&seed, text).unwrap();
        let sim = Sim::with(|options| options.seed = Some(seed)).await;
        assert!(
            sim.look("/vaults").await["vaults"]
                .as_array()
                .unwrap()
                .contains(&json!(vault))
        );
    }
}

#[tokio::test]
async fn a_bad_seed_file_is_told_without_its_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        ("vaults: [{name: kv-bad}]", "tenantId is needed"),
        (
            "vaults:\n- name: kv-bad\n  secrets:\n  - {name: s, value: planted, enabled: maybe}\n",
            "line 4",
        ),
    ];
    for (text, told) in cases {
        std::fs::write(dir.path().join("seed"), text).unwrap();
        let mut options = Options::new(dir.path().join("sim"));
        options.seed = Some(dir.path().join("seed"));
        let error = format!("{:#}", Simulator::start(options).await.unwrap_err());
        assert!(
            error.contains(told) && !error.contains("planted"),
            "{error}"
        );
    }
}
