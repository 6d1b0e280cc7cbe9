//! One new sync at a time among many, in the middle of their refreshes.

use std::time::Instant;

use anyhow::Result;

use crate::progress;
use crate::report::{Aim, Report, float, quantile};
use crate::settings::Settings;
use crate::stage::count::Mark;
use crate::stage::load::Load;
use crate::stage::{Stage, Subject};

pub const NAME: &str = "newcomer";

/// How many come, evenly spread over an interval: some meet the vault while it is listed, some while it is not.
const NEWCOMERS: usize = 20;

pub async fn run(settings: &Settings) -> Result<Report> {
    let load = Load {
        spare: NEWCOMERS,
        ..Load::new(settings.scaled(10_000), 1, settings.interval(60))
    };
    progress(&format!("{NAME}: until {} are Ready", load.syncs))?;
    let stage = Stage::new(settings, load).await?;
    let subject = Subject::start(&stage).await?;
    stage.settle(&subject).await?;
    progress(&format!("{NAME}: one interval passes"))?;
    tokio::time::sleep(load.interval).await;
    progress(&format!("{NAME}: {NEWCOMERS} come"))?;
    let mark = Mark::set(&stage, Some(&subject)).await?;
    let mut times = Vec::new();
    let pause = load.interval / u32::try_from(NEWCOMERS)?;
    for number in load.syncs..load.syncs + NEWCOMERS {
        let began = Instant::now();
        tokio::try_join!(stage.create_sync(number), stage.one_ready(number))?;
        times.push(began.elapsed().as_secs_f64());
        tokio::time::sleep(pause.saturating_sub(began.elapsed())).await;
    }
    let span = mark.span(&stage, Some(&subject)).await?;
    subject.stop().await?;
    stage.stop().await?;
    let about = format!(
        "{NEWCOMERS} new syncs, one after the other, among {}\n\n\
         \x20 Timed from the create to Ready, seen by a watch.",
        load.words()
    );
    let mut report = Report::new(NAME, about);
    let median = quantile(times.clone(), 0.5);
    report.tell("create until Ready, p50", median, "s");
    let slow = quantile(times, 0.99);
    report.judge("create until Ready, p99", slow, "s", Aim::AtMost(2.0));
    let gets = float(span.gets);
    let aim = Aim::Exactly(float(NEWCOMERS));
    report.judge("reads of the vault (GET) meanwhile", gets, "calls", aim);
    let lists = float(span.lists);
    report.tell("pages of lists of the vault meanwhile", lists, "calls");
    report.tell("CPU of the operator meanwhile", span.cpu.operator, "s");
    Ok(report)
}
