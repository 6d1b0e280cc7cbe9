//! The access lists of a million paths, changed by one line of a DataLakeAccount.

use std::time::Instant;

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::progress;
use crate::report::{Aim, Report, float, median};
use crate::settings::Settings;
use crate::stage::bare::Bare;
use crate::stage::count::memory;
use crate::stage::lakes::{LAKE_LATENCY, interval, list, name, object};
use crate::stage::{Stage, Subject};

pub const NAME: &str = "tree";

const FILESYSTEM: &str = "raw";
/// Paths that one call changes at most, Azure's own bound.
const BATCH: usize = 2000;
const SWEEP: &str = "SetAccessControlRecursive";
/// The tree, and one of a tenth of its paths.
const WHOLE: &str = "whole";
const TENTH: &str = "tenth";

/// One change of the whole tree, and the same by a bare loop.
struct Round {
    seconds: f64,
    calls: usize,
    others: usize,
    floor: Option<(f64, usize)>,
}

pub async fn run(settings: &Settings) -> Result<Report> {
    let paths = settings.scaled(1_000_000).max(10);
    let stage = Stage::of_lakes(settings, false).await?;
    let subject = Subject::start(&stage).await?;
    let empty = [object(0, interval(settings), &[])];
    subject.doing(stage.settle_accounts(&empty)).await?;
    progress(&format!("{NAME}: {paths} paths are made"))?;
    grow(&stage, TENTH, paths / 10).await?;
    grow(&stage, WHOLE, paths).await?;
    subject.doing(stage.redeclare(&[tree(TENTH, 0)])).await?;
    let (_, tenth) = memory(subject.process())?;
    let mut rounds = Vec::new();
    for number in 1..=settings.rounds.max(1) {
        progress(&format!("{NAME}, round {number}: the operator"))?;
        let mut round = changed(&stage, &subject, number).await?;
        if !settings.without_floors {
            progress(&format!("{NAME}, round {number}: a bare loop"))?;
            // Another list, so that the same is to be done.
            round.floor = Some(bare(&stage.bare_lake().await?, 100 + number).await?);
        }
        rounds.push(round);
    }
    let (_, whole) = memory(subject.process())?;
    subject.stop().await?;
    stage.stop().await?;
    let about = format!(
        "the access lists of {paths} paths, changed by one directory with recursive: true. A call takes {} ms and what the\n           simulator needs for {BATCH} paths. The floor is a loop of the same calls. Medians of {} rounds.",
        LAKE_LATENCY.as_millis(),
        rounds.len()
    );
    let mut report = Report::new(NAME, about);
    judge(&mut report, paths, &rounds);
    report.tell(
        "memory at most, with a tenth of the paths (RSS)",
        tenth,
        "MiB",
    );
    report.tell("memory at most, with all of them", whole, "MiB");
    report.judge("  ratio", whole / tenth, "×", Aim::AtMost(1.1));
    Ok(report)
}

/// Makes a directory with so many paths, itself among them.
async fn grow(stage: &Stage, directory: &str, paths: usize) -> Result<()> {
    let admin = stage.simulator.admin();
    let place = format!("/filesystems/{}/{FILESYSTEM}", name(0));
    admin.call::<Value>(Method::PUT, &place, None).await?;
    let growth = json!({"path": directory, "count": paths - 1});
    let place = format!("{place}/tree");
    admin
        .call::<Value>(Method::POST, &place, Some(&growth))
        .await
        .map(drop)
}

/// The filesystem as the spec has it.
fn tree(directory: &str, reader: usize) -> Value {
    json!({"name": FILESYSTEM, "directories": [{"path": directory, "acl": list(reader), "recursive": true}]})
}

async fn changed(stage: &Stage, subject: &Subject, reader: usize) -> Result<Round> {
    stage.clear_journal().await?;
    let began = Instant::now();
    let wanted = [tree(WHOLE, reader)];
    subject.doing(stage.redeclare(&wanted)).await?;
    let seconds = began.elapsed().as_secs_f64();
    let calls = stage.lake_calls().await?;
    let sweeps = calls.iter().filter(|call| call.operation == SWEEP).count();
    Ok(Round {
        seconds,
        calls: sweeps,
        others: calls.len() - sweeps,
        floor: None,
    })
}

/// Goes through the whole tree; gives back seconds and calls.
async fn bare(lake: &Bare, reader: usize) -> Result<(f64, usize)> {
    let began = Instant::now();
    let acl = list(reader).join(",");
    let (mut calls, mut from) = (0, None::<String>);
    loop {
        let path = format!("/{FILESYSTEM}/{WHOLE}");
        let mut path = format!(
            "{path}?action=setAccessControlRecursive&mode=set&maxRecords={BATCH}&forceFlag=true"
        );
        if let Some(from) = from {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("continuation", &from);
            path = format!("{path}&{}", query.finish());
        }
        let request = lake.ask(Method::PATCH, &path);
        let request = request.header("x-ms-version", "2025-01-05");
        let answer = request.header("x-ms-acl", &acl).body("").send().await?;
        let answer = answer.error_for_status()?;
        calls += 1;
        let next = answer.headers().get("x-ms-continuation");
        from = next
            .map(|next| next.to_str().map(str::to_owned))
            .transpose()?;
        let told: Value = answer.json().await?;
        let failed = told.get("failureCount").and_then(Value::as_u64);
        ensure!(failed == Some(0), "{told}");
        if from.is_none() {
            return Ok((began.elapsed().as_secs_f64(), calls));
        }
    }
}

fn judge(report: &mut Report, paths: usize, rounds: &[Round]) {
    let seconds: Vec<f64> = rounds.iter().map(|round| round.seconds).collect();
    report.tell("until the tree is as declared", median(seconds), "s");
    let floors = rounds.iter().filter_map(|round| round.floor);
    let floors: Vec<(f64, usize)> = floors.collect();
    if let Some((_, calls)) = floors.first() {
        let seconds = floors.iter().map(|(seconds, _)| *seconds).collect();
        report.tell("  floor: a loop of the same calls", median(seconds), "s");
        let ratios = rounds.iter().zip(&floors);
        let ratios = ratios.map(|(round, (floor, _))| round.seconds / floor);
        let ratio = median(ratios.collect());
        report.judge("  of the floor", ratio, "×", Aim::AtMost(1.1));
        report.tell("  floor: its calls", float(*calls), "calls");
    }
    let calls = rounds.iter().map(|round| float(round.calls)).collect();
    let wanted = float(paths.div_ceil(BATCH));
    let what = "calls over the tree (paths / 2,000)";
    report.judge(what, median(calls), "calls", Aim::Exactly(wanted));
    let others = rounds.iter().map(|round| float(round.others)).collect();
    report.tell("other calls of the lake", median(others), "calls");
}
