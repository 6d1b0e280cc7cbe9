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

/// The gate of one session.
#[derive(Debug, Default)]
pub struct Gate {
    closed: Option<(Timestamp, Problem)>,
    /// Failures of the vault as a whole, in a row.
    failures: u32,
    /// Answers 429 without a time, in a row.
    throttled: u32,
}

impl Gate {
    /// Lets a request through, or says why not and until when.
    pub fn admit(&mut self, now: Timestamp) -> Result<(), Problem> {
        match &self.closed {
            Some((until, problem)) if *until > now => {
                let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                Err(Problem {
                    retry: Retry::After(left),
                    ..problem.clone()
                })
            }
            _ => {
                self.closed = None;
                Ok(())
            }
        }
    }

    /// Learns from the outcome of a request: what went wrong, if anything.
    pub fn saw(&mut self, problem: Option<&Problem>, now: Timestamp) {
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
            }
        }
    }

    /// Requests that were under way together fail together: the gate stays shut until the latest time that any of them gave.
    fn close(&mut self, now: Timestamp, pause: Duration, problem: &Problem) {
        let until = now
            .checked_add(SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX))
            .unwrap_or(now);
        if self
            .closed
            .as_ref()
            .is_none_or(|(already, _)| *already < until)
        {
            self.closed = Some((until, problem.clone()));
        }
    }
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
