//! When a token of a managed identity ends, in all the forms in which the endpoints say it. Pure.

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use serde::Deserialize;

/// No token of Azure lives longer.
const LONGEST: i64 = 7 * 86_400;
/// From this life on, tokens are renewed at half of it, as Azure's SDKs do: the endpoints keep tokens themselves and give
/// the same one again until it is old.
const LONG: i64 = 2 * 3600;

/// A number, which some endpoints write as text, or a date in text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Time {
    Number(i64),
    Text(String),
}

impl Time {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }

    /// Seconds since 1970, from a number or a date.
    fn instant(&self) -> Option<i64> {
        self.number().or_else(|| match self {
            Self::Number(_) => None,
            Self::Text(text) => date(text.trim()).map(Timestamp::as_second),
        })
    }
}

/// How long the token lives, in seconds: what is `left` (`expires_in`), else what lies between `clock` and its `end`
/// (`expires_on`). `clock` is the
/// endpoint's own where it tells it, so that a wrong clock here shortens no life and lengthens none.
pub(super) fn life(left: Option<&Time>, end: Option<&Time>, clock: Timestamp) -> Option<i64> {
    left.and_then(Time::number)
        .or_else(|| end?.instant()?.checked_sub(clock.as_second()))
        .filter(|&life| life > 0 && life <= LONGEST)
}

/// After how many seconds a new token is asked for: as the endpoint says, else at half of a long life and at four fifths
/// of a short one.
pub(super) fn refresh(refresh_in: Option<&Time>, life: i64) -> i64 {
    refresh_in
        .and_then(Time::number)
        .filter(|&at| at > 0 && at < life)
        .unwrap_or(if life > LONG { life / 2 } else { life / 5 * 4 })
}

/// The dates of App Service's protocol of 2017: `9/23/2026 4:10:00 PM +00:00` on Windows, `06/20/2026 02:57:58 +00:00` on
/// Linux. RFC 3339 besides.
fn date(text: &str) -> Option<Timestamp> {
    ["%m/%d/%Y %I:%M:%S %p %:z", "%m/%d/%Y %H:%M:%S %:z"]
        .iter()
        .find_map(|form| {
            let parsed = BrokenDownTime::parse(form, text).ok()?;
            parsed.to_timestamp().ok()
        })
        .or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Time {
        Time::Text(text.to_owned())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_of_a_date_is_read() {
        let cases = [
            ("9/23/2026 4:10:00 PM +00:00", "2026-09-23T16:10:00Z"),
            ("09/23/2026 04:10:00 AM +00:00", "2026-09-23T04:10:00Z"),
            ("1/1/2027 12:00:01 AM +00:00", "2027-01-01T00:00:01Z"),
            ("06/20/2026 02:57:58 +00:00", "2026-06-20T02:57:58Z"),
            ("6/20/2026 22:57:58 +02:00", "2026-06-20T20:57:58Z"),
            ("2026-06-20T02:57:58Z", "2026-06-20T02:57:58Z"),
        ];
        for (seen, meant) in cases {
            assert_eq!(date(seen), Some(at(meant)), "{seen}");
        }
        for bad in ["", "tomorrow", "20/06/2026 02:57:58 +00:00", "06/20/2026"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_left_is_preferred_to_when_it_ends() {
        let clock = at("2026-11-20T07:00:00Z");
        let later = text("1795165200"); // 2026-11-20T09:00:00Z
        assert_eq!(life(Some(&text("3599")), Some(&later), clock), Some(3599));
        assert_eq!(life(Some(&Time::Number(5)), None, clock), Some(5));
        assert_eq!(life(None, Some(&later), clock), Some(7200));
        assert_eq!(life(Some(&text("")), Some(&later), clock), Some(7200));
        let date = text("11/20/2026 08:00:00 +00:00");
        assert_eq!(life(None, Some(&date), clock), Some(3600));
    }

    #[test]
    fn a_life_that_cannot_be_is_none() {
        let clock = at("2026-11-20T07:00:00Z");
        let life = |expires_in: &str| life(Some(&text(expires_in)), None, clock);
        assert_eq!(
            [life("0"), life("-1"), life("604801"), life("x")],
            [None; 4]
        );
        assert_eq!(super::life(None, None, clock), None);
        let past = Time::Number(clock.as_second() - 1);
        assert_eq!(super::life(None, Some(&past), clock), None);
        assert_eq!(
            super::life(None, Some(&Time::Number(i64::MIN)), clock),
            None
        );
    }

    #[test]
    fn long_lives_are_renewed_at_half_and_short_ones_at_four_fifths() {
        assert_eq!(refresh(None, 86_400), 43_200);
        assert_eq!(refresh(None, 7201), 3600);
        assert_eq!(refresh(None, 7200), 5760);
        assert_eq!(refresh(Some(&text("100")), 86_400), 100);
        assert_eq!(refresh(Some(&text("86400")), 86_400), 43_200);
        assert_eq!(refresh(Some(&Time::Number(-1)), 3600), 2880);
    }
}
