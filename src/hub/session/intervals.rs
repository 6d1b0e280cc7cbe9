//! How often something is to be looked at, by those who say so. Pure.

use std::time::Duration;

use crate::few::Few;

/// The intervals of callers, each with how many have it.
#[derive(Debug, Default)]
pub(super) struct Intervals(Few<(Duration, usize)>);

impl Intervals {
    /// One more has this interval, where it has one.
    pub(super) fn add(&mut self, every: Option<Duration>) {
        self.count(every, |count| count + 1);
    }

    /// One less has it.
    pub(super) fn remove(&mut self, every: Option<Duration>) {
        self.count(every, |count| count.saturating_sub(1));
    }

    /// The shortest of them.
    pub(super) fn shortest(&self) -> Option<Duration> {
        self.0.iter().next().map(|(every, _)| *every)
    }

    fn count(&mut self, every: Option<Duration>, of: impl FnOnce(usize) -> usize) {
        let Some(every) = every else {
            return;
        };
        let before = self.0.iter().find(|(known, _)| *known == every).copied();
        let count = before.map_or(0, |(_, count)| count);
        let after = of(count);
        if let Some(before) = before {
            self.0.remove(&before);
        }
        if after > 0 {
            self.0.insert((every, after));
        }
    }
}
