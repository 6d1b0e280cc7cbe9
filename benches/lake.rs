//! A DataLakeAccount that nobody disturbs: what it costs to look at it again and again.

use std::collections::BTreeMap;

use anyhow::Result;
use testbed::simulator::JournalEntry;

use crate::progress;
use crate::report::{Aim, Report, float};
use crate::settings::Settings;
use crate::stage::count::{Mark, Span, memory};
use crate::stage::estate::Calls;
use crate::stage::lakes::{filesystem, interval, object};
use crate::stage::{Stage, Subject};

pub const NAME: &str = "lake";

const FILESYSTEMS: usize = 10;
/// The operator spreads intervals over 90 to 110 %.
const SPREAD: f64 = 1.1;

/// What was seen.
struct Seen {
    directories: usize,
    steady: Span,
    manager: Calls,
    lake: Vec<JournalEntry>,
    /// Memory without the account and with it.
    rss: [f64; 2],
}

pub async fn run(settings: &Settings) -> Result<Report> {
    let each = settings.scaled(100);
    let interval = interval(settings);
    let time = interval * settings.intervals;
    let stage = Stage::of_lakes(settings, false).await?;
    let subject = Subject::start(&stage).await?;
    let (before, _) = memory(subject.process())?;
    let filesystems: Vec<_> = (0..FILESYSTEMS)
        .map(|number| filesystem(&format!("raw{number}"), each))
        .collect();
    progress(&format!("{NAME}: the account is made"))?;
    let objects = [object(0, interval, &filesystems)];
    subject.doing(stage.settle_accounts(&objects)).await?;
    progress(&format!("{NAME}: one interval passes"))?;
    tokio::time::sleep(interval).await;
    progress(&format!("{NAME}: {} s are measured", time.as_secs()))?;
    stage.clear_journal().await?;
    let mark = Mark::set(&stage, Some(&subject)).await?;
    tokio::time::sleep(time).await;
    let steady = mark.span(&stage, Some(&subject)).await?;
    let seen = Seen {
        directories: FILESYSTEMS * each,
        steady,
        manager: stage.manager_calls().await?,
        lake: stage.lake_calls().await?,
        rss: [before, memory(subject.process())?.0],
    };
    subject.stop().await?;
    stage.stop().await?;
    let about = format!(
        "one account of {FILESYSTEMS} filesystems × {each} directories with access lists, interval {} s; nothing changes for {} s. It\n           was made by the operator before.",
        interval.as_secs(),
        time.as_secs()
    );
    let mut report = Report::new(NAME, about);
    judge(&mut report, settings, &seen);
    Ok(report)
}

fn judge(report: &mut Report, settings: &Settings, seen: &Seen) {
    let intervals = f64::from(settings.intervals);
    let none = Aim::Exactly(0.0);
    let kinds = seen.manager.by_kind();
    let gets = kinds.get("GetStorageAccount").copied().unwrap_or(0);
    let what = "looks (GetStorageAccount) by the interval";
    // Two looks an interval apart are not both in a time that begins anywhere.
    let most = Aim::AtMost(SPREAD.max((intervals + 1.0) / intervals));
    report.judge(what, float(gets) / intervals, "calls", most);
    let others = float(seen.manager.0.len() - gets);
    report.judge("other calls of Resource Manager", others, "calls", none);
    report.tell_calls(&kinds);
    let (mut looks, mut paths) = (BTreeMap::new(), BTreeMap::<&str, usize>::new());
    for call in &seen.lake {
        *looks.entry(call.operation.clone()).or_default() += 1;
        if call.method == "HEAD" {
            *paths.entry(call.path.as_str()).or_default() += 1;
        }
    }
    let most = paths.values().max().copied().unwrap_or(0);
    let what = "looks (HEAD) at any one path by the interval";
    report.judge(what, float(most) / intervals, "calls", Aim::AtMost(1.0));
    let heads: usize = paths.values().sum();
    let each = float(heads) / float(seen.directories) / intervals;
    report.tell("  by the directory and interval", each, "calls");
    let writes = seen
        .lake
        .iter()
        .filter(|call| call.method != "HEAD")
        .count();
    report.judge("other calls of the lake", float(writes), "calls", none);
    report.tell_calls(&looks);
    judge_rest(report, seen);
}

fn judge_rest(report: &mut Report, seen: &Seen) {
    let none = Aim::Exactly(0.0);
    let span = &seen.steady;
    report.judge("token calls", float(span.tokens), "calls", none);
    let writes = Span::starting(&span.writes, "");
    report.judge("writes to the API server", writes, "calls", none);
    report.tell_calls(&span.writes);
    let reads = Span::starting(&span.reads, "");
    report.judge("reads of the API server", reads, "calls", none);
    report.tell_calls(&span.reads);
    let cpu = span.a_minute(span.cpu.operator);
    report.tell("CPU of the operator a minute", cpu, "s");
    let [before, after] = seen.rss;
    report.tell("memory without the account (RSS)", before, "MiB");
    report.tell("memory with it", after, "MiB");
}
