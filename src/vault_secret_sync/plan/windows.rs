//! Windows of time in which changes may be applied: cron schedules in a time zone, each open for a while. Pure: the time is an
//! argument, and the time zones are those of the IANA database that is built in, whatever the machine has.
//!
//! A schedule is read in local time without a zone, and each opening is then put into its zone as RFC 5545 §3.3.5 says: an hour
//! that the clocks leave out in spring opens the window when they have gone on (02:30 becomes 03:30), one that they repeat in
//! autumn opens it the first time. So a weekly window comes every week and once. Only where the schedule's hour begins with `*`
//! does the repeated hour count like every other, as cron has it. How long a window stays open is time that passes.

use std::time::Duration;

use cronexpr::{Crontab, MakeTimestamp};
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::vault_secret_sync::api::sources::WindowSpec;

/// How many windows a sync may have.
const MAX_WINDOWS: usize = 16;
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(168);
/// No zone has ever moved its clocks by more: Samoa left out a whole day in 2011.
const LARGEST_GAP: SignedDuration = SignedDuration::from_hours(25);

/// Windows that were found sound. Without any, it is always open.
#[derive(Debug, Clone, Default)]
pub struct Windows {
    specs: Vec<WindowSpec>,
    windows: Vec<Window>,
}

impl PartialEq for Windows {
    fn eq(&self, other: &Self) -> bool {
        self.specs == other.specs
    }
}

impl Eq for Windows {}

#[derive(Debug, Clone)]
struct Window {
    /// Its time zone is UTC by name only: what it gives is local time of `zone`.
    schedule: Crontab,
    duration: SignedDuration,
    zone: TimeZone,
    /// Whether an hour that the clocks repeat counts twice.
    every_hour: bool,
}

impl Windows {
    /// Parses the windows of a spec; `at` is their field, such as `spec.windows`.
    ///
    /// Errors: `InvalidSpec` with the window, the field and what is wrong in it; also for a schedule that never comes, such as
    /// 30 February.
    pub fn parse(at: &str, specs: &[WindowSpec]) -> Result<Self, Problem> {
        if specs.len() > MAX_WINDOWS {
            return Err(invalid(format!(
                "{at}: at most {MAX_WINDOWS} windows can be set"
            )));
        }
        let windows = specs.iter().enumerate();
        let windows = windows.map(|(place, spec)| Window::parse(&format!("{at}[{place}]"), spec));
        Ok(Self {
            windows: windows.collect::<Result<_, _>>()?,
            specs: specs.to_vec(),
        })
    }

    /// Whether changes may be applied at this time. An opening belongs to its window, the end does not.
    pub fn open(&self, now: Timestamp) -> bool {
        self.windows.is_empty() || self.windows.iter().any(|window| window.open(now))
    }

    /// When changes may next be applied: now itself while it is open. None where no window opens within four years.
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        if self.open(now) {
            return Some(now);
        }
        let openings = self.windows.iter().flat_map(|window| {
            let ahead = |which| window.next(now, which);
            window.whiches().filter_map(ahead)
        });
        openings.min()
    }
}

impl Window {
    fn parse(at: &str, spec: &WindowSpec) -> Result<Self, Problem> {
        let name = spec.time_zone.as_deref().unwrap_or("UTC");
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| {
            invalid(format!(
                "{at}.timeZone: {name:?} is no name of a time zone in the IANA database, such as Europe/Berlin"
            ))
        })?;
        let length = Some(spec.duration).filter(|length| !length.is_negative());
        let length = length.map(Duration::from);
        let length = length.filter(|length| (SHORTEST..=LONGEST).contains(length));
        let duration = length.and_then(|length| SignedDuration::try_from(length).ok());
        let duration =
            duration.ok_or_else(|| invalid(format!("{at}.duration must be from 1m to 168h")))?;
        let window = Self {
            schedule: schedule(at, &spec.schedule)?,
            duration,
            zone,
            every_hour: (spec.schedule.split_whitespace().nth(1))
                .is_some_and(|h| h.starts_with('*')),
        };
        // The four years from here on, which are searched, hold a 29 February.
        if window
            .openings(Timestamp::UNIX_EPOCH, Which::First)
            .next()
            .is_none()
        {
            let seen = &spec.schedule;
            return Err(invalid(format!(
                "{at}.schedule: {seen:?} never comes: no such day is in the calendar"
            )));
        }
        Ok(window)
    }

    /// Which of two equal local times count.
    fn whiches(&self) -> impl Iterator<Item = Which> {
        [Which::First]
            .into_iter()
            .chain(self.every_hour.then_some(Which::Second))
    }

    /// The openings after this time and a few before it, in the order of local times.
    fn openings(&self, after: Timestamp, which: Which) -> impl Iterator<Item = Timestamp> {
        let local = self.zone.to_datetime(after);
        let begin = pretended(local).and_then(|begin| begin.checked_sub(LARGEST_GAP).ok());
        let mut last = begin;
        std::iter::from_fn(move || {
            let next = self.schedule.find_next(MakeTimestamp(last?)).ok()?;
            last = Some(next.timestamp());
            let placed = self.zone.to_ambiguous_timestamp(next.datetime());
            match which {
                Which::First => placed.compatible().ok(),
                Which::Second => placed.later().ok(),
            }
        })
    }

    fn next(&self, now: Timestamp, which: Which) -> Option<Timestamp> {
        let mut best: Option<Timestamp> = None;
        for opening in self.openings(now, which).filter(|opening| *opening > now) {
            let until = best.and_then(|best| best.checked_add(LARGEST_GAP).ok());
            if until.is_some_and(|until| opening > until) {
                break;
            }
            best = Some(best.map_or(opening, |best| best.min(opening)));
        }
        best
    }

    fn open(&self, now: Timestamp) -> bool {
        let Ok(earliest) = now.checked_sub(self.duration) else {
            return false;
        };
        // One that the clocks put off may stand before an earlier one.
        let begun = |which| {
            let latest = now.checked_add(LARGEST_GAP).unwrap_or(now);
            let mut about_now = self
                .openings(earliest, which)
                .take_while(|opening| *opening <= latest);
            about_now.any(|opening| opening > earliest && opening <= now)
        };
        self.whiches().any(begun)
    }
}

/// One of two equal local times in autumn; at all other times both are the same.
#[derive(Clone, Copy)]
enum Which {
    First,
    Second,
}

/// A local time as if it were UTC, which is how the schedule is asked.
fn pretended(local: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(local).ok()
}

/// The five fields of cron. A zone behind them has its own field here.
fn schedule(at: &str, text: &str) -> Result<Crontab, Problem> {
    let refused = |what: &str| {
        invalid(format!(
            "{at}.schedule: {text:?} is no schedule of five fields (minute, hour, day of the month, month, day of the week): {what}"
        ))
    };
    if text.len() > 128 || text.split_whitespace().count() != 5 {
        return Err(refused("it has not five fields"));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    cronexpr::parse_crontab(&format!("{} UTC", fields.join(" "))).map_err(|error| {
        // The library draws an arrow; a condition has one line.
        let drawn = error.to_string();
        let last = drawn.lines().last().unwrap_or_default();
        let what = last.trim_start().trim_start_matches('^').trim();
        refused(if what.is_empty() {
            "it cannot be read"
        } else {
            what
        })
    })
}

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(schedule: &str, duration: &str, zone: Option<&str>) -> WindowSpec {
        let mut json = serde_json::json!({"schedule": schedule, "duration": duration});
        if let Some(zone) = zone {
            json["timeZone"] = zone.into();
        }
        serde_json::from_value(json).unwrap()
    }

    fn windows(schedule: &str, duration: &str, zone: &str) -> Windows {
        Windows::parse("spec.windows", &[spec(schedule, duration, Some(zone))]).unwrap()
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn next(windows: &Windows, time: &str) -> String {
        windows.next_opening(at(time)).unwrap().to_string()
    }

    #[test]
    fn a_window_is_open_from_its_opening_to_its_end() {
        let weekly = windows("0 2 * * 6", "4h", "Europe/Berlin");
        for (time, open) in [
            ("2026-11-20T23:00:00Z", false),
            ("2026-11-21T00:59:59Z", false),
            ("2026-11-21T01:00:00Z", true),
            ("2026-11-21T04:59:59Z", true),
            ("2026-11-21T05:00:00Z", false),
            ("2026-11-22T01:00:00Z", false),
        ] {
            assert_eq!(weekly.open(at(time)), open, "{time}");
        }
        assert_eq!(
            next(&weekly, "2026-11-18T12:00:00Z"),
            "2026-11-21T01:00:00Z"
        );
        assert_eq!(
            next(&weekly, "2026-11-21T03:00:00Z"),
            "2026-11-21T03:00:00Z"
        );
        assert_eq!(
            next(&weekly, "2026-11-21T05:00:00Z"),
            "2026-11-28T01:00:00Z"
        );
    }

    #[test]
    fn no_window_is_always_open_and_of_several_any_counts() {
        let none = Windows::parse("spec.windows", &[]).unwrap();
        assert!(none.open(at("2026-01-01T00:00:00Z")));
        assert_eq!(next(&none, "2026-01-01T00:00:00Z"), "2026-01-01T00:00:00Z");
        let two = [
            spec("0 2 * * *", "1h", None),
            spec("30 22 * * MON-FRI", "30m", Some("Asia/Kolkata")),
        ];
        let two = Windows::parse("spec.windows", &two).unwrap();
        assert!(two.open(at("2026-11-20T02:30:00Z")) && two.open(at("2026-11-20T17:15:00Z")));
        assert!(!two.open(at("2026-11-21T17:15:00Z")));
        assert_eq!(next(&two, "2026-11-20T12:00:00Z"), "2026-11-20T17:00:00Z");
    }

    #[test]
    fn an_hour_that_is_left_out_opens_when_the_clocks_have_gone_on() {
        // Berlin, 29 March 2026: from 02:00 +01 (01:00Z) to 03:00 +02.
        let daily = windows("30 2 * * *", "1h", "Europe/Berlin");
        assert_eq!(next(&daily, "2026-03-28T12:00:00Z"), "2026-03-29T01:30:00Z");
        assert!(daily.open(at("2026-03-29T02:29:59Z")) && !daily.open(at("2026-03-29T02:30:00Z")));
        assert_eq!(next(&daily, "2026-03-29T03:00:00Z"), "2026-03-30T00:30:00Z");
        // 02:30 is put off to 03:30, behind 03:00.
        let often = windows("*/30 * * * *", "1m", "Europe/Berlin");
        assert_eq!(next(&often, "2026-03-29T00:40:00Z"), "2026-03-29T01:00:00Z");
        assert!(often.open(at("2026-03-29T01:00:30Z")) && often.open(at("2026-03-29T01:30:30Z")));
    }

    #[test]
    fn an_hour_that_is_repeated_opens_once() {
        // Berlin, 25 October 2026: 02:30 is 00:30Z and again 01:30Z.
        let daily = windows("30 2 * * *", "30m", "Europe/Berlin");
        assert_eq!(next(&daily, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert!(daily.open(at("2026-10-25T00:45:00Z")) && !daily.open(at("2026-10-25T01:45:00Z")));
        assert_eq!(next(&daily, "2026-10-25T01:00:00Z"), "2026-10-26T01:30:00Z");
        // What is open over the change stays open as long as it says.
        let long = windows("0 1 * * *", "4h", "Europe/Berlin");
        assert!(long.open(at("2026-10-25T02:59:59Z")) && !long.open(at("2026-10-25T03:00:00Z")));
    }

    #[test]
    fn the_ends_of_the_earth_have_windows() {
        // Samoa had no 30 December 2011: it went from -10 to +14 at the end of the 29th.
        let daily = windows("0 12 * * *", "1h", "Pacific/Apia");
        assert_eq!(next(&daily, "2011-12-29T23:00:00Z"), "2011-12-30T22:00:00Z");
        // Lord Howe Island moves its clocks by half an hour.
        let daily = windows("15 2 * * *", "30m", "Australia/Lord_Howe");
        assert_eq!(next(&daily, "2026-10-03T12:00:00Z"), "2026-10-03T15:45:00Z");
    }

    #[test]
    fn a_window_longer_than_its_period_never_closes() {
        let always = windows("0 0 * * *", "168h", "UTC");
        assert!(always.open(at("2026-06-15T12:34:56.789Z")));
        // New York, 1 November 2026: 01:30 is 05:30Z and again 06:30Z.
        let minutes = windows("* * * * *", "1m", "America/New_York");
        assert!(
            minutes.open(at("2026-11-01T05:30:30Z")) && minutes.open(at("2026-11-01T06:30:30Z"))
        );
    }

    #[test]
    fn what_cannot_be_is_refused_by_field() {
        for (window, named) in [
            (
                spec("0 2 * * 8", "1h", None),
                "spec.windows[0].schedule: \"0 2 * * 8\" is no schedule",
            ),
            (spec("0 2 * *", "1h", None), "it has not five fields"),
            (spec("0 2 * * 6 UTC", "1h", None), "it has not five fields"),
            (spec("0 0 2 * * 6", "1h", None), "it has not five fields"),
            (spec("H 2 * * 6", "1h", None), "spec.windows[0].schedule"),
            (spec("0 2 30 2 *", "1h", None), "never comes"),
            (
                spec("0 2 * * 6", "30s", None),
                "spec.windows[0].duration must be from 1m to 168h",
            ),
            (spec("0 2 * * 6", "200h", None), "spec.windows[0].duration"),
            (
                spec("0 2 * * 6", "1h", Some("Europe/Bonn")),
                "spec.windows[0].timeZone: \"Europe/Bonn\"",
            ),
        ] {
            let problem =
                Windows::parse("spec.windows", std::slice::from_ref(&window)).unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidSpec);
            assert!(
                problem.message.contains(named),
                "{problem} does not hold {named}"
            );
            assert!(!problem.message.contains('\n'), "{problem}");
        }
        assert!(Windows::parse("spec.windows", &[spec("0 2 29 2 *", "1h", None)]).is_ok());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn the_next_opening_is_open_and_nothing_before_it_is(
            minute in 0u8..60, hour in 0u8..24, minutes in 1u16..2000, seconds in 1_700_000_000i64..1_900_000_000,
            zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu"])
        ) {
            let windows = windows(&format!("{minute} {hour} * * *"), &format!("{minutes}m"), zone);
            let now = Timestamp::from_second(seconds).unwrap();
            let next = windows.next_opening(now).unwrap();
            proptest::prop_assert!(windows.open(next));
            if next > now {
                let before = next - SignedDuration::from_secs(1);
                proptest::prop_assert!(!windows.open(now) && !windows.open(before));
                proptest::prop_assert!(next.duration_since(now) <= SignedDuration::from_hours(26));
            }
        }

        #[test]
        fn no_schedule_makes_it_panic(schedule in "[0-9*/,LW#A-C -]{0,24}", zone in "[A-Za-z/_]{0,12}") {
            drop(Windows::parse("spec.windows", &[spec(&schedule, "1h", Some(&zone))]));
        }
    }
}
