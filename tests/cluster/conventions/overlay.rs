//! Kustomize with deploy/kustomize/lakevault.yaml: names that it changes are changed wherever our kinds name them.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testbed::{Scratch, binaries};

use super::kubectl;
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![
        a_renamed_overlay_is_whole_and_becomes_ready,
        every_reference_follows_its_object
    ]
}

/// A folder with these objects, our configuration, and a kustomization.
fn overlay(name: &str, objects: &[Value], kustomization: &Value) -> Result<Scratch> {
    let folder = Scratch::new(name)?;
    let configuration = binaries::repository().join("deploy/kustomize/lakevault.yaml");
    std::fs::copy(configuration, folder.path().join("lakevault.yaml"))?;
    let objects: Vec<String> = objects.iter().map(Value::to_string).collect();
    std::fs::write(folder.path().join("objects.yaml"), objects.join("\n---\n"))?;
    let text = kustomization.to_string();
    std::fs::write(folder.path().join("kustomization.yaml"), text)?;
    Ok(folder)
}

fn kustomization(kit: &Kit) -> Value {
    json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "configurations": ["lakevault.yaml"], "resources": ["objects.yaml"],
        "namespace": kit.namespace, "namePrefix": "dev-"
    })
}

fn object(api: &str, kind: &str, name: &str, more: &Value) -> Value {
    let mut object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}});
    let fields = more.as_object().into_iter().flatten();
    for (field, value) in fields {
        if field == "annotations" {
            object["metadata"]["annotations"] = value.clone();
        } else {
            object[field] = value.clone();
        }
    }
    object
}

fn ours(kind: &str, name: &str, spec: &Value) -> Value {
    object("lakevault.dev/v1alpha1", kind, name, &json!({"spec": spec}))
}

/// Without the namespace, which the kustomization gives.
fn anywhere(mut object: Value) -> Value {
    object["metadata"]
        .as_object_mut()
        .map(|meta| meta.remove("namespace"));
    object
}

async fn a_renamed_overlay_is_whole_and_becomes_ready(kit: Kit) -> Result<()> {
    let (value, _) = kit.plant("s", "first").await?;
    let credential = json!({"clientSecret": {"name": "sp", "key": "secret"}});
    let pods = json!({"spec": {"containers": [{
        "name": "app", "image": "busybox", "envFrom": [{"secretRef": {"name": "app"}}]
    }]}});
    let objects = [
        anywhere(kit.identity("main", credential)),
        anywhere(kit.sync("app", &[("K", "s")], |spec| {
            spec["rollout"] = json!([{"kind": "Deployment", "name": "app"}]);
        })),
        object(
            "apps/v1",
            "Deployment",
            "app",
            &json!({"spec": {
                "selector": {"matchLabels": {"app": "app"}},
                "template": {"metadata": {"labels": {"app": "app"}}, "spec": pods["spec"]}
            }}),
        ),
    ];
    let mut kustomization = kustomization(&kit);
    let literal = format!("secret={}", kit.client_secret);
    kustomization["secretGenerator"] = json!([{"name": "sp", "literals": [literal]}]);
    kustomization["patches"] = json!([
        {"target": {"kind": "VaultSecretSync", "name": "app"},
         "patch": r#"[{"op": "add", "path": "/spec/refreshInterval", "value": "1h"}]"#},
        {"patch": json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync",
            "metadata": {"name": "app"}, "spec": {"onMissing": "Remove"}
        }).to_string()}
    ]);
    let folder = overlay("overlay", &objects, &kustomization)?;
    let folder = folder.path().display().to_string();
    kubectl(&kit, &["apply", "--server-side", "-k", &folder]).await?;
    kit.is_synced("dev-app").await?;
    kit.holds("dev-app", &[("K", &value)]).await?;
    // A Deployment that is not there would be told.
    kit.says("dev-app", "RolledOut", "True", "NothingToRollOut")
        .await?;
    let reader = "jsonpath={.spec.template.spec.containers[0].envFrom[0].secretRef.name}";
    let reader = kubectl(&kit, &["get", "deployment", "dev-app", "-o", reader]).await?;
    ensure!(reader == "dev-app", "{reader}");
    let spec = "jsonpath={.spec.refreshInterval} {.spec.onMissing}";
    let spec = kubectl(&kit, &["get", "vss", "dev-app", "-o", spec]).await?;
    ensure!(spec == "1h Remove", "{spec}");
    let diff = kubectl(&kit, &["diff", "--server-side", "-k", &folder]).await?;
    ensure!(diff.is_empty(), "{diff}");
    Ok(())
}

/// A field of one of the built objects. A `/` within a word is written as kustomize does it.
fn field<'o>(built: &'o [Value], kind: &str, name: &str, path: &str) -> Result<&'o str> {
    let is = |one: &&Value| one["kind"] == kind && one["metadata"]["name"] == name;
    let found = built.iter().find(is);
    let found = found.with_context(|| format!("no {kind} {name} in {built:?}"))?;
    let pointer = format!("/{}", path.replace(r"\/", "~1"));
    let value = found.pointer(&pointer).and_then(Value::as_str);
    value.with_context(|| format!("{kind} {name} has no {pointer}: {found}"))
}

async fn every_reference_follows_its_object(kit: Kit) -> Result<()> {
    let objects = [
        object("v1", "Secret", "sp", &json!({})),
        object(
            "v1",
            "Secret",
            "local",
            &json!({"annotations": {
                "lakevault.dev/allow-push": "app", "lakevault.dev/allow-sync": "app",
                "lakevault.dev/allow-file": "lake"
            }}),
        ),
        object("v1", "ConfigMap", "ca", &json!({})),
        object("v1", "ServiceAccount", "runner", &json!({})),
        object("argoproj.io/v1alpha1", "Rollout", "green", &json!({})),
        object(
            "batch/v1",
            "CronJob",
            "nightly",
            &json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": {
                "containers": [{"name": "c", "envFrom": [{"secretRef": {"name": "app"}}]}]
            }}}}}}),
        ),
        ours(
            "AzureIdentity",
            "by-secret",
            &json!({
                "clientSecret": {"name": "sp"}, "cloud": {"caBundle": {"configMap": {"name": "ca"}}}
            }),
        ),
        ours(
            "AzureIdentity",
            "by-certificate",
            &json!({"clientCertificate": {"name": "sp"}}),
        ),
        ours(
            "AzureIdentity",
            "by-account",
            &json!({"workloadIdentity": {"serviceAccountName": "runner"}}),
        ),
        ours(
            "KeyVault",
            "vault",
            &json!({"identityRef": {"name": "by-secret"}, "azureName": "vault"}),
        ),
        ours(
            "DataLakeAccount",
            "lake",
            &json!({
                "identityRef": {"name": "by-secret"}, "azureName": "lake",
                "encryption": {"key": {"name": "vault", "vaultRef": {"name": "vault"}}},
                "filesystems": [{"name": "sp", "files": [
                    {"path": "a", "from": {"secret": {"name": "local"}}},
                    {"path": "b", "from": {"configMap": {"name": "ca"}}}
                ]}]
            }),
        ),
        ours(
            "VaultSecretSync",
            "app",
            &json!({
                "identityRef": {"name": "by-account"}, "vaultRef": {"name": "vault"},
                "data": [{"key": "a", "secret": {"name": "sp"}, "vaultRef": {"name": "vault"}},
                         {"key": "b", "accessToken": {"mlServer": {"passwordFrom": {"name": "sp"}}}}],
                "dataFrom": [{"vaultRef": {"name": "vault"}, "expand": {"secret": {"name": "sp"}}}],
                "target": {"name": "local", "ownership": "Merge"},
                "rollout": [{"kind": "Rollout", "name": "green"}],
                "push": [{"from": {"secret": "local"}, "to": {"secret": "local"}}]
            }),
        ),
    ];
    let folder = overlay("references", &objects, &kustomization(&kit))?;
    let built = kubectl(&kit, &["kustomize", &folder.path().display().to_string()]).await?;
    let built: Result<Vec<Value>, _> = built.split("\n---\n").map(serde_saphyr::from_str).collect();
    let built = built?;
    let follows = [
        (
            "AzureIdentity",
            "by-secret",
            "spec/clientSecret/name",
            "dev-sp",
        ),
        (
            "AzureIdentity",
            "by-secret",
            "spec/cloud/caBundle/configMap/name",
            "dev-ca",
        ),
        (
            "AzureIdentity",
            "by-certificate",
            "spec/clientCertificate/name",
            "dev-sp",
        ),
        (
            "AzureIdentity",
            "by-account",
            "spec/workloadIdentity/serviceAccountName",
            "dev-runner",
        ),
        (
            "KeyVault",
            "vault",
            "spec/identityRef/name",
            "dev-by-secret",
        ),
        (
            "DataLakeAccount",
            "lake",
            "spec/identityRef/name",
            "dev-by-secret",
        ),
        (
            "DataLakeAccount",
            "lake",
            "spec/encryption/key/vaultRef/name",
            "dev-vault",
        ),
        (
            "DataLakeAccount",
            "lake",
            "spec/filesystems/0/files/0/from/secret/name",
            "dev-local",
        ),
        (
            "DataLakeAccount",
            "lake",
            "spec/filesystems/0/files/1/from/configMap/name",
            "dev-ca",
        ),
        (
            "VaultSecretSync",
            "app",
            "spec/identityRef/name",
            "dev-by-account",
        ),
        ("VaultSecretSync", "app", "spec/vaultRef/name", "dev-vault"),
        (
            "VaultSecretSync",
            "app",
            "spec/data/0/vaultRef/name",
            "dev-vault",
        ),
        (
            "VaultSecretSync",
            "app",
            "spec/data/1/accessToken/mlServer/passwordFrom/name",
            "dev-sp",
        ),
        (
            "VaultSecretSync",
            "app",
            "spec/dataFrom/0/vaultRef/name",
            "dev-vault",
        ),
        ("VaultSecretSync", "app", "spec/target/name", "dev-local"),
        ("VaultSecretSync", "app", "spec/rollout/0/name", "dev-green"),
        (
            "VaultSecretSync",
            "app",
            "spec/push/0/from/secret",
            "dev-local",
        ),
        (
            "Secret",
            "local",
            r"metadata/annotations/lakevault.dev\/allow-push",
            "dev-app",
        ),
        (
            "Secret",
            "local",
            r"metadata/annotations/lakevault.dev\/allow-sync",
            "dev-app",
        ),
        (
            "Secret",
            "local",
            r"metadata/annotations/lakevault.dev\/allow-file",
            "dev-lake",
        ),
        (
            "CronJob",
            "nightly",
            "spec/jobTemplate/spec/template/spec/containers/0/envFrom/0/secretRef/name",
            "dev-app",
        ),
        // Names of what is in Azure stay.
        ("KeyVault", "vault", "spec/azureName", "vault"),
        ("DataLakeAccount", "lake", "spec/azureName", "lake"),
        (
            "DataLakeAccount",
            "lake",
            "spec/encryption/key/name",
            "vault",
        ),
        ("DataLakeAccount", "lake", "spec/filesystems/0/name", "sp"),
        ("VaultSecretSync", "app", "spec/data/0/secret/name", "sp"),
        (
            "VaultSecretSync",
            "app",
            "spec/dataFrom/0/expand/secret/name",
            "sp",
        ),
        ("VaultSecretSync", "app", "spec/push/0/to/secret", "local"),
    ];
    for (kind, name, path, wanted) in follows {
        let found = field(&built, kind, &format!("dev-{name}"), path)?;
        ensure!(found == wanted, "{kind} {name} {path} is {found}");
    }
    Ok(())
}
