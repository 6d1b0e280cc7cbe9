//! The processes that the demo runs on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;
use serde_json::Value;
use testbed::{
    ControlPlane, ControlPlaneOptions, Operator, OperatorOptions, Simulator, binaries, operator,
    scratch,
};

use crate::say::Say;

/// The vault of the samples.
pub(crate) const VAULT: &str = "kv-demo";
/// The seed is written for a cluster of kind.
const ISSUER_OF_CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";
const CA_IN_CLUSTER: &str = "/etc/kubernetes/ca.crt";

/// Dropping it ends the processes, the operator first.
pub(crate) struct World {
    pub(crate) operator: Operator,
    pub(crate) simulator: Simulator,
    pub(crate) control_plane: ControlPlane,
    pub(crate) client: Client,
}

impl World {
    pub(crate) async fn start(say: &Say, folder: &Path) -> Result<Self> {
        let root = binaries::repository();
        let options = ControlPlaneOptions {
            crds: vec![root.join("crds")],
            ..ControlPlaneOptions::default()
        };
        let control_plane = say
            .step(
                "Kubernetes: etcd, kube-apiserver, kube-controller-manager, with crds/ applied",
                ControlPlane::start(folder, options),
            )
            .await?;
        let simulator = say
            .step(
                &format!("Azure: a stand-in with Entra ID and the vault {VAULT}"),
                Simulator::start(folder, seed(&control_plane)?),
            )
            .await?;
        let operator = say
            .step(
                "Lakevault: the operator, with the rights of deploy/rbac.yaml and no others",
                start_operator(&control_plane, &simulator, folder),
            )
            .await?;
        Ok(Self {
            client: control_plane.client().await?,
            operator,
            simulator,
            control_plane,
        })
    }

    /// Ends all processes in order.
    pub(crate) async fn stop(self) -> Result<()> {
        self.operator.terminate(Duration::from_secs(10)).await?;
        self.simulator.terminate(Duration::from_secs(5)).await?;
        self.control_plane.stop().await
    }
}

async fn start_operator(
    control_plane: &ControlPlane,
    simulator: &Simulator,
    folder: &Path,
) -> Result<Operator> {
    let kubectl = control_plane.kubectl();
    kubectl
        .run(["create", "namespace", operator::NAMESPACE])
        .await?;
    kubectl
        .apply_dir(&binaries::repository().join("deploy/rbac.yaml"))
        .await?;
    let namespace = operator::NAMESPACE;
    let kubeconfig = control_plane.user_kubeconfig(
        &format!("system:serviceaccount:{namespace}:lakevault"),
        &[
            "system:serviceaccounts",
            &format!("system:serviceaccounts:{namespace}"),
        ],
    )?;
    Operator::start(OperatorOptions::new(&kubeconfig, folder).with_azure(simulator.endpoints()))
        .await
}

/// What the samples expect of Azure: what the simulator has in a cluster, with this control plane for the cluster's.
fn seed(control_plane: &ControlPlane) -> Result<Value> {
    let file = binaries::repository().join("deploy/simulator/seed.yaml");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let ca_file = control_plane.ca_file().display().to_string();
    let text = text
        .replace(ISSUER_OF_CLUSTER, control_plane.issuer())
        .replace(CA_IN_CLUSTER, &ca_file);
    serde_saphyr::from_str(&text).with_context(|| file.display().to_string())
}

/// A new folder `<target>/demo/<process id>`; those of demos that run no more are removed.
pub(crate) fn fresh_folder() -> Result<PathBuf> {
    let built = binaries::target_folder()?;
    let parent = built.parent().unwrap_or(&built).join("demo");
    scratch::remove_left_behind(&parent);
    let folder = parent.join(std::process::id().to_string());
    if folder.exists() {
        // Of an earlier process with the same number.
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
