//! One request while it is being answered, and what the journal gets of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::Method;

use super::{
    call::{Route, Target},
    exchange::Peer,
    holds::{Held, Release, Stage},
    journal::{Entry, Principal},
};
use crate::app::App;

/// What a target takes at least.
fn own_latency(target: &Target, app: &App) -> Duration {
    let world = app.world.read();
    let millis = match target {
        Target::Login | Target::Adfs(_) | Target::MlServer(_) | Target::Machine(_) => {
            world.settings.token_latency_ms
        }
        Target::Vault(_) => world.settings.vault_latency_ms,
        Target::Storage(..) | Target::LakeStore(_) => world.settings.storage_latency_ms,
        Target::Management | Target::StackManagement(_) => world.manager.latency_ms,
        Target::Unknown => 0,
    };
    Duration::from_millis(millis)
}

/// What the journal gets of a request.
pub(super) struct Record {
    pub(super) app: Arc<App>,
    pub(super) peer: Arc<Peer>,
    pub(super) started: Instant,
    pub(super) target: Target,
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) route: Route,
    pub(super) user_agent: Option<Arc<str>>,
}

impl Record {
    /// Waits for the target's own latency and more.
    pub(super) async fn wait(&self, more: Duration) {
        let latency = more + own_latency(&self.target, &self.app);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }

    /// Holds the request; whether it is to be cut then.
    pub(super) async fn held(&self, fault: u64, stage: Stage) -> bool {
        let released = self.app.holds.hold(Held {
            id: 0,
            fault,
            stage,
            host: self.route.host.clone(),
            operation: self.operation,
            method: self.method.to_string(),
            path: self.route.path.clone(),
        });
        tokio::select! {
            how = released => how != Ok(Release::GoOn),
            () = self.app.stop.cancelled() => true,
        }
    }

    pub(super) fn write(&self, status: u16, principal: Option<Arc<Principal>>) {
        self.note(status, None, principal);
    }

    /// Of a request that was done, and whose answer got lost.
    pub(super) fn write_lost(&self, status: u16, principal: Option<Arc<Principal>>) {
        self.note(0, Some(status), principal);
    }

    fn note(&self, status: u16, lost_status: Option<u16>, principal: Option<Arc<Principal>>) {
        let journal = &self.app.journal;
        let vault = match &self.target {
            Target::Login => "login",
            Target::Management => "management",
            Target::Vault(name) | Target::Storage(name, _) | Target::LakeStore(name) => name,
            Target::Machine(endpoint) => endpoint.host(),
            Target::StackManagement(_)
            | Target::Adfs(_)
            | Target::MlServer(_)
            | Target::Unknown => &self.route.host,
        };
        journal.record(Entry {
            time: self.app.now(),
            host: journal.intern(&self.route.host),
            vault: journal.intern(vault),
            operation: self.operation,
            method: journal.intern(self.method.as_str()),
            path: self.route.path.as_str().into(),
            status,
            lost_status,
            latency_ms: u32::try_from(self.started.elapsed().as_millis()).unwrap_or(u32::MAX),
            principal,
            connection: self.peer.number,
            user_agent: self.user_agent.clone(),
        });
    }
}
