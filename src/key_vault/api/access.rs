//! Who may do what in a vault, and from where.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::azure_resource::api::DefaultAction;
use crate::k8s::fields::is_default;

/// What a principal may do with the vault's objects (Azure, "Vaults", `AccessPolicyEntry`).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AccessPolicySpec {
    /// Object id of the principal, a GUID. Example: 33333333-3333-3333-3333-333333333333.
    #[schemars(
        regex(pattern = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"),
        length(max = 36)
    )]
    pub object_id: String,

    /// The application that acts for the principal, a GUID. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"),
        length(max = 36)
    )]
    pub application_id: Option<String>,

    /// Permissions for secrets: get, list, set, delete, backup, restore, recover, purge or all. Example: [get, list].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 32)))]
    #[x_kube(validation = Rule::new("self.all(p, p.lowerAscii() in ['get', 'list', 'set', 'delete', 'backup', 'restore', 'recover', 'purge', 'all'])").message("permissions for secrets are get, list, set, delete, backup, restore, recover, purge and all"))]
    pub secrets: Vec<String>,

    /// Permissions for keys, such as get, list, create, sign, decrypt, wrapKey, unwrapKey or all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 32)))]
    #[x_kube(validation = Rule::new("self.all(p, p.lowerAscii() in ['get', 'list', 'create', 'update', 'import', 'delete', 'backup', 'restore', 'recover', 'purge', 'encrypt', 'decrypt', 'wrapkey', 'unwrapkey', 'sign', 'verify', 'rotate', 'getrotationpolicy', 'setrotationpolicy', 'release', 'all'])").message("permissions for keys are get, list, create, update, import, delete, backup, restore, recover, purge, encrypt, decrypt, wrapKey, unwrapKey, sign, verify, rotate, getrotationpolicy, setrotationpolicy, release and all"))]
    pub keys: Vec<String>,

    /// Permissions for certificates, such as get, list, create, import or all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 32)))]
    #[x_kube(validation = Rule::new("self.all(p, p.lowerAscii() in ['get', 'list', 'create', 'import', 'update', 'delete', 'managecontacts', 'getissuers', 'listissuers', 'setissuers', 'deleteissuers', 'manageissuers', 'backup', 'restore', 'recover', 'purge', 'all'])").message("permissions for certificates are get, list, create, import, update, delete, managecontacts, getissuers, listissuers, setissuers, deleteissuers, manageissuers, backup, restore, recover, purge and all"))]
    pub certificates: Vec<String>,
}

/// What becomes of access policies that are not in the spec.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AccessPolicyMode {
    /// They stay.
    #[default]
    Merge,
    /// They go.
    Replace,
}

/// Who may reach the vault (Azure, "Vaults", `NetworkRuleSet`).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NetworkRulesSpec {
    /// What becomes of callers that no rule names. Default: Deny.
    #[serde(default, skip_serializing_if = "is_default")]
    pub default_action: DefaultAction,

    /// Whether Azure's own trusted services are let in all the same. Default: AzureServices.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bypass: Bypass,

    /// IPv4 addresses and ranges that are let in. Default: none. Example: [203.0.113.7, 198.51.100.0/24].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 1000),
        extend("x-kubernetes-list-type" = "set"),
        inner(regex(pattern = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?$"))
    )]
    pub ip_rules: Vec<String>,

    /// Subnets that are let in. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 200),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"])
    )]
    pub subnets: Vec<SubnetSpec>,
}

/// Whom network rules do not concern.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Bypass {
    /// Azure's trusted services.
    #[default]
    AzureServices,
    /// Nobody.
    None,
}

/// A subnet.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SubnetSpec {
    /// Its resource id. Example:
    /// /subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet/subnets/pods.
    #[schemars(length(min = 1, max = 512))]
    pub id: String,

    /// Whether it is named although it has no service endpoint for Key Vault. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_missing_endpoint: bool,
}
