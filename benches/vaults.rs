//! KeyVaults that nobody disturbs: what it costs to look at their vaults again and again.

use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::progress;
use crate::report::{Aim, Report, float};
use crate::settings::Settings;
use crate::stage::Stage;
use crate::stage::Subject;
use crate::stage::bare::Bare;
use crate::stage::count::{Mark, Span, memory, own_cpu};
use crate::stage::estate::{Calls, Estate};

pub const NAME: &str = "vaults";

/// The operator spreads intervals over 90 to 110 %.
const SPREAD: f64 = 1.1;
/// What a look may come late on a busy machine, in seconds.
const LATE: f64 = 2.0;

/// What was seen.
struct Seen {
    steady: Span,
    /// Calls of Resource Manager in the steady state.
    calls: Calls,
    /// The longest pause between two looks at any vault, in seconds.
    pause: f64,
    /// Memory without vaults, with them, and the most there was.
    rss: [f64; 3],
}

/// What a program that does nothing but the GETs costs.
struct Floor {
    span: Span,
    /// CPU of the program, seconds a minute.
    cpu: f64,
    calls: usize,
}

pub async fn run(settings: &Settings) -> Result<Report> {
    let estate = Estate::new(settings, 500);
    let time = estate.interval * settings.intervals;
    let stage = estate.stage(settings).await?;
    stage.create_identity().await?;
    let subject = Subject::start(&stage).await?;
    let (before, _) = memory(subject.process())?;
    progress(&format!("{NAME}: {} are created", estate.vaults))?;
    subject.doing(stage.settle_vaults(&estate)).await?;
    progress(&format!("{NAME}: one interval passes"))?;
    tokio::time::sleep(estate.interval).await;
    progress(&format!("{NAME}: {} s are measured", time.as_secs()))?;
    stage.clear_journal().await?;
    let mark = Mark::set(&stage, Some(&subject)).await?;
    tokio::time::sleep(time).await;
    let steady = mark.span(&stage, Some(&subject)).await?;
    let calls = stage.manager_calls().await?;
    let (after, most) = memory(subject.process())?;
    subject.stop().await?;
    let seen = Seen {
        pause: longest_pause(&estate, &calls, steady.seconds),
        steady,
        calls,
        rss: [before, after, most],
    };
    let mut floor = None;
    if !settings.without_floors {
        progress(&format!("{NAME}: as long by a bare program"))?;
        floor = Some(bare(&stage, &estate, time).await?);
    }
    stage.stop().await?;
    let about = format!(
        "{}; nothing changes for {} s. They were created by the operator before.",
        estate.words(),
        time.as_secs()
    );
    let mut report = Report::new(NAME, about);
    judge_calls(&mut report, settings, &estate, &seen);
    judge_cost(&mut report, &estate, &seen, floor.as_ref());
    Ok(report)
}

fn judge_calls(report: &mut Report, settings: &Settings, estate: &Estate, seen: &Seen) {
    let intervals = f64::from(settings.intervals);
    let gets = seen.calls.by_kind().get("GetVault").copied().unwrap_or(0);
    let each = float(gets) / intervals / float(estate.vaults);
    let what = "looks (GetVault) per vault and interval";
    report.judge(what, each, "calls", Aim::AtMost(SPREAD));
    let longest = estate.interval.as_secs_f64() * SPREAD + LATE;
    let what = "longest pause between two looks at a vault";
    report.judge(what, seen.pause, "s", Aim::AtMost(longest));
    let none = Aim::Exactly(0.0);
    let others = float(seen.calls.0.len() - gets);
    report.judge("other calls of Resource Manager", others, "calls", none);
    report.tell_calls(&seen.calls.by_kind());
    let span = &seen.steady;
    report.judge("token calls", float(span.tokens), "calls", none);
    let writes = Span::starting(&span.writes, "");
    report.judge("writes to the API server", writes, "calls", none);
    report.tell_calls(&span.writes);
    let reads = Span::starting(&span.reads, "");
    report.judge("reads of the API server", reads, "calls", none);
    report.tell_calls(&span.reads);
    let opened = float(span.connections);
    report.tell("new connections to Azure", opened, "");
}

fn judge_cost(report: &mut Report, estate: &Estate, seen: &Seen, floor: Option<&Floor>) {
    let span = &seen.steady;
    let cpu = span.a_minute(span.cpu.operator);
    report.tell("CPU of the operator a minute", cpu, "s");
    let server = span.a_minute(span.cpu.api_server);
    report.tell("CPU of the API server a minute", server, "s");
    if let Some(floor) = floor {
        let what = "  floor: CPU of a program with the same GETs";
        report.tell(what, floor.cpu, "s");
        report.tell("  floor: its GETs", float(floor.calls), "calls");
        let opened = float(floor.span.connections);
        report.tell("  floor: its new connections", opened, "");
        let server = floor.span.a_minute(floor.span.cpu.api_server);
        let what = "  floor: the API server without the operator";
        report.tell(what, server, "s");
    }
    let [before, after, most] = seen.rss;
    report.tell("memory without vaults (RSS)", before, "MiB");
    report.tell("memory with them", after, "MiB");
    report.tell("  the most there was", most, "MiB");
    let each = (after - before) * 1024.0 / float(estate.vaults);
    report.tell("  by the vault", each, "KiB");
}

/// The longest time in which some vault was not looked at: between two looks, or at an edge of the time that was watched.
fn longest_pause(estate: &Estate, calls: &Calls, seconds: f64) -> f64 {
    let looks = calls.looks(Timestamp::now());
    let pauses = (0..estate.vaults).map(|number| {
        let times = looks.get(estate.path(number).as_str());
        let times = times.map(Vec::as_slice).unwrap_or_default();
        let ends = times.iter().chain([&0.0]);
        let starts = [&seconds].into_iter().chain(times);
        let gaps = starts.zip(ends).map(|(from, to)| from - to);
        gaps.fold(0.0, f64::max)
    });
    pauses.fold(0.0, f64::max)
}

/// Asks for each vault once an interval, evenly spread, by one HTTP client and with one token.
async fn bare(stage: &Stage, estate: &Estate, time: Duration) -> Result<Floor> {
    let manager = stage.simulator.endpoints().resource_manager.clone();
    let manager = Bare::new(stage, &manager, &manager).await?;
    let mark = Mark::set(stage, None).await?;
    let (began, cpu) = (Instant::now(), own_cpu()?);
    let vaults = u32::try_from(estate.vaults)?;
    let mut ticks = tokio::time::interval(estate.interval / vaults.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut tasks = JoinSet::new();
    let mut calls = 0;
    while began.elapsed() < time {
        ticks.tick().await;
        let path = estate.path(calls % estate.vaults);
        let request = manager.ask(Method::GET, &format!("{path}?api-version=2026-05-15"));
        calls += 1;
        tasks.spawn(async move {
            let answer: Value = request.send().await?.error_for_status()?.json().await?;
            answer.get("properties").context("no vault")?;
            anyhow::Ok(())
        });
        while let Some(done) = tasks.try_join_next() {
            done??;
        }
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let cpu = own_cpu()? - cpu;
    let span = mark.span(stage, None).await?;
    let cpu = span.a_minute(cpu);
    Ok(Floor { span, cpu, calls })
}
