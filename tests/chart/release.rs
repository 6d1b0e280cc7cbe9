//! A release from installation to its end, by the real helm on a real API server.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

use crate::helm::{chart, helm};
use crate::{Case, World, served};

pub fn cases() -> Vec<Case> {
    served![definitions_change_with_an_upgrade_and_outlive_the_release]
}

const IN: &str = "releases";
/// A line of a definition, and what an older version would have had in its place.
const LINE: (&str, &str) = ("- kv\n", "- oldkv\n");

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, target) = {
            let entry = entry?;
            (entry.path(), to.join(entry.file_name()))
        };
        // The link to crds/ becomes a folder.
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// The chart as it could have been.
fn older(folder: &Path) -> Result<()> {
    copy(&chart(), folder)?;
    let file = folder.join("files/crds/keyvaults.yaml");
    let text = fs::read_to_string(&file)?;
    ensure!(text.contains(LINE.0), "{LINE:?}");
    fs::write(&file, text.replacen(LINE.0, LINE.1, 1))?;
    Ok(())
}

async fn short_name(world: &World) -> Result<String> {
    let definitions: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    let definition = definitions.get("keyvaults.lakevault.dev").await?;
    let names = definition.spec.names.short_names.unwrap_or_default();
    names.into_iter().next().context("no short name")
}

async fn definitions_change_with_an_upgrade_and_outlive_the_release(
    world: Arc<World>,
) -> Result<()> {
    let kubeconfig = world.control_plane.kubeconfig();
    let run = |arguments: &[&str]| {
        let all = [arguments, &["--namespace", IN]].concat();
        helm(Some(kubeconfig), &all)
    };
    let old = world.scratch.path().join("older");
    older(&old)?;
    let current = chart();
    let (old, current) = (old.to_string_lossy(), current.to_string_lossy());
    let said = run(&["install", "lakevault", &old, "--create-namespace"])?;
    ensure!(said.contains("Next:"), "{said}");
    ensure!(short_name(&world).await? == "oldkv");

    let said = run(&["upgrade", "lakevault", &current])?;
    ensure!(
        said.contains(&format!(
            "kubectl -n {IN} rollout status deployment/lakevault"
        )),
        "{said}"
    );
    ensure!(short_name(&world).await? == "kv");

    let kept = json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "AzureIdentity", "metadata": {"name": "kept", "namespace": IN},
        "spec": {"tenantId": "11111111-1111-1111-1111-111111111111", "clientId": "22222222-2222-2222-2222-222222222222",
                 "clientSecret": {"name": "sp", "key": "secret"}}
    });
    let kubectl = world.control_plane.kubectl();
    kubectl.apply_yaml(&kept.to_string()).await?;
    run(&["uninstall", "lakevault"])?;
    let found = kubectl
        .run(["get", "azid", "kept", "-n", IN, "-o", "name"])
        .await?;
    ensure!(
        found.trim() == "azureidentity.lakevault.dev/kept",
        "{found}"
    );
    let ours = ListParams::default().labels("app.kubernetes.io/name=lakevault");
    let roles: Api<k8s_openapi::api::rbac::v1::ClusterRole> = Api::all(world.client.clone());
    ensure!(roles.list(&ours).await?.items.is_empty(), "roles are left");

    // Installed again, it takes up what it left.
    run(&["install", "lakevault", &current])?;
    kubectl.run(["get", "azid", "kept", "-n", IN]).await?;
    run(&["uninstall", "lakevault"]).map(drop)
}
