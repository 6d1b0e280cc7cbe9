//! The admission policy: what it keeps the operator from, and what it leaves alone.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use testbed::poll::seen;
use testbed::until;

use crate::helm::{NAMESPACE, render};
use crate::{Case, World, served};

pub fn cases() -> Vec<Case> {
    served![the_operator_is_kept_to_what_it_wrote_or_what_consents]
}

const HERE: &str = "admission";

/// Who the operator is to the API server.
pub async fn operator(world: &World) -> Result<Client> {
    let user = format!("system:serviceaccount:{NAMESPACE}:lakevault");
    let groups = format!("system:serviceaccounts:{NAMESPACE}");
    let file = world
        .control_plane
        .user_kubeconfig(&user, &["system:serviceaccounts", &groups])?;
    world.control_plane.client_of(&file).await
}

fn secret(name: &str, metadata: Value) -> Secret {
    let mut object = json!({"metadata": metadata, "stringData": {"K": "v"}});
    object["metadata"]["name"] = json!(name);
    serde_json::from_value(object).expect("a Secret")
}

/// Whether the policy denied it; any other error is one.
fn denied<T>(outcome: Result<T, kube::Error>) -> Result<bool> {
    match outcome {
        Ok(_) => Ok(false),
        Err(kube::Error::Api(status)) if status.message.contains("lakevault-writes") => {
            ensure!(status.code == 403, "{}", status.message);
            Ok(true)
        }
        Err(error) => bail!("{error:#}"),
    }
}

async fn change(secrets: &Api<Secret>, name: &str) -> Result<bool> {
    let patch = Patch::Merge(json!({"stringData": {"K": "other"}}));
    denied(secrets.patch(name, &PatchParams::default(), &patch).await)
}

async fn delete(secrets: &Api<Secret>, name: &str) -> Result<bool> {
    let outcome = secrets.delete(name, &DeleteParams::default()).await;
    denied(outcome.map(drop))
}

/// Only the operator's rights and the policy are applied.
async fn set_up(world: &World) -> Result<()> {
    let mut objects = render("{admissionPolicy: {enabled: true}, crds: {install: false}}")?;
    objects.retain(|object| {
        let kind = object["kind"].as_str().unwrap_or_default();
        kind.starts_with("ClusterRole") || kind.starts_with("ValidatingAdmissionPolicy")
    });
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HERE}});
    objects.push(namespace);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let kubectl = world.control_plane.kubectl();
    kubectl.apply_yaml(&list.to_string()).await.map(drop)
}

async fn tear_down(world: &World) -> Result<()> {
    let kubectl = world.control_plane.kubectl();
    for kind in [
        "validatingadmissionpolicybinding",
        "validatingadmissionpolicy",
        "clusterrolebinding",
        "clusterrole",
    ] {
        let selector = "--selector=app.kubernetes.io/name=lakevault";
        kubectl.run(["delete", kind, selector]).await?;
    }
    Ok(())
}

async fn the_operator_is_kept_to_what_it_wrote_or_what_consents(world: Arc<World>) -> Result<()> {
    set_up(&world).await?;
    let theirs: Api<Secret> = Api::namespaced(world.client.clone(), HERE);
    let ours: Api<Secret> = Api::namespaced(operator(&world).await?, HERE);
    let make = PostParams::default();
    theirs.create(&make, &secret("foreign", json!({}))).await?;
    // The API server takes a moment until it has read policy and rights.
    until(
        Duration::from_secs(30),
        "the policy is in force",
        async || match change(&ours, "foreign").await {
            Ok(true) => Ok(()),
            Ok(false) => Err("it was let through".to_owned()),
            Err(error) => Err(seen(error)),
        },
    )
    .await?;
    ensure!(
        delete(&ours, "foreign").await?,
        "a foreign Secret was deleted"
    );
    let plain = ours.create(&make, &secret("plain", json!({}))).await;
    ensure!(denied(plain)?, "a Secret without marks was created");

    let marked = json!({"labels": {"lakevault.dev/managed": "true"}, "annotations": {"sync.lakevault.dev/app": "{}"}});
    ensure!(!denied(ours.create(&make, &secret("own", marked)).await)?);
    ensure!(!change(&ours, "own").await? && !delete(&ours, "own").await?);

    // Consent lets it in, and does not let it delete.
    let consents = json!({"annotations": {"lakevault.dev/allow-sync": "app"}});
    theirs.create(&make, &secret("shared", consents)).await?;
    ensure!(!change(&ours, "shared").await?);
    ensure!(
        delete(&ours, "shared").await?,
        "a shared Secret was deleted"
    );

    // Whoever took the marks off is answered by putting them back.
    let owner = json!({"ownerReferences": [{"apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "name": "app", "uid": "1"}]});
    theirs.create(&make, &secret("owned", owner)).await?;
    ensure!(!change(&ours, "owned").await?);
    let as_sync = PatchParams::apply("lakevault/app").force();
    let mut held = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "held"}, "stringData": {"K": "v"}});
    theirs.patch("held", &as_sync, &Patch::Apply(&held)).await?;
    held["stringData"]["K"] = json!("w");
    ensure!(!denied(
        ours.patch("held", &as_sync, &Patch::Apply(&held)).await
    )?);

    // Others are nobody's business.
    ensure!(!change(&theirs, "foreign").await? && !delete(&theirs, "foreign").await?);
    tear_down(&world).await
}
