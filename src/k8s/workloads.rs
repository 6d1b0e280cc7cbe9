//! Workloads of any kind, at the door to the API server.

use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, Status};
use serde_json::Value;

use super::api::Kube;
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// A kind of workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// The API group.
    pub group: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The plural.
    pub plural: &'static str,
}

impl Kube {
    fn workloads(&self, resource: Resource, namespace: &str) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk(resource.group, resource.version, resource.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, resource.plural);
        Api::namespaced_with(self.client(), namespace, &resource)
    }

    /// One workload. That its kind is not served is the same as that it is not there.
    pub async fn workload(
        &self,
        resource: Resource,
        namespace: &str,
        name: &str,
    ) -> Result<Option<DynamicObject>, Problem> {
        let what = format!("{} {namespace}/{name}", resource.kind);
        let api = self.workloads(resource, namespace);
        self.call("get", resource.plural, &what, api.get_opt(name))
            .await
    }

    /// The workloads that a selector fits, `most` of them.
    pub async fn workloads_by_labels(
        &self,
        resource: Resource,
        namespace: &str,
        selector: &str,
        most: u32,
    ) -> Result<Vec<DynamicObject>, Problem> {
        let what = format!("{} {namespace} with labels {selector}", resource.plural);
        let api = self.workloads(resource, namespace);
        let params = ListParams::default().labels(selector).limit(most);
        let list = async {
            match api.list(&params).await {
                Ok(list) => Ok(list.items),
                Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Vec::new()),
                Err(error) => Err(error),
            }
        };
        self.call("list", resource.plural, &what, list).await
    }

    /// Merges into a workload; none where there is none. Neither a resourceVersion nor a uid is asked for: the patch sets one
    /// annotation to a value that does not depend on what the workload is, so it can neither undo anything nor do it twice;
    /// and one that was made anew meanwhile has just started its pods, which takes a second start at worst. A server-side
    /// apply would make a workload that is gone anew.
    pub async fn patch_workload(
        &self,
        resource: Resource,
        namespace: &str,
        name: &str,
        manager: &str,
        patch: &Value,
    ) -> Result<Option<DynamicObject>, Problem> {
        let what = format!("{} {namespace}/{name}", resource.kind);
        let api = self.workloads(resource, namespace);
        let params = PatchParams {
            field_manager: Some(manager.to_owned()),
            ..PatchParams::default()
        };
        let merge = Patch::Merge(patch);
        let send = async {
            match api.patch(name, &params, &merge).await {
                Ok(workload) => Ok(Ok(Some(workload))),
                Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Ok(None)),
                Err(kube::Error::Api(status))
                    if (400..500).contains(&status.code)
                        && status.code != 429
                        && !lacks_right(&status) =>
                {
                    Ok(Err(refused(&what, &status)))
                }
                Err(error) => Err(error),
            }
        };
        self.call("patch", resource.plural, &what, send).await?
    }
}

/// Admission refuses by any code, 403 among them; what says that a user cannot is the API server's authorizer.
fn lacks_right(status: &Status) -> bool {
    status.code == 403 && status.message.contains(" cannot patch resource ")
}

/// A workload holds no secret, so what was said of it is told.
fn refused(what: &str, status: &Status) -> Problem {
    let message = format!("the change of {what} was refused: {}", status.message);
    Problem::new(Reason::WorkloadRefused, Retry::Backoff, message)
}
