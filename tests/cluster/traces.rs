//! Traces: a real receiver of OTLP gets what the operator did, and a receiver that is not there costs nothing.
//!
//! The operator that the other tests share makes none, so this has a world of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Any};
use prost::Message;
use testbed::{Operator, OperatorOptions, until};
use tokio::net::TcpListener;

use crate::kit::{Kit, PLANTED, SOON, World, operator_kubeconfig};
use crate::leaks::holds_no_value;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![what_was_done_is_told_and_nobody_waits_for_who_listens]
}

/// A span as it arrived.
#[derive(Debug, Clone)]
struct Told {
    name: String,
    id: Vec<u8>,
    parent: Vec<u8>,
    has_end: bool,
    fields: BTreeMap<String, String>,
}

#[derive(Default)]
struct Heard {
    spans: Vec<Told>,
    /// What is said of the process.
    process: BTreeMap<String, String>,
    /// Whether a delivery had a value in it, byte for byte.
    leak: bool,
    headers: HeaderMap,
}

/// A receiver on a port of its own.
struct Receiver {
    address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
}

fn fields(all: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |pair: KeyValue| {
        let value = match pair.value?.value? {
            Any::StringValue(text) => text,
            Any::IntValue(number) => number.to_string(),
            other @ (Any::BoolValue(_)
            | Any::DoubleValue(_)
            | Any::ArrayValue(_)
            | Any::KvlistValue(_)
            | Any::BytesValue(_)
            | Any::StringValueStrindex(_)) => format!("{other:?}"),
        };
        Some((pair.key, value))
    };
    all.into_iter().filter_map(text).collect()
}

async fn receive(State(heard): State<Arc<Mutex<Heard>>>, headers: HeaderMap, body: Bytes) {
    let leak = body
        .windows(PLANTED.len())
        .any(|window| window == PLANTED.as_bytes());
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut heard = heard.lock().unwrap();
    heard.leak |= leak;
    heard.headers = headers;
    for of_process in request.resource_spans {
        heard.process = fields(of_process.resource.unwrap_or_default().attributes);
        let spans = of_process.scope_spans.into_iter();
        for span in spans.flat_map(|scope| scope.spans) {
            let mut told = fields(span.attributes);
            let status = span.status.unwrap_or_default();
            told.insert("status".to_owned(), status.code.to_string());
            heard.spans.push(Told {
                name: span.name,
                id: span.span_id,
                parent: span.parent_span_id,
                has_end: span.end_time_unix_nano >= span.start_time_unix_nano,
                fields: told,
            });
        }
    }
}

impl Receiver {
    async fn start() -> Result<Self> {
        let heard = Arc::<Mutex<Heard>>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let app = Router::new()
            .route("/v1/traces", post(receive))
            .with_state(Arc::clone(&heard));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, heard })
    }

    /// Waits for a span of this name with these fields.
    async fn hears(&self, name: &str, wanted: &[(&str, &str)]) -> Result<Told> {
        let fits = |told: &&Told| {
            let has = |(key, value): &(&str, &str)| {
                told.fields.get(*key).is_some_and(|found| found == value)
            };
            told.name == name && wanted.iter().all(has)
        };
        until(
            SOON,
            &format!("a span {name} with {wanted:?}"),
            async || {
                let heard = self.heard.lock().unwrap();
                let found = heard.spans.iter().find(fits).cloned();
                found.ok_or_else(|| {
                    let alike = heard.spans.iter().filter(|told| told.name == name);
                    let alike: Vec<_> = alike.take(5).map(|told| &told.fields).collect();
                    format!("{} spans; of this name {alike:?}", heard.spans.len())
                })
            },
        )
        .await
    }
}

fn options(kit: &Kit, name: &str, endpoint: &str) -> Result<OperatorOptions> {
    let world = &kit.world;
    let kubeconfig = operator_kubeconfig(&world.control_plane)?;
    let folder = world.scratch.path().join(name);
    let mut options = OperatorOptions::new(&kubeconfig, &folder)
        .with_azure(kit.endpoints())
        .arg("--log-level=info")
        .arg(format!("--otlp-endpoint={endpoint}"));
    let mut set = |key: &str, value: &str| options.env.insert(key.to_owned(), value.to_owned());
    set("OTEL_BSP_SCHEDULE_DELAY", "200");
    set("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=team-a");
    set(
        "OTEL_RESOURCE_ATTRIBUTES",
        "deployment.environment.name=test",
    );
    Ok(options)
}

async fn what_was_done_is_told_and_nobody_waits_for_who_listens(_: Kit) -> Result<()> {
    let world = Arc::new(World::with("traces", &[]).await?);
    world.operator.kill9().await?;
    let kit = Kit::new(world, "traces").await?;
    told(&kit).await.context("a receiver that listens")?;
    gone(&kit).await.context("a receiver that is not there")?;
    silent(&kit).await.context("a receiver that never answers")
}

async fn told(kit: &Kit) -> Result<()> {
    let receiver = Receiver::start().await?;
    let endpoint = format!("http://{}", receiver.address);
    let operator = Operator::start(options(kit, "told", &endpoint)?).await?;
    kit.synced_app().await?;

    let namespace = kit.namespace.as_str();
    let sync = [
        ("k8s.namespace.name", namespace),
        ("lakevault.name", "app"),
        ("lakevault.outcome", "written"),
    ];
    let round = receiver.hears("reconcile VaultSecretSync", &sync).await?;
    ensure!(round.parent.is_empty() && round.has_end, "{round:?}");
    let object = format!("Secret {namespace}/app");
    let write = [("lakevault.object", object.as_str()), ("k8s.verb", "patch")];
    let write = receiver.hears("patch secrets", &write).await?;
    ensure!(write.parent == round.id, "{write:?} is not of {round:?}");

    let vault = kit.endpoints().vault_url(&kit.vault);
    let host = vault.trim_start_matches("https://");
    let hub = receiver
        .hears(
            "hub read",
            &[("lakevault.vault", host), ("lakevault.name", "s")],
        )
        .await?;
    let read = [
        ("server.address", host),
        ("http.response.status_code", "200"),
    ];
    let read = receiver.hears("GetSecret", &read).await?;
    ensure!(read.parent == hub.id, "{read:?} is not of {hub:?}");
    ensure!(read.fields["http.request.method"] == "GET", "{read:?}");
    ensure!(
        !read.fields["azure.service.request.id"].is_empty(),
        "{read:?}"
    );

    let identity = format!("AzureIdentity {namespace}/main");
    let token = [
        ("lakevault.identity", identity.as_str()),
        ("lakevault.credential", "clientSecret"),
    ];
    let token = receiver.hears("token", &token).await?;
    let asked = receiver.hears("GetToken", &[("server.address", "login.sim.test")]);
    ensure!(asked.await?.parent == token.id, "{token:?}");

    kit.apply(kit.sync("broken", &[("K", "none")], |_| ()))
        .await?;
    let absent = [
        ("http.response.status_code", "404"),
        ("error.type", "404"),
        ("status", "2"),
    ];
    receiver.hears("GetSecret", &absent).await?;

    // What is done last is told, too: the end waits for it.
    let status = operator.terminate(Duration::from_secs(10)).await?;
    ensure!(status.success(), "{status}");
    let heard = receiver.heard.lock().unwrap();
    ensure!(!heard.leak, "a span holds a value");
    ensure!(
        heard.process["service.name"] == "lakevault",
        "{:?}",
        heard.process
    );
    ensure!(
        heard.process["deployment.environment.name"] == "test",
        "{:?}",
        heard.process
    );
    ensure!(heard.headers["x-tenant"] == "team-a", "{:?}", heard.headers);
    let log = std::fs::read_to_string(operator.log())?;
    ensure!(!log.contains("Traces cannot be delivered"), "{log}");
    holds_no_value("the log", &log)
}

async fn gone(kit: &Kit) -> Result<()> {
    // Nobody listens at a port that was given back.
    let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    undisturbed(kit, "gone", address).await
}

async fn silent(kit: &Kit) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    undisturbed(kit, "silent", listener.local_addr()?).await
}

/// Work goes on, the log tells once, and the end is not held up.
async fn undisturbed(kit: &Kit, name: &str, receiver: SocketAddr) -> Result<()> {
    let options = options(kit, name, &format!("http://{receiver}"))?;
    let operator = Operator::start(options).await?;
    let (value, _) = kit.plant("s", name).await?;
    kit.look("app").await?;
    kit.holds("app", &[("K", &value)]).await?;
    let lines = || -> Result<usize> {
        let log = std::fs::read_to_string(operator.log())?;
        Ok(log.matches("Traces cannot be delivered").count())
    };
    until(SOON, "a line in the log", async || match lines() {
        Ok(0) => Err("none".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(format!("{error:#}")),
    })
    .await?;
    kit.look("app").await?;
    let status = operator.terminate(Duration::from_secs(10)).await?;
    ensure!(status.success(), "{status}");
    ensure!(lines()? == 1, "an outage is told {} times", lines()?);
    Ok(())
}
