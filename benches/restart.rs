//! The operator is killed and started again, and everything is as it was.

use std::time::{Duration, Instant};

use anyhow::Result;
use testbed::metrics;

use crate::progress;
use crate::report::{Aim, Report, float};
use crate::settings::Settings;
use crate::stage::count::{Mark, Span, memory};
use crate::stage::load::Load;
use crate::stage::{Stage, Subject};

pub const NAME: &str = "restart";

/// Far longer than it takes.
const LIMIT: Duration = Duration::from_mins(5);
/// As old are objects at least before they are read: of younger ones no time is recorded, and a restart reads them.
const AGE: Duration = Duration::from_secs(3);
const RECONCILES: &str = "lakevault_reconciles_total";
const KIND: (&str, &str) = ("kind", "vaultsecretsyncs");
/// Whose annotations make pods start anew.
const WORKLOADS: [&str; 4] = ["deployments", "statefulsets", "daemonsets", "replicasets"];

/// Seconds from the start of the process on.
pub struct Times {
    pub ready: f64,
    /// Of Lakevault only, by its metrics.
    pub reconciled: Option<f64>,
}

pub async fn run(settings: &Settings) -> Result<Report> {
    let load = Load {
        vaults: 10,
        ..Load::new(settings.scaled(10_000), 1, settings.interval(60))
    };
    progress(&format!("{NAME}: until {} are Ready", load.syncs))?;
    let stage = Stage::new(settings, load).await?;
    tokio::time::sleep(AGE).await;
    let mut subject = Subject::start(&stage).await?;
    stage.settle(&subject).await?;
    progress(&format!("{NAME}: one interval passes"))?;
    tokio::time::sleep(load.interval).await;
    progress(&format!("{NAME}: the restart, and one more interval"))?;
    let mark = Mark::set(&stage, None).await?;
    let times = restart(&stage, &mut subject, load.syncs).await?;
    let early = mark.span(&stage, Some(&subject)).await?;
    tokio::time::sleep(load.interval).await;
    let span = mark.span(&stage, Some(&subject)).await?;
    let (rss, peak) = memory(subject.process())?;
    subject.stop().await?;
    stage.stop().await?;
    let about = format!(
        "the operator is killed and started with {}\n\n\
         \x20 Calls are counted until one interval after the start.",
        load.words()
    );
    let mut report = Report::new(NAME, about);
    judge_times(&mut report, &times, &early);
    judge_calls(&mut report, &span);
    report.compare("13.0 s, and 10,000 reads of Secrets.");
    report.tell("memory of the operator (RSS)", rss, "MiB");
    report.tell("memory of the operator (RSS), most ever", peak, "MiB");
    Ok(report)
}

/// Kills the operator, starts it, and waits for so many reconciles at least.
pub async fn restart(stage: &Stage, subject: &mut Subject, least: usize) -> Result<Times> {
    let began = Instant::now();
    subject.kill_and_start(stage).await?;
    let ready = began.elapsed().as_secs_f64();
    let look = async || match subject.metrics().await {
        Ok(Some(text)) if reconciled(&text) >= float(least) => {
            Ok(Some(began.elapsed().as_secs_f64()))
        }
        Ok(Some(text)) => Err(format!("{} reconciles", reconciled(&text))),
        Ok(None) => Ok(None),
        Err(error) => Err(error.to_string()),
    };
    let reconciled = testbed::until(LIMIT, "reconciles", look).await?;
    Ok(Times { ready, reconciled })
}

/// Reconciles that came to an end; those that wait for an answer have not.
fn reconciled(text: &str) -> f64 {
    let all = metrics::sum(text, RECONCILES, &[KIND]);
    all - metrics::sum(text, RECONCILES, &[KIND, ("outcome", "waiting")])
}

fn judge_times(report: &mut Report, times: &Times, early: &Span) {
    report.tell("start until /readyz", times.ready, "s");
    let Some(reconciled) = times.reconciled else {
        return;
    };
    let what = "start until all are reconciled";
    report.judge(what, reconciled, "s", Aim::AtMost(3.0));
    let lists = float(early.lists);
    report.tell("  pages of lists of the vaults by then", lists, "calls");
    report.tell("  CPU of the operator by then", early.cpu.operator, "s");
    let server = early.cpu.api_server;
    report.tell("  CPU of the API server by then", server, "s");
}

fn judge_calls(report: &mut Report, span: &Span) {
    let none = Aim::Exactly(0.0);
    let gets = Span::starting(&span.reads, "get secrets");
    report.judge("reads of Secrets (GET)", gets, "calls", none);
    let gets = float(span.gets);
    report.judge("reads of values (vault GET)", gets, "calls", none);
    let lists = float(span.lists);
    report.tell("pages of lists of the vaults", lists, "calls");
    let secrets = |verb| Span::starting(&span.writes, &format!("{verb} secrets"));
    let writes = ["create", "update", "patch", "delete"].map(secrets);
    let writes = writes.iter().sum();
    report.judge("writes of Secrets", writes, "calls", none);
    let touched = span
        .writes
        .iter()
        .filter(|(what, _)| WORKLOADS.iter().any(|kind| what.contains(kind)));
    let rollouts = touched.map(|(_, count)| float(*count)).sum();
    report.judge("rollouts (writes of workloads)", rollouts, "calls", none);
    let writes = Span::of_syncs(&span.writes);
    report.tell("all writes to the API server", writes, "calls");
    report.tell_calls(&span.writes);
    let reads = Span::of_syncs(&span.reads);
    report.tell("all reads of the API server", reads, "calls");
    report.tell_calls(&span.reads);
    report.tell("token calls", float(span.tokens), "calls");
}
