//! Workloads, made and answered for by hand.

use anyhow::{Context, Result};
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use lakevault::vault_secret_sync::rollout::api::WorkloadKind;
use serde_json::{Value, json};
use testbed::audit::Entry;
use testbed::poll::seen;
use testbed::until;

use crate::kit::{Kit, SOON};

/// The annotation of sync `app`.
const ANNOTATION: &str = "rollout.lakevault.dev/app";

pub fn workloads(kit: &Kit, kind: WorkloadKind) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk(kind.group(), kind.version(), kind.as_str());
    let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
    Api::namespaced_with(kit.client(), &kit.namespace, &resource)
}

/// A workload of two pods, with changes of its spec.
pub async fn make(kit: &Kit, kind: WorkloadKind, name: &str, change: Value) -> Result<()> {
    let container = json!({"name": "c", "image": "example.invalid/none"});
    let mut spec = json!({
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    });
    match kind {
        WorkloadKind::Deployment | WorkloadKind::Rollout => spec["replicas"] = 2.into(),
        WorkloadKind::StatefulSet => {
            spec["replicas"] = 2.into();
            spec["serviceName"] = name.into();
        }
        WorkloadKind::DaemonSet => {}
    }
    for (field, value) in change.as_object().context("not an object")? {
        if value.is_null() {
            spec.as_object_mut().context("no spec")?.remove(field);
        } else {
            spec[field] = value.clone();
        }
    }
    kit.apply(json!({
        "apiVersion": format!("{}/{}", kind.group(), kind.version()), "kind": kind.as_str(),
        "metadata": {"name": name, "namespace": kit.namespace}, "spec": spec
    }))
    .await
}

/// As much of Argo Rollouts as the API server must know. Several tests may do it.
pub async fn install_argo(kit: &Kit) -> Result<()> {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = json!({
        "name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": open, "status": open}}}
    });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "rollouts.argoproj.io"},
        "spec": {
            "group": "argoproj.io", "scope": "Namespaced", "versions": [version],
            "names": {"plural": "rollouts", "singular": "rollout", "kind": "Rollout", "listKind": "RolloutList"}
        }
    });
    kit.apply(definition).await?;
    let line = [
        "wait",
        "crd/rollouts.argoproj.io",
        "--for=condition=Established",
        "--timeout=30s",
    ];
    kit.world.control_plane.kubectl().run(line).await?;
    until(SOON, "Rollouts are served", async || {
        let api = workloads(kit, WorkloadKind::Rollout);
        let listed = api.list(&kube::api::ListParams::default()).await;
        listed.map(drop).map_err(seen)
    })
    .await
}

/// The annotations of a pod template.
pub fn deployed(object: &DynamicObject) -> Value {
    let path = "/spec/template/metadata/annotations";
    object.data.pointer(path).cloned().unwrap_or_default()
}

impl Kit {
    /// A sync with key `K` of secret `s` and these rollouts, synced.
    pub async fn rolling(&self, name: &str, rollout: Value) -> Result<()> {
        self.make_identity().await?;
        let (value, _) = self.plant("s", "first").await?;
        let sync = self.sync(name, &[("K", "s")], |spec| spec["rollout"] = rollout);
        self.apply(sync).await?;
        self.holds(name, &[("K", &value)]).await?;
        self.says(name, "RolledOut", "True", "NothingToRollOut")
            .await?;
        self.is_synced(name).await
    }

    /// A new version of secret `s`, and the Secret holds it. Gives back the value.
    pub async fn rotate(&self, name: &str) -> Result<String> {
        let (value, _) = self.plant("s", &uuid::Uuid::new_v4().to_string()).await?;
        self.look(name).await?;
        self.holds(name, &[("K", &value)]).await?;
        Ok(value)
    }

    /// Waits until a Secret that was deleted is there again.
    pub async fn holds_again(&self, name: &str, value: &str) -> Result<()> {
        until(SOON, "the Secret is there again", async || {
            self.secrets().get(name).await.map(drop).map_err(seen)
        })
        .await?;
        self.holds(name, &[("K", value)]).await
    }

    /// Changes a workload as its owner would.
    pub async fn change(&self, kind: WorkloadKind, name: &str, patch: Value) -> Result<()> {
        workloads(self, kind)
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// The status that a workload's controller would write, for the generation that there is.
    pub async fn controller_says(
        &self,
        kind: WorkloadKind,
        name: &str,
        mut status: Value,
    ) -> Result<()> {
        let api = workloads(self, kind);
        let generation = api.get(name).await?.metadata.generation.unwrap_or_default();
        status["observedGeneration"] = match kind {
            WorkloadKind::Rollout => generation.to_string().into(),
            WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => {
                generation.into()
            }
        };
        let patch = Patch::Merge(json!({ "status": status }));
        api.patch_status(name, &PatchParams::default(), &patch)
            .await?;
        Ok(())
    }

    /// Waits until the pod template is changed, and says that all pods are new.
    pub async fn pods_are_new(&self, kind: WorkloadKind, name: &str) -> Result<()> {
        let observed =
            |object: &DynamicObject| match object.data.pointer("/status/observedGeneration") {
                Some(Value::String(text)) => text.parse().ok(),
                Some(number) => number.as_i64(),
                None => None,
            };
        until(SOON, &format!("{kind} {name} is restarted"), async || {
            let object = workloads(self, kind).get(name).await.map_err(seen)?;
            let marked = deployed(&object).as_object().is_some_and(|annotations| {
                annotations
                    .keys()
                    .any(|name| name.starts_with("rollout.lakevault.dev/"))
            });
            let new =
                kind == WorkloadKind::Rollout || observed(&object) != object.metadata.generation;
            if marked && new {
                Ok(())
            } else {
                Err(format!("{:?} {}", object.metadata.generation, object.data))
            }
        })
        .await?;
        self.pods_mended(kind, name).await
    }

    /// Says that all pods are new.
    pub async fn pods_mended(&self, kind: WorkloadKind, name: &str) -> Result<()> {
        let status = match kind {
            WorkloadKind::Deployment => {
                json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, "conditions": null})
            }
            WorkloadKind::StatefulSet => {
                json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "currentRevision": "b", "updateRevision": "b"})
            }
            WorkloadKind::DaemonSet => json!({
                "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2,
                "currentNumberScheduled": 2, "numberMisscheduled": 0, "numberReady": 2
            }),
            WorkloadKind::Rollout => json!({"phase": "Healthy"}),
        };
        self.controller_says(kind, name, status).await
    }

    /// Waits until changes of a workload are refused, or taken again.
    pub async fn is_frozen(&self, kind: WorkloadKind, name: &str, frozen: bool) -> Result<()> {
        let params = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        let patch = Patch::Merge(json!({"metadata": {"labels": {"touched": "yes"}}}));
        until(SOON, &format!("frozen is {frozen}"), async || {
            let answer = workloads(self, kind).patch(name, &params, &patch).await;
            if answer.is_err() == frozen {
                Ok(())
            } else {
                Err(format!("{answer:?}"))
            }
        })
        .await
    }

    /// Our annotation on a pod template.
    pub async fn annotation(&self, kind: WorkloadKind, name: &str) -> Result<Option<String>> {
        let annotations = deployed(&workloads(self, kind).get(name).await?);
        Ok(annotations[ANNOTATION].as_str().map(str::to_owned))
    }

    /// What the operator asked of workloads of a kind.
    pub fn calls(&self, kind: WorkloadKind) -> Result<Vec<Entry>> {
        self.audited(kind.plural())
    }

    /// How many workloads of a kind it has changed.
    pub fn patches(&self, kind: WorkloadKind) -> Result<usize> {
        let calls = self.calls(kind)?;
        let changed = calls
            .iter()
            .filter(|call| call.verb == "patch" && call.code < 300);
        Ok(changed.count())
    }
}
