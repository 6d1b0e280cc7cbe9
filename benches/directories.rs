//! A thousand directories with access lists, declared at once in an account that is there.

use std::time::Instant;

use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use lakevault::azure::lake::client::UNDER_WAY;
use reqwest::Method;

use crate::progress;
use crate::report::{Aim, Report, float, median};
use crate::settings::Settings;
use crate::stage::bare::Bare;
use crate::stage::count::{Mark, memory};
use crate::stage::lakes::{
    LAKE_LATENCY, directory, filesystem, interval, is_beneath, list, object,
};
use crate::stage::{Stage, Subject};

pub const NAME: &str = "directories";

/// One filesystem by the operator, and the same by a bare program.
struct Round {
    seconds: f64,
    calls: usize,
    cpu: f64,
    floor: Option<f64>,
}

pub async fn run(settings: &Settings) -> Result<Report> {
    let directories = settings.scaled(1000);
    let stage = Stage::of_lakes(settings, false).await?;
    let subject = Subject::start(&stage).await?;
    let empty = [object(0, interval(settings), &[])];
    subject.doing(stage.settle_accounts(&empty)).await?;
    let mut rounds = Vec::new();
    for number in 1..=settings.rounds.max(1) {
        progress(&format!("{NAME}, round {number}: the operator"))?;
        let mut round = made(&stage, &subject, number, directories).await?;
        if !settings.without_floors {
            progress(&format!("{NAME}, round {number}: a bare program"))?;
            let lake = stage.bare_lake().await?;
            round.floor = Some(bare(&lake, number, directories).await?);
        }
        rounds.push(round);
    }
    let (_, peak) = memory(subject.process())?;
    subject.stop().await?;
    stage.stop().await?;
    let about = format!(
        "a new filesystem with {directories} directories, each with an access list and most within another one. A call takes {} ms.\n           The floor makes the same by one call for each, {UNDER_WAY} at once as the operator, parents first. Medians of {} rounds.",
        LAKE_LATENCY.as_millis(),
        rounds.len()
    );
    let mut report = Report::new(NAME, about);
    judge(&mut report, directories, &rounds);
    report.tell("memory at most (RSS)", peak, "MiB");
    Ok(report)
}

async fn made(
    stage: &Stage,
    subject: &Subject,
    number: usize,
    directories: usize,
) -> Result<Round> {
    stage.clear_journal().await?;
    let mark = Mark::set(stage, Some(subject)).await?;
    let began = Instant::now();
    let wanted = [filesystem(&format!("ours{number}"), directories)];
    subject.doing(stage.redeclare(&wanted)).await?;
    Ok(Round {
        seconds: began.elapsed().as_secs_f64(),
        calls: stage.lake_calls().await?.len(),
        cpu: mark.span(stage, Some(subject)).await?.cpu.operator,
        floor: None,
    })
}

async fn bare(lake: &Bare, number: usize, directories: usize) -> Result<f64> {
    let began = Instant::now();
    let filesystem = format!("/bare{number}");
    make(lake, &format!("{filesystem}?resource=filesystem"), None).await?;
    let acl = list(1).join(",");
    for beneath in [false, true] {
        let all = (0..directories).filter(|number| is_beneath(*number) == beneath);
        stream::iter(all)
            .map(|number| {
                let path = format!("{filesystem}/{}?resource=directory", directory(number));
                let acl = &acl;
                async move { make(lake, &path, Some(acl)).await }
            })
            .buffer_unordered(UNDER_WAY)
            .try_for_each(async |()| Ok(()))
            .await?;
    }
    Ok(began.elapsed().as_secs_f64())
}

async fn make(lake: &Bare, path: &str, acl: Option<&String>) -> Result<()> {
    let request = lake.ask(Method::PUT, path).body("");
    let mut request = request.header("x-ms-version", "2025-01-05");
    if let Some(acl) = acl {
        request = request.header("If-None-Match", "*").header("x-ms-acl", acl);
    }
    request.send().await?.error_for_status()?;
    Ok(())
}

fn judge(report: &mut Report, directories: usize, rounds: &[Round]) {
    let seconds: Vec<f64> = rounds.iter().map(|round| round.seconds).collect();
    report.tell("until all are as declared", median(seconds), "s");
    let floors: Vec<f64> = rounds.iter().filter_map(|round| round.floor).collect();
    if !floors.is_empty() {
        let ratios = rounds.iter().zip(&floors);
        let ratios = ratios.map(|(round, floor)| round.seconds / floor).collect();
        report.tell("  floor: a bare program", median(floors), "s");
        report.judge("  of the floor", median(ratios), "×", Aim::AtMost(1.2));
    }
    let calls = rounds.iter().map(|round| float(round.calls));
    let each = calls.map(|calls| calls / float(directories)).collect();
    report.tell("calls of the lake by the directory", median(each), "calls");
    let cpu = rounds.iter().map(|round| round.cpu).collect();
    report.tell("CPU of the operator", median(cpu), "s");
}
