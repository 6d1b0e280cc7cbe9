//! Benchmarks on real processes, by the operator and the simulator that were built beside this program:
//!
//! ```text
//! cargo build --release --workspace --bin lakevault --bin azure-simulator --example bench
//! target/release/examples/bench [--scenario NAME] [--rounds N]
//! ```
//!
//! Prints a table for each scenario and writes `target/bench.json`. A missed aim is said in the table and is no failure: times
//! depend on the machine.

#![allow(unreachable_pub, missing_docs, reason = "a program has no callers")]

mod burst;
mod report;
mod tokens;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use report::Measure;
use testbed::binaries;

#[derive(Parser)]
#[command(about = "Benchmarks on real processes")]
struct Arguments {
    /// Runs this scenario only
    #[arg(long, env = "SCENARIO")]
    scenario: Option<String>,
    /// How often each scenario is run; the medians are told
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Leaves out the programs that the operator is compared with: for work on the operator
    #[arg(long)]
    without_floors: bool,
}

const SCENARIOS: &[&str] = &[burst::NAME, tokens::NAME];

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when standard error is closed.
            drop(writeln!(io::stderr(), "{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let only = arguments.scenario.filter(|name| !name.is_empty());
    if let Some(name) = only.as_deref().filter(|name| !SCENARIOS.contains(name)) {
        bail!(
            "there is no scenario {name}; there are: {}",
            SCENARIOS.join(", ")
        );
    }
    let rounds = arguments.rounds.max(1);
    let mut measures: Vec<Measure> = Vec::new();
    let chosen = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if chosen(tokens::NAME) {
        measures.extend(tokens::run().await?.measures);
    }
    if chosen(burst::NAME) {
        measures.extend(
            burst::run(rounds, !arguments.without_floors)
                .await?
                .measures,
        );
    }
    let built = binaries::target_folder()?;
    let path = built
        .parent()
        .context("the target folder has no parent")?
        .join("bench.json");
    report::write(&path, &measures)?;
    writeln!(io::stdout(), "\nWritten to {}", path.display())?;
    Ok(())
}

/// Says how far a long run is.
pub fn progress(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "  … {text}")
}
