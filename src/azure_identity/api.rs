//! The kinds `AzureIdentity` (of a namespace) and `ClusterAzureIdentity` (lent by an admin to namespaces).
#![allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the KubeSchema derive makes private shadows of public types, and print columns look alike"
)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
#[x_kube(validation = Rule::new("has(self.clientSecret) != has(self.workloadIdentity)").message("exactly one credential must be set: clientSecret or workloadIdentity"))]
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
#[x_kube(validation = Rule::new("has(self.clientSecret) != has(self.workloadIdentity)").message("exactly one credential must be set: clientSecret or workloadIdentity"))]
#[serde(rename_all = "camelCase")]
pub struct ClusterAzureIdentitySpec {
    /// Who authenticates, and how.
    #[serde(flatten)]
    pub credential: CredentialSpec,

    /// The namespaces that may use this identity, and for what. A request must fit one entry as a whole. An empty list
    /// lends the identity to nobody. Default: empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub allow: Vec<Grant>,
}

/// Who authenticates, and how. Exactly one of `clientSecret` and `workloadIdentity` is set.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialSpec {
    /// The Entra tenant of the application: its id (a GUID) or one of its domain names. Example:
    /// 11111111-1111-1111-1111-111111111111.
    #[schemars(regex(pattern = r"^[0-9A-Za-z][0-9A-Za-z.-]{0,252}$"))]
    pub tenant_id: String,

    /// The application (client) id of the service principal or user-assigned managed identity, a GUID. Example:
    /// 22222222-2222-2222-2222-222222222222.
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"))]
    pub client_id: String,

    /// The Azure cloud. Default: `{name: Public}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudSpec>,

    /// Authenticate with a client secret that is kept in a Kubernetes Secret of the same namespace (for a
    /// ClusterAzureIdentity: of the operator's namespace). A changed Secret is used at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretKeyRef>,

    /// Authenticate with a token of a ServiceAccount of the same namespace (for a ClusterAzureIdentity: of the operator's
    /// namespace), which a federated credential of the application trusts. No secret is stored anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_identity: Option<WorkloadIdentitySpec>,
}

/// One key of one Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// Name of the Secret. Example: azure-sp.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// Key in the Secret's data. Example: client-secret.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// A ServiceAccount whose token Entra trusts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadIdentitySpec {
    /// Name of the ServiceAccount. The federated credential's subject is `system:serviceaccount:<namespace>:<name>`, its
    /// audience `api://AzureADTokenExchange`. Example: payments.
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: String,
}

/// The Azure cloud: one by name, or one whose endpoints are given by hand.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.name) != has(self.custom)").message("exactly one of name and custom must be set"))]
#[serde(rename_all = "camelCase")]
pub struct CloudSpec {
    /// A cloud that Microsoft runs: Public, `USGovernment` or China.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<CloudName>,

    /// A cloud whose endpoints are given by hand: a private cloud or an emulator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomCloud>,
}

/// The clouds that Microsoft runs.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudName {
    /// Azure (`login.microsoftonline.com`).
    Public,
    /// Azure Government (`login.microsoftonline.us`).
    USGovernment,
    /// Azure operated by `21Vianet` (`login.partner.microsoftonline.cn`).
    China,
}

/// Endpoints of a cloud that is not known by name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CustomCloud {
    /// Where tokens are issued. Example: <https://login.example.net>.
    #[schemars(regex(pattern = r"^https://[^/?#@]+/?$"), length(max = 512))]
    pub authority_host: String,

    /// Key Vault of this cloud.
    pub key_vault: CustomKeyVault,

    /// Azure Resource Manager of this cloud. Needed only to manage vaults and accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_manager: Option<CustomResourceManager>,

    /// Azure Storage of this cloud. Needed only to manage data lakes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<CustomStorage>,
}

/// Key Vault of a custom cloud.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CustomKeyVault {
    /// What follows the vault's name in its host, with a port where there is one. Example: vault.example.net.
    #[schemars(regex(pattern = r"^[0-9A-Za-z.:-]+$"), length(min = 1, max = 253))]
    pub dns_suffix: String,

    /// The resource that vault tokens are asked for. Default: `https://<dnsSuffix>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub audience: Option<String>,
}

/// Azure Resource Manager of a custom cloud.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CustomResourceManager {
    /// Its endpoint. Example: <https://management.example.net>.
    #[schemars(regex(pattern = r"^https://[^/?#@]+/?$"), length(max = 512))]
    pub endpoint: String,

    /// The resource that its tokens are asked for. Default: the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub audience: Option<String>,
}

/// Azure Storage of a custom cloud.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CustomStorage {
    /// What follows `<account>.dfs.` in an account's host. Example: core.example.net.
    #[schemars(regex(pattern = r"^[0-9A-Za-z.:-]+$"), length(min = 1, max = 253))]
    pub suffix: String,
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
#[serde(rename_all = "camelCase")]
pub struct AzureIdentityStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`: a token for Key Vault could be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Which credential is used: clientSecret or workloadIdentity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,

    /// When the newest token for Key Vault ends. It is renewed well before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expires_at: Option<Time>,
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
