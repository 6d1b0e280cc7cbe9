//! Whether the operator is ready: everything that it must have seen once, by name.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// What is still waited for. Ready when there is nothing.
#[derive(Debug, Default)]
pub struct Readiness {
    waiting: Mutex<BTreeSet<String>>,
    progress: Notify,
}

impl Readiness {
    /// Adds something to wait for.
    pub fn wait_for(&self, what: impl Into<String>) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(what.into());
    }

    /// It is there.
    pub fn done(&self, what: &str) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(what);
        self.progress.notify_waiters();
    }

    /// What is missing.
    pub fn missing(&self) -> Vec<String> {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    /// Waits until nothing is missing.
    pub async fn all_done(&self) {
        loop {
            let progress = self.progress.notified();
            if self.missing().is_empty() {
                return;
            }
            progress.await;
        }
    }
}
