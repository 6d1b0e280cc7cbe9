//! Faults as the admin API takes them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A fault as the admin API takes and shows it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FaultSpec {
    /// Glob over host names; `*` is also a dot.
    #[serde(default = "any_host")]
    pub(crate) host: String,
    /// Regular expression over the path at the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Empty: all methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) methods: Vec<String>,
    /// The journal's words for operations; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) operations: Vec<String>,
    /// Share of the matching requests that are hit, 0 to 1.
    #[serde(default = "whole")]
    pub(crate) share: f64,
    /// At most so many hits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<usize>,
    pub(crate) fault: FaultBody,
}

fn any_host() -> String {
    "*".to_owned()
}

fn whole() -> f64 {
    1.0
}

/// What happens: one kind, with its details.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "the shape is the admin API's; `kind` makes one enum of it"
)]
pub(crate) struct FaultBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    /// With a status: the request is done all the same.
    #[serde(skip_serializing_if = "is_false")]
    applied: bool,
    #[serde(skip_serializing_if = "is_false")]
    hang: bool,
    #[serde(skip_serializing_if = "is_false")]
    reset_mid_body: bool,
    #[serde(skip_serializing_if = "is_false")]
    malformed_json: bool,
    #[serde(skip_serializing_if = "is_false")]
    empty_body: bool,
    #[serde(skip_serializing_if = "is_false")]
    expired_token: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign_challenge: Option<ForeignChallenge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forbidden: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims_challenge: Option<ClaimsChallenge>,
    #[serde(skip_serializing_if = "is_false")]
    dns_failure: bool,
    #[serde(skip_serializing_if = "is_false")]
    untrusted_certificate: bool,
    #[serde(skip_serializing_if = "is_false")]
    connection_refused: bool,
    #[serde(skip_serializing_if = "is_false")]
    cut: bool,
    #[serde(skip_serializing_if = "is_false")]
    lose_answer: bool,
    #[serde(skip_serializing_if = "is_false")]
    hold_before: bool,
    #[serde(skip_serializing_if = "is_false")]
    hold_after: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A 401 that points elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForeignChallenge {
    pub(crate) authorization: String,
    pub(crate) resource: String,
}

/// A 401 until the token was made for these claims.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimsChallenge {
    /// A claims request, JSON text.
    pub(crate) claims: String,
}

/// What a request meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Status {
        status: u16,
        retry_after: Option<u64>,
        code: Option<String>,
        body: Option<String>,
        /// Where a redirect points.
        location: Option<String>,
        /// The request is done all the same.
        applied: bool,
    },
    Hang,
    ResetMidBody,
    MalformedJson,
    EmptyBody,
    ExpiredToken,
    ForeignChallenge(ForeignChallenge),
    /// The inner error code of the 403.
    Forbidden(String),
    ClaimsChallenge(ClaimsChallenge),
    /// The connection ends without an answer, and nothing is done.
    Unreachable,
    /// It is done, then the connection ends without an answer.
    LoseAnswer,
    /// It is held before it is done, until it is released.
    HoldBefore,
    /// It is done, and the answer is held until it is released.
    HoldAfter,
}

/// What a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Latency(Duration),
    Effect(Effect),
    DnsFailure,
    UntrustedCertificate,
    ConnectionRefused,
}

impl FaultBody {
    /// The one kind that is named.
    pub(crate) fn kind(&self) -> Result<Kind, String> {
        let details = self.retry_after.is_some()
            || self.code.is_some()
            || self.body.is_some()
            || self.location.is_some()
            || self.applied;
        if details && self.status.is_none() {
            return Err(
                "retryAfter, code, body, location and applied belong to a fault with a status"
                    .to_owned(),
            );
        }
        let flag = |set: bool, kind: Kind| set.then_some(kind);
        let kinds = [
            self.latency_ms
                .map(|millis| Kind::Latency(Duration::from_millis(millis))),
            self.status.map(|status| {
                Kind::Effect(Effect::Status {
                    status,
                    retry_after: self.retry_after,
                    code: self.code.clone(),
                    body: self.body.clone(),
                    location: self.location.clone(),
                    applied: self.applied,
                })
            }),
            flag(self.hang, Kind::Effect(Effect::Hang)),
            flag(self.reset_mid_body, Kind::Effect(Effect::ResetMidBody)),
            flag(self.malformed_json, Kind::Effect(Effect::MalformedJson)),
            flag(self.empty_body, Kind::Effect(Effect::EmptyBody)),
            flag(self.expired_token, Kind::Effect(Effect::ExpiredToken)),
            self.foreign_challenge
                .clone()
                .map(|challenge| Kind::Effect(Effect::ForeignChallenge(challenge))),
            self.forbidden
                .clone()
                .map(|code| Kind::Effect(Effect::Forbidden(code))),
            self.claims_challenge
                .clone()
                .map(|wanted| Kind::Effect(Effect::ClaimsChallenge(wanted))),
            flag(self.dns_failure, Kind::DnsFailure),
            flag(self.untrusted_certificate, Kind::UntrustedCertificate),
            flag(self.connection_refused, Kind::ConnectionRefused),
            flag(self.cut, Kind::Effect(Effect::Unreachable)),
            flag(self.lose_answer, Kind::Effect(Effect::LoseAnswer)),
            flag(self.hold_before, Kind::Effect(Effect::HoldBefore)),
            flag(self.hold_after, Kind::Effect(Effect::HoldAfter)),
        ];
        let mut kinds = kinds.into_iter().flatten();
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) => Ok(kind),
            (None, _) => {
                Err("a fault needs a kind, as {\"status\":429} or {\"hang\":true}".to_owned())
            }
            (Some(_), Some(_)) => Err("a fault has one kind; add one fault for each".to_owned()),
        }
    }
}
