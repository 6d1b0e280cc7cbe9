//! One vault in trouble: what the others notice of it.
//!
//! A refresh is an answered list page or read, as the simulator's journal has it. Each vault holds no more objects than a page
//! of a list, so that one page refreshes all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use testbed::{Fault, FaultRule};

use crate::progress;
use crate::report::{Aim, Report, float, quantile};
use crate::settings::Settings;
use crate::stage::load::{Load, PAGE, vault};
use crate::stage::{Stage, Subject};

pub const NAME: &str = "neighbours";

const VAULTS: usize = 20;
/// A part of the scenario is so many times `--intervals` intervals long: a rate needs more of them than a count does.
const LONGER: u32 = 4;
/// How often ages are looked at, in seconds.
const STEP: f64 = 0.05;

/// Refreshes of the vaults but the first, in one part.
struct Part {
    /// How old what is known of an object is, at the 99th of a hundred moments. In seconds.
    age: f64,
    /// Refreshes a minute.
    rate: f64,
    /// Requests to the first vault.
    first: usize,
}

pub async fn run(settings: &Settings) -> Result<Report> {
    let syncs = settings.scaled(VAULTS * PAGE).max(VAULTS);
    let load = Load {
        vaults: VAULTS,
        ..Load::new(syncs, 1, settings.interval(15))
    };
    let time = load.interval * settings.intervals * LONGER;
    progress(&format!("{NAME}: until all are Ready"))?;
    let stage = Stage::new(settings, load).await?;
    let subject = Subject::start(&stage).await?;
    stage.settle(&subject).await?;
    let part = async |what: &str, fault: Option<Fault>| {
        progress(&format!("{NAME}: {} s, {what}", time.as_secs()))?;
        disturb(&stage, fault).await?;
        tokio::time::sleep(load.interval).await;
        watch(&stage, time).await
    };
    let undisturbed = part("undisturbed", None).await?;
    let hanging = part("one vault hangs", Some(Fault::Hang(true))).await?;
    progress(&format!("{NAME}: it is well again for a while"))?;
    disturb(&stage, None).await?;
    tokio::time::sleep(load.interval * LONGER).await;
    let throttled = Fault::throttled(Some(60));
    let throttled = part("one vault throttles", Some(throttled)).await?;
    subject.stop().await?;
    stage.stop().await?;
    let about = format!(
        "{}\n\n\
         \x20 For {} s each: nothing is wrong; one vault hangs; one vault answers 429 with Retry-After 60. Told of the other {}.",
        load.words(),
        time.as_secs(),
        VAULTS - 1
    );
    let mut report = Report::new(NAME, about);
    report.tell("undisturbed: age, p99", undisturbed.age, "s");
    report.tell("undisturbed: refreshes a minute", undisturbed.rate, "");
    judge(&mut report, "one hangs", &hanging, &undisturbed);
    judge(&mut report, "one throttles", &throttled, &undisturbed);
    report.compare(
        "one of two vaults hangs for 240 s: the other is not refreshed by default, and stalls after 3–8 s with 50 workers.\n  \
         One of two throttles: 3 refreshes of the other in 270 s by default, 80 of about 1,440 with 50 workers.",
    );
    Ok(report)
}

fn judge(report: &mut Report, what: &str, part: &Part, undisturbed: &Part) {
    let named = |measure: &str| format!("{what}: {measure}");
    report.tell(named("age, p99"), part.age, "s");
    let ratio = part.age / undisturbed.age;
    let aim = Aim::AtMost(1.2);
    report.judge(named("  of that undisturbed"), ratio, "×", aim);
    report.tell(named("refreshes a minute"), part.rate, "");
    let share = part.rate / undisturbed.rate * 100.0;
    let aim = Aim::AtLeast(99.0);
    report.judge(named("  of those undisturbed"), share, "%", aim);
    let first = float(part.first);
    report.tell(named("requests to that one"), first, "calls");
}

/// Gives the first vault a fault in place of what it had.
async fn disturb(stage: &Stage, fault: Option<Fault>) -> Result<()> {
    let admin = stage.simulator.admin();
    admin.clear_faults().await?;
    if let Some(fault) = fault {
        let suffix = &stage.simulator.endpoints().key_vault_suffix;
        let host = format!("{}.{suffix}", vault(0));
        admin.add_fault(&FaultRule::new(&host, fault)).await?;
    }
    Ok(())
}

async fn watch(stage: &Stage, time: Duration) -> Result<Part> {
    stage.clear_journal().await?;
    tokio::time::sleep(time).await;
    let end = Timestamp::now();
    let calls = stage.vault_calls().await?;
    let (first, others): (Vec<_>, Vec<_>) = calls
        .iter()
        .partition(|(_, entry)| entry.vault.as_deref() == Some(&vault(0)));
    let mut refreshes: BTreeMap<(Option<&str>, &str), Vec<f64>> = BTreeMap::new();
    for (time, entry) in others.iter().filter(|(_, entry)| entry.status == 200) {
        let unit = (entry.vault.as_deref(), entry.path.as_str());
        let before = end.duration_since(*time).as_secs_f64();
        refreshes.entry(unit).or_default().push(before);
    }
    let interval = stage.load.interval.as_secs_f64();
    let all: Vec<Vec<f64>> = refreshes.into_values().collect();
    Ok(Part {
        age: quantile(all.iter().flat_map(|times| ages(times)).collect(), 0.99),
        rate: all.iter().map(|times| rate(times, interval)).sum(),
        first: first.len(),
    })
}

/// The ages of what the refreshes brought, at even moments from the first of them to the end. `times` are seconds before the
/// end, the earliest first.
pub fn ages(times: &[f64]) -> Vec<f64> {
    let following = times.iter().skip(1).chain([&0.0]);
    let gaps = times.iter().zip(following).map(|(from, to)| from - to);
    gaps.flat_map(|gap| {
        std::iter::successors(Some(0.0), |age| Some(age + STEP)).take_while(move |age| *age < gap)
    })
    .collect()
}

/// Refreshes a minute, between the first and the last: the edges of the time that was watched say nothing. Unless the next
/// one is overdue.
pub fn rate(times: &[f64], interval: f64) -> f64 {
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return 0.0;
    };
    let overdue = (last - interval).max(0.0);
    let during = first - last + overdue;
    if during > 0.0 {
        float(times.len() - 1) * 60.0 / during
    } else {
        0.0
    }
}
