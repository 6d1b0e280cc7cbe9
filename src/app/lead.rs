//! From standing by to leading, and to the end of it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::lease::decide::{Loss, TIMING};
use crate::lease::fence::Fence;
use crate::lease::keeper::{Keeper, Standing};
use crate::telemetry::metrics::Metrics;

/// When this process is told to end, what it is at gets so long to end before the lease is given back. Others are to follow within
/// two seconds of the signal.
const FAREWELL: Duration = Duration::from_secs(1);
/// What was cut off is gone when its task has had a turn.
const CALM: Duration = Duration::from_millis(200);

/// The right to write, or the way to it.
pub(super) struct Leadership {
    fence: Fence,
    metrics: Metrics,
    keeper: Option<Keeper>,
    term: Option<Term>,
}

/// A lease that is being kept.
struct Term {
    standing: watch::Receiver<Standing>,
    leave: CancellationToken,
    task: JoinHandle<()>,
}

impl Leadership {
    /// Without a keeper, whoever asks leads.
    pub(super) fn new(keeper: Option<Keeper>, fence: Fence, metrics: Metrics) -> Self {
        Self {
            fence,
            metrics,
            keeper,
            term: None,
        }
    }

    /// Waits until this process leads. None where it is told to stop before.
    pub(super) async fn begin(mut self, stop: &CancellationToken) -> Option<Self> {
        let Some(keeper) = self.keeper.take() else {
            self.metrics.leads(true);
            return Some(self);
        };
        let mut standing = keeper.standing();
        let leave = CancellationToken::new();
        let task = tokio::spawn(keeper.run(leave.clone()));
        tokio::select! {
            led = standing.wait_for(|standing| *standing != Standing::StandsBy) => drop(led.ok()?),
            () = stop.cancelled() => {
                // It may be just being taken: then it is given back.
                self.fence.fall();
                leave.cancel();
                drop(tokio::time::timeout(TIMING.call, task).await);
                return None;
            }
        }
        self.term = Some(Term {
            standing,
            leave,
            task,
        });
        Some(self)
    }

    /// Works until it is told to stop, or the lease is lost, which is an error: what this process knows may be wrong then, so a new
    /// one begins in its place.
    pub(super) async fn lead(
        self,
        work: impl Future<Output = ()>,
        stop: &CancellationToken,
    ) -> Result<(), String> {
        let Some(mut term) = self.term else {
            work.await;
            return Ok(());
        };
        let farewell = async {
            stop.cancelled().await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            () = work => {}
            () = farewell => {}
            loss = term.lost() => return Err(told(loss)),
        }
        // Others may begin as soon as the lease is given back, so nothing of ours may be sent by then.
        self.fence.fall();
        drop(tokio::time::timeout(CALM, self.fence.calm()).await);
        term.leave.cancel();
        drop(tokio::time::timeout(TIMING.call, term.task).await);
        Ok(())
    }
}

impl Term {
    async fn lost(&mut self) -> Loss {
        let is_over = |standing: &Standing| matches!(standing, Standing::Lost(_));
        match self.standing.wait_for(is_over).await.as_deref() {
            Ok(Standing::Lost(loss)) => *loss,
            // A keeper that is gone renews no more.
            _ => Loss::NotRenewed,
        }
    }
}

fn told(loss: Loss) -> String {
    let why = match loss {
        Loss::NotRenewed => "it could not be renewed in time",
        Loss::Deposed => "another process has it, or it was deleted",
    };
    format!("lost the lease: {why}. This process ends, so that a new one stands by")
}
