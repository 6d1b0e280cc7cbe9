//! The kinds `AzureIdentity` (of a namespace) and `ClusterAzureIdentity` (lent by an admin to namespaces).
#![allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the KubeSchema derive makes private shadows of public types, and print columns look alike"
)]

mod cloud;
mod credential;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::cloud::{
    CloudName, CloudSpec, ConfigMapKeyRef, CustomCloud, CustomKeyVault, CustomResourceManager,
    CustomStorage, ResourceManagerProfile, TokenEndpoint,
};
pub use self::credential::{
    CertificateSpec, CredentialSpec, DefaultSpec, LentCredentialSpec, ManagedIdentitySpec,
    SecretKeyRef, UsernamePasswordSpec, WorkloadIdentitySpec,
};

/// How to authenticate to Azure for resources of this namespace.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "lakevault.dev",
    version = "v1alpha1",
    kind = "AzureIdentity",
    plural = "azureidentities",
    namespaced,
    status = "AzureIdentityStatus",
    shortname = "azid",
    category = "lakevault",
    derive = "PartialEq",
    doc = "How to authenticate to Azure for resources of this namespace: who (tenant and client) and with which credential.",
    printcolumn(name = "Client", type_ = "string", json_path = ".spec.clientId"),
    printcolumn(
        name = "Credential",
        type_ = "string",
        json_path = ".status.credential"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Tenant",
        type_ = "string",
        json_path = ".spec.tenantId",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = 1
    )
)]
#[x_kube(validation = Rule::new("[has(self.clientSecret), has(self.clientCertificate), has(self.workloadIdentity)].filter(x, x).size() == 1").message("exactly one credential must be set: clientSecret, clientCertificate or workloadIdentity"))]
#[x_kube(validation = Rule::new("!has(self.workloadIdentity) || has(self.workloadIdentity.serviceAccountName)").message("workloadIdentity.serviceAccountName must be set"))]
#[x_kube(validation = Rule::new("has(self.clientId)").message("clientId must be set"))]
#[x_kube(validation = Rule::new("has(self.tenantId) || (has(self.cloud) && !has(self.cloud.name))").message("tenantId must be set"))]
#[serde(rename_all = "camelCase")]
pub struct AzureIdentitySpec {
    /// Who authenticates, and how.
    #[serde(flatten)]
    pub credential: CredentialSpec,
}

/// An identity that an administrator lends to chosen namespaces.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "lakevault.dev",
    version = "v1alpha1",
    kind = "ClusterAzureIdentity",
    plural = "clusterazureidentities",
    status = "AzureIdentityStatus",
    shortname = "cazid",
    category = "lakevault",
    derive = "PartialEq",
    doc = "An Azure identity that an administrator lends to chosen namespaces. Its credential Secret and its ServiceAccount live in the operator's own namespace. The one named 'default' serves resources that name no identity.",
    printcolumn(
        name = "Client",
        type_ = "string",
        json_path = ".spec['clientId','managedIdentity.clientId','managedIdentity.objectId']"
    ),
    printcolumn(
        name = "Credential",
        type_ = "string",
        json_path = ".status.credential"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Tenant",
        type_ = "string",
        json_path = ".spec.tenantId",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = 1
    )
)]
#[x_kube(validation = Rule::new("[has(self.clientSecret), has(self.clientCertificate), has(self.workloadIdentity), has(self.usernamePassword), has(self.managedIdentity), has(self.default)].filter(x, x).size() == 1").message("exactly one credential must be set: clientSecret, clientCertificate, workloadIdentity, usernamePassword, managedIdentity or default"))]
#[x_kube(validation = Rule::new("has(self.managedIdentity) || has(self.default) || has(self.clientId) || (has(self.workloadIdentity) && !has(self.workloadIdentity.serviceAccountName))").message("clientId must be set"))]
#[x_kube(validation = Rule::new("has(self.managedIdentity) || has(self.default) || has(self.tenantId) || (has(self.cloud) && !has(self.cloud.name)) || (has(self.workloadIdentity) && !has(self.workloadIdentity.serviceAccountName))").message("tenantId must be set"))]
#[x_kube(validation = Rule::new("!(has(self.managedIdentity) || has(self.default)) || !(has(self.tenantId) || has(self.clientId))").message("tenantId and clientId do not go with managedIdentity or default, which bring their own"))]
#[serde(rename_all = "camelCase")]
pub struct ClusterAzureIdentitySpec {
    /// Who authenticates, and how.
    #[serde(flatten)]
    pub credential: CredentialSpec,

    /// Credentials that are an administrator's to lend.
    #[serde(flatten)]
    pub lent: LentCredentialSpec,

    /// The namespaces that may use this identity, and for what. A request must fit one entry as a whole. An empty list
    /// lends the identity to nobody. Default: empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub allow: Vec<Grant>,
}

/// Namespaces that may use a ClusterAzureIdentity, and for what.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Which namespaces.
    pub namespaces: NamespaceSelector,

    /// Only these vaults, by name. Default: all. Example: `["kv-payments"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 127)))]
    pub vaults: Option<Vec<String>>,

    /// Only vault objects whose names fit one of these patterns, in which `*` stands for any characters. Default: all.
    /// Example: `["payments-*"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 127)))]
    pub secrets: Option<Vec<String>>,

    /// Names of secrets and certificates that these namespaces may write to these vaults (`push` of a VaultSecretSync), in
    /// which `*` stands for any characters. Default: none. Example: `["payments-*"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 127)))]
    pub push: Option<Vec<String>>,

    /// Resources for which these namespaces may have this identity's tokens put into a Secret (`accessToken` of a
    /// VaultSecretSync), in which `*` stands for any characters. A token can do all that the identity can do there.
    /// Default: none. Example: `["api://payments"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 512)))]
    pub resources: Option<Vec<String>>,

    /// Resource groups in which these namespaces may have resources managed with this identity (`KeyVault`), as
    /// `<subscription id>/<group>`, in which `*` stands for any characters. Who may manage a resource may give roles on it, as
    /// far as the identity may. Default: none. Example: `["44444444-4444-4444-4444-444444444444/rg-payments-*"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 127)))]
    pub manage: Option<Vec<String>>,
}

/// Namespaces by name or by label. A namespace that fits either is meant.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.names) || has(self.matchLabels)").message("names or matchLabels must be set"))]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Namespaces by name. Example: `["payments"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), inner(length(min = 1, max = 63)))]
    pub names: Option<Vec<String>>,

    /// Namespaces that carry all of these labels. Example: {team: payments}.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.size() > 0").message("matchLabels must not be empty"))]
    pub match_labels: Option<BTreeMap<String, String>>,
}

/// What the operator knows of an identity.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[schemars(extend("default" = {"observedGeneration": -1}))]
#[serde(rename_all = "camelCase")]
pub struct AzureIdentityStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`: a token for Key Vault could be had. `Expiring`: the certificate ends within 30 days. `Discouraged`: Microsoft
    /// advises against this way to authenticate. `Reconciling`, while it is True: no token was had for this spec yet. `Stalled`,
    /// while it is True: somebody must mend something first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Which credential is used: clientSecret, clientCertificate, workloadIdentity, usernamePassword or managedIdentity; with
    /// `default` the one that won.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,

    /// With `default`: each credential of the chain in order, and why it was passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptStatus>,

    /// When the newest token for Key Vault ends. It is renewed well before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expires_at: Option<Time>,

    /// When the certificate ends, where one is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_expires_at: Option<Time>,

    /// The cloud as it was discovered, where the spec names its Resource Manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudStatus>,
}

/// One credential of the default chain.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AttemptStatus {
    /// Its name in Azure's SDKs: `EnvironmentCredential`, `WorkloadIdentityCredential`, `ManagedIdentityCredential` or
    /// `AzureCLICredential`.
    pub credential: String,

    /// `PassedOver`, `Refused` or `Won`.
    pub outcome: String,

    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A discovered cloud.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CloudStatus {
    /// Who issues tokens: AAD or ADFS.
    pub identity_provider: String,

    /// Where tokens are issued.
    pub authority: String,

    /// What Resource Manager's tokens are asked for.
    pub resource_manager_audience: String,

    /// What follows a vault's name in its host.
    pub key_vault_dns_suffix: String,

    /// What vault tokens are asked for.
    pub key_vault_audience: String,
}

/// Which identity to use.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct IdentityRef {
    /// AzureIdentity (of this namespace) or ClusterAzureIdentity. Default: AzureIdentity.
    #[serde(default)]
    pub kind: IdentityKind,

    /// Its name. Example: payments.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// The kinds of identity.
#[derive(
    JsonSchema,
    Serialize,
    Deserialize,
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
)]
pub enum IdentityKind {
    /// An identity of the same namespace.
    #[default]
    AzureIdentity,
    /// An identity that an administrator lends.
    ClusterAzureIdentity,
}
