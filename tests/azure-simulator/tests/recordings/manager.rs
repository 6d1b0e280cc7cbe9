//! Recorded traffic of Resource Manager, made by another operator against vaults, groups and role assignments. Its
//! recorder wrote zeros for the ids of subscription and tenant, one date for all times, and left some headers out.
//!
//! What was done before a recording started (a vault made and deleted) is done as it must have been. What is about
//! services that the simulator does not have (an identity made, a key) is left out aloud. Storage accounts are in
//! `storage`.

use azure_simulator::NameSet;
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

use super::{
    common::{SECRET, Sim, split},
    folder,
};

const ZERO: &str = "00000000-0000-0000-0000-000000000000";
const HOST: &str = "https://management.azure.com";
/// Who made the recordings: a user, and before that an application.
const USER: &str = "user@example.com";
const USER_OBJECT: &str = "f5d11ebc-8494-4b5f-a0fc-5fbbfd56f7bb";
const MAKER: &str = "e34593c5-d040-46ec-8a7a-c943fc959bf2";
/// What the operations of a recording take, of which the clock takes them to the end.
const LONG_MS: u32 = 3_600_000;

/// Headers that must be as they were.
const SAME: [&str; 8] = [
    "cache-control",
    "content-type",
    "expires",
    "pragma",
    "retry-after",
    "strict-transport-security",
    "x-content-type-options",
    "x-ms-failure-cause",
];
/// Headers that must be there when they were, with a value of their own.
const THERE: [&str; 8] = [
    "location",
    "x-aspnet-version",
    "x-ms-keyvault-service-version",
    "x-ms-operation-identifier",
    "x-ms-ratelimit-remaining-subscription-global-deletes",
    "x-ms-ratelimit-remaining-subscription-global-reads",
    "x-ms-ratelimit-remaining-subscription-global-writes",
    "x-ms-ratelimit-remaining-subscription-resource-requests",
];

#[derive(Deserialize)]
struct Cassette {
    interactions: Vec<Interaction>,
}

#[derive(Deserialize)]
pub(super) struct Interaction {
    pub(super) request: Asked,
    pub(super) response: Answered,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) body: String,
}

#[derive(Deserialize)]
pub(super) struct Answered {
    pub(super) code: u16,
    #[serde(default)]
    headers: HashMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) body: String,
}

/// A simulator as it was, and the recording's client.
pub(super) struct Replay {
    pub(super) sim: Sim,
    token: String,
    maker: String,
    /// The recorded URL of an operation, and ours.
    operations: HashMap<String, String>,
    hours: u32,
}

impl Replay {
    pub(super) async fn start() -> Self {
        let sim = Sim::with(|options| options.names = NameSet::Public).await;
        let roles = json!([{"principalId": USER_OBJECT, "role": "Owner"}, {"principalId": MAKER, "role": "Owner"}]);
        let seed = json!({
            "settings": {"groupDeletionMs": LONG_MS, "lro": {"groupDelete": {"form": "location", "retryAfter": 15}}},
            "tenants": [{
                "id": ZERO,
                "applications": [{"clientId": MAKER, "objectId": MAKER, "secrets": [{"value": SECRET}], "publicClient": true}],
                "users": [{"username": USER, "password": SECRET, "objectId": USER_OBJECT}],
            }],
            "subscriptions": [{"id": ZERO, "tenantId": ZERO, "roleAssignments": roles}],
        });
        // The vault that every test starts with is in the subscription of zeros, too.
        sim.admin(Method::DELETE, "/vaults/kv-demo", &Value::Null)
            .await;
        sim.admin(Method::POST, "/seed", &seed).await;
        let mut replay = Self {
            sim,
            token: String::new(),
            maker: String::new(),
            operations: HashMap::new(),
            hours: 0,
        };
        replay.sign_in().await;
        replay
    }

    async fn sign_in(&mut self) {
        let url = format!("https://login.microsoftonline.com/{ZERO}/oauth2/token");
        let both = [
            ("resource", "https://management.azure.com/"),
            ("client_id", MAKER),
        ];
        let user = [
            ("grant_type", "password"),
            ("username", USER),
            ("password", SECRET),
        ];
        let maker = [
            ("grant_type", "client_credentials"),
            ("client_secret", SECRET),
        ];
        let mut tokens = Vec::new();
        for form in [
            [&both[..], &user[..]].concat(),
            [&both[..], &maker[..]].concat(),
        ] {
            let answer = self
                .sim
                .client()
                .post(&url)
                .form(&form)
                .send()
                .await
                .unwrap();
            let (status, body) = split(answer).await;
            assert_eq!(status, 200, "{body}");
            tokens.push(body["access_token"].as_str().unwrap().to_owned());
        }
        self.maker = tokens.pop().unwrap();
        self.token = tokens.pop().unwrap();
    }

    /// Goes over the end of what is under way.
    pub(super) async fn an_hour_later(&mut self) {
        self.hours += 1;
        let skew = json!({"skewSeconds": self.hours * 3601});
        self.sim.admin(Method::POST, "/clock", &skew).await;
        self.sign_in().await;
    }

    async fn send(&self, token: &str, method: &str, url: &str, body: &str) -> Response {
        let method: Method = method.parse().unwrap();
        let mut request = self.sim.client().request(method, url).bearer_auth(token);
        if !body.is_empty() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_owned());
        }
        request.send().await.unwrap()
    }

    /// Makes and deletes the vault that a recording finds deleted.
    async fn deleted_vault(&self, path: &str, body: &str, by: &str) {
        let url = format!("{HOST}{path}?api-version=2023-07-01");
        let body = body.replace("\"createMode\":\"recover\",", "");
        let made = split(self.send(by, "PUT", &url, &body).await).await;
        assert_eq!(made.0, 200, "{}", made.1);
        let gone = self.send(by, "DELETE", &url, "").await;
        assert_eq!(gone.status(), 200);
    }

    /// Asks what was asked, and compares.
    pub(super) async fn step(&mut self, number: usize, step: &Interaction) {
        let asked = &step.request;
        let what = format!("{number}: {} {}", asked.method, asked.url);
        let url = self
            .operations
            .get(&asked.url)
            .unwrap_or(&asked.url)
            .clone();
        let answer = self
            .send(&self.token, &asked.method, &url, &asked.body)
            .await;
        let headers = answer.headers().clone();
        let (status, body) = split(answer).await;
        assert_eq!(status, step.response.code, "{what}: {body}");
        let recorded = |name: &str| {
            let mut all = step.response.headers.iter();
            let found = all.find(|(given, _)| given.eq_ignore_ascii_case(name))?;
            found.1.first().cloned()
        };
        let ours = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        for name in SAME {
            // Role assignments come from a service that sends fewer of them.
            if let Some(recorded) = recorded(name) {
                assert_eq!(ours(name), Some(recorded), "{what}: {name}");
            }
        }
        for name in THERE {
            if recorded(name).is_some() {
                assert!(ours(name).is_some(), "{what}: {name}");
            }
        }
        if let (Some(theirs), Some(ours)) = (recorded("location"), ours("location")) {
            let place = |url: &str| url.rsplit_once('/').unwrap().0.to_owned();
            assert_eq!(place(&ours), place(&theirs), "{what}");
            self.operations.insert(theirs, ours);
        }
        let theirs = match step.response.body.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap(),
        };
        let body = super::storage::as_told_then(body, &theirs);
        assert_eq!(comparable(body), comparable(theirs), "{what}");
    }
}

/// A body with its times and keys as the recorder wrote them.
fn comparable(body: Value) -> Value {
    match body {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => json!("a time"),
        Value::String(text) if text == "{KEY}" || super::storage::is_key(&text) => json!("a key"),
        Value::Object(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, comparable(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(values) => values.into_iter().map(comparable).collect(),
        other => other,
    }
}

pub(super) fn read(name: &str) -> Option<Vec<Interaction>> {
    let file = folder("aso")?.join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(&file).unwrap();
    let cassette: Cassette = serde_saphyr::from_str(&text).unwrap();
    assert!(!cassette.interactions.is_empty());
    Some(cassette.interactions)
}

pub(super) fn leave_out(number: usize, step: &Interaction) {
    println!(
        "LEFT OUT: {number}: {} {} is of a service that the simulator does not have",
        step.request.method, step.request.url
    );
}

#[tokio::test]
async fn a_group_comes_and_goes_as_recorded() {
    let Some(steps) = read("Test_NewResourceGroup") else {
        return;
    };
    let mut replay = Replay::start().await;
    for (number, step) in steps.iter().enumerate() {
        if step.response.code == 404 {
            replay.an_hour_later().await;
        }
        replay.step(number, step).await;
    }
}

/// Replays a recording that finds a vault deleted, and ends with its group.
async fn recovery(name: &str, by_maker: bool) {
    let Some(steps) = read(name) else { return };
    let mut replay = Replay::start().await;
    let recovers = |step: &&Interaction| step.request.body.contains("recover");
    let put = steps.iter().find(recovers).unwrap();
    let path = put.request.url.strip_prefix(HOST).unwrap();
    let path = path.split('?').next().unwrap();
    for (number, step) in steps.iter().enumerate() {
        if step.request.url.contains("/keys/") {
            leave_out(number, step);
            continue;
        }
        if number == 2 {
            let by = if by_maker {
                &replay.maker
            } else {
                &replay.token
            };
            replay.deleted_vault(path, &put.request.body, by).await;
        }
        if step.request.url.contains("/operationresults/") && step.response.code == 200 {
            replay.an_hour_later().await;
        }
        replay.step(number, step).await;
    }
}

#[tokio::test]
async fn a_vault_is_recovered_and_deleted_as_recorded() {
    recovery("Test_KeyVault_Vault_20230701_CRUD", false).await;
}

#[tokio::test]
async fn a_vault_is_recovered_twice_as_recorded() {
    recovery(
        "Test_KeyVault_WhenRecoverSpecified_RecoversSuccessfully",
        true,
    )
    .await;
}

#[tokio::test]
async fn a_role_is_assigned_to_a_new_identity_as_recorded() {
    let Some(steps) = read("Test_Authorization_RoleAssignment_OnResourceGroup_CRUD") else {
        return;
    };
    let mut replay = Replay::start().await;
    let delay = json!({"principalDelayMs": LONG_MS});
    replay.sim.admin(Method::POST, "/settings", &delay).await;
    for (number, step) in steps.iter().enumerate() {
        if step.request.url.contains("Microsoft.ManagedIdentity") {
            if step.response.code == 201 {
                let made: Value = serde_json::from_str(&step.response.body).unwrap();
                let ids = &made["properties"];
                let path = format!("/managedidentities/{}", ids["clientId"].as_str().unwrap());
                let identity = json!({"tenantId": ZERO, "objectId": ids["principalId"], "resourceId": made["id"]});
                replay.sim.admin(Method::PUT, &path, &identity).await;
            }
            leave_out(number, step);
            continue;
        }
        let ends = step.request.url.contains("/operationresults/") && step.response.code == 200;
        if ends || step.response.code == 201 && number > 0 {
            replay.an_hour_later().await;
        }
        replay.step(number, step).await;
    }
}
