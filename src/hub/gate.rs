//! Whether a vault may be asked right now. Pure: time is an argument.

use std::time::Duration;

use jiff::Timestamp;

use crate::problem::{Problem, Reason};
use crate::retry::{Retry, after};

/// A vault that fails this often in a row is left alone for a while: waiting for it would hold up whoever else has work.
const BREAKS_AFTER: u32 = 3;
/// For how long it is left alone the first time; doubling up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The ceiling of the pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Pause after a 429 that does not say how long (Key Vault throttling guidance: start at 1 s and double).
const UNSAID: Duration = Duration::from_secs(1);

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
    /// Seconds that it was to be left alone because it throttled, the present ones to their end.
    seconds: f64,
}

/// Whether requests may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// They may.
    Open,
    /// One has gone ahead; the others wait for what comes of it, at most until this time.
    Probed(Timestamp),
    /// None may before this time, and why.
    Shut(Timestamp, Problem),
}

impl Gate {
    /// Whether a request may go now.
    pub fn door(&self, now: Timestamp) -> Door {
        let Some((until, problem)) = &self.closed else {
            return Door::Open;
        };
        if *until > now {
            let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            let problem = Problem {
                retry: Retry::After(left),
                ..problem.clone()
            };
            return Door::Shut(*until, problem);
        }
        match self.probe {
            Some(probe) if probe > now => Door::Probed(probe),
            _ => Door::Open,
        }
    }

    /// Whether no request may go now.
    pub fn is_shut(&self, now: Timestamp) -> bool {
        let closed = self.closed.as_ref();
        closed.is_some_and(|(until, _)| *until > now)
    }

    /// A request goes. After a pause the first one goes alone; its outcome opens the gate or shuts it again, so that a vault
    /// still in trouble costs one request and not one of each that waits.
    pub fn passed(&mut self, now: Timestamp) {
        if self.closed.is_some() {
            self.probe = Some(after(now, PROBE));
        }
    }

    /// Learns from the outcome of a request: what went wrong, if anything.
    pub fn saw(&mut self, problem: Option<&Problem>, now: Timestamp) {
        self.probe = None;
        match problem.map(|problem| (problem, kind(problem.reason))) {
            Some((problem, Kind::Throttled)) => {
                // What was under way when the gate was shut tells the same once more.
                if !self.is_shut(now) {
                    self.throttled += 1;
                }
                let pause = match problem.retry {
                    Retry::After(asked) => asked,
                    Retry::Backoff | Retry::OnChange => {
                        doubled(UNSAID, self.throttled.saturating_sub(1))
                    }
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

    /// Another credential is used from now on. What the vault's limits said holds for whoever asks; what else was wrong may
    /// have been the old one's.
    pub fn pardon(&mut self) {
        self.probe = None;
        self.failures = 0;
        self.closed
            .take_if(|(_, problem)| problem.reason != Reason::Throttled);
    }

    /// For how many seconds it was left alone because it throttled, until now.
    pub fn throttled_seconds(&self, now: Timestamp) -> f64 {
        let ahead = self
            .closed
            .as_ref()
            .filter(|(_, problem)| problem.reason == Reason::Throttled)
            .map_or(0.0, |(until, _)| until.duration_since(now).as_secs_f64());
        self.seconds - ahead.max(0.0)
    }

    /// Requests that were under way together fail together: the gate stays shut until the latest time that any of them gave.
    fn close(&mut self, now: Timestamp, pause: Duration, problem: &Problem) {
        let until = after(now, pause);
        if self
            .closed
            .as_ref()
            .is_none_or(|(already, _)| *already < until)
        {
            if problem.reason == Reason::Throttled {
                let from = self
                    .closed
                    .as_ref()
                    .map_or(now, |(before, _)| now.max(*before));
                self.seconds += until.duration_since(from).as_secs_f64();
            }
            self.closed = Some((until, problem.clone()));
        }
    }
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.min(8)).min(LONGEST_PAUSE)
}

/// What a problem says of the vault as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Throttled,
    VaultFails,
    Answered,
}

pub(super) fn kind(reason: Reason) -> Kind {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn problem(reason: Reason, retry: Retry) -> Problem {
        Problem::new(reason, retry, "x")
    }

    /// Lets a request through if the door is open.
    fn admit(gate: &mut Gate, now: Timestamp) -> Result<(), Door> {
        match gate.door(now) {
            Door::Open => {
                gate.passed(now);
                Ok(())
            }
            closed @ (Door::Probed(_) | Door::Shut(..)) => Err(closed),
        }
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
        let shut = problem(Reason::Throttled, Retry::After(Duration::from_secs(40)));
        assert_eq!(admit(&mut gate, at(20)), Err(Door::Shut(at(60), shut)));
        assert!(admit(&mut gate, at(60)).is_ok());
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
        assert!(admit(&mut gate, at(59)).is_err());
    }

    #[test]
    fn throttling_without_a_time_backs_off_and_recovers() {
        let mut gate = Gate::default();
        let throttled = problem(Reason::Throttled, Retry::Backoff);
        gate.saw(Some(&throttled), at(0));
        assert!(admit(&mut gate, at(0)).is_err() && admit(&mut gate, at(1)).is_ok());
        gate.saw(Some(&throttled), at(1));
        assert!(admit(&mut gate, at(2)).is_err() && admit(&mut gate, at(3)).is_ok());
        gate.saw(None, at(3));
        gate.saw(Some(&throttled), at(10));
        assert!(
            admit(&mut gate, at(11)).is_ok(),
            "success did not reset the pause"
        );
    }

    #[test]
    fn a_vault_that_hangs_is_left_alone_after_three_failures_and_tried_again() {
        let mut gate = Gate::default();
        let hangs = problem(Reason::TimedOut, Retry::Backoff);
        gate.saw(Some(&hangs), at(0));
        gate.saw(Some(&hangs), at(0));
        assert!(admit(&mut gate, at(0)).is_ok());
        gate.saw(Some(&hangs), at(0));
        assert!(admit(&mut gate, at(4)).is_err());
        assert!(admit(&mut gate, at(5)).is_ok());
        gate.saw(Some(&hangs), at(15));
        assert!(
            admit(&mut gate, at(24)).is_err() && admit(&mut gate, at(25)).is_ok(),
            "the pause did not double"
        );
    }

    #[test]
    fn after_a_pause_one_request_goes_first() {
        let mut gate = Gate::default();
        let throttled = problem(Reason::Throttled, Retry::After(Duration::from_secs(10)));
        gate.saw(Some(&throttled), at(0));
        assert!(admit(&mut gate, at(10)).is_ok());
        assert_eq!(admit(&mut gate, at(10)), Err(Door::Probed(at(25))));
        gate.saw(None, at(11));
        assert!(
            admit(&mut gate, at(11)).is_ok() && admit(&mut gate, at(11)).is_ok(),
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
        assert!(admit(&mut gate, at(10)).is_ok());
        assert!(admit(&mut gate, at(24)).is_err());
        assert!(admit(&mut gate, at(25)).is_ok());
    }

    #[test]
    fn seconds_of_throttling_are_counted_once_and_as_they_pass() {
        let mut gate = Gate::default();
        let throttled = |seconds| {
            problem(
                Reason::Throttled,
                Retry::After(Duration::from_secs(seconds)),
            )
        };
        gate.saw(Some(&throttled(60)), at(0));
        gate.saw(Some(&throttled(60)), at(10));
        let seconds: Vec<i64> = [0, 30, 70, 100]
            .map(|now| {
                #[expect(clippy::cast_possible_truncation, reason = "they are whole")]
                let seconds = gate.throttled_seconds(at(now)) as i64;
                seconds
            })
            .to_vec();
        assert_eq!(seconds, [0, 30, 70, 70]);
    }

    #[test]
    fn another_credential_is_no_way_around_a_limit() {
        let mut gate = Gate::default();
        let minute = Retry::After(Duration::from_mins(1));
        gate.saw(Some(&problem(Reason::AzureUnavailable, minute)), at(0));
        gate.pardon();
        assert_eq!(gate.door(at(1)), Door::Open);
        gate.saw(Some(&problem(Reason::Throttled, minute)), at(1));
        gate.pardon();
        assert!(admit(&mut gate, at(60)).is_err() && admit(&mut gate, at(61)).is_ok());
    }

    #[test]
    fn calls_that_are_refused_together_are_one_refusal() {
        let mut gate = Gate::default();
        let refused = problem(Reason::Throttled, Retry::Backoff);
        for _ in 0..8 {
            gate.saw(Some(&refused), at(0));
        }
        assert!(matches!(gate.door(at(0)), Door::Shut(until, _) if until == at(1)));
        gate.saw(Some(&refused), at(2));
        assert!(matches!(gate.door(at(2)), Door::Shut(until, _) if until == at(4)));
    }

    #[test]
    fn trouble_with_one_object_does_not_shut_the_vault() {
        let mut gate = Gate::default();
        for _ in 0..10 {
            gate.saw(
                Some(&problem(Reason::ObjectNotFound, Retry::Backoff)),
                at(0),
            );
            gate.saw(Some(&problem(Reason::Forbidden, Retry::Backoff)), at(0));
        }
        assert!(admit(&mut gate, at(0)).is_ok());
    }
}
