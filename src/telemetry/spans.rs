//! The spans that traces are made of. Where nobody asked for traces, each of these functions is a look at a flag.
//!
//! No field holds a value, a token, a header, a query or a path of a URL: names of objects and what Azure answered are all.

use std::fmt::Display;

use http::{HeaderMap, Method};
use tracing::{Span, info_span};

use crate::problem::Problem;

/// Whose spans go into traces; those of libraries do not. A literal, as the macro wants it.
pub const TARGET: &str = "lakevault::spans";

/// Ids by which Azure's support finds an answer, and the fields that they go into.
const IDS: [(&str, &str); 2] = [
    ("x-ms-request-id", "azure.service.request.id"),
    ("x-ms-correlation-request-id", "azure.correlation.id"),
];

/// A round with one object.
pub fn reconcile(kind: &str, namespace: Option<&str>, name: &str) -> Span {
    info_span!(
        target: TARGET,
        parent: None,
        "reconcile",
        "otel.name" = format_args!("reconcile {kind}"),
        "k8s.namespace.name" = namespace,
        "lakevault.kind" = kind,
        "lakevault.name" = name,
        "lakevault.outcome" = tracing::field::Empty,
    )
}

/// What came of the round that is being made; a word of a fixed set.
pub fn outcome(word: &str) {
    let span = Span::current();
    if !span.is_disabled() {
        span.record("lakevault.outcome", word);
    }
}

/// A call of the hub, for all syncs that want something of a vault: `read` of an object, or `list` of a page.
pub fn hub(what: &'static str, vault: &str, identity: &dyn Display, object: Option<&str>) -> Span {
    info_span!(
        target: TARGET,
        parent: None,
        "hub",
        "otel.name" = format_args!("hub {what}"),
        "lakevault.vault" = vault,
        "lakevault.identity" = %identity,
        "lakevault.name" = object,
        "otel.status_code" = tracing::field::Empty,
        "error.type" = tracing::field::Empty,
    )
}

/// A token that is asked for, with all that it takes to have it.
pub fn token(identity: &dyn Display, resource: &str, credential: &str) -> Span {
    info_span!(
        target: TARGET,
        "token",
        "lakevault.identity" = %identity,
        "lakevault.resource" = resource,
        "lakevault.credential" = credential,
        "otel.status_code" = tracing::field::Empty,
        "error.type" = tracing::field::Empty,
    )
}

/// A request to Azure.
pub fn azure(operation: &'static str, method: &Method, host: &str) -> Span {
    info_span!(
        target: TARGET,
        "azure",
        "otel.name" = operation,
        "otel.kind" = "client",
        "http.request.method" = method.as_str(),
        "server.address" = host,
        "http.response.status_code" = tracing::field::Empty,
        "azure.service.request.id" = tracing::field::Empty,
        "azure.correlation.id" = tracing::field::Empty,
        "otel.status_code" = tracing::field::Empty,
        "error.type" = tracing::field::Empty,
    )
}

/// What Azure answered.
pub fn answered(span: &Span, status: u16, headers: &HeaderMap) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", status);
    for (header, field) in IDS {
        let id = headers.get(header).and_then(|value| value.to_str().ok());
        if let Some(id) = id {
            span.record(field, id);
        }
    }
    if status >= 400 {
        failed(span, &status.to_string());
    }
}

/// A call to the API server.
pub fn kubernetes(verb: &'static str, resource: &'static str, what: &str) -> Span {
    info_span!(
        target: TARGET,
        "kubernetes",
        "otel.name" = format_args!("{verb} {resource}"),
        "otel.kind" = "client",
        "k8s.verb" = verb,
        "k8s.resource" = resource,
        "lakevault.object" = what,
        "otel.status_code" = tracing::field::Empty,
        "error.type" = tracing::field::Empty,
    )
}

/// How something ended, by the reason where it failed.
pub fn ended<T>(span: &Span, outcome: &Result<T, Problem>) {
    if let Err(problem) = outcome {
        failed(span, problem.reason.as_str());
    }
}

fn failed(span: &Span, what: &str) {
    if !span.is_disabled() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", what);
    }
}
