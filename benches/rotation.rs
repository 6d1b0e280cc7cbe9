//! Secrets are rotated in the vault: how long until the Kubernetes Secret has the new value.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::TryStreamExt;
use kube::runtime::{WatchStreamExt, watcher};

use crate::progress;
use crate::report::{Aim, Report, float, quantile};
use crate::settings::Settings;
use crate::stage::count::{Mark, Span};
use crate::stage::load::{Load, object, vault};
use crate::stage::{Stage, Subject};

pub const NAME: &str = "rotation";

/// The share of objects that is rotated in each interval.
const SHARE: usize = 100;
/// What an interval may be exceeded by.
const SLACK: f64 = 2.0;

/// What was seen at one interval.
struct Seen {
    staleness: Vec<f64>,
    missing: usize,
    span: Span,
}

/// New values that no Secret has had yet, and when they were put into the vault.
type Awaited = Mutex<HashMap<Vec<u8>, Instant>>;

pub async fn run(settings: &Settings) -> Result<Report> {
    let syncs = settings.scaled(1000);
    let mut report = Report::new(
        NAME,
        format!(
            "{syncs} syncs × 3 objects of one vault; each interval, 1 of {SHARE} objects is rotated, evenly spread, over {} intervals\n\n\
             \x20 Staleness: from the change in the vault to the Secret with the new value, seen by a watch.",
            settings.intervals
        ),
    );
    let intervals = match settings.interval {
        Some(interval) => vec![interval],
        None => vec![60, 15],
    };
    for seconds in intervals {
        let load = Load::new(syncs, 3, Duration::from_secs(seconds));
        let seen = rotate(settings, load).await?;
        let at = |what: &str| format!("interval {seconds} s: {what}");
        let count = float(seen.staleness.len());
        report.tell(at("rotations seen"), count, "");
        let missing = float(seen.missing);
        report.judge(at("never seen"), missing, "", Aim::Exactly(0.0));
        let median = quantile(seen.staleness.clone(), 0.5);
        report.tell(at("staleness, p50"), median, "s");
        let slow = quantile(seen.staleness, 0.99);
        let most = Aim::AtMost(load.interval.as_secs_f64() + SLACK);
        report.judge(at("staleness, p99"), slow, "s", most);
        let gets = float(seen.span.gets) / (count + missing);
        let what = at("reads of the vault (GET) per rotation");
        report.judge(what, gets, "calls", Aim::AtMost(1.0));
        let writes = Span::starting(&seen.span.writes, "") / (count + missing);
        let what = at("writes to the API server per rotation");
        report.judge(what, writes, "calls", Aim::AtMost(2.0));
    }
    report.compare(
        "interval 60 s: p50 9–55 s, p99 37–60 s with 50 workers; 181 s and 255 s by default.",
    );
    Ok(report)
}

async fn rotate(settings: &Settings, load: Load) -> Result<Seen> {
    let seconds = load.interval.as_secs();
    let part = |what: &str| progress(&format!("{NAME}, interval {seconds} s: {what}"));
    part("until all are Ready")?;
    let stage = Stage::new(settings, load).await?;
    let subject = Subject::start(&stage).await?;
    stage.settle(&subject).await?;
    part("one interval passes")?;
    tokio::time::sleep(load.interval).await;
    let times = load.distinct().div_ceil(SHARE) * usize::try_from(settings.intervals)?;
    part(&format!("{times} rotations"))?;
    let mark = Mark::set(&stage, Some(&subject)).await?;
    let awaited = Awaited::default();
    let staleness = Mutex::new(Vec::new());
    let rotations = async {
        put(&stage, &awaited, times, load.interval * settings.intervals).await?;
        // The last ones have their interval, and more, before they count as never seen.
        let deadline = Instant::now() + load.interval * 2 + Duration::from_secs(10);
        while !lock(&awaited).is_empty() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        done = rotations => done?,
        ended = see(&stage, &awaited, &staleness) => ended?,
    }
    let span = mark.span(&stage, Some(&subject)).await?;
    subject.stop().await?;
    stage.stop().await?;
    Ok(Seen {
        staleness: lock(&staleness).clone(),
        missing: lock(&awaited).len(),
        span,
    })
}

/// Puts new values into the vault, as many as `times`, evenly spread over `during`.
async fn put(stage: &Stage, awaited: &Awaited, times: usize, during: Duration) -> Result<()> {
    let began = Instant::now();
    let pause = during / u32::try_from(times)?;
    for time in 0..times {
        tokio::time::sleep((pause * u32::try_from(time)?).saturating_sub(began.elapsed())).await;
        // Far from the one before: neighbours in the list would be seen together.
        let index = time.wrapping_mul(7919) % stage.load.distinct();
        let value = format!("rotated-{time}");
        lock(awaited).insert(value.clone().into_bytes(), Instant::now());
        let admin = stage.simulator.admin();
        admin.put_secret(&vault(0), &object(index), value).await?;
    }
    Ok(())
}

/// Notes how old each new value is when a Secret has it. Goes on until it is dropped.
async fn see(stage: &Stage, awaited: &Awaited, staleness: &Mutex<Vec<f64>>) -> Result<()> {
    let secrets = watcher(stage.secrets(), watcher::Config::default()).applied_objects();
    let mut secrets = pin!(secrets);
    while let Some(secret) = secrets.try_next().await? {
        for value in secret.data.iter().flatten().map(|(_, value)| &value.0) {
            if let Some(put) = lock(awaited).remove(value) {
                lock(staleness).push(put.elapsed().as_secs_f64());
            }
        }
    }
    anyhow::bail!("the watch ended")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
