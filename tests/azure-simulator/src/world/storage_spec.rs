//! Storage accounts, as a seed, the admin API and the resource manager say how they are to be.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    networks::{DefaultAction, Range},
    object::Tags,
    scope,
    spec::{DEFAULT_SUBSCRIPTION, RoleAssignment, SecretText},
};

/// How a public network reaches an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum PublicAccess {
    Enabled,
    Disabled,
    /// Only what a network security perimeter lets in; none is here.
    SecuredByPerimeter,
}

/// How often blobs are expected to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum AccessTier {
    Hot,
    Cool,
    Cold,
    Premium,
}

/// An account, and what to put into it. Serialised without its keys.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct StorageAccountSpec {
    pub(crate) name: String,
    /// The directory that it trusts.
    pub(crate) tenant_id: String,
    pub(crate) subscription_id: String,
    pub(crate) resource_group: String,
    pub(crate) location: String,
    /// As `StorageV2`.
    pub(crate) kind: String,
    /// As `Standard_LRS`.
    pub(crate) sku: String,
    pub(crate) tags: Tags,
    /// Hierarchical namespace: directories and access lists.
    pub(crate) is_hns_enabled: Option<bool>,
    pub(crate) is_sftp_enabled: Option<bool>,
    pub(crate) is_local_user_enabled: Option<bool>,
    pub(crate) is_nfs_v3_enabled: Option<bool>,
    #[serde(rename = "minimumTlsVersion")]
    pub(crate) minimum_tls: String,
    /// Absent means that keys are taken: ask [`Self::takes_keys`].
    pub(crate) allow_shared_key_access: Option<bool>,
    pub(crate) allow_blob_public_access: bool,
    pub(crate) supports_https_traffic_only: bool,
    pub(crate) default_to_o_auth_authentication: Option<bool>,
    pub(crate) allow_cross_tenant_replication: bool,
    /// As `AAD`.
    pub(crate) allowed_copy_scope: Option<String>,
    pub(crate) public_network_access: Option<PublicAccess>,
    #[serde(rename = "networkAcls")]
    pub(crate) firewall: StorageFirewall,
    pub(crate) access_tier: Option<AccessTier>,
    pub(crate) encryption: Encryption,
    pub(crate) large_file_shares_state: Option<String>,
    pub(crate) dns_endpoint_type: Option<String>,
    /// `{"type": "SystemAssigned", …}`.
    pub(crate) identity: Option<Value>,
    /// `{"keyExpirationPeriodInDays": 90}`.
    pub(crate) key_policy: Option<Value>,
    pub(crate) sas_policy: Option<Value>,
    pub(crate) routing_preference: Option<Value>,
    pub(crate) immutable_storage_with_versioning: Option<Value>,
    pub(crate) blob_service: BlobService,
    /// The rules of `managementPolicies/default`, as they were given.
    pub(crate) management_policy: Option<Value>,
    pub(crate) role_assignments: Vec<RoleAssignment>,
    /// `key1` and `key2`, base64; absent: random ones.
    #[serde(skip_serializing)]
    pub(crate) keys: Option<[SecretText; 2]>,
}

impl Default for StorageAccountSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            tenant_id: String::new(),
            subscription_id: DEFAULT_SUBSCRIPTION.to_owned(),
            resource_group: "rg".to_owned(),
            location: "westeurope".to_owned(),
            kind: "StorageV2".to_owned(),
            sku: "Standard_LRS".to_owned(),
            tags: Tags::new(),
            is_hns_enabled: None,
            is_sftp_enabled: None,
            is_local_user_enabled: None,
            is_nfs_v3_enabled: None,
            minimum_tls: "TLS1_0".to_owned(),
            allow_shared_key_access: None,
            allow_blob_public_access: false,
            supports_https_traffic_only: true,
            default_to_o_auth_authentication: None,
            allow_cross_tenant_replication: false,
            allowed_copy_scope: None,
            public_network_access: None,
            firewall: StorageFirewall::default(),
            access_tier: Some(AccessTier::Hot),
            encryption: Encryption::default(),
            large_file_shares_state: None,
            dns_endpoint_type: None,
            identity: None,
            key_policy: None,
            sas_policy: None,
            routing_preference: None,
            immutable_storage_with_versioning: None,
            blob_service: BlobService::default(),
            management_policy: None,
            role_assignments: Vec::new(),
            keys: None,
        }
    }
}

impl StorageAccountSpec {
    /// Its id at the resource manager.
    pub(crate) fn id(&self) -> String {
        scope::storage_account(&self.subscription_id, &self.resource_group, &self.name)
    }

    /// Whether it is in that group.
    pub(crate) fn is_at(&self, subscription: &str, group: &str) -> bool {
        self.subscription_id.eq_ignore_ascii_case(subscription)
            && self.resource_group.eq_ignore_ascii_case(group)
    }

    /// Whether it has directories and access lists.
    pub(crate) fn has_namespace(&self) -> bool {
        self.is_hns_enabled == Some(true)
    }

    /// Whether requests may be signed with its keys.
    pub(crate) fn takes_keys(&self) -> bool {
        self.allow_shared_key_access != Some(false)
    }

    /// Whether its network rules let an address in.
    pub(crate) fn lets_in(&self, address: IpAddr) -> bool {
        match self.public_network_access {
            None | Some(PublicAccess::Enabled) => self.firewall.lets_in(address),
            Some(PublicAccess::Disabled | PublicAccess::SecuredByPerimeter) => false,
        }
    }
}

/// The firewall of an account, which the resource manager calls `networkAcls`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct StorageFirewall {
    /// As `Logging, Metrics, AzureServices`.
    pub(crate) bypass: String,
    pub(crate) default_action: DefaultAction,
    /// Addresses and ranges that are let in.
    pub(crate) ip_rules: Vec<String>,
    /// Ids of subnets that are let in.
    pub(crate) virtual_network_rules: Vec<String>,
    pub(crate) resource_access_rules: Vec<ResourceAccess>,
}

impl Default for StorageFirewall {
    fn default() -> Self {
        Self {
            bypass: "AzureServices".to_owned(),
            default_action: DefaultAction::Allow,
            ip_rules: Vec::new(),
            virtual_network_rules: Vec::new(),
            resource_access_rules: Vec::new(),
        }
    }
}

impl StorageFirewall {
    fn lets_in(&self, address: IpAddr) -> bool {
        self.default_action == DefaultAction::Allow
            || self
                .ip_rules
                .iter()
                .filter_map(|rule| Range::of(rule))
                .any(|range| range.holds(address))
    }
}

/// A resource whose identity is let past a firewall.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResourceAccess {
    pub(crate) tenant_id: String,
    pub(crate) resource_id: String,
}

/// Whose key encrypts an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Encryption {
    /// `Microsoft.Storage` or `Microsoft.Keyvault`.
    pub(crate) key_source: String,
    #[serde(rename = "requireInfrastructureEncryption")]
    pub(crate) twice: Option<bool>,
    /// The customer's key.
    pub(crate) key: Option<EncryptionKey>,
    /// Id of the user-assigned identity that reads the key; absent: the account's own.
    pub(crate) user_assigned_identity: Option<String>,
}

impl Default for Encryption {
    fn default() -> Self {
        Self {
            key_source: "Microsoft.Storage".to_owned(),
            twice: None,
            key: None,
            user_assigned_identity: None,
        }
    }
}

/// A key in a vault.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EncryptionKey {
    pub(crate) vault_uri: String,
    pub(crate) name: String,
    /// Absent: the newest, followed by itself.
    #[serde(default)]
    pub(crate) version: Option<String>,
    /// Id of the version in use.
    #[serde(default)]
    pub(crate) current: Option<String>,
}

/// How the blob service of an account keeps what is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct BlobService {
    /// Of blobs, and of files and directories in a hierarchical namespace.
    pub(crate) delete_retention: Retention,
    /// Of containers.
    pub(crate) container_delete_retention: Retention,
    pub(crate) default_service_version: Option<String>,
    /// `{"corsRules": […]}`, as they were given.
    pub(crate) cors: Option<Value>,
    pub(crate) last_access_time_tracking: Option<Value>,
    pub(crate) is_versioning_enabled: Option<bool>,
    pub(crate) change_feed: Option<Value>,
    pub(crate) restore_policy: Option<Value>,
}

/// For how long what is deleted can come back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Retention {
    pub(crate) enabled: bool,
    pub(crate) days: Option<u16>,
    pub(crate) allow_permanent_delete: Option<bool>,
}
