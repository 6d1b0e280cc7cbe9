//! `/healthz`, `/readyz` and `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::metrics::Metrics;
use crate::k8s::ready::Readiness;

#[derive(Clone)]
struct Served {
    metrics: Metrics,
    readiness: Arc<Readiness>,
}

/// Serves until the process ends: what is done last is to be seen, too. Fails where the address cannot be had.
pub async fn serve(
    address: SocketAddr,
    metrics: Metrics,
    readiness: Arc<Readiness>,
) -> Result<(), String> {
    let listener = bind(address)
        .await
        .map_err(|error| format!("failed to listen on {address}: {error}"))?;
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(Served { metrics, readiness });
    axum::serve(listener, app)
        .await
        .map_err(|error| format!("failed to serve on {address}: {error}"))
}

/// A predecessor may need a moment to give the port back.
async fn bind(address: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    let mut outcome = tokio::net::TcpListener::bind(address).await;
    for _ in 0..20 {
        if outcome
            .as_ref()
            .is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
            outcome = tokio::net::TcpListener::bind(address).await;
        }
    }
    outcome
}

async fn ready(State(served): State<Served>) -> impl IntoResponse {
    let missing = served.readiness.missing();
    if missing.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let text = format!("waiting for {}\n", missing.join("\nwaiting for "));
    (StatusCode::SERVICE_UNAVAILABLE, text)
}

async fn metrics_text(State(served): State<Served>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], served.metrics.text())
}
