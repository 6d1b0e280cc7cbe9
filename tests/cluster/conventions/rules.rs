//! What Flux and Argo CD make of objects, by the program that runs their rules.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use testbed::poll::seen;
use testbed::{binaries, until};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::kubectl;
use crate::kit::{Kit, SOON};

/// The patch of Argo CD's ConfigMap.
pub fn argocd_cm() -> PathBuf {
    binaries::repository().join("deploy/argocd/argocd-cm.yaml")
}

/// What a tool makes of an object.
#[derive(Deserialize, Debug)]
pub struct Verdict {
    pub kind: String,
    pub status: String,
    pub message: String,
}

/// By kstatus.
pub async fn by_kstatus(objects: &str) -> Result<Vec<Verdict>> {
    judged(&["kstatus".as_ref()], objects).await
}

/// By the health scripts in a ConfigMap of Argo CD.
pub async fn by_argocd(config: &Path, objects: &str) -> Result<Vec<Verdict>> {
    judged(&["argocd".as_ref(), config], objects).await
}

async fn judged(arguments: &[&Path], objects: &str) -> Result<Vec<Verdict>> {
    let program = binaries::kubernetes("rules")
        .context("it is built by tests/control-plane/build.sh rules")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut input = child.stdin.take().context("no standard input")?;
    input.write_all(objects.as_bytes()).await?;
    drop(input);
    let output = child.wait_with_output().await?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "rules {arguments:?}: {told}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Both verdicts on one object, as `vss/app` names it: first that of kstatus.
pub async fn both(kit: &Kit, object: &str) -> Result<[Verdict; 2]> {
    let found = kubectl(kit, &["get", object, "-o", "json"]).await?;
    let one = |mut all: Vec<Verdict>| all.pop().context("no verdict");
    Ok([
        one(by_kstatus(&found).await?)?,
        one(by_argocd(&argocd_cm(), &found).await?)?,
    ])
}

/// Waits until both tools make this of an object, for the reason that Argo CD's message begins with, where one is given.
pub async fn becomes(kit: &Kit, object: &str, states: [&str; 2], reason: &str) -> Result<()> {
    let what = format!("{}: {object} is {states:?} {reason}", kit.namespace);
    until(SOON, &what, async || {
        let verdicts = both(kit, object).await.map_err(seen)?;
        let same = verdicts.iter().map(|one| one.status.as_str()).eq(states);
        if same && verdicts[1].message.starts_with(reason) {
            Ok(())
        } else {
            Err(format!("{verdicts:?}"))
        }
    })
    .await
}

pub const UNDER_WAY: [&str; 2] = ["InProgress", "Progressing"];
pub const GOOD: [&str; 2] = ["Current", "Healthy"];
pub const STUCK: [&str; 2] = ["Failed", "Degraded"];
pub const GOING: [&str; 2] = ["Terminating", "Progressing"];
pub const RESTING: [&str; 2] = ["Current", "Suspended"];
