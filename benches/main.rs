//! Benchmarks on real processes, by the operator and the simulator that were built beside this program:
//!
//! ```text
//! cargo build --release --workspace --bin lakevault --bin azure-simulator --example bench
//! target/release/examples/bench [--scenario NAME] [--scale 0.1]
//! ```
//!
//! Prints a table for each scenario and writes `target/bench.json`. A missed aim is said in the table and is no failure: times
//! depend on the machine. `docs/benchmarks.md` tells what each scenario is, and how another operator is measured.

#![allow(unreachable_pub, missing_docs, reason = "a program has no callers")]

mod accounts_created;
mod directories;
mod floors;
mod idle;
mod lake;
mod neighbours;
mod newcomer;
mod ready;
mod report;
mod restart;
mod rotation;
mod settings;
mod stage;
mod start;
mod steady;
mod tokens;
mod tree;
mod vaults;
mod vaults_created;
mod vaults_neighbours;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use report::{Measure, Report};
use settings::Settings;
use testbed::binaries;

/// In the order in which they are run.
const SCENARIOS: &[&str] = &[
    tokens::NAME,
    ready::BURST,
    ready::MANY,
    steady::STEADY,
    steady::SHARED,
    steady::CPU,
    newcomer::NAME,
    rotation::NAME,
    neighbours::NAME,
    restart::NAME,
    start::NAME,
    idle::NAME,
    vaults::NAME,
    vaults_created::NAME,
    vaults_neighbours::NAME,
    lake::NAME,
    tree::NAME,
    accounts_created::NAME,
    directories::NAME,
];

/// Those that only Lakevault can do: its own code runs in this process, or its own kinds are created.
const OWN: &[&str] = &[
    tokens::NAME,
    vaults::NAME,
    vaults_created::NAME,
    vaults_neighbours::NAME,
    lake::NAME,
    tree::NAME,
    accounts_created::NAME,
    directories::NAME,
];

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when standard error is closed.
            drop(writeln!(io::stderr(), "{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> Result<()> {
    let only = settings.scenario.as_deref().filter(|name| !name.is_empty());
    if let Some(name) = only.filter(|name| !SCENARIOS.contains(name)) {
        bail!(
            "there is no scenario {name}; there are: {}",
            SCENARIOS.join(", ")
        );
    }
    let mut measures: Vec<Measure> = Vec::new();
    for name in SCENARIOS {
        let chosen = only.is_none_or(|only| only == *name);
        let fits = settings.other().is_none() || !OWN.contains(name);
        if chosen && fits {
            let report = scenario(name, settings).await?;
            report.print()?;
            measures.extend(report.measures);
        }
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

async fn scenario(name: &str, settings: &Settings) -> Result<Report> {
    match name {
        tokens::NAME => tokens::run().await,
        ready::BURST => ready::burst(settings).await,
        ready::MANY => ready::many(settings).await,
        steady::STEADY => steady::steady(settings).await,
        steady::SHARED => steady::shared(settings).await,
        steady::CPU => steady::cpu(settings).await,
        newcomer::NAME => newcomer::run(settings).await,
        rotation::NAME => rotation::run(settings).await,
        neighbours::NAME => neighbours::run(settings).await,
        restart::NAME => restart::run(settings).await,
        start::NAME => start::run(settings).await,
        idle::NAME => idle::run(settings).await,
        vaults::NAME => vaults::run(settings).await,
        vaults_created::NAME => vaults_created::run(settings).await,
        vaults_neighbours::NAME => vaults_neighbours::run(settings).await,
        lake::NAME => lake::run(settings).await,
        tree::NAME => tree::run(settings).await,
        accounts_created::NAME => accounts_created::run(settings).await,
        directories::NAME => directories::run(settings).await,
        _ => bail!("there is no scenario {name}"),
    }
}

/// Says how far a long run is.
pub fn progress(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "  … {text}")
}
