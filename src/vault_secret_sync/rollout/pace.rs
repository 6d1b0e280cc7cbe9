//! When unfinished workloads are looked at again. Pure: kept in memory alone, since after a restart all are looked at once.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::api::{WorkloadKind, WorkloadState, WorkloadStatus};
use super::workload::Moved;
use crate::retry::{self, Retry, after};

/// Pods that are being replaced are looked at this often at least.
const WATCHED: Duration = Duration::from_mins(1);
/// The first pause of what only somebody's hand can mend.
const SLOW: Duration = Duration::from_mins(1);

/// What is remembered of the workloads of a sync.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace {
    /// When unfinished workloads are looked at again.
    pub next: Option<Timestamp>,
    /// Looks in a row at which no state changed.
    pub tries: u32,
    /// For each workload whose pods are replaced: numbers, and since when they have been the same.
    pub still: BTreeMap<(WorkloadKind, String), (Moved, Timestamp)>,
}

impl Pace {
    /// Notes the numbers of a workload. Gives back since when they have been so.
    pub fn moved(
        &mut self,
        before: &Self,
        key: (WorkloadKind, String),
        moved: Moved,
        now: Timestamp,
    ) -> Timestamp {
        let same = before
            .still
            .get(&key)
            .filter(|(numbers, _)| *numbers == moved);
        let since = same.map_or(now, |(_, since)| *since);
        self.still.insert(key, (moved, since));
        since
    }
}

/// Whether a workload is to be looked at again.
pub fn unfinished(state: WorkloadState) -> bool {
    state != WorkloadState::RolledOut
}

/// When to look again after `tries` looks (1 for the first) at which nothing changed. `deferred` are ends of gaps.
pub fn next(
    workloads: &[WorkloadStatus],
    deferred: &[Timestamp],
    tries: u32,
    seed: u64,
    now: Timestamp,
) -> Option<Timestamp> {
    let backoff = || retry::delay(Retry::Backoff, tries, seed);
    let pauses = workloads
        .iter()
        .filter_map(|workload| match workload.state {
            WorkloadState::RolledOut | WorkloadState::Deferred => None,
            WorkloadState::RollingOut => Some(backoff().min(WATCHED)),
            WorkloadState::Paused | WorkloadState::Forbidden | WorkloadState::Unavailable => {
                Some(backoff())
            }
            WorkloadState::ByHand
            | WorkloadState::Failed
            | WorkloadState::Stalled
            | WorkloadState::NotFound
            | WorkloadState::Refused => {
                let doubled = SLOW.saturating_mul(1u32 << tries.saturating_sub(1).min(10));
                Some(retry::jitter(doubled.min(retry::RESYNC), seed))
            }
        });
    let times = pauses.map(|pause| after(now, pause));
    let gaps = deferred
        .iter()
        .map(|until| (*until).max(after(now, retry::FIRST)));
    times.chain(gaps).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn one(state: WorkloadState) -> Vec<WorkloadStatus> {
        vec![WorkloadStatus {
            kind: WorkloadKind::Deployment,
            name: "api".to_owned(),
            state,
            message: None,
            restarted: None,
        }]
    }

    fn pause(state: WorkloadState, tries: u32) -> Option<f64> {
        let next = next(&one(state), &[], tries, 7, at(0))?;
        Some(next.duration_since(at(0)).as_secs_f64())
    }

    #[test]
    fn what_is_done_is_not_looked_at_again() {
        assert_eq!(pause(WorkloadState::RolledOut, 1), None);
        assert_eq!(next(&[], &[], 1, 7, at(0)), None);
    }

    #[test]
    fn what_moves_is_looked_at_soon_and_never_rarely() {
        assert!(pause(WorkloadState::RollingOut, 1).unwrap() < 3.0);
        assert!(pause(WorkloadState::RollingOut, 100).unwrap() <= 60.0);
    }

    #[test]
    fn what_waits_for_somebody_is_looked_at_ever_more_rarely() {
        for state in [
            WorkloadState::NotFound,
            WorkloadState::Failed,
            WorkloadState::ByHand,
        ] {
            assert!(pause(state, 1).unwrap() >= 50.0);
            assert!(pause(state, 100).unwrap() >= 3000.0);
        }
        assert!(pause(WorkloadState::Paused, 100).unwrap() <= 330.0);
    }

    #[test]
    fn a_gap_ends_when_it_ends() {
        let next = next(&one(WorkloadState::Deferred), &[at(90)], 5, 7, at(0));
        assert_eq!(next, Some(at(90)));
    }

    #[test]
    fn standing_still_is_counted_from_the_last_move() {
        let key = || (WorkloadKind::StatefulSet, "db".to_owned());
        let (mut first, mut second, mut third) =
            (Pace::default(), Pace::default(), Pace::default());
        assert_eq!(
            first.moved(&Pace::default(), key(), (1, 0, 3), at(0)),
            at(0)
        );
        assert_eq!(second.moved(&first, key(), (1, 0, 3), at(60)), at(0));
        assert_eq!(third.moved(&second, key(), (1, 1, 3), at(90)), at(90));
    }
}
