//! The demo: control plane, a stand-in for Azure and the operator as real processes, and what the operator does for its users,
//! step by step. It ends with exit code 0, or says what went wrong and ends with 1.

mod parts;
mod say;
mod watch;
mod world;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use clap::Parser;
use testbed::process::describe;
use testbed::signals::asked_to_end;
use testbed::{Process, binaries};

use crate::parts::Demo;
use crate::say::{Say, human, line};
use crate::watch::Cluster;
use crate::world::{VAULT, World};

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;
/// Longer than any demo.
const FOREVER: Duration = Duration::from_hours(24);

#[derive(Parser)]
#[command(about = "Shows what Lakevault does, on real processes")]
struct Arguments {
    /// Leaves all running until Ctrl-C, and prints things to try
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().keep).await {
        Ok(code) => code,
        Err(error) => {
            // Standard output may be what was closed.
            drop(line(format_args!("\nThe demo failed: {error:#}")));
            ExitCode::FAILURE
        }
    }
}

async fn run(keep: bool) -> Result<ExitCode> {
    let began = Instant::now();
    let say = Say::new();
    let folder = world::fresh_folder()?;
    line(
        "Lakevault keeps Kubernetes Secrets equal to Azure Key Vault. All that follows runs on this machine,\n\
         as real processes on loopback; the values shown are for the demo only.",
    )?;
    say.heading("Starting")?;
    let world = tokio::select! {
        started = World::start(&say, &folder) => started?,
        () = asked_to_end() => return stopped(),
    };
    let shown = tokio::select! {
        shown = show(&say, &world, began) => shown,
        // What waits for a process that has ended would wait for long.
        ended = world.operator.process().wait_exit(FOREVER) => Err(anyhow!("the operator ended early: {}", describe(ended?))),
        () = asked_to_end() => return stopped(),
    };
    if let Err(error) = shown {
        drop(explain(&world, &folder).await);
        return Err(error);
    }
    if keep {
        things_to_try(&world)?;
        asked_to_end().await;
        line("\nEnding.")?;
    }
    world.stop().await?;
    // The folder is below the target folder: what cannot be removed now goes with the next demo.
    drop(std::fs::remove_dir_all(&folder));
    Ok(ExitCode::SUCCESS)
}

fn stopped() -> Result<ExitCode> {
    line("\nStopped.")?;
    Ok(ExitCode::from(INTERRUPTED))
}

async fn show(say: &Say, world: &World, began: Instant) -> Result<()> {
    let demo = Demo {
        say,
        world,
        cluster: Cluster::new(&world.client),
    };
    demo.arrival().await?;
    demo.rotation().await?;
    demo.damage().await?;
    demo.outages().await?;
    demo.summary().await?;
    Ok(line(format_args!(
        "\nAll went as it should, in {}.",
        human(began.elapsed())
    ))?)
}

/// After a failure: what the objects say, and how the logs end.
async fn explain(world: &World, folder: &Path) -> Result<()> {
    line("\nThe objects:")?;
    let get = ["get", "lakevault", "-n", watch::NAMESPACE, "-o", "wide"];
    match world.control_plane.kubectl().run(get).await {
        Ok(table) => line(table)?,
        Err(error) => line(format_args!("  {error:#}"))?,
    }
    let processes: [&Process; 3] = [
        world.operator.process(),
        world.simulator.process(),
        world.control_plane.api_server(),
    ];
    for process in processes {
        let runs = if process.is_alive() {
            "runs"
        } else {
            "has ended"
        };
        line(format_args!(
            "The end of the log of {}, which {runs}:\n{}",
            process.name(),
            process.log_tail(15)
        ))?;
    }
    Ok(line(format_args!("All logs are in {}", folder.display()))?)
}

fn things_to_try(world: &World) -> io::Result<()> {
    let kubectl = binaries::kubernetes("kubectl").unwrap_or_default();
    let folder = kubectl.parent().unwrap_or_else(|| Path::new("."));
    let admin = &world.simulator.endpoints().admin;
    line(format_args!(
        r#"
All is left running until Ctrl-C. In another terminal:

  export KUBECONFIG={kubeconfig}
  export SIMULATOR={admin}
  export PATH={folder}:$PATH

Things to try:

  # What there is, and all that a sync says of itself
  kubectl get lakevault -n demo
  kubectl describe vss shop -n demo

  # A value
  kubectl get secret shop -n demo -o go-template='{{{{.data.DB_PASSWORD | base64decode}}}}{{{{"\n"}}}}'

  # A rotation in the vault; it arrives within a minute, or at once with the second line
  curl -sX PUT $SIMULATOR/vaults/{VAULT}/secrets/shop-db-password -d '{{"value":"my own"}}'
  kubectl annotate vss shop -n demo --overwrite lakevault.dev/sync-at="$(date +%s)"

  # Damage, healed before the next command shows it
  kubectl patch secret shop -n demo -p '{{"stringData":{{"DB_PASSWORD":"oops"}}}}'

  # Throttling: the sync says so and keeps the values; the last line ends it
  curl -sX POST $SIMULATOR/faults -d '{{"host":"{VAULT}.vault.sim.test","fault":{{"status":429,"retryAfter":10}}}}'
  kubectl annotate vss shop -n demo --overwrite lakevault.dev/sync-at="$(date +%s)"
  kubectl get vss -n demo -o wide
  curl -sX DELETE $SIMULATOR/faults

  # A sync of your own
  kubectl explain vss.spec.data.secret
  kubectl edit vss shop -n demo

  # What the operator logs, and what Azure was asked
  tail -f {log}
  curl -s $SIMULATOR/counters
"#,
        kubeconfig = world.control_plane.kubeconfig().display(),
        folder = folder.display(),
        log = world.operator.log().display(),
    ))
}
