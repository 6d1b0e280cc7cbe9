//! The part of an identity that says which cloud.
#![allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The Azure cloud: one by name, one that tells its own endpoints, or one whose endpoints are given by hand.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("[has(self.name), has(self.resourceManagerEndpoint), has(self.custom)].filter(x, x).size() == 1").message("exactly one of name, resourceManagerEndpoint and custom must be set"))]
#[x_kube(validation = Rule::new("!has(self.caBundle) || !has(self.name)").message("caBundle does not go with name: Microsoft's clouds have public certificates"))]
#[serde(rename_all = "camelCase")]
pub struct CloudSpec {
    /// A cloud that Microsoft runs: Public, `USGovernment` or China.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<CloudName>,

    /// An Azure Stack Hub, by the endpoint of its Resource Manager, which tells everything else: whether Entra or ADFS issues
    /// its tokens, for which audiences, and where its vaults are. Example: <https://management.local.azurestack.external>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^https://[^/?#@]+/?$"), length(max = 512))]
    pub resource_manager_endpoint: Option<String>,

    /// A cloud whose endpoints are given by hand: a private cloud or an emulator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomCloud>,

    /// Root certificates (PEM) that this cloud's endpoints are trusted by, besides the system's: a key of a ConfigMap of the
    /// same namespace (for a ClusterAzureIdentity: of the operator's namespace).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<ConfigMapKeyRef>,
}

/// One key of one ConfigMap.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapKeyRef {
    /// The ConfigMap.
    pub config_map: ConfigMapKey,
}

/// A key of a ConfigMap.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapKey {
    /// Name of the ConfigMap. Example: azure-stack-ca.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// Key in its data. Example: ca.crt.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
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

/// The forms of a token endpoint.
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
pub enum TokenEndpoint {
    /// Entra's v2.0 endpoint.
    #[default]
    V2,
    /// Entra's first endpoint, which Azure Stack Hub needs.
    V1,
    /// Active Directory Federation Services.
    ADFS,
}

/// Endpoints of a cloud that is not known by name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CustomCloud {
    /// Where tokens are issued: an origin, for ADFS with the path `/adfs`. Example: <https://login.example.net>.
    #[schemars(regex(pattern = r"^https://[^/?#@]+(/adfs)?/?$"), length(max = 512))]
    pub authority_host: String,

    /// Which token endpoint the authority has: V2 (`/oauth2/v2.0/token`, asks for scopes), V1 (`/oauth2/token`, asks for
    /// resources) or ADFS. Default: V2.
    #[serde(default)]
    pub token_endpoint: TokenEndpoint,

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

    /// The newest data-plane version that its vaults speak. Default: "7.4". Example: "2016-10-01".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9][0-9A-Za-z.-]{0,31}$"))]
    pub api_version: Option<String>,
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

    /// Which versions of Azure's interfaces it speaks: Public (those of Azure itself) or `AzureStack` (the hybrid profiles of
    /// Azure Stack Hub, where vaults have access policies alone). Default: Public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ResourceManagerProfile>,
}

/// Which versions of Azure's interfaces a Resource Manager speaks.
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
pub enum ResourceManagerProfile {
    /// Those of Azure.
    #[default]
    Public,
    /// The hybrid profiles of Azure Stack Hub.
    AzureStack,
}

/// Azure Storage of a custom cloud.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CustomStorage {
    /// What follows `<account>.dfs.` in an account's host. Example: core.example.net.
    #[schemars(regex(pattern = r"^[0-9A-Za-z.:-]+$"), length(min = 1, max = 253))]
    pub suffix: String,

    /// What follows `<account>.` in the host of a Data Lake Store of the first generation. Default: there is none. Example:
    /// azuredatalakestore.example.net.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Za-z.:-]+$"), length(min = 1, max = 253))]
    pub data_lake_store_suffix: Option<String>,
}
