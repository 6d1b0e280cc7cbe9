//! Looking at the cluster as a user would, and waiting for it to change.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use serde_json::{Value, json};

/// The namespace of the samples.
pub(crate) const NAMESPACE: &str = "demo";
/// How long anything may take. Azure is near, so all that should happen at once does; a recovery waits for a backoff.
const LIMIT: Duration = Duration::from_mins(1);

/// A condition of an object: whether it holds, its reason and its message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    status: String,
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// What the demo asks the API server for.
pub(crate) struct Cluster {
    client: Client,
}

impl Cluster {
    pub(crate) fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
        }
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    fn objects(&self, kind: &str) -> Api<DynamicObject> {
        let plural = match kind {
            "VaultSecretSync" => "vaultsecretsyncs",
            "AzureIdentity" => "azureidentities",
            _ => "clusterazureidentities",
        };
        let resource = ApiResource {
            group: "lakevault.dev".to_owned(),
            version: "v1alpha1".to_owned(),
            api_version: "lakevault.dev/v1alpha1".to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        };
        if kind == "ClusterAzureIdentity" {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), NAMESPACE, &resource)
        }
    }

    /// Waits until a condition of an object is as wanted.
    pub(crate) async fn says(
        &self,
        (kind, name): (&str, &str),
        type_: &str,
        status: &str,
    ) -> Result<Condition> {
        let api = self.objects(kind);
        let fits = |object: Option<&DynamicObject>| {
            condition(object, type_).is_some_and(|c| c.status == status)
        };
        let seen = tokio::time::timeout(LIMIT, await_condition(api.clone(), name, fits)).await;
        if let Ok(seen) = seen {
            return condition(seen?.as_ref(), type_).context("the object is gone");
        }
        let last = api.get_opt(name).await?;
        Err(anyhow!(
            "{kind} {name} did not become {type_}={status} within {LIMIT:?}; it says {}",
            last.map_or_else(
                || "nothing: it does not exist".to_owned(),
                |last| last.data["status"]["conditions"].to_string()
            )
        ))
    }

    /// Waits until a Secret has these values, whatever else it has.
    pub(crate) async fn holds(&self, name: &str, wanted: &[(&str, &str)]) -> Result<Secret> {
        let fits = |secret: Option<&Secret>| {
            secret.is_some_and(|secret| {
                let found = values(secret);
                wanted
                    .iter()
                    .all(|(key, value)| found.get(*key).is_some_and(|found| found == value))
            })
        };
        let seen = tokio::time::timeout(LIMIT, await_condition(self.secrets(), name, fits)).await;
        if let Ok(seen) = seen {
            return seen?.context("the Secret is gone");
        }
        let keys: Vec<&str> = wanted.iter().map(|(key, _)| *key).collect();
        let found = self.secrets().get_opt(name).await?;
        let found = found.map_or_else(
            || "it does not exist".to_owned(),
            |secret| format!("it has {:?}", values(&secret)),
        );
        Err(anyhow!(
            "Secret {name} did not get the awaited values of {} within {LIMIT:?}: {found}",
            keys.join(", ")
        ))
    }

    /// Asks for a look at the vault now, as `kubectl annotate vss NAME lakevault.dev/sync-at=… --overwrite` does.
    pub(crate) async fn sync_now(&self, name: &str, word: &str) -> Result<()> {
        let patch = json!({"metadata": {"annotations": {"lakevault.dev/sync-at": word}}});
        self.objects("VaultSecretSync")
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// Changes a Secret as somebody with `kubectl edit` would.
    pub(crate) async fn edit(&self, name: &str, patch: Value) -> Result<()> {
        let params = PatchParams {
            field_manager: Some("kubectl-edit".to_owned()),
            ..PatchParams::default()
        };
        self.secrets()
            .patch(name, &params, &Patch::Merge(patch))
            .await?;
        Ok(())
    }
}

/// The values of a Secret as text.
pub(crate) fn values(secret: &Secret) -> BTreeMap<String, String> {
    let data = secret.data.iter().flatten();
    data.map(|(key, value)| (key.clone(), String::from_utf8_lossy(&value.0).into_owned()))
        .collect()
}

/// A condition, where it speaks of the newest spec.
fn condition(object: Option<&DynamicObject>, type_: &str) -> Option<Condition> {
    let object = object?;
    let status = &object.data["status"];
    let fresh = status["observedGeneration"].as_i64() == object.metadata.generation;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    status["conditions"]
        .as_array()?
        .iter()
        .find(|condition| fresh && condition["type"] == type_)
        .map(|condition| Condition {
            status: text(&condition["status"]),
            reason: text(&condition["reason"]),
            message: text(&condition["message"]),
        })
}
