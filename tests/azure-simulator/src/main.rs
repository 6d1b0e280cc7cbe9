//! The simulator's binary: starts it, prints its endpoints and serves until it is told to stop.

use std::{io::Write as _, process::ExitCode};

use azure_simulator::{Options, Simulator};
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell a failed write to.
            drop(writeln!(std::io::stderr(), "azure-simulator: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&options.log_level)?)
        .with_writer(std::io::stderr)
        .init();
    let mut terminate = signal(SignalKind::terminate())?;
    let simulator = Simulator::start(options).await?;
    // Standard output may be closed by the starter: endpoints.json says the same, so a failed write ends nothing.
    let line = serde_json::to_string(simulator.endpoints())?;
    if let Err(error) = writeln!(std::io::stdout(), "{line}") {
        tracing::warn!(%error, "the endpoints could not be printed");
    }
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    simulator.stop().await;
    Ok(())
}
