//! New syncs at once: how long until all are Ready, what it costs, and how near that is to what cannot be avoided.
//!
//! Each part of a round has a fresh control plane and simulator of its own, so that none finds caches that another has warmed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::floors::{self, CONCURRENCY, VAULT_CONCURRENCY};
use crate::progress;
use crate::report::{Aim, Report, float, median};
use crate::settings::Settings;
use crate::stage::count::{Mark, Span, memory};
use crate::stage::load::{Load, TOKEN_LATENCY, VAULT_LATENCY};
use crate::stage::{CREATES, Stage, Subject};

pub const BURST: &str = "burst";
pub const MANY: &str = "many";

/// What one scenario of this file is.
struct Plan {
    name: &'static str,
    load: Load,
    rounds: usize,
    with_floors: bool,
    /// MiB of memory when all are Ready.
    memory: f64,
}

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

/// What the operator's part of a round was seen to do. Times in seconds, memory in MiB.
struct Run {
    /// From the first create to the last answer to one.
    created: f64,
    /// From the first create to the last Ready.
    seconds: f64,
    span: Span,
    rss_idle: f64,
    rss: f64,
    rss_peak: f64,
}

/// A thousand syncs of one vault.
pub async fn burst(settings: &Settings) -> Result<Report> {
    let load = Load::new(settings.scaled(1000), 3, settings.interval(300));
    let plan = Plan {
        name: BURST,
        load,
        rounds: settings.rounds.max(1),
        with_floors: !settings.without_floors,
        memory: 35.0,
    };
    let mut report = run(settings, &plan).await?;
    report.compare(
        "16.3–19.5 s with 50 workers, 286–296 s by default; 3,000 reads, 1,000 tokens, about 800 connections; 84–100 MB.",
    );
    Ok(report)
}

/// Ten thousand syncs. No vault has more of them than Key Vault answers within its limits at once.
pub async fn many(settings: &Settings) -> Result<Report> {
    let load = Load {
        vaults: 10,
        ..Load::new(settings.scaled(10_000), 1, settings.interval(300))
    };
    let plan = Plan {
        name: MANY,
        load,
        rounds: 1,
        with_floors: !settings.without_floors,
        memory: 80.0,
    };
    let mut report = run(settings, &plan).await?;
    report.compare("220–252 s with 50 workers; 288–324 MB.");
    Ok(report)
}

async fn run(settings: &Settings, plan: &Plan) -> Result<Report> {
    let mut done = Vec::new();
    for round in 1..=plan.rounds {
        let part = |what: &str| {
            progress(&format!(
                "{}, round {round} of {}: {what}",
                plan.name, plan.rounds
            ))
        };
        let mut floors = None;
        if plan.with_floors {
            part("Secret writes alone")?;
            let writes = floors::writes(plan.load).await?;
            part("the necessary calls")?;
            let necessary = floors::necessary_calls(plan.load).await?;
            part(&format!(
                "so far {writes:.2} s and {necessary:.2} s; the operator"
            ))?;
            floors = Some(Floors { necessary, writes });
        } else {
            part("the operator")?;
        }
        let run = operator(settings, plan.load).await?;
        part(&format!("the operator took {:.2} s", run.seconds))?;
        done.push(Round { run, floors });
    }
    Ok(report(plan, &done))
}

/// The operator under the load.
async fn operator(settings: &Settings, load: Load) -> Result<Run> {
    let stage = Stage::new(settings, load).await?;
    let subject = Subject::start(&stage).await?;
    let (rss_idle, _) = memory(subject.process())?;
    let mark = Mark::set(&stage, Some(&subject)).await?;
    let began = Instant::now();
    let create = async {
        stage.create_all().await?;
        anyhow::Ok(began.elapsed().as_secs_f64())
    };
    let ready = async {
        stage.all_ready().await?;
        anyhow::Ok(began.elapsed().as_secs_f64())
    };
    let (created, seconds) = tokio::try_join!(create, subject.doing(ready))?;
    let span = mark.span(&stage, Some(&subject)).await?;
    let (rss, rss_peak) = memory(subject.process())?;
    stage.verify().await?;
    subject.stop().await?;
    stage.stop().await?;
    Ok(Run {
        created,
        seconds,
        span,
        rss_idle,
        rss,
        rss_peak,
    })
}

fn report(plan: &Plan, rounds: &[Round]) -> Report {
    let mut report = Report::new(plan.name, about(plan));
    let of = |value: &dyn Fn(&Run) -> f64| {
        median(rounds.iter().map(|round| value(&round.run)).collect())
    };
    report.tell("time until all are Ready", of(&|run| run.seconds), "s");
    let what = format!("  until all are created, {CREATES} at a time");
    report.tell(what, of(&|run| run.created), "s");
    compare(&mut report, rounds);
    let syncs = float(plan.load.syncs);
    let reads = Aim::Exactly(float(plan.load.distinct()));
    let gets = of(&|run| float(run.span.gets));
    report.judge("reads of the vault (GET)", gets, "calls", reads);
    let lists = of(&|run| float(run.span.lists));
    report.tell("pages of lists of the vault (LIST)", lists, "calls");
    let tokens = of(&|run| float(run.span.tokens));
    report.judge("token calls", tokens, "calls", Aim::AtMost(1.0));
    let opened = of(&|run| float(run.span.connections));
    report.tell("connections to Azure", opened, "");
    let each = of(&|run| Span::of_syncs(&run.span.writes) / syncs);
    report.judge("API server writes per sync", each, "", Aim::AtMost(2.0));
    tell_kinds(&mut report, rounds, |span| &span.writes);
    let each = of(&|run| Span::of_syncs(&run.span.reads) / syncs);
    report.judge("API server reads per sync", each, "", Aim::AtMost(1.0));
    tell_kinds(&mut report, rounds, |span| &span.reads);
    let cpu = of(&|run| run.span.cpu.operator);
    report.tell("CPU of the operator", cpu, "s");
    let cpu = of(&|run| run.span.cpu.api_server);
    report.tell("CPU of the API server", cpu, "s");
    report.tell("CPU of etcd", of(&|run| run.span.cpu.etcd), "s");
    let cpu = of(&|run| run.span.cpu.simulator);
    report.tell("CPU of the simulator", cpu, "s");
    let most = Aim::AtMost(plan.memory);
    let rss = of(&|run| run.rss);
    report.judge("memory of the operator (RSS), all Ready", rss, "MiB", most);
    let rss = of(&|run| run.rss_idle);
    report.tell("memory of the operator (RSS), at its start", rss, "MiB");
    let rss = of(&|run| run.rss_peak);
    report.tell("memory of the operator (RSS), most ever", rss, "MiB");
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
        let values = pairs.iter().map(|(own, floors)| value(*own, *floors));
        median(values.collect())
    };
    let necessary = of(&|_, floors| floors.necessary);
    let what = "floor: a bare program makes the necessary calls";
    report.tell(what, necessary, "s");
    let writes = of(&|_, floors| floors.writes);
    let what = "floor: a bare writer applies the Secrets alone";
    report.tell(what, writes, "s");
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

fn tell_kinds(report: &mut Report, rounds: &[Round], of: fn(&Span) -> &BTreeMap<String, usize>) {
    let kinds: BTreeSet<&String> = rounds
        .iter()
        .flat_map(|round| of(&round.run.span).keys())
        .collect();
    for kind in kinds {
        let counts = rounds
            .iter()
            .map(|round| of(&round.run.span).get(kind).copied());
        let counts = counts
            .map(|count| float(count.unwrap_or_default()))
            .collect();
        report.tell(format!("  {kind}"), median(counts), "calls");
    }
}

fn about(plan: &Plan) -> String {
    let milliseconds = |latency: Duration| latency.as_millis();
    format!(
        "{}, all new\n\n\
         \x20 Answers of the vault take {} ms, tokens {} ms; {VAULT_CONCURRENCY} requests to a vault at once, {CONCURRENCY} syncs at once.\n\
         \x20 Timed from the first create (the identity) to the last Ready, seen by a watch. The necessary calls: the same creates,\n\
         \x20 one token, the vault reads, one Secret apply and one status write for each sync, by a program that does nothing else.\n\
         \x20 Median of {} round(s), each part on a fresh control plane.",
        plan.load.words(),
        milliseconds(VAULT_LATENCY),
        milliseconds(TOKEN_LATENCY),
        plan.rounds,
    )
}
