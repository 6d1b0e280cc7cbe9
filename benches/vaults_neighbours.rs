//! Two subscriptions in trouble: what KeyVaults in others notice of it.
//!
//! A look is an answered GET of a vault, as the simulator's journal has it.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use testbed::{Fault, FaultRule};

use crate::neighbours::{ages, rate};
use crate::progress;
use crate::report::{Aim, Report, float, quantile};
use crate::settings::Settings;
use crate::stage::estate::{Estate, subscription};
use crate::stage::{Stage, Subject};

pub const NAME: &str = "vaults-neighbours";

/// Those that are told of.
const OTHERS: usize = 10;
/// One is throttled, and one hangs.
const THROTTLED: usize = 0;
const HANGING: usize = 1;
const TROUBLED: usize = 2;
/// Vaults of each subscription. Enough hang to take all places, were they not bounded for each subscription.
const EACH: usize = 100;
/// A part is so many times `--intervals` intervals long: a rate needs more of them than a count does.
const LONGER: u32 = 2;
/// Intervals are spread over 90 to 110 %, so the next look may be due that much later.
const SPREAD: f64 = 1.1;

/// Looks at the vaults of the others, in one part.
struct Part {
    /// How old what is known of a vault is, at the 99th of a hundred moments. In seconds.
    age: f64,
    /// Looks a minute.
    rate: f64,
    /// Requests for the subscription that throttles, and for the one that hangs.
    troubled: [usize; TROUBLED],
}

pub async fn run(settings: &Settings) -> Result<Report> {
    let subscriptions = OTHERS + TROUBLED;
    let each = settings.scaled(EACH);
    let estate = Estate {
        vaults: each * subscriptions,
        subscriptions,
        ..Estate::new(settings, 0)
    };
    // A vault that is looked at once in a part tells no rate.
    let time = estate.interval * settings.intervals.max(2) * LONGER;
    progress(&format!("{NAME}: {} are created", estate.vaults))?;
    let stage = estate.stage(settings).await?;
    stage.create_identity().await?;
    let subject = Subject::start(&stage).await?;
    subject.doing(stage.settle_vaults(&estate)).await?;
    let part = async |what: &str| {
        progress(&format!("{NAME}: {} s, {what}", time.as_secs()))?;
        tokio::time::sleep(estate.interval).await;
        watch(&stage, &estate, time).await
    };
    let undisturbed = part("undisturbed").await?;
    disturb(&stage).await?;
    let disturbed = part("one subscription throttles and one hangs").await?;
    subject.stop().await?;
    stage.stop().await?;
    let about = format!(
        "{}.\n\n  \
         For {} s each: nothing is wrong; one subscription answers 429 with Retry-After 60, and another one hangs.\n  \
         Told of the other {OTHERS}.",
        estate.words(),
        time.as_secs()
    );
    let mut report = Report::new(NAME, about);
    report.tell("undisturbed: age, p99", undisturbed.age, "s");
    report.tell("undisturbed: looks a minute", undisturbed.rate, "");
    report.tell("disturbed: age, p99", disturbed.age, "s");
    let ratio = disturbed.age / undisturbed.age;
    report.judge("  of that undisturbed", ratio, "×", Aim::AtMost(1.2));
    report.tell("disturbed: looks a minute", disturbed.rate, "");
    let share = disturbed.rate / undisturbed.rate * 100.0;
    report.judge("  of those undisturbed", share, "%", Aim::AtLeast(99.0));
    let [throttled, hanging] = disturbed.troubled.map(float);
    report.tell("requests to the one that throttles", throttled, "calls");
    report.tell("requests to the one that hangs", hanging, "calls");
    Ok(report)
}

async fn disturb(stage: &Stage) -> Result<()> {
    let host = &stage.simulator.endpoints().resource_manager;
    let host = host.trim_start_matches("https://");
    let faults = [
        (THROTTLED, Fault::throttled(Some(60))),
        (HANGING, Fault::Hang(true)),
    ];
    for (number, fault) in faults {
        let path = format!("^/subscriptions/{}/", subscription(number));
        let rule = FaultRule::new(host, fault).on_path(&path);
        stage.simulator.admin().add_fault(&rule).await?;
    }
    Ok(())
}

async fn watch(stage: &Stage, estate: &Estate, time: Duration) -> Result<Part> {
    stage.clear_journal().await?;
    tokio::time::sleep(time).await;
    let end = Timestamp::now();
    let calls = stage.manager_calls().await?;
    let of = |number: usize, path: &str| path.contains(&subscription(number));
    let troubled = [THROTTLED, HANGING].map(|number| {
        let asked = calls.0.iter().filter(|(_, call)| of(number, &call.path));
        asked.count()
    });
    let others = calls.looks(end).into_iter();
    let others = others.filter(|(path, _)| !(of(THROTTLED, path) || of(HANGING, path)));
    let all: Vec<Vec<f64>> = others.map(|(_, times)| times).collect();
    let interval = estate.interval.as_secs_f64() * SPREAD;
    Ok(Part {
        age: quantile(all.iter().flat_map(|times| ages(times)).collect(), 0.99),
        rate: all.iter().map(|times| rate(times, interval)).sum(),
        troubled,
    })
}
