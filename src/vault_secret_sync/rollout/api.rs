//! What `spec.rollout` and `status.rollout` of a sync hold.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use kube::core::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Workloads of the sync's namespace that are restarted when an object or a version in the Secret changes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.name) != has(self.matchLabels)").message("exactly one of name and matchLabels must be set in an entry of rollout"))]
#[serde(rename_all = "camelCase")]
pub struct RolloutTarget {
    /// A Deployment, `StatefulSet` or `DaemonSet` of apps/v1, or a Rollout of Argo Rollouts (argoproj.io/v1alpha1).
    pub kind: WorkloadKind,

    /// The workload, by name. Example: api.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
        length(min = 1, max = 253)
    )]
    pub name: Option<String>,

    /// All workloads of the kind that have these labels. At most 100 of a sync are restarted. Example: {app: payments}.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("minProperties" = 1, "maxProperties" = 16))]
    pub match_labels: BTreeMap<String, String>,

    /// Least time between two restarts of one workload; a change within it is done afterwards, several of them at once.
    /// Default: 0s. Example: 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub min_gap: Option<Duration>,
}

/// Kinds that can be restarted by their pod template.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub enum WorkloadKind {
    /// Of apps/v1.
    Deployment,
    /// Of apps/v1.
    StatefulSet,
    /// Of apps/v1.
    DaemonSet,
    /// Of argoproj.io/v1alpha1.
    Rollout,
}

impl WorkloadKind {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Rollout => "Rollout",
        }
    }

    /// The plural, as in URLs and roles.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::Rollout => "rollouts",
        }
    }

    /// The API group.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::Rollout => "argoproj.io",
        }
    }

    /// The version of the group.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => "v1",
            Self::Rollout => "v1alpha1",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of restarts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// Digest of the object ids and versions in the Secret that the workloads were last restarted for, or that it first
    /// held. Nothing in it is made of a value.
    pub digest: String,

    /// Keys that had no value yet when the first digest was taken. Their arrival restarts nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaited: Vec<String>,

    /// When the last rollout began. Absent while there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,

    /// The workloads of the last rollout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<WorkloadStatus>,
}

/// How the last rollout stands with one workload.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadStatus {
    /// Its kind.
    pub kind: WorkloadKind,

    /// Its name; the labels, where workloads with them could not be listed or there are none. Example: app=payments.
    pub name: String,

    /// How it stands.
    pub state: WorkloadState,

    /// What was seen and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,

    /// When its pod template was last changed by this sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted: Option<Time>,
}

/// How a rollout stands with one workload.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkloadState {
    /// Its pods have the Secret as it is now.
    RolledOut,
    /// Its pods are being replaced.
    RollingOut,
    /// Its pods are replaced when somebody deletes them (update strategy `OnDelete`).
    ByHand,
    /// It is paused, and restarted when it is resumed.
    Paused,
    /// It was restarted less than minGap ago, and is restarted again afterwards.
    Deferred,
    /// Its own controller says that the rollout failed.
    Failed,
    /// Its pods have not been replaced for long.
    Stalled,
    /// There is none.
    NotFound,
    /// The operator may not read or change it.
    Forbidden,
    /// The API server, or an admission webhook, refused the change.
    Refused,
    /// The API server could not be asked.
    Unavailable,
}
