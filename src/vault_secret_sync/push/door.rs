//! The way to one vault for one identity: bounded, and shut while the vault is left alone.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::azure::http::{Answer, Request};
use crate::hub::gate::{self, Gate};
use crate::hub::reader::Reader;
use crate::problem::Problem;
use crate::secret::SecretValue;

/// Requests under way at once between one identity and one vault. Azure lets a vault make 300 versions in 10 s.
const AT_ONCE: usize = 8;

/// The way to one vault for one identity.
pub(super) struct Door {
    reader: Reader,
    gate: Mutex<Gate>,
    permits: Semaphore,
}

impl Door {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            reader,
            gate: Mutex::default(),
            permits: Semaphore::new(AT_ONCE),
        }
    }

    fn gate<T>(&self, act: impl FnOnce(&mut Gate) -> T) -> T {
        act(&mut self.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A request, where the vault may be asked at all.
    pub(super) async fn ask<T>(
        &self,
        operation: &'static str,
        request: impl Fn(&SecretValue) -> Result<Request, Problem>,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let _permit = self.permits.acquire().await;
        let now = Timestamp::now();
        if let gate::Door::Shut(_, problem) = self.gate(|gate| gate.door(now)) {
            return Err(problem);
        }
        self.gate(|gate| gate.passed(now));
        let outcome = self.reader.ask(operation, request, read).await;
        self.gate(|gate| gate.saw(outcome.as_ref().err(), Timestamp::now()));
        outcome
    }
}
