//! What gives tokens, to whom, and what it says where it gives none.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use lakevault::azure::auth::managed::{Patience, Which};
use lakevault::azure::http::{Http, HttpOptions};
use lakevault::azure::resource::Resource;
use lakevault::problem::Reason;
use lakevault::retry::Retry;
use lakevault::telemetry::metrics::Metrics;
use serde_json::json;
use testbed::Fault;

use crate::machine::{
    Machine, SYSTEM, USER, USER_OBJECT, USER_RESOURCE, by_client, client_of, environment, resource,
    system, system_identity, user_identity,
};

#[tokio::test]
async fn the_metadata_service_and_app_service_know_an_identity_by_any_of_its_names() {
    let machine = Machine::usual("names").await;
    let kinds = [
        (Which::System, SYSTEM),
        (by_client(), USER),
        (Which::ObjectId(USER_OBJECT.parse().unwrap()), USER),
        (Which::ResourceId(USER_RESOURCE.parse().unwrap()), USER),
    ];
    for host in ["imds", "appservice", "arc"] {
        for (which, expected) in &kinds {
            let token = machine.token(host, which).await;
            let token = token.unwrap_or_else(|problem| panic!("{host}, {which}: {problem}"));
            assert_eq!(client_of(&token), *expected, "{host}, {which}");
        }
    }
}

#[tokio::test]
async fn every_host_gives_a_token_that_is_renewed_at_half_of_its_day() {
    let machine = Machine::usual("hosts").await;
    let hosts = [
        ("imds", SYSTEM),
        ("appservice", SYSTEM),
        ("appservice2017", SYSTEM),
        ("appservice2017windows", SYSTEM),
        ("arc", SYSTEM),
        ("cloudshell", SYSTEM),
        ("azureml", USER),
        ("servicefabric", SYSTEM),
    ];
    for (host, expected) in hosts {
        let token = machine.token(host, &Which::System).await;
        let token = token.unwrap_or_else(|problem| panic!("{host}: {problem}"));
        assert_eq!(client_of(&token), expected, "{host}");
        let hours = |at: jiff::Timestamp| at.duration_since(token.issued_at).as_secs() / 3600;
        // A second may pass between the answer's date and the token's.
        assert!(
            (23..=24).contains(&hours(token.expires_at)),
            "{host}: {token:?}"
        );
        assert!(
            (11..=12).contains(&hours(token.refresh_at)),
            "{host}: {token:?}"
        );
    }
    for host in ["appservice2017", "azureml"] {
        assert_eq!(
            client_of(&machine.token(host, &by_client()).await.unwrap()),
            USER
        );
    }
}

#[tokio::test]
async fn an_identity_that_the_machine_has_not_is_no_other_one() {
    let machine = Machine::start("absent", &[system_identity()]).await;
    for host in ["imds", "appservice", "appservice2017", "azureml", "arc"] {
        let problem = machine.token(host, &by_client()).await.unwrap_err();
        assert_eq!(
            problem.reason,
            Reason::ManagedIdentityNotAssigned,
            "{host}: {problem}"
        );
    }
    let empty = Machine::start("none", &[]).await;
    for host in ["imds", "appservice", "arc", "servicefabric", "cloudshell"] {
        let problem = empty.token(host, &Which::System).await.unwrap_err();
        assert_eq!(
            problem.reason,
            Reason::ManagedIdentityNotAssigned,
            "{host}: {problem}"
        );
    }
}

#[tokio::test]
async fn of_several_identities_one_must_be_named() {
    let mut other = user_identity();
    other["clientId"] = json!("cccccccc-0000-4000-8000-000000000003");
    other["objectId"] = json!("cccccccc-0000-4000-8000-00000000000c");
    other["resourceId"] = json!(USER_RESOURCE.replace("/user", "/other"));
    let machine = Machine::start("several", &[user_identity(), other]).await;
    let problem = machine.token("imds", &Which::System).await.unwrap_err();
    assert_eq!(problem.reason, Reason::InvalidSpec);
    assert!(
        problem.message.contains("spec.managedIdentity.clientId"),
        "{problem}"
    );
    assert_eq!(
        client_of(&machine.token("imds", &by_client()).await.unwrap()),
        USER
    );
}

#[tokio::test]
async fn an_unknown_resource_is_told_from_an_unknown_identity() {
    let machine = Machine::usual("resource").await;
    let environment = environment(machine.variables("imds"));
    let elsewhere = Resource::new("https://vault.elsewhere.test");
    let problem = system(&machine.http(), &environment, &elsewhere, Patience::Book)
        .await
        .unwrap_err();
    assert_eq!(problem.reason, Reason::ResourceNotFound, "{problem}");
    assert_eq!(problem.azure_code.as_deref(), Some("AADSTS500011"));
}

#[tokio::test]
async fn what_an_endpoint_answers_in_trouble_says_when_to_ask_again() {
    let machine = Machine::usual("faults").await;
    let after = |seconds| Retry::After(Duration::from_secs(seconds));
    for (fault, reason, retry) in [
        (
            Fault::status(404),
            Reason::ManagedIdentityUnavailable,
            Retry::Backoff,
        ),
        (Fault::status(410), Reason::AzureUnavailable, after(70)),
        (Fault::throttled(Some(9)), Reason::Throttled, after(9)),
        (Fault::throttled(None), Reason::Throttled, Retry::Backoff),
        (Fault::status(500), Reason::AzureUnavailable, Retry::Backoff),
        (Fault::status(503), Reason::AzureUnavailable, Retry::Backoff),
        (
            Fault::EmptyBody(true),
            Reason::ManagedIdentityUnavailable,
            Retry::Backoff,
        ),
        (
            Fault::ResetMidBody(true),
            Reason::ManagedIdentityUnavailable,
            Retry::Backoff,
        ),
    ] {
        machine.fault("imds", fault.clone()).await;
        let before = machine.requests("imds").await;
        let problem = machine.token("imds", &Which::System).await.unwrap_err();
        assert_eq!(
            (problem.reason, problem.retry),
            (reason, retry),
            "{fault:?}: {problem}"
        );
        assert_eq!(
            machine.requests("imds").await,
            before + 1,
            "{fault:?}: one try is one request"
        );
    }
    machine.fault("arc", Fault::status(500)).await;
    let problem = machine.token("arc", &Which::System).await.unwrap_err();
    assert_eq!(problem.reason, Reason::AzureUnavailable, "{problem}");
}

#[tokio::test]
async fn where_nobody_listens_the_metadata_service_is_unavailable() {
    let port = {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        free.local_addr().unwrap().port()
    };
    testbed::install_tls_provider();
    let http = Http::new(&HttpOptions::default(), Metrics::default()).unwrap();
    let host = format!("http://127.0.0.1:{port}");
    let environment = environment(vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", host)]);
    for patience in [Patience::Probe, Patience::Book] {
        let problem = system(&http, &environment, &resource(), patience)
            .await
            .unwrap_err();
        assert_eq!(
            problem.reason,
            Reason::ManagedIdentityUnavailable,
            "{problem}"
        );
        assert!(problem.message.contains("hostNetwork"), "{problem}");
    }
}
