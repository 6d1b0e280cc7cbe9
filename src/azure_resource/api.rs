//! Fields of a spec and a status that all kinds for Azure's resources have.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use kube::core::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::azure::arm::Poll;
use crate::azure_identity::api::IdentityRef;
use crate::k8s::fields::is_default;

/// What is said of every resource of Azure.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ResourceSpec {
    /// The identity that manages the resource. Default: the ClusterAzureIdentity named `default`, where it allows this
    /// namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_ref: Option<IdentityRef>,

    /// The subscription, a GUID. Once the resource exists another one is refused, not followed. Example:
    /// 44444444-4444-4444-4444-444444444444.
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"))]
    pub subscription_id: String,

    /// The resource group. Once the resource exists another one is refused, not followed.
    pub resource_group: ResourceGroupSpec,

    /// The region. Cannot be changed. Example: westeurope.
    #[schemars(regex(pattern = r"^[0-9A-Za-z][0-9A-Za-z ]*$"), length(max = 64))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("location cannot be changed: a resource does not move"))]
    pub location: String,

    /// Tags that the resource is to have. Those that others have set stay; those that go from here go from the resource.
    /// Default: none. Example: {team: payments}.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 49))]
    #[x_kube(validation = Rule::new("self.all(name, name.size() >= 1 && name.size() <= 512 && !name.matches('[<>%&?/\\\\\\\\]'))").message("names of tags have 1 to 512 characters, none of them < > % & \\ ? /"))]
    #[x_kube(validation = Rule::new("!self.exists(name, name.lowerAscii().startsWith('lakevault-'))").message("tags that begin with lakevault- are the operator's own"))]
    pub tags: BTreeMap<String, String>,

    /// Manage: the resource is created and kept as this spec says. Observe: it is read, compared and reported, and nothing in
    /// Azure is written, not even when this object is deleted. Default: Manage.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: Mode,

    /// What to do with a resource that exists and is not this object's. IfTagged: it is taken over where its tag
    /// lakevault-owner names this cluster, namespace and name. Always: it is taken over unless the tag names another owner.
    /// Never: it is left alone. Default: IfTagged.
    #[serde(default, skip_serializing_if = "is_default")]
    pub adopt: Adopt,

    /// What to do where the resource differs from what was applied. Repair: it is made as this spec says. Report: the
    /// difference is shown in status.drift, and only a change of this spec is written. Default: Repair.
    #[serde(default, skip_serializing_if = "is_default")]
    pub drift_policy: DriftPolicy,

    /// How often the resource is looked at; spread by up to 10 %. At least 1m. Default: 15m. Example: 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1m')").message("refreshInterval must be at least 1m"))]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub refresh_interval: Option<Duration>,

    /// Roles that principals are given on the resource. One that goes from here is taken back, if it was given by this object.
    /// The identity needs a role that may assign roles, such as Role Based Access Control Administrator. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["principalId", "role"])
    )]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, a.principalId.lowerAscii() == b.principalId.lowerAscii() && a.role.lowerAscii() == b.role.lowerAscii()))").message("each principal may stand once for each role"))]
    pub role_assignments: Vec<RoleAssignmentSpec>,
}

/// A resource group.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ResourceGroupSpec {
    /// Its name. Example: rg-payments.
    #[schemars(regex(pattern = r"^[-\w().]*[-\w()]$"), length(min = 1, max = 90))]
    pub name: String,

    /// Whether it is created, in the region of the resource, where there is none. It is never deleted. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

/// Whether Azure is written.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It is.
    #[default]
    Manage,
    /// It is not.
    Observe,
}

/// Which existing resources are taken over.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Adopt {
    /// Those whose tag names an object of this name in this cluster.
    #[default]
    IfTagged,
    /// Those that name no other owner.
    Always,
    /// None.
    Never,
}

/// What is done about drift.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DriftPolicy {
    /// It is repaired.
    #[default]
    Repair,
    /// It is shown.
    Report,
}

/// What becomes of callers that no rule names.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DefaultAction {
    /// They are kept out.
    #[default]
    Deny,
    /// They are let in.
    Allow,
}

/// On or off.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Switch {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

/// A role for a principal.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssignmentSpec {
    /// Object id of the principal, a GUID; of an application that of its service principal, not its client id. Example:
    /// 33333333-3333-3333-3333-333333333333.
    #[schemars(
        regex(pattern = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"),
        length(max = 36)
    )]
    pub principal_id: String,

    /// What the principal is. Default: ServicePrincipal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub principal_type: PrincipalType,

    /// The role, by name or by the id of its definition. Example: Key Vault Secrets User.
    #[schemars(length(min = 1, max = 512))]
    pub role: String,
}

/// What a principal is (Azure, "roleAssignments", principalType).
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum PrincipalType {
    /// An application's service principal, or a managed identity.
    #[default]
    ServicePrincipal,
    /// A group.
    Group,
    /// A person.
    User,
}

/// What is said of every resource in its status.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The generation of the spec that was last written to Azure as a whole. What differs later is drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_generation: Option<i64>,

    /// Id of the resource in Azure, since it was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_id: Option<String>,

    /// What Azure says of it: Succeeded, or what is going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_state: Option<String>,

    /// The write that is under way, or whose outcome is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationStatus>,

    /// Where the resource differs from the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<DifferenceStatus>,

    /// What the next writes will do, or would do in mode Observe or with driftPolicy Report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<String>,

    /// Names of the tags that were set for this spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,

    /// Role assignments that were made by this object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub role_assignments: Vec<RoleAssignmentStatus>,

    /// The value of the annotation lakevault.dev/sync-at that was last acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled_sync_at: Option<String>,

    /// `Ready`: it exists and can be used. `Synced`: it is as the spec says. `Drifted`: somebody else has changed it. `Authorized`:
    /// the identity may do what is needed. `Deleting`: how far its deletion is. `Reconciling`, while it is True: the spec was not
    /// carried out as a whole yet. `Stalled`, while it is True: somebody must mend something first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// A write to Azure: noted before it is sent, so that whoever comes after a crash knows of it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct OperationStatus {
    /// What is written: CreateVault, RecoverVault, DeleteVault, PurgeVault, CreateAccount or DeleteAccount.
    pub step: String,

    /// The generation of the spec that it is done for.
    pub generation: i64,

    /// The process that does it.
    pub epoch: String,

    /// When it was noted.
    pub since: Time,

    /// Until when its request may still take effect, whoever has sent it.
    pub deadline: Time,

    /// Where Azure tells how far it is, once it has taken it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
}

/// A difference between spec and resource.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceStatus {
    /// The field, as the spec names it. Example: `networkRules.defaultAction`.
    pub path: String,

    /// What the spec says.
    pub desired: String,

    /// What the resource has.
    pub observed: String,
}

/// A role assignment that was made.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssignmentStatus {
    /// Its id in Azure.
    pub id: String,

    /// The principal.
    pub principal_id: String,

    /// The role, as the spec named it.
    pub role: String,
}
