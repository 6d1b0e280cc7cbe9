//! Traces by OTLP, for whoever asks for them.
//!
//! Spans wait in a bounded queue and are sent by a thread of their own; where they cannot be sent they are dropped. Neither a
//! collector that is gone nor one that is slow is ever waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::{Metadata, info, warn};
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use super::spans::TARGET;
use crate::azure::http::{HttpOptions, transport};

/// The name of the service where the environment has none.
const SERVICE: &str = "lakevault";
/// What the standard appends to an endpoint for traces.
const PATH: &str = "/v1/traces";
/// An endpoint for traces alone, which is taken as it is.
const OWN_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// How long one delivery may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the last delivery may keep the process.
const FAREWELL: Duration = Duration::from_secs(2);

/// Traces that are made and sent.
#[derive(Debug, Clone)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Starts, where an endpoint is given; deliveries run on `runtime`. The error says what of the settings cannot be used.
    pub fn start(
        endpoint: Option<&str>,
        http: &HttpOptions,
        runtime: &Handle,
    ) -> Result<Option<Self>, String> {
        let own = std::env::var(OWN_ENDPOINT).is_ok_and(|own| !own.is_empty());
        let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty());
        if endpoint.is_none() && !own {
            return Ok(None);
        }
        let courier = Courier {
            client: transport(http)?,
            runtime: runtime.clone(),
            fails: Arc::default(),
        };
        let mut builder = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TIMEOUT)
            .with_http_client(courier);
        if let Some(endpoint) = endpoint.filter(|_| !own) {
            builder = builder.with_endpoint(format!("{}{PATH}", endpoint.trim_end_matches('/')));
        }
        let exporter = builder
            .build()
            .map_err(|error| format!("traces cannot be sent: {error}"))?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource())
            .with_batch_exporter(exporter)
            .build();
        Ok(Some(Self { provider }))
    }

    /// What takes up spans.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(SERVICE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(ours())
    }

    /// Sends what is left, as far as that is possible in a moment.
    pub async fn end(self) {
        let ended =
            tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FAREWELL));
        if !matches!(ended.await, Ok(Ok(()))) {
            warn!("The last spans could not be delivered in time, and are lost");
        }
    }
}

/// Our own spans, and neither those of libraries nor the lines of the log.
fn ours() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata: &Metadata<'_>| metadata.is_span() && metadata.target() == TARGET)
        .with_max_level_hint(LevelFilter::INFO)
}

/// What is said of this process with every span. The environment comes first (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`).
fn resource() -> Resource {
    use opentelemetry::KeyValue;
    use opentelemetry_sdk::resource::EnvResourceDetector;
    let name = std::env::var("OTEL_SERVICE_NAME").ok();
    let name = name.filter(|name| !name.is_empty());
    let given = Resource::builder_empty()
        .with_detector(Box::new(EnvResourceDetector::new()))
        .build();
    let builder = Resource::builder_empty()
        .with_service_name(SERVICE)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let pod = std::env::var("POD_NAME").ok();
    let pod = pod.map(|pod| KeyValue::new("service.instance.id", pod));
    let given = given
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let builder = builder.with_attributes(pod).with_attributes(given);
    match name {
        Some(name) => builder.with_service_name(name).build(),
        None => builder.build(),
    }
}

/// Brings spans to the collector through our own HTTP client, on our own runtime: whoever sends them is a plain thread.
#[derive(Debug)]
struct Courier {
    client: reqwest::Client,
    runtime: Handle,
    /// Whether the last delivery failed, so that an outage is told once.
    fails: Arc<AtomicBool>,
}

impl HttpClient for Courier {
    fn send_bytes<'a, 'f>(
        &'a self,
        request: Request<Bytes>,
    ) -> BoxFuture<'f, Result<Response<Bytes>, HttpError>>
    where
        'a: 'f,
        Self: 'f,
    {
        let (client, fails) = (self.client.clone(), Arc::clone(&self.fails));
        let delivery = self.runtime.spawn(async move {
            let outcome = deliver(&client, request).await;
            tell(&fails, &outcome);
            outcome
        });
        async move { delivery.await?.map_err(HttpError::from) }.boxed()
    }
}

async fn deliver(
    client: &reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, String> {
    // A URL may hold a credential.
    let said = |error: reqwest::Error| error.without_url().to_string();
    let mut request = reqwest::Request::try_from(request).map_err(said)?;
    *request.timeout_mut() = Some(TIMEOUT);
    let answer = client.execute(request).await.map_err(said)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(said)?;
    let mut response = Response::new(body);
    *response.status_mut() = status;
    Ok(response)
}

/// Says when deliveries begin to fail, and when they go on.
fn tell(fails: &AtomicBool, outcome: &Result<Response<Bytes>, String>) {
    let why = match outcome {
        Ok(answer) if answer.status().is_success() => None,
        Ok(answer) => Some(format!("the collector answered {}", answer.status())),
        Err(error) => Some(error.clone()),
    };
    let failed = fails.swap(why.is_some(), Ordering::Relaxed);
    match why {
        Some(why) if !failed => {
            warn!(
                why,
                "Traces cannot be delivered and are dropped; work goes on"
            );
        }
        None if failed => info!("Traces are delivered again"),
        _ => {}
    }
}
