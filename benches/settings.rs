//! What the caller asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// `make bench`, and what it can be told.
#[derive(Clone, Debug, Parser)]
#[command(about = "Benchmarks on real processes")]
pub struct Settings {
    /// Runs this scenario only
    #[arg(long, env = "SCENARIO")]
    pub scenario: Option<String>,
    /// How often the scenarios with a ratio to a floor are run; the medians are told
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Leaves out the programs that the operator is compared with: for work on the operator
    #[arg(long)]
    pub without_floors: bool,
    /// Multiplies the numbers of syncs: 0.1 for a quick trial, whose aims say little
    #[arg(long, env = "SCALE", default_value_t = 1.0)]
    pub scale: f64,
    /// The refresh interval in seconds, at least 10; each scenario has its own if absent
    #[arg(long, env = "INTERVAL")]
    pub interval: Option<u64>,
    /// For how many intervals a steady state is measured
    #[arg(long, env = "INTERVALS", default_value_t = 2)]
    pub intervals: u32,
    #[command(flatten)]
    pub other: OtherArgs,
}

/// Another operator on the same stage.
#[derive(Clone, Debug, clap::Args)]
pub struct OtherArgs {
    /// Measures another operator: a command for `sh -c`, which runs in the foreground
    #[arg(long, requires = "sync_template")]
    operator_command: Option<String>,
    /// A file or a folder of manifests that are applied before that operator starts
    #[arg(long, requires = "operator_command")]
    manifests: Option<PathBuf>,
    /// The manifest of one sync of that operator
    #[arg(long, requires = "operator_command")]
    sync_template: Option<PathBuf>,
}

/// Another operator, where one was asked for.
#[derive(Clone, Debug)]
pub struct Other {
    pub command: String,
    pub manifests: Option<PathBuf>,
    pub sync_template: PathBuf,
}

impl Settings {
    pub fn other(&self) -> Option<Other> {
        let args = &self.other;
        Some(Other {
            command: args.operator_command.clone()?,
            manifests: args.manifests.clone(),
            sync_template: args.sync_template.clone()?,
        })
    }

    /// So many syncs, scaled.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "counts are small and positive"
    )]
    pub fn scaled(&self, syncs: usize) -> usize {
        ((syncs as f64 * self.scale).round() as usize).max(1)
    }

    /// The refresh interval, where the scenario's own is `seconds`.
    pub fn interval(&self, seconds: u64) -> Duration {
        Duration::from_secs(self.interval.unwrap_or(seconds))
    }
}
