//! Operators that stand for one lease.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use testbed::audit::Entry;
use testbed::poll::seen;
use testbed::{Operator, OperatorOptions, Proxy, Signal, metrics, until};

use crate::hands::OPERATOR;
use crate::kit::{Kit, SOON, operator_kubeconfig};

/// One operator.
pub struct Replica {
    pub name: String,
    pub operator: Operator,
    /// The way that it takes to the API server.
    pub proxy: Option<Proxy>,
}

/// Those that run, and those that have ended.
pub struct Replicas {
    pub kit: Kit,
    pub ended: Vec<Replica>,
    /// Names of those that led, in order.
    led: Vec<String>,
    running: Vec<Replica>,
}

impl Replicas {
    pub fn new(kit: Kit) -> Self {
        Self {
            kit,
            ended: Vec::new(),
            led: Vec::new(),
            running: Vec::new(),
        }
    }

    /// Starts another one, which is ready whether it leads or not.
    pub async fn start(&mut self, name: &str) -> Result<()> {
        self.start_by(name, None).await
    }

    /// The same, through a proxy.
    pub async fn start_by_proxy(&mut self, name: &str) -> Result<()> {
        let kubeconfig = operator_kubeconfig(&self.kit.world.control_plane)?;
        let proxy = Proxy::start(&kubeconfig).await?;
        self.start_by(name, Some(proxy)).await
    }

    async fn start_by(&mut self, name: &str, proxy: Option<Proxy>) -> Result<()> {
        let world = &self.kit.world;
        let folder = world.scratch.path().join(name);
        let kubeconfig = match &proxy {
            Some(proxy) => proxy.kubeconfig(&folder)?,
            None => operator_kubeconfig(&world.control_plane)?,
        };
        let mut options = OperatorOptions::new(&kubeconfig, &folder)
            .with_azure(self.kit.endpoints())
            .arg("--log-level=info,lakevault=debug")
            .arg("--leader-elect");
        options.env.insert("POD_NAME".to_owned(), name.to_owned());
        self.running.push(Replica {
            name: name.to_owned(),
            operator: Operator::start(options).await?,
            proxy,
        });
        Ok(())
    }

    pub fn replica(&self, name: &str) -> Result<&Replica> {
        let mut all = self.running.iter();
        let found = all.find(|replica| replica.name == name);
        found.with_context(|| format!("{name} does not run"))
    }

    /// Waits until this one leads, and no other that runs believes to.
    pub async fn leads(&mut self, name: &str, within: Duration) -> Result<()> {
        let replica = self.replica(name)?;
        until(within, &format!("{name} leads"), async || {
            if is_leader(replica).await? {
                Ok(())
            } else {
                Err(self.holder().await.map_err(seen)?)
            }
        })
        .await?;
        let holder = self.holder().await?;
        ensure!(holder.starts_with(&format!("{name}_")), "{holder} has it");
        self.led.push(name.to_owned());
        Ok(())
    }

    /// Who has the lease.
    async fn holder(&self) -> Result<String> {
        let leases: Api<Lease> = Api::namespaced(self.kit.client(), "lakevault-system");
        let spec = leases.get("lakevault").await?.spec.unwrap_or_default();
        Ok(spec.holder_identity.unwrap_or_default())
    }

    /// Stops one as it stands.
    pub fn stop(&self, name: &str) -> Result<()> {
        self.replica(name)?.operator.process().signal(Signal::Stop)
    }

    /// Lets one go on that was stopped, and waits until it has ended by itself, since it has lost the lease.
    pub async fn goes_on_and_ends(&mut self, name: &str) -> Result<()> {
        let process = self.replica(name)?.operator.process();
        process.signal(Signal::Cont)?;
        let status = process.wait_exit(SOON).await?;
        ensure!(status.code() == Some(1), "it ended with {status}");
        let log = std::fs::read_to_string(process.log())?;
        ensure!(log.contains("Lost the lease"), "it did not say so");
        self.end(name)
    }

    /// One that has ended is not among those that run.
    pub fn end(&mut self, name: &str) -> Result<()> {
        let mut all = self.running.iter();
        let place = all.position(|replica| replica.name == name);
        let place = place.with_context(|| format!("{name} does not run"))?;
        self.ended.push(self.running.remove(place));
        Ok(())
    }
}

async fn is_leader(replica: &Replica) -> Result<bool, String> {
    let text = replica.operator.metrics().await.map_err(seen)?;
    // A gauge of 0 or 1 is exact.
    Ok(metrics::sum(&text, "lakevault_leader", &[]) > 0.0)
}

/// A write that the API server has accepted.
fn is_accepted_write(entry: &Entry) -> bool {
    let writes = ["create", "update", "patch", "delete"].contains(&entry.verb.as_str());
    let stored = entry.resource != "leases" && entry.subresource != "token";
    entry.user == OPERATOR && writes && stored && entry.code < 300
}

/// By the API server's own log: when a leader has written, no earlier one does.
pub fn no_write_comes_after_the_next_leaders_first(all: &Replicas) -> Result<()> {
    let mut writes = all.kit.world.control_plane.audit()?;
    writes.retain(is_accepted_write);
    writes.sort_by(|one, other| one.received.cmp(&other.received));
    let mut newest = 0;
    let mut wrote = vec![0_u32; all.led.len()];
    for write in &writes {
        let named = |name: &String| write.user_agent.ends_with(&format!("({name})"));
        // The operator that the world began with had no lease, and is gone.
        let Some(place) = all.led.iter().position(named) else {
            continue;
        };
        ensure!(
            place >= newest,
            "{} wrote after {}: {write:?}",
            all.led[place],
            all.led[newest]
        );
        newest = place;
        wrote[place] += 1;
    }
    ensure!(
        wrote.iter().all(|number| *number > 0),
        "each leader writes: {wrote:?} of {:?}",
        all.led
    );
    Ok(())
}
