//! The shapes that a seed file and the admin API take.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    certificate_spec::{CertificateSeed, KeySeed},
    files::GroupSpec,
    lake_store::LakeStoreSpec,
    managed_identity::ManagedIdentitySpec,
    ml_server::MlServerSpec,
    moment::Epoch,
    networks::{Access, Firewall},
    object::Tags,
    scope,
    settings::SettingsPatch,
    stack::StackSpec,
    storage_spec::StorageAccountSpec,
    subscription::SubscriptionSpec,
};

/// Text that must not reach a log: its `Debug` hides it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SecretText(pub(crate) String);

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<redacted>")
    }
}

impl SecretText {
    /// Compares without telling by its time how much is alike.
    pub(crate) fn is(&self, given: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), given.as_bytes())
            .is_ok()
    }
}

/// A seed document; each part is optional, and it is merged into what exists.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Seed {
    pub(crate) clock: Option<ClockSpec>,
    pub(crate) settings: Option<SettingsPatch>,
    pub(crate) issuers: Vec<IssuerSpec>,
    pub(crate) tenants: Vec<TenantSpec>,
    pub(crate) subscriptions: Vec<SubscriptionSpec>,
    pub(crate) managed_identities: Vec<ManagedIdentitySpec>,
    pub(crate) groups: Vec<GroupSpec>,
    pub(crate) ml_servers: Vec<MlServerSpec>,
    pub(crate) stacks: Vec<StackSpec>,
    pub(crate) vaults: Vec<VaultSpec>,
    pub(crate) storage_accounts: Vec<StorageAccountSpec>,
    pub(crate) data_lake_stores: Vec<LakeStoreSpec>,
}

/// The simulator's clock against the machine's.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ClockSpec {
    pub(crate) skew_seconds: i64,
}

/// An OIDC issuer whose tokens federated credentials may name.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct IssuerSpec {
    pub(crate) issuer: String,
    /// PEM file with the CA of its TLS; absent: the system's roots.
    #[serde(default)]
    pub(crate) ca_file: Option<PathBuf>,
}

/// A tenant. Its applications are merged by client id.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct TenantSpec {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) applications: Vec<ApplicationSpec>,
    pub(crate) users: Vec<UserSpec>,
}

/// A user who signs in by password or device code.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct UserSpec {
    pub(crate) username: String,
    pub(crate) password: SecretText,
    /// Absent: derived from tenant and username.
    pub(crate) object_id: Option<String>,
    /// Needs a second factor, so that a password alone is refused.
    pub(crate) mfa: bool,
}

/// An application with its service principal.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ApplicationSpec {
    pub(crate) client_id: String,
    /// Object id of the service principal; absent: derived from tenant and client id.
    pub(crate) object_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) secrets: Vec<ClientSecretSpec>,
    pub(crate) certificates: Vec<CertificateSpec>,
    pub(crate) federated_credentials: Vec<FederatedCredential>,
    /// Certificates of a subject, whose chain leads to a root, are trusted without being registered.
    pub(crate) subject_name_issuer: Vec<SubjectNameSpec>,
    /// May act for users without a credential of its own.
    pub(crate) public_client: bool,
    /// May sign users in by their password.
    pub(crate) password_grant: bool,
}

impl Default for ApplicationSpec {
    fn default() -> Self {
        Self {
            client_id: String::new(),
            object_id: None,
            name: None,
            secrets: Vec::new(),
            certificates: Vec::new(),
            federated_credentials: Vec::new(),
            subject_name_issuer: Vec::new(),
            public_client: false,
            password_grant: true,
        }
    }
}

/// A subject and the root that its certificates lead to.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SubjectNameSpec {
    /// As `CN=app.example`.
    pub(crate) subject: String,
    pub(crate) root_pem: String,
}

/// A client secret.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ClientSecretSpec {
    #[serde(skip_serializing)]
    pub(crate) value: SecretText,
    #[serde(default)]
    pub(crate) expires: Option<Epoch>,
}

/// A registered certificate (public part).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CertificateSpec {
    pub(crate) pem: String,
}

/// A federated credential: which foreign tokens may stand for the application.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FederatedCredential {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    #[serde(default = "default_audience")]
    pub(crate) audience: String,
}

fn default_audience() -> String {
    "api://AzureADTokenExchange".to_owned()
}

/// How a vault decides who may do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Authorization {
    /// Role assignments.
    #[default]
    #[serde(rename = "RBAC", alias = "Rbac", alias = "rbac")]
    Rbac,
    /// The vault's own list.
    AccessPolicies,
}

/// A role given to a principal on a vault or account, on something in it, or in a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RoleAssignment {
    pub(crate) principal_id: String,
    pub(crate) role: String,
    /// Absent: what it is given with. A full resource id, or what follows that of the vault or subscription, as
    /// `/secrets/name` or `/resourceGroups/rg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
}

/// An entry of a vault's own list.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AccessPolicy {
    /// Absent: the vault's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_id: Option<String>,
    pub(crate) object_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) application_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secrets: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificates: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keys: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) storage: Option<Vec<String>>,
}

/// Price tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sku {
    #[default]
    Standard,
    Premium,
}

/// Where a vault is whose seed names no subscription.
pub(crate) const DEFAULT_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// A vault, and what to put into it. Serialised without that.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct VaultSpec {
    pub(crate) name: String,
    pub(crate) tenant_id: String,
    /// Region of the Azure Stack Hub that it is on; absent: the simulator's own cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stack: Option<String>,
    pub(crate) subscription_id: String,
    pub(crate) resource_group: String,
    pub(crate) location: String,
    pub(crate) authorization: Authorization,
    pub(crate) role_assignments: Vec<RoleAssignment>,
    pub(crate) access_policies: Vec<AccessPolicy>,
    pub(crate) soft_delete_retention_days: u16,
    pub(crate) purge_protection: bool,
    pub(crate) public_network_access: Access,
    pub(crate) firewall: Option<Firewall>,
    pub(crate) sku: Sku,
    pub(crate) tags: Tags,
    pub(crate) enabled_for_deployment: bool,
    pub(crate) enabled_for_disk_encryption: Option<bool>,
    pub(crate) enabled_for_template_deployment: Option<bool>,
    #[serde(skip_serializing)]
    pub(crate) secrets: Vec<SecretSpec>,
    #[serde(skip_serializing)]
    pub(crate) certificates: Vec<CertificateSeed>,
    #[serde(skip_serializing)]
    pub(crate) keys: Vec<KeySeed>,
}

impl Default for VaultSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            tenant_id: String::new(),
            stack: None,
            subscription_id: DEFAULT_SUBSCRIPTION.to_owned(),
            resource_group: "rg".to_owned(),
            location: "westeurope".to_owned(),
            authorization: Authorization::default(),
            role_assignments: Vec::new(),
            access_policies: Vec::new(),
            soft_delete_retention_days: 90,
            purge_protection: false,
            public_network_access: Access::Enabled,
            firewall: None,
            sku: Sku::default(),
            tags: Tags::new(),
            enabled_for_deployment: false,
            enabled_for_disk_encryption: None,
            enabled_for_template_deployment: None,
            secrets: Vec::new(),
            certificates: Vec::new(),
            keys: Vec::new(),
        }
    }
}

impl VaultSpec {
    /// Its id at the resource manager.
    pub(crate) fn id(&self) -> String {
        scope::vault(&self.subscription_id, &self.resource_group, &self.name)
    }

    /// Whether it is in that group.
    pub(crate) fn is_at(&self, subscription: &str, group: &str) -> bool {
        self.subscription_id.eq_ignore_ascii_case(subscription)
            && self.resource_group.eq_ignore_ascii_case(group)
    }
}

/// A secret, or what to change of one. Unlike a client of the vault, it may say `managed` and `kid`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SecretSpec {
    pub(crate) name: String,
    pub(crate) value: Option<SecretText>,
    pub(crate) content_type: Option<String>,
    pub(crate) tags: Option<BTreeMap<String, String>>,
    pub(crate) enabled: Option<bool>,
    pub(crate) not_before: Option<Epoch>,
    pub(crate) expires: Option<Epoch>,
    pub(crate) managed: Option<bool>,
    pub(crate) kid: Option<String>,
}
