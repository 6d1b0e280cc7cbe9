//! How many calls a vault is given. Pure: time is an argument.

use jiff::Timestamp;

/// A vault that throttles without saying for how long is asked at half the rate, down to this share of it.
const SLOWEST: f64 = 1.0 / 64.0;
/// Each call that it answers brings back so much of the rate.
const RECOVERY: f64 = 1.0 / 200.0;
/// Calls that nobody waits for leave this share of the bucket to those that somebody does.
const RESERVE: f64 = 0.1;

/// A token bucket: never more calls in any time than it holds, and what flows in during that time.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    size: f64,
    rate: f64,
    share: f64,
    level: f64,
    at: Option<Timestamp>,
}

impl Bucket {
    /// A full bucket that holds `size` calls and gets `rate` more a second.
    pub(super) fn new(size: u32, rate: u32) -> Self {
        let (size, rate) = (f64::from(size.max(1)), f64::from(rate.max(1)));
        Self {
            size,
            rate,
            share: 1.0,
            level: size,
            at: None,
        }
    }

    /// Takes one call out, or says when there will be one. What nobody waits for leaves a reserve.
    pub(super) fn take(&mut self, now: Timestamp, urgent: bool) -> Result<(), Timestamp> {
        self.refill(now);
        // The reserve is of what flows in: with a slower flow, a whole one would shut out the others for minutes.
        let least = if urgent {
            1.0
        } else {
            1.0 + self.size * RESERVE * self.share
        };
        // A bucket that is smaller than its reserve still lets one call through when it is full.
        let least = least.min(self.size);
        if self.level + 1e-9 >= least {
            self.level -= 1.0;
            return Ok(());
        }
        let seconds = (least - self.level) / (self.rate * self.share);
        let pause = std::time::Duration::from_secs_f64(seconds.clamp(0.001, 3600.0));
        Err(crate::retry::after(now, pause))
    }

    /// The vault wants to be asked less and does not say how much.
    pub(super) fn slow_down(&mut self) {
        self.share = (self.share / 2.0).max(SLOWEST);
        self.level = 0.0;
    }

    /// The vault answered.
    pub(super) fn speed_up(&mut self) {
        self.share = (self.share + RECOVERY).min(1.0);
    }

    fn refill(&mut self, now: Timestamp) {
        if let Some(at) = self.at {
            let seconds = now.duration_since(at).as_secs_f64().max(0.0);
            self.level = (self.level + seconds * self.rate * self.share).min(self.size);
        }
        // A clock that was set back gives nothing twice.
        self.at = self.at.max(Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    #[test]
    fn a_full_bucket_lets_a_burst_through_and_then_the_rate() {
        let mut bucket = Bucket::new(3, 10);
        for _ in 0..3 {
            assert_eq!(bucket.take(at(0), true), Ok(()));
        }
        assert_eq!(bucket.take(at(0), true), Err(at(100)));
        assert_eq!(bucket.take(at(100), true), Ok(()));
        assert!(bucket.take(at(199), true).is_err());
    }

    #[test]
    fn what_nobody_waits_for_leaves_a_reserve() {
        let mut bucket = Bucket::new(100, 10);
        let taken = std::iter::repeat_with(|| bucket.take(at(0), false))
            .take_while(Result::is_ok)
            .count();
        assert_eq!(taken, 90);
        assert_eq!(bucket.take(at(0), true), Ok(()));
    }

    #[test]
    fn a_vault_that_throttles_is_asked_at_half_the_rate_and_at_full_rate_again_in_the_end() {
        let mut bucket = Bucket::new(10, 10);
        bucket.take(at(0), true).unwrap();
        bucket.slow_down();
        assert_eq!(bucket.take(at(0), true), Err(at(200)));
        for _ in 0..200 {
            bucket.speed_up();
        }
        assert_eq!(bucket.take(at(0), true), Err(at(100)));
    }

    #[test]
    fn a_vault_that_throttled_is_looked_at_again_soon() {
        let mut bucket = Bucket::new(3000, 100);
        for _ in 0..10 {
            bucket.slow_down();
        }
        assert!(bucket.take(at(0), false).is_err());
        assert_eq!(bucket.take(at(5_000), false), Ok(()));
    }

    #[test]
    fn a_clock_set_back_gives_nothing_twice() {
        let mut bucket = Bucket::new(1, 1);
        bucket.take(at(10_000), true).unwrap();
        assert!(bucket.take(at(0), true).is_err());
        assert!(bucket.take(at(10_500), true).is_err());
        assert_eq!(bucket.take(at(11_000), true), Ok(()));
    }
}
