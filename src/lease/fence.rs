//! What every effect passes at the moment it is sent, beneath whatever repeats it.
//!
//! The lease's time is asked for by the clock before each step of a request, not by a flag that somebody sets: a process that was
//! stopped and goes on has lost its lease before it notices anything else.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::decide::{Hold, Moment, TIMING, Term, Timing};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Pause of whoever was refused. Mostly this process ends before it is over.
const SOON: Duration = Duration::from_secs(1);

/// The clocks of this process.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    wall: SystemTime,
}

impl Clock {
    /// Clocks that begin now.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// What they show.
    pub fn now(&self) -> Moment {
        let wall = SystemTime::now().duration_since(self.wall);
        Moment {
            steady: self.start.elapsed(),
            wall: wall.unwrap_or_default(),
        }
    }
}

/// Why a request was not carried to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was not begun: nothing was sent.
    #[error("this process does not lead: nothing was sent")]
    NotLeading,
    /// The lease ended while it was under way: it may have been done.
    #[error("the lease ended while the request was under way")]
    CutOff,
}

#[derive(Debug, Clone)]
enum Stand {
    /// It does not lead, or not yet.
    Below,
    /// It leads.
    Leads(Hold, Term),
    /// It leads no more.
    Fallen,
}

/// The fence. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Fence(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    timing: Timing,
    stand: watch::Sender<Stand>,
    under_way: AtomicUsize,
    calm: Notify,
}

/// One request that is under way.
struct UnderWay<'a>(&'a Inner);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
        self.0.calm.notify_waiters();
    }
}

impl Fence {
    /// None: for a process that has no others beside it.
    pub fn none() -> Self {
        Self(None)
    }

    /// One that nothing passes before somebody leads.
    pub fn shut() -> Self {
        Self::with(TIMING)
    }

    fn with(timing: Timing) -> Self {
        Self(Some(Arc::new(Inner {
            clock: Clock::start(),
            timing,
            stand: watch::Sender::new(Stand::Below),
            under_way: AtomicUsize::new(0),
            calm: Notify::new(),
        })))
    }

    /// The clocks that its times are by.
    pub fn clock(&self) -> Clock {
        let clock = self.0.as_ref().map(|inner| inner.clock);
        clock.unwrap_or_else(Clock::start)
    }

    /// This process leads, or leads on, by a request that was sent then. Who has fallen stays fallen.
    pub fn raise(&self, hold: Hold, epoch: &str) {
        let Some(inner) = &self.0 else { return };
        inner.stand.send_modify(|stand| {
            *stand = match stand {
                Stand::Fallen => Stand::Fallen,
                Stand::Leads(_, term) => Stand::Leads(hold, term.clone()),
                Stand::Below => {
                    let (epoch, began) = (epoch.to_owned(), Some(Timestamp::now()));
                    Stand::Leads(hold, Term { epoch, began })
                }
            };
        });
    }

    /// It leads no more, for good: what is under way is cut off, and nothing is begun.
    pub fn fall(&self) {
        if let Some(inner) = &self.0 {
            inner.stand.send_replace(Stand::Fallen);
        }
    }

    /// Waits until nothing is under way.
    pub async fn calm(&self) {
        let Some(inner) = &self.0 else { return };
        loop {
            let calmer = inner.calm.notified();
            if inner.under_way.load(Ordering::Acquire) == 0 {
                return;
            }
            calmer.await;
        }
    }

    /// The time of leading; none where there is no fence, or it does not lead.
    pub fn term(&self) -> Option<Term> {
        match &*self.0.as_ref()?.stand.borrow() {
            Stand::Leads(_, term) => Some(term.clone()),
            Stand::Below | Stand::Fallen => None,
        }
    }

    /// Carries an effect to its end, or to that of the lease. Who leads, but has too little left, waits for the next renewal.
    pub async fn carry<T>(&self, send: impl Future<Output = T>) -> Result<T, Refused> {
        let Some(inner) = &self.0 else {
            return Ok(send.await);
        };
        let mut stand = inner.stand.subscribe();
        inner.admit(&mut stand).await?;
        inner.under_way.fetch_add(1, Ordering::AcqRel);
        let _counted = UnderWay(inner);
        let mut send = pin!(send);
        loop {
            let left = inner.left().ok_or(Refused::CutOff)?;
            let step = poll_fn(|context| match inner.left() {
                None => Poll::Ready(None),
                Some(_) => send.as_mut().poll(context).map(Some),
            });
            tokio::select! {
                biased;
                _ = stand.changed() => {}
                () = tokio::time::sleep(left) => {}
                done = step => return done.ok_or(Refused::CutOff),
            }
        }
    }
}

impl Inner {
    /// For how long what is under way may go on.
    fn left(&self) -> Option<Duration> {
        match &*self.stand.borrow() {
            Stand::Leads(hold, _) => hold.left(self.clock.now(), &self.timing),
            Stand::Below | Stand::Fallen => None,
        }
    }

    /// Waits until something may be begun.
    async fn admit(&self, stand: &mut watch::Receiver<Stand>) -> Result<(), Refused> {
        loop {
            let (may, left) = match &*stand.borrow_and_update() {
                Stand::Below | Stand::Fallen => return Err(Refused::NotLeading),
                Stand::Leads(hold, _) => {
                    let now = self.clock.now();
                    (
                        hold.may_begin(now, &self.timing),
                        hold.left(now, &self.timing),
                    )
                }
            };
            if may {
                return Ok(());
            }
            let left = left.ok_or(Refused::NotLeading)?;
            tokio::select! {
                changed = stand.changed() => changed.map_err(|_| Refused::NotLeading)?,
                () = tokio::time::sleep(left) => {}
            }
        }
    }
}

/// What is told of an effect that was not begun.
pub fn not_leading(what: &str) -> Problem {
    let message = format!("{what} waits: this replica does not lead, and writes nothing");
    Problem::new(Reason::NotLeading, Retry::After(SOON), message)
}

#[cfg(test)]
#[path = "fence_tests.rs"]
mod tests;
