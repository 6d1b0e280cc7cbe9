//! Leases: who has one on a path is the only one to write to it.

use super::refusal::Refusal;
use crate::world::moment::Moment;

/// A lease, in force or past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) id: Box<str>,
    /// Seconds; none: without end.
    pub(crate) duration: Option<u32>,
    /// When it ends, or ended, by itself or by a break.
    pub(crate) until: Option<Moment>,
    /// A break is under way, or done.
    pub(crate) broken: bool,
}

/// How a lease stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Available,
    Leased,
    Expired,
    Breaking,
    Broken,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Leased => "leased",
            Self::Expired => "expired",
            Self::Breaking => "breaking",
            Self::Broken => "broken",
        }
    }

    /// Whether writers need the id.
    pub(crate) fn locks(self) -> bool {
        matches!(self, Self::Leased | Self::Breaking)
    }

    /// Whether it is `infinite` or `fixed`, told while there is one.
    pub(crate) fn duration(self, lease: Option<&Lease>) -> Option<&'static str> {
        let lease = lease.filter(|_| self == Self::Leased)?;
        Some(if lease.duration.is_none() {
            "infinite"
        } else {
            "fixed"
        })
    }

    pub(crate) fn status(self) -> &'static str {
        if self.locks() { "locked" } else { "unlocked" }
    }
}

/// What a client wants of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Acquire {
        id: Box<str>,
        /// -1: without end.
        duration: i32,
    },
    Renew {
        id: Box<str>,
    },
    Change {
        id: Box<str>,
        to: Box<str>,
    },
    Release {
        id: Box<str>,
    },
    Break {
        /// Seconds; none: as long as the lease would last.
        period: Option<u32>,
    },
}

/// The state of a lease, if there is one.
pub(crate) fn state(lease: Option<&Lease>, now: Moment) -> State {
    let Some(lease) = lease else {
        return State::Available;
    };
    let over = lease.until.is_some_and(|until| until <= now);
    match (lease.broken, over) {
        (true, true) => State::Broken,
        (true, false) => State::Breaking,
        (false, true) => State::Expired,
        (false, false) => State::Leased,
    }
}

/// Refuses a write without the lease's id.
pub(crate) fn check_write(
    lease: Option<&Lease>,
    given: Option<&str>,
    now: Moment,
) -> Result<(), Refusal> {
    match (lease.filter(|_| state(lease, now).locks()), given) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(Refusal::LeaseIdMissing),
        (Some(lease), Some(given)) if lease.id.eq_ignore_ascii_case(given) => Ok(()),
        (Some(_), Some(_)) => Err(Refusal::LeaseIdMismatch),
        (None, Some(_)) => Err(Refusal::LeaseNotPresentOnWrite),
    }
}

/// The lease as an action leaves it, and for a break the seconds that it still lasts.
pub(crate) fn act(
    lease: Option<Lease>,
    action: Action,
    now: Moment,
) -> Result<(Option<Lease>, u32), Refusal> {
    let state = state(lease.as_ref(), now);
    let held_by = |lease: &Option<Lease>, id: &str| {
        let lease = lease.as_ref().ok_or(Refusal::LeaseNotPresent)?;
        if lease.id.eq_ignore_ascii_case(id) {
            Ok(())
        } else {
            Err(Refusal::LeaseIdMismatchWithLeaseOperation)
        }
    };
    match action {
        Action::Acquire { id, duration } => {
            let same = held_by(&lease, &id).is_ok() && state == State::Leased;
            if state.locks() && !same {
                return Err(Refusal::LeaseAlreadyPresent);
            }
            Ok((Some(made(id, duration, now)?), 0))
        }
        Action::Renew { id } => {
            held_by(&lease, &id)?;
            let renewed = lease
                .filter(|lease| !lease.broken)
                .ok_or(Refusal::LeaseIdMismatchWithLeaseOperation)?;
            let until = end(renewed.duration, now);
            Ok((Some(Lease { until, ..renewed }), 0))
        }
        Action::Change { id, to } => {
            if state != State::Leased {
                return Err(Refusal::LeaseNotPresent);
            }
            if held_by(&lease, &id).is_err() && held_by(&lease, &to).is_err() {
                return Err(Refusal::LeaseIdMismatchWithLeaseOperation);
            }
            Ok((lease.map(|lease| Lease { id: to, ..lease }), 0))
        }
        Action::Release { id } => {
            held_by(&lease, &id)?;
            Ok((None, 0))
        }
        Action::Break { period } => {
            let lease = lease.ok_or(Refusal::LeaseNotPresent)?;
            let left = lease.until.map(|until| {
                u32::try_from((until.0 - now.0).max(0).div_euclid(1000)).unwrap_or(u32::MAX)
            });
            // A break never makes a lease longer; one without end ends at once unless a period is given.
            let left = match (period, left) {
                (Some(period), Some(left)) => period.min(left),
                (Some(only), None) | (None, Some(only)) => only,
                (None, None) => 0,
            };
            let broken = Lease {
                broken: true,
                until: Some(now.plus_millis(i64::from(left) * 1000)),
                ..lease
            };
            Ok((Some(broken), left))
        }
    }
}

fn made(id: Box<str>, duration: i32, now: Moment) -> Result<Lease, Refusal> {
    let duration = match duration {
        -1 => None,
        15..=60 => Some(duration.unsigned_abs()),
        _ => return Err(Refusal::InvalidHeaderValue),
    };
    Ok(Lease {
        id,
        duration,
        until: end(duration, now),
        broken: false,
    })
}

fn end(duration: Option<u32>, now: Moment) -> Option<Moment> {
    duration.map(|seconds| now.plus_millis(i64::from(seconds) * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acquire(id: &str, duration: i32) -> Action {
        Action::Acquire {
            id: id.into(),
            duration,
        }
    }

    #[test]
    fn a_lease_locks_until_it_ends() {
        let (lease, _) = act(None, acquire("a", 15), Moment(0)).unwrap();
        let write = |given, now| check_write(lease.as_ref(), given, Moment(now));
        assert_eq!(write(None, 0), Err(Refusal::LeaseIdMissing));
        assert_eq!(write(Some("b"), 0), Err(Refusal::LeaseIdMismatch));
        assert_eq!(write(Some("A"), 0), Ok(()));
        assert_eq!(write(None, 15_000), Ok(()));
        assert_eq!(
            act(lease.clone(), acquire("b", 15), Moment(1)),
            Err(Refusal::LeaseAlreadyPresent)
        );
        assert!(act(lease.clone(), acquire("b", 15), Moment(15_000)).is_ok());
        let (renewed, _) = act(lease, Action::Renew { id: "a".into() }, Moment(20_000)).unwrap();
        assert_eq!(state(renewed.as_ref(), Moment(34_000)), State::Leased);
    }

    #[test]
    fn a_break_ends_it_at_once_or_later() {
        let (endless, _) = act(None, acquire("a", -1), Moment(0)).unwrap();
        let (broken, left) =
            act(endless.clone(), Action::Break { period: None }, Moment(5)).unwrap();
        assert_eq!(
            (left, state(broken.as_ref(), Moment(5))),
            (0, State::Broken)
        );
        let (breaking, left) = act(endless, Action::Break { period: Some(9) }, Moment(0)).unwrap();
        assert_eq!(
            (left, state(breaking.as_ref(), Moment(5))),
            (9, State::Breaking)
        );
        assert_eq!(
            act(breaking, Action::Renew { id: "a".into() }, Moment(5)),
            Err(Refusal::LeaseIdMismatchWithLeaseOperation)
        );
    }

    #[test]
    fn a_lease_is_changed_and_released_by_its_holder() {
        let (lease, _) = act(None, acquire("a", -1), Moment(0)).unwrap();
        let (lease, _) = act(
            lease,
            Action::Change {
                id: "a".into(),
                to: "b".into(),
            },
            Moment(0),
        )
        .unwrap();
        let by = |id: &str| act(lease.clone(), Action::Release { id: id.into() }, Moment(0));
        assert_eq!(by("a"), Err(Refusal::LeaseIdMismatchWithLeaseOperation));
        assert_eq!(by("b"), Ok((None, 0)));
        assert!(act(None, acquire("a", 14), Moment(0)).is_err());
    }
}
