//! What is noted of a write before it is sent, and what becomes of the note. Pure.
//!
//! A write that must not be repeated blindly is noted in the object's status before it is sent. So whoever comes after a crash,
//! or after an answer that was lost, knows that it may still take effect, and until when.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::step::{DELETE, PURGE};
use super::{Polled, Record, Seen};
use crate::azure::arm::Poll;
use crate::azure_resource::api::OperationStatus;
use crate::problem::Problem;
use crate::retry::after;

/// For how long a request may take effect after it was noted: the time until it is sent, the time that it is given, and as much
/// again for what lies between us and Azure.
pub const WINDOW: Duration = Duration::from_mins(1);

/// What a write came to, as far as its answer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// Azure has taken it on, and tells there how far it is.
    Accepted(Poll),
    /// It was not done, and will not be.
    Refused,
    /// Nobody knows: no answer, or one that does not say.
    Unknown,
}

impl Outcome {
    /// What a problem says of the write that met it. A 4xx is a definite no, apart from those that a gateway gives when it has
    /// waited in vain.
    pub fn of(problem: &Problem) -> Self {
        match problem.http_status {
            Some(408 | 499) | None => Self::Unknown,
            Some(400..=499) => Self::Refused,
            Some(_) => Self::Unknown,
        }
    }
}

/// The note of a write, by the word of [`super::Step::noted`].
pub fn begun(step: &str, generation: i64, epoch: &str, now: Timestamp) -> OperationStatus {
    OperationStatus {
        step: step.to_owned(),
        generation,
        epoch: epoch.to_owned(),
        since: Time(now),
        deadline: Time(after(now, WINDOW)),
        poll: None,
    }
}

/// What is kept with a note of a write that is about to be sent. Where an earlier request of the same kind may still take effect,
/// the note is as old as that one's.
#[must_use]
pub fn noted(record: &Record, note: OperationStatus) -> Record {
    let earlier = record.operation.as_ref();
    let earlier = earlier.filter(|earlier| {
        earlier.step == note.step && earlier.poll.is_none() && note.since.0 < earlier.deadline.0
    });
    let since = earlier.map_or(note.since.0, |earlier| earlier.since.0);
    let to_purge = match note.step.as_str() {
        DELETE => Some(note.since.0),
        PURGE => None,
        _ => record.to_purge,
    };
    Record {
        operation: Some(OperationStatus {
            since: Time(since),
            ..note
        }),
        to_purge,
        ..record.clone()
    }
}

/// Whether a note was made while an earlier request of the same kind might still take effect.
pub fn is_repeated(note: &OperationStatus) -> bool {
    note.deadline.0 > after(note.since.0, WINDOW)
}

/// What is kept after the answer to the write that was noted. The answer to a write that was repeated says nothing of the one
/// before it: that may come late and set back what is done meanwhile, so the note stays until its deadline.
#[must_use]
pub fn came_to(record: &Record, outcome: &Outcome) -> Record {
    let operation = record.operation.clone();
    Record {
        operation: match outcome {
            Outcome::Done | Outcome::Refused => operation.filter(is_repeated),
            Outcome::Accepted(poll) => operation.map(|noted| OperationStatus {
                poll: Some(poll.clone()),
                ..noted
            }),
            Outcome::Unknown => operation,
        },
        ..record.clone()
    }
}

/// What is kept after a look at the operation under way. One that has ended is nobody's concern any more: the vault tells what
/// came of it. One that has failed is told in this round, and forgotten with [`over`], so that it can be tried again.
#[must_use]
pub fn polled(record: &Record, polled: &Polled) -> Record {
    let operation = record.operation.clone();
    Record {
        operation: match polled {
            Polled::Running(_) | Polled::Failed(_) => operation,
            Polled::Ended => operation.filter(is_repeated).map(|noted| OperationStatus {
                poll: None,
                ..noted
            }),
        },
        ..record.clone()
    }
}

/// When the request of a note can have no effect any more; none where nothing is noted, or Azure tells how far it is.
pub fn lapses(record: &Record) -> Option<Timestamp> {
    let noted = record.operation.as_ref()?;
    noted.poll.is_none().then_some(noted.deadline.0)
}

/// What became of a note, where the status that would tell of it could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Became {
    /// The note, as it stands in the status.
    pub note: OperationStatus,
    /// What it is now.
    pub operation: Option<OperationStatus>,
}

/// What is kept, where this process knows better than the status what became of a note: somebody changed the object while the
/// request was under way, and the answer could not be written down.
#[must_use]
pub fn recalled(record: Record, became: Option<&Became>) -> Record {
    let newer = became.filter(|became| record.operation.as_ref() == Some(&became.note));
    match newer {
        Some(became) => Record {
            operation: became.operation.clone(),
            ..record
        },
        None => record,
    }
}

/// What is kept at the end of a round: a note goes where its operation has failed, and where its request can have no effect any
/// more and a look later than that has shown what there is.
#[must_use]
pub fn over(record: &Record, seen: &Seen, now: Timestamp) -> Record {
    let failed = matches!(seen.operation, Some(Polled::Failed(_)));
    let lapsed = |noted: &OperationStatus| {
        noted.poll.is_none() && seen.vault.is_some() && noted.deadline.0 <= now
    };
    Record {
        operation: record
            .operation
            .clone()
            .filter(|noted| !failed && !lapsed(noted)),
        ..record.clone()
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
