//! Recorded traffic of the real Data Lake and blob endpoints, made by the C++ and the Rust client with an account's key.
//!
//! The C++ recordings hold neither bodies nor most headers of requests: what its tests sent is put in by hand, call by
//! call. What must be as it was: status, every header but those with a value of their own each time, every field of the
//! bodies but times and ids. An `ETag` must be the same whenever the recorded one is, and another whenever that is.

mod calls;

use std::collections::HashMap;

use azure_simulator::NameSet;
use calls::{ACCOUNT, Exchange, KEY, authorization, cpp, rust};
use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Sim, TENANT};

/// Headers with a value of their own each time.
const OWN: [&str; 5] = [
    "date",
    "etag",
    "last-modified",
    "x-ms-creation-time",
    "x-ms-request-id",
];

struct Replay {
    sim: Sim,
    client: reqwest::Client,
    /// The recorded `ETag`, and ours.
    etags: HashMap<String, String>,
    last_modified: String,
}

impl Replay {
    async fn start() -> Self {
        let sim = Sim::with(|options| options.names = NameSet::Public).await;
        let account =
            json!({"name": ACCOUNT, "tenantId": TENANT, "isHnsEnabled": true, "keys": [KEY, KEY]});
        sim.admin(
            Method::POST,
            "/seed",
            &json!({"storageAccounts": [account]}),
        )
        .await;
        Self {
            client: sim.client(),
            sim,
            etags: HashMap::new(),
            last_modified: String::new(),
        }
    }

    async fn run(&mut self, name: &str, exchanges: Vec<Exchange>) {
        assert!(!exchanges.is_empty(), "{name}");
        for (number, exchange) in exchanges.iter().enumerate() {
            let what = format!("{name} {number}: {} {}", exchange.method, exchange.url);
            self.check(exchange, &what).await;
        }
    }

    async fn check(&mut self, exchange: &Exchange, what: &str) {
        let mut headers: Vec<(String, String)> = exchange
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), self.translated(value)))
            .collect();
        headers.push(("x-ms-date".into(), "Thu, 01 Jan 2026 00:00:00 GMT".into()));
        let signed = authorization(exchange, &headers);
        headers.push(("authorization".into(), signed));
        let request = self
            .client
            .request(exchange.method.clone(), exchange.url.clone());
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let ours: HashMap<String, String> = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let text = answer.text().await.unwrap();
        assert_eq!(status, exchange.status, "{what}: {text}");
        self.compare_headers(&exchange.answer, &ours, what);
        assert_eq!(
            text.ends_with('\n'),
            exchange.body.ends_with('\n'),
            "{what}: {text:?}"
        );
        let (recorded, ours) = (body(&exchange.body), body(&text));
        self.learn_etags(&recorded, &ours);
        assert_eq!(
            self.comparable(&recorded, true),
            self.comparable(&ours, false),
            "{what}"
        );
    }

    /// What a test put in by hand: the `ETag` or the time of the answer before.
    fn translated(&self, value: &str) -> String {
        match value {
            "LAST-MODIFIED" => self.last_modified.clone(),
            value => match value.strip_prefix("ETAG:") {
                Some(recorded) => self.etags[recorded].clone(),
                None => value.to_owned(),
            },
        }
    }

    fn compare_headers(
        &mut self,
        recorded: &HashMap<String, String>,
        ours: &HashMap<String, String>,
        what: &str,
    ) {
        // How the length of a body is told is HTTP's own matter.
        let chunked = recorded.contains_key("transfer-encoding");
        let counts = |name: &&String| {
            *name != "transfer-encoding" && !(chunked && *name == "content-length")
        };
        let names = |of: &HashMap<String, String>| {
            let mut names: Vec<String> = of.keys().filter(counts).cloned().collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names(ours), names(recorded), "{what}");
        for (name, value) in recorded {
            if OWN.contains(&name.as_str()) || !counts(&name) {
                continue;
            }
            assert_eq!(ours.get(name), Some(value), "{what}: {name}");
        }
        if let (Some(recorded), Some(ours)) = (recorded.get("etag"), ours.get("etag")) {
            self.learn(recorded, ours);
        }
        if let Some(modified) = ours.get("last-modified") {
            self.last_modified.clone_from(modified);
        }
    }

    /// The same `ETag` stays the same, and another is another.
    fn learn(&mut self, recorded: &str, ours: &str) {
        let known = self
            .etags
            .entry(recorded.to_owned())
            .or_insert_with(|| ours.to_owned());
        assert_eq!(known, ours, "{recorded}");
        let same = self.etags.values().filter(|one| *one == ours).count();
        assert_eq!(same, 1, "{recorded}: {ours} is another's, too");
    }

    /// Lists tell `ETag`s without quotes.
    fn learn_etags(&mut self, recorded: &Value, ours: &Value) {
        for list in ["paths", "filesystems"] {
            let pairs = recorded[list].as_array().into_iter().flatten();
            for (number, one) in pairs.enumerate() {
                let etag = |one: &Value| format!("\"{}\"", one["etag"].as_str().unwrap());
                let ours = &ours[list][number];
                assert_eq!(ours["name"], one["name"]);
                self.learn(&etag(one), &etag(ours));
            }
        }
    }

    /// A body with times and ids as their shape.
    fn comparable(&self, body: &Value, recorded: bool) -> Value {
        match body {
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| {
                    let text = value.as_str().unwrap_or_default();
                    let value = match name.as_str() {
                        "lastModified" => json!(text.len()),
                        "creationTime" => json!((text.len(), text.parse::<u64>().is_ok())),
                        "etag" if recorded => {
                            json!(self.etags[&format!("\"{text}\"")].trim_matches('"'))
                        }
                        "message" => message(text),
                        _ => self.comparable(value, recorded),
                    };
                    (name.clone(), value)
                })
                .collect(),
            Value::Array(list) => list
                .iter()
                .map(|one| self.comparable(one, recorded))
                .collect(),
            other => other.clone(),
        }
    }
}

/// The text of an error, and the length of what follows it.
fn message(text: &str) -> Value {
    let (text, rest) = text.split_once("\nRequestId:").unwrap();
    let (id, time) = rest.split_once("\nTime:").unwrap();
    json!([text, id.len(), time.len()])
}

fn body(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(text).unwrap()
    }
}

const SOMEBODY: &str = "72a3f86f-271f-439e-b031-25678907d381";

#[tokio::test]
async fn directories_are_created_and_deleted_as_recorded() {
    let sent = |number| match number {
        2 | 3 => vec![("if-none-match", "*".to_owned())],
        _ => Vec::new(),
    };
    let name = "DataLakeDirectoryClientTest.CreateDeleteIfExistsDirectory";
    let Some(exchanges) = cpp(name, sent) else {
        return;
    };
    Replay::start().await.run(name, exchanges).await;
}

#[tokio::test]
async fn lists_are_changed_recursively_as_recorded() {
    let acl = |list: String| vec![("x-ms-acl", list)];
    let sent = |number| match number {
        5 => acl(format!(
            "user::rwx,user:{SOMEBODY}:rwx,group::r--,other::---"
        )),
        8 => acl(format!(
            "user::rwx,user:{SOMEBODY}:rwx,group::rw-,other::---"
        )),
        11 => acl(format!("user:{SOMEBODY}")),
        14 => acl("user::rw-,group::rw-,other::rw-".to_owned()),
        _ => Vec::new(),
    };
    let name = "DataLakeDirectoryClientTest.DirectoryAccessControlRecursive";
    let Some(exchanges) = cpp(name, sent) else {
        return;
    };
    Replay::start().await.run(name, exchanges).await;
}

#[tokio::test]
async fn a_list_is_set_under_conditions_as_recorded() {
    let list = format!("user::rwx,user:{SOMEBODY}:rwx,group::r--,other::---");
    let etag = "ETAG:\"0x8D9CBC814F9C566\"".to_owned();
    let sent = |number| {
        let condition = match number {
            2 => None,
            5 => Some(("if-modified-since", "LAST-MODIFIED".to_owned())),
            6 => Some(("if-unmodified-since", "LAST-MODIFIED".to_owned())),
            8 => Some(("if-none-match", etag.clone())),
            9 => Some(("if-match", etag.clone())),
            _ => return Vec::new(),
        };
        [("x-ms-acl", list.clone())]
            .into_iter()
            .chain(condition)
            .collect()
    };
    let name = "DataLakePathClientTest.PathAccessControls";
    let Some(exchanges) = cpp(name, sent) else {
        return;
    };
    Replay::start().await.run(name, exchanges).await;
}

async fn replay_rust(name: &str) {
    let Some(exchanges) = rust(name) else { return };
    Replay::start().await.run(name, exchanges).await;
}

#[tokio::test]
async fn a_filesystem_lives_as_recorded() {
    let name = "datalake_file_system";
    let Some(exchanges) = rust(name) else { return };
    let mut replay = Replay::start().await;
    // Another recording was made at the same time.
    let path = format!("/filesystems/{ACCOUNT}/azurerustsdk-datalake-file-system-list-paths");
    replay.sim.admin(Method::PUT, &path, &Value::Null).await;
    replay.run(name, exchanges).await;
}

#[tokio::test]
async fn a_files_properties_are_as_recorded() {
    replay_rust("datalake_file_properties").await;
}

#[tokio::test]
async fn paths_are_listed_as_recorded() {
    replay_rust("datalake_file_system_list_paths").await;
}

#[tokio::test]
async fn a_file_is_renamed_as_recorded() {
    replay_rust("datalake_file_rename").await;
}
