//! The schema of the values: what it refuses, and beside it what it takes.

use anyhow::{Result, ensure};

use crate::helm::{chart, helm, render};
use crate::{Case, alone};

pub fn cases() -> Vec<Case> {
    alone![
        lint_finds_nothing,
        what_is_wrong_is_refused_and_its_neighbour_taken,
        several_replicas_need_an_election,
        every_value_is_in_the_schema_and_in_the_defaults,
    ]
}

fn lint_finds_nothing() -> Result<()> {
    let chart = chart();
    helm(None, &["lint", "--strict", &chart.to_string_lossy()]).map(drop)
}

/// What is refused, the field that the message must name, and what is taken.
const PAIRS: &[(&str, &str, &str)] = &[
    ("replicaCount: 2", "replicaCount", "replicas: 2"),
    ("replicas: two", "replicas", "replicas: 3"),
    ("replicas: -1", "replicas", "replicas: 0"),
    ("image: {name: x}", "image", "image: {repository: x}"),
    (
        "image: {digest: 'sha256:12'}",
        "digest",
        "image: {digest: 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}",
    ),
    (
        "image: {pullPolicy: Sometimes}",
        "pullPolicy",
        "image: {pullPolicy: Always}",
    ),
    ("namespaces: team-a", "namespaces", "namespaces: [team-a]"),
    (
        "namespaces: [Team_A]",
        "namespaces",
        "namespaces: [team-a, team-b]",
    ),
    ("http: {port: 80}", "port", "http: {port: 8081}"),
    (
        "operator: {logFormat: xml}",
        "logFormat",
        "operator: {logFormat: text}",
    ),
    (
        "operator: {statusHeartbeat: an hour}",
        "statusHeartbeat",
        "operator: {statusHeartbeat: 30m}",
    ),
    (
        "operator: {concurrency: 0}",
        "concurrency",
        "operator: {concurrency: 1}",
    ),
    (
        "tracing: {otlpEndpoint: 'collector:4318'}",
        "otlpEndpoint",
        "tracing: {otlpEndpoint: 'http://collector:4318'}",
    ),
    (
        "tracing: {otlpEndpoint: 'https://user:key@collector'}",
        "otlpEndpoint",
        "tracing: {otlpEndpoint: 'https://collector/otlp'}",
    ),
    (
        "extraArgs: [run]",
        "extraArgs",
        "extraArgs: [--hosts-file=/x]",
    ),
    (
        "extraEnv: {A: b}",
        "extraEnv",
        "extraEnv: [{name: A, value: b}]",
    ),
    (
        "extraVolumes: [{emptyDir: {}}]",
        "extraVolumes",
        "extraVolumes: [{name: x, emptyDir: {}}]",
    ),
    (
        "tokenRequests: {serviceAccounts: ['*']}",
        "serviceAccounts",
        "tokenRequests: {serviceAccounts: [payments]}",
    ),
    (
        "workloadIdentity: {enabled: true}",
        "clientId",
        "workloadIdentity: {enabled: true, clientId: 22222222-2222-2222-2222-222222222222}",
    ),
    (
        "workloadIdentity: {tenantId: contoso}",
        "tenantId",
        "workloadIdentity: {tenantId: 22222222-2222-2222-2222-222222222222}",
    ),
    (
        "workloadIdentity: {tokenExpirationSeconds: 60}",
        "tokenExpirationSeconds",
        "workloadIdentity: {tokenExpirationSeconds: 3600}",
    ),
    (
        "metrics: {prometheusRule: {expiringDays: 5}}",
        "expiringDays",
        "metrics: {prometheusRule: {expiringDays: 30}}",
    ),
    (
        "metrics: {serviceMonitor: {interval: often}}",
        "interval",
        "metrics: {serviceMonitor: {interval: 1m30s}}",
    ),
    (
        "networkPolicy: {egressPorts: []}",
        "egressPorts",
        "networkPolicy: {egressPorts: [443]}",
    ),
    (
        "podDisruptionBudget: {maxUnavailable: 0}",
        "maxUnavailable",
        "podDisruptionBudget: {maxUnavailable: 50%}",
    ),
    (
        "hostAliases: [{ip: 127.0.0.1}]",
        "hostAliases",
        "hostAliases: [{ip: 127.0.0.1, hostnames: [a]}]",
    ),
    ("dnsPolicy: Any", "dnsPolicy", "dnsPolicy: Default"),
    ("podLabels: {a: 1}", "podLabels", "podLabels: {a: '1'}"),
    ("crds: {install: sure}", "install", "crds: {install: false}"),
    ("rbac: {create: 1}", "create", "rbac: {create: false}"),
];

fn what_is_wrong_is_refused_and_its_neighbour_taken() -> Result<()> {
    for (refused, field, taken) in PAIRS {
        let error = render(refused).err().map(|error| format!("{error:#}"));
        let said = error.unwrap_or_default();
        ensure!(
            said.contains("values don't meet the specifications of the schema"),
            "{refused} was not refused by the schema: {said}"
        );
        ensure!(said.contains(field), "{refused}: {said}");
        render(taken)?;
    }
    Ok(())
}

fn several_replicas_need_an_election() -> Result<()> {
    let refused = render("{replicas: 2, leaderElection: {enabled: false}}");
    ensure!(refused.is_err(), "two replicas without an election");
    render("{replicas: 1, leaderElection: {enabled: false}}").map(drop)
}

/// Fields with defaults that are objects are compared within, too.
fn compare(schema: &serde_json::Value, defaults: &serde_json::Value, path: &str) -> Result<()> {
    let Some(fields) = schema["properties"].as_object() else {
        return Ok(());
    };
    for (name, field) in fields {
        let path = format!("{path}.{name}");
        if path == ".global" || path.contains("Probe.") || path.contains(".affinity.") {
            continue;
        }
        if path.contains(".dnsConfig.") || path.contains(".resources.") {
            continue;
        }
        ensure!(
            defaults.get(name).is_some(),
            "{path} has no default in values.yaml"
        );
        compare(field, &defaults[name], &path)?;
    }
    Ok(())
}

/// That no default is outside of the schema, helm itself says whenever it renders.
fn every_value_is_in_the_schema_and_in_the_defaults() -> Result<()> {
    let read = |name: &str| std::fs::read_to_string(chart().join(name));
    let schema: serde_json::Value = serde_json::from_str(&read("values.schema.json")?)?;
    let defaults: serde_json::Value = serde_saphyr::from_str(&read("values.yaml")?)?;
    compare(&schema, &defaults, "")
}
