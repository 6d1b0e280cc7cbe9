//! Faults that the simulator shows on demand.

use serde::Serialize;

/// What goes wrong on a request that a [`FaultRule`] meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// 401 until the token was made for a request with these claims.
    ClaimsChallenge {
        /// A JSON object as text.
        claims: String,
    },
    /// The host's name does not resolve. About a host only: no path, methods, share or count.
    DnsFailure(bool),
    /// The host shows a certificate of an unknown authority. About a host only, as before.
    UntrustedCertificate(bool),
    /// The name leads to a port where nobody listens. About a host only, as before.
    ConnectionRefused(bool),
    /// The connection ends without an answer, and nothing is done.
    Cut(bool),
    /// It is done, and then the connection ends without an answer.
    LoseAnswer(bool),
    /// It is held before it is done, until it is released or the fault is lifted.
    HoldBefore(bool),
    /// It is done, and its answer is held.
    HoldAfter(bool),
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
        /// The `Location` header of a redirect.
        #[serde(skip_serializing_if = "Option::is_none")]
        location: Option<String>,
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
            location: None,
        }
    }

    /// 307 to another place.
    pub fn redirect(location: &str) -> Self {
        Self::Status {
            status: 307,
            retry_after: None,
            code: None,
            body: None,
            location: Some(location.into()),
        }
    }

    /// A status with this code.
    pub fn code(status: u16, code: &str) -> Self {
        Self::Status {
            status,
            retry_after: None,
            code: Some(code.to_owned()),
            body: None,
            location: None,
        }
    }

    /// A status with this body.
    pub fn body(status: u16, body: &serde_json::Value) -> Self {
        Self::Status {
            status,
            retry_after: None,
            code: None,
            body: Some(body.to_string()),
            location: None,
        }
    }

    /// 429 with a `Retry-After` in seconds, or without.
    pub fn throttled(retry_after: Option<u64>) -> Self {
        Self::Status {
            status: 429,
            retry_after,
            code: None,
            body: None,
            location: None,
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
    /// Words of the journal: `CreateOrUpdateVault`. All if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
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
            operations: Vec::new(),
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

    /// Only requests of this operation, by its word in the journal.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.operations.push(operation.into());
        self
    }

    /// Only this share of the requests, 0 to 1.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }
}
