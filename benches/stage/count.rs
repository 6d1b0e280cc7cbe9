//! What was done in a span of time: calls to Azure by the simulator's counters, calls to the API server by its audit log, CPU
//! by `/proc`.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result};
use testbed::simulator::Counters;
use testbed::{Process, audit};

use super::load::CREDENTIAL;
use super::{Stage, Subject};
use crate::report::float;

/// The clock of `/proc`, fixed for programs on Linux.
const CLOCK_TICKS_PER_SECOND: f64 = 100.0;

/// How calls for the identity are marked, which are no matter of the number of syncs.
pub const OF_IDENTITY: &str = "(identity)";

/// CPU time, user and system, in seconds.
#[derive(Clone, Copy, Default)]
pub struct Cpu {
    pub operator: f64,
    pub api_server: f64,
    pub etcd: f64,
    pub simulator: f64,
}

impl Cpu {
    fn now(stage: &Stage, operator: Option<&Process>) -> Result<Self> {
        Ok(Self {
            operator: operator.map_or(Ok(0.0), Process::cpu_seconds)?,
            api_server: stage.control_plane.api_server().cpu_seconds()?,
            etcd: stage.control_plane.etcd().cpu_seconds()?,
            simulator: stage.simulator.process().cpu_seconds()?,
        })
    }

    fn since(self, before: Self) -> Self {
        Self {
            operator: self.operator - before.operator,
            api_server: self.api_server - before.api_server,
            etcd: self.etcd - before.etcd,
            simulator: self.simulator - before.simulator,
        }
    }
}

/// The beginning of a span.
pub struct Mark {
    at: Instant,
    audit: usize,
    counters: Counters,
    cpu: Cpu,
}

/// What was done from a mark on.
#[derive(Default)]
pub struct Span {
    pub seconds: f64,
    /// Pages of lists, of all vaults and kinds.
    pub lists: usize,
    /// Reads of single objects.
    pub gets: usize,
    pub tokens: usize,
    /// New connections to the vaults and to Entra.
    pub connections: usize,
    /// Writes of the operator by verb and kind.
    pub writes: BTreeMap<String, usize>,
    /// Reads of the operator by verb and kind; its watches go on and are none of them.
    pub reads: BTreeMap<String, usize>,
    pub cpu: Cpu,
}

impl Mark {
    /// Begins a span; without an operator, its CPU time is not counted.
    pub async fn set(stage: &Stage, subject: Option<&Subject>) -> Result<Self> {
        Ok(Self {
            audit: stage.control_plane.audit()?.len(),
            counters: stage.simulator.admin().counters().await?,
            cpu: Cpu::now(stage, subject.map(Subject::process))?,
            at: Instant::now(),
        })
    }

    /// What was done since.
    pub async fn span(&self, stage: &Stage, subject: Option<&Subject>) -> Result<Span> {
        let seconds = self.at.elapsed().as_secs_f64();
        let cpu = Cpu::now(stage, subject.map(Subject::process))?.since(self.cpu);
        let counters = stage.simulator.admin().counters().await?;
        let asked = |fits: fn(&str, &str) -> bool| {
            let count = asked(&counters, fits).saturating_sub(asked(&self.counters, fits));
            usize::try_from(count)
        };
        let opened = |counters: &Counters| counters.connections.values().sum::<u64>();
        let (writes, reads) = calls(&stage.control_plane.audit()?, self.audit, &stage.user());
        Ok(Span {
            seconds,
            lists: asked(|_, operation| operation.starts_with("List"))?,
            gets: asked(|host, operation| host != "login" && operation.starts_with("Get"))?,
            tokens: asked(|_, operation| operation == "GetToken")?,
            connections: usize::try_from(opened(&counters).saturating_sub(opened(&self.counters)))?,
            writes,
            reads,
            cpu,
        })
    }
}

fn asked(counters: &Counters, fits: fn(&str, &str) -> bool) -> u64 {
    let by_host = counters.operations.iter();
    by_host
        .flat_map(|(host, operations)| operations.iter().map(move |(name, of)| (host, name, of)))
        .filter(|(host, name, _)| fits(host, name))
        .flat_map(|(_, _, answers)| answers.values())
        .sum()
}

impl Span {
    /// How many of some calls there were, those for the identity aside.
    pub fn of_syncs(calls: &BTreeMap<String, usize>) -> f64 {
        let of_syncs = calls
            .iter()
            .filter(|(what, _)| !what.ends_with(OF_IDENTITY));
        of_syncs.map(|(_, count)| float(*count)).sum()
    }

    /// How many calls there were whose words begin so, those for the identity aside: `get secrets`.
    pub fn starting(calls: &BTreeMap<String, usize>, with: &str) -> f64 {
        let of_syncs = calls
            .iter()
            .filter(|(what, _)| !what.ends_with(OF_IDENTITY));
        let fits = of_syncs.filter(|(what, _)| what.starts_with(with));
        fits.map(|(_, count)| float(*count)).sum()
    }

    /// CPU seconds by the minute.
    pub fn a_minute(&self, cpu: f64) -> f64 {
        cpu * 60.0 / self.seconds
    }
}

/// The user's answered requests from entry `before` of the audit log on: writes and reads.
fn calls(
    audit: &[audit::Entry],
    before: usize,
    user: &str,
) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let (mut writes, mut reads) = (BTreeMap::new(), BTreeMap::new());
    for entry in audit.iter().skip(before).filter(|entry| entry.user == user) {
        let into = match entry.verb.as_str() {
            "watch" => continue,
            "get" | "list" => &mut reads,
            _ => &mut writes,
        };
        let mut what = format!("{} {}", entry.verb, entry.resource);
        if !entry.subresource.is_empty() {
            what = format!("{what}/{}", entry.subresource);
        }
        if entry.code >= 400 {
            what = format!("{what}, answered {}", entry.code);
        }
        if entry.resource.ends_with("identities") || entry.name == CREDENTIAL {
            what = format!("{what} {OF_IDENTITY}");
        }
        *into.entry(what).or_default() += 1;
    }
    (writes, reads)
}

/// CPU time of this process so far, user and system, in seconds.
pub fn own_cpu() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The second field is a name in parentheses, which may have spaces in it.
    let fields = stat.rsplit_once(") ").context("/proc/self/stat")?.1;
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: Vec<f64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / CLOCK_TICKS_PER_SECOND)
}

/// Resident memory of a process in MiB: now, and the most that it ever was.
pub fn memory(process: &Process) -> Result<(f64, f64)> {
    let mib = |kib: u64| usize::try_from(kib).map_or(f64::NAN, float) / 1024.0;
    Ok((mib(process.rss_kib()?), mib(process.peak_rss_kib()?)))
}
