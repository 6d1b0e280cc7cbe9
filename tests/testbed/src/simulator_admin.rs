//! The simulator's admin API, typed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A secret's value and attributes, to be stored as a new version. `SecretBody::from("value")` suits most tests.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretBody {
    /// The value.
    pub value: String,
    /// Free text in Azure, often a media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Whether it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Azure allows 15.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl From<&str> for SecretBody {
    fn from(value: &str) -> Self {
        Self {
            value: value.into(),
            ..Self::default()
        }
    }
}

impl From<String> for SecretBody {
    fn from(value: String) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }
}

impl fmt::Debug for SecretBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretBody")
            .field("value", &"…")
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

/// What goes wrong on a request that a [`FaultRule`] meets.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// The answer comes so many milliseconds later.
    LatencyMs(u64),
    /// No answer ever.
    Hang(bool),
    /// The connection is reset in the middle of the body.
    ResetMidBody(bool),
    /// A body that is no JSON.
    MalformedJson(bool),
    /// A body of no bytes.
    EmptyBody(bool),
    /// 401 in Azure's words for an expired token.
    ExpiredToken(bool),
    /// 401 with a challenge that names somebody else's authority and resource.
    ForeignChallenge {
        /// `https://…/<tenant>`.
        authorization: String,
        /// `https://…`.
        resource: String,
    },
    /// 403 with this inner error code: `ForbiddenByRbac`, …
    Forbidden(String),
    /// The host's name does not resolve.
    DnsFailure(bool),
    /// The host shows a certificate of an unknown authority.
    UntrustedCertificate(bool),
    /// Another status than the right one; see [`Fault::status`] for one with more to it.
    #[serde(untagged)]
    Status {
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header, in seconds.
        #[serde(rename = "retryAfter", skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        /// The error code in the body.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// A body in place of the error document.
        #[serde(skip_serializing_if = "Option::is_none")]
        body: Option<String>,
    },
}

impl Fault {
    /// An answer with this status and Azure's usual body for it.
    pub fn status(status: u16) -> Self {
        Self::Status {
            status,
            retry_after: None,
            code: None,
            body: None,
        }
    }

    /// 429 with a `Retry-After` in seconds, or without.
    pub fn throttled(retry_after: Option<u64>) -> Self {
        Self::Status {
            status: 429,
            retry_after,
            code: None,
            body: None,
        }
    }
}

/// Which requests a fault meets. The default of `share` is all of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultRule {
    /// A glob over host names: `kv-*.vault.sim.test`.
    pub host: String,
    /// A regular expression over paths; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// All if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The share of requests that is met, 0 to 1.
    pub share: f64,
    /// After so many hits it is over; no end if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What happens.
    pub fault: Fault,
}

impl FaultRule {
    /// All requests to the hosts that the glob names.
    pub fn new(host: &str, fault: Fault) -> Self {
        Self {
            host: host.into(),
            path: None,
            methods: Vec::new(),
            share: 1.0,
            count: None,
            fault,
        }
    }

    /// Only the first `count` requests that it meets.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Only paths that match the regular expression.
    #[must_use]
    pub fn on_path(mut self, path: &str) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Only this share of the requests, 0 to 1.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }
}

/// Some requests of the journal, in order.
#[derive(Clone, Debug, Deserialize)]
pub struct Journal {
    /// Give this as `since` to read on.
    pub next: u64,
    /// One for each request.
    pub entries: Vec<JournalEntry>,
}

/// A request that the simulator answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalEntry {
    /// Its number.
    pub seq: u64,
    /// RFC 3339.
    pub time: String,
    /// The host it was for.
    pub host: String,
    /// The vault it was for, if one.
    #[serde(default)]
    pub vault: Option<String>,
    /// `GetToken`, `GetSecret`, `ListSecrets`, …
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The status of the answer; 0 if there was none.
    pub status: u16,
    /// How long it took, in milliseconds.
    pub latency_ms: f64,
    /// Who asked, as far as the token told.
    #[serde(default)]
    pub principal: Option<Principal>,
    /// What the client calls itself.
    #[serde(default)]
    pub user_agent: Option<String>,
}

/// Who asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Principal {
    /// The tenant of the token.
    pub tenant_id: String,
    /// The application.
    pub client_id: String,
    /// Its service principal.
    pub object_id: String,
}

/// How often what was asked.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Counters {
    /// Vault (or `login`) → operation → status → number.
    pub operations: BTreeMap<String, BTreeMap<String, BTreeMap<String, u64>>>,
    /// Host → connections opened.
    #[serde(default)]
    pub connections: BTreeMap<String, u64>,
}

impl Counters {
    /// How often an operation was asked of a vault (or of `login`), whatever the answer.
    pub fn of(&self, vault: &str, operation: &str) -> u64 {
        self.operations
            .get(vault)
            .and_then(|operations| operations.get(operation))
            .map_or(0, |answers| answers.values().sum())
    }

    /// As [`Self::of`], with one status of the answer only.
    pub fn answered(&self, vault: &str, operation: &str, status: u16) -> u64 {
        let answers = self
            .operations
            .get(vault)
            .and_then(|operations| operations.get(operation));
        answers
            .and_then(|answers| answers.get(&status.to_string()))
            .copied()
            .unwrap_or(0)
    }
}

/// A client of the admin API.
#[derive(Clone, Debug)]
pub struct Admin {
    http: Client,
    base: String,
}

impl Admin {
    /// `base` is `admin` of the simulator's endpoints.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(base: &str) -> Result<Self> {
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').into(),
        })
    }

    /// Any request of the admin API; the others are made of it.
    ///
    /// # Errors
    /// When the answer is not a success (the error holds what the simulator says) or not of the expected shape.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("{method} {path} of the simulator's admin API"))?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{method} {path} of the simulator's admin API: {status} {text}");
        }
        let text = if text.is_empty() { "null" } else { &text };
        serde_json::from_str(text)
            .with_context(|| format!("{method} {path} of the simulator's admin API: unknown shape"))
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<()> {
        self.call::<Value>(method, path, body).await.map(drop)
    }

    /// Merges a seed document into what is there.
    ///
    /// # Errors
    /// As [`Self::call`]; so for all below.
    pub async fn seed(&self, seed: &Value) -> Result<()> {
        self.send(Method::POST, "/seed", Some(seed)).await
    }

    /// Latencies and lifetimes: `vaultLatencyMs`, `tokenLatencyMs`, `tokenLifetimeSeconds`.
    pub async fn settings(&self, settings: &Value) -> Result<()> {
        self.send(Method::POST, "/settings", Some(settings)).await
    }

    /// Sets how far the simulator's clock is ahead, in seconds.
    pub async fn clock_skew(&self, seconds: i64) -> Result<()> {
        self.send(
            Method::POST,
            "/clock",
            Some(&json!({"skewSeconds": seconds})),
        )
        .await
    }

    /// Tells how to trust the TLS of an OIDC issuer that federated credentials name.
    pub async fn put_issuer(&self, issuer: &str, ca_file: &std::path::Path) -> Result<()> {
        self.send(
            Method::POST,
            "/issuers",
            Some(&json!([{"issuer": issuer, "caFile": ca_file}])),
        )
        .await
    }

    /// Makes or changes an application; the body is as in the seed.
    pub async fn put_application(
        &self,
        tenant: &str,
        client_id: &str,
        application: &Value,
    ) -> Result<()> {
        self.send(
            Method::PUT,
            &format!("/tenants/{tenant}/applications/{client_id}"),
            Some(application),
        )
        .await
    }

    /// Removes an application.
    pub async fn delete_application(&self, tenant: &str, client_id: &str) -> Result<()> {
        self.send(
            Method::DELETE,
            &format!("/tenants/{tenant}/applications/{client_id}"),
            None,
        )
        .await
    }

    /// Makes or replaces a vault, without touching its secrets unless the body has some; the body is as in the seed.
    pub async fn put_vault(&self, vault: &str, body: &Value) -> Result<()> {
        self.send(Method::PUT, &format!("/vaults/{vault}"), Some(body))
            .await
    }

    /// Changes the given fields of a vault.
    pub async fn patch_vault(&self, vault: &str, body: &Value) -> Result<()> {
        self.send(Method::PATCH, &format!("/vaults/{vault}"), Some(body))
            .await
    }

    /// Removes a vault; its name then does not resolve any more.
    pub async fn delete_vault(&self, vault: &str) -> Result<()> {
        self.send(Method::DELETE, &format!("/vaults/{vault}"), None)
            .await
    }

    /// Stores a new version of a secret and returns that version.
    pub async fn put_secret(
        &self,
        vault: &str,
        secret: &str,
        body: impl Into<SecretBody>,
    ) -> Result<String> {
        #[derive(Deserialize)]
        struct Stored {
            version: String,
        }
        let body = serde_json::to_value(body.into())?;
        let stored: Stored = self
            .call(
                Method::PUT,
                &format!("/vaults/{vault}/secrets/{secret}"),
                Some(&body),
            )
            .await?;
        Ok(stored.version)
    }

    /// Changes attributes of the latest version: `enabled`, `expires`, `notBefore`, …
    pub async fn patch_secret(&self, vault: &str, secret: &str, body: &Value) -> Result<()> {
        self.send(
            Method::PATCH,
            &format!("/vaults/{vault}/secrets/{secret}"),
            Some(body),
        )
        .await
    }

    /// Deletes a secret; it can be recovered.
    pub async fn delete_secret(&self, vault: &str, secret: &str) -> Result<()> {
        self.send(
            Method::DELETE,
            &format!("/vaults/{vault}/secrets/{secret}"),
            None,
        )
        .await
    }

    /// Deletes a secret for good.
    pub async fn purge_secret(&self, vault: &str, secret: &str) -> Result<()> {
        self.send(
            Method::DELETE,
            &format!("/vaults/{vault}/secrets/{secret}?purge=true"),
            None,
        )
        .await
    }

    /// Orders a fault and returns its id.
    pub async fn add_fault(&self, rule: &FaultRule) -> Result<Value> {
        let answer: Value = self
            .call(Method::POST, "/faults", Some(&serde_json::to_value(rule)?))
            .await?;
        answer
            .get("id")
            .cloned()
            .context("the simulator gave no id for the fault")
    }

    /// Lifts one fault, by what [`Self::add_fault`] returned.
    pub async fn remove_fault(&self, id: &Value) -> Result<()> {
        let id = id
            .as_str()
            .map_or_else(|| id.to_string(), ToOwned::to_owned);
        self.send(Method::DELETE, &format!("/faults/{id}"), None)
            .await
    }

    /// Lifts all faults.
    pub async fn clear_faults(&self) -> Result<()> {
        self.send(Method::DELETE, "/faults", None).await
    }

    /// The requests from number `since` on; 0 for all that are kept.
    pub async fn journal(&self, since: u64) -> Result<Journal> {
        self.call(Method::GET, &format!("/journal?since={since}"), None)
            .await
    }

    /// Forgets the journal.
    pub async fn clear_journal(&self) -> Result<()> {
        self.send(Method::DELETE, "/journal", None).await
    }

    /// How often what was asked since the start or the last [`Self::clear_counters`].
    pub async fn counters(&self) -> Result<Counters> {
        self.call(Method::GET, "/counters", None).await
    }

    /// Sets the counters to zero.
    pub async fn clear_counters(&self) -> Result<()> {
        self.send(Method::DELETE, "/counters", None).await
    }
}
