//! Kubernetes: writes that are held on their way, and leaders that are killed, told to end, and stopped.

use std::time::Duration;

use anyhow::{Result, ensure};
use testbed::metrics;
use testbed::poll::seen;
use testbed::until;

use super::replica::Replicas;
use crate::kit::SOON;

/// A dead leader is followed within 15 seconds. A machine that does a lot besides may take longer for everything.
const AFTER_A_DEATH: Duration = Duration::from_secs(25);
/// Nobody else stands, or the lease was given back.
const AT_ONCE: Duration = Duration::from_secs(10);

/// The leader is stopped while a Secret and a status are on their way to the API server. They come when another one leads.
pub async fn held_on_their_way(all: &mut Replicas) -> Result<()> {
    let kit = all.kit.clone();
    all.start_by_proxy("first").await?;
    all.leads("first", AT_ONCE).await?;
    kit.synced_app().await?;
    kit.plant("t", "first").await?;
    kit.apply(kit.sync("told", &[("K", "t")], |_| ())).await?;
    kit.is_synced("told").await?;
    all.start("second").await?;
    stands_by(all, "second").await?;
    let (secret, status) = (
        format!("/api/v1/namespaces/{}/secrets/app", kit.namespace),
        format!(
            "/apis/lakevault.dev/v1alpha1/namespaces/{}/vaultsecretsyncs/told/status",
            kit.namespace
        ),
    );
    let Some(proxy) = &all.replica("first")?.proxy else {
        anyhow::bail!("there is no proxy");
    };
    let fits = [secret.clone(), status.clone()];
    proxy.hold(move |method, path| method != "GET" && fits.iter().any(|one| one == path));
    let (value, _) = kit.plant("s", "second").await?;
    kit.sync_now("app").await?;
    let word = kit.sync_now("told").await?;
    until(SOON, "both are on their way", async || {
        let held = proxy.held();
        let there = |path: &String| held.iter().any(|one| one.path == *path);
        if there(&secret) && there(&status) {
            Ok(())
        } else {
            Err(format!("{held:?}"))
        }
    })
    .await?;
    all.stop("first")?;
    all.leads("second", AFTER_A_DEATH).await?;
    kit.holds("app", &[("K", &value)]).await?;
    kit.is_synced("app").await?;
    kit.status_when("told", "the second has looked", |status| {
        status.handled_sync_at.as_deref() == Some(&word)
    })
    .await?;
    let Some(proxy) = &all.replica("first")?.proxy else {
        anyhow::bail!("there is no proxy");
    };
    proxy.release();
    until(SOON, "the API server has refused all", async || {
        let held = proxy.held();
        if held.iter().all(|one| one.status == Some(409)) {
            Ok(())
        } else {
            Err(format!("{held:?}"))
        }
    })
    .await?;
    kit.holds("app", &[("K", &value)]).await?;
    all.goes_on_and_ends("first").await
}

/// Whoever stands by is warm: it is ready, and knows all objects.
async fn stands_by(all: &Replicas, name: &str) -> Result<()> {
    let operator = &all.replica(name)?.operator;
    until(SOON, &format!("{name} knows all syncs"), async || {
        let text = operator.metrics().await.map_err(seen)?;
        let syncs = [("kind", "vaultsecretsyncs")];
        let known = metrics::sum(&text, "lakevault_objects", &syncs);
        let leads = metrics::sum(&text, "lakevault_leader", &[]);
        let reconciles = metrics::sum(&text, "lakevault_reconciles_total", &[]);
        if known > 1.0 && leads < 1.0 && reconciles < 1.0 {
            Ok(())
        } else {
            Err(format!("{known} {leads} {reconciles}"))
        }
    })
    .await
}

/// The next one has a task at once: something has changed in the vault.
async fn goes_on_with_the_work(all: &Replicas, word: &str) -> Result<()> {
    let kit = &all.kit;
    let (value, _) = kit.plant("s", word).await?;
    kit.sync_now("app").await?;
    kit.holds("app", &[("K", &value)]).await?;
    kit.is_synced("app").await
}

/// SIGKILL: nobody tells the others.
pub async fn killed(all: &mut Replicas) -> Result<()> {
    goes_on_with_the_work(all, "before the kill").await?;
    all.start("third").await?;
    stands_by(all, "third").await?;
    all.replica("second")?.operator.kill9().await?;
    all.end("second")?;
    all.leads("third", AFTER_A_DEATH).await?;
    goes_on_with_the_work(all, "after the kill").await
}

/// SIGTERM: the lease is given back, and taken at once.
pub async fn told_to_end(all: &mut Replicas) -> Result<()> {
    all.start("fourth").await?;
    stands_by(all, "fourth").await?;
    let third = &all.replica("third")?.operator;
    let status = third.terminate(AT_ONCE).await?;
    ensure!(status.code() == Some(0), "it ended with {status}");
    let log = std::fs::read_to_string(third.log())?;
    ensure!(log.contains("Gave the lease back"), "it did not say so");
    all.end("third")?;
    all.leads("fourth", AT_ONCE).await?;
    goes_on_with_the_work(all, "after the end").await
}

/// A leader that stood still finds out first that it leads no more.
pub async fn stopped_while_idle(all: &mut Replicas) -> Result<()> {
    all.start("fifth").await?;
    stands_by(all, "fifth").await?;
    all.stop("fourth")?;
    all.leads("fifth", AFTER_A_DEATH).await?;
    // What is to be done is there for both when the old one goes on.
    let (value, _) = all.kit.plant("s", "while it stood still").await?;
    all.kit.sync_now("app").await?;
    all.goes_on_and_ends("fourth").await?;
    all.kit.holds("app", &[("K", &value)]).await?;
    all.kit.is_synced("app").await
}
