//! Whether a vault may be asked right now. Pure: time is an argument.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::names::VaultUri;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// A vault that fails this often in a row is left alone for a while: waiting for it would hold up whoever else has work.
const BREAKS_AFTER: u32 = 3;
/// For how long it is left alone the first time; doubling up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The ceiling of the pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Pause after a 429 that does not say how long (Key Vault throttling guidance: start at 1 s and double).
const UNSAID: Duration = Duration::from_secs(1);

/// Whoever is refused while one request goes first comes back after this.
const AFTER_PROBE: Duration = Duration::from_secs(1);
/// After a pause one request goes first. One that has not come back within this does not hold the others up any longer.
const PROBE: Duration = Duration::from_secs(15);

/// The gate of one session.
#[derive(Debug, Default)]
pub struct Gate {
    closed: Option<(Timestamp, Problem)>,
    /// Until when the one request that goes first after a pause is waited for.
    probe: Option<Timestamp>,
    /// Failures of the vault as a whole, in a row.
    failures: u32,
    /// Answers 429 without a time, in a row.
    throttled: u32,
}

impl Gate {
    /// Why no request may go now, and until when, if so.
    pub fn shut(&self, now: Timestamp) -> Option<Problem> {
        let (until, problem) = self.closed.as_ref()?;
        let until = self.probe.map_or(*until, |probe| probe.max(*until));
        (until > now).then(|| {
            let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            let left = if self.probe.is_some() {
                left.min(AFTER_PROBE)
            } else {
                left
            };
            Problem {
                retry: Retry::After(left),
                ..problem.clone()
            }
        })
    }

    /// Lets a request through, or says why not. After a pause the first one goes alone; its outcome opens the gate or shuts
    /// it again, so that a vault still in trouble costs one request and not one of each that waits.
    pub fn admit(&mut self, now: Timestamp) -> Result<(), Problem> {
        if let Some(problem) = self.shut(now) {
            return Err(problem);
        }
        if self.closed.is_some() {
            self.probe = Some(now.checked_add(signed(PROBE)).unwrap_or(now));
        }
        Ok(())
    }

    /// Learns from the outcome of a request: what went wrong, if anything.
    pub fn saw(&mut self, problem: Option<&Problem>, now: Timestamp) {
        self.probe = None;
        match problem.map(|problem| (problem, kind(problem.reason))) {
            Some((problem, Kind::Throttled)) => {
                self.throttled += 1;
                let pause = match problem.retry {
                    Retry::After(asked) => asked,
                    Retry::Backoff | Retry::OnChange => doubled(UNSAID, self.throttled - 1),
                };
                self.close(now, pause, problem);
            }
            Some((problem, Kind::VaultFails)) => {
                self.failures += 1;
                if let Retry::After(asked) = problem.retry {
                    self.close(now, asked, problem);
                } else if self.failures >= BREAKS_AFTER {
                    self.close(
                        now,
                        doubled(FIRST_PAUSE, self.failures - BREAKS_AFTER),
                        problem,
                    );
                }
            }
            // The vault answered: about one object, or with success.
            Some((_, Kind::Answered)) | None => {
                self.failures = 0;
                self.throttled = 0;
                // A request that was under way when the gate was shut does not open it early.
                if self.closed.as_ref().is_some_and(|(until, _)| *until <= now) {
                    self.closed = None;
                }
            }
        }
    }

    /// Requests that were under way together fail together: the gate stays shut until the latest time that any of them gave.
    fn close(&mut self, now: Timestamp, pause: Duration, problem: &Problem) {
        let until = now.checked_add(signed(pause)).unwrap_or(now);
        if self
            .closed
            .as_ref()
            .is_none_or(|(already, _)| *already < until)
        {
            self.closed = Some((until, problem.clone()));
        }
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.min(8)).min(LONGEST_PAUSE)
}

enum Kind {
    Throttled,
    VaultFails,
    Answered,
}

fn kind(reason: Reason) -> Kind {
    let vault_fails = matches!(
        reason,
        Reason::TimedOut
            | Reason::ConnectionFailed
            | Reason::AzureUnavailable
            | Reason::HostNotFound
            | Reason::CertificateNotTrusted
    );
    if reason == Reason::Throttled {
        Kind::Throttled
    } else if vault_fails {
        Kind::VaultFails
    } else {
        Kind::Answered
    }
}

/// The session is being torn down.
pub(super) fn closed_for_good(vault: &VaultUri) -> Problem {
    Problem::new(
        Reason::ConnectionFailed,
        Retry::Backoff,
        format!("the session with {vault} has ended"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn problem(reason: Reason, retry: Retry) -> Problem {
        Problem::new(reason, retry, "x")
    }

    #[test]
    fn retry_after_shuts_the_gate_for_as_long_as_asked() {
        let mut gate = Gate::default();
        gate.saw(
            Some(&problem(
                Reason::Throttled,
                Retry::After(Duration::from_mins(1)),
            )),
            at(0),
        );
        let refused = gate.admit(at(20)).unwrap_err();
        assert_eq!(
            (refused.reason, refused.retry),
            (Reason::Throttled, Retry::After(Duration::from_secs(40)))
        );
        assert!(gate.admit(at(60)).is_ok());
    }

    #[test]
    fn a_shorter_time_does_not_open_the_gate_early() {
        let mut gate = Gate::default();
        gate.saw(
            Some(&problem(
                Reason::Throttled,
                Retry::After(Duration::from_mins(1)),
            )),
            at(0),
        );
        gate.saw(
            Some(&problem(
                Reason::Throttled,
                Retry::After(Duration::from_secs(5)),
            )),
            at(1),
        );
        gate.saw(None, at(2));
        assert!(gate.admit(at(59)).is_err());
    }

    #[test]
    fn throttling_without_a_time_backs_off_and_recovers() {
        let mut gate = Gate::default();
        let throttled = problem(Reason::Throttled, Retry::Backoff);
        gate.saw(Some(&throttled), at(0));
        assert!(gate.admit(at(0)).is_err() && gate.admit(at(1)).is_ok());
        gate.saw(Some(&throttled), at(1));
        assert!(gate.admit(at(2)).is_err() && gate.admit(at(3)).is_ok());
        gate.saw(None, at(3));
        gate.saw(Some(&throttled), at(10));
        assert!(
            gate.admit(at(11)).is_ok(),
            "success did not reset the pause"
        );
    }

    #[test]
    fn a_vault_that_hangs_is_left_alone_after_three_failures_and_tried_again() {
        let mut gate = Gate::default();
        let hangs = problem(Reason::TimedOut, Retry::Backoff);
        gate.saw(Some(&hangs), at(0));
        gate.saw(Some(&hangs), at(0));
        assert!(gate.admit(at(0)).is_ok());
        gate.saw(Some(&hangs), at(0));
        assert!(gate.admit(at(4)).is_err());
        assert!(gate.admit(at(5)).is_ok());
        gate.saw(Some(&hangs), at(15));
        assert!(
            gate.admit(at(24)).is_err() && gate.admit(at(25)).is_ok(),
            "the pause did not double"
        );
    }

    #[test]
    fn after_a_pause_one_request_goes_first() {
        let mut gate = Gate::default();
        let throttled = problem(Reason::Throttled, Retry::After(Duration::from_secs(10)));
        gate.saw(Some(&throttled), at(0));
        assert!(gate.admit(at(10)).is_ok());
        let refused = gate.admit(at(10)).unwrap_err();
        assert_eq!(refused.retry, Retry::After(Duration::from_secs(1)));
        gate.saw(None, at(11));
        assert!(
            gate.admit(at(11)).is_ok() && gate.admit(at(11)).is_ok(),
            "success did not open the gate"
        );
    }

    #[test]
    fn a_first_request_that_never_comes_back_holds_nobody_up_for_ever() {
        let mut gate = Gate::default();
        gate.saw(
            Some(&problem(
                Reason::Throttled,
                Retry::After(Duration::from_secs(10)),
            )),
            at(0),
        );
        assert!(gate.admit(at(10)).is_ok());
        assert!(gate.admit(at(24)).is_err());
        assert!(gate.admit(at(25)).is_ok());
    }

    #[test]
    fn trouble_with_one_object_does_not_shut_the_vault() {
        let mut gate = Gate::default();
        for _ in 0..10 {
            gate.saw(
                Some(&problem(Reason::SecretNotFound, Retry::Backoff)),
                at(0),
            );
            gate.saw(Some(&problem(Reason::Forbidden, Retry::Backoff)), at(0));
        }
        assert!(gate.admit(at(0)).is_ok());
    }
}
