//! Many new syncs at once: how long until all are Ready, what it costs, and how near that is to what cannot be avoided.
//!
//! Each part of a round has a fresh control plane and simulator of its own, so that none finds caches that another has warmed.

mod floors;
mod product;
mod stage;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use anyhow::Result;

use self::product::Run;
use crate::progress;
use crate::report::{Aim, Report};

pub const NAME: &str = "burst";

/// How many syncs.
const SYNCS: usize = 1000;
/// Objects of the vault in each; no two syncs share one.
const OBJECTS: usize = 3;
/// How long the vault takes to answer.
const VAULT_LATENCY: Duration = Duration::from_millis(30);
/// How long Entra takes to answer.
const TOKEN_LATENCY: Duration = Duration::from_millis(150);
/// Syncs that the user creates at once.
const CREATES: usize = 16;
/// Requests to the vault at once: the operator's default.
const VAULT_CONCURRENCY: usize = 32;
/// Syncs worked on at once: the operator's default.
const CONCURRENCY: usize = 64;
/// Writes to the API server at once, of both programs that the operator is compared with; the operator's own bound too.
const WRITES: usize = 32;

/// How calls for the identity are marked, which are no matter of the number of syncs.
const OF_IDENTITY: &str = "(identity)";

/// Times of one round, in seconds, and what the operator's part was seen to do.
struct Round {
    run: Run,
    floors: Option<Floors>,
}

/// What the operator is compared with, in seconds.
#[derive(Clone, Copy)]
struct Floors {
    necessary: f64,
    writes: f64,
}

/// Runs the scenario and prints its table.
pub async fn run(rounds: usize, with_floors: bool) -> Result<Report> {
    let mut done = Vec::new();
    for round in 1..=rounds {
        let part = |what: &str| progress(&format!("{NAME}, round {round} of {rounds}: {what}"));
        let mut floors = None;
        if with_floors {
            part("Secret writes alone")?;
            let writes = floors::writes().await?;
            part("the necessary calls")?;
            let necessary = floors::necessary_calls().await?;
            part(&format!(
                "so far {writes:.2} s and {necessary:.2} s; the operator"
            ))?;
            floors = Some(Floors { necessary, writes });
        } else {
            part("the operator")?;
        }
        let run = product::run().await?;
        part(&format!("the operator took {:.2} s", run.seconds))?;
        done.push(Round { run, floors });
    }
    let report = report(&done);
    head(rounds)?;
    report.print()?;
    reference()?;
    Ok(report)
}

fn report(rounds: &[Round]) -> Report {
    let mut report = Report::new(NAME);
    let of = |value: &dyn Fn(&Round) -> f64| median(rounds.iter().map(value).collect());
    let run = |value: &dyn Fn(&Run) -> f64| of(&|round: &Round| value(&round.run));
    report.tell("time until all are Ready", run(&|run| run.seconds), "s");
    report.tell(
        "  until all are created, 16 at a time",
        run(&|run| run.created),
        "s",
    );
    compare(&mut report, rounds);
    let reads = float(SYNCS * OBJECTS);
    report.judge(
        "vault calls",
        run(&|run| run.vault_calls),
        "calls",
        Aim::Exactly(reads),
    );
    report.judge(
        "token calls",
        run(&|run| run.token_calls),
        "calls",
        Aim::AtMost(1.0),
    );
    let per_sync = |of: fn(&Run) -> &BTreeMap<String, usize>| {
        run(&|run| {
            let calls = of(run).iter();
            let of_syncs = calls.filter(|(what, _)| !what.ends_with(OF_IDENTITY));
            of_syncs.map(|(_, count)| float(*count)).sum::<f64>() / float(SYNCS)
        })
    };
    report.judge(
        "API server writes per sync",
        per_sync(|run| &run.writes),
        "",
        Aim::AtMost(2.0),
    );
    tell_kinds(&mut report, rounds, |run| &run.writes);
    report.judge(
        "API server reads per sync",
        per_sync(|run| &run.reads),
        "",
        Aim::AtMost(1.0),
    );
    tell_kinds(&mut report, rounds, |run| &run.reads);
    report.tell("CPU of the operator", run(&|run| run.cpu.operator), "s");
    report.tell("CPU of the API server", run(&|run| run.cpu.api_server), "s");
    report.tell("CPU of etcd", run(&|run| run.cpu.etcd), "s");
    report.tell("CPU of the simulator", run(&|run| run.cpu.simulator), "s");
    report.judge(
        "memory of the operator (RSS), all Ready",
        run(&|run| run.rss),
        "MiB",
        Aim::AtMost(35.0),
    );
    report.tell(
        "memory of the operator (RSS), at its start",
        run(&|run| run.rss_idle),
        "MiB",
    );
    report.tell(
        "memory of the operator (RSS), peak of all time",
        run(&|run| run.rss_peak),
        "MiB",
    );
    report
}

/// Ratios are those of each round: what disturbs the machine for minutes disturbs both sides of one.
fn compare(report: &mut Report, rounds: &[Round]) {
    let pairs: Vec<(f64, Floors)> = rounds
        .iter()
        .filter_map(|round| Some((round.run.seconds, round.floors?)))
        .collect();
    if pairs.is_empty() {
        return;
    }
    let of = |value: &dyn Fn(f64, Floors) -> f64| {
        median(
            pairs
                .iter()
                .map(|(own, floors)| value(*own, *floors))
                .collect(),
        )
    };
    let necessary = of(&|_, floors| floors.necessary);
    let writes = of(&|_, floors| floors.writes);
    report.tell(
        "floor: a bare program makes the necessary calls",
        necessary,
        "s",
    );
    report.tell(
        "floor: a bare writer applies the Secrets alone",
        writes,
        "s",
    );
    let each = |own: f64, floors: Floors| own / floors.necessary;
    for (round, (own, floors)) in pairs.iter().enumerate() {
        let what = format!("  round {}: time / necessary calls", round + 1);
        report.tell(what, each(*own, *floors), "×");
    }
    let ratio = of(&each);
    report.judge("time / necessary calls", ratio, "×", Aim::AtMost(1.5));
    let ratio = of(&|own, floors| own / floors.writes);
    report.tell("time / Secret writes alone", ratio, "×");
}

fn tell_kinds(report: &mut Report, rounds: &[Round], of: fn(&Run) -> &BTreeMap<String, usize>) {
    let kinds: std::collections::BTreeSet<&String> = rounds
        .iter()
        .flat_map(|round| of(&round.run).keys())
        .collect();
    for kind in kinds {
        let counts = rounds.iter().map(|round| of(&round.run).get(kind).copied());
        let counts = counts
            .map(|count| float(count.unwrap_or_default()))
            .collect();
        report.tell(format!("  {kind}"), median(counts), "calls");
    }
}

fn head(rounds: usize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nburst: {SYNCS} new VaultSecretSyncs with {OBJECTS} objects each, all of one vault and one identity\n\n\
         \x20 Answers of the vault take {} ms, tokens {} ms; {VAULT_CONCURRENCY} requests to the vault at once, {CONCURRENCY} syncs at once.\n\
         \x20 Timed from the first create (the identity) to the last Ready, seen by a watch. The necessary calls: the same creates,\n\
         \x20 one token, the vault reads, one Secret apply and one status write for each sync, by a program that does nothing else.\n\
         \x20 Median of {rounds} round(s), each part on a fresh control plane. Operator and simulator are of the release profile.\n\
         \x20 {}\n",
        VAULT_LATENCY.as_millis(),
        TOKEN_LATENCY.as_millis(),
        stage::machine(),
    )
}

/// Measured elsewhere with the same load, by that project's own release; only an order of magnitude to compare with.
fn reference() -> io::Result<()> {
    writeln!(
        io::stdout(),
        "\n  For comparison, measured elsewhere and not in this run: External Secrets Operator takes 16.3 s with 50 workers and 286 s\n  \
         by default, with 1,000 token calls and 84–100 MB of memory."
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Counts are far below 2^52.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}
