//! A spec parsed into types that cannot be wrong. Pure.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Resource, ResourceExt};

use super::api::{
    AzureIdentity, AzureIdentityStatus, ClusterAzureIdentity, CredentialSpec, Grant, IdentityKind,
    LentCredentialSpec, ManagedIdentitySpec, SecretKeyRef,
};
use crate::azure::auth::Profile;
use crate::azure::auth::managed::Which;
use crate::azure::cloud::source::CloudSource;
use crate::names::{ClientId, NameError, ResourceName, SecretKey, TenantId};
use crate::problem::{Problem, Reason};
use crate::retry::Retry;

/// Names an identity. A ClusterAzureIdentity has no namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKey {
    /// Which kind.
    pub kind: IdentityKind,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "AzureIdentity {namespace}/{}", self.name),
            None => write!(f, "ClusterAzureIdentity {}", self.name),
        }
    }
}

/// What both kinds of identity have.
pub trait Identity: Resource<DynamicType = ()> + Clone + Send + Sync {
    /// Which kind it is.
    const KIND: IdentityKind;
    /// Plural name, for metrics and URLs.
    const PLURAL: &'static str;
    /// How it is named.
    fn key(&self) -> IdentityKey;
    /// Who authenticates, and how.
    fn credential(&self) -> &CredentialSpec;
    /// The Secret that its credential is in, if it is in one.
    fn credential_secret(&self) -> Option<&str> {
        let spec = self.credential();
        let secret = spec.client_secret.as_ref().map(|at| &at.name);
        let certificate = spec.client_certificate.as_ref().map(|at| &at.name);
        let user = self.lent().and_then(|lent| lent.username_password.as_ref());
        let password = user.map(|user| &user.password_from.name);
        secret.or(certificate).or(password).map(String::as_str)
    }
    /// Credentials that only an administrator lends; none where it is of its namespace only.
    fn lent(&self) -> Option<&LentCredentialSpec>;
    /// To whom it is lent; none where it is of its namespace only.
    fn grants(&self) -> Option<&[Grant]>;
    /// The status, if any.
    fn status(&self) -> Option<&AzureIdentityStatus>;
    /// Replaces the status.
    fn set_status(&mut self, status: AzureIdentityStatus);
}

impl Identity for AzureIdentity {
    const KIND: IdentityKind = IdentityKind::AzureIdentity;
    const PLURAL: &'static str = "azureidentities";

    fn key(&self) -> IdentityKey {
        IdentityKey {
            kind: Self::KIND,
            namespace: self.namespace(),
            name: self.name_any(),
        }
    }

    fn credential(&self) -> &CredentialSpec {
        &self.spec.credential
    }

    fn lent(&self) -> Option<&LentCredentialSpec> {
        None
    }

    fn grants(&self) -> Option<&[Grant]> {
        None
    }

    fn status(&self) -> Option<&AzureIdentityStatus> {
        self.status.as_ref()
    }

    fn set_status(&mut self, status: AzureIdentityStatus) {
        self.status = Some(status);
    }
}

impl Identity for ClusterAzureIdentity {
    const KIND: IdentityKind = IdentityKind::ClusterAzureIdentity;
    const PLURAL: &'static str = "clusterazureidentities";

    fn key(&self) -> IdentityKey {
        IdentityKey {
            kind: Self::KIND,
            namespace: None,
            name: self.name_any(),
        }
    }

    fn credential(&self) -> &CredentialSpec {
        &self.spec.credential
    }

    fn lent(&self) -> Option<&LentCredentialSpec> {
        Some(&self.spec.lent)
    }

    fn grants(&self) -> Option<&[Grant]> {
        Some(&self.spec.allow)
    }

    fn status(&self) -> Option<&AzureIdentityStatus> {
        self.status.as_ref()
    }

    fn set_status(&mut self, status: AzureIdentityStatus) {
        self.status = Some(status);
    }
}

/// A spec that can be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    /// Its name.
    pub key: IdentityKey,
    /// Its uid: one made anew under the same name is another identity.
    pub uid: String,
    /// The generation of the spec.
    pub generation: i64,
    /// The cloud, or who tells it.
    pub cloud: CloudSource,
    /// Whether the spec names the cloud. Where it does not, the operator's own credentials bring it.
    pub names_cloud: bool,
    /// The tenant, where the spec names one.
    pub tenant: Option<TenantId>,
    /// The application, where the spec names one.
    pub client: Option<ClientId>,
    /// With what.
    pub method: Method,
    /// The namespace that the credential's Secret or ServiceAccount is in.
    pub credential_namespace: String,
    /// To whom it is lent; none where it is of its namespace only.
    pub grants: Option<Vec<Grant>>,
}

/// An identity that can be used: its cloud is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usable {
    /// The spec.
    pub valid: Arc<Valid>,
    /// Who authenticates, and where.
    pub profile: Arc<Profile>,
}

/// A key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InSecret {
    /// The Secret.
    pub secret: ResourceName,
    /// Its key.
    pub key: SecretKey,
}

/// What an identity authenticates with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// A client secret in a Secret.
    ClientSecret(InSecret),
    /// A certificate with its key in a Secret.
    ClientCertificate {
        /// Where they are.
        content: InSecret,
        /// The key of the same Secret that holds what opens them.
        password_key: Option<SecretKey>,
        /// Whether the chain is sent along.
        send_chain: bool,
    },
    /// A token of a ServiceAccount.
    WorkloadIdentity {
        /// The ServiceAccount.
        service_account: ResourceName,
    },
    /// The operator's own federated token, as its environment describes it.
    OwnWorkloadIdentity,
    /// A user's name and password.
    UsernamePassword {
        /// The user.
        username: String,
        /// Where the password is.
        password: InSecret,
    },
    /// A managed identity of what the operator runs on.
    ManagedIdentity(Which),
    /// The first that the operator's environment offers.
    Default,
}

impl Method {
    /// The field of the spec that chose it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::ClientSecret(_) => "clientSecret",
            Self::ClientCertificate { .. } => "clientCertificate",
            Self::WorkloadIdentity { .. } | Self::OwnWorkloadIdentity => "workloadIdentity",
            Self::UsernamePassword { .. } => "usernamePassword",
            Self::ManagedIdentity(_) => "managedIdentity",
            Self::Default => "default",
        }
    }

    /// Whether tenant and client come from the operator's environment or machine, not from the spec.
    pub fn brings_itself(&self) -> bool {
        matches!(
            self,
            Self::OwnWorkloadIdentity | Self::ManagedIdentity(_) | Self::Default
        )
    }
}

/// Parses an identity. `operator_namespace` holds the credentials of `ClusterAzureIdentities`.
pub fn parse<I: Identity>(identity: &I, operator_namespace: &str) -> Result<Valid, Problem> {
    let key = identity.key();
    let meta = identity.meta();
    if meta.deletion_timestamp.is_some() {
        let message =
            format!("{key} is being deleted: name another identity, or wait until it is made anew");
        return Err(Problem::new(
            Reason::IdentityDeleting,
            Retry::OnChange,
            message,
        ));
    }
    let spec = identity.credential();
    let named = |problem: Problem| Problem {
        message: format!("{key}: {}", problem.message),
        ..problem
    };
    let method = method(spec, identity.lent()).map_err(named)?;
    let tenant = spec.tenant_id.as_deref().map(str::parse).transpose();
    let tenant: Option<TenantId> = tenant.map_err(|error| named(field("tenantId", &error)))?;
    let client = spec.client_id.as_deref().map(str::parse).transpose();
    let client: Option<ClientId> = client.map_err(|error| named(field("clientId", &error)))?;
    let cloud = CloudSource::parse(spec.cloud.as_ref()).map_err(named)?;
    if client.is_none() && !method.brings_itself() {
        return Err(named(invalid("spec.clientId must be set".to_owned())));
    }
    Ok(Valid {
        credential_namespace: key
            .namespace
            .clone()
            .unwrap_or_else(|| operator_namespace.to_owned()),
        uid: meta.uid.clone().unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        grants: identity.grants().map(<[Grant]>::to_vec),
        names_cloud: spec.cloud.is_some(),
        key,
        cloud,
        tenant,
        client,
        method,
    })
}

/// The one credential that is set. What only an administrator lends is never looked for in an identity of a namespace.
fn method(spec: &CredentialSpec, lent: Option<&LentCredentialSpec>) -> Result<Method, Problem> {
    let mut set = Vec::new();
    if let Some(secret) = &spec.client_secret {
        set.push(Method::ClientSecret(in_secret("clientSecret", secret)?));
    }
    if let Some(certificate) = &spec.client_certificate {
        let password_key = certificate.password_key.as_deref().map(str::parse);
        set.push(Method::ClientCertificate {
            content: InSecret {
                secret: parsed("clientCertificate.name", &certificate.name)?,
                key: parsed("clientCertificate.key", &certificate.key)?,
            },
            password_key: password_key
                .transpose()
                .map_err(|error| field("clientCertificate.passwordKey", &error))?,
            send_chain: certificate.send_chain,
        });
    }
    if let Some(workload) = &spec.workload_identity {
        set.push(match (&workload.service_account_name, lent) {
            (Some(name), _) => Method::WorkloadIdentity {
                service_account: parsed("workloadIdentity.serviceAccountName", name)?,
            },
            (None, Some(_)) => Method::OwnWorkloadIdentity,
            (None, None) => {
                return Err(invalid(
                    "spec.workloadIdentity.serviceAccountName must be set: the operator's own identity is not an AzureIdentity's to use".to_owned(),
                ));
            }
        });
    }
    if let Some(user) = lent.and_then(|lent| lent.username_password.as_ref()) {
        set.push(Method::UsernamePassword {
            username: user.username.clone(),
            password: in_secret("usernamePassword.passwordFrom", &user.password_from)?,
        });
    }
    if let Some(managed) = lent.and_then(|lent| lent.managed_identity.as_ref()) {
        set.push(Method::ManagedIdentity(which(managed)?));
    }
    if lent.is_some_and(|lent| lent.default.is_some()) {
        set.push(Method::Default);
    }
    match (set.pop(), set.is_empty()) {
        (Some(method), true) => Ok(method),
        _ => Err(invalid(format!(
            "exactly one of {} must be set",
            if lent.is_some() {
                "spec.clientSecret, spec.clientCertificate, spec.workloadIdentity, spec.usernamePassword, spec.managedIdentity and spec.default"
            } else {
                "spec.clientSecret, spec.clientCertificate and spec.workloadIdentity"
            }
        ))),
    }
}

fn which(spec: &ManagedIdentitySpec) -> Result<Which, Problem> {
    let field = |name: &str| format!("managedIdentity.{name}");
    match (&spec.client_id, &spec.object_id, &spec.resource_id) {
        (None, None, None) => Ok(Which::System),
        (Some(id), None, None) => Ok(Which::ClientId(parsed(&field("clientId"), id)?)),
        (None, Some(id), None) => Ok(Which::ObjectId(parsed(&field("objectId"), id)?)),
        (None, None, Some(id)) => Ok(Which::ResourceId(parsed(&field("resourceId"), id)?)),
        _ => Err(invalid(
            "spec.managedIdentity: at most one of clientId, objectId and resourceId may be set"
                .to_owned(),
        )),
    }
}

fn in_secret(name: &str, at: &SecretKeyRef) -> Result<InSecret, Problem> {
    Ok(InSecret {
        secret: parsed(&format!("{name}.name"), &at.name)?,
        key: parsed(&format!("{name}.key"), &at.key)?,
    })
}

fn parsed<T: FromStr<Err = NameError>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| field(name, &error))
}

fn field(name: &str, error: &NameError) -> Problem {
    invalid(format!("spec.{name}: {error}"))
}

fn invalid(message: String) -> Problem {
    Problem::new(Reason::InvalidSpec, Retry::OnChange, message)
}

/// What Events are about.
pub fn reference<I: Identity>(identity: &I) -> ObjectReference {
    identity.object_ref(&())
}

#[cfg(test)]
#[path = "valid_tests.rs"]
mod tests;
