//! Nothing changes: what it costs to look at the vault again and again.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;

use crate::progress;
use crate::report::{Aim, Report, float};
use crate::settings::Settings;
use crate::stage::count::{Mark, Span, memory};
use crate::stage::journal::by_runs;
use crate::stage::load::{Load, object, vault};
use crate::stage::{Stage, Subject};

pub const STEADY: &str = "steady";
pub const SHARED: &str = "shared";
pub const CPU: &str = "cpu";

/// Lists that are begun a little early because times are spread, in all: 130 pages for 120.
const SPREAD: f64 = 13.0 / 12.0;

/// What was seen.
struct Seen {
    /// From the start of the operator until all are Ready.
    start: Span,
    /// In the steady state.
    steady: Span,
    /// As long, with the same objects and without the operator.
    idle: Option<Span>,
    /// Vault calls by the interval, where they came in runs.
    by_runs: Option<f64>,
    /// In an interval and a little more after one shared object was changed.
    change: Option<Span>,
    rss: f64,
}

/// A thousand syncs of one vault.
pub async fn steady(settings: &Settings) -> Result<Report> {
    let load = Load::new(settings.scaled(1000), 3, settings.interval(60));
    let seen = watch(settings, STEADY, load, true).await?;
    let mut report = Report::new(STEADY, about(settings, load));
    judge_calls(&mut report, settings, load, &seen);
    judge_cpu(&mut report, &seen);
    report.compare(
        "a minute with 50 workers: 3,000 reads, 1,000 tokens, about 1,040 connections, 1,000 status writes, 1,000 reads and\n  \
         1,000 lists of the API server; CPU 4.9–6.1 s, API server 9.8–11.3 s. By default the interval is not held: 276 s.",
    );
    Ok(report)
}

/// Many syncs that want the same few objects.
pub async fn shared(settings: &Settings) -> Result<Report> {
    let load = Load {
        pool: Some(50),
        ..Load::new(settings.scaled(3000), 3, settings.interval(60))
    };
    let seen = watch(settings, SHARED, load, true).await?;
    let mut report = Report::new(SHARED, about(settings, load));
    let reads = Aim::Exactly(float(load.distinct()));
    let gets = float(seen.start.gets);
    report.judge("reads (GET) until all are Ready", gets, "calls", reads);
    judge_calls(&mut report, settings, load, &seen);
    if let Some(change) = &seen.change {
        let gets = float(change.gets);
        let what = "reads (GET) when one object is changed";
        report.judge(what, gets, "calls", Aim::Exactly(1.0));
        let writes = Span::starting(&change.writes, "patch secrets");
        report.tell("  writes of Secrets that have it", writes, "calls");
    }
    judge_cpu(&mut report, &seen);
    Ok(report)
}

/// How CPU time grows with the number of syncs.
pub async fn cpu(settings: &Settings) -> Result<Report> {
    let interval = settings.interval(30);
    let loads = [1000, 10_000].map(|syncs| Load::new(settings.scaled(syncs), 1, interval));
    let [few, many] = loads;
    // CPU time is counted in hundredths of seconds, of which few syncs use few.
    let longer = Settings {
        intervals: settings.intervals * 4,
        ..settings.clone()
    };
    let mut report = Report::new(
        CPU,
        format!(
            "CPU of the operator for 1,000 refreshes in a steady state, at {} and at {} syncs of one vault, interval {} s, over {} and {} intervals",
            few.syncs,
            many.syncs,
            interval.as_secs(),
            longer.intervals,
            settings.intervals,
        ),
    );
    let mut each = Vec::new();
    for (load, settings) in loads.into_iter().zip([&longer, settings]) {
        let seen = watch(settings, CPU, load, false).await?;
        let refreshes = refreshes(load, &seen.steady);
        let cpu = seen.steady.cpu.operator / refreshes * 1000.0 * 1000.0;
        let what = format!("{} syncs: CPU per 1,000 refreshes", load.syncs);
        report.tell(what, cpu, "ms");
        report.tell("  refreshes seen", refreshes, "");
        let a_minute = seen.steady.a_minute(seen.steady.cpu.operator);
        report.tell("  CPU of the operator a minute", a_minute, "s");
        report.tell("  memory of the operator (RSS)", seen.rss, "MiB");
        each.push(cpu);
    }
    if let [few, many] = *each.as_slice() {
        let growth = many / few;
        // A tenth for the clock.
        let aim = Aim::AtMost(1.1);
        report.judge("growth per refresh (1: linear)", growth, "×", aim);
    }
    Ok(report)
}

/// How often a sync was looked at, all syncs together: a page of a list looks at as many objects as it holds.
fn refreshes(load: Load, span: &Span) -> f64 {
    let on_a_page = float(load.distinct()) / float(load.pages());
    (float(span.lists) * on_a_page + float(span.gets)) / float(load.objects)
}

/// Lets all become Ready and an interval pass, and then looks on.
async fn watch(
    settings: &Settings,
    name: &'static str,
    load: Load,
    with_idle: bool,
) -> Result<Seen> {
    let part = |what: &str| progress(&format!("{name}, {} syncs: {what}", load.syncs));
    part("until all are Ready")?;
    let stage = Stage::new(settings, load).await?;
    let subject = Subject::start(&stage).await?;
    let mark = Mark::set(&stage, Some(&subject)).await?;
    stage.settle(&subject).await?;
    let start = mark.span(&stage, Some(&subject)).await?;
    part("one interval passes")?;
    tokio::time::sleep(load.interval).await;
    let time: Duration = load.interval * settings.intervals;
    part(&format!("{} s are measured", time.as_secs()))?;
    stage.clear_journal().await?;
    let mark = Mark::set(&stage, Some(&subject)).await?;
    tokio::time::sleep(time).await;
    let steady = mark.span(&stage, Some(&subject)).await?;
    let calls = stage.vault_calls().await?;
    let times: Vec<Timestamp> = calls.iter().map(|(time, _)| *time).collect();
    let by_runs = by_runs(&times, load.interval.as_secs_f64());
    let (rss, _) = memory(subject.process())?;
    let mut change = None;
    if load.pool.is_some() {
        part("one shared object is changed")?;
        change = Some(change_one(&stage, &subject).await?);
    }
    subject.stop().await?;
    let mut idle = None;
    if with_idle && !settings.without_floors {
        part("as long without the operator")?;
        let mark = Mark::set(&stage, None).await?;
        tokio::time::sleep(time).await;
        idle = Some(mark.span(&stage, None).await?);
    }
    stage.stop().await?;
    Ok(Seen {
        start,
        steady,
        idle,
        by_runs,
        change,
        rss,
    })
}

async fn change_one(stage: &Stage, subject: &Subject) -> Result<Span> {
    let mark = Mark::set(stage, Some(subject)).await?;
    let admin = stage.simulator.admin();
    admin.put_secret(&vault(0), &object(0), "changed").await?;
    tokio::time::sleep(stage.load.interval + Duration::from_secs(5)).await;
    mark.span(stage, Some(subject)).await
}

fn judge_calls(report: &mut Report, settings: &Settings, load: Load, seen: &Seen) {
    let intervals = f64::from(settings.intervals);
    let each = |calls: usize| float(calls) / intervals;
    let span = &seen.steady;
    let most = (float(load.pages()) * SPREAD).ceil();
    let calls = seen.by_runs.unwrap_or_else(|| each(span.lists + span.gets));
    let what = "vault calls per interval";
    report.judge(what, calls, "calls", Aim::AtMost(most));
    let what = "pages of lists (LIST) in all intervals";
    report.tell(what, float(span.lists), "calls");
    let none = Aim::Exactly(0.0);
    let what = "reads (GET) in all intervals";
    report.judge(what, float(span.gets), "calls", none);
    report.judge("token calls", float(span.tokens), "calls", none);
    let opened = float(span.connections);
    report.judge("new connections to Azure", opened, "", none);
    let writes = Span::starting(&span.writes, "");
    report.judge("writes to the API server", writes, "calls", none);
    report.tell_calls(&span.writes);
    let reads = Span::starting(&span.reads, "");
    report.tell("reads of the API server", reads, "calls");
    report.tell_calls(&span.reads);
}

fn judge_cpu(report: &mut Report, seen: &Seen) {
    let span = &seen.steady;
    let own = span.a_minute(span.cpu.operator);
    let what = "CPU of the operator a minute";
    report.judge(what, own, "s", Aim::AtMost(0.5));
    let server = span.a_minute(span.cpu.api_server);
    report.tell("CPU of the API server a minute", server, "s");
    if let Some(idle) = &seen.idle {
        let floor = idle.a_minute(idle.cpu.api_server);
        let what = "  floor: the same server without the operator";
        report.tell(what, floor, "s");
        let what = "  what the operator adds to it";
        report.judge(what, server - floor, "s", Aim::AtMost(0.3));
    }
    let etcd = span.a_minute(span.cpu.etcd);
    report.tell("CPU of etcd a minute", etcd, "s");
    report.tell("memory of the operator (RSS)", seen.rss, "MiB");
}

fn about(settings: &Settings, load: Load) -> String {
    format!(
        "{}, in a steady state\n\n\
         \x20 Measured over {} interval(s), from one interval after the last Ready on. CPU times are by the minute.\n\
         \x20 Vault calls per interval: from the beginning of a run of calls to that of another, where there are such.",
        load.words(),
        settings.intervals,
    )
}
