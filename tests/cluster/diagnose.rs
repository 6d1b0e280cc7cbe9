//! `lakevault diagnose` on objects of the cluster, with the caller's own rights.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::{Scratch, binaries};
use tokio::process::Command;

use crate::hands::told;
use crate::identity_faults::{make_service_account, register};
use crate::kit::{GRANTED, Kit, PLANTED};
use crate::lane::{Lane, workload_identity};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        every_object_of_a_namespace,
        token_of_a_service_account,
        key_vault_that_a_sync_names,
        plugin_of_kubectl,
        caller_without_rights,
        what_does_not_exist,
    ]
}

fn command(kit: &Kit, program: &Path, arguments: &[&str]) -> Command {
    let endpoints = kit.endpoints();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("KUBECONFIG", kit.world.control_plane.kubeconfig())
        .env("LAKEVAULT_CA_FILE", &endpoints.ca_file)
        .env("LAKEVAULT_HOSTS_FILE", &endpoints.hosts_file)
        .kill_on_drop(true);
    command
}

async fn diagnose(kit: &Kit, arguments: &[&str]) -> Result<Output> {
    let arguments: Vec<&str> = ["diagnose", "-n", &kit.namespace]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    let output = command(kit, &binaries::operator()?, &arguments)
        .output()
        .await?;
    ensure!(!told(&output).contains(PLANTED), "{}", told(&output));
    Ok(output)
}

/// The steps of each object with their outcome.
fn outcomes(output: &Output) -> Result<Vec<(String, Vec<String>)>> {
    let findings: Vec<Value> =
        serde_json::from_slice(&output.stdout).with_context(|| told(output))?;
    let of = |finding: &Value| {
        let checks = finding["checks"].as_array().cloned().unwrap_or_default();
        let word = |check: &Value| check["outcome"].as_str().unwrap_or_default().to_owned();
        let object = finding["object"].as_str().unwrap_or_default().to_owned();
        (object, checks.iter().map(word).collect())
    };
    Ok(findings.iter().map(of).collect())
}

async fn every_object_of_a_namespace(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let output = diagnose(&kit, &["-o", "json"]).await?;
    ensure!(output.status.success(), "{}", told(&output));
    let passed = |count: usize, skipped: usize| {
        let mut all = vec!["passed".to_owned(); count];
        all.extend(vec!["skipped".to_owned(); skipped]);
        all
    };
    let namespace = &kit.namespace;
    let expected = [
        (format!("AzureIdentity {namespace}/main"), passed(5, 2)),
        (format!("VaultSecretSync {namespace}/app"), passed(7, 0)),
    ];
    ensure!(outcomes(&output)? == expected, "{}", told(&output));
    Ok(())
}

/// The caller's rights suffice for a TokenRequest, so it is tried as the operator would.
async fn token_of_a_service_account(kit: Kit) -> Result<()> {
    let mut lane = Lane::make(kit).await?;
    make_service_account(&lane.kit, GRANTED).await?;
    register(&lane).await?;
    lane.start(workload_identity()).await?;
    let output = diagnose(&lane.kit, &["sync/app"]).await?;
    ensure!(output.status.success(), "{}", told(&output));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        table.contains("✓ token   workloadIdentity gave a token"),
        "{table}"
    );
    Ok(())
}

/// What it tells is read with the caller's rights.
async fn key_vault_that_a_sync_names(kit: Kit) -> Result<()> {
    kit.make_identity().await?;
    kit.plant("s", "first").await?;
    let sync = kit.sync("app", &[("K", "s")], |spec| {
        spec.as_object_mut().unwrap().remove("vaultUri");
        spec["vaultRef"] = json!({"name": "kv"});
    });
    kit.apply(sync).await?;
    let output = diagnose(&kit, &["sync/app"]).await?;
    ensure!(output.status.code() == Some(1), "{}", told(&output));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        table.contains("✗ spec    WaitingForVault: there is no KeyVault kv"),
        "{table}"
    );
    kit.tell("kv", &kit.vault).await?;
    let output = diagnose(&kit, &["sync/app"]).await?;
    ensure!(output.status.success(), "{}", told(&output));
    Ok(())
}

async fn plugin_of_kubectl(kit: Kit) -> Result<()> {
    kit.make_credential("sp", "wrong").await?;
    let identity = json!({"clientSecret": {"name": "sp", "key": "secret"}});
    kit.apply(kit.identity("main", identity)).await?;
    let folder = Scratch::new("cluster-plugin")?;
    symlink(
        binaries::operator()?,
        folder.path().join("kubectl-lakevault"),
    )?;
    let path = std::env::var("PATH").unwrap_or_default();
    let arguments = [
        "lakevault",
        "diagnose",
        "identity/main",
        "-n",
        &kit.namespace,
    ];
    let output = command(&kit, &binaries::kubernetes("kubectl")?, &arguments)
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .output()
        .await?;
    let table = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.code() == Some(1), "{}", told(&output));
    ensure!(
        table.contains("✗ token   InvalidClientSecret") && table.contains("Mend: "),
        "{table}"
    );
    Ok(())
}

async fn caller_without_rights(kit: Kit) -> Result<()> {
    let user = format!("nobody-{}", kit.namespace);
    let kubeconfig = kit.world.control_plane.user_kubeconfig(&user, &[])?;
    let kubeconfig = kubeconfig.to_string_lossy();
    let output = diagnose(&kit, &["--kubeconfig", &kubeconfig]).await?;
    ensure!(output.status.code() == Some(1), "{}", told(&output));
    let told = told(&output);
    ensure!(told.contains("forbidden") && told.contains(&user), "{told}");
    Ok(())
}

async fn what_does_not_exist(kit: Kit) -> Result<()> {
    for arguments in [vec!["sync/none"], vec!["identity", "none"], vec![]] {
        let output = diagnose(&kit, &arguments).await?;
        ensure!(output.status.code() == Some(2), "{}", told(&output));
        ensure!(told(&output).contains(&kit.namespace), "{}", told(&output));
    }
    Ok(())
}
