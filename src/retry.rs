//! When something that went wrong is tried again. Pure: time and randomness are arguments.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// When an error is tried again. Every error of the product has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Only a change of the object, or of something that it refers to, can help. A slow resync looks again all the same.
    OnChange,
    /// It may pass by itself: doubling pauses with a ceiling.
    Backoff,
    /// Somebody said when: a `Retry-After`, a not-before time.
    After(Duration),
}

/// The slow look again at what only a change can mend.
pub const RESYNC: Duration = Duration::from_hours(1);
/// The first pause of a backoff.
pub const FIRST: Duration = Duration::from_secs(2);
/// The ceiling of a backoff.
pub const CEILING: Duration = Duration::from_mins(5);

/// The pause before the next try after `failures` failures in a row (1 for the first), spread by `seed`.
pub fn delay(retry: Retry, failures: u32, seed: u64) -> Duration {
    match retry {
        Retry::OnChange => jitter(RESYNC, seed),
        Retry::Backoff => {
            let doubled = FIRST.saturating_mul(1u32 << failures.saturating_sub(1).min(10));
            jitter(doubled.min(CEILING), seed.wrapping_add(u64::from(failures)))
        }
        // Never earlier than asked, and spread over a tenth, so that many waiters do not come back in one moment.
        Retry::After(asked) => asked + asked.mul_f64(0.1 * fraction(seed)),
    }
}

/// The time that lies `pause` after `now`, or the end of time.
pub fn after(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

/// `base` spread evenly over 90–110 % by `seed`: the same object keeps its place in the interval, different ones differ.
pub fn jitter(base: Duration, seed: u64) -> Duration {
    base.mul_f64(0.9 + 0.2 * fraction(seed))
}

/// A stable seed for an object: FNV-1a over its uid and a word that tells several uses apart.
pub fn seed(uid: &str, salt: &str) -> u64 {
    uid.bytes()
        .chain([0])
        .chain(salt.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// `seed` as a number in `[0, 1)`, after mixing (splitmix64), since near seeds must land far apart.
pub fn fraction(seed: u64) -> f64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let top = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(u32::MAX);
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_ceiling() {
        let around = |failures| delay(Retry::Backoff, failures, 7).as_secs_f64();
        assert!((1.8..=2.2).contains(&around(1)));
        assert!((3.6..=4.4).contains(&around(2)));
        assert!((270.0..=330.0).contains(&around(40)));
    }

    #[test]
    fn a_time_that_was_asked_for_is_never_cut_short() {
        for seed in 0..1000 {
            let pause = delay(Retry::After(Duration::from_mins(1)), 1, seed);
            assert!(
                pause >= Duration::from_mins(1) && pause <= Duration::from_secs(66),
                "{pause:?}"
            );
        }
    }

    #[test]
    fn jitter_spreads_evenly_and_stays_the_same_for_one_object() {
        let base = Duration::from_secs(100);
        let mut buckets = [0u32; 20];
        for n in 0..2000 {
            let uid = format!("uid-{n}");
            let pause = jitter(base, seed(&uid, "interval"));
            assert_eq!(pause, jitter(base, seed(&uid, "interval")));
            let second = pause.as_secs().checked_sub(90).unwrap();
            buckets[usize::try_from(second).unwrap().min(19)] += 1;
        }
        assert!(
            buckets.iter().all(|&n| (50..200).contains(&n)),
            "{buckets:?}"
        );
    }
}
