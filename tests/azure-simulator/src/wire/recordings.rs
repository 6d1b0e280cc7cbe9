//! Whole requests for tokens, kept so that tests can compare one client with another.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;
use serde::Serialize;

use super::call::{Call, pairs};

/// Requests kept.
const CAPACITY: usize = 1000;
/// The journal's words for requests that get or end a sign-in.
const OPERATIONS: [&str; 6] = [
    "GetToken",
    "DeviceCode",
    "GetManagedIdentityToken",
    "Login",
    "RefreshLogin",
    "Logout",
];

/// A request as it came, secrets and all: they are test data.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Recorded {
    host: String,
    path: String,
    method: String,
    query: BTreeMap<String, String>,
    /// By lower-case name; values of the same name are joined by a comma.
    headers: BTreeMap<String, String>,
    /// Of a body that is a form; another body is in `body`.
    form: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl Recorded {
    fn of(call: &Call) -> Self {
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in &call.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|before| before.extend([", ", &value]))
                .or_insert_with(|| value.clone().into_owned());
        }
        let is_form = headers
            .get("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let form = if is_form {
            pairs(&call.body).into_iter().collect()
        } else {
            BTreeMap::new()
        };
        let body = (!is_form && !call.body.is_empty())
            .then(|| String::from_utf8_lossy(&call.body).into_owned());
        Self {
            host: call.route.host.clone(),
            path: call.route.path.clone(),
            method: call.method.to_string(),
            query: call.query.iter().cloned().collect(),
            headers,
            form,
            body,
        }
    }
}

/// The last requests.
#[derive(Debug, Default)]
pub(crate) struct Recordings(Mutex<VecDeque<Recorded>>);

impl Recordings {
    /// Keeps a request when it is of a kind that is recorded.
    pub(crate) fn note(&self, operation: &str, call: &Call) {
        if !OPERATIONS.contains(&operation) {
            return;
        }
        let recorded = Recorded::of(call);
        let mut kept = self.0.lock();
        if kept.len() == CAPACITY {
            kept.pop_front();
        }
        kept.push_back(recorded);
    }

    /// Oldest first.
    pub(crate) fn list(&self) -> Vec<Recorded> {
        self.0.lock().iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}
