//! For developers: a control plane, and on demand a simulator, to try things on.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use testbed::signals::asked_to_end;
use testbed::{ControlPlane, ControlPlaneOptions, Simulator, SimulatorOptions};

#[derive(Parser)]
#[command(about = "Real processes to try the operator on")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Starts a control plane and waits for Ctrl-C
    Up {
        /// Where logs, keys and data go; what an earlier run left there is removed
        #[arg(long, default_value = "target/testbed")]
        dir: PathBuf,
        /// The API server's port; a free one by default
        #[arg(long)]
        port: Option<u16>,
        /// A file or folder with definitions of custom resources to apply at the start
        #[arg(long)]
        crds: Vec<PathBuf>,
        /// Starts the Azure simulator too
        #[arg(long)]
        simulator: bool,
        /// What the simulator has from the start (YAML or JSON)
        #[arg(long, requires = "simulator")]
        seed: Option<PathBuf>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when standard error is closed.
            drop(writeln!(std::io::stderr(), "{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(task: Task) -> Result<()> {
    let Task::Up {
        dir,
        port,
        crds,
        simulator,
        seed,
    } = task;
    let began = Instant::now();
    let options = ControlPlaneOptions {
        port,
        crds,
        ..ControlPlaneOptions::default()
    };
    let (control_plane, simulator) = tokio::select! {
        started = start(&dir, options, simulator, seed) => started?,
        () = asked_to_end() => return Ok(()),
    };
    let mut out = std::io::stdout();
    writeln!(
        out,
        "# ready after {:.1} s; logs in {}",
        began.elapsed().as_secs_f64(),
        control_plane.folder().display()
    )?;
    writeln!(
        out,
        "export KUBECONFIG={}",
        control_plane.kubeconfig().display()
    )?;
    writeln!(
        out,
        "# process ids: {}",
        control_plane.pids().map(|pid| pid.to_string()).join(" ")
    )?;
    if let Some(simulator) = &simulator {
        let endpoints = simulator.endpoints();
        writeln!(
            out,
            "# simulator: admin API {}, --hosts-file {} --ca-file {}",
            endpoints.admin,
            endpoints.hosts_file.display(),
            endpoints.ca_file.display()
        )?;
    }
    writeln!(out, "# Ctrl-C ends it")?;
    out.flush()?;
    asked_to_end().await;
    if let Some(simulator) = simulator {
        simulator.terminate(Duration::from_secs(5)).await?;
    }
    control_plane.stop().await
}

async fn start(
    dir: &std::path::Path,
    options: ControlPlaneOptions,
    simulator: bool,
    seed: Option<PathBuf>,
) -> Result<(ControlPlane, Option<Simulator>)> {
    let control_plane = ControlPlane::start(dir, options).await?;
    if !simulator {
        return Ok((control_plane, None));
    }
    let seed = match seed {
        Some(path) => {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            Some(
                serde_saphyr::from_str(&text)
                    .with_context(|| format!("{} is not YAML", path.display()))?,
            )
        }
        None => None,
    };
    let simulator = Simulator::start(
        dir,
        SimulatorOptions {
            seed,
            ..SimulatorOptions::default()
        },
    )
    .await?;
    // Workload identity then works from the start: the simulator believes the tokens of this control plane.
    simulator
        .admin()
        .put_issuer(control_plane.issuer(), control_plane.ca_file())
        .await?;
    Ok((control_plane, Some(simulator)))
}
