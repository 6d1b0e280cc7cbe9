//! Logs, as JSON or text, on standard error.

use std::str::FromStr;

use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

use super::spans;
use super::traces::Traces;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Starts logging, and traces where there are any. `level` is a word (`info`) or a filter (`lakevault=debug,kube=warn`).
pub fn start(format: LogFormat, level: &str, traces: Option<&Traces>) -> Result<(), String> {
    let filter = filter(level)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_filter(filter)
            .boxed(),
        LogFormat::Text => lines.with_ansi(false).with_filter(filter).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines)
        .with(traces.map(Traces::layer))
        .try_init()
        .map_err(|error| format!("failed to start logging: {error}"))
}

/// What the level lets through, apart from what must never be a line of the log.
fn filter(level: &str) -> Result<EnvFilter, String> {
    let understood =
        |error: &dyn std::fmt::Display| format!("log level {level:?} is not understood: {error}");
    // kube logs the whole body of an answer that it cannot parse: for a Secret that would be its values.
    let silent = "kube_client::client=off"
        .parse()
        .map_err(|e| understood(&e))?;
    // Spans are for traces alone.
    let spans = format!("{}=off", spans::TARGET);
    Ok(EnvFilter::from_str(level)
        .map_err(|e| understood(&e))?
        .add_directive(silent)
        .add_directive(spans.parse().map_err(|e| understood(&e))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a span is made where the log alone listens, at this level.
    fn makes_spans(level: &str) -> bool {
        let lines = tracing_subscriber::fmt::layer().with_filter(filter(level).unwrap());
        let listening = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(listening, || {
            !spans::reconcile("VaultSecretSync", Some("team"), "app").is_disabled()
        })
    }

    #[test]
    fn without_traces_no_span_is_made_at_any_level() {
        for level in ["info", "trace", "lakevault=trace", "info,lakevault=debug"] {
            assert!(!makes_spans(level), "{level}");
        }
    }

    #[test]
    fn a_level_that_is_not_understood_is_quoted() {
        let error = filter("lakevault=loud").unwrap_err();
        assert!(error.contains("lakevault=loud"), "{error}");
    }
}
