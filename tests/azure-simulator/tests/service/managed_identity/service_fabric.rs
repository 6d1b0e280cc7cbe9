//! Service Fabric.

use std::fmt::Write as _;

use serde_json::json;

use super::{RESOURCE, USER, ask, client_of, start, user_identity, with_query};
use crate::common::{Sim, split};

/// A client of Service Fabric's, which knows the certificate and not a CA.
fn fabric_client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .tls_info(true)
        .build()
        .unwrap()
}

#[tokio::test]
async fn service_fabric_is_known_by_its_thumbprint() {
    let sim = start(&[user_identity()]).await;
    let at = &sim.endpoints().managed_identity;
    let query = [
        ("api-version", "2019-07-01-preview"),
        ("resource", RESOURCE),
    ];
    let request = fabric_client().get(with_query(&at.service_fabric, &query));
    let answer = request.header("Secret", &at.header).send().await.unwrap();
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
    let print = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        info.peer_certificate().unwrap(),
    );
    let mut hex = String::new();
    for byte in print.as_ref() {
        write!(hex, "{byte:02X}").unwrap();
    }
    assert_eq!(hex, at.service_fabric_thumbprint);
    let (status, body) = split(answer).await;
    assert_eq!((status, client_of(&body)), (200, USER.to_owned()));
    let trusting = sim.client().get(&at.service_fabric).send().await;
    assert!(trusting.is_err(), "the certificate is of no CA");
}

#[tokio::test]
async fn service_fabric_words_its_refusals() {
    let sim = start(&[user_identity()]).await;
    let at = &sim.endpoints().managed_identity;
    let request =
        |query: &[(&str, &str)]| fabric_client().get(with_query(&at.service_fabric, query));
    let version = ("api-version", "2019-07-01-preview");
    let resource = ("resource", RESOURCE);
    let cases = [
        (request(&[version, resource]), 400, "SecretHeaderNotFound"),
        (
            request(&[version, resource]).header("Secret", "x"),
            404,
            "ManagedIdentityNotFound",
        ),
        (
            request(&[resource]).header("Secret", &at.header),
            400,
            "InvalidApiVersion",
        ),
        (
            request(&[version]).header("Secret", &at.header),
            400,
            "ArgumentNullOrEmpty",
        ),
    ];
    for (request, expected, code) in cases {
        let (status, body) = ask(request).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (expected, &json!(code)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn the_header_and_the_thumbprint_outlive_a_restart() {
    let sim = Sim::start().await;
    let before = sim.endpoints().managed_identity.clone();
    sim.simulator.stop().await;
    let options = azure_simulator::Options::new(sim.dir.path().join("sim"));
    let again = azure_simulator::Simulator::start(options).await.unwrap();
    let after = &again.endpoints().managed_identity;
    assert_eq!(
        (&after.header, &after.service_fabric_thumbprint),
        (&before.header, &before.service_fabric_thumbprint)
    );
}
