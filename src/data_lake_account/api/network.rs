//! Who may reach an account.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::azure_resource::api::DefaultAction;
use crate::k8s::fields::is_default;

/// Who may reach the account (Azure, "Storage Accounts", `NetworkRuleSet`).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NetworkRulesSpec {
    /// What becomes of callers that no rule names. Default: Deny.
    #[serde(default, skip_serializing_if = "is_default")]
    pub default_action: DefaultAction,

    /// What is let in all the same. Default: `[AzureServices]`; an empty list for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 3), extend("x-kubernetes-list-type" = "set"))]
    pub bypass: Option<Vec<Bypass>>,

    /// IPv4 addresses and ranges that are let in. Default: none. Example: [203.0.113.7, 198.51.100.0/24].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 400),
        extend("x-kubernetes-list-type" = "set"),
        inner(regex(pattern = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?$"))
    )]
    pub ip_rules: Vec<String>,

    /// Subnets that are let in, by their resource ids. Default: none. Example:
    /// [/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet/subnets/pods].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 400),
        extend("x-kubernetes-list-type" = "set"),
        inner(length(min = 1, max = 512))
    )]
    pub subnets: Vec<String>,

    /// Azure resources that are let in, wherever they call from. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 200),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["tenantId", "resourceId"])
    )]
    pub resources: Vec<ResourceRuleSpec>,
}

/// What network rules do not concern.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub enum Bypass {
    /// Azure's trusted services.
    AzureServices,
    /// Reading of logs.
    Logging,
    /// Reading of metrics.
    Metrics,
}

/// Resources that are let in.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRuleSpec {
    /// Their tenant, a GUID.
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"))]
    pub tenant_id: String,

    /// Their resource id; parts may be `*`. Example:
    /// /subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/*/providers/Microsoft.Synapse/workspaces/*.
    #[schemars(length(min = 1, max = 512))]
    pub resource_id: String,
}
