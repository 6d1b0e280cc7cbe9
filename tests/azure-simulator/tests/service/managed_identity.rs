//! The machine's endpoints for managed identities.

use std::{fmt::Write as _, os::unix::fs::PermissionsExt as _, path::Path};

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::{
    common::{OBJECT, Sim, TENANT, VAULT_URL, split},
    entra::claims_of,
};

const SYSTEM: &str = "aaaaaaaa-0000-0000-0000-000000000001";
const USER: &str = "bbbbbbbb-0000-0000-0000-000000000002";
const USER_OBJECT: &str = "bbbbbbbb-0000-0000-0000-00000000000b";
const USER_RESOURCE: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/user";
const RESOURCE: &str = "https://vault.sim.test";

fn system_identity() -> Value {
    // The object id is one that has a role at the vault of the seed.
    json!({"tenantId": TENANT, "clientId": SYSTEM, "objectId": OBJECT, "resourceId": "/subscriptions/s/vm", "system": true})
}

fn user_identity() -> Value {
    json!({"tenantId": TENANT, "clientId": USER, "objectId": USER_OBJECT, "resourceId": USER_RESOURCE})
}

async fn start(identities: &[Value]) -> Sim {
    let sim = Sim::start().await;
    let seed = json!({"managedIdentities": identities});
    sim.admin(Method::POST, "/seed", &seed).await;
    sim
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// `url` with a query.
fn with_query(url: &str, query: &[(&str, &str)]) -> url::Url {
    url::Url::parse_with_params(url, query).unwrap()
}

fn imds(sim: &Sim, query: &[(&str, &str)]) -> RequestBuilder {
    let url = format!(
        "{}/metadata/identity/oauth2/token",
        sim.endpoints().managed_identity.imds
    );
    client().get(with_query(&url, query))
}

async fn ask(request: RequestBuilder) -> (u16, Value) {
    split(request.send().await.unwrap()).await
}

async fn ask_imds(sim: &Sim, more: &[(&str, &str)]) -> (u16, Value) {
    let query = [
        &[("api-version", "2018-02-01"), ("resource", RESOURCE)],
        more,
    ]
    .concat();
    ask(imds(sim, &query).header("Metadata", "true")).await
}

fn client_of(body: &Value) -> String {
    let token = body["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{body}"));
    claims_of(token)["appid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_metadata_service_gives_a_token_in_its_own_form() {
    let sim = start(&[system_identity()]).await;
    let (status, body) = ask_imds(&sim, &[]).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["client_id"], SYSTEM);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["resource"], RESOURCE);
    for number in ["expires_in", "expires_on", "ext_expires_in", "not_before"] {
        let text = body[number]
            .as_str()
            .unwrap_or_else(|| panic!("{number} is text"));
        text.parse::<i64>().unwrap();
    }
    assert_eq!(body["expires_in"], "86399");
    let claims = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(claims["xms_mirid"], "/subscriptions/s/vm");
    assert_eq!(
        (&claims["oid"], &claims["tid"]),
        (&json!(OBJECT), &json!(TENANT))
    );
}

#[tokio::test]
async fn a_vault_takes_the_token_when_the_identity_has_a_role() {
    let sim = start(&[system_identity(), user_identity()]).await;
    for (query, expected) in [(vec![], 200), (vec![("client_id", USER)], 403)] {
        let (_, body) = ask_imds(&sim, &query).await;
        let answer = sim
            .client()
            .get(format!("{VAULT_URL}/secrets?api-version=7.5"))
            .bearer_auth(body["access_token"].as_str().unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), expected, "{query:?}");
    }
}

#[tokio::test]
async fn an_identity_is_named_by_any_of_its_ids() {
    let sim = start(&[system_identity(), user_identity()]).await;
    assert_eq!(client_of(&ask_imds(&sim, &[]).await.1), SYSTEM);
    for named in [
        ("client_id", USER),
        ("object_id", USER_OBJECT),
        ("msi_res_id", USER_RESOURCE),
    ] {
        assert_eq!(
            client_of(&ask_imds(&sim, &[named]).await.1),
            USER,
            "{named:?}"
        );
    }
}

#[tokio::test]
async fn the_metadata_service_words_its_refusals() {
    let sim = start(&[user_identity()]).await;
    let version = ("api-version", "2018-02-01");
    let resource = ("resource", RESOURCE);
    let marked = |query: &[(&str, &str)]| imds(&sim, query).header("Metadata", "true");
    let cases = [
        (
            imds(&sim, &[version, resource]),
            "bad_request_102",
            "Required metadata header",
        ),
        (
            marked(&[version, resource]).header("X-Forwarded-For", "10.0.0.1"),
            "invalid_request",
            "X-Forwarded-For",
        ),
        (
            marked(&[resource]),
            "invalid_request",
            "'api-version' is missing",
        ),
        (
            marked(&[("api-version", "2001-01-01"), resource]),
            "invalid_request",
            "2001-01-01 is not supported",
        ),
        (
            marked(&[version]),
            "invalid_request",
            "Required query variable 'resource' is missing",
        ),
        (
            marked(&[version, ("resource", "https://nobody.test")]),
            "invalid_resource",
            "AADSTS500011: ",
        ),
        (
            marked(&[version, resource, ("client_id", SYSTEM)]),
            "invalid_request",
            "Identity not found",
        ),
        (
            marked(&[
                version,
                resource,
                ("client_id", USER),
                ("object_id", USER_OBJECT),
            ]),
            "invalid_request",
            "Only one of",
        ),
    ];
    for (request, error, text) in cases {
        let (status, body) = ask(request).await;
        assert_eq!((status, &body["error"]), (400, &json!(error)), "{body}");
        let description = body["error_description"].as_str().unwrap();
        assert!(description.contains(text), "{description}");
    }
}

#[tokio::test]
async fn none_and_several_are_told_apart() {
    let sim = start(&[]).await;
    let (status, body) = ask_imds(&sim, &[]).await;
    assert_eq!(
        (status, &body["error_description"]),
        (400, &json!("Identity not found"))
    );
    for (client, object) in [("c1", "o1"), ("c2", "o2")] {
        let path = format!("/managedidentities/{client}");
        sim.admin(
            Method::PUT,
            &path,
            &json!({"tenantId": TENANT, "objectId": object}),
        )
        .await;
    }
    let (status, body) = ask_imds(&sim, &[]).await;
    assert_eq!(status, 400);
    let description = body["error_description"].as_str().unwrap();
    assert!(
        description.starts_with("Multiple user assigned identities exist"),
        "{description}"
    );
    sim.admin(Method::DELETE, "/managedidentities/c1", &Value::Null)
        .await;
    assert_eq!(client_of(&ask_imds(&sim, &[]).await.1), "c2");
    let listed = sim.look("/managedidentities").await;
    assert_eq!(listed["managedIdentities"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn app_service_asks_for_its_header_and_shows_seconds() {
    let sim = start(&[system_identity(), user_identity()]).await;
    let at = &sim.endpoints().managed_identity;
    let request = |query: &[(&str, &str)]| client().get(with_query(&at.app_service, query));
    let query = [("api-version", "2019-08-01"), ("resource", RESOURCE)];
    for wrong in [
        request(&query),
        request(&query).header("X-IDENTITY-HEADER", "other"),
    ] {
        let (status, body) = ask(wrong).await;
        assert_eq!((status, &body["statusCode"]), (401, &json!(401)), "{body}");
    }
    let signed = |query: &[(&str, &str)]| request(query).header("X-IDENTITY-HEADER", &at.header);
    let (status, body) = ask(signed(&query)).await;
    assert_eq!(
        (status, &body["client_id"]),
        (200, &json!(SYSTEM)),
        "{body}"
    );
    assert!(body.get("expires_in").is_none(), "{body}");
    body["expires_on"].as_str().unwrap().parse::<i64>().unwrap();
    for named in [
        ("client_id", USER),
        ("principal_id", USER_OBJECT),
        ("mi_res_id", USER_RESOURCE),
    ] {
        let (_, body) = ask(signed(&[&query[..], &[named]].concat())).await;
        assert_eq!(body["client_id"], USER, "{named:?}");
    }
    let (status, body) = ask(signed(&[&query[..], &[("client_id", "other")]].concat())).await;
    assert_eq!(status, 400);
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("Managed Identity found"),
        "{body}"
    );
}

#[tokio::test]
async fn an_app_without_a_system_identity_must_name_one() {
    let sim = start(&[user_identity()]).await;
    let at = &sim.endpoints().managed_identity;
    let query = [("api-version", "2019-08-01"), ("resource", RESOURCE)];
    let request = client().get(with_query(&at.app_service, &query));
    let (status, _) = ask(request.header("X-IDENTITY-HEADER", &at.header)).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn the_old_app_service_writes_dates_as_its_system_does() {
    let sim = start(&[system_identity(), user_identity()]).await;
    let at = &sim.endpoints().managed_identity;
    let windows = at
        .app_service_old
        .replace("appservice2017", "appservice2017windows");
    let query = [
        ("api-version", "2017-09-01"),
        ("resource", RESOURCE),
        ("clientid", USER),
    ];
    for (url, pattern) in [
        (
            &at.app_service_old,
            r"^\d\d/\d\d/\d{4} \d\d:\d\d:\d\d \+00:00$",
        ),
        (
            &windows,
            r"^\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M \+00:00$",
        ),
    ] {
        let request = client().get(with_query(url, &query));
        assert_eq!(ask(request.try_clone().unwrap()).await.0, 401);
        let (status, body) = ask(request.header("secret", &at.header)).await;
        assert_eq!(status, 200, "{body}");
        let date = body["expires_on"].as_str().unwrap();
        assert!(regex::Regex::new(pattern).unwrap().is_match(date), "{date}");
        assert_eq!(client_of(&body), USER);
    }
}

#[tokio::test]
async fn machine_learning_speaks_the_old_protocol_with_seconds() {
    let sim = start(&[user_identity()]).await;
    let at = &sim.endpoints().managed_identity;
    let query = [("api-version", "2017-09-01"), ("resource", RESOURCE)];
    let request = client().get(with_query(&at.azure_ml, &query));
    assert_eq!(ask(request.try_clone().unwrap()).await.0, 401);
    let (status, body) = ask(request.header("secret", &at.header)).await;
    assert_eq!((status, client_of(&body)), (200, USER.to_owned()));
    body["expires_on"].as_str().unwrap().parse::<i64>().unwrap();
}

#[tokio::test]
async fn cloud_shell_takes_a_form_and_no_choice() {
    let sim = start(&[system_identity()]).await;
    let url = &sim.endpoints().managed_identity.cloud_shell;
    let post = |form: &[(&str, &str)]| client().post(url).form(form);
    let form = [("resource", RESOURCE)];
    let (status, body) = ask(post(&form).header("Metadata", "true")).await;
    assert_eq!((status, client_of(&body)), (200, SYSTEM.to_owned()));
    let (status, body) = ask(post(&form)).await;
    assert_eq!((status, &body["error"]), (400, &json!("bad_request_102")));
    let chosen = [("resource", RESOURCE), ("client_id", USER)];
    assert_eq!(ask(post(&chosen).header("Metadata", "true")).await.0, 400);
    assert_eq!(
        ask(client().get(url).header("Metadata", "true")).await.0,
        405
    );
}

fn arc(sim: &Sim, more: &[(&str, &str)]) -> RequestBuilder {
    let query = [
        &[("api-version", "2020-06-01"), ("resource", RESOURCE)],
        more,
    ]
    .concat();
    client()
        .get(with_query(&sim.endpoints().managed_identity.arc, &query))
        .header("Metadata", "true")
}

/// The path that a challenge names.
fn realm(answer: &Response) -> String {
    assert_eq!(answer.status(), 401);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    challenge.strip_prefix("Basic realm=").unwrap().to_owned()
}

#[tokio::test]
async fn arc_gives_a_token_for_the_key_in_the_file_and_once_only() {
    let sim = start(&[system_identity(), user_identity()]).await;
    let file = realm(&arc(&sim, &[]).send().await.unwrap());
    let path = Path::new(&file);
    assert_eq!(
        path.parent().unwrap(),
        sim.dir.path().join("sim/arc-tokens")
    );
    assert_eq!(path.extension().unwrap(), "key");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let key = format!("Basic {}", std::fs::read_to_string(path).unwrap());
    let (status, body) = ask(arc(&sim, &[]).header("Authorization", &key)).await;
    assert_eq!((status, client_of(&body)), (200, SYSTEM.to_owned()));
    assert!(!path.exists(), "a key is for one use");
    let second = arc(&sim, &[])
        .header("Authorization", &key)
        .send()
        .await
        .unwrap();
    assert_ne!(realm(&second), file, "a fresh file for each challenge");
}

#[tokio::test]
async fn arc_says_which_identity_it_gave() {
    let sim = start(&[system_identity(), user_identity()]).await;
    for (name, value) in [
        ("client_id", USER),
        ("object_id", USER_OBJECT),
        ("msi_res_id", USER_RESOURCE),
    ] {
        let file = realm(&arc(&sim, &[(name, value)]).send().await.unwrap());
        let key = format!("Basic {}", std::fs::read_to_string(file).unwrap());
        let (status, body) = ask(arc(&sim, &[(name, value)]).header("Authorization", key)).await;
        assert_eq!((status, &body[name]), (200, &json!(value)), "{body}");
    }
}

#[tokio::test]
async fn a_fault_makes_arc_point_to_another_file() {
    let sim = start(&[system_identity()]).await;
    sim.fault(json!({"host": "arc", "fault": {"foreignChallenge": {"authorization": "/etc/passwd", "resource": ""}}}))
        .await;
    assert_eq!(realm(&arc(&sim, &[]).send().await.unwrap()), "/etc/passwd");
}

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
async fn faults_and_the_journal_know_the_endpoints() {
    let sim = start(&[system_identity()]).await;
    for status in [404, 410, 429, 500, 503] {
        let fault =
            json!({"host": "imds", "count": 1, "fault": {"status": status, "retryAfter": 3}});
        sim.fault(fault).await;
        let query = [("api-version", "2018-02-01"), ("resource", RESOURCE)];
        let answer = imds(&sim, &query)
            .header("Metadata", "true")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["retry-after"], "3");
        let body: Value = answer.json().await.unwrap();
        assert!(body["error"].is_string(), "{body}");
    }
    assert_eq!(ask_imds(&sim, &[]).await.0, 200);
    let counters = sim.look("/counters").await;
    let counted = &counters["operations"]["imds"]["GetManagedIdentityToken"];
    assert_eq!((&counted["200"], &counted["410"]), (&json!(1), &json!(1)));
    let journal = sim.look("/journal?vault=imds").await;
    let last = journal["entries"].as_array().unwrap().last().unwrap();
    assert_eq!(last["principal"]["clientId"], SYSTEM);
}

#[tokio::test]
async fn the_machines_listener_serves_nothing_else() {
    let sim = start(&[]).await;
    let base = &sim.endpoints().managed_identity.imds;
    for path in [
        "/_host/login.sim.test/common/discovery/keys",
        "/servicefabric/token",
        "/",
    ] {
        let request = client()
            .get(format!("{base}{path}"))
            .header("Host", "login.sim.test");
        assert_eq!(ask(request).await.0, 404, "{path}");
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
