//! A spec parsed into types that cannot be wrong. Pure.

use std::fmt;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Resource, ResourceExt};

use super::api::{AzureIdentity, AzureIdentityStatus, ClusterAzureIdentity, CredentialSpec, Grant};
use crate::azure::auth::Profile;
use crate::azure::cloud::Cloud;
use crate::azure_identity::api::IdentityKind;
use crate::names::{NameError, ResourceName, SecretKey};
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
    /// Plural name, for metrics and URLs.
    const PLURAL: &'static str;
    /// How it is named.
    fn key(&self) -> IdentityKey;
    /// Who authenticates, and how.
    fn credential(&self) -> &CredentialSpec;
    /// To whom it is lent; none where it is of its namespace only.
    fn grants(&self) -> Option<&[Grant]>;
    /// The status, if any.
    fn status(&self) -> Option<&AzureIdentityStatus>;
    /// Replaces the status.
    fn set_status(&mut self, status: AzureIdentityStatus);
}

impl Identity for AzureIdentity {
    const PLURAL: &'static str = "azureidentities";

    fn key(&self) -> IdentityKey {
        IdentityKey {
            kind: IdentityKind::AzureIdentity,
            namespace: self.namespace(),
            name: self.name_any(),
        }
    }

    fn credential(&self) -> &CredentialSpec {
        &self.spec.credential
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
    const PLURAL: &'static str = "clusterazureidentities";

    fn key(&self) -> IdentityKey {
        IdentityKey {
            kind: IdentityKind::ClusterAzureIdentity,
            namespace: None,
            name: self.name_any(),
        }
    }

    fn credential(&self) -> &CredentialSpec {
        &self.spec.credential
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

/// An identity that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    /// Its name.
    pub key: IdentityKey,
    /// Its uid: one made anew under the same name is another identity.
    pub uid: String,
    /// The generation of the spec.
    pub generation: i64,
    /// Who authenticates, and where.
    pub profile: Profile,
    /// With what.
    pub method: Method,
    /// The namespace that the credential's Secret or ServiceAccount is in.
    pub credential_namespace: String,
    /// To whom it is lent; none where it is of its namespace only.
    pub grants: Option<Vec<Grant>>,
}

/// What an identity authenticates with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// A client secret in a Secret.
    ClientSecret {
        /// The Secret.
        secret: ResourceName,
        /// Its key.
        key: SecretKey,
    },
    /// A token of a ServiceAccount.
    WorkloadIdentity {
        /// The ServiceAccount.
        service_account: ResourceName,
    },
}

impl Method {
    /// The field of the spec that chose it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::ClientSecret { .. } => "clientSecret",
            Self::WorkloadIdentity { .. } => "workloadIdentity",
        }
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
    let invalid = |message: String| {
        Problem::new(
            Reason::InvalidSpec,
            Retry::OnChange,
            format!("{key}: {message}"),
        )
    };
    let field = |name: &'static str| move |error: NameError| invalid_field(name, &error);
    let method = match (&spec.client_secret, &spec.workload_identity) {
        (Some(secret), None) => Method::ClientSecret {
            secret: secret
                .name
                .parse()
                .map_err(field("clientSecret.name"))
                .map_err(invalid)?,
            key: secret
                .key
                .parse()
                .map_err(field("clientSecret.key"))
                .map_err(invalid)?,
        },
        (None, Some(workload)) => Method::WorkloadIdentity {
            service_account: workload
                .service_account_name
                .parse()
                .map_err(field("workloadIdentity.serviceAccountName"))
                .map_err(invalid)?,
        },
        _ => {
            return Err(invalid(
                "exactly one of spec.clientSecret and spec.workloadIdentity must be set".to_owned(),
            ));
        }
    };
    let profile = Profile {
        cloud: Cloud::parse(spec.cloud.as_ref())?,
        tenant: spec
            .tenant_id
            .parse()
            .map_err(field("tenantId"))
            .map_err(invalid)?,
        client: spec
            .client_id
            .parse()
            .map_err(field("clientId"))
            .map_err(invalid)?,
    };
    Ok(Valid {
        credential_namespace: key
            .namespace
            .clone()
            .unwrap_or_else(|| operator_namespace.to_owned()),
        uid: meta.uid.clone().unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        grants: identity.grants().map(<[Grant]>::to_vec),
        key,
        profile,
        method,
    })
}

fn invalid_field(name: &str, error: &NameError) -> String {
    format!("spec.{name}: {error}")
}

/// What Events are about.
pub fn reference<I: Identity>(identity: &I) -> ObjectReference {
    identity.object_ref(&())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(spec: &serde_json::Value) -> AzureIdentity {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "AzureIdentity",
            "metadata": {"name": "payments", "namespace": "team", "uid": "u", "generation": 3}, "spec": spec
        }))
        .unwrap()
    }

    fn spec(credential: &serde_json::Value) -> serde_json::Value {
        let mut spec = serde_json::json!({
            "tenantId": "11111111-1111-1111-1111-111111111111", "clientId": "22222222-2222-2222-2222-222222222222"
        });
        spec.as_object_mut()
            .unwrap()
            .extend(credential.as_object().unwrap().clone());
        spec
    }

    #[test]
    fn the_credential_of_an_identity_is_in_its_own_namespace() {
        let workload =
            spec(&serde_json::json!({"workloadIdentity": {"serviceAccountName": "app"}}));
        let valid = parse(&identity(&workload), "lakevault-system").unwrap();
        assert_eq!(valid.credential_namespace, "team");
        assert_eq!(valid.method.word(), "workloadIdentity");
        assert_eq!(valid.grants, None);
    }

    #[test]
    fn the_credential_of_a_cluster_identity_is_in_the_operators_namespace() {
        let spec = spec(&serde_json::json!({"clientSecret": {"name": "sp", "key": "secret"}}));
        let cluster = serde_json::json!({
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "ClusterAzureIdentity", "metadata": {"name": "x"}, "spec": spec
        });
        let cluster: ClusterAzureIdentity = serde_json::from_value(cluster).unwrap();
        let valid = parse(&cluster, "lakevault-system").unwrap();
        assert_eq!(valid.credential_namespace, "lakevault-system");
        assert_eq!(
            valid.grants,
            Some(Vec::new()),
            "no allow entry lends to nobody"
        );
    }

    #[test]
    fn bad_fields_are_named() {
        let cases = [
            (serde_json::json!({}), "exactly one"),
            (
                serde_json::json!({"clientSecret": {"name": "s", "key": "k"}, "workloadIdentity": {"serviceAccountName": "a"}}),
                "exactly one",
            ),
            (
                serde_json::json!({"clientSecret": {"name": "Bad/Name", "key": "k"}}),
                "clientSecret.name",
            ),
            (
                serde_json::json!({"clientSecret": {"name": "s", "key": ".."}}),
                "clientSecret.key",
            ),
            (
                serde_json::json!({"workloadIdentity": {"serviceAccountName": "a/../b"}}),
                "serviceAccountName",
            ),
            (
                serde_json::json!({"tenantId": "a/b", "clientSecret": {"name": "s", "key": "k"}}),
                "tenantId",
            ),
            (
                serde_json::json!({"clientId": "me", "clientSecret": {"name": "s", "key": "k"}}),
                "clientId",
            ),
        ];
        for (credential, field) in cases {
            let problem = parse(&identity(&spec(&credential)), "lakevault-system").unwrap_err();
            assert_eq!(problem.reason, Reason::InvalidSpec);
            assert!(
                problem.message.contains(field) && problem.message.contains("team/payments"),
                "{problem}"
            );
        }
    }

    #[test]
    fn an_identity_that_is_being_deleted_is_not_used() {
        let mut leaving = identity(&spec(
            &serde_json::json!({"clientSecret": {"name": "s", "key": "k"}}),
        ));
        leaving.metadata.deletion_timestamp = Some(
            k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
        );
        assert_eq!(
            parse(&leaving, "x").unwrap_err().reason,
            Reason::IdentityDeleting
        );
    }
}
