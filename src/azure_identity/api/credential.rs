//! The part of an identity that says with what.
#![allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    clippy::struct_field_names,
    reason = "the KubeSchema derive makes private shadows of public types, and Azure's identifiers are all called ids"
)]

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::CloudSpec;

/// Who authenticates, and how.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialSpec {
    /// The Entra tenant of the application: its id (a GUID) or one of its domain names. Example:
    /// 11111111-1111-1111-1111-111111111111. An Azure Stack Hub with ADFS needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Za-z][0-9A-Za-z.-]{0,252}$"))]
    pub tenant_id: Option<String>,

    /// The application (client) id of the service principal or user-assigned managed identity, a GUID. Example:
    /// 22222222-2222-2222-2222-222222222222.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"))]
    pub client_id: Option<String>,

    /// The Azure cloud. Default: `{name: Public}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudSpec>,

    /// Authenticate with a client secret that is kept in a Kubernetes Secret of the same namespace (for a
    /// ClusterAzureIdentity: of the operator's namespace). A changed Secret is used at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretKeyRef>,

    /// Authenticate with a certificate and its private key that are kept in a Kubernetes Secret of the same namespace (for a
    /// ClusterAzureIdentity: of the operator's namespace). A changed Secret is used at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<CertificateSpec>,

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
    /// audience `api://AzureADTokenExchange`. Example: payments. A ClusterAzureIdentity may leave it out: then it is the
    /// operator's own workload identity, as AKS gives it to the operator's pod (`AZURE_FEDERATED_TOKEN_FILE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: Option<String>,
}

/// A certificate with its private key, in one key of a Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSpec {
    /// Name of the Secret. Example: azure-sp.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// Key in its data that holds certificate and private key, as PEM or PKCS#12 (PFX). Example: tls.pem.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,

    /// Key in its data that holds the password of the private key or of the PKCS#12 container. Default: none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub password_key: Option<String>,

    /// Send the certificate's chain along, which authentication by subject name and issuer needs. Default: false.
    #[serde(default)]
    pub send_chain: bool,
}

/// Credentials that only an administrator may lend, since they are the operator's own or a person's.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LentCredentialSpec {
    /// Authenticate as a user by name and password (the OAuth password grant). Microsoft advises against it, and it cannot
    /// work where a second factor is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_password: Option<UsernamePasswordSpec>,

    /// Authenticate with a managed identity of what the operator runs on: a virtual machine or AKS node (IMDS), App Service,
    /// Azure Arc and others. `{}` means the system-assigned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_identity: Option<ManagedIdentitySpec>,

    /// Authenticate with the first that the operator's environment offers: environment variables, workload identity, managed
    /// identity, Azure CLI. `AZURE_TOKEN_CREDENTIALS` narrows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultSpec>,
}

/// A user, by name and password.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct UsernamePasswordSpec {
    /// Who signs in. Example: lakevault@contoso.onmicrosoft.com.
    #[schemars(length(min = 1, max = 256))]
    pub username: String,

    /// The password, in a Secret of the operator's namespace. A changed Secret is used at once.
    pub password_from: SecretKeyRef,
}

/// Which managed identity. Nothing set means the system-assigned one.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("[has(self.clientId), has(self.objectId), has(self.resourceId)].filter(x, x).size() <= 1").message("at most one of clientId, objectId and resourceId may be set"))]
#[serde(rename_all = "camelCase")]
pub struct ManagedIdentitySpec {
    /// The user-assigned identity with this client id. Example: 22222222-2222-2222-2222-222222222222.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"))]
    pub client_id: Option<String>,

    /// The user-assigned identity with this object (principal) id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"))]
    pub object_id: Option<String>,

    /// The user-assigned identity with this resource id. Example:
    /// `/subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^/subscriptions/[^?#%]+$"), length(max = 512))]
    pub resource_id: Option<String>,
}

/// The default chain has no settings of its own.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DefaultSpec {}
