//! Stands for the lease, and renews it: does what [`decide`](super::decide) says.
//!
//! It has a client of its own: no other request can keep a renewal waiting.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::decide::{Candidate, Loss, Next, Record, TIMING};
use super::fence::{Clock, Fence};
use crate::telemetry::metrics::Metrics;

/// What the lease tells people and other programs: within so many seconds somebody else follows. No candidate reckons with it.
const TOLD_SECONDS: i32 = 15;

/// Where the lease is, and who asks for it.
#[derive(Debug, Clone)]
pub struct Stake {
    /// Namespace of the lease.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// A name that no other candidate has or had.
    pub me: String,
}

impl Stake {
    fn place(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// How a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Another one leads, or nobody yet.
    StandsBy,
    /// It leads.
    Leads,
    /// It led, and has lost the lease.
    Lost(Loss),
}

/// The keeper of one candidate.
pub struct Keeper {
    api: Api<Lease>,
    stake: Stake,
    fence: Fence,
    clock: Clock,
    metrics: Metrics,
    standing: watch::Sender<Standing>,
    /// The lease as it was last read or written.
    lease: Lease,
    /// What is wrong with the calls, as far as it was logged.
    trouble: Option<String>,
}

/// What a write came to.
enum Came {
    Done(Record),
    /// The lease is another one than was seen.
    Refused,
    Failed,
}

impl Keeper {
    /// One that asks through `client`, which nobody else uses, and raises `fence` while it has the lease.
    pub fn new(client: Client, stake: Stake, fence: Fence, metrics: Metrics) -> Self {
        Self {
            api: Api::namespaced(client, &stake.namespace),
            clock: fence.clock(),
            stake,
            fence,
            metrics,
            standing: watch::Sender::new(Standing::StandsBy),
            lease: Lease::default(),
            trouble: None,
        }
    }

    /// How it stands.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Stands until the lease is lost, or until `leave`, and gives it back then. Whoever cancels that has let the fence fall
    /// before.
    pub async fn run(mut self, leave: CancellationToken) {
        let mut candidate = Candidate::new(self.stake.me.clone());
        info!(
            lease = self.stake.place(),
            identity = self.stake.me,
            "Stands by"
        );
        loop {
            if leave.is_cancelled() {
                candidate.leave();
            }
            match candidate.decide(self.clock.now(), &TIMING) {
                Next::Look => self.look(&mut candidate).await,
                Next::Acquire { version, epoch } => {
                    self.acquire(&mut candidate, version, epoch).await;
                }
                Next::Renew { version, epoch } => {
                    self.renew(&mut candidate, version, epoch).await;
                }
                Next::Release { version, epoch } => {
                    self.release(&mut candidate, version, epoch).await;
                }
                Next::StandBy(pause) | Next::Rest(pause) => {
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = leave.cancelled(), if !candidate.is_leaving() => {}
                    }
                }
                Next::Lost(loss) => {
                    self.fence.fall();
                    self.metrics.leads(false);
                    warn!(
                        lease = self.stake.place(),
                        identity = self.stake.me,
                        ?loss,
                        "Lost the lease"
                    );
                    self.standing.send_replace(Standing::Lost(loss));
                    return;
                }
                Next::Over => return,
            }
        }
    }

    async fn look(&mut self, candidate: &mut Candidate) {
        let name = self.stake.name.clone();
        let found = timed(self.api.get_opt(&name)).await;
        let now = self.clock.now();
        self.tell("get", found.as_ref().err());
        match found {
            Ok(lease) => {
                candidate.looked(now, lease.as_ref().map(record));
                self.lease = lease.unwrap_or_default();
            }
            Err(_) => candidate.failed(now),
        }
    }

    async fn acquire(&mut self, candidate: &mut Candidate, version: Option<String>, epoch: u64) {
        let mut lease = self.with(Some(&self.stake.me), epoch);
        lease.metadata.resource_version = version;
        if let Some(spec) = &mut lease.spec {
            spec.acquire_time.clone_from(&spec.renew_time);
        }
        self.keep(candidate, &lease, "acquire").await;
        if candidate.held().is_some() {
            self.metrics.leads(true);
            self.metrics.lease_epoch(epoch);
            info!(
                lease = self.stake.place(),
                identity = self.stake.me,
                epoch,
                "Leads"
            );
            self.standing.send_replace(Standing::Leads);
        }
    }

    async fn renew(&mut self, candidate: &mut Candidate, version: String, epoch: u64) {
        let mut lease = self.with(Some(&self.stake.me), epoch);
        lease.metadata.resource_version = Some(version);
        self.keep(candidate, &lease, "renew").await;
    }

    /// Writes the lease as ours.
    async fn keep(&mut self, candidate: &mut Candidate, lease: &Lease, what: &'static str) {
        let sent = self.clock.now();
        let came = self.write(lease, what).await;
        let now = self.clock.now();
        match came {
            Came::Done(record) => {
                // No two times of leading have the same word, not even where the lease was deleted in between.
                let epoch = format!("{} of {}", record.epoch, self.stake.me);
                candidate.wrote(sent, now, record);
                if let Some(hold) = candidate.held() {
                    self.fence.raise(hold, &epoch);
                }
            }
            Came::Refused => candidate.refused(),
            Came::Failed => candidate.failed(now),
        }
    }

    async fn release(&mut self, candidate: &mut Candidate, version: String, epoch: u64) {
        let mut lease = self.with(None, epoch);
        lease.metadata.resource_version = Some(version);
        match self.write(&lease, "release").await {
            Came::Done(_) => {
                candidate.released();
                self.metrics.leads(false);
                info!(identity = self.stake.me, "Gave the lease back");
            }
            Came::Refused => candidate.refused(),
            Came::Failed => candidate.failed(self.clock.now()),
        }
    }

    async fn write(&mut self, lease: &Lease, what: &'static str) -> Came {
        let params = PostParams::default();
        let wrote = if lease.metadata.resource_version.is_some() {
            timed(self.api.replace(&self.stake.name, &params, lease)).await
        } else {
            timed(self.api.create(&params, lease)).await
        };
        match wrote {
            Ok(lease) => {
                self.tell(what, None);
                let record = record(&lease);
                self.lease = lease;
                Came::Done(record)
            }
            // Somebody else was quicker, which is no trouble.
            Err(Some(kube::Error::Api(status))) if [404, 409].contains(&status.code) => {
                self.metrics.lease_request(what, "refused");
                Came::Refused
            }
            Err(error) => {
                self.tell(what, Some(&error));
                Came::Failed
            }
        }
    }

    /// The lease as it was last seen, with this holder. What others have put into it stays.
    fn with(&self, holder: Option<&str>, epoch: u64) -> Lease {
        let before = self.lease.spec.clone().unwrap_or_default();
        Lease {
            metadata: ObjectMeta {
                name: Some(self.stake.name.clone()),
                namespace: Some(self.stake.namespace.clone()),
                ..self.lease.metadata.clone()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.unwrap_or_default().to_owned()),
                lease_duration_seconds: Some(TOLD_SECONDS),
                lease_transitions: Some(i32::try_from(epoch).unwrap_or(i32::MAX)),
                renew_time: Some(MicroTime(Timestamp::now())),
                ..before
            }),
        }
    }

    /// Counts a call, and logs where trouble begins, differs, or ends.
    fn tell(&mut self, what: &'static str, error: Option<&Option<kube::Error>>) {
        let outcome = if error.is_none() { "ok" } else { "failed" };
        self.metrics.lease_request(what, outcome);
        let trouble = error.map(|error| match error {
            Some(kube::Error::Api(status)) => format!("{} {}", status.code, status.message),
            Some(error) => error.to_string(),
            None => "no answer in time".to_owned(),
        });
        if trouble == self.trouble {
            return;
        }
        if let Some(error) = &trouble {
            warn!(
                what,
                error,
                "The lease cannot be kept: is the API server reachable, and is there the Role lakevault-lease?"
            );
        } else {
            info!("The lease can be kept again");
        }
        self.trouble = trouble;
    }
}

fn record(lease: &Lease) -> Record {
    let spec = lease.spec.clone().unwrap_or_default();
    let epoch = u64::try_from(spec.lease_transitions.unwrap_or_default());
    Record {
        holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
        epoch: epoch.unwrap_or_default(),
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
    }
}

/// A call that does not go on for long. An error without more is one that was not answered in time.
async fn timed<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, Option<kube::Error>> {
    let limit: Duration = TIMING.call;
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map_err(Some),
        Err(_) => Err(None),
    }
}
