//! `deploy/rbac.yaml` is enough and not too much, by what the API server says was asked.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::api::rbac::v1::{ClusterRole, Role};
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use lakevault::data_lake_account::api::DataLakeAccount;
use lakevault::key_vault::api::KeyVault;
use lakevault::lease::fence::Fence;
use lakevault::lease::keeper::{Keeper, Stake, Standing};
use lakevault::telemetry::metrics::Metrics;
use lakevault::vault_secret_sync::rollout::api::WorkloadKind;
use serde_json::json;
use testbed::poll::{expect, seen};
use testbed::{binaries, until};
use tokio_util::sync::CancellationToken;

use crate::estate::{Declared, Estate};
use crate::hands::OPERATOR;
use crate::kit::{Kit, NOT_GRANTED, SOON, TENANT, World, operator_kubeconfig};
use crate::rollouts::{install_argo, make};
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![every_permission_is_used]
}

/// Group, resource with subresource, and verb.
type Permission = (String, String, String);

/// No answer to the operator was 403, except where a namespace that is being deleted takes nothing new, and where a test wants
/// a refusal.
pub async fn nothing_was_refused(world: &World) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    let alive: BTreeSet<String> = namespaces
        .list_metadata(&ListParams::default())
        .await?
        .iter()
        .filter(|namespace| namespace.metadata.deletion_timestamp.is_none())
        .map(ResourceExt::name_any)
        .collect();
    let mut asked = world.control_plane.audit()?;
    asked.retain(|entry| entry.user == OPERATOR);
    ensure!(
        !asked.is_empty(),
        "the audit log does not know the operator"
    );
    asked.retain(|entry| {
        entry.code == 403
            && (entry.namespace.is_empty() || alive.contains(&entry.namespace))
            && !(entry.subresource == "token" && entry.name == NOT_GRANTED)
    });
    ensure!(asked.is_empty(), "{asked:#?}");
    Ok(())
}

/// What the role gives. The right to set finalizers is checked in clusters that enforce owner permissions, and asked for by
/// no request.
fn given() -> Result<BTreeSet<Permission>> {
    let text = std::fs::read_to_string(binaries::repository().join("deploy/rbac.yaml"))?;
    let mut rules = Vec::new();
    for document in text.split("\n---\n") {
        if document.contains("\nkind: ClusterRole\n") {
            let role: ClusterRole = serde_saphyr::from_str(document)?;
            rules.extend(role.rules.unwrap_or_default());
        } else if document.contains("\nkind: Role\n") {
            let role: Role = serde_saphyr::from_str(document)?;
            rules.extend(role.rules.unwrap_or_default());
        }
    }
    let mut given = BTreeSet::new();
    for rule in rules {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for verb in &rule.verbs {
                    given.insert((group.clone(), resource.clone(), verb.clone()));
                }
            }
        }
    }
    given.retain(|(_, resource, _)| !resource.ends_with("/finalizers"));
    Ok(given)
}

/// What was asked for so far. An apply that makes an object is a patch for which the right to create is needed, too.
fn used(world: &World) -> Result<BTreeSet<Permission>> {
    let mut used = BTreeSet::new();
    for entry in world.control_plane.audit()? {
        if entry.user != OPERATOR {
            continue;
        }
        let resource = if entry.subresource.is_empty() {
            entry.resource
        } else {
            format!("{}/{}", entry.resource, entry.subresource)
        };
        if entry.verb == "patch" && entry.code == 201 {
            used.insert((entry.group.clone(), resource.clone(), "create".to_owned()));
        }
        used.insert((entry.group, resource, entry.verb));
    }
    Ok(used)
}

/// A ClusterAzureIdentity that signs in with a token of the operator's own ServiceAccount.
async fn lend(kit: &Kit) -> Result<()> {
    let world = &kit.world;
    let subject = "system:serviceaccount:lakevault-system:lakevault";
    let application = json!({
        "clientId": kit.client_id, "objectId": kit.object_id, "name": kit.namespace, "secrets": [{"value": kit.client_secret}],
        "federatedCredentials": [{
            "name": "k8s", "issuer": world.control_plane.issuer(), "subject": subject, "audience": "api://AzureADTokenExchange"
        }]
    });
    kit.admin()
        .put_application(TENANT, &kit.client_id, &application)
        .await?;
    kit.apply(json!({
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "ClusterAzureIdentity", "metadata": {"name": kit.namespace},
        "spec": {
            "tenantId": TENANT, "clientId": kit.client_id, "cloud": kit.cloud(),
            "workloadIdentity": {"serviceAccountName": "lakevault"},
            "allow": [{"namespaces": {"names": [kit.namespace]}}]
        }
    }))
    .await
}

/// An identity whose cloud has its roots in a ConfigMap.
async fn bring_roots(kit: &Kit) -> Result<()> {
    let roots = std::fs::read_to_string(&kit.endpoints().ca_file)?;
    kit.apply(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "roots", "namespace": kit.namespace},
        "data": {"ca.crt": roots}
    }))
    .await?;
    let credential = json!({"clientSecret": {"name": "sp", "key": "secret"}});
    let mut identity = kit.identity("bundled", credential);
    identity["spec"]["cloud"]["caBundle"] =
        json!({"configMap": {"name": "roots", "key": "ca.crt"}});
    kit.apply(identity).await
}

/// Trouble and recovery, twice: the second Event of a kind is counted on the first one.
async fn trouble(kit: &Kit) -> Result<()> {
    for _ in 0..2 {
        for (enabled, reason) in [(false, "ObjectDisabled"), (true, "UpToDate")] {
            let change = json!({ "enabled": enabled });
            kit.admin().patch_secret(&kit.vault, "s", &change).await?;
            kit.look("app").await?;
            let status = if enabled { "True" } else { "False" };
            kit.says("app", "Synced", status, reason).await?;
        }
    }
    Ok(())
}

/// Workloads of every kind, by name and by labels, are restarted.
async fn restarts(kit: &Kit) -> Result<()> {
    install_argo(kit).await?;
    let mut rollout = Vec::new();
    for kind in [
        WorkloadKind::Deployment,
        WorkloadKind::StatefulSet,
        WorkloadKind::DaemonSet,
        WorkloadKind::Rollout,
    ] {
        make(kit, kind, "w", json!({})).await?;
        rollout.push(json!({"kind": kind, "name": "w"}));
        rollout.push(json!({"kind": kind, "matchLabels": {"none": "has"}}));
    }
    kit.rolling("rolling", rollout.into()).await?;
    kit.rotate("rolling").await.map(drop)
}

/// A resource is made, and read once more before it is deleted.
async fn comes_and_goes<K: Declared>(kit: &Kit) -> Result<()> {
    let estate = Estate::<K>::new(kit.clone()).await?;
    estate
        .ready(|spec| spec["deletionPolicy"] = json!("Delete"))
        .await?;
    estate.delete().await?;
    estate.is_gone().await
}

/// A ConfigMap is written, and deleted where another one takes its place.
async fn outputs_move(kit: &Kit) -> Result<()> {
    let estate = Estate::<DataLakeAccount>::new(kit.clone()).await?;
    for name in ["facts", "others"] {
        estate
            .ready(|spec| spec["outputs"] = json!({"configMap": name}))
            .await?;
    }
    let facts: Api<ConfigMap> = Api::namespaced(kit.client(), &kit.namespace);
    kit.is_gone(facts, "facts").await?;
    estate.delete().await?;
    estate.is_gone().await
}

/// The lease is made, and given back. The operator of these tests is alone and has none, so its keeper does that by itself, with
/// the operator's rights.
async fn lead(kit: &Kit) -> Result<()> {
    let control_plane = &kit.world.control_plane;
    let kubeconfig = operator_kubeconfig(control_plane)?;
    let client = control_plane.client_of(&kubeconfig).await?;
    let stake = Stake {
        namespace: "lakevault-system".to_owned(),
        name: "lakevault".to_owned(),
        me: kit.namespace.clone(),
    };
    let keeper = Keeper::new(client, stake, Fence::shut(), Metrics::default());
    let mut standing = keeper.standing();
    let leave = CancellationToken::new();
    let led = async {
        standing.wait_for(|now| *now == Standing::Leads).await?;
        leave.cancel();
        Ok::<_, anyhow::Error>(())
    };
    let (led, ()) = futures::join!(led, keeper.run(leave.clone()));
    led
}

async fn every_permission_is_used(kit: Kit) -> Result<()> {
    lead(&kit).await?;
    kit.synced_app().await?;
    trouble(&kit).await?;
    // A Secret that moves is deleted where it was.
    kit.edit("app", json!({"spec": {"target": {"name": "moved"}}}))
        .await?;
    kit.is_gone(kit.secrets(), "app").await?;
    lend(&kit).await?;
    bring_roots(&kit).await?;
    restarts(&kit).await?;
    let allow = json!({"lakevault.dev/allow-sync": "merging"});
    kit.make_secret("shared", json!({"THEIRS": "theirs"}), allow)
        .await?;
    let merging = kit.sync("merging", &[("K", "s")], |spec| {
        spec["identityRef"] = json!({"kind": "ClusterAzureIdentity", "name": kit.namespace});
        spec["target"] = json!({"name": "shared", "ownership": "Merge"});
    });
    kit.apply(merging).await?;
    kit.is_synced("merging").await?;
    comes_and_goes::<KeyVault>(&kit).await?;
    comes_and_goes::<DataLakeAccount>(&kit).await?;
    outputs_move(&kit).await?;
    let given = given()?;
    ensure!(given.len() > 15, "the role was not read: {given:?}");
    // The audit log may be a moment late.
    let unused = async || -> Result<BTreeSet<Permission>, String> {
        let used = used(&kit.world).map_err(seen)?;
        Ok(given.difference(&used).cloned().collect())
    };
    until(SOON, "every permission is used", async || {
        expect(&unused().await?, &BTreeSet::new())
    })
    .await?;
    let cluster_identity = format!("clusterazureidentity/{}", kit.namespace);
    let kubectl = kit.world.control_plane.kubectl();
    kubectl.run(["delete", &cluster_identity]).await?;
    Ok(())
}
