//! Logs, as JSON or text, on standard error.

use std::str::FromStr;

use tracing_subscriber::EnvFilter;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Starts logging. `level` is a word (`info`) or a filter (`lakevault=debug,kube=warn`).
pub fn start(format: LogFormat, level: &str) -> Result<(), String> {
    let understood =
        |error: &dyn std::fmt::Display| format!("log level {level:?} is not understood: {error}");
    // kube logs the whole body of an answer that it cannot parse: for a Secret that would be its values.
    let silent = "kube_client::client=off"
        .parse()
        .map_err(|e| understood(&e))?;
    let filter = EnvFilter::from_str(level)
        .map_err(|e| understood(&e))?
        .add_directive(silent);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    match format {
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
        LogFormat::Text => builder.with_ansi(false).try_init(),
    }
    .map_err(|error| format!("failed to start logging: {error}"))
}
