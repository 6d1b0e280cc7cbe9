//! Many `DataLakeAccount`s at once, under Azure's own throttles.

use std::time::Instant;

use anyhow::Result;

use crate::progress;
use crate::report::{Aim, Report, float};
use crate::settings::Settings;
use crate::stage::count::{Mark, Span, memory};
use crate::stage::estate::{CREATION, Calls, MANAGER_LATENCY, throttle_floor};
use crate::stage::lakes::{ASK_AGAIN, interval, object};
use crate::stage::{Stage, Subject};

pub const NAME: &str = "accounts-created";

/// What one account cannot do without: it is looked for, and so is its group; its name is checked; it is created, and seen to be
/// there when its creation is over.
const READS_BEFORE: usize = 2;
const READS: usize = READS_BEFORE + 1;
/// POST counts as a write.
const WRITES: usize = 2;
/// What the provider of storage accounts lets through: writes at once and a second.
const STORAGE_WRITES: f64 = 10.0;

/// One load.
struct Seen {
    accounts: usize,
    seconds: f64,
    calls: Calls,
    span: Span,
    peak: f64,
}

pub async fn run(settings: &Settings) -> Result<Report> {
    let accounts = settings.scaled(200);
    let about = format!(
        "{accounts} accounts of one subscription and region, created at once, until all are Ready. Each takes {} s to be made, and\n  \
         Azure asks to be asked again after {} s; an answer takes {} ms. It lets 250 reads and 25 a second through, 200 writes and\n  \
         10 a second, and 10 writes of storage accounts a second. The floor is what that lets pass of {READS} reads and {WRITES} writes\n  \
         for each, and the pause after the last.",
        CREATION.as_secs(),
        ASK_AGAIN.as_secs(),
        MANAGER_LATENCY.as_millis()
    );
    let mut report = Report::new(NAME, about);
    judge(&mut report, &create(settings, accounts).await?);
    Ok(report)
}

async fn create(settings: &Settings, accounts: usize) -> Result<Seen> {
    progress(&format!("{NAME}: {accounts} at once"))?;
    let stage = Stage::of_lakes(settings, true).await?;
    let subject = Subject::start(&stage).await?;
    stage.clear_journal().await?;
    let mark = Mark::set(&stage, Some(&subject)).await?;
    let interval = interval(settings);
    let objects: Vec<_> = (0..accounts)
        .map(|number| object(number, interval, &[]))
        .collect();
    let began = Instant::now();
    subject.doing(stage.settle_accounts(&objects)).await?;
    let seconds = began.elapsed().as_secs_f64();
    let span = mark.span(&stage, Some(&subject)).await?;
    let calls = stage.manager_calls().await?;
    let (_, peak) = memory(subject.process())?;
    subject.stop().await?;
    stage.stop().await?;
    Ok(Seen {
        accounts,
        seconds,
        calls,
        span,
        peak,
    })
}

fn judge(report: &mut Report, seen: &Seen) {
    let each = |count: f64| count / float(seen.accounts);
    report.tell("until all are Ready", seen.seconds, "s");
    let floor = floor(seen.accounts);
    report.tell("  floor: Azure's limits and the last pause", floor, "s");
    let ratio = seen.seconds / floor;
    report.judge("  of the floor", ratio, "×", Aim::AtMost(1.2));
    let calls = &seen.calls;
    let (all, reads) = (calls.0.len(), calls.reads());
    let throttled = float(calls.answered(429)) / float(all) * 100.0;
    report.tell("calls that were throttled (429)", throttled, "%");
    // Who waits for long is told so, and begins anew: that has no aim.
    let what = "reads of Resource Manager by the account";
    report.tell(what, each(float(reads)), "calls");
    let what = "writes of Resource Manager by the account";
    report.tell(what, each(float(all - reads)), "calls");
    let writes = Span::starting(&seen.span.writes, "");
    let what = "writes to the API server by the account";
    report.tell(what, each(writes), "calls");
    report.tell_calls(&calls.by_kind());
    report.tell_calls(&seen.span.writes);
    report.tell_calls(&seen.span.reads);
    report.tell("CPU of the operator", seen.span.cpu.operator, "s");
    report.tell("memory at most (RSS)", seen.peak, "MiB");
}

/// The last creation begins when the throttles have let all before it pass; the looks at what was made need their place, too.
fn floor(accounts: usize) -> f64 {
    let manager = throttle_floor(accounts * READS_BEFORE, accounts * WRITES);
    let storage = (float(accounts) - STORAGE_WRITES).max(0.0) / STORAGE_WRITES;
    let looked = throttle_floor(accounts * READS, 0);
    (manager.max(storage) + ASK_AGAIN.as_secs_f64()).max(looked)
}
