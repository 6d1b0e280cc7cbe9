//! What the documents and deploy/simulator show is what a real API server takes, rules of CEL and Pod Security among it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::binaries;

use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        every_example_of_the_documents_is_accepted,
        the_simulators_manifests_are_accepted_and_its_pods_restricted
    ]
}

const DRY: [&str; 5] = [
    "apply",
    "--server-side",
    "--dry-run=server",
    "--validate=strict",
    "-f",
];

fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(pages(&path)?);
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The YAML of a page, each document by itself.
fn examples(page: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(page)?;
    let blocks = text.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|rest| Some(rest.split_once("\n```")?.0));
    let documents = blocks.flat_map(|block| block.split("\n---\n"));
    Ok(documents.map(str::to_owned).collect())
}

async fn every_example_of_the_documents_is_accepted(kit: Kit) -> Result<()> {
    let root = binaries::repository();
    let mut all = pages(&root.join("docs"))?;
    all.push(root.join("README.md"));
    let kubectl = kit.world.control_plane.kubectl();
    let mut seen = 0;
    for page in all {
        for text in examples(&page)? {
            let mut object: Value = serde_saphyr::from_str(&text)?;
            let version = object["apiVersion"].as_str().unwrap_or_default();
            if !version.starts_with("lakevault.dev/") {
                continue;
            }
            if object["kind"] == "ClusterAzureIdentity" {
                // Other tests have some of usual names.
                object["metadata"]["name"] = json!(kit.namespace);
            } else {
                object["metadata"]["namespace"] = json!(kit.namespace);
            }
            kubectl
                .run_with_input(DRY.into_iter().chain(["-"]), &object.to_string())
                .await
                .with_context(|| format!("{}:\n{text}", page.display()))?;
            seen += 1;
        }
    }
    ensure!(seen > 30, "only {seen} examples were found");
    Ok(())
}

/// The pod of a Deployment, as its controller would make it.
fn pod(deployment: &Value, namespace: &str) -> Value {
    let mut pod = deployment["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = deployment["metadata"]["name"].clone();
    pod["metadata"]["namespace"] = json!(namespace);
    pod
}

async fn the_simulators_manifests_are_accepted_and_its_pods_restricted(kit: Kit) -> Result<()> {
    let folder = binaries::repository().join("deploy/simulator");
    let kubectl = kit.world.control_plane.kubectl();
    let rendered = kubectl
        .run(["kustomize", &folder.display().to_string()])
        .await?;
    let app = std::fs::read_to_string(folder.join("app.yaml"))?;
    let restricted = "pod-security.kubernetes.io/enforce=restricted";
    let here = kit.namespace.as_str();
    kubectl
        .run(["label", "namespace", here, restricted])
        .await?;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": here}});
    kubectl.apply_yaml(&account.to_string()).await?;
    let mut pods = 0;
    for text in rendered.split("\n---\n").chain(app.split("\n---\n")) {
        let mut object: Value = serde_saphyr::from_str(text)?;
        if object["metadata"]["namespace"].is_string() {
            object["metadata"]["namespace"] = json!(here);
        }
        let mut tried = vec![object.clone()];
        if object["kind"] == "Deployment" {
            tried.push(pod(&object, here));
            pods += 1;
        }
        for object in tried {
            kubectl
                .run_with_input(DRY.into_iter().chain(["-"]), &object.to_string())
                .await
                .with_context(|| object.to_string())?;
        }
    }
    ensure!(pods == 2, "{pods} Deployments");
    Ok(())
}
