//! Many KeyVaults at once, under Azure's own throttle.

use std::time::Instant;

use anyhow::Result;

use crate::progress;
use crate::report::{Aim, Report, float};
use crate::settings::Settings;
use crate::stage::Subject;
use crate::stage::count::{Mark, Span, memory};
use crate::stage::estate::{CREATION, Calls, Estate, MANAGER_LATENCY, throttle_floor};

pub const NAME: &str = "vaults-created";

/// What one vault cannot do without: it is looked for, also among deleted ones, and so is its group; its name is checked; it is
/// created, and seen to be there when its creation is over.
const READS_BEFORE: usize = 3;
const READS: usize = READS_BEFORE + 1;
/// POST counts as a write.
const WRITES: usize = 2;
/// Those of the API server: finalizer, note of the write, that it is being made, that it is Ready, and Events of the last two.
const API_WRITES: f64 = 6.0;

/// One load.
struct Seen {
    estate: Estate,
    seconds: f64,
    calls: Calls,
    span: Span,
    peak: f64,
}

pub async fn run(settings: &Settings) -> Result<Report> {
    let about = format!(
        "vaults of one subscription, created at once, until all are Ready. Each takes {} s to be made, an answer {} ms; Azure lets\n  \
         250 reads and 25 a second through, and 200 writes and 10 a second. The floor is what that lets pass of {READS} reads and\n  \
         {WRITES} writes for each, and the making of the last.",
        CREATION.as_secs(),
        MANAGER_LATENCY.as_millis()
    );
    let mut report = Report::new(NAME, about);
    // The first hardly feels the throttle, the second does.
    for vaults in [100, 500] {
        let seen = create(settings, Estate::new(settings, vaults)).await?;
        judge(&mut report, &seen);
    }
    Ok(report)
}

async fn create(settings: &Settings, estate: Estate) -> Result<Seen> {
    progress(&format!("{NAME}: {} at once", estate.vaults))?;
    let stage = estate.stage(settings).await?;
    stage.create_identity().await?;
    let subject = Subject::start(&stage).await?;
    stage.clear_journal().await?;
    let mark = Mark::set(&stage, Some(&subject)).await?;
    let began = Instant::now();
    subject.doing(stage.settle_vaults(&estate)).await?;
    let seconds = began.elapsed().as_secs_f64();
    let span = mark.span(&stage, Some(&subject)).await?;
    let calls = stage.manager_calls().await?;
    let (_, peak) = memory(subject.process())?;
    subject.stop().await?;
    stage.stop().await?;
    Ok(Seen {
        estate,
        seconds,
        calls,
        span,
        peak,
    })
}

fn judge(report: &mut Report, seen: &Seen) {
    let vaults = seen.estate.vaults;
    let each = |count: f64| count / float(vaults);
    report.tell(
        format!("{vaults} vaults: until all are Ready"),
        seen.seconds,
        "s",
    );
    let floor = floor(vaults);
    report.tell("  floor: Azure's limits and the last creation", floor, "s");
    let ratio = seen.seconds / floor;
    report.judge("  of the floor", ratio, "×", Aim::AtMost(1.5));
    let calls = &seen.calls;
    let (all, reads) = (calls.0.len(), calls.reads());
    let throttled = float(calls.answered(429)) / float(all) * 100.0;
    let what = "  calls that were throttled (429)";
    report.judge(what, throttled, "%", Aim::AtMost(2.0));
    // Who waits for long is told so, and begins anew: that has no aim.
    let mut count = |what: &str, made: f64, most: f64| {
        let (what, made) = (format!("  {what} by the vault"), each(made));
        if floor > CREATION.as_secs_f64() * 4.0 {
            report.tell(what, made, "calls");
        } else {
            report.judge(what, made, "calls", Aim::AtMost(most));
        }
    };
    let (most, writes) = (float(READS) + 1.0, all - reads);
    count("reads of Resource Manager", float(reads), most);
    count("writes of Resource Manager", float(writes), float(WRITES));
    let writes = Span::starting(&seen.span.writes, "");
    count("writes to the API server", writes, API_WRITES);
    report.tell_calls(&calls.by_kind());
    report.tell_calls(&seen.span.writes);
    report.tell_calls(&seen.span.reads);
    report.tell("  CPU of the operator", seen.span.cpu.operator, "s");
    report.tell("  memory at most (RSS)", seen.peak, "MiB");
}

/// The last creation begins when the throttle has let all before it pass; the looks at what was made need their place, too.
fn floor(vaults: usize) -> f64 {
    let begun = throttle_floor(vaults * READS_BEFORE, vaults * WRITES);
    let looked = throttle_floor(vaults * READS, 0);
    (begun + CREATION.as_secs_f64()).max(looked)
}
