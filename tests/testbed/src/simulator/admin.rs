//! The simulator's admin API, typed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::FaultRule;
use super::journal::{Counters, Journal, JournalEntry};

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
        self.pages(since, "").await
    }

    /// All requests that are kept of a vault (or of `login`, `management`, any other host), oldest first.
    pub async fn journal_of(&self, vault: &str) -> Result<Vec<JournalEntry>> {
        let journal = self.pages(0, &format!("&vault={vault}")).await?;
        Ok(journal.entries)
    }

    async fn pages(&self, since: u64, filter: &str) -> Result<Journal> {
        let (mut entries, mut next) = (Vec::new(), since);
        loop {
            let path = format!("/journal?since={next}{filter}");
            let page: Journal = self.call(Method::GET, &path, None).await?;
            let is_last = page.entries.is_empty();
            entries.extend(page.entries);
            next = page.next;
            if is_last {
                return Ok(Journal { next, entries });
            }
        }
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
