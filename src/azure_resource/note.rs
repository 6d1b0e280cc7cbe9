//! What is noted of a write before it is sent, and what becomes of the note. Pure.
//!
//! A write that must not be repeated blindly is noted in the object's status before it is sent. So whoever comes after a crash,
//! or after an answer that was lost, knows that it may still take effect, and until when.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::planner::{Next, Write};
use crate::azure::arm::Poll;
pub use crate::azure_resource::api::OperationStatus as Note;
use crate::lease::decide::Term;
use crate::problem::{Problem, Reason};
use crate::retry::{Retry, after};

/// For how long a request may take effect after it was noted: the time until it is sent, the time that it is given, and as much
/// again for what lies between us and Azure.
pub const WINDOW: Duration = Duration::from_mins(1);
/// Pause between two looks at something that goes on in Azure, where it does not say one.
pub const GOING_ON: Duration = Duration::from_secs(5);

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

/// How an operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// It goes on; how long to wait, where Azure says so.
    Running(Option<Duration>),
    /// It has ended, or nobody knows of it any more: the resource tells what came of it.
    Ended,
    /// It has failed.
    Failed(Problem),
}

/// A note as the present writer reckons with it. The deadline of one that another process has made is by the clock of that
/// process's machine, which may go wrong. But nothing of an earlier term was sent after this one began, so what was sent can take
/// effect for as long as a window from there, by our own clock. Where Azure tells how far it is, nothing is waited for.
#[must_use]
pub fn inherited(note: Option<Note>, term: &Term) -> Option<Note> {
    let Some(began) = term.began else {
        return note;
    };
    note.map(|note| {
        if note.epoch == term.epoch || note.poll.is_some() {
            return note;
        }
        Note {
            deadline: Time(after(began, WINDOW)),
            ..note
        }
    })
}

/// The note of a write, by the word of [`Write::noted`].
pub fn begun(step: &str, generation: i64, epoch: &str, now: Timestamp) -> Note {
    Note {
        step: step.to_owned(),
        generation,
        epoch: epoch.to_owned(),
        since: Time(now),
        deadline: Time(after(now, WINDOW)),
        poll: None,
    }
}

/// The note of a write that is about to be sent, as it is kept. Where an earlier request of the same kind may still take effect,
/// it is as old as that one's.
#[must_use]
pub fn noted(earlier: Option<&Note>, note: Note) -> Note {
    let earlier = earlier.filter(|earlier| {
        earlier.step == note.step && earlier.poll.is_none() && note.since.0 < earlier.deadline.0
    });
    let since = earlier.map_or(note.since.0, |earlier| earlier.since.0);
    Note {
        since: Time(since),
        ..note
    }
}

/// Whether a note was made while an earlier request of the same kind might still take effect.
pub fn is_repeated(note: &Note) -> bool {
    note.deadline.0 > after(note.since.0, WINDOW)
}

/// What is left of a note after the answer to its write. The answer to a write that was repeated says nothing of the one before
/// it: that may come late and set back what is done meanwhile, so the note stays until its deadline.
#[must_use]
pub fn came_to(note: Option<Note>, outcome: &Outcome) -> Option<Note> {
    match outcome {
        Outcome::Done | Outcome::Refused => note.filter(is_repeated),
        Outcome::Accepted(poll) => note.map(|noted| Note {
            poll: Some(poll.clone()),
            ..noted
        }),
        Outcome::Unknown => note,
    }
}

/// What is left of a note after a look at the operation under way. One that has ended is nobody's concern any more: the resource
/// tells what came of it. One that has failed is told in this round, and forgotten with [`over`], so that it can be tried again.
#[must_use]
pub fn polled(note: Option<Note>, polled: &Polled) -> Option<Note> {
    match polled {
        Polled::Running(_) | Polled::Failed(_) => note,
        Polled::Ended => note.filter(is_repeated).map(|noted| Note {
            poll: None,
            ..noted
        }),
    }
}

/// Whether a request may be sent still that was noted a while ago. One that is sent late could take effect after its deadline, when
/// nobody reckons with it any more: whoever was held up, or stopped, between the note and the request leaves it.
pub fn may_be_sent(note: &Note, now: Timestamp) -> bool {
    after(now, WINDOW / 2) <= note.deadline.0
}

/// When the request of a note can have no effect any more; none where nothing is noted, or Azure tells how far it is.
pub fn lapses(note: Option<&Note>) -> Option<Timestamp> {
    let noted = note?;
    noted.poll.is_none().then_some(noted.deadline.0)
}

/// What became of a note, where the status that would tell of it could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Became {
    /// The note, as it stands in the status.
    pub note: Note,
    /// What it is now.
    pub operation: Option<Note>,
}

/// What a note of a status is, where this process knows better what became of it: somebody changed the object while the request
/// was under way, and the answer could not be written down.
#[must_use]
pub fn recalled(note: Option<Note>, became: Option<&Became>) -> Option<Note> {
    match became.filter(|became| note.as_ref() == Some(&became.note)) {
        Some(newer) => newer.operation.clone(),
        None => note,
    }
}

/// What is left of a note at the end of a round: it goes where its operation has failed, and where its request can have no effect
/// any more and a look later than that has shown what there is.
#[must_use]
pub fn over(
    note: Option<&Note>,
    stands: Option<&Polled>,
    looked: bool,
    now: Timestamp,
) -> Option<Note> {
    let failed = matches!(stands, Some(Polled::Failed(_)));
    let lapsed = |noted: &Note| noted.poll.is_none() && looked && noted.deadline.0 <= now;
    note.filter(|noted| !failed && !lapsed(noted)).cloned()
}

/// What comes before everything else while an operation is under way; none where there is none, or it has ended.
pub fn first<L, S>(note: Option<&Note>, stands: Option<&Polled>) -> Option<Next<L, S>> {
    let noted = note.filter(|noted| noted.poll.is_some())?;
    match stands {
        None => Some(Next::Poll),
        Some(Polled::Running(pause)) => Some(Next::Wait(under_way(noted, *pause))),
        Some(Polled::Failed(problem)) => Some(Next::Wait(problem.clone())),
        Some(Polled::Ended) => None,
    }
}

/// A write, unless an earlier one of unknown outcome might still come in between.
pub fn act<L, S: Write>(
    note: Option<&Note>,
    step: S,
    generation: i64,
    now: Timestamp,
) -> Result<Next<L, S>, Problem> {
    let open = note.filter(|open| open.poll.is_none() && now < open.deadline.0);
    match open {
        Some(open) if !repeats(open, &step, generation) => Err(in_between(open, now)),
        _ => Ok(Next::Do(step)),
    }
}

/// Whether a step is the very one whose outcome is not known, and harms nobody if it is done twice.
fn repeats(open: &Note, step: &impl Write, generation: i64) -> bool {
    let same = step.noted() == Some(open.step.as_str());
    same && open.generation == generation && !step.destroys()
}

fn under_way(noted: &Note, pause: Option<Duration>) -> Problem {
    let message = format!("{} is under way in Azure", noted.step);
    let pause = Retry::After(pause.unwrap_or(GOING_ON));
    Problem::new(Reason::OperationUnderWay, pause, message)
}

fn in_between(open: &Note, now: Timestamp) -> Problem {
    let pause = Duration::try_from(open.deadline.0.duration_since(now)).unwrap_or_default();
    let message = format!(
        "{} was sent and its outcome is not known: nothing else is written while it may still take effect",
        open.step
    );
    Problem::new(Reason::OperationUnderWay, Retry::After(pause), message)
}

#[cfg(test)]
#[path = "note_tests.rs"]
mod tests;
