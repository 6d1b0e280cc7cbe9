//! The one door to the API server: every call is bounded in time, counted, and answers with a [`Problem`] on failure.
//!
//! kube's own retry is off in the client behind it, so that a write never leaves long after the decision for it.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, ObjectReference, Secret, ServiceAccount};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{NamespaceResourceScope, PartialObjectMeta, Status};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tracing::{Instrument, warn};

use super::conditions::Edge;
use crate::lease::fence::{Fence, Refused, not_leading};
use crate::lease::layer;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;
use crate::secret::SecretValue;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::spans;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Requests under way at once, watches apart. kube speaks HTTP/1.1, so each is a connection of its own, which stays in the
/// pool: hundreds of them would cost both sides a handshake and memory, and gain nothing.
const AT_ONCE: usize = 32;
/// Longest note of an Event, in bytes (events.k8s.io/v1).
const LONGEST_NOTE: usize = 1000;

/// The door.
#[derive(Clone)]
pub struct Kube {
    client: Client,
    recorder: Recorder,
    metrics: Metrics,
    permits: Arc<Semaphore>,
    fence: Fence,
}

impl Kube {
    /// A door through `client`, whose retries are off.
    pub fn new(client: Client, instance: String, metrics: Metrics) -> Self {
        let reporter = Reporter {
            controller: "lakevault".to_owned(),
            instance: Some(instance),
        };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            metrics,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            fence: Fence::none(),
        }
    }

    /// The same, where `client` stands behind a fence.
    #[must_use]
    pub fn behind(self, fence: Fence) -> Self {
        Self { fence, ..self }
    }

    /// The fence that its client stands behind.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// The client behind the door, for watches.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The future is on the heap, since those who wait for the API server or for a vault are many, and a request's is large.
    pub(super) fn call<'a, T: Send + 'a>(
        &'a self,
        verb: &'static str,
        resource: &'static str,
        what: &'a str,
        call: impl Future<Output = kube::Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Problem>> {
        let span = spans::kubernetes(verb, resource, what);
        let call = async move {
            let Ok(_permit) = self.permits.acquire().await else {
                return Err(unavailable(verb, what, "was not made"));
            };
            let outcome = tokio::time::timeout(TIMEOUT, call).await;
            if let Ok(Err(error)) = &outcome
                && layer::refused(error) == Some(Refused::NotLeading)
            {
                return Err(not_leading(what));
            }
            self.metrics
                .kubernetes_call(verb, resource, matches!(outcome, Ok(Ok(_))));
            match outcome {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(kube::Error::Api(status))) => Err(refused(verb, what, &status)),
                // The error's own text may quote what was sent or received, so it is not repeated.
                Ok(Err(_)) => Err(unavailable(verb, what, "failed")),
                Err(_) => Err(unavailable(verb, what, "was not answered in time")),
            }
        };
        let told = span.clone();
        call.inspect(move |outcome| spans::ended(&told, outcome))
            .instrument(span)
            .boxed()
    }

    /// One Secret with its values.
    pub async fn secret(&self, namespace: &str, name: &str) -> Result<Option<Secret>, Problem> {
        let what = format!("Secret {namespace}/{name}");
        self.call(
            "get",
            "secrets",
            &what,
            self.secrets(namespace).get_opt(name),
        )
        .await
    }

    /// One ConfigMap.
    pub async fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ConfigMap>, Problem> {
        let what = format!("ConfigMap {namespace}/{name}");
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        self.call("get", "configmaps", &what, api.get_opt(name))
            .await
    }

    /// One Secret's metadata.
    pub async fn secret_metadata(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<PartialObjectMeta<Secret>>, Problem> {
        let what = format!("Secret {namespace}/{name}");
        self.call(
            "get",
            "secrets",
            &what,
            self.secrets(namespace).get_metadata_opt(name),
        )
        .await
    }

    /// Server-side apply of a Secret; gives back metadata only. A resourceVersion in it makes the write fail where the Secret
    /// is no longer what the plan was made on.
    pub async fn apply_secret(
        &self,
        namespace: &str,
        name: &str,
        manager: &str,
        force: bool,
        secret: &Secret,
    ) -> Result<PartialObjectMeta<Secret>, Problem> {
        let mut params = PatchParams::apply(manager);
        params.force = force;
        let what = format!("Secret {namespace}/{name}");
        // `Patch` is printed by kube only in its own error types, which `call` does not repeat.
        let patch = Patch::Apply(secret);
        self.call(
            "patch",
            "secrets",
            &what,
            self.secrets(namespace)
                .patch_metadata(name, &params, &patch),
        )
        .await
    }

    /// Deletes a Secret, but only the one with this uid and, where one is given, this version. That it is gone already is success.
    pub async fn delete_secret(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        version: Option<&str>,
    ) -> Result<(), Problem> {
        let only = Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: version.map(str::to_owned),
        };
        let params = DeleteParams::default().preconditions(only);
        let what = format!("Secret {namespace}/{name}");
        let deletion = async {
            match self.secrets(namespace).delete(name, &params).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
                outcome => outcome.map(|_| ()),
            }
        };
        self.call("delete", "secrets", &what, deletion).await
    }

    /// Writes an object's status; its resourceVersion makes the write fail where the object has changed since.
    pub async fn replace_status<K>(
        &self,
        api: &Api<K>,
        resource: &'static str,
        object: &K,
    ) -> Result<K, Problem>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize + Send + Sync,
    {
        let name = object.meta().name.as_deref().unwrap_or_default();
        let what = format!("status of {} {name}", K::kind(&()));
        self.call(
            "update",
            resource,
            &what,
            api.replace_status(name, &PostParams::default(), object),
        )
        .await
    }

    /// Sets an object's finalizers; `version` makes the write fail where the object has changed since.
    pub async fn set_finalizers<K>(
        &self,
        resource: &'static str,
        namespace: &str,
        name: &str,
        version: &str,
        finalizers: &[String],
    ) -> Result<K, Problem>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send,
    {
        let patch = serde_json::json!({ "metadata": { "resourceVersion": version, "finalizers": finalizers } });
        let what = format!("{} {namespace}/{name}", K::kind(&()));
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        self.call(
            "patch",
            resource,
            &what,
            api.patch(name, &PatchParams::default(), &Patch::Merge(patch)),
        )
        .await
    }

    /// A token of a ServiceAccount for one audience, valid for an hour; none where there is no such ServiceAccount.
    pub async fn service_account_token(
        &self,
        namespace: &str,
        name: &str,
        audience: &str,
    ) -> Result<Option<SecretValue>, Problem> {
        let spec = TokenRequestSpec {
            audiences: Some(vec![audience.to_owned()]),
            expiration_seconds: Some(3600),
            ..TokenRequestSpec::default()
        };
        let request = TokenRequest {
            spec: Some(spec),
            ..TokenRequest::default()
        };
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let what = format!("token of ServiceAccount {namespace}/{name}");
        let params = PostParams::default();
        let ask = async {
            match api.create_token_request(name, &params, &request).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
                answer => answer.map(Some),
            }
        };
        let answer = self
            .call("create", "serviceaccounts/token", &what, ask)
            .await?;
        let Some(answer) = answer else {
            return Ok(None);
        };
        let token = answer.status.and_then(|status| status.token);
        match token {
            Some(token) => Ok(Some(SecretValue::from(token))),
            None => Err(unavailable("create", &what, "was answered without a token")),
        }
    }

    /// Publishes an Event. That it fails is logged and nothing more: Events are news, not state.
    pub async fn publish(&self, about: &ObjectReference, edge: Edge) {
        let mut note = edge.message;
        while note.len() > LONGEST_NOTE {
            note.pop();
        }
        let event = Event {
            type_: if edge.trouble {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: edge.reason,
            note: Some(note),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        if let Err(problem) = self
            .call(
                "create",
                "events",
                "Event",
                self.recorder.publish(&event, about),
            )
            .await
            && problem.reason != Reason::NotLeading
        {
            warn!(%problem, "Event was not published");
        }
    }
}

fn unavailable(verb: &str, what: &str, how: &str) -> Problem {
    let message = format!("{verb} of {what} {how}: is the API server reachable?");
    Problem::new(Reason::KubernetesUnavailable, Retry::Backoff, message)
}

/// Reads a refusal of the API server. Its message is repeated only where it cannot quote data.
fn refused(verb: &str, what: &str, status: &Status) -> Problem {
    let terminating = status.details.as_ref().is_some_and(|details| {
        details
            .causes
            .iter()
            .any(|cause| cause.reason == "NamespaceTerminating")
    });
    let said = &status.message;
    let (reason, retry, message) = match status.code {
        403 if terminating => (
            Reason::NamespaceTerminating,
            Retry::OnChange,
            format!("{what} is not written any more: its namespace is being deleted"),
        ),
        403 => (
            Reason::KubernetesForbidden,
            Retry::Backoff,
            format!("the operator may not {verb} {what}: {said}"),
        ),
        404 => (
            Reason::Conflict,
            Retry::Backoff,
            format!("{what} does not exist"),
        ),
        409 => (
            Reason::Conflict,
            Retry::Backoff,
            format!("{what} was changed by somebody else at the same moment"),
        ),
        422 if status_names(status, "type") => (
            Reason::TargetTypeImmutable,
            Retry::OnChange,
            format!(
                "{what} has another type, and Kubernetes lets nobody change it: name a new one in spec.target.name, or set spec.template.type to the type it has"
            ),
        ),
        422 => (
            Reason::TargetRefused,
            Retry::OnChange,
            format!("the API server finds {what} invalid: {}", fields(status)),
        ),
        code => (
            Reason::KubernetesUnavailable,
            Retry::Backoff,
            format!("the API server answered {code} to {verb} of {what}"),
        ),
    };
    Problem::new(reason, retry, message)
}

fn status_names(status: &Status, field: &str) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.field == field)
}

/// Which fields are invalid, without the values that the API server quotes.
fn fields(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let named: Vec<String> = causes
        .map(|cause| {
            let why = cause.message.rsplit(": ").next().unwrap_or(&cause.reason);
            let why = if cause.field.starts_with("data") {
                cause.reason.as_str()
            } else {
                why
            };
            format!("{} ({why})", cause.field)
        })
        .collect();
    if named.is_empty() {
        status.reason.clone()
    } else {
        named.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(json: serde_json::Value) -> Status {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn an_invalid_secret_is_explained_by_its_fields_without_values() {
        let said = status(serde_json::json!({
            "code": 422, "reason": "Invalid", "message": "Secret \"x\" is invalid: data[k]: Invalid value: \"hunter2\": bad",
            "details": {"causes": [
                {"reason": "FieldValueInvalid", "message": "Invalid value: \"hunter2\": bad", "field": "data[k]"},
                {"reason": "FieldValueInvalid", "message": "Invalid value: \"x\": field is immutable", "field": "immutable"}
            ]}
        }));
        let problem = refused("patch", "Secret a/b", &said);
        assert_eq!(problem.reason, Reason::TargetRefused);
        assert!(
            problem.message.contains("immutable (field is immutable)"),
            "{problem}"
        );
        assert!(!problem.message.contains("hunter2"), "{problem}");
    }

    #[test]
    fn a_terminating_namespace_is_told_from_a_missing_permission() {
        let terminating = status(serde_json::json!({
            "code": 403, "reason": "Forbidden", "message": "x",
            "details": {"causes": [{"reason": "NamespaceTerminating", "message": "m", "field": "metadata.namespace"}]}
        }));
        assert_eq!(
            refused("patch", "Secret a/b", &terminating).reason,
            Reason::NamespaceTerminating
        );
        let forbidden = status(
            serde_json::json!({"code": 403, "reason": "Forbidden", "message": "user lacks patch"}),
        );
        assert_eq!(
            refused("patch", "Secret a/b", &forbidden).reason,
            Reason::KubernetesForbidden
        );
    }
}
