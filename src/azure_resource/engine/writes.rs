//! How a round writes: what goes ahead of a write, the write, and what came of it.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use tracing::info;

use super::round::{Round, Wanted};
use super::{Eyes, Kind};
use crate::azure::arm::client::{Place, spared};
use crate::azure::arm::{Call, Poll};
use crate::azure_resource::FINALIZER;
use crate::azure_resource::note::{self, Became, Outcome, Polled};
use crate::azure_resource::order::{Ahead, Gone, ahead};
use crate::azure_resource::planner::{Inputs, Keeps, Sees, Write};
use crate::azure_resource::sight::Sight;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

impl<K: Kind> Round<'_, K> {
    /// Makes a write, after all that goes ahead of it. Gives back what stands in the way.
    pub(super) async fn act(
        &mut self,
        eyes: &Eyes<'_, K>,
        wanted: &Wanted<K>,
        step: &K::Step,
        sight: &mut Sight<K>,
    ) -> Result<Option<Problem>, Problem> {
        let mut reserved = None;
        let mut gone = Gone {
            held: self.is_held(),
            ..Gone::default()
        };
        loop {
            match ahead(step, gone) {
                Ahead::Reserve => {
                    let inputs = self.inputs(wanted, sight.began);
                    let place = reserve(eyes, &inputs, step, &sight.seen).await;
                    match place {
                        Ok(place) => reserved = place,
                        Err(problem) => return Ok(Some(problem)),
                    }
                    gone.reserved = true;
                }
                Ahead::Hold => {
                    self.hold().await?;
                    gone.held = true;
                }
                Ahead::Confirm => {
                    self.is_still_so().await?;
                    gone.confirmed = true;
                }
                Ahead::Note => {
                    self.note(step).await?;
                    gone.noted = true;
                }
                Ahead::Send => break,
            }
        }
        let now = Timestamp::now();
        let noted = self.record.note().filter(|_| gone.noted);
        if let Some(noted) = noted.filter(|noted| !note::may_be_sent(noted, now)) {
            let message = format!(
                "{} was noted and not sent: this process stood still meanwhile. It is sent once that note can have no effect any more",
                noted.step
            );
            let problem = Problem::new(Reason::OperationUnderWay, Retry::Backoff, message);
            return Ok(Some(problem));
        }
        let inputs = self.inputs(wanted, now);
        let seen = &mut sight.seen;
        let (wrote, pause) = match reserved {
            Some((place, call)) => {
                let reply = eyes.call_in(Some(place), &call).await;
                let pause = reply.as_ref().ok().and_then(|reply| reply.retry_after);
                (K::answered(eyes, step, reply, seen), pause)
            }
            None => (K::write(eyes, &inputs, step, seen).await, None),
        };
        Ok(self.wrote(step, (wrote, pause), sight))
    }

    fn is_held(&self) -> bool {
        self.object.finalizers().iter().any(|one| one == FINALIZER)
    }

    /// Sets the finalizer, where it is not set yet. It fails where the object has changed.
    pub async fn hold(&mut self) -> Result<(), Problem> {
        if self.is_held() {
            return Ok(());
        }
        let mut finalizers = self.object.finalizers().to_vec();
        finalizers.push(FINALIZER.to_owned());
        self.object = self.ctx.set_finalizers(&self.object, &finalizers).await?;
        Ok(())
    }

    /// Notes a write.
    async fn note(&mut self, step: &K::Step) -> Result<(), Problem> {
        let word = step.noted().unwrap_or_default();
        let (generation, term) = (self.valid.generation, self.ctx.term());
        let begun = note::begun(word, generation, &term.epoch, Timestamp::now());
        self.record.notes(begun);
        K::begins(&mut self.record, step);
        self.note_down().await
    }

    /// Writes what is kept into the status at once. It fails where the object has changed.
    pub async fn note_down(&mut self) -> Result<(), Problem> {
        let mut updated = self.object.as_ref().clone();
        let status = updated.status_mut().get_or_insert_default();
        K::keep(status, &self.record);
        self.object = self.ctx.write_status(&updated).await?;
        Ok(())
    }

    /// Before something is destroyed the object is read from the API server itself: a cache may be behind.
    pub async fn is_still_so(&mut self) -> Result<(), Problem> {
        let live = self.ctx.live(&self.object).await?;
        let known = self.object.meta();
        let same = live.as_ref().map(K::meta).is_some_and(|live| {
            live.uid == known.uid
                && live.generation == known.generation
                && live.deletion_timestamp.is_some() == self.leaving.is_some()
        });
        if same {
            return Ok(());
        }
        let message = format!(
            "{} {} is not what it was when its {} was to be destroyed",
            K::kind(&()),
            self.valid.name,
            K::noun(self.valid)
        );
        Err(Problem::new(Reason::Conflict, Retry::Backoff, message))
    }

    /// What came of a write, and for how long Azure wants to be left alone after it; a problem ends the round.
    fn wrote(
        &mut self,
        step: &K::Step,
        (outcome, pause): (Result<Option<Poll>, Problem>, Option<Duration>),
        sight: &mut Sight<K>,
    ) -> Option<Problem> {
        let came_to = match &outcome {
            Ok(None) => Outcome::Done,
            Ok(Some(poll)) => Outcome::Accepted(poll.clone()),
            Err(problem) if was_not_sent(problem) => Outcome::Refused,
            Err(problem) => Outcome::of(problem),
        };
        if step.noted().is_some() {
            let noted = self.record.note().cloned();
            self.record.set_note(note::came_to(noted, &came_to));
            self.remember();
        }
        let Err(problem) = outcome else {
            let valid = self.valid;
            info!(kind = %K::kind(&()), name = %valid.name, namespace = %valid.namespace, %step, "Wrote");
            sight.did.push(step.to_string());
            // What goes on is asked for when Azure says; where it does not, at once, for whoever is quick.
            let goes_on = matches!(came_to, Outcome::Accepted(_));
            let pause = pause.filter(|_| goes_on);
            *sight.seen.operation() = pause.map(|pause| Polled::Running(Some(pause)));
            return None;
        };
        let unregistered = sight.seen.unregistered();
        if problem.reason == Reason::ProviderNotRegistered && !*unregistered {
            *unregistered = true;
            return None;
        }
        Some(problem)
    }

    /// The next write of the status may meet somebody else's: what the answer has told is not forgotten with it.
    fn remember(&self) {
        let status = self.object.status();
        let note = status.and_then(|status| K::resource(status).operation.clone());
        let became = note.map(|note| Became {
            note,
            operation: self.record.note().cloned(),
        });
        let mut memory = self.ctx.recall(&self.valid.uid);
        memory.became = became;
        self.ctx.remember(&self.valid.uid, memory);
    }
}

/// The call of a step that is noted before it is made, with a place for it.
async fn reserve<K: Kind>(
    eyes: &Eyes<'_, K>,
    inputs: &Inputs<'_, K>,
    step: &K::Step,
    seen: &K::Seen,
) -> Result<Option<(Place, Call)>, Problem> {
    match K::noted(eyes, inputs, step, seen) {
        Some(call) => Ok(Some((eyes.reserve(&call).await?, call))),
        None => Ok(None),
    }
}

/// Whether a write never left us: our own budget spared it, or there was no token for it.
fn was_not_sent(problem: &Problem) -> bool {
    let broken = matches!(
        problem.reason,
        Reason::ConnectionFailed | Reason::TimedOut | Reason::MalformedAnswer
    );
    spared(problem) || problem.http_status.is_none() && !broken
}
