//! What the simulator tells about the requests that it answered.

use std::collections::BTreeMap;

use serde::Deserialize;

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
    /// What the status would have been of a request that was done, and whose answer was lost.
    #[serde(default)]
    pub lost_status: Option<u16>,
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
