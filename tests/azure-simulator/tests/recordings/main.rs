//! Recorded traffic of the real Key Vault and Resource Manager, replayed against the simulator and compared field by
//! field. `manager` and `storage` have that of Resource Manager; here is the data plane's.
//!
//! What there is: three recordings of the secrets data plane, made by the C++ client against api-version 7.3 (create,
//! update, delete, recover, purge, with the 404s while deletion and recovery were under way). They hold no request
//! bodies; those are rebuilt as that client writes them. No recording in the folder holds Entra traffic, the login
//! host is held to its protocol by the official clients alone.
//!
//! Between two calls the simulator's clock is moved as far as the recording's moved, so nothing is waited for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests; a skip is said aloud"
)]

#[path = "../common/mod.rs"]
mod common;
mod data_lake;
mod manager;
mod storage;

use std::{collections::HashMap, path::PathBuf};

use common::{Caller, Sim};
use jiff::fmt::rfc2822;
use reqwest::{Method, header::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const RECORDED_HOST: &str = "https://REDACTED.vault.azure.net";
/// Headers whose value is always the same.
const FIXED_HEADERS: [&str; 9] = [
    "cache-control",
    "content-type",
    "expires",
    "pragma",
    "strict-transport-security",
    "x-content-type-options",
    "x-ms-client-request-id",
    "x-ms-keyvault-region",
    "x-powered-by",
];
/// Headers that are there with a value of their own each time.
const OWN_HEADERS: [&str; 5] = [
    "date",
    "content-length",
    "x-ms-keyvault-network-info",
    "x-ms-keyvault-service-version",
    "x-ms-request-id",
];
const TIMES: [&str; 4] = ["created", "updated", "deletedDate", "scheduledPurgeDate"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    method: String,
    url: String,
    headers: HashMap<String, String>,
    response: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recording {
    network_call_records: Vec<Record>,
}

/// The folder of a project's recordings, or `None` (said aloud) when it is not there.
fn folder(project: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("LAKEVAULT_SHARED").map_or(beside, PathBuf::from);
    let folder = shared.join("azure/recordings").join(project);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var("LAKEVAULT_REQUIRE_SHARED").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "the recordings are required, but {} is not there",
        folder.display()
    );
    println!(
        "SKIPPED: no recordings, {} is not there (LAKEVAULT_SHARED names another place)",
        folder.display()
    );
    None
}

fn read(name: &str) -> Option<Vec<Record>> {
    let file = folder("azure-sdk-for-cpp")?.join(format!("KeyVaultSecretClientTest.{name}.json"));
    let text = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let recording: Recording = serde_json::from_slice(&text).unwrap();
    assert!(!recording.network_call_records.is_empty());
    Some(recording.network_call_records)
}

/// Replays one recording.
async fn replay(name: &str) {
    let Some(records) = read(name) else { return };
    let sim = Sim::start().await;
    sim.admin(
        Method::POST,
        "/settings",
        &json!({"deletionDelayMs": 20_000}),
    )
    .await;
    sim.admin(
        Method::PATCH,
        "/vaults/kv-demo",
        &json!({"location": "westus2"}),
    )
    .await;
    let caller = sim.caller().await;
    let start = date(&records[0]);
    // Version ids are the vault's choice: recorded to ours.
    let mut versions = HashMap::new();
    for (number, record) in records.iter().enumerate() {
        let what = format!("{name} {number}: {} {}", record.method, record.url);
        sim.admin(
            Method::POST,
            "/clock",
            &json!({"skewSeconds": date(record) - start}),
        )
        .await;
        let (status, headers, body) = send(&caller, record, &versions).await;
        assert_eq!(
            status.to_string(),
            record.response["STATUS_CODE"],
            "{what}: {body}"
        );
        compare_headers(&record.response, &headers, &what);
        let recorded = match record.response["BODY"].as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap(),
        };
        learn_version(&recorded, &body, &mut versions);
        assert_eq!(relations(&body), relations(&recorded), "{what}: times");
        assert_eq!(
            comparable(&body, &HashMap::new()),
            comparable(&recorded, &versions),
            "{what}"
        );
    }
}

async fn send(
    caller: &Caller,
    record: &Record,
    versions: &HashMap<String, String>,
) -> (u16, HeaderMap, Value) {
    let url = translated(&record.url, versions);
    let method: Method = record.method.parse().unwrap();
    let mut request = caller
        .client
        .request(method, url)
        .bearer_auth(&caller.token);
    request = request.header(
        "x-ms-client-request-id",
        &record.headers["x-ms-client-request-id"],
    );
    // As the C++ client writes them: it puts tags into the attributes of a set, where the vault overlooks them.
    request = match record.method.as_str() {
        "PUT" => request.json(&json!({"value": "secretValue", "attributes": {"tags": {}}})),
        "PATCH" => request
            .json(&json!({"contentType": "xyz", "tags": {}, "attributes": {"enabled": true}})),
        _ => request,
    };
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    (
        status,
        headers,
        if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        },
    )
}

fn date(record: &Record) -> i64 {
    rfc2822::parse(&record.response["date"].replace("GMT", "+0000"))
        .unwrap()
        .timestamp()
        .as_second()
}

fn compare_headers(recorded: &HashMap<String, String>, ours: &HeaderMap, what: &str) {
    let ours = |name: &str| {
        ours.get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    for name in FIXED_HEADERS {
        assert_eq!(ours(name), recorded.get(name).cloned(), "{what}: {name}");
    }
    for name in OWN_HEADERS {
        assert_eq!(
            ours(name).is_some(),
            recorded.contains_key(name),
            "{what}: {name}"
        );
    }
    let shape = |info: String| {
        info.split(';')
            .map(|part| part.split('=').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let info = "x-ms-keyvault-network-info";
    assert_eq!(
        ours(info).map(shape),
        recorded.get(info).cloned().map(shape),
        "{what}: {info}"
    );
}

/// Version ids stand in the ids of bundles.
fn learn_version(recorded: &Value, ours: &Value, versions: &mut HashMap<String, String>) {
    let version = |body: &Value| {
        body["id"]
            .as_str()
            .and_then(|id| id.rsplit('/').next())
            .map(ToOwned::to_owned)
    };
    if let (Some(recorded), Some(ours)) = (version(recorded), version(ours)) {
        assert_eq!(ours.len(), recorded.len(), "a version id");
        versions.entry(recorded).or_insert(ours);
    }
}

fn translated(text: &str, versions: &HashMap<String, String>) -> String {
    let text = text.replace(RECORDED_HOST, common::VAULT_URL);
    versions
        .iter()
        .fold(text, |text, (recorded, ours)| text.replace(recorded, ours))
}

/// The body with translated texts, and times as their type.
fn comparable(body: &Value, versions: &HashMap<String, String>) -> Value {
    match body {
        Value::String(text) => json!(translated(text, versions)),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let value = match value {
                    Value::Number(number) if TIMES.contains(&name.as_str()) => {
                        json!({"integer": number.is_i64()})
                    }
                    other => comparable(other, versions),
                };
                (name.clone(), value)
            };
            Value::Object(fields.iter().map(field).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// How the times of one body stand to each other.
fn relations(body: &Value) -> Vec<Option<i64>> {
    let between = |early: &Value, late: &Value| Some(late.as_i64()? - early.as_i64()?);
    vec![
        between(&body["deletedDate"], &body["scheduledPurgeDate"]),
        between(
            &body["attributes"]["created"],
            &body["attributes"]["updated"],
        )
        .filter(|gap| *gap > 1),
    ]
}

#[tokio::test]
async fn a_secret_is_created_read_deleted_and_purged_as_recorded() {
    replay("FirstCreateTest").await;
}

#[tokio::test]
async fn a_secret_is_updated_as_recorded() {
    replay("UpdateTest").await;
}

#[tokio::test]
async fn a_secret_is_recovered_as_recorded() {
    replay("Recover").await;
}
