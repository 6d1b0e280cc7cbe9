//! An operator that serves some namespaces, with the Roles that the chart gives it there and nothing else.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use lakevault::vault_secret_sync::api::VaultSecretSync;
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::{Operator, OperatorOptions, Simulator, SimulatorOptions, binaries, until};

use crate::helm::{NAMESPACE, of_kind, render};
use crate::{Case, World, served};

pub fn cases() -> Vec<Case> {
    served![some_namespaces_are_served_with_roles_alone]
}

const SOON: Duration = Duration::from_mins(1);
const TENANT: &str = "11111111-1111-1111-1111-111111111111";
const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
const USER: &str = "system:serviceaccount:lakevault-system:lakevault";
const VAULT: &str = "kv-some";

async fn start_simulator(world: &World) -> Result<Simulator> {
    let object = "44444444-4444-4444-4444-444444444444";
    let application = json!({"clientId": CLIENT, "objectId": object, "name": "some", "secrets": [{"value": "secret"}]});
    let seed = json!({"tenants": [{"id": TENANT, "name": "contoso.onmicrosoft.com", "applications": [application]}]});
    let folder = world.scratch.path().join("simulator");
    let simulator = Simulator::start(&folder, SimulatorOptions::from(seed)).await?;
    let vault = json!({
        "name": VAULT, "tenantId": TENANT, "subscriptionId": "33333333-3333-3333-3333-333333333333", "resourceGroup": "rg",
        "location": "westeurope", "authorization": "RBAC",
        "roleAssignments": [{"principalId": object, "role": "Key Vault Secrets User"}]
    });
    simulator.admin().put_vault(VAULT, &vault).await?;
    simulator.admin().put_secret(VAULT, "s", "value").await?;
    Ok(simulator)
}

/// A namespace with an identity, and a sync by it and one by an identity of the cluster.
fn furnished(name: &str, simulator: &Simulator) -> Vec<Value> {
    let endpoints = simulator.endpoints();
    let of = |kind: &str, name_of: &str, rest: Value| {
        let mut object = rest;
        object["apiVersion"] = json!(if kind == "Secret" {
            "v1"
        } else {
            "lakevault.dev/v1alpha1"
        });
        object["kind"] = json!(kind);
        object["metadata"] = json!({"name": name_of, "namespace": name});
        object
    };
    let cloud = json!({"custom": {
        "authorityHost": endpoints.authority_host,
        "keyVault": {"dnsSuffix": endpoints.key_vault_suffix, "audience": endpoints.key_vault_audience}
    }});
    let identity = json!({"spec": {
        "tenantId": TENANT, "clientId": CLIENT, "cloud": cloud, "clientSecret": {"name": "sp", "key": "secret"}
    }});
    let sync = |identity: Value| {
        json!({"spec": {
            "vaultUri": endpoints.vault_url(VAULT), "identityRef": identity, "data": [{"key": "K", "secret": {"name": "s"}}]
        }})
    };
    let lent = json!({"kind": "ClusterAzureIdentity", "name": "lent"});
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
        of("Secret", "sp", json!({"stringData": {"secret": "secret"}})),
        of("AzureIdentity", "main", identity),
        of("VaultSecretSync", "app", sync(json!({"name": "main"}))),
        of("VaultSecretSync", "lent", sync(lent)),
    ]
}

async fn apply(world: &World, objects: &[Value]) -> Result<()> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let kubectl = world.control_plane.kubectl();
    kubectl.apply_yaml(&list.to_string()).await.map(drop)
}

/// The rights that the chart gives in one namespace.
fn roles(namespace: &str) -> Result<Vec<Value>> {
    let objects = render(&format!("namespaces: [{namespace}]"))?;
    let kinds = ["Role", "RoleBinding"];
    let all = kinds.iter().flat_map(|kind| of_kind(&objects, kind));
    let there = all.filter(|role| role["metadata"]["namespace"] == namespace);
    Ok(there.cloned().collect())
}

async fn is_synced(client: &Client, namespace: &str) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    until(SOON, &format!("{namespace} is served"), async || {
        let data = secrets.get("app").await.map_err(seen)?.data;
        let value = data.unwrap_or_default().remove("K");
        let value = value.ok_or("no key")?;
        if value.0 == b"value" {
            Ok(())
        } else {
            Err(format!("{value:?}"))
        }
    })
    .await
}

/// What a sync says of itself.
async fn says(client: &Client, namespace: &str, name: &str) -> Result<String> {
    let syncs: Api<VaultSecretSync> = Api::namespaced(client.clone(), namespace);
    let status = syncs.get(name).await?.status;
    let conditions = status.map(|status| status.conditions).unwrap_or_default();
    let words = conditions
        .iter()
        .map(|one| format!("{} {}; ", one.reason, one.message));
    Ok(words.collect())
}

async fn some_namespaces_are_served_with_roles_alone(world: Arc<World>) -> Result<()> {
    let (root, client) = (binaries::repository(), &world.client);
    let kubectl = world.control_plane.kubectl();
    kubectl.apply_dir(&root.join("crds")).await?;
    let simulator = start_simulator(&world).await?;
    for name in ["some-a", "some-late", "some-other"] {
        apply(&world, &furnished(name, &simulator)).await?;
    }
    apply(&world, &roles("some-a")?).await?;

    let groups = format!("system:serviceaccounts:{NAMESPACE}");
    let user: PathBuf = world
        .control_plane
        .user_kubeconfig(USER, &["system:serviceaccounts", &groups])?;
    let options = OperatorOptions::new(&user, &world.scratch.path().join("operator"))
        .with_azure(simulator.endpoints())
        .arg("--watch-namespaces=some-late,some-a,some-gone");
    let operator = Operator::start(options).await?;
    // Two of the three let it in only later or never, which keeps the first one from nothing.
    is_synced(client, "some-a").await?;
    until(SOON, "the sync with a lent identity says why", async || {
        let said = says(client, "some-a", "lent").await.map_err(seen)?;
        if said.contains("IdentityNotFound") && said.contains("--watch-namespaces") {
            Ok(())
        } else {
            Err(said)
        }
    })
    .await?;
    ensure!(says(client, "some-late", "app").await?.is_empty());

    apply(&world, &roles("some-late")?).await?;
    is_synced(client, "some-late").await?;
    ensure!(says(client, "some-other", "app").await?.is_empty());

    let mut asked = world.control_plane.audit()?;
    asked.retain(|entry| entry.user == USER);
    ensure!(asked.len() > 10, "{asked:#?}");
    let wide = asked.iter().find(|entry| entry.namespace.is_empty());
    ensure!(wide.is_none(), "asked of the whole cluster: {wide:#?}");
    let refused = asked
        .iter()
        .find(|entry| entry.code == 403 && entry.namespace == "some-a");
    ensure!(refused.is_none(), "{refused:#?}");
    operator.terminate(SOON).await?;
    Ok(())
}
