//! What it costs to have the operator, while nothing changes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::Value;

use crate::progress;
use crate::report::{Aim, Report, float};
use crate::settings::Settings;
use crate::stage::bare::Bare;
use crate::stage::count::{Mark, Span, memory, own_cpu};
use crate::stage::load::{Load, PAGE, vault};
use crate::stage::{Stage, Subject};

pub const NAME: &str = "idle";

pub async fn run(settings: &Settings) -> Result<Report> {
    let load = Load::new(settings.scaled(1000), 1, settings.interval(60));
    let time = load.interval * settings.intervals;
    let stage = Stage::new(settings, load).await?;
    let subject = Subject::start(&stage).await?;
    let (empty, _) = memory(subject.process())?;
    progress(&format!("{NAME}: until {} are Ready", load.syncs))?;
    stage.settle(&subject).await?;
    progress(&format!("{NAME}: one interval passes"))?;
    tokio::time::sleep(load.interval).await;
    progress(&format!("{NAME}: {} s are measured", time.as_secs()))?;
    let mark = Mark::set(&stage, Some(&subject)).await?;
    tokio::time::sleep(time).await;
    let span = mark.span(&stage, Some(&subject)).await?;
    let (full, most) = memory(subject.process())?;
    subject.stop().await?;
    let mut floor = None;
    if !settings.without_floors {
        progress(&format!("{NAME}: as long by a bare program"))?;
        floor = Some(bare(&stage, time).await?);
    }
    stage.stop().await?;
    let about = format!(
        "{}; nothing changes for {} s.",
        load.words(),
        time.as_secs()
    );
    let mut report = Report::new(NAME, about);
    let own = millicores(span.cpu.operator, span.seconds);
    report.judge("CPU of the operator", own, "mCPU", Aim::AtMost(5.0));
    if let Some(floor) = floor {
        report.tell("  floor: the same pages, asked for alone", floor, "mCPU");
    }
    report.tell("pages of lists (LIST)", float(span.lists), "calls");
    let writes = Span::starting(&span.writes, "");
    let none = Aim::Exactly(0.0);
    report.judge("writes to the API server", writes, "calls", none);
    report.tell("memory without objects (RSS)", empty, "MiB");
    report.judge("memory with them", full, "MiB", Aim::AtMost(25.0));
    report.tell("  the most there was", most, "MiB");
    Ok(report)
}

fn millicores(cpu: f64, seconds: f64) -> f64 {
    cpu / seconds * 1000.0
}

/// Lists the vault once an interval, page by page, and does nothing with it. Gives back thousandths of a CPU.
async fn bare(stage: &Stage, time: Duration) -> Result<f64> {
    let endpoints = stage.simulator.endpoints();
    let url = endpoints.vault_url(&vault(0));
    let program = Bare::new(stage, &url, &endpoints.key_vault_audience).await?;
    let (began, cpu) = (Instant::now(), own_cpu()?);
    let mut ticks = tokio::time::interval(stage.load.interval);
    loop {
        ticks.tick().await;
        if began.elapsed() >= time {
            break;
        }
        let mut next = Some(format!("/secrets?api-version=7.4&maxresults={PAGE}"));
        while let Some(path) = next {
            let answer = program.ask(Method::GET, &path).send().await?;
            let page: Value = answer.error_for_status()?.json().await?;
            page.get("value").context("no page")?;
            let link = page.get("nextLink").and_then(Value::as_str);
            next = link.and_then(|link| Some(link.strip_prefix(&url)?.to_owned()));
        }
    }
    Ok(millicores(own_cpu()? - cpu, began.elapsed().as_secs_f64()))
}
