//! Proxies of the environment are never asked for a token of the machine; the token proxy of a cluster is asked for those
//! of workload identity.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::time::Duration;

use http::{Method, StatusCode};
use lakevault::azure::auth::managed::Patience;
use lakevault::azure::http::{Http, HttpOptions, Request, Route};
use lakevault::problem::Reason;
use lakevault::telemetry::metrics::Metrics;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::machine::{
    APPLICATION, Machine, SYSTEM, TENANT, client_of, environment, resource, system,
};

/// Says to this program, started anew, where the metadata service is.
const CHILD: &str = "LAKEVAULT_TEST_METADATA_SERVICE";
/// What the trap answers that stands in a proxy's place.
const TRAPPED: u16 = 418;

/// Proxies are read from the environment of a process, so this program starts itself with a trap in a proxy's place.
#[tokio::test]
async fn a_proxy_of_the_environment_is_never_asked_for_a_token() {
    let test = "proxies::a_proxy_of_the_environment_is_never_asked_for_a_token";
    if let Ok(metadata_service) = std::env::var(CHILD) {
        return behind_a_proxy(metadata_service).await;
    }
    let machine = Machine::usual("proxy").await;
    let trap = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = format!("http://{}", trap.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in trap.incoming() {
            let mut stream = stream.unwrap();
            // The request is small: one packet holds it.
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            let answer = format!("HTTP/1.1 {TRAPPED} trapped\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]);
    child.env(CHILD, &machine.simulator.endpoints().managed_identity.imds);
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        child.env(name, &proxy);
    }
    let ended = tokio::task::spawn_blocking(move || child.output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert_eq!(machine.requests("imds").await, 2);
}

async fn behind_a_proxy(metadata_service: String) {
    testbed::install_tls_provider();
    let http = Http::new(&HttpOptions::default(), Metrics::default()).unwrap();
    let proxied = Request {
        route: Route::Default,
        method: Method::GET,
        url: metadata_service.parse().unwrap(),
        headers: Vec::new(),
        body: None,
        timeout: Duration::from_secs(20),
    };
    let answer = http.send("Probe", "the trap", proxied).await.unwrap();
    assert_eq!(
        answer.status,
        StatusCode::from_u16(TRAPPED).unwrap(),
        "the trap does not work"
    );
    let variable = vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata_service)];
    let environment = environment(variable);
    for patience in [Patience::Probe, Patience::Book] {
        let token = system(&http, &environment, &resource(), patience).await;
        assert_eq!(client_of(&token.unwrap()), SYSTEM);
    }
}

/// The simulator's Entra on a port of its own stands in the place of the cluster's token proxy: it is found by address,
/// and its certificate is for the name that TLS asks for.
#[tokio::test]
async fn a_token_proxy_is_asked_by_its_own_name_and_trusted_by_its_own_ca() {
    let machine = Machine::usual("token-proxy").await;
    let endpoints = machine.simulator.endpoints();
    let authority = testbed::pki::Authority::new(machine.scratch.path()).unwrap();
    let own = Some(endpoints.ca_file.clone());
    let other = Some(authority.certificate().to_owned());
    // The roots of the operator and those of the proxy; the proxy's alone count where there are some.
    for (operators, proxys, trusted) in [
        (&None, &own, true),
        (&own, &None, true),
        (&None, &None, false),
        (&own, &other, false),
    ] {
        let options = HttpOptions {
            ca_file: operators.clone(),
            // The name for TLS has no address: only the proxy's host has.
            hosts_file: None,
        };
        let http = Http::new(&options, Metrics::default()).unwrap();
        let proxy = machine.token_proxy(proxys.as_deref());
        let request = proxy.redirect(entra_request()).await.unwrap();
        match http.send("GetToken", "the token proxy", request).await {
            Ok(answer) => {
                assert!(trusted, "trusted with {operators:?}, {proxys:?}");
                let body: Value = serde_json::from_slice(answer.body.bytes()).unwrap();
                assert_eq!(answer.status, StatusCode::OK, "{body}");
            }
            Err(problem) => {
                assert!(!trusted, "{problem}");
                assert_eq!(problem.reason, Reason::CertificateNotTrusted, "{problem}");
            }
        }
    }
}

fn entra_request() -> Request {
    let form = format!(
        "grant_type=client_credentials&client_id={APPLICATION}&client_secret=right&scope=https%3A%2F%2Fvault.sim.test%2F.default"
    );
    let form_type = http::HeaderValue::from_static("application/x-www-form-urlencoded");
    Request {
        route: Route::Default,
        method: Method::POST,
        // Nobody has this name: only the proxy knows where Entra is.
        url: format!("https://login.nowhere.test/{TENANT}/oauth2/v2.0/token")
            .parse()
            .unwrap(),
        headers: vec![(http::header::CONTENT_TYPE, form_type)],
        body: Some(Zeroizing::new(form.into_bytes())),
        timeout: Duration::from_secs(20),
    }
}
