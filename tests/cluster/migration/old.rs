//! Other operators' objects and Secrets as they are in a cluster, and what a person does with them.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DynamicObject, GroupVersionKind, PostParams, WatchEvent, WatchParams};
use kube::core::ApiResource;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use std::time::Duration;
use testbed::poll::seen;
use testbed::{binaries, until};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinHandle;

use super::text;
use crate::kit::{Kit, PLANTED, SOON, TENANT};

/// How long the garbage collector may take to learn of a new kind, and then to collect.
const COLLECTED: Duration = Duration::from_mins(2);

/// Whose the Secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    External,
    Akv2k8s,
    Csi,
}

/// A namespace with a Secret `app` that another operator keeps: key `K` of secret `s` of the vault.
pub struct Old {
    pub kit: Kit,
    shape: Shape,
    /// What owns Secret `control`, which nobody takes over.
    control: Value,
}

impl Old {
    pub async fn set(kit: Kit, shape: Shape) -> Result<Self> {
        let (value, _) = kit.plant("s", "first").await?;
        kit.apply(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sp", "namespace": kit.namespace},
            "stringData": {"clientid": kit.client_id, "clientsecret": kit.client_secret},
        }))
        .await?;
        let secret = json!({"clientSecret": {"name": "sp", "key": "clientsecret"}});
        kit.apply(kit.identity("main", secret)).await?;
        let old = Self {
            kit,
            shape,
            control: Value::Null,
        };
        for crd in old.definitions() {
            old.define(&crd).await?;
        }
        let (first, control) = (old.owner("app").await?, old.owner("control").await?);
        old.secret("app", &first, &value).await?;
        old.secret("control", &control, &value).await?;
        Ok(Self { control, ..old })
    }

    fn definitions(&self) -> Vec<Value> {
        let crd = |group: &str, version: &str, kind: &str| {
            let (one, many) = (kind.to_lowercase(), format!("{}s", kind.to_lowercase()));
            let many = if one.ends_with("class") {
                format!("{one}es")
            } else {
                many
            };
            let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
            json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": format!("{many}.{group}")},
                "spec": {
                    "group": group, "scope": "Namespaced",
                    "names": {"kind": kind, "singular": one, "plural": many},
                    "versions": [{"name": version, "served": true, "storage": true, "schema": schema}],
                },
            })
        };
        match self.shape {
            Shape::External => vec![
                crd("external-secrets.io", "v1", "ExternalSecret"),
                crd("external-secrets.io", "v1", "SecretStore"),
            ],
            Shape::Akv2k8s => vec![crd("spv.no", "v2beta1", "AzureKeyVaultSecret")],
            Shape::Csi => vec![crd(
                "secrets-store.csi.x-k8s.io",
                "v1",
                "SecretProviderClass",
            )],
        }
    }

    async fn define(&self, crd: &Value) -> Result<()> {
        self.kit.apply(crd.clone()).await?;
        let name = format!("crd/{}", text(crd, "/metadata/name"));
        let wait = [
            "wait",
            &name,
            "--for=condition=Established",
            "--timeout=30s",
        ];
        self.kit
            .world
            .control_plane
            .kubectl()
            .run(wait)
            .await
            .map(drop)
    }

    /// Makes what owns a Secret of this name, and all around it.
    async fn owner(&self, name: &str) -> Result<Value> {
        let kit = &self.kit;
        let metadata = json!({"name": name, "namespace": kit.namespace});
        let uri = kit.endpoints().vault_url(&kit.vault);
        let objects = match self.shape {
            Shape::External => {
                let key = |key: &str| json!({"name": "sp", "key": key});
                let azure = json!({"vaultUrl": uri, "tenantId": TENANT, "authSecretRef": {"clientId": key("clientid"), "clientSecret": key("clientsecret")}});
                let store = json!({
                    "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
                    "metadata": {"name": "kv", "namespace": kit.namespace}, "spec": {"provider": {"azurekv": azure}},
                });
                let entry = json!({"secretKey": "K", "remoteRef": {"key": "s"}});
                let external = json!({
                    "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": metadata,
                    "spec": {"refreshInterval": "1h", "secretStoreRef": {"name": "kv", "kind": "SecretStore"}, "data": [entry]},
                });
                vec![store, external]
            }
            Shape::Akv2k8s => {
                let controller = json!({
                    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "akv2k8s-controller", "namespace": "akv2k8s"},
                    "spec": {
                        "replicas": 0, "selector": {"matchLabels": {"app": "akv2k8s"}},
                        "template": {"metadata": {"labels": {"app": "akv2k8s"}}, "spec": {"containers": [{"name": "c", "image": "none"}]}},
                    },
                });
                let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "akv2k8s"}});
                let object = json!({"name": "s", "type": "secret"});
                let own = json!({
                    "apiVersion": "spv.no/v2beta1", "kind": "AzureKeyVaultSecret", "metadata": metadata,
                    "spec": {"vault": {"name": kit.vault, "object": object}, "output": {"secret": {"name": name, "dataKey": "K"}}},
                });
                vec![namespace, controller, own]
            }
            Shape::Csi => {
                let data = json!([{"objectName": "s", "key": "K"}]);
                let class = json!({
                    "apiVersion": "secrets-store.csi.x-k8s.io/v1", "kind": "SecretProviderClass", "metadata": metadata,
                    "spec": {
                        "provider": "azure", "secretObjects": [{"secretName": name, "type": "Opaque", "data": data}],
                        "parameters": {
                            "keyvaultName": kit.vault, "tenantID": TENANT,
                            "objects": "array:\n- |\n  objectName: s\n  objectType: secret\n",
                        },
                    },
                });
                let volume = json!({"name": "v", "csi": {
                    "driver": "secrets-store.csi.k8s.io", "readOnly": true, "nodePublishSecretRef": {"name": "sp"},
                    "volumeAttributes": {"secretProviderClass": name},
                }});
                let pod = json!({"metadata": {"labels": {"app": name}}, "spec": {"volumes": [volume], "containers": [{"name": "c", "image": "none"}]}});
                let set = json!({
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata,
                    "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": pod},
                });
                vec![class, set]
            }
        };
        for object in &objects {
            kit.apply(object.clone()).await?;
        }
        let owner = objects.last().context("no owner")?;
        let api = self.api(owner)?;
        Ok(serde_json::to_value(api.get(name).await?)?)
    }

    fn api(&self, object: &Value) -> Result<Api<DynamicObject>> {
        let version = text(object, "/apiVersion");
        let (group, version) = version.split_once('/').context("no group")?;
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(
            group,
            version,
            text(object, "/kind"),
        ));
        Ok(Api::namespaced_with(
            self.kit.client(),
            &self.kit.namespace,
            &resource,
        ))
    }

    /// The Secret as its operator makes it.
    async fn secret(&self, name: &str, owner: &Value, value: &str) -> Result<()> {
        let mut reference = json!({
            "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name, "uid": owner["metadata"]["uid"],
        });
        let (manager, labels, annotations) = match self.shape {
            Shape::External => {
                (reference["controller"], reference["blockOwnerDeletion"]) =
                    (json!(true), json!(true));
                let labels = json!({"reconcile.external-secrets.io/created-by": "0f3e", "reconcile.external-secrets.io/managed": "true"});
                let manager = format!("externalsecrets.external-secrets.io/{name}");
                (
                    manager,
                    labels,
                    json!({"reconcile.external-secrets.io/data-hash": "1d2c"}),
                )
            }
            Shape::Akv2k8s => {
                (reference["controller"], reference["blockOwnerDeletion"]) =
                    (json!(false), json!(true));
                (
                    "azure-keyvault-controller".to_owned(),
                    json!({"copied": "label"}),
                    json!({"copied": "annotation"}),
                )
            }
            Shape::Csi => (
                "secrets-store-csi".to_owned(),
                json!({"secrets-store.csi.k8s.io/managed": "true"}),
                json!({}),
            ),
        };
        let secret: Secret = serde_json::from_value(json!({
            "metadata": {"name": name, "labels": labels, "annotations": annotations, "ownerReferences": [reference]},
            "stringData": {"K": value}, "type": "Opaque",
        }))?;
        let params = PostParams {
            field_manager: Some(manager),
            ..PostParams::default()
        };
        self.kit.secrets().create(&params, &secret).await?;
        Ok(())
    }

    /// What is in the cluster goes through the command line, and what comes of it is applied. Gives the commands that it tells.
    pub async fn convert_and_apply(&self) -> Result<Vec<String>> {
        let kinds = match self.shape {
            Shape::External => "secretstores,externalsecrets,secrets",
            Shape::Akv2k8s => "azurekeyvaultsecrets",
            Shape::Csi => "secretproviderclasses,secrets,replicasets",
        };
        let kubectl = self.kit.world.control_plane.kubectl();
        let found = kubectl
            .run(["-n", &self.kit.namespace, "get", kinds, "-o", "yaml"])
            .await?;
        let suffix = &self.kit.endpoints().key_vault_suffix;
        let mut arguments = vec!["-f", "-", "--vault-suffix", suffix];
        if self.shape == Shape::Akv2k8s {
            arguments.extend(["--identity", "main"]);
        }
        let printed = migrate(&self.kit, &arguments, Some(&found)).await?;
        for document in printed.split("---\n") {
            let mut object: Value = serde_saphyr::from_str(document)?;
            // The cloud of the test is none that the other operators know, and the port is not theirs either.
            if object["kind"] == "AzureIdentity" {
                object["spec"]["cloud"] = self.kit.cloud();
            } else {
                object["spec"]["vaultUri"] = json!(self.kit.endpoints().vault_url(&self.kit.vault));
            }
            self.kit.apply(object).await?;
        }
        self.kit
            .says("app", "Synced", "False", "TargetNotOurs")
            .await?;
        let own = printed.split("---\n").find(|document| {
            document.contains("\n  name: app\n") && document.contains("kind: VaultSecretSync")
        });
        let lines = own.context("no sync app")?.lines();
        Ok(lines
            .filter_map(|line| line.strip_prefix("#   "))
            .map(str::to_owned)
            .collect())
    }

    /// A command as a person types it.
    pub async fn shell(&self, command: &str) -> Result<()> {
        let kubectl = binaries::kubernetes("kubectl")?;
        let folder = kubectl.parent().context("no folder")?;
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", command])
            .env("PATH", format!("{}:{path}", folder.display()))
            .env("KUBECONFIG", self.kit.world.control_plane.kubeconfig())
            .kill_on_drop(true)
            .output()
            .await?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command}: {told}");
        Ok(())
    }

    pub async fn is_deleted(&self, kind: &str, name: &str) -> Result<()> {
        let line = [
            "-n",
            &self.kit.namespace,
            "get",
            kind,
            name,
            "--ignore-not-found",
        ];
        let found = self.kit.world.control_plane.kubectl().run(line).await?;
        ensure!(found.trim().is_empty(), "{found}");
        Ok(())
    }

    /// The garbage collector is at work: what an owner of the same kind still has goes with it.
    pub async fn the_owner_takes_others_along(&self) -> Result<()> {
        let api = self.api(&self.control)?;
        // The sync that was made for it was never let in, and makes a Secret of its own when that name is free.
        let before = self.kit.secret("control").await?.metadata.uid;
        let params = kube::api::DeleteParams::background();
        api.delete("control", &params).await?;
        if self.shape == Shape::Csi {
            api.delete("app", &params).await?;
        }
        until(
            COLLECTED,
            "the garbage collector takes Secret control",
            async || match self.kit.secrets().get_opt("control").await.map_err(seen)? {
                Some(there) if there.metadata.uid == before => {
                    Err(format!("{:?}", there.metadata.owner_references))
                }
                _ => Ok(()),
            },
        )
        .await
    }

    /// Looks at Secret `app` from now on.
    pub fn watch(&self, from: &Secret) -> Watch {
        let all = Arc::new(Mutex::new(vec![from.clone()]));
        let (secrets, version) = (
            self.kit.secrets(),
            from.resource_version().unwrap_or_default(),
        );
        let into = Arc::clone(&all);
        let task = tokio::spawn(async move {
            let params = WatchParams::default()
                .fields("metadata.name=app")
                .timeout(290);
            let stream = secrets.watch(&params, &version).await?;
            let mut stream = stream.boxed();
            while let Some(event) = stream.next().await {
                if let WatchEvent::Added(secret)
                | WatchEvent::Modified(secret)
                | WatchEvent::Deleted(secret) = event?
                {
                    into.lock().unwrap().push(secret);
                }
            }
            anyhow::Ok(())
        });
        Watch { all, task }
    }
}

/// Every state of a Secret that the API server had.
pub struct Watch {
    all: Arc<Mutex<Vec<Secret>>>,
    task: JoinHandle<Result<()>>,
}

impl Watch {
    /// Up to this one.
    pub async fn until(self, last: &Secret) -> Result<Seen> {
        let version = last.resource_version();
        let states = until(SOON, "the watch has come so far", async || {
            let all = self.all.lock().unwrap().clone();
            if all.iter().any(|state| state.resource_version() == version) {
                Ok(all)
            } else {
                Err(format!("{} states", all.len()))
            }
        })
        .await?;
        self.task.abort();
        Ok(Seen(states))
    }
}

/// States of a Secret.
pub struct Seen(Vec<Secret>);

impl Seen {
    /// Whoever reads it has read the same at any time.
    pub fn nothing_but_metadata_changed(&self, before: &Secret) -> Result<()> {
        ensure!(self.0.len() > 1, "nothing was seen");
        for state in &self.0 {
            let version = state.resource_version();
            ensure!(
                state.metadata.uid == before.metadata.uid,
                "another Secret at {version:?}"
            );
            ensure!(
                state.metadata.deletion_timestamp.is_none(),
                "deleted at {version:?}"
            );
            let same = state.data == before.data
                && state.type_ == before.type_
                && state.immutable == before.immutable;
            ensure!(same, "its values changed at {version:?}");
        }
        Ok(())
    }
}

/// What the command line prints.
pub async fn migrate(kit: &Kit, arguments: &[&str], input: Option<&str>) -> Result<String> {
    let mut child = Command::new(binaries::operator()?)
        .arg("migrate")
        .args(arguments)
        .args(["-n", &kit.namespace])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().context("no input")?;
    stdin
        .write_all(input.unwrap_or_default().as_bytes())
        .await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    let (printed, told) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(output.status.success(), "{told}");
    ensure!(
        !printed.contains(PLANTED) && !told.contains(PLANTED),
        "a value was printed"
    );
    Ok(printed)
}
