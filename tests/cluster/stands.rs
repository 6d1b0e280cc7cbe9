//! `lakevault status` on objects of the cluster, with the caller's own rights.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::{Scratch, binaries, until};
use tokio::process::Command;

use crate::hands::told;
use crate::kit::{Kit, PLANTED, SOON, TENANT};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        all_kinds_and_what_is_wrong_with_them,
        plugin_tells_what_mends,
        kubectl_completes_the_plugin,
        leader_of_an_operator,
        caller_without_rights_is_told,
        namespace_without_objects,
    ]
}

fn command(kit: &Kit, program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("KUBECONFIG", kit.world.control_plane.kubeconfig())
        .kill_on_drop(true);
    command
}

async fn status(kit: &Kit, arguments: &[&str]) -> Result<Output> {
    // Other tests' operators may have left a Lease in the usual namespace.
    let here = ["status", "-n", &kit.namespace];
    let operators = ["--operator-namespace", &kit.namespace];
    let operators = operators
        .into_iter()
        .filter(|_| !arguments.contains(&operators[0]));
    let all: Vec<&str> = here
        .into_iter()
        .chain(operators)
        .chain(arguments.iter().copied())
        .collect();
    let output = command(kit, &binaries::operator()?, &all).output().await?;
    ensure!(!told(&output).contains(PLANTED), "{}", told(&output));
    Ok(output)
}

/// Kind, state and reason of each object.
fn states(output: &Output) -> Result<Vec<(String, String, String)>> {
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| told(output))?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let objects = report["objects"].as_array().cloned().unwrap_or_default();
    let of = |object: &Value| {
        (
            word(&object["kind"]),
            word(&object["state"]),
            word(&object["reason"]),
        )
    };
    Ok(objects.iter().map(of).collect())
}

/// Waits until a namespace stands so, and gives back what was told then.
async fn stands(kit: &Kit, expected: &[(&str, &str, &str)]) -> Result<Output> {
    let word = |(kind, state, reason): &(&str, &str, &str)| {
        (
            (*kind).to_owned(),
            (*state).to_owned(),
            (*reason).to_owned(),
        )
    };
    let expected: Vec<_> = expected.iter().map(word).collect();
    until(SOON, "the status of a namespace", async || {
        let output = status(kit, &["-o", "json"]).await.map_err(seen)?;
        let found = states(&output).map_err(seen)?;
        if found == expected {
            Ok(output)
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await
}

/// Objects of Azure that name an identity which is not there.
fn resource(kit: &Kit, kind: &str, further: Value) -> Value {
    let mut spec = json!({
        "identityRef": {"name": "absent"}, "subscriptionId": "44444444-4444-4444-4444-444444444444",
        "resourceGroup": {"name": "rg"}, "location": "westeurope",
    });
    let fields = further.as_object().unwrap().clone();
    spec.as_object_mut().unwrap().extend(fields);
    json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": kind,
        "metadata": {"name": "lake1", "namespace": kit.namespace}, "spec": spec,
    })
}

async fn all_kinds_and_what_is_wrong_with_them(kit: Kit) -> Result<()> {
    kit.synced_app().await?;
    let identity = ("AzureIdentity", "Ok", "TokenAcquired");
    let sync = ("VaultSecretSync", "Ok", "UpToDate");
    let output = stands(&kit, &[identity, sync]).await?;
    ensure!(output.status.success(), "{}", told(&output));

    kit.apply(resource(&kit, "KeyVault", json!({"tenantId": TENANT})))
        .await?;
    kit.apply(resource(&kit, "DataLakeAccount", json!({})))
        .await?;
    let vault = ("KeyVault", "Problem", "IdentityNotFound");
    let account = ("DataLakeAccount", "Problem", "IdentityNotFound");
    let output = stands(&kit, &[identity, vault, account, sync]).await?;
    ensure!(output.status.code() == Some(1), "{}", told(&output));

    let output = status(&kit, &["--problems"]).await?;
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        table.contains("✗ KeyVault") && !table.contains("TokenAcquired"),
        "{table}"
    );
    ensure!(table.contains("2 ok, 2 with a problem"), "{table}");
    Ok(())
}

/// A folder with the plugin in it, for the `PATH`.
fn plugin() -> Result<Scratch> {
    let folder = Scratch::new("cluster-status")?;
    symlink(
        binaries::operator()?,
        folder.path().join("kubectl-lakevault"),
    )?;
    Ok(folder)
}

fn path(folder: &Scratch) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:{path}", folder.path().display())
}

async fn plugin_tells_what_mends(kit: Kit) -> Result<()> {
    kit.make_credential("sp", "wrong").await?;
    let identity = json!({"clientSecret": {"name": "sp", "key": "secret"}});
    kit.apply(kit.identity("main", identity)).await?;
    stands(&kit, &[("AzureIdentity", "Problem", "InvalidClientSecret")]).await?;
    let folder = plugin()?;
    let arguments = ["lakevault", "status", "-n", &kit.namespace];
    let output = command(&kit, &binaries::kubernetes("kubectl")?, &arguments)
        .env("PATH", path(&folder))
        .output()
        .await?;
    ensure!(output.status.code() == Some(1), "{}", told(&output));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let more = format!(
        "More: docs/troubleshooting.md#invalidclientsecret; kubectl lakevault diagnose -n {} identity/main",
        kit.namespace
    );
    ensure!(table.contains(&more), "{table}");
    ensure!(table.contains("az ad app credential reset"), "{table}");
    Ok(())
}

/// By the program that kubectl looks for, as `lakevault completions kubectl` prints it.
async fn kubectl_completes_the_plugin(kit: Kit) -> Result<()> {
    let folder = plugin()?;
    let script = command(&kit, &binaries::operator()?, &["completions", "kubectl"])
        .output()
        .await?;
    let file = folder.path().join("kubectl_complete-lakevault");
    std::fs::write(&file, &script.stdout)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
    let arguments = ["__complete", "lakevault", "status", "--prob"];
    let output = command(&kit, &binaries::kubernetes("kubectl")?, &arguments)
        .env("PATH", path(&folder))
        .output()
        .await?;
    let told = told(&output);
    ensure!(told.contains("--problems"), "{told}");
    Ok(())
}

/// It may run outside the cluster; then its Lease tells of it.
async fn leader_of_an_operator(kit: Kit) -> Result<()> {
    let lease = |renewed: Timestamp| {
        json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "lakevault", "namespace": kit.namespace},
            "spec": {"holderIdentity": "pod-a_1", "renewTime": format!("{renewed:.6}")},
        })
    };
    let look = async || status(&kit, &["--operator-namespace", &kit.namespace]).await;
    kit.apply(lease(Timestamp::now())).await?;
    let output = look().await?;
    ensure!(
        output.status.success() && told(&output).contains("pod-a leads"),
        "{}",
        told(&output)
    );
    kit.apply(lease(Timestamp::now() - SignedDuration::from_hours(1)))
        .await?;
    let output = look().await?;
    ensure!(
        output.status.code() == Some(1) && told(&output).contains("NobodyLeads"),
        "{}",
        told(&output)
    );
    Ok(())
}

async fn caller_without_rights_is_told(kit: Kit) -> Result<()> {
    let user = format!("nobody-{}", kit.namespace);
    let kubeconfig = kit.world.control_plane.user_kubeconfig(&user, &[])?;
    let kubeconfig = kubeconfig.to_string_lossy();
    let output = status(&kit, &["--kubeconfig", &kubeconfig]).await?;
    ensure!(output.status.code() == Some(1), "{}", told(&output));
    let told = told(&output);
    ensure!(told.contains("forbidden") && told.contains(&user), "{told}");
    Ok(())
}

async fn namespace_without_objects(kit: Kit) -> Result<()> {
    let output = status(&kit, &[]).await?;
    ensure!(output.status.success(), "{}", told(&output));
    let told = told(&output);
    ensure!(
        told.contains(&format!(
            "No objects of Lakevault in namespace {}",
            kit.namespace
        )),
        "{told}"
    );
    Ok(())
}
