//! The harness and the simulator agree on what they say to each other.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures::StreamExt;
use reqwest::{Certificate, Client, Response};
use serde_json::{Value, json};
use testbed::{Endpoints, Fault, FaultRule, Scratch, Simulator};

const TENANT: &str = "11111111-1111-4111-8111-111111111111";
const CLIENT: &str = "22222222-2222-4222-8222-222222222222";
const OBJECT: &str = "33333333-3333-4333-8333-333333333333";

fn seed() -> Value {
    json!({
        "tenants": [{
            "id": TENANT,
            "applications": [{"clientId": CLIENT, "objectId": OBJECT, "name": "app", "secrets": [{"value": "right"}]}],
        }],
        "vaults": [{
            "name": "kv-demo",
            "tenantId": TENANT,
            "roleAssignments": [{"principalId": OBJECT, "role": "Key Vault Secrets User"}],
            "secrets": [{"name": "one", "value": "first"}],
        }],
    })
}

/// A client of Azure that finds the simulator's hosts.
fn azure(endpoints: &Endpoints) -> Client {
    let ca = Certificate::from_pem(&std::fs::read(&endpoints.ca_file).unwrap()).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, endpoints.port));
    let login = endpoints.authority_host.strip_prefix("https://").unwrap();
    let vault = format!("kv-demo.{}", endpoints.key_vault_suffix);
    let client = Client::builder().no_proxy().tls_certs_only([ca]);
    client
        .resolve(login, address)
        .resolve(&vault, address)
        .build()
        .unwrap()
}

async fn ask_token(azure: &Client, endpoints: &Endpoints, secret: &str) -> Response {
    let scope = format!("{}/.default", endpoints.key_vault_audience);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", secret),
        ("scope", &scope),
    ];
    let url = format!("{}/{TENANT}/oauth2/v2.0/token", endpoints.authority_host);
    azure.post(url).form(&form).send().await.unwrap()
}

async fn read_secret(azure: &Client, endpoints: &Endpoints, token: &str) -> Response {
    let url = format!(
        "{}/secrets/one?api-version=7.4",
        endpoints.vault_url("kv-demo")
    );
    azure.get(url).bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn a_changed_secret_is_read_and_noted() {
    let scratch = Scratch::new("testbed-simulator-secret").unwrap();
    let simulator = Simulator::start(scratch.path(), seed()).await.unwrap();
    let endpoints = simulator.endpoints();
    let azure = azure(endpoints);
    let version = simulator
        .admin()
        .put_secret("kv-demo", "one", "second")
        .await
        .unwrap();
    let token: Value = ask_token(&azure, endpoints, "right")
        .await
        .json()
        .await
        .unwrap();
    let answer = read_secret(&azure, endpoints, token["access_token"].as_str().unwrap()).await;
    assert_eq!(answer.status(), 200);
    let secret: Value = answer.json().await.unwrap();
    assert_eq!(secret["value"], "second");
    assert!(secret["id"].as_str().unwrap().ends_with(&version));

    let counters = simulator.admin().counters().await.unwrap();
    assert_eq!(
        (
            counters.answered("login", "GetToken", 200),
            counters.of("kv-demo", "GetSecret")
        ),
        (1, 1)
    );
    let journal = simulator.admin().journal(0).await.unwrap();
    let read = journal
        .entries
        .iter()
        .find(|entry| entry.operation == "GetSecret")
        .unwrap();
    assert_eq!(read.vault.as_deref(), Some("kv-demo"));
    assert_eq!(read.principal.as_ref().unwrap().object_id, OBJECT);
    assert!(
        simulator
            .admin()
            .journal(journal.next)
            .await
            .unwrap()
            .entries
            .is_empty()
    );
}

#[tokio::test]
async fn a_fault_meets_as_many_requests_as_ordered() {
    let scratch = Scratch::new("testbed-simulator-fault").unwrap();
    let simulator = Simulator::start(scratch.path(), seed()).await.unwrap();
    let endpoints = simulator.endpoints();
    let azure = azure(endpoints);
    let rule = FaultRule::new("login.*", Fault::throttled(Some(7))).times(1);
    simulator.admin().add_fault(&rule).await.unwrap();
    let refused = ask_token(&azure, endpoints, "right").await;
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "7")
    );
    assert_eq!(ask_token(&azure, endpoints, "right").await.status(), 200);
}

#[tokio::test]
async fn every_fault_is_understood() {
    let scratch = Scratch::new("testbed-simulator-faults").unwrap();
    let simulator = Simulator::start(scratch.path(), seed()).await.unwrap();
    let foreign = Fault::ForeignChallenge {
        authorization: "https://a.test/b".into(),
        resource: "https://c.test".into(),
    };
    let faults = [
        Fault::LatencyMs(1),
        Fault::status(500),
        Fault::Hang(true),
        Fault::ResetMidBody(true),
        Fault::MalformedJson(true),
        Fault::EmptyBody(true),
        Fault::ExpiredToken(true),
        foreign,
        Fault::Forbidden("ForbiddenByRbac".into()),
        Fault::DnsFailure(true),
        Fault::UntrustedCertificate(true),
    ];
    for fault in faults {
        // The last two are about the host as such, and the simulator refuses them with a path or a share.
        let about_host = matches!(fault, Fault::DnsFailure(_) | Fault::UntrustedCertificate(_));
        let rule = FaultRule::new("*", fault);
        let rule = if about_host {
            rule
        } else {
            rule.on_path("^/secrets/.*").share(0.5)
        };
        let id = simulator.admin().add_fault(&rule).await.unwrap();
        simulator.admin().remove_fault(&id).await.unwrap();
    }
    simulator.admin().clear_faults().await.unwrap();
}

#[tokio::test]
async fn a_vault_that_is_removed_has_no_name_any_more() {
    let scratch = Scratch::new("testbed-simulator-hosts").unwrap();
    let simulator = Simulator::start(scratch.path(), seed()).await.unwrap();
    let hosts = || std::fs::read_to_string(&simulator.endpoints().hosts_file).unwrap();
    let line = format!(
        "127.0.0.1:{} kv-demo.{}",
        simulator.endpoints().port,
        simulator.endpoints().key_vault_suffix
    );
    assert!(hosts().contains(&line));
    simulator.admin().delete_vault("kv-demo").await.unwrap();
    assert!(!hosts().contains("kv-demo"));
}

#[tokio::test]
async fn the_rest_of_the_admin_api_is_understood() {
    let scratch = Scratch::new("testbed-simulator-admin").unwrap();
    let simulator = Simulator::start(scratch.path(), seed()).await.unwrap();
    let admin = simulator.admin();
    admin.seed(&seed()).await.unwrap();
    admin
        .settings(&json!({"vaultLatencyMs": 1, "tokenLatencyMs": 1}))
        .await
        .unwrap();
    admin.clock_skew(60).await.unwrap();
    admin
        .put_issuer("https://127.0.0.1:6443", &simulator.endpoints().ca_file)
        .await
        .unwrap();
    let application = json!({"objectId": OBJECT, "name": "app", "secrets": [{"value": "other"}]});
    admin
        .put_application(TENANT, CLIENT, &application)
        .await
        .unwrap();
    admin.delete_application(TENANT, CLIENT).await.unwrap();
    admin
        .put_vault("kv-more", &json!({"tenantId": TENANT}))
        .await
        .unwrap();
    admin
        .patch_vault("kv-more", &json!({"publicNetworkAccess": "Disabled"}))
        .await
        .unwrap();
    admin
        .patch_secret("kv-demo", "one", &json!({"enabled": false}))
        .await
        .unwrap();
    admin.delete_secret("kv-demo", "one").await.unwrap();
    admin.purge_secret("kv-demo", "one").await.unwrap();
    admin.clear_journal().await.unwrap();
    admin.clear_counters().await.unwrap();
}

#[tokio::test]
async fn the_authority_outlives_a_restart_and_sigterm_is_heeded() {
    let scratch = Scratch::new("testbed-simulator-restart").unwrap();
    let mut simulator = Simulator::start(scratch.path(), seed()).await.unwrap();
    let before = azure(simulator.endpoints());
    assert_eq!(
        ask_token(&before, simulator.endpoints(), "right")
            .await
            .status(),
        200
    );
    let ca = std::fs::read(&simulator.endpoints().ca_file).unwrap();
    simulator.restart().await.unwrap();
    assert_eq!(std::fs::read(&simulator.endpoints().ca_file).unwrap(), ca);
    assert_eq!(
        ask_token(
            &azure(simulator.endpoints()),
            simulator.endpoints(),
            "right"
        )
        .await
        .status(),
        200
    );
    assert_eq!(
        simulator
            .terminate(Duration::from_secs(20))
            .await
            .unwrap()
            .code(),
        Some(0)
    );
}

#[tokio::test]
async fn the_journal_is_told_as_a_whole() {
    // More than the simulator tells in one answer.
    const REQUESTS: usize = 10_050;
    let scratch = Scratch::new("testbed-simulator-journal").unwrap();
    let simulator = Simulator::start(scratch.path(), seed()).await.unwrap();
    let endpoints = simulator.endpoints();
    let azure = azure(endpoints);
    let refused = futures::stream::iter(0..REQUESTS)
        .map(|_| read_secret(&azure, endpoints, "no token"))
        .buffer_unordered(32);
    assert_eq!(refused.count().await, REQUESTS);
    let admin = simulator.admin();
    assert_eq!(admin.journal(0).await.unwrap().entries.len(), REQUESTS);
    assert_eq!(admin.journal_of("kv-demo").await.unwrap().len(), REQUESTS);
    assert_eq!(admin.journal_of("kv-other").await.unwrap().len(), 0);
}
