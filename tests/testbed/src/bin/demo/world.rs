//! The processes that the demo runs on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;
use serde_json::{Value, json};
use testbed::{
    ControlPlane, ControlPlaneOptions, Operator, OperatorOptions, Simulator, binaries, operator,
    scratch,
};

use crate::say::Say;

/// The vault of the samples.
pub(crate) const VAULT: &str = "kv-demo";
const TENANT: &str = "11111111-1111-1111-1111-111111111111";

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
                Simulator::start(folder, seed(&control_plane)),
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

/// What the samples expect of Azure. The values are for the demo only.
fn seed(control_plane: &ControlPlane) -> Value {
    let user = |object: &str, scope: &str| json!({"principalId": object, "role": "Key Vault Secrets User", "scope": scope});
    let (main, reports, shared) = (
        "aaaaaaaa-0000-0000-0000-000000000001",
        "aaaaaaaa-0000-0000-0000-000000000002",
        "aaaaaaaa-0000-0000-0000-000000000003",
    );
    json!({
        "issuers": [{"issuer": control_plane.issuer(), "caFile": control_plane.ca_file()}],
        "tenants": [{"id": TENANT, "name": "contoso.onmicrosoft.com", "applications": [
            {
                "clientId": "22222222-2222-2222-2222-222222222222", "objectId": main, "name": "shop",
                "secrets": [{"value": "for-the-demo-only"}]
            },
            {
                "clientId": "33333333-3333-3333-3333-333333333333", "objectId": reports, "name": "reports",
                "federatedCredentials": [{
                    "name": "demo", "issuer": control_plane.issuer(),
                    "subject": "system:serviceaccount:demo:reports", "audience": "api://AzureADTokenExchange"
                }]
            },
            {
                "clientId": "44444444-4444-4444-4444-444444444444", "objectId": shared, "name": "shared",
                "secrets": [{"value": "for-the-demo-only-too"}]
            }
        ]}],
        "vaults": [{
            "name": VAULT, "tenantId": TENANT, "subscriptionId": "55555555-5555-5555-5555-555555555555",
            "resourceGroup": "demo", "location": "westeurope", "authorization": "RBAC",
            "roleAssignments": [
                user(main, "/"),
                user(reports, "/secrets/reports-db"),
                user(reports, "/secrets/reports-licence"),
                user(shared, "/secrets/smtp-password")
            ],
            "secrets": [
                {"name": "shop-db-password", "value": "horse"},
                {"name": "shop-api-key", "value": "demo-key-1"},
                {"name": "reports-db", "value": r#"{"host": "db.example.com", "user": {"name": "reporter", "password": "staple"}}"#},
                {"name": "reports-licence", "value": "TGljZW5zZWQgdG8gdGhlIGRlbW8K"},
                {"name": "smtp-password", "value": "pigeon"}
            ]
        }]
    })
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
