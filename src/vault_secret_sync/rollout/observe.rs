//! Reads workloads. One that is not there is a fact, not an error.

use kube::core::DynamicObject;

use super::MOST_WORKLOADS;
use super::api::WorkloadKind;
use super::valid::Which;
use crate::k8s::api::Kube;
use crate::k8s::workloads::Resource;
use crate::problem::Problem;

/// As the API server knows it.
pub fn resource(kind: WorkloadKind) -> Resource {
    Resource {
        group: kind.group(),
        version: kind.version(),
        kind: kind.as_str(),
        plural: kind.plural(),
    }
}

/// The workloads that are meant: one more than are restarted, at most, so that it shows where there are more.
pub async fn workloads(
    kube: &Kube,
    namespace: &str,
    kind: WorkloadKind,
    which: &Which,
) -> Result<Vec<DynamicObject>, Problem> {
    let resource = resource(kind);
    match which {
        Which::Named(name) => {
            let found = kube.workload(resource, namespace, name.as_str()).await?;
            Ok(found.into_iter().collect())
        }
        Which::Labelled(_) => {
            let most = u32::try_from(MOST_WORKLOADS).unwrap_or(u32::MAX);
            let selector = which.text();
            kube.workloads_by_labels(resource, namespace, &selector, most.saturating_add(1))
                .await
        }
    }
}
